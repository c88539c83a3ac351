"""Quantifiers: against QuaPy and ppi_py, on panels whose truth is known, and against brute force."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from sibnlp.intervals import CORPUS
from sibnlp.quantifiers import QUANTIFIERS, Gold, Passages
from training.benchmarks.drift_panels import Panel, classifier, code, draw, people

GOLD = [name for name in QUANTIFIERS if QUANTIFIERS.load(name).needs_gold]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return draw((0.06, 0.15, 0.3), classifier(0.75, 0.17), np.random.default_rng(11))


@pytest.fixture(scope="module")
def gold(panel: Panel) -> Gold:
    return code(panel, (200, 200, 200), np.random.default_rng(12))


def levels(name: str, passages: Passages, gold: Gold, weight: np.ndarray | None = None):
    one = np.ones(len(passages.score)) if weight is None else weight
    return QUANTIFIERS.load(name)().adjust(passages, gold).levels(one)


@pytest.mark.parametrize("name", GOLD)
def test_what_is_corrected_comes_near_the_corpus_truth(name: str, panel: Panel, gold: Gold) -> None:
    found, counted = levels(name, panel.passages, gold), levels("count", panel.passages, gold)
    for period, truth in enumerate(panel.corpus):
        low, high = found.level(period, kind=CORPUS)
        assert low < truth < high
        near, far = found.level(period)
        assert near <= low + 0.01  # other interviews are less certain than these
        assert far >= high - 0.01
    assert np.abs(found.values - panel.corpus).mean() < 0.7 * np.abs(counted.values - panel.corpus).mean()


@pytest.mark.parametrize("name", list(QUANTIFIERS))
def test_outcomes_add_up_to_the_levels(name: str, panel: Panel, gold: Gold) -> None:
    adjusted = QUANTIFIERS.load(name)().adjust(panel.passages, gold)
    n = np.bincount(panel.passages.period)
    means = np.bincount(panel.passages.period, weights=adjusted.outcomes) / n
    assert means == pytest.approx(adjusted.levels(np.ones(len(panel.truth))).values, abs=1e-6)


@pytest.mark.parametrize("name", list(QUANTIFIERS))
def test_leaving_an_actor_out_is_what_the_jackknife_says(name: str, panel: Panel, gold: Gold) -> None:
    """Each replicate against the quantifier run again without the actor, in corpus and gold."""
    whole = levels(name, panel.passages, gold)
    present = whole.present[: panel.passages.n_clusters]
    tolerance = {"emq": 0.15, "design_based": 0.1}.get(name, 1e-9)
    for actor in (0, 7, 13):
        kept = panel.passages.cluster != actor
        row = np.cumsum(kept) - 1
        part = replace(
            panel.passages,
            **{f: getattr(panel.passages, f)[kept] for f in ("score", "given", "period", "cluster", "truth")},
        )
        use = gold.cluster != actor
        fields = ("score", "given", "truth", "cluster", "weight", "document")
        left = replace(gold, row=row[gold.row[use]], **{f: getattr(gold, f)[use] for f in fields})
        again = levels(name, part, left).values
        factor = np.sqrt((present.sum(axis=0) - 1) / present.sum(axis=0))
        expected = (again - whole.values) * factor
        scale = np.abs(whole.deviations).max(axis=0)
        assert np.abs(whole.deviations[actor] - expected) == pytest.approx(0, abs=tolerance * scale.max() + 1e-9)


def test_acc_pacc_and_emq_are_quapy_s(panel: Panel, gold: Gold) -> None:
    functional = pytest.importorskip("quapy.functional")
    aggregative = pytest.importorskip("quapy.method.aggregative")
    plain = replace(gold, weight=np.ones(len(gold.weight)))
    positive = plain.truth == 1
    for name, x, gx in (
        ("acc", panel.passages.given.astype(float), plain.given.astype(float)),
        ("pacc", panel.passages.score, plain.score),
    ):
        rates = gx[positive].mean(), gx[~positive].mean()
        theirs = [
            functional.solve_adjustment_binary(x[panel.passages.period == p].mean(), *rates, clip=False)
            for p in range(3)
        ]
        assert levels(name, panel.passages, plain).values == pytest.approx(theirs, abs=1e-9)
    adjusted = QUANTIFIERS.load("emq")().adjust(panel.passages, plain)
    prior = (positive.sum() + 0.5) / (len(positive) + 1)
    odds = adjusted.ratio * prior / (1 - prior)
    posterior = odds / (1 + odds)
    for period in range(3):
        p = posterior[panel.passages.period == period]
        theirs = aggregative.EMQ.EM(np.array([1 - prior, prior]), np.stack([1 - p, p], axis=1), epsilon=1e-9)[0][1]
        assert adjusted.levels(np.ones(len(panel.truth))).values[period] == pytest.approx(theirs, abs=1e-4)


def test_a_probability_sample_gives_what_ppi_gives(panel: Panel) -> None:
    with warnings.catch_warnings():  # importing ppi_py silences every warning of the process
        ppi = pytest.importorskip("ppi_py")
    passages = panel.passages
    sample = code(panel, (150, 150, 150), np.random.default_rng(4))
    adjusted = QUANTIFIERS.load("design_based")().adjust(passages, sample)
    found = adjusted.levels(np.ones(len(panel.truth)))
    for period in range(3):
        mine = passages.period[sample.row] == period
        rest = np.setdiff1d(np.flatnonzero(passages.period == period), sample.row)
        n, others = int(mine.sum()), len(rest)
        # Theirs sets the sample apart from the unlabelled passages, ours is part of all: λ differs by their share.
        lam = adjusted.lam * others / (n + others)
        theirs = ppi.ppi_mean_pointestimate(sample.truth[mine], sample.score[mine], passages.score[rest], lam=lam)
        assert found.values[period] == pytest.approx(float(theirs[0]))


def test_a_design_based_estimate_survives_error_rates_that_change() -> None:
    """Negatives of the last stage score far higher: counting and PACC see a rise, the sample does not."""
    rng = np.random.default_rng(21)
    model, errors = classifier(0.75, 0.13), {"pacc": [], "design_based": []}
    for _ in range(12):
        panel = draw((0.13, 0.13, 0.13), model, rng, shift=(0, 0, 0.8))
        sample = code(panel, (150, 150, 150), rng)
        for name, found in errors.items():
            values = levels(name, panel.passages, sample).values
            found.append(values[2] - values[0] - (panel.corpus[2] - panel.corpus[0]))
    assert np.mean(errors["pacc"]) > 0.06
    assert abs(np.mean(errors["design_based"])) < 0.02


def test_codings_that_stand_for_passages_are_taken_as_they_are(panel: Panel, gold: Gold) -> None:
    told = replace(panel.passages, truth=panel.truth)
    for name in ("count", "probabilistic", "acc", "pacc", "emq"):
        assert levels(name, told, gold).values == pytest.approx(panel.corpus)


def test_people_s_codings_count_as_they_are(panel: Panel) -> None:
    found = QUANTIFIERS.load("count")().adjust(people(panel), None).levels(np.ones(len(panel.truth)))
    assert found.values == pytest.approx(panel.corpus)


@pytest.mark.parametrize("name", GOLD)
def test_without_gold_a_correction_says_so(name: str, panel: Panel) -> None:
    with pytest.raises(ValueError, match=r"needs coded passages|sample of codings"):
        QUANTIFIERS.load(name)().adjust(panel.passages, None)
