"""Large tables in ranges of rows: found in one pass, read one at a time, the whole never in memory.

CSV and JSONL ranges are runs of bytes between two rows, Parquet ranges lie within a row group. Each carries what its
rows cannot know by themselves (header, number of the first row, place in the text of record), so that any process can
read it, and a hash of its content. Small tables, workbooks and text that is not UTF-8 are read whole
(`sibnlp.tables.files`): the other encodings can only be told by all of the file.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from sibnlp.errors import ReadError, RepeatedIdError
from sibnlp.parsing.decode import MARKS, foreign_kind
from sibnlp.places import name_of, open_binary, size_of
from sibnlp.tables import files
from sibnlp.tables.rows import IDENTIFYING, passages_from_rows, room
from sibnlp.types import Passage

# Rows of a range: enough to be worth a process's while, few enough that losing one to a pulled plug costs little.
ROWS = 1024
# Tables in text up to this size, in bytes, are read whole.
WHOLE = 1 << 20
IN_TEXT = (".csv", ".tsv", ".jsonl")
_BUFFER = 1 << 20
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows of a table that are read together.

    Attributes:
        index: number of the range, from 0.
        first: number of its first row as messages have it.
        start, end: bytes of the file; rows of the row group in Parquet.
        at: where in the text of record its first row begins.
        group: row group, in Parquet.
        header: names of the columns; empty in JSONL.
        delimiter: of a CSV.
        sha256: of its content.
    """

    index: int
    first: int
    start: int
    end: int
    at: int
    group: int
    header: tuple[str, ...]
    delimiter: str
    sha256: str

    @property
    def key(self) -> str:
        """Hash of all that its passages follow from, but for the table's id."""
        told = json.dumps([self.sha256, self.first, self.at, self.header, self.delimiter])
        return hashlib.sha256(told.encode()).hexdigest()


def has_ranges(place: str) -> bool:
    """Whether a table is large, and of a kind that can be read in ranges.

    Raises:
        OSError: it cannot be opened.
    """
    suffix = suffix_of(place)
    if suffix == ".parquet":
        try:
            with open_binary(place) as file:
                return bool(_parquet(file).metadata.num_rows > ROWS)
        except ReadError:
            return False  # reading it whole says what is wrong
    if suffix not in IN_TEXT or size_of(place) <= WHOLE:
        return False
    with open_binary(place) as file:
        return _is_utf8(file)


def ranges(place: str) -> Iterator[RowRange]:
    """The ranges of a table for which `has_ranges` holds, in order; reads it once.

    Raises:
        ReadError: no ``text`` column, a quote that is never closed, an id that two rows share (known only at the end).
    """
    seen = array("Q")
    yield from _scan(place, seen)
    if twice := _twice(seen):
        places: dict[str, int] = {}
        for number, own in _ids(place):
            if own and _digest(own) in twice:
                if own in places:
                    raise RepeatedIdError(
                        place, f"the id {own!r} stands in row {places[own]} and row {number}", "make ids unique"
                    )
                places[own] = number


