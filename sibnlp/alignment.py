"""How each actor stands to the logics over time. To speak of a logic is not to hold it: who resists it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.columns import labels
from sibnlp.estimates import Estimates
from sibnlp.tally import DOMINANT_SHARE, PRESENT_PASSAGES
from sibnlp.types import Alignment, Passage

ENDORSES, RESISTS, REPORTS = "endorses", "resists", "reports"
STANCES = (RESISTS, REPORTS)
Row = NDArray[np.bool_]


def alignment(estimates: Estimates, framework: Framework) -> tuple[Alignment, ...]:
    """Every actor in every period they are heard in; documents without an actor have none.

    Args:
        estimates: of predictions laid out by period and actor.
        framework: whose logics.

    Returns:
        Actors in order of name, each over time. ``leads`` names the logic that has 60 % of the passages in which they
        hold either (of at least five): those they resist count for neither, those that only report it neither.
    """
    counts = estimates.counts
    passages = counts.predictions.passages
    logics = framework.logics
    n_periods, size = len(counts.periods), len(counts.clusters) * len(counts.periods)
    rows = counts.rows
    place = counts.cluster[rows] * n_periods + counts.period[rows]

    def sums(values: NDArray[np.bool_] | NDArray[np.float64] | None = None) -> list[float]:
        found: list[float] = np.bincount(place, weights=values, minlength=size).tolist()
        return found

    stances = {logic: stance_rows(counts, framework, logic) for logic in logics}
    apart = {logic: stances[logic][RESISTS] | stances[logic][REPORTS] for logic in logics}
    held = {logic: (counts.has(logic) & ~apart[logic])[rows] for logic in logics}
    either = np.any(list(held.values()), axis=0)
    alone = {logic: sums(one & ~np.any([held[o] for o in logics if o != logic], axis=0)) if len(logics) > 1
             else sums(one) for logic, one in held.items()}  # fmt: skip
    weights = {logic: estimates.weights(None, logic) for logic in logics}
    n, n_either, words = sums(), sums(either), sums(counts.words[rows].astype(np.float64))
    carries = {logic: sums(counts.has(logic)[rows]) for logic in logics}
    by_stance = {stance: {logic: sums(stances[logic][stance][rows]) for logic in logics} for stance in STANCES}
    total = {logic: sums(weight) for logic, weight in weights.items()}
    shares = {logic: sums(weights[logic] * estimates.fit(None, logic).adjusted.outcomes) for logic in logics}
    roles = _roles(passages, rows, place)
    found = []
    for name, number in sorted(counts.clusters.items()):
        if name.startswith("\0"):
            continue
        for i, period in enumerate(counts.periods):
            cell = number * n_periods + i
            if not n[cell]:
                continue
            found.append(
                Alignment(
                    name,
                    roles.get(cell, ""),
                    period,
                    int(n[cell]),
                    int(words[cell]),
                    {logic: int(one[cell]) for logic, one in carries.items()},
                    {logic: int(one[cell]) for logic, one in by_stance[RESISTS].items()},
                    {logic: int(one[cell]) for logic, one in by_stance[REPORTS].items()},
                    {logic: _mean(one[cell], total[logic][cell]) for logic, one in shares.items()},
                    _leads({logic: one[cell] for logic, one in alone.items()}, n_either[cell]),
                )
            )
    return tuple(found)


def _roles(passages: Sequence[Passage], rows: NDArray[np.int64], place: NDArray[np.int64]) -> dict[int, str]:
    """The first role that passages of a place have, where any has one."""
    role = labels(passages, lambda passage: passage.role or "", "role")[rows]
    named = np.flatnonzero(role != "")
    places, first = np.unique(place[named], return_index=True)
    return dict(zip(places.tolist(), role[named[first]].tolist(), strict=True))


def stance_rows(counts: Counts, framework: Framework, logic: str) -> Mapping[str, Row]:
    """Passages that resist or only report a logic: [n] each.

    Codings say so per logic. A classifier gives stances to the passage as a whole: they are the logic's where the
    passage carries no other and is not given to endorse it too.
    """
    predictions = counts.predictions
    others = np.zeros(len(predictions), dtype=np.bool_)
    for other in framework.logics:
        others |= counts.has(other) if other != logic else False
    found = {}
    for stance in STANCES:
        rows = counts.has(logic) & counts.has(stance) & ~counts.has(ENDORSES) & ~others
        if predictions.stances:
            told = np.array([logic in one for one in predictions.stances], dtype=np.bool_)
            said = np.array([one.get(logic) == stance for one in predictions.stances], dtype=np.bool_)
            rows = np.where(told, said & counts.has(logic), rows)
        found[stance] = rows
    return found


def _mean(top: float, bottom: float) -> float:
    """Weighted mean (a ratio of sums; Cochran 1977, § 6.2); NaN where nothing has a weight.

    >>> _mean(1.0, 4.0), _mean(0.0, 0.0)
    (0.25, nan)
    """
    return top / bottom if bottom > 0 else math.nan


def _leads(alone: Mapping[str, float], either: float) -> str | None:
    if either < PRESENT_PASSAGES:
        return None
    return next((logic for logic, n in alone.items() if n >= DOMINANT_SHARE * either), None)
