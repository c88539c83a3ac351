"""``sibnlp collect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import SOME_FAILED, check_output, say, warn, write_rows
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sibnlp.codebook import Codebook
    from sibnlp.ledger import Entry

# Ticket, coder, codes, families read for, text as it came back (empty where it did not).
Coded = tuple[str, str, tuple[str, ...], tuple[str, ...], str]
# Places that a message names; of further ones it says how many.
NAMED = 8


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
        list[str],
        typer.Option(
            help="Codebook to read the codes by; may be repeated. Where not given, the codes that the ledger has for "
            "tables, and a project's own."
        ),
    ] = [],  # noqa: B006 - typer copies it
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Bring coded queues back as codings, one stream at a time, with the inclusion probabilities that were recorded.

    In a table a row counts where `read` or `codes` is filled in. Several codes stand with `;` between them, as
    `NPM;NPG`. A table with a code that `sibnlp sample` did not offer, nor a codebook named here has, is refused with
    all such cells. In a project a passage without a code counts where the file records that it was read (Label Studio
    and INCEpTION do), or with `--project extent=all`.

    The result is for `sibnlp train OLD NEW` (training) or `sibnlp evaluate`, and for estimates of shares (estimation).

    Examples:
    - `sibnlp collect round1.qdpx --ledger sampled.jsonl -o round1.jsonl --project extent=all`
    - `sibnlp collect check.xlsx --ledger sampled.jsonl -o gold.jsonl --codebook mine.toml`
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
    coded, changed = _read_all(queues, books, project, entries, ledger)
    streams = {entries[ticket].stream for ticket, *_ in coded}
    if not coded:
        raise DataError("nobody has coded anything in these queues", _advice(queues, project))
    if not stream and len(streams) > 1:
        raise DataError("the queues are of both streams, which are never mixed", "collect each with --for")
    stream = stream or streams.pop()
    kept = [one for one in coded if entries[one[0]].stream == stream]
    rows = []
    for ticket, coder, codes, extent, _ in kept:
        entry = entries[ticket]
        row: dict[str, Any] = next(iter(tables.passage_rows([entry.passage])))
        row |= {"codes": list(codes), "coder": coder, "extent": list(extent), "stream": stream, "ticket": ticket}
        if entry.probability is not None:
            row |= {"inclusion_probability": entry.probability, "stratum": entry.stratum}
        rows.append(row)
    write_rows(output, rows, force)
    drawn = [one for one in entries.values() if one.stream == stream]
    missing = len(drawn) - len({ticket for ticket, *_ in kept})
    current().counts |= {"codings": len(kept), "drawn": len(drawn), "missing": missing}
    current().add_codebooks(books)
    say(f"{output}: {len(kept)} codings of {len(drawn) - missing} passages drawn for {stream}")
    if missing and stream == ledgers.ESTIMATION:
        warn(f"{missing} drawn for estimation are not among them: a sample with gaps is no probability sample")
    if changed:
        raise typer.Exit(SOME_FAILED)


def _advice(queues: Sequence[Path], project: Sequence[str]) -> str:
    """What makes passages count that were read with nothing found."""
    from sibnlp import exchange

    if any(not exchange.is_project(path) for path in queues):
        return "fill in `read` of the rows that were read"
    return "" if exchange.options_of(project).extent == "all" else "say --project extent=all if all was read"


def _read_all(
    queues: Sequence[Path],
    books: Sequence[Codebook],
    project: Sequence[str],
    entries: Mapping[str, Entry],
    ledger: Path,
) -> tuple[list[Coded], bool]:
    """What came back of all queues, and whether some was left out because its text is not the one drawn."""
    from sibnlp import exchange
    from sibnlp.cli.codings import tried
    from sibnlp.errors import DataError

    for path in queues:
        exchange.check_codings(path)
    tried(queues, project)
    kept: list[Coded] = []
    changed = False
    for path in queues:
        coded, rows = _read(path, books, project)
        if unknown := sorted({ticket for ticket, *_ in coded if ticket not in entries}):
            problem = f"{ledger} knows no ticket {unknown[0]}, which {path} has"
            raise DataError(problem, "name the ledger the queue was drawn with, as --ledger")
        if not books:
            _check_codes(path, coded, rows, entries)
        others = sorted({one[0] for one in coded if one[4] and _words(one[4]) != _words(entries[one[0]].passage.text)})
        if others:
            warn(f"{path}: another text than the one drawn, so left out: {', '.join(others[:8])}"
                + (f" and {len(others) - 8} more" if len(others) > 8 else ""))  # fmt: skip
        changed = changed or bool(others)
        kept += [one for one in coded if one[0] not in others]
    if changed and not kept:
        raise DataError(f"no text is the one that {ledger} drew", "name the ledger the queue was drawn with")
    return kept, changed


def _check_codes(path: Path, coded: Sequence[Coded], places: Sequence[str], entries: Mapping[str, Entry]) -> None:
    """Refuse codes of a table that were not offered when its passages were drawn; of a project, say which they are.

    A cell of a table is typed, so that such a code is a slip; a project's codes are chosen from a list, to which coders
    add on purpose.

    Args:
        path: the queue.
        coded: its rows; places: what these are called, none for a project.
        entries: of the ledger, by ticket; those of older ledgers offer nothing and refuse nothing.
    """
    from sibnlp.errors import TableError

    strange = [
        (number, [code for code in codes if code not in offered])
        for number, (ticket, _, codes, _, _) in enumerate(coded)
        if (offered := entries[ticket].codes) and not set(codes) <= set(offered)
    ]
    if not strange:
        return
    names = list(dict.fromkeys(code for _, codes in strange for code in codes))
    if not places:
        warn(f"{path}: codes that `sibnlp sample` did not offer: {', '.join(map(repr, names[:NAMED]))}"
            + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
            + "; name the codebook they are from with --codebook, or they are taken as they are")  # fmt: skip
        return
    first, codes = strange[0]
    problem = f"{', '.join(map(repr, codes))} is no code that may be given here"
    if more := [f"{places[number]}: {', '.join(map(repr, those))}" for number, those in strange[1:]]:
        rest = f" and {len(more) - NAMED} more" if len(more) > NAMED else ""
        problem += f"; likewise {'; '.join(more[:NAMED])}{rest}"
    comma = "`;` separates codes, a comma does not; " if any("," in code for code in names) else ""
    known = ", ".join(entries[coded[first][0]].codes)
    fix = f"{comma}known: {known}; for others name their codebook with --codebook"
    raise TableError(path, problem, fix, f"{places[first]}, column codes")


def _words(text: str) -> list[str]:
    """A text as far as spreadsheets leave it alone: line ends and spaces are theirs."""
    return text.split()


def _read(path: Path, books: Sequence[Codebook], project: Sequence[str]) -> tuple[list[Coded], list[str]]:
    """What came back of a queue, and of a table what each row is called."""
    from sibnlp import exchange
    from sibnlp.cli.codings import tell

    if not exchange.is_project(path):
        return _of_table(path, books)
    found = exchange.read_queue(path, books, exchange.options_of(project))
    tell(path, found.notes)
    for name, families in found.families.items():
        tell(path, [f"{name} is taken to have read for {', '.join(families) or 'everything, and found nothing'}"])
    coded = [
        (ticket, coder, codes, found.families[coder], found.texts.get(ticket, ""))
        for ticket, coder, codes in found.codings
    ]
    return coded, []


def _of_table(path: Path, books: Sequence[Codebook]) -> tuple[list[Coded], list[str]]:
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
        return [], []
    coded = codings_from_rows([row for row, _ in filled], [place for _, place in filled], path, path.name, books)
    found = [
        (str(row["ticket"]).strip(), one.coder or path.stem, one.codes, one.extent, str(row.get("text") or ""))
        for (row, _), one in zip(filled, coded, strict=True)
    ]
    return found, [place for _, place in filled]
