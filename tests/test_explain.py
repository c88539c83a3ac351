"""Explanations name the sentence that counts, and come along into a project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sibnlp import exchange, pipeline
from sibnlp.calibrate import log_odds
from sibnlp.explain import MAX_OCCLUSIONS, MAX_QUOTE, explain, explain_words, is_exact, strongest
from sibnlp.model import Model, load_model
from sibnlp.training import train
from sibnlp.training.recipe import Recipe
from sibnlp.types import Passage, Predictions
from tests.cli.shell import sibnlp
from tests.coded import codebook, codings, embeddings

PAID = "They dock us if the form is late, so the form comes first."
TENDER = "They pay us per target and the contract is put out to tender every year."
PLAIN = "The window was painted yellow on a Monday morning."


class Counting:
    """Stands in for a model: the code's probability is the share of passages' words that are the cue."""

    def predict(self, passages: list[Passage], *, batch_size: int, progress: object) -> Predictions:
        chance = np.array([[min(1.0, one.text.count("form") / 4)] for one in passages], dtype=np.float32)
        return Predictions(tuple(passages), ("forms",), chance, chance >= 0.25, "m")


def trained(backend: str, folder: Path) -> Model:
    settings = {"static": {"embeddings": str(embeddings(folder / "e")), "C": 1.0, "words": [1, 2]}, "linear": {}}
    return train(codings(), [codebook()], Recipe(backend, folds=3, settings=settings[backend]), name="m")


def reasons(*texts: str) -> list[dict[str, str]]:
    passages = [Passage(f"p{n}", "d", 0, len(text), text) for n, text in enumerate(texts)]
    model: Model = Counting()  # type: ignore[assignment]
    return explain(model.predict(passages, batch_size=9, progress=None), model)


def test_the_sentence_that_counts_is_quoted_with_both_scores() -> None:
    (reason,) = reasons(f"{PLAIN} {PAID} {PLAIN}")
    assert reason["forms"].startswith(f"rests most on “{PAID}” (0.50; 0.00 without it); towards: form +")


def test_without_a_code_there_is_no_explanation() -> None:
    assert reasons(f"{PLAIN} {PLAIN}") == [{}]


def test_one_sentence_has_its_words_alone() -> None:
    assert reasons("The form is a form.") == [{"forms": "towards: form +2.20"}]


@pytest.mark.parametrize("recipe", ["linear", "static"])
@pytest.mark.parametrize("text", ["İn the OVEN, don’t: dough & sail; oven \ud800 oven. 面包 — sail", "", "?!"])
def test_words_sum_to_the_score_exactly(recipe: str, text: str, tmp_path: Path) -> None:
    model = trained(recipe, tmp_path)
    text = text or " "
    passage = Passage("p", "d", 0, len(text), text)
    said = model.predict([passage])
    (found,) = explain_words(said, model, {0: model.codes})
    scores = model.classifier.predict_proba([text])
    expected = log_odds(model.calibration.apply(scores))[0]
    for column, code in enumerate(model.codes):
        reason = found[code]
        assert reason.base is not None
        assert reason.base + sum(word.weight for word in reason.words) == pytest.approx(expected[column], abs=1e-9)


def test_words_of_a_linear_model_are_the_cues(tmp_path: Path) -> None:
    model = trained("linear", tmp_path)
    text = "Monday: the oven and the dough, by the window"
    said = model.predict([Passage("p", "d", 0, len(text), text)])
    reason = explain_words(said, model, {0: ["bread"]})[0]["bread"]
    towards, _ = strongest(text, reason.words, towards=2)
    assert {word for word, _ in towards} == {"oven", "dough"}
    # A part that no word of the text carries is nobody's: spans are words of the text, in order.
    assert [text[word.start : word.end] for word in reason.words if word.start in (12, 25)] == ["oven", "dough"]


def test_occlusion_weighs_each_word_by_what_is_lost_without_it() -> None:
    text = "A form, and a form."
    passage = Passage("p", "d", 0, len(text), text)
    model: Model = Counting()  # type: ignore[assignment]
    said = model.predict([passage], batch_size=9, progress=None)
    (found,) = explain_words(said, model)
    words = {(word.start, word.end): word.weight for word in found["forms"].words}
    # 2 of 4 with both, 1 of 4 without one: log-odds 0 and ln(1/3).
    assert words == {(2, 6): pytest.approx(np.log(3)), (14, 18): pytest.approx(np.log(3))}
    assert found["forms"].base is None
    assert not is_exact(model) and is_exact(load_model("gov-fast"))


def test_long_passages_are_occluded_in_runs() -> None:
    text = "form " + "word " * 500
    passage = Passage("p", "d", 0, len(text), text)
    asked: list[int] = []

    class Watching(Counting):
        def predict(self, passages: list[Passage], *, batch_size: int, progress: object) -> Predictions:
            asked.append(len(passages))
            return super().predict(passages, batch_size=batch_size, progress=progress)

    model: Model = Watching()  # type: ignore[assignment]
    (found,) = explain_words(model.predict([passage], batch_size=9, progress=None), model)
    assert asked[1] <= MAX_OCCLUSIONS
    assert [(word.start, word.end) for word in found["forms"].words] == [(0, len("form" + " word" * 6))]


def test_a_long_sentence_is_cut() -> None:
    (reason,) = reasons(f"{PLAIN} The form {'word ' * 100}ends.")
    quoted = reason["forms"].partition("; towards")[0]
    assert len(quoted) < MAX_QUOTE + 60 and "…" in quoted


def test_the_shipped_model_leans_on_the_cue() -> None:
    model = load_model("gov-fast")
    text = f"The bread was good. {TENDER} It rained."
    predictions = pipeline.classify([Passage("p", "d", 0, len(text), text)], model)
    assert "NPM" in predictions.codes_of(0)
    said = explain(predictions, model)[0]["NPM"]
    assert TENDER in said and "; towards: " in said


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_explanations_come_along_into_a_project(suffix: str, tmp_path: Path) -> None:
    text = f"The bread was good. {TENDER} It rained.\n"
    (tmp_path / "talk.txt").write_text(text, encoding="utf-8")
    out = tmp_path / f"p{suffix}"
    assert sibnlp("classify", tmp_path / "talk.txt", "--explain", "-o", out).code == 0
    assert sibnlp("convert", out, tmp_path / "p.qdpx", "--documents", tmp_path / "talk.txt").code == 0
    project = exchange.load(tmp_path / "p.qdpx")
    names = {code.id: code.name for code in project.codes}
    said = {names[p.coding.code]: p.coding.note for p in project.placed()}
    assert TENDER in said["NPM"]
    assert project.documents[0].text == text
    if suffix == ".jsonl":
        row = json.loads(out.read_text(encoding="utf-8"))
        assert set(row["explanation"]) <= set(row["codes"])
