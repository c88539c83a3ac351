"""``sibnlp classify``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import ALL_GOOD, SOME_FAILED, emit, progress, say, segment_settings, warn
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from sibnlp.batch import Outcome

INTERRUPTED = 130


def command(
    paths: options.Places,
    output: options.OutputFile,
    model: options.ModelName = "gov-fast",
    batch_size: Annotated[
        int, typer.Option(help="Passages a process holds at a time; changes no result.", min=1)
    ] = 1024,
    min_confidence: options.MinConfidence = 0.0,
    max_words: options.MaxWords = 120,
    min_words: options.MinWords = 15,
    interviewer: options.Interviewer = "context",
    interviewers: options.Interviewers = [],  # noqa: B006 - typer copies it
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Say for each code which sentence it rests on most, and which words moved its score; takes several "
            "times as long, with an encoder or zero_shot as many times as a passage has words.",
        ),
    ] = False,
    runner: Annotated[
        str,
        typer.Option(
            help="Who does the work: `local` (processes of this machine) or `ray` (one machine or a cluster)."
        ),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that classify; all cores by default, 0 for this process alone.", min=0),
    ] = None,
    file_timeout: Annotated[
        float, typer.Option(help="Seconds that reading one file may take; then it is stopped and reported.", min=0.0)
    ] = 0.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over where an earlier run was stopped.")] = False,
    force: options.Force = False,
) -> None:
    """Code documents, or the rows of a table, passage by passage.

    Documents are read and segmented first; a coded project (.qdpx, .sqlite3, .json, .zip) gives its documents. In a
    table each row with a `text` is one passage; its id and all further columns pass through.

    A run that is stopped, by a pulled plug even, goes on where it was when it is started again: what is done is kept in
    a folder beside the output (`predictions.parquet.work`) until all is. Where a file, or a passage, failed, the others
    are written, the exit code is 1, and the next run tries only those again. Rows are the same whatever the runner, the
    number of workers and the batch size.

    `--min-confidence` abstains: a passage gets no code of a family (logics, domains …) where the calibrated probability
    that a decision is right falls below it for any of the family's codes. Column `abstained` lists the
    codes the model did not decide on; they are neither given nor absent.

    With `--model zero_shot:CODEBOOK` (a shipped codebook or a TOML file) passages are coded by the codebook's names,
    definitions and criteria alone, for a codebook nobody has coded with. Scores then say what share of plain
    passages is less like the code; they are no probabilities, and shares of codes mean little before somebody has coded
    a sample (`sibnlp train --recipe zero_shot` calibrates on it).

    Examples:
    - `sibnlp classify interviews/ -o predictions.parquet`
    - `sibnlp classify survey_answers.csv --model my-model -o predictions.csv`
    - `sibnlp classify interviews/ --model zero_shot:practices -o predictions.parquet`
    - `sibnlp classify minutes.pdf -o - | jq .codes`
    - `sibnlp classify archive/ --workers 8 --file-timeout 120 -o predictions.parquet`
    - `sibnlp classify s3://council/minutes --runner ray -o predictions.parquet`
    - `sibnlp classify study.qdpx --explain -o predictions.jsonl`, then `sibnlp convert` brings them into the project
    """
    from sibnlp import batch, tables
    from sibnlp.runners import Means
    from sibnlp.sharding import units
    from sibnlp.sharding.work import Job

    to_stdout = str(output) == batch.STDOUT
    if not to_stdout:
        tables.check_format(output)
        batch.check(output, force)
    settings = segment_settings(max_words, min_words, interviewer, interviewers)
    files = units.find(paths)
    job = Job(model, settings, units.known_beside(paths, files), batch_size, min_confidence, explain, file_timeout)
    try:
        with progress() as show:
            outcome = batch.classify(
                files,
                output,
                job,
                runner=runner,
                means=Means(workers, file_timeout),
                fresh=fresh,
                emit=_emit if to_stdout else None,
                say=say,
                progress=show,
            )
    except KeyboardInterrupt:
        say("stopped" + ("" if to_stdout else "; run it again to go on where it was"))
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(_report(outcome, min_confidence, output))


def _emit(rows: Iterator[dict[str, Any]]) -> None:
    from sibnlp import tables

    emit(tables.json_lines(rows))


def _record(outcome: Outcome, output: Path) -> None:
    """Tell the record of the run what came out."""
    log = current()
    log.add_model(outcome.about)
    for name in {**outcome.formats, **outcome.failed_formats}:
        log.add_format(name, outcome.formats[name], read=True)
        log.add_format(name, outcome.failed_formats[name], read=False)
    log.counts |= {
        "passages": outcome.n_passages,
        "with a code": outcome.n_coded,
        "undecided": outcome.n_undecided,
        "failed passages": len(outcome.passages),
    }
    log.problems += [*outcome.problems, *outcome.passages]
    log.wrote += [output] if outcome.output else []


def _report(outcome: Outcome, min_confidence: float, output: Path) -> int:
    """Say what came out, and list what did not.

    Returns:
        The exit code.
    """
    _record(outcome, output)
    for note in outcome.notes:
        warn(note)
    say(f"{outcome.n_passages} passages from {outcome.n_read} files, {outcome.n_coded} with a code, by {outcome.model}")
    if outcome.taken_over:
        say(f"{outcome.taken_over} parts taken over from the earlier run, {outcome.done} done now")
    if min_confidence:
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
