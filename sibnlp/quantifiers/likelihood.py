"""EMQ: the prevalence under which the scores are most likely.

Saerens, Latinne & Decaestecker (2002, *Neural Computation* 14) find it by expectation–maximisation; the likelihood is
concave in the prevalence (Alexandari, Kundaje & Shrikumar 2020, *ICML*), so its derivative is solved by bisection here,
to the same answer. Scores are calibrated on the gold first, as the latter ask. Holds where the scores' distribution in
each class is the same in every period.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import fit_platt, log_odds
from sibnlp.intervals import Error, Estimate, scaled
from sibnlp.quantifiers import ALL, CORRECTED, Gold, Passages, Rows, weighed
from sibnlp.quantifiers.adjusted import by_cluster_and_period, noise
from sibnlp.quantifiers.counting import effective_size
from sibnlp.quantifiers.gridded import MANY, Spread

_STEPS = 60
# By period, log-odds of scores and their weights.
Points = list[tuple[NDArray[np.float64], NDArray[np.float64]]]


def maximum_likelihood(ratio: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Prevalence that maximises ``sum(w · log(1 − p + p · ratio))`` (Saerens et al. 2002); NaN without weight.

    Args:
        ratio: [n], likelihood ratio of each passage: how many times likelier its score is with the code than without.
        weight: [n].

    A score that is three times likelier with the code and one that is three times likelier without leave it at a half:

    >>> round(maximum_likelihood(np.array([3.0, 1 / 3]), np.ones(2)), 6)
    0.5
    """
    if not weight.sum() > 0:
        return float("nan")
    low, high = 0.0, 1.0
    if (weight * (ratio - 1)).sum() <= 0:
        return 0.0
    if (weight * (ratio - 1) / ratio).sum() >= 0:
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        rises = (weight * (ratio - 1) / (1 - middle + middle * ratio)).sum() > 0
        low, high = (middle, high) if rises else (low, middle)
    return (low + high) / 2


def _example() -> tuple[Passages, Gold]:
    """Thirty of fifty passages score 0.75, with thirty of forty coded positives and ten of forty negatives."""
    truth, high = np.repeat([1.0, 0.0], 40), np.r_[np.arange(40) < 30, np.arange(40) < 10]
    ours = np.arange(50) < 30
    passages = Passages(
        np.where(ours, 0.75, 0.25), ours, np.zeros(50, dtype=np.int64), np.arange(50) % 10, np.full(50, np.nan), 1, 10
    )
    gold = Gold(
        np.where(high, 0.75, 0.25), high, truth, np.arange(80) % 10, np.ones(80), np.full(80, -1), np.arange(80), 10,
        False,
    )  # fmt: skip
    return passages, gold


