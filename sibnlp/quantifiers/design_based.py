"""Predictions corrected by a probability sample of codings: PPI++ and DSL.

The mean prediction of all passages, plus the mean difference between coding and prediction in the sample, each passage
weighted by one over its inclusion probability (Angelopoulos, Duchi & Zrnic 2023, *PPI++*, arXiv 2311.01453; Egami,
Hinck, Stewart & Wei 2024, *DSL*). Nothing is assumed of the classifier: the differences are taken within each period,
for pooling them would bring back the bias of counting where error rates change.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sibnlp.intervals import Error, Estimate, scaled, sum_by
from sibnlp.quantifiers import DESIGN_BASED, Gold, Passages, weighed
from sibnlp.quantifiers.counting import effective_size


def power_tuning(
    truth: NDArray[np.float64], score: NDArray[np.float64], weight: NDArray[np.float64], period: NDArray[np.int64]
) -> float:
    """How much of the prediction to use, λ in [0, 1]: the regression of codings on scores within periods.

    It minimises the variance of ``λ · mean(score) + mean(truth − λ · score)`` (PPI++, § 6, where the sample is part of
    the passages). A score that says half of what holds, twice as loud:

    >>> power_tuning(np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1]) * 2, np.ones(4), np.zeros(4, int))
    0.0
    >>> power_tuning(np.array([0.0, 0, 1, 1]), np.array([0.0, 0, 2, 2]), np.ones(4), np.zeros(4, int))
    0.5
    """
    both = spread = 0.0
    for one in np.unique(period):
        held = period == one
        w = weight[held] / weight[held].sum()
        x, y = score[held] - (w * score[held]).sum(), truth[held] - (w * truth[held]).sum()
        both += float((w * x * y).sum() * held.sum())
        spread += float((w * x * x).sum() * held.sum())
    return min(max(both / spread, 0.0), 1.0) if spread > 0 else 0.0


class Sampled:
    """Predictions with the sample's differences added, period by period."""

    def __init__(self, passages: Passages, gold: Gold) -> None:
        if not gold.sampled or (gold.row < 0).any():
            raise ValueError("the codings are no probability sample of the passages")
        self.passages, self.gold = passages, gold
        self.period = passages.period[gold.row]
        # Codings of training documents are not needed here: what the sample says of them is unbiased too.
        self.lam = power_tuning(gold.truth, gold.score, gold.weight, self.period)
        self.predicted = self.lam * passages.score
        self.difference = gold.truth - self.lam * gold.score
        sampled = sum_by(self.period, gold.weight, passages.n_periods)
        size = np.bincount(passages.period, minlength=passages.n_periods)
        stands_for = np.divide(size, sampled, out=np.zeros_like(sampled), where=sampled > 0)
        self.outcomes = self.predicted.copy()
        np.add.at(self.outcomes, gold.row, gold.weight * self.difference * stands_for[self.period])

    def _gold_sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        n, p = self.passages.n_clusters, self.passages.n_periods
        place = self.passages.cluster[self.gold.row] * p + self.period
        return sum_by(place, values, n * p).reshape(n, p)

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Prevalence by period (Hájek 1971); a period without codings has NaN.

        The example of `DesignBased`: differences of 0.1 and −0.4 in a sample of two out of four, so 0.35 with the error
        of a simple random sample, (1 − 2/4) · 0.125 / 2 (Cochran 1977, § 2.6):

        >>> passages = Passages(np.array([0.9, 0.4, 0.6, 0.1]), np.zeros(4, bool), np.zeros(4, int), np.arange(4),
        ...                     np.full(4, np.nan), 1, 4)
        >>> gold = Gold(np.array([0.9, 0.4]), np.zeros(2, bool), np.array([1.0, 0.0]), np.arange(2), np.full(2, 2.0),
        ...             np.arange(2), np.arange(2), 4, True)
        >>> found = Sampled(passages, gold).levels(np.ones(4))
        >>> found.values.round(6).tolist(), found.corpus.round(6).tolist()
        ([0.35], [[0.03125]])
        """
        passages, gold, rows = self.passages, self.gold, weighed(weight)
        w = gold.weight * weight[gold.row]
        predicted = passages.sums(weight[rows] * self.predicted[rows], rows=rows)
        total = passages.sums(weight[rows], rows=rows)
        added, sampled = self._gold_sums(w * self.difference), self._gold_sums(w)
        n = self._gold_sums((w > 0).astype(np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = added.sum(axis=0) / sampled.sum(axis=0)
            values = predicted.sum(axis=0) / total.sum(axis=0) + mean
            left = sampled.sum(axis=0) - sampled
            # Where a cluster holds all of a period's codings, nothing is known without it.
            without = (predicted.sum(axis=0) - predicted) / (total.sum(axis=0) - total) + np.where(
                n.sum(axis=0) - n > 0, (added.sum(axis=0) - added) / left, np.nan
            )
        present = total > 0
        deviations = scaled(without, values, present)
        chance = np.clip(1 / gold.weight, 0.0, 1.0)
        centred = self.difference - np.nan_to_num(mean)[self.period]
        pulls = self._gold_sums(w * centred * np.sqrt(1 - chance)) / np.maximum(sampled.sum(axis=0), 1e-300)
        coded = (n > 0).sum(axis=0)
        scale = np.sqrt(np.where(coded > 1, coded / np.maximum(coded - 1, 1), np.nan))
        pulls = pulls * scale
        degrees = float(max(int(coded[coded > 0].min()) - 1, 1)) if coded.any() else 1.0
        return Estimate(
            values, deviations, np.zeros(passages.n_clusters, dtype=np.int64), present, pulls.T @ pulls, degrees,
            effective_size(passages, weight),
        )  # fmt: skip

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Sampling error of a sum of outcomes (Horvitz & Thompson 1952), clusters as units.

        A quarter of each of four, differences of 0.1 and −0.4 at a chance of a half:
        ``√(2/1 · ½ · (0.05² + 0.2²))``:

        >>> passages = Passages(np.array([0.9, 0.4, 0.6, 0.1]), np.zeros(4, bool), np.zeros(4, int), np.arange(4),
        ...                     np.full(4, np.nan), 1, 4)
        >>> gold = Gold(np.array([0.9, 0.4]), np.zeros(2, bool), np.array([1.0, 0.0]), np.arange(2), np.full(2, 2.0),
        ...             np.arange(2), np.arange(2), 4, True)
        >>> round(Sampled(passages, gold).stray(np.full(4, 0.25)).se, 4)
        0.2062
        """
        gold = self.gold
        chance = np.clip(1 / gold.weight, 0.0, 1.0)
        pull = coefficients[gold.row] * gold.weight * self.difference * np.sqrt(1 - chance)
        by_cluster = sum_by(self.passages.cluster[gold.row], pull, self.passages.n_clusters)
        g = int((by_cluster != 0).sum())
        if g < 2:
            return Error(float("nan"), 1.0)
        return Error(float(np.sqrt((by_cluster**2).sum() * g / (g - 1))), float(g - 1))


