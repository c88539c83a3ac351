"""Tables of codings, and lists of codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import exchange, tables
from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import Options
from tests.exchange.test_refi import quotations
from tests.exchange.tools import TEXTS, Habits, qdpx

ROWS = """\
{"document": "a.txt", "start": 0, "end": 11, "text": "First words", "codes": ["NPM"], "scores": {"NPM": 0.75, "NPG": 0.2}, "model": "m", "speaker": "Anna", "actor": "Anna", "role": "provider", "stage": "1", "date": "2015-03-01", "explanation": "words"}
{"document": "a.txt", "start": 13, "end": 25, "text": "Second words", "codes": [], "scores": {"NPM": 0.1, "NPG": 0.2}, "model": "m", "speaker": "Anna", "actor": "Anna", "role": "provider", "stage": "1", "date": "2015-03-01"}
"""


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "p.jsonl"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_predictions_become_a_model_s_codings(predictions: Path) -> None:
    project = exchange.load(predictions)
    assert [(coder.name, coder.machine) for coder in project.coders] == [("m", True)]
    (placed,) = project.placed()
    assert (placed.coding.score, placed.coding.note) == (0.75, "words")
    assert project.extents[0].spans == ((6, 17), (25, 37)) and project.extents[0].basis == "recorded"


def test_without_the_texts_documents_are_put_together_and_that_is_said(predictions: Path) -> None:
    project = exchange.load(predictions)
    assert project.documents[0].text == "Anna: First words\n\nAnna: Second words"
    assert "give --documents" in str(project.problems[0])


def test_with_the_texts_offsets_stay_as_they_are(predictions: Path) -> None:
    whole = "First words. Second words, and more."
    project = exchange.load(predictions, Options(texts={"a.txt": whole}))
    assert project.documents[0].text == whole
    assert quotations(project)["a.txt"] == [("First words", ("NPM",))]
    moved = exchange.load(predictions, Options(texts={"a.txt": "Title\n\n" + whole.replace(" ", "\n")}))
    assert quotations(moved)["a.txt"] == [("First\nwords", ("NPM",))]
    other = exchange.load(predictions, Options(texts={"a.txt": "Something else."}))
    assert "do not stand in the text" in str(other.problems[0])


def test_actors_stages_and_dates_become_cases_and_variables(predictions: Path) -> None:
    project = exchange.load(predictions)
    assert [(case.name, case.documents) for case in project.cases] == [("Anna", ("document a.txt",))]
    names = {variable.id: variable.name for variable in project.variables}
    assert {(names[v.variable], v.value) for v in project.documents[0].values} == {
        ("stage", "1"),
        ("date", "2015-03-01"),
    }


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".xlsx", ".parquet"])
def test_a_project_as_a_table_is_what_train_reads(suffix: str, tmp_path: Path) -> None:
    texts = {**TEXTS, "note": "Nothing in this note was coded by anybody, though it was read from end to end.\n"}
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full"), texts))
    out = tmp_path / f"out{suffix}"
    exchange.save(project, out, Options(extent="all"))
    rows = tables.read_codings(out)
    direct = exchange.read_codings(tmp_path / "study.qdpx", (), Options(extent="all")).rows
    assert [(r.passage.text, r.codes, r.coder, r.extent) for r in rows] == [
        (r.passage.text, r.codes, r.coder, r.extent) for r in direct
    ]
    assert any(not row.codes for row in rows) and any(len(row.codes) > 1 for row in rows)


def test_selections_can_be_written_exactly_as_marked(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full")))
    exchange.save(project, tmp_path / "out.jsonl", Options(spans=True))
    rows = tables.read_codings(tmp_path / "out.jsonl")
    assert all(TEXTS[r.passage.document][r.passage.start : r.passage.end] == r.passage.text for r in rows)
    assert len(rows) == 10
    again = exchange.load(tmp_path / "out.jsonl", Options(texts=TEXTS))
    assert quotations(again) == quotations(project)


def test_what_a_table_has_no_place_for_is_said(tmp_path: Path) -> None:
    from tests.exchange.test_refi_export import machine_project

    said = "\n".join(map(str, exchange.save(machine_project(), tmp_path / "out.csv")))
    assert "notes: a table has no place" in said and "sets: a table" in said


@pytest.mark.parametrize("column", ["tag", "name", "path"])
def test_a_list_of_codes_is_a_codebook(column: str, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(
        f'{column.upper()},parent,description,number of highlights\nRelations,,,3\ntrust,Relations,"A, b",2\n\n',
        encoding="utf-8",
    )
    project = exchange.load(path)
    assert [(code.name, code.description) for code in project.codes] == [("Relations", ""), ("trust", "A, b")]
    assert project.codes[1].parent == project.codes[0].id
    exchange.save(project, tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_text(encoding="utf-8").splitlines() == [
        "tag,parent,description", "Relations,,", 'trust,Relations,"A, b"',
    ]  # fmt: skip


def test_a_list_of_codes_without_a_code_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("tag,description\na,b\n,c\n", encoding="utf-8")
    with pytest.raises(ReadError, match="row 3"):
        exchange.load(path)


def test_codes_alone_go_to_no_table_of_passages(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("tag,description\na,b\n", encoding="utf-8")
    with pytest.raises(TableError, match="list of codes alone"):
        exchange.save(exchange.load(path), tmp_path / "out.jsonl")
