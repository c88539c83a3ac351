"""How two logics stand to each other in a domain and period: F23's four types by one page of rules.

A logic is *present* in a cell when at least a tenth of the domain's passages carry it, in at least five passages by at
least two actors: under that, one talkative person makes a logic. *Marks* are passages coded with a passage-level
relation, by people where people coded them, with both logics in one turn. The first rule that matches wins:

1. ``segregating``: one logic is present and leads; the other was present before and now has under a tenth. (F23: one
   dominates while the other is squeezed out. A logic that never was there was not squeezed out.)
2. ``in_tension``: both present, and at least two thirds of at least eight marks, by at least three actors, say so; or
   one logic rose and the other fell against the period before, on all talk, and more marks say tension than
   reinforcement. (One diminishes the other: people say it, or it happens and they do not say the opposite.)
3. ``reinforcing``: both present, marks likewise, and neither logic is established to have fallen. (What is enhanced
   does not shrink.)
4. ``co_existing``: both present, no move of either is established, and under a third of the joint passages are marked
   as tension or reinforcement. (Side by side, and stable.)

Anything else is None: the data do not say; the relation that came nearest is named. Two thirds and eight keep a coin's
toss out: of eight marks with even chances, six or more agree in 14 of 100 cells, and an accuracy of 0.6 rarely reaches
it with the wrong relation. The thresholds are judgements of this project, made before any result was seen; they stand
here and in `sibnlp.tally`. Whether logics co-occur more often than chance is shown beside and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sibnlp.aggregate import Counts
from sibnlp.codebook import RELATION, Framework
from sibnlp.columns import grouped, spans
from sibnlp.gold import Codings
from sibnlp.tally import PRESENT_SHARE, SUPPORT, Sums, support, tally
from sibnlp.types import Passage, Relation

MARKS, MARK_SPEAKERS, MARK_SHARE, UNMARKED_SHARE = 8, 3, 2 / 3, 1 / 3
CO_EXISTING, REINFORCING, IN_TENSION, SEGREGATING = "co_existing", "reinforcing", "in_tension", "segregating"
# Passages named for and against in trajectory.json; the report lists all.
NAMED = 50
Moves = Mapping[tuple[str | None, str, str], int]
Row = NDArray[np.bool_]


def relations(
    counts: Counts, framework: Framework, moved: Moves, codings: Codings | None = None
) -> tuple[Relation, ...]:
    """Relation of the framework's two logics in every domain and period, and for the whole.

    Args:
        counts: predictions laid out by period and actor.
        framework: its first two logics are compared; with any other number of logics there is nothing to compare.
        moved: by (domain, code, period), whether a logic rose or fell (`sibnlp.trajectory.moves`).
        codings: by people; their marks stand in place of the model's.

    Returns:
        One entry a domain × period. ``support`` resamples actors (`sibnlp.tally.support`) while what held in earlier
        periods and what moved is kept as it is; under 0.80 a relation is tentative.
    """
    if len(framework.logics) != 2:
        return ()
    marks = _marks(counts, framework, codings)
    found = []
    for domain in (None, *framework.domains):
        was_present = [False, False]
        for period in counts.periods:
            inside = (counts.period == counts.periods.index(period)) & counts.has(domain)
            logics = [counts.has(logic) & inside for logic in framework.logics]
            here = {name: mark & inside for name, mark in marks.items()}
            cell = tally(
                counts.cluster[inside], logics[0][inside], logics[1][inside],
                {name: mark[inside] for name, mark in here.items()},
            )  # fmt: skip
            moves = [moved.get((domain, logic, period), 0) for logic in framework.logics]
            rule = Rule(framework.logics, was_present, moves)
            whole = cell.sums()
            relation, runner_up, reason = rule(whole)
            held = support(cell, lambda again, rule=rule: rule(again)[0], f"{domain}|{period}")  # type: ignore[misc]
            leader = whole.leader
            speaks = [np.flatnonzero(rows) for rows in _evidence(relation or runner_up, logics, here, leader)]
            n_joint, expected, p = co_occurrence(logics[0][inside], logics[1][inside], _strata(counts, inside))
            found.append(
                Relation(
                    domain,
                    period,
                    relation,
                    framework.logics[leader] if leader is not None else None,
                    held,
                    reason,
                    relation is not None and not held >= SUPPORT,
                    "" if relation else runner_up,
                    {name: int(mark.sum()) for name, mark in here.items()},
                    n_joint,
                    expected,
                    p,
                    passages_for=_ids(counts.predictions.passages, speaks[0]),
                    passages_against=_ids(counts.predictions.passages, speaks[1]),
                    n_for=len(speaks[0]),
                    n_against=len(speaks[1]),
                    rows_for=speaks[0],
                    rows_against=speaks[1],
                )
            )
            was_present = [was or now for was, now in zip(was_present, whole.present, strict=True)]
    return tuple(found)


class Rule:
    """The rules of the module's page, for one cell: what matched, what came nearest, and why."""

    def __init__(self, logics: tuple[str, ...], was_present: Sequence[bool], moves: Sequence[int]) -> None:
        self.logics, self.was_present, self.moves = logics, tuple(was_present), tuple(moves)

    def __call__(self, cell: Sums) -> tuple[str | None, str, str]:
        """Relation (None where no rule matches), the one that came nearest, and why."""
        n, amounts, present = cell.n, (cell.first, cell.second), cell.present
        counted = f"{self.logics[0]} in {amounts[0]:.0f}, {self.logics[1]} in {amounts[1]:.0f} of {n:.0f} passages"
        for here, there in ((0, 1), (1, 0)):
            gone = self.was_present[there] and amounts[there] < PRESENT_SHARE * n
            if present[here] and gone and cell.leader == here:
                return SEGREGATING, "", f"{self.logics[there]} was present before and no longer is: {counted}"
        if not all(present):
            absent = " and ".join(logic for logic, there in zip(self.logics, present, strict=True) if not there)
            return None, self._nearest_alone(present, amounts, n), f"{absent} not present: {counted}"
        return self._both(cell, counted)

    def _nearest_alone(self, present: Sequence[bool], amounts: Sequence[float], n: float) -> str:
        """What comes nearest where a logic is not present: squeezed out, or there but in too few passages to say."""
        if not any(present):
            return ""
        there = present.index(False)
        if amounts[there] >= PRESENT_SHARE * n:
            return CO_EXISTING
        return SEGREGATING if self.was_present[there] else ""

    def _both(self, cell: Sums, counted: str) -> tuple[str | None, str, str]:
        n_marks = cell.marked
        said = {name: cell.marks.get(name, 0.0) for name in (IN_TENSION, REINFORCING)}
        enough = n_marks >= MARKS and cell.by_marked >= MARK_SPEAKERS
        apart = sorted(self.moves) == [-1, 1]
        for name in (IN_TENSION, REINFORCING):
            agreed = enough and said[name] >= MARK_SHARE * n_marks
            if agreed and not (name == REINFORCING and min(self.moves) < 0):
                return name, "", f"{said[name]:.0f} of {n_marks:.0f} marked passages say so; {counted}"
            if name == IN_TENSION and apart and said[IN_TENSION] > said[REINFORCING]:
                text = f"{said[IN_TENSION]:.0f} of {n_marks:.0f} marked passages say so"
                return name, "", f"one logic rose and the other fell, and {text}; {counted}"
        joint, against = cell.joint, said[IN_TENSION] + said[REINFORCING]
        if self.moves == (0, 0) and (against == 0 or against < UNMARKED_SHARE * joint):
            text = f"{against:.0f} of {joint:.0f} joint passages marked otherwise; {counted}"
            return CO_EXISTING, "", f"both present, no move of either established, {text}"
        nearest = max(said, key=lambda name: said[name]) if against else CO_EXISTING
        return None, nearest, f"both present, but {n_marks:.0f} marks do not agree or a logic moved; {counted}"


