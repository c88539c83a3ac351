"""What the commands share towards the user: messages, progress, and files that are never half-written."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sibnlp.cli import recording
from sibnlp.errors import InputError, OutputExistsError, SibnlpError

if TYPE_CHECKING:
    from rich.progress import Progress, Task

    from sibnlp.segmentation import SegmentSettings
    from sibnlp.types import Report, Source

ALL_GOOD, SOME_FAILED, MISUSE = 0, 1, 2
# Work shorter than this needs no bar.
PATIENCE_SECONDS = 2.0


# What moves a terminal's cursor, colours it or turns text about; names of files and codes may hold it.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def say(message: str) -> None:
    """A line for people, on stderr; controls in it are shown, not obeyed. With ``--json`` it is an event there."""
    if recording.for_machines():
        recording.event("message", text=message)
        return
    print(_CONTROLS.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", message), file=sys.stderr)


def warn(message: str) -> None:
    """A line that a reader of the output must know; it stands in the record of the run as well."""
    recording.current().warnings.append(message)
    say(message)


@contextmanager
def log_lines(*names: str) -> Iterator[None]:
    """Show what loggers say of long work as lines for people."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    handler = Lines()
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


def emit(lines: Iterable[str]) -> None:
    """Write data to stdout; a reader who has seen enough (``| head``) ends the command without an error."""
    try:
        for line in lines:
            sys.stdout.write(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer must not be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ALL_GOOD)


def fail(message: str) -> NoReturn:
    """End with one line and the exit code of misuse."""
    say(f"sibnlp: {message}")
    sys.exit(MISUSE)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback ``(stage, done, total)`` that draws a bar on a terminal once work takes longer than two seconds.

    With ``--json`` it writes events instead. Either way the record of the run learns how long each stage took.
    """
    log = recording.current()
    log.lap("rest")
    ticker = recording.Ticker() if recording.for_machines() else None
    began = time.monotonic()
    bar: Progress | None = None
    tasks: dict[str, Any] = {}

    def show(stage: str, done: int, total: int) -> None:
        nonlocal bar
        log.lap(stage)
        if ticker:
            ticker.show(stage, done, total)
            return
        if bar is None:
            if not sys.stderr.isatty() or time.monotonic() - began < PATIENCE_SECONDS:
                return
            bar = _bar()
            bar.start()
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s")

    columns = (
        TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn(),
        TextColumn("left"),
    )  # fmt: skip
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def output_file(path: Path, force: bool, option: str = "-o") -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when all went well.

    Args:
        path: the output; force: whether it replaces what is there.
        option: what another output is named by; empty where there is no choice.

    Raises:
        OutputExistsError: the file is there and ``force`` is not given.
    """
    if path.exists() and not force:
        raise OutputExistsError(path, option)
    if path.is_dir():
        raise SibnlpError(f"{path} is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sibnlp-", dir=path.parent) as folder:
        # The suffix tells the writer the format, so the temporary file keeps the whole name.
        part = Path(folder) / path.name
        try:
            yield part
        except InputError as error:
            if error.path != str(part):
                raise
            # Who asked for the output knows it by its own name alone.
            raise type(error)(path, error.problem, error.fix, error.place) from error
        part.replace(path)
    recording.current().wrote.append(path)


@contextmanager
def output_folder(path: Path, force: bool) -> Iterator[Path]:
    """A temporary folder whose files move into ``path`` when all went well; other files there stay.

    Raises:
        OutputExistsError: the folder is there, not empty, and ``force`` is not given.
    """
    if path.is_file():
        raise SibnlpError(f"{path} is a file; -o takes a folder here")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise OutputExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sibnlp-", dir=path.parent) as folder:
        yield Path(folder)
        path.mkdir(exist_ok=True)
        for part in sorted(Path(folder).iterdir()):
            part.replace(path / part.name)
    recording.current().wrote.append(path)


def check_output(output: Path, force: bool) -> None:
    """Refuse an output that cannot be written before any work is done.

    Raises:
        OutputExistsError: it is there and ``force`` is not given.
        TableError: its suffix names no format that can be written.
    """
    from sibnlp import tables

    if str(output) == "-":
        return
    tables.check_format(output)
    if output.exists() and not force:
        raise OutputExistsError(output)


def write_rows(output: Path, rows: Iterable[Mapping[str, Any]], force: bool) -> None:
    """Write rows to a table file, or as JSONL to stdout for ``-``."""
    from sibnlp import tables

    if str(output) == "-":
        emit(tables.json_lines(rows))
        return
    with output_file(output, force) as part:
        tables.write(rows, part)


def write_report(report: Report, folder: Path, predictions: bool) -> None:
    """Write a drift report's files: HTML, the trajectories as JSON and, where asked for, every coded passage."""
    from sibnlp import tables
    from sibnlp.report import render

    for number, trajectory in enumerate(report.trajectories):
        name = f"trajectory.{trajectory.framework}.json" if number else "trajectory.json"
        documents = next((t for t in report.documents if t.framework == trajectory.framework), None)
        # Written as it is made: with many thousands of actors the text alone is large.
        with (folder / name).open("w", encoding="utf-8") as file:
            file.writelines(tables.trajectory_text(tables.trajectory_json(trajectory, documents)))
            file.write("\n")
    if predictions:
        for name in ("predictions.parquet", "predictions.csv"):
            tables.write(tables.prediction_rows(report.predictions), folder / name)
    (folder / "report.html").write_text(render(report), encoding="utf-8")


def segment_settings(max_words: int, min_words: int, interviewer: str, interviewers: list[str]) -> SegmentSettings:
    """Options of segmentation as settings; a wrong value is misuse."""
    import typer

    from sibnlp.segmentation import SegmentSettings

    try:
        return SegmentSettings(max_words, min_words, interviewer, tuple(interviewers))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def list_failures(sources: Sequence[Source]) -> int:
    """Name the files that could not be read.

    Returns:
        The exit code: 1 where some failed, else 0.
    """
    failed = [source for source in sources if source.problem]
    log = recording.current()
    log.add_sources(sources)
    log.problems += [source.problem for source in failed]
    if failed:
        say(f"{len(failed)} of {len(sources)} files could not be read:")
        for source in failed:
            say(f"  {source.problem}")
    return SOME_FAILED if failed else ALL_GOOD
