"""corpora/contrast: every pair can be put together again, its codings fit, and no third-party text is in it."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sibnlp.errors import DataError
from tests.conftest import ROOT
from training import corpora
from training.coding.records import CODES

CORPUS, PUBLIC = ROOT / "corpora" / "contrast", ROOT / "corpora" / "public"
LOGICS = set(CODES["logic"])
MARKED = {code for family in ("logic", "domain", "dimension") for code in CODES[family]}
SHINGLE = 12


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_edited_passages_are_those_that_were_coded(shared: Path) -> None:
    found = corpora.contrasts()
    assert len(found) == len(rows(CORPUS / "gold.jsonl"))
    for pair in found:
        assert pair.before.passage.text != pair.after.passage.text
        before, after = (LOGICS & set(side.codes) for side in (pair.before, pair.after))
        if pair.kind in ("add", "near"):
            assert not before
        if pair.kind == "near":
            assert not after
        if pair.kind == "remove":
            assert before and before != after


def test_another_text_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora, "edited", lambda text, edits: text)
    with pytest.raises(DataError, match="is another than the one"):
        corpora.contrasts()


def test_gold_is_what_both_gave_or_an_adjudicator_decided() -> None:
    given: dict[str, list[dict[str, Any]]] = {}
    for row in rows(CORPUS / "codings.jsonl"):
        given.setdefault(row["id"], []).append(row)
    split = {row["id"]: row["split"] for row in rows(PUBLIC / "gold.jsonl")}
    for row in rows(CORPUS / "gold.jsonl"):
        writer, blind = given[row["id"]]
        assert row["contested"] == sorted(set(writer["codes"]) ^ set(blind["codes"]))
        alike = writer["codes"] == blind["codes"] and writer["stances"] == blind["stances"]
        assert row["decided"] == ("agreed" if alike else "adjudicated")
        assert not alike or row["codes"] == writer["codes"]
        assert split[row["base"]] == row["split"] == "train"


def test_evidence_lies_in_its_passage(shared: Path) -> None:
    passages = {coding.passage.id: coding for coding in corpora.public("train")}
    for id, marked in corpora.evidence().items():
        assert set(marked) == MARKED & set(passages[id].codes)
        for spans in marked.values():
            assert spans
            assert all(0 <= start < end <= len(passages[id].passage.text) for start, end in spans)


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def shingles(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[0-9a-z]+", text.lower())
    return zip(*(words[i:] for i in range(SHINGLE)), strict=False)


def test_edits_hold_no_sentence_of_a_passage(shared: Path) -> None:
    ours = {
        shingle
        for row in rows(CORPUS / "gold.jsonl") for one in row["edits"] for shingle in shingles(one["text"])
    }  # fmt: skip
    assert len(ours) > 10_000
    with gzip.open(shared / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = {shingle for line in lines for shingle in shingles(json.loads(line)["text"]) if shingle in ours}
    assert not found
