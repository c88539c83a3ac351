"""How sure a model is of what it says of a family of codes, and what it gains by saying nothing where it is not.

Confidence in one decision is the calibrated probability that it is right: that of the code where it is given, of its
absence where it is not. A passage's confidence in a family is that of its least sure decision: who abstains from one
code of a family abstains from all, for what a family says is said together.

Sources: El-Yaniv & Wiener (2010), *On the foundations of noise-free selective classification*, JMLR 11; Geifman &
El-Yaniv (2017), *Selective classification for deep neural networks*, NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def confidence(probabilities: NDArray[np.floating], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Confidence in the decisions on one family: [n].

    Args:
        probabilities: [n, k] calibrated probabilities of the family's codes.
        assigned: bool [n, k], which are given.

    >>> confidence(np.array([[0.9, 0.2], [0.4, 0.1]]), np.array([[True, False], [True, False]])).tolist()
    [0.8, 0.4]
    """
    right = np.where(assigned, probabilities, 1.0 - probabilities).astype(np.float64)
    return np.asarray(right.min(axis=1, initial=1.0), dtype=np.float64)


def family_wrong(truth: NDArray[np.float64], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Whether a family's decisions hold an error: [n] of 1, 0, or NaN where nobody read the passage for the family.

    Args:
        truth: float64 [n, k] in {0, 1, NaN}.
        assigned: bool [n, k].
    """
    known = ~np.isnan(truth)
    wrong = (known & (assigned != (truth == 1))).any(axis=1).astype(np.float64)
    return np.where(known.any(axis=1), wrong, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """What is left of the errors, if the model speaks only where it is at least so sure.

    Attributes:
        thresholds: the distinct confidences, highest first: m of them.
        coverage: share of passages at or over each.
        risk: share of errors among these.
        area: mean risk over all numbers of passages that can be kept (AURC); lower is better.
    """

    thresholds: NDArray[np.float64]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    area: float

    def at(self, threshold: float) -> tuple[float, float]:
        """Coverage and risk where confidence must reach a threshold; a risk of NaN where nothing is covered."""
        kept = int((self.thresholds >= threshold).sum())
        if not kept:
            return 0.0, float("nan")
        return float(self.coverage[kept - 1]), float(self.risk[kept - 1])


def risk_coverage(sure: NDArray[np.float64], wrong: NDArray[np.float64]) -> RiskCoverage:
    """The risk–coverage curve of one family.

    Args:
        sure: [n] confidences (`confidence`), of passages the model has not learnt from.
        wrong: [n] of 1, 0 or NaN (`family_wrong`); NaN is left out.

    Returns:
        The curve. Passages of equal confidence are kept together or not at all; for the area their errors count evenly
        spread, so that it does not depend on their order.

    >>> curve = risk_coverage(np.array([0.9, 0.8, 0.8, 0.6]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> curve.coverage.tolist(), curve.risk.round(4).tolist(), round(curve.area, 4)
    ([0.25, 0.75, 1.0], [0.0, 0.3333, 0.5], 0.2708)
    """
    known = ~np.isnan(wrong)
    sure, wrong = sure[known], wrong[known]
    if not len(sure):
        none = np.empty(0)
        return RiskCoverage(none, none, none, float("nan"))
    levels, member, count = np.unique(-sure, return_inverse=True, return_counts=True)
    errors = np.bincount(member, weights=wrong)
    kept = np.cumsum(count)
    evenly = np.cumsum((errors / count)[np.repeat(np.arange(len(count)), count)])
    area = float((evenly / np.arange(1, len(sure) + 1)).mean())
    return RiskCoverage(-levels, kept / len(sure), np.cumsum(errors) / kept, area)
