"""How far the model agrees with the coders, beside how far they agree with one another: the ceiling.

Every pair is compared on the passages both judged, by the measures of `sibnlp.agreement`. A model judges a family only
where its coder could: relation and stance where it found the logics they are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import Agreement, agreement, by_unit
from sibnlp.codebook import Codebook
from sibnlp.evaluate.align import Aligned
from sibnlp.targets import targets
from sibnlp.types import CodedPassage


@dataclass(frozen=True, slots=True)
class Pair:
    """Two coders, the model perhaps among them.

    Attributes:
        first, second: who; with_model: whether the second is the model.
        families, codes: agreement by id.
    """

    first: str
    second: str
    with_model: bool
    families: dict[str, Agreement]
    codes: dict[str, Agreement]


def pairs(
    data: Aligned, model: str, codebooks: Sequence[Codebook], n_resamples: int = 1000, seed: int = 0
) -> list[Pair]:
    """Agreement of every two coders, model last; coders who share no passage are no pair.

    Args:
        data: codings and predictions.
        model: its name.
        codebooks: that the codings are from.
        n_resamples, seed: for the intervals.
    """
    coded = list({(c.passage.document, c.passage.id, c.coder): c for c in data.coded}.values())
    first_row = {(c.passage.document, c.passage.id): row for row, c in reversed(list(enumerate(data.coded)))}
    judged = [
        CodedPassage(
            data.coded[row].passage,
            tuple(data.codes[j] for j in np.flatnonzero(data.given[row]).tolist()),
            model,
        )
        for row in first_row.values()
    ]
    units = [(c.passage.document, c.passage.id) for c in (*coded, *judged)]
    # A coder may bear the model's name, so they are told apart by number, not by name.
    coders = [f"1{c.coder}" for c in coded] + [f"2{model}"] * len(judged)
    truth = targets([*coded, *judged], codebooks, data.codes)
    _mask_contested(data, coded, truth)
    found, names, judgements = by_unit(units, coders, truth)
    documents = [str(unit[0]) for unit in found if isinstance(unit, tuple)]
    families = {family.id: family.codes for family in data.families}
    names_of = {name: name[1:] or "people" for name in names}
    made = []
    for a, b in combinations(sorted(range(len(names)), key=lambda i: (names[i][0], i)), 2):
        two = judgements[[a, b]]
        both: NDArray[np.bool_] = np.asarray((~np.isnan(two)).sum(axis=0) == 2).sum(axis=1) > 0
        if not both.any():
            continue
        own = [document for document, kept in zip(documents, both, strict=True) if kept]
        codes, whole = agreement(two[:, both], data.codes, own, families, n_resamples, seed)
        said = {id: one for id, one in codes.items() if any(one.given)}
        held = {id: one for id, one in whole.items() if any(one.given)}
        made.append(Pair(names_of[names[a]], names_of[names[b]], names[b].startswith("2"), held, said))
    return made


def _mask_contested(data: Aligned, coded: Sequence[CodedPassage], truth: np.ndarray) -> None:
    """What the scores leave out, agreement leaves out too; codings come first in ``truth``, in their order."""
    row_of = {(c.passage.document, c.passage.id, c.coder): row for row, c in enumerate(data.coded)}
    for row, coding in enumerate(coded):
        own = data.truth[row_of[coding.passage.document, coding.passage.id, coding.coder]]
        truth[row, np.isnan(own)] = np.nan
