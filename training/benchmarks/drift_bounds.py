"""How often any test could see that a stage's negatives score higher: a bound to hold refusals against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.benchmarks.drift_panels import ATTENDANCE, READING, STAGES, Classifier


def information(distance: float, prevalence: float) -> float:
    """Fisher information of one uncoded passage about where the negatives lie, the prevalence being unknown.

    Of the mixture ``(1 − p) N(m, 1) + p N(distance, 1)`` at m = 0 (information of m less what p takes of it). Where
    classes are far apart, uncoded negatives are as good as coded ones: 1 − p; where they are the same, nothing is left:

    >>> round(information(12.0, 0.3), 3), round(information(0.05, 0.3), 3)
    (0.7, 0.001)
    """
    z = np.linspace(-9, distance + 9, 20001)
    negative, positive = stats.norm.pdf(z), stats.norm.pdf(z - distance)
    mixture = (1 - prevalence) * negative + prevalence * positive
    slopes = ((1 - prevalence) * negative * z, positive - negative)
    of = np.array([[float((a * b / mixture).sum()) for b in slopes] for a in slopes]) * (z[1] - z[0])
    return float(of[0, 0] - of[0, 1] ** 2 / of[1, 1])


def best_power(
    model: Classifier, prevalence: float, moved: float, coded: int, level: float, size: int = 100
) -> tuple[float, float]:
    """Chance that the best test finds the last stage's negatives moved, each stage held against the others.

    Class distributions and variances are taken as known, actors as random effects, the estimate as normal and
    efficient: nothing that has to learn them can do better (Cramér & Rao). Looks are corrected for three stages.

    Args:
        model, prevalence: of the panels.
        moved: how far the negatives are moved.
        coded: passages coded a stage.
        level: chance of a needless refusal.
        size: passages of an interview.

    Returns:
        With so many coded, and with every passage coded.
    """
    found = []
    per_stage = [sum(stage in attended for attended in ATTENDANCE) for stage in range(STAGES)]
    for n in ([coded / interviews for interviews in per_stage], [float(size)] * STAGES):
        rows = [(actor, stage) for actor, attended in enumerate(ATTENDANCE) for stage in attended]
        each = [
            n[stage] * (1 - prevalence) + (size - n[stage]) * information(model.distance, prevalence)
            for _, stage in rows
        ]
        error = _error(rows, each)
        critical = stats.norm.isf(level / STAGES / 2)
        found.append(float(stats.norm.sf(critical - moved / error) + stats.norm.cdf(-critical - moved / error)))
    return found[0], found[1]


def _error(rows: Sequence[tuple[int, int]], each: Sequence[float]) -> float:
    """Standard error of the last stage's location against the others', by generalised least squares."""
    actor = np.array([a for a, _ in rows])
    covariance = READING**2 * (actor[:, None] == actor) + np.diag(1 / np.array(each))
    design: NDArray[np.float64] = np.array([[1.0, float(stage == STAGES - 1)] for _, stage in rows])
    return float(np.sqrt(np.linalg.inv(design.T @ np.linalg.solve(covariance, design))[1, 1]))
