"""Predictions of a table by column: a million passages without a million objects.

Only tables as `sibnlp classify` writes them are read here; any other, and any with a fault in it, goes the way of
`sibnlp.tables.coded`, which says what is wrong and where. A test holds the two ways against each other.
"""

from __future__ import annotations

import csv
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from sibnlp.errors import ReadError
from sibnlp.tables import text_columns
from sibnlp.tables.output import CODING_COLUMNS, COLUMNS, SCORE
from sibnlp.tables.rows import KNOWN, iso_date
from sibnlp.tables.text_columns import BATCH, UnexpectedError
from sibnlp.types import Passage, Predictions

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.int64]
# Columns whose values many passages share: kept as numbers into a list of values.
SHARED = ("document", "speaker", "actor", "role", "stage", "date", "kind", "context", "heading", "time")
_NOT_EXTRA = frozenset((*COLUMNS, "codes", "scores", "abstained", "model"))


class PassageTable(Sequence[Passage]):
    """Passages held by column; one is made when it is asked for.

    Args:
        texts, ids: Arrow strings, n of each.
        numbers: int [n] by name: ``start``, ``end``, ``page`` (−1 where unknown) and ``n_words``.
        shared: by column, number of each row's value, and the values; further columns as ``extra.NAME``, in order.
    """

    def __init__(
        self,
        texts: Any,
        ids: Any,
        numbers: Mapping[str, Numbers],
        shared: Mapping[str, tuple[NDArray[np.int32], Sequence[str | None]]],
        rows: Numbers | None = None,
    ) -> None:
        self._texts, self._ids, self._numbers, self._shared = texts, ids, numbers, shared
        # A part of a table shares its columns.
        self._rows = rows
        self.extra_names = tuple(name.removeprefix("extra.") for name in shared if name.startswith("extra."))
        self._groups: dict[tuple[str, ...], tuple[NDArray[np.integer[Any]], Numbers]] = {}

    def __len__(self) -> int:
        return len(self._texts) if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Passage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Passage]: ...
    def __getitem__(self, index: int | slice) -> Passage | Sequence[Passage]:
        if isinstance(index, slice):
            return self.taken(np.arange(len(self))[index])
        place = operator.index(index)
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        return self._made(place if self._rows is None else int(self._rows[place]))

    def __iter__(self) -> Iterator[Passage]:
        return (self[row] for row in range(len(self)))

    def _made(self, row: int) -> Passage:
        def of(name: str) -> str | None:
            numbers, values = self._shared[name]
            return values[int(numbers[row])]

        page = int(self._numbers["page"][row])
        return Passage(
            id=self._ids[row].as_py(),
            document=of("document") or "",
            start=int(self._numbers["start"][row]),
            end=int(self._numbers["end"][row]),
            text=self._texts[row].as_py(),
            speaker=of("speaker"),
            actor=of("actor"),
            role=of("role"),
            stage=of("stage"),
            date=of("date"),
            kind=of("kind"),
            context=of("context") or "",
            heading=of("heading") or "",
            page=page if page >= 0 else None,
            time=of("time"),
            extra=tuple((name, of(f"extra.{name}")) for name in self.extra_names),
        )

    def outlines(self, rows: Iterable[int], fields: Sequence[str]) -> Iterator[Passage]:
        """As `sibnlp.columns.outlines`."""
        if not all(name in self._shared or name.startswith("extra.") for name in fields):
            yield from (self[row] for row in rows)
            return
        own = [(name, *self._shared[name]) for name in fields if name in self._shared and not name.startswith("extra.")]
        further = [name for name in fields if name in self._shared and name.startswith("extra.")]
        extra = [(name.removeprefix("extra."), *self._shared[name]) for name in further]
        for row in rows:
            place = row if self._rows is None else int(self._rows[row])
            told: dict[str, Any] = {"document": ""}
            for name, numbers, values in own:
                if (value := values[numbers[place]]) is not None:
                    told[name] = value
            pairs = tuple((name, values[numbers[place]]) for name, numbers, values in extra)
            yield Passage(id="", start=0, end=1, text="", extra=pairs, **told)

    def taken(self, rows: Numbers) -> PassageTable:
        """The passages of some rows."""
        own = rows if self._rows is None else self._rows[rows]
        return PassageTable(self._texts, self._ids, self._numbers, self._shared, own)

    def restaged(self, number: Numbers, names: Sequence[str | None]) -> PassageTable:
        """As `sibnlp.columns.restaged`."""
        own = number.astype(np.int32)
        if self._rows is not None:
            own = np.zeros(len(self._texts), dtype=np.int32)
            own[self._rows] = number
        return PassageTable(
            self._texts, self._ids, self._numbers, {**self._shared, "stage": (own, tuple(names))}, self._rows
        )

    def column(self, name: str) -> Numbers:
        """A column of whole numbers, as ``start``; pages that are unknown are −1."""
        return self._numbers[name] if self._rows is None else self._numbers[name][self._rows]

    def filled(self, field: str) -> NDArray[np.bool_]:
        """As `sibnlp.columns.filled`."""
        numbers, values = self._shared[field]
        own = numbers if self._rows is None else numbers[self._rows]
        return np.array([bool(value) for value in values], dtype=np.bool_)[own]

    def n_words(self) -> Numbers:
        """[n] white-space separated words."""
        return self.column("n_words")

    def ids(self) -> Iterator[str]:
        """Ids, in order."""
        own = self._ids if self._rows is None else self._ids.take(self._rows)
        return (str(id) for chunk in own.chunks for id in chunk.to_pylist())

    def grouped(self, *fields: str) -> tuple[Numbers, Numbers]:
        """As `sibnlp.columns.grouped`."""
        if fields not in self._groups:
            made, first = self._group(fields)
            self._groups[fields] = made.astype(np.int32), first  # half the room while nobody asks
        number, first = self._groups[fields]
        return number.astype(np.int64), first

    def _group(self, fields: tuple[str, ...]) -> tuple[Numbers, Numbers]:
        place = np.zeros(len(self), dtype=np.int64)
        for field in fields:
            if field not in self._shared:
                continue  # a column that nobody has: nothing to tell apart
            numbers, values = self._shared[field]
            own = numbers if self._rows is None else numbers[self._rows]
            place = place * len(values) + own
            if len(fields) > 1:
                place = _ranked(place)
        number = _ranked(place)
        n = len(number)
        first = np.empty(int(number.max(initial=-1)) + 1, dtype=np.int64)
        first[number[::-1]] = np.arange(n - 1, -1, -1)  # of several the last is kept, which is the first
        return number, first


