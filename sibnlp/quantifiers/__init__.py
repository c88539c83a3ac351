"""From passages with predictions to the prevalence of a code: point estimators behind one seam.

A quantifier says what each passage adds to the count (`Quantifier.weights`); intervals come from leaving out
documents around it (`sibnlp.intervals`), so a new one gets them free. A new member is one file here and one line in
`QUANTIFIERS`, or an entry point of group ``sibnlp.quantifiers``.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sibnlp.registry import Entry, Registry


class Quantifier(Protocol):
    """Estimates the share of passages that carry a code.

    ``method`` names the rung it stands on, as printed beside each figure.
    """

    method: str

    def weights(self, probabilities: NDArray[np.float32], assigned: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What each passage adds to the number of passages with the code.

        Args:
            probabilities: [n], that the code (and its domain) holds.
            assigned: [n], whether it was given.

        Returns:
            [n]; the estimate of a group is the mean over its passages.
        """
        ...


QUANTIFIERS = Registry(
    "quantifier",
    "sibnlp.quantifiers",
    {
        "count": Entry("sibnlp.quantifiers.counting:Count"),
        "probabilistic": Entry("sibnlp.quantifiers.counting:ProbabilisticCount"),
    },
)
