"""``sibnlp classify``."""

from __future__ import annotations

from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import check_output, list_failures, progress, say, segment_settings, write_rows


def command(
    paths: options.Paths,
    output: options.OutputFile,
    model: options.ModelName = "gov-fast",
    batch_size: Annotated[int, typer.Option(help="Passages at a time; changes no result.", min=1)] = 1024,
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
    force: options.Force = False,
) -> None:
    """Code documents, or the rows of a table, passage by passage.

    Documents are read and segmented first; a coded project (.qdpx, .sqlite3, .json, .zip) gives its documents. In a
    table each row with a `text` is one passage; its id and all further columns pass through.

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
    - `sibnlp classify study.qdpx --explain -o predictions.jsonl`, then `sibnlp convert` brings them into the project
    """
    from sibnlp import corpus as corpus_module
    from sibnlp import explain as explaining
    from sibnlp import pipeline, tables
    from sibnlp.model import load_model

    check_output(output, force)
    settings = segment_settings(max_words, min_words, interviewer, interviewers)
    inputs = corpus_module.find(paths)
    loaded = load_model(model)
    with progress() as show:
        corpus = corpus_module.collect(inputs, settings, corpus_module.known_beside(paths, inputs), show)
        predictions = pipeline.classify(
            corpus.passages, loaded, batch_size=batch_size, min_confidence=min_confidence, progress=show
        )
        reasons = explaining.explain(predictions, loaded, batch_size=batch_size) if explain else None
    rows = tables.prediction_rows(predictions)
    if reasons is not None:
        rows = ({**row, "explanation": reason} for row, reason in zip(rows, reasons, strict=True))
    write_rows(output, rows, force)
    coded = int(predictions.assigned.any(axis=1).sum())
    read = len(corpus.sources) - len(corpus.failed)
    say(f"{len(predictions)} passages from {read} files, {coded} with a code, by {predictions.model}")
    if predictions.abstained is not None:
        say(f"{int(predictions.abstained.any(axis=1).sum())} passages with a family left undecided")
    raise typer.Exit(list_failures(corpus.sources))
