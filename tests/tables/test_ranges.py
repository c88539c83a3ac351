"""A table read in ranges gives the passages that it gives when it is read whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sibnlp import readers
from sibnlp.errors import ReadError, RepeatedIdError
from sibnlp.tables import ranges
from sibnlp.tables.ranges import RowRange, RowReader, has_ranges

ROWS = 40


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of seven rows, in tables of any size."""
    monkeypatch.setattr(ranges, "ROWS", 7)
    monkeypatch.setattr(ranges, "WHOLE", 0)


def cells(number: int) -> dict[str, Any]:
    """A row with whatever makes ranges hard: quotes, commas, line ends in a cell, empty texts, non-ASCII."""
    text = f'Passage {number}, "süß",\nwith a second line and {"a long tail " * (number % 5)}'
    return {"text": "" if number % 9 == 4 else text, "wave": number % 3, "site": "nørth" if number % 2 else ""}


def write(path: Path, rows: list[dict[str, Any]], ends: str = "\n") -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=17)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + ends for row in rows), encoding="utf-8", newline="")
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            file.write("\r\n")
            writer = csv.DictWriter(file, list(rows[0]), lineterminator=ends)
            writer.writeheader()
            for number, row in enumerate(rows):
                writer.writerow(row)
                if number % 11 == 3:
                    file.write(ends)  # an empty line
    return path


def parts(path: Path) -> list[RowRange]:
    assert has_ranges(str(path))
    return list(ranges.ranges(str(path)))


@pytest.mark.parametrize(("name", "ends"), [("t.csv", "\n"), ("t.csv", "\r\n"), ("t.csv", "\r"), ("t.jsonl", "\n"),
                                            ("t.jsonl", "\r\n"), ("t.parquet", "")])  # fmt: skip
def test_ranges_give_the_passages_of_the_whole(tmp_path: Path, name: str, ends: str) -> None:
    path = write(tmp_path / name, [cells(number) for number in range(ROWS)], ends)
    whole = readers.read(path, "doc").rows
    found, reader = parts(path), RowReader()
    assert len(found) > 3
    assert [one for part in found for one in reader.passages(str(path), part, "doc")[0]] == list(whole)
    # In any order, by any process.
    again = {part.index: RowReader().passages(str(path), part, "doc")[0] for part in reversed(found)}
    assert [one for index in sorted(again) for one in again[index]] == list(whole)


# Empty lines of the CSV count as rows; ranges of the Parquet table begin anew with each row group of 17.
@pytest.mark.parametrize(("name", "where"), [("t.csv", 3), ("t.jsonl", 2), ("t.parquet", 3)])
def test_only_the_ranges_that_changed_have_another_key(tmp_path: Path, name: str, where: int) -> None:
    rows = [cells(number) for number in range(ROWS)]
    before = parts(write(tmp_path / name, rows))
    rows[20]["site"] = "south"
    after = parts(write(tmp_path / name, rows))
    changed = [one.index for one, other in zip(before, after, strict=True) if one.key != other.key]
    assert changed == [where]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_an_id_that_rows_of_different_ranges_share_is_named(tmp_path: Path, name: str) -> None:
    rows = [{"id": f"q{number if number != 33 else 2}", **cells(number)} for number in range(ROWS)]
    path = write(tmp_path / name, rows)
    with pytest.raises(RepeatedIdError, match="'q2'"):
        parts(path)


def test_a_ragged_row_fails_its_own_range(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [{"text": f"one {number}", "wave": "1"} for number in range(ROWS)])
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("one 30"))
    lines[at] += ",too many"
    path.write_text("\n".join(lines), encoding="utf-8")
    reader, failed = RowReader(), []
    for part in parts(path):
        try:
            reader.passages(str(path), part, "doc")
        except ReadError as error:
            failed.append(error.place)
    assert failed == [f"row {at + 1}"]


def test_a_table_without_a_text_column_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="columns found: answer"):
        parts(write(tmp_path / "t.parquet", [{"answer": "yes"}] * 30))


@pytest.mark.parametrize(
    "content", [b"text\n" + "süß\n".encode("cp1252") * 20, b"text\n\0\n" * 20, b"\x89PNG\r\n" * 20]
)
def test_what_is_not_utf_8_is_read_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    assert not has_ranges(str(tmp_path / "t.csv"))
