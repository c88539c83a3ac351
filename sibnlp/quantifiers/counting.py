"""Counting what the classifier says: the two baselines every other quantifier is measured against.

Both inherit the classifier's errors (Forman 2008, *Quantifying counts and costs via classification*), hence their
method says *uncorrected*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Count:
    """Classify and count: the share of passages that were given the code.

    >>> float(Count().weights(np.array([0.9, 0.4], np.float32), np.array([True, False])).mean())
    0.5
    """

    method = "count, uncorrected"

    def weights(self, probabilities: NDArray[np.float32], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
        """1 for each passage with the code, else 0; probabilities are not looked at."""
        return assigned.astype(np.float64)


class ProbabilisticCount:
    """Probabilistic classify and count: the mean calibrated probability (Bella et al. 2010).

    >>> round(float(ProbabilisticCount().weights(np.array([0.9, 0.4], np.float32), np.array([True, False])).mean()), 2)
    0.65
    """

    method = "probabilistic count, uncorrected"

    def weights(self, probabilities: NDArray[np.float32], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The probabilities themselves."""
        return probabilities.astype(np.float64)
