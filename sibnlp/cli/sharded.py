"""What the commands that work in shards, ``segment`` and ``classify``, share: how they run, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sibnlp.cli.console import ALL_GOOD, SOME_FAILED, emit, progress, say, warn
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from sibnlp.batch import Outcome
    from sibnlp.sharding.units import File
    from sibnlp.sharding.work import Job

INTERRUPTED = 130


def work_through(
    files: Sequence[File], output: str, job: Job, *, runner: str, workers: int | None, work: str, fresh: bool
) -> Outcome:
    """Do a job on all files, with progress; see `sibnlp.batch.classify`.

    Raises:
        typer.Exit: Ctrl-C.
    """
    from sibnlp import batch, places
    from sibnlp.runners import Means
    from sibnlp.sharding.store import folder_of

    to_stdout = output == batch.STDOUT
    target = places.target(output)
    folder = folder_of(target, Path(work) if work else None)
    try:
        with progress() as show:
            outcome = batch.classify(
                files,
                target,
                job,
                runner=runner,
                means=Means(workers, job.file_timeout),
                folder=folder,
                fresh=fresh,
                emit=_emit if to_stdout else None,
                say=say,
                progress=show,
            )
    except KeyboardInterrupt:
        kept = "" if to_stdout else f"; run it again to go on where it was: what is done is kept in {folder}"
        say(f"stopped{kept}")
        raise typer.Exit(INTERRUPTED) from None
    _record(outcome, target)
    return outcome


def check_place(output: str, work: str, force: bool) -> None:
    """Refuse an output that cannot be written before any work is done.

    Raises:
        OutputExistsError: it is there, no earlier run left it unfinished, and ``force`` is not given.
        TableError: its suffix names no format that can be written.
        DataError: what reaches such URIs is not installed, or does not answer.
    """
    from sibnlp import batch, places, tables
    from sibnlp.sharding.store import folder_of

    if output == batch.STDOUT:
        return
    target = places.target(output)
    tables.check_format(target if isinstance(target, Path) else Path(places.name_of(target)))
    batch.check(target, force, folder_of(target, Path(work) if work else None))


def tell(outcome: Outcome, head: str, undecided: bool = False) -> int:
    """Say what came out, and list what did not.

    Args:
        outcome: of the run.
        head: the first line.
        undecided: whether to say how many passages the model left undecided.

    Returns:
        The exit code.
    """
    for note in outcome.notes:
        warn(note)
    say(head)
    if outcome.taken_over:
        say(f"{outcome.taken_over} parts taken over from the earlier run, {outcome.done} done now")
    if undecided:
        say(f"{outcome.n_undecided} passages with a family left undecided")
    if outcome.problems:
        say(f"{len(outcome.problems)} of {outcome.n_read + len(outcome.problems)} files could not be read:")
        for problem in outcome.problems:
            say(f"  {problem}")
    if outcome.passages:
        say(f"{len(outcome.passages)} passages could not be coded:")
        for problem in outcome.passages:
            say(f"  {problem}")
    if outcome.work is not None:
        say(f"What is done is kept in {outcome.work}: run it again to try only what failed, or remove the folder.")
    return SOME_FAILED if outcome.failed else ALL_GOOD


def _emit(rows: Iterator[dict[str, Any]]) -> None:
    from sibnlp import tables

    emit(tables.json_lines(rows))


def _record(outcome: Outcome, output: Path | str) -> None:
    """Tell the record of the run what came out."""
    log = current()
    if outcome.about:
        log.add_model(outcome.about)
    for name in {**outcome.formats, **outcome.failed_formats}:
        log.add_format(name, outcome.formats[name], read=True)
        log.add_format(name, outcome.failed_formats[name], read=False)
    log.counts |= {"passages": outcome.n_passages}
    if outcome.about:
        log.counts |= {
            "with a code": outcome.n_coded,
            "undecided": outcome.n_undecided,
            "failed passages": len(outcome.passages),
        }
    log.problems += [*outcome.problems, *outcome.passages]
    log.wrote += [output] if outcome.output else []
