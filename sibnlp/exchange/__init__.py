"""Coded projects of other tools, in and out: REFI-QDA, Taguette, Label Studio, plain tables.

All read into one model, `Project`, and write from it: N formats, not N² converters. A new tool is one file here and one
line in `FORMATS` (or an entry point of group ``sibnlp.exchange`` in another package). The file holds:

``read(path, options) -> Project``
    Raises `sibnlp.errors.ReadError` for a file it cannot open at all; what single sources, codes and selections suffer
    from stands in ``Project.problems``. Parses archives and XML as hostile, executes and fetches nothing, writes
    nothing.
``write(project, path, options) -> tuple[Problem, ...]``
    Writes the file and returns what the format has no place for.
``sniff(path, head) -> bool``
    Whether a file is of this format; asked of all formats that share its suffix.

Commands that take CODINGS call `read_codings`, which takes any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sibnlp.errors import ReadError, TableError
from sibnlp.exchange.project import (
    ASKED,
    INFERRED,
    RECORDED,
    Case,
    Coder,
    Coding,
    Extent,
    Group,
    Link,
    Note,
    Placed,
    Problem,
    Project,
    ProjectCode,
    ProjectDocument,
    Selection,
    Sync,
    Value,
    Variable,
)
from sibnlp.registry import Entry, Registry

if TYPE_CHECKING:
    from sibnlp.codebook import Codebook
    from sibnlp.types import CodedPassage, Predictions

__all__ = [
    "ASKED",
    "FORMATS",
    "INFERRED",
    "RECORDED",
    "Case",
    "Coder",
    "Coding",
    "Codings",
    "Exchange",
    "Extent",
    "Group",
    "Link",
    "Note",
    "Options",
    "Placed",
    "Problem",
    "Project",
    "ProjectCode",
    "ProjectDocument",
    "Selection",
    "Sync",
    "Value",
    "Variable",
    "is_project",
    "load",
    "read_codings",
    "read_predictions",
    "save",
]

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Options:
    """What a person can say about a project that its file does not, or says wrongly.

    Attributes:
        extent: what counts as read where the file does not record it: ``passages`` (only passages that carry a code of
            the coder), ``span`` (from a coder's first to last coding in a document), ``documents`` (every document the
            coder coded anything in), ``all`` (every document); empty: inferred as ``span``, and said so.
        coders: names of the coders to keep; empty for all.
        machines: names of coders that are models (those our own exports mark are known).
        stage, actor, role, date, kind: where they come from, ``variable:NAME``, ``set``, ``set:PREFIX``, ``case`` or
            ``name`` (with ``pattern``); empty: found by itself, and said so.
        pattern: of source names, as `documents.pattern` of a project file.
        separator: that codes' names show a hierarchy by (``::``); empty for none.
        offsets: coordinate system of every source, as ``utf-16,crlf=2,bom,inclusive``; empty: inferred.
        anonymous: on export, coders become ``coder 1`` …, and paths and dates of theirs go.
    """

    extent: str = ""
    coders: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    stage: str = ""
    actor: str = ""
    role: str = ""
    date: str = ""
    kind: str = ""
    pattern: str = ""
    separator: str = ""
    offsets: str = ""
    anonymous: bool = False


class Exchange(Protocol):
    """What a module in this folder offers."""

    def read(self, path: Path, options: Options) -> Project:
        """Read a project."""
        ...

    def write(self, project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
        """Write a project; returns what could not be kept."""
        ...

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether a file is of this format, by its name and first bytes."""
        ...


FORMATS = Registry(
    "exchange format",
    "sibnlp.exchange",
    {
        "refi": Entry("sibnlp.exchange.refi", (".qdpx", ".qdc")),
        "taguette": Entry("sibnlp.exchange.taguette", (".sqlite3", ".sqlite", ".db")),
        "label_studio": Entry("sibnlp.exchange.label_studio", (".json",)),
        "sheets": Entry("sibnlp.exchange.sheets", (".jsonl", ".csv", ".tsv", ".xlsx", ".parquet")),
    },
)
# Plain tables are codings already, row by row: they are read by `sibnlp.tables` and need no segmentation.
TABLES = (".jsonl", ".csv", ".tsv", ".xlsx", ".parquet")


@dataclass(frozen=True, slots=True)
class Codings:
    """Coded passages of a file of any format, and what came with them.

    Attributes:
        rows: passages × coders; a passage outside what its coder read is not among them.
        codebook: the project's own; None for tables.
        notes: what was lost, guessed or inferred, a line each, for stderr.
        failed: whether some source is lost (exit code 1).
        project: whole project; None for tables.
    """

    rows: list[CodedPassage]
    codebook: Codebook | None = None
    notes: tuple[str, ...] = ()
    failed: bool = False
    project: Project | None = None


def is_project(path: str | Path) -> bool:
    """Whether a file is a coded project of some tool and no plain table, by its name."""
    name = Path(path).name
    return bool(FORMATS.by_suffix(name)) and not name.lower().endswith(TABLES)


def read_codings(path: Path, codebooks: Sequence[Codebook] = (), options: Options | None = None) -> Codings:
    """Read coded passages from a table or a coded project.

    Args:
        path: the file.
        codebooks: where given, a table's codes must be of one of them; a project's codes are matched to them by id or
            name, and those without a match count for the nearest code above that has one, or are left out and listed.
            Where none is given a project's codes are its own codebook's.
        options: what the file does not say.

    Raises:
        ReadError, TableError: as `sibnlp.tables.read_codings`; or a project without one coded passage.
    """
    from sibnlp import tables

    if not is_project(path):
        return Codings(tables.read_codings(path, codebooks))
    from sibnlp.exchange.coded import codings

    options = options or Options()
    return codings(load(path, options), path, codebooks, options)


def read_predictions(path: Path, options: Options | None = None) -> Predictions:
    """Read predictions, or codings by people, from a table or a coded project (of one coder).

    Raises:
        ReadError, TableError: as `sibnlp.tables.read_predictions`; a project with several coders, naming them.
    """
    from sibnlp import tables

    if not is_project(path):
        return tables.read_predictions(path)
    from sibnlp.exchange.coded import as_predictions

    return as_predictions(read_codings(path, (), options), path)


def load(path: Path, options: Options | None = None) -> Project:
    """Read a project of any format.

    Raises:
        ReadError: no such format, or the file cannot be read as one.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ReadError(path, error.strerror or str(error)) from error
    names = FORMATS.by_suffix(path.name)
    if not names:
        raise ReadError(path, f"no coded project has the suffix {path.suffix or '(none)'}", f"known: {_suffixes()}")
    fitting = [name for name in names if FORMATS.load(name).sniff(path, head)]
    if len(fitting) != 1:
        problem = f"could be any of {', '.join(fitting)}" if fitting else f"is none of {', '.join(names)} inside"
        raise ReadError(path, problem, "export it again, or rename it to what it is")
    member: Exchange = FORMATS.load(fitting[0])
    return member.read(path, options or Options())


def save(project: Project, path: Path, options: Options | None = None) -> tuple[Problem, ...]:
    """Write a project, in the format that the suffix names.

    Returns:
        What the format has no place for.

    Raises:
        TableError: no such format.
    """
    names = FORMATS.by_suffix(path.name)
    if not names:
        raise TableError(path, f"cannot write {path.suffix or 'a file without a suffix'}", f"known: {_suffixes()}")
    member: Exchange = FORMATS.load(names[0])
    return member.write(project, path, options or Options())


def _suffixes() -> str:
    return " ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
