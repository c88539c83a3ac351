"""Counting what the classifier says: the two baselines every other quantifier is measured against.

Both inherit the classifier's errors (Forman 2008, *Quantifying counts and costs via classification*), hence their rung
is *uncorrected*: they give the share flagged, and of that share they are certain.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sibnlp.intervals import Error, Estimate, counted
from sibnlp.quantifiers import UNCORRECTED, Gold, Passages, weighed


class Counted:
    """Outcomes taken as they are."""

    def __init__(self, passages: Passages, outcomes: NDArray[np.float64]) -> None:
        self.passages = passages
        # Codings that stand for a passage are what is counted there.
        self.outcomes = np.where(np.isnan(passages.truth), outcomes, passages.truth)

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Weighted means by period (ratios of sums; Cochran 1977, § 6.2).

        >>> passages = Passages(np.ones(2), np.ones(2, bool), np.zeros(2, int), np.arange(2), np.full(2, np.nan), 1, 2)
        >>> Counted(passages, np.array([1.0, 0.0])).levels(np.array([3.0, 1.0])).values.tolist()
        [0.75]
        """
        rows, sums = weighed(weight), self.passages.sums
        w = weight[rows]
        found = counted(sums(w * self.outcomes[rows], rows=rows), sums(w, rows=rows))
        return Estimate(
            found.values, found.deviations, found.stratum, found.present, found.corpus, 1.0,
            effective_size(self.passages, weight),
        )  # fmt: skip

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Nil: the share flagged is what it is."""
        return Error(0.0, 1.0)


def effective_size(passages: Passages, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Effective number of passages by period, ``sum(w)² / sum(w²)`` (Kish 1965, *Survey Sampling*, § 11.7).

    >>> passages = Passages(np.ones(3), np.ones(3, bool), np.zeros(3, int), np.arange(3), np.full(3, np.nan), 1, 3)
    >>> effective_size(passages, np.array([1.0, 1.0, 2.0])).round(3).tolist()
    [2.667]
    """
    rows = weighed(weight)
    w = weight[rows]
    total, squares = passages.sums(w, rows=rows).sum(axis=0), passages.sums(w**2, rows=rows).sum(axis=0)
    size: NDArray[np.float64] = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
    return size


class Count:
    """Classify and count: the share of passages that were given the code.

    >>> passages = Passages(np.array([0.9, 0.4]), np.array([True, False]), np.zeros(2, int), np.arange(2),
    ...                     np.full(2, np.nan), 1, 2)
    >>> Count().adjust(passages, None).levels(np.ones(2)).values.tolist()
    [0.5]
    """

    rung: ClassVar[str] = UNCORRECTED
    label: ClassVar[str] = "count"
    needs_gold: ClassVar[bool] = False

    def adjust(self, passages: Passages, gold: Gold | None) -> Counted:
        """1 for each passage with the code, else 0; probabilities are not looked at."""
        return Counted(passages, passages.given.astype(np.float64))


class ProbabilisticCount:
    """Probabilistic classify and count: the mean calibrated probability (Bella et al. 2010).

    >>> passages = Passages(np.array([0.9, 0.4]), np.array([True, False]), np.zeros(2, int), np.arange(2),
    ...                     np.full(2, np.nan), 1, 2)
    >>> round(float(ProbabilisticCount().adjust(passages, None).levels(np.ones(2)).values[0]), 2)
    0.65
    """

    rung: ClassVar[str] = UNCORRECTED
    label: ClassVar[str] = "probabilistic count"
    needs_gold: ClassVar[bool] = False

    def adjust(self, passages: Passages, gold: Gold | None) -> Counted:
        """The probabilities themselves."""
        return Counted(passages, passages.score)
