"""The view: which numbers, in which words, and which passages stand behind them. No HTML here."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sibnlp.report import charts, evaluation, text, view
from sibnlp.report.passages import LARGE, Cell, Cells, Rows, _first, chosen, explanation, in_scope
from tests.report import factory

# A trajectory without what compares periods or people.
BARE = {"decomposition": (), "alignment": (), "groups": (), "poles": ()}


@pytest.fixture(scope="module")
def built() -> tuple[dict, dict]:
    return view.build(factory.report(hostile=False))


def test_the_verdict_is_one_sentence_a_framework_with_its_uncertainty(built: tuple[dict, dict]) -> None:
    osborne, oflynn, *stands_on = built[0]["verdict"]
    assert osborne["lead"] == "NPM and NPG (Osborne)"
    assert osborne["text"] == (
        "From Development to Stable operation, NPM changed by +17.3 points (95 % interval +8.3 to +26.3: shift), and "
        "NPG changed by −17.3 points (95 % interval −26.3 to −8.3: shift); of 6 domain–logic pairs, 1 shows a shift, 0 "
        "show no change, and for 5 the data cannot tell."
    )
    assert oflynn["text"].count(". ") == 0
    assert stands_on == [
        {
            "lead": "Corrected",
            "text": "36 of 72 figures: corrected by error rates measured on codings from this corpus.",
        },
        {
            "lead": "Uncorrected",
            "text": "36 of 72 figures: the share that the classifier flagged, its errors included.",
        },
    ]


def test_a_row_of_findings(built: tuple[dict, dict]) -> None:
    row = built[0]["sections"][0]["findings"][0]["rows"][0]
    npm, npg = row["shares"]
    assert row["of"] == {"n": "120", "detail": ["5 sources", "5 speakers"], "cell": row["of"]["cell"]}
    assert npm == {
        "code": "NPM", "estimate": "27.5", "interval": "14.7–40.3", "corpus": "", "method": "count, uncorrected",
        "flags": "", "coded": "33", "n": "120", "cell": npm["cell"],
    }  # fmt: skip
    assert (npg["corpus"], npg["method"]) == ("30.4–39.6", "pacc, corrected")
    relation = row["relation"]
    assert {key: relation[key] for key in ("label", "established", "tentative", "dominant", "support", "nearest")} == {
        "label": "Co-existing", "established": True, "tentative": False, "dominant": "NPG", "support": "0.84",
        "nearest": "",
    }  # fmt: skip
    assert relation["together"] == "4 passages with both, 3.2 expected by chance (p 0.41)"
    assert [(one["side"], one["n"]) for one in relation["evidence"]] == [("for", "2"), ("against", "1")]
    assert len(row["quotes"]) == 2


def test_a_figure_says_what_it_estimates_and_stands_on(built: tuple[dict, dict]) -> None:
    shown, script = built
    npm, npg = shown["sections"][0]["findings"][0]["rows"][0]["shares"]
    assert script["cells"][npm["cell"]]["summary"] == (
        "27.5%, 95 % interval 14.7–40.3 for other interviews with such actors. 33 of 120 passages, 5 sources, 5 "
        "speakers. Every passage counts the same. Count, uncorrected. Not used: PACC: TPR − FPR may be as low as 0.25, "
        "under 0.3."
    )
    assert "30.4–39.6 for these very passages" in script["cells"][npg["cell"]]["summary"]
    said = shown["sections"][0]["estimand"]
    assert said["text"] == "Interviews · shares of all passages; every passage counts the same"
    assert [(rung["method"], rung["codes"]) for rung in said["rungs"]] == [
        ("Count, uncorrected", "NPM"), ("Pacc, corrected", "NPG"),
    ]  # fmt: skip
    assert said["refused"] == ["NPM, NPM in Governance mechanisms, NPM in Inter-organizational dynamics and NPM in "
                               "Performance emphasis: PACC: TPR − FPR may be as low as 0.25, under 0.3."]  # fmt: skip


def test_a_row_of_shifts(built: tuple[dict, dict]) -> None:
    row = built[0]["sections"][0]["shifts"][0]
    assert row["pole"] == {
        "start": "NPG", "end": "NPM", "symbol": "►", "means": "poles differ", "support": "support 0.91, 0.85",
        "cell": row["pole"]["cell"],
    }  # fmt: skip
    npm = row["changes"][0]
    assert (npm["change"], npm["interval"], npm["outcome"]) == ("+17.3", "[+8.3, +26.3]", "shift")
    assert npm["facts"] == [
        "in these passages [+14.3, +20.3]",
        "no change for margins from ×1.8 on",
        "undone by 5.0 points more false positives in one period",
        "6 of 8 weights × quantifiers agree",
        "pacc, corrected",
    ]


def test_behind_a_change_stand_the_passages_of_both_periods(built: tuple[dict, dict]) -> None:
    shown, script = built
    report = factory.report(hostile=False)
    section = shown["sections"][0]
    for cell in (section["shifts"][0]["changes"][0]["cell"], section["parts"]["rows"][0]["cell"]):
        rows = script["cells"][cell]["rows"]
        assert {report.predictions.passages[row].stage for row in rows} == {"1", "3"}
        assert all("NPM" in report.predictions.codes_of(row) for row in rows)


def test_what_a_change_is_made_of_and_how_actors_stand(built: tuple[dict, dict]) -> None:
    shown, script = built
    section = shown["sections"][0]
    first = section["parts"]["rows"][0]
    assert [first[key] for key in ("total", "within", "voice", "entry", "exit")] == [
        "+17.3", "+8.6", "+3.5", "+1.7", "+3.5",
    ]  # fmt: skip
    assert section["parts"]["who"] == "4 actors heard in both periods, 0 only at the end, 1 only at the start"
    assert [row["agenda"] for row in section["parts"]["agenda"]] == ["+6.9", "−6.9"]
    ben = next(row for row in section["actors"] if row["name"] == "Ben")
    assert ben["cells"][2] is None
    stands = ben["cells"][0]
    assert stands["logics"][0]["aside"] == "1 resisted"
    rows = script["cells"][stands["cell"]]["rows"]
    assert {factory.report(hostile=False).predictions.passages[row].actor for row in rows} == {"Ben"}
    assert section["groups"][0]["name"] == "investor"
    assert section["groups"][0]["cells"][0][0]["flags"] == "small cell"


def test_frameworks_stand_side_by_side(built: tuple[dict, dict]) -> None:
    shown, script = built
    osborne, oflynn = shown["compared"]
    assert osborne["pole"]["symbol"] == "►"
    assert [one["text"] for one in osborne["outcomes"]] == ["1 shift", "0 no change", "5 cannot tell"]
    assert osborne["outcomes"][1]["cell"] is None
    first = osborne["agenda"][0]
    assert [first[key] for key in ("code", "agenda", "logic", "other")] == ["NPM", "+6.9", "+8.6", "+1.7"]
    assert oflynn["changes"][1]["code"] == "PVM"
    figure = next(chart["spec"] for chart in script["charts"] if chart["id"] == "figure-compared")
    assert len(figure["concat"]) == 2
    # One scale of colours for both, or the second codebook's logic would be drawn as the first's.
    scales = {json.dumps(layer["encoding"]["color"]["scale"]) for panel in figure["concat"] for layer in panel["layer"]
              if "color" in layer["encoding"]}  # fmt: skip
    assert len(scales) == 1
    alone = replace(factory.report(hostile=False), trajectories=factory.report(hostile=False).trajectories[:1])
    assert view.build(alone)[0]["compared"] == []


def test_change_points_are_drawn_and_listed() -> None:
    shown, script = view.build(factory.monthly())
    (row,) = shown["sections"][0]["breaks"]
    assert [row[key] for key in ("name", "code", "period", "before", "after", "p", "support")] == [
        "All domains", "NPM", "2017-01", "24.0", "33.0", "0.012", "0.88",
    ]  # fmt: skip
    (drawn,) = script["charts"][0]["spec"]["datasets"]["breaks-0"]
    assert (drawn["x"], drawn["code"], drawn["cell"]) == (12.0, "NPM", row["cells"]["both"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"NPM": "rests on “x”"}, "NPM rests on “x”"),
        ('{"NPM": "rests on “x”"}', "NPM rests on “x”"),
        ([("NPM", "rests on “x”")], "NPM rests on “x”"),
        ("as the coder noted", "as the coder noted"),
        ("{broken", "{broken"),
        (None, ""),
    ],
)
def test_an_explanation_is_read_however_a_table_holds_it(value: object, expected: str) -> None:
    passage = replace(factory.predictions(4).passages[0], extra=(("explanation", value),))
    assert explanation(passage) == expected


def test_an_empty_period_is_missing_not_zero(built: tuple[dict, dict]) -> None:
    panel = next(p for p in built[0]["sections"][0]["panels"] if p["title"] == "Inter-organizational dynamics")
    assert [p["estimate"] is None for p in panel["points"]] == [False, True, False, False, True, False]
    domain = next(d for d in built[0]["sections"][0]["findings"] if d["name"] == "Inter-organizational dynamics")
    assert [s["cell"] for s in domain["rows"][1]["shares"]] == [None, None]
    spec = built[1]["charts"][0]["spec"]
    missing = [row for name, rows in spec["datasets"].items() if name.startswith("points") for row in rows
               if row["y"] is None]  # fmt: skip
    assert len(missing) == 2
    assert [{"x": 1.0, "text": "no data"}] in spec["datasets"].values()


def test_behind_every_figure_stand_its_passages() -> None:
    report = factory.report(hostile=False)
    shown, script = view.build(report)
    for cell in script["cells"]:
        assert cell["counted"] == cell["total"] == len(cell["rows"])
    number = shown["sections"][0]["findings"][1]["rows"][2]["shares"][0]["cell"]
    rows = script["cells"][number]["rows"]
    given = report.predictions
    expected = [
        i
        for i, passage in enumerate(given.passages)
        if passage.stage == "3" and passage.kind == "interview"
        and {"NPM", "governance_mechanisms"} <= set(given.codes_of(i))
    ]  # fmt: skip
    assert rows == expected
    assert rows


def test_interviews_and_documents_are_not_pooled(built: tuple[dict, dict]) -> None:
    documents = built[0]["documents"][0]
    assert documents["scope"] == "documents"
    cell = documents["findings"][0]["rows"][0]["of"]["cell"]
    rows = built[1]["cells"][cell]["rows"]
    names = {built[1]["documents"][built[1]["passages"][row][4]] for row in rows}
    assert names == {"contract_1.pdf"}


def test_exemplars_are_spread_over_speakers(built: tuple[dict, dict]) -> None:
    for item in built[0]["sections"][0]["exemplars"]:
        speakers = [quote["by"].split(",")[0] for quote in item["quotes"]]
        assert len(set(speakers)) >= min(4, len(speakers))


def test_the_sample_is_even_fixed_and_keeps_the_quotations() -> None:
    report = factory.report(hostile=False)
    _, script = view.build(report, limit=250)
    again = view.build(report, limit=250)[1]
    assert json.dumps(script) == json.dumps(again)
    assert len(script["passages"]) == 250
    assert script["total"] == len(report.predictions)
    assert {exemplar.row for exemplar in report.exemplars} <= {int(row) for row in script["position"]}
    assert all(len(cell["rows"]) >= min(3, cell["total"]) for cell in script["cells"])
    assert all(cell["counted"] >= len(cell["rows"]) for cell in script["cells"])
    shown = view.build(report, limit=250)[0]
    assert shown["sample"].startswith("This page carries 250 of 352 passages")


def test_every_figure_keeps_a_passage_and_documents_take_turns() -> None:
    report = factory.report(hostile=False)
    script = view.build(report, limit=200)[1]
    assert len(script["passages"]) == 200 < script["total"]
    assert all(cell["rows"] for cell in script["cells"] if cell["total"])
    assert all(cell["total"] >= len(cell["rows"]) for cell in script["cells"])
    # Ten passages of each of four documents: the first four places are four documents'.
    rows, documents = np.arange(40, dtype=np.int32), np.repeat(np.arange(4), 10)
    kept = chosen([Cell("", "", 40, Rows(rows))], 40, 8, (), [f"p{i}" for i in range(40)], documents)
    assert np.bincount(documents[kept]).tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("every", [1, 3, 40])
def test_rows_behind_a_figure_come_back_whatever_room_they_take(every: int) -> None:
    rows = np.arange(5, 5 + every * (LARGE + 3), every)
    for given in (rows, rows[:7], rows[:0], rows[::-1], np.concatenate([rows[9:], rows[:9]])):
        kept = Rows(given)
        assert (kept.n, kept().dtype, kept().tolist()) == (len(given), np.dtype(np.int32), given.tolist())


@pytest.mark.parametrize("n", [1, 50, 899])
def test_the_first_of_an_order_are_found(n: int) -> None:
    order = np.random.default_rng(n).permutation(3_000).astype(np.int32)
    rows = np.arange(0, 2_700, 3, dtype=np.int32)
    assert sorted(order[_first(rows, order, n)].tolist()) == sorted(order[rows].tolist())[:n]


def test_few_passages_are_all_embedded() -> None:
    assert chosen([], 5, 10) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("period", "periods", "expected"),
    [
        ("undated", ("undated",), [0, 0, 0, 0, -1]),
        ("stage", ("2016", "2"), [0, 1, -1, -1, -1]),
        # A stage that is called like a year is no year.
        ("year", ("2015", "2016"), [0, 1, 1, -1, -1]),
        ("quarter", ("2015-Q4", "2016-Q1", "2016-Q2"), [0, 2, -1, -1, -1]),
        ("month", ("2016-05",), [-1, 0, -1, -1, -1]),
        ("", ("2", "2016"), [1, 0, -1, -1, -1]),
    ],
)
def test_passages_fall_where_they_were_counted(period: str, periods: tuple[str, ...], expected: list[int]) -> None:
    said = factory.predictions(4)
    when = [("2016", "2015-11-02"), ("2", "2016-05-01"), (None, "2016"), (None, None)]
    made = [
        replace(passage, stage=stage, date=date)
        for passage, (stage, date) in zip(said.passages[:4], when, strict=True)
    ]  # fmt: skip
    made.append(replace(said.passages[4], stage="2", date="2016-05-01", kind="contract"))
    few = replace(said, passages=tuple(made), probabilities=said.probabilities[:5], assigned=said.assigned[:5])
    trajectory = replace(factory.trajectory("osborne", said, "interview"), periods=periods, period=period)
    assert Cells(few).periods(trajectory).tolist() == expected


def test_behind_the_figures_of_undated_passages_stand_all_of_them() -> None:
    report = factory.report(hostile=False, documents=False)
    said = report.predictions
    undated = tuple(replace(passage, stage=None, date=None) for passage in said.passages)
    one = report.trajectories[0]
    cells = tuple(replace(p, period="undated") for p in one.prevalence if p.period == "1")
    one = replace(one, periods=("undated",), prevalence=cells, relations=(), shifts=(), period="undated", **BARE)
    report = replace(report, trajectories=(one,), predictions=replace(said, passages=undated), exemplars=())
    shown, script = view.build(report)
    rows = script["cells"][shown["sections"][0]["findings"][0]["rows"][0]["of"]["cell"]]["rows"]
    assert len(rows) == sum(passage.kind == "interview" for passage in undated)


def test_a_scope_without_passages_has_none_in_any_period() -> None:
    said = factory.predictions(4)
    few = replace(said, passages=said.passages[:2], probabilities=said.probabilities[:2], assigned=said.assigned[:2])
    assert Cells(few).periods(factory.trajectory("osborne", said, "document")).tolist() == [-1, -1]


def test_codings_by_people_are_not_called_a_classifiers() -> None:
    report = factory.report(hostile=False)
    certain = replace(report.predictions, probabilities=report.predictions.assigned.astype(np.float32))
    people = {"coded by": "Ada"}

    def lead(**changes: object) -> str:
        return view.build(replace(report, **changes))[0]["verdict"][-1]["lead"]

    said = view.build(replace(report, predictions=certain, provenance=people))[0]["verdict"][-1]
    assert said == {
        "lead": "As coded",
        "text": "These figures count what people coded; coders’ errors are not in the intervals.",
    }
    assert lead(provenance=people) == "Uncorrected"
    assert lead(predictions=certain) == "Uncorrected"
    assert lead(predictions=certain, provenance={**people, "model": "static-v1"}) == "Uncorrected"


def test_scope() -> None:
    assert in_scope("interview", "interview")
    assert in_scope("focus group", "interview")
    assert not in_scope("contract", "interview")
    assert in_scope("contract", "document")
    assert in_scope(None, "all")


def test_an_unknown_code_or_domain_has_no_passages() -> None:
    said = factory.predictions(4)
    trajectory = factory.trajectory("osborne", said, "interview")
    cells = Cells(said)
    assert len(cells.rows(trajectory, "no_such_domain", ("NPM",), "1")) == 0


def test_colours_stay_with_their_logic_and_all_differ() -> None:
    both = charts.styles(("NPM", "NPG", "PVM", "X", "Y"))
    assert charts.styles(("PVM",))["PVM"] == both["PVM"]
    for key in ("colour", "shape", "glyph"):
        assert len({look[key] for look in both.values()}) == 5
    assert len({tuple(look["dash"]) for look in both.values()}) == 5


def test_time_bins_keep_their_distance() -> None:
    months = [f"2016-{m:02d}" for m in (1, 2, 3, 4, 5, 6, 12)]
    assert charts.positions(months) == [0, 1, 2, 3, 4, 5, 11]
    assert charts.positions(["1", "2", "3"]) == [0, 1, 2]


def test_a_time_axis_is_drawn_with_bands() -> None:
    _, script = view.build(factory.monthly())
    marks = [layer["mark"]["type"] for layer in script["charts"][0]["spec"]["concat"][0]["layer"]]
    assert "area" in marks
    json.dumps(script, allow_nan=False)


def test_labels_at_the_ends_of_lines_do_not_cover_each_other() -> None:
    labels = [{"y": 1.0}, {"y": 1.0}, {"y": 1.2}]
    charts._spread(labels, gap=2.0)
    ys = sorted(label["y"] for label in labels)
    assert ys[0] >= 1.0
    assert all(b - a >= 2.0 - 1e-9 for a, b in pairwise(ys))


def test_hostile_characters_are_shown() -> None:
    assert text.plain("a\u202eb\u2066\x00\ud800") == "a⟨U+202E⟩b⟨U+2066⟩⟨U+0000⟩\ufffd"
    assert text.excerpt("w" * 400, 50).startswith("w" * 50)
    assert text.wrap("a" * 90, 12) == ["a" * 15 + "…"]


def test_an_empty_report_and_one_period_still_have_a_view() -> None:
    report = factory.report(hostile=False)
    none = replace(report, trajectories=(), documents=(), exemplars=(), sources=())
    assert view.build(none)[0]["verdict"][0]["lead"] == "Nothing to report"
    one = report.trajectories[0]
    first = tuple(p for p in one.prevalence if p.period == "1")
    one = replace(one, periods=("1",), shifts=(), prevalence=first, **BARE)
    shown, _ = view.build(replace(report, trajectories=(one,), documents=()))
    assert "only one period" in shown["verdict"][0]["text"]


def test_all_missing_scores_and_figures_are_said_not_drawn() -> None:
    report = factory.report(hostile=False)
    said = report.predictions
    blank = replace(said, probabilities=np.full_like(said.probabilities, np.nan))
    one = report.trajectories[0]
    nan = math.nan
    empty = tuple(replace(p, estimate=nan, low=nan, high=nan, n_passages=0, n_coded=0) for p in one.prevalence)
    shown, script = view.build(replace(report, predictions=blank, trajectories=(replace(one, prevalence=empty),)))
    json.dumps(script, allow_nan=False)
    assert shown["sections"][0]["findings"][0]["rows"][0]["of"]["n"] == "0"


def test_evaluation_view() -> None:
    shown, embedded = evaluation.build(factory.evaluation(hostile=False))
    assert shown["families"][0] == {"name": "logic", "values": ["0.74", "0.90", "0.61", "–"], "interval": "0.69–0.79"}
    assert shown["families"][2]["values"] == ["–"] * 4
    assert len(shown["errors"]) == evaluation.WORST
    assert shown["errors_shown"] == "60 of 90"
    assert shown["errors"][0]["missed"] == [{"code": "NPG", "score": "0.20"}]
    assert [figure["id"] for figure in shown["figures"]] == [f"figure-{i}" for i in range(1, 6)]
    assert shown["agreement"]["columns"] == ["Ann – Ben", "Ann – m"]
    assert shown["comparison"]["families"][0]["values"][1]["difference"] == "−0.12 [−0.20 to −0.02]"
    assert shown["co_occurrence"]["rows"] == [{"name": "NPM and NPG", "people": "4", "model": "5"}]
    assert [cell["n"] for cell in shown["confusion"][0]["rows"][0]["values"]] == ["9", "1", "2"]
    assert shown["coverage"]["rows"][0]["values"][3] == "23.0 (at 100)"
    assert shown["codes"][0]["shares"] == ["–", "–", "–"]
    error = shown["errors"][0]
    assert error["marked"] == "NPM"
    assert "".join(part["text"] for part in error["parts"]).strip() == error["text"]
    assert error["moved"][0]["words"][0].endswith("+1.50")
    json.dumps(embedded, allow_nan=False)


def test_a_passage_is_cut_at_the_words_that_moved_it() -> None:
    text = "Dock us\r\nif  late, or not"
    parts = evaluation.marked(text, [[0, 4, 1.2], [13, 17, -0.4], [0, 7, 0.3], [22, 25, 0.01]])
    assert parts == [
        {"text": "Dock", "kind": "for"},
        {"text": " us if ", "kind": ""},
        {"text": "late", "kind": "against"},
        {"text": ", or not", "kind": ""},
    ]


def test_reasons_point_into_the_text_as_it_is_shown() -> None:
    report = factory.report()
    _, script = view.build(report)
    checked = 0
    for row, entry in enumerate(script["passages"]):
        for column, words in entry[11]:
            code = script["codes"][column]
            raw = report.predictions.passages[row].text
            moved = report.reasons[row][report.predictions.codes[column]]
            assert code and [text.plain(raw[m.start : m.end]) for m in moved] == [entry[0][a:b] for a, b, _ in words]
            checked += 1
    assert checked > 100


def test_an_evaluation_without_anything() -> None:
    shown, embedded = evaluation.build({})
    assert shown["title"] == "Evaluation of a model"
    assert embedded == {"charts": []}
