"""Tables there and back: nothing changes on the way, and what does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.codebook import load
from sibnlp.errors import InputError
from sibnlp.tables import json_lines, prediction_rows, read_codings, read_predictions, trajectory_json, write
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
