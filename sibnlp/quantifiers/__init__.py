"""From passages with predictions to the prevalence of a code: estimators behind one seam.

A quantifier is shown the `Passages` of a cell and, if there are any, the `Gold` beside them, and gives back what it
makes of them (`Adjusted`): what each passage adds to the count, and for any weights an estimate a period with both of
its errors (`sibnlp.intervals.Estimate`). A new member is one file here and one line in `QUANTIFIERS`, or an entry
point of group ``sibnlp.quantifiers``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sibnlp.intervals import Error, Estimate, sum_by
from sibnlp.registry import Entry, Registry

# The ladder, best first; what a figure stands on is printed beside it.
DESIGN_BASED, CORRECTED, TRANSPORTED, UNCORRECTED = "design-based", "corrected", "transported", "uncorrected"


Rows = slice | NDArray[np.int64]
ALL = slice(None)


def weighed(weight: NDArray[np.float64]) -> Rows:
    """Rows of the passages that count: all, or, where most weigh nothing, those that do.

    >>> weighed(np.ones(3)), weighed(np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 2.0])).tolist()
    (slice(None, None, None), [8])
    """
    held = weight != 0  # of truth values it is counted and found in a fifth of the time
    return np.flatnonzero(held) if np.count_nonzero(held) * 8 < len(held) else ALL


@dataclass(frozen=True, slots=True, eq=False)
class Passages:
    """The n passages of a cell (a code, alone or with a domain), laid out for a quantifier.

    Attributes:
        score: float64 [n], probability that the code (and its domain) holds.
        given: bool [n], whether the classifier gave it.
        period: int [n] in [0, n_periods).
        cluster: int [n] in [0, n_clusters): the actor, or the document where nobody is named.
        truth: float64 [n], what codings say where they stand for a passage (of a training document); NaN elsewhere.
        place: int [n], ``cluster · n_periods + period``, where all cells have it in common.
    """

    score: NDArray[np.float64]
    given: NDArray[np.bool_]
    period: NDArray[np.int64]
    cluster: NDArray[np.int64]
    truth: NDArray[np.float64]
    n_periods: int
    n_clusters: int
    place: NDArray[np.int64] | None = None

    def sums(self, values: NDArray[np.float64], n_clusters: int = 0, rows: Rows = ALL) -> NDArray[np.float64]:
        """Sums of values by cluster and period: [n_clusters, n_periods], or more clusters where asked for.

        Args:
            values: [n], or of some rows alone.
            n_clusters: at least so many.
            rows: which passages the values are of.
        """
        k = max(n_clusters, self.n_clusters)
        place = self.cluster[rows] * self.n_periods + self.period[rows] if self.place is None else self.place[rows]
        return sum_by(place, values, k * self.n_periods).reshape(k, self.n_periods)


@dataclass(frozen=True, slots=True, eq=False)
class Gold:
    """The m passages of a cell that people coded, with what the classifier says of them.

    Attributes:
        score, given: as in `Passages`.
        truth: float64 [m], 0 or 1.
        cluster: int [m]; numbers of the corpus' clusters where they are the same, from ``n_clusters`` of the passages
            on where they are not.
        weight: float64 [m], how many passages each stands for: one over its inclusion probability, or 1.
        row: int [m], its place among the passages; −1 where it is not one of them.
        document: int [m], number of its document.
        n_clusters: clusters of corpus and gold together.
        sampled: whether all are a probability sample of the passages.
    """

    score: NDArray[np.float64]
    given: NDArray[np.bool_]
    truth: NDArray[np.float64]
    cluster: NDArray[np.int64]
    weight: NDArray[np.float64]
    row: NDArray[np.int64]
    document: NDArray[np.int64]
    n_clusters: int
    sampled: bool


class Adjusted(Protocol):
    """What a quantifier makes of a cell.

    ``outcomes``, [n]: what each passage adds to the number of passages with the code (the *pseudo-outcomes* of Egami,
    Hinck, Stewart & Wei 2024); not clipped, so that weighted means of them add up.
    """

    outcomes: NDArray[np.float64]

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Prevalence in each period with weights [n]; a weight of 0 leaves a passage out."""
        ...

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Error of ``coefficients @ outcomes`` about what these passages truly carry: the corpus' error."""
        ...


class Quantifier(Protocol):
    """Estimates the share of passages that carry a code.

    ``rung`` is the best one it can stand on, ``label`` what is printed; ``needs_gold`` whether it works without.
    """

    rung: ClassVar[str]
    label: ClassVar[str]
    needs_gold: ClassVar[bool]

    def adjust(self, passages: Passages, gold: Gold | None) -> Adjusted:
        """Fit to a cell.

        Raises:
            ValueError: it needs gold and there is none.
        """
        ...


def among(passages: Passages, gold: Gold | None, keep: NDArray[np.bool_]) -> tuple[Passages, Gold | None]:
    """Some passages of a cell, and the gold among them.

    Args:
        passages, gold: of the cell; gold of other corpora (row −1) is left out.
        keep: bool [n].

    >>> whole = Passages(np.array([0.9, 0.4]), np.ones(2, bool), np.zeros(2, int), np.arange(2), np.ones(2), 1, 2)
    >>> among(whole, None, np.array([False, True]))[0].score.tolist()
    [0.4]
    """
    some = replace(
        passages, score=passages.score[keep], given=passages.given[keep], period=passages.period[keep],
        cluster=passages.cluster[keep], truth=passages.truth[keep], place=None,
    )  # fmt: skip
    if gold is None:
        return some, None
    held = (gold.row >= 0) & keep[gold.row]
    if not held.any():
        return some, None
    place = np.cumsum(keep) - 1
    return some, replace(
        gold, score=gold.score[held], given=gold.given[held], truth=gold.truth[held], cluster=gold.cluster[held],
        weight=gold.weight[held], row=place[gold.row[held]], document=gold.document[held],
    )  # fmt: skip


class Among:
    """What a quantifier makes of some passages of a cell, laid out as all of them; the others are in no figure.

    Args:
        adjusted: made of the passages kept.
        keep: bool [n].
    """

    def __init__(self, adjusted: Adjusted, keep: NDArray[np.bool_]) -> None:
        self.adjusted, self.keep = adjusted, keep
        self.outcomes = np.zeros(len(keep))
        self.outcomes[keep] = adjusted.outcomes

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        """Prevalence among the passages kept."""
        return self.adjusted.levels(weight[self.keep])

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        """Error of a sum over the passages kept."""
        return self.adjusted.stray(coefficients[self.keep])


QUANTIFIERS = Registry(
    "quantifier",
    "sibnlp.quantifiers",
    {
        "count": Entry("sibnlp.quantifiers.counting:Count"),
        "probabilistic": Entry("sibnlp.quantifiers.counting:ProbabilisticCount"),
        "acc": Entry("sibnlp.quantifiers.adjusted:AdjustedCount"),
        "pacc": Entry("sibnlp.quantifiers.adjusted:ProbabilisticAdjustedCount"),
        "emq": Entry("sibnlp.quantifiers.likelihood:MaximumLikelihood"),
        "design_based": Entry("sibnlp.quantifiers.design_based:DesignBased"),
    },
)
