"""Scores against values worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from sibnlp.errors import DataError
from sibnlp.evaluate import evaluate, roc_auc
from sibnlp.types import CodedPassage, Passage, Predictions
from tests.coded import codebook

CODES = ("bread", "boats", "glad", "sad")


def passage(i: int, document: str = "") -> Passage:
    return Passage(f"p{i}", document or f"d{i // 2}", i * 10, i * 10 + 5, "words")


def predictions(probabilities: list[list[float]], codes: tuple[str, ...] = CODES) -> Predictions:
    p = np.array(probabilities, dtype=np.float32)
    return Predictions(tuple(passage(i) for i in range(len(p))), codes, p, p >= 0.5, "m")


def gold(*codes: tuple[str, ...], extent: tuple[str, ...] = ()) -> list[CodedPassage]:
    return [CodedPassage(passage(i), given, "person", extent) for i, given in enumerate(codes)]


FOUR = predictions([[0.9, 0.1, 0.8, 0.1], [0.6, 0.7, 0.1, 0.9], [0.2, 0.8, 0.1, 0.1], [0.7, 0.2, 0.1, 0.6]])
READ = gold(("bread", "glad"), ("boats", "sad"), ("boats",), ("bread",))


def test_scores_by_hand() -> None:
    found = evaluate(FOUR, READ, [codebook()], thresholds={"bread": 0.5})
    bread = found.codes["bread"]
    assert (bread.precision, bread.recall, bread.f1) == (pytest.approx(2 / 3), 1, pytest.approx(0.8))
    assert (bread.support, bread.n, bread.n_given, bread.threshold) == (2, 4, 3, 0.5)
    assert bread.auc == 1
    assert found.codes["boats"].f1 == 1
    # 0.6 and 0.7 lie in one bin, as float32 has them.
    assert bread.ece == pytest.approx((0.1 + (0.6 + 0.7 - 1) + 0.2) / 4)
    assert found.families["topic"].macro_f1 == pytest.approx(0.9)
    # Krippendorff by hand: boats agree; bread 5 judgements of 1 and 3 of 0, one of four passages differs.
    assert found.families["topic"].alpha == pytest.approx((1 + 1 - (2 / 8) / (2 * 5 * 3 / (8 * 7))) / 2)
    assert (found.n_passages, found.n_documents, found.model) == (4, 2, "m")


def test_metrics_json_is_the_contract_and_holds_no_nan() -> None:
    found = evaluate(FOUR, READ, [codebook()]).to_dict()
    assert set(found) >= {"model", "n_passages", "n_documents", "families", "codes"}
    assert set(found["families"]["topic"]) >= {"macro_f1", "macro_auc", "alpha", "interval"}
    assert set(found["codes"]["bread"]) >= {"precision", "recall", "f1", "auc", "support", "threshold", "ece"}
    assert (found["codes"]["bread"]["share"], found["codes"]["bread"]["share_given"]) == (0.5, 0.75)
    assert found["codes"]["bread"]["threshold"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_only_the_extent_counts() -> None:
    found = evaluate(FOUR, [replace(c, extent=("topic",), codes=c.codes[:1]) for c in READ], [codebook()])
    assert set(found.families) == {"topic"}
    assert set(found.codes) == {"bread", "boats"}


def test_a_family_that_requires_another_counts_only_where_that_is() -> None:
    found = evaluate(FOUR, gold(("bread", "glad"), (), (), ()), [codebook()])
    assert found.codes["glad"].n == 1
    assert found.codes["bread"].n == 4


def test_macro_f1_leaves_out_codes_nobody_gave() -> None:
    found = evaluate(FOUR, gold(("bread",), ("bread",), (), ("bread",)), [codebook()])
    assert found.families["topic"].macro_f1 == 1
    assert found.families["topic"].codes == ("bread",)
    assert math.isnan(found.codes["boats"].f1)
    assert found.codes["boats"].precision == 0
    assert math.isnan(found.families["tone"].macro_f1)


def test_contested_codes_are_left_out() -> None:
    found = evaluate(FOUR, READ, [codebook()], unknown={"p1": ["bread"]})
    assert found.codes["bread"].f1 == 1
    assert found.codes["bread"].n == 3


def test_interval_resamples_documents_and_is_reproducible() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((60, 1)).repeat(4, axis=1)
    coded = gold(*[("bread",) if x + rng.normal(0, 0.3) > 0.5 else () for x in p[:, 0]])
    first, second = (evaluate(predictions(p.tolist()), coded, [codebook()]).families["topic"] for _ in range(2))
    assert first == second
    assert first.interval[0] < first.macro_f1 < first.interval[1]
    one = [replace(c, passage=replace(c.passage, document="d")) for c in coded]
    same = predictions(p.tolist())
    same = replace(same, passages=tuple(replace(q, document="d") for q in same.passages))
    low, high = evaluate(same, one, [codebook()]).families["topic"].interval
    assert low == high  # one document cannot vary


def test_errors_come_worst_first() -> None:
    errors = evaluate(FOUR, READ, [codebook()]).errors
    assert [miss.passage.id for miss in errors] == ["p1", "p3"]
    assert errors[0].gold == ("boats", "sad")
    assert errors[0].predicted == ("bread", "boats", "sad")
    assert errors[0].scores == {"bread": pytest.approx(0.6)}
    assert errors[0].severity == pytest.approx(0.6)


def test_codings_without_prediction_are_told() -> None:
    extra = CodedPassage(passage(9), ("bread",))
    assert "1 of 5" in evaluate(FOUR, [*READ, extra], [codebook()]).notes[0]
    with pytest.raises(DataError, match="no coded passage has a prediction"):
        evaluate(FOUR, [extra], [codebook()])


def test_a_code_of_no_codebook_is_refused() -> None:
    with pytest.raises(DataError, match="'cheese'"):
        evaluate(FOUR, gold(("cheese",), (), (), ()), [codebook()])


def test_codes_the_model_lacks_are_told() -> None:
    found = evaluate(predictions([[0.9], [0.1]], ("bread",)), gold(("bread",), ()), [codebook()])
    assert found.notes == ("the model has no boats, glad, sad",)


@pytest.mark.parametrize(
    ("scores", "truth", "expected"),
    [([0.1, 0.2, 0.3], [0, 0, 1], 1.0), ([0.5, 0.5, 0.5], [0, 1, 1], 0.5), ([0.3, 0.2, 0.1], [0, 0, 1], 0.0)],
)
def test_auc(scores: list[float], truth: list[int], expected: float) -> None:
    assert roc_auc(np.array(scores), np.array(truth, dtype=bool)) == expected
