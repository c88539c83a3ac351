"""Counts corrected by the classifier's error rates: ACC and PACC.

Both solve ``mean(x) = false + prevalence · (true − false)``, x being the decision (Gart & Buck 1966; Forman 2008) or
the probability (Bella et al. 2010), true and false its means among passages that do and do not carry the code. They
hold where these means are the same in every period (*prior probability shift*).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sibnlp.intervals import Error, Estimate, scaled, sum_by
from sibnlp.quantifiers import CORRECTED, Gold, Passages, weighed
from sibnlp.quantifiers.counting import effective_size


def adjust(share: float, true_rate: float, false_rate: float) -> float:
    """Prevalence behind a share flagged, not clipped (Gart & Buck 1966, *Am. J. Epidemiology* 83; Rogan & Gladen 1978).

    Of 30 % flagged with 90 % of the positives and 10 % of the negatives found:

    >>> round(adjust(0.3, 0.9, 0.1), 4)
    0.25
    """
    return (share - false_rate) / (true_rate - false_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Mean of x among gold passages with and without the code, and with each cluster left out.

    Attributes:
        true, false: the two means.
        true_without, false_without: [k], as each of the k clusters is left out.
        calibrates: bool [k], clusters that hold gold.
    """

    true: float
    false: float
    true_without: NDArray[np.float64]
    false_without: NDArray[np.float64]
    calibrates: NDArray[np.bool_]


def rates(x: NDArray[np.float64], gold: Gold) -> Rates:
    """Error rates from gold, each passage weighted by how many it stands for (Gart & Buck 1966; Wolter 2007, ch. 4).

    >>> gold = Gold(np.zeros(4), np.zeros(4, bool), np.array([1.0, 1, 0, 0]), np.arange(4), np.ones(4), np.full(4, -1),
    ...             np.arange(4), 4, False)
    >>> found = rates(np.array([1.0, 0, 0, 1]), gold)
    >>> found.true, found.false, found.true_without.tolist()
    (0.5, 0.5, [0.0, 1.0, 0.5, 0.5])
    """
    means = []
    for held in (gold.truth == 1, gold.truth == 0):
        weight = gold.weight * held
        n = sum_by(gold.cluster, weight, gold.n_clusters)
        s = sum_by(gold.cluster, weight * x, gold.n_clusters)
        with np.errstate(divide="ignore", invalid="ignore"):
            whole, without = s.sum() / n.sum(), (s.sum() - s) / (n.sum() - n)
        # Without the only cluster that has any, the rate stays: there is nothing to put in its place.
        means.append((float(whole), np.where(n.sum() - n > 0, without, whole)))
    (true, true_without), (false, false_without) = means
    calibrates = np.bincount(gold.cluster, minlength=gold.n_clusters) > 0
    return Rates(true, false, true_without, false_without, calibrates)


