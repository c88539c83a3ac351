"""Sums of smooth functions of very many scores: their weights are spread over an even grid once, and summed there.

EMQ asks for the same sums again with every actor's codings left out: of a million passages and a thousand actors that
would be a thousand million exponentials a cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# From so many passages on, sums are taken on the grid.
MANY = 2_000
# Distance of the points where the slope is 1; and how many points a weight is spread over.
SPACING, POINTS = 0.05, 8
_BEFORE = POINTS // 2 - 1
_BLOCK = 1 << 16


class Spread:
    """Weights by period, spread over an even grid.

    Each weight is shared among the eight points around it as Lagrange interpolation of degree seven shares it: the sum
    of ``weight · f(place)`` is then that over the points, exact where f is such a polynomial between them (Trefethen
    2013, *Approximation Theory and Approximation Practice*, ch. 5). A logistic function of ``slope · place`` is
    analytic up to π / slope off the axis, so at a distance of 0.05 / slope the error is about 43 · (0.05 / π)⁸ ≈ 2e-13.

    Args:
        x: [n] places: log-odds.
        weight: [n].
        period: [n], in [0, n_periods).
        n_periods: how many.
        slope: the steepest that functions have.

    Attributes:
        points: [g]; weights: [n_periods, g], some of them negative.

    >>> x = np.linspace(-3, 3, 41)
    >>> found = Spread(x, np.ones(41), np.zeros(41, int), 1, 1.0)
    >>> apart = (found.weights[0] / (1 + np.exp(-found.points))).sum() - (1 / (1 + np.exp(-x))).sum()
    >>> bool(abs(apart) < 1e-11)
    True
    """

    def __init__(
        self,
        x: NDArray[np.float64],
        weight: NDArray[np.float64],
        period: NDArray[np.int64],
        n_periods: int,
        slope: float,
    ) -> None:
        step = SPACING / max(slope, 1.0)
        low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 0.0)
        size = int((high - low) / step) + POINTS + 1
        self.points = (low + step * (np.arange(size) - _BEFORE)).astype(np.float64)
        found = np.zeros(n_periods * size)
        for start in range(0, len(x), _BLOCK):
            block = slice(start, start + _BLOCK)
            place = (x[block] - low) / step
            left = np.floor(place)
            base = period[block] * size + left.astype(np.int64)
            for k, share in enumerate(_shares(place - left)):
                found += np.bincount(base + k, weights=weight[block] * share, minlength=len(found))
        self.weights = found.reshape(n_periods, size)


def _shares(t: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Share of each of the points around a place that is t of a step after the one before it (Lagrange).

    In the middle between two points, by the eight around:

    >>> [round(float(share[0]), 4) for share in _shares(np.array([0.5]))]
    [-0.0024, 0.0239, -0.1196, 0.5981, 0.5981, -0.1196, 0.0239, -0.0024]
    """
    nodes = range(-_BEFORE, POINTS - _BEFORE)
    apart = [t - node for node in nodes]
    before, after = [np.ones_like(t)], [np.ones_like(t)]
    for k in range(POINTS - 1):
        before.append(before[-1] * apart[k])
        after.append(after[-1] * apart[-1 - k])
    scale = [float(np.prod([node - other for other in nodes if other != node])) for node in nodes]
    return [before[k] * after[-1 - k] / scale[k] for k in range(POINTS)]
