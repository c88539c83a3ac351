"""``sibnlp run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import list_failures, output_folder, progress, say, warn, write_report
from sibnlp.cli.recording import current


def command(
    project: Annotated[Path, typer.Argument(help="A project.toml, or a folder of documents.", show_default=False)],
    output: options.OutputFolder,
    model: Annotated[str | None, typer.Option(help="Overrides the project's model.", show_default=False)] = None,
    period: Annotated[
        str | None,
        typer.Option(
            help="stage, year, quarter, month, or auto (by change points); overrides the project's.", show_default=False
        ),
    ] = None,
    min_confidence: options.MinConfidence = 0.0,
    force: options.Force = False,
) -> None:
    """The main job: from a folder of interviews and documents to a drift report.

    Writes `report.html` (self-contained, opens anywhere), `predictions.parquet` and `predictions.csv` (one row a
    passage), and `trajectory.json` for the first codebook, `trajectory.NAME.json` for each further one.

    Examples:
    - `sibnlp run interviews/ -o report`
    - `sibnlp run case/project.toml -o report --period year --force`
    """
    from dataclasses import replace

    from sibnlp import pipeline
    from sibnlp.cli.codings import read_gold
    from sibnlp.codebook import load as codebook
    from sibnlp.model import ZERO_SHOT, load_model
    from sibnlp.project import load
    from sibnlp.sharding.work import described

    settings = load(project)
    if model:
        # A codebook's wording codes for that codebook alone.
        books = (_resolved(model.removeprefix(ZERO_SHOT)),) if model.startswith(ZERO_SHOT) else settings.model.codebooks
        settings = replace(settings, model=replace(settings.model, name=_resolved(model), codebooks=books))
    if period:
        settings = replace(settings, drift=replace(settings.drift, period=period_of(period)))
    with output_folder(output, force) as folder:
        loaded = load_model(_from_root(settings.root, settings.model.name))
        with progress() as show:
            # A codebook of the project's own is a file beside it, as a model is a folder.
            followed = [own if (own := settings.root / name).is_file() else name for name in settings.model.codebooks]
            codings = [
                read_gold(settings.root / name if name else None, followed)
                for name in (settings.drift.gold, settings.drift.trained_on)
            ]
            report = pipeline.run(settings, loaded, show, *codings, min_confidence=min_confidence)
            current().lap("following")
        write_report(report, folder, predictions=True)
        current().lap("writing")
    failed = list_failures(report.sources)
    log = current()
    log.add_model(described(loaded))
    log.add_codebooks(codebook(name) for name in followed)
    log.resolved |= {"project": settings}
    log.counts |= {"passages": len(report.predictions)}
    for warning in report.warnings:
        warn(f"warning: {warning}")
    for note in report.trajectories[0].notes:
        warn(f"note: {note}")
    n_read = sum(not source.problem for source in report.sources)
    say(f"{len(report.predictions)} passages from {n_read} files; report: {output / 'report.html'}")
    raise typer.Exit(failed)


def _resolved(name: str) -> str:
    """A path as seen from anywhere; a name as it is."""
    from sibnlp.model import ZERO_SHOT

    start = ZERO_SHOT if name.startswith(ZERO_SHOT) else ""
    path = Path(name.removeprefix(start))
    return f"{start}{path.resolve()}" if (path.is_file() if start else path.is_dir()) else name


def _from_root(root: Path, name: str) -> str:
    """A model's name or path, seen from the project's folder."""
    from sibnlp.model import ZERO_SHOT

    start = ZERO_SHOT if name.startswith(ZERO_SHOT) else ""
    own = root / name.removeprefix(start)
    return f"{start}{own}" if (own.is_file() if start else own.is_dir()) else name


def period_of(value: str) -> str:
    """A period option, checked."""
    from sibnlp.periods import AUTO, CALENDAR, STAGE

    if value not in (STAGE, *CALENDAR, AUTO):
        raise typer.BadParameter(f"{value!r} is not one of {STAGE}, {', '.join(CALENDAR)}, {AUTO}")
    return value