class RowReader:
    """Reads the ranges of tables; keeps the last Parquet file open, since ranges are mostly asked for in order."""

    def __init__(self) -> None:
        self._open: tuple[str, int] | None = None
        self._file: BinaryIO | None = None
        self._batches: Iterator[Any] = iter(())
        self._at = 0

    def passages(self, place: str, part: RowRange, document_id: str) -> tuple[list[Passage], int]:
        """Passages of a range, and how many of its rows have no text.

        Raises:
            ReadError: damaged, a ragged row, an id that two rows share, a date that is none; names the row.
            OSError: the file cannot be opened.
        """
        if suffix_of(place) == ".parquet":
            rows = self._parquet_rows(place, part)
            places = [f"row {part.first + number}" for number in range(len(rows))]
        else:
            with open_binary(place) as file:
                file.seek(part.start)
                text = _normal(file.read(part.end - part.start).decode("utf-8"))
            rows, places = _jsonl_rows(text, place, part) if not part.header else _csv_rows(text, place, part)
        passages = passages_from_rows(rows, place, document_id, places, at=part.at)
        return passages, len(rows) - len(passages)

    def _parquet_rows(self, place: str, part: RowRange) -> list[dict[str, Any]]:
        import pyarrow as pa

        if self._open != (place, part.group) or self._at > part.start:
            self.close()
            self._file = open_binary(place)
            self._batches = _parquet(self._file).iter_batches(ROWS, row_groups=[part.group], use_threads=False)
            self._open, self._at = (place, part.group), 0
        try:
            while self._at < part.end:
                batch = next(self._batches)
                start, self._at = self._at, self._at + batch.num_rows
                if start == part.start and self._at == part.end:
                    return list(batch.rename_columns(list(part.header)).to_pylist())
        except (pa.ArrowException, OSError, ValueError) as error:
            self.close()
            raise ReadError(place, f"damaged Parquet table ({str(error).splitlines()[0][:160]})") from error
        except StopIteration:
            pass
        self.close()
        raise ReadError(place, "changed while it was read", "run it again")

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._open = self._file = None
        self._batches = iter(())


def suffix_of(place: str) -> str:
    """Suffix of a file's name, in lower case; of a path or a URI."""
    return "." + name_of(place).rpartition(".")[2].lower()


