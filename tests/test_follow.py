"""What a reader must know stands in the notes, and the rest still comes out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sibnlp.codebook import framework, load
from sibnlp.errors import DataError
from sibnlp.follow import alike_names, follow
from sibnlp.project import Drift
from sibnlp.types import Passage, Predictions, Trajectory
from tests.synthetic import panel, predictions

FRAME = framework(load("osborne"))
NAMES = ["Ann", "Bob", "Cem", "Dee", "Eve"]


def rows(stage: str, voices: list[str], n: int = 10, codes: tuple[str, ...] = ("NPM",)) -> list[dict[str, object]]:
    return [
        {"stage": stage, "document": f"{stage}-{who}", "speaker": who, "codes": list(codes) if i % 2 else []}
        for who in voices
        for i in range(n)
    ]


def said(trajectory: Trajectory) -> str:
    return " ".join(trajectory.notes)


def npm(trajectory: Trajectory, period: str):
    return next(c for c in trajectory.prevalence if (c.domain, c.code, c.period) == (None, "NPM", period))


def test_one_period_only() -> None:
    found = follow(predictions(rows("1", NAMES)), FRAME, Drift())
    assert "Only one period has passages" in said(found)
    assert npm(found, "1").estimate == pytest.approx(0.5)
    assert (found.shifts, found.decomposition, found.poles) == ((), (), ())


def test_a_code_that_is_never_there() -> None:
    found = follow(predictions(rows("1", NAMES) + rows("2", NAMES)), FRAME, Drift())
    assert "No passage carries NPG" in said(found)
    never = next(c for c in found.prevalence if (c.domain, c.code, c.period) == (None, "NPG", "1"))
    assert never.estimate == never.low == 0
    assert 0 < never.high < 0.5
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPG")
    assert shift.outcome == "cannot tell"


def test_a_period_with_one_document() -> None:
    found = follow(predictions(rows("1", NAMES) + rows("2", NAMES[:1])), FRAME, Drift())
    assert "Only one document in 2: no interval" in said(found)
    assert math.isnan(npm(found, "2").low)
    assert npm(found, "2").estimate == pytest.approx(0.5)
    assert npm(found, "2").small
    assert {s.outcome for s in found.shifts} == {"cannot tell"}


def test_several_documents_of_one_actor_are_one_actor() -> None:
    second = [{**row, "document": f"2-{i % 3}"} for i, row in enumerate(rows("2", ["Ann"]))]
    found = follow(predictions(rows("1", NAMES) + second), FRAME, Drift())
    assert "Only one actor in 2: no interval" in said(found)
    assert math.isnan(npm(found, "2").low)


def test_no_dates_and_no_stages() -> None:
    coded = predictions([{**row, "stage": None} for row in rows("1", NAMES)])
    found = follow(coded, FRAME, Drift())
    assert found.periods == ("undated",)
    assert "No passage has a stage or a date" in said(found)
    with pytest.raises(DataError, match="no passage has a date that names a year"):
        follow(coded, FRAME, Drift(period="year"))


def test_some_passages_without_a_period_are_counted_and_left_out() -> None:
    coded = predictions(rows("1", NAMES) + rows("2", NAMES) + [{"stage": None, "codes": ["NPM"]}])
    found = follow(coded, FRAME, Drift(period="stage"))
    assert "1 of 101 passages have no period" in said(found)
    assert npm(found, "1").n_passages == 50


def test_an_actor_under_two_names() -> None:
    found = follow(predictions(rows("1", ["Anna Berg", "Bob"]) + rows("2", ["A. Berg", "Bob"])), FRAME, Drift())
    assert "May be one actor under two names: A. Berg and Anna Berg" in said(found)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Anna Berg", "anna berg", True),
        ("Berg, Anna", "Anna Berg", True),
        ("Dr Anna Berg", "Anna Berg", True),
        ("A. Berg", "Anna Berg", True),
        ("Berg", "Anna Berg", True),
        ("Anna Berg", "Bert Berg", False),
        ("Provider 1", "Provider 2", False),
        ("Anna", "Bob", False),
    ],
)
def test_names_that_look_alike(one: str, other: str, alike: bool) -> None:
    passages = [Passage(name, "d", 0, 1, "x", name, name) for name in (one, other)]
    assert bool(alike_names(passages)) is alike


def test_no_actor_in_two_periods() -> None:
    found = follow(predictions(rows("1", NAMES[:2]) + rows("2", NAMES[2:])), FRAME, Drift())
    assert "No actor is heard in two periods" in said(found)
    assert all("all of the change is a change of who was asked" in d.reading for d in found.decomposition)
    assert not math.isnan(npm(found, "2").low)


def test_documents_without_actors_cluster_alone() -> None:
    given = np.ones((6, 1), dtype=np.bool_)
    passages = tuple(Passage(f"p{i}", f"d{i // 2}", 0, 4, "some words", stage="1") for i in range(6))
    found = follow(Predictions(passages, ("NPM",), given.astype(np.float32), given, "people"), FRAME, Drift())
    assert npm(found, "1").n_documents == 3
    assert not math.isnan(npm(found, "1").low)
    assert found.alignment == ()


def test_groups_have_their_own_figures() -> None:
    parts = [{**row, "role": "investor" if row["speaker"] == "Ann" else "provider"} for row in rows("1", NAMES)]
    found = follow(predictions(parts), FRAME, Drift())
    kinds = {(c.kind, c.group) for c in found.groups}
    assert ("role", "provider") in kinds
    provider = next(c for c in found.groups if (c.kind, c.group, c.domain, c.code) == ("role", "provider", None, "NPM"))
    assert (provider.n_passages, provider.n_documents, provider.n_speakers) == (40, 4, 4)


def test_sectors_come_from_the_user_s_own_column() -> None:
    coded = predictions([{**row, "extra": (("sector", "charity"),)} for row in rows("1", NAMES)])
    assert {c.group for c in follow(coded, FRAME, Drift()).groups if c.kind == "sector"} == {"charity"}


def test_shifts_say_what_they_rest_on() -> None:
    found = follow(panel({"1": 0.1, "2": 0.5}), FRAME, Drift())
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPM")
    assert shift.shift
    assert shift.agree == shift.variants == 4
    assert shift.undone_by > 0.3
    assert shift.p <= shift.p_adjusted < 0.05
    assert shift.smallest_margin > 2
    assert shift.corpus_low == shift.corpus_high == pytest.approx(shift.change)


def test_an_unfinished_last_year_is_flagged() -> None:
    dated = [
        {"date": date, "document": f"{date}-{who}", "speaker": who, "codes": ["NPM"]}
        for date in ("2019-11-02", "2020-02-03")
        for who in NAMES
    ]
    found = follow(predictions(dated), FRAME, Drift(period="year"))
    assert "2020 had not ended" in said(found)
    assert [npm(found, p).partial for p in ("2019", "2020")] == [False, True]
