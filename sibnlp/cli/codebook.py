"""``sibnlp codebook check`` and ``sibnlp codebook show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sibnlp.cli.console import emit

if TYPE_CHECKING:
    from sibnlp.codebook import Code, Codebook

app = typer.Typer(help="Look at codebooks, shipped or your own.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A shipped codebook or a TOML file.", show_default=False)]


@app.command()
def check(codebook: Name) -> None:
    """Check a codebook: keys, ids, families, parents; says what is missing to code by it.

    Example: `sibnlp codebook check my_codebook.toml`
    """
    from sibnlp.codebook import load

    book = load(codebook)
    counted = f"{len(book.families)} families, {len(book.codes)} codes"
    lines = [f"{book.id}: {counted}, structure {book.structure}, wording {book.wording}\n"]
    for code in book.codes:
        missing = [name for name in ("name", "definition", "include", "exclude") if not getattr(code, name)]
        if missing:
            lines.append(f"  {code.id}: no {', '.join(missing)} – two coders will read it differently\n")
    emit(lines)


@app.command()
def show(
    codebook: Annotated[
        str, typer.Argument(help="A shipped codebook or a TOML file; lists the shipped ones where not given.")
    ] = "",
) -> None:
    """Print a codebook to code by, or list the shipped ones.

    Example: `sibnlp codebook show oflynn | less`
    """
    from sibnlp.codebook import load, shipped

    if not codebook:
        emit(f"{id:12}{load(id).name}\n" for id in shipped())
        return
    emit(line + "\n" for line in _markdown(load(codebook)))


def _markdown(book: Codebook) -> Iterator[str]:
    head = (f"# {book.name} ({book.id} {book.version})", book.description, f"Source: {book.source}", book.instructions)
    yield "\n\n".join(head)
    for family in book.families:
        many = "several may hold" if family.multiple else "at most one holds"
        yield f"\n## {family.name or family.id} (`{family.id}`, {many})\n\n{family.description}"
        for code in book.codes_in(family.id):
            if not code.parent:
                yield from _code(book, code, 3)


def _code(book: Codebook, code: Code, depth: int) -> Iterator[str]:
    level = ", cell level only" if code.level == "cell" else ""
    yield f"\n{'#' * depth} {code.name or code.id} (`{code.id}`{level})\n\n{code.definition}"
    for title, items in (
        ("Include", code.include),
        ("Exclude", code.exclude),
        ("Example", code.examples),
        ("Not", code.counterexamples),
    ):
        yield from (f"- {title}: {item}" for item in items)
    yield from (f"- As {logic}: {pole}" for logic, pole in code.poles)
    if code.source:
        yield f"- Source: {code.source}"
    for child in book.children(code.id):
        yield from _code(book, child, min(depth + 1, 6))
