"""Corrections are refused by fixed rules, each saying why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sibnlp import refusals
from sibnlp.quantifiers import Gold
from training.benchmarks.drift_panels import Panel, classifier, code, draw

PERIODS = ("first", "second", "third")


@pytest.fixture(scope="module")
def panel() -> Panel:
    return draw((0.13, 0.13, 0.13), classifier(0.8, 0.13), np.random.default_rng(2))


def gold(panel: Panel, n: int = 200, seed: int = 3) -> Gold:
    return code(panel, (n, n, n), np.random.default_rng(seed))


def test_good_gold_is_accepted(panel: Panel) -> None:
    assert refusals.correction(panel.passages, gold(panel), PERIODS) == ""
    assert refusals.sample(panel.passages, gold(panel), PERIODS) == ""


def test_too_few_positives_or_documents(panel: Panel) -> None:
    assert "30 are needed" in refusals.correction(panel.passages, gold(panel, 40), PERIODS)
    one = gold(panel)
    assert "10 are needed" in refusals.correction(panel.passages, replace(one, document=one.document % 9), PERIODS)
    assert "no coded passages" in refusals.correction(panel.passages, None, PERIODS)


def test_a_classifier_that_does_not_tell_them_apart() -> None:
    weak = draw((0.13, 0.13, 0.13), classifier(0.35, 0.13), np.random.default_rng(2))
    assert "TPR − FPR may be as low as" in refusals.correction(weak.passages, gold(weak, 300), PERIODS)


def test_a_period_of_other_error_rates_is_named() -> None:
    model = classifier(0.8, 0.13)
    moved = draw((0.13, 0.13, 0.13), model, np.random.default_rng(5), shift=(0, 0, 0.8))
    assert "period third" in refusals.correction(moved.passages, gold(moved), PERIODS)


def test_prevalence_that_changes_is_no_reason() -> None:
    refused = 0
    for seed in range(20):
        panel = draw((0.06, 0.15, 0.3), classifier(0.8, 0.17), np.random.default_rng(seed))
        refused += bool(refusals.misfit(panel.passages, gold(panel, seed=seed + 100), PERIODS))
    assert refused <= 3  # measured 1


def test_samples_need_passages_and_positives_in_every_period(panel: Panel) -> None:
    few = code(panel, (200, 20, 200), np.random.default_rng(1))
    assert "20 passages of period second" in refusals.sample(panel.passages, few, PERIODS)
    rare = draw((0.02, 0.13, 0.13), classifier(0.8, 0.13), np.random.default_rng(8))
    assert "positives are expected" in refusals.sample(rare.passages, gold(rare, 40), PERIODS)
    assert "no inclusion probabilities" in refusals.sample(panel.passages, replace(gold(panel), sampled=False), PERIODS)
