"""Waves, actors, roles and dates, wherever a tool keeps them."""

from __future__ import annotations

import pytest

from sibnlp.errors import TableError
from sibnlp.exchange import Case, Coding, Group, Options, Project, ProjectDocument, Selection, Value, Variable
from sibnlp.exchange.attributes import attributes

ONE, TWO = (
    ProjectDocument("1", "2015-03_anna_interview.docx", "x"),
    ProjectDocument("2", "2019_ben_interview.docx", "y"),
)


def found(project: Project, **options: str) -> dict[str, dict[str, str]]:
    return attributes(project, Options(**options))[0]


def test_nvivo_keeps_them_in_cases_with_variables() -> None:
    project = Project(
        "p",
        documents=(ONE, TWO),
        variables=(
            Variable("w", "Interview Round", "Integer"),
            Variable("r", "Role"),
            Variable("d", "Interview date", "Date"),
        ),
        cases=(
            Case(
                "a",
                "Anna",
                values=(Value("w", "1"), Value("r", "provider"), Value("d", "2015-03-02")),
                documents=("1",),
            ),
            Case(
                "b",
                "Ben",
                values=(Value("w", "2"), Value("r", "funder"), Value("d", "2019-11-30T10:00:00")),
                documents=("2",),
            ),
        ),
    )
    assert found(project) == {
        "1": {"stage": "1", "date": "2015-03-02", "actor": "Anna", "role": "provider"},
        "2": {"stage": "2", "date": "2019-11-30", "actor": "Ben", "role": "funder"},
    }


def test_maxqda_keeps_waves_in_sets() -> None:
    groups = (
        Group("g", "ICLS 2024", documents=("1",)),
        Group("h", "ICLS 2025", documents=("2",)),
        Group("i", "long ones", documents=("1",)),
    )
    assert found(Project("p", documents=(ONE, TWO), groups=groups)) == {
        "1": {"stage": "ICLS 2024"},
        "2": {"stage": "ICLS 2025"},
    }


def test_atlas_ti_keeps_them_in_names_of_groups() -> None:
    groups = (
        Group("g", "wave: 1", documents=("1",)),
        Group("h", "wave: 2", documents=("2",)),
        Group("i", "role: funder", documents=("2",)),
    )
    assert found(Project("p", documents=(ONE, TWO), groups=groups)) == {
        "1": {"stage": "1"},
        "2": {"stage": "2", "role": "funder"},
    }


def test_qualcoder_keeps_them_at_the_source_which_wins() -> None:
    document = ProjectDocument("1", "a", "x", values=(Value("w", "2"),))
    project = Project(
        "p",
        documents=(document,),
        variables=(Variable("w", "wave"),),
        cases=(Case("c", "A", values=(Value("w", "9"),), documents=("1",)),),
    )
    assert found(project)["1"] == {"stage": "2", "actor": "A"}


def test_cases_of_selections_are_their_document_s() -> None:
    document = ProjectDocument("1", "a", "some text", selections=(Selection("s", 0, 4, (Coding("c", "x"),)),))
    assert found(Project("p", documents=(document,), cases=(Case("c", "Anna", selections=("s",)),)))["1"] == {
        "actor": "Anna"
    }


def test_names_of_sources_by_a_pattern() -> None:
    project = Project("p", documents=(ONE, TWO))
    assert found(project) == {"1": {}, "2": {}}
    assert found(project, pattern="{date}_{actor}_{kind}") == {
        "1": {"date": "2015-03", "actor": "anna", "kind": "interview"},
        "2": {"date": "2019", "actor": "ben", "kind": "interview"},
    }


def test_what_is_asked_is_taken() -> None:
    groups = (Group("g", "Pilot", documents=("1",)), Group("h", "Main phase", documents=("2",)))
    project = Project("p", documents=(ONE, TWO), groups=groups, variables=(Variable("v", "Who"),),
                      cases=(Case("c", "Case 1", values=(Value("v", "Anna"),), documents=("1",)),))  # fmt: skip
    assert found(project, stage="set", actor="variable:who") == {
        "1": {"stage": "Pilot", "actor": "Anna"},
        "2": {"stage": "Main phase"},
    }
    assert found(project, stage="set:main", actor="case")["1"] == {"actor": "Case 1"}


@pytest.mark.parametrize("wrong", ["variable:age", "set:wave", "somewhere", "name", "variable:"])
def test_what_is_not_there_names_what_is(wrong: str) -> None:
    project = Project("p", documents=(ONE,), groups=(Group("g", "Pilot", documents=("1",)),))
    with pytest.raises(TableError, match="sets: Pilot"):
        found(project, stage=wrong)


def test_a_person_in_several_cases_is_no_actor() -> None:
    cases = (Case("a", "Anna", documents=("1",)), Case("b", "School", documents=("1", "2")))
    assert found(Project("p", documents=(ONE, TWO), cases=cases)) == {"1": {}, "2": {}}


@pytest.mark.parametrize(
    ("said", "iso"),
    [
        ("2016", "2016"),
        ("2016-03", "2016-03"),
        ("31.12.2019", "2019-12-31"),
        ("12/31/2019", "2019-12-31"),
        ("3/4/2019", "2019"),
        ("soon", None),
    ],
)
def test_dates_are_taken_as_far_as_they_can_be_told(said: str, iso: str | None) -> None:
    project = Project(
        "p", documents=(ProjectDocument("1", "a", "x", values=(Value("d", said),)),), variables=(Variable("d", "Date"),)
    )
    assert found(project)["1"].get("date") == iso


def test_where_it_comes_from_is_said() -> None:
    groups = (Group("g", "Wave 1", documents=("1",)), Group("h", "Wave 2", documents=("2",)))
    (note,) = attributes(Project("p", documents=(ONE, TWO), groups=groups), Options())[1]
    assert note == "stage of 2 of 2 documents from sets: Wave 1, Wave 2"
