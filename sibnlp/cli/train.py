"""``sibnlp train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import progress, say


def command(
    codings: Annotated[
        list[Path],
        typer.Argument(help="Coded passages: JSONL (or a table) with `text` and `codes`.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the model.", show_default=False)],
    codebook: options.Codebooks = ["osborne"],  # noqa: B006 - typer copies it
    recipe: Annotated[str, typer.Option(help="A shipped recipe (linear, static) or a TOML file.")] = "linear",
    force: options.Force = False,
) -> None:
    """Train a classifier for any codebook from coded passages.

    Codings say what a passage carries; a passage without codes was read and found without. `extent` names the families
    it was read for, where not all. Documents are held out whole when probabilities are calibrated and thresholds set,
    together with those that share a speaker where enough parts remain; with a single document, speakers are. Codings by
    a model (rows with `model` or `scores`) are left out. `--force` replaces a model, no other folder.

    Examples:
    - `sibnlp train coded.jsonl -o my-model --codebook my_codebook.toml`
    - `sibnlp train coded.jsonl -o my-model --codebook osborne --codebook oflynn --recipe static`
    """
    from sibnlp import tables
    from sibnlp.codebook import load
    from sibnlp.model import check_output
    from sibnlp.training import load_recipe, train

    # Before the work, not after it.
    check_output(output, overwrite=force)
    books = [load(name) for name in codebook]
    coded = [row for path in codings for row in tables.read_codings(path, books)]
    with progress() as show:
        model = train(coded, books, load_recipe(recipe), name=output.name, progress=show, sources=codings)
    model.save(output, overwrite=force)
    say(f"{output}: {model.manifest.backend}, {len(model.codes)} codes from {len(coded)} passages")
    say(f"next: sibnlp evaluate {output} HELD_OUT.jsonl -o evaluation")
