"""From a series to its change points: detectors behind one seam.

A detector takes the values of successive periods and gives the first of each new level. A new member is one file here
and one line in `DETECTORS`, or an entry point of group ``sibnlp.detectors``.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sibnlp.registry import Entry, Registry


class Detector(Protocol):
    """Finds where the level of a series changes."""

    def detect(self, values: NDArray[np.float64], scale: float | None = None) -> list[int]:
        """Indices of the first value of every new level, ascending; empty where it never changes.

        Args:
            values: [n], without NaN.
            scale: standard deviation of a value around its level, where it is known.
        """
        ...


DETECTORS = Registry(
    "detector",
    "sibnlp.detectors",
    {"penalised": Entry("sibnlp.detectors.penalised:Penalised")},
)
