"""The same scores for parts of the passages: by genre, sector, role, stage, source, or any other column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sibnlp.errors import UnknownNameError
from sibnlp.evaluate.align import Aligned, document_weights, mean, percentile_interval, resampled_f1, row_means
from sibnlp.types import Passage

USUAL = ("genre", "sector", "role", "stage", "source", "kind", "stream", "country", "language")
"""Columns by which passages are sliced where nobody names others."""
OWN = ("document", "speaker", "actor", "role", "stage", "date", "kind", "heading", "page")
MOST = 12
"""Slices of one column; the values of fewer passages are put together as `OTHERS`."""
OTHERS, UNKNOWN = "(others)", "(unknown)"


@dataclass(frozen=True, slots=True)
class FamilySlice:
    """Scores of one family in one slice.

    Attributes:
        macro_f1: over the codes somebody gave in the slice, so slices may differ in what they average over.
        interval: 95 % percentile interval over resampled documents of the slice.
        support: codes of the family that people gave; n_given: that the model gave; n_codes: averaged over.
    """

    macro_f1: float
    interval: tuple[float, float]
    support: int
    n_given: int
    n_codes: int


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of one column.

    Attributes:
        column, value: which passages; n_passages, n_documents: how many.
        families: scores by family.
    """

    column: str
    value: str
    n_passages: int
    n_documents: int
    families: dict[str, FamilySlice]


def columns_of(passages: Sequence[Passage]) -> list[str]:
    """Names of columns that passages may be sliced by."""
    extra = dict.fromkeys(name for passage in passages for name, value in passage.extra if value not in (None, ""))
    own = [name for name in OWN if any(getattr(passage, name) not in (None, "") for passage in passages)]
    return [*own, *(name for name in extra if name not in own)]


def value_of(passage: Passage, column: str) -> str:
    """What a passage has in a column, as text."""
    value: Any = getattr(passage, column) if column in OWN else dict(passage.extra).get(column)
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    return str(value).strip() if value not in (None, "") else UNKNOWN


def slices(data: Aligned, columns: Sequence[str] = (), n_resamples: int = 1000, seed: int = 0) -> list[Slice]:
    """Scores by the values of columns.

    Args:
        data: codings and predictions.
        columns: by name; of `USUAL`, those that tell passages apart into at most `MOST` parts, where none is named.
        n_resamples, seed: as in `sibnlp.evaluate.evaluate`.

    Raises:
        UnknownNameError: no passage has anything in a column that is named; lists those that have.
    """
    passages = [coding.passage for coding in data.coded]
    there = columns_of(passages)
    for column in columns:
        if column not in there:
            raise UnknownNameError("column to slice by", column, sorted(there))
    found = []
    for column in columns or [name for name in USUAL if name in there]:
        values = [value_of(passage, column) for passage in passages]
        counts = Counter(values)
        # Where nobody asked for it, a column of ids or free text is no grouping.
        if not columns and not 1 < len(counts) <= MOST:
            continue
        kept = {value for value, _ in counts.most_common(MOST)}
        values = [value if value in kept else OTHERS for value in values]
        for value in sorted(set(values), key=lambda v: (v in (OTHERS, UNKNOWN), v)):
            rows = np.array([own == value for own in values])
            found.append(_slice(data.part(rows), column, value, n_resamples, seed))
    return found


def _slice(data: Aligned, column: str, value: str, n_resamples: int, seed: int) -> Slice:
    weights = document_weights(data.n_documents, n_resamples, seed)
    resampled = resampled_f1(data.truth, data.given, data.group, weights)
    whole = resampled_f1(data.truth, data.given, data.group, np.ones((1, data.n_documents)))[0]
    families = {}
    for family in data.families:
        own, held = data.columns(family), data.held(family)
        known = ~np.isnan(data.truth[:, own])
        if not known.any():
            continue
        families[family.id] = FamilySlice(
            macro_f1=mean(whole[held]),
            # One document cannot vary: it has no interval rather than one of no width.
            interval=percentile_interval(row_means(resampled[:, held]) if data.n_documents > 1 else np.empty(0)),
            support=int((data.truth[:, own] == 1).sum()),
            n_given=int((data.given[:, own] & known).sum()),
            n_codes=len(held),
        )
    return Slice(column, value, data.n_passages, data.n_documents, families)
