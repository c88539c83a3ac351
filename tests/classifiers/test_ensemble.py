"""Several classifiers as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.calibrate import log_odds
from sibnlp.classifiers.ensemble import EnsembleClassifier
from sibnlp.classifiers.linear import LinearClassifier
from sibnlp.errors import DataError, ModelError, UnknownNameError
from sibnlp.explain import explain_words
from sibnlp.model import load_model
from sibnlp.targets import targets
from sibnlp.training import Recipe, parse_recipe, train
from tests.coded import codebook, codings, embeddings

CODES = ("bread", "boats", "glad", "sad")
CODED = codings()
TEXTS = [c.passage.text for c in CODED]
TRUTH = targets(CODED, [codebook()], CODES)
WORDS: dict[str, Any] = {"backend": "linear", "weight": 1.0, "settings": {"words": [1, 1], "chars": [0, 0]}}
LETTERS: dict[str, Any] = {"backend": "linear", "weight": 0.5, "settings": {"words": [0, 0], "chars": [3, 4]}}


def test_it_is_the_weighted_mean_of_the_log_odds() -> None:
    both = EnsembleClassifier(CODES, {"members": [WORDS, LETTERS]})
    both.fit(TEXTS, TRUTH, seed=0)
    alone = [LinearClassifier(CODES, member["settings"]) for member in (WORDS, LETTERS)]
    for one in alone:
        one.fit(TEXTS, TRUTH, seed=0)
    words, letters = (log_odds(one.predict_proba(TEXTS)) for one in alone)
    assert np.allclose(log_odds(both.predict_proba(TEXTS)), (words + 0.5 * letters) / 1.5, atol=1e-9)
    assert not np.allclose(words, letters, atol=0.1)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "has no members"),
        ("linear", "has no members"),
        ([{"weight": 1.0}], "member 1 of the ensemble names no backend"),
        ([WORDS, {"backend": "zero_shot"}], "member 2 of the ensemble is of backend 'zero_shot', which cannot"),
        ([{"backend": "ensemble"}], "cannot be one"),
        ([{**WORDS, "weight": 0}], "the weight of member 1 of the ensemble is 0"),
        ([{**WORDS, "weight": "much"}], "the weight of member 1"),
        ([{**WORDS, "weight": float("nan")}], "the weight of member 1"),
    ],
)
def test_what_is_no_ensemble(members: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        EnsembleClassifier(CODES, {"members": members})


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="no classifier named 'lineal'"):
        EnsembleClassifier(CODES, {"members": [{"backend": "lineal"}]})
    with pytest.raises(UnknownNameError, match="'wieght'; known: backend, settings, weight"):
        EnsembleClassifier(CODES, {"members": [{"backend": "linear", "wieght": 2}]})
    with pytest.raises(UnknownNameError, match="setting of backend 'linear'"):
        EnsembleClassifier(CODES, {"members": [{"backend": "linear", "settings": {"word": [1, 1]}}]})


def test_what_a_member_reads_around_a_passage_is_read() -> None:
    encoder = {"backend": "encoder", "settings": {"context": ["heading", "context"]}}
    assert EnsembleClassifier(CODES, {"members": [WORDS, encoder]}).settings["context"] == ["heading", "context"]


def test_a_recipe_trains_one_that_explains_itself(tmp_path: Path) -> None:
    static = {"backend": "static", "settings": {"embeddings": str(embeddings(tmp_path / "embeddings"))}}
    recipe = parse_recipe({"backend": "ensemble", "folds": 3, "settings": {"members": [WORDS, static]}})
    model = train(CODED, [codebook()], recipe, name="both")
    assert model.manifest.cross_validation["codes"]["bread"]["f1"] > 0.8
    folder = model.save(tmp_path / "both")
    assert (folder / "2-static" / "head.json").is_file()
    again = load_model(folder)
    passages = [c.passage for c in codings(30, seed=9)]
    found = again.predict(passages)
    assert np.array_equal(found.probabilities, model.predict(passages).probabilities)
    row = next(i for i in range(30) if "bread" in found.codes_of(i))
    assert explain_words(found, again)[row]["bread"].words
    (folder / "1-linear" / "vocabulary.json").unlink()
    with pytest.raises(ModelError, match=r"1-linear/vocabulary\.json"):
        load_model(folder)


def test_members_of_other_codes_are_refused(tmp_path: Path) -> None:
    both = EnsembleClassifier(CODES, {"members": [WORDS, LETTERS]})
    both.fit(TEXTS, TRUTH, seed=0)
    both.save(tmp_path)
    other = LinearClassifier(CODES[::-1])
    other.fit(TEXTS, TRUTH, seed=0)
    other.save(tmp_path / "2-linear")
    with pytest.raises(ValueError, match="2-linear gives other codes"):
        EnsembleClassifier.load(tmp_path)


def test_weights_may_be_stored_small(tmp_path: Path) -> None:
    found = {}
    for precision in ("float64", "float16"):
        one = LinearClassifier(CODES, {"precision": precision})
        one.fit(TEXTS, TRUTH, seed=0)
        (tmp_path / precision).mkdir()
        one.save(tmp_path / precision)
        again = LinearClassifier.load(tmp_path / precision)
        assert np.array_equal(again.predict_proba(TEXTS), one.predict_proba(TEXTS))
        found[precision] = (tmp_path / precision / "head.safetensors").stat().st_size, one.predict_proba(TEXTS)
    assert found["float16"][0] < 0.5 * found["float64"][0]
    assert np.abs(found["float16"][1] - found["float64"][1]).max() < 0.005
    with pytest.raises(UnknownNameError, match="no precision named 'int4'; known: float64, float16"):
        LinearClassifier(CODES, {"precision": "int4"})


def test_the_recipe_of_a_fresh_one_is_the_same() -> None:
    both = EnsembleClassifier(CODES, {"members": [WORDS, LETTERS]})
    assert both.fresh().settings == both.settings
    assert Recipe("ensemble", settings=both.settings).settings["members"][1]["weight"] == 0.5
