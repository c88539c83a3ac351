"""Change split into its parts: exact, against hand-worked numbers, and no change of mind seen where nobody changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sibnlp import codebook
from sibnlp.aggregate import Counts
from sibnlp.alignment import alignment
from sibnlp.codebook import framework
from sibnlp.decompose import decompose, split
from sibnlp.estimates import Estimates
from sibnlp.types import Predictions
from tests.synthetic import predictions

FRAME = framework(codebook.load("osborne"))
NAMES = ["Ann", "Bob", "Cem", "Dee", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon"]


def coded(shares: dict[tuple[str, str], float], n: int = 50, codes: tuple[str, ...] = ("NPM",)) -> Predictions:
    return predictions(
        [
            {"stage": stage, "document": f"{who}{stage}", "speaker": who, "codes": list(codes) if i < share * n else []}
            for (who, stage), share in shares.items()
            for i in range(n)
        ]
    )


def estimates(found: Predictions) -> Estimates:
    return Estimates(Counts(found, [p.stage for p in found.passages], ("1", "2")))


def whole(found: Predictions):
    return next(d for d in decompose(estimates(found), FRAME) if d.domain is None and d.code == "NPM")


def test_parts_add_up_whatever_the_numbers() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        levels = (rng.normal(0.2, 0.5, 9), rng.normal(0.2, 0.5, 9))  # corrected levels may lie outside [0, 1]
        voice = (rng.random(9) * (rng.random(9) < 0.6), rng.random(9) * (rng.random(9) < 0.6))
        if not voice[0].sum() or not voice[1].sum():
            continue
        parts = split(levels, voice).parts
        means = [(v * level).sum() / v.sum() for v, level in zip(voice, levels, strict=True)]
        assert parts["total"] == pytest.approx(means[1] - means[0])
        assert parts["total"] == pytest.approx(sum(parts[name] for name in ("within", "composition", "entry", "exit")))


def test_a_change_of_interviewees_is_no_change_of_mind() -> None:
    stay = {(who, stage): 0.2 for who in NAMES[:5] for stage in "12"}
    found = whole(coded({**stay, ("Gus", "1"): 0.0, ("Hal", "2"): 1.0}))
    assert found.within == pytest.approx(0)
    assert found.composition == pytest.approx(0)
    assert found.entry == pytest.approx((1.0 - 0.2) / 6)
    assert found.exit == pytest.approx((0.2 - 0.0) / 6)
    assert found.total == pytest.approx(found.entry + found.exit)
    assert (found.n_stayers, found.n_entering, found.n_leaving) == (5, 1, 1)
    assert found.low <= 0 <= found.high


def test_who_talks_more_is_composition() -> None:
    parts = split((np.array([0.0, 1.0]), np.array([0.0, 1.0])), (np.array([3.0, 1.0]), np.array([1.0, 3.0]))).parts
    assert parts == pytest.approx({"total": 0.5, "within": 0.0, "composition": 0.5, "entry": 0.0, "exit": 0.0})


def test_a_change_of_six_minds_is_seen() -> None:
    rng = np.random.default_rng(2)
    own = rng.uniform(0.1, 0.3, 6)
    shares = {(who, "1"): float(p) for who, p in zip(NAMES, own, strict=False)}
    shares |= {(who, "2"): float(p + 0.2) for who, p in zip(NAMES, own, strict=False)}
    found = whole(coded(shares))
    assert found.within == pytest.approx(0.2, abs=0.02)
    assert found.low > 0
    assert "have themselves changed" in found.reading


@pytest.mark.parametrize(("n", "said"), [(0, "Nobody is heard in both"), (4, "Only 4 actors")])
def test_with_too_few_stayers_nothing_is_said_of_minds(n: int, said: str) -> None:
    shares = {(who, stage): 0.3 for who in NAMES[:n] for stage in "12"}
    found = whole(coded({**shares, ("Ida", "1"): 0.2, ("Jon", "2"): 0.4}))
    assert math.isnan(found.low)
    assert said in found.reading


def test_agenda_is_told_from_logic() -> None:
    """Half of all passages are on governance at first, all in the end; NPM holds in half of these throughout."""
    domain = "governance_mechanisms"
    rows = []
    for stage, about in (("1", 20), ("2", 40)):
        for i in range(40):
            codes = [domain, *(["NPM"] if i % 2 else [])] if i < about else []
            rows.append({"stage": stage, "document": f"{stage}{i % 4}", "speaker": NAMES[i % 4], "codes": codes})
    found = whole(predictions(rows))
    assert found.total == pytest.approx(0.25)
    assert found.agenda == pytest.approx(0.25)
    assert found.logic_within == pytest.approx(0)
    assert found.other == pytest.approx(0)


def test_to_resist_a_logic_is_not_to_hold_it() -> None:
    rows = [{"stage": "1", "document": "a", "speaker": "Ann", "codes": ["NPM"]} for _ in range(6)]
    rows += [{"stage": "1", "document": "a", "speaker": "Ann", "codes": ["NPG"]} for _ in range(6)]
    found = predictions(rows)
    told = Predictions(
        found.passages, found.codes, found.probabilities, found.assigned, found.model,
        stances=tuple({"NPM": "resists"} if i < 6 else {"NPG": "endorses"} for i in range(12)),
    )  # fmt: skip
    (without,) = alignment(Estimates(Counts(found, ["1"] * 12, ("1",))), FRAME)
    (with_,) = alignment(Estimates(Counts(told, ["1"] * 12, ("1",))), FRAME)
    assert without.leads is None
    assert with_.leads == "NPG"
    assert (with_.carries, with_.resists) == ({"NPM": 6, "NPG": 6}, {"NPM": 6, "NPG": 0})
