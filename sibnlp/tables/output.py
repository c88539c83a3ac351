"""Passages and predictions as rows, and rows as Parquet, JSONL or CSV. Arrow is imported here and in `files` alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sibnlp.errors import TableError
from sibnlp.parsing.cells import neutral
from sibnlp.types import Passage, Predictions

WRITABLE = (".parquet", ".jsonl", ".csv")
# Columns of a passage, in the order in which people read them.
COLUMNS = (
    "document",
    "passage",
    "start",
    "end",
    "text",
    "speaker",
    "actor",
    "role",
    "stage",
    "date",
    "kind",
    "context",
    "heading",
    "page",
    "time",
)
SCORE = "score_"
CODING_COLUMNS = ("codes", "coder", "extent", "stances", "inclusion_probability")
# Set before a column of the input that says what others found in the passage.
INPUT = "input_"
CHUNK = 10_000
# Columns in which hardly any value comes again.
UNIQUE = ("passage", "start", "end", "text")


def passage_rows(passages: Iterable[Passage]) -> Iterator[dict[str, Any]]:
    """Passages as rows; further columns of the input follow the known ones."""
    for passage in passages:
        row = {name: passage.id if name == "passage" else getattr(passage, name) for name in COLUMNS}
        row.update((name, value) for name, value in passage.extra if name not in row)
        yield row


def prediction_rows(predictions: Predictions) -> Iterator[dict[str, Any]]:
    """Predictions as rows: a passage's columns, then ``codes``, ``scores`` and ``model``.

    Where the model might abstain, ``abstained`` lists the codes it did not decide on.

    What the input said of codes, coders and scores passes through as ``input_codes``, ``input_coder`` and so on.
    """
    names = input_names(name for passage in predictions.passages for name, _ in passage.extra)
    passages = (replace(one, extra=tuple((names[n], v) for n, v in one.extra)) for one in predictions.passages)
    for number, row in enumerate(passage_rows(passages)):
        chances = predictions.probabilities[number].tolist()
        row["codes"] = list(predictions.codes_of(number))
        row["scores"] = {code: round(chance, 6) for code, chance in zip(predictions.codes, chances, strict=True)}
        if predictions.abstained is not None:
            unsure = zip(predictions.codes, predictions.abstained[number], strict=True)
            row["abstained"] = [code for code, abstains in unsure if abstains]
        row["model"] = predictions.model
        yield row


def input_names(extra: Iterable[str]) -> dict[str, str]:
    """What each further column is called beside predictions: coders' and models' columns as ``input_…``."""
    names = {name: name for name in extra}
    for name in list(names):
        if name in (*CODING_COLUMNS, "scores", "abstained", "model") or name.startswith(SCORE):
            called = INPUT + name
            while called in names.values():  # the input was itself classified from a coded table
                called = INPUT + called
            names[name] = called
    return names


def check_format(path: Path) -> None:
    """Refuse a suffix that cannot be written, before any work is done.

    Raises:
        TableError: names the ones that can.
    """
    if path.suffix.lower() not in WRITABLE:
        raise TableError(path, f"cannot write {path.suffix or 'a file without a suffix'}", f"use {', '.join(WRITABLE)}")


def write(rows: Iterable[Mapping[str, Any]], path: Path, names: Sequence[str] | None = None) -> None:
    """Write rows to a Parquet, JSONL or CSV file, by its suffix.

    In CSV, lists are joined by ``;``, ``scores`` become columns ``score_<code>``, and what a spreadsheet would run gets
    an apostrophe in front, which our own readers take off again (`sibnlp.parsing.cells`).

    Args:
        rows: what to write.
        path: where to.
        names: of all columns, scores as they are in CSV; where given, a CSV is written row by row, and its rows are
            never in memory together.

    Raises:
        TableError: another suffix.
    """
    check_format(path)
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json_lines(rows))
    elif suffix == ".csv":
        _write_csv(rows, path, names)
    else:
        _write_parquet(rows, path)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows as JSONL, one line each with its line end."""
    for row in rows:
        # Lone surrogates (from a damaged source) have no UTF-8: escape everything in such a row.
        line = json.dumps(row, ensure_ascii=False, default=str)
        try:
            line.encode()
        except UnicodeEncodeError:
            line = json.dumps(row, default=str)
        yield line + "\n"


def _write_csv(rows: Iterable[Mapping[str, Any]], path: Path, names: Sequence[str] | None = None) -> None:
    flat: Iterable[dict[str, Any]] = (_flat(row) for row in rows)
    if names is None:
        flat = list(flat)
        names = _names(flat)
    # Spreadsheets take UTF-8 for their own code page unless a byte-order mark says otherwise.
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(map(neutral, names))
        writer.writerows([neutral(row.get(name)) for name in names] for row in flat)


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns of all rows, a passage's own first, the others as they come."""
    found = dict.fromkeys(name for row in rows for name in row)
    return [name for name in COLUMNS if name in found or not rows] + [name for name in found if name not in COLUMNS]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "scores":
            flat.update((SCORE + code, score) for code, score in value.items())
        else:
            value = ";".join(map(str, value)) if isinstance(value, list | tuple) else value
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return flat


def _write_parquet(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    import pyarrow as pa

    rows = list(rows)
    # A user's further columns are text, so that no row can fail to fit.
    schema = pa.schema([(name, arrow_type(name)) for name in _names(rows)])
    with parquet_writer(path, schema) as writer:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            columns = {field.name: [cell(row.get(field.name), field.type) for row in chunk] for field in schema}
            writer.write_table(pa.table(columns, schema=schema))


def parquet_writer(path: Path, schema: Any) -> Any:
    """A `pyarrow.parquet.ParquetWriter` for a table with columns of ours.

    Dictionaries are for columns whose values come again: looking for those of the others costs a fifth more.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    inside = {field.name: field.name for field in schema if field.name not in UNIQUE}
    for field in schema:
        if pa.types.is_list(field.type):
            inside[field.name] += ".list.element"
        elif pa.types.is_map(field.type):
            inside[field.name] += ".key_value.key"
    recurring: Any = list(inside.values())  # the stubs of pyarrow know True and False alone
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=recurring)


def arrow_type(name: str) -> Any:
    """The type of a column in Parquet, by its name; what is not ours is text."""
    import pyarrow as pa

    if name in ("start", "end", "page"):
        return pa.int64()
    if name in ("codes", "abstained"):
        return pa.list_(pa.string())
    return pa.map_(pa.string(), pa.float32()) if name == "scores" else pa.string()


def cell(value: Any, kind: Any) -> Any:
    """A value as a cell of an Arrow column."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_map(kind):
        # In a table of codings that is only cut into passages, scores are a user's column and come as JSON text.
        return list((json.loads(value) if isinstance(value, str) else value).items())
    if pa.types.is_list(kind) and isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    if pa.types.is_string(kind):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return text.encode("utf-8", "replace").decode()
    return value
