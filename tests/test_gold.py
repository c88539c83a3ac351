"""Codings beside predictions: matched, or left out with a reason; and what becomes of them in a trajectory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sibnlp import codebook
from sibnlp.aggregate import Counts
from sibnlp.gold import match, standing_in
from sibnlp.pipeline import track
from sibnlp.project import Drift
from sibnlp.types import CodedPassage, Passage, Predictions, Trajectory
from training.benchmarks.drift_panels import classifier, code, draw

BOOK = codebook.load("osborne")
CODES = ("NPM", "NPG", "governance_mechanisms")
STAGES = ("1", "2", "3")


def corpus(seed: int = 4, prevalence: tuple[float, ...] = (0.1, 0.15, 0.3)) -> tuple[Predictions, list[CodedPassage]]:
    """A drawn panel as predictions of NPM, and codings of all of its passages."""
    panel = draw(prevalence, classifier(0.8, 0.18), np.random.default_rng(seed), size=60)
    p = panel.passages
    names = [f"Person {'ABCDEFGHIJKLMNO'[actor]}lan" for actor in p.cluster]
    passages = tuple(
        Passage(
            f"p{i}", f"doc{panel.interview[i]}", i * 10, i * 10 + 9, f"passage number {i}", names[i], names[i],
            stage=STAGES[p.period[i]], kind="interview",
        )
        for i in range(len(p.score))
    )  # fmt: skip
    scores, given = np.zeros((len(passages), 3), dtype=np.float32), np.zeros((len(passages), 3), dtype=np.bool_)
    scores[:, 0], given[:, 0] = p.score, p.given
    scores[:, 1] = 0.05
    sample = code(panel, (150, 150, 150), np.random.default_rng(seed + 1))
    chance = {int(row): 1 / float(w) for row, w in zip(sample.row, sample.weight, strict=True)}
    codings = [
        CodedPassage(one, ("NPM",) if panel.truth[i] else (), "MK", ("logic",), {}, chance[i])
        for i, one in enumerate(passages)
        if i in chance
    ]
    return Predictions(passages, CODES, scores, given, "model"), codings


def npm(trajectory: Trajectory, period: str = "3"):
    return next(c for c in trajectory.prevalence if (c.domain, c.code, c.period) == (None, "NPM", period))


def test_a_probability_sample_makes_figures_design_based() -> None:
    predictions, codings = corpus()
    found = track(predictions, ["osborne"], gold=codings).trajectories[0]
    assert npm(found).rung == "design-based"
    assert npm(found).low < npm(found).corpus_low < npm(found).estimate < npm(found).corpus_high < npm(found).high
    # NPG has scores, but nobody coded it once: nothing can correct it, and the figure says why.
    other = next(c for c in found.prevalence if c.code == "NPG" and c.domain is None)
    assert other.rung == "uncorrected"
    assert any("design_based" in reason for reason in other.refused)


def test_codings_without_inclusion_probabilities_correct_by_error_rates() -> None:
    predictions, codings = corpus()
    plain = [replace(coding, inclusion_probability=None) for coding in codings]
    found = track(predictions, ["osborne"], gold=plain).trajectories[0]
    assert npm(found).rung == "corrected"
    assert "PACC" in npm(found).method
    asked = track(predictions, ["osborne"], drift=Drift(quantifier="emq"), gold=plain).trajectories[0]
    assert "EMQ" in npm(asked).method


def test_error_rates_from_elsewhere_correct_changes_only() -> None:
    predictions, codings = corpus()
    row = {passage.id: i for i, passage in enumerate(predictions.passages)}
    away = []
    for coding in codings:
        scores = tuple(
            (f"score_{c}", float(predictions.probabilities[row[coding.passage.id], j])) for j, c in enumerate(CODES)
        )
        passage = replace(coding.passage, document=f"other-{coding.passage.document}", extra=scores)
        away.append(replace(coding, passage=passage, inclusion_probability=None))
    found = track(predictions, ["osborne"], gold=away).trajectories[0]
    assert npm(found).rung == "uncorrected"
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPM")
    assert shift.rung == "transported"
    assert shift.outcome == "shift"


def test_gold_outside_the_corpus_or_of_changed_text_is_named_and_the_rest_comes_out() -> None:
    predictions, codings = corpus()
    lost = replace(codings[0], passage=replace(codings[0].passage, document="nowhere", id="n1"))
    changed = replace(codings[1], passage=replace(codings[1].passage, text="quite another text"))
    report = track(predictions, ["osborne"], gold=[lost, changed, *codings[2:]])
    said = " ".join(report.warnings)
    assert "1 of 450 coded passages are not among the predictions" in said
    assert "n1" in said
    assert "another text than when they were coded" in said
    assert npm(report.trajectories[0]).rung == "design-based"


def test_codes_of_no_codebook_stand_in_quotes() -> None:
    predictions, codings = corpus()
    found = match([replace(codings[0], codes=("NPM, NPG",)), *codings[1:]], predictions, [BOOK])
    (said,) = found.notes
    assert "passed over: 'NPM, NPG'. `;` separates codes" in said


def test_a_passage_is_found_by_its_text_where_ids_differ() -> None:
    predictions, codings = corpus()
    renamed = [replace(c, passage=replace(c.passage, id=f"other-{c.passage.id}")) for c in codings]
    found = match(renamed, predictions, [BOOK])
    assert (found.rows >= 0).all()
    assert not found.notes


def test_a_passage_cut_otherwise_takes_the_coding_it_shares_most_text_with() -> None:
    """Three passages of a document, coded in other pieces: the whole rule and its edges."""
    texts = ["Trust grew slowly. ", "Targets — came first, then audits. ", "“Nobody” asked the users."]
    passages = tuple(
        Passage(f"d:{i}", "d", 100 * i, 100 * i + len(text), text, kind="interview") for i, text in enumerate(texts)
    )
    scores = np.full((3, 3), 0.2, dtype=np.float32)
    predictions = Predictions(passages, CODES, scores, scores > 0.5, "model")

    def coded(text: str, *codes: str) -> CodedPassage:
        passage = Passage(f"gold:{len(text)}", "d", 0, len(text), text)
        return CodedPassage(passage, codes, "MK", ("logic",), {}, 0.5)

    said = match([coded('"Nobody"\nasked the users', "NPG")], predictions, [BOOK])
    assert said.rows.tolist() == [2]
    assert "cut or punctuated otherwise here" in said.notes[0]
    assert "(0 of them less than all)" in said.notes[0]
    # Eight letters more than the passage's 28: 28 of 36 is enough, as the first passage's 15 of 43 is not.
    most = match([coded("grew slowly. Targets came first, then audits", "NPM")], predictions, [BOOK])
    assert most.rows.tolist() == []
    most = match([coded("slowly. Targets came first, then audits", "NPM")], predictions, [BOOK])
    assert most.rows.tolist() == [1]
    assert most.chance.tolist() == [0.5]
    assert "(1 of them less than all)" in most.notes[0]
    # Half of it is not enough, nor is a text that comes twice or in another document.
    assert not len(match([coded("Targets came first", "NPM")], predictions, [BOOK]).rows)
    twice = replace(predictions, passages=(passages[0], passages[1], replace(passages[2], text=texts[1] + "So.")))
    assert not len(match([coded("Targets came first, then audits", "NPM")], twice, [BOOK]).rows)
    away = coded("Targets came first, then audits", "NPM")
    away = replace(away, passage=replace(away.passage, document="e"))
    assert not len(match([away], predictions, [BOOK]).rows)


def test_coders_who_disagree_leave_a_code_unknown() -> None:
    predictions, codings = corpus()
    first = codings[0]
    other = replace(first, coder="JS", codes=() if first.codes else ("NPM",))
    found = match([first, other, codings[1]], predictions, [BOOK])
    assert len(found.codings) == 2
    assert np.isnan(found.truth[0, 0])
    assert "disagree on 1 passages" in found.notes[0]


def test_codings_of_another_codebook_are_passed_over() -> None:
    predictions, codings = corpus()
    found = match([replace(codings[0], codes=(*codings[0].codes, "PVM"))], predictions, [BOOK])
    assert "PVM" in found.notes[0]


def test_training_passages_enter_by_their_codings_or_out_of_fold_scores() -> None:
    predictions, codings = corpus()
    scored = replace(codings[0], passage=replace(codings[0].passage, extra=(("score_NPM", 0.123),)))
    changed, known, notes = standing_in(predictions, [scored, codings[1]], [BOOK])
    rows = [next(i for i, p in enumerate(predictions.passages) if p.id == c.passage.id) for c in codings[:2]]
    assert changed.probabilities[rows[0], 0] == pytest.approx(0.123)
    assert known is not None
    assert np.isnan(known[rows[0], 0])
    assert known[rows[1], 0] == float("NPM" in codings[1].codes)
    assert "2 passages the model was trained on" in notes[0]
    assert "flatter the model" in notes[1]


def test_training_passages_do_not_calibrate() -> None:
    predictions, codings = corpus()
    changed, known, _ = standing_in(predictions, codings[:200], [BOOK])
    counts = Counts(changed, [p.stage for p in changed.passages], STAGES, known=known)
    cell = match(codings, changed, [BOOK]).cell(counts, "NPM", None)
    assert cell is not None
    assert len(cell.truth) == len(codings) - 200


def test_a_corrected_change_is_drawn_towards_the_count_and_says_so() -> None:
    predictions, codings = corpus(prevalence=(0.15, 0.15, 0.15))
    plain = [replace(coding, inclusion_probability=None) for coding in codings]
    found = track(predictions, ["osborne"], drift=Drift(quantifier="pacc"), gold=plain).trajectories[0]
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPM")
    levels = {period: npm(found, period).estimate for period in STAGES}
    assert shift.difference == pytest.approx(levels["3"] - levels["1"])
    assert 0 < shift.change / shift.difference < 1
    assert shift.low <= shift.change <= shift.high
    assert shift.corpus_low <= shift.change <= shift.corpus_high
    assert "drawn towards the count" in shift.method
    assert any("drawn towards the counted change" in note for note in found.notes)
    # A shift that stands out is kept: 20 points lose less than one of them, and the parts add up to all of it.
    predictions, codings = corpus()
    plain = [replace(coding, inclusion_probability=None) for coding in codings]
    found = track(predictions, ["osborne"], gold=plain).trajectories[0]
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPM")
    assert shift.change == pytest.approx(shift.difference, abs=0.01)
    whole = next(d for d in found.decomposition if d.domain is None and d.code == "NPM")
    assert whole.total == pytest.approx(shift.difference)


def unsure(predictions: Predictions) -> Predictions:
    """The same, with NPM left undecided between 10 and 60 %."""
    abstained = np.zeros(predictions.assigned.shape, dtype=np.bool_)
    abstained[:, 0] = (predictions.probabilities[:, 0] > 0.1) & (predictions.probabilities[:, 0] < 0.6)
    return replace(predictions, assigned=predictions.assigned & ~abstained, abstained=abstained)


@pytest.mark.parametrize("rung", ["design-based", "corrected", "uncorrected"])
def test_passages_the_model_did_not_decide_are_in_no_share_whatever_it_stands_on(rung: str) -> None:
    """Every figure is that of the decided passages alone, given to the same corpus without the others."""
    predictions, codings = corpus()
    some = unsure(predictions)
    assert some.abstained is not None
    kept = ~some.abstained[:, 0]
    assert 0.6 < kept.mean() < 0.95
    if rung == "corrected":
        codings = [replace(coding, inclusion_probability=None) for coding in codings]
    gold = [] if rung == "uncorrected" else codings
    without = replace(
        predictions, passages=tuple(p for p, k in zip(predictions.passages, kept, strict=True) if k),
        probabilities=predictions.probabilities[kept], assigned=predictions.assigned[kept],
    )  # fmt: skip
    drift = Drift(quantifier="pacc") if rung == "corrected" else Drift()
    ours, plain = (track(one, ["osborne"], drift=drift, gold=gold).trajectories[0] for one in (some, without))
    for period in STAGES:
        mine, other = npm(ours, period), npm(plain, period)
        assert mine.rung == other.rung == rung
        assert mine.n_passages == other.n_passages
        for field in ("estimate", "low", "high", "corpus_low", "corpus_high"):
            assert getattr(mine, field) == pytest.approx(getattr(other, field))
    cells = [next(d for d in one.decomposition if (d.domain, d.code) == (None, "NPM")) for one in (ours, plain)]
    for field in ("total", "within", "composition", "entry", "exit", "low", "high"):
        assert getattr(cells[0], field) == pytest.approx(getattr(cells[1], field))
    assert any("left out of the shares" in note for note in ours.notes)


def test_error_rates_from_elsewhere_are_refused_where_the_model_abstained() -> None:
    predictions, codings = corpus()
    row = {passage.id: i for i, passage in enumerate(predictions.passages)}
    away = []
    for coding in codings:
        score = float(predictions.probabilities[row[coding.passage.id], 0])
        passage = replace(coding.passage, document=f"other-{coding.passage.document}", extra=(("score_NPM", score),))
        away.append(replace(coding, passage=passage, inclusion_probability=None))
    found = track(unsure(predictions), ["osborne"], gold=away).trajectories[0]
    shift = next(s for s in found.shifts if s.domain is None and s.code == "NPM")
    assert shift.rung == "uncorrected"
    assert any("where the model would have abstained" in reason for reason in shift.refused)
