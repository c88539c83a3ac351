"""Coded tables back into memory: predictions of a model, codings by people."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import Codebook, adding
from sibnlp.errors import TableError
from sibnlp.tables import columnar
from sibnlp.tables import files as rowfiles
from sibnlp.tables.output import CODING_COLUMNS, SCORE
from sibnlp.tables.rows import is_text_column, passages_from_rows
from sibnlp.types import CodedPassage, Passage, Predictions


def read_predictions(path: Path) -> Predictions:
    """Read what `sibnlp classify` wrote, or codings by people (a ``codes`` column without scores).

    Returns:
        Predictions; without scores a code given counts as probability 1, one not given as 0.

    Raises:
        ReadError: the file cannot be read, has no ``text`` column, or a date or span is none; names the row.
        TableError: no row with a text, no ``codes`` column, rows of several models or coders, codings read for
            different families, or a score outside [0, 1].
    """
    if (by_column := columnar.read(path)) is not None:
        return by_column
    passages, given, scores, unsure, stances = [], [], [], [], []
    coders: dict[str, None] = {}
    extents: dict[frozenset[str], str] = {}
    modelled = False
    rows, places, _ = rowfiles.load(path)
    for row, place, passage in _coded_rows(rows, places, path, path.name, dated=True):
        given.append(_codes(row.get("codes"), path, place))
        scores.append(scores_of(row, path, place))
        unsure.append(_codes(row.get("abstained"), path, place, "abstained"))
        coders[str(row.get("model") or row.get("coder") or "people")] = None
        modelled = modelled or bool(scores[-1] or row.get("model"))
        if not modelled:
            extents.setdefault(frozenset(_codes(row.get("extent"), path, place, "extent")), place)
        stances.append(_stances(row.get("stances"), path, place))
        passages.append(_without(passage, ("scores", "abstained", "model", *CODING_COLUMNS)))
    if len(coders) > 1 and modelled:
        raise TableError(path, f"holds predictions of several models: {', '.join(coders)}", "keep one model a file")
    if len(coders) > 1:
        fix = "keep one coder's rows a file, or adjudicate first"
        raise TableError(path, f"holds codings of several coders: {', '.join(coders)}", fix)
    if len(extents) > 1 and not modelled:
        problem = "the families in extent differ from those before: codes of a family not read would count as absent"
        raise TableError(path, problem, "keep rows read for the same families", list(extents.values())[1])
    codes = list(dict.fromkeys(code for part in (scores, given, unsure) for one in part for code in one))
    assigned = _mask(given, codes)
    probabilities = assigned.astype(np.float32)
    for number, chances in enumerate(scores):
        for code, chance in chances.items():
            probabilities[number, codes.index(code)] = chance
    # A code both given and abstained from (a table edited by hand) was given.
    abstained = _mask(unsure, codes) & ~assigned if any("abstained" in row for row in rows) else None
    told = tuple(stances) if any(stances) else ()
    return Predictions(tuple(passages), tuple(codes), probabilities, assigned, ", ".join(coders), abstained, told)


def _mask(named: Sequence[Sequence[str]], codes: Sequence[str]) -> NDArray[np.bool_]:
    """Codes named in each row as bool [n, k]."""
    column = {code: number for number, code in enumerate(codes)}
    mask = np.zeros((len(named), len(codes)), dtype=np.bool_)
    for number, one in enumerate(named):
        mask[number, [column[code] for code in one]] = True
    return mask


def read_codings(path: Path, codebooks: Sequence[Codebook] = ()) -> list[CodedPassage]:
    """Read coded passages: a table or JSONL with ``text`` and ``codes`` a row (see README, "Codings").

    Args:
        path: the file.
        codebooks: where given, every code must be of one of them.

    A coding without a ``coder`` is its ``model``'s. Dates that are not ISO 8601 are left out: codings to train and
    measure on are not followed over time.

    Raises:
        ReadError: the file cannot be read, has no ``text`` column, or a span is none; names the row.
        TableError: no row with a text, no ``codes`` column, a code or family is unknown, a stance is for a logic the
            passage does not carry, an inclusion probability is outside (0, 1]; the message names the row.
    """
    rows, places, _ = rowfiles.load(path)
    return codings_from_rows(rows, places, path, path.name, codebooks)


def codings_from_rows(
    rows: Sequence[Mapping[str, Any]],
    places: Sequence[str],
    path: Path,
    document: str,
    codebooks: Sequence[Codebook] = (),
) -> list[CodedPassage]:
    """Rows of a file as coded passages, as `read_codings` reads them.

    Args:
        rows: as `sibnlp.tables.files.load` gives them.
        places: what each row is called in messages; counted from ``row 1`` where empty.
        path: the file, for messages.
        document: document of rows that name none.
        codebooks: where given, every code must be of one of them.

    Raises:
        ReadError, TableError: as `read_codings`.
    """
    known = {code.id: code.family for book in codebooks for code in book.codes}
    books = [book.id for book in codebooks]
    found = []
    for row, place, passage in _coded_rows(rows, places, path, document, dated=False):
        codes = _codes(row.get("codes"), path, place)
        for code in codes:
            if known and code not in known:
                fix = adding(code, books) or f"known: {', '.join(known)}"
                raise TableError(path, f"code {code!r} is in no codebook given", fix, place)
        extent = _codes(row.get("extent"), path, place, "extent")
        for family in extent:
            if known and family not in known.values():
                fix = adding(family, books) or f"known: {', '.join(dict.fromkeys(known.values()))}"
                raise TableError(path, f"extent names the unknown family {family!r}", fix, place)
        stances = row.get("stances") or {}
        if not isinstance(stances, dict) or any(logic not in codes for logic in stances):
            raise TableError(
                path, "stances must map logics the passage carries to a stance", '{"NPM": "reports"}', place
            )
        chance = _chance(row.get("inclusion_probability"), path, place)
        found.append(
            CodedPassage(
                _without(passage, CODING_COLUMNS),
                codes,
                str(row.get("coder") or row.get("model") or ""),
                extent,
                stances,
                chance,
            )
        )
    return found


def _coded_rows(
    rows: Sequence[Mapping[str, Any]], places: Sequence[str], path: Path, document: str, dated: bool
) -> Iterator[tuple[Mapping[str, Any], str, Passage]]:
    """Rows of a coded table with what each is called and its passage; several coders may code one passage.

    Raises:
        ReadError: a span, page or date is none.
        TableError: no rows with a text, or no ``codes`` column.
    """
    places = places or [f"row {number}" for number in range(1, len(rows) + 1)]
    kept = [
        (row, place)
        for row, place in zip(rows, places, strict=True)
        if any(is_text_column(name) and str(value if value is not None else "").strip() for name, value in row.items())
    ]
    if not kept:
        raise TableError(path, "has no row with a text")
    if not any("codes" in row for row, _ in kept):
        fix = f"found: {', '.join(kept[0][0])}; a passage without codes has [] (JSONL) or an empty cell"
        raise TableError(path, "has no column 'codes'", fix)
    passages = passages_from_rows(
        [row for row, _ in kept], path, document, [place for _, place in kept], unique=False, dated=dated
    )
    for (row, place), passage in zip(kept, passages, strict=True):
        yield row, place, passage


def _codes(value: Any, path: Path, place: str, column: str = "codes") -> tuple[str, ...]:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except ValueError:
                raise TableError(path, f"{column} {value!r} is not a JSON list", "", place) from None
        else:
            value = [part.strip() for part in value.split(";") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TableError(path, f"{column} must be a list of ids, not {value!r}", 'as ["NPM"] or NPM;NPG', place)
    return tuple(dict.fromkeys(value))


def _chance(value: Any, path: Path, place: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        chance = float(value)
    except (TypeError, ValueError):
        raise TableError(path, f"inclusion_probability {value!r} is not a number", "", place) from None
    if not 0 < chance <= 1:
        raise TableError(path, f"inclusion_probability {chance} is outside (0, 1]", "", place)
    return chance


def scores_of(row: Mapping[str, Any], path: Path, place: str) -> dict[str, float]:
    """Scores of a row of predictions, by code; empty where it has none.

    Raises:
        TableError: they are no numbers in [0, 1].
    """
    value = row.get("scores")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise TableError(path, "scores are not a JSON object", '{"NPM": 0.7}', place) from None
    if isinstance(value, list):  # a Parquet map comes as pairs
        value = dict(value)
    if value is None:
        cells = {name[len(SCORE) :]: cell for name, cell in row.items() if name.startswith(SCORE)}
        value = {code: cell for code, cell in cells.items() if cell not in (None, "")}
    scores = {}
    for code, score in value.items():
        try:
            scores[code] = float(score)
        except (TypeError, ValueError):
            raise TableError(path, f"score of {code} is not a number: {score!r}", "", place) from None
        if not 0 <= scores[code] <= 1:
            raise TableError(path, f"score of {code} is outside [0, 1]: {score}", "", place)
    return scores


def _stances(value: Any, path: Path, place: str) -> Mapping[str, str]:
    """How the speaker stands to each logic, where the row says so."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except ValueError:
            raise TableError(path, "stances are not a JSON object", '{"NPM": "resists"}', place) from None
    if isinstance(value, list):  # a Parquet map comes as pairs
        value = dict(value)
    return {str(logic): str(stance) for logic, stance in value.items()} if isinstance(value, Mapping) else {}


def _without(passage: Passage, names: Sequence[str]) -> Passage:
    kept = tuple((n, v) for n, v in passage.extra if n not in names and not n.startswith(SCORE))
    return replace(passage, extra=kept)
