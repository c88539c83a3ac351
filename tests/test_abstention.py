"""Saying nothing where the model is unsure: per family, in files, and in shares."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sibnlp import tables
from sibnlp.abstention import confidence, family_wrong, risk_coverage
from sibnlp.codebook import framework, load
from sibnlp.follow import follow
from sibnlp.model import Model
from sibnlp.project import Drift
from sibnlp.training import Recipe, train
from tests.cli.shell import sibnlp
from tests.coded import codebook, codings
from tests.synthetic import predictions


@pytest.fixture(scope="module")
def model() -> Model:
    return train(codings(), [codebook()], Recipe("linear", settings={"chars": [0, 0]}), name="toy")


def test_confidence_is_that_of_the_least_sure_decision() -> None:
    p = np.array([[0.9, 0.2, 0.1], [0.4, 0.1, 0.1], [0.5, 0.0, 0.0]])
    given = np.array([[True, False, False], [True, False, False], [False, False, False]])
    assert confidence(p, given) == pytest.approx([0.8, 0.4, 0.5])
    assert confidence(np.empty((2, 0)), np.empty((2, 0), dtype=bool)).tolist() == [1.0, 1.0]


def test_a_family_is_wrong_if_one_known_code_is() -> None:
    truth = np.array([[1, 0], [1, np.nan], [np.nan, np.nan], [0, 0]])
    given = np.array([[True, True], [True, True], [True, True], [False, False]])
    assert family_wrong(truth, given).tolist()[:2] == [1.0, 0.0]
    assert np.isnan(family_wrong(truth, given)[2])
    assert family_wrong(truth, given)[3] == 0.0


def test_risk_falls_with_coverage_where_confidence_means_something() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 4000)
    wrong = (rng.random(4000) > sure).astype(float)
    curve = risk_coverage(sure, wrong)
    assert curve.coverage[-1] == 1.0
    assert curve.risk[-1] == pytest.approx(wrong.mean())
    covered, risk = curve.at(0.9)
    assert covered == pytest.approx(0.2, abs=0.02)
    assert risk == pytest.approx(0.05, abs=0.02)
    blind = risk_coverage(rng.permutation(sure), wrong)
    assert curve.area < 0.6 * blind.area
    assert blind.area == pytest.approx(wrong.mean(), abs=0.02)
    assert np.isnan(curve.at(1.1)[1])
    assert np.isnan(risk_coverage(np.array([0.5]), np.array([np.nan])).area)


def test_the_curve_does_not_depend_on_the_order_of_equals() -> None:
    sure, wrong = np.array([0.9, 0.7, 0.7, 0.7, 0.5]), np.array([0.0, 1.0, 0.0, 0.0, 1.0])
    order = np.array([4, 3, 2, 1, 0])
    one, other = risk_coverage(sure, wrong), risk_coverage(sure[order], wrong[order])
    assert one.area == pytest.approx(other.area)
    assert np.array_equal(one.risk, other.risk)


def test_a_model_abstains_by_families(model: Model) -> None:
    passages = [c.passage for c in codings(60, seed=4)]
    whole = model.predict(passages)
    assert whole.abstained is None
    some = model.predict(passages, min_confidence=0.8)
    assert some.abstained is not None
    topic, tone = [some.column("bread"), some.column("boats")], [some.column("glad"), some.column("sad")]
    for own in (topic, tone):
        assert (some.abstained[:, own[0]] == some.abstained[:, own[1]]).all()
    sure = confidence(whole.probabilities[:, topic], whole.assigned[:, topic])
    assert np.array_equal(some.abstained[:, topic[0]], sure < 0.8)
    assert some.abstained.any()
    assert not some.abstained.all()
    # The tone of a topic nobody is sure of is not known either.
    assert some.abstained[some.abstained[:, topic[0]]][:, tone].all()
    assert np.array_equal(some.assigned, whole.assigned & ~some.abstained)
    assert np.array_equal(some.probabilities, whole.probabilities)
    assert np.array_equal(model.predict(passages, min_confidence=0.8, batch_size=7).abstained, some.abstained)
    none = model.predict(passages, min_confidence=1.0)
    assert none.abstained is not None
    assert none.abstained.all()


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_files_keep_what_was_left_undecided(model: Model, tmp_path: Path, suffix: str) -> None:
    found = model.predict([c.passage for c in codings(40, seed=4)], min_confidence=0.8)
    path = tmp_path / f"p{suffix}"
    tables.write(tables.prediction_rows(found), path)
    back = tables.read_predictions(path)
    assert back.codes == found.codes
    assert back.abstained is not None
    assert np.array_equal(back.abstained, found.abstained)
    assert np.array_equal(back.assigned, found.assigned)
    assert "abstained" not in dict(back.passages[0].extra)
    plain = tmp_path / f"plain{suffix}"
    tables.write(tables.prediction_rows(replace(found, abstained=None)), plain)
    assert tables.read_predictions(plain).abstained is None


def test_undecided_passages_are_in_no_share() -> None:
    rows = [{"stage": "1", "codes": ["NPM"] if i < 4 else []} for i in range(10)]
    made = predictions(rows)
    abstained = np.zeros(made.assigned.shape, dtype=bool)
    abstained[8:, made.column("NPM")] = True
    found = follow(replace(made, abstained=abstained), framework(load("osborne")), Drift())
    cells = {c.code: c for c in found.prevalence if c.domain is None and not c.group}
    assert (cells["NPM"].estimate, cells["NPM"].n_passages) == (4 / 8, 8)
    assert (cells["NPG"].estimate, cells["NPG"].n_passages) == (0, 10)
    assert any("too uncertain" in note for note in found.notes)
    with pytest.raises(ValueError, match="no mask of the codes"):
        replace(made, abstained=made.assigned)


def test_from_the_command_line(tmp_path: Path, model: Model) -> None:
    folder = model.save(tmp_path / "toy")
    table = tmp_path / "passages.jsonl"
    table.write_text("".join(json.dumps({"text": c.passage.text, "stage": "1"}) + "\n" for c in codings(40, seed=4)))
    done = sibnlp("classify", table, "--model", folder, "--min-confidence", "0.8", "-o", "-")
    assert done.code == 0, done.err
    assert "passages with a family left undecided" in done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert any(row["abstained"] for row in rows)
    assert not any(set(row["abstained"]) & set(row["codes"]) for row in rows)
    assert "abstained" not in json.loads(sibnlp("classify", table, "--model", folder, "-o", "-").out.splitlines()[0])
    assert sibnlp("classify", table, "--model", folder, "--min-confidence", "2", "-o", "-").code == 2
    low = sibnlp("classify", table, "--model", folder, "--min-confidence", "0.3", "-o", "-")
    assert low.code == 2 and not low.out and "likelier wrong than right" in " ".join(low.err.replace("│", "").split())
    for value in ("0", "0.5"):
        assert sibnlp("classify", table, "--model", folder, "--min-confidence", value, "-o", "-").code == 0


def test_a_report_says_what_was_left_out(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    texts = ["They dock us if the form is late, and every month the figures go to the commissioner.", "We had tea."]
    for year in (2015, 2019):
        (case / f"{year}_anna.txt").write_text("\n\n".join(f"{text} {n}." * 4 for n in range(9) for text in texts))
    done = sibnlp("run", case, "-o", tmp_path / "report", "--min-confidence", "0.9")
    assert done.code == 0, done.err
    assert "too uncertain and were left out of the shares" in done.err
    assert "abstained" in (tmp_path / "report" / "predictions.csv").read_text(encoding="utf-8-sig").splitlines()[0]
