"""The demo case: the files hold what the writers wrote, the planned mess apart, and a rebuild changes no byte."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sibnlp import corpus, metadata, project, readers
from sibnlp.segmentation import SegmentSettings, interviewers_of
from sibnlp.types import Document, Passage
from tests.conftest import ROOT, lacking

DEMO = ROOT / "corpora" / "demo"
CASE = DEMO / "case"
# What may stand between two words of a turn: a page line, a typist's note, the alternative text of a picture.
GAP = 60


def load(name: str) -> Any:
    return json.loads((DEMO / name).read_text(encoding="utf-8"))


@functools.cache
def truth() -> Any:
    return load("truth.json")


FILES = sorted(load("truth.json")["files"])
PLAN = {f"{entry['id']}.{entry['format']}": entry for entry in load("plan.json")["documents"]}
NAMES = {actor["id"]: actor["name"] for actor in load("plan.json")["actors"]}
INTERVIEWS = [file for file in FILES if PLAN[file]["type"] == "interview"]


@functools.cache
def records(file: str) -> list[dict[str, Any]]:
    path = DEMO / "source" / truth()["files"][file]["source"]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@functools.cache
def read(file: str) -> Document:
    return readers.read(CASE / file, file)


@functools.cache
def settings() -> SegmentSettings:
    cut = project.load(CASE).segment
    return SegmentSettings(cut.max_words, cut.min_words, cut.interviewer, cut.interviewers)


@functools.cache
def passages() -> dict[str, list[Passage]]:
    chosen = project.load(CASE)
    inputs = corpus.find_documents(chosen)
    read = corpus.collect(inputs, settings(), metadata.gather(chosen, [one.id for one in inputs]))
    assert not read.failed
    out: dict[str, list[Passage]] = {file: [] for file in FILES}
    for passage in read.passages:
        out[passage.document].append(passage)
    return out


def letters(text: str) -> str:
    """A text without what files change: case, white space, hyphens, quotation marks and other signs."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def as_written(file: str, record: dict[str, Any]) -> list[str]:
    """Words of a record with its mis-hearings."""
    text = record["text"]
    for change in truth()["mess"]["heard"].get(file.rpartition(".")[0], ()):
        if change["beat"] == record.get("beat") and not record.get("interviewer"):
            text = text.replace(change["said"], change["written"], 1)
    return [word for word in map(letters, text.split()) if word]


def follow(words: list[str], text: str, at: int) -> int | None:
    """Where a run of words ends in a text; None where they do not stand there in order, `GAP` apart at most."""
    start = text.find("".join(words[:3]), at)
    while start >= 0:
        end = start
        for word in words:
            found = text.find(word, end, end + GAP + len(word))
            if found < 0:
                break
            end = found + len(word)
        else:
            return end
        start = text.find("".join(words[:3]), start + 1)
    return None


@pytest.mark.parametrize("file", FILES)
def test_every_word_is_read_in_order(file: str) -> None:
    text, at = letters(read(file).text), 0
    for record in records(file):
        if record["kind"] == "heading" and file.endswith((".srt", ".vtt")):
            continue  # captions have no title
        end = follow(as_written(file, record), text, at)
        assert end is not None, f"not found, or not in its place: {record['text'][:80]!r}"
        at = end


@pytest.mark.parametrize("file", FILES)
def test_nothing_deleted_or_commented_is_read(file: str) -> None:
    mess, name, text = truth()["mess"], file.rpartition(".")[0], letters(read(file).text)
    for change in mess["tracked"].get(name, ()):
        assert not change["deleted"] or letters(change["deleted"]) not in text
        assert letters(change["inserted"]) in text
    assert not mess["comments"].get(name) or letters(mess["comments"][name]) not in text


@pytest.mark.parametrize("file", INTERVIEWS)
def test_speakers_are_those_of_the_file(file: str) -> None:
    known = truth()["files"][file]
    assert {turn.speaker for turn in read(file).turns} == {*known["answering"], *known["asking"]}
    document = metadata.gather(project.load(CASE), FILES).apply(read(file))
    assert interviewers_of(document, settings()) == set(known["asking"])


