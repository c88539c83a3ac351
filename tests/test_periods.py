"""Periods: labels, order, and gaps that are missing rather than zero."""

from __future__ import annotations

import pytest

from sibnlp import periods
from sibnlp.errors import DataError
from sibnlp.types import Passage


def passage(stage: str | None = None, date: str | None = None) -> Passage:
    return Passage("p", "d", 0, 1, "x", stage=stage, date=date)


def test_stages_follow_the_given_order_then_their_dates_then_their_names() -> None:
    passages = [
        passage("later", "2018"),
        passage("R10"),
        passage("R2"),
        passage("first", "2011"),
        passage("zero", "2001"),
    ]
    labels, order = periods.assign(passages, "stage", ["zero"])
    assert labels == ["later", "R10", "R2", "first", "zero"]
    assert order == ["zero", "R2", "R10", "first", "later"]


@pytest.mark.parametrize(
    ("period", "order"),
    [
        ("year", ["2015", "2016", "2017"]),
        ("quarter", [f"2015-Q{q}" for q in (4,)] + [f"2016-Q{q}" for q in (1, 2, 3, 4)] + ["2017-Q1"]),
        ("month", ["2015-11", "2015-12", *[f"2016-{m:02d}" for m in range(1, 13)], "2017-01"]),
    ],
)
def test_calendar_periods_have_no_holes(period: str, order: list[str]) -> None:
    labels, found = periods.assign([passage(date="2017-01-03"), passage(date="2015-11"), passage(date=None)], period)
    assert found == order
    assert labels == [order[-1], order[0], None]


def test_a_year_alone_has_no_month() -> None:
    assert periods.assign([passage(date="2016"), passage(date="2016-02")], "month")[0] == [None, "2016-02"]


def test_without_a_choice_stages_come_first_then_years() -> None:
    assert periods.assign([passage("1", "2011"), passage(None, "2012")])[0] == ["1", None]
    assert periods.assign([passage(None, "2012")])[1] == ["2012"]


def test_without_a_choice_or_any_date_all_is_one_period() -> None:
    assert periods.assign([passage(), passage()]) == (["undated", "undated"], ["undated"])


@pytest.mark.parametrize("period", ["stage", "year", "month"])
def test_nothing_to_go_by_is_an_error_that_says_what_to_do(period: str) -> None:
    with pytest.raises(DataError, match=r"metadata\.csv"):
        periods.assign([passage()], period)
