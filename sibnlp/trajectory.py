"""Prevalence per domain × logic × period with both intervals, and what may be said of its change."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sibnlp import columns
from sibnlp.aggregate import TALK, WEIGHTS, Counts
from sibnlp.codebook import Framework
from sibnlp.estimates import COUNT, Estimates, Fitted
from sibnlp.intervals import CORPUS, Contrast, Estimate, holm
from sibnlp.quantifiers import DESIGN_BASED, QUANTIFIERS
from sibnlp.shrinkage import change as drawn_change
from sibnlp.types import Passage, Prevalence, Shift

# Said of a change that is not the plain difference of its levels (`sibnlp.shrinkage`).
DRAWN = "drawn towards the count"
SHIFT, NO_CHANGE, CANNOT_TELL = "shift", "no change", "cannot tell"
# Under these a cell is too small to be read alone.
SMALL_PASSAGES, SMALL_DOCUMENTS, SMALL_SPEAKERS = 30, 3, 2
# Periods from which on neighbours may be averaged: with fewer, the average is the trajectory.
SMOOTH_FROM = 10
GROUPS, MOST_GROUPS = ("role", "actor", "sector"), 60
Cell = tuple[str | None, str]


def cells(framework: Framework) -> Iterator[Cell]:
    """Every domain × code, the whole (domain None) first."""
    for domain in (None, *framework.domains):
        for code in framework.logics:
            yield domain, code


def prevalence(estimates: Estimates, framework: Framework, level: float = 0.95) -> tuple[Prevalence, ...]:
    """Share of passages that carry each logic, for the whole and within each domain, in every period.

    Args:
        estimates: of predictions laid out by period and actor.
        framework: whose logics and domains.
        level: of the intervals.

    Returns:
        One entry a cell, the whole (domain None) first; NaN where a period has no passages, and NaN process bounds
        where it has fewer than two actors.
    """
    return tuple(row for cell in cells(framework) for row in _rows(estimates, cell, level))


def grouped(estimates: Estimates, framework: Framework, level: float = 0.95) -> tuple[Prevalence, ...]:
    """The same within roles, actors and sectors that have a name; empty cells are left out.

    Of a kind with more than `MOST_GROUPS` names, those with the most passages are followed.
    """
    counts = estimates.counts
    followed: list[tuple[NDArray[np.int64], str, str]] = []
    for kind in GROUPS:
        different, place, sizes = _named(counts, kind)
        order = np.argsort(place, kind="stable")
        ends = np.cumsum(sizes).tolist()
        largest = sorted(range(len(different)), key=lambda i: -sizes[i])[:MOST_GROUPS]
        followed += [
            (order[ends[i] - sizes[i] : ends[i]], kind, different[i])
            for i in sorted(largest, key=lambda i: different[i])
        ]
    numbers, every = range(len(followed)), list(cells(framework))
    # Without codings a group is laid out for all its cells, with them a cell for all groups: each of them once.
    if estimates.codings is None:
        asked = [(number, cell) for number in numbers for cell in every]
    else:
        asked = [(number, cell) for cell in every for number in numbers]
    found = {(number, cell): _of_group(estimates, cell, level, *followed[number]) for number, cell in asked}
    return tuple(row for number in numbers for cell in every for row in found[number, cell] if row.n_passages)


def _of_group(
    estimates: Estimates, cell: Cell, level: float, mine: NDArray[np.int64], kind: str, name: str
) -> list[Prevalence]:
    """A cell within a group, whose places among the rows are ``mine``."""
    if estimates.codings is None:
        # What is counted is a matter of the group's own passages: nobody else's have to be gone through.
        return _rows(estimates.part(mine), cell, level, None, kind, name)
    rows = np.zeros(len(estimates.counts.rows), dtype=np.bool_)
    rows[mine] = True
    return _rows(estimates, cell, level, rows, kind, name, estimates.part(mine).counts)


def _named(counts: Counts, kind: str) -> tuple[list[str], NDArray[np.int64], list[int]]:
    """Names of a kind by first appearance, the number of each row's (the last: none), and how many rows each."""
    passages = counts.predictions.passages
    field = kind if kind != "sector" else "extra.sector"
    groups, first = columns.grouped(passages, field)
    number: dict[str, int] = {}
    of = [group_of(passage, kind) for passage in columns.outlines(passages, first.tolist(), (field,))]
    inside = np.bincount(groups[counts.rows], minlength=len(of)) > 0
    for name, there in zip(of, inside.tolist(), strict=True):
        if name and there:
            number.setdefault(name, len(number))
    remap = np.array([number.get(name, len(number)) for name in of], dtype=np.int64)
    place = remap[groups[counts.rows]] if len(of) else groups
    return list(number), place, np.bincount(place, minlength=len(number) + 1).tolist()


