"""Krippendorff's alpha for unitising against his published example, and where it must not move."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sibnlp.unitising import Continuum, unitising_alpha

I = {"c": [(75, 145), (220, 250)], "k": [(30, 90), (150, 200)]}  # noqa: E741 - the observer's name in the source
J = {"c": [(70, 150), (205, 225), (250, 270)], "k": [(30, 90), (150, 200)]}


def test_krippendorff_2004_page_254() -> None:
    continua = [Continuum("d", 300, {"i": I, "j": J})]
    c, k = unitising_alpha(continua, "c"), unitising_alpha(continua, "k")
    assert (c.observed, c.expected) == (pytest.approx(0.0144, abs=5e-5), pytest.approx(0.0532, abs=5e-5))
    assert c.alpha.value == pytest.approx(0.7286, abs=5e-5)
    assert (k.observed, k.expected, k.alpha.value) == (0, pytest.approx(0.0490, abs=5e-5), 1)
    # Over both categories he gives .8591: one less the ratio of the sums.
    assert 1 - (c.observed + k.observed) / (c.expected + k.expected) == pytest.approx(0.8591, abs=5e-4)
    assert dict(c.n_units) == {"i": 2, "j": 3}


def test_spans_far_apart_are_worse_than_spans_nearby_and_worse_than_chance() -> None:
    def alpha(*spans: tuple[int, int]) -> float:
        units = {"a": {"c": [(100, 140)]}, "b": {"c": list(spans)}}
        return unitising_alpha([Continuum("d", 1000, units)], "c").alpha.value

    assert alpha((100, 140)) == 1
    assert 1 > alpha((102, 138)) > alpha((110, 150)) > alpha((130, 170)) > alpha((400, 440))
    assert alpha((400, 440)) < 0


def test_touching_and_overlapping_spans_are_one_unit() -> None:
    once = {"a": {"c": [(10, 50)]}, "b": {"c": [(12, 50)]}}
    torn = {"a": {"c": [(10, 30), (25, 50)]}, "b": {"c": [(12, 20), (20, 50)]}}
    values = [unitising_alpha([Continuum("d", 200, units)], "c").alpha.value for units in (once, torn)]
    assert values[0] == values[1]


def test_random_marking_agrees_by_chance_alone() -> None:
    rng = np.random.default_rng(1)

    def marks() -> list[tuple[int, int]]:
        return [(int(s), int(s) + 12) for s in rng.choice(np.arange(0, 5000, 20), 40, replace=False)]

    continua = [Continuum(f"d{n}", 5000, {"a": {"c": marks()}, "b": {"c": marks()}}) for n in range(20)]
    found = unitising_alpha(continua, "c")
    assert abs(found.alpha.value) < 0.08
    assert found.alpha.low < found.alpha.value < found.alpha.high


def test_the_same_documents_twice_say_no_more_than_once() -> None:
    rng = np.random.default_rng(4)
    continua = []
    for n in range(12):
        starts = rng.choice(np.arange(0, 900, 60), 4, replace=False)
        own = [(int(s), int(s) + 40) for s in starts]
        continua.append(
            Continuum(
                f"d{n}", 1000, {"a": {"c": own}, "b": {"c": [(s + int(rng.integers(20)), e) for s, e in own[1:]]}}
            )
        )
    once, twice = unitising_alpha(continua, "c").alpha, unitising_alpha([*continua, *continua], "c").alpha
    assert twice.value == pytest.approx(once.value, abs=0.01)
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.1)


def test_nothing_can_be_said() -> None:
    assert math.isnan(unitising_alpha([], "c").alpha.value)
    assert math.isnan(unitising_alpha([Continuum("d", 100, {"a": {"c": [(1, 4)]}})], "c").alpha.value)
    assert math.isnan(unitising_alpha([Continuum("d", 100, {"a": {}, "b": {}})], "c").alpha.value)