def _marks(counts: Counts, framework: Framework, codings: Codings | None) -> dict[str, Row]:
    """Passages that count as marked, by relation: people's word first, both logics in one turn."""
    turn = turns(counts.predictions.passages)
    first, second = (_in_turn(turn, counts.has(logic)) for logic in framework.logics)
    marks = {name: counts.has(name) & first & second for name in framework.relations}
    if codings is None:
        return marks
    for coding, row in zip(codings.codings, codings.rows.tolist(), strict=True):
        carried = set(coding.codes)
        looked = not coding.extent or RELATION in coding.extent
        if row < 0 or not looked:
            continue
        both = set(framework.logics) <= carried or bool(first[row] and second[row])
        for name, mark in marks.items():
            mark[row] = name in carried and both
    return marks


def _in_turn(turn: NDArray[np.int64], held: Row) -> Row:
    """Whether any passage of the same turn carries it."""
    carried: Row = np.bincount(turn, weights=held, minlength=int(turn.max(initial=0)) + 1) > 0
    return carried[turn]


def turns(passages: Sequence[Passage]) -> NDArray[np.int64]:
    """Number of the turn of each passage: a long turn is cut into several that follow each other without a gap."""
    if not len(passages):
        return np.zeros(0, dtype=np.int64)
    same = grouped(passages, "document", "speaker", "context")[0]
    starts, ends = spans(passages)
    gap = starts[1:] - ends[:-1]
    goes_on = (same[1:] == same[:-1]) & (gap >= 0) & (gap <= 1)
    return np.concatenate([[0], np.cumsum(~goes_on)])


