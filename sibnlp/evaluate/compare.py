"""Several models on the same codings: differences, by a paired bootstrap of whole documents.

Every model is scored on the same resamples, so what makes a document hard for all of them cancels out of a difference
(Berg-Kirkpatrick, Burkett & Klein 2012, *An empirical investigation of statistical significance in NLP*, EMNLP).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sibnlp.errors import DataError
from sibnlp.evaluate.align import Aligned, document_weights, mean, percentile_interval, resampled_f1, row_means


@dataclass(frozen=True, slots=True)
class Difference:
    """One model's figure, and by how much it exceeds the first model's.

    Attributes:
        value: F1, of a family its mean; interval: over resampled documents.
        difference, low, high: value less the first model's, with the paired interval; NaN for the first itself.
    """

    value: float
    interval: tuple[float, float]
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A model beside the others.

    Attributes:
        model: its id.
        families, codes: by id, over the codes that all the models have and somebody gave.
    """

    model: str
    families: dict[str, Difference]
    codes: dict[str, Difference]


def compare(models: Sequence[tuple[str, Aligned]], n_resamples: int = 1000, seed: int = 0) -> list[Compared]:
    """Set models side by side, each against the first.

    Args:
        models: id and data of each, aligned with the same codings.
        n_resamples, seed: of the bootstrap.

    Raises:
        DataError: they were aligned with different codings, or share no code.
    """
    first = models[0][1]
    rows = [(c.passage.document, c.passage.id, c.coder) for c in first.coded]
    for name, data in models[1:]:
        if [(c.passage.document, c.passage.id, c.coder) for c in data.coded] != rows:
            raise DataError(f"{name} was not run on the same passages as {models[0][0]}")
    shared = [code for code in first.codes if all(code in data.codes for _, data in models)]
    if not shared:
        raise DataError("the models share no code", "compare models of the same codebook")
    weights = document_weights(first.n_documents, n_resamples, seed)
    single = np.ones((1, first.n_documents))
    found: list[Compared] = []
    base_value, base_resampled = np.empty(0), np.empty((0, 0))
    for name, data in models:
        columns = [data.codes.index(code) for code in shared]
        # What is known must be the same for all, or models would be judged on different passages.
        truth, given = first.truth[:, [first.codes.index(code) for code in shared]], data.given[:, columns]
        value = resampled_f1(truth, given, first.group, single)[0]
        resampled = resampled_f1(truth, given, first.group, weights)
        if not found:
            base_value, base_resampled = value, resampled
        codes, families = {}, {}
        for j, code in enumerate(shared):
            if not np.isnan(value[j]):
                codes[code] = _difference(value, base_value, resampled, base_resampled, [j], not found)
        for family in first.families:
            held = [j for j, code in enumerate(shared) if code in family.codes and not np.isnan(value[j])]
            if held:
                families[family.id] = _difference(value, base_value, resampled, base_resampled, held, not found)
        found.append(Compared(name, families, codes))
    return found


def _difference(
    value: np.ndarray, base: np.ndarray, resampled: np.ndarray, base_resampled: np.ndarray, held: list[int], own: bool
) -> Difference:
    nan = float("nan")
    curve = row_means(resampled[:, held])
    if own:
        return Difference(mean(value[held]), percentile_interval(curve), nan, nan, nan)
    low, high = percentile_interval(curve - row_means(base_resampled[:, held]))
    return Difference(mean(value[held]), percentile_interval(curve), mean(value[held]) - mean(base[held]), low, high)
