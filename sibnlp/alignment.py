"""How each actor stands to the logics over time. To speak of a logic is not to hold it: who resists it does not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.estimates import Estimates
from sibnlp.tally import DOMINANT_SHARE, PRESENT_PASSAGES
from sibnlp.types import Alignment

ENDORSES, RESISTS, REPORTS = "endorses", "resists", "reports"
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
    stances = {logic: stance_rows(counts, framework, logic) for logic in framework.logics}
    weights = {logic: estimates.weights(None, logic) for logic in framework.logics}
    found = []
    place = {int(row): i for i, row in enumerate(counts.rows)}
    outcomes = {logic: estimates.fit(None, logic).adjusted.outcomes for logic in framework.logics}
    for name, number in sorted(counts.clusters.items()):
        if name.startswith("\0"):
            continue
        for i, period in enumerate(counts.periods):
            rows = np.flatnonzero((counts.cluster == number) & (counts.period == i))
            if not len(rows):
                continue
            mine = np.array([place[int(row)] for row in rows])
            carries = {logic: counts.has(logic)[rows] for logic in framework.logics}
            held = {
                logic: carries[logic] & ~stances[logic][RESISTS][rows] & ~stances[logic][REPORTS][rows]
                for logic in framework.logics
            }
            found.append(
                Alignment(
                    name,
                    next((passages[row].role for row in rows.tolist() if passages[row].role), None) or "",
                    period,
                    len(rows),
                    int(counts.words[rows].sum()),
                    {logic: int(one.sum()) for logic, one in carries.items()},
                    {logic: int(stances[logic][RESISTS][rows].sum()) for logic in framework.logics},
                    {logic: int(stances[logic][REPORTS][rows].sum()) for logic in framework.logics},
                    {logic: _mean(one[mine], weights[logic][mine]) for logic, one in outcomes.items()},
                    _leads(held),
                )
            )
    return tuple(found)


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
    for stance in (RESISTS, REPORTS):
        rows = counts.has(logic) & counts.has(stance) & ~counts.has(ENDORSES) & ~others
        if predictions.stances:
            told = np.array([logic in one for one in predictions.stances], dtype=np.bool_)
            said = np.array([one.get(logic) == stance for one in predictions.stances], dtype=np.bool_)
            rows = np.where(told, said & counts.has(logic), rows)
        found[stance] = rows
    return found


def _mean(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Weighted mean (a ratio of sums; Cochran 1977, § 6.2); NaN where nothing has a weight.

    >>> _mean(np.array([1.0, 0.0]), np.array([1.0, 3.0])), _mean(np.ones(1), np.zeros(1))
    (0.25, nan)
    """
    total = float(weight.sum())
    return float((values * weight).sum() / total) if total > 0 else float("nan")


def _leads(held: Mapping[str, Row]) -> str | None:
    either = np.zeros(len(next(iter(held.values()))), dtype=np.bool_)
    for one in held.values():
        either |= one
    n = int(either.sum())
    if n < PRESENT_PASSAGES:
        return None
    for logic, one in held.items():
        alone = one.copy()
        for other, rows in held.items():
            alone &= ~rows if other != logic else True
        if alone.sum() >= DOMINANT_SHARE * n:
            return logic
    return None
