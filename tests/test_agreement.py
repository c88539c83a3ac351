"""Krippendorff's alpha against published values."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sibnlp.agreement import agreement, alpha_of_counts, by_unit, cohen_kappa, gwet_ac1, nominal_alpha


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


def test_ac1_equals_published_values(shared: Path) -> None:
    vectors = json.loads((shared / "bench/reliability/agreement_vectors.json").read_text(encoding="utf-8"))
    checked = 0
    for vector in vectors:
        if not isinstance(vector["expected"], dict) or "gwet_ac1" not in vector["expected"]:
            continue
        if "contingency" in vector["rows"]:
            table = np.array(vector["data"])
            cells = [(i, j) for i, j in np.ndindex(*table.shape) for _ in range(table[i, j])]
            counts = [[(i, j).count(value) for value in range(len(table))] for i, j in cells]
        elif vector["rows"] == "coders":
            values = sorted({cell for row in vector["data"] for cell in row if cell is not None})
            counts = [[unit.count(value) for value in values] for unit in zip(*vector["data"], strict=True)]
        else:
            counts = vector["data"]
        # Published to five or seven decimals.
        assert gwet_ac1(counts) == pytest.approx(vector["expected"]["gwet_ac1"], abs=5e-6), vector["name"]
        checked += 1
    assert checked == 3


def test_ac1_of_codes_is_that_of_the_single_function_with_judgements_missing() -> None:
    table = judged(3)
    table[0, :7] = np.nan
    table[1, 3:6] = np.nan  # some units are judged once, some by nobody
    table[2, 3] = np.nan
    by_code, _ = agreement(table, "abc", ["d"] * 40, {}, n_resamples=0)
    for column, code in enumerate("abc"):
        own = table[:, :, column]
        counts = np.stack([(own == value).sum(axis=0) for value in (0, 1)], axis=1)
        assert by_code[code].ac1.value == pytest.approx(gwet_ac1(counts))


def test_ac1_of_nothing() -> None:
    assert math.isnan(gwet_ac1([[1, 0], [0, 1]]))
    assert gwet_ac1([[2, 0], [2, 0]]) == 1


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


def test_kappa_equals_published_value(shared: Path) -> None:
    vectors = json.loads((shared / "bench/reliability/agreement_vectors.json").read_text(encoding="utf-8"))
    vector = next(v for v in vectors if v["name"] == "gwet_cont3x3abstractors")
    assert cohen_kappa(vector["data"]) == pytest.approx(vector["expected"]["cohen_kappa"], abs=1e-7)


def test_kappa_of_nothing_and_of_one_value() -> None:
    assert math.isnan(cohen_kappa([[0, 0], [0, 0]]))
    assert math.isnan(cohen_kappa([[5, 0], [0, 0]]))


def judged(coders: int = 2, units: int = 40, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.random((units, 3)) < 0.3
    table = np.stack([np.where(rng.random((units, 3)) < 0.15, ~truth, truth) for _ in range(coders)]).astype(float)
    table[-1, :5] = np.nan
    return table


@pytest.mark.parametrize("coders", [2, 3])
def test_agreement_on_codes_is_that_of_the_single_functions(coders: int) -> None:
    table = judged(coders)
    by_code, by_family = agreement(table, "abc", ["d"] * 40, {"all": "abc", "none": "z"}, n_resamples=0)
    for column, code in enumerate("abc"):
        assert by_code[code].alpha.value == pytest.approx(nominal_alpha(table[:, :, column]))
    assert by_family["all"].alpha.value == pytest.approx(np.mean([by_code[code].alpha.value for code in "abc"]))
    assert set(by_family) == {"all"}
    if coders == 2:
        a, b = table[:, 5:, 0]
        pairs = [[int(((a == i) & (b == j)).sum()) for j in (0, 1)] for i in (0, 1)]
        assert by_code["a"].kappa.value == pytest.approx(cohen_kappa(pairs))
        hits = int(((a == 1) & (b == 1)).sum())
        assert by_code["a"].positive.value == pytest.approx(2 * hits / (a.sum() + b.sum()))
        assert (by_code["a"].n, by_code["a"].given) == (35, (int(a.sum()), int(b.sum())))


def test_intervals_resample_documents() -> None:
    table = judged(units=200)
    alone = agreement(table, "abc", [str(i) for i in range(200)], {})[0]["a"].alpha
    assert alone.low < alone.value < alone.high
    assert alone == agreement(table, "abc", [str(i) for i in range(200)], {})[0]["a"].alpha, "the seed fixes it"
    # The same passages five times over, kept together by their documents, say no more than once.
    five = np.repeat(table, 5, axis=1)
    together = agreement(five, "abc", [str(i // 5) for i in range(1000)], {})[0]["a"].alpha
    apart = agreement(five, "abc", [str(i) for i in range(1000)], {})[0]["a"].alpha
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert apart.high - apart.low < 0.6 * (alone.high - alone.low)


def test_one_document_has_no_interval() -> None:
    found = agreement(judged(), "abc", ["d"] * 40, {"all": "abc"})[1]["all"]
    assert math.isnan(found.alpha.low)
    assert not math.isnan(found.alpha.value)


def test_a_code_nobody_gave_says_nothing_and_does_not_weigh() -> None:
    table = judged()
    table[:, :, 2] = 0
    by_code, by_family = agreement(table, "abc", [str(i) for i in range(40)], {"all": "abc", "void": "c"})
    assert math.isnan(by_code["c"].alpha.value)
    assert by_family["all"].alpha.value == pytest.approx((by_code["a"].alpha.value + by_code["b"].alpha.value) / 2)
    assert math.isnan(by_family["void"].alpha.value)


def test_rows_become_one_table() -> None:
    units, coders, table = by_unit(["p", "q", "p"], ["A", "A", "B"], np.array([[1.0], [0.0], [0.0]]))
    assert (units, coders) == (["p", "q"], ["A", "B"])
    np.testing.assert_array_equal(table[:, :, 0], [[1, 0], [0, math.nan]])
