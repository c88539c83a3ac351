"""When a trajectory breaks: change points of prevalence over calendar periods, with their confidence by resampling.

A detector (`sibnlp.detectors`) proposes; a proposal stands where interviews shuffled over the periods around it rarely
break as clearly. From ten periods on: with fewer, contrasts between periods say all there is.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import Framework
from sibnlp.detectors import DETECTORS, Detector
from sibnlp.estimates import Estimates
from sibnlp.intervals import sum_by
from sibnlp.trajectory import cells
from sibnlp.types import ChangePoint

LEAST_PERIODS = 10
# Shuffled interviews held at a time.
_HELD = 2_000_000
SHUFFLES, RESAMPLES, LEVEL = 399, 100, 0.05


def change_points(estimates: Estimates, framework: Framework, detector: str = "penalised") -> tuple[ChangePoint, ...]:
    """Change points of every cell, on all talk.

    Args:
        estimates, framework: as for `sibnlp.trajectory.prevalence`.
        detector: name in `sibnlp.detectors.DETECTORS`.

    Returns:
        Those with p at most 0.05, in order of cells and time; none with fewer than ten periods that have passages.
    """
    counts = estimates.counts
    finder: Detector = DETECTORS.load(detector)()
    units = _units(estimates)
    found = []
    for domain, code in cells(framework):
        weight = estimates.weights(domain, code)
        rows = weight > 0  # where the model abstained, nothing breaks
        period = counts.period[counts.rows][rows]
        held = np.unique(period)
        if len(held) < LEAST_PERIODS:
            continue
        outcomes = estimates.fit(domain, code).adjusted.outcomes
        unit: NDArray[np.int64] = np.unique(units[rows], return_inverse=True)[1].astype(np.int64)
        place, cluster = np.searchsorted(held, period), counts.cluster[counts.rows][rows]
        series = Series(weight[rows], outcomes[rows], place, unit, cluster, len(held))
        rng = np.random.default_rng(_seed(f"{domain}|{code}"))
        for start, at, end in series.proposed(finder):
            p = series.p(start, at, end, rng)
            if p <= LEVEL:
                before, after = series.level(start, at), series.level(at, end)
                support = series.support(at, finder, rng)
                found.append(ChangePoint(domain, code, counts.periods[int(held[at])], before, after, p, support))
    return tuple(found)


def _units(estimates: Estimates) -> NDArray[np.int64]:
    """What is shuffled: interviews, each within one period."""
    counts = estimates.counts
    both = counts.document[counts.rows] * len(counts.periods) + counts.period[counts.rows]
    units: NDArray[np.int64] = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return units


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big")


def lean(top: NDArray[np.float64], bottom: NDArray[np.float64], cluster: NDArray[np.int64]) -> NDArray[np.float64]:
    """How far each interview's actor leans from the mean of all: shrunken means (BLUP; Robinson 1991, *Stat. Sci.* 6).

    Who happens to be asked in a month is most of the noise of a panel. Actors' own levels, as far as several interviews
    show them, are taken out before a series is searched.

    Args:
        top, bottom: [u], sums of each interview.
        cluster: [u], its actor.

    Two actors of two interviews each, who differ and do not vary, are known for certain:

    >>> lean(np.array([1.0, 1, 3, 3]), np.full(4, 10.0), np.array([0, 0, 1, 1])).round(3).tolist()
    [-0.1, -0.1, 0.1, 0.1]
    """
    share = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
    _, member, n = np.unique(cluster, return_inverse=True, return_counts=True)
    mean = np.bincount(member, weights=share) / n
    groups, total = len(n), len(share)
    if groups < 2 or total == groups:
        return np.zeros_like(share)
    inner = float(((share - mean[member]) ** 2).sum()) / (total - groups)
    grand = float(share.mean())
    spread = float((n * (mean - grand) ** 2).sum()) / (groups - 1)
    typical = float(total - (n**2).sum() / total) / (groups - 1)
    between = max((spread - inner) / typical, 0.0)
    if between == 0:
        return np.zeros_like(share)
    known = n * between / (n * between + inner)
    result: NDArray[np.float64] = (known * (mean - grand))[member]
    return result


class Series:
    """A cell's prevalence over the periods that have passages, by interview and actor."""

    def __init__(
        self,
        weight: NDArray[np.float64],
        outcomes: NDArray[np.float64],
        place: NDArray[np.int64],
        unit: NDArray[np.int64],
        cluster: NDArray[np.int64],
        n: int,
    ) -> None:
        size = int(unit.max()) + 1
        self.top = sum_by(unit, weight * outcomes, size)
        self.bottom = sum_by(unit, weight, size)
        self.place, self.cluster = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        self.place[unit], self.cluster[unit] = place, cluster
        self.n = n
        # What is searched for breaks; levels are told as they are.
        self.steady = self.top - self.bottom * lean(self.top, self.bottom, self.cluster)

    def values(self, times: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """[n], share in each period; with every interview counted so many times (a ratio of sums; Cochran 1977, § 6.2).

        Two interviews of two passages in the first month, one in the second; the first one counted twice:

        >>> month = np.array([0, 0, 1])
        >>> whole = Series(np.ones(6), np.array([1.0, 1, 0, 0, 1, 0]), np.repeat(month, 2), np.repeat(np.arange(3), 2),
        ...                np.repeat(np.arange(3), 2), 2)
        >>> whole.values().tolist(), whole.values(np.array([2.0, 1, 1])).round(4).tolist()
        ([0.5, 0.5], [0.6667, 0.5])
        """
        times = np.ones(len(self.top)) if times is None else times
        top = np.bincount(self.place, weights=self.steady * times, minlength=self.n)
        bottom = np.bincount(self.place, weights=self.bottom * times, minlength=self.n)
        with np.errstate(divide="ignore", invalid="ignore"):
            values: NDArray[np.float64] = top / bottom
        return values

    def noise(self) -> float | None:
        """Standard deviation of a period's share around its level, from how a period's interviews differ.

        Interviews of one period share its level, so a break does not count as noise: the within-groups mean square of a
        one-way analysis of variance (Searle, Casella & McCulloch 1992, § 3.6). None where hardly any period has two.

        Ten months of two interviews that lie 0.1 on either side of their month: 20 · 0.01 over 10 degrees of freedom is
        0.02, of a mean of two 0.01:

        >>> share = np.tile([0.4, 0.6], 10)
        >>> each = np.concatenate([np.repeat([1.0, 0.0], [round(10 * one), 10 - round(10 * one)]) for one in share])
        >>> unit = np.repeat(np.arange(20), 10)
        >>> round(Series(np.ones(200), each, unit // 2, unit, unit, 10).noise(), 6)
        0.1
        """
        held = self.bottom > 0
        share = self.steady[held] / self.bottom[held]
        place, weight = self.place[held], self.bottom[held]
        n = np.bincount(place, minlength=self.n)
        degrees = int((n - 1).clip(0).sum())
        if degrees < LEAST_PERIODS:
            return None
        mean = np.bincount(place, weights=weight * share, minlength=self.n) / np.maximum(
            np.bincount(place, weights=weight, minlength=self.n), 1e-300
        )
        spread = float(((share - mean[place]) ** 2).sum()) / degrees
        return float(np.sqrt(spread * np.mean(1 / n[n > 0]))) or None

    def proposed(self, finder: Detector) -> list[tuple[int, int, int]]:
        """Change points with the ends of the segments on both sides."""
        points = finder.detect(self.values(), self.noise())
        ends = [0, *points, self.n]
        return list(zip(ends, points, ends[2:], strict=False))

    def level(self, start: int, end: int) -> float:
        """Share over a segment (a ratio of sums; Cochran 1977, § 6.2); actors' leanings are in it.

        >>> month = np.arange(4) // 2
        >>> Series(np.ones(4), np.array([1.0, 0, 1, 1]), month, month, month, 2).level(0, 2)
        0.75
        """
        held = (self.place >= start) & (self.place < end)
        return float(self.top[held].sum() / self.bottom[held].sum())

    def p(self, start: int, at: int, end: int, rng: np.random.Generator) -> float:
        """Share of shuffles whose clearest break is as clear as this one (Monte Carlo test; Davison & Hinkley § 4.2).

        Interviews between the neighbouring change points are shuffled over their periods; how clear a break is, is the
        sum of squares it explains over all passages, at its best place.

        Ten months of one interview, nothing in five and all in five: of the 252 orders two are as clear, p 0.008:

        >>> unit = np.repeat(np.arange(10), 10)
        >>> series = Series(np.ones(100), (unit > 4) * 1.0, unit, unit, unit, 10)
        >>> series.p(0, 5, 10, np.random.default_rng(1))
        0.0125
        """
        held = (self.place >= start) & (self.place < end)
        top, bottom, place = self.steady[held], self.bottom[held], self.place[held] - start
        # Some shuffles at a time: of many thousands of interviews all of them would take more room than the passages.
        best: list[NDArray[np.float64]] = []
        own, block = 0.0, max(_HELD // max(len(top), 1), 1)
        for done in range(0, SHUFFLES + 1, block):
            shuffles = range(done, min(done + block, SHUFFLES + 1))
            order = np.array([rng.permutation(len(top)) if one else np.arange(len(top)) for one in shuffles])
            gain = _gains(top[order], bottom[order], place, end - start)
            own = own if done else float(gain[0, at - start - 1])
            best.append(gain.max(axis=1))
        return float((1 + (np.concatenate(best)[1:] >= own - 1e-12).sum()) / (SHUFFLES + 1))

    def support(self, at: int, finder: Detector, rng: np.random.Generator) -> float:
        """Share of resamples of actors with a change point within one period of it (Davison & Hinkley 1997, § 3.8).

        Ten actors who are all heard in every month and all change alike break there whoever is drawn:

        >>> from sibnlp.detectors.penalised import Penalised
        >>> actor, month = np.repeat(np.arange(10), 12), np.tile(np.arange(12), 10)
        >>> said = (month > 5) * 0.5 + (month % 2) * 0.01
        >>> series = Series(np.ones(120), said, month, np.arange(120), actor, 12)
        >>> series.support(6, Penalised(), np.random.default_rng(1))
        1.0
        """
        scale = self.noise()
        names, member = np.unique(self.cluster, return_inverse=True)
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
        hits = 0
        for row in times:
            values = self.values(row[member].astype(np.float64))
            held = np.flatnonzero(~np.isnan(values))
            hits += any(abs(int(held[point]) - at) <= 1 for point in finder.detect(values[held], scale))
        return hits / RESAMPLES


def _gains(
    top: NDArray[np.float64], bottom: NDArray[np.float64], place: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Sum of squares that a break after each of n periods but the last explains, by shuffle: [s, n − 1].

    Between-groups sum of squares of two groups of passages (Searle, Casella & McCulloch 1992, § 3.6). Nothing of two
    passages in the first period and both of two in the second: 4 · ¼:

    >>> _gains(np.array([[0.0, 2.0]]), np.array([[2.0, 2.0]]), np.arange(2), 2).tolist()
    [[1.0]]
    """
    cells = np.arange(len(top))[:, None] * n + place
    size = len(top) * n
    tops = np.bincount(cells.ravel(), weights=top.ravel(), minlength=size).reshape(len(top), -1)
    bottoms = np.bincount(cells.ravel(), weights=bottom.ravel(), minlength=size).reshape(len(top), -1)
    total, whole = tops.sum(axis=1, keepdims=True), bottoms.sum(axis=1, keepdims=True)
    left, passed = tops.cumsum(axis=1)[:, :-1], bottoms.cumsum(axis=1)[:, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = left**2 / passed + (total - left) ** 2 / (whole - passed) - total**2 / whole
    found: NDArray[np.float64] = np.nan_to_num(gains)
    return found
