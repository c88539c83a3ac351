"""Cells that a spreadsheet would run: shown, not run, and read back as they were."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from sibnlp import codebook, exchange, readers, tables
from sibnlp.exchange.project import Project, ProjectCode
from sibnlp.parsing.cells import is_ours, neutral, restored
from sibnlp.tables.files import load
from sibnlp.types import Passage
from tests.cli.shell import sibnlp

HOSTILE = (
    "=1+2", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\uff1d1", " =1", "'=1", "''=1", "=",
    '=HYPERLINK("http://x","y")', "-- well, no", "+ve", "-",
)  # fmt: skip
HARMLESS = ("-1.5", "+3", "1e5", "-2.5e-3", "-12,5", "+5%", "'tis", "It is.", "a=1", "")
# What starts a formula, by OWASP's list; written apart from the code it checks.
STARTS = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-][\d.,]+([eE][+-]?\d+)?%?")


def runs(cell: str) -> bool:
    return bool(STARTS.match(cell.lstrip(" "))) and not NUMBER.fullmatch(cell)


def cells_of(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


@pytest.mark.parametrize("cell", HOSTILE)
def test_a_formula_is_neutralised_and_comes_back(cell: str) -> None:
    assert neutral(cell) == "'" + cell and restored(neutral(cell)) == cell


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    assert neutral(cell) == cell and restored(cell) == cell


@given(st.text(alphabet="=+-@'\t\n 1.a\uff1d"))
def test_every_text_comes_back(cell: str) -> None:
    written = neutral(cell)
    assert restored(written) == cell
    assert not runs(written)


@given(st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.booleans()))
def test_what_is_no_text_is_left(value: object) -> None:
    assert neutral(value) is value


def passages() -> list[Passage]:
    texts = [text.strip() for text in HOSTILE]
    return [
        Passage(f"p{i}", f"={i}.txt", 100 * i, 100 * i + len(text), text, speaker="=cmd", actor="+a", role="-r",
                stage="@s", heading="=h", context="=c", extra=(("=column", "=value"), ("n", -1.5)))
        for i, text in enumerate(texts)
    ]  # fmt: skip


def test_a_table_of_passages_runs_nothing_and_is_read_as_it_was(tmp_path: Path) -> None:
    rows = list(tables.passage_rows(passages()))
    for suffix in ("csv", "jsonl", "parquet"):
        tables.write(rows, tmp_path / f"p.{suffix}")
    assert not [cell for cell in cells_of(tmp_path / "p.csv") if runs(cell)]
    read = [readers.read(tmp_path / f"p.{suffix}", "t").rows for suffix in ("csv", "jsonl", "parquet")]
    for found in read:
        assert [(p.text, p.speaker, p.stage, p.heading, p.context) for p in found] == [
            (p.text, "=cmd", "@s", "=h", "=c") for p in passages()
        ]
        assert all(dict(p.extra)["=column"] == "=value" for p in found)
    assert [float(dict(p.extra)["n"]) for p in read[0]] == [-1.5] * len(HOSTILE)
    # A spreadsheet saves it with another separator.
    text = (tmp_path / "p.csv").read_text(encoding="utf-8-sig")
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(csv.reader(io.StringIO(text, newline="")))
    (tmp_path / "semicolons.csv").write_text(out.getvalue(), encoding="utf-8", newline="")
    assert readers.read(tmp_path / "semicolons.csv", "t").rows == read[0]


def test_a_table_of_others_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,text\n1,'=1+2\n2,\"'@anna said so'\"\n", encoding="utf-8")
    assert [row["text"] for row in load(tmp_path / "t.csv")[0]] == ["'=1+2", "'@anna said so'"]
    assert not is_ours(["id", "text"]) and is_ours(["ticket", "codes", "text"])


def coded(folder: Path) -> Path:
    rows = [{"text": text.strip(), "codes": ["=a", "-b"], "coder": "@x", "document": "=d", "=k": "=v", "stage": "+1st"}
            for text in HOSTILE]  # fmt: skip
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder / "in.jsonl"


def test_exported_codings_run_nothing_in_csv_and_come_back(tmp_path: Path) -> None:
    done = sibnlp("convert", coded(tmp_path), tmp_path / "out.csv", "--spans")
    assert done.code == 0, done.err
    assert not [cell for cell in cells_of(tmp_path / "out.csv") if runs(cell)]
    found = tables.read_codings(tmp_path / "out.csv")
    assert [one.passage.text for one in found] == [text.strip() for text in HOSTILE]
    assert {(one.codes, one.coder, one.passage.document) for one in found} == {(("=a", "-b"), "@x", "=d")}


def test_exported_codings_hold_no_formula_in_xlsx_and_come_back(tmp_path: Path) -> None:
    rows = [{"=name": "=1+2", "text": text, "codes": ["=a"], "n": -1.5, "map": {"=k": "=v"}} for text in HOSTILE]
    exchange.save_rows(rows, tmp_path / "out.xlsx")
    sheet = load_workbook(tmp_path / "out.xlsx").worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert all(cell.quotePrefix for cell in cells if cell.data_type == "s")
    found, _, _ = load(tmp_path / "out.xlsx")
    assert [row["text"] for row in found] == list(HOSTILE)
    assert found[0]["=name"] == "=1+2" and found[0]["n"] == -1.5


def test_a_list_of_codes_runs_nothing_and_comes_back(tmp_path: Path) -> None:
    codes = (ProjectCode("c1", "=top", "+said"), ProjectCode("c2", "-below", "@said", "c1"), ProjectCode("c3", "plain"))
    exchange.save(Project("p", codes), tmp_path / "codes.csv")
    assert not [cell for cell in cells_of(tmp_path / "codes.csv") if runs(cell)]
    found = exchange.load(tmp_path / "codes.csv").codes
    assert [(code.name, code.description) for code in found] == [(code.name, code.description) for code in codes]


def test_pseudonymised_metadata_runs_nothing_and_is_understood(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    turn = "Vos: What then?\n\n=Cmd: We were paid, Vos said, and more came of it in turn {}.\n\n"
    talk = "".join(map(turn.format, range(4)))
    (folder / "-a.txt").write_text(talk, encoding="utf-8")
    (folder / "metadata.csv").write_text("document,stage,actor\n-a.txt,=1,\n", encoding="utf-8")
    done = sibnlp("pseudonymise", folder, "-o", tmp_path / "out", "--map", tmp_path / "map.json")
    assert done.code == 0, done.err
    for path in (tmp_path / "out" / "metadata.csv", tmp_path / "map.review.csv"):
        assert not [cell for cell in cells_of(path) if runs(cell)], path
    done = sibnlp("segment", tmp_path / "out", "-o", "-")
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[0])["stage"] == "=1"


def test_scores_and_predictions_stay_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    said = "-- Well, they dock us if the form is late, so the form comes first."
    (folder / "a.txt").write_text(said, encoding="utf-8")
    done = sibnlp("classify", folder, "-o", tmp_path / "p.csv")
    assert done.code == 0, done.err
    assert not [cell for cell in cells_of(tmp_path / "p.csv") if runs(cell)]
    found = tables.read_predictions(tmp_path / "p.csv")
    assert found.passages[0].text.startswith("-- Well")
    assert found.codes and codebook.shipped()
