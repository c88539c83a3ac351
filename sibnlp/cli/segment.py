"""``sibnlp segment``."""

from __future__ import annotations

import typer

from sibnlp.cli import options
from sibnlp.cli.console import segment_settings
from sibnlp.cli.sharded import check_place, tell, work_through


def command(
    paths: options.Places,
    output: options.OutputPlace,
    max_words: options.MaxWords = 120,
    min_words: options.MinWords = 15,
    interviewer: options.Interviewer = "context",
    interviewers: options.Interviewers = [],  # noqa: B006 - typer copies it
    runner: options.Runner = "local",
    workers: options.Workers = None,
    file_timeout: options.FileTimeout = 0.0,
    work: options.Work = "",
    fresh: options.Fresh = False,
    force: options.Force = False,
) -> None:
    """Read documents and cut them into passages.

    A run that is stopped goes on where it was when it is started again, as that of `sibnlp classify` does.

    Examples:
    - `sibnlp segment interviews/ -o passages.csv`
    - `sibnlp segment anna.vtt --interviewers "Dr Vos" -o - | head`
    - `sibnlp segment archive/ --workers 8 -o passages.parquet`
    """
    from sibnlp.sharding import units
    from sibnlp.sharding.work import Job

    check_place(output, work, force)
    settings = segment_settings(max_words, min_words, interviewer, interviewers)
    files = units.find(paths)
    job = Job("", settings, units.known_beside(paths, files), file_timeout=file_timeout)
    outcome = work_through(files, output, job, runner=runner, workers=workers, work=work, fresh=fresh)
    raise typer.Exit(tell(outcome, f"{outcome.n_passages} passages from {outcome.n_read} documents"))
