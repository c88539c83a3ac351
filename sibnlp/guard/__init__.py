"""Reading files nobody vouches for in a process apart, within limits of time and memory.

Readers bound what they can count: bytes that an archive unpacks to, depth of XML, pages, characters. What they cannot
bound is a library that loops for ever, takes all memory, or crashes (pdfium, libxml2, zlib and Arrow are C and C++). So
files at risk (`at_risk`) go to one reader process that lives as long as the command: it is started at the first of
them and once more after each that it does not survive. What happens to it is one line about one file, and the rest
goes on.

Why not every file: text, captions, RTF and delimited tables are read by Python alone, in time linear in the file; up to
a megabyte that is at most seconds. Why a process and not an alarm: an alarm stops no C code, and no memory. Why not
fork: the parent may hold threads (a model's, Arrow's, the progress bar's), whose locks a forked child inherits.

Documents come back from there. Tables and coded projects of codings (`train`, `evaluate`, `drift` and so on) are tried
there (`Guard.try_table` and its like) and then read once more by the command itself, which takes a second for most and
spares a second way for all that they can hold: what the reader came to an end with, the command does. Large tables
that are classified row by row are cut into ranges there, and the ranges read by the processes that classify.

The child's answers (`sibnlp.guard.process`) are JSON, never pickles: a process that has read a hostile file is not
believed.
"""

from __future__ import annotations

import atexit
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sibnlp import errors
from sibnlp.errors import ReadError, SibnlpError
from sibnlp.exchange import Problem
from sibnlp.guard.process import FIX, LENGTH
from sibnlp.tables.ranges import RowRange
from sibnlp.types import Document, Dropped, Mark, Passage, Speaker, Turn

SECONDS = 120.0
"""What a file may take, whatever its size; a busy machine needs patience."""
SECONDS_PER_MB = 5.0
"""What each further megabyte of it may take."""
MEMORY = 4 * 1024**3
"""Address space of the reader process in bytes, libraries included (about 0.5 GB); where the system can limit it."""
PLAIN = (".txt", ".text", ".md", ".markdown", ".vtt", ".srt", ".rtf", ".csv", ".tsv", ".jsonl")
"""Formats that are read by Python alone."""
PLAIN_BYTES = 1024**2
"""Files of those formats up to this size are read without a guard."""


class StoppedError(ReadError):
    """A file that its reader did not come to an end with: too slow, too large, or a crash."""


def at_risk(path: Path) -> bool:
    """Whether a file is to be read in a process apart: its format, or its size."""
    try:
        return path.suffix.lower() not in PLAIN or path.stat().st_size > PLAIN_BYTES
    except OSError:
        return False  # reading it says why