def _is_utf8(file: BinaryIO) -> bool:
    """Whether all of a file is text in UTF-8, without a mark of another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    head = True
    try:
        while chunk := file.read(_BUFFER):
            if head and (foreign_kind(chunk) or any(chunk.startswith(mark) for mark, _ in MARKS)):
                return False
            head = False
            if b"\0" in chunk:
                return False
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _normal(text: str) -> str:
    """LF line ends and no byte order mark, as `sibnlp.parsing.decode` has it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Lines(Iterator[str]):
    """Lines of a file in UTF-8, line ends unified; knows how many bytes it gave out, and their hash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] = []
        self.position, self.number = 0, 0
        self._hash = hashlib.sha256()

    def __next__(self) -> str:
        if not self._waiting:
            raw = self._file.readline()
            if not raw:
                raise StopIteration
            # More than one only where lone carriage returns end lines.
            self._waiting = _LINE.findall(raw)[::-1] if b"\r" in raw else [raw]
        raw = self._waiting.pop()
        text = _normal(raw.decode("utf-8"))
        text = text if self.position else text.lstrip("\ufeff")
        self.position += len(raw)
        self.number += 1
        self._hash.update(raw)
        return text

    def digest(self) -> str:
        found, self._hash = self._hash.hexdigest(), hashlib.sha256()
        return found


def _scan(place: str, seen: array[int]) -> Iterator[RowRange]:
    with open_binary(place) as file:
        if suffix_of(place) == ".parquet":
            yield from _scan_parquet(file, place, seen)
        elif suffix_of(place) == ".jsonl":
            yield from _scan_text(_Lines(file), _json_records, (), "", seen)
        else:
            lines = _Lines(file)
            head = next((line for line in lines if line.strip()), "")
            skipped = lines.number - 1
            delimiter = "\t" if suffix_of(place) == ".tsv" else files.delimiter_of(head)
            # The header may go on over several lines, so it is read again by the reader of the rows.
            file.seek(0)
            lines = _Lines(file)
            for _ in range(skipped):
                next(lines)
            csv.field_size_limit(files.MAX_FIELD)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                header = tuple(files.header_of(next(reader), place))
                lines.digest()
                yield from _scan_text(
                    lines, lambda _: _csv_records(reader, header), header, delimiter, seen, skipped + 1
                )
            except csv.Error as error:
                raise ReadError(place, f"not a proper table: {error}", place=f"line {lines.number}") from error


def _csv_records(reader: Iterable[list[str]], header: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for cells in reader:
        yield dict(zip(header, cells, strict=False))


def _json_records(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            row = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            row = {}  # the reader of its range says what is wrong with it
        yield row if isinstance(row, dict) else {}


def _scan_text(
    lines: _Lines, records: Any, header: tuple[str, ...], delimiter: str, seen: array[int], number: int = 0
) -> Iterator[RowRange]:
    """Ranges of a table in text.

    Args:
        lines: of the file, after the header.
        records: from lines to one mapping a row.
        header, delimiter: of a CSV.
        seen: is filled with hashes of ids.
        number: of rows read before.
    """
    index = n_read = at = moved = 0
    start, first = lines.position, number + 1
    for row in records(lines):
        number += 1
        n_read += 1
        room_, own = room(row)
        moved += room_
        if own:
            seen.append(_digest(own))
        if n_read >= ROWS:
            yield RowRange(index, first, start, lines.position, at, -1, header, delimiter, lines.digest())
            index, start, first = index + 1, lines.position, number + 1
            at, n_read, moved = at + moved, 0, 0
    if n_read:
        yield RowRange(index, first, start, lines.position, at, -1, header, delimiter, lines.digest())


def _scan_parquet(file: BinaryIO, place: str, seen: array[int]) -> Iterator[RowRange]:
    import pyarrow as pa

    table = _parquet(file)
    header = tuple(files.header_of(table.schema_arrow.names, place))
    told = [number for number, name in enumerate(header) if name.lower() in IDENTIFYING]
    index, at, first = 0, 0, 1
    try:
        for group in range(table.num_row_groups):
            start = 0
            for batch in table.iter_batches(ROWS, row_groups=[group], use_threads=False):
                content = hashlib.sha256(str(batch.schema).encode())
                content.update(batch.serialize())
                digest = content.hexdigest()
                yield RowRange(index, first, start, start + batch.num_rows, at, group, header, "", digest)
                for row in batch.select(told).rename_columns([header[number] for number in told]).to_pylist():
                    moved, own = room(row)
                    at += moved
                    if own:
                        seen.append(_digest(own))
                index, first, start = index + 1, first + batch.num_rows, start + batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ReadError(place, f"damaged Parquet table ({str(error).splitlines()[0][:160]})") from error


def _parquet(file: BinaryIO) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Buffered: a column of a row group is otherwise read at once, and a row group may be the whole table.
        return pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise ReadError(getattr(file, "name", "table"), f"damaged or no Parquet table ({reason[:160]})") from error


def _csv_rows(text: str, place: str, part: RowRange) -> tuple[list[dict[str, Any]], list[str]]:
    csv.field_size_limit(files.MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=part.delimiter, strict=True)
    return files.csv_rows(enumerate(reader, part.first), part.header, place)


def _jsonl_rows(text: str, place: str, part: RowRange) -> tuple[list[dict[str, Any]], list[str]]:
    return files.jsonl_rows(enumerate(text.split("\n"), part.first), place)


def _digest(own: str) -> int:
    return int.from_bytes(hashlib.blake2b(own.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _twice(seen: array[int]) -> frozenset[int]:
    """Hashes that occur more than once; leaves them sorted."""
    import numpy as np

    # Sorted where they are: a table of ten million rows has 80 MB of them.
    found = np.frombuffer(seen, dtype=np.uint64) if seen else np.empty(0, dtype=np.uint64)
    found.sort()
    return frozenset(found[1:][found[1:] == found[:-1]].tolist())


def _ids(place: str) -> Iterator[tuple[int, str]]:
    """Number and id of every row."""
    reader = RowReader()
    for part in _scan(place, array("Q")):
        if part.group >= 0:
            rows = reader._parquet_rows(place, part)
            yield from ((part.first + number, room(row)[1]) for number, row in enumerate(rows))
            continue
        with open_binary(place) as file:
            file.seek(part.start)
            text = _normal(file.read(part.end - part.start).decode("utf-8"))
        rows, places = _jsonl_rows(text, place, part) if not part.header else _csv_rows(text, place, part)
        for row, told in zip(rows, places, strict=True):
            yield int(told.rpartition(" ")[2]), room(row)[1]