class Likely:
    """Posteriors at the prevalence of each period."""

    def __init__(self, passages: Passages, gold: Gold) -> None:
        self.passages, self.gold = passages, gold
        self.known = ~np.isnan(passages.truth)
        self.logits, self.gold_logits = log_odds(passages.score), log_odds(gold.score)
        self.whole = self._calibrate(np.ones(len(gold.truth), dtype=np.bool_))
        self.calibrates = np.flatnonzero(np.bincount(gold.cluster, minlength=gold.n_clusters))
        self.without = {int(one): self._calibrate(gold.cluster != one) for one in self.calibrates}
        self.ratio = self._ratio(self.logits, self.whole)
        self._slope = max(slope for slope, _ in (self.whole, *self.without.values()))
        levels = self._levels(np.where(self.known, 0.0, 1.0), ALL)[0]
        at = np.nan_to_num(levels)[passages.period]
        self.outcomes = np.where(self.known, passages.truth, at * self.ratio / (1 - at + at * self.ratio))

    @cached_property
    def prevalence(self) -> NDArray[np.float64]:
        """[k, p], as `sibnlp.quantifiers.adjusted.by_cluster_and_period` (Good 1965) has it of the outcomes.

        >>> Likely(*_example()).prevalence.shape
        (10, 1)
        """
        return by_cluster_and_period(self.passages, self.outcomes, self.gold.n_clusters)

    def _calibrate(self, keep: NDArray[np.bool_]) -> tuple[float, float]:
        """Slope and intercept of the log likelihood ratio in the log-odds of the score (Platt 1999).

        Where three of four positives score 0.75 and one of four negatives, that score is 3 times likelier with the code
        (2.8 times, as the fit draws towards one):

        >>> likely = Likely(*_example())
        >>> slope, intercept = likely._calibrate(np.ones(80, bool))
        >>> round(float(np.exp(slope * np.log(3) + intercept)), 1)
        2.8
        """
        truth, weight = self.gold.truth[keep], self.gold.weight[keep]
        slope, intercept = fit_platt(self.gold_logits[keep], truth)
        # Sampling by score leaves the chance of the code given the score alone; only the classes' odds need weights.
        positive, scale = float((weight * truth).sum()), len(truth) / weight.sum()
        odds = (positive * scale + 0.5) / ((weight.sum() - positive) * scale + 0.5)
        return slope, intercept - float(np.log(odds))

    @staticmethod
    def _ratio(logits: NDArray[np.float64], calibration: tuple[float, float]) -> NDArray[np.float64]:
        ratio: NDArray[np.float64] = np.exp(np.clip(calibration[0] * logits + calibration[1], -30, 30))
        return ratio

    def _levels(self, open_: NDArray[np.float64], rows: Rows) -> tuple[NDArray[np.float64], Points]:
        """Prevalence by period, and where to sum over: the passages themselves, or the grid that many are spread over.

        Args:
            open_: [n] weights, 0 where truth is known.
            rows: those that weigh anything.
        """
        x, weight, period = self.logits[rows], open_[rows], self.passages.period[rows]
        periods = range(self.passages.n_periods)
        if len(x) < MANY:
            points: Points = [(x[held], weight[held]) for held in ((period == p) & (weight > 0) for p in periods)]
        else:
            spread = Spread(x, weight, period, len(periods), self._slope)
            points = [(spread.points, weights) for weights in spread.weights]
        levels = [maximum_likelihood(self._ratio(at, self.whole), weights) for at, weights in points]
        return np.array(levels), points

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Prevalence by period; replicates move by one Newton step of the likelihood (Saerens 2002; Wolter 2007).

        A score of two values holds no more than a decision does, so the answer is ACC's. Of 60 % that score high with
        75 % of the positives and 25 % of the negatives (0.6 − 0.25) / 0.5 = 0.70 carry the code, 0.71 as the fit of the
        likelihood ratio draws towards one:

        >>> Likely(*_example()).levels(np.ones(50)).values.round(2).tolist()
        [0.71]
        """
        passages, k = self.passages, self.gold.n_clusters
        n, rows = passages.n_clusters, weighed(weight)
        open_ = weight * ~self.known
        unknown, points = self._levels(open_, rows)
        held = np.clip(np.nan_to_num(unknown), 1e-6, 1 - 1e-6)
        w, o = weight[rows], open_[rows]
        score, slope = self._score(self.ratio[rows], held[passages.period[rows]])
        gradient, curve = passages.sums(o * score, k, rows), passages.sums(o * slope, k, rows)
        total, left = passages.sums(w, k, rows), passages.sums(o, k, rows)
        truth = np.where(self.known[rows], w * np.nan_to_num(passages.truth[rows]), 0.0)
        certain = passages.sums(truth, k, rows)
        g, h = gradient.sum(axis=0), np.minimum(curve.sum(axis=0), -1e-12)
        # At an edge the likelihood still rises towards it: what a cluster adds is measured from there.
        g = np.where((unknown <= 0) | (unknown >= 1), 0.0, g)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.clip(held - (g - gradient) / np.minimum(h - curve, -1e-12), -1.0, 2.0)
            values = (certain.sum(axis=0) + np.nan_to_num(unknown) * left.sum(axis=0)) / total.sum(axis=0)
        shifts = np.zeros((k, len(held)))
        stands = self._sums(points, self.whole, held)[0]
        for one, calibration in self.without.items():
            first, second = self._sums(points, calibration, held)
            shifts[one] = np.clip(-(first - stands) / np.minimum(second, -1e-12), -1.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            without = (certain.sum(axis=0) - certain + (moved + shifts) * (left.sum(axis=0) - left)) / (
                total.sum(axis=0) - total
            )
        base_values = (certain.sum(axis=0) + held * left.sum(axis=0)) / np.maximum(total.sum(axis=0), 1e-300)
        base_values = np.where(total.sum(axis=0) > 0, base_values, np.nan)
        present = total > 0
        present[n:] = True
        deviations = np.concatenate(
            [scaled(without[:n], base_values, present[:n]), scaled(without[n:], base_values, present[n:])]
        )
        corpus = self._stray(open_, held, h, total)
        stratum = (np.arange(k) >= n).astype(np.int64)
        degrees = float(max(len(self.calibrates) - 1, 1))
        return Estimate(values, deviations, stratum, present, corpus, degrees, effective_size(passages, weight))

    def _sums(
        self, points: Points, calibration: tuple[float, float], held: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivative of the log likelihood by period, under a calibration (Alexandari et al. 2020).

        A passage whose score is three times likelier with the code, at a half: 2 / 2, and −1:

        >>> first, second = Likely(*_example())._sums([(np.log([3.0]), np.ones(1))], (1.0, 0.0), np.array([0.5]))
        >>> first.round(6).tolist(), second.round(6).tolist()
        ([1.0], [-1.0])
        """
        found = np.empty((2, len(held)))
        for p, (at, weights) in enumerate(points):
            score, slope = self._score(self._ratio(at, calibration), held[p])
            found[:, p] = (weights * score).sum(), (weights * slope).sum()
        return found[0], found[1]

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Unknown: posteriors of single passages lean on the period's prevalence, so sums of some of them do too."""
        return Error(float("nan"), 1.0)

    @staticmethod
    def _score(
        ratio: NDArray[np.float64], at: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Derivatives of a passage's log likelihood in the prevalence, first and second (Alexandari et al. 2020).

        >>> [one.tolist() for one in Likely._score(np.array([3.0]), 0.5)]
        [[1.0], [-1.0]]
        """
        first = (ratio - 1) / (1 - at + at * ratio)
        return first, -(first**2)

    def _stray(
        self,
        open_: NDArray[np.float64],
        held: NDArray[np.float64],
        curve: NDArray[np.float64],
        total: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Covariance from scores that stray from their class: the sandwich of the estimating equation (White 1982).

        At two values it is about ACC's: a class varies within actors by 0.75 · 0.25 · 40/30 = 0.25, so the variance is
        0.25 · (1/50 + 0.7²/40 + 0.3²/40) / 0.5² = 0.035, and a little more as the fit draws towards one:

        >>> likely = Likely(*_example())
        >>> likely.levels(np.ones(50)).corpus.round(3).tolist()
        [[0.038]]
        """
        gold_ratio = self._ratio(self.gold_logits, self.whole)
        covariance = np.zeros((len(held), len(held)))
        rows = weighed(open_)
        weight = self.passages.sums(open_[rows], rows=rows).sum(axis=0)
        share = np.divide(weight, total.sum(axis=0), out=np.zeros_like(weight), where=total.sum(axis=0) > 0)
        scale = np.divide(weight, -curve) * share
        for p, level in enumerate(held):
            score, _ = self._score(gold_ratio, level)
            means = [score[self.gold.truth == kind].mean() for kind in (0, 1)]
            found = noise(score - np.where(self.gold.truth == 1, means[1], means[0]), self.gold)
            part = found.covariance(self.passages, self.gold, open_, self.prevalence) * np.outer(scale, scale)
            # Each period's scores are weighed at its own prevalence; between two periods both halves count.
            covariance[p, :] += part[p, :] / 2
            covariance[:, p] += part[:, p] / 2
        return covariance


class MaximumLikelihood:
    """EMQ (also SLD): expectation–maximisation over the prevalence (Saerens et al. 2002)."""

    rung: ClassVar[str] = CORRECTED
    label: ClassVar[str] = "maximum likelihood (EMQ)"
    needs_gold: ClassVar[bool] = True

    def adjust(self, passages: Passages, gold: Gold | None) -> Likely:
        """Outcomes are the posteriors at each period's own prevalence."""
        if gold is None:
            raise ValueError("EMQ needs coded passages")
        return Likely(passages, gold)
