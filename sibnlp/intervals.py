"""Intervals for shares of passages that come in whole actors, and for the change of such shares.

Passages of one actor are not independent, nor are an actor's interviews of two periods: the variance comes from leaving
out one actor at a time, from all periods at once (delete-one-group jackknife; Wolter 2007, *Introduction to Variance
Estimation*, ch. 4). So the covariance of periods that share actors is in every interval of a change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")
PROCESS, CORPUS = "process", "corpus"


def jackknife_variance(coded: NDArray[np.float64], passages: NDArray[np.int64]) -> float:
    """Variance of ``sum(coded) / sum(passages)`` over clusters, by leaving out one at a time (Wolter 2007, ch. 4).

    Args:
        coded: [g], passages with the code in each cluster.
        passages: [g], passages in each cluster.

    Returns:
        The variance; NaN with fewer than two clusters.

    With clusters of equal size it is the variance of the mean of their shares:

    >>> round(jackknife_variance(np.array([1., 2., 3.]), np.array([10, 10, 10])), 6)
    0.003333
    """
    counted = passages.astype(np.float64)
    deviations = jackknife(coded[:, None].astype(np.float64), counted[:, None])[1]
    return float((deviations**2).sum())


def jackknife(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratios of sums, and how leaving out each cluster moves them (delete-one-group jackknife; Wolter 2007, ch. 4).

    Args:
        numerator, denominator: [g, p], sums by cluster and period.

    Returns:
        The p ratios, and deviations [g, p], scaled so that ``deviations.T @ deviations`` is their covariance. A period
        without clusters has a NaN ratio, one with a single cluster NaN deviations.

    >>> values, deviations = jackknife(np.array([[1.], [3.]]), np.array([[10.], [10.]]))
    >>> values.round(3).tolist(), (deviations.T @ deviations).round(3).tolist()
    ([0.2], [[0.01]])
    """
    top, bottom = numerator.sum(axis=0), denominator.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = top / bottom
        left_out = (top - numerator) / (bottom - denominator)
    return values, scaled(left_out, values, denominator > 0)


def sum_by(group: NDArray[np.int64], values: NDArray[Any], n: int) -> NDArray[np.float64]:
    """Sums of values by group number: [n].

    >>> sum_by(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 4).tolist()
    [1.0, 0.0, 5.0, 0.0]
    """
    return np.bincount(group, weights=values, minlength=n).astype(np.float64)


