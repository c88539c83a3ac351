"""Prevalence per domain × logic × period with intervals, and what may be said of its change."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.intervals import Contrast, Share, contrast, holm, share_of
from sibnlp.types import Prevalence, Shift

SHIFT, NO_CHANGE, CANNOT_TELL = "shift", "no change", "cannot tell"


def prevalence(counts: Counts, framework: Framework, level: float = 0.95) -> tuple[Prevalence, ...]:
    """Share of passages that carry each logic, for the whole and within each domain, in every period.

    Args:
        counts: predictions laid out by period and document.
        framework: whose logics and domains.
        level: of the intervals, which say how other documents of such a kind might have come out; the classifier's own
            errors are not in them.

    Returns:
        One entry a cell, the whole (domain None) first; NaN where a period has no passages, and NaN bounds where it has
        fewer than two documents.
    """
    cells = []
    for domain in (None, *framework.domains):
        for code in framework.logics:
            for period in counts.periods:
                totals = counts.totals(domain, code, period)
                share = share_of(totals.coded, totals.passages)
                low, high = share.interval(level) if share.n_passages else (math.nan, math.nan)
                given = counts.inside(domain, period) & counts.has(code) & counts.has(domain)
                cells.append(
                    Prevalence(
                        domain,
                        code,
                        period,
                        share.estimate,
                        low,
                        high,
                        share.n_passages,
                        share.n_documents,
                        totals.n_speakers,
                        int(given.sum()),
                        counts.quantifier.method,
                    )
                )
    return tuple(cells)


def shares(counts: Counts, framework: Framework) -> dict[tuple[str | None, str, str], Share]:
    """The share of every cell (domain, code, period) that has passages."""
    found = {}
    for domain in (None, *framework.domains):
        for code in framework.logics:
            for period in counts.periods:
                totals = counts.totals(domain, code, period)
                if totals.passages.sum():
                    found[domain, code, period] = share_of(totals.coded, totals.passages)
    return found


def shifts(counts: Counts, framework: Framework, level: float = 0.95, margin: float = 2.0) -> tuple[Shift, ...]:
    """Change of every cell from the first to the last period in which it has passages.

    Args:
        counts, framework: as for `prevalence`.
        level: a *shift* is a change that holds at this level after Holm's correction over all cells of the framework.
        margin: *no change* is a 90 % interval of the odds ratio inside (1/margin, margin); everything else is *cannot
            tell*. Absence of evidence is not evidence of absence.

    Returns:
        One entry a domain × code with passages in two periods; none with a single period.
    """
    cells = shares(counts, framework)
    rows: list[tuple[str | None, str, str, str, Contrast]] = []
    for domain in (None, *framework.domains):
        for code in framework.logics:
            held = [period for period in counts.periods if (domain, code, period) in cells]
            if len(held) >= 2:
                change = contrast(cells[domain, code, held[0]], cells[domain, code, held[-1]], level)
                rows.append((domain, code, held[0], held[-1], change))
    adjusted = holm([change.p for *_, change in rows])
    return tuple(
        Shift(domain, code, start, end, c.change, c.low, c.high, _outcome(c, p, level, margin))
        for (domain, code, start, end, c), p in zip(rows, adjusted, strict=True)
    )


def moves(counts: Counts, framework: Framework, level: float = 0.95) -> dict[tuple[str | None, str, str], int]:
    """Whether each cell moved against the period before: 1 up, -1 down, 0 not established.

    Uncorrected for the number of cells: it serves to tell relations apart, not to claim a shift.
    """
    cells = shares(counts, framework)
    found = {}
    for domain, code, period in cells:
        before = _before(counts.periods, period, [p for d, c, p in cells if (d, c) == (domain, code)])
        change = contrast(cells[domain, code, before], cells[domain, code, period], level) if before else None
        moved = change is not None and change.p < 1 - level
        found[domain, code, period] = (1 if change.change > 0 else -1) if change and moved else 0
    return found


def _before(periods: Sequence[str], period: str, held: Sequence[str]) -> str | None:
    earlier = [p for p in periods[: list(periods).index(period)] if p in held]
    return earlier[-1] if earlier else None


def _outcome(change: Contrast, p: float, level: float, margin: float) -> str:
    if p < 1 - level:
        return SHIFT
    bound = math.log(margin)
    if change.log_odds_low > -bound and change.log_odds_high < bound:
        return NO_CHANGE
    return CANNOT_TELL
