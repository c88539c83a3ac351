"""Explanations name the sentence that counts, and come along into a project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sibnlp import exchange, pipeline
from sibnlp.explain import MAX_QUOTE, explain
from sibnlp.model import Model, load_model
from sibnlp.types import Passage, Predictions
from tests.cli.shell import sibnlp

PAID = "They dock us if the form is late, so the form comes first."
TENDER = "They pay us per target and the contract is put out to tender every year."
PLAIN = "The window was painted yellow on a Monday morning."


class Counting:
    """Stands in for a model: the code's probability is the share of passages' words that are the cue."""

    def predict(self, passages: list[Passage], *, batch_size: int, progress: object) -> Predictions:
        chance = np.array([[min(1.0, one.text.count("form") / 4)] for one in passages], dtype=np.float32)
        return Predictions(tuple(passages), ("forms",), chance, chance >= 0.25, "m")


def reasons(*texts: str) -> list[dict[str, str]]:
    passages = [Passage(f"p{n}", "d", 0, len(text), text) for n, text in enumerate(texts)]
    model: Model = Counting()  # type: ignore[assignment]
    return explain(model.predict(passages, batch_size=9, progress=None), model)


def test_the_sentence_that_counts_is_quoted_with_both_scores() -> None:
    (reason,) = reasons(f"{PLAIN} {PAID} {PLAIN}")
    assert reason == {"forms": f"rests most on “{PAID}” (0.50; 0.00 without it)"}


@pytest.mark.parametrize("text", [PAID, f"{PLAIN} {PLAIN}"])
def test_one_sentence_or_no_code_has_no_explanation(text: str) -> None:
    assert reasons(text) == [{}]


def test_a_long_sentence_is_cut() -> None:
    (reason,) = reasons(f"{PLAIN} The form {'word ' * 100}ends.")
    assert len(reason["forms"]) < MAX_QUOTE + 60 and "…" in reason["forms"]


def test_the_shipped_model_leans_on_the_cue() -> None:
    model = load_model("gov-fast")
    text = f"The bread was good. {TENDER} It rained."
    predictions = pipeline.classify([Passage("p", "d", 0, len(text), text)], model)
    assert "NPM" in predictions.codes_of(0)
    assert TENDER in explain(predictions, model)[0]["NPM"]


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