def _evidence(relation: str, logics: Sequence[Row], marks: Mapping[str, Row], leader: int | None) -> tuple[Row, Row]:
    """Passages for a relation, and against it."""
    nothing = np.zeros(len(logics[0]), dtype=np.bool_)
    joint = logics[0] & logics[1]
    told = {name: marks.get(name, nothing) for name in (IN_TENSION, REINFORCING, CO_EXISTING)}
    if relation == SEGREGATING:
        lead = leader if leader is not None else int(logics[1].sum() > logics[0].sum())
        return logics[lead] & ~logics[1 - lead], logics[1 - lead]
    if relation == CO_EXISTING:
        against = told[IN_TENSION] | told[REINFORCING]
        return told[CO_EXISTING] | (joint & ~against), against
    if relation in told:
        others = nothing.copy()
        for name, mark in told.items():
            others |= mark if name != relation else nothing
        return told[relation], others
    return nothing, nothing


def _ids(passages: Sequence[Passage], rows: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(passages[row].id for row in rows[:NAMED].tolist())


def _strata(counts: Counts, inside: Row) -> NDArray[np.int64]:
    """Document × longer or shorter than its median passage: long passages carry more of everything."""
    document, words = counts.document[inside], counts.words[inside]
    if not len(words):
        return document
    _, place, n = np.unique(document, return_inverse=True, return_counts=True)
    # The median of each document from its words in order.
    order = np.lexsort((words, place))
    start = np.concatenate([[0], np.cumsum(n)[:-1]])
    middle = (words[order][start + (n - 1) // 2] + words[order][start + n // 2]) / 2
    return document * 2 + (words > middle[place])


# More strata than this make the joint number a sum so long that it is normal for every purpose.
EXACT_STRATA = 500


def co_occurrence(first: Row, second: Row, stratum: NDArray[np.int64]) -> tuple[int, float, float]:
    """Passages with both logics against chance: their number, what shuffling within strata gives, and its exact p.

    Shuffling one logic over the passages of a stratum makes the joint number hypergeometric in each; their sum's
    distribution is found by convolution, so that no draw is needed (exact conditional test over strata; Gart 1970,
    *Biometrika* 57). Two-sided by doubling. Over more than `EXACT_STRATA` strata the sum is taken as normal, with the
    hypergeometric means and variances (Mantel & Haenszel 1959, *JNCI* 22).

    Fisher's lady tasting tea: 4 of 8 cups, all 4 named (1935): one-sided 1/70, doubled 0.0286.

    >>> cups = np.array([True] * 4 + [False] * 4)
    >>> n, expected, p = co_occurrence(cups, cups, np.zeros(8, int))
    >>> n, expected, round(p, 4)
    (4, 2.0, 0.0286)
    """
    joint = int((first & second).sum())
    _, place, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    counted = [np.bincount(place, weights=one, minlength=len(sizes)).astype(np.int64) for one in (first, second)]
    if len(sizes) > EXACT_STRATA:
        return joint, *_normal(joint, sizes, *counted)
    distribution, least, expected = np.ones(1), 0, 0.0
    for n, a, b in zip(sizes.tolist(), counted[0].tolist(), counted[1].tolist(), strict=True):
        low, high = max(0, a + b - n), min(a, b)
        expected += a * b / n
        least += low
        if high > low:
            distribution = np.convolve(distribution, stats.hypergeom.pmf(np.arange(low, high + 1), n, a, b))
    if len(distribution) == 1:
        return joint, expected, math.nan
    at = joint - least
    tail = min(float(distribution[at:].sum()), float(distribution[: at + 1].sum()))
    return joint, expected, min(2 * tail, 1.0)


def _normal(joint: int, n: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[float, float]:
    """What chance gives over many strata, and the two-sided p of the joint number (Mantel & Haenszel 1959, *JNCI* 22).

    Continuity-corrected.

    Six hundred tea tastings in which chance alone was at work, 1,200 right where 1,200 are expected:

    >>> eight, four = np.full(600, 8), np.full(600, 4)
    >>> _normal(1200, eight, four, four), round(_normal(1250, eight, four, four)[1], 3)
    ((1200.0, 1.0), 0.008)
    """
    expected = float((a * b / n).sum())
    variance = float((a * b * (n - a) * (n - b) / (n.astype(np.float64) ** 2 * np.maximum(n - 1, 1))).sum())
    if variance == 0:
        return expected, math.nan
    apart = max(abs(joint - expected) - 0.5, 0.0)
    return expected, float(2 * stats.norm.sf(apart / math.sqrt(variance)))
