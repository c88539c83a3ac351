"""Two models as one: who decides what, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sibnlp.cascade import MARGIN, is_cascade, parse
from sibnlp.codebook import DOMAINS
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.explain import explain, explain_words
from sibnlp.model import Model, cascade, load_model
from sibnlp.types import Passage

# A real pair, quick enough for tests: the quick model, and itself with other calibration and thresholds.
TEXTS = [
    "We met the targets and were paid for every outcome under the contract.",
    "The bread was warm.",
    "They trusted each other, shared what they learnt and worked together across organisations for years.",
    "It rained all week in the valley, and the bus was late.",
    "The council holds the provider to account by performance data and penalties.",
    "",
]
PASSAGES = [Passage(f"p{n}", "d", 0, max(len(text), 1), text) for n, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def fast() -> Model:
    return load_model("gov-fast")


@pytest.fixture(scope="module")
def base(fast: Model) -> Model:
    moved = {
        c: {"slope": 1.2 * p["slope"], "intercept": p["intercept"] + 0.3} for c, p in fast.manifest.calibration.items()
    }
    cuts = {code: min(0.9, 1.1 * cut) for code, cut in fast.thresholds.items()}
    return Model(fast.classifier, replace(fast.manifest, name="better", calibration=moved, thresholds=cuts))


def test_each_passage_is_decided_by_one_of_the_two(fast: Model, base: Model) -> None:
    both = cascade(fast, base, 0.5, "both")
    found, quick, better = (model.predict(PASSAGES) for model in (both, fast, base))
    by_base = (found.probabilities == better.probabilities).all(axis=1)
    by_fast = (found.probabilities == quick.probabilities).all(axis=1)
    assert (by_base ^ by_fast).all()
    assert by_base.any()
    assert by_fast.any()
    assert both.classifier.n_base == by_base.sum()  # type: ignore[attr-defined]
    # What is given is given by the better model; what the quick one decides is far from every threshold.
    assert np.array_equal(found.assigned[by_base], better.assigned[by_base])
    assert not found.assigned[by_fast].any()
    standing = [f["codes"] for f in base.manifest.families if not f["requires"] or f["id"] in DOMAINS]
    for code in (code for codes in standing for code in codes):
        p, cut = quick.probabilities[by_fast, fast.codes.index(code)], min(fast.thresholds[code], base.thresholds[code])
        assert (np.log(p / (1 - p)) < np.log(cut / (1 - cut)) - 0.5).all()


def test_the_margin_is_a_dial(fast: Model, base: Model) -> None:
    shares = []
    for margin in (-50.0, 0.0, 2.0, 50.0):
        model = cascade(fast, base, margin, "both")
        found = model.predict(PASSAGES)
        shares.append(model.classifier.n_base)  # type: ignore[attr-defined]
        if margin == 50.0:
            assert np.array_equal(found.probabilities, base.predict(PASSAGES).probabilities)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, len(PASSAGES))


def test_a_row_does_not_depend_on_its_batch(fast: Model, base: Model) -> None:
    both = cascade(fast, base, 0.5, "both")
    whole = both.predict(PASSAGES).probabilities
    assert np.array_equal(both.predict(PASSAGES, batch_size=1).probabilities, whole)
    assert np.array_equal(both.predict(PASSAGES[::-1]).probabilities[::-1], whole)


def test_columns_may_stand_in_another_order(fast: Model, base: Model) -> None:
    class Turned:
        codes, settings = fast.codes[::-1], fast.classifier.settings

        def predict_proba(self, texts: list[str]) -> np.ndarray:
            return fast.classifier.predict_proba(texts)[:, ::-1]

    turned = Model(Turned(), replace(fast.manifest, codes=fast.codes[::-1]))  # type: ignore[arg-type]
    wanted = cascade(fast, base, 0.5, "both").predict(PASSAGES).probabilities
    assert np.array_equal(cascade(turned, base, 0.5, "both").predict(PASSAGES).probabilities, wanted)


def test_abstains_and_explains_like_any_model(fast: Model, base: Model) -> None:
    both = cascade(fast, base, 0.5, "both")
    found = both.predict(PASSAGES, min_confidence=0.9)
    assert found.abstained is not None
    assert found.abstained.any()
    found = both.predict(PASSAGES)
    better = base.predict(PASSAGES)
    given = {row: found.codes_of(row) for row in range(len(found)) if found.codes_of(row)}
    assert given
    assert [explain(found, both)[row] for row in given] == [explain(better, base)[row] for row in given]
    # Also of a code that is not given, by the model that would give it.
    row = next(row for row in range(len(found)) if row not in given and TEXTS[row])
    asked = {row: (fast.codes[0],)}
    assert explain_words(found, both, asked)[row] == explain_words(better, base, asked)[row]


def test_facts_of_both_stand_in_the_manifest(fast: Model, base: Model) -> None:
    manifest = cascade(fast, base, 0.5, "cascade:gov-fast,better@0.5").manifest
    assert {"fast": "gov-fast", "base": "better", "margin": 0.5}.items() <= manifest.recipe.items()
    # Another calibration of either makes another model of the whole: a run that goes on must know.
    moved = Model(fast.classifier, replace(fast.manifest, thresholds=dict.fromkeys(fast.codes, 0.5)))
    assert cascade(moved, base, 0.5, "x").manifest.recipe != manifest.recipe
    assert {name.split("/")[0] for name in manifest.files} == {"gov-fast", "better"}
    assert manifest.thresholds == base.thresholds
    assert cascade(fast, base, 0.5, "x").predict(PASSAGES).model == "x"


def test_names() -> None:
    assert parse("cascade") == ("gov-fast", "gov-base", MARGIN)
    assert parse("cascade@2") == ("gov-fast", "gov-base", 2.0)
    assert parse("cascade:a, b/c@-1") == ("a", "b/c", -1.0)
    for wrong in ("cascade:a", "cascade:a,@1", "cascade@wide", "cascade@nan", "cascade:,b"):
        assert is_cascade(wrong)
        with pytest.raises(DataError, match="FAST,BASE@MARGIN"):
            parse(wrong)
    assert not is_cascade("cascades")
    with pytest.raises(UnknownNameError):
        load_model("cascade:gov-fast,no-such-model")


def test_the_shipped_pair_loads_by_name() -> None:
    model = load_model("cascade@1")
    assert model.name == "cascade:gov-fast,gov-base@1"
    found = model.predict(PASSAGES[:2])
    assert found.model == model.name
    assert found.probabilities.shape == (2, len(model.codes))


def test_refuses_what_does_not_fit(fast: Model, base: Model, tmp_path: Path) -> None:
    other = Model(fast.classifier, replace(fast.manifest, codes=fast.codes[1:]))
    with pytest.raises(DataError, match=f"different codes: {fast.codes[0]}"):
        cascade(other, base, 0.5, "both")
    with pytest.raises(DataError, match="made of two models"):
        cascade(fast, base, 0.5, "both").save(tmp_path / "model")