@pytest.mark.parametrize("file", INTERVIEWS)
def test_respondents_turns_become_passages_of_the_right_actor(file: str) -> None:
    actor = NAMES[PLAN[file]["actor"]]
    text = letters(" ".join(p.text for p in passages()[file] if p.actor == actor))
    turns = [record for record in records(file) if record["kind"] == "turn" and not record.get("interviewer")]
    missing = [record["text"][:60] for record in turns if follow(as_written(file, record), text, 0) is None]
    assert len(missing) <= 0.05 * len(turns), missing
    assert {p.stage for p in passages()[file]} == {str(PLAN[file]["stage"])}
    assert {p.date for p in passages()[file]} == {PLAN[file]["date"]}
    asked = [letters(record["text"]) for record in records(file) if record.get("interviewer")]
    assert not [question for question in asked if len(question) > 30 and question in text]


@pytest.mark.parametrize("file", sorted(set(FILES) - set(INTERVIEWS)))
def test_documents_are_no_interviews(file: str) -> None:
    assert {p.kind for p in passages()[file]} == {PLAN[file]["type"]}
    assert not any(p.speaker for p in passages()[file])


def test_codings_fit_their_sources() -> None:
    rows = [json.loads(line) for line in (DEMO / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) == sum(len(entry["beats"]) for entry in PLAN.values())
    for row in rows:
        said = "\n\n".join(r["text"] for r in records(row["document"]))
        assert row["text"] in said
        logics = {code for code in row["codes"] if code in ("NPM", "NPG", "PVM")}
        assert logics == set(row["stances"])
        assert set(row["stances"].values()) <= set(row["codes"])


def test_truth_is_counted_from_the_codings() -> None:
    rows = [json.loads(line) for line in (DEMO / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    for name, spoken in (("cells", True), ("cells_documents", False)):
        for domain, logics in truth()[name].items():
            for logic, stages in logics.items():
                for stage, cell in stages.items():
                    here = [r for r in rows if r["stage"] == stage and (r["document"] in INTERVIEWS) is spoken]
                    n = sum({domain, logic} <= set(row["codes"]) for row in here)
                    assert cell == {"n": n, "share": round(n / len(here), 4)}, (domain, logic, stage)


def test_no_two_turns_share_a_run_of_eight_words() -> None:
    seen: dict[tuple[str, ...], tuple[str, int]] = {}
    for file in FILES:
        for number, record in enumerate(records(file)):
            words = re.findall(r"[\w']+", record["text"].casefold().replace("’", "'"))
            for i in range(len(words) - 7):
                where = (file, number)
                run = tuple(words[i : i + 8])
                assert seen.setdefault(run, where) == where or record["kind"] == "heading", " ".join(run)


def test_project_file_names_the_stages() -> None:
    raw = tomllib.loads((CASE / "project.toml").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in raw["stage"]] == [stage["name"] for stage in load("plan.json")["stages"]]


def contents(path: Path) -> Any:
    """Bytes of a file; of a package, those of its members, since what deflate writes depends on the zlib at hand."""
    if path.suffix not in (".docx", ".odt"):
        return path.read_bytes()
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_a_rebuild_changes_no_byte(tmp_path: Path) -> None:
    for module in ("docx", "odfdo", "reportlab"):
        if importlib.util.find_spec(module) is None:
            lacking(f"{module} is not installed: the files of the demo case cannot be rebuilt")
    for name in ("one", "two"):
        command = [sys.executable, "-m", "training.build_demo", "--out", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    built = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    names = [path.relative_to(tmp_path / "one") for path in built]
    assert {path.name for path in names} >= {*FILES, "metadata.csv", "project.toml", "truth.json"}
    assert not [
        name for name in names if (tmp_path / "two" / name).read_bytes() != (tmp_path / "one" / name).read_bytes()
    ]
    changed = [str(name) for name in names if contents(DEMO / name) != contents(tmp_path / "one" / name)]
    assert not changed, f"run training/build_demo.py and commit: {changed}"
