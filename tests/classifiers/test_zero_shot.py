"""Coding by a codebook's wording alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sibnlp.classifiers import describe
from sibnlp.classifiers.zero_shot import BACKGROUND, ZeroShotClassifier
from sibnlp.codebook import SHIPPED, Code, Codebook, Family, load
from sibnlp.embeddings import EncoderEmbedder
from sibnlp.errors import CodebookError, DataError, UnknownNameError
from sibnlp.evaluate import roc_auc
from sibnlp.model import from_codebook, load_model
from sibnlp.training import load_recipe, train
from sibnlp.types import CodedPassage, Passage
from tests.classifiers.test_contract import ODD
from tests.cli.shell import sibnlp
from tests.tiny_bert import CHECKED_IN

BOOK = Codebook(
    "pets",
    "Pets",
    (Family("animal"), Family("mood", multiple=False, requires="animal")),
    (
        Code("dog", "animal", "Dogs", "A dog is walked, fed or played with.", include=("barking, leash, puppy",)),
        Code("fish", "animal", "Fish", "Fish are kept in an aquarium or a pond.", include=("water, tank, fins",)),
        Code("glad", "mood", "Joy", "Somebody is happy, cheerful or delighted."),
        Code("angry", "mood", "Anger", "Somebody is furious, angry or annoyed."),
    ),
)
PASSAGES = {
    "dog": [
        "The puppy barked at the leash until we took it out for a walk.",
        "He throws sticks for his dog in the park.",
    ],
    "fish": ["The aquarium needs fresh water, or the fish float to the top.", "Goldfish and carp swim in the pond."],
    "": ["The committee adjourned until the spring.", "Add the flour and stir until it is smooth."],
}
TEXTS = [text for group in PASSAGES.values() for text in group]


@pytest.fixture(scope="module")
def pets() -> ZeroShotClassifier:
    made = from_codebook(BOOK).classifier
    assert isinstance(made, ZeroShotClassifier)
    return made


def test_the_wording_tells_the_codes(pets: ZeroShotClassifier) -> None:
    scores = pets.predict_proba(TEXTS)
    assert scores.shape == (6, 4)
    for column, code in enumerate(("dog", "fish")):
        own = [text in PASSAGES[code] for text in TEXTS]
        assert scores[own, column].min() > scores[np.logical_not(own), column].max()
        assert scores[own, column].min() > 0.995


def test_a_score_is_a_share_of_plain_passages(pets: ZeroShotClassifier) -> None:
    """So, of the plain passages themselves, about a tenth scores over 0.9, and half over 0.5."""
    scores = pets.predict_proba(json.loads(BACKGROUND.read_text()))
    for share in (0.5, 0.9):
        assert abs((scores > share).mean() - (1 - share)) < 0.08


def test_the_codebook_s_own_examples_are_told() -> None:
    """On the invented examples of the shipped codebook, which are not used: well over chance."""
    book = load("osborne")
    logics = book.codes_in("logic")
    texts = [example for code in logics for example in code.examples]
    scores = from_codebook(book).predict([Passage(str(i), "d", 0, len(t), t) for i, t in enumerate(texts)])
    truth = np.array([[example in code.examples for code in logics] for example in texts])
    for column, code in enumerate(logics):
        assert roc_auc(scores.probabilities[:, scores.column(code.id)].astype(float), truth[:, column]) > 0.65


def test_rows_stand_alone_and_odd_texts_are_scored(pets: ZeroShotClassifier) -> None:
    whole = pets.predict_proba([*TEXTS, *ODD])
    assert np.isfinite(whole).all()
    assert ((whole > 0) & (whole < 1)).all()
    single = np.concatenate([pets.predict_proba([text]) for text in [*TEXTS, *ODD][::-1]])[::-1]
    assert np.array_equal(single, whole)
    assert pets.predict_proba([]).shape == (0, 4)


def test_saved_and_loaded_gives_the_same(tmp_path: Path) -> None:
    model = from_codebook(BOOK)
    loaded = load_model(model.save(tmp_path / "pets"))
    passages = [Passage(str(i), "d", 0, len(t), t) for i, t in enumerate(TEXTS)]
    assert loaded.name == "zero_shot:pets"
    assert np.array_equal(loaded.predict(passages).probabilities, model.predict(passages).probabilities)
    assert "/" not in json.loads((tmp_path / "pets" / "head.json").read_text())["settings"]["embeddings"]


def test_fitting_learns_nothing_from_codings(pets: ZeroShotClassifier) -> None:
    other = pets.fresh()
    other.fit(TEXTS, np.ones((6, 4)), seed=0)
    assert np.array_equal(other.predict_proba(TEXTS), pets.predict_proba(TEXTS))


def test_codings_calibrate_it() -> None:
    coded = []
    for number in range(30):
        code = list(PASSAGES)[number % 3]
        text = f"{PASSAGES[code][number % 2]} {number}"
        passage = Passage(f"p{number}", f"d{number % 6}", 0, len(text), text)
        coded.append(CodedPassage(passage, (code,) if code else (), "MK", ("animal",)))
    model = train(coded, [BOOK], load_recipe("zero_shot"), name="pets")
    assert model.codes == ("dog", "fish")
    assert model.manifest.cross_validation["codes"]["dog"]["f1"] == 1.0
    # Three in ten carry it, so a third of the probability does: no longer the share of plain passages.
    assert abs(model.predict([c.passage for c in coded]).probabilities[:, 0].mean() - 1 / 3) < 0.05


def test_a_parent_is_described_by_what_stands_below_it() -> None:
    codes = (Code("a", "f", "A", "top"), Code("b", "f", "B", "middle", parent="a"),
             Code("c", "f", "C", "low", include=("crit",), parent="b"))  # fmt: skip
    found = describe(Codebook("x", "X", (Family("f"),), codes))
    assert found == {
        "a": [["A. top", "B. middle", "C. low"], ["crit"]],
        "b": [["B. middle", "C. low"], ["crit"]],
        "c": [["C. low"], ["crit"]],
    }


def test_what_cannot_be_coded_by_is_refused(tmp_path: Path) -> None:
    bare = replace(BOOK, codes=tuple(replace(code, definition="", include=()) for code in BOOK.codes))
    with pytest.raises(CodebookError, match="no code has a definition"):
        from_codebook(bare)
    with pytest.raises(DataError, match="no embeddings in"):
        from_codebook(BOOK, tmp_path)
    with pytest.raises(DataError, match="nothing describes dog"):
        ZeroShotClassifier(("dog",), {"embeddings": "models/gov-fast"}).fit()
    with pytest.raises(UnknownNameError, match="codebook named 'nonsense'"):
        load_model("zero_shot:nonsense")
    with pytest.raises(DataError, match="gives no vector per word-piece"):
        EncoderEmbedder(CHECKED_IN)


def test_from_the_command_line(tmp_path: Path) -> None:
    table = tmp_path / "passages.jsonl"
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    done = sibnlp("classify", table, "--model", "zero_shot:practices", "-o", "-")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert {row["model"] for row in rows} == {"zero_shot:practices"}
    assert set(rows[0]["scores"]) == {code.id for code in load("practices").codes}


def test_a_report_says_how_little_it_means(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    for year in (2015, 2019):
        (case / f"{year}_anna.txt").write_text("We agreed what counts as success with everybody. " * 30)
    done = sibnlp("run", case, "--model", "zero_shot:osborne", "-o", tmp_path / "one")
    assert done.code == 0, done.err
    assert [path.name for path in (tmp_path / "one").glob("trajectory*")] == ["trajectory.json"]
    own = load_codebook_text("practices").replace('id = "practices"', 'id = "own"', 1)
    (case / "own.toml").write_text(own)
    (case / "project.toml").write_text('[model]\nname = "zero_shot:own.toml"\ncodebooks = ["own.toml"]\n')
    done = sibnlp("run", case, "-o", tmp_path / "report")
    assert done.code == 0, done.err
    assert "by the codebook's wording alone" in done.err


def load_codebook_text(name: str) -> str:
    return (SHIPPED / f"{name}.toml").read_text()
