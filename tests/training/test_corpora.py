"""The corpora as codings to train on: splits apart, voices and pairs together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp.codebook import load
from sibnlp.errors import DataError, TableError
from sibnlp.targets import targets
from sibnlp.training.folds import groups_of
from sibnlp.types import CodedPassage, Passage
from training import corpora
from training.build_models import NEGATIVES, SELDOM, thinned

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


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three passages of one document, the first of them not coded, and one of another."""
    monkeypatch.setattr(corpora, "PUBLIC", tmp_path)
    monkeypatch.setattr(corpora, "REAL", tmp_path / "real")
    (tmp_path / "real").mkdir()
    pool = [
        {"id": f"p{n}", "repo": "r", "path": path, "title": title, "text": f"text {n}"}
        for n, path, title in (
            (0, "a.md", "On trust"),
            (1, "a.md", "On trust"),
            (2, "a.md", "On trust"),
            (3, "b.md", None),
        )
    ]
    with gzip.open(tmp_path / "real" / "pool.jsonl.gz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(one) + "\n" for one in pool)
    gold = [
        {**row(f"p{n}", "s", split), "group": "g", "stream": "enriched"}
        for n, split in ((1, "train"), (2, "validation"), (3, "train"))
    ]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(one) + "\n" for one in gold), encoding="utf-8")
    return tmp_path


def test_public_passages_stand_under_their_title(public: Path) -> None:
    found = [one.passage for split in ("train", "validation") for one in corpora.public(split)]
    assert [(p.id, p.heading, p.context) for p in found] == [
        ("p1", "On trust", "text 0"),
        ("p3", "", ""),
        # What will not stand beside a passage in use does not calibrate a model either.
        ("p2", "On trust", ""),
    ]


def test_texts_that_were_fetched_have_no_title(public: Path) -> None:
    (public / "real" / "pool.jsonl.gz").unlink()
    with pytest.raises(DataError, match="the texts of corpora/public are not here"):
        corpora.public("train")
    texts = ({"id": f"p{n}", "text": f"text {n}"} for n in range(4))
    (public / "texts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts), encoding="utf-8")
    assert [(one.passage.text, one.passage.heading) for one in corpora.public("validation")] == [("text 2", "")]


def test_passages_without_a_code_are_thinned() -> None:
    codings = [
        CodedPassage(Passage(f"p{n}", "d", 0, 4, "text"), ("NPM", "endorses") if n < 5 else (), "c") for n in range(50)
    ]
    weights = [dict(one.passage.extra).get("weight") for one in thinned(codings)]
    assert weights[:5] == [None] * 5
    assert {float(str(weight)) for weight in weights[5:]} == {NEGATIVES * 5 / 45}
    assert [dict(one.passage.extra).get("weight") for one in thinned(codings[:10])] == [None] * 5 + ["1.0"] * 5


def test_a_family_outside_the_extent_is_unknown() -> None:
    passage = Passage("p", "d", 0, 4, "text")
    extent = (*SELDOM, "stance")
    coding = CodedPassage(passage, ("NPM", "PVM", "in_tension", "resists"), "c", extent, {"NPM": "resists"})
    codes = ("NPM", "NPG", "governance_mechanisms", "in_tension", "reinforcing", "resists", "endorses")
    found = targets([coding], BOOKS, codes)[0]
    assert np.isnan(found[:3]).all()
    assert found[3:].tolist() == [1, 0, 1, 0]
