"""Intervals: against hand-worked numbers and by what they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sibnlp.intervals import CORPUS, Error, contrast, counted, holm, jackknife_variance, share_interval


def one(coded: np.ndarray, passages: np.ndarray):
    """Estimate of one period from sums by cluster."""
    return counted(np.asarray(coded, dtype=float)[:, None], np.asarray(passages, dtype=float)[:, None])


def test_the_jackknife_of_equal_documents_is_the_variance_of_their_mean() -> None:
    coded, passages = np.array([2.0, 5.0, 1.0, 4.0]), np.full(4, 10)
    assert jackknife_variance(coded, passages) == pytest.approx(np.var(coded / 10, ddof=1) / 4)


def test_a_single_cluster_says_nothing_of_how_clusters_differ() -> None:
    share = one([3.0], [10])
    assert share.values[0] == pytest.approx(0.3)
    assert all(math.isnan(bound) for bound in share.level(0))
    found = contrast((np.array([3.0]), np.array([10.0])), (np.array([5.0]), np.array([10.0])))
    assert math.isnan(found.low)
    assert found.p == 1.0
    assert math.isnan(found.smallest_margin)


@pytest.mark.parametrize("coded", [0.0, 10.0])
def test_an_interval_at_the_edge_does_not_collapse(coded: float) -> None:
    low, high = one(np.full(5, coded), np.full(5, 10)).level(0)
    assert 0 <= low < high <= 1
    assert high - low > 0.05


def test_an_adjusted_share_that_is_all_noise_keeps_bounds_that_mean_something() -> None:
    low, high = share_interval(0.005, Error(0.013, 14), 1000)
    assert low == 0.0
    assert 0.03 < high < 0.07
    low, high = share_interval(-0.02, Error(0.02, 14), 1000)
    assert low == 0.0
    assert 0.0 < high < 0.1


def test_what_was_counted_is_certain_of_its_own_corpus() -> None:
    assert one([3.0, 5.0], [10, 10]).level(0, kind=CORPUS) == (0.4, 0.4)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """600 panels of 8 interviews of 30 passages, whose own shares vary around the truth (beta-binomial)."""
    rng = np.random.default_rng(5)
    covered = []
    for truth in (0.06, 0.2, 0.5):
        for _ in range(200):
            own = rng.beta(truth * 15, (1 - truth) * 15, size=8)
            passages = rng.integers(20, 40, size=8)
            low, high = one(rng.binomial(passages, own), passages).level(0)
            covered.append(low <= truth <= high)
    # Measured 0.953; below 0.93 the intervals would promise too much, above 0.99 they would say too little.
    assert 0.93 <= np.mean(covered) <= 0.99


def test_intervals_ignore_how_passages_are_counted_within_documents() -> None:
    """Ten times the passages of the same documents are no ten times the evidence."""
    coded, passages = np.array([1.0, 4.0, 2.0, 6.0]), np.full(4, 10)
    once, tenfold = one(coded, passages).level(0), one(coded * 10, passages * 10).level(0)
    assert tenfold[1] - tenfold[0] > 0.9 * (once[1] - once[0])


def test_a_contrast_knows_its_direction() -> None:
    few, many = (np.array([1.0, 2, 1, 2]), np.full(4, 20.0)), (np.array([9.0, 10, 8, 11]), np.full(4, 20.0))
    up, down = contrast(few, many), contrast(many, few)
    assert up.change == pytest.approx(-down.change)
    assert 0 < up.low < up.change < up.high
    assert up.p < 0.01
    assert up.log_odds_low > 0 > down.log_odds_high


def test_holm_never_lowers_a_p_value_and_keeps_their_order() -> None:
    assert holm([0.02, 0.9, 0.5]) == pytest.approx([0.06, 1.0, 1.0])
    assert holm([]) == []


def test_documents_that_agree_by_chance_are_no_certainty() -> None:
    alike, few = (np.full(10, 3.0), np.full(10, 10.0)), (np.full(2, 2.0), np.full(2, 7.0))
    assert contrast(alike, few).p > 0.5
    assert contrast((np.full(2, 1.0), np.full(2, 10.0)), (np.full(4, 4.0), np.full(4, 10.0))).p > 0.01
