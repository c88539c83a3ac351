"""``sibnlp evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_folder, progress, say

# Worst errors shown in the report.
WORST = 50


def command(
    model: Annotated[str, typer.Argument(help="A shipped model or a model folder.", show_default=False)],
    codings: Annotated[
        Path,
        typer.Argument(
            help="Coded passages the model was not trained on: `text` and `codes` a row, or a coded project.",
            show_default=False,
        ),
    ],
    output: options.OutputFolder,
    codebook: Annotated[
        list[str],
        typer.Option(
            help="Codebook the codings are from, one the model was trained with; may be repeated. "
            "Needed for your own only if it has parent codes."
        ),
    ] = [],  # noqa: B006 - typer copies it
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Measure a model against coded passages: precision, recall, F1, AUC, calibration, agreement, worst errors.

    Writes `metrics.json` and `report.html`. Intervals resample whole documents.

    Example: `sibnlp evaluate gov-fast my_codings.jsonl -o evaluation`
    """
    from sibnlp import exchange, pipeline
    from sibnlp.cli.codings import read_codings
    from sibnlp.codebook import load
    from sibnlp.evaluate import evaluate
    from sibnlp.model import load_model
    from sibnlp.report.evaluation import render_evaluation

    with output_folder(output, force) as folder:
        loaded = load_model(model)
        books = [load(name) for name in codebook]
        for book in books:
            if warning := loaded.check_codebook(book):
                say(f"note: {warning}")
        # A project's codes are found by name among the model's; a table's are ids.
        gold, _ = read_codings(
            [codings], books or (loaded.codebooks() if exchange.is_project(codings) else ()), project
        )
        with progress() as show:
            predictions = pipeline.classify([row.passage for row in gold], loaded, progress=show)
        evaluation = evaluate(predictions, gold, books or loaded.codebooks(), thresholds=loaded.thresholds)
        metrics = evaluation.to_dict()
        errors = [
            {
                "passage": miss.passage.id,
                "text": miss.passage.text,
                "gold": list(miss.gold),
                "predicted": list(miss.predicted),
                "scores": dict(miss.scores),
            }
            for miss in evaluation.errors[:WORST]
        ]
        text = json.dumps(metrics, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.html").write_text(render_evaluation({**metrics, "errors": errors}), encoding="utf-8")
    for note in evaluation.notes:
        say(f"note: {note}")
    for family, values in metrics["families"].items():
        f1 = values["macro_f1"]
        say(f"{family}: macro-F1 {'–' if f1 is None else format(f1, '.2f')}")
    say(f"{len(gold)} passages; report: {output / 'report.html'}")
