"""Set-valued alpha: nominal alpha where every set has one code, and worked by hand where sets overlap."""

from __future__ import annotations

import json
import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from sibnlp.set_agreement import jaccard, masi, set_alpha


@pytest.mark.parametrize("distance", [masi, jaccard])
def test_of_single_codes_it_is_the_published_nominal_alpha(shared: Path, distance: object) -> None:
    vectors = json.loads((shared / "bench/reliability/agreement_vectors.json").read_text(encoding="utf-8"))
    vector = next(v for v in vectors if v["name"] == "krippendorff_canonical_4x12")
    table = np.array([[math.nan if c is None else c for c in row] for row in vector["data"]], dtype=float)
    values = np.arange(1, 6)
    one_hot = np.where(np.isnan(table)[:, :, None], np.nan, table[:, :, None] == values)
    found = set_alpha(one_hot, list("abcde"), ["d"] * 12, distance, n_resamples=0)  # type: ignore[arg-type]
    assert found.value == pytest.approx(0.74342, abs=5e-6)


def by_hand(units: list[tuple[set[str], ...]], distance: object) -> float:
    """Alpha from its definition: every pair within units over every pair of judgements."""
    pairable = [unit for unit in units if len(unit) >= 2]
    every = [value for unit in pairable for value in unit]
    within = sum(
        distance(a, b) / (len(unit) - 1)  # type: ignore[operator]
        for unit in pairable
        for a, b in permutations(unit, 2)
    )
    across = sum(distance(a, b) for a, b in permutations(every, 2))  # type: ignore[operator]
    return 1 - (within / len(every)) / (across / (len(every) * (len(every) - 1)))


@pytest.mark.parametrize("distance", [masi, jaccard])
def test_overlapping_sets_by_definition(distance: object) -> None:
    rng = np.random.default_rng(5)
    table = (rng.random((3, 30, 3)) < 0.4).astype(float)
    table[2, :10] = np.nan
    table[1, 0] = np.nan  # judged once: it does not count
    known = ~np.isnan(table[:, :, 0])
    units = [
        tuple({c for c, one in zip("abc", table[k, u], strict=True) if one} for k in range(3) if known[k, u])
        for u in range(30)
    ]  # fmt: skip
    found = set_alpha(table, list("abc"), ["d"] * 30, distance, n_resamples=0)  # type: ignore[arg-type]
    assert found.value == pytest.approx(by_hand(units, distance))


def test_sets_that_share_a_code_agree_in_part() -> None:
    a, b = [[1, 0], [0, 1], [0, 0], [1, 0]], [[1, 1], [0, 1], [0, 0], [1, 0]]
    c = [[0, 1], [0, 1], [0, 0], [1, 0]]
    near = set_alpha(np.array([a, b], dtype=float), ["x", "y"], list("abcd"), masi, 0).value
    far = set_alpha(np.array([a, c], dtype=float), ["x", "y"], list("abcd"), masi, 0).value
    assert far < near < 1


def test_nothing_can_be_said_of_one_set_or_one_coder() -> None:
    assert math.isnan(set_alpha(np.zeros((2, 4, 2)), ["x", "y"], list("abcd")).value)
    assert math.isnan(set_alpha(np.ones((1, 4, 2)), ["x", "y"], list("abcd")).value)


def test_the_interval_is_over_documents() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random((60, 2)) < 0.4
    table = np.stack([truth, np.where(rng.random((60, 2)) < 0.2, ~truth, truth)]).astype(float)
    found = set_alpha(table, ["x", "y"], [str(i // 6) for i in range(60)])
    assert found.low < found.value < found.high
    assert math.isnan(set_alpha(table, ["x", "y"], ["d"] * 60).low)
