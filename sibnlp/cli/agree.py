"""``sibnlp agree``."""

from __future__ import annotations

import json
import math
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sibnlp.cli import options
from sibnlp.cli.console import output_file, say, warn
from sibnlp.cli.recording import current

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sibnlp.agreement import Agreement, Figure
    from sibnlp.codebook import Codebook
    from sibnlp.types import CodedPassage
    from sibnlp.unitising import Continuum, Unitising

HEAD = ("", "α", "[95 %]", "α set", "κ", "[95 %]", "AC1", "positive", "[95 %]", "n", "given")
UNIT_HEAD = ("spans", "αU", "[95 %]", "documents", "spans of each")
# The document of rows that name none.
DOCUMENT = "codings"
# What a table is read by where no codebook is named.
SHIPPED = ("osborne", "oflynn")


def command(
    codings: Annotated[
        list[Path],
        typer.Argument(
            help="Coded projects, or tables with `codes` a row and, to tell them apart, `coder` (or `model`); several "
            "coders may stand in one file or in a file each, predictions of a model among them. No text is needed.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write the figures as JSON too, and a page beside it (.html).", show_default=False
        ),
    ] = None,
    codebook: Annotated[
        list[str],
        typer.Option(
            help="A shipped codebook (see `sibnlp codebook show`) or a TOML file; may be repeated. Where not given, a "
            "project's own codes, and `osborne` and `oflynn` for tables.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer copies it
    resamples: Annotated[
        int, typer.Option(help="Documents are resampled so many times for the intervals.", min=0)
    ] = 1000,
    project: options.HowToRead = [],  # noqa: B006
    force: options.Force = False,
) -> None:
    """Measure how far coders agree, the model among them: Krippendorff's α, Cohen's κ, Gwet's AC1, positive agreement.

    Passages are matched by document and id; those that one coder alone coded are counted and the first is named. A
    family's figure is the mean over its codes that somebody gave; `α set` is Krippendorff's α of the set of its codes
    that a passage carries (distance MASI). Relation and stance are compared where both coders found the logics they are
    about. Of coded projects, `αU` says how far people marked the same stretches of text. Intervals resample whole
    documents.

    Examples:
    - `sibnlp agree codings.jsonl`
    - `sibnlp agree anna.csv ben.csv predictions.jsonl -o agreement.json`
    - `sibnlp agree study.qdpx predictions.jsonl --project extent=documents -o agreement.json`
    """
    from sibnlp.agreement import agreement, by_unit
    from sibnlp.errors import DataError
    from sibnlp.targets import merge, targets

    page = _page(output, force)
    coded, books, continua = read_all(codings, codebook, project)
    families = {family.id: family.codes for family in merge(books)}
    codes = [code for members in families.values() for code in members]
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
    alone, notes = _alone(coded, units, coders)
    notes += _seen(codings, {str(model) for row in coded if (model := dict(row.passage.extra).get("model"))})
    sets = _sets(judgements, codes, families, documents, resamples)
    spans = _spans(continua, codes, resamples)
    current().add_codebooks(books)
    current().counts |= {"coders": len(coders), "codings": len(coded), "passages": shared}
    say(f"{len(coders)} coders: {', '.join(coders)}; {shared} passages coded by two or more")
    _print(by_family, by_code, sets, spans)
    for note in notes:
        warn(f"note: {note}")
    if output and page:
        from sibnlp.report.agreement import render_agreement

        result = {
            "coders": coders,
            "n_passages": shared,
            "n_documents": max(one.n_documents for one in by_code.values()),
            "unmatched": alone,
            "notes": notes,
            "families": {
                id: {**_plain(one), **{f"alpha_{name}": _figure(f) for name, f in sets[id].items()}}
                for id, one in by_family.items()
            },
            "codes": {id: _plain(one) for id, one in by_code.items()},
            "spans": {
                id: {"alpha_u": _figure(one.alpha), "n_documents": one.n_documents, "n_spans": dict(one.n_units)}
                for id, one in spans.items()
            },
        }
        with output_file(output, force) as part:
            part.write_text(json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        with output_file(page, force) as part:
            part.write_text(render_agreement(result), encoding="utf-8")
        say(f"{output} and {page}")


def _page(output: Path | None, force: bool) -> Path | None:
    """Where the page goes; neither it nor the JSON may be there already."""
    from sibnlp.errors import DataError, OutputExistsError

    if not output:
        return None
    page = output.with_suffix(".html")
    if output == page:
        raise DataError(f"{output}: -o names the JSON file", "the page goes beside it, with the ending .html")
    for path in (output, page):
        if path.exists() and not force:
            raise OutputExistsError(path)
    return page


def _alone(
    coded: Sequence[CodedPassage], units: Sequence[tuple[str, str]], coders: Sequence[str]
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Passages that one coder alone coded: their number and that of their codes by coder, and a note on each coder."""
    from sibnlp import gold_notes

    by_unit = Counter(units)
    alone: dict[str, dict[str, int]] = {}
    notes = []
    for coder in coders:
        own = [row for row in coded if row.coder == coder]
        single = [row for row, unit in zip(coded, units, strict=True) if row.coder == coder and by_unit[unit] == 1]
        given, lost = (sum(len(row.codes) for row in rows) for rows in (own, single))
        alone[coder] = {"passages": len(single), "of": len(own), "codes": lost, "of_codes": given}
        if single:
            others = {row.passage.document for row in coded if row.coder != coder}
            passages = [row.passage for row in single]
            notes.append(gold_notes.unmatched(passages, coder, len(own), (lost, given), others))
    return alone, notes


def _seen(paths: Sequence[Path], models: Collection[str]) -> list[str]:
    """Which files are the very codings that a shipped model among the coders learnt from.

    A model's predictions carry its name alone: of a model of one's own nobody knows the folder.
    """
    from sibnlp.cascade import is_cascade, parse
    from sibnlp.errors import DataError
    from sibnlp.manifest import learnt_from, read_manifest
    from sibnlp.model import available

    shipped = available()
    # A cascade's predictions name both its models; whoever wrote a table may have written anything else.
    parts = set(models)
    for name in filter(is_cascade, models):
        with suppress(DataError):
            parts |= set(parse(name)[:2])
    return learnt_from([read_manifest(shipped[name]) for name in sorted(parts & set(shipped))], paths)


def _sets(
    judgements: NDArray[np.float64],
    codes: Sequence[str],
    families: Mapping[str, Sequence[str]],
    documents: Sequence[str],
    resamples: int,
) -> dict[str, dict[str, Figure]]:
    """Agreement on the set of a family's codes, by family and distance."""
    from sibnlp.set_agreement import jaccard, masi, set_alpha

    found: dict[str, dict[str, Figure]] = {}
    for id, members in families.items():
        own = judgements[:, :, [codes.index(code) for code in members]]
        found[id] = {
            name: set_alpha(own, members, documents, distance, resamples)
            for name, distance in (("masi", masi), ("jaccard", jaccard))
        }
    return found


def _print(
    by_family: Mapping[str, Agreement],
    by_code: Mapping[str, Agreement],
    sets: Mapping[str, Mapping[str, Figure]],
    spans: Mapping[str, Unitising],
) -> None:
    """Tables for people; a code or family that nobody gave fills no line."""
    lines: list[tuple[str, ...]] = [HEAD]
    lines += [_line(id, one, sets[id]["masi"]) for id, one in by_family.items() if any(one.given)]
    lines += [("",) * len(HEAD), *(_line(id, one) for id, one in by_code.items() if any(one.given))]
    for line in _aligned(lines):
        print(line)
    if spans:
        print()
        for line in _aligned([UNIT_HEAD, *(_unit_line(code, one) for code, one in spans.items())]):
            print(line)


def read_all(
    paths: Sequence[Path], codebooks: Sequence[str], project: Sequence[str]
) -> tuple[list[CodedPassage], list[Codebook], list[Continuum]]:
    """Codings of all files, what they are read by, and the spans of those that are projects.

    Projects come first, so that where no codebook is named the tables beside them are read by the project's own.
    """
    from sibnlp import exchange
    from sibnlp.cli.codings import tell, tried
    from sibnlp.codebook import load

    books = [load(name) for name in codebooks]
    settings = exchange.options_of(project)
    for path in paths:
        exchange.check_codings(path)
    tried(paths, project)
    by_path: dict[Path, list[CodedPassage]] = {}
    continua: list[Continuum] = []
    for path in paths:
        if not exchange.is_project(path):
            continue
        found = exchange.read_codings(path, books, settings)
        tell(path, found.notes)
        by_path[path] = [_named(row, path) for row in found.rows]
        if found.project:
            continua += exchange.continua(found.project, path, books, settings)
        books = books or ([found.codebook] if found.codebook else [])
    books = books or [load(name) for name in SHIPPED]
    for path in paths:
        if path not in by_path:
            by_path[path] = read(path)
    return [row for path in paths for row in by_path[path]], books, continua


def read(path: Path) -> list[CodedPassage]:
    """Codings of a table; where a line of JSONL holds no text, as in stand-off codings, its id stands in.

    Rows that name no document are of one and the same in all files: coders are compared across files.

    Raises:
        ReadError: the file cannot be read.
        TableError: a line with neither text nor id, or what `tables.read_codings` refuses.
    """
    from sibnlp.tables import files
    from sibnlp.tables.coded import codings_from_rows

    rows, places, _ = files.load(path)
    if path.suffix.lower() == ".jsonl":
        rows = [_with_text(row, path, place) for row, place in zip(rows, places, strict=True)]
    return [_named(row, path) for row in codings_from_rows(rows, places, path, DOCUMENT)]


def _spans(continua: Sequence[Continuum], codes: Sequence[str], resamples: int) -> dict[str, Unitising]:
    """Unitising agreement on each code that somebody marked."""
    from sibnlp.unitising import unitising_alpha

    marked = {code for one in continua for units in one.units.values() for code in units}
    shared = [one for one in continua if len(one.units) >= 2]
    return {code: unitising_alpha(continua, code, resamples) for code in codes if shared and code in marked}


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


def _line(id: str, one: Agreement, whole: Figure | None = None) -> tuple[str, ...]:
    alpha, kappa, positive = (_cells(figure) for figure in (one.alpha, one.kappa, one.positive))
    sets = _cells(whole)[0] if whole else ""
    return (id, *alpha, sets, *kappa, _cells(one.ac1)[0], *positive, str(one.n), " ".join(map(str, one.given)))


def _unit_line(id: str, one: Unitising) -> tuple[str, ...]:
    return (id, *_cells(one.alpha), str(one.n_documents), " ".join(map(str, one.n_units.values())))


def _cells(figure: Figure) -> tuple[str, str]:
    if math.isnan(figure.value):
        return "–", ""
    return f"{figure.value:.2f}", "" if math.isnan(figure.low) else f"[{figure.low:.2f}, {figure.high:.2f}]"


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    columns = range(len(lines[0]))
    widths = [max(len(line[column]) for line in lines) for column in columns]
    # Ids to the left, figures to the right.
    return [
        "  ".join([line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in columns[1:])]).rstrip()
        for line in lines
    ]


def _plain(one: Agreement) -> dict[str, Any]:
    return {
        "alpha": _figure(one.alpha), "kappa": _figure(one.kappa), "ac1": _figure(one.ac1),
        "positive_agreement": _figure(one.positive), "n": one.n, "n_documents": one.n_documents,
        "given": list(one.given),
    }  # fmt: skip


def _figure(value: Figure) -> dict[str, float | None]:
    parts = {"value": value.value, "low": value.low, "high": value.high}
    return {name: None if math.isnan(part) else round(part, 6) for name, part in parts.items()}
