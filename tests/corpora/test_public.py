"""corpora/public: no leak from the development set, splits that part nobody, no third-party text, and the schema."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT

CORPUS = ROOT / "corpora" / "public"
FILES = ("codings.jsonl", "gold.jsonl")
# What the repository may not hold of a passage: so many of its words in a row.
SHINGLE = 12


def rows(name: str) -> list[dict[str, Any]]:
    path = CORPUS / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module", params=FILES)
def coded(request: pytest.FixtureRequest) -> tuple[str, list[dict[str, Any]]]:
    return request.param, rows(request.param)


@pytest.fixture(scope="module")
def pool(shared: Path) -> list[dict[str, Any]]:
    with gzip.open(shared / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def development(shared: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for name in ("dev", "dev_natural")
        for line in (shared / "real" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def test_rows_say_where_their_passage_stands(coded: tuple[str, list[dict[str, Any]]]) -> None:
    for row in coded[1]:
        assert re.fullmatch(r"[0-9a-f]{16}", row["id"])
        assert re.fullmatch(r"[0-9a-f]{40}", row["commit"])
        assert row["document"] == f"{row['repo']}/{row['path']}"
        assert set(row["locator"]) == {"variant", "start", "length"}
        assert row["locator"]["start"] >= 0
        assert row["locator"]["length"] > 0
        assert row["licence"] in ("MIT", "CC0-1.0", "OGL-UK-2.0")
        chance = row["inclusion_probability"]
        assert chance is None if row["stream"] == "enriched" else 0 < chance <= 1


def test_gold_is_what_both_gave_or_an_adjudicator_decided() -> None:
    given: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows("codings.jsonl"):
        given[row["id"]].append(row)
    for row in rows("gold.jsonl"):
        a, b = given[row["id"]]
        assert row["contested"] == sorted(set(a["codes"]) ^ set(b["codes"]))
        alike = a["codes"] == b["codes"] and a["stances"] == b["stances"]
        assert row["decided"] in ("agreed" if alike else "adjudicated", "reviewed")
        if row["decided"] == "agreed":
            assert row["codes"] == a["codes"]
        assert (row["fingerprint"], row["split"]) == (a["fingerprint"], a["split"]) == (b["fingerprint"], b["split"])


def test_no_near_duplicates_straddle_the_splits_of_gold() -> None:
    splits = {row["id"]: row["split"] for row in rows("gold.jsonl")}
    for row in rows("near_duplicates.jsonl"):
        assert len({splits[id] for id in row["ids"] if id in splits}) < 2, row["ids"]


def test_the_sample_is_a_sample(coded: tuple[str, list[dict[str, Any]]]) -> None:
    sample = {row["id"]: row for row in rows("sample.jsonl")}
    for row in coded[1]:
        drawn = sample[row["id"]]
        assert all(row[key] == drawn[key] for key in ("stream", "why", "inclusion_probability", "round"))


def test_nothing_of_the_development_documents_and_speakers(
    coded: tuple[str, list[dict[str, Any]]], pool: list[dict[str, Any]], development: list[dict[str, Any]]
) -> None:
    by_id = {row["id"]: row for row in pool}
    # Told from the development set itself, not only from the pool's mark.
    documents = {
        re.sub(r"^https://github.com/([^/]+/[^/]+)/blob/[0-9a-f]{40}/", r"\1/", unquote(row["source"]))
        for row in development
    }
    assert any("/" in one and not one.startswith("http") for one in documents)
    speakers = {hashlib.sha256(row["speaker"].encode()).hexdigest()[:12] for row in development if row["speaker"]}
    ids = {row["id"] for row in development}
    for row in [
        *coded[1],
        *({**by_id[one["id"]], "document": "", "speaker_group": None} for one in rows("sample.jsonl")),
    ]:
        assert row["id"] not in ids
        assert row["document"] not in documents
        assert row["speaker_group"] not in speakers
        origin = by_id[row["id"]]
        assert not origin["dev_document"]
        assert not origin["speaker"] or hashlib.sha256(origin["speaker"].encode()).hexdigest()[:12] not in speakers


def test_rows_point_to_their_passages(coded: tuple[str, list[dict[str, Any]]], pool: list[dict[str, Any]]) -> None:
    by_id = {row["id"]: row for row in pool}
    for row in coded[1]:
        origin = by_id[row["id"]]
        assert all(row[key] == origin[key] for key in ("repo", "commit", "path", "locator", "licence", "date"))
        letters = re.sub(r"[^0-9A-Za-z]", "", origin["text"])
        assert row["fingerprint"] == hashlib.sha256(letters.encode()).hexdigest()
        assert row["locator"]["length"] == len(letters)


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def shingles(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[0-9a-z]+", text.lower())
    return zip(*(words[i:] for i in range(SHINGLE)), strict=False)


def test_no_sentence_of_a_passage_is_in_the_repository(
    pool: list[dict[str, Any]], development: list[dict[str, Any]]
) -> None:
    ours: dict[tuple[str, ...], str] = {}
    for path in sorted(CORPUS.rglob("*")):
        # What fetch.py brings back is beside the corpus, ignored by git.
        if not path.is_file() or path.name == "texts.jsonl" or path.name.endswith("-with-text.jsonl"):
            continue
        if "cache" in path.relative_to(CORPUS).parts or "__pycache__" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        values = {one for line in lines for one in strings(json.loads(line))} if path.suffix == ".jsonl" else {text}
        for value in values:
            ours.update(dict.fromkeys(shingles(value), path.name))
    assert len(ours) > 100, "the corpus has words of its own: the test sees something"
    # Paths of public files are part of a locator, and may be a title.
    for path_of_file in {row["path"] for row in pool}:
        for shingle in shingles(path_of_file):
            ours.pop(shingle, None)
    found = {
        (ours[shingle], row["id"], " ".join(shingle))
        for row in [*pool, *development] for shingle in shingles(row["text"]) if shingle in ours
    }  # fmt: skip
    assert not found
