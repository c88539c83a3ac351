"""Hold writers and blind coders of `corpora/written` against what is known, themselves, each other and mere words.

Run ``python -m training.written_corpus.check_coders`` after ``assemble``; it writes ``corpora/written/CODERS.md``. A
blind coder whose logic macro-F1 on the development checks is below 0.85 is flagged, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training.coding import coders_page
from training.coding.records import SHARED, read_development, read_keys, read_rows
from training.coding.scoring import Row, development_checks, read_coder, sides
from training.written_corpus.assemble import BLIND, WRITER
from training.written_corpus.passages import ALONE, CODED, CODER, CORPUS, PILOT_CODERS, RAW, read_drafts

HEAD = f"""# The coders, checked

Written by `python -m training.written_corpus.check_coders`; do not edit. All are language models. A writer coded what
it wrote. Blind coder {CODER} read each batch in a context of its own and saw the two codebooks and the passages,
shuffled over the writers, no two members of a pair in one batch, and knew neither writers nor which passages were
checks (`instructions.md`).
"""
RULE = f"""{coders_page.FLAGGED.strip()} {ALONE} is the same model in a
context of its own, with the same codebooks and {CODER}'s checks of the first three waves alone, without the written
passages around them: what {ALONE} finds and {CODER} does not, looked pale beside written text.
"""
WRITERS_AND_BLIND = f"""## Writers and blind coder {CODER}

95 % intervals resample whole documents (a pair is one document). A family's figure is the mean over its codes. Relation
and stance are compared where both found two logics, or one.
"""
PILOT = """## The pilot: its author and blind coders A and B

The author read for logic and domain only, and gave domains by other lines than the codebook; the blind coders came
before codebooks 1.1. Intervals as above.
"""


def page(codings: Sequence[Row], gold: Sequence[Row], development: Sequence[Row]) -> tuple[str, list[str]]:
    """CODERS.md, and the coders that fall short.

    Args:
        codings, gold: of the corpus.
        development: the development passages.
    """
    batches = {coder: read_coder(CORPUS, CODED, coder) for coder in (CODER, ALONE)}
    found = {coder: development_checks(own, development) for coder, own in batches.items()}
    both = {row["id"] for own in batches[ALONE].values() for row, _ in own}
    shared = {name for name, own in batches[CODER].items() if {r["id"] for r, _ in own if r["what"] == "check"} <= both}
    checks = {
        CODER: found[CODER],
        f"{CODER}, where {ALONE} coded": [check for check in found[CODER] if check.batch in shared],
        ALONE: found[ALONE],
    }
    blind = {row["id"] for row in codings if row["coder"] == BLIND[CODER]}
    new = [row for row in codings if row["id"] in blind]
    pilot = [row for row in codings if row["speaker_group"] == "pilot"]
    keys = read_keys(CORPUS, "adjudication")
    pairs = ({"writer": WRITER, CODER: BLIND[CODER]}, {coder: BLIND[coder] for coder in PILOT_CODERS})
    followed = [
        coders_page.adjudicator(sides(codings, gold, keys, two), {letter: letter for letter in two}) for two in pairs
    ]
    parts = {
        "writer": lambda row: str(row["speaker_group"]),
        "genre": lambda row: str(row["genre"]),
        "hard": lambda row: "hard" if row["hard"] else "not hard",
        "pair": lambda row: f"in a pair, {row['changes']}" if row["pair"] else "single",
    }
    texts = {draft["id"]: draft["text"] for draft in read_drafts(RAW)}
    text = [
        HEAD,
        coders_page.against_development(checks, batches, RULE),
        coders_page.against_themselves({CODER: batches[CODER]}),
        WRITERS_AND_BLIND,
        coders_page.agreement_tables(new, ["writers", CODER]),
        *(coders_page.agreement_by(new, head, part) for head, part in parts.items()),
        PILOT,
        coders_page.agreement_tables(pilot, ["author", *PILOT_CODERS]),
        "## The adjudicator\n",
        *followed,
        coders_page.against_words(new, texts, {"writers": WRITER, CODER: BLIND[CODER]}),
    ]
    return "\n".join(text), coders_page.short_coders({CODER: found[CODER]})


def main() -> None:
    """Write CODERS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--development", type=Path, default=SHARED / "real", help="folder of the development passages")
    development = read_development(parser.parse_args().development)
    text, short = page(read_rows(CORPUS / "codings.jsonl"), read_rows(CORPUS / "gold.jsonl"), development)
    (CORPUS / "CODERS.md").write_text(text, encoding="utf-8")
    print(text.split("F1 by code")[0])
    if short:
        print(json.dumps({"below the bar": short}), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
