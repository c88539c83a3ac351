"""Prevalence, shifts and relations on data whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sibnlp import codebook
from sibnlp.aggregate import Counts
from sibnlp.codebook import framework
from sibnlp.estimates import Estimates
from sibnlp.exemplars import exemplars
from sibnlp.relations import relations
from sibnlp.trajectory import moves, prevalence, shifts
from sibnlp.types import Predictions
from tests.synthetic import panel, predictions

FRAME = framework(codebook.load("osborne"))
DOMAIN = "governance_mechanisms"


def counts(coded: Predictions, periods: tuple[str, ...], denominator: str = "talk", weight: str = "passage") -> Counts:
    labels = [passage.stage for passage in coded.passages]
    return Counts(coded, labels, periods, denominator, weight)


def estimates(coded: Predictions, periods: tuple[str, ...], denominator: str = "talk", **options: str) -> Estimates:
    return Estimates(
        counts(coded, periods, denominator, options.get("weight", "passage")), None, options.get("name", "")
    )


def cell(found, domain, code, period):
    return next(c for c in found if (c.domain, c.code, c.period) == (domain, code, period))


def test_domain_and_logic_are_counted_jointly() -> None:
    coded = predictions(
        [
            {"stage": "1", "document": "a", "speaker": "x", "codes": ["NPM", DOMAIN]},
            {"stage": "1", "document": "a", "speaker": "x", "codes": ["NPM"]},
            {"stage": "1", "document": "b", "speaker": "y", "codes": [DOMAIN]},
            {"stage": "1", "document": "b", "speaker": "y", "codes": []},
        ]
    )
    talk = prevalence(estimates(coded, ("1",)), FRAME)
    assert cell(talk, None, "NPM", "1").estimate == 0.5
    assert cell(talk, DOMAIN, "NPM", "1").estimate == 0.25
    of_domain = cell(prevalence(estimates(coded, ("1",), "domain"), FRAME), DOMAIN, "NPM", "1")
    assert (of_domain.estimate, of_domain.n_passages, of_domain.n_documents, of_domain.n_coded) == (0.5, 2, 2, 1)


def test_an_empty_period_is_missing_not_zero() -> None:
    coded = predictions([{"stage": "1", "codes": ["NPM"]}])
    empty = cell(prevalence(estimates(coded, ("1", "2")), FRAME), None, "NPM", "2")
    assert math.isnan(empty.estimate)
    assert (empty.n_passages, empty.n_documents) == (0, 0)


@pytest.mark.parametrize("name", ["count", "probabilistic"])
def test_counts_recover_a_known_prevalence(name: str) -> None:
    coded = panel({"1": 0.3}, documents=20, passages=200, spread=0)
    found = cell(prevalence(estimates(coded, ("1",), name=name), FRAME), None, "NPM", "1")
    assert found.estimate == pytest.approx(0.3, abs=0.02)
    assert found.low < 0.3 < found.high
    # Of what was counted there is no doubt: the corpus interval is the share itself.
    assert found.corpus_low == found.corpus_high == found.estimate
    assert found.method.endswith("as coded")


def test_weights_let_passages_words_documents_or_actors_count_the_same() -> None:
    rows = [
        *({"stage": "1", "document": "a", "speaker": "Ann", "codes": ["NPM"]},) * 3,
        {"stage": "1", "document": "b", "speaker": "Ann", "codes": []},
        {"stage": "1", "document": "c", "speaker": "Bob", "codes": []},
    ]
    coded = predictions(rows)
    found = {
        weight: cell(prevalence(estimates(coded, ("1",), weight=weight), FRAME), None, "NPM", "1")
        for weight in ("passage", "words", "document", "actor")
    }
    assert found["passage"].estimate == found["words"].estimate == pytest.approx(3 / 5)
    assert found["document"].estimate == pytest.approx(1 / 3)
    assert found["actor"].estimate == pytest.approx(3 / 8)  # Ann 3 of 4, Bob 0 of 1
    assert (found["actor"].n_speakers, found["actor"].n_documents, found["actor"].n_words) == (2, 3, 100)
    assert found["actor"].small


def test_an_actor_of_both_periods_is_left_out_of_both() -> None:
    """Ten actors who differ much and change alike: the levels are uncertain, the change is not."""
    rng = np.random.default_rng(3)
    names = ["Ann", "Bob", "Cem", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon"]
    rows = []
    for actor in range(10):
        own = 0.1 + 0.07 * actor
        for stage, more in (("1", 0.0), ("2", 0.1)):
            held = rng.permutation(200) < round((own + more) * 200)
            rows += [
                {"stage": stage, "document": f"{stage}-{actor}", "speaker": names[actor], "codes": ["NPM"] * bool(h)}
                for h in held
            ]
    found = estimates(predictions(rows), ("1", "2"))
    shift = next(s for s in shifts(found, FRAME) if s.domain is None and s.code == "NPM")
    level = cell(prevalence(found, FRAME), None, "NPM", "1")
    assert shift.change == pytest.approx(0.1)
    assert shift.high - shift.low < 0.4 * (level.high - level.low)
    assert shift.outcome == "shift"


def test_a_large_change_is_a_shift_and_none_is_no_change() -> None:
    moved = shifts(estimates(panel({"1": 0.1, "2": 0.5}), ("1", "2")), FRAME)
    whole = next(shift for shift in moved if shift.domain is None and shift.code == "NPM")
    assert whole.outcome == "shift"
    assert whole.shift
    assert whole.low < 0.4 < whole.high
    still = shifts(estimates(panel({"1": 0.3, "2": 0.3}, documents=30, spread=0.02), ("1", "2")), FRAME)
    assert next(shift for shift in still if shift.domain is None and shift.code == "NPM").outcome == "no change"


def test_too_little_data_cannot_tell() -> None:
    few = shifts(estimates(panel({"1": 0.3, "2": 0.3}, documents=2, passages=10), ("1", "2")), FRAME)
    assert {shift.outcome for shift in few} == {"cannot tell"}


def test_null_panels_rarely_show_any_shift() -> None:
    shown = 0
    for seed in range(60):
        found = shifts(estimates(panel({"1": 0.2, "2": 0.2}, spread=0.08, seed=seed), ("1", "2")), FRAME)
        shown += any(shift.shift for shift in found)
    assert shown <= 6  # measured 1; 5 % of 60 would be 3


def rows(stage: str, n: int, codes: list[str]) -> list[dict[str, object]]:
    return [{"stage": stage, "document": f"{stage}{i % 5}", "speaker": f"s{i % 5}", "codes": codes} for i in range(n)]


def relation(stages: dict[str, list[dict[str, object]]], period: str) -> str | None:
    coded = predictions([row for part in stages.values() for row in part])
    table = counts(coded, tuple(stages))
    found = relations(table, FRAME, moves(Estimates(table), FRAME))
    return next(r for r in found if (r.domain, r.period) == (DOMAIN, period)).relation


BOTH = ["NPM", "NPG", DOMAIN]
ALONE = rows("1", 10, ["NPM", DOMAIN]) + rows("1", 10, ["NPG", DOMAIN])


def test_two_logics_side_by_side_co_exist() -> None:
    assert relation({"1": ALONE}, "1") == "co_existing"


@pytest.mark.parametrize("mark", ["in_tension", "reinforcing"])
def test_marks_of_people_decide(mark: str) -> None:
    assert relation({"1": ALONE + rows("1", 9, [*BOTH, mark])}, "1") == mark
    assert relation({"1": ALONE + rows("1", 5, [*BOTH, mark])}, "1") is None


def test_a_logic_squeezed_out_is_segregated() -> None:
    gone = rows("2", 20, ["NPM", DOMAIN]) + rows("2", 1, ["NPG", DOMAIN])
    assert relation({"1": ALONE, "2": gone}, "2") == "segregating"


def test_few_passages_are_no_segregation() -> None:
    still_there = rows("2", 10, ["NPM", DOMAIN]) + rows("2", 4, ["NPG", DOMAIN])
    assert relation({"1": ALONE, "2": still_there}, "2") is None


def test_a_role_as_label_is_somebody_else_in_every_document() -> None:
    said = [{**row, "speaker": "R"} for row in ALONE]
    assert relation({"1": said}, "1") == "co_existing"
    assert relation({"1": [{**row, "actor": "Anna", "speaker": "R"} for row in ALONE]}, "1") is None


def test_a_logic_never_present_is_no_relation() -> None:
    assert relation({"1": rows("1", 20, ["NPM", DOMAIN])}, "1") is None


def test_one_speaker_alone_makes_no_logic_present() -> None:
    alone = [{**row, "speaker": "Sam"} for row in rows("1", 10, ["NPG", DOMAIN])]
    assert relation({"1": rows("1", 10, ["NPM", DOMAIN]) + alone}, "1") is None


def test_exemplars_are_the_surest_and_spread_over_speakers() -> None:
    coded = predictions([{"stage": "1", "document": d, "speaker": d, "codes": ["NPM"]} for d in "aaab"])
    sure = np.array([0.9, 0.8, 0.7, 0.6], dtype=np.float32)
    coded.probabilities[:, 0] = sure
    found = [e for e in exemplars(counts(coded, ("1",)), FRAME, per_cell=2) if e.domain is None and e.code == "NPM"]
    assert [(e.row, e.score) for e in found] == [(0, 0.9), (3, 0.6)]
