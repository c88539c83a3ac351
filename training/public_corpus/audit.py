"""Look for what the eye misses in `corpora/public` (see `training.coding.audit`).

Run with cleanlab installed, which is no dependency of ours::

    python -m training.public_corpus.audit [--candidates FILE]

It reads ``gold.jsonl`` and the pool's texts and writes ``corpora/public/AUDIT.md``: counts and ids, no text. With
``--candidates`` the passages in question, with their text, go to a file outside the repository for a reader.
Near-duplicates are sought between passages of different documents, and between drawn and development passages.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from training.coding.audit import LIMIT, doubts, listed, near_duplicates, write_candidates
from training.coding.records import SHARED, read_development, read_rows, write_rows
from training.public_corpus.passages import CORPUS


def main() -> None:
    """Write AUDIT.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=Path, help="JSONL with text, for a reader; outside the repository")
    arguments = parser.parse_args()
    with gzip.open(SHARED / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    development = read_development()
    gold = read_rows(CORPUS / "gold.jsonl")
    drawn = {row["id"]: row for row in [*read_rows(CORPUS / "codings.jsonl"), *gold]}
    ids = list(drawn)
    own = [texts[id] for id in ids]
    pairs = [
        (ids[i], ids[j], cosine)
        for i, j, cosine in near_duplicates(own, own)
        if i < j and drawn[ids[i]]["document"] != drawn[ids[j]]["document"]
    ]
    across = [pair for pair in pairs if drawn[pair[0]]["split"] != drawn[pair[1]]["split"]]
    write_rows(CORPUS / "near_duplicates.jsonl", ({"ids": [a, b], "cosine": cosine} for a, b, cosine in pairs))
    golden = {row["id"]: set(row["codes"]) for row in gold}
    unlike = [p for p in pairs if p[0] in golden and p[1] in golden and golden[p[0]] != golden[p[1]]]
    held = [row["text"] for row in development]
    leaks = [(ids[i], development[j]["id"], cosine) for i, j, cosine in near_duplicates(own, held)]
    found = doubts(gold, texts)
    page = f"""# Audit

Written by `python -m training.public_corpus.audit`; do not edit. Ids only: the texts come with `fetch.py`.

## Near-duplicates

Cosine of TF-IDF vectors of {LIMIT} or more. {len(ids)} drawn passages, {len(development)} development passages.

| | pairs |
| --- | ---: |
| of drawn passages in different documents | {len(pairs)} |
| … of which in different splits | {len(across)} |
| … of which with different gold codes | {len(unlike)} |
| of a drawn and a development passage | {len(leaks)} |

Where near-duplicates lie in different splits, `assemble` leaves out of gold all but those of one split, test before
validation before train (it reads `near_duplicates.jsonl`); `codings.jsonl` keeps them.

In different splits:

{listed(across) or "none"}

With different gold codes:

{listed(unlike) or "none"}

Of a drawn and a development passage (second id):

{listed(leaks) or "none"}

All others:

{listed([pair for pair in pairs if pair not in across and pair not in unlike]) or "none"}

{found.section}"""
    (CORPUS / "AUDIT.md").write_text(page, encoding="utf-8")
    print(page.split("In different splits:")[0], *page.split("## Candidates")[1].splitlines()[:24], sep="\n")
    if arguments.candidates:
        write_candidates(arguments.candidates, found, gold, texts)


if __name__ == "__main__":
    main()
