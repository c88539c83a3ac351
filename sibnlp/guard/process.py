"""The reader process: it answers questions about files in JSON until nobody asks any more.

An answer is one frame or several: some bytes that say how long it is, and an object. ``found`` is all of an answer,
``more`` a part of one, until ``end``; ``kind`` and ``error`` make an error of ours anew, and nothing follows either.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sibnlp import exchange, readers
from sibnlp.errors import ReadError, SibnlpError

FIX = "open it, save it anew or as another format, or split it"
LENGTH = 8
"""Bytes that say how long a frame is."""
UNFOLDS = 32
"""How many times its size a table of predictions may take beyond the memory allowed; ours take about eight times."""

_allowed = 0  # what the process was told on its start: its address space in bytes


def serve(memory: int) -> None:
    """Answer questions on stdin until it closes: the whole life of the reader process.

    Args:
        memory: address space it may take, in bytes; 0 for no limit.
    """
    global _allowed
    _allowed = memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets the same, and decides
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    _limit(memory)

    def say(raw: bytes) -> None:
        answers.write(len(raw).to_bytes(LENGTH, "big"))
        answers.write(raw)
        answers.flush()

    def reply(line: bytes) -> None:  # apart, so that of a large answer nothing is held until the next question
        for answer in _answers(json.loads(line)):
            say(answer.encode())

    say(b"ready")
    for line in sys.stdin.buffer:
        reply(line)


def _answers(question: Mapping[str, Any]) -> Iterator[str]:
    path = Path(question["path"])
    _limit_time(question["seconds"])
    try:
        found = _DO[question["do"]](path, question["how"])
        if isinstance(found, Iterator):
            yield from (json.dumps({"more": one}) for one in found)
            yield json.dumps({"end": True})
        else:
            told = json.dumps({"found": found})
            del found
            yield told
        return
    except SibnlpError as error:
        yield json.dumps({"kind": type(error).__name__, "error": error.args})
        return
    except MemoryError:
        problem, fix = "reading it takes too much memory", FIX
    except Exception as error:
        problem, fix = f"cannot be read: {type(error).__name__}: {error}".rstrip(": "), ""
    yield json.dumps({"kind": "ReadError", "error": ReadError(path, problem, fix).args})


def _read(path: Path, document_id: str) -> Any:
    return asdict(readers.read(path, document_id))


def _read_project(path: Path, _: str) -> Any:
    documents, problems = exchange.read_documents(path)
    return {"documents": [asdict(one) for one in documents], "problems": [asdict(one) for one in problems]}


def _try_table(path: Path, how: str) -> None:
    from sibnlp import tables
    from sibnlp.tables import columnar, files

    if not how:
        files.load(path)
        return
    # A million predictions are read by column in a tenth of the time that telling passages apart takes after that.
    size = columnar.unfolded(path) if path.suffix.lower() == ".parquet" else None
    if size is None:
        tables.read_predictions(path)
    elif _allowed and size > max(_allowed, UNFOLDS * path.stat().st_size):
        raise MemoryError


def _ranges(path: Path, _: str) -> Iterator[Any]:
    from sibnlp.tables.ranges import has_ranges, ranges

    with contextlib.suppress(OSError):  # reading it says why
        if has_ranges(str(path)):
            yield from map(asdict, ranges(str(path)))


def _try_project(path: Path, how: str) -> None:
    exchange.load(path, exchange.options_of(json.loads(how)))


_DO: dict[str, Callable[[Path, str], Any]] = {
    "document": _read,
    "project": _read_project,
    "table": _try_table,
    "ranges": _ranges,
    "whole project": _try_project,
}


def _limit(memory: int) -> None:
    """Bound memory, and let the process write no file at all, where the system knows such limits."""
    try:
        import resource
    except ImportError:  # Windows: time is limited by the parent, memory is not
        return
    for what, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        if limit or what != resource.RLIMIT_AS:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(what, (limit, limit))


def _limit_time(seconds: float) -> None:
    """Bound what the next file takes of the processor: a parent that is killed stops nobody."""
    try:
        import resource
    except ImportError:
        return
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds) + 1, hard))
