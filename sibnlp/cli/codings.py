"""CODINGS for the commands that take them: tables and coded projects alike, with what was lost or guessed said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sibnlp.cli.console import warn

if TYPE_CHECKING:
    from sibnlp.codebook import Codebook
    from sibnlp.types import CodedPassage, Predictions


def read_codings(
    paths: Sequence[Path], codebooks: Sequence[Codebook] = (), project: Sequence[str] = ()
) -> tuple[list[CodedPassage], list[Codebook]]:
    """Codings of all files as one list.

    Args:
        paths: tables and coded projects.
        codebooks: to read them by; a project's own where none.
        project: how to read projects, as ``KEY=VALUE`` (`sibnlp.exchange.options_of`).

    Returns:
        The codings, and the codebooks that they are from: those given, else the projects' own.

    Raises:
        ReadError, TableError: as `sibnlp.exchange.read_codings`.
    """
    from sibnlp import exchange

    options = exchange.options_of(project)
    for path in paths:
        exchange.check_codings(path)
    tried(paths, project)
    rows: list[CodedPassage] = []
    own: list[Codebook] = []
    for path in paths:
        found = exchange.read_codings(path, codebooks, options)
        rows += found.rows
        own += [found.codebook] if found.codebook else []
        tell(path, found.notes)
    return rows, list(codebooks) or own


def read_gold(path: Path | None, codebooks: Sequence[str | Path], project: Sequence[str] = ()) -> list[CodedPassage]:
    """Codings to correct figures by: of a table as they are, or of a coded project, read by the codebooks.

    Raises:
        ReadError, TableError: as `sibnlp.exchange.read_codings`.
    """
    from sibnlp import exchange
    from sibnlp.codebook import load

    if path is None:
        return []
    books = [load(name) for name in codebooks] if exchange.is_project(path) else []
    return read_codings([path], books, project)[0]


def read_predictions(path: Path, codebooks: Sequence[str], project: Sequence[str] = ()) -> Predictions:
    """Predictions or one coder's codings, of a table or a coded project.

    Args:
        path: the file.
        codebooks: ids or files of the codebooks that a project's codes are found in.
        project: as `read_codings`.

    Raises:
        ReadError, TableError: as `sibnlp.exchange.read_predictions`.
    """
    from sibnlp import exchange, tables
    from sibnlp.codebook import load

    exchange.check_codings(path)
    tried([path], project, predictions=True)
    if not exchange.is_project(path):
        return tables.read_predictions(path)
    books = [load(name) for name in codebooks]
    found = exchange.read_codings(path, books, exchange.options_of(project))
    tell(path, found.notes)
    return exchange.as_predictions(found, path)


def tried(paths: Iterable[Path], project: Sequence[str] = (), predictions: bool = False) -> None:
    """Have files at risk read in a process apart, within limits of time and memory, before this one reads them.

    Tables in text are not: they are read by Python alone, in time and memory linear in the file.

    Args:
        paths: tables and coded projects.
        project: as `read_codings`.
        predictions: whether tables will be read as predictions, not as codings.

    Raises:
        StoppedError: reading one takes too long or too much memory, or crashes.
        SibnlpError: it cannot be read.
    """
    from sibnlp import exchange
    from sibnlp.errors import ReadError
    from sibnlp.guard import PLAIN, Guard
    from sibnlp.tables import files

    paths = [path for path in paths if path.exists() and not path.is_dir()]  # else reading it says why
    if strange := next((path for path in paths if not path.is_file()), None):
        raise ReadError(strange, "is no regular file", "name a file, not a pipe or a device")
    risky = [path for path in paths if path.suffix.lower() not in (*PLAIN, ".toml")]
    projects = {path for path in risky if exchange.is_project(path)}
    # A suffix that nobody knows is refused by whoever is asked to read it.
    risky = [path for path in risky if path in projects or path.suffix.lower() in files.LOADERS]
    if not risky:
        return
    with Guard() as guard:
        for path in risky:
            if path in projects:
                guard.try_project(path, project)
            else:
                guard.try_table(path, predictions)


def tell(path: Path, notes: Sequence[str]) -> None:
    """Say what was lost, guessed or inferred in a file."""
    for note in notes:
        warn(f"{path.name}: {note}")
