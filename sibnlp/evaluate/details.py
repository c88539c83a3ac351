"""What stands in ``metrics.json`` beside the scores, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from sibnlp.agreement import Agreement
from sibnlp.codebook import Codebook
from sibnlp.evaluate.align import Aligned, without_nan
from sibnlp.evaluate.coders import Pair, pairs
from sibnlp.evaluate.confusion import co_occurrence, confusion
from sibnlp.evaluate.curves import reliability, selective
from sibnlp.evaluate.slices import slices


def details(
    data: Aligned,
    model: str,
    codebooks: Sequence[Codebook],
    *,
    by: Sequence[str] = (),
    n_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Agreement of coders, reliability, risk–coverage, confusion, co-occurrence and slices.

    Args:
        data: codings and predictions.
        model: its name.
        codebooks: that the codings are from.
        by: columns to slice by; the usual ones where none is named (see `sibnlp.evaluate.slices`).
        n_resamples, seed: of the intervals.

    Raises:
        UnknownNameError: no passage has anything in a column of ``by``.
    """
    held = {family.id: data.held(family) for family in data.families}
    found = {
        "agreement": [_pair(pair) for pair in pairs(data, model, codebooks, n_resamples, seed)],
        "reliability": {
            "families": {id: reliability(data, columns) for id, columns in held.items() if columns},
            "codes": {data.codes[j]: reliability(data, [j]) for columns in held.values() for j in columns},
        },
        "risk_coverage": {f.id: one for f in data.families if (one := selective(data, f)) is not None},
        "confusion": {f.id: seen for f in data.families if (seen := confusion(data, f)) is not None},
        "co_occurrence": co_occurrence(data),
        "slices": slices(data, by, n_resamples, seed),
    }
    made: dict[str, Any] = plain(found)
    return made


def _pair(pair: Pair) -> dict[str, Any]:
    def figures(found: Mapping[str, Agreement]) -> dict[str, Any]:
        return {
            id: {
                "alpha": one.alpha.value, "low": one.alpha.low, "high": one.alpha.high,
                "positive_agreement": one.positive.value, "n": one.n, "given": one.given,
            }
            for id, one in found.items()
        }  # fmt: skip

    head = {"first": pair.first, "second": pair.second, "with_model": pair.with_model}
    return {**head, "families": figures(pair.families), "codes": figures(pair.codes)}


def plain(value: Any) -> Any:
    """Dataclasses and arrays as JSON values; NaN as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else without_nan(value)
