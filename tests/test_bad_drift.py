"""Input that a drift report cannot make the best of: each is named where a reader looks, the rest still comes out."""

from __future__ import annotations

import pytest

from sibnlp import pipeline
from sibnlp.errors import DataError
from sibnlp.project import Drift
from sibnlp.report import view
from sibnlp.types import CodedPassage, Passage
from tests.synthetic import predictions
from tests.test_follow import NAMES, rows

TWO = rows("1", NAMES) + rows("2", NAMES)
ONE_NAMED = "May be one actor under two names: A. Berg and Anna Berg"
CASES = {
    "one period only": (rows("1", NAMES), "Only one period has passages"),
    "a code never present": (TWO, "No passage carries NPG"),
    "a period with one document": (rows("1", NAMES) + rows("2", NAMES[:1]), "Only one document in 2"),
    "no dates at all": ([{**row, "stage": None} for row in rows("1", NAMES)], "No passage has a stage or a date"),
    "some dates missing": ([*TWO, {"document": "x", "speaker": "Ann", "codes": []}], "1 of 101 passages have no"),
    "an actor under two names": (rows("1", ["Anna Berg", *NAMES]) + rows("2", ["A. Berg", *NAMES]),
                                 ONE_NAMED),
    "no actor in two periods": (rows("1", NAMES) + rows("2", ["Fay", "Gus"]), "No actor is heard in two periods"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named_and_the_rest_comes_out(case: str) -> None:
    made, expected = CASES[case]
    report = pipeline.track(predictions(made), ["osborne"])
    shown, script = view.build(report)
    (section,) = shown["sections"]
    assert any(expected in note for note in section["notes"]), section["notes"]
    shares = [share for domain in section["findings"] for row in domain["rows"] for share in row["shares"]]
    assert any(share["cell"] is not None and script["cells"][share["cell"]]["rows"] for share in shares)
    assert shown["verdict"][0]["text"]
    assert script["charts"]


def test_gold_outside_the_sample_or_of_changed_text_is_named_and_the_rest_comes_out() -> None:
    coded = predictions(TWO)
    own = coded.passages[0]
    gold = [
        CodedPassage(own, ("NPM",), "Ann"),
        CodedPassage(Passage(own.id, own.document, own.start, own.start + 7, "changed"), ("NPM",), "Ann"),
        CodedPassage(Passage("z:0-5", "z", 0, 5, "other"), ("NPM",), "Ann"),
    ]
    report = pipeline.track(coded, ["osborne"], gold=gold)
    shown, _ = view.build(report)
    said = " ".join(shown["warnings"])
    assert "1 of 3 coded passages are not among the predictions" in said
    assert "1 of 3 coded passages have another text than when they were coded" in said
    assert shown["sections"][0]["findings"]


def test_a_period_that_was_asked_for_and_is_nowhere_is_misuse() -> None:
    with pytest.raises(DataError, match="no passage has a date that names a month"):
        pipeline.track(predictions(TWO), ["osborne"], drift=Drift(period="month"))
