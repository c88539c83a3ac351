"""``sibnlp drift``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_folder, say, write_report
from sibnlp.cli.run import period_of


def command(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="From `sibnlp classify`, or codings by people: a table with `codes` a row, or a coded project.",
            show_default=False,
        ),
    ],
    output: options.OutputFolder,
    period: Annotated[
        str | None,
        typer.Option(help="stage, year, quarter or month; stages where there are any, else years.", show_default=False),
    ] = None,
    codebook: options.Codebooks = ["osborne", "oflynn"],  # noqa: B006 - typer copies it
    denominator: Annotated[
        str, typer.Option(help="Share of what: `talk` (all passages) or `domain` (the domain's passages).")
    ] = "talk",
    title: Annotated[str, typer.Option(help="Title of the report.")] = "Governance logics",
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Aggregate coded passages into trajectories with intervals.

    Writes `trajectory.json` (and one for each further codebook) and `report.html`.

    Examples:
    - `sibnlp drift predictions.parquet -o drift --period stage`
    - `sibnlp drift predictions.csv -o drift --codebook osborne --denominator domain`
    """
    from sibnlp import pipeline
    from sibnlp.cli.codings import read_predictions
    from sibnlp.project import Drift

    if denominator not in ("talk", "domain"):
        raise typer.BadParameter(f"denominator {denominator!r} is neither talk nor domain")
    settings = Drift(period=period_of(period) if period else "", denominator=denominator)
    with output_folder(output, force) as folder:
        coded = read_predictions(predictions, codebook, project)
        provenance = {"codings": str(predictions), "coded by": coded.model}
        report = pipeline.track(coded, codebook, drift=settings, title=title, provenance=provenance)
        write_report(report, folder, predictions=False)
    for warning in report.warnings:
        say(f"warning: {warning}")
    say(f"{len(coded)} passages; report: {output / 'report.html'}")
