"""The corpora as codings to train on: splits apart, voices and pairs together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sibnlp.codebook import load
from sibnlp.errors import TableError
from sibnlp.training.folds import groups_of
from training import corpora

BOOKS = [load("osborne"), load("oflynn")]


def row(id: str, writer: str, split: str, *codes: str, **other: object) -> dict[str, Any]:
    families = ["logic", "domain", "relation", "stance", "dimension"]
    stances = {code: "endorses" for code in codes if code in ("NPM", "NPG", "PVM")}
    return {
        "id": id, "document": id, "text": f"{writer} on {id}", "speaker_group": writer, "split": split,
        "codes": list(codes), "coder": "c", "extent": families, "stances": stances, "role": "clerk", "hard": True,
        "date": None, "inclusion_probability": None, **other,
    }  # fmt: skip


@pytest.fixture
def gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(corpora, "WRITTEN", tmp_path)
    rows = [
        row("w01-001", "w01", "train", "NPM", "endorses", document="w01-p01"),
        row("w01-002", "w01", "train", document="w01-p01"),
        row("w01-003", "w01", "train"),
        row("w02-001", "w02", "train", "PVM", "endorses"),
        row("w07-001", "w07", "validation"),
        row("w08-001", "w08", "test"),
    ]
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def test_written_passages_of_one_split(gold: Path) -> None:
    found = corpora.written(BOOKS)
    assert [one.passage.id for one in found] == ["w01-001", "w01-002", "w01-003", "w02-001"]
    assert found[0].codes == ("NPM", "endorses")
    assert found[0].stances == {"NPM": "endorses"}
    assert found[0].passage.text == "w01 on w01-001"
    assert [one.passage.id for one in corpora.written(BOOKS, "validation")] == ["w07-001"]
    assert [one.passage.id for one in corpora.written(BOOKS, "test")] == ["w08-001"]


def test_folds_keep_a_voice_together_and_intervals_a_pair(gold: Path) -> None:
    found = corpora.written(BOOKS)
    groups = groups_of(found)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert [one.passage.document for one in found] == ["w01-p01", "w01-p01", "w01-003", "w02-001"]


def test_an_unknown_code_is_refused(gold: Path) -> None:
    gold.write_text(json.dumps(row("w01-001", "w01", "train", "NPX")) + "\n", encoding="utf-8")
    with pytest.raises(TableError, match="NPX"):
        corpora.written(BOOKS)
