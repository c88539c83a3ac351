"""From scores to probabilities that mean what they say, and from probabilities to decisions.

Everything here is to be fitted on scores of passages the classifier did not learn from (out of fold); fitted in sample
it would promise too much. Sources: Platt, J. (1999), *Probabilistic outputs for support vector machines*, in *Advances
in Large Margin Classifiers*; Lin, Lin & Weng (2007), *A note on Platt's probabilistic outputs*, Machine Learning 68;
Naeini, Cooper & Hauskrecht (2015), *Obtaining well calibrated probabilities using Bayesian binning*, AAAI; Guo, Pleiss,
Sun & Weinberger (2017), *On calibration of modern neural networks*, ICML; Saerens, Latinne & Decaestecker (2002),
*Adjusting the outputs of a classifier to new a priori probabilities*, Neural Computation 14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Probabilities are kept this far from 0 and 1 before taking log-odds.
EDGE = 1e-9
STEPS = 100


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural log of the odds, finite also for 0 and 1."""
    clipped = np.clip(probabilities, EDGE, 1 - EDGE)
    result: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return result


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic map per code: ``log_odds(calibrated) = slope · log_odds(score) + intercept``.

    Attributes:
        slopes, intercepts: k numbers each, in the order of the codes; 1 and 0 change nothing.
    """

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]

    @classmethod
    def identity(cls, k: int) -> Calibration:
        """A calibration of k codes that changes nothing."""
        return cls((1.0,) * k, (0.0,) * k)

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities [n, k] of scores [n, k], both in [0, 1].

        Scores are mapped one by one, so a passage's probability does not depend on its neighbours.
        """
        if set(self.slopes) <= {1.0} and set(self.intercepts) <= {0.0}:
            return scores
        logits = log_odds(scores) * np.array(self.slopes) + np.array(self.intercepts)
        result: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -logits))
        return result

    def shifted(self, shifts: tuple[float, ...]) -> Calibration:
        """The same with log-odds moved per code, as for another prevalence (Saerens et al. 2002).

        A code that holds in a share q of the new passages where the old had p takes the shift
        ``log(q / (1 − q)) − log(p / (1 − p))``.
        """
        return Calibration(self.slopes, tuple(a + b for a, b in zip(self.intercepts, shifts, strict=True)))


def fit_calibration(scores: NDArray[np.float64], targets: NDArray[np.float64]) -> Calibration:
    """Fit Platt's logistic map for every code.

    Args:
        scores: float64 [n, k] in [0, 1], out of fold.
        targets: float64 [n, k] in {0, 1, NaN}; NaN is left out.

    Returns:
        The calibration; a code with one class only keeps its scores.
    """
    slopes, intercepts = [], []
    for column in range(targets.shape[1]):
        known = ~np.isnan(targets[:, column])
        slope, intercept = fit_platt(log_odds(scores[known, column]), targets[known, column])
        slopes.append(slope)
        intercepts.append(intercept)
    return Calibration(tuple(slopes), tuple(intercepts))


