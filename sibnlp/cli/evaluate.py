"""``sibnlp evaluate``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.codings import read_codings
from sibnlp.cli.console import log_lines, output_folder, progress, say, warn
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sibnlp.codebook import Codebook
    from sibnlp.evaluate import Miss
    from sibnlp.model import Model
    from sibnlp.types import CodedPassage, Predictions

# Worst errors shown in the report, and for how many of them words are looked up where that takes long.
WORST, EXPLAINED = 50, 15


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
    compare: Annotated[
        list[str], typer.Option(help="Another model to set beside it, on the same passages; may be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    by: Annotated[
        list[str],
        typer.Option(
            help="Column to slice by, as `role`; may be repeated. Where not given: genre, sector, role, stage, source, "
            "kind, stream, country and language, as far as the codings have them."
        ),
    ] = [],  # noqa: B006
    learning_curve: Annotated[
        Path | None,
        typer.Option(
            help="Codings of other documents to train on in growing parts, by the model's own recipe (linear and "
            "static).",
            show_default=False,
        ),
    ] = None,
    codebook: Annotated[
        list[str],
        typer.Option(
            help="Codebook the codings are from, one the model was trained with; may be repeated. "
            "Needed for your own only if it has parent codes."
        ),
    ] = [],  # noqa: B006
    project: options.HowToRead = [],  # noqa: B006
    resamples: Annotated[
        int, typer.Option(help="Documents are resampled so many times for the intervals.", min=1)
    ] = 1000,
    force: options.Force = False,
) -> None:
    """Measure a model against coded passages, and write the report one attaches to a paper.

    Writes `metrics.json` and `report.html`: precision, recall, F1, AUC, calibration error and support of each code, the
    share that people and model gave, reliability diagrams, risk–coverage, confusion, co-occurrence, slices, and the
    worst errors with the words that moved them. Intervals resample whole documents.

    Where several coders coded a passage (column `coder`), the model is compared with each, and its agreement stands
    beside theirs. Codes named in a column `contested` are left out of that passage.

    Examples:
    - `sibnlp evaluate gov-fast my_codings.jsonl -o evaluation`
    - `sibnlp evaluate mine held_out.jsonl -o evaluation --compare gov-fast --by role --by sector`
    - `sibnlp evaluate mine held_out.jsonl -o evaluation --learning-curve training.jsonl`
    """
    from sibnlp import exchange, pipeline
    from sibnlp.codebook import load
    from sibnlp.evaluate import align, score
    from sibnlp.evaluate.compare import compare as compare_models
    from sibnlp.evaluate.details import details, plain
    from sibnlp.manifest import learnt_from
    from sibnlp.model import load_model
    from sibnlp.report.evaluation import render_evaluation
    from sibnlp.sharding.work import described

    with output_folder(output, force) as folder:
        loaded = load_model(model)
        others = [load_model(name) for name in compare]
        books = [load(name) for name in codebook]
        for book in books:
            if warning := loaded.check_codebook(book):
                warn(f"note: {warning}")
        # A project's codes are found by name among the model's; a table's are ids.
        gold, _ = read_codings(
            [codings], books or (loaded.codebooks() if exchange.is_project(codings) else ()), project
        )
        read_by = books or loaded.codebooks()
        contested = {row.passage.id: _contested(row) for row in gold}
        unique = {(row.passage.document, row.passage.id): row.passage for row in gold}
        passages = list(unique.values())
        with progress() as show:
            predictions = pipeline.classify(passages, loaded, progress=show)
        data = align(predictions, gold, read_by, contested)
        seen = learnt_from([one.manifest for one in (loaded, *others)], [codings])
        evaluation = score(data, loaded.name, thresholds=loaded.thresholds, n_resamples=resamples, notes=seen)
        metrics = {
            **evaluation.to_dict(),
            **details(data, loaded.name, read_by, by=by, n_resamples=resamples),
        }
        if others:
            side_by_side = [(loaded.name, data)]
            for other in others:
                with progress() as show:
                    said = pipeline.classify(passages, other, progress=show)
                side_by_side.append((other.name, align(said, gold, read_by, contested)))
            metrics["comparison"] = plain(compare_models(side_by_side, n_resamples=resamples))
        if learning_curve:
            metrics["learning_curve"] = plain(
                _learning_curve(loaded, model, learning_curve, gold, read_by, project, resamples)
            )
        errors = _errors(_merged(evaluation.errors)[:WORST], predictions, loaded)
        text = json.dumps(metrics, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.html").write_text(render_evaluation({**metrics, "errors": errors}), encoding="utf-8")
    log = current()
    for one in (loaded, *others):
        log.add_model(described(one))
    log.add_codebooks(read_by)
    log.counts |= {"codings": len(gold), "passages": len(passages)}
    for note in evaluation.notes:
        warn(f"note: {note}")
    for family, values in metrics["families"].items():
        f1 = values["macro_f1"]
        say(f"{family}: macro-F1 {'–' if f1 is None else format(f1, '.2f')}")
    say(f"{len(passages)} passages; report: {output / 'report.html'}")


def _contested(row: CodedPassage) -> list[str]:
    """Codes that coders disagree on, by a column of that name: a list, or ids joined by semicolons."""
    value = dict(row.passage.extra).get("contested") or []
    parts = value if isinstance(value, list) else str(value).split(";")
    return [str(part).strip() for part in parts if str(part).strip()]


def _learning_curve(
    model: Model,
    name: str,
    path: Path,
    gold: Sequence[CodedPassage],
    codebooks: Sequence[Codebook],
    project: Sequence[str],
    resamples: int,
) -> list[Any]:
    """The model's recipe on growing parts of the codings, measured on the evaluated ones."""
    from sibnlp.training.curve import learning_curve
    from sibnlp.training.recipe import Recipe

    codings, _ = read_codings([path], codebooks, project)
    with log_lines("sibnlp.training.curve"), progress() as show:
        recipe = Recipe(**model.manifest.recipe)
        if "encoder" in recipe.settings and recipe.backend == "static":
            # Distilled already: the model's own embeddings serve, and torch is not needed.
            own = {k: v for k, v in recipe.settings.items() if k not in ("encoder", "dims", "sif")}
            recipe = replace(recipe, settings={**own, "embeddings": name})
        return learning_curve(codings, gold, codebooks, recipe, n_resamples=resamples, progress=show)


