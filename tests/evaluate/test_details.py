"""Agreement of coders, curves, confusion, slices and comparisons against values worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from sibnlp.calibrate import expected_calibration_error
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.evaluate.align import Aligned, align
from sibnlp.evaluate.coders import pairs
from sibnlp.evaluate.compare import compare
from sibnlp.evaluate.confusion import co_occurrence, confusion
from sibnlp.evaluate.curves import N_POINTS, reliability, selective
from sibnlp.evaluate.details import details
from sibnlp.evaluate.slices import OTHERS, UNKNOWN, slices
from sibnlp.types import CodedPassage, Predictions
from tests.coded import codebook
from tests.evaluate.test_scores import FOUR, READ, gold, passage, predictions

TOPIC = 0


def four() -> Aligned:
    return align(FOUR, READ, [codebook()])


def test_reliability_is_the_calibration_error_taken_apart() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((300, 4))
    coded = gold(*[("bread",) if x > 0.6 else () for x in p[:, 0]])
    data = align(predictions(p.tolist()), coded, [codebook()])
    bins = reliability(data, [0])
    assert sum(one.n for one in bins) == 300
    gaps = sum(one.n * abs(one.stated - one.observed) for one in bins) / 300
    assert gaps == pytest.approx(expected_calibration_error(data.probabilities[:, 0], data.truth[:, 0]))
    assert all(one.low < one.stated <= one.high for one in bins)


def test_risk_falls_where_the_model_knows_what_it_does_not_know() -> None:
    data = four()
    found = selective(data, data.families[TOPIC])
    assert found is not None
    # Of four passages p1 and p3 … only p1 (bread invented, confidence 0.6) is wrong in the family; the surest is p2.
    assert found.risk == 0.25
    assert found.points[0][2] == 0
    assert found.points[-1][1:] == (1.0, 0.25)
    assert len(found.points) <= N_POINTS
    unread = align(FOUR, [replace(c, extent=("tone",), codes=()) for c in READ], [codebook()])
    assert selective(unread, unread.families[TOPIC]) is None


def test_confusion_sets_what_was_missed_against_what_was_invented() -> None:
    said = predictions([[0.9, 0.1, 0, 0], [0.1, 0.9, 0, 0], [0.9, 0.1, 0, 0], [0.1, 0.1, 0, 0], [0.9, 0.9, 0, 0]])
    coded = gold(("bread",), ("bread",), (), (), ("boats",))
    data = align(said, coded, [codebook()])
    found = confusion(data, data.families[TOPIC])
    assert found is not None
    assert found.codes == ("bread", "boats")
    # Rows people, columns model, the last of each none: p1 bread taken for boats; bread of p2 and p4 invented.
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 0], [2, 0, 1]]


def test_co_occurrence_counts_pairs_of_both() -> None:
    data = four()
    found = co_occurrence(data)
    pair = found.codes.index("bread"), found.codes.index("glad")
    assert found.people[pair] == found.model[pair] == 1
    assert found.people[pair[0], pair[0]] == 2
    assert found.model[pair[0], pair[0]] == 3
    assert (found.people == found.people.T).all()


def with_extra(values: Sequence[object]) -> tuple[Predictions, list[CodedPassage]]:
    rng = np.random.default_rng(1)
    p = rng.random((len(values), 4))
    said = predictions(p.tolist())
    coded = [
        CodedPassage(replace(passage(i), extra=(("genre", value),)), ("bread",) if p[i, 0] > 0.4 else (), "person")
        for i, value in enumerate(values)
    ]
    return said, coded


def test_slices_partition_the_passages() -> None:
    said, coded = with_extra(["talk", "report"] * 20 + [""] * 2)
    data = align(said, coded, [codebook()])
    found = slices(data, n_resamples=50)
    assert [(one.column, one.value) for one in found] == [("genre", "report"), ("genre", "talk"), ("genre", UNKNOWN)]
    assert sum(one.n_passages for one in found) == 42
    talk = next(one for one in found if one.value == "talk").families["topic"]
    own = [row for row in range(40) if row % 2 == 0]
    y, g = data.truth[own, 0] == 1, data.given[own, 0]
    assert talk.macro_f1 == pytest.approx(2 * (y & g).sum() / (y.sum() + g.sum()))
    assert (talk.support, talk.n_codes) == (y.sum(), 1)
    assert talk.interval[0] <= talk.macro_f1 <= talk.interval[1]
    assert math.isnan(next(one for one in found if one.value == UNKNOWN).families["topic"].interval[0])


def test_columns_of_ids_are_sliced_only_when_asked_for() -> None:
    said, coded = with_extra([f"id{i}" for i in range(30)])
    data = align(said, coded, [codebook()])
    assert slices(data) == []
    named = slices(data, ["genre"], n_resamples=10)
    assert len(named) == 13 and named[-1].value == OTHERS
    assert len(slices(data, ["document"], n_resamples=10)) == 13
    with pytest.raises(UnknownNameError, match="genre"):
        slices(data, ["gender"])


def test_agreement_of_coders_stands_beside_that_with_the_model() -> None:
    ann = [replace(c, coder="Ann") for c in READ]
    ben = [replace(c, coder="Ben") for c in gold(("bread", "glad"), ("boats", "sad"), ("boats",), ("boats",))]
    data = align(FOUR, [*ann, *ben], [codebook()])
    found = pairs(data, "m", [codebook()], n_resamples=20)
    assert [(one.first, one.second, one.with_model) for one in found] == [
        ("Ann", "Ben", False), ("Ann", "m", True), ("Ben", "m", True)
    ]  # fmt: skip
    # Bread by Ann and Ben: one of four differs, 3 ones of 8; with the model as in the scores.
    assert found[0].codes["bread"].alpha.value == pytest.approx(1 - (2 / 8) / (2 * 3 * 5 / (8 * 7)))
    assert found[1].codes["bread"].alpha.value == pytest.approx(1 - (2 / 8) / (2 * 5 * 3 / (8 * 7)))
    assert found[1].codes["bread"].n == 4


def test_a_coder_who_bears_the_models_name_is_another_coder() -> None:
    data = align(FOUR, [replace(c, coder="m") for c in READ], [codebook()])
    (found,) = pairs(data, "m", [codebook()], n_resamples=0)
    assert (found.first, found.second, found.with_model) == ("m", "m", True)


def test_contested_codes_are_in_no_agreement() -> None:
    data = align(FOUR, READ, [codebook()], {"p1": ["bread"]})
    (found,) = pairs(data, "m", [codebook()], n_resamples=0)
    assert found.codes["bread"].n == 3


def compared(n: int = 120) -> tuple[Aligned, Aligned]:
    rng = np.random.default_rng(2)
    y = rng.random(n) < 0.4
    coded = [CodedPassage(passage(i, f"d{i // 4}"), ("bread",) if y[i] else (), "person") for i in range(n)]
    made = []
    for noise in (0.25, 0.9):
        p = np.clip(y + rng.normal(0, noise, n), 0, 1)
        said = predictions(np.column_stack([p, p, p, p]).tolist())
        said = replace(said, passages=tuple(c.passage for c in coded))
        made.append(align(said, coded, [codebook()]))
    return made[0], made[1]


def test_a_worse_model_differs_and_the_same_one_does_not() -> None:
    good, bad = compared()
    first, second, third = compare([("good", good), ("bad", bad), ("again", good)], n_resamples=200)
    assert math.isnan(first.families["topic"].difference)
    worse = second.families["topic"]
    assert worse.high < 0 and worse.low < worse.difference < worse.high
    assert worse.difference == pytest.approx(worse.value - first.families["topic"].value)
    same = third.families["topic"]
    assert (same.difference, same.low, same.high) == (0, 0, 0)


def test_pairing_narrows_the_interval() -> None:
    good, _ = compared()
    flipped = replace(good, given=good.given.copy())
    flipped.given[:3, 0] ^= True
    first, second = compare([("a", good), ("b", flipped)], n_resamples=400)
    own, paired = first.codes["bread"].interval, second.codes["bread"]
    assert paired.high - paired.low < own[1] - own[0]


def test_models_on_other_passages_cannot_be_compared() -> None:
    good, bad = compared()
    with pytest.raises(DataError, match="same passages"):
        compare([("good", good), ("bad", bad.part(np.arange(120) < 60))])


def test_details_are_plain_json() -> None:
    found = details(four(), "m", [codebook()], n_resamples=10)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {
        "agreement", "reliability", "risk_coverage", "confusion", "co_occurrence", "slices"
    }  # fmt: skip
    assert found["confusion"]["topic"]["codes"] == ["bread", "boats"]
