"""Tables there and back: nothing changes on the way, and what does not fit is named."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.codebook import load
from sibnlp.errors import InputError
from sibnlp.tables import (
    json_lines,
    passage_rows,
    prediction_rows,
    read_codings,
    read_predictions,
    trajectory_json,
    trajectory_text,
    write,
)
from sibnlp.types import Passage, Predictions, Prevalence, Trajectory

TEXT = st.text(min_size=1, max_size=40).filter(lambda text: text.strip() and "\r" not in text)


def predictions(texts: list[str]) -> Predictions:
    passages = tuple(
        Passage(
            f"d:{n}",
            "d",
            n,
            n + 1,
            text,
            "Anna",
            "A",
            "provider",
            "1",
            "2016-03",
            "interview",
            "Why?",
            "H",
            2,
            "00:01:02",
            (("site", "north"),),
        )
        for n, text in enumerate(texts)
    )
    rng = np.random.default_rng(0)
    probabilities = rng.random((len(texts), 2)).astype(np.float32)
    return Predictions(passages, ("NPM", "NPG"), probabilities, probabilities > 0.5, "m")


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "csv"])
@given(texts=st.lists(TEXT, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_predictions_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("tables") / f"p.{suffix}"
    # NUL and lone surrogates have no place in CSV, controls none in what people type.
    texts = ["".join(c if c.isprintable() or c == "\n" else " " for c in text) + "x" for text in texts]
    before = predictions(texts)
    write(prediction_rows(before), path)
    after = read_predictions(path)
    assert after.model == "m"
    assert set(after.codes) == set(before.codes)
    order = [after.codes.index(code) for code in before.codes]
    assert after.assigned[:, order].tolist() == before.assigned.tolist()
    assert after.probabilities[:, order] == pytest.approx(before.probabilities, abs=1e-6)
    for one, other in zip(after.passages, before.passages, strict=True):
        assert (one.id, one.text, one.start, one.end) == (other.id, other.text, other.start, other.end)
        assert (one.actor, one.role, one.stage, one.date, one.kind) == ("A", "provider", "1", "2016-03", "interview")
        assert (one.context, one.heading, one.page, one.time) == ("Why?", "H", 2, "00:01:02")
        assert dict(one.extra)["site"] == "north"


def test_a_lone_surrogate_is_escaped_not_lost() -> None:
    line = next(json_lines([{"text": "bad \ud800 end"}]))
    line.encode()
    assert json.loads(line)["text"] == "bad \ud800 end"


def codings(tmp_path: Path, *rows: dict[str, object]) -> Path:
    path = tmp_path / "coded.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_codings_keep_all_they_say(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "text": "x",
        "codes": ["NPM", "resists"],
        "coder": "MK",
        "extent": ["logic", "stance"],
        "stances": {"NPM": "resists"},
        "inclusion_probability": 0.2,
    }
    (coding,) = read_codings(codings(tmp_path, row), [load("osborne")])
    assert (coding.codes, coding.coder, coding.extent) == (("NPM", "resists"), "MK", ("logic", "stance"))
    assert (coding.stances, coding.inclusion_probability) == ({"NPM": "resists"}, 0.2)


def test_several_coders_may_code_one_passage(tmp_path: Path) -> None:
    path = codings(tmp_path, {"id": "a", "text": "x", "codes": []}, {"id": "a", "text": "x", "codes": ["NPM"]})
    assert [coding.codes for coding in read_codings(path)] == [(), ("NPM",)]


def test_codes_in_a_spreadsheet_are_joined_by_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('text;codes\none;"NPM; NPG"\ntwo;\n', encoding="utf-8")
    assert [coding.codes for coding in read_codings(path)] == [("NPM", "NPG"), ()]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"codes": ["NPX"]}, "code 'NPX' is in no codebook given"),
        ({"codes": "[1"}, "is not a JSON list"),
        ({"codes": {"NPM": 1}}, "must be a list of ids"),
        ({"codes": [], "extent": ["logics"]}, "unknown family 'logics'"),
        ({"codes": [], "stances": {"NPM": "resists"}}, "stances must map logics the passage carries"),
        ({"codes": [], "inclusion_probability": 1.5}, "inclusion_probability 1.5 is outside"),
        ({"codes": [], "inclusion_probability": "often"}, "inclusion_probability"),
    ],
)
def test_a_coding_that_does_not_fit_is_named_with_its_line(tmp_path: Path, row: dict[str, object], said: str) -> None:
    path = codings(tmp_path, {"text": "fine", "codes": []}, {"text": "x", **row})
    with pytest.raises(InputError) as caught:
        read_codings(path, [load("osborne")])
    assert "line 2" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, "no column 'codes'"),
        ({"text": "", "codes": []}, "no row with a text"),
        ({"text": "x", "codes": [], "scores": {"NPM": 2}}, "outside [0, 1]"),
        ({"text": "x", "codes": [], "scores": {"NPM": "high"}}, "not a number"),
        ({"text": "x", "codes": [], "scores": "{"}, "scores"),
    ],
)
def test_predictions_that_are_none_are_refused(tmp_path: Path, row: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_predictions(codings(tmp_path, row))
    assert said in str(caught.value)


def test_a_missing_figure_is_null_in_json() -> None:
    nan = float("nan")
    cell = Prevalence(None, "NPM", "1", nan, nan, nan, 0, 0, 0, 0, "count")
    found = trajectory_json(Trajectory("osborne", ("1",), (cell,), (), (), "all", "talk"))
    assert found["prevalence"][0]["estimate"] is None
    json.dumps(found, allow_nan=False)


def test_the_text_of_a_trajectory_holds_an_entry_a_line() -> None:
    nan = float("nan")
    cells = tuple(Prevalence(None, code, "1", 0.5, 0.25, nan, 3, 2, 1, 1, "count") for code in ("NPM", "“NPG”"))
    one = Trajectory("osborne", ("1", "2"), cells, (), (), "all", "talk", notes=("é\n",))
    found = trajectory_json(one, replace(one, framework="oflynn", prevalence=cells[:1]))
    text = "".join(trajectory_text(found))
    assert json.loads(text) == found
    lines = [line for line in text.splitlines() if '"NPM"' in line or "“NPG”" in line]
    assert len(lines) == 3 and all(json.loads(line.strip().rstrip(",")) for line in lines)


def test_a_coding_without_a_coder_is_its_models(tmp_path: Path) -> None:
    path = codings(tmp_path, {"text": "x", "codes": [], "model": "m"}, {"text": "y", "codes": [], "coder": "anna"})
    assert [coding.coder for coding in read_codings(path)] == ["m", "anna"]


def passage(**extra: object) -> Passage:
    return Passage("d:0-1", "d", 0, 1, "x", extra=tuple(extra.items()))


def predicted(*passages: Passage) -> Predictions:
    probabilities = np.full((len(passages), 1), 0.75, dtype=np.float32)
    return Predictions(passages, ("NPM",), probabilities, probabilities > 0.5, "m")


def test_what_others_found_stands_beside_what_the_model_finds() -> None:
    said = {"codes": "NPG", "coder": "anna", "extent": ["logic"], "score_NPM": 0.1, "site": "north"}
    (row,) = prediction_rows(predicted(passage(**said)))
    assert (row["codes"], row["scores"], row["model"]) == (["NPM"], {"NPM": 0.75}, "m")
    assert (row["input_codes"], row["input_coder"], row["input_extent"]) == ("NPG", "anna", ["logic"])
    assert (row["input_score_NPM"], row["site"]) == (0.1, "north")
    assert not {"coder", "extent", "score_NPM"} & set(row)
    assert dict(next(passage_rows([passage(**said)])))["codes"] == "NPG"


def test_what_was_classified_twice_keeps_both_answers() -> None:
    (row,) = prediction_rows(predicted(passage(codes="PVM", model="old", input_codes="NPG")))
    assert (row["codes"], row["input_codes"], row["input_input_codes"]) == (["NPM"], "NPG", "PVM")
    assert row["input_model"] == "old"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_the_first_row_lacks_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p.{suffix}"
    write(iter(list(prediction_rows(predicted(passage(), passage(site="north"))))), path)
    assert [dict(one.extra)["site"] for one in read_predictions(path).passages] == [
        "" if suffix == "csv" else None,
        "north",
    ]


def test_a_passages_own_columns_come_first(tmp_path: Path) -> None:
    write([{"site": "north", "text": "x"}, {"document": "d", "text": "y"}], tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["document", "text", "site"], ["", "x", "north"], ["d", "y", ""]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_no_rows_make_a_table_without_rows(tmp_path: Path, suffix: str) -> None:
    write([], tmp_path / f"p.{suffix}")
    with pytest.raises(InputError, match="no row with a text"):
        read_predictions(tmp_path / f"p.{suffix}")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"coder": "anna"}, {"coder": "ben"}], "several coders: anna, ben (keep one coder's rows a file, or adjud"),
        ([{"model": "m"}, {"model": "n"}], "several models: m, n"),
        ([{"extent": ["logic"]}, {"extent": ["logic", "stance"]}], "line 2: the families in extent differ"),
        ([{"extent": ["logic"]}, {}], "line 2: the families in extent differ"),
        ([{"date": "March 2016"}], "line 1: 'March 2016' is not a date"),
    ],
)
def test_codings_that_cannot_be_followed_are_refused(tmp_path: Path, rows: list[dict[str, object]], said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_predictions(codings(tmp_path, *({"text": "x", "codes": ["NPM"], **row} for row in rows)))
    assert said in str(caught.value)


def test_codings_of_one_coder_and_one_extent_can_be_followed(tmp_path: Path) -> None:
    row = {"text": "x", "coder": "anna"}
    one, other = (
        {**row, "codes": ["NPM"], "extent": ["logic", "domain"]},
        {**row, "codes": [], "extent": "domain;logic"},
    )
    found = read_predictions(codings(tmp_path, one, other))
    assert (found.codes, found.assigned.tolist(), found.model) == (("NPM",), [[True], [False]], "anna")


def test_codings_to_measure_on_need_no_proper_date(tmp_path: Path) -> None:
    path = codings(tmp_path, *({"text": "x", "codes": [], "date": date} for date in ("June 2021", "2021-06")))
    assert [coding.passage.date for coding in read_codings(path)] == [None, "2021-06"]


def test_codes_a_table_brings_along_are_not_torn_into_letters(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    passage = Passage("a", "d", 0, 1, "x", extra=(("codes", "NPM;NPG"), ("scores", '{"NPM": 0.5}')))
    write(passage_rows([passage]), tmp_path / "p.parquet")
    (row,) = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert row["codes"] == ["NPM", "NPG"]
    assert dict(row["scores"]) == {"NPM": 0.5}
