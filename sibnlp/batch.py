"""Classifying (or only cutting) whatever there is of it: files and tables in, one table out, and no work lost.

The input is cut into units, a runner does them, and what is done is kept beside the output until all is
(`sibnlp.sharding`). A run that is stopped, however that may be, goes on where it was when it is started again.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sibnlp import places
from sibnlp.corpus import Progress
from sibnlp.errors import OutputExistsError
from sibnlp.runlog import format_of
from sibnlp.runners import RUNNERS, Means, Runner
from sibnlp.sharding import store as stores
from sibnlp.sharding.assembly import Assembly, Skipped
from sibnlp.sharding.store import Store
from sibnlp.sharding.units import Done, File, Record, Unit, expected, plan, sizes
from sibnlp.sharding.work import Card, Job
from sibnlp.tables import shards

# Work on less than this, in bytes of the input, is done before other processes have started.
SMALL = 4 << 20
STDOUT = "-"


@dataclass(slots=True)
class Outcome:
    """What became of a run.

    Attributes:
        model: the model's name.
        n_inputs: files given; n_read: documents read; n_passages: rows written.
        n_coded, n_undecided: rows with a code, and with a family left undecided.
        about: the model, for the record of the run.
        formats: documents read, by format; failed_formats: those that were not.
        taken_over: inputs, and ranges of tables, that an earlier run had done; done: those this one did.
        problems: documents that could not be read, or not written; passages: those that could not be coded.
        notes: what else people should know.
        work: folder where what is done is kept for another try; None where all went well, or nothing is kept.
        output: whether the output could be written.
    """

    model: str = ""
    n_inputs: int = 0
    n_read: int = 0
    n_passages: int = 0
    n_coded: int = 0
    n_undecided: int = 0
    about: Mapping[str, object] = field(default_factory=dict)
    formats: Counter[str] = field(default_factory=Counter)
    failed_formats: Counter[str] = field(default_factory=Counter)
    taken_over: int = 0
    done: int = 0
    problems: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    work: Path | None = None
    output: bool = False

    @property
    def failed(self) -> bool:
        """Whether anything is left to be tried again."""
        return bool(self.problems or self.passages or not self.output)


def check(output: Path | str, force: bool, folder: Path | None = None) -> None:
    """Refuse an output that is there, unless a run that is not finished left it.

    Args:
        output: a path, or a URI.
        force: whether it may be replaced.
        folder: of the work; beside the output where None.

    Raises:
        OutputExistsError: it is there and ``force`` is not given.
        DataError: it cannot be told.
    """
    there = places.exists(output)
    if there and not force and not stores.is_unfinished(output, folder or stores.folder_of(output)):
        raise OutputExistsError(output)


def classify(
    files: Sequence[File],
    output: Path | str,
    job: Job,
    *,
    runner: str = "local",
    means: Means | None = None,
    folder: Path | None = None,
    fresh: bool = False,
    emit: Callable[[Iterator[dict[str, Any]]], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Progress | None = None,
) -> Outcome:
    """Code documents, or the rows of tables; without a model, only cut them into passages.

    Args:
        files: from `sibnlp.sharding.units.find`.
        output: where to, a path or a URI; its suffix says the format. What is there is replaced (see `check`).
        job: the model and how it is used.
        runner: name in `sibnlp.runners.RUNNERS`; means: what it may use.
        folder: for what is done until all is; as `sibnlp.sharding.store.folder_of` has it where None.
        fresh: whether to start over where an earlier run was stopped.
        emit: takes the rows instead of ``output``; nothing is then kept for another run.
        say: told at once what people should know.
        progress: told how many passages are done and, from their share of the input's bytes, about how many there are.

    Raises:
        SibnlpError: the model cannot be loaded, the runner not be used, or another run writes to this output.
        OSError: the work folder cannot be made.
    """
    with ExitStack() as stack:
        if emit is None:
            if isinstance(output, Path):
                output.parent.mkdir(parents=True, exist_ok=True)
            folder = folder or stores.folder_of(output)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sibnlp-"))) / "work"
        store = Store(folder, fresh)
        stack.callback(store.close)
        allowed = _means(means or Means(), runner, files)
        working: Runner = stack.enter_context(RUNNERS.load(runner)(job, folder, allowed))
        n_kept, dropped = store.open({"model": working.card.fingerprint, "settings": job.settings(), **_version()})
        _say_resuming(say, folder, n_kept, dropped)
        if progress and job.model:
            progress("loading", 1, 1)
        # In a process that does all the work there is nothing to do it beside.
        if emit is None and allowed.workers != 0 and _same_disk(folder, output):
            name = output.name if isinstance(output, Path) else places.name_of(output)
            assembly = stack.enter_context(Assembly(folder, name, working.card.layout, _counting))
        else:
            assembly = None
        run = _Run(files, job, store, working.card, progress, assembly)
        run.do(working)
        working.__exit__(None, None, None)  # the memory of its processes is free for what follows
        run.outcome.notes += working.notes + store.unwritten
        if emit is not None:
            emit(shards.rows(run.tables(), working.card.layout, run.names))
            run.outcome.output = True
        else:
            run.write(output)
        return run.outcome


class _Run:
    """One run: the books of what is done."""

    def __init__(
        self,
        files: Sequence[File],
        job: Job,
        store: Store,
        card: Card,
        progress: Progress | None,
        assembly: Assembly | None,
    ) -> None:
        self.files, self.job, self.store, self.card, self.progress = files, job, store, card, progress
        self.assembly = assembly
        self.outcome = Outcome(card.layout.model, n_inputs=len(files), about=card.about)
        self._shards: dict[int, str] = {}
        self._used: set[str] = set()
        self._skipped: dict[int, Skipped] = {}
        self._names: dict[int, tuple[str, ...]] = {}
        self._records: dict[str, list[tuple[int, Record]]] = {}
        self._rejected: set[str] = set()
        self._problems: list[tuple[int, str]] = []
        self._passages: list[tuple[int, str]] = []
        self._bytes, self._total = 0, sizes(files)

    @property
    def names(self) -> list[str]:
        """Further columns of all rows, in order."""
        return list(dict.fromkeys(name for number in sorted(self._names) for name in self._names[number]))

    def do(self, runner: Runner) -> None:
        """Have everything done that is not."""
        units: dict[int, Unit] = {}

        def left() -> Iterator[Unit]:
            for unit in plan(self.files, self.job.known, self.store.taken, self._rejected.add):
                if whole := self.store.whole(unit.parts):
                    self._count(unit, whole)
                else:
                    units[unit.number] = unit
                    yield unit

        for done in runner.run(left()):
            self.store.add(done)
            self._count(units.pop(done.number), done)
        for unit in units.values():  # the runner lost them, and says why in its notes
            lost = (Record(part.name, problems=(f"{part.file.place}: lost by the runner",)) for part in unit.parts)
            self._count(unit, Done(unit.number, "", tuple(lost)))
        for number, record in (one for table in self._rejected for one in self._records.get(table, ())):
            self._shards.pop(number, None)
            self._tally(record, -1)
        # Units end in any order; what is listed stands in the order of the input.
        self.outcome.problems += [problem for _, problem in sorted(self._problems, key=lambda one: one[0])]
        self.outcome.passages += [problem for _, problem in sorted(self._passages, key=lambda one: one[0])]

    def _count(self, unit: Unit, done: Done) -> None:
        """Take up what became of a unit."""
        if done.shard:
            self._shards[unit.number] = done.shard
            self._names[unit.number] = done.names
            self._used.add(done.shard)
        else:  # a disk that is full now must not cost what was done before
            self._used |= {part.taken.shard for part in unit.parts if part.taken}
        skipped = []
        for part, record in zip(unit.parts, done.records, strict=True):
            if not record.kept and record.n:
                skipped.append((record.start, record.n))
            self._tally(record, 1)
            self.outcome.taken_over += part.taken is not None
            self.outcome.done += part.taken is None
            self._problems += [(unit.number, problem) for problem in record.problems]
            if record.problems:
                self.outcome.failed_formats[record.format or format_of(part.file.place)] += len(record.problems)
            self._passages += [(unit.number, problem) for problem in record.passages]
            if part.rows:
                self._records.setdefault(part.file.id, []).append((unit.number, record))
            self._bytes += part.size
        if skipped:
            self._skipped[unit.number] = tuple(skipped)
        if self.assembly:
            self.assembly.settle(unit.number, done.shard, tuple(skipped), done.names)
        if self.progress:
            n = self.outcome.n_passages
            about = round(n * self._total / self._bytes) if self._bytes else n
            stage = "classifying" if self.job.model else "segmenting"
            self.progress(stage, n, n if self._bytes >= self._total else max(n, about))

    def _tally(self, record: Record, sign: int) -> None:
        """Count a part in, or out again."""
        outcome = self.outcome
        if record.kept:
            outcome.n_read += sign * record.n_read
            outcome.n_passages += sign * record.n
            outcome.n_coded += sign * record.n_coded
            outcome.n_undecided += sign * record.n_undecided
            if record.n_read:
                outcome.formats[record.format] += sign * record.n_read

    def tables(self) -> Iterator[Any]:
        """Rows of all shards that count, in order of the input."""
        for number in sorted(self._shards):
            yield from _counting(self.store.folder / self._shards[number], self._skipped.get(number, ()))

    def write(self, output: Path | str) -> None:
        """Put the shards together, and the work folder away where nothing is left to do."""
        outcome = self.outcome
        n = outcome.n_passages
        if self.progress:
            self.progress("writing", 0, n)
        try:
            with ExitStack() as stack:
                part = self.assembly.finish(sorted(self._shards), self.names) if self.assembly else None
                if part is None:
                    # What goes to a URI is put together beside the work folder.
                    home = output if isinstance(output, Path) else self.store.folder.with_name(places.name_of(output))
                    part = stack.enter_context(_beside(home))
                    shards.join(self.tables(), self.card.layout, self.names, part)
                stores.publish(part, part)
                self.store.promise(part, sent=isinstance(output, str))
                if isinstance(output, str):
                    places.put(part, output)
                else:
                    part.replace(output)
            outcome.output = True
            if self.progress:
                self.progress("writing", n, n)
        except OSError as error:
            outcome.problems.append(f"{output}: not written: {error.strerror or error}")
        if outcome.failed:
            outcome.work = self.store.folder
            self.store.prune(self._used)
        else:
            self.store.remove()


def _counting(shard: Path, skipped: Skipped) -> Iterator[Any]:
    """The rows of a shard that count, in tables."""
    at = 0
    for table in shards.read(shard):
        yield from _without(table, at, skipped)
        at += table.num_rows


def _without(table: Any, at: int, skipped: Skipped) -> Iterator[Any]:
    """A table whose first row is row ``at`` of its shard, without rows that do not count."""
    first = 0
    for start, n in skipped:
        begin, end = max(start - at, first), min(start + n - at, table.num_rows)
        if begin < end:
            if begin > first:
                yield table.slice(first, begin - first)
            first = end
    if first < table.num_rows:
        yield table.slice(first) if first else table


@contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A path beside the output, under its name, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".sibnlp-", dir=output.parent) as folder:
        yield Path(folder) / output.name


def _same_disk(folder: Path, output: Path | str) -> bool:
    """Whether a file of the work folder can take the output's place; what goes to a URI is copied there anyway."""
    return not isinstance(output, Path) or folder.stat().st_dev == output.parent.stat().st_dev


def _means(means: Means, runner: str, files: Sequence[File]) -> Means:
    """What to use where the user leaves it open: for little work, no other process."""
    if runner == "local" and means.workers is None and not means.file_timeout and sizes(files) <= SMALL:
        return Means(0, 0.0)
    return replace(means, n_units=expected(files))


def _version() -> dict[str, str]:
    from sibnlp import __version__

    return {"sibnlp": __version__}


def _say_resuming(say: Callable[[str], None], folder: Path, n_kept: int, dropped: bool) -> None:
    if dropped:
        say(f"What {folder} held was made with another model, settings or version: starting over.")
    elif n_kept:
        parts = "one finished part" if n_kept == 1 else f"{n_kept:,} finished parts"
        say(f"Going on: {folder} holds {parts} of an earlier run (--fresh starts over).")
