"""Metadata: three sources, the later wins, and rows that fit nothing are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import metadata, project
from sibnlp.errors import ProjectError
from sibnlp.metadata import FileNamePattern
from sibnlp.types import Document, Passage, Speaker, Turn


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        (
            "{date}_{actor}_{kind}",
            "2016-03_anna_interview.docx",
            {"date": "2016-03", "actor": "anna", "kind": "interview"},
        ),
        ("{stage}/{actor}", "round 1/Anna B.vtt", {"stage": "round 1", "actor": "Anna B"}),
        ("R{stage}-{*}-{role}", "R2-x-provider.txt", {"stage": "2", "role": "provider"}),
        ("{date}_{actor}", "deep/er/2016_anna.txt", {"date": "2016", "actor": "anna"}),
        ("{date}_{actor}", "anna_2016.txt", None),
        ("{date} {site}", "2016-01-02 north.txt", {"date": "2016-01-02", "site": "north"}),
    ],
)
def test_patterns_read_file_names(pattern: str, name: str, found: dict[str, str] | None) -> None:
    assert FileNamePattern(pattern).match(name) == found


@pytest.mark.parametrize("pattern", ["{date}_{date}", "{date", "date}", "{}", "{1}"])
def test_a_faulty_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="occurs twice|brace|no name"):
        FileNamePattern(pattern)


def gathered(
    tmp_path: Path, table: str = "", settings: str = "", documents: tuple[str, ...] = ("a.txt", "b.txt")
) -> metadata.Metadata:
    if table:
        (tmp_path / "metadata.csv").write_text(table, encoding="utf-8")
    (tmp_path / "project.toml").write_text(settings, encoding="utf-8")
    return metadata.gather(project.load(tmp_path), documents)


def interview(id: str = "a.txt") -> Document:
    return Document(id, "x" * 20, turns=(Turn(0, 5, "Q"), Turn(6, 12, "Anna"), Turn(13, 15, "Q")))


def test_a_row_for_a_file_names_its_one_respondent(tmp_path: Path) -> None:
    known = gathered(tmp_path, "document,stage,date,kind,actor,role,site\na.txt,1,2016,interview,A1,provider,north\n")
    document = known.apply(interview(), asking={"Q"})
    assert (document.stage, document.date, document.kind) == ("1", "2016", "interview")
    assert document.speakers == (Speaker("Anna", "A1", "provider"),)
    assert document.metadata == (("site", "north"),)


def test_a_row_for_a_speaker_holds_everywhere_or_in_one_file(tmp_path: Path) -> None:
    known = gathered(tmp_path, "document;speaker;actor;role\n;anna;A1;provider\nb.txt;Anna;A2;funder\n")
    assert known.apply(interview("a.txt"), {"Q"}).speakers == (Speaker("Anna", "A1", "provider"),)
    assert known.apply(interview("b.txt"), {"Q"}).speakers == (Speaker("Anna", "A2", "funder"),)


def test_later_sources_win(tmp_path: Path) -> None:
    settings = '[documents]\npattern = "{stage}"\n[[document]]\npath = "b.txt"\nstage = "from project"'
    known = gathered(tmp_path, "document,stage\na.txt,from table\n", settings)
    assert known.apply(Document("c.txt", "x")).stage == "c"
    assert known.apply(Document("a.txt", "x")).stage == "from table"
    assert known.apply(Document("b.txt", "x")).stage == "from project"


@pytest.mark.parametrize(
    ("date", "stage"),
    [("2011", "1"), ("2015-12-31", "1"), ("2016-01", "2"), ("2017", "2"), ("2018-06-01", None), (None, None)],
)
def test_a_date_gives_the_stage_and_bounds_are_inclusive(tmp_path: Path, date: str | None, stage: str | None) -> None:
    settings = '[[stage]]\nid="1"\nstart="2011"\nend="2015"\n[[stage]]\nid="2"\nstart="2016-01-01"\nend="2017"'
    known = gathered(tmp_path, settings=settings)
    assert known.apply(Document("a.txt", "x", date=date)).stage == stage


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("document,stage\nc.txt,1\n", "row 2: no document 'c.txt' here"),
        ("document,stage\nA.txt,1\n", "did you mean 'a.txt'?"),
        ("document,stage\na.txt,1\na.txt,2\n", "row 3: 'a.txt' stands in an earlier row too"),
        ("document,date\na.txt,12/03/2016\n", "row 2: '12/03/2016' is not a date"),
        ("document,date\na.txt,2016-13\n", "is not a date"),
        ("file,stage\na.txt,1\n", "neither a column 'document' nor 'speaker' (found: file, stage)"),
        ("document,stage\na.txt,1,2\n", "row 2: more cells than the header's 2"),
        ("document,stage,stage\na.txt,1,2\n", "two columns named 'stage'"),
        ("document,stage\n,1\n", "names neither a document nor a speaker"),
    ],
)
def test_a_row_that_fits_nothing_is_named(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        gathered(tmp_path, table)
    assert said in str(caught.value)
    assert "metadata.csv" in str(caught.value)


def test_a_missing_table_and_a_missing_document_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such file"):
        gathered(tmp_path, settings='[documents]\nmetadata = "other.csv"')
    with pytest.raises(ProjectError, match="no document 'z.txt'"):
        gathered(tmp_path, settings='[[document]]\npath = "z.txt"')


def test_nameless_columns_of_a_spreadsheet_hold_nothing(tmp_path: Path) -> None:
    known = gathered(tmp_path, "document,stage,,\na.txt,1,,\n")
    assert known.apply(Document("a.txt", "x")).stage == "1"


def test_a_speaker_of_a_document_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no document 'z\.txt'"):
        gathered(tmp_path, settings='[[speaker]]\nlabel = "Anna"\ndocument = "z.txt"')


def test_rows_of_a_table_take_what_they_do_not_say(tmp_path: Path) -> None:
    known = gathered(
        tmp_path, "document,kind\na.csv,interview\n", '[[stage]]\nid="1"\nstart="2011"\nend="2015"', ("a.csv",)
    )
    rows = tuple(
        Passage(str(n), "d", 0, 1, "x", date=date, kind=kind)
        for n, (date, kind) in enumerate([("2012", None), (None, "letter")])
    )
    found = known.apply(Document("a.csv", "x", rows=rows)).rows
    assert [(row.stage, row.kind) for row in found] == [("1", "interview"), (None, "letter")]


def test_names_that_differ_only_in_how_accents_are_written_are_one(tmp_path: Path) -> None:
    known = gathered(tmp_path, "document,stage\ncaf\u00e9.txt,1\n", documents=("cafe\u0301.txt",))
    assert known.apply(Document("cafe\u0301.txt", "x")).stage == "1"
