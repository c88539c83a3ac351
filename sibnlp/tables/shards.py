"""Predictions in shards: one Parquet file a unit of work, and many of them as one table.

A shard holds rows exactly as `sibnlp.tables.prediction_rows` would give them, in columns of fixed types whatever the
input's further columns are, so that any shard can be read beside any other: further columns stand as JSON in one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from sibnlp.tables.output import CHUNK, COLUMNS, SCORE, arrow_type, cell, input_names, parquet_writer, write
from sibnlp.types import Passage, Predictions

NUMBERS = ("start", "end", "page")
# Rows that are written together.
GROUP = 1024
# What the shard says of itself, in its footer.
ABOUT = b"sibnlp"


@dataclass(frozen=True, slots=True)
class Layout:
    """What all rows of a run have besides a passage's own columns.

    Attributes:
        model: the model's name; empty where passages are only cut, and none of the others holds.
        codes: ids of its codes.
        abstains: whether there is a column ``abstained``.
        explains: whether there is a column ``explanation``.
    """

    model: str
    codes: tuple[str, ...]
    abstains: bool = False
    explains: bool = False


class ShardWriter:
    """Writes rows to a Parquet file; nothing of it can be read before `close`.

    Args:
        path: the file.
        layout: of the run.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.layout = layout
        self._schema = _schema(layout)
        # Written once and read once, soon: what makes a file small or quick to search costs more here than it saves.
        packed: dict[str, Any] = {field.name: "lz4" if field.type == pa.string() else "none" for field in self._schema}
        self._writer = pq.ParquetWriter(
            path, self._schema, compression=packed, use_dictionary=False, write_statistics=False
        )
        self._waiting: list[Any] = []
        self.names: dict[str, None] = {}

    def add(self, predictions: Predictions, explanations: Sequence[Mapping[str, str]] | None = None) -> None:
        """Write predictions of a model, with what `sibnlp.explain.explain` says of each where the layout has it."""
        import numpy as np
        import pyarrow as pa

        columns = self._passages(predictions.passages)
        codes = predictions.codes
        columns["codes"] = _lists(codes, predictions.assigned)
        # As Python rounds: a float32 times a million is exact in float64, and so is numpy's way of scaling then.
        rounded = np.round(predictions.probabilities.astype(np.float64).ravel(), 6)
        columns["scores"] = pa.FixedSizeListArray.from_arrays(pa.array(rounded, pa.float64()), len(codes))
        if self.layout.abstains:
            unsure = predictions.abstained
            columns["abstained"] = _lists(codes, np.zeros_like(predictions.assigned) if unsure is None else unsure)
        if self.layout.explains:
            columns["explanation"] = pa.array([json.dumps(one) for one in explanations or ()], pa.string())
        self._write(pa.table([columns[field.name] for field in self._schema], schema=self._schema))

    def add_passages(self, passages: Sequence[Passage]) -> None:
        """Write passages that nobody codes."""
        import pyarrow as pa

        columns = self._passages(passages)
        self._write(pa.table([columns[field.name] for field in self._schema], schema=self._schema))

    def copy(self, shard: Path, start: int, n: int) -> None:
        """Write n rows of another shard, from row ``start`` on."""
        at = 0
        for table in read(shard):
            first, last = max(start - at, 0), min(start + n - at, table.num_rows)
            at += table.num_rows
            if first < last:
                part = table.slice(first, last - first)
                for told in part.column("extra").to_pylist():
                    self.names.update((name, None) for name, _ in json.loads(told or "[]"))
                self._write(part.cast(self._schema))
            if at >= start + n:
                break

    def close(self, about: Mapping[str, Any]) -> None:
        """Finish the file, with what it says of itself; plain JSON values."""
        self._flush()
        self._writer.add_key_value_metadata({ABOUT.decode(): json.dumps(about)})
        self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not be used."""
        self._writer.close()

    def _write(self, table: Any) -> None:
        self._waiting.append(table)
        if sum(one.num_rows for one in self._waiting) >= GROUP:
            self._flush()

    def _flush(self) -> None:
        """Write what waits as one row group: many small ones cost more than their rows."""
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting = []

    def _passages(self, passages: Sequence[Passage]) -> dict[str, Any]:
        import pyarrow as pa

        fields = {name: list(map(attrgetter("id" if name == "passage" else name), passages)) for name in COLUMNS}
        columns: dict[str, Any] = {}
        damaged: dict[int, dict[str, str]] = {}
        for name, values in fields.items():
            kind = pa.int64() if name in NUMBERS else pa.string()
            try:
                columns[name] = pa.array(values, kind)
            except UnicodeEncodeError:
                # Lone surrogates (from a damaged source) have no UTF-8; what stands there is kept as JSON beside.
                for row, value in enumerate(values):
                    clean = value and value.encode("utf-8", "replace").decode()
                    if clean != value:
                        values[row], damaged.setdefault(row, {})[name] = clean, value
                columns[name] = pa.array(values, kind)
        told = [json.dumps(damaged[row]) if row in damaged else None for row in range(len(passages))]
        columns["damaged"] = pa.array(told, pa.string())
        for one in passages:
            if one.extra:
                self.names.update((name, None) for name, _ in one.extra)
        told = [json.dumps(one.extra, default=str) if one.extra else None for one in passages]
        columns["extra"] = pa.array(told, pa.string())
        return columns


def read(shard: Path) -> Iterator[Any]:
    """A shard's rows as Arrow tables, a row group each.

    Raises:
        OSError, pyarrow.ArrowException: it is no shard, or damaged.
    """
    import pyarrow.parquet as pq

    # Small files, read beside processes that work: threads would only get in their way.
    with pq.ParquetFile(shard, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, use_threads=False)


def about(shard: Path) -> dict[str, Any] | None:
    """What a shard says of itself; None where it is none, or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = (pq.read_metadata(shard).metadata or {}).get(ABOUT)
        found = json.loads(told) if told else None
    except (pa.ArrowException, OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def join(tables: Iterable[Any], layout: Layout, extra: Sequence[str], path: Path) -> None:
    """Write the rows of shards as one table.

    Args:
        tables: from `read`, in order; they are taken one at a time.
        layout: of the run.
        extra: all further columns that occur.
        path: where to; its suffix says the format.

    Raises:
        TableError: another suffix.
    """
    if path.suffix.lower() == ".parquet":
        _join_parquet(tables, layout, extra, path)
    else:
        write(rows(tables, layout, extra), path, names=[*_names(layout, extra, flat=True)])


def rows(tables: Iterable[Any], layout: Layout, extra: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of shards as `sibnlp.tables.prediction_rows` gives them (or ``passage_rows``, without a model)."""
    called = input_names(extra) if layout.model else dict.fromkeys(extra, "") | {name: name for name in extra}
    for table in tables:
        for start in range(0, table.num_rows, CHUNK):
            for stored in table.slice(start, CHUNK).to_pylist():
                row = {name: stored[name] for name in COLUMNS}
                if stored["damaged"]:
                    row |= json.loads(stored["damaged"])
                for name, value in json.loads(stored["extra"] or "[]"):
                    row.setdefault(called[name], value)
                if layout.model:
                    row["codes"] = stored["codes"]
                    row["scores"] = dict(zip(layout.codes, stored["scores"], strict=True))
                    if layout.abstains:
                        row["abstained"] = stored["abstained"]
                    row["model"] = layout.model
                    if layout.explains:
                        row["explanation"] = json.loads(stored["explanation"])
                yield row


def _schema(layout: Layout) -> Any:
    import pyarrow as pa

    fields: list[tuple[str, Any]] = [(name, pa.int64() if name in NUMBERS else pa.string()) for name in COLUMNS]
    fields += [("extra", pa.string()), ("damaged", pa.string())]
    if layout.model:
        fields += [("codes", pa.list_(pa.string())), ("scores", pa.list_(pa.float64(), len(layout.codes)))]
        fields += [("abstained", pa.list_(pa.string()))] if layout.abstains else []
        fields += [("explanation", pa.string())] if layout.explains else []
    return pa.schema(fields)


def _lists(codes: Sequence[str], holds: Any) -> Any:
    """Per row, the codes that hold, as an Arrow list: bool [n, k]."""
    import numpy as np
    import pyarrow as pa

    offsets = np.concatenate([[0], holds.sum(axis=1).cumsum()])
    values = pa.array(list(codes), pa.string()).take(pa.array(np.nonzero(holds)[1], pa.int64()))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _names(layout: Layout, extra: Sequence[str], flat: bool = False) -> Iterator[str]:
    """Columns of the whole table, in order."""
    yield from COLUMNS
    called = input_names(extra) if layout.model else {name: name for name in extra}
    yield from (name for name in dict.fromkeys(called.values()) if name not in COLUMNS)
    if layout.model:
        yield "codes"
        yield from (SCORE + code for code in layout.codes) if flat else ("scores",)
        yield from ("abstained",) if layout.abstains else ()
        yield "model"
        yield from ("explanation",) if layout.explains else ()


def _join_parquet(tables: Iterable[Any], layout: Layout, extra: Sequence[str], path: Path) -> None:
    import pyarrow as pa

    own = (*COLUMNS, "codes", "scores", "abstained", "model", "explanation") if layout.model else COLUMNS
    schema = pa.schema(
        [(name, arrow_type(name) if name in own or not layout.model else pa.string()) for name in _names(layout, extra)]
    )
    same = _same(layout) if layout.model else {}
    with parquet_writer(path, schema) as writer:
        for table in _rechunked(tables):
            writer.write_table(_final(table, same, layout, extra, schema))


def _rechunked(tables: Iterable[Any]) -> Iterator[Any]:
    """The rows of tables in tables of `CHUNK` rows: what is written depends on nothing but the rows."""
    waiting: list[Any] = []
    for table in tables:
        waiting.append(table)
        while sum(one.num_rows for one in waiting) >= CHUNK:
            yield _taken(waiting)
    while waiting:
        yield _taken(waiting)


def _taken(waiting: list[Any]) -> Any:
    """The first `CHUNK` rows of tables, taken off them: nobody holds what they come from while they are written."""
    import pyarrow as pa

    whole = pa.concat_tables(waiting)
    rest = whole.slice(CHUNK)
    waiting[:] = [rest] if rest.num_rows else []
    return whole.slice(0, CHUNK).combine_chunks()


def _same(layout: Layout) -> dict[str, Any]:
    """What is the same in every table of `CHUNK` rows: codes that have scores, where each row's begin, the model.

    Put together from their bytes: for a Python list Arrow would import all of pandas, where that is installed, and the
    process that joins shards has no other use for it.
    """
    import numpy as np
    import pyarrow as pa

    def repeated(values: Sequence[str]) -> Any:
        raw = [value.encode() for value in values] * CHUNK
        ends = np.cumsum([0, *map(len, raw)], dtype=np.int32)
        return pa.StringArray.from_buffers(len(raw), pa.py_buffer(cast(Any, ends)), pa.py_buffer(b"".join(raw)))

    starts = np.arange(CHUNK + 1, dtype=np.int32) * len(layout.codes)
    return {
        "codes": repeated(layout.codes),
        "starts": _numbers(pa.int32(), starts),
        "model": repeated([layout.model]),
    }


def _numbers(kind: Any, values: Any) -> Any:
    """An Arrow array of a numpy array of that type."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _final(table: Any, same: Mapping[str, Any], layout: Layout, extra: Sequence[str], schema: Any) -> Any:
    """A table of at most `CHUNK` rows of shards in the columns of the whole."""
    import numpy as np
    import pyarrow as pa

    n = table.num_rows
    columns = {name: table.column(name) for name in table.column_names if name not in ("extra", "damaged")}
    if layout.model:
        keys = same["codes"].slice(0, n * len(layout.codes))
        scores: Any = table.column("scores").combine_chunks()
        scores = scores.chunk(0) if isinstance(scores, pa.ChunkedArray) else scores
        first = scores.values.offset + scores.offset * len(layout.codes)
        values = np.frombuffer(scores.values.buffers()[1], np.float64)[first:][: len(keys)].astype(np.float32)
        numbers = _numbers(pa.float32(), values)
        columns["scores"] = pa.MapArray.from_arrays(same["starts"].slice(0, n + 1), keys, numbers)
        columns["model"] = same["model"].slice(0, n)
    if extra:
        called = input_names(extra) if layout.model else {name: name for name in extra}
        pairs = [dict(reversed(json.loads(told))) if told else {} for told in table.column("extra").to_pylist()]
        for name, title in called.items():
            if title not in COLUMNS:
                kind = schema.field(title).type
                columns[title] = pa.array([cell(own.get(name), kind) for own in pairs], kind)
    return pa.table([columns[field.name] for field in schema], schema=schema)
