"""Calibration, thresholds and calibration error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sibnlp.calibrate import (
    Calibration,
    best_threshold,
    expected_calibration_error,
    fit_calibration,
    fit_platt,
    fit_thresholds,
)


def test_calibration_error_equals_published_values(shared: Path) -> None:
    vectors = json.loads((shared / "bench/reliability/calibration_vectors.json").read_text(encoding="utf-8"))
    checked = 0
    for vector in vectors:
        if "ece_l1" in vector.get("expected", {}):
            found = expected_calibration_error(np.array(vector["preds"]), np.array(vector["target"]), vector["n_bins"])
            assert round(found, vector["decimals"]) == vector["expected"]["ece_l1"], vector["name"]
            checked += 1
    assert checked


def test_platt_recovers_the_map_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    targets = (rng.random(20_000) < 1 / (1 + np.exp(-(0.7 * logits - 1)))).astype(float)
    slope, intercept = fit_platt(logits, targets)
    assert slope == pytest.approx(0.7, abs=0.03)
    assert intercept == pytest.approx(-1, abs=0.05)


def test_calibration_lowers_the_error_of_overconfident_scores() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(4000)
    targets = (rng.random(4000) < truth).astype(float)[:, None]
    scores = (1 / (1 + np.exp(-3 * np.log(truth / (1 - truth)))))[:, None]
    calibrated = fit_calibration(scores, targets).apply(scores)
    before = expected_calibration_error(scores[:, 0], targets[:, 0])
    after = expected_calibration_error(calibrated[:, 0], targets[:, 0])
    assert after < 0.03 < before


def test_unknown_passages_take_no_part() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random((200, 1))
    targets = (rng.random((200, 1)) < scores).astype(float)
    padded = np.vstack([targets, np.full((50, 1), np.nan)])
    more = np.vstack([scores, rng.random((50, 1))])
    assert fit_calibration(more, padded) == fit_calibration(scores, targets)
    assert fit_thresholds(more, padded) == fit_thresholds(scores, targets)


def test_one_class_keeps_its_scores() -> None:
    assert fit_platt(np.array([0.0, 1.0]), np.array([1.0, 1.0])) == (1.0, 0.0)


def test_scores_that_rank_the_wrong_way_carry_no_information() -> None:
    slope, intercept = fit_platt(np.array([3.0, 2.0, -2.0, -3.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    assert slope == 0
    assert 1 / (1 + np.exp(-intercept)) == pytest.approx(1.5 / 5)


def test_a_shift_of_prevalence_moves_the_mean() -> None:
    rng = np.random.default_rng(3)
    p = rng.beta(1, 2, 50_000)
    shift = np.log(0.05 / 0.95) - np.log(p.mean() / (1 - p.mean()))
    shifted = Calibration.identity(1).shifted((float(shift),)).apply(p[:, None])
    assert shifted.mean() < p.mean() / 3


def test_extreme_scores_stay_probabilities() -> None:
    found = Calibration((50.0,), (0.0,)).apply(np.array([[0.0], [1.0], [0.5]]))
    assert np.all((found >= 0) & (found <= 1))


def test_threshold_cannot_part_equal_probabilities() -> None:
    assert best_threshold(np.array([0.2, 0.8, 0.8, 0.8]), np.array([0.0, 1.0, 0.0, 1.0])) == 0.5


def test_threshold_of_a_code_nobody_gave() -> None:
    assert best_threshold(np.array([0.2, 0.8]), np.array([0.0, 0.0])) == 0.5


def test_weights_count_as_repeated_passages() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(60)
    y = (rng.random(60) < p).astype(float)
    weights = np.where(y == 1, 1.0, 3.0)
    repeated = np.repeat(np.arange(60), weights.astype(int))
    assert best_threshold(p, y, weights) == pytest.approx(best_threshold(p[repeated], y[repeated]))
    assert best_threshold(p, y, weights) >= best_threshold(p, y)


def test_no_passages_no_calibration_error() -> None:
    assert np.isnan(expected_calibration_error(np.array([0.5]), np.array([np.nan])))
