"""Which codes are taken for which, and which go together.

A passage may carry several codes of a family, so a cell cannot count passages by "the" code. Codes that coder and model
share stand on the diagonal; a code the coder gave alone is set against each code the model gave alone, or against
*none* where there is no such code (after Heydarian, Doyle & Samavi 2022, *MLCM: multi-label confusion matrix*, IEEE
Access 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.evaluate.align import Aligned
from sibnlp.targets import FamilyCodes


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Confusion of one family's codes.

    Attributes:
        codes: ids; the last row and the last column stand for none of them.
        counts: int [k + 1, k + 1], rows what the coder gave, columns what the model gave.
    """

    codes: tuple[str, ...]
    counts: NDArray[np.int64]


def confusion(data: Aligned, family: FamilyCodes) -> Confusion | None:
    """Confusion of a family, over passages of which every code of it is known; None where there are none."""
    columns = data.columns(family)
    read = ~np.isnan(data.truth[:, columns]).any(axis=1) if columns else np.zeros(len(data.coded), dtype=np.bool_)
    if not read.any():
        return None
    cells = np.ix_(read, np.array(columns, dtype=np.int64))
    truth, given = data.truth[cells] == 1, data.given[cells]
    k = len(columns)
    counts = np.zeros((k + 1, k + 1), dtype=np.int64)
    shared, missed, invented = truth & given, truth & ~given, given & ~truth
    counts[range(k), range(k)] = shared.sum(axis=0)
    counts[:k, :k] += missed.astype(np.int64).T @ invented.astype(np.int64)
    counts[:k, k] = missed[~invented.any(axis=1)].sum(axis=0)
    counts[k, :k] = invented[~missed.any(axis=1)].sum(axis=0)
    counts[k, k] = int((~truth.any(axis=1) & ~given.any(axis=1)).sum())
    return Confusion(tuple(data.codes[j] for j in columns), counts)


@dataclass(frozen=True, slots=True, eq=False)
class CoOccurrence:
    """How often two codes stand in one passage, over passages read for both.

    Attributes:
        codes: ids, those that coder or model gave at least once.
        people, model: int [k, k], symmetric; the diagonal is how often each was given.
    """

    codes: tuple[str, ...]
    people: NDArray[np.int64]
    model: NDArray[np.int64]


def co_occurrence(data: Aligned) -> CoOccurrence:
    """Pairs of codes as the coders gave them and as the model does."""
    known = ~np.isnan(data.truth)
    by_people, by_model = data.truth == 1, data.given & known
    columns = np.flatnonzero(by_people.any(axis=0) | by_model.any(axis=0)).tolist()
    # A pair counts where the coder read for both codes, for the model too: the two tables are of the same passages.
    read = known[:, columns].astype(np.int64)
    people, model = (
        (values[:, columns].astype(np.int64) * read).T @ (values[:, columns].astype(np.int64) * read)
        for values in (by_people, by_model)
    )
    return CoOccurrence(tuple(data.codes[j] for j in columns), people, model)
