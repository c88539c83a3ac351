"""Periods: which one a passage belongs to, and in which order they come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from sibnlp.columns import grouped
from sibnlp.errors import DataError
from sibnlp.types import Passage

STAGE, YEAR, QUARTER, MONTH = "stage", "year", "quarter", "month"
# Found by change points.
AUTO = "auto"
CALENDAR = (YEAR, QUARTER, MONTH)
# The one period of passages of which nobody knows when they were said.
UNDATED = "undated"


def _of_date(date: str | None, period: str) -> str | None:
    if not date:
        return None
    year, month = date[:4], date[5:7]
    if period == YEAR:
        return year
    if not month:
        return None
    return f"{year}-Q{(int(month) + 2) // 3}" if period == QUARTER else f"{year}-{month}"


def resolve(passages: Sequence[Passage], period: str = "") -> str:
    """The kind of period meant: as asked for, else stages where any passage has one, else years, else `UNDATED`."""
    if period:
        return period
    different = [passages[row] for row in grouped(passages, "stage", "date")[1].tolist()]
    if any(passage.stage for passage in different):
        return STAGE
    return YEAR if any(passage.date for passage in different) else UNDATED


def assign(
    passages: Sequence[Passage], period: str = "", order: Iterable[str] = ()
) -> tuple[list[str | None], list[str]]:
    """The period of every passage, and all periods in order of time.

    Args:
        passages: n passages.
        period: ``stage``, ``year``, ``quarter``, ``month``, `UNDATED` (one period for all), or empty (see `resolve`).
        order: stage labels in their order, where the user gave one; otherwise stages are ordered by their earliest date
            and then by name, numbers by value.

    Returns:
        n labels (None where a passage has no stage or date) and the periods. Calendar periods between the first and the
        last are all there, also those without passages: missing, not zero.

    Raises:
        DataError: a period was asked for and no passage has what it needs.
    """
    period = resolve(passages, period)
    if period == UNDATED:
        return [UNDATED] * len(passages), [UNDATED]
    of: Callable[[Passage], str | None]
    of = (lambda passage: passage.stage) if period == STAGE else (lambda passage: _of_date(passage.date, period))
    number, first = grouped(passages, "stage", "date")
    different = [passages[row] for row in first.tolist()]
    names = [of(passage) or None for passage in different]
    labels = [names[i] for i in number.tolist()]
    found = {name for name in names if name}
    if not found:
        lacking = "stage" if period == STAGE else "date that names a " + period
        raise DataError(f"no passage has a {lacking}", "give stages or dates in metadata.csv or the file names")
    if period == STAGE:
        earliest: dict[str, str] = {}
        for passage in different:
            if passage.stage and passage.date:
                earliest[passage.stage] = min(passage.date, earliest.get(passage.stage, passage.date))
        given = [label for label in order if label in found]
        rest = sorted(found - set(given), key=lambda label: (earliest.get(label, ""), _natural(label)))
        return labels, given + rest
    return labels, _fill(sorted(found), period)


def _fill(found: list[str], period: str) -> list[str]:
    per_year = {YEAR: 1, QUARTER: 4, MONTH: 12}[period]

    def number(label: str) -> int:
        part = label[5:].lstrip("Q") or "1"
        return int(label[:4]) * per_year + int(part) - 1

    def label(value: int) -> str:
        year, part = divmod(value, per_year)
        return {YEAR: f"{year:04d}", QUARTER: f"{year:04d}-Q{part + 1}", MONTH: f"{year:04d}-{part + 1:02d}"}[period]

    return [label(value) for value in range(number(found[0]), number(found[-1]) + 1)]


def _natural(label: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", label)]


def is_partial(dates: Iterable[str | None], periods: Sequence[str]) -> bool:
    """Whether the last calendar period had not ended when the last passage was dated.

    A year counts as ended with a passage of its last quarter, a quarter with one of its last month, a month with one
    of its last ten days; a date too coarse to tell counts as ended. Stages are whole by their meaning.

    >>> is_partial(["2018-03", "2019-11", "2020-02"], ["2018", "2019", "2020"]), is_partial(["2020"], ["2020"])
    (True, False)
    """
    last = periods[-1] if periods else ""
    kind = {4: YEAR, 7: QUARTER if "Q" in last else MONTH}.get(len(last))
    if kind is None or not re.fullmatch(r"\d{4}(-Q[1-4]|-\d{2})?", last):
        return False
    known = [date for date in dates if date and _of_date(date, kind) == last]
    if any(len(date) < (10 if kind == MONTH else 7) for date in known):
        return False
    latest = max(known, default="")
    if not latest:
        return False
    if kind == YEAR:
        return int(latest[5:7]) < 10
    return int(latest[5:7]) % 3 != 0 if kind == QUARTER else int(latest[8:10]) < 21
