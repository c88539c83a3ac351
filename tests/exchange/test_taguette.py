"""Taguette: bytes in the visible text of HTML, in and out."""

from __future__ import annotations

import html
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sibnlp import exchange
from sibnlp.errors import ReadError
from tests.exchange.test_refi import quotations
from tests.exchange.test_refi_export import machine_project
from tests.exchange.tools import QUOTES, TEXTS, Habits, qdpx, taguette

PAGE = (
    "<h1>Über Ziele</h1><p>“It’s the figures they want,” she said – and she <b>was right</b> about that.</p>"
    "<ul><li>First: Ärger</li><li>Second &amp; third</li></ul>\n<table><tr><td>a cell</td><td>b 🙂 c</td></tr></table>"
    "<p>Nobody asked<br>whether anybody’s life got better.</p>"
)
TEXT = (
    "Über Ziele\n\n“It’s the figures they want,” she said – and she was right about that.\n\nFirst: Ärger\n\n"
    "Second & third\n\na cell\n\nb 🙂 c\n\nNobody asked\nwhether anybody’s life got better."
)
MARKS = [
    ("page", "“It’s the figures they want,”", ["goals", "figures"]),
    ("page", "was right", ["goals"]),
    ("page", "Second & third", ["figures"]),
    ("page", "b 🙂 c", []),
    ("page", "whether anybody’s life got better.", ["goals"]),
]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return taguette(tmp_path / "study.sqlite3", {"page": PAGE}, MARKS, login="anna")


def test_highlights_stand_where_they_were_made(study: Path) -> None:
    project = exchange.load(study)
    assert project.documents[0].text == TEXT
    assert quotations(project)["page"] == [(words, tuple(tags)) for _, words, tags in MARKS]
    assert project.documents[0].coordinates.startswith("utf-8")
    assert not project.problems


def test_codes_coder_and_names_come_along(study: Path) -> None:
    project = exchange.load(study)
    assert (project.name, project.description, project.origin) == ("study", "of two", "Taguette")
    assert [(code.name, code.description) for code in project.codes] == [
        ("goals", "About goals"),
        ("figures", "About figures"),
    ]
    assert {project.coder_name(placed.coding.coder) for placed in project.placed()} == {"anna"}


def test_without_a_log_nobody_is_the_coder(study: Path) -> None:
    connection = sqlite3.connect(study)
    connection.execute("DROP TABLE commands")
    connection.commit()
    connection.close()
    assert {placed.coding.coder for placed in exchange.load(study).placed()} == {""}


def test_without_snippets_the_bytes_are_inferred_too(study: Path) -> None:
    connection = sqlite3.connect(study)
    connection.execute("UPDATE highlights SET snippet = ''")
    connection.commit()
    connection.close()
    project = exchange.load(study)
    assert [words for words, _ in quotations(project)["page"]] == [words for _, words, _ in MARKS]


def test_highlights_of_nothing_and_tags_of_nothing_are_said(study: Path) -> None:
    connection = sqlite3.connect(study)
    connection.execute("INSERT INTO highlights VALUES (90, 1, 5, 5, ''), (91, 77, 1, 4, ''), (92, 1, 1, 90000, '')")
    connection.execute("INSERT INTO highlight_tags VALUES (1, 99)")
    connection.commit()
    connection.close()
    said = "\n".join(map(str, exchange.load(study).problems))
    assert "2 × highlights outside its text, or empty ones" in said
    assert "highlights of a document that is not there" in said and "a tag that is not there" in said


def test_several_projects_in_one_file_are_named(study: Path) -> None:
    connection = sqlite3.connect(study)
    connection.execute("INSERT INTO projects VALUES (2, 'other', '', '2020-01-01')")
    connection.commit()
    connection.close()
    with pytest.raises(ReadError, match="holds 2 projects: study, other"):
        exchange.load(study)


def test_reading_changes_no_byte(study: Path) -> None:
    before = study.read_bytes()
    exchange.load(study)
    assert study.read_bytes() == before and [one.name for one in study.parent.iterdir()] == [study.name]


def test_an_export_holds_every_quotation_in_bytes(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full")))
    assert exchange.save(project, tmp_path / "out.sqlite3") == ()
    connection = sqlite3.connect(tmp_path / "out.sqlite3")
    pages = dict(connection.execute("SELECT id, contents FROM documents"))
    rows = connection.execute("SELECT document_id, start_offset, end_offset, snippet FROM highlights").fetchall()
    connection.close()
    # Read by the rule alone: bytes of what is left of the page without its tags.
    found = []
    for document, start, end, snippet in rows:
        visible = html.unescape(re.sub(r"<[^>]*>", "", pages[document])).encode()
        found.append(visible[start:end].decode())
        assert html.unescape(snippet) == found[-1]
    assert sorted(found) == sorted(quote for quotes in QUOTES.values() for quote, _ in quotes)


@pytest.mark.parametrize("separator", ["", "."])
def test_a_round_trip_keeps_texts_tags_and_coders(separator: str, tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full")))
    exchange.save(project, tmp_path / "out.sqlite3")
    again = exchange.load(tmp_path / "out.sqlite3", exchange.Options(separator=separator))
    assert {document.name: document.text for document in again.documents} == TEXTS
    assert quotations(again) == quotations(project)
    assert [coder.name for coder in again.coders] == ["Anna Coder"]
    tree = {code.name: code.parent for code in again.codes}
    assert tree["trust"] and not tree["Relations"]


def test_a_point_in_a_tag_is_a_level_only_where_what_stands_before_it_is_a_tag(tmp_path: Path) -> None:
    marks = [("Coffee", f"word {n}", (tag,)) for n, tag in enumerate(("U.S. law", "money", "money.fees", "money.a.b"))]
    page = " ".join(words for _, words, _ in marks)
    path = taguette(tmp_path / "s.sqlite3", {"Coffee": page}, marks)
    names = {code.id: code.name for code in exchange.load(path).codes}
    assert {code.name: names.get(code.parent, "") for code in exchange.load(path).codes} == {
        "U.S. law": "", "money": "", "fees": "money", "a.b": "money"
    }  # fmt: skip


def test_what_taguette_has_no_place_for_is_said(tmp_path: Path) -> None:
    said = "\n".join(map(str, exchange.save(machine_project(), tmp_path / "out.sqlite3")))
    for what in (
        "variables, cases and sets",
        "notes and links",
        "what each coder read",
        "scores and explanations",
        "remarks",
    ):
        assert what in said
    machines = [coder.name for coder in exchange.load(tmp_path / "out.sqlite3").coders if coder.machine]
    assert machines == ["gov-fast"]


def test_the_same_project_gives_the_same_database(tmp_path: Path) -> None:
    for name in ("a", "b"):
        exchange.save(machine_project(), tmp_path / f"{name}.sqlite3")
    assert (tmp_path / "a.sqlite3").read_bytes() == (tmp_path / "b.sqlite3").read_bytes()


def test_names_too_long_or_alike_are_written_apart(tmp_path: Path) -> None:
    project = machine_project()
    codes = tuple(replace(project.codes[1], id=f"c{n}", name="n" * 300, parent="", notes=()) for n in range(3))
    said = exchange.save(replace(project, codes=(*project.codes, *codes)), tmp_path / "out.sqlite3")
    assert any("too long" in problem.what for problem in said)
    assert len({code.name for code in exchange.load(tmp_path / "out.sqlite3").codes}) == 5
