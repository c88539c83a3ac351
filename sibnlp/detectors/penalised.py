"""Change points of the mean by penalised least squares, searched exactly (PELT), through ruptures.

Killick, Fearnhead & Eckley (2012), *Optimal detection of changepoints with a linear computational cost*, JASA 107. The
penalty is fixed: ``3 · log(n)`` a change point, the leading term of the modified BIC (Zhang & Siegmund 2007,
*Biometrics* 63), on values scaled by their noise, or by their median absolute deviation where it is not known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PENALTY = 3.0
# Two values are the fewest that make a level.
LEAST = 2


class Penalised:
    """PELT on robustly scaled values.

    The Nile at Aswan, 1871–1970, whose flow fell with the year 1899 (Cobb 1978, *Biometrika* 65), here by its decade
    means:

    >>> flow = np.array([1122, 1075, 1106, 872, 833, 870, 835, 823, 848, 873.0])
    >>> Penalised().detect(flow)
    [3]
    """

    def detect(self, values: NDArray[np.float64], scale: float | None = None) -> list[int]:
        """First value of every new level; scaled by the noise that is known, else by what the values show."""
        import ruptures  # type: ignore[import-untyped]

        if len(values) < 2 * LEAST:
            return []
        z = (values - np.median(values)) / scale if scale else standardised(values)
        if z is None:
            return []
        found = ruptures.KernelCPD(kernel="linear", min_size=LEAST).fit(z[:, None]).predict(
            pen=PENALTY * float(np.log(len(z)))
        )  # fmt: skip
        return [int(end) for end in found[:-1]]


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Values less their median, in units of 1.4826 · MAD (Rousseeuw & Croux 1993); None where nothing varies.

    >>> standardised(np.array([1.0, 2.0, 3.0])).round(4).tolist()
    [-0.6745, 0.0, 0.6745]
    """
    centred = values - np.median(values)
    scale = 1.4826 * float(np.median(np.abs(centred))) or float(values.std())
    return centred / scale if scale > 0 else None