def _ranked(values: Numbers) -> Numbers:
    """Values as numbers, by first appearance; by hashing, which is many times as fast as sorting a million.

    >>> _ranked(np.array([7, 2, 7, 9])).tolist()
    [0, 1, 0, 2]
    """
    import pyarrow as pa

    return np.asarray(pa.array(values).dictionary_encode().indices.to_numpy(zero_copy_only=False)).astype(np.int64)


def read(path: Path) -> Predictions | None:
    """Read predictions by column; None where the table is not as `sibnlp classify` writes it."""
    import pyarrow as pa

    try:
        if path.suffix.lower() == ".parquet":
            found = _of_parquet(path)
        elif path.suffix.lower() in (".csv", ".tsv", ".jsonl"):
            with text_columns.opened(path) as columns:
                found = _Reader(columns.names, columns.n).predictions(columns.batches)
        else:
            return None
        pa.default_memory_pool().release_unused()
        return found
    except MemoryError as error:
        raise ReadError(path, "reading it takes too much memory", "split it") from error
    except (pa.ArrowException, OSError, ValueError, RecursionError, csv.Error, ReadError, UnexpectedError):
        return None  # the other way says what is wrong, and where


def unfolded(path: Path) -> int | None:
    """Bytes that a table takes once it is unpacked, without holding them; None where `read` leaves it to others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False)
        if not _expected(file.schema_arrow):
            return None
        return sum(batch.nbytes for batch in file.iter_batches(batch_size=BATCH))
    except MemoryError:  # Arrow's own is an ArrowException too, and says nothing of the table
        raise
    except (pa.ArrowException, OSError, ValueError):
        return None


def _of_parquet(path: Path) -> Predictions:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, pre_buffer=False)  # else the whole file is held beside what is read of it
    if not _expected(file.schema_arrow):
        raise UnexpectedError
    names = file.schema_arrow.names
    batches = ({name: batch.column(name) for name in names} for batch in file.iter_batches(batch_size=BATCH))
    return _Reader(names, int(file.metadata.num_rows)).predictions(batches)


def _expected(schema: pa.Schema) -> bool:
    import pyarrow as pa

    kinds = {name: schema.field(name).type for name in schema.names}
    if len(kinds) < len(schema.names) or not {"document", "passage", "start", "end", "text", "codes", "scores",
                                              "model"} <= set(kinds):  # fmt: skip
        return False
    for name, kind in kinds.items():
        if name in ("start", "end", "page"):
            fits = pa.types.is_integer(kind)
        elif name in ("codes", "abstained"):
            fits = pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
        elif name == "scores":
            fits = pa.types.is_map(kind) and pa.types.is_string(kind.key_type) and pa.types.is_floating(kind.item_type)
        else:
            fits = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        lower = name.strip().lower()
        odd = lower in (*KNOWN, "id") and (lower != name or lower == "id")
        if not fits or odd or name in CODING_COLUMNS[1:] or name.startswith(SCORE):
            return False
    return True


class _Reader:
    """Reads one file, batch by batch.

    Args:
        names: of its columns.
        n: rows, at most.
    """

    def __init__(self, names: Sequence[str], n: int) -> None:
        self.names = names
        self.extra = [name for name in self.names if name not in _NOT_EXTRA]
        self.scored: list[str] = []
        self.tiled: Any = None
        self.code_numbers: dict[str, int] = {}
        self.texts: list[Any] = []
        self.ids: list[Any] = []
        self.numbers: dict[str, list[Numbers]] = {name: [] for name in ("start", "end", "page", "n_words")}
        # Raw value → number of the clean one; clean values in order.
        self.values: dict[str, dict[str | None, int]] = {}
        self.raw: dict[str, dict[str | None, int]] = {}
        self.shared: dict[str, list[NDArray[np.int32]]] = {}
        # Filled in place: a list of parts would be there twice when it is joined. What stays empty takes no room.
        self.n = n
        # Code by code in memory: whatever is counted is counted of one code at a time.
        self.probabilities = np.zeros((self.n, 0), dtype=np.float32, order="F")
        self.masks = {name: np.zeros((self.n, 0), dtype=np.bool_, order="F") for name in ("codes", "abstained")}
        self.model: str | None = None
        self.at = 0

    def predictions(self, batches: Iterable[Mapping[str, Any]]) -> Predictions:
        """All predictions; columns of a batch as `sibnlp.tables.text_columns` has them, or scores as an Arrow map."""
        import pyarrow as pa

        for batch in batches:
            if n := len(batch["text"]):
                self._take(batch, n)
                self.at += n
        if not self.at or not self.scored:
            raise UnexpectedError
        codes = tuple(self.code_numbers)
        assigned, unsure = (_widened(self.masks[name], len(codes))[: self.at] for name in ("codes", "abstained"))
        probabilities = _widened(self.probabilities, len(codes))[: self.at]
        # A code that has no score counts as it was given.
        probabilities[:, len(self.scored) :] = assigned[:, len(self.scored) :]
        # A code both given and abstained from (a table edited by hand) was given.
        abstained = unsure & ~assigned if "abstained" in self.names else None
        shared: dict[str, Shared] = {
            name: (np.concatenate(self.shared[name]), tuple(values)) for name, values in self.values.items()
        }
        for name in SHARED:
            shared.setdefault(name, (np.zeros(self.at, dtype=np.int32), (None,)))
        shared["actor"] = _falling_back(shared["actor"], shared["speaker"])
        numbers = {name: np.concatenate(parts) for name, parts in self.numbers.items()}
        table = PassageTable(pa.chunked_array(self.texts), pa.chunked_array(self.ids), numbers, shared)
        return Predictions(table, codes, probabilities, assigned, str(self.model), abstained)

    def _take(self, columns: Mapping[str, Any], n: int) -> None:
        import pyarrow.compute as pc

        self._text(columns["text"])
        ids = pc.utf8_trim_whitespace(columns["passage"])
        if ids.null_count or not pc.min(pc.utf8_length(ids)).as_py():
            raise UnexpectedError
        self.ids.append(ids)
        start, end = (_array(columns[name]) for name in ("start", "end"))
        if not ((start >= 0) & (start < end)).all():
            raise UnexpectedError
        self.numbers["start"].append(start)
        self.numbers["end"].append(end)
        page = columns.get("page")
        self.numbers["page"].append(np.full(n, -1, dtype=np.int64) if page is None else _array(pc.fill_null(page, -1)))
        for name in (*SHARED, *self.extra):
            if name in columns:
                self._share(name, columns[name])
        scores = columns["scores"]
        self._matrix(*scores if isinstance(scores, tuple) else self._scores(scores))
        self._mark("codes", columns["codes"])
        if "abstained" in columns:
            self._mark("abstained", columns["abstained"])
        for model in pc.unique(columns["model"]).to_pylist():
            if not model or self.model not in (None, model):
                raise UnexpectedError
            self.model = model

    def _text(self, text: Any) -> None:
        import pyarrow.compute as pc

        words = n_words(text) if not text.null_count else np.zeros(1, dtype=np.int64)
        if not words.all():
            raise UnexpectedError  # rows without a text are passed over
        self.numbers["n_words"].append(words)
        if pc.any(pc.match_substring(text, "\r")).as_py():
            for pattern in ("\r\n", "\r"):
                text = pc.replace_substring(text, pattern, "\n")
        self.texts.append(text)

    def _share(self, name: str, column: Any) -> None:
        """Numbers of a column's values, cleaned as `sibnlp.tables.rows` cleans them, each value once."""
        known = name in SHARED
        key = name if known else f"extra.{name}"
        values, raw = self.values.setdefault(key, {}), self.raw.setdefault(key, {})
        encoded = column.dictionary_encode(null_encoding="encode")
        place = []
        for value in encoded.dictionary.to_pylist():
            if value not in raw:
                clean = value
                if known and value is not None:
                    clean = value.replace("\r\n", "\n").replace("\r", "\n").strip() or None
                    clean = iso_date(clean) if name == "date" and clean else clean
                if name == "document" and not clean:
                    raise UnexpectedError
                raw[value] = values.setdefault(clean, len(values))
            place.append(raw[value])
        self.shared.setdefault(key, []).append(np.array(place, dtype=np.int32)[_array(encoded.indices)])

    def _scores(self, column: Any) -> tuple[Sequence[str], NDArray[Any]]:
        """Scores as a matrix and the codes they are of, where every row scores the same in the same order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        n = len(column)
        if column.null_count:
            raise UnexpectedError
        first, last = column.offsets[0].as_py(), column.offsets[n].as_py()
        keys, items = column.keys[first:last], column.items[first:last]
        codes = self.scored or keys[: len(keys) // n].to_pylist()
        if self.tiled is None:
            self.tiled = pa.array(codes * BATCH)
        k = len(codes)
        if len(keys) != n * k or (np.diff(_array(column.offsets)) != k).any() or items.null_count:
            raise UnexpectedError
        if not pc.all(pc.equal(keys, self.tiled[: len(keys)])).as_py():
            raise UnexpectedError
        return codes, items.to_numpy(zero_copy_only=False).reshape(n, k)

    def _matrix(self, codes: Sequence[str], scores: NDArray[Any]) -> None:
        if not self.scored:
            self.scored = list(codes)
            self.code_numbers = {code: number for number, code in enumerate(codes)}
            if len(self.code_numbers) < len(codes):
                raise UnexpectedError
        if not ((scores >= 0) & (scores <= 1)).all():
            raise UnexpectedError
        self.probabilities = _widened(self.probabilities, len(codes))
        self.probabilities[self.at : self.at + len(scores)] = scores

    def _mark(self, name: str, column: Any) -> None:
        """Mark the codes that rows name."""
        import pyarrow.compute as pc

        flat = column.flatten().dictionary_encode()
        if flat.null_count:
            raise UnexpectedError
        number = [self.code_numbers.setdefault(code, len(self.code_numbers)) for code in flat.dictionary.to_pylist()]
        self.masks[name] = _widened(self.masks[name], len(self.code_numbers))
        lengths = _array(pc.fill_null(pc.list_value_length(column), 0))
        rows = np.repeat(np.arange(self.at, self.at + len(column)), lengths)
        self.masks[name][rows, np.array(number, dtype=np.int64)[_array(flat.indices)]] = True


def _widened(matrix: NDArray[Any], k: int) -> NDArray[Any]:
    """A matrix with at least so many columns, new ones of zeros."""
    n, held = matrix.shape
    if held >= k:
        return matrix
    wide = np.zeros((n, k), dtype=matrix.dtype, order="F")
    wide[:, :held] = matrix
    return wide


_ASCII_SPACES = [*range(9, 14), *range(28, 33)]
# What else `str.split` takes for white space, as UTF-8.
_WIDE_SPACES = [chr(c).encode() for c in (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
                                          0x3000)]  # fmt: skip


def n_words(text: Any) -> Numbers:
    """White-space separated words of Arrow strings without nulls, as `str.split` counts them, from their bytes."""
    n = len(text)
    kind = np.int64 if str(text.type) == "large_string" else np.int32
    offsets = np.frombuffer(text.buffers()[1], dtype=kind)[text.offset : text.offset + n + 1].astype(np.int64)
    if not n or text.buffers()[2] is None:
        return np.zeros(n, dtype=np.int64)
    letters = np.frombuffer(text.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    table = np.zeros(256, dtype=np.bool_)
    table[_ASCII_SPACES] = True
    space = table[letters]
    # Few bytes are of more than one a letter: only there is looked for the wide ones.
    high = np.flatnonzero(letters >= 0x80)
    for wide in _WIDE_SPACES:
        at = high[(letters[high] == wide[0]) & (high <= len(letters) - len(wide))]
        for i, byte in enumerate(wide[1:], 1):
            at = at[letters[at + i] == byte]
        for i in range(len(wide)):
            space[at + i] = True
    starts = ~space
    starts[1:] &= space[:-1]
    # A text begins anew, whatever the one before ended in.
    first = offsets[:-1][offsets[1:] > offsets[:-1]]
    starts[first] = ~space[first]
    places = np.searchsorted(np.flatnonzero(starts), offsets)
    found: Numbers = np.diff(places).astype(np.int64)
    return found


Shared = tuple[NDArray[np.int32], Sequence[str | None]]


def _falling_back(actor: Shared, speaker: Shared) -> Shared:
    """Actors, and speakers where none is named."""
    number: dict[str | None, int] = {}
    both = actor[0].astype(np.int64) * len(speaker[1]) + speaker[0]
    pairs, place = np.unique(both, return_inverse=True)
    names = [actor[1][pair // len(speaker[1])] or speaker[1][pair % len(speaker[1])] for pair in pairs.tolist()]
    own = np.array([number.setdefault(name, len(number)) for name in names], dtype=np.int32)
    return own[place], tuple(number)


def _array(column: Any) -> Numbers:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(np.int64)
