"""``sibnlp drift``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_folder, say, warn, write_report
from sibnlp.cli.recording import current
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
        typer.Option(
            help="stage, year, quarter, month, or auto (by change points); stages where there are any, else years.",
            show_default=False,
        ),
    ] = None,
    codebook: options.Codebooks = ["osborne", "oflynn"],  # noqa: B006 - typer copies it
    denominator: Annotated[
        str, typer.Option(help="Share of what: `talk` (all passages) or `domain` (the domain's passages).")
    ] = "talk",
    weight: Annotated[
        str, typer.Option(help="What counts the same: each `passage`, word (`words`), `document` or `actor`.")
    ] = "passage",
    gold: Annotated[
        Path | None,
        typer.Option(
            help="Codings by people to correct the figures by; a probability sample where they have an "
            "`inclusion_probability`.",
            show_default=False,
        ),
    ] = None,
    trained_on: Annotated[
        Path | None,
        typer.Option(
            help="Codings the model learnt from: they, or the out-of-fold scores they bring, stand in for its "
            "predictions.",
            show_default=False,
        ),
    ] = None,
    quantifier: Annotated[
        str | None,
        typer.Option(
            help="count, probabilistic, acc, pacc, emq or design_based; the best that no rule refuses by itself.",
            show_default=False,
        ),
    ] = None,
    margin: Annotated[float, typer.Option(help="Odds ratio below which a change counts as none.")] = 2.0,
    title: Annotated[str, typer.Option(help="Title of the report.")] = "Governance logics",
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Aggregate coded passages into trajectories with intervals.

    Writes `trajectory.json` (and one for each further codebook) and `report.html`.

    Examples:
    - `sibnlp drift predictions.parquet -o drift --period stage`
    - `sibnlp drift predictions.csv -o drift --codebook osborne --denominator domain`
    - `sibnlp drift predictions.parquet -o drift --gold coded.jsonl`
    """
    from sibnlp import pipeline
    from sibnlp.aggregate import WEIGHTS
    from sibnlp.cli.codings import read_gold, read_predictions
    from sibnlp.codebook import load
    from sibnlp.project import Drift
    from sibnlp.quantifiers import QUANTIFIERS

    if denominator not in ("talk", "domain"):
        raise typer.BadParameter(f"denominator {denominator!r} is neither talk nor domain")
    if weight not in WEIGHTS:
        raise typer.BadParameter(f"weight {weight!r} is not one of {', '.join(WEIGHTS)}")
    if quantifier and quantifier not in QUANTIFIERS:
        raise typer.BadParameter(f"quantifier {quantifier!r} is not one of {', '.join(QUANTIFIERS)}")
    if not margin > 1:
        raise typer.BadParameter(f"margin {margin} is no odds ratio over 1")
    settings = Drift(
        period=period_of(period) if period else "",
        denominator=denominator,
        weight=weight,
        quantifier=quantifier or "",
        margin=margin,
    )
    correcting, learnt = (read_gold(path, codebook, project) for path in (gold, trained_on))
    with output_folder(output, force) as folder:
        coded = read_predictions(predictions, codebook, project)
        provenance = {"codings": str(predictions), "coded by": coded.model}
        if gold:
            provenance["corrected by"] = str(gold)
        current().lap("reading")
        report = pipeline.track(
            coded, codebook, drift=settings, title=title, provenance=provenance, gold=correcting, trained_on=learnt,
            gold_file=gold.name if gold else "",
        )  # fmt: skip
        current().lap("following")
        write_report(report, folder, predictions=False)
    log = current()
    log.resolved |= {"drift": settings}
    log.add_codebooks(load(name) for name in codebook)
    log.counts |= {"passages": len(coded), "gold": len(correcting), "trained on": len(learnt)}
    for warning in report.warnings:
        warn(f"warning: {warning}")
    for trajectory in report.trajectories:
        for note in (*trajectory.notes, *trajectory.warnings):
            warn(f"note ({trajectory.framework}): {note}")
    say(f"{len(coded)} passages; report: {output / 'report.html'}")
