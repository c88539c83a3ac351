"""``sibnlp collect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import check_output, say, write_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sibnlp.codebook import Codebook

# Ticket, coder, codes, families read for.
Coded = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def command(
    queues: Annotated[
        list[Path], typer.Argument(help="Queues of `sibnlp sample` that came back coded.", show_default=False)
    ],
    output: options.OutputFile,
    ledger: Annotated[Path, typer.Option(help="What was drawn: `sampled.jsonl`.", show_default=False)],
    stream: Annotated[
        str, typer.Option("--for", help="`training` or `estimation`; as the tickets say where not given.")
    ] = "",
    codebook: Annotated[
        list[str], typer.Option(help="Codebook to read the codes of a project by; may be repeated. Its own if none.")
    ] = [],  # noqa: B006 - typer copies it
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Bring coded queues back as codings, one stream at a time, with the inclusion probabilities that were recorded.

    In a table a row counts where `read` or `codes` is filled in. In a project a passage without a code counts where the
    file records that it was read (Label Studio and INCEpTION do), or with `--project extent=all`.

    The result is for `sibnlp train OLD NEW` (training) or `sibnlp evaluate`, and for estimates of shares (estimation).

    Examples:
    - `sibnlp collect round1.qdpx --ledger sampled.jsonl -o round1.jsonl --project extent=all`
    - `sibnlp collect check.xlsx --ledger sampled.jsonl -o gold.jsonl`
    """
    from sibnlp import ledger as ledgers
    from sibnlp import tables
    from sibnlp.codebook import load
    from sibnlp.errors import DataError

    check_output(output, force)
    if stream and stream not in ledgers.STREAMS:
        raise typer.BadParameter(f"--for {stream!r} is neither training nor estimation")
    if not ledger.is_file():
        raise DataError(f"{ledger} is not there", "--ledger names the file that `sibnlp sample` wrote")
    entries = {one.ticket: one for one in ledgers.read(ledger).entries}
    books = [load(name) for name in codebook]
    coded = [one for path in queues for one in _read(path, books, project)]
    if unknown := sorted({ticket for ticket, *_ in coded if ticket not in entries}):
        raise DataError(f"{ledger} knows no ticket {unknown[0]}", "name the ledger the queue was drawn with")
    streams = {entries[ticket].stream for ticket, *_ in coded}
    if not coded:
        raise DataError("nobody has coded anything in these queues", "say --project extent=all if all was read")
    if not stream and len(streams) > 1:
        raise DataError("the queues are of both streams, which are never mixed", "collect each with --for")
    stream = stream or streams.pop()
    kept = [one for one in coded if entries[one[0]].stream == stream]
    rows = []
    for ticket, coder, codes, extent in kept:
        entry = entries[ticket]
        row: dict[str, Any] = next(iter(tables.passage_rows([entry.passage])))
        row |= {"codes": list(codes), "coder": coder, "extent": list(extent), "stream": stream, "ticket": ticket}
        if entry.probability is not None:
            row |= {"inclusion_probability": entry.probability, "stratum": entry.stratum}
        rows.append(row)
    write_rows(output, rows, force)
    drawn = [one for one in entries.values() if one.stream == stream]
    missing = len(drawn) - len({ticket for ticket, *_ in kept})
    say(f"{output}: {len(kept)} codings of {len(drawn) - missing} passages drawn for {stream}")
    if missing and stream == ledgers.ESTIMATION:
        say(f"{missing} drawn for estimation are not among them: a sample with gaps is no probability sample")


def _read(path: Path, books: Sequence[Codebook], project: Sequence[str]) -> list[Coded]:
    from sibnlp import exchange
    from sibnlp.cli.codings import tell

    if not exchange.is_project(path):
        return _of_table(path, books)
    found = exchange.read_queue(path, books, exchange.options_of(project))
    tell(path, found.notes)
    for name, families in found.families.items():
        tell(path, [f"{name} is taken to have read for {', '.join(families) or 'nothing'}"])
    return [(ticket, coder, codes, found.families[coder]) for ticket, coder, codes in found.codings]


def _of_table(path: Path, books: Sequence[Codebook]) -> list[Coded]:
    from sibnlp.errors import TableError
    from sibnlp.tables import files
    from sibnlp.tables.coded import codings_from_rows

    rows, places, _ = files.load(path)
    places = places or [f"row {number}" for number in range(1, len(rows) + 1)]
    if not any("ticket" in row for row in rows):
        raise TableError(path, "has no column 'ticket'", "collect the file that `sibnlp sample` wrote")
    filled = [
        (row, place)
        for row, place in zip(rows, places, strict=True)
        if str(row.get("read") or "").strip() or str(row.get("codes") or "").strip() not in ("", "[]")
    ]
    if not filled:
        return []
    coded = codings_from_rows([row for row, _ in filled], [place for _, place in filled], path, path.name, books)
    return [
        (str(row["ticket"]).strip(), one.coder or path.stem, one.codes, one.extent)
        for (row, _), one in zip(filled, coded, strict=True)
    ]
