"""What two logics add up to in a cell, actor by actor, so that actors can be drawn again.

Relations and poles are answers of yes and no: their support is the share of resamples of whole actors that give the
same answer (cluster bootstrap; Davison & Hinkley 1997, *Bootstrap Methods*, § 3.8). Counts are the classifier's, or
people's: which logic leads is not a prevalence and is not corrected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A logic is present with this share of a cell's passages, so many of them, by so many actors.
PRESENT_SHARE, PRESENT_PASSAGES, PRESENT_SPEAKERS = 0.10, 5, 2
# A logic leads with this share of the passages that carry either.
DOMINANT_SHARE = 0.60
# A finding holds in this share of resamples; below, it is tentative.
SUPPORT, RESAMPLES = 0.80, 400


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sums of one domain × period by cluster (actor, or document where nobody is named).

    Attributes:
        n: [g], passages.
        first, second, joint: [g], passages with either logic, and with both.
        marks: by relation, [g], passages so marked; marked: [g], passages with any mark.
        times: [g], how often each cluster is counted.
    """

    n: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    joint: NDArray[np.float64]
    marks: Mapping[str, NDArray[np.float64]]
    marked: NDArray[np.float64]
    times: NDArray[np.float64]

    def total(self, part: NDArray[np.float64]) -> float:
        """Passages of all clusters."""
        return float(part @ self.times)

    def speakers(self, part: NDArray[np.float64]) -> int:
        """Distinct clusters with any."""
        return int(((part > 0) & (self.times > 0)).sum())

    def again(self, times: NDArray[np.float64]) -> Tally:
        """The same with clusters counted otherwise."""
        return Tally(self.n, self.first, self.second, self.joint, self.marks, self.marked, times)

    def present(self, logic: NDArray[np.float64]) -> bool:
        """Whether a logic is there at all."""
        n = self.total(logic)
        enough = n >= PRESENT_PASSAGES and n >= PRESENT_SHARE * self.total(self.n)
        return bool(enough and self.speakers(logic) >= PRESENT_SPEAKERS)

    def leader(self) -> int | None:
        """0 or 1, the logic that leads; None where neither does. Passages with both count for neither side."""
        both = self.total(self.joint)
        first, second = self.total(self.first) - both, self.total(self.second) - both
        either = first + second + both
        if either < PRESENT_PASSAGES:
            return None
        for number, own in enumerate((first, second)):
            if own >= DOMINANT_SHARE * either:
                return number
        return None


def tally(
    cluster: NDArray[np.int64],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    marks: Mapping[str, NDArray[np.bool_]],
) -> Tally:
    """Sum the passages of a cell by cluster."""
    _, place = np.unique(cluster, return_inverse=True)
    g = int(place.max()) + 1 if len(place) else 0

    def sums(held: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(place, weights=held, minlength=g).astype(np.float64)

    marked = np.zeros(len(first), dtype=np.bool_)
    for mark in marks.values():
        marked |= mark
    return Tally(
        sums(np.ones(len(first), dtype=np.bool_)), sums(first), sums(second), sums(first & second),
        {name: sums(mark) for name, mark in marks.items()}, sums(marked), np.ones(g),
    )  # fmt: skip


def support(found: Tally, answer: Callable[[Tally], object], seed: str) -> float:
    """Share of resamples of clusters with the same answer; NaN without passages, or of a single cluster.

    The seed is a text that names the cell, so that the same cell is drawn the same way whatever else is asked.
    """
    g = len(found.n)
    if g < 2:
        return float("nan")
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:8], "big"))
    times = rng.multinomial(g, np.full(g, 1 / g), size=RESAMPLES).astype(np.float64)
    wanted = answer(found)
    return float(np.mean([answer(found.again(row)) == wanted for row in times]))
