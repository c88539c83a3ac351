"""The demo case as a corpus: ``gold.jsonl`` (as its writers coded it), ``codings.jsonl`` (by coder), CODERS.md.

    python -m training.demo_corpus.assemble [--differences FILE]

The case was written to codes that were fixed before a word was, so gold is the writers' coding: that is the known truth
the case is for, and nobody adjudicates it. A second coder read every passage blind; how far that coder finds what the
writers meant stands in CODERS.md, and what they differ on in gold's ``contested``. Raw batches are copied to
``corpora/demo/raw_coded``; one with a fault is refused whole, its faults are named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.coding import coders_page, drafts
from training.coding.assembly import Assembled, Places, blind, coded, report, waves
from training.coding.records import SHARED, read_development, write_rows
from training.coding.scoring import Row, development_checks, read_coder
from training.demo_corpus.passages import CODER, CORPUS, WORK, passages, read_case, writers_codings

WRITER, BLIND = "language model, writer", f"language model, blind coder {CODER}"
LISTED = "drafts.json"
HEAD = """# The second coder, checked

Written by `python -m training.demo_corpus.assemble`; do not edit. The second coder is a language model that read a
batch each in a context of its own and saw the two codebooks and single passages, shuffled over the case, and neither
documents, speakers, plan nor which passages were checks (`instructions.md`). The first is the writers: what each
passage was written to.
"""
EACH_OTHER = """## Writers and second coder

As `sibnlp agree corpora/demo/codings.jsonl` prints it; 95 % intervals resample whole documents. A family's figure is
the mean over its codes. Relation and stance are compared where both found two logics, or one.
"""


def assemble(case: Path, corpus: Path, incoming: Path, checks: set[str]) -> Assembled:
    """Put codings and gold together.

    Args:
        case: folder with ``plan.json`` and ``source/``.
        corpus: folder with ``keys/``, ``raw_coded/`` and ``drafts.json``.
        incoming: raw batches of the second coder.
        checks: ids of the development passages that went into the queues; they never come out.
    """
    out = Assembled()
    plan, sources, lacking = read_case(case)
    out.problems += [f"plan.json: {name} is not written" for name in lacking]
    out.problems += [f"{name} is not what {LISTED} says" for name in drafts.changed(corpus / LISTED, _files(case))]
    rows, own = passages(plan, sources), writers_codings(sources)
    known = {row["id"]: row["fingerprint"] for row in rows}
    given = blind(Places(corpus, corpus / "raw_coded", incoming), incoming, [CODER], known, checks, out)
    wave_of = waves(corpus, CODER)
    written = {name: one["written"] for name, one in drafts.read(corpus / LISTED).items()}
    for row in rows:
        id = row["id"]
        row["round"] = wave_of.get(id, 0)
        # The text stands in gold, once: codings say what was found, as in corpora/public.
        standing = {name: value for name, value in row.items() if name != "text"}
        first = coded(own[id], WRITER, written.get(id.rpartition(":")[0], ""))
        out.codings.append({**standing, **first})
        second = given.codings[CODER].get(id)
        if second:
            out.codings.append({**standing, **coded(second, BLIND, given.days[CODER, id])})
            out.counts["coded by both"] += 1
            out.counts["coded alike"] += second.content == own[id].content
        out.counts["awaiting the second coder"] += second is None
        contested = sorted(set(second.codes) ^ set(own[id].codes)) if second else []
        del first["confidence"]
        out.gold.append({**row, **first, "contested": contested, "decided": "as written"})
    return out


def _files(case: Path) -> list[Path]:
    return sorted((case / "source").glob("*.jsonl"))


def page(corpus: Path, out: Assembled, development: Sequence[Row]) -> str:
    """CODERS.md.

    Args:
        corpus: with ``keys/`` and ``raw_coded/``.
        out: what was assembled.
        development: the development passages.
    """
    batches = {CODER: read_coder(corpus, corpus / "raw_coded", CODER)}
    checks = {CODER: development_checks(batches[CODER], development)}
    both = {row["id"] for row in out.codings if row["coder"] == BLIND}
    if not both:
        return HEAD + "\nNo passage is coded by the second coder yet.\n"
    codings = [row for row in out.codings if row["id"] in both]
    texts = {row["id"]: row["text"] for row in out.gold}
    parts = {
        "stage": lambda row: str(row["stage"]),
        "kind": lambda row: str(row["kind"]),
        "actor": lambda row: str(row["speaker_group"] or "(documents)"),
    }
    return "\n".join([
        HEAD,
        f"{len(both)} of {len(out.gold)} passages are coded by both; {out.counts['coded alike']} of them alike in "
        "every code and stance.\n",
        coders_page.against_development(checks, batches, coders_page.FLAGGED),
        coders_page.against_themselves(batches),
        EACH_OTHER,
        coders_page.agreement_tables(codings, ["writers", CODER]),
        *(coders_page.agreement_by(codings, head, part) for head, part in parts.items()),
        coders_page.against_words(codings, texts, {"writers": WRITER, CODER: BLIND}),
    ])  # fmt: skip


def differences(out: Assembled) -> list[dict[str, Any]]:
    """What writers and second coder differ on, with the text, for whoever reworks the case."""
    given: dict[str, dict[str, Any]] = {}
    for row in out.codings:
        given.setdefault(row["id"], {})[row["coder"]] = {"codes": row["codes"], "stances": row["stances"]}
    texts = {row["id"]: row["text"] for row in out.gold}
    return [
        {"id": id, "text": texts[id], "writer": two[WRITER], "blind": two[BLIND]}
        for id, two in given.items() if len(two) == 2 and two[WRITER] != two[BLIND]
    ]  # fmt: skip


def main() -> None:
    """Assemble what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coded", type=Path, default=WORK / "coded", help="the second coder's raw batches")
    parser.add_argument("--development", type=Path, default=SHARED / "real", help="folder of the development passages")
    parser.add_argument("--differences", type=Path, help="JSONL of what the two differ on; outside the repository")
    arguments = parser.parse_args()
    development = read_development(arguments.development)
    drafts.note(CORPUS / LISTED, _files(CORPUS))
    out = assemble(CORPUS, CORPUS, arguments.coded, {row["id"] for row in development})
    write_rows(CORPUS / "codings.jsonl", out.codings)
    write_rows(CORPUS / "gold.jsonl", out.gold)
    (CORPUS / "CODERS.md").write_text(page(CORPUS, out, development), encoding="utf-8")
    if arguments.differences:
        write_rows(arguments.differences, differences(out))
    report(out)


if __name__ == "__main__":
    main()
