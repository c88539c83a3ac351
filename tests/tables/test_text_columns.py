"""CSV and JSONL by column: what our own tables hold comes back, everything else is left to reading by row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sibnlp import tables
from sibnlp.errors import ReadError, TableError
from sibnlp.tables import columnar, text_columns
from sibnlp.types import Passage, Predictions

# What spreadsheets run, what CSV quotes, and what looks like either.
TEXTS = ["=1+1 is two", '\'tis, she "said"', "-- well; yes", "a\nb\n\n c", "'=x", "plain", "\ufeffbom; tab\there"]


def made() -> Predictions:
    passages = tuple(
        Passage(f"d.txt:{10 * i}-{10 * i + 9}", "d.txt", 10 * i, 10 * i + 9, text, speaker="@Ann" if i % 2 else None,
                stage="1", page=i if i % 3 else None, extra=(("note", "+x" if i else "-1.5"), ("input_codes", "")))
        for i, text in enumerate(TEXTS)
    )  # fmt: skip
    scores = np.round(np.random.default_rng(3).random((len(TEXTS), 2)), 6).astype(np.float32)
    return Predictions(passages, ("NPM", "NPG"), scores, scores > 0.5, "m")


def written(path: Path) -> Path:
    tables.write(tables.prediction_rows(made()), path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_our_own_tables_come_back(suffix: str, ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / f"p.{suffix}")
    raw = path.read_bytes().replace(b"\r\n", b"\n")
    path.write_bytes(raw.replace(b"\n", ends.encode()))
    monkeypatch.setattr(text_columns, "BATCH", 3)
    found = columnar.read(path)
    assert found is not None
    monkeypatch.setattr(columnar, "read", lambda _: None)
    rows = tables.read_predictions(path)
    assert tuple(found.passages) == rows.passages
    assert [one.text for one in rows.passages] == TEXTS
    assert (found.codes, found.model, found.abstained) == (rows.codes, rows.model, None)
    assert np.array_equal(found.probabilities, rows.probabilities)
    assert np.array_equal(found.assigned, rows.assigned)
    assert found.probabilities.dtype == rows.probabilities.dtype


CSV: dict[str, Callable[[str], str]] = {
    "a model is missing": lambda text: text.replace(",m\r\n", ",\r\n", 1),
    "a score is missing": lambda text: re.sub(r",0\.\d+,m\r\n", ",,m\r\n", text, count=1),
    "a score is no number": lambda text: re.sub(r",0\.\d+,m\r\n", ",half,m\r\n", text, count=1),
    "a row is ragged": lambda text: text + "only\r\n",
    "a quote is never closed": lambda text: text + 'd,"open',
    "a start in hexadecimal": lambda text: text.replace(":0-9,0,9,", ":0-9,0x0,9,"),
    "a start with a sign": lambda text: text.replace(":0-9,0,9,", ":0-9,+0,9,"),
    "a column twice": lambda text: text.replace("heading", "Text"),
    "people's codings": lambda text: text.replace("heading", "coder"),
    "a zero byte": lambda text: text.replace("plain", "pl\0in"),
    "a list of codes as JSON": lambda text: text.replace(",NPG,", ',"[""NPG""]",'),
}


@pytest.mark.parametrize("what", CSV)
def test_csv_out_of_the_ordinary_is_left_to_rows(what: str, tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv")
    text = path.read_bytes().decode("utf-8")
    other = CSV[what](text)
    assert other != text
    path.write_bytes(other.encode())
    assert columnar.read(path) is None


def test_faults_in_text_are_named_as_ever(tmp_path: Path) -> None:
    path = written(tmp_path / "p.csv")
    path.write_bytes(path.read_bytes() + b"only\r\n")
    with pytest.raises(ReadError, match="1 cells where the header has"):
        tables.read_predictions(path)
    lines = [json.loads(line) for line in written(tmp_path / "p.jsonl").read_text().splitlines()]
    lines[2]["scores"]["NPM"] = 1.000000001
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(TableError, match=r"outside \[0, 1\]"):
        tables.read_predictions(tmp_path / "p.jsonl")


@pytest.mark.parametrize(
    ("column", "value"),
    [("start", "0"), ("start", True), ("page", 1.0), ("codes", "NPM"), ("codes", [1]), ("scores", {"NPM": 0.5}),
     ("scores", {"NPM": "0.5", "NPG": "0.1"}), ("model", None), ("model", "other"), ("note", 3), ("text", None),
     ("speaker", "\ud800"), ("more", "x")],
)  # fmt: skip
def test_jsonl_out_of_the_ordinary_is_left_to_rows(column: str, value: object, tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1][column] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert columnar.read(path) is None


def test_a_limit_of_the_csv_module_is_put_back(tmp_path: Path) -> None:
    import csv

    limit = csv.field_size_limit()
    assert columnar.read(written(tmp_path / "p.csv")) is not None
    assert csv.field_size_limit() == limit