def fit_platt(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of ``p = 1 / (1 + exp(−(slope · logit + intercept)))`` (Platt 1999).

    Targets are smoothed as Platt proposes, (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2), so that separable scores do not end in
    certainty; minimised by Newton's method with step halving (Lin, Lin & Weng 2007).

    Args:
        logits: n scores as log-odds.
        targets: n zeros and ones.

    Returns:
        (1, 0) where there is one class only. A slope is never negative: scores that rank the wrong way round out of
        fold carry no information, which a slope of 0 says.

    >>> slope, intercept = fit_platt(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> round(slope, 4), abs(round(intercept, 4))
    (0.2023, 0.0)
    """
    n_positive = float(targets.sum())
    n_negative = len(targets) - n_positive
    if not n_positive or not n_negative:
        return 1.0, 0.0
    wanted = np.where(targets == 1, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    design = np.column_stack([logits, np.ones(len(logits))])
    parameters = np.array([0.0, np.log((n_positive + 1) / (n_negative + 1))])
    loss = _cross_entropy(design @ parameters, wanted)
    for _ in range(STEPS):
        p = np.exp(-np.logaddexp(0.0, -(design @ parameters)))
        gradient = design.T @ (p - wanted)
        if np.abs(gradient).max() < 1e-9:
            break
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-10 * np.eye(2)
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while (after := _cross_entropy(design @ (parameters - size * step), wanted)) > loss and size > 1e-10:
            size /= 2
        parameters, loss = parameters - size * step, after
    if parameters[0] < 0:
        return 0.0, float(np.log((n_positive + 0.5) / (n_negative + 0.5)))
    return float(parameters[0]), float(parameters[1])


def _cross_entropy(logits: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0.0, logits) - wanted * logits).sum())


def fit_thresholds(
    probabilities: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[float, ...]:
    """Threshold of every code that maximises F1 on the given probabilities (see `best_threshold`).

    Args:
        probabilities: float64 [n, k], out of fold.
        targets: float64 [n, k] in {0, 1, NaN}, or probabilities, for the highest F1 to be expected; NaN is left out.
        weights: float64 [n, k], how many passages each stands for; 1 by default.
    """
    thresholds = []
    weights = np.ones(targets.shape) if weights is None else weights
    for column in range(targets.shape[1]):
        known = ~np.isnan(targets[:, column])
        parts = (values[known, column] for values in (probabilities, targets, weights))
        thresholds.append(best_threshold(*parts))
    return tuple(thresholds)


def best_threshold(
    probabilities: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> float:
    """Probability at or over which a code should be given so that F1 is highest.

    Cuts are tried half-way between neighbouring probabilities; of equally good ones the highest is taken (fewer codes).
    Where no passage carries the code, 0.5. With weights, each passage counts as so many.

    >>> best_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    0.5
    """
    if not targets.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    weight = np.ones(len(order)) if weights is None else weights[order]
    sorted_probabilities, given, hits = probabilities[order], np.cumsum(weight), np.cumsum(weight * targets[order])
    f1 = 2 * hits / (given + hits[-1])
    # A cut inside a run of equal probabilities cannot be made.
    cut_here = np.append(sorted_probabilities[:-1] > sorted_probabilities[1:], True)
    best = int(np.argmax(np.where(cut_here, f1, -1.0)))
    below = sorted_probabilities[best + 1] if best + 1 < len(order) else 0.0
    return float((sorted_probabilities[best] + below) / 2)


def expected_calibration_error(
    probabilities: NDArray[np.float64], targets: NDArray[np.float64], n_bins: int = 10
) -> float:
    """Mean gap between stated probability and observed share, over bins of equal width, weighted by their passages.

    The probability of the code itself is binned, not that of the likelier class (Naeini et al. 2015; Guo et al. 2017
    for the name and the weighting). Bins are (0, 1/m], (1/m, 2/m] …; a probability of 0 falls into the first.

    Args:
        probabilities: n probabilities in [0, 1].
        targets: n zeros and ones; NaN is left out.
        n_bins: number of bins m.

    Returns:
        A number in [0, 1]; NaN where nothing is known.

    >>> round(expected_calibration_error(np.array([0.25, 0.25, 0.55, 0.75, 0.75]), np.array([0, 0, 1, 1, 1]), 2), 4)
    0.29
    """
    known = ~np.isnan(targets.astype(np.float64))
    p, y = probabilities[known].astype(np.float64), targets[known].astype(np.float64)
    if not len(p):
        return float("nan")
    bins = np.clip(np.ceil(p * n_bins).astype(int) - 1, 0, n_bins - 1)
    stated, observed = np.bincount(bins, p, n_bins), np.bincount(bins, y, n_bins)
    return float(np.abs(stated - observed).sum() / len(p))
