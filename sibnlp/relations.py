"""How two logics stand to each other in a domain and period: F23's four types by one page of rules.

A logic is *present* in a cell when at least `PRESENT_SHARE` of the domain's passages carry it, in at least
`PRESENT_PASSAGES` passages by at least `PRESENT_SPEAKERS` speakers. *Marks* are passages of the cell coded with a
passage-level relation. The first rule that matches wins:

1. ``segregating``: one logic is present and dominant; the other was present in an earlier period and now falls below
   `PRESENT_SHARE`.
2. ``in_tension``: both present, and at least two thirds of at least `MARKS` marks, by at least `MARK_SPEAKERS`
   speakers, say so.
3. ``reinforcing``: likewise, and no logic is established to have fallen against the period before.
4. ``co_existing``: both present, no move of either is established, and less than a third of the passages with both
   are marked as tension or reinforcement.

Anything else is None: the data do not say. The thresholds are judgements of this project, made before any result was
seen; they stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.types import Relation

PRESENT_SHARE, PRESENT_PASSAGES, PRESENT_SPEAKERS = 0.10, 5, 2
MARKS, MARK_SPEAKERS, MARK_SHARE, UNMARKED_SHARE = 8, 3, 2 / 3, 1 / 3
# A logic dominates with this share of the passages that carry either.
DOMINANT_SHARE = 0.60
# Support leaves out one document at a time, or one of so many groups of documents in a large corpus.
MAX_GROUPS = 50

CO_EXISTING, REINFORCING, IN_TENSION, SEGREGATING = "co_existing", "reinforcing", "in_tension", "segregating"


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """One domain × period, as boolean rows over its passages."""

    logics: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    marks: Mapping[str, NDArray[np.bool_]]
    speaker: NDArray[np.int64]
    document: NDArray[np.int64]

    def without(self, keep: NDArray[np.bool_]) -> _Cell:
        first, second = self.logics
        return _Cell(
            (first[keep], second[keep]),
            {name: mark[keep] for name, mark in self.marks.items()},
            self.speaker[keep],
            self.document[keep],
        )

    def present(self, logic: NDArray[np.bool_]) -> bool:
        n = int(logic.sum())
        enough = n >= PRESENT_PASSAGES and n >= PRESENT_SHARE * len(logic)
        return bool(enough and len(np.unique(self.speaker[logic])) >= PRESENT_SPEAKERS)


def relations(
    counts: Counts, framework: Framework, moved: Mapping[tuple[str | None, str, str], int]
) -> tuple[Relation, ...]:
    """Relation of the framework's two logics in every domain and period, and for the whole.

    Args:
        counts: predictions laid out by period and document.
        framework: its first two logics are compared; with any other number of logics there is nothing to compare.
        moved: by (domain, code, period), whether a logic rose or fell (`sibnlp.trajectory.moves`).

    Returns:
        One entry a domain × period. ``support`` is the share of documents that can be left out, one at a time (of
        `MAX_GROUPS` groups of documents where there are more), without the answer changing; what held in earlier
        periods and what moved is kept as it is. The reason says which rule matched, or how far the nearest was.
    """
    if len(framework.logics) != 2:
        return ()
    found = []
    for domain in (None, *framework.domains):
        was_present = [False, False]
        for period in counts.periods:
            cell = _cell(counts, framework, domain, period)
            moves = [moved.get((domain, logic, period), 0) for logic in framework.logics]
            relation, reason = _rule(cell, framework.logics, was_present, moves)
            kept = [
                _rule(cell.without(keep), framework.logics, was_present, moves)[0] == relation
                for keep in _leave_one_out(cell.document)
            ]
            support = float(np.mean(kept)) if kept else float("nan")
            dominant = _dominant(cell, framework.logics)
            found.append(Relation(domain, period, relation, dominant, support, reason))
            was_present = [was or cell.present(logic) for was, logic in zip(was_present, cell.logics, strict=True)]
    return tuple(found)


def _cell(counts: Counts, framework: Framework, domain: str | None, period: str) -> _Cell:
    inside = (counts.period == counts.periods.index(period)) & counts.has(domain)
    first, second = (counts.has(logic)[inside] for logic in framework.logics)
    marks = {name: counts.has(name)[inside] & first & second for name in framework.relations}
    return _Cell((first, second), marks, counts.speaker[inside], counts.document[inside])


def _leave_one_out(document: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    group = np.unique(document, return_inverse=True)[1] % MAX_GROUPS
    return [group != one for one in np.unique(group)] if len(document) else []


def _rule(cell: _Cell, logics: tuple[str, ...], was_present: list[bool], moves: list[int]) -> tuple[str | None, str]:
    first, second = cell.logics
    present = [cell.present(first), cell.present(second)]
    counted = f"{logics[0]} in {int(first.sum())}, {logics[1]} in {int(second.sum())} of {len(first)} passages"
    for here, there in ((0, 1), (1, 0)):
        gone = was_present[there] and cell.logics[there].sum() < PRESENT_SHARE * len(first)
        if present[here] and gone and _dominant(cell, logics) == logics[here]:
            return SEGREGATING, f"{logics[there]} was present before and no longer is: {counted}"
    if not all(present):
        absent = " and ".join(logic for logic, there in zip(logics, present, strict=True) if not there)
        return None, f"{absent} not present: {counted}"
    any_mark = np.zeros(len(first), dtype=np.bool_)
    for mark in cell.marks.values():
        any_mark |= mark
    n_marks = int(any_mark.sum())
    for name in (IN_TENSION, REINFORCING):
        mark = cell.marks.get(name, np.zeros_like(any_mark))
        if n_marks < MARKS or len(np.unique(cell.speaker[any_mark])) < MARK_SPEAKERS:
            continue
        if mark.sum() >= MARK_SHARE * n_marks and not (name == REINFORCING and min(moves) < 0):
            return name, f"{int(mark.sum())} of {n_marks} marked passages say so; {counted}"
    joint = int((first & second).sum())
    against = np.zeros_like(any_mark)
    for name in (IN_TENSION, REINFORCING):
        against |= cell.marks.get(name, np.zeros_like(any_mark))
    if moves == [0, 0] and (not against.any() or against.sum() < UNMARKED_SHARE * joint):
        counted = f"{int(against.sum())} of {joint} joint passages marked otherwise; {counted}"
        return CO_EXISTING, f"both present, no move of either established, {counted}"
    return None, f"both present, but {n_marks} marks do not agree or a logic moved; {counted}"


def _dominant(cell: _Cell, logics: tuple[str, ...]) -> str | None:
    first, second = cell.logics
    either = int((first | second).sum())
    if either < PRESENT_PASSAGES:
        return None
    for logic, held in zip(logics, (first & ~second, second & ~first), strict=True):
        # Passages with both logics count for neither side, but stay in what the side is a share of.
        if held.sum() >= DOMINANT_SHARE * either:
            return logic
    return None
