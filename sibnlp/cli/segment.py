"""``sibnlp segment``."""

from __future__ import annotations

import typer

from sibnlp.cli import options
from sibnlp.cli.console import check_output, list_failures, progress, say, segment_settings, write_rows
from sibnlp.cli.recording import current


def command(
    paths: options.Paths,
    output: options.OutputFile,
    max_words: options.MaxWords = 120,
    min_words: options.MinWords = 15,
    interviewer: options.Interviewer = "context",
    interviewers: options.Interviewers = [],  # noqa: B006 - typer copies it
    force: options.Force = False,
) -> None:
    """Read documents and cut them into passages.

    Examples:
    - `sibnlp segment interviews/ -o passages.csv`
    - `sibnlp segment anna.vtt --interviewers "Dr Vos" -o - | head`
    """
    from sibnlp import corpus as corpus_module
    from sibnlp import tables

    check_output(output, force)
    settings = segment_settings(max_words, min_words, interviewer, interviewers)
    inputs = corpus_module.find(paths)
    with progress() as show:
        corpus = corpus_module.collect(inputs, settings, corpus_module.known_beside(paths, inputs), show)
    current().counts |= {"passages": len(corpus.passages)}
    write_rows(output, tables.passage_rows(corpus.passages), force)
    say(f"{len(corpus.passages)} passages from {len(corpus.sources) - len(corpus.failed)} documents")
    raise typer.Exit(list_failures(corpus.sources))
