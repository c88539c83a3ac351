"""From the coders' raw batches to the corpus: ``codings.jsonl`` (who said what), the adjudicator's queue, gold.

Run ``python -m training.public_corpus.assemble`` with the pool beside the repository; ``--queue`` also lays out,
outside the repository, what the two coders differ on and nobody was asked about yet. Raw batches are copied to
``corpora/public/raw`` as they came (they hold no text) and read from there on. A batch with a fault is refused whole,
its faults are named and counted, and the exit code is 1; the rest is assembled.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.adjudication import changes, decisions, hand_out, lay_out, settle
from training.coding.assembly import Assembled, Places, blind, coded, leave_out_duplicates, report
from training.coding.records import read_development, read_rows, write_rows
from training.public_corpus import numbers_page
from training.public_corpus.passages import CORPUS, document_of, groups, passage

CODERS = {"A": "language model, blind coder A", "B": "language model, blind coder B"}
AGREED = {"A": "language model, blind coders A and B agree"}
SEED = 20261122


def assemble(
    corpus: Path, incoming: Path, decided: Path, pool: Sequence[Mapping[str, Any]], checks: set[str]
) -> Assembled:
    """Put the corpus together.

    Args:
        corpus: folder with ``sample.jsonl`` and ``keys/``.
        incoming: raw batches of the coders; decided: of the adjudicator.
        pool: the passages that may be in the corpus, with text.
        checks: ids of the development passages that went into the queues; they never come out.
    """
    out, places = Assembled(), Places(corpus, corpus / "raw", decided)
    texts, sample = {row["id"]: row for row in pool}, {row["id"]: row for row in read_rows(corpus / "sample.jsonl")}
    group = groups(pool)
    for id in sample:
        if id not in texts:
            out.problems.append(f"sample.jsonl: passage {id} is not in the pool, or held out for development")
    given = blind(places, incoming, list(CODERS), dict.fromkeys(sample), checks, out)
    shared = {id: passage(texts[id], sample[id], group[document_of(texts[id])]) for id in sample if id in texts}
    for id, one in shared.items():
        for coder, name in CODERS.items():
            if coding := given.codings[coder].get(id):
                out.codings.append({**one, **coded(coding, name, given.days[coder, id])})
    pairs = {
        id: {coder: given.codings[coder][id] for coder in CODERS}
        for id in shared if all(id in given.codings[coder] for coder in CODERS)
    }  # fmt: skip
    days = {id: given.days["B", id] for id in pairs}
    settled = decisions(places, pairs, out)
    settle(shared, pairs, days, AGREED, settled, changes(places, out), out)
    leave_out_duplicates(corpus, out)
    lay_out(corpus, pairs, settled, {id: texts[id]["text"] for id in pairs}, SEED, out)
    return out


def main() -> None:
    """Assemble what is there."""
    from training.public_corpus.draw import read_pool

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work = Path("/tmp/coding/public")
    parser.add_argument("--coded", type=Path, default=work / "coded", help="the coders' raw batches")
    parser.add_argument("--adjudicated", type=Path, default=work / "adjudicated", help="the adjudicator's raw batches")
    parser.add_argument("--queue", type=Path, nargs="?", const=work, help="lay out what is to be adjudicated here")
    arguments = parser.parse_args()
    checks = {row["id"] for row in read_development()}
    out = assemble(CORPUS, arguments.coded, arguments.adjudicated, read_pool(), checks)
    write_rows(CORPUS / "codings.jsonl", out.codings)
    write_rows(CORPUS / "gold.jsonl", out.gold)
    (CORPUS / "NUMBERS.md").write_text(numbers_page.page(out.codings, out.gold, out.counts), encoding="utf-8")
    hand_out(CORPUS, arguments.queue, out)
    report(out)


if __name__ == "__main__":
    main()
