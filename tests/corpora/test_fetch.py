"""corpora/public/fetch.py: texts come back from a git repository or a pool, or are refused by name."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sibnlp import codebook, tables
from tests.conftest import ROOT

PAGE = """# Winter

<p>They **dock** us if the [form](https://example.org/a_(b)) is late.</p>

So the form comes first &amp; the man second<sup>1</sup>, they&#39;d say.
"""
TALK = r'[{"speaker": "Ann", "content": "We rang “each other” up,\nand settled it {laughs} over soup."}]'
FILES = {"posts/winter.md": PAGE, "data/a talk, no. 1.json": TALK}


def module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


fetch = module("fetch", ROOT / "corpora" / "public" / "fetch.py")


def repository(folder: Path, files: dict[str, str]) -> str:
    """A git repository that serves parts of itself, as public ones do; its commit is no longer the newest."""
    folder.mkdir(parents=True)

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("config", "uploadpack.allowFilter", "true")
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    commit = git("rev-parse", "HEAD")
    for name in files:
        (folder / name).write_text("all new\n", encoding="utf-8")
    git("commit", "--quiet", "-am", "second")
    return commit


def row(id: str, commit: str, path: str, variant: str, text: str, raw: str, **other: object) -> dict[str, Any]:
    """A coding of the passage that reads ``text`` in a variant of a file."""
    letters, wanted = ("".join(fetch.KEEP.findall(part)) for part in (fetch.VARIANTS[variant](raw), text))
    return {
        "id": id, "document": f"o/r/{path}", "repo": "o/r", "commit": commit, "path": path,
        "locator": {"variant": variant, "start": letters.index(wanted), "length": len(wanted)},
        "fingerprint": fetch.fingerprint(text), "codes": ["NPM", "endorses"], "coder": "A",
        "extent": ["logic", "stance"], "stances": {"NPM": "endorses"}, "inclusion_probability": None, **other,
    }  # fmt: skip


@pytest.fixture
def case(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    commit = repository(tmp_path / "o" / "r", FILES)
    talk = "data/a talk, no. 1.json"
    rows = [
        row("p1", commit, "posts/winter.md", "tags+links", "They dock us if the form is late", PAGE),
        row("p2", commit, "posts/winter.md", "sup+tags+links+entities", "the man second, they'd say", PAGE),
        row("p3", commit, talk, "notes", "settled it over soup", TALK),
        row("p4", commit, talk, "json", "each other up", TALK),
    ]
    return tmp_path, rows


def run(folder: Path, rows: list[dict[str, Any]], *arguments: object) -> int:
    codings = folder / "codings.jsonl"
    codings.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    url = f"file://{folder}/{{repo}}"
    where = ["--url", url, "--cache", folder / "cache", "-o", folder / "out"]
    return int(fetch.main([str(argument) for argument in (codings, *where, *arguments)]))


def texts(folder: Path) -> dict[str, str]:
    lines = (folder / "out" / "texts.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["id"]: one["text"] for one in map(json.loads, lines)}


def test_texts_come_back_from_a_git_repository(case: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = case
    assert run(folder, [*rows, {**rows[0], "coder": "B"}]) == 0
    assert texts(folder) == {
        "p1": "They **dock** us if the [form is late",
        "p2": "the man second, they'd say",
        "p3": "settled it over soup",
        "p4": texts(folder)["p4"],
    }
    assert fetch.fingerprint(texts(folder)["p4"]) == fetch.fingerprint("each other up")
    # What is written trains a model: it passes the reader that `sibnlp train` uses.
    read = tables.read_codings(
        folder / "out" / "codings-with-text.jsonl", [codebook.load("osborne"), codebook.load("oflynn")]
    )
    assert [(one.passage.id, one.coder) for one in read] == [*((f"p{i}", "A") for i in range(1, 5)), ("p1", "B")]
    assert read[0].passage.document == "o/r/posts/winter.md"
    assert run(folder, rows) == 0, "a second run takes the clone from the cache"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "posts/gone.md"}, "gone.md"),
        ({"commit": "0" * 40}, "0000"),
        ({"repo": "o/none"}, "o/none"),
        ({"locator": {"variant": "raw", "start": 10_000, "length": 5}}, "lies outside the text"),
        ({"locator": {"variant": "raw", "start": -3, "length": 5}}, "lies outside the text"),
        ({"locator": {"variant": "raw", "start": 0, "length": 0}}, "lies outside the text"),
        ({"locator": {"variant": "shouted", "start": 0, "length": 5}}, "unknown locator"),
        ({"locator": {"variant": "raw", "start": "0", "length": 5}}, "whole numbers"),
        ({"locator": {"variant": "raw", "start": 0, "length": 5}}, "fingerprint differs"),
        ({"fingerprint": "f" * 64}, "fingerprint differs"),
        ({"codes": ["NPX"]}, "unknown code NPX"),
        ({"fingerprint": None}, "lacks fingerprint"),
        ({"repo": "--upload-pack=x/y"}, "no repository and commit"),
        ({"commit": "HEAD"}, "no repository and commit"),
    ],
)
def test_what_is_not_there_is_named_counted_and_left_out(
    case: tuple[Path, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    folder, rows = case
    assert run(folder, [rows[0], {**rows[1], **change}]) == 1
    error = capsys.readouterr().err
    assert "p2" in error
    assert told in error
    assert "1 failures" in error
    assert set(texts(folder)) == {"p1"}
    assert len((folder / "out" / "codings-with-text.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_from_a_pool(case: tuple[Path, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]) -> None:
    folder, rows = case
    pool = folder / "pool.jsonl.gz"
    with gzip.open(pool, "wt", encoding="utf-8") as file:
        for id, text in (("p1", "They dock us, if the form is late."), ("p2", "another text"), ("p9", "x")):
            file.write(json.dumps({"id": id, "text": text}) + "\n")
    assert run(folder, rows, "--pool", pool) == 1
    assert texts(folder) == {"p1": "They dock us, if the form is late."}
    error = capsys.readouterr().err
    assert "p2: what stands there now is another text" in error
    assert "passage p3 is not in pool.jsonl.gz" in error
    assert "1 of 4 passages fetched, 3 failures" in error


def test_a_damaged_line_and_rows_at_odds_are_named(
    case: tuple[Path, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rows = case
    path = folder / "odd.jsonl"
    path.write_text("{oops\n" + json.dumps({**rows[0], "fingerprint": "f" * 64}) + "\n", encoding="utf-8")
    assert run(folder, rows, path) == 1
    error = capsys.readouterr().err
    assert "odd.jsonl line 1: not JSON" in error
    assert "odd.jsonl, passage p1: its rows differ" in error
    assert (folder / "out" / "odd-with-text.jsonl").read_text(encoding="utf-8") == ""


def test_it_stands_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "corpora/public/fetch.py"), "--help"], capture_output=True, text=True,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--pool" in done.stdout


def test_its_codes_are_the_codebooks() -> None:
    codes = {c.id for name in ("osborne", "oflynn") for c in codebook.load(name).codes if c.level == "passage"}
    assert codes == fetch.CODES


def test_locators_are_read_as_they_are_defined(shared: Path) -> None:
    locate = module("locate", shared / "tools" / "locate.py")
    assert set(fetch.VARIANTS) == set(locate.VARIANTS)
    for raw in FILES.values():
        for variant in fetch.VARIANTS:
            source = fetch.Source(raw, variant)
            for start, length in ((0, 1), (3, 20), (len(source.at) - 5, 5)) if source.at else ():
                locator = {"variant": variant, "start": start, "length": length}
                assert source.cut(start, length) == locate.passage(raw, locator)
    assert fetch.fingerprint(PAGE) == locate.fingerprint(PAGE)


def test_two_hundred_passages_of_the_pool(shared: Path, tmp_path: Path) -> None:
    """The pool's files are not here; their passages in files of our own make a repository to fetch them from."""
    with gzip.open(shared / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        drawn = random.Random(0).sample([json.loads(line) for line in lines], 200)
    files = {f"f{n}.md": "\n\n".join(["Top", *(one["text"] for one in drawn[n::20])]) for n in range(20)}
    commit = repository(tmp_path / "o" / "r", files)
    rows = []
    for n, one in enumerate(drawn):
        path = f"f{n % 20}.md"
        rows.append(row(one["id"], commit, path, "raw", one["text"], files[path]))
    assert run(tmp_path, rows) == 0
    found = texts(tmp_path)
    assert all(fetch.fingerprint(found[one["id"]]) == fetch.fingerprint(one["text"]) for one in drawn)
    assert run(tmp_path, rows, "--pool", shared / "real" / "pool.jsonl.gz") == 0
    assert texts(tmp_path) == {one["id"]: one["text"] for one in drawn}
