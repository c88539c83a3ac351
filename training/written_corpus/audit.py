"""Look for what the eye misses in `corpora/written`: templates, borrowed words, near-duplicates, doubtful codings.

Run with cleanlab installed, which is no dependency of ours (see `training.coding.audit`), and the pool beside the
repository::

    python -m training.written_corpus.audit [--shared FOLDER] [--candidates FILE]

It writes ``corpora/written/AUDIT.md`` and ``near_duplicates.jsonl``. With ``--candidates`` the passages whose codes are
in doubt go, with their text, to a file outside the repository for a reader.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.audit import LIMIT, SURE, doubts, listed, near_duplicates, plainest, write_candidates
from training.coding.coders_page import table
from training.coding.records import SHARED, read_development, read_keys, read_rows, write_rows
from training.demo_corpus import passages as demo
from training.written_corpus.check_draft import (
    LEAST_WORDS,
    MOST_WORDS,
    RUN,
    counterparts,
    shared_runs,
    words,
)
from training.written_corpus.passages import CORPUS, RAW, read_drafts

# What no text of ours may share with a public one: so many words in a row.
BORROWED = 12
# Gold of commit f9e3027.
BEFORE_REVIEW = "d09ab2c95535af44"
Row = Mapping[str, Any]
Pairs = Sequence[tuple[str, str, float]]


def public_texts(shared: Path) -> list[str]:
    """Texts of the pool and of the development passages."""
    with gzip.open(shared / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        pool = [json.loads(line)["text"] for line in lines]
    return pool + [row["text"] for row in read_development(shared / "real")]


def borrowed(rows: Iterable[Row], texts: Iterable[str]) -> list[tuple[str, str]]:
    """Passages that share twelve words in a row with a public text: ids, and the words."""
    known = {run for text in texts for run in _runs(words(text), BORROWED)}
    found = []
    for row in rows:
        run = next((run for run in _runs(words(row["text"]), BORROWED) if run in known), None)
        if run:
            found.append((row["id"], " ".join(run)))
    return found


def _runs(tokens: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def openings(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """First four words that stand at the head of more passages than ``shared/tools/scan.py`` lets pass, pairs once."""
    once = {row["pair"] or row["id"]: row for row in rows}
    counts = Counter(" ".join(words(row["text"])[:4]) for row in once.values())
    return [(words, n) for words, n in counts.most_common() if n > max(3, len(rows) // 200)]


def alike(rows: Sequence[Row]) -> list[tuple[str, str, float]]:
    """Near-duplicates outside counterfactual pairs: ids and cosine."""
    texts = [row["text"] for row in rows]
    return [
        (rows[i]["id"], rows[j]["id"], cosine)
        for i, j, cosine in near_duplicates(texts, texts)
        if i < j and not counterparts(rows[i], rows[j])
    ]


def first_section(rows: Sequence[Row], others: Sequence[Row], public: Sequence[str], pairs: Pairs, leaks: Pairs) -> str:
    """What the audit finds in the texts.

    Args:
        rows: the passages; others: of the demo case.
        public: public texts.
        pairs: near-duplicates among the passages; leaks: of a passage and a development passage.
    """
    lengths = [len(row["text"].split()) for row in rows]
    outside = [row["id"] for row, n in zip(rows, lengths, strict=True) if not LEAST_WORDS <= n <= MOST_WORDS]
    own = {row["id"] for row in rows}
    runs = [(a, b, run) for a, b, run in shared_runs([*rows, *others]) if {a, b} & own]
    splits = {row["id"]: row["split"] for row in read_rows(CORPUS / "gold.jsonl")}
    across = [pair for pair in pairs if splits.get(pair[0]) != splits.get(pair[1])]
    taken, heads = borrowed(rows, public), openings(rows)
    found: list[tuple[str, Sequence[Any]]] = [
        (f"passages of fewer than {LEAST_WORDS} or more than {MOST_WORDS} words", outside),
        (f"{RUN} words in a row shared by two passages outside pairs, the demo case's among them", runs),
        (f"{BORROWED} words in a row shared with a public text", taken),
        ("first four words used too often (`shared/tools/scan.py`), a pair counted once", heads),
        (f"near-duplicates outside pairs (TF-IDF cosine {LIMIT} or more)", pairs),
        ("… of which in different splits", across),
        ("near-duplicates of a development passage", leaks),
    ]
    details = [
        f"{name}:\n\n{listed([one if isinstance(one, tuple) else (one,) for one in items])}\n"
        for name, items in found if items
    ]  # fmt: skip
    return "\n".join([
        f"## Texts\n\n{len(rows)} passages beside {len(others)} of `corpora/demo`.\n",
        table(["", "found"], [(name, len(items)) for name, items in found]),
        *details,
    ])  # fmt: skip


def review_section() -> str:
    """What a reviewer said of candidates."""
    rows = [row for batch in read_keys(CORPUS, "review").values() for row in batch]
    changed = {row["id"] for row in rows if row["verdict"] == "changed"}
    applied = [row["id"] for row in read_rows(CORPUS / "gold.jsonl") if row["decided"] == "reviewed"]
    return f"""## Reviewed

Of the candidates below, a reviewer (a language model, with codebooks and passage) read those that concern a logic
and of which the classifier was nearly sure (held-out probability of {SURE} or less, {1 - SURE} or more), drawn up when
the list below was a few lines different: {len(rows)} passages. {len(rows) - len(changed)} stand, {len(changed)} were
changed, in domains and dimensions only; {len(applied)} changes are in gold (none is ever applied in the test split).

{listed([(id,) for id in sorted(applied)]) or "none"}

A model whose manifest names `gold.jsonl` with sha256 `{BEFORE_REVIEW}…` (gov-base and gov-fast, first trained on it)
learnt from gold as it was before these changes.
"""


def main() -> None:
    """Write AUDIT.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with real/ and tools/")
    parser.add_argument("--candidates", type=Path, help="JSONL with text, for a reader; outside the repository")
    parser.add_argument("--plainest", action="store_true", help="as candidates only logics the classifier is sure of")
    arguments = parser.parse_args()
    rows, gold = read_drafts(RAW), read_rows(CORPUS / "gold.jsonl")
    plan, sources, _ = demo.read_case(demo.CORPUS)
    development = read_development(arguments.shared / "real")
    pairs = alike(rows)
    write_rows(CORPUS / "near_duplicates.jsonl", ({"ids": [a, b], "cosine": cosine} for a, b, cosine in pairs))
    hits = near_duplicates([row["text"] for row in rows], [row["text"] for row in development])
    leaks = [(rows[i]["id"], development[j]["id"], cosine) for i, j, cosine in hits]
    others = demo.passages(plan, sources)
    head = first_section(rows, others, public_texts(arguments.shared), pairs, leaks)
    texts = {row["id"]: row["text"] for row in rows}
    found = doubts(gold, texts)
    page = "# Audit\n\nWritten by `python -m training.written_corpus.audit`; do not edit.\n"
    (CORPUS / "AUDIT.md").write_text("\n".join([page, head, review_section(), found.section]), encoding="utf-8")
    print(head, *found.section.splitlines()[:24], sep="\n")
    if arguments.candidates:
        write_candidates(arguments.candidates, plainest(found) if arguments.plainest else found, gold, texts)


if __name__ == "__main__":
    main()
