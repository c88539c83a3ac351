"""From writers and blind coders to the corpus: ``codings.jsonl`` (who said what), the adjudicator's queue, gold.

    python -m training.written_corpus.assemble --drafts FOLDER --queue

``--drafts`` first copies the writers' finished files into ``corpora/written/raw``, as they came; ``--queue`` lays out,
outside the repository, what writer and coder differ on and nobody was asked about yet. Raw codings are copied to
``corpora/written/raw_coded`` and read from there on. A batch with a fault is refused whole, its faults are named and
counted, and the exit code is 1; the rest is assembled.

The pilot has two blind coders and an author who read for logic and domain only: the blind coders decide there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.coding.adjudication import changes, decisions, hand_out, lay_out, settle
from training.coding.assembly import Assembled, Places, blind, coded, leave_out_duplicates, report, waves
from training.coding.records import SHARED, Coding, read_development, write_rows
from training.written_corpus import numbers_page
from training.written_corpus.passages import (
    CODER,
    CORPUS,
    PILOT_CODERS,
    WORK,
    days,
    passage,
    pilot_codings,
    read_drafts,
    take_drafts,
    writers_coding,
)

WRITER = "language model, writer"
BLIND = {coder: f"language model, blind coder {coder}" for coder in (*PILOT_CODERS, CODER)}
AGREED = {
    "writer": "language model, writer and blind coder agree",
    "A": "language model, blind coders A and B agree",
}
SEED = 20261128


def assemble(corpus: Path, incoming: Path, decided: Path, checks: set[str]) -> Assembled:
    """Put the corpus together.

    Args:
        corpus: folder with ``raw/``, ``raw_coded/`` and ``keys/``.
        incoming: raw batches of the blind coder; decided: of the adjudicator.
        checks: ids of the development passages that went into the queues; they never come out.
    """
    out, places = Assembled(), Places(corpus, corpus / "raw_coded", decided)
    drafts = {draft["id"]: draft for draft in read_drafts(corpus / "raw")}
    wave_of = waves(corpus, CODER)
    passages = {id: passage(draft, wave_of.get(id, 0)) for id, draft in drafts.items()}
    known = {id: one["fingerprint"] for id, one in passages.items()}
    given = blind(places, incoming, [CODER], known, checks, out)
    said: dict[str, dict[str, tuple[Coding, str]]] = {
        id: {CODER: (coding, given.days[CODER, id])} for id, coding in given.codings[CODER].items()
    }
    for coder in PILOT_CODERS:
        dropped: Counter[str] = Counter()
        for id, coding in pilot_codings(places.raw, coder, dropped).items():
            said.setdefault(id, {})[coder] = coding
        out.counts[f"domains dropped, {coder}"] = dropped["domain"]
    pairs = _codings(drafts, passages, said, days(corpus / "raw"), out)
    last = {id: said[id][list(pair)[-1]][1] for id, pair in pairs.items()}
    settled = decisions(places, pairs, out)
    settle(passages, pairs, last, AGREED, settled, changes(places, out), out)
    leave_out_duplicates(corpus, out)
    lay_out(corpus, pairs, settled, {id: draft["text"] for id, draft in drafts.items()}, SEED, out)
    return out


def _codings(
    drafts: Mapping[str, Mapping[str, Any]],
    passages: Mapping[str, Mapping[str, Any]],
    said: Mapping[str, Mapping[str, tuple[Coding, str]]],
    written: Mapping[str, str],
    out: Assembled,
) -> dict[str, dict[str, Coding]]:
    """Write everybody's codings out; the two that decide, by passage."""
    dropped: Counter[str] = Counter()
    pairs: dict[str, dict[str, Coding]] = {}
    for id, draft in drafts.items():
        own, extent = writers_coding(draft, dropped)
        # The text stands in gold and in raw/, once each: codings say what was found, as in corpora/public.
        row = {name: value for name, value in passages[id].items() if name != "text"}
        out.codings.append({**row, **coded(own, WRITER, written[draft["writer"]], extent)})
        others = said.get(id, {})
        for coder, (coding, day) in others.items():
            out.codings.append({**row, **coded(coding, BLIND[coder], day)})
        if all(coder in others for coder in PILOT_CODERS):
            pairs[id] = {coder: others[coder][0] for coder in PILOT_CODERS}
        elif CODER in others:
            pairs[id] = {"writer": own, CODER: others[CODER][0]}
        else:
            out.counts["awaiting a blind coder"] += 1
    out.counts["domains dropped, writers"] = dropped["domain"]
    return pairs


def main() -> None:
    """Assemble what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drafts", type=Path, help="copy the writers' finished files from here")
    parser.add_argument("--coded", type=Path, default=WORK / "coded", help="the blind coder's raw batches")
    parser.add_argument("--adjudicated", type=Path, default=WORK / "adjudicated", help="the adjudicator's raw batches")
    parser.add_argument("--queue", type=Path, nargs="?", const=WORK, help="lay out what is to be adjudicated here")
    parser.add_argument("--development", type=Path, default=SHARED / "real", help="folder of the development passages")
    arguments = parser.parse_args()
    faults = take_drafts(arguments.drafts, CORPUS / "raw") if arguments.drafts else []
    checks = {row["id"] for row in read_development(arguments.development)}
    out = assemble(CORPUS, arguments.coded, arguments.adjudicated, checks)
    out.problems += faults
    write_rows(CORPUS / "codings.jsonl", out.codings)
    write_rows(CORPUS / "gold.jsonl", out.gold)
    (CORPUS / "NUMBERS.md").write_text(numbers_page.page(out.codings, out.gold, out.counts), encoding="utf-8")
    hand_out(CORPUS, arguments.queue, out)
    report(out)


if __name__ == "__main__":
    main()
