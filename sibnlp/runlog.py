"""The record of a run, ``run.json`` beside what it wrote: what was done with what, and what became of it.

It may be given away with the output. So it holds no absolute path, no path that leads out of the folder the command ran
in, and no user's name; of a run whose output is meant to hide names it holds no text at all. But for ``times`` the same
run gives the same record.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, overload

from sibnlp import places

FORMAT = "sibnlp run 1"
FILE_NAME = "run.json"
# Those whose version can change what comes out; of these, what is installed.
LIBRARIES = (
    "charset-normalizer", "lxml", "model2vec", "numpy", "onnxruntime", "openpyxl", "pyarrow", "pypdfium2", "ray",
    "ruptures", "scikit-learn", "scipy", "sentencex", "spacy", "striprtf", "tokenizers", "torch", "trafilatura",
    "transformers",
)  # fmt: skip
# Input files up to this size are named with their hash; hashing more would take longer than some commands do.
HASHED = 256 << 20

_FILE_URI = re.compile(r"file:/+")
# An absolute path within a text, as far as its last separator; a folder's name may hold spaces.
_POSIX = re.compile(r"""(?<![\w/.~])/(?=[^\s/])(?:[^/\n:"'<>|]+/)*""")
_WINDOWS = re.compile(r"""(?<!\w)[A-Za-z]:[\\/](?:[^\\/\n:"'<>|]+[\\/])*""")
_UPWARDS = re.compile(r"""(?<![\w/.~])(?:\.\.[\\/])+(?:[^\\/\n:"'<>|]+[\\/])*""")


@dataclass(slots=True)
class Formats:
    """Documents of one format: given, read, and not."""

    given: int = 0
    out: int = 0
    failed: int = 0


@dataclass(slots=True)
class RunLog:
    """What a command learns about its run, as it goes.

    Attributes:
        command: its name.
        private: whether the output is meant to hide names, so that no text may stand in the record.
        output: the file or folder that the record belongs to, or a file's URI; None where there is none.
        given: settings by name, as the command got them; resolved: what they came to, where that is more.
        inputs: paths and URIs given.
        models, codebooks: what `add_model` and `add_codebooks` were told.
        formats: documents by format.
        counts: further figures of what went in and came out, by name.
        problems: what failed; warnings: what a reader of the output must know.
        wrote: files and folders that are there now.
        stages: seconds by stage.
    """

    command: str = ""
    private: bool = False
    output: Path | str | None = None
    given: dict[str, Any] = field(default_factory=dict)
    resolved: dict[str, Any] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    models: list[Mapping[str, Any]] = field(default_factory=list)
    codebooks: list[Mapping[str, Any]] = field(default_factory=list)
    formats: dict[str, Formats] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    wrote: list[Path | str] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _first: float = field(default_factory=time.monotonic)
    _last: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """Count the time since the last lap to a stage."""
        now = time.monotonic()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._last
        self._last = now

    def add_model(self, about: Mapping[str, Any]) -> None:
        """Note a model by what `sibnlp.sharding.work.described` says of it."""
        self.models.append(about)

    def add_codebooks(self, books: Iterable[Any]) -> None:
        """Note codebooks (`sibnlp.codebook.Codebook`) by their fingerprints."""
        for book in books:
            told = {"id": book.id, "version": book.version, "structure": book.structure, "wording": book.wording}
            if told not in self.codebooks:
                self.codebooks.append(told)

    def add_sources(self, sources: Iterable[Any]) -> None:
        """Count what became of documents (`sibnlp.types.Source`)."""
        for source in sources:
            self.add_format(source.format or format_of(source.id), 1, not source.problem)

    def add_format(self, name: str, n: int, read: bool) -> None:
        """Count documents of a format in."""
        found = self.formats.setdefault(name, Formats())
        found.given += n
        found.out += n * read
        found.failed += n * (not read)

    def settle(self) -> None:
        """The run came to its end: where nobody counted documents, the files given are what was read."""
        if not self.formats:
            for place in self.inputs:
                if not _is_folder(place):
                    self.add_format(format_of(place), 1, True)

    @property
    def path(self) -> Path | str | None:
        """Where the record goes; None where nothing was written that it would belong to."""
        return record_of(self.output) if self.output is not None and self.output in self.wrote else None

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return round(time.monotonic() - self._first, 3)

    def to_dict(self, exit_code: int) -> dict[str, Any]:
        """The record as plain JSON values."""
        from sibnlp import __version__

        return {
            "format": FORMAT,
            "command": self.command,
            "exit_code": exit_code,
            "output": shown(self.output) if self.output else None,
            "wrote": None if self.private else [shown(path) for path in self.wrote],
            "versions": {"sibnlp": __version__, "python": platform.python_version(), "libraries": libraries()},
            "platform": {
                "system": platform.system(), "release": platform.release(), "machine": platform.machine(),
                "cores": os.cpu_count(),
            },
            "models": [_plain(one) for one in self.models],
            "codebooks": self.codebooks,
            "settings": {name: self._setting(value) for name, value in {**self.given, **self.resolved}.items()},
            "inputs": [self._input(place) for place in self.inputs],
            "formats": {
                name: {"in": one.given, "out": one.out, "failed": one.failed}
                for name, one in sorted(self.formats.items())
            },
            "counts": self.counts,
            "problems": len(self.problems) if self.private else [cleaned(one) for one in self.problems],
            "warnings": len(self.warnings) if self.private else [cleaned(one) for one in self.warnings],
            "times": {
                "started": self._began.isoformat(timespec="seconds"),
                "seconds": self.seconds,
                "stages": {name: round(value, 3) for name, value in self.stages.items()},
            },
        }  # fmt: skip

    def write(self, exit_code: int) -> Path | str | None:
        """Write the record, whole or not at all.

        Returns:
            Where to; None where there is nothing that it would belong to.

        Raises:
            OSError: it cannot be written.
        """
        path = self.path
        if path is None:
            return None
        text = json.dumps(self.to_dict(exit_code), indent=1, ensure_ascii=False) + "\n"
        home = path.parent if isinstance(path, Path) else None
        with tempfile.TemporaryDirectory(prefix=".sibnlp-", dir=home) as folder:
            part = Path(folder) / FILE_NAME
            # Half a character, from a file's name, becomes the escape that JSON has for it.
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
            if isinstance(path, str):
                places.put(part, path)
            else:
                part.replace(path)
        return path

    def _setting(self, value: Any) -> Any:
        return _hidden(value) if self.private else _plain(value)

    def _input(self, place: str) -> dict[str, Any]:
        told: dict[str, Any] = {"format": "folder" if _is_folder(place) else format_of(place)}
        if self.private:
            return told
        told = {"path": shown(place), **told}
        path = Path(place)
        if not places.is_uri(place) and path.is_file() and (size := path.stat().st_size) <= HASHED:
            told |= {"bytes": size, "sha256": places.sha256_of(place)}
        return told


@overload
def record_of(output: Path) -> Path: ...
@overload
def record_of(output: str) -> str: ...
def record_of(output: Path | str) -> Path | str:
    """Where the record of an output lies: in a folder, or beside a file under its name.

    >>> record_of(Path("codings.csv")).name, record_of("s3://council/codings.csv")
    ('codings.csv.run.json', 's3://council/codings.csv.run.json')
    """
    if isinstance(output, str):
        return f"{output}.{FILE_NAME}"
    return output / FILE_NAME if output.is_dir() else output.with_name(f"{output.name}.{FILE_NAME}")


def format_of(name: str) -> str:
    """The format of a file by its name: its reader's, or that of coded projects; its suffix where nobody reads it.

    >>> format_of("study/Anna.PDF"), format_of("study.qdpx"), format_of("notes.doc"), format_of("notes")
    ('pdf', 'project', 'doc', 'unknown')
    """
    from sibnlp import exchange, readers

    own = places.name_of(name)
    if found := readers.READERS.by_suffix(own):
        return found[0]
    return "project" if exchange.is_project(own) else Path(own).suffix.lower().lstrip(".") or "unknown"


def shown(place: str | Path) -> str:
    """A path as it may be shown to strangers: from the folder the command runs in, else the name alone.

    >>> shown("interviews/anna.txt"), shown("/mnt/secret/anna.txt"), shown("../../anna.txt")
    ('interviews/anna.txt', 'anna.txt', 'anna.txt')
    """
    text = str(place)
    if places.is_uri(text):
        return cleaned(text)
    path = Path(os.path.normpath(text))
    if path.is_absolute():
        path = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    if ".." in path.parts:
        path = Path(path.name)
    return "/".join("~" if part == _user() else part for part in path.parts) or "."


def cleaned(text: str) -> str:
    """A text without absolute paths, ways out of the current folder, passwords of URIs and the user's name in paths.

    >>> cleaned("/home/anna/study/ben.docx, row 3: no text")
    'ben.docx, row 3: no text'
    >>> cleaned("s3://key:secret@council/minutes?token=1 is empty")
    's3://council/minutes is empty'
    """
    text = re.sub(r"(\w+://)[^/\s@]*@", r"\1", text)
    text = re.sub(r"(\w+://[^\s?]+)\?\S*", r"\1", text)
    text = _FILE_URI.sub("/", text)
    here = str(Path.cwd())
    if len(here) > 1:
        text = text.replace(here + os.sep, "")
    for pattern in (_WINDOWS, _POSIX, _UPWARDS):
        text = pattern.sub("", text)
    user = _user()
    return re.sub(rf"(?<![\w.-]){re.escape(user)}(?=[/\\])", "~", text) if user else text


@cache
def libraries() -> dict[str, str]:
    """Versions of the libraries that matter, as far as they are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    """As JSON values, with paths as they may be shown."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {cleaned(str(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, Path):
        return shown(value)
    if isinstance(value, str):
        return shown(value) if os.path.isabs(value) else cleaned(value)
    return value


def _hidden(value: Any) -> Any:
    """Numbers as they are; of texts and paths only whether, and how many, there are."""
    if isinstance(value, list | tuple):
        return len(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return "given" if str(value) else ""


def _is_folder(place: str) -> bool:
    return not places.is_uri(place) and Path(place).is_dir()


@cache
def _user() -> str:
    """Name of the account; empty where the machine does not say."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
