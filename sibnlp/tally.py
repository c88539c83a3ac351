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


@dataclass(frozen=True, slots=True)
class Sums:
    """Passages of a cell, and the clusters (actors, or documents where nobody is named) they are from.

    Attributes:
        n: passages; first, second, joint: those with either logic, and with both.
        marks: by relation, passages so marked; marked: those with any mark.
        by_first, by_second, by_marked: distinct clusters of these.
    """

    n: float
    first: float
    second: float
    joint: float
    marked: float
    marks: Mapping[str, float]
    by_first: int
    by_second: int
    by_marked: int

    @property
    def present(self) -> tuple[bool, bool]:
        """Whether either logic is there at all."""
        least = max(PRESENT_PASSAGES, PRESENT_SHARE * self.n)
        return (
            self.first >= least and self.by_first >= PRESENT_SPEAKERS,
            self.second >= least and self.by_second >= PRESENT_SPEAKERS,
        )

    @property
    def leader(self) -> int | None:
        """0 or 1, the logic that leads; None where neither does. Passages with both count for neither side.

        >>> Sums(20, 12, 6, 2, 0, {}, 3, 3, 0).leader
        0
        """
        first, second = self.first - self.joint, self.second - self.joint
        either = first + second + self.joint
        if either < PRESENT_PASSAGES:
            return None
        return 0 if first >= DOMINANT_SHARE * either else 1 if second >= DOMINANT_SHARE * either else None


# More clusters than this are resampled in so many groups: the answer is as stable, and takes no minutes.
MANY = 1_000
_COLUMNS = ("n", "first", "second", "joint", "marked")


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sums of one domain × period by cluster.

    Attributes:
        by_cluster: [g, c]; columns `_COLUMNS`, then one a relation.
        relations: names of the latter.
    """

    by_cluster: NDArray[np.float64]
    relations: tuple[str, ...]

    def sums(self) -> Sums:
        """Of all clusters."""
        return self._read(self.by_cluster.sum(axis=0), (self.by_cluster > 0).sum(axis=0))

    def again(self, times: NDArray[np.float64]) -> list[Sums]:
        """Of clusters counted so many times each: [r, g] → r sums."""
        totals, voices = times @ self.by_cluster, (times > 0).astype(np.float64) @ (self.by_cluster > 0)
        return [self._read(total, voice) for total, voice in zip(totals, voices, strict=True)]

    def in_groups(self, rng: np.random.Generator) -> Tally:
        """The clusters in `MANY` groups at random, to be resampled together (random groups; Wolter 2007, ch. 2)."""
        member = rng.permutation(len(self.by_cluster)) % MANY
        sums = [np.bincount(member, weights=column, minlength=MANY) for column in self.by_cluster.T]
        return Tally(np.stack(sums, axis=1), self.relations)

    def _read(self, total: NDArray[np.float64], voice: NDArray[np.float64]) -> Sums:
        found, by = total.tolist(), voice.tolist()
        marks = dict(zip(self.relations, found[len(_COLUMNS) :], strict=True))
        n, first, second, joint, marked = found[: len(_COLUMNS)]
        return Sums(n, first, second, joint, marked, marks, int(by[1]), int(by[2]), int(by[4]))


def tally(
    cluster: NDArray[np.int64],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    marks: Mapping[str, NDArray[np.bool_]],
) -> Tally:
    """Sum the passages of a cell by cluster."""
    _, place = np.unique(cluster, return_inverse=True)
    g = int(place.max()) + 1 if len(place) else 0
    marked = np.zeros(len(first), dtype=np.bool_)
    for mark in marks.values():
        marked |= mark
    everything = (np.ones(len(first), dtype=np.bool_), first, second, first & second, marked, *marks.values())
    columns = [np.bincount(place, weights=held, minlength=g) for held in everything]
    return Tally(np.stack(columns, axis=1).astype(np.float64), tuple(marks))


def resamples(g: int, r: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """[r, g] how often each of g clusters is drawn, r times g with replacement (Davison & Hinkley 1997, § 3.8).

    >>> resamples(5, 2, np.random.default_rng(0)).sum(axis=1).tolist()
    [5.0, 5.0]
    """
    # Drawn one by one and counted: numpy's multinomial draws from a binomial for each, in fifteen times the time.
    drawn = rng.integers(g, size=(r, g)) + g * np.arange(r)[:, None]
    return np.bincount(drawn.ravel(), minlength=r * g).reshape(r, g).astype(np.float64)


def support(found: Tally, answer: Callable[[Sums], object], seed: str) -> float:
    """Share of resamples of clusters with the same answer; NaN without passages, or of a single cluster.

    Cluster bootstrap (Davison & Hinkley 1997, § 3.8). What all of four actors say alike, every resample says; what one
    of four says, 1 − 0.75⁴ = 68 % of resamples say:

    >>> rows = np.arange(40)
    >>> cell = tally(rows // 10, rows >= 0, rows < 10, {})
    >>> support(cell, lambda sums: sums.first > 0, "a"), round(support(cell, lambda sums: sums.second > 0, "a"), 2)
    (1.0, 0.68)

    Of more than `MANY` clusters, random groups are resampled.

    The seed is a text that names the cell, so that the same cell is drawn the same way whatever else is asked.
    """
    g = len(found.by_cluster)
    if g < 2:
        return float("nan")
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:8], "big"))
    if g > MANY:
        found, g = found.in_groups(rng), MANY
    times = resamples(g, RESAMPLES, rng)
    wanted = answer(found.sums())
    return sum(answer(one) == wanted for one in found.again(times)) / RESAMPLES
