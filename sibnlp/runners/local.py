"""Runner ``local``: processes of this machine, each with the model, or none but this one where the work is small.

A worker that reads one file for too long is stopped, and the file reported. One that dies (killed for its memory, say)
is started again and its unit tried once more, parts kept apart; the part over which it dies again is reported. Workers
end with the process that started them, however that ends.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sibnlp.errors import DataError, SibnlpError
from sibnlp.guard import SECONDS_PER_MB
from sibnlp.runners import Means
from sibnlp.sharding.units import Done, Unit
from sibnlp.sharding.work import Card, Job, Worker

READY, FAILED, READING, DONE = "ready", "failed", "reading", "done"
# Each worker is one process on one core.
ONE_CORE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHON_CPU_COUNT": "1"}
# Seconds after which a worker is stopped that should have stopped its reader process.
GRACE = 2.0
# New objects from which on a worker looks for garbage.
GARBAGE = 100_000
# How often a worker may die before it has loaded the model.
STARTS = 2


class LocalRunner:
    """See `sibnlp.runners.Runner`.

    Args:
        job: what to do.
        folder: where shards go.
        means: ``workers`` is the number of cores by default.
    """

    card: Card

    def __init__(self, job: Job, folder: Path, means: Means) -> None:
        self.job, self.folder, self.means = job, folder, means
        self.notes: list[str] = []
        self.n_workers = cores() if means.workers is None else means.workers
        self._own: Worker | None = None
        self._workers: list[_Process] = []

    def __enter__(self) -> Self:
        if self.n_workers == 0:
            self._own = Worker(self.job)
            self.card = self._own.card
            return self
        try:
            self.card = self._first()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(self, units: Iterable[Unit]) -> Iterator[Done]:
        """Do units (see `sibnlp.runners.Runner`)."""
        if self._own is not None:
            for unit in units:
                yield self._own.do(unit, self.folder)
            return
        waiting = iter(units)
        following = next(waiting, None)
        while following is not None or any(one.unit for one in self._workers):
            if following is not None:
                idle = next((one for one in self._workers if one.idle), None)
                if idle is None and len(self._workers) < self.n_workers:
                    self._workers.append(_Process(self.job, self.folder))
                if idle is not None:
                    idle.give(following)
                    following = next(waiting, None)
                    continue
            yield from self._listen()

    def _first(self) -> Card:
        """Start workers, as many as will have work, and learn of the model from the first."""
        # Loading the model takes each a second: not one after the other.
        others = min(self.n_workers, self.means.n_units) - 1
        for _ in range(STARTS):
            worker = _Process(self.job, self.folder)
            self._workers[:1] = [worker]
            while len(self._workers) <= others:
                self._workers.append(_Process(self.job, self.folder))
            with contextlib.suppress(EOFError, OSError):
                kind, told = worker.pipe.recv()
                if kind == FAILED:
                    raise told
                worker.ready = True
                return told  # type: ignore[no-any-return]
            worker.stop()
        raise DataError(f"a worker process ended by itself ({worker.ending()})", "is there memory for the model?")

    def _listen(self) -> Iterator[Done]:
        """Wait for news of the workers, and see to those that are stuck or dead."""
        now = time.monotonic()
        limit = self.means.file_timeout
        due = [one.due(limit) - now for one in self._workers if limit and one.reading >= 0]
        ready = wait([one.pipe for one in self._workers], timeout=max(0.0, min(due, default=60.0)))
        for worker in list(self._workers):
            if worker.pipe in ready:
                try:
                    kind, told = worker.pipe.recv()
                except (EOFError, OSError):
                    self._bury(worker)
                    continue
                if kind == DONE:
                    worker.unit, worker.reading = None, -1
                    yield told
                elif kind == READING:
                    worker.reading, worker.since = told, time.monotonic()
                    worker.last = told if told >= 0 else worker.last
                elif kind == READY:
                    told.must_be(self.card)
                    worker.ready = True
                elif kind == FAILED:
                    raise told
            elif limit and worker.reading >= 0 and time.monotonic() > worker.due(limit):
                self._stop(worker, limit)

    def _stop(self, worker: _Process, limit: float) -> None:
        """Reading a file takes too long: end the worker, and have another do the rest of its unit."""
        assert worker.unit is not None
        number = worker.reading
        problem = f"{worker.unit.parts[number].file.place}: reading it took longer than {limit:g} s and was stopped"
        self._again(worker, _without(worker.unit, number, problem))

    def _bury(self, worker: _Process) -> None:
        """A worker is dead: try its unit once more, parts apart; then without the one it died over."""
        ending = worker.ending()
        unit = worker.unit
        if not worker.ready:  # it died loading the model, which is no part's fault
            if worker.starts + 1 < STARTS:
                self._again(worker, unit)
                return
            if unit is not None or not any(one.ready for one in self._workers):
                raise DataError(f"a worker process ended by itself ({ending})", "is there memory for the --workers?")
            self._workers.remove(worker)
            worker.stop()
            self.n_workers = len(self._workers)
            self.notes.append(f"Went on with {self.n_workers} workers: another ended as it began ({ending}).")
            return
        if unit is None:
            self._again(worker, None)
            return
        number = max(worker.last, 0)
        if not unit.careful or unit.suspect != number:
            self.notes.append(f"A worker process ended by itself ({ending}) and was started again.")
            self._again(worker, replace(unit, careful=True, suspect=number))
        else:
            place = unit.parts[number].file.place
            problem = f"{place}: the process that worked on it ended by itself twice ({ending})"
            self._again(worker, _without(unit, number, problem))

    def _again(self, worker: _Process, unit: Unit | None) -> None:
        worker.stop()
        fresh = _Process(self.job, self.folder)
        fresh.starts = 0 if worker.ready else worker.starts + 1
        self._workers[self._workers.index(worker)] = fresh
        if unit is not None:
            fresh.give(unit)

    def _end(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers = []
        if self._own is not None:
            self._own.close()
        self._own = None


class _Process:
    """A worker process, as its parent sees it.

    Attributes:
        unit: what it is at.
        reading: part it is reading, since when; -1 while it reads none.
        last: part it was given to read last.
        ready: whether it has loaded the model.
        starts: how many before it died loading it.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self.unit: Unit | None = None
        self.reading, self.last, self.since = -1, -1, 0.0
        self.ready, self.starts = False, 0
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        before = {name: os.environ.get(name) for name in ONE_CORE}
        os.environ.update(ONE_CORE)
        try:
            self._process = context.Process(target=_work, args=(theirs, job, folder), daemon=True)
            self._process.start()
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        theirs.close()

    @property
    def idle(self) -> bool:
        """Whether it waits for a unit; one that still loads the model does not count."""
        return self.ready and self.unit is None

    def due(self, limit: float) -> float:
        """When what it reads has taken too long; later than its reader process, if it has one, would be stopped."""
        assert self.unit is not None
        return self.since + limit + GRACE + SECONDS_PER_MB * self.unit.parts[self.reading].size / 1e6

    def give(self, unit: Unit) -> None:
        """Hand it a unit; one that is dead says so when it is next heard."""
        self.unit, self.reading, self.last = unit, -1, -1
        with contextlib.suppress(OSError):
            self.pipe.send(unit)

    def ending(self) -> str:
        """How it ended."""
        self._process.join(5)
        code = self._process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            return name + (", maybe for want of memory" if name == "SIGKILL" else "")
        return f"exit code {code}"

    def stop(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _without(unit: Unit, number: int, problem: str) -> Unit:
    parts = list(unit.parts)
    parts[number] = replace(parts[number], problem=problem)
    return replace(unit, parts=tuple(parts), careful=True)


def _work(pipe: Connection[Any, Any], job: Job, folder: Path) -> None:
    """What a worker process does until its pipe is closed."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        worker = Worker(job)
    except Exception as error:
        # Others than ours may not survive the way through the pipe.
        told = error if isinstance(error, SibnlpError) else DataError(f"{type(error).__name__}: {error}")
        pipe.send((FAILED, told))
        return
    pipe.send((READY, worker.card))
    # The model never becomes garbage, and passages do so without a search for cycles, which costs a twentieth.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    with contextlib.suppress(EOFError, OSError):
        while True:
            unit: Unit = pipe.recv()
            pipe.send((DONE, worker.do(unit, folder, lambda number: pipe.send((READING, number)))))


def _die_with_parent() -> None:
    """See to it that this process ends when its parent does, though it be killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    with contextlib.suppress(Exception):  # Linux alone has it
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
