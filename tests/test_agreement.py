"""Krippendorff's alpha against published values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sibnlp.agreement import alpha_of_counts, nominal_alpha


def test_alpha_equals_published_values(shared: Path) -> None:
    vectors = json.loads((shared / "bench/reliability/agreement_vectors.json").read_text(encoding="utf-8"))
    checked = 0
    for vector in vectors:
        if isinstance(vector["expected"], str):  # "error or nan"
            data = [[math.nan if cell is None else cell for cell in row] for row in vector["data"]]
            assert math.isnan(nominal_alpha(data)), vector["name"]
            continue
        expected = vector["expected"].get("krippendorff_alpha", {}).get("nominal")
        if expected is None or "data" not in vector:  # some only name a file elsewhere
            continue
        if "contingency" in vector["rows"]:
            table = np.array(vector["data"])
            pairs = [(i, j) for i, j in np.ndindex(*table.shape) for _ in range(table[i, j])]
            found = nominal_alpha(np.array(pairs).T)
        elif vector["rows"] == "coders":
            data = [[math.nan if cell is None else cell for cell in row] for row in vector["data"]]
            # Values may be words: alpha is nominal, so any numbering of them will do.
            names = sorted({str(cell) for row in data for cell in row if cell == cell})
            number = {name: i for i, name in enumerate(names)}
            found = nominal_alpha([[number.get(str(cell), math.nan) for cell in row] for row in data])
        else:
            found = alpha_of_counts(vector["data"])
        assert round(found, vector["decimals"]) == pytest.approx(round(expected, vector["decimals"])), vector["name"]
        checked += 1
    assert checked == 5


def test_perfect_and_systematic_disagreement() -> None:
    assert nominal_alpha([[0, 1, 0, 1], [0, 1, 0, 1]]) == 1
    assert nominal_alpha([[0, 1, 0, 1], [1, 0, 1, 0]]) < -0.5


def test_two_coders_by_hand() -> None:
    # 10 units, 20 judgements: 13 of 0, 7 of 1; 3 units disagree. D_o = 6/20, D_e = 2·13·7/(20·19).
    a = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1]
    b = [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert nominal_alpha([a, b]) == pytest.approx(1 - (6 / 20) / (2 * 13 * 7 / (20 * 19)))


@pytest.mark.parametrize("ratings", [[[0, 0], [0, 0]], [[0, np.nan], [np.nan, 1]], [[np.nan], [np.nan]]])
def test_nothing_can_be_said(ratings: list[list[float]]) -> None:
    assert math.isnan(nominal_alpha(ratings))


def test_units_judged_once_do_not_count() -> None:
    nan = math.nan
    assert nominal_alpha([[0, 1, 1, 1, 0], [0, 1, 0, nan, nan]]) == nominal_alpha([[0, 1, 1], [0, 1, 0]])
