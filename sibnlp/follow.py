"""From predictions of one scope to the trajectory of one framework: the parts joined, and what a reader must know."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sibnlp import columns, gold_notes, instrument, periods
from sibnlp.aggregate import Counts
from sibnlp.alignment import alignment
from sibnlp.breaks import LEAST_PERIODS, change_points
from sibnlp.codebook import Framework
from sibnlp.decompose import decompose
from sibnlp.errors import DataError
from sibnlp.estimates import BEST, Estimates
from sibnlp.gold import Codings
from sibnlp.poles import poles
from sibnlp.project import Drift, Stage
from sibnlp.quantifiers import CORRECTED, TRANSPORTED
from sibnlp.relations import relations
from sibnlp.trajectory import DRAWN, GROUPS, MOST_GROUPS, grouped, moves, prevalence, shifts
from sibnlp.types import Passage, Predictions, Prevalence, Source, Trajectory

# Pairs of names that are told one by one.
MOST_ALIKE = 20


class Ground:
    """What all frameworks over one scope of passages have in common: periods, counts, estimates, the instrument.

    Args:
        predictions: of the scope.
        settings: of the drift.
        stages: names and order of stages.
        codings: by people, matched with the predictions.
        known: float64 [n, k], codings that stand for passages of documents the model was trained on.
        sources: what became of the input files, for signs that the instrument changed.

    Raises:
        DataError: no passage has a stage or a date.
    """

    def __init__(
        self,
        predictions: Predictions,
        settings: Drift,
        stages: Sequence[Stage] = (),
        codings: Codings | None = None,
        known: NDArray[np.float64] | None = None,
        sources: Sequence[Source] = (),
    ) -> None:
        self.predictions, self.settings, self.codings = predictions, settings, codings
        passages = predictions.passages
        labels, self.periods = periods.assign(passages, settings.period, (stage.id for stage in stages))
        self.kind = periods.resolve(passages, settings.period)
        self.n_left_out = sum(label is None for label in labels)
        dates = set(columns.labels(passages, lambda passage: passage.date, "date").tolist())
        partial = self.kind in periods.CALENDAR and periods.is_partial(dates, self.periods)
        self.counts = Counts(predictions, labels, self.periods, settings.denominator, settings.weight, known, partial)
        self.estimates = Estimates(self.counts, codings, settings.quantifier or BEST)
        self.warnings = instrument.warnings(passages, labels, self.periods, sources)
        self.alike = _alike_notes(alike_names(columns.taken(passages, self.counts.rows)))


def follow(
    predictions: Predictions,
    frame: Framework,
    settings: Drift,
    stages: Sequence[Stage] = (),
    scope: str = "all",
    codings: Codings | None = None,
    known: NDArray[np.float64] | None = None,
    sources: Sequence[Source] = (),
    exploratory: bool = False,
) -> Trajectory:
    """Trajectory of one framework over one scope of passages: `follow_on` a `Ground` of its own."""
    return follow_on(Ground(predictions, settings, stages, codings, known, sources), frame, scope, exploratory)


def follow_on(ground: Ground, frame: Framework, scope: str = "all", exploratory: bool = False) -> Trajectory:
    """Trajectory of one framework.

    Args:
        ground: what it is followed on.
        frame: logics and domains to follow.
        scope: which passages these are.
        exploratory: whether the periods were chosen by looking at the same data.

    Raises:
        DataError: the predictions know none of the framework's logics.
    """
    predictions, settings, counts, estimates = ground.predictions, ground.settings, ground.counts, ground.estimates
    known_logics = [logic for logic in frame.logics if logic in predictions.codes]
    if not known_logics:
        raise DataError(
            f"the predictions hold no code of {frame.codebook.id!r} ({', '.join(frame.logics)})",
            f"they hold: {', '.join(predictions.codes)}; choose another --codebook",
        )
    notes = []
    if ground.n_left_out:
        notes.append(f"{ground.n_left_out} of {len(predictions)} passages have no period and are left out.")
    if ground.codings:
        coded = zip(ground.codings.codings, ground.codings.rows.tolist(), strict=True)
        lost = [one.passage for one, row in coded if row >= 0 and counts.period[row] < 0]
        notes += gold_notes.without_period(lost)
    absent = [code for code in (*frame.logics, *frame.domains) if code not in predictions.codes]
    if absent:
        notes.append(f"The model does not know {', '.join(absent)}: nothing is shown for them.")
    frame = replace(
        frame,
        logics=tuple(known_logics),
        domains=tuple(domain for domain in frame.domains if domain in predictions.codes),
    )
    cells = prevalence(estimates, frame, settings.level)
    changed = shifts(estimates, frame, settings.level, settings.margin, exploratory=exploratory)
    notes += _notes(counts, frame, cells, ground.alike)
    if any(DRAWN in shift.method for shift in changed):
        notes.append(
            "Corrected changes that do not stand out from their own error are drawn towards the counted change; their "
            "intervals, the levels and the decomposition are not."
        )
    notes += _abstentions(predictions, frame)
    groups = grouped(estimates, frame, settings.level)
    for group in GROUPS:
        if len({c.group for c in groups if c.kind == group}) == MOST_GROUPS:
            notes.append(f"Of each {group} only the {MOST_GROUPS} with the most passages have figures of their own.")
    return Trajectory(
        framework=frame.codebook.id,
        periods=tuple(ground.periods),
        prevalence=cells,
        relations=relations(counts, frame, moves(estimates, frame, settings.level), ground.codings),
        shifts=changed,
        scope=scope,
        denominator=settings.denominator,
        notes=tuple(notes),
        level=settings.level,
        period=ground.kind,
        weight=settings.weight,
        groups=groups,
        poles=poles(counts, frame),
        decomposition=decompose(estimates, frame, settings.level),
        alignment=alignment(estimates, frame),
        change_points=change_points(estimates, frame) if ground.kind in periods.CALENDAR else (),
        warnings=ground.warnings,
    )


def _abstentions(predictions: Predictions, frame: Framework) -> list[str]:
    """What a reader of the shares must know where a model did not decide."""
    if predictions.abstained is None:
        return []
    columns = [predictions.column(logic) for logic in frame.logics]
    n = int(predictions.abstained[:, columns].any(axis=1).sum())
    if not n:
        return []
    return [
        f"Of {len(predictions)} passages, {n} are too uncertain and were left out of the shares of the logics: these "
        "are shares of what the model was sure of, and passages that carry a code are seldom the sure ones."
    ]


def brackets(
    predictions: Predictions,
    frames: Sequence[Framework],
    settings: Drift,
    scope: tuple[str, Predictions, NDArray[np.int64]],
    codings: Codings | None = None,
) -> tuple[Predictions, str]:
    """Cut time where the trajectories of the logics break (temporal bracketing; Langley 1999, *AMR* 24).

    The finest calendar that has ten periods is searched, months first; each change point of a logic on all talk opens a
    bracket. What is compared afterwards was chosen by looking at the same data: contrasts are exploratory.

    Args:
        predictions: of all scopes, which are bracketed alike.
        frames: whose logics are searched.
        settings: of the drift.
        scope: name, passages and their rows of the main scope, which alone is searched.
        codings: by people, matched with all predictions.

    Returns:
        The predictions with brackets for stages, and what was done, in words.

    Raises:
        DataError: no passage has a date.
    """
    for kind in reversed(periods.CALENDAR):
        try:
            labels, order = periods.assign(predictions.passages, kind)
        except DataError:
            continue
        inside = [labels[row] for row in scope[2].tolist()]
        n_held = len(set(inside) - {None})
        if n_held >= LEAST_PERIODS:
            break
    else:
        raise DataError(f"dates do not make {LEAST_PERIODS} periods to look for brackets in", "choose --period year")
    mine = codings.within(scope[2]) if codings else None
    estimates = Estimates(Counts(scope[1], inside, order), mine, settings.quantifier or BEST)
    starts = {order[0]}
    for frame in frames:
        logics = tuple(logic for logic in frame.logics if logic in predictions.codes)
        whole = replace(frame, logics=logics, domains=())
        starts |= {point.period for point in change_points(estimates, whole)}
    opened = sorted(order.index(start) for start in starts)
    ends = [*(i - 1 for i in opened[1:]), len(order) - 1]
    names = [f"{order[a]} to {order[b]}" if a != b else order[a] for a, b in zip(opened, ends, strict=True)]
    place = {period: names[int(np.searchsorted(opened, i, side="right")) - 1] for i, period in enumerate(order)}
    different: list[str | None] = [None, *names]
    number = {label: different.index(name) for label, name in place.items()}
    passages = columns.restaged(
        predictions.passages,
        np.array([number[label] if label else 0 for label in labels], dtype=np.int64),
        different,
    )
    said = f"Periods were found by change points over {n_held} {kind}s: contrasts between them are exploratory."
    if len(names) == 1:
        said = f"No change point was found over {n_held} {kind}s: all time is one bracket."
    return replace(predictions, passages=passages), said


def _notes(counts: Counts, frame: Framework, cells: Sequence[Prevalence], alike: Sequence[str]) -> list[str]:
    """What a reader of the figures must know of them."""
    notes = []
    whole = [cell for cell in cells if cell.domain is None]
    empty = [p for p in counts.periods if not counts.inside(None, p).any()]
    if empty:
        notes.append(f"No passages in {', '.join(empty)}: missing, not zero.")
    lone = [p for p in counts.periods if any(c.period == p and c.n_documents == 1 for c in whole)]
    if lone:
        notes.append(f"Only one document in {', '.join(lone)}: no interval can be given there.")
    single = [
        p for i, p in enumerate(counts.periods)
        if p not in (*lone, *empty) and len(np.unique(counts.cluster[counts.period == i])) == 1
    ]  # fmt: skip
    if single:
        notes.append(f"Only one actor in {', '.join(single)}: no interval can be given there.")
    if list(counts.periods) == [periods.UNDATED]:
        notes.append(
            "No passage has a stage or a date: give them in metadata.csv, in the file names or in project.toml."
        )
    if len(counts.periods) - len(empty) < 2:
        notes.append("Only one period has passages: there is no change to speak of.")
    elif not _shared(counts):
        notes.append("No actor is heard in two periods: a change of mind cannot be told from a change of interviewees.")
    if counts.partial:
        notes.append(f"{counts.periods[-1]} had not ended when the last passage was dated: it is part of a period.")
    never = [code for code in frame.logics if not counts.has(code)[counts.rows].any()]
    if never:
        notes.append(f"No passage carries {', '.join(never)}: its figures are zero as far as anybody can tell.")
    notes += alike
    for (corrected, reason), where in _refusals(whole).items():
        # Counted for want of a correction, or corrected by less than the best that was asked for.
        notes.append(f"Not {'better ' * corrected}corrected ({', '.join(where)}): {reason}.")
    return notes


def _alike_notes(alike: Sequence[tuple[str, ...]]) -> list[str]:
    notes = [
        f"May be one actor under two names: {' and '.join(names)}; tell by metadata who is who."
        for names in alike[:MOST_ALIKE]
    ]
    if len(alike) > MOST_ALIKE:
        notes.append(f"{len(alike) - MOST_ALIKE} more pairs of names may be one actor's each.")
    return notes


def _refusals(cells: Sequence[Prevalence]) -> dict[tuple[bool, str], list[str]]:
    """Codes by whether they are corrected all the same, and why a better rung was refused."""
    found: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for cell in cells:
        for reason in cell.refused:
            where = found[cell.rung in (CORRECTED, TRANSPORTED), reason]
            if cell.code not in where:
                where.append(cell.code)
    return found


def _shared(counts: Counts) -> bool:
    """Whether any actor is heard in two periods."""
    pairs = np.unique(np.stack([counts.cluster[counts.rows], counts.period[counts.rows]], axis=1), axis=0)
    return len(np.unique(pairs[:, 0])) < len(pairs)


def alike_names(passages: Sequence[Passage]) -> list[tuple[str, ...]]:
    """Actors whose names differ only in case, order, punctuation, a title or an initial, or a missing first name."""
    fields = ("actor", "speaker")
    different = list(columns.outlines(passages, columns.grouped(passages, *fields)[1].tolist(), fields))
    names = sorted({name for passage in different if (name := passage.actor or passage.speaker)})
    parts = {name: _words(name) for name in names}
    # Only names that share what `_alike` asks for are held against each other: the same words; a last word and how the
    # first begins; or one word that is another's first or last.
    sharing: dict[object, list[int]] = defaultdict(list)
    single: list[int] = []
    ends: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        words = parts[name]
        if not words or any(word.isdigit() for word in words):
            continue  # numbered labels differ by their numbers
        for key in {tuple(sorted(words)), (words[-1], words[0][0], "last")}:
            sharing[key].append(i)
        if len(words) == 1:
            single.append(i)
        for word in {words[0], words[-1]}:
            ends[word].append(i)
    pairs = {(i, j) for together in sharing.values() for i, j in combinations(together, 2)}
    pairs |= {(min(i, j), max(i, j)) for i in single for j in ends[parts[names[i]][0]] if i != j}
    return [(names[i], names[j]) for i, j in sorted(pairs) if _alike(parts[names[i]], parts[names[j]])]


_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "cllr"})


def _words(name: str) -> tuple[str, ...]:
    return tuple(word for word in re.findall(r"\w+", name.casefold()) if word not in _TITLES)


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other or any(word.isdigit() for word in (*one, *other)):
        return False  # numbered labels differ by their numbers
    short, long_ = sorted((one, other), key=len)
    if sorted(short) == sorted(long_):
        return True
    if len(short) < 2:
        return len(long_) > 1 and len(short[0]) > 2 and short[0] in (long_[0], long_[-1])
    # "A. Berg" and "Anna Berg": the same last name, and the first names begin alike.
    initial = len(short[0]) == 1 or len(long_[0]) == 1
    return short[-1] == long_[-1] and (short[0] == long_[0] or (initial and short[0][0] == long_[0][0]))
