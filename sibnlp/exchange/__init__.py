"""Coded projects of other tools, in and out: REFI-QDA, Taguette, Label Studio, INCEpTION, plain tables.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
    from sibnlp.exchange.queues import Queued, Returned
    from sibnlp.types import CodedPassage, Document, Passage, Predictions
    from sibnlp.unitising import Continuum

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
    "as_predictions",
    "check_codings",
    "continua",
    "is_project",
    "load",
    "merge",
    "options_of",
    "prepare",
    "queue_project",
    "queued",
    "read_codings",
    "read_documents",
    "read_predictions",
    "read_queue",
    "record_extents",
    "save",
    "save_rows",
    "strip",
    "texts_of",
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
        codebooks: ids or files of codebooks, to read a table's codes by and to write a table by.
        spans: whether a table is written by selections, exactly as marked, instead of by passages.
        texts: whole texts by document, for tables that hold passages alone.
        texts_from: where the texts are from, for messages.
        as_pairs: whether a person says these as ``--project KEY=VALUE``, for messages; else as ``--KEY VALUE``.
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
    codebooks: tuple[str, ...] = ()
    spans: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    texts_from: str = ""
    as_pairs: bool = False

    def flag(self, key: str, value: str = "") -> str:
        """An option as a person types it, with a value or without.

        >>> Options().flag("extent", "all"), Options(as_pairs=True).flag("extent", "all")
        ('--extent all', '--project extent=all')
        """
        if self.as_pairs:
            return f"--project {key}={value}" if value else f"--project {key}"
        return f"--{key} {value}" if value else f"--{key}"


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
        "label_studio": Entry("sibnlp.exchange.label_studio", (".json", ".xml")),
        "uima": Entry("sibnlp.exchange.uima", (".zip", ".xmi", ".json")),
        "sheets": Entry("sibnlp.exchange.sheets", (".jsonl", ".csv", ".tsv", ".xlsx", ".parquet")),
        "codebook": Entry("sibnlp.exchange.toml_codebook", (".toml",)),
    },
)
# Plain tables are codings already, row by row: they are read by `sibnlp.tables` and need no segmentation.
TABLES = (".jsonl", ".csv", ".tsv", ".xlsx", ".parquet")
# Formats of these hold codes alone, or how to label, and no codings.
_NO_CODINGS = (".qdc", ".toml", ".xml")
_CALLED = {
    "refi": "REFI-QDA project or codebook",
    "taguette": "Taguette project",
    "label_studio": "export of Label Studio",
    "uima": "UIMA CAS, as INCEpTION exports",
}


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


def check_codings(path: Path) -> None:
    """Refuse a file that can hold no codings, by its name.

    Raises:
        ReadError: neither a table nor a coded project; says which there are, and what to do with plain documents.
    """
    if path.name.lower().endswith(TABLES) or is_project(path):
        return
    projects = [one for entry in FORMATS.values() for one in entry.suffixes if one not in (*TABLES, *_NO_CODINGS)]
    raise ReadError(
        path,
        f"no file of codings has the suffix {path.suffix or '(none)'}",
        f"tables: {' '.join(TABLES)}; coded projects: {' '.join(dict.fromkeys(projects))}; plain documents are coded "
        "first, by people or by `sibnlp classify`",
    )


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

    check_codings(path)
    if not is_project(path):
        return Codings(tables.read_codings(path, codebooks))
    from sibnlp.exchange.coded import codings

    options = options or Options()
    return codings(load(path, options), path, codebooks, options)


def as_predictions(coded: Codings, path: Path) -> Predictions:
    """Codings of one coder as predictions: a code given counts as probability 1, one not given as 0.

    Raises:
        TableError: several coders, naming them, or passages read for different families.
    """
    from sibnlp.exchange.coded import predictions

    return predictions(coded, path)


def continua(
    project: Project, path: Path, codebooks: Sequence[Codebook] = (), options: Options | None = None
) -> list[Continuum]:
    """What several coders of a project read together, and marked there: see `sibnlp.exchange.stretches`."""
    from sibnlp.exchange import stretches

    return stretches.continua(project, path, codebooks, options or Options())


def read_predictions(path: Path, options: Options | None = None) -> Predictions:
    """Read predictions, or codings by people, from a table or a coded project (of one coder).

    Raises:
        ReadError, TableError: as `sibnlp.tables.read_predictions` and `as_predictions`.
    """
    from sibnlp import tables

    check_codings(path)
    return as_predictions(read_codings(path, (), options), path) if is_project(path) else tables.read_predictions(path)


def read_documents(path: Path, options: Options | None = None) -> tuple[list[Document], list[Problem]]:
    """The documents of a coded project, as readers would give them, and what is wrong with others.

    Raises:
        ReadError: as `load`.
    """
    from sibnlp.exchange.documents import documents

    options = options or Options()
    project = load(path, options)
    return documents(project, options, path)[0], [problem for problem in project.problems if problem.failed]


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
        called = [_CALLED.get(name, name) for name in fitting or names]
        if fitting:
            problem = f"could be any of: {'; '.join(called)}"
        elif len(called) == 1:
            problem = f"is no {called[0]}"
        else:
            problem = f"is neither of what {path.suffix} can be: {'; '.join(called)}"
        raise ReadError(path, problem, "export it again, or rename it to what it is")
    member: Exchange = FORMATS.load(fitting[0])
    options = options or Options()
    project = member.read(path, options)
    if options.separator:
        from sibnlp.exchange.codebooks import unfold

        project = unfold(project, options.separator)
    return project


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


def save_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> tuple[Problem, ...]:
    """Write rows to a table, .xlsx among them.

    Returns:
        What Excel cuts.

    Raises:
        TableError: no such format.
    """
    written: tuple[Problem, ...] = FORMATS.load("sheets").write_rows(rows, path)
    return written


def queued(ticket: str, passage: Passage, suggested: tuple[str, ...] = ()) -> Queued:
    """A passage that waits for a coder: see `sibnlp.exchange.queues.Queued`."""
    from sibnlp.exchange.queues import Queued

    return Queued(ticket, passage, suggested)


def queue_project(queued: Sequence[Queued], codes: Sequence[str], codebooks: Sequence[Codebook], model: str) -> Project:
    """A project of passages to be coded, a document each: see `sibnlp.exchange.queues`."""
    from sibnlp.exchange import queues

    return queues.project(queued, codes, codebooks, model)


def read_queue(path: Path, codebooks: Sequence[Codebook], options: Options | None = None) -> Returned:
    """What came back of a queue that was coded as a project: see `sibnlp.exchange.queues`."""
    from sibnlp.exchange import queues

    options = options or Options()
    return queues.returned(load(path, options), path, codebooks, options)


def merge(base: Project, other: Project, path: Path, other_path: Path) -> Project:
    """Add another project's codings to a project: see `sibnlp.exchange.merging`."""
    from sibnlp.exchange import merging

    return merging.merge(base, other, path, other_path)


