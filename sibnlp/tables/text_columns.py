"""Predictions as CSV or JSONL by column: a million rows without a million mappings.

Only tables as `sibnlp classify` writes them are read here, into the columns of `sibnlp.tables.columnar`: every row with
all columns, all scores and one model. Anything else is `UnexpectedError`, and goes the way of `sibnlp.tables.coded`,
which says what is wrong and where.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from sibnlp.parsing import cells
from sibnlp.parsing.decode import CONTROLS, MAX_CONTROLS, foreign_kind
from sibnlp.tables import files
from sibnlp.tables.output import CODING_COLUMNS, SCORE
from sibnlp.tables.rows import KNOWN

# Rows that are turned into arrays at a time.
BATCH = 20_000
NEEDED = frozenset(("document", "passage", "start", "end", "text", "codes", "model"))
NUMBERS, LISTS = ("start", "end", "page"), ("codes", "abstained")
_BUFFER = 1 << 22


class UnexpectedError(Exception):
    """The table holds something that this way of reading it does not know."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A table by column.

    Attributes:
        names: of the columns, scores together as ``scores``.
        n: rows, at most.
        batches: by name, an Arrow array: whole numbers of `NUMBERS`, lists of `LISTS`, text else; and ``scores`` as
            names of k codes and a matrix [b, k].
    """

    names: tuple[str, ...]
    n: int
    batches: Iterator[Mapping[str, Any]]


@contextmanager
def opened(path: Path) -> Iterator[Columns]:
    """A table of the suffix .csv, .tsv or .jsonl.

    Raises:
        UnexpectedError: it is not as `sibnlp classify` writes it; some faults are found only as batches are asked for.
        OSError, ValueError, csv.Error: it cannot be read, or is no UTF-8.
    """
    n = _surveyed(path)
    limit = csv.field_size_limit(files.MAX_FIELD)
    try:
        # Line ends of all kinds become LF, as `sibnlp.parsing.decode` has them.
        with path.open(encoding="utf-8-sig", newline=None) as file:
            yield _jsonl(file, n) if path.suffix.lower() == ".jsonl" else _csv(file, n, path.suffix.lower() == ".tsv")
    finally:
        csv.field_size_limit(limit)


def _surveyed(path: Path) -> int:
    """Lines of a file: no fewer than its rows. What `sibnlp.parsing.decode` refuses or guesses at is unexpected."""
    n = size = n_controls = 0
    with path.open("rb") as file:
        while block := file.read(_BUFFER):
            if not size and foreign_kind(block):
                raise UnexpectedError
            if b"\0" in block:
                raise UnexpectedError
            size += len(block)
            n += block.count(b"\n") + block.count(b"\r")
            n_controls += len(block) - len(block.translate(None, CONTROLS))
    if n_controls > 1 + MAX_CONTROLS * size:
        raise UnexpectedError
    return n + 1


def _checked(names: Sequence[str]) -> None:
    """Refuse names that mean something else than they say."""
    if len(set(names)) < len(names) or NEEDED - set(names):
        raise UnexpectedError
    for name in names:
        lower = name.strip().lower()
        odd = lower in (*KNOWN, "id") and (lower != name or lower == "id")
        if odd or not lower or name != name.strip() or name in CODING_COLUMNS[1:]:
            raise UnexpectedError


def _text(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string())


def _csv(file: TextIO, n: int, tabs: bool) -> Columns:
    first = file.readline()
    if not first.strip():
        raise UnexpectedError
    delimiter = "\t" if tabs else files.delimiter_of(first)
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    header = next(reader)
    _checked(header)
    ours = cells.is_ours(header)
    # `scores` is a cell of JSON: nobody writes it beside columns of scores.
    if "scores" in header or any(name.startswith("'") for name in header):
        raise UnexpectedError
    codes = [name.removeprefix(SCORE) for name in header if name.startswith(SCORE)]
    if not codes or not all(codes):
        raise UnexpectedError
    names = (*(name for name in header if not name.startswith(SCORE)), "scores")

    return Columns(names, n, _csv_batches(reader, header, codes, ours))


def _csv_batches(
    reader: Iterator[list[str]], header: Sequence[str], codes: Sequence[str], ours: bool
) -> Iterator[Mapping[str, Any]]:
    while rows := [row for row in islice(reader, BATCH) if row]:
        if set(map(len, rows)) != {len(header)}:
            raise UnexpectedError
        found = dict(zip(header, (_text(column) for column in zip(*rows, strict=True)), strict=True))
        if ours:
            found = {name: _restored(column) for name, column in found.items()}
        scores = np.stack([_floats(found.pop(SCORE + code)) for code in codes], axis=1)
        for name in found.keys() & {*NUMBERS, *LISTS}:
            found[name] = _lists(found[name]) if name in LISTS else _integers(found[name], name == "page")
        yield {**found, "scores": (codes, scores)}


def _restored(column: Any) -> Any:
    """Cells with what keeps spreadsheets from running them taken off again."""
    import pyarrow.compute as pc

    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return _text([cells.restored(one) if one.startswith("'") else one for one in column.to_pylist()])


def _floats(column: Any) -> Any:
    """[b] numbers, in full precision; an empty cell or any other text is an error."""
    import pyarrow as pa

    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _integers(column: Any, gaps: bool) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.utf8_trim_whitespace(column)
    if gaps:
        column = pc.if_else(pc.equal(column, pa.scalar("")), pa.scalar(None, pa.string()), column)
    if not pc.all(pc.match_substring_regex(column, r"^[0-9]{1,18}$"), min_count=0).as_py():
        raise UnexpectedError
    return column.cast(pa.int64())


def _lists(column: Any) -> Any:
    """Codes joined by semicolons, each combination taken apart once."""
    import pyarrow as pa

    encoded = column.dictionary_encode()
    parts = []
    for value in encoded.dictionary.to_pylist():
        if value.lstrip().startswith("["):
            raise UnexpectedError
        parts.append([part.strip() for part in value.split(";") if part.strip()])
    return pa.array(parts, pa.list_(pa.string())).take(encoded.indices)


def _jsonl(file: TextIO, n: int) -> Columns:
    lines = (line for line in file if line.strip())
    start = [row for row in map(json.loads, islice(lines, 1)) if isinstance(row, dict)]
    if not start:
        raise UnexpectedError
    names = tuple(start[0])
    _checked(names)
    if "scores" not in names or any(name.startswith(SCORE) for name in names) or not isinstance(
        start[0]["scores"], dict
    ):  # fmt: skip
        raise UnexpectedError
    codes = list(start[0]["scores"])

    def batches() -> Iterator[Mapping[str, Any]]:
        rows = start + list(map(json.loads, islice(lines, BATCH - 1)))
        while rows:
            if not all(isinstance(row, dict) and tuple(row) == names for row in rows):
                raise UnexpectedError
            yield _columns(rows, names, codes)
            rows = list(map(json.loads, islice(lines, BATCH)))

    return Columns(names, n, batches())


def _columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str], codes: Sequence[str]) -> Mapping[str, Any]:
    import pyarrow as pa

    kinds: dict[str, tuple[set[type], Callable[[list[Any]], Any]]] = {
        **dict.fromkeys(("start", "end"), ({int}, lambda values: pa.array(values, pa.int64()))),
        "page": ({int, type(None)}, lambda values: pa.array(values, pa.int64())),
        **dict.fromkeys(LISTS, ({list, type(None)}, lambda values: pa.array(values, pa.list_(pa.string())))),
        "scores": ({dict}, lambda values: _matrix(values, codes)),
    }
    found = {}
    for name in names:
        allowed, made = kinds.get(name, ({str, type(None)}, _text))
        values = [row[name] for row in rows]
        if not set(map(type, values)) <= allowed:
            raise UnexpectedError
        found[name] = made(values)
    return found


def _matrix(scores: Sequence[Mapping[str, Any]], codes: Sequence[str]) -> tuple[Sequence[str], Any]:
    if not all(list(one) == codes for one in scores):
        raise UnexpectedError
    matrix = np.array([list(one.values()) for one in scores])
    if matrix.dtype.kind not in "fi":
        raise UnexpectedError
    return codes, matrix
