"""Input that a drift report cannot make the best of: each is named where a reader looks, the rest still comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sibnlp import pipeline
from sibnlp.codebook import load
from sibnlp.errors import DataError
from sibnlp.gold import match
from sibnlp.project import Drift
from sibnlp.report import view
from sibnlp.types import CodedPassage, Passage, Predictions, Trajectory
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


def gold_of(n: int, chance: float | None = None) -> tuple[Predictions, list[CodedPassage]]:
    """Predictions of `TWO`, and codings of the first passages of both periods in turn."""
    coded = predictions(TWO)
    half = len(coded.passages) // 2
    order = [row for pair in zip(range(half), range(half, 2 * half), strict=True) for row in pair]
    held = [CodedPassage(coded.passages[row], coded.codes_of(row), "Ann", ("logic",), {}, chance) for row in order[:n]]
    return coded, held


def away(coding: CodedPassage, **changes: object) -> CodedPassage:
    return replace(coding, passage=replace(coding.passage, **changes))


# Gold of forty drawn passages and one more, and what is said of the latter.
OUTSIDE = {
    "another document": (
        lambda one: away(one, document="z.docx", id="z:0-5"),
        ["1 of 41 coded passages are not among the predictions", "left out",
         "1 of documents that are not followed here (first: passage z:0-5 of z.docx)"],
    ),
    "an id and a text that its document has not": (
        lambda one: away(one, id="nobody:7", text="Nobody here ever said a word of this, not in any interview."),
        ["1 of 41 coded passages are not among the predictions",
         "in which no passage has that id or text (first: passage nobody:7 of 2-Eve)"],
    ),
    "outside the drawn sample": (
        lambda one: replace(one, inclusion_probability=None),
        ["1 of 41 coded passages have no inclusion probability while others do", "outside the drawn sample",
         "first: passage ID of 2-Eve", "leave the others out"],
    ),
    "changed text": (
        lambda one: away(one, text="changed"),
        ["1 of 41 coded passages have another text than when they were coded", "(first: passage ID of 2-Eve)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTSIDE)
def test_gold_outside_is_named_with_its_file_and_corrects_nothing(case: str) -> None:
    coded, gold = gold_of(40, 0.4)
    last = len(coded.passages) - 1
    stray = CodedPassage(coded.passages[last], ("NPM", "NPG"), "Ann", ("logic",), {}, 0.4)
    change, expected = OUTSIDE[case]
    report = pipeline.track(coded, ["osborne"], gold=[*gold, change(stray)], gold_file="coded.jsonl")
    (said,) = [warning for warning in report.warnings if warning.startswith("coded.jsonl: 1 of 41")]
    for part in expected:
        assert part.replace("ID", stray.passage.id) in said
    # The page says it too, and every figure is what it would be without the stray one.
    shown, script = view.build(report)
    assert said in shown["warnings"]
    assert shown["sections"][0]["findings"]
    assert script["charts"]
    without = pipeline.track(coded, ["osborne"], gold=gold)
    assert [figure(one) for one in report.trajectories] == [figure(one) for one in without.trajectories]


def figure(trajectory: Trajectory) -> str:
    return repr((trajectory.prevalence, trajectory.shifts))


def test_gold_that_is_all_outside_leaves_the_figures_as_they_are() -> None:
    coded, gold = gold_of(40)
    strays = [away(one, document=f"other/{i}.docx", id=f"x{i}") for i, one in enumerate(gold)]
    report = pipeline.track(coded, ["osborne"], gold=strays, gold_file="coded.jsonl")
    said = " ".join(report.warnings)
    assert "coded.jsonl: 40 of 40 coded passages are not among the predictions" in said
    assert "(first: passage x0 of other/0.docx)" in said
    assert "coded.jsonl: No coding is left to correct by" in said
    cells = report.trajectories[0].prevalence
    assert {one.rung for one in cells} == {
        one.rung for one in pipeline.track(coded, ["osborne"]).trajectories[0].prevalence
    }
    assert any(one.estimate == 0.5 for one in cells)


def test_gold_without_a_period_is_named() -> None:
    nowhere = {"document": "x.docx", "speaker": "Ann", "codes": []}
    coded = predictions([*TWO, nowhere])
    stray = CodedPassage(coded.passages[-1], ("NPM",), "Ann")
    report = pipeline.track(coded, ["osborne"], gold=[CodedPassage(coded.passages[0], ("NPM",), "Ann"), stray])
    said = " ".join(report.trajectories[0].notes)
    assert f"1 coded passages have no period and correct nothing (first: passage {stray.passage.id} of x.docx)" in said


def test_a_drawn_passage_stays_drawn_whoever_else_coded_it() -> None:
    coded, gold = gold_of(4, 0.4)
    twice = [replace(gold[0], coder="Bob", inclusion_probability=None), *gold]
    assert match(twice, coded, [load("osborne")]).chance.tolist() == [0.4] * 4


def test_a_period_that_was_asked_for_and_is_nowhere_is_misuse() -> None:
    with pytest.raises(DataError, match="no passage has a date that names a month"):
        pipeline.track(predictions(TWO), ["osborne"], drift=Drift(period="month"))
