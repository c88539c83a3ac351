"""The view: which numbers, in which words, and which passages stand behind them. No HTML here."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sibnlp.report import charts, evaluation, text, view
from sibnlp.report.passages import Cells, chosen, in_scope
from tests.report import factory


@pytest.fixture(scope="module")
def built() -> tuple[dict, dict]:
    return view.build(factory.report(hostile=False))


def test_verdict_counts_the_shifts_and_names_the_leaders(built: tuple[dict, dict]) -> None:
    osborne, oflynn, caution = built[0]["verdict"]
    assert osborne["lead"] == "NPM and NPG (Osborne)"
    assert osborne["text"] == (
        "Between Development and Stable operation, 1 of 6 domain–logic pairs shows a shift, 0 show no change, and for "
        "5 the data cannot tell. Over all domains, at the start NPG leads (35% of passages against 28% NPM; the "
        "intervals overlap); at the end NPM leads (45% of passages against 18% NPG; the intervals overlap)."
    )
    assert oflynn["text"].startswith(
        "Between Development and Stable operation, 1 of 14 domain–logic pairs shows a shift, 4 show no change"
    )
    assert caution == {
        "lead": "Uncorrected",
        "text": "These figures count a classifier’s output and are not corrected for its errors.",
    }


def test_a_row_of_findings(built: tuple[dict, dict]) -> None:
    row = built[0]["sections"][0]["findings"][0]["rows"][0]
    row = {**row, "quotes": len(row["quotes"])}
    assert row == {
        "period": "Development",
        "of": {"n": "120", "detail": ["5 sources", "5 speakers"], "cell": row["of"]["cell"]},
        "shares": [
            {"code": "NPM", "estimate": "27.5", "interval": "14.7–40.3", "coded": "33", "n": "120",
             "cell": row["shares"][0]["cell"]},
            {"code": "NPG", "estimate": "35.0", "interval": "21.3–48.7", "coded": "42", "n": "120",
             "cell": row["shares"][1]["cell"]},
        ],
        "relation": {"label": "Co-existing", "established": True, "dominant": "NPG", "support": "0.84",
                     "reason": "Both present: NPM and NPG, neither moving the other.",
                     "cell": row["relation"]["cell"]},
        "quotes": 2,
    }  # fmt: skip


def test_a_row_of_shifts(built: tuple[dict, dict]) -> None:
    section = built[0]["sections"][0]
    assert section["span"] == "Development → Stable operation"
    first = section["shifts"][0]
    assert (first["name"], first["start"], first["end"]) == ("All domains", "NPG", "NPM")
    assert first["changes"] == [
        {"code": "NPM", "change": "+17.3", "interval": "[+8.3, +26.3]", "outcome": "shift", "symbol": "►"},
        {"code": "NPG", "change": "−17.3", "interval": "[−26.3, −8.3]", "outcome": "shift", "symbol": "►"},
    ]


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
    one = replace(one, periods=("undated",), prevalence=cells, relations=(), shifts=(), period="undated")
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
    one = replace(one, periods=("1",), shifts=(), prevalence=tuple(p for p in one.prevalence if p.period == "1"))
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
