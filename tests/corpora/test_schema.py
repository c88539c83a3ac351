"""What all corpora share: fields, the codebooks' rules, datasheets that say what is there, loading."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from sibnlp import codebook
from tests.conftest import ROOT

COMMON = {
    "id", "document", "fingerprint", "licence", "date", "speaker_group", "group", "stream", "why",
    "inclusion_probability", "round", "split", "coder", "date_coded", "codes", "extent", "stances",
}  # fmt: skip
OWN = {
    "public": {"repo", "commit", "path", "locator"},
    "written": {"genre", "sector", "country", "role", "hard", "pair", "changes"},
    "demo": {"speaker", "role", "stage", "kind"},
    "contrast": {"base", "writer"},
}
FURTHER = {"codings.jsonl": {"confidence"}, "gold.jsonl": {"contested", "decided"}}
STREAMS = {
    "public": {"probability", "enriched", "stratified"},
    "written": {"written"},
    "demo": {"demo"},
    "contrast": {"contrast"},
}
DECIDED = {
    "contrast": {"agreed", "adjudicated"},
    "public": {"agreed", "adjudicated", "reviewed"},
    "demo": {"as written"},
}
DECIDED["written"] = DECIDED["public"]
BOOKS = [codebook.load("osborne"), codebook.load("oflynn")]
FAMILY = {code.id: code.family for book in BOOKS for code in book.codes if code.level == "passage"}
ABOUT = {"domain": {"NPM", "NPG"}, "dimension": {"NPM", "PVM"}}
FILES = [(corpus, name) for corpus in OWN for name in FURTHER]


def fields(corpus: str, name: str) -> set[str]:
    # What is ours has its text in gold, once; what is not has it nowhere.
    text = {"public": set(), "contrast": {"edits"}}.get(corpus, {"text"}) if name == "gold.jsonl" else set()
    return COMMON | OWN[corpus] | FURTHER[name] | text


def rows(corpus: str, name: str) -> list[dict[str, Any]]:
    path = ROOT / "corpora" / corpus / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module", params=FILES, ids=lambda one: "/".join(one))
def coded(request: pytest.FixtureRequest) -> tuple[str, str, list[dict[str, Any]]]:
    return (*request.param, rows(*request.param))


def test_fields(coded: tuple[str, str, list[dict[str, Any]]]) -> None:
    corpus, name, found = coded
    assert found
    for row in found:
        assert set(row) == fields(corpus, name), row["id"]
        assert re.fullmatch(r"[0-9a-f]{64}", row["fingerprint"])
        assert row["split"] in ("train", "validation", "test")
        assert row["stream"] in STREAMS[corpus]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["date_coded"]), row["id"]
        assert row["coder"].startswith("language model"), "coders are recorded as what they are"
        assert row["decided"] in DECIDED[corpus] if name == "gold.jsonl" else row["confidence"] in range(4)


def test_one_coding_of_a_passage_by_a_coder_and_one_gold(coded: tuple[str, str, list[dict[str, Any]]]) -> None:
    _, name, found = coded
    who = [(row["id"], row["coder"]) if name == "codings.jsonl" else row["id"] for row in found]
    assert len(set(who)) == len(who)


def test_codes_keep_the_codebooks_rules(coded: tuple[str, str, list[dict[str, Any]]]) -> None:
    for row in coded[2]:
        families = defaultdict(set)
        for code in row["codes"]:
            families[FAMILY[code]].add(code)  # a KeyError is an unknown code
        assert set(families) <= set(row["extent"])
        if "stance" in row["extent"]:
            assert set(row["stances"]) == families["logic"], row["id"]
        assert set(row["stances"].values()) == families["stance"], row["id"]
        for family, logics in ABOUT.items():
            assert not families[family] or families["logic"] & logics, (row["id"], family)
        assert len(families["relation"]) <= (1 if len(families["logic"]) >= 2 else 0), row["id"]
        assert len(set(row["codes"])) == len(row["codes"])


@pytest.mark.parametrize("corpus", OWN)
def test_groups_and_documents_lie_in_one_split_and_codings_point_to_gold(corpus: str) -> None:
    codings, gold = rows(corpus, "codings.jsonl"), rows(corpus, "gold.jsonl")
    for key in ("document", "speaker_group", "group", "fingerprint"):
        splits = defaultdict(set)
        for row in [*codings, *gold]:
            if row[key] is not None:
                splits[row[key]].add(row["split"])
        assert [name for name, found in splits.items() if len(found) > 1] == [], key
    own = {row["id"]: row for row in codings}
    for row in gold:
        for name in COMMON & set(row) - {"coder", "date_coded", "codes", "extent", "stances"}:
            assert own[row["id"]][name] == row[name], (row["id"], name)


@pytest.mark.parametrize(("corpus", "name"), FILES)
def test_the_datasheet_declares_every_field(corpus: str, name: str) -> None:
    head = (ROOT / "corpora" / corpus / "README.md").read_text(encoding="utf-8").split("\n---\n")[0]
    declared, config = head.split("dataset_info:"), name.removesuffix(".jsonl")
    assert "license: cc-by-4.0\n" in head
    assert f"config_name: {config}\n" in declared[0]
    assert f"path: {name}\n" in declared[0]
    features = re.split(r"- config_name: ", declared[1].split(f"- config_name: {config}\n")[1])[0]
    assert set(re.findall(r"^ {6}- \{?name: (\w+)", features, re.MULTILINE)) == fields(corpus, name)


@pytest.mark.parametrize("corpus", OWN)
def test_datasets_loads_the_folder(corpus: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("datasets is not installed: it comes with the extra `train`, which the tests do without")
    # In a process of its own: datasets writes to the home directory and looks for a network unless told otherwise.
    code = (
        "import datasets, json, sys\n"
        "folder, cache = sys.argv[1:]\n"
        "for config in ('gold', 'codings'):\n"
        "    found = datasets.load_dataset(folder, config, cache_dir=cache)['full']\n"
        "    print(json.dumps([config, list(found)], default=str))\n"
    )
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "corpora" / corpus), str(tmp_path)], capture_output=True, text=True,
        env={**os.environ, **quiet}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        config, found = json.loads(line)
        for row in found:
            # A struct has all of its fields: no stance comes as null.
            row["stances"] = {logic: stance for logic, stance in (row["stances"] or {}).items() if stance}
        assert found == rows(corpus, f"{config}.jsonl")