def scaled(
    left_out: NDArray[np.float64], values: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Jackknife replicates [g, p] as deviations whose cross-product is the covariance of the p values.

    The factor (g − 1) / g counts the clusters that a period has; a period with one has NaN (Wolter 2007, ch. 4).

    A share of 0.2 that is 0.3 without one of its two clusters and 0.1 without the other: ±0.1 / √2:

    >>> scaled(np.array([[0.3], [0.1]]), np.array([0.2]), np.ones((2, 1), bool)).round(4).tolist()
    [[0.0707], [-0.0707]]
    """
    n = present.sum(axis=0)
    factor = np.where(n > 1, np.sqrt(np.maximum(n - 1, 0) / np.maximum(n, 1)), NAN)
    deviations: NDArray[np.float64] = (left_out - values) * factor
    return deviations


@dataclass(frozen=True, slots=True)
class Error:
    """Standard error of a number with its degrees of freedom; both NaN where nothing is known."""

    se: float
    degrees: float


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A share in each of p periods, with its two kinds of error.

    *Process*: other interviews, such actors. *Corpus*: these passages, so only what the classifier gets wrong.

    Attributes:
        values: [p]; not clipped; NaN for a period without passages.
        deviations: [k, p], process error by cluster (see `scaled`).
        stratum: [k]; 0 for clusters of the corpus, 1 for those that only calibrate.
        present: bool [k, p], clusters with passages in a period (those that calibrate: in all).
        corpus: [p, p], covariance of the error about the share of these passages; NaN where it is unknown.
        corpus_degrees: of the latter.
        size: [p], effective number of passages: ``sum(w)² / sum(w²)``.
        counted: [p], the shares before correcting divided them by one number for all periods; None where none does.
        gain: that number, TPR − FPR or its likes.
    """

    values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    stratum: NDArray[np.int64]
    present: NDArray[np.bool_]
    corpus: NDArray[np.float64]
    corpus_degrees: float
    size: NDArray[np.float64]
    counted: NDArray[np.float64] | None = None
    gain: float = 1.0

    def error(self, weights: NDArray[np.float64], kind: str = PROCESS) -> Error:
        """Error of ``weights @ values``: [p] weights, those of a level (one 1) or of a change (−1 and 1).

        Degrees of freedom are clusters less one, of corpus and calibration together after Satterthwaite (1946).

        Two actors of ten passages a period, who rise by 0.1 and 0.3: standard deviation 0.1414, over √2:

        >>> found = counted(np.array([[1.0, 2.0], [3.0, 6.0]]), np.full((2, 2), 10.0))
        >>> error = found.error(np.array([-1.0, 1.0]))
        >>> round(error.se, 4), error.degrees
        (0.1, 1.0)
        """
        used = weights != 0
        if kind == CORPUS:
            part = self.corpus[np.ix_(used, used)]
            return Error(math.sqrt(max(float(weights[used] @ part @ weights[used]), 0.0)), self.corpus_degrees)
        moved = self.deviations[:, used] @ weights[used]
        total, combined, clusters = 0.0, 0.0, 0
        for stratum in np.unique(self.stratum):
            held = (self.stratum == stratum) & self.present[:, used].any(axis=1)
            variance = float((moved[self.stratum == stratum] ** 2).sum())
            total += variance
            combined += variance**2 / max(int(held.sum()) - 1, 1)
            clusters += max(int(held.sum()) - 1, 0)
        if math.isnan(total):
            return Error(NAN, NAN)
        return Error(math.sqrt(total), total**2 / combined if combined > 0 else float(max(clusters, 1)))

    def level(self, period: int, level: float = 0.95, kind: str = PROCESS) -> tuple[float, float]:
        """Interval of one period's share (see `share_interval`); NaN where nothing is known.

        The error about these passages is nil where nothing is corrected: the share flagged is what it is.

        Three actors of a thousand passages, 200, 300 and 400 of them coded: on the logit scale, whose slope is
        1 / 0.21, −0.847 ± 4.3027 · 0.0577 / 0.21 (Korn & Graubard 1999, § 3.3):

        >>> found = counted(np.array([[200.0], [300.0], [400.0]]), np.full((3, 1), 1000.0))
        >>> tuple(round(bound, 3) for bound in found.level(0)), found.level(0, kind=CORPUS)
        ((0.116, 0.583), (0.3, 0.3))
        """
        unit = np.zeros(len(self.values))
        unit[period] = 1
        value, error = float(self.values[period]), self.error(unit, kind)
        if kind == CORPUS:
            if error.se == 0:
                return value, value
            return share_interval(value, error, INFINITE, level)
        return share_interval(value, error, float(self.size[period]), level)

    def contrast(self, start: int, end: int, level: float = 0.95) -> Contrast:
        """Change from one period to another (see `Contrast`): a paired *t* where the same actors are in both.

        By delete-one jackknife (Wolter 2007, ch. 4), the variance no less than that of passages drawn one by one.

        Three actors of a thousand passages rise by 0.1, 0.2 and 0.3: 0.2 ± 4.3027 · 0.1 / √3:

        >>> found = counted(np.array([[200.0, 300], [200, 400], [200, 500]]), np.full((3, 2), 1000.0)).contrast(0, 1)
        >>> round(found.change, 4), round(found.low, 4), round(found.high, 4)
        (0.2, -0.0484, 0.4484)
        """
        from scipy import stats

        weights = np.zeros(len(self.values))
        weights[start], weights[end] = -1, 1
        change = float(self.values[end] - self.values[start])
        error, corpus = self.error(weights), self.error(weights, CORPUS)
        if math.isnan(error.se) or math.isnan(change):
            return Contrast(change, NAN, NAN, 1.0, NAN, NAN, NAN, NAN, NAN, NAN)
        edges = [_off_the_edge(float(self.values[i]), float(self.size[i])) for i in (start, end)]
        # A few clusters can agree by chance: that they vary less than passages drawn one by one is no evidence.
        least = sum(p * (1 - p) / float(self.size[i]) for p, i in zip(edges, (start, end), strict=True))
        se = math.sqrt(max(error.se**2, least))
        reach = float(stats.t.ppf((1 + level) / 2, error.degrees)) * se
        p_value = float(2 * stats.t.sf(abs(change) / se, error.degrees))
        low, high = change - reach, change + reach
        odds, slopes = [math.log(p / (1 - p)) for p in edges], [1 / (p * (1 - p)) for p in edges]
        weights[start], weights[end] = -slopes[0], slopes[1]
        least = sum(slope / float(self.size[i]) for slope, i in zip(slopes, (start, end), strict=True))
        error_log = self.error(weights)
        reach_log = float(stats.t.ppf(0.95, error_log.degrees)) * math.sqrt(max(error_log.se**2, least))
        near = float(stats.t.ppf((1 + level) / 2, corpus.degrees)) * corpus.se if corpus.se else 0.0
        return Contrast(
            change,
            max(low, -1.0),
            min(high, 1.0),
            p_value,
            odds[1] - odds[0] - reach_log,
            odds[1] - odds[0] + reach_log,
            max(change - near, -1.0),
            min(change + near, 1.0),
            se,
            error.degrees,
        )


INFINITE = float("inf")


def _off_the_edge(p: float, n: float) -> float:
    """A share kept half a passage off 0 and 1, so that its log-odds are finite (Haldane 1956; Anscombe 1956).

    >>> _off_the_edge(0.0, 9), _off_the_edge(0.2, 9)
    (0.05, 0.2)
    """
    edge = 0.5 / (n + 1)
    return min(max(p, edge), 1 - edge)


def share_interval(p: float, error: Error, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share on the logit scale with *t* quantiles (Korn & Graubard 1999, *Analysis of Health Surveys*).

    Args:
        p: the share; an adjusted one may lie outside [0, 1].
        error: of p; its variance counts as at least that of n passages drawn one by one.
        n: effective number of passages; infinite where the passages are no sample.
        level: of the interval.

    Returns:
        Bounds in [0, 1]. Where the plain interval (p ± t·se) reaches an edge, so does this one; and no bound lies
        further from p than twice the plain one, since the logit of a share that is all noise knows no bounds.

    The logit of 0.2 with standard error 0.05 on 14 degrees of freedom, ``logit(0.2) ± 2.1448 · 0.05 / 0.16``:

    >>> [round(bound, 4) for bound in share_interval(0.2, Error(0.05, 14), 1000)]
    [0.1134, 0.3283]
    """
    from scipy import stats

    if math.isnan(p) or math.isnan(error.se):
        return NAN, NAN
    if math.isinf(n):
        edge, se = min(max(p, 1e-6), 1 - 1e-6), error.se
        nothing_seen = False
    else:
        edge = _off_the_edge(p, n)
        se = math.sqrt(max(error.se**2, edge * (1 - edge) / n))
        nothing_seen = (p <= 0 or p >= 1) and error.se == 0
    t = float(stats.t.ppf((1 + level) / 2, error.degrees))
    logit, reach = math.log(edge / (1 - edge)), t * se / (edge * (1 - edge))
    low, high = _expit(logit - reach), _expit(logit + reach)
    if nothing_seen:  # no passage, or every one, in every cluster: only the logit scale says how far it may be
        return (0.0, high) if p <= 0 else (low, 1.0)
    low = 0.0 if p - t * se <= 0 else max(low, p - 2 * t * se)
    high = 1.0 if p + t * se >= 1 else min(high, max(p, 0.0) + 2 * t * se)
    return low, high


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


@dataclass(frozen=True, slots=True)
class Contrast:
    """Change of a share between two periods.

    Attributes:
        change: later less earlier, in shares.
        low, high: process interval of the change; NaN where either period has fewer than two clusters.
        p: two-sided p-value of no change; 1 where nothing can be said.
        log_odds_low, log_odds_high: 90 % process interval of the log odds ratio, for equivalence (two one-sided tests
            at 5 %, Schuirmann 1987).
        corpus_low, corpus_high: corpus interval of the change.
        se, degrees: of the change, for other levels.
    """

    change: float
    low: float
    high: float
    p: float
    log_odds_low: float
    log_odds_high: float
    corpus_low: float
    corpus_high: float
    se: float
    degrees: float

    @property
    def smallest_margin(self) -> float:
        """The smallest odds ratio whose margin holds the 90 % interval (Schuirmann 1987); NaN where none is known.

        >>> Contrast(0, 0, 0, 1, -math.log(1.5), math.log(2.5), 0, 0, 0, 1).smallest_margin
        2.5
        """
        if math.isnan(self.log_odds_low):
            return NAN
        return round(math.exp(min(max(-self.log_odds_low, self.log_odds_high), 700.0)), 12)


def contrast(earlier: tuple[NDArray[np.float64], ...], later: tuple[NDArray[np.float64], ...]) -> Contrast:
    """Compare two shares from sums by cluster (``coded, passages``) of clusters that have nothing in common.

    Their jackknife variances add up (Wolter 2007, ch. 4): 0.02 / 2 on either side, so √0.02:

    >>> sides = [(np.array(coded), np.full(2, 1000.0)) for coded in ([100.0, 300.0], [400.0, 600.0])]
    >>> found = contrast(sides[0], sides[1])
    >>> round(found.change, 4), round(found.se, 4)
    (0.3, 0.1414)
    """
    groups = [len(earlier[0]), len(later[0])]
    coded, passages = np.zeros((sum(groups), 2)), np.zeros((sum(groups), 2))
    for column, (held, (x, n)) in enumerate(
        zip((slice(0, groups[0]), slice(groups[0], None)), (earlier, later), strict=True)
    ):
        coded[held, column], passages[held, column] = x, n
    return counted(coded, passages).contrast(0, 1)


def counted(coded: NDArray[np.float64], passages: NDArray[np.float64]) -> Estimate:
    """Shares of what was counted, nothing corrected: sums [g, p] by cluster and period (Wolter 2007, ch. 4).

    >>> counted(np.array([[1.0], [3.0]]), np.full((2, 1), 10.0)).values.tolist()
    [0.2]
    """
    values, deviations = jackknife(coded, passages)
    g, p = coded.shape
    n = passages.sum(axis=0)
    return Estimate(values, deviations, np.zeros(g, dtype=np.int64), passages > 0, np.zeros((p, p)), 1.0, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for looking at several cells at once (Holm 1979, *Scand. J. Statistics* 6).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