class DesignBased:
    """PPI++ / DSL with known inclusion probabilities, cluster-robust.

    Four passages of mean score 0.5; the first two, drawn with probability 1/2, are coded 1 and 0. They differ from
    their scores by 0.1 and −0.4, on average −0.15:

    >>> passages = Passages(np.array([0.9, 0.4, 0.6, 0.1]), np.zeros(4, bool), np.zeros(4, int), np.arange(4),
    ...                     np.full(4, np.nan), 1, 4)
    >>> gold = Gold(np.array([0.9, 0.4]), np.zeros(2, bool), np.array([1.0, 0.0]), np.arange(2), np.full(2, 2.0),
    ...             np.arange(2), np.arange(2), 4, True)
    >>> DesignBased().adjust(passages, gold).levels(np.ones(4)).values.round(6).tolist()
    [0.35]
    """

    rung: ClassVar[str] = DESIGN_BASED
    label: ClassVar[str] = "probability sample (PPI++/DSL)"
    needs_gold: ClassVar[bool] = True

    def adjust(self, passages: Passages, gold: Gold | None) -> Sampled:
        """Outcomes ``λ·score + (truth − λ·score) / inclusion probability`` (DSL's pseudo-outcomes).

        Raises:
            ValueError: no codings, or no probability sample.
        """
        if gold is None:
            raise ValueError("a probability sample of codings is needed")
        return Sampled(passages, gold)
