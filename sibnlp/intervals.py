"""Intervals for shares of passages that come in whole documents, and for the change of such a share.

Passages of one interview are not independent: the variance comes from leaving out one document at a time (delete-one
jackknife of the ratio estimator; Wolter 2007, *Introduction to Variance Estimation*, ch. 4), so that documents, not
passages, are the sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")


def jackknife_variance(coded: NDArray[np.float64], passages: NDArray[np.int64]) -> float:
    """Variance of ``sum(coded) / sum(passages)`` over documents, by leaving out one at a time.

    Args:
        coded: [g], passages with the code in each document.
        passages: [g], passages in each document.

    Returns:
        The variance; NaN with fewer than two documents.

    With documents of equal size it is the variance of the mean of their shares:

    >>> round(jackknife_variance(np.array([1., 2., 3.]), np.array([10, 10, 10])), 6)
    0.003333
    """
    g, n = len(passages), passages.sum()
    if g < 2:
        return NAN
    left_out = (coded.sum() - coded) / (n - passages)
    return float((g - 1) / g * ((left_out - left_out.mean()) ** 2).sum())


@dataclass(frozen=True, slots=True)
class Share:
    """A share with what is known of its precision.

    Attributes:
        estimate: in [0, 1]; NaN without passages.
        variance: of the estimate; NaN with fewer than two documents.
        n_passages, n_documents: what it rests on.
    """

    estimate: float
    variance: float
    n_passages: int
    n_documents: int

    @property
    def degrees(self) -> int:
        """Degrees of freedom: documents less one."""
        return self.n_documents - 1

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval that stays inside [0, 1] and does not collapse at 0 or 1.

        Clopper–Pearson at the effective sample size (Korn & Graubard 1998, *Survey Methodology* 24), with *t* quantiles
        for few documents, as the NCHS data presentation standards for proportions (2017) ask.

        Returns:
            low, high; NaN with fewer than two documents, where nothing is known of how documents differ.

        Ten documents of ten passages, three coded in each second one:

        >>> coded, passages = np.array([3., 0.] * 5), np.full(10, 10)
        >>> share = share_of(coded, passages)
        >>> [round(bound, 3) for bound in share.interval()]
        [0.056, 0.3]
        """
        from scipy import stats

        if math.isnan(self.variance):
            return NAN, NAN
        p, n = self.estimate, self.n_passages
        effective = n * _t_ratio(n, self.degrees, level)
        if 0 < p < 1 and self.variance > 0:
            effective = min(p * (1 - p) / self.variance * _t_ratio(n, self.degrees, level), n)
        x, tail = effective * p, (1 - level) / 2
        low = float(stats.beta.ppf(tail, x, effective - x + 1)) if x > 0 else 0.0
        high = float(stats.beta.ppf(1 - tail, x + 1, effective - x)) if x < effective else 1.0
        return low, high

    def floored(self) -> tuple[float, float]:
        """Estimate and variance for contrasts: off 0 and 1 by half a passage, the variance at least the binomial one.

        A few documents can agree by chance: that they vary less than passages drawn one by one would is no evidence
        that all documents are alike.
        """
        n = self.n_passages
        p = (self.estimate * n + 0.5) / (n + 1)
        return p, max(self.variance, p * (1 - p) / n)


def _t_ratio(n: int, degrees: int, level: float) -> float:
    """Shrinks an effective sample size for the few documents it was estimated from (Korn & Graubard 1998)."""
    from scipy import stats

    q = (1 + level) / 2
    return float((stats.t.ppf(q, max(n - 1, 1)) / stats.t.ppf(q, max(degrees, 1))) ** 2)


def share_of(coded: NDArray[np.float64], passages: NDArray[np.int64]) -> Share:
    """Share of passages with a code, from sums by document ([g] each)."""
    n = int(passages.sum())
    estimate = float(coded.sum() / n) if n else NAN
    return Share(estimate, jackknife_variance(coded, passages), n, len(passages))


@dataclass(frozen=True, slots=True)
class Contrast:
    """Change of a share between two periods.

    Attributes:
        change: later less earlier, in shares.
        low, high: interval of the change at the level asked for; NaN where either period has fewer than two documents.
        p: two-sided p-value of no change (Welch–Satterthwaite degrees of freedom); 1 where nothing can be said.
        log_odds_low, log_odds_high: 90 % interval of the log odds ratio, for equivalence (two one-sided tests at 5 %,
            Schuirmann 1987).
    """

    change: float
    low: float
    high: float
    p: float
    log_odds_low: float
    log_odds_high: float


def contrast(earlier: Share, later: Share, level: float = 0.95) -> Contrast:
    """Compare two periods, their documents taken as independent.

    Actors who appear in both make the two shares correlate, as a rule positively: the interval is then too wide, not
    too narrow.
    """
    from scipy import stats

    change = later.estimate - earlier.estimate
    if math.isnan(earlier.variance) or math.isnan(later.variance):
        return Contrast(change, NAN, NAN, 1.0, NAN, NAN)
    (p, v), (q, w) = earlier.floored(), later.floored()
    degrees = (v + w) ** 2 / (v**2 / max(earlier.degrees, 1) + w**2 / max(later.degrees, 1))
    se = math.sqrt(v + w)
    reach = float(stats.t.ppf((1 + level) / 2, degrees)) * se
    p_value = float(2 * stats.t.sf(abs(change) / se, degrees))
    log_odds = math.log(q / (1 - q)) - math.log(p / (1 - p))
    se_log = math.sqrt(v / (p * (1 - p)) ** 2 + w / (q * (1 - q)) ** 2)
    reach_log = float(stats.t.ppf(0.95, degrees)) * se_log
    return Contrast(
        change, max(change - reach, -1.0), min(change + reach, 1.0), p_value, log_odds - reach_log, log_odds + reach_log
    )


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