def texts_of(project: Project, path: Path) -> dict[str, str]:
    """Texts of a project's documents, by the ids that passages know them by."""
    from sibnlp.exchange import merging

    return merging.texts(project, path)


def strip(project: Project) -> Project:
    """Take names of coders, dates and paths out: see `sibnlp.exchange.stripping`."""
    from sibnlp.exchange import stripping

    return stripping.strip(project)


def prepare(project: Project, options: Options) -> Project:
    """A project with those coders alone that are asked for, models marked, and extents as asked.

    Raises:
        TableError: no coder of a name, or no such extent.
    """
    from sibnlp.exchange.extents import choose

    project = choose(project, options)
    return record_extents(project, options.extent) if options.extent else project


def record_extents(project: Project, extent: str) -> Project:
    """Write down in a project what its coders read, as a person says (see `Options.extent`).

    Raises:
        TableError: no such extent.
    """
    from sibnlp.exchange.extents import with_extents

    return with_extents(project, extent)


def options_of(pairs: Sequence[str]) -> Options:
    """Options as ``KEY=VALUE``, as commands that take CODINGS have them; lists by commas.

    Raises:
        TableError: no such key, or no ``=``.
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        key, equal, value = pair.partition("=")
        key = _PLURALS.get(key.strip(), key.strip())
        if not equal or key not in _SETTABLE:
            singular = {several: one for one, several in _PLURALS.items()}
            known = ", ".join(singular.get(name, name) for name in _SETTABLE)
            raise TableError("--project", f"{pair!r} is no KEY=VALUE", f"keys: {known}")
        plural = key in _PLURALS.values()
        given[key] = tuple(one.strip() for one in value.split(",") if one.strip()) if plural else value.strip()
    return Options(**given, as_pairs=True)


# Keys that take several values, by what they are called where one is named at a time.
_PLURALS = {"coder": "coders", "machine": "machines"}

_SETTABLE = (
    "extent",
    "coders",
    "machines",
    "stage",
    "actor",
    "role",
    "date",
    "kind",
    "pattern",
    "separator",
    "offsets",
)


def _suffixes() -> str:
    return " ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
