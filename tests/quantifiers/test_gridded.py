"""Sums on the grid are the sums over the passages."""

from __future__ import annotations

import numpy as np
import pytest

from sibnlp.quantifiers import Gold, Passages, likelihood
from sibnlp.quantifiers.gridded import POINTS, Spread


@pytest.mark.parametrize("slope", [0.0, 0.7, 1.0, 4.0])
def test_sums_of_logistic_functions_are_those_over_the_passages(slope: float) -> None:
    rng = np.random.default_rng(1)
    x, weight, period = rng.normal(-2, 3, 3_000), rng.random(3_000), rng.integers(0, 3, 3_000)
    grid = Spread(x, weight, period, 4, slope)
    for power in (1, 2):
        wanted = np.bincount(period, weights=weight / (1 + np.exp(-slope * x - 0.3)) ** power, minlength=4)
        found = (grid.weights / (1 + np.exp(-slope * grid.points - 0.3)) ** power).sum(axis=1)
        assert np.abs(found - wanted).max() < 1e-9 * len(x)
    assert np.allclose(grid.weights.sum(axis=1), np.bincount(period, weights=weight, minlength=4), rtol=1e-12)
    assert not grid.weights[3].any()


def test_a_single_place_has_a_grid_too() -> None:
    grid = Spread(np.full(5, 1.5), np.ones(5), np.zeros(5, dtype=np.int64), 1, 1.0)
    assert len(grid.points) == POINTS + 1
    assert grid.weights.sum() == 5
    assert float((grid.weights[0] * grid.points).sum()) == pytest.approx(7.5, abs=1e-12)


def test_many_passages_give_what_the_passages_themselves_give(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    n, actors, coded = 4_000, 30, 300
    truth = rng.random(n) < 0.2
    score = 1 / (1 + np.exp(-(rng.normal(-2.5, 1.2, n) + 3 * truth)))
    cluster, known = rng.integers(0, actors, n), np.full(n, np.nan)
    known[:40] = truth[:40]
    passages = Passages(score, score > 0.5, rng.integers(0, 3, n), cluster, known, 3, actors)
    row = np.sort(rng.choice(n, coded, replace=False))
    gold = Gold(score[row], score[row] > 0.5, truth[row] * 1.0, cluster[row], np.full(coded, n / coded), row,
                cluster[row], actors, True)  # fmt: skip
    weight = rng.integers(1, 90, n).astype(np.float64)
    on_grid = likelihood.Likely(passages, gold)
    monkeypatch.setattr(likelihood, "MANY", n + 1)
    plain = likelihood.Likely(passages, gold)
    assert np.abs(on_grid.outcomes - plain.outcomes).max() < 1e-12
    one, other = on_grid.levels(weight), plain.levels(weight)
    for field in ("values", "deviations", "corpus", "size"):
        assert np.allclose(getattr(one, field), getattr(other, field), rtol=1e-10, atol=1e-14), field
