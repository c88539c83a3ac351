"""The input in units of work: small files together, one large document alone, a large table in ranges of rows.

The cut follows from the input alone, never from who does the work. A unit's passages are classified together, in
batches that start anew with every unit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sibnlp import corpus, exchange, places, project, readers
from sibnlp.errors import ProjectError, ReadError, RepeatedIdError, SibnlpError
from sibnlp.guard import Guard
from sibnlp.metadata import Metadata
from sibnlp.tables.ranges import IN_TEXT, WHOLE, RowRange, has_ranges, ranges, suffix_of
from sibnlp.tables.ranges import ROWS as ROWS_APART

# A unit holds files up to this many, and up to this many bytes; a larger file is a unit by itself. A range of a large
# table holds about as many bytes of text.
FILES, BYTES = 64, 384 << 10
# How many times its size the text of a Parquet table takes: passages come packed to a third, or to far less.
PACKED = 3
DOCUMENT, PROJECT, ROWS = "document", "project", "rows"


@dataclass(frozen=True, slots=True)
class File:
    """A file to read.

    Attributes:
        place: path or URI.
        id: of its document.
        size: in bytes.
        problem: why it is not to be looked at; empty where it is.
    """

    place: str
    id: str
    size: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a part.

    Attributes:
        name: of the part (`Part.name`); key: hash of its content; known: of its metadata.
        start, n: its rows in the shard.
        n_coded, n_undecided: rows with a code, and with a family left undecided.
        n_read: documents read; 0 for all ranges of a table but the first.
        format: the reader that read it, as documents have it.
        problems: documents that could not be read; one line each.
        passages: passages that could not be coded; one line each.
        kept: whether its rows count; those of a document that failed halfway do not.
    """

    name: str
    key: str = ""
    known: str = ""
    start: int = 0
    n: int = 0
    n_coded: int = 0
    n_undecided: int = 0
    n_read: int = 0
    format: str = ""
    problems: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    kept: bool = True

    @property
    def failed(self) -> bool:
        """Whether something of it is left for another try."""
        return bool(self.problems or self.passages)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a unit.

    Attributes:
        number: of the unit.
        shard: file name in the work folder; empty where none could be written.
        records: one a part, in order.
        names: further columns of its rows, in order.
    """

    number: int
    shard: str
    records: tuple[Record, ...]
    names: tuple[str, ...] = ()

    def lost(self, problem: str) -> Done:
        """The same where the shard could not be written."""
        told = (
            Record(one.name, known=one.known, problems=(f"{_spoken(one.name)}: {problem}",)) for one in self.records
        )
        return Done(self.number, "", tuple(told))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"unit": self.number, "shard": self.shard, "names": self.names,
                "parts": [asdict(record) for record in self.records]}  # fmt: skip

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Done:
        """What `to_json` made.

        Raises:
            TypeError, KeyError: it is something else.
        """
        lists = ("problems", "passages")
        parts: list[dict[str, Any]] = told["parts"]
        records = (Record(**{**one, **{name: tuple(one[name]) for name in lists}}) for one in parts)
        return cls(int(told["unit"]), str(told["shard"]), tuple(records), tuple(told["names"]))


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows of an earlier run that still hold.

    Attributes:
        shard: file name, in the work folder.
        start, n: its rows.
        record: of them.
    """

    shard: str
    start: int
    n: int
    record: Record


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a range of a table's rows, in a unit.

    Attributes:
        file: the file.
        kind: ``document``, ``project`` (a coded project, which holds documents) or ``rows`` (of a table).
        known: hash of what metadata say of it.
        rows: of the table.
        alone: whether it is the only input; documents of a project then keep their names.
        problem: why it is not to be tried (again).
        taken: where it is done already.
    """

    file: File
    kind: str
    known: str = ""
    rows: RowRange | None = None
    alone: bool = False
    problem: str = ""
    taken: Taken | None = None

    @property
    def name(self) -> str:
        """Tells it from every other part of the input."""
        return f"{self.file.id}\t{self.rows.index}" if self.rows else self.file.id

    @property
    def size(self) -> int:
        """Bytes of the input it stands for."""
        if self.rows and self.rows.group < 0:
            return self.rows.end - self.rows.start
        return 0 if self.rows and self.rows.index else self.file.size


@dataclass(frozen=True, slots=True)
class Unit:
    """What one process does in one go.

    Attributes:
        number: in the order of the input, from 0.
        parts: one or more.
        careful: whether passages of different parts are kept apart, since one of them has killed a process.
        suspect: the part over which a process died last; -1 where none did.
    """

    number: int
    parts: tuple[Part, ...]
    careful: bool = False
    suspect: int = -1

    def moved(self, place: Callable[[str], str]) -> Unit:
        """The same with other places of its files."""
        parts = (replace(part, file=replace(part.file, place=place(part.file.place))) for part in self.parts)
        return replace(self, parts=tuple(parts))


def find(given: Sequence[str]) -> list[File]:
    """Files to read, of paths and URIs of files and folders (see `sibnlp.corpus.find`).

    Raises:
        ProjectError: nothing there, or nothing readable.
        DataError: what reads such URIs is not installed.
    """
    found: list[File] = []
    paths = [Path(one) for one in given if not places.is_uri(one)]
    local = iter(_by_path(paths, len(given) == 1) if paths else [])
    for one in given:
        if not places.is_uri(one):
            found += next(local)
            continue
        inside = places.listing(one)
        if inside is None:
            name = places.name_of(one)
            found.append(File(one, name if len(given) == 1 else one, places.size_of(one)))
            continue
        fitting = [(uri, name, size) for uri, name, size in inside if corpus.is_document_name(name)]
        if not fitting:
            raise ProjectError(one, "no readable file in this folder", f"readable: {' '.join(corpus.suffixes())}")
        prefix = "" if len(given) == 1 else one.rstrip("/") + "/"
        found += [File(uri, prefix + name, size) for uri, name, size in fitting]
    return found


def _by_path(paths: Sequence[Path], alone: bool) -> Iterator[list[File]]:
    for path in paths:
        yield [File(str(one.path), one.id, _size(one.path), _stray(one)) for one in corpus.each_in(path, alone)]


def _stray(one: corpus.Input) -> str:
    return str(ReadError(one.path, *corpus.STRAY)) if one.stray else ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it says why


def known_beside(given: Sequence[str], files: Sequence[File]) -> Metadata | None:
    """Metadata for a single folder, given as path or URI (see `sibnlp.corpus.known_beside`)."""
    if len(given) != 1:
        return None
    if not places.is_uri(given[0]):
        return corpus.known_beside([Path(given[0])], [one.id for one in files])
    uri = given[0].rstrip("/")
    if places.listing(uri) is None:
        return None
    import tempfile

    with tempfile.TemporaryDirectory(prefix="sibnlp-") as name:
        folder = Path(name)
        for beside in (project.FILE_NAME, project.METADATA_NAME):
            try:
                with places.open_binary(f"{uri}/{beside}") as file:
                    (folder / beside).write_bytes(file.read())
            except OSError:
                continue
        return corpus.known_beside([folder], [one.id for one in files])


def plan(
    files: Sequence[File],
    known: Metadata | None = None,
    taken: Callable[[Part], Taken | None] = lambda _: None,
    reject: Callable[[str], None] = lambda _: None,
) -> Iterator[Unit]:
    """Cut the input into units, one at a time.

    Args:
        files: from `find`.
        known: metadata to apply.
        taken: where a part is done already.
        reject: told the id of a table of which no row counts, since two rows have one id: this is known only after the
            last of them.
    """
    number, size = 0, 0
    waiting: list[Part] = []
    fingerprint = _fingerprints(known)
    with Guard() as guard:
        for file in files:
            for part in _parts(file, fingerprint, len(files) == 1, reject, guard):
                found = taken(part) if not part.problem else None
                part = replace(part, taken=found) if found else part
                apart = part.rows is not None
                if waiting and (apart or len(waiting) >= FILES or size + file.size > BYTES):
                    yield Unit(number, tuple(waiting))
                    number, waiting, size = number + 1, [], 0
                if apart:
                    yield Unit(number, (part,))
                    number += 1
                else:
                    waiting.append(part)
                    size += file.size
    if waiting:
        yield Unit(number, tuple(waiting))


def _parts(
    file: File,
    fingerprint: Callable[[str | None], str],
    alone: bool,
    reject: Callable[[str], None],
    guard: Guard,
) -> Iterator[Part]:
    if file.problem:
        yield Part(file, DOCUMENT, problem=file.problem)
        return
    if exchange.is_project(places.name_of(file.place)):
        yield Part(file, PROJECT, fingerprint(None), alone=alone)
        return
    known = fingerprint(file.id)
    part = Part(file, DOCUMENT, known)
    empty = True
    try:
        for found in _ranges(file, guard):
            empty = False
            yield Part(file, ROWS, known, found)
    except (OSError, SibnlpError) as error:
        if isinstance(error, RepeatedIdError):
            reject(file.id)
        yield replace(part, problem=str(error))
        return
    if empty:
        yield part


def _ranges(file: File, guard: Guard) -> Iterator[RowRange]:
    """Those of a large table; of other files none.

    Raises:
        OSError, SibnlpError: as `sibnlp.tables.ranges.ranges` and `Guard.ranges`.
    """
    try:
        if readers.READERS.by_suffix(places.name_of(file.place)) != ["sheets"]:
            return
        if suffix_of(file.place) == ".parquet" and not places.is_uri(file.place):
            apart = True  # Arrow is C++
        elif has_ranges(file.place):
            apart = False
        else:
            return
    except (OSError, SibnlpError):
        return  # reading it says why
    yield from guard.ranges(Path(file.place)) if apart else ranges(file.place)


def _fingerprints(known: Metadata | None) -> Callable[[str | None], str]:
    """A hash of what metadata say of a document, by its id; of all they say for None."""
    if known is None:
        return lambda _: ""
    everywhere = [
        known.pattern.pattern if known.pattern else "",
        sorted((label, who) for (document, label), who in (known.speakers or {}).items() if not document),
        [repr(stage) for stage in known.stages],
    ]
    own: dict[str, list[object]] = {}
    for (document, label), who in sorted((known.speakers or {}).items()):
        if document:
            own.setdefault(document, []).append((label, who))

    def fingerprint(document: str | None) -> str:
        if document is None:
            told: list[object] = [everywhere, {key: dict(value) for key, value in (known.documents or {}).items()}, own]
        else:
            told = [everywhere, dict((known.documents or {}).get(document, {})), own.get(document, [])]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    return fingerprint


def _spoken(name: str) -> str:
    """A part's name for people."""
    file, _, index = name.partition("\t")
    return f"{file}, rows from {int(index) * ROWS_APART + 1}" if index else file


def key_of(part: Part) -> str:
    """Hash of a part's content, which what was made of it stands on.

    Raises:
        OSError: the file cannot be read.
    """
    return part.rows.key if part.rows else places.sha256_of(part.file.place)


def sizes(files: Iterable[File]) -> int:
    """Bytes of all files."""
    return sum(one.size for one in files)


def expected(files: Sequence[File]) -> int:
    """About how many units the files make, by their bytes; documents make so many for certain."""
    size = 0
    for one in files:
        suffix = suffix_of(one.place)
        if suffix == ".parquet":
            size += one.size * PACKED
        else:
            size += one.size if suffix in IN_TEXT and one.size > WHOLE else min(one.size, BYTES)
    return max(1, -(-len(files) // FILES), -(-size // BYTES))
