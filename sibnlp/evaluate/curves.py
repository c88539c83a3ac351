"""Reliability diagrams and risk–coverage curves: what a model's probabilities are worth.

Sources: Naeini, Cooper & Hauskrecht (2015), *Obtaining well calibrated probabilities using Bayesian binning*, AAAI;
Geifman & El-Yaniv (2017), *Selective classification for deep neural networks*, NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sibnlp.abstention import confidence, family_wrong, risk_coverage
from sibnlp.evaluate.align import Aligned
from sibnlp.targets import FamilyCodes

N_BINS = 10
# Points kept of a risk–coverage curve: a figure shows no more.
N_POINTS = 60


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions whose probability lies in one tenth.

    Attributes:
        low, high: the tenth, ``(low, high]``; a probability of 0 lies in the first.
        n: decisions in it.
        stated: their mean probability; observed: the share of them where the code holds.
    """

    low: float
    high: float
    n: int
    stated: float
    observed: float


def reliability(data: Aligned, columns: list[int]) -> list[Bin]:
    """Stated and observed shares by tenths of the probability, over all decisions on these codes; empty bins left out.

    Bins are those of `sibnlp.calibrate.expected_calibration_error`: over one code, their gaps weighted by ``n`` sum to
    its calibration error.
    """
    truth, probabilities = data.truth[:, columns], data.probabilities[:, columns]
    known = ~np.isnan(truth)
    p, y = probabilities[known], truth[known]
    place = np.clip(np.ceil(p * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    bins = []
    for number in range(N_BINS):
        inside = place == number
        if inside.any():
            edges = number / N_BINS, (number + 1) / N_BINS
            bins.append(Bin(*edges, int(inside.sum()), float(p[inside].mean()), float(y[inside].mean())))
    return bins


@dataclass(frozen=True, slots=True)
class Selective:
    """What abstaining does to one family.

    Attributes:
        area: under the curve (AURC); lower is better, and `risk` is what abstaining at random would give.
        risk: share of passages with an error in the family where nothing is left undecided.
        points: ``(confidence, coverage, risk)``, from the surest passages to all; thinned to `N_POINTS`.
    """

    area: float
    risk: float
    points: tuple[tuple[float, float, float], ...]


def selective(data: Aligned, family: FamilyCodes) -> Selective | None:
    """Risk–coverage of a family's decisions, taken together; None where nobody read for it."""
    columns = data.columns(family)
    if not columns or not (~np.isnan(data.truth[:, columns])).any():
        return None
    sure = confidence(data.probabilities[:, columns], data.given[:, columns])
    curve = risk_coverage(sure, family_wrong(data.truth[:, columns], data.given[:, columns]))
    kept = np.unique(np.linspace(0, len(curve.risk) - 1, N_POINTS).round().astype(int))
    points = zip(curve.thresholds[kept], curve.coverage[kept], curve.risk[kept], strict=True)
    return Selective(curve.area, float(curve.risk[-1]), tuple((float(t), float(c), float(r)) for t, c, r in points))
