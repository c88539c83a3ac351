"""``sibnlp classify``."""

from __future__ import annotations

from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import segment_settings
from sibnlp.cli.sharded import check_place, tell, work_through


def command(
    paths: options.Places,
    output: options.OutputPlace,
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
    runner: options.Runner = "local",
    workers: options.Workers = None,
    file_timeout: options.FileTimeout = 0.0,
    work: options.Work = "",
    fresh: options.Fresh = False,
    force: options.Force = False,
) -> None:
    """Code documents, or the rows of a table, passage by passage.

    Documents are read and segmented first; a coded project (.qdpx, .sqlite3, .json, .zip) gives its documents. In a
    table each row with a `text` is one passage; its id and all further columns pass through.

    A run that is stopped, by a pulled plug even, goes on where it was when it is started again: what is done is kept in
    a folder beside the output (`predictions.parquet.work`) until all is. Where a file, or a passage, failed, the others
    are written, the exit code is 1, and the next run tries only those again. Rows are the same whatever the runner, the
    number of workers and the batch size.

    An output at a URI is put together on this machine and sent there whole, with its `run.json` beside it. What is done
    until then is kept in the current folder, or where `--work` says.

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
    - `sibnlp classify s3://council/minutes --runner ray -o s3://council/predictions.parquet`
    - `sibnlp classify study.qdpx --explain -o predictions.jsonl`
    - `sibnlp convert predictions.jsonl coded.qdpx --into study.qdpx  # brings them into the project`
    """
    from sibnlp.sharding import units
    from sibnlp.sharding.work import Job

    check_place(output, work, force)
    settings = segment_settings(max_words, min_words, interviewer, interviewers)
    files = units.find(paths)
    job = Job(model, settings, units.known_beside(paths, files), batch_size, min_confidence, explain, file_timeout)
    outcome = work_through(files, output, job, runner=runner, workers=workers, work=work, fresh=fresh)
    head = (
        f"{outcome.n_passages} passages from {outcome.n_read} files, {outcome.n_coded} with a code, by {outcome.model}"
    )
    raise typer.Exit(tell(outcome, head, undecided=bool(min_confidence)))
