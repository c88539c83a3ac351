"""``sibnlp train``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import log_lines, progress, say
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from collections.abc import Mapping


def command(
    codings: Annotated[
        list[Path],
        typer.Argument(
            help="Coded passages: JSONL (or a table) with `text` and `codes`, or a coded project (.qdpx, .sqlite3, "
            ".json, .zip).",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the model.", show_default=False)],
    codebook: Annotated[
        list[str],
        typer.Option(
            help="A shipped codebook (see `sibnlp codebook show`) or a TOML file; may be repeated. Where not given, a "
            "project's own codes, and `osborne` for tables."
        ),
    ] = [],  # noqa: B006 - typer copies it
    recipe: Annotated[
        str, typer.Option(help="A shipped recipe (encoder, ensemble, linear, static, zero_shot) or a TOML file.")
    ] = "linear",
    held_out: Annotated[
        list[Path],
        typer.Option(
            help="Codings of other documents that calibrate the model and set its thresholds; may be repeated."
        ),
    ] = [],  # noqa: B006 - typer copies it
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Train a classifier for any codebook from coded passages.

    Codings say what a passage carries; a passage without codes was read and found without. `extent` names the families
    it was read for, where not all. Documents are held out whole when probabilities are calibrated and thresholds set,
    together with those that share a speaker where enough parts remain; with a single document, speakers are. Codings by
    a model (rows with `model` or `scores`) are left out. A column `weight` says how much a passage counts.

    Fine-tuning an encoder takes long: it goes on where it was stopped when the same command is given again. What it
    needs for that, its log, and the Hugging Face checkpoint lie in `MODEL-training/` beside the model, for you to keep
    or remove. `--force` replaces a model, no other folder.

    Examples:
    - `sibnlp train coded.jsonl -o my-model --codebook my_codebook.toml`
    - `sibnlp train coded.jsonl -o my-model --codebook osborne --codebook oflynn --recipe static`
    - `sibnlp train coded.jsonl -o my-model --recipe encoder --held-out validation.jsonl`
    - `sibnlp train study.qdpx -o my-model --project extent=documents`
    """
    from sibnlp import exchange
    from sibnlp.cli.codings import read_codings
    from sibnlp.codebook import load
    from sibnlp.model import check_output, load_model
    from sibnlp.sharding.work import described
    from sibnlp.training import load_recipe, train

    # Before the work, not after it.
    check_output(output, overwrite=force)
    if not codebook and not all(exchange.is_project(path) for path in codings):
        codebook = ["osborne"]
    coded, books = read_codings(codings, [load(name) for name in codebook], project)
    kept = read_codings(held_out, books, project)[0] if held_out else []
    work = output.parent / f"{output.name}-training"
    with progress() as show, log_lines("sibnlp.training.encoder", "sibnlp.training.trainer"):
        model = train(
            coded, books, load_recipe(recipe),
            name=output.name, progress=show, sources=[*codings, *held_out], held_out=kept, work=work,
        )  # fmt: skip
    model.save(output, overwrite=force)
    log = current()
    log.lap("saving")
    log.add_model(described(load_model(output)))  # as it is read back: with the hashes of its files
    log.add_codebooks(books)
    log.resolved |= {"recipe": model.manifest.recipe, "seed": model.manifest.seed}
    log.counts |= {"codings": len(coded), "held out": len(kept), "codes": len(model.codes)}
    log.wrote.append(output)
    if work.is_dir():
        say(f"{work / 'whole' / 'checkpoint'}: the same as a Hugging Face checkpoint; log.json beside it")
    _say_figures(model.manifest.cross_validation)
    say(f"{output}: {model.manifest.backend}, {len(model.codes)} codes from {len(coded)} passages")
    say(f"next: sibnlp evaluate {output} HELD_OUT.jsonl -o evaluation")


def _say_figures(held_out: Mapping[str, Any]) -> None:
    """How well each code was found in text held out from learning, a line each."""
    figures = held_out["codes"]
    n_folds, wide = held_out["folds"], max(map(len, figures))
    say("found in text that the model did not learn from, code by code:")
    for code, one in figures.items():
        known = [one[name] for name in ("f1", "precision", "recall")]
        f1, precision, recall = ("   –" if v is None or math.isnan(v) else f"{v:.2f}" for v in known)
        n = f"{one['support']} of {one['n']} passages carry it"
        say(f"  {code.ljust(wide)}  F1 {f1}  precision {precision}  recall {recall}  {n}")
    if n_folds > 1:
        say(f"each of {n_folds} parts was judged by thresholds chosen on the others, before rules between codes apply")
    else:
        say("thresholds were chosen on the same passages, so that these figures flatter the model slightly")