class Guard:
    """A reader process; started when it is first needed, and again after a file that it did not survive.

    Args:
        seconds: a file may take; plus `SECONDS_PER_MB`.
        memory: address space of the process in bytes; 0 for no limit.

    One file at a time: what is asked waits for what was asked before.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._greeted = False
        self._lock = threading.Lock()
        atexit.register(self.close)

    def start(self) -> None:
        """Start the process, so that it imports what it needs while other things are done."""
        if self._process is None or self._process.poll() is not None:
            self._process, self._greeted = _started(self.memory), False

    def read(self, path: Path, document_id: str) -> Document:
        """Read a document, as `sibnlp.readers.read`.

        Raises:
            ReadError: as the reader says.
            StoppedError: it took too long or too much memory, or the reader crashed.
        """
        return _document(self._ask("document", path, document_id))

    def read_project(self, path: Path) -> tuple[list[Document], list[Problem]]:
        """Read the documents of a coded project, as `sibnlp.exchange.read_documents`.

        Raises:
            SibnlpError: as the importer says.
            StoppedError: as `read`.
        """
        found = self._ask("project", path, "")
        return [_document(one) for one in found["documents"]], [Problem(**one) for one in found["problems"]]

    def try_table(self, path: Path, predictions: bool = False) -> None:
        """Read a table as `sibnlp.tables` does, and let go of it: whoever reads it next knows that it can be read.

        Args:
            path: the table.
            predictions: whether as predictions, column by column where it can be; else as codings, row by row.

        Raises:
            SibnlpError: as its reader says.
            StoppedError: as `read`.
        """
        self._ask("table", path, "predictions" if predictions else "")

    def ranges(self, path: Path) -> Iterator[RowRange]:
        """The ranges of a large Parquet table, as `sibnlp.tables.ranges.ranges`, each as soon as it is found.

        Until the last is taken nothing else can be asked.

        Yields:
            Ranges; none where the table is small, or cannot be opened: whoever reads it whole says why.

        Raises:
            ReadError: as `sibnlp.tables.ranges.ranges`, after what came before.
            StoppedError: as `read`, after what came before.
        """
        for one in self._answers("ranges", path, ""):
            yield RowRange(**{**one, "header": tuple(one["header"])})

    def try_project(self, path: Path, options: Sequence[str] = ()) -> None:
        """Read a coded project, as `sibnlp.exchange.load`, and let go of it.

        Args:
            path: the project.
            options: as ``KEY=VALUE`` (`sibnlp.exchange.options_of`).

        Raises:
            SibnlpError: as the importer says.
            StoppedError: as `read`.
        """
        self._ask("whole project", path, json.dumps(list(options)))

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self.close)
        self.close()

    def _ask(self, what: str, path: Path, how: str) -> Any:
        (found,) = self._answers(what, path, how)
        return found

    def _answers(self, what: str, path: Path, how: str) -> Iterator[Any]:
        """What the process answers: parts, where it gives any, else the one thing it found."""
        with self._lock:
            self.start()
            process = self._process
            assert process is not None
            if not self._greeted:
                # What it takes to start is no file's fault; where it cannot, the question is not answered either.
                self._greeted = bool(_frame(process))
            left = allowed = self.seconds + SECONDS_PER_MB * _megabytes(path)
            question: Mapping[str, Any] | None = {"do": what, "path": str(path), "how": how, "seconds": allowed}
            whole = False
            try:
                while not whole:
                    # Its time runs while it is waited for, not while what it found is worked on.
                    began = time.monotonic()
                    raw, late = _said(process, question, left)
                    left -= time.monotonic() - began
                    question = None
                    if raw is None:
                        status = process.wait()
                        slow = f"not read within {allowed:,.0f} seconds; its reader was stopped"
                        raise StoppedError(path, slow if late else f"its reader crashed ({_ending(status)})", FIX)
                    answer = json.loads(raw)
                    whole = "more" not in answer
                    if "error" in answer:
                        raise _error(answer["kind"], answer["error"])
                    for kind in ("more", "found"):
                        if kind in answer:
                            yield answer[kind]
            except BaseException:
                if not whole:
                    self.close()  # interrupted, or dead: what it says next would answer the next question
                raise


def _started(memory: int) -> subprocess.Popen[bytes]:
    # By the parent's own path, and neither -m nor the current folder, which may hold a file named like a module.
    path = [str(Path(__file__).resolve().parents[2]), *(entry for entry in sys.path if entry)]
    code = f"import sys; sys.path[:] = {path!r}; from sibnlp.guard.process import serve; serve({memory!r})"
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-c", code], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
    )


def _said(
    process: subprocess.Popen[bytes], question: Mapping[str, Any] | None, seconds: float
) -> tuple[bytes | None, bool]:
    """What a process says next, and whether it was stopped for taking too long.

    Args:
        process: none where it is gone.
        question: to ask before, if any.
        seconds: that it may take.
    """
    assert process.stdin is not None
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        if question is not None:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        return _frame(process), late.is_set()
    except (OSError, ValueError):
        return None, late.is_set()
    finally:
        timer.cancel()


def _frame(process: subprocess.Popen[bytes]) -> bytes | None:
    """What a process says next; None where it is gone."""
    assert process.stdout is not None
    try:
        head = process.stdout.read(LENGTH)
        size = int.from_bytes(head, "big")
        raw = process.stdout.read(size) if len(head) == LENGTH else b""
    except (OSError, ValueError):
        return None
    return raw if raw and len(raw) == size else None


def _megabytes(path: Path) -> float:
    try:
        return path.stat().st_size / 1024**2
    except OSError:
        return 0.0


def _ending(status: int) -> str:
    """What ended a process, in words."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _error(kind: str, arguments: Sequence[Any]) -> SibnlpError:
    """An error of ours, by the name of its class; anything else is no answer."""
    found = getattr(errors, kind, None)
    known = isinstance(found, type) and issubclass(found, SibnlpError)
    return found(*arguments) if known else ReadError("", f"{kind}: {arguments}")  # type: ignore[misc]


def _document(raw: Mapping[str, Any]) -> Document:
    """A document of its plain values."""
    values = dict(raw)
    for name, kind in (("turns", Turn), ("marks", Mark), ("dropped", Dropped), ("speakers", Speaker)):
        values[name] = tuple(kind(**one) for one in values[name])
    values["rows"] = tuple(Passage(**{**one, "extra": _pairs(one["extra"])}) for one in values["rows"])
    values["metadata"] = _pairs(values["metadata"])
    return Document(**values)


def _pairs(raw: Sequence[Sequence[Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in raw)
