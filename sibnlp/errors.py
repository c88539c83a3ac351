"""What can go wrong, by name. Every error carries its fields and survives pickling (worker pools need that)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class SibnlpError(Exception):
    """Root of all errors this library raises on purpose.

    Subclasses hand their fields, unformatted, to ``Exception.__init__`` and format in ``__str__``: an error whose
    ``__init__`` takes other arguments than it stores cannot be unpickled.
    """


class InputError(SibnlpError):
    """A file the user gave cannot be used; names file, place and, where there is one, the fix.

    Args:
        path: the file.
        problem: what is wrong, without the file's name.
        fix: what the user can do about it; may be empty.
        place: where in the file (``"row 3"``, ``"line 12"``, ``"key documents.pattern"``); may be empty.
    """

    def __init__(self, path: str | Path, problem: str, fix: str = "", place: str = "") -> None:
        self.path, self.problem, self.fix, self.place = str(path), problem, fix, place
        super().__init__(self.path, problem, fix, place)

    def __str__(self) -> str:
        where = f"{self.path}, {self.place}" if self.place else self.path
        return f"{where}: {self.problem}" + (f" ({self.fix})" if self.fix else "")


class ReadError(InputError):
    """A document cannot be read."""


class RepeatedIdError(ReadError):
    """Two rows of a table have one id, so that none of them can be told apart."""


class TableError(InputError):
    """A table or JSONL file does not hold what it should."""


class ProjectError(InputError):
    """A project file (``project.toml``) or a metadata table is not valid."""


class CodebookError(InputError):
    """A codebook is not valid, or does not fit the data or the model."""


class ModelError(InputError):
    """A model folder is damaged, unsafe, of a newer format, or made for another codebook."""


class OutputExistsError(SibnlpError):
    """An output is already there and would be overwritten.

    Args:
        path: the output.
        option: what another one is named by; empty where there is no choice.
    """

    def __init__(self, path: str | Path, option: str = "-o") -> None:
        self.path, self.option = str(path), option
        super().__init__(self.path, option)

    def __str__(self) -> str:
        other = f"choose another {self.option}, or " if self.option else ""
        return f"{self.path} exists already ({other}pass --force to replace it)"


class UnknownNameError(SibnlpError):
    """A name is not among the registered ones; lists those that are."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(kind, name, self.known)

    def __str__(self) -> str:
        return f"no {self.kind} named {self.name!r}; known: {', '.join(self.known) or 'none'}"


class PassageError(SibnlpError):
    """A passage's span is empty, reversed, outside its document, or does not hold its text."""

    def __init__(self, passage: str, start: int, end: int, problem: str) -> None:
        self.passage, self.start, self.end, self.problem = passage, start, end, problem
        super().__init__(passage, start, end, problem)

    def __str__(self) -> str:
        return f"passage {self.passage!r} [{self.start}, {self.end}): {self.problem}"


class DataError(SibnlpError):
    """The data as a whole does not allow what was asked (one class only, no dates, nothing to classify)."""

    def __init__(self, problem: str, fix: str = "") -> None:
        self.problem, self.fix = problem, fix
        super().__init__(problem, fix)

    def __str__(self) -> str:
        return self.problem + (f" ({self.fix})" if self.fix else "")
