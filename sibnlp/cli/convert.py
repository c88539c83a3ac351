"""``sibnlp convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sibnlp.cli import options
from sibnlp.cli.console import ALL_GOOD, SOME_FAILED, output_file, progress, say, warn
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from sibnlp.exchange import Project

_FROM = "`variable:NAME`, `set`, `set:PREFIX`, `case`, or `name` with --pattern; found by itself where not given."


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A coded project (.qdpx, .sqlite3, .json, .zip), a codebook (.qdc, .toml, .csv), or a table of "
            "codings or predictions (.jsonl, .csv, .xlsx, .parquet).",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="What to write; the suffix says the format.", show_default=False),
    ],
    into: Annotated[
        Path | None,
        typer.Option(help="A project that the codings of IN are added to, in OUT.", show_default=False),
    ] = None,
    documents: Annotated[
        Path | None,
        typer.Option(help="Folder or file with the whole texts, for a table of passages.", show_default=False),
    ] = None,
    codebook: Annotated[
        list[str],
        typer.Option(help="Codebook to read or write codes by; may be repeated. The project's own where not given."),
    ] = [],  # noqa: B006 - typer copies it
    coder: Annotated[list[str], typer.Option(help="Keep only this coder's codings; may be repeated.")] = [],  # noqa: B006
    machine: Annotated[
        list[str], typer.Option(help="Name of a coder that is a model; may be repeated. Our own are known.")
    ] = [],  # noqa: B006
    extent: Annotated[
        str,
        typer.Option(
            help="What each coder read: `passages` (only what is coded), `span` (from the first to the last coding), "
            "`documents` (every document with a coding), `all`. Recorded in the file, or inferred as `span`."
        ),
    ] = "",
    stage: Annotated[str, typer.Option(help=f"Where the wave or stage is: {_FROM}")] = "",
    date: Annotated[str, typer.Option(help="Where the date is; as --stage.")] = "",
    actor: Annotated[str, typer.Option(help="Where the actor is; as --stage.")] = "",
    role: Annotated[str, typer.Option(help="Where the actor's role is; as --stage.")] = "",
    kind: Annotated[str, typer.Option(help="Where the kind of document is; as --stage.")] = "",
    pattern: Annotated[str, typer.Option(help="Of source names, as `{date}_{actor}`.")] = "",
    separator: Annotated[str, typer.Option(help="That codes' names show a hierarchy by, as `::`.")] = "",
    offsets: Annotated[
        str,
        typer.Option(help="How IN counts, as `utf-16,crlf=2,bom,inclusive`; inferred where not given."),
    ] = "",
    spans: Annotated[
        bool, typer.Option("--spans", help="Write a table by selections, as marked, instead of by passages.")
    ] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Without names of coders, dates and paths; texts stay as they are.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Convert between coded projects: REFI-QDA (NVivo, ATLAS.ti, MAXQDA, QualCoder), Taguette, Label Studio, INCEpTION.

    Always writes a new file. What could not be kept, or had to be guessed, is listed. A model's codings come back as a
    coder of their own, with model, score and explanation in a note.

    Suffixes: `.qdpx`, `.qdc` (REFI-QDA), `.sqlite3` (Taguette), `.json` (Label Studio tasks), `.xml` (Label Studio's
    labelling configuration, written only), `.zip`, `.xmi` (UIMA CAS XMI, as INCEpTION and WebAnno export documents and
    whole projects; their UIMA CAS JSON is read), `.toml` (our codebooks), `.jsonl`, `.csv`, `.xlsx`, `.parquet`
    (tables).

    Examples:
    - `sibnlp convert study.qdpx codings.jsonl --extent documents`
    - `sibnlp convert predictions.jsonl coded.qdpx --into study.qdpx`
    - `sibnlp convert study.qdpx codebook.toml  # for sibnlp train study.qdpx -o model --codebook codebook.toml`
    - `sibnlp convert study.qdpx tasks.json --anonymous`
    - `sibnlp convert predictions.jsonl inception.zip --documents interviews/`
    - `sibnlp convert inception-project.zip coded.qdpx --into study.qdpx`
    """
    from dataclasses import replace

    from sibnlp import exchange
    from sibnlp.cli.codings import tried
    from sibnlp.errors import OutputExistsError, TableError

    if target.exists() and not force:
        raise OutputExistsError(target, "OUT")
    if not exchange.FORMATS.by_suffix(target.name):
        raise TableError(target, f"cannot write {target.suffix or 'a file without a suffix'}", "see sibnlp convert -h")
    asked = exchange.Options(
        extent, tuple(coder), tuple(machine), stage, actor, role, date, kind, pattern, separator, offsets,
        tuple(codebook), spans,
    )  # fmt: skip
    how = [f"{name}={value}" for name, value in (("separator", separator), ("offsets", offsets)) if value]
    tried([source, *([into] if into else [])], how)
    base = exchange.load(into, asked) if into else None
    if base and into:
        asked = replace(asked, texts=exchange.texts_of(base, into), texts_from=into.name)
    elif documents:
        with progress() as show:
            asked = replace(asked, texts=_texts(documents, show), texts_from=str(documents))
    project = exchange.load(source, asked)
    if base and into:
        project = exchange.merge(base, project, into, source)
    problems = list(project.problems)
    project = exchange.prepare(replace(project, problems=()), asked)
    # They are chosen by now, and --anonymous calls those who are left otherwise.
    asked = replace(asked, coders=(), machines=())
    if anonymous:
        project = exchange.strip(project)
    with output_file(target, force) as part:
        problems += exchange.save(project, part, asked)
    _tell(project, target)
    if problems:
        say("not kept, or guessed:")
        for problem in dict.fromkeys(map(str, problems)):
            warn(f"  {problem}")
    raise typer.Exit(SOME_FAILED if any(problem.failed for problem in problems) else ALL_GOOD)


def _texts(path: Path, show: object) -> dict[str, str]:
    from sibnlp import corpus
    from sibnlp.types import Document

    read = corpus.read_documents(corpus.find([path]), show)  # type: ignore[arg-type]
    return {document.id: document.text for document in read if isinstance(document, Document)}


def _tell(project: Project, target: Path) -> None:
    n = sum(1 for _ in project.placed())
    current().counts |= {"documents": len(project.documents), "codes": len(project.codes), "codings": n}
    how = list(dict.fromkeys(document.coordinates for document in project.documents if document.coordinates))
    people = sum(not coder.machine for coder in project.coders)
    models = len(project.coders) - people
    say(
        f"{target}: {len(project.documents)} documents, {len(project.codes)} codes, {n} codings, {people} coders"
        + (f" and {models} models" if models else "")
    )
    for line in how:
        warn(f"  offsets read as: {line}")