def group_of(passage: Passage, kind: str) -> str:
    """The role, actor or sector that a passage counts for; empty where nobody says."""
    if kind == "sector":
        return str(dict(passage.extra).get("sector") or "")
    return (passage.role if kind == "role" else passage.actor) or ""


def _rows(
    estimates: Estimates,
    cell: Cell,
    level: float,
    rows: NDArray[np.bool_] | None = None,
    kind: str = "",
    group: str = "",
    counts: Counts | None = None,
) -> list[Prevalence]:
    """A cell by period; of some rows alone with the counts of these."""
    counts = counts or estimates.counts
    domain, code = cell
    fitted, method = estimates.method(domain, code)
    levels = estimates.levels(domain, code, rows=rows)
    held = [counts.held(domain, code, p) for p in counts.periods]
    sizes = [int(one.sum()) for one in held]
    smooth = smoothed(levels.values, sizes)
    found = []
    for i, period in enumerate(counts.periods):
        here = held[i]
        n_documents, n_speakers = (counts.n_different(of, here) for of in ("document", "speaker"))
        low, high = levels.level(i, level) if sizes[i] else (math.nan, math.nan)
        near, far = levels.level(i, level, CORPUS) if sizes[i] else (math.nan, math.nan)
        value = float(levels.values[i]) if sizes[i] else math.nan
        found.append(
            Prevalence(
                domain,
                code,
                period,
                min(max(value, 0.0), 1.0) if not math.isnan(value) else value,
                low,
                high,
                sizes[i],
                n_documents,
                n_speakers,
                int((here & counts.has(code) & counts.has(domain)).sum()),
                method,
                near,
                far,
                fitted.rung,
                fitted.refused,
                counts.denominator,
                counts.weight,
                int(counts.words[here].sum()),
                sizes[i] > 0
                and (sizes[i] < SMALL_PASSAGES or n_documents < SMALL_DOCUMENTS or n_speakers < SMALL_SPEAKERS),
                counts.partial and i == len(counts.periods) - 1,
                smooth[i],
                kind,
                group,
            )
        )
    return found


def smoothed(values: NDArray[np.float64], sizes: Sequence[int]) -> list[float]:
    """Mean of a period with its two neighbours, weighted by passages; NaN throughout with fewer than ten periods.

    A moving average of three (Kendall & Stuart 1966, vol. 3, § 46.4); a period without passages stays missing.

    >>> smoothed(np.array([0.0, 0.3] * 5), [10] * 10)[:3]
    [0.15, 0.1, 0.2]
    """
    if sum(size > 0 for size in sizes) < SMOOTH_FROM:
        return [math.nan] * len(sizes)
    weight = np.where(np.isnan(values), 0.0, np.array(sizes, dtype=np.float64))
    top = np.convolve(np.nan_to_num(values) * weight, np.ones(3), "same")
    bottom = np.convolve(weight, np.ones(3), "same")
    return [round(float(t / b), 12) if w > 0 else math.nan for t, b, w in zip(top, bottom, weight, strict=True)]


def span(estimates: Estimates, cell: Cell, values: NDArray[np.float64]) -> tuple[int, int] | None:
    """First and last period in which a cell has passages; None with fewer than two."""
    counts = estimates.counts
    held = [
        i for i, period in enumerate(counts.periods)
        if not math.isnan(values[i]) and counts.inside(cell[0], period).any()
    ]  # fmt: skip
    return (held[0], held[-1]) if len(held) >= 2 else None


def shifts(
    estimates: Estimates, framework: Framework, level: float = 0.95, margin: float = 2.0, *, exploratory: bool = False
) -> tuple[Shift, ...]:
    """Change of every cell from the first to the last period in which it has passages.

    Args:
        estimates, framework: as for `prevalence`.
        level: a *shift* is a change whose process interval excludes zero at this level after Holm's correction over all
            cells of the framework.
        margin: *no change* is a 90 % process interval of the odds ratio inside (1/margin, margin); everything else is
            *cannot tell*. Absence of evidence is not evidence of absence.
        exploratory: whether the periods were chosen by looking at the same data.

    Returns:
        One entry a domain × code with passages in two periods; none with a single period. A corrected change is drawn
        towards the counted one where it does not stand out from its own error (`sibnlp.shrinkage`): ``difference`` is
        that of the levels, from which intervals and p-values are.
    """
    names = _alternatives(estimates)
    variants = [("", ""), *((name, weight) for name in names for weight in WEIGHTS)]
    changes: dict[tuple[str, str], list[_Row]] = {variant: [] for variant in variants}
    for cell in cells(framework):
        # Cell by cell, so that of many passages no cell is counted more than once a quantifier.
        for variant in variants:
            changes[variant] += _change(estimates, cell, level, *variant)
    main, *others = (_tested(rows, level, margin) for rows in changes.values())
    found = []
    for cell, (start, end, change, p, outcome, fitted) in main.items():
        said = [other[cell] for other in others if cell in other]
        agree = sum(s[4] == outcome and (outcome != SHIFT or (s[2].change > 0) == (change.change > 0)) for s in said)
        levels = estimates.levels(*cell, change=True)
        point = drawn_change(levels, start, end)
        if not math.isnan(change.low):
            point = min(max(point, change.low), change.high)
        found.append(
            Shift(
                cell[0],
                cell[1],
                estimates.counts.periods[start],
                estimates.counts.periods[end],
                point,
                change.low,
                change.high,
                outcome,
                change.corpus_low,
                change.corpus_high,
                change.p,
                p,
                margin,
                change.smallest_margin,
                undone_by(change, fitted, _end(estimates, cell, end)),
                agree,
                len(said),
                fitted.method if point == change.change else f"{fitted.method}, {DRAWN}",
                fitted.rung,
                fitted.refused,
                exploratory,
                change.change,
            )
        )
    return tuple(found)


