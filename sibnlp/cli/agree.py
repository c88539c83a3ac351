"""``sibnlp agree``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_file, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sibnlp.agreement import Agreement, Figure
    from sibnlp.codebook import Codebook
    from sibnlp.types import CodedPassage

HEAD = ("", "α", "[95 %]", "κ", "[95 %]", "positive", "[95 %]", "n", "given")
# The document of rows that name none.
DOCUMENT = "codings"


def command(
    codings: Annotated[
        list[Path],
        typer.Argument(
            help="Tables with `codes` a row and, to tell them apart, `coder` (or `model`); several coders may stand in "
            "one file or in a file each. No text is needed.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the figures as JSON too.", show_default=False)
    ] = None,
    codebook: options.Codebooks = ["osborne", "oflynn"],  # noqa: B006 - typer copies it
    resamples: Annotated[
        int, typer.Option(help="Documents are resampled so many times for the intervals.", min=0)
    ] = 1000,
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Measure how far coders agree, the model among them: Krippendorff's α, Cohen's κ, positive agreement.

    Passages are matched by document and id. A family's figure is the mean over its codes that somebody gave. Relation
    and stance are compared where both coders found the logics they are about. Intervals resample whole documents.

    Examples:
    - `sibnlp agree codings.jsonl`
    - `sibnlp agree anna.csv ben.csv predictions.jsonl -o agreement.json`
    """
    from sibnlp.agreement import agreement, by_unit
    from sibnlp.codebook import load
    from sibnlp.errors import DataError
    from sibnlp.targets import merge, targets

    books = [load(name) for name in codebook]
    families = {family.id: family.codes for family in merge(books)}
    codes = [code for members in families.values() for code in members]
    coded = [row for path in codings for row in read(path, books, project)]
    units = [(row.passage.document, row.passage.id) for row in coded]
    seen: set[tuple[object, str]] = set()
    for unit, row in zip(units, coded, strict=True):
        if (unit, row.coder) in seen:
            raise DataError(f"{row.coder} codes passage {row.passage.id!r} twice", "keep one coding of each coder")
        seen.add((unit, row.coder))
    found, coders, judgements = by_unit(units, [row.coder for row in coded], targets(coded, books, codes))
    if len(coders) < 2:
        raise DataError(f"all codings are by one coder: {coders[0]}", "agreement needs two; column `coder` names them")
    documents = [str(unit[0]) for unit in found if isinstance(unit, tuple)]
    by_code, by_family = agreement(judgements, codes, documents, families, resamples)
    shared = max((one.n for one in by_code.values()), default=0)
    if not shared:
        raise DataError("no passage is coded by two coders", "passages are matched by `document` and `id`")
    said = {code: one for code, one in by_code.items() if any(one.given)}
    say(f"{len(coders)} coders: {', '.join(coders)}; {shared} passages coded by two or more")
    lines = [HEAD, *(_line(id, one) for id, one in by_family.items() if any(one.given)), ("",) * len(HEAD)]
    lines += [_line(id, one) for id, one in said.items()]
    for line in _aligned(lines):
        print(line)
    if output:
        result = {
            "coders": coders,
            "n_passages": shared,
            "n_documents": max(one.n_documents for one in by_code.values()),
            "families": {id: _plain(one) for id, one in by_family.items()},
            "codes": {id: _plain(one) for id, one in by_code.items()},
        }
        with output_file(output, force) as part:
            part.write_text(json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path, codebooks: Sequence[Codebook] = (), project: Sequence[str] = ()) -> list[CodedPassage]:
    """Codings of a table; where a line of JSONL holds no text, as in stand-off codings, its id stands in.

    Rows that name no document are of one and the same in all files: coders are compared across files.

    Raises:
        ReadError: the file cannot be read.
        TableError: a line with neither text nor id, or what `tables.read_codings` refuses.
    """
    from sibnlp import exchange
    from sibnlp.cli.codings import read_codings
    from sibnlp.tables import files
    from sibnlp.tables.coded import codings_from_rows

    if exchange.is_project(path):
        rows_of_project, _ = read_codings([path], codebooks, project)
        return [_named(row, path) for row in rows_of_project]
    rows, places, _ = files.load(path)
    if path.suffix.lower() == ".jsonl":
        rows = [_with_text(row, path, place) for row, place in zip(rows, places, strict=True)]
    return [_named(row, path) for row in codings_from_rows(rows, places, path, DOCUMENT)]


def _with_text(row: dict[str, Any], path: Path, place: str) -> dict[str, Any]:
    from sibnlp.errors import TableError
    from sibnlp.tables.rows import IDS, is_text_column

    if any(is_text_column(name) and str(value or "").strip() for name, value in row.items()):
        return row
    own = next((id for name in IDS if (id := str(row[name] if row.get(name) is not None else "").strip())), "")
    if not own:
        raise TableError(path, "has no id", "coders are compared passage by passage", place)
    return {**{name: value for name, value in row.items() if not is_text_column(name)}, "text": own}


def _named(row: CodedPassage, path: Path) -> CodedPassage:
    """A coding is its model's where it has one, else its coder's, else its file's."""
    from dataclasses import replace

    return replace(row, coder=str(dict(row.passage.extra).get("model") or row.coder or path.stem))


def _line(id: str, one: Agreement) -> tuple[str, ...]:
    cells = [cell for figure in (one.alpha, one.kappa, one.positive) for cell in _cells(figure)]
    return (id, *cells, str(one.n), " ".join(map(str, one.given)))


def _cells(figure: Figure) -> tuple[str, str]:
    if math.isnan(figure.value):
        return "–", ""
    return f"{figure.value:.2f}", "" if math.isnan(figure.low) else f"[{figure.low:.2f}, {figure.high:.2f}]"


def _aligned(lines: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    # Ids to the left, figures to the right.
    return [
        "  ".join([line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in range(1, len(HEAD)))]).rstrip()
        for line in lines
    ]


def _plain(one: Agreement) -> dict[str, Any]:
    def figure(value: Figure) -> dict[str, float | None]:
        parts = {"value": value.value, "low": value.low, "high": value.high}
        return {name: None if math.isnan(part) else round(part, 6) for name, part in parts.items()}

    return {
        "alpha": figure(one.alpha), "kappa": figure(one.kappa), "positive_agreement": figure(one.positive),
        "n": one.n, "n_documents": one.n_documents, "given": list(one.given),
    }  # fmt: skip
