"""How two logics stand to each other: every rule, what came nearest, evidence, support, and the demo's truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sibnlp import codebook, tables
from sibnlp.aggregate import Counts
from sibnlp.codebook import framework
from sibnlp.estimates import Estimates
from sibnlp.gold import match
from sibnlp.relations import co_occurrence, relations, turns
from sibnlp.tally import support, tally
from sibnlp.trajectory import moves
from sibnlp.types import CodedPassage, Passage, Predictions, Relation
from tests.synthetic import predictions

FRAME = framework(codebook.load("osborne"))
DOMAIN = "governance_mechanisms"
BOTH = ["NPM", "NPG", DOMAIN]


def rows(stage: str, n: int, codes: list[str], voices: int = 5) -> list[dict[str, object]]:
    names = ["Ann", "Bob", "Cem", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon"]
    return [
        {"stage": stage, "document": f"{stage}{i % voices}", "speaker": names[i % voices], "codes": codes}
        for i in range(n)
    ]


def found(parts: list[dict[str, object]], period: str = "1", moved=None, gold=()) -> Relation:
    coded = predictions(parts)
    order = tuple(dict.fromkeys(str(part["stage"]) for part in parts))
    counts = Counts(coded, [p.stage for p in coded.passages], order)
    change = moves(Estimates(counts), FRAME) if moved is None else moved
    codings = match(gold, coded, [FRAME.codebook]) if gold else None
    return next(r for r in relations(counts, FRAME, change, codings) if (r.domain, r.period) == (DOMAIN, period))


ALONE = rows("1", 15, ["NPM", DOMAIN]) + rows("1", 15, ["NPG", DOMAIN])


def test_opposite_moves_with_tension_leading_are_tension() -> None:
    parts = ALONE + rows("1", 3, [*BOTH, "in_tension"]) + rows("1", 1, [*BOTH, "reinforcing"])
    apart = {(DOMAIN, "NPM", "1"): 1, (DOMAIN, "NPG", "1"): -1}
    assert found(parts, moved=apart).relation == "in_tension"
    assert "one logic rose and the other fell" in found(parts, moved=apart).reason
    assert found(parts, moved={}).relation is None or found(parts, moved={}).relation != "in_tension"
    # Without a word of tension, opposite moves alone say nothing of how the logics stand to each other.
    assert found(ALONE, moved=apart).relation is None


def test_what_fell_was_not_reinforced() -> None:
    parts = ALONE + rows("1", 10, [*BOTH, "reinforcing"])
    assert found(parts, moved={}).relation == "reinforcing"
    fell = found(parts, moved={(DOMAIN, "NPG", "1"): -1})
    assert fell.relation is None
    assert fell.runner_up == "reinforcing"


def test_marks_of_few_people_do_not_decide() -> None:
    assert found(ALONE + rows("1", 9, [*BOTH, "in_tension"], voices=2), moved={}).relation is None


def test_evidence_is_named_for_and_against() -> None:
    one = found(ALONE + rows("1", 9, [*BOTH, "in_tension"]) + rows("1", 2, [*BOTH, "reinforcing"]), moved={})
    assert one.relation == "in_tension"
    assert (len(one.passages_for), len(one.passages_against)) == (9, 2)
    assert one.marks == {"co_existing": 0, "reinforcing": 2, "in_tension": 9}
    assert one.n_joint == 11


def test_people_s_marks_stand_in_place_of_the_model_s() -> None:
    parts = ALONE + rows("1", 9, [*BOTH, "in_tension"])
    coded = predictions(parts)
    people = [CodedPassage(p, ("NPM", "NPG", DOMAIN, "reinforcing"), "MK") for p in coded.passages[len(ALONE) :]]
    one = found(parts, moved={}, gold=people)
    assert one.relation == "reinforcing"
    assert one.marks["in_tension"] == 0


def test_a_relation_that_hangs_on_one_actor_is_tentative() -> None:
    """NPG is present by two actors, one of whom has nearly all of it: most resamples without her lose it."""
    parts = rows("1", 20, ["NPM", DOMAIN], voices=10)
    parts += [{"stage": "1", "document": "10", "speaker": "Ann", "codes": ["NPG", DOMAIN]} for _ in range(5)]
    parts += [{"stage": "1", "document": "11", "speaker": "Bob", "codes": ["NPG", DOMAIN]}]
    one = found(parts, moved={})
    assert one.relation == "co_existing"
    assert one.support < 0.8
    assert one.tentative


def test_what_came_nearest_where_a_logic_is_missing() -> None:
    few = found(rows("1", 6, ["NPM", DOMAIN]) + rows("1", 4, ["NPG", DOMAIN]), moved={})
    assert (few.relation, few.runner_up) == (None, "co_existing")
    never = found(rows("1", 20, ["NPM", DOMAIN]) + rows("1", 1, ["NPG", DOMAIN]), moved={})
    assert (never.relation, never.runner_up) == (None, "")


def test_a_turn_cut_in_two_is_one_turn() -> None:
    passages = [
        Passage("a", "d", 0, 10, "x" * 10, "Ann"),
        Passage("b", "d", 11, 20, "x" * 9, "Ann"),
        Passage("c", "d", 40, 50, "x" * 10, "Ann"),
        Passage("d", "d", 51, 60, "x" * 9, "Bob"),
    ]
    assert turns(passages).tolist() == [0, 0, 1, 2]


def test_chance_is_counted_within_documents() -> None:
    """In each document every passage carries both or neither logic by its own habit: within them nothing co-occurs."""
    first = np.array([True] * 10 + [False] * 10)
    n, expected, p = co_occurrence(first, first, np.repeat([0, 1], 10))
    assert (n, expected) == (10, 10.0)
    assert np.isnan(p)
    assert co_occurrence(first, first, np.zeros(20, int))[2] < 0.001


def test_the_exact_test_is_what_shuffling_gives() -> None:
    rng = np.random.default_rng(6)
    first, second, stratum = rng.random(60) < 0.4, rng.random(60) < 0.5, rng.integers(0, 4, 60)
    n, expected, p = co_occurrence(first, second, stratum)
    shuffled = []
    for _ in range(4000):
        mixed = second.copy()
        for one in range(4):
            mixed[stratum == one] = rng.permutation(second[stratum == one])
        shuffled.append(int((first & mixed).sum()))
    tail = min(np.mean(np.array(shuffled) >= n), np.mean(np.array(shuffled) <= n))
    assert expected == pytest.approx(np.mean(shuffled), abs=0.1)
    assert p == pytest.approx(min(2 * tail, 1), abs=0.05)


def test_the_demo_s_own_relations_are_found_or_left_open(root: Path) -> None:
    """All nine cells of the case are said as designed; the one whose actors differ most is tentative."""
    import json

    coded: Predictions = tables.read_predictions(root / "corpora" / "demo" / "gold.jsonl")
    keep = [i for i, p in enumerate(coded.passages) if p.kind == "interview"]
    part = Predictions(
        tuple(coded.passages[i] for i in keep),
        coded.codes,
        coded.probabilities[keep],
        coded.assigned[keep],
        coded.model,
    )
    counts = Counts(part, [p.stage for p in part.passages], ("1", "2", "3"))
    truth = json.loads((root / "corpora" / "demo" / "truth.json").read_text(encoding="utf-8"))["relations"]["by_design"]
    said = right = 0
    for one in relations(counts, FRAME, moves(Estimates(counts), FRAME)):
        if one.domain and one.relation:
            said += 1
            right += truth[one.domain][one.period] == one.relation
    assert said == right == 9


def test_evidence_is_counted_whole_and_named_in_part() -> None:
    cell = found(rows("1", 120, [*BOTH, "in_tension"]))
    assert (cell.relation, cell.n_for, len(cell.passages_for)) == ("in_tension", 120, 50)
    assert cell.rows_for.tolist() == list(range(120))


def test_many_strata_are_as_good_as_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    stratum = np.repeat(np.arange(400), 20)
    first, second = (rng.random(8000) < 0.3 for _ in range(2))
    exact = co_occurrence(first, second, stratum)
    monkeypatch.setattr("sibnlp.relations.EXACT_STRATA", 10)
    normal = co_occurrence(first, second, stratum)
    assert normal[:2] == pytest.approx(exact[:2])
    assert normal[2] == pytest.approx(exact[2], abs=0.01)


def test_many_actors_are_resampled_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(900), 10)
    lean = np.repeat(rng.normal(0, 0.2, 900), 10)
    first = rng.random(9000) < 0.6 + lean
    cell = tally(cluster, first, ~first, {})
    line = first.mean() - 0.005
    exact = support(cell, lambda one: one.first > line * one.n, "x")
    monkeypatch.setattr("sibnlp.tally.MANY", 300)
    assert 0.05 < exact < 0.95
    assert support(cell, lambda one: one.first > line * one.n, "x") == pytest.approx(exact, abs=0.1)
