"""Predictions and codings side by side: what every figure of an evaluation is counted from."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import Codebook
from sibnlp.errors import DataError
from sibnlp.targets import FamilyCodes, merge, targets
from sibnlp.types import CodedPassage, Predictions

NAN = float("nan")
LEVEL = (0.025, 0.975)
"""Quantiles of a 95 % percentile interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Codings with the prediction of each: n rows, one a coding, and k codes that both know.

    Attributes:
        coded: the codings; several coders of a passage have a row each.
        families: with all their codes, also those the model does not have.
        codes: ids of the columns.
        truth: float64 [n, k]: 1 the coder gave the code, 0 not, NaN did not look for it.
        given: bool [n, k], what the model gave; probabilities: float64 [n, k].
        group: number of each row's document; n_documents: how many there are.
    """

    coded: tuple[CodedPassage, ...]
    families: tuple[FamilyCodes, ...]
    codes: tuple[str, ...]
    truth: NDArray[np.float64]
    given: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    group: NDArray[np.int64]
    n_documents: int

    @property
    def n_passages(self) -> int:
        """Different passages."""
        return len({(c.passage.document, c.passage.id) for c in self.coded})

    def columns(self, family: FamilyCodes) -> list[int]:
        """Columns of a family's codes."""
        return [self.codes.index(code) for code in family.codes if code in self.codes]

    def held(self, family: FamilyCodes) -> list[int]:
        """Columns of a family's codes that somebody gave."""
        return [j for j in self.columns(family) if (self.truth[:, j] == 1).any()]

    def part(self, rows: NDArray[np.bool_]) -> Aligned:
        """Some of the rows, documents numbered anew."""
        documents, group = np.unique(self.group[rows], return_inverse=True)
        coded = tuple(coding for coding, kept in zip(self.coded, rows, strict=True) if kept)
        arrays = self.truth[rows], self.given[rows], self.probabilities[rows]
        return Aligned(coded, self.families, self.codes, *arrays, group, len(documents))


def align(
    predictions: Predictions,
    gold: Sequence[CodedPassage],
    codebooks: Sequence[Codebook],
    unknown: Mapping[str, Collection[str]] | None = None,
) -> Aligned:
    """Put the prediction beside each coding; codings of passages without one are left out.

    Args:
        predictions: what a model (or coder) said.
        gold: what coders said; matched by document and passage id.
        codebooks: that the codings are from.
        unknown: codes to leave out by passage id, such as those two coders contest.

    Raises:
        DataError: no passage is in both, or the codings carry a code no codebook defines.
    """
    row_of = {(p.document, p.id): row for row, p in enumerate(predictions.passages)}
    pairs = [(c, row_of[key]) for c in gold if (key := (c.passage.document, c.passage.id)) in row_of]
    if not pairs:
        raise DataError("no coded passage has a prediction", "classify the same file that holds the codings")
    coded, rows = tuple(coding for coding, _ in pairs), np.array([row for _, row in pairs])
    families = merge(codebooks)
    codes = tuple(code for family in families for code in family.codes if code in predictions.codes)
    truth = targets(coded, codebooks, codes)
    for row, coding in enumerate(coded):
        for code in (unknown or {}).get(coding.passage.id, ()):
            if code in codes:
                truth[row, codes.index(code)] = np.nan
    columns = np.array([predictions.column(code) for code in codes], dtype=np.int64)
    probabilities = predictions.probabilities[np.ix_(rows, columns)].astype(np.float64)
    given = predictions.assigned[np.ix_(rows, columns)]
    documents, group = np.unique([coding.passage.document for coding in coded], return_inverse=True)
    return Aligned(coded, families, codes, truth, given, probabilities, group, len(documents))


def document_weights(n_documents: int, n_resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each document is drawn in each resample: [resamples, documents]; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_documents, np.full(n_documents, 1 / n_documents), size=n_resamples)
    return drawn.astype(np.float64)


def resampled_f1(
    truth: NDArray[np.float64], given: NDArray[np.bool_], group: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """F1 of every code in resamples of whole documents: [resamples, k], NaN where a resample holds no positive."""
    parts = []
    for found in ((truth == 1) & given, truth == 1, given & ~np.isnan(truth)):
        total = np.zeros((weights.shape[1], truth.shape[1]))
        np.add.at(total, group, found)
        parts.append(total)
    hits, support, n_given = (weights @ part for part in parts)
    f1: NDArray[np.float64] = np.divide(2 * hits, support + n_given, out=np.full(hits.shape, NAN), where=support > 0)
    return f1


def row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each row of [m, k], NaN left out; NaN where there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(len(values), NAN), where=count > 0)
    return means


def percentile_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile interval of what is not NaN; NaN of nothing."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return NAN, NAN
    low, high = np.quantile(kept, LEVEL)
    return float(low), float(high)


def mean(values: Iterable[float]) -> float:
    """Mean of what is not NaN; NaN of nothing."""
    kept = [float(value) for value in values if not math.isnan(value)]
    return sum(kept) / len(kept) if kept else NAN


def without_nan(value: Any) -> Any:
    """Plain JSON values, NaN as None."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