@dataclass(frozen=True, slots=True)
class Noise:
    """How far single decisions stray from their class' mean: variance within a cluster's passages and between clusters.

    Attributes:
        within, between: of negatives and positives (index 0 and 1), by the method of moments.
        together: covariance of a cluster's two class means: who is read high is read high throughout.
    """

    within: tuple[float, float]
    between: tuple[float, float]
    together: float = 0.0

    def covariance(
        self, passages: Passages, gold: Gold, weight: NDArray[np.float64], prevalence: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Covariance [p, p] of ``mean(x) − (1 − prevalence) · false − prevalence · true`` given who carries the code.

        Actors who are both corrected and corrected by pull both means the same way, so their own error rates cancel as
        far as they weigh the same in both; so do they between periods, as far as the same actors are in both.

        Args:
            passages, gold: of the cell.
            weight: [n], of each passage; 0 where its truth is known.
            prevalence: [k, p], of each cluster in each period.

        Variance components as in Searle, Casella & McCulloch (1992, § 3.6), carried through the two means. Two passages
        without the code, held against two coded negatives, all of other actors: ½ + ½ of the variance within and of
        that between, 0.04 + 0.01:

        >>> passages = Passages(np.zeros(2), np.zeros(2, bool), np.zeros(2, int), np.arange(2), np.full(2, np.nan), 1,
        ...                     2)
        >>> gold = Gold(np.zeros(2), np.zeros(2, bool), np.zeros(2), np.array([2, 3]), np.ones(2), np.full(2, -1),
        ...             np.arange(2), 4, False)
        >>> noise = Noise((0.04, 0.0), (0.01, 0.0))
        >>> noise.covariance(passages, gold, np.ones(2), np.zeros((4, 1))).round(6).tolist()
        [[0.05]]
        """
        k, rows = gold.n_clusters, weighed(weight)
        by_cluster = passages.sums(weight[rows], k, rows)
        total = np.maximum(by_cluster.sum(axis=0), 1e-100)
        squares = passages.sums(weight[rows] ** 2, rows=rows).sum(axis=0) / total**2
        inside = gold.row >= 0
        period = np.where(inside, passages.period[gold.row], 0)
        mine = np.where(inside, weight[gold.row] / total[period], 0.0)
        found = np.zeros((len(total), len(total)))
        pulls = []
        for kind, (within, between) in enumerate(zip(self.within, self.between, strict=True)):
            share = prevalence if kind else 1 - prevalence
            held = (by_cluster * share).sum(axis=0) / total
            stands = gold.weight * (gold.truth == kind)
            stands = stands / max(stands.sum(), 1e-300)
            in_gold = sum_by(gold.cluster, stands, k)
            pull = by_cluster * share / total - held * in_gold[:, None]
            pulls.append(pull)
            both = sum_by(period, mine * stands, len(total))
            found += between * pull.T @ pull
            found += within * (np.diag(held * squares) + np.outer(held, held) * (stands**2).sum())
            found -= within * (np.outer(held, both) + np.outer(both, held))
        cross = pulls[0].T @ pulls[1]
        found += self.together * (cross + cross.T)
        return found

    def variance(
        self, passages: Passages, gold: Gold, coefficients: NDArray[np.float64], prevalence: NDArray[np.float64]
    ) -> float:
        """As `covariance` (Searle et al. 1992), for one sum of passages with any coefficients [n].

        The same mean of two, as a sum with coefficients of a half:

        >>> passages = Passages(np.zeros(2), np.zeros(2, bool), np.zeros(2, int), np.arange(2), np.full(2, np.nan), 1,
        ...                     2)
        >>> gold = Gold(np.zeros(2), np.zeros(2, bool), np.zeros(2), np.array([2, 3]), np.ones(2), np.full(2, -1),
        ...             np.arange(2), 4, False)
        >>> round(Noise((0.04, 0.0), (0.01, 0.0)).variance(passages, gold, np.full(2, 0.5), np.zeros((4, 1))), 6)
        0.05
        """
        k, found = gold.n_clusters, 0.0
        pulls = []
        inside = gold.row >= 0
        mine = np.where(inside, coefficients[gold.row], 0.0)
        for kind, (within, between) in enumerate(zip(self.within, self.between, strict=True)):
            held = (prevalence if kind else 1 - prevalence)[passages.cluster, passages.period]
            stands = gold.weight * (gold.truth == kind)
            stands = stands / max(stands.sum(), 1e-300)
            whole = float((coefficients * held).sum())
            pull = sum_by(passages.cluster, coefficients * held, k) - whole * sum_by(gold.cluster, stands, k)
            pulls.append(pull)
            found += between * float((pull**2).sum())
            alone = float((coefficients**2 * held).sum()) + whole**2 * float((stands**2).sum())
            found += within * (alone - 2 * whole * float((mine * stands).sum()))
        return found + 2 * self.together * float((pulls[0] * pulls[1]).sum())


def noise(residual: NDArray[np.float64], gold: Gold) -> Noise:
    """Variance components of residuals in each class, clusters as groups.

    One-way ANOVA with unequal groups, negative components set to 0 (Searle, Casella & McCulloch 1992, *Variance
    Components*, § 3.6). Two clusters of two negatives with residuals (1, 3) and (5, 7): within 2; their means differ
    by 4, the mean square between is 16, so between is (16 − 2) / 2:

    >>> gold = Gold(np.zeros(4), np.zeros(4, bool), np.zeros(4), np.array([0, 0, 1, 1]), np.ones(4), np.full(4, -1),
    ...             np.array([0, 0, 1, 1]), 2, False)
    >>> noise(np.array([1.0, 3, 5, 7]), gold)
    Noise(within=(2.0, 0.0), between=(7.0, 0.0), together=0.0)
    """
    within, between = [0.0, 0.0], [0.0, 0.0]
    for kind in (0, 1):
        held = gold.truth == kind
        n = np.bincount(gold.cluster[held], minlength=gold.n_clusters).astype(np.float64)
        s = sum_by(gold.cluster[held], residual[held], gold.n_clusters)
        full = n > 0
        total, groups = n.sum(), int(full.sum())
        if total < 2:
            continue
        means = s[full] / n[full]
        spread = float((n[full] * (means - s.sum() / total) ** 2).sum())
        inner = float((residual[held] ** 2).sum() - (n[full] * means**2).sum())
        if groups < 2 or total == groups:
            within[kind] = float(residual[held].var(ddof=1))
            continue
        within[kind] = max(inner / float(total - groups), 0.0)
        typical = float(total - (n**2).sum() / total) / (groups - 1)
        between[kind] = max((spread / (groups - 1) - within[kind]) / typical, 0.0)
    return Noise((within[0], within[1]), (between[0], between[1]), _together(residual, gold, between))


def _together(residual: NDArray[np.float64], gold: Gold, between: list[float]) -> float:
    """Covariance of clusters' means of both classes, over clusters that have both; within what the variances allow.

    A weighted sample covariance (Searle et al. 1992, ch. 11). Three clusters whose negatives stray by −0.1, 0 and 0.1
    and whose positives by twice that: 0.04 over two degrees of freedom:

    >>> gold = Gold(np.zeros(6), np.zeros(6, bool), np.repeat([0.0, 1.0], 3), np.tile(np.arange(3), 2), np.ones(6),
    ...             np.full(6, -1), np.arange(6), 3, False)
    >>> round(_together(np.array([-0.1, 0, 0.1, -0.2, 0, 0.2]), gold, [1.0, 1.0]), 6)
    0.02
    """
    n = [sum_by(gold.cluster, gold.truth == kind, gold.n_clusters) for kind in (0, 1)]
    both = (n[0] > 0) & (n[1] > 0)
    if both.sum() < 3:
        return 0.0
    means = [
        sum_by(gold.cluster, residual * (gold.truth == kind), gold.n_clusters)[both] / n[kind][both] for kind in (0, 1)
    ]
    weight = n[1][both] / n[1][both].sum()
    centred = [mean - float((weight * mean).sum()) for mean in means]
    found = float((weight * centred[0] * centred[1]).sum()) / max(1 - float((weight**2).sum()), 1e-9)
    return min(max(found, 0.0), float(np.sqrt(between[0] * between[1])))


def by_cluster_and_period(passages: Passages, outcomes: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """[k, p], share of each cluster's passages in each period that carry the code, as far as outcomes say; in [0, 1].

    A cluster's few passages say little: they are drawn towards the period's share by as many passages as ten (additive
    smoothing; Good 1965, *The Estimation of Probabilities*).

    Two actors of ten passages, all and none of them: (10 + 5) / 20 and 5 / 20:

    >>> passages = Passages(np.zeros(20), np.zeros(20, bool), np.zeros(20, int), np.arange(20) // 10,
    ...                     np.full(20, np.nan), 1, 2)
    >>> by_cluster_and_period(passages, np.repeat([1.0, 0.0], 10), 2).tolist()
    [[0.75], [0.25]]
    """
    n, total = passages.sums(np.ones(len(outcomes)), k), passages.sums(outcomes, k)
    whole = np.divide(total.sum(axis=0), n.sum(axis=0), out=np.zeros(n.shape[1]), where=n.sum(axis=0) > 0)
    result: NDArray[np.float64] = np.clip((total + 10 * whole) / (n + 10), 0.0, 1.0)
    return result


class Linear:
    """Prevalence as a linear map of the mean of x: ``(mean(x) − false) / (true − false)``."""

    def __init__(self, passages: Passages, gold: Gold, x: NDArray[np.float64], gold_x: NDArray[np.float64]) -> None:
        self.passages, self.gold, self.x = passages, gold, x
        self.rates = rates(gold_x, gold)
        self.gain = self.rates.true - self.rates.false
        if not abs(self.gain) > 0:
            raise ValueError("the classifier does not tell passages with the code from those without")
        expected = np.where(gold.truth == 1, self.rates.true, self.rates.false)
        self.noise = noise(gold_x - expected, gold)
        self.known = ~np.isnan(passages.truth)
        adjusted = (x - self.rates.false) / self.gain
        self.outcomes = np.where(self.known, passages.truth, adjusted)

    @cached_property
    def prevalence(self) -> NDArray[np.float64]:
        """[k, p], as `by_cluster_and_period` (Good 1965) has it of the outcomes: whatever passages weigh.

        >>> gold = Gold(np.array([1.0, 0.0]), np.zeros(2, bool), np.array([1.0, 0.0]), np.arange(2), np.ones(2),
        ...             np.full(2, -1), np.arange(2), 2, False)
        >>> passages = Passages(np.ones(10), np.ones(10, bool), np.zeros(10, int), np.zeros(10, int),
        ...                     np.full(10, np.nan), 1, 2)
        >>> Linear(passages, gold, passages.score, gold.score).prevalence.tolist()
        [[1.0], [1.0]]
        """
        return by_cluster_and_period(self.passages, self.outcomes, self.gold.n_clusters)

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Prevalence by period; the error rates' own error is in both intervals (Rogan & Gladen 1978, by jackknife).

        30 % flagged, with 90 % of the positives and 10 % of the negatives: 25 %, of which 20 points were counted:

        >>> given = np.arange(10) < 3
        >>> passages = Passages(given * 1.0, given, np.zeros(10, int), np.arange(10), np.full(10, np.nan), 1, 10)
        >>> truth, said = np.repeat([1.0, 0.0], 10), np.r_[np.arange(10) < 9, np.arange(10) < 1]
        >>> gold = Gold(said * 1.0, said, truth, np.arange(20) % 10, np.ones(20), np.full(20, -1), np.arange(20), 10,
        ...             False)
        >>> found = Linear(passages, gold, given * 1.0, said * 1.0).levels(np.ones(10))
        >>> found.values.round(6).tolist(), found.counted.round(6).tolist(), round(found.gain, 6)
        ([0.25], [0.2], 0.8)
        """
        passages, k, rows = self.passages, self.gold.n_clusters, weighed(weight)
        open_, w = weight * ~self.known, weight[rows]
        total = passages.sums(w, k, rows)
        truth = np.where(self.known[rows], w * np.nan_to_num(passages.truth[rows]), 0.0)
        certain = passages.sums(truth, k, rows)
        flagged, left = passages.sums(open_[rows] * self.x[rows], k, rows), passages.sums(open_[rows], k, rows)
        sums = (certain, flagged, left, total)
        whole = tuple(part.sum(axis=0) for part in sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = _solve(whole, self.rates.false, self.gain)
            false = self.rates.false_without[:, None]
            gain = self.rates.true_without[:, None] - false
            without = _solve([w - part for w, part in zip(whole, sums, strict=True)], false, gain)
        n = passages.n_clusters
        stratum = (np.arange(k) >= n).astype(np.int64)
        present = total > 0
        present[n:] = True
        deviations = np.concatenate(
            [scaled(without[:n], values, present[:n]), scaled(without[n:], values, present[n:])]
        )
        stray = self.noise.covariance(passages, self.gold, open_, self.prevalence)
        share = np.divide(left.sum(axis=0), total.sum(axis=0), out=np.zeros(len(values)), where=total.sum(axis=0) > 0)
        corpus = stray * np.outer(share, share) / self.gain**2
        degrees = float(max(int(self.rates.calibrates.sum()) - 1, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            counted = _solve(whole, self.rates.false, 1.0)
        return Estimate(
            values, deviations, stratum, present, corpus, degrees, effective_size(passages, weight), counted, self.gain
        )

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Error of a sum of outcomes about these passages, by the variance of single decisions (Rogan & Gladen 1978).

        That of a mean is that of `levels`:

        >>> given = np.arange(10) < 3
        >>> passages = Passages(given * 1.0, given, np.zeros(10, int), np.arange(10), np.full(10, np.nan), 1, 10)
        >>> truth, said = np.repeat([1.0, 0.0], 10), np.r_[np.arange(10) < 9, np.arange(10) < 1]
        >>> gold = Gold(said * 1.0, said, truth, np.arange(20) % 10, np.ones(20), np.full(20, -1), np.arange(20), 10,
        ...             False)
        >>> linear = Linear(passages, gold, given * 1.0, said * 1.0)
        >>> round(linear.stray(np.full(10, 0.1)).se - float(linear.levels(np.ones(10)).corpus[0, 0]) ** 0.5, 9)
        0.0
        """
        open_ = np.where(self.known, 0.0, coefficients)
        variance = self.noise.variance(self.passages, self.gold, open_, self.prevalence)
        degrees = float(max(int(self.rates.calibrates.sum()) - 1, 1))
        return Error(float(np.sqrt(max(variance, 0.0))) / abs(self.gain), degrees)


def _solve(
    sums: Sequence[NDArray[np.float64]],
    false: NDArray[np.float64] | float,
    gain: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    certain, flagged, left, total = sums
    return (certain + (flagged - false * left) / gain) / total


class AdjustedCount:
    """ACC: the share flagged, corrected by the rates of true and false positives (Gart & Buck 1966; Forman 2008).

    Three of ten flagged; of ten coded positives nine were, of ten negatives one:

    >>> given = np.arange(10) < 3
    >>> passages = Passages(given * 1.0, given, np.zeros(10, int), np.arange(10), np.full(10, np.nan), 1, 10)
    >>> truth, said = np.repeat([1.0, 0.0], 10), np.r_[np.arange(10) < 9, np.arange(10) < 1]
    >>> gold = Gold(said * 1.0, said, truth, np.arange(20) % 10, np.ones(20), np.full(20, -1), np.arange(20), 10, False)
    >>> AdjustedCount().adjust(passages, gold).levels(np.ones(10)).values.round(6).tolist()
    [0.25]
    """

    rung: ClassVar[str] = CORRECTED
    label: ClassVar[str] = "adjusted count (ACC)"
    needs_gold: ClassVar[bool] = True

    def adjust(self, passages: Passages, gold: Gold | None) -> Linear:
        """Outcomes ``(given − FPR) / (TPR − FPR)``."""
        if gold is None:
            raise ValueError("ACC needs coded passages")
        return Linear(passages, gold, passages.given.astype(np.float64), gold.given.astype(np.float64))


class ProbabilisticAdjustedCount:
    """PACC: the mean probability, corrected by its means in both classes (Bella et al. 2010, *ICDM*).

    A mean of 0.35 between negatives' 0.2 and positives' 0.8:

    >>> passages = Passages(np.array([0.2, 0.5]), np.zeros(2, bool), np.zeros(2, int), np.arange(2),
    ...                     np.full(2, np.nan), 1, 2)
    >>> gold = Gold(np.array([0.8, 0.2, 0.8, 0.2]), np.zeros(4, bool), np.array([1.0, 0, 1, 0]), np.arange(4) // 2,
    ...             np.ones(4), np.full(4, -1), np.arange(4), 2, False)
    >>> ProbabilisticAdjustedCount().adjust(passages, gold).levels(np.ones(2)).values.round(6).tolist()
    [0.25]
    """

    rung: ClassVar[str] = CORRECTED
    label: ClassVar[str] = "probabilistic adjusted count (PACC)"
    needs_gold: ClassVar[bool] = True

    def adjust(self, passages: Passages, gold: Gold | None) -> Linear:
        """Outcomes ``(score − mean of negatives) / (mean of positives − mean of negatives)``."""
        if gold is None:
            raise ValueError("PACC needs coded passages")
        return Linear(passages, gold, passages.score, gold.score)