def _alternatives(estimates: Estimates) -> list[str]:
    """Quantifiers to hold the main one against: those that can work on what there is."""
    names = [name for name in QUANTIFIERS if estimates.codings is not None or not QUANTIFIERS.load(name).needs_gold]
    return [COUNT] if estimates.by_people and estimates.codings is None else names


Change = tuple[int, int, Contrast, float, str, Fitted]


_Row = tuple[Cell, int, int, Contrast, Fitted]


def _change(estimates: Estimates, cell: Cell, level: float, name: str, weight: str) -> list[_Row]:
    """Change of a cell by one quantifier and weight, if it has any."""
    fitted = estimates.fit(*cell, name)
    if name and fitted.name != name:
        return []  # refused here: it would be the count once more
    levels = estimates.levels(*cell, name=name, weight=weight, change=True, keep=not name)
    ends = span(estimates, cell, levels.values)
    return [(cell, *ends, levels.contrast(*ends, level), fitted)] if ends else []


def _tested(rows: Sequence[_Row], level: float, margin: float) -> Mapping[Cell, Change]:
    """What each change comes to among all of its kind."""
    adjusted = holm([change.p for *_, change, _ in rows])
    return {
        cell: (start, end, c, p, _outcome(c, p, level, margin), fitted)
        for (cell, start, end, c, fitted), p in zip(rows, adjusted, strict=True)
    }


def _end(estimates: Estimates, cell: Cell, end: int) -> float:
    value = float(estimates.levels(*cell, change=True).values[end])
    return min(max(value, 0.0), 1.0)


def undone_by(change: Contrast, fitted: Fitted, at_end: float) -> float:
    """How much more often negatives would have to be flagged in one period for the interval to reach zero.

    A false-positive rate higher by d raises a period's figure by ``d · (1 − prevalence) / gain``, where gain is
    TPR − FPR and 1 for a plain count (Gart & Buck 1966). NaN where the interval holds zero anyway, and for a
    probability sample, which assumes no error rates.

    Of a rise known to be at least 0.08, at 20 %, counted: 0.08 / 0.8:

    >>> change = Contrast(0.12, 0.08, 0.16, 0.01, 0, 0, 0, 0, 0.02, 14)
    >>> round(undone_by(change, Fitted("count", "uncorrected", "", None), 0.2), 3)  # type: ignore[arg-type]
    0.1
    """
    if fitted.rung == DESIGN_BASED or math.isnan(change.low) or change.low <= 0 <= change.high or at_end >= 1:
        return math.nan
    return min(abs(change.low), abs(change.high)) * fitted.gain / (1 - at_end)


def moves(estimates: Estimates, framework: Framework, level: float = 0.95) -> dict[tuple[str | None, str, str], int]:
    """Whether each cell moved against the period before, on all talk: 1 up, -1 down, 0 not established.

    Uncorrected for the number of cells: it serves to tell relations apart, not to claim a shift.
    """
    counts = estimates.counts
    found: dict[tuple[str | None, str, str], int] = {}
    for cell in cells(framework):
        levels = estimates.levels(*cell, denominator=TALK, change=True)
        held = [i for i, value in enumerate(levels.values) if not math.isnan(value)]
        for before, now in zip([None, *held], held, strict=False):
            change = levels.contrast(before, now, level) if before is not None else None
            moved = change is not None and change.p < 1 - level
            found[(*cell, counts.periods[now])] = (1 if change.change > 0 else -1) if change and moved else 0
    return found


def levels_of(estimates: Estimates, cell: Cell) -> Estimate:
    """Levels of a cell on all talk, for whatever follows a trajectory."""
    return estimates.levels(*cell, denominator=TALK, change=True)


def _outcome(change: Contrast, p: float, level: float, margin: float) -> str:
    if p < 1 - level:
        return SHIFT
    if change.smallest_margin < margin:
        return NO_CHANGE
    return CANNOT_TELL
