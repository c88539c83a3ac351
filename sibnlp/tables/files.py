"""Table files to rows: csv, tsv, xlsx, jsonl and parquet, each with a ``text`` column.

Read by `sibnlp.readers.sheets` (documents given as tables) and by `sibnlp.tables` (predictions and codings).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sibnlp.errors import ReadError
from sibnlp.parsing import archive, cells
from sibnlp.parsing.decode import decode
from sibnlp.tables.rows import is_text_column, no_text_column

DELIMITERS = ",;\t|"
# In a table of one column every comma is text: a separator that no text has.
NO_DELIMITER = "\x1f"
MAX_FIELD = 2**31 - 1
# A header stands in the first lines of a sheet; titles may stand above it.
HEADER_ROWS = 10
MAX_ROWS = 1_048_576
"""Rows that a sheet of Excel has."""

Rows = tuple[list[dict[str, Any]], list[str], str]
"""Rows, what each is called in messages (empty: counted from ``row 1``), encoding."""


def load(path: Path) -> Rows:
    """Read a table file, by its suffix.

    Raises:
        ReadError: another suffix, damaged, no ``text`` column, a ragged or undecodable row; names the place.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise ReadError(path, f"no table has the suffix {path.suffix or '(none)'}", f"known: {' '.join(LOADERS)}")
    try:
        path.stat()  # openpyxl and Arrow say in other words that a file is not there
        return loader(path)
    except OSError as error:
        raise ReadError(path, error.strerror or str(error)) from error


def _csv(path: Path) -> Rows:
    text, encoding = decode(path.read_bytes(), path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter_of(text)
    limit = csv.field_size_limit(MAX_FIELD)
    try:
        # strict: a quote that is never closed would otherwise swallow the rest of the file.
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ReadError(path, f"not a proper table: {error}", place=f"row {_n_read(text, delimiter) + 1}") from error
    finally:
        csv.field_size_limit(limit)
    numbered = [(number, row) for number, row in enumerate(records, 1) if any(cell.strip() for cell in row)]
    if not numbered:
        raise ReadError(path, "the table is empty")
    return *csv_rows(numbered[1:], header_of(numbered[0][1], path), path), encoding


def csv_rows(
    records: Iterable[tuple[int, Sequence[str]]], header: Sequence[str], path: str | Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Numbered records below a header as rows, and what each is called; empty ones are passed over.

    Raises:
        ReadError: one has another number of cells than the header.
    """
    rows, places = [], []
    ours = cells.is_ours(header)
    header = [cells.restored(name) for name in header] if ours else header
    for number, row in records:
        if not any(cell.strip() for cell in row):
            continue
        row = [cells.restored(cell) for cell in row] if ours else row
        if len(row) != len(header):
            problem = f"{len(row)} cells where the header has {len(header)}"
            raise ReadError(path, problem, "quote cells that hold the delimiter", f"row {number}")
        rows.append(dict(zip(header, row, strict=True)))
        places.append(f"row {number}")
    return rows, places


def delimiter_of(text: str) -> str:
    """The delimiter that makes a ``text`` column of the header, or else most columns."""
    line = next((line for line in text.split("\n") if line.strip()), "")

    def split_by(delimiter: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return []

    split = {delimiter: split_by(delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: (any(map(is_text_column, split[delimiter])), len(split[delimiter])))
    return best if len(split[best]) > 1 else NO_DELIMITER


def _n_read(text: str, delimiter: str) -> int:
    """How many rows can be read before the first error."""
    n = 0
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            n += 1
    except csv.Error:
        pass
    return n


def header_of(cells: Sequence[Any], path: str | Path) -> list[str]:
    """Names of the columns, nameless ones by their number.

    Raises:
        ReadError: no ``text`` among them, or two columns of one name.
    """
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    if not any(map(is_text_column, names)):
        raise no_text_column(path, names)
    names = [name or f"column {number}" for number, name in enumerate(names, 1)]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ReadError(path, f"two columns named {twice}", "rename one")
    return names


def _xlsx(path: Path) -> Rows:
    from openpyxl import load_workbook

    archive.check(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl lets errors of zipfile, lxml and its own checks through
        raise ReadError(path, f"damaged or no Excel workbook ({type(error).__name__}: {error})") from error
    first: list[str] = []
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some writers declare a single cell
            records = _bounded(sheet.iter_rows(values_only=True), path)
            for number, row in records:
                if any(map(is_text_column, row)):
                    return *_sheet_rows(header_of(_trimmed(row), path), records), ""
                first = first or [str(cell) for cell in row if cell is not None]
                if number >= HEADER_ROWS:
                    break
    except ReadError:
        raise
    except Exception as error:
        raise ReadError(path, f"damaged workbook ({type(error).__name__}: {error})") from error
    finally:
        book.close()
    raise no_text_column(path, first)


def _bounded(rows: Iterable[Sequence[Any]], path: Path) -> Iterator[tuple[int, Sequence[Any]]]:
    """Numbered rows; openpyxl gives an empty one for every number that a file skips, and a file may skip billions."""
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise ReadError(
                path, f"a sheet with more than {MAX_ROWS:,} rows, which Excel does not have", "save it anew"
            )
        yield number, row


def _trimmed(cells: Sequence[Any]) -> list[Any]:
    """Cells up to the last that is not empty."""
    last = max((i for i, cell in enumerate(cells) if cell not in (None, "")), default=-1)
    return list(cells[: last + 1])


def _sheet_rows(
    header: list[str], records: Iterator[tuple[int, Sequence[Any]]]
) -> tuple[list[dict[str, Any]], list[str]]:
    rows, places = [], []
    for number, row in records:
        filled = _trimmed(row)
        if not filled:
            continue
        # Notes beside a table have no header; they are kept under the number of their column.
        names = header + [f"column {i + 1}" for i in range(len(header), len(filled))]
        filled += [None] * (len(names) - len(filled))
        rows.append(dict(zip(names, filled, strict=True)))
        places.append(f"row {number}")
    return rows, places


def _jsonl(path: Path) -> Rows:
    text, encoding = decode(path.read_bytes(), path)
    return *jsonl_rows(enumerate(text.split("\n"), 1), path), encoding


def jsonl_rows(lines: Iterable[tuple[int, str]], path: str | Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Numbered lines as rows, and what each is called; empty ones are passed over.

    Raises:
        ReadError: one is no JSON object.
    """
    rows, places = [], []
    for number, line in lines:
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "") or type(error).__name__
            raise ReadError(path, f"not a JSON object: {reason}", "one object a line", place) from error
        if not isinstance(row, dict):
            raise ReadError(path, f"a JSON {type(row).__name__}, not an object", "one object a line", place)
        rows.append(row)
        places.append(place)
    return rows, places


def _parquet(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        names = header_of(table.column_names, path)
        rows = table.rename_columns(names).to_pylist()
    except MemoryError as error:  # Arrow's own is an ArrowException too
        raise ReadError(path, "reading it takes too much memory", "split it") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ReadError(path, f"damaged or no Parquet table ({reason[:160]})") from error
    return rows, [], ""


LOADERS: dict[str, Callable[[Path], Rows]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".xlsx": _xlsx,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