def _merged(misses: Sequence[Miss]) -> list[Miss]:
    """Coders who coded a passage alike as one entry, with all their names."""
    found: dict[tuple[object, ...], Miss] = {}
    for miss in misses:
        key = (miss.passage.document, miss.passage.id, miss.gold, miss.predicted)
        if key in found:
            coders = [name for name in (found[key].coder, miss.coder) if name]
            found[key] = replace(found[key], coder="; ".join(coders))
        else:
            found[key] = miss
    return list(found.values())


def _errors(misses: Sequence[Miss], predictions: Predictions, model: Model) -> list[dict[str, Any]]:
    """The worst errors with their passages, and the words that moved each wrong code."""
    from sibnlp.explain import explain_words, is_exact

    row_of = {(p.document, p.id): row for row, p in enumerate(predictions.passages)}
    rows = [row_of[miss.passage.document, miss.passage.id] for miss in misses]
    part = replace(
        predictions,
        passages=tuple(miss.passage for miss in misses),
        probabilities=predictions.probabilities[rows],
        assigned=predictions.assigned[rows],
        abstained=None,
    )
    explained = len(misses) if is_exact(model) else EXPLAINED
    wanted = {i: list(miss.scores) for i, miss in enumerate(misses[:explained])}
    reasons = explain_words(part, model, wanted)
    return [
        {
            "passage": miss.passage.id,
            "text": miss.passage.text,
            "coder": miss.coder,
            "gold": list(miss.gold),
            "predicted": list(miss.predicted),
            "scores": dict(miss.scores),
            "reasons": {
                code: [[word.start, word.end, word.weight] for word in reason.words] for code, reason in own.items()
            },
        }
        for miss, own in zip(misses, reasons, strict=True)
    ]
