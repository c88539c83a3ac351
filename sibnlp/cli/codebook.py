"""``sibnlp codebook check`` and ``sibnlp codebook show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
    print(f"{book.id}: {counted}, structure {book.structure}, wording {book.wording}")
    for code in book.codes:
        missing = [name for name in ("name", "definition", "include", "exclude") if not getattr(code, name)]
        if missing:
            print(f"  {code.id}: no {', '.join(missing)} – two coders will read it differently")


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
        for id in shipped():
            print(f"{id:12}{load(id).name}")
        return
    book = load(codebook)
    head = (f"# {book.name} ({book.id} {book.version})", book.description, f"Source: {book.source}", book.instructions)
    print("\n\n".join(head))
    for family in book.families:
        many = "several may hold" if family.multiple else "at most one holds"
        print(f"\n## {family.name or family.id} (`{family.id}`, {many})\n\n{family.description}")
        for code in book.codes_in(family.id):
            if not code.parent:
                _print(book, code, 3)


def _print(book: Codebook, code: Code, depth: int) -> None:
    level = ", cell level only" if code.level == "cell" else ""
    print(f"\n{'#' * depth} {code.name or code.id} (`{code.id}`{level})\n\n{code.definition}")
    for title, items in (
        ("Include", code.include),
        ("Exclude", code.exclude),
        ("Example", code.examples),
        ("Not", code.counterexamples),
    ):
        for item in items:
            print(f"- {title}: {item}")
    for logic, pole in code.poles:
        print(f"- As {logic}: {pole}")
    if code.source:
        print(f"- Source: {code.source}")
    for child in book.children(code.id):
        _print(book, child, min(depth + 1, 6))
