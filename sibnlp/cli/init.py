"""``sibnlp init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import list_failures, output_file, progress, say


def command(
    folder: Annotated[Path, typer.Argument(help="Folder with the documents.", show_default=False)],
    force: options.Force = False,
) -> None:
    """Look at a folder of documents and write its project.toml, commented, to be edited.

    Reads every file once: kinds, speakers and who asks are filled in as found.

    Examples:
    - `sibnlp init interviews/`
    - `sibnlp run interviews/ -o report  # then, with what it wrote`
    """
    from sibnlp import corpus as corpus_module
    from sibnlp.errors import ProjectError
    from sibnlp.project import FILE_NAME, Settings
    from sibnlp.project_template import describe

    if not folder.is_dir():
        raise ProjectError(folder, "no such folder")
    inputs = corpus_module.find_documents(Settings(root=folder))
    with output_file(folder / FILE_NAME, force, option="") as part:
        with progress() as show:
            corpus = corpus_module.collect(inputs, progress=show)
        part.write_text(describe(folder.resolve().name, corpus.sources), encoding="utf-8", errors="replace")
    say(f"{folder / FILE_NAME}: {len(inputs)} documents; look it over, then: sibnlp run {folder} -o report")
    raise typer.Exit(list_failures(corpus.sources))
