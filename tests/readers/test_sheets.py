"""Tables: one row is one passage, columns keep their meaning, and a bad row is named."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from sibnlp.errors import ReadError
from sibnlp.readers import sheets
from sibnlp.tables.rows import passages_from_rows
from sibnlp.types import Document


def parse(folder: Path, content: str | bytes, name: str = "t.csv") -> Document:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return sheets.read(folder / name, name)


def fails(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    with pytest.raises(ReadError) as caught:
        parse(folder, content, name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns(tmp_path: Path) -> None:
    content = "ID, Text ,document,speaker,Stage,page,score\nr1,One.,a.txt,Anna,early,3,x\n,Two.,,,,,\n"
    content += "r3,  ,,,,,\n,,,,,,\nr4,Three.,,,late,,y\n"
    document = parse(tmp_path, content)
    first, second, third = document.rows
    assert (first.id, first.document, first.speaker, first.actor, first.stage, first.page) == (
        "r1", "a.txt", "Anna", "Anna", "early", 3,
    )  # fmt: skip
    assert first.extra == (("score", "x"),)
    assert (second.id, second.document, second.stage) == ("t.csv:6-10", "t.csv", None)
    assert document.text == "One.\n\nTwo.\n\nThree."
    assert all(document.text[row.start : row.end] == row.text for row in document.rows)
    assert third.id == "r4"
    assert [(loss.what, loss.count) for loss in document.dropped] == [("rows without text", 1)]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("id;text;note\n1;Yes, we do;a\n2;No;b\n", "t.csv"),
        ("id\ttext\tnote\n1\tYes, we do\ta\n2\tNo\tb\n", "t.csv"),
        ("id\ttext\tnote\n1\tYes, we do\ta\n2\tNo\tb\n", "t.tsv"),
        ('\ufeffid,text,note\r\n1,"Yes, we do",a\r\n2,No,b\r\n', "t.csv"),
        ("text\nYes, we do\nNo\n", "t.csv"),
    ],
)
def test_delimiters(tmp_path: Path, content: str, name: str) -> None:
    assert parse(tmp_path, content, name).text == "Yes, we do\n\nNo"


def test_encodings_line_breaks_and_long_cells(tmp_path: Path) -> None:
    assert parse(tmp_path, "id;text\n1;Größe für alle\n".encode("cp1252")).encoding == "cp1252"
    assert parse(tmp_path, "id,text\n1,Größe\n".encode("utf-16")).text == "Größe"
    assert parse(tmp_path, 'id,text\r\n1,"one\r\n\r\ntwo"\r\n').text == "one\n\ntwo"
    assert len(parse(tmp_path, "id,text\n1," + "a" * 300_000).text) == 300_000


def test_errors_name_the_place(tmp_path: Path) -> None:
    assert "columns found: id, comment" in fails(tmp_path, "id,comment\n1,x\n")
    assert "row 3: 3 cells where the header has 2" in fails(tmp_path, "id,text\n1,a\n2,b,c\n")
    assert "'x' stands in row 2 and row 4" in fails(tmp_path, "id,text\nx,a\ny,b\nx,c\n")
    assert "row 3: not a proper table" in fails(tmp_path, 'id,text\n1,a\n2,"never closed\n3,c\n')
    assert "two columns named id" in fails(tmp_path, "id,text,id\n1,a,2\n")
    assert "no row with a text" in fails(tmp_path, "id,text\n1,\n")
    assert "row 2: start is 'x'" in fails(tmp_path, "text,start,end\na,x,3\n")
    assert "row 2: start and end come together" in fails(tmp_path, "text,start,end\na,1,\n")
    assert "row 2: the span from 5 to 3" in fails(tmp_path, "text,start,end\na,5,3\n")
    assert "line 3: not a JSON object" in fails(tmp_path, '{"text": "a"}\n\n{"text": \n', "t.jsonl")
    assert "line 1: a JSON list" in fails(tmp_path, "[1]\n", "t.jsonl")
    assert "columns found: comment" in fails(tmp_path, '{"comment": "a"}\n', "t.jsonl")
    assert "ZIP archive" in fails(tmp_path, b"PK\x03\x04" + bytes(30))
    fails(tmp_path, b"PK\x03\x04" + bytes(30), "t.xlsx")
    fails(tmp_path, b"PAR1" + bytes(30), "t.parquet")
    assert "line 1" in fails(tmp_path, "[" * 100_000, "t.jsonl")


def test_jsonl_keeps_values(tmp_path: Path) -> None:
    row = {"text": "a\u2028b", "codes": ["NPM"], "n": 1, "p": 0.5, "yes": True, "none": None, "map": {"NPM": "resists"}}
    extra = dict(parse(tmp_path, json.dumps(row), "t.jsonl").rows[0].extra)
    assert extra == {"codes": ["NPM"], "n": 1, "p": 0.5, "yes": True, "none": None, "map": '{"NPM": "resists"}'}


def test_xlsx(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["read me"])
    sheet = book.create_sheet("data")
    sheet.append(["The interviews of 2016"])
    sheet.append([])
    sheet.append(["Passage", "TEXT", "date", "time", "page", "n"])
    sheet.append([7, "One.", datetime.datetime(2016, 3, 21), datetime.time(0, 1, 2), 4.0, 2.5])
    sheet.append([None, None, None, None, None, None])
    sheet.append([8, 12, "2016-03", None, None, None, "a note beside"])
    book.save(tmp_path / "t.xlsx")
    first, second = sheets.read(tmp_path / "t.xlsx", "t.xlsx").rows
    assert (first.id, first.date, first.time, first.page, first.extra) == (
        "7",
        "2016-03-21",
        "00:01:02",
        4,
        (("n", 2.5),),
    )
    assert (second.id, second.text, second.date) == ("8", "12", "2016-03")
    assert ("column 7", "a note beside") in second.extra


def test_xlsx_without_text_lists_the_columns(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["id", "comment"])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(ReadError, match="columns found: id, comment"):
        sheets.read(tmp_path / "t.xlsx", "t.xlsx")


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["One.", None, "Two."], "codes": [["A"], [], None]}), tmp_path / "t.parquet")
    document = sheets.read(tmp_path / "t.parquet", "t")
    assert [row.extra for row in document.rows] == [(("codes", ["A"]),), (("codes", None),)]
    assert document.dropped[0].count == 1


def test_own_spans_and_coders() -> None:
    rows: list[dict[str, Any]] = [{"text": "a", "document": "d", "start": 5, "end": 6.0, "coder": c} for c in "xy"]
    with pytest.raises(ReadError, match="'d:5-6' stands in row 1 and row 2"):
        passages_from_rows(rows, "t", "t")
    assert [p.id for p in passages_from_rows(rows, "t", "t", unique=False)] == ["d:5-6", "d:5-6"]
    both = passages_from_rows([{"id": "i", "passage": "p", "text": "a"}], "t", "t")[0]
    assert both.id == "i"
    assert both.extra == (("passage", "p"),)


def test_sniff() -> None:
    assert all(
        map(sheets.sniff, (b"PK\x03\x04", b"PAR1", b'{"text": "a"}', b"id,text\n1,a", "id\ttext".encode("utf-16")))
    )
    assert not any(map(sheets.sniff, (b"\x89PNG\0", b"<html>", b"%PDF-1.7", b"", b"word " * 30, b"1", b"some text")))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20), min_size=1, max_size=8))
def test_every_row_is_where_it_says(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    content = "\n".join(json.dumps({"text": text, "n": n}) for n, text in enumerate(texts))
    folder = tmp_path_factory.mktemp("sheets")
    filled = [text for text in texts if text.strip()]
    if not filled:
        fails(folder, content, "t.jsonl")
        return
    document = parse(folder, content, "t.jsonl")
    assert [row.text for row in document.rows] == filled
    at = 0
    for row in document.rows:
        assert at <= row.start
        assert document.text[row.start : row.end] == row.text
        at = row.end


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("2016", "2016"), ("2016-03", "2016-03"), ("2016-03-21", "2016-03-21"), ("", None),
        ("2016-03-21T10:00:00+01:00", "2016-03-21"), ("2016-03-21 00:00:00", "2016-03-21"),
    ],
)  # fmt: skip
def test_dates(tmp_path: Path, said: str, date: str | None) -> None:
    assert parse(tmp_path, f"text,date\nOne.,{said}\n").rows[0].date == date


@pytest.mark.parametrize("said", ["21/03/2016", "March 2016", "2016-13", "2016-03-32", "2016-3", "2016T10:00", "16"])
def test_what_is_no_date_is_named_with_its_row(tmp_path: Path, said: str) -> None:
    error = fails(tmp_path, f"text,date\nOne.,2016\nTwo.,{said}\n")
    assert f"row 3: {said!r} is not a date (write 2016, 2016-03 or 2016-03-21)" in error
