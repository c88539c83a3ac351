"""Hold the coders of `corpora/public` against development passages, against themselves, each other and mere words.

Run ``python -m training.public_corpus.check_coders`` after ``assemble``; it writes ``corpora/public/CODERS.md``. A
coder whose logic macro-F1 on the development checks is below 0.85 is flagged, and the exit code is 1: such a coder
recodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

from training.coding import coders_page
from training.coding.records import read_development, read_keys, read_rows
from training.coding.scoring import Row, development_checks, read_coder, sides
from training.public_corpus.assemble import CODERS
from training.public_corpus.passages import CORPUS

HEAD = """# The coders, checked

Written by `python -m training.public_corpus.check_coders`; do not edit. Both coders are language models that read a
batch each in a context of its own, saw the two codebooks and the passages, and knew neither source nor which passages
were checks (`instructions.md`).
"""
EACH_OTHER = """## Against each other

As `sibnlp agree corpora/public/codings.jsonl` prints it; 95 % intervals resample whole documents. A family's figure is
the mean over its codes. Relation and stance are compared where both coders found two logics, or one.
"""


def page(codings: Sequence[Row], texts: Mapping[str, str], development: Sequence[Row]) -> tuple[str, list[str]]:
    """CODERS.md, and the coders that fall short."""
    batches = {coder: read_coder(CORPUS, CORPUS / "raw", coder) for coder in CODERS}
    checks = {coder: development_checks(batches[coder], development) for coder in CODERS}
    found = sides(codings, read_rows(CORPUS / "gold.jsonl"), read_keys(CORPUS, "adjudication"), CODERS)
    parts = [
        HEAD,
        coders_page.against_development(checks, batches),
        coders_page.against_themselves(batches),
        EACH_OTHER,
        coders_page.agreement_tables(codings, list(CODERS)),
        "By stream:\n",
        coders_page.agreement_by(codings, "stream", lambda row: str(row["stream"])),
        "## The adjudicator\n",
        coders_page.adjudicator(found, {coder: coder for coder in CODERS}),
        coders_page.against_words(codings, texts, CODERS),
    ]
    return "\n".join(parts), coders_page.short_coders(checks)


def main() -> None:
    """Write CODERS.md."""
    from training.public_corpus.draw import read_pool

    texts = {row["id"]: row["text"] for row in read_pool()}
    text, short = page(read_rows(CORPUS / "codings.jsonl"), texts, read_development())
    (CORPUS / "CODERS.md").write_text(text, encoding="utf-8")
    print(text.split("F1 by code")[0])
    if short:
        print(json.dumps({"recode": short}), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
