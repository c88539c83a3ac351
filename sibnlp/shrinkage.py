"""Changes that correcting has made noisy, drawn back towards what was counted.

Correcting divides by the gain (TPR − FPR, or its likes), and the noise with the bias. Where nothing changed there is no
bias to take away, only noise to add. So the corrected part of a change is kept in full where it stands out from its own
error, and drawn towards the counted change where it does not.

The point alone is drawn; intervals and p-values stay those of the unbiased change and cover as they did. They hold the
drawn point always: it is nearer than `STRENGTH` ** 0.5 standard errors of the corpus interval.
"""

from __future__ import annotations

import math

import numpy as np

from sibnlp.intervals import CORPUS, Estimate

# In units of the variance. The shrinker's worst regret against whoever knows which of the two is better is least at
# 1.0 as a difference and between 1.0 (gain 0.65) and 2.0 (gain 0.35) as a ratio: see `risk` and DRIFT.md.
STRENGTH = 1.5


def drawn(change: float, gain: float, variance: float, strength: float = STRENGTH) -> float:
    """A corrected change, drawn towards ``gain · change``, which is the change as counted.

    ``change · max(gain, 1 − strength · variance / change²)``: the positive-part rule of James & Stein (1961, *4th
    Berkeley Symposium* 1) and Breiman's non-negative garrote (1995, *Technometrics* 37), towards a biased estimator and
    no further (Green & Strawderman 1991, *JASA* 86).

    Args:
        change: corrected, in shares.
        gain: what the counted change was divided by; from 1 on nothing is drawn.
        variance: of the corrected change about that of these passages.
        strength: in units of the variance.

    Of 10 points with a standard error of 4, 1.5 · 0.16 is taken away; of 4 points all that correcting added:

    >>> round(drawn(0.10, 0.5, 0.0016), 6), round(drawn(0.04, 0.5, 0.0016), 6)
    (0.076, 0.02)
    """
    if not (0 < gain < 1) or not variance > 0 or change == 0 or not math.isfinite(change):
        return change
    return change * max(gain, 1 - strength * variance / change**2)


def risk(effect: float, gain: float, strength: float = STRENGTH) -> float:
    """Mean squared error of `drawn` for a change of ``effect`` standard errors, in units of the variance.

    By Simpson's rule over a normal estimate (risk functions as in Green & Strawderman 1991). Correcting has 1 whatever
    the effect, counting ``gain² + (1 − gain)² · effect²``, so without any change 0.25 at a gain of a half:

    >>> round(risk(0, 0.5, 0), 3), round(risk(0, 0.5, 99), 3), round(risk(0, 0.5), 2), round(risk(6, 0.5), 2)
    (1.0, 0.25, 0.34, 1.16)
    """
    x = np.linspace(effect - 8, effect + 8, 4001)
    weight = np.where(np.arange(4001) % 2 == 1, 4.0, 2.0)
    weight[[0, -1]] = 1
    density = np.exp(-((x - effect) ** 2) / 2) / math.sqrt(2 * math.pi)
    found = np.array([drawn(float(one), gain, 1.0, strength) for one in x])
    return float((weight * density * (found - effect) ** 2).sum() * (x[1] - x[0]) / 3)


def change(levels: Estimate, start: int, end: int) -> float:
    """Change of an estimate between two periods, drawn towards the counted one where it is a corrected one.

    What codings say for certain of single passages is not drawn. Number and source (Green & Strawderman 1991): `drawn`.

    >>> from dataclasses import replace
    >>> from sibnlp.intervals import counted
    >>> found = counted(np.array([[2.0, 3.0], [2.0, 3.0]]), np.full((2, 2), 10.0))
    >>> found = replace(found, corpus=np.eye(2) * 0.0008, counted=np.array([0.1, 0.15]), gain=0.5)
    >>> round(change(found, 0, 1), 6)
    0.076
    """
    whole = float(levels.values[end] - levels.values[start])
    if levels.counted is None or not (0 < levels.gain < 1):
        return whole
    plain = float(levels.counted[end] - levels.counted[start])
    weights = np.zeros(len(levels.values))
    weights[start], weights[end] = -1, 1
    # whole = certain + part and plain = certain + gain · part
    part = (whole - plain) / (1 - levels.gain)
    return whole - part + drawn(part, levels.gain, levels.error(weights, CORPUS).se ** 2)
