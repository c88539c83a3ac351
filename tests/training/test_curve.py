"""More coded passages make a better model, and a learning curve shows it on equal terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sibnlp.errors import DataError
from sibnlp.training.curve import learning_curve
from sibnlp.training.recipe import Recipe
from sibnlp.types import CodedPassage
from tests.coded import codebook, codings

RECIPE = Recipe("linear", folds=2, settings={"chars": [0, 0]})


def others(n: int) -> list[CodedPassage]:
    return [
        replace(c, passage=replace(c.passage, id=f"q{c.passage.id}", document=f"test{i % 4}"))
        for i, c in enumerate(codings(n, seed=9))
    ]


def test_a_curve_rises_and_ends_with_everything() -> None:
    learnt = codings(160, n_documents=16)
    points = learning_curve(learnt, others(60), [codebook()], RECIPE, shares=(0.125, 1.0), n_resamples=20)
    assert [(p.n_passages, p.n_documents) for p in points] == [(20, 2), (160, 16)]
    assert points[0].families["topic"] < points[1].families["topic"]
    low, high = points[1].intervals["topic"]
    assert low <= points[1].families["topic"] <= high


def test_evaluated_documents_are_not_learnt_from(caplog: pytest.LogCaptureFixture) -> None:
    learnt = [*codings(80, n_documents=8), *others(20)]
    (point,) = learning_curve(learnt, others(60), [codebook()], RECIPE, shares=(1.0,), n_resamples=5)
    assert point.n_passages == 80
    assert "left out 20 codings" in caplog.text
    with pytest.raises(DataError, match="every document"):
        learning_curve(others(20), others(60), [codebook()], RECIPE)


def test_what_fits_for_long_is_refused() -> None:
    with pytest.raises(DataError, match="linear and static"):
        learning_curve(codings(), others(9), [codebook()], Recipe("encoder"))
