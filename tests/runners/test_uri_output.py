"""Output to a URI: there whole or not at all, with its record, under the rules of a path; what is done stays here."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from sibnlp.sharding.store import folder_of
from tests.cli.shell import sibnlp
from tests.runners import cases

OUTPUT = "memory://council/out/predictions.parquet"


class Ship(LocalFileSystem):  # type: ignore[misc]
    """A store that shows a file while it still arrives, and may go under with it."""

    protocol = "ship"
    sinks = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(LocalFileSystem._strip_protocol(str(path).removeprefix("ship://")))

    def put_file(self, lpath: str, rpath: str, *_: Any, **__: Any) -> None:
        raw = Path(lpath).read_bytes()
        Path(rpath).write_bytes(raw[: len(raw) // 2])
        if Ship.sinks:
            raise ConnectionResetError("the store hung up")
        Path(rpath).write_bytes(raw)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder: empty, but for what a command leaves there."""
    fsspec.register_implementation("ship", Ship, clobber=True)
    monkeypatch.setattr(Ship, "sinks", False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield folder
    memory.store.clear()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return cases.folder(tmp_path / "in", 20)


def content(uri: str) -> bytes:
    with fsspec.open(uri, "rb") as file:
        raw: bytes = file.read()
    return raw


@pytest.mark.parametrize("command", ["classify", "segment"])
@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_output_and_record_are_those_of_a_path(
    given: Path, here: Path, tmp_path: Path, command: str, suffix: str
) -> None:
    local, far = tmp_path / f"p.{suffix}", f"memory://council/out/p.{suffix}"
    assert sibnlp(command, given, "-o", local).code == 0
    done = sibnlp(command, given, "-o", far, "--json")
    assert done.code == 0, done.err
    assert content(far) == local.read_bytes()
    told = json.loads(content(f"{far}.run.json"))
    assert told["output"] == far and told["wrote"] == [far] and told["exit_code"] == 0
    last = json.loads(done.err.splitlines()[-1])
    assert (last["wrote"], last["record"]) == ([far], f"{far}.run.json")
    assert list(here.iterdir()) == [], "something was left on this machine"


def test_nothing_is_replaced_without_force(given: Path, here: Path) -> None:
    with fsspec.open(OUTPUT, "wb") as file:
        file.write(b"mine")
    done = sibnlp("classify", given, "-o", OUTPUT)
    assert done.code == 2 and f"{OUTPUT} exists already" in done.err and "--force" in done.err
    assert content(OUTPUT) == b"mine"
    assert sibnlp("classify", given, "-o", OUTPUT, "--force").code == 0
    assert content(OUTPUT) != b"mine"
    fsspec.filesystem("memory").rm_file("/council/out/predictions.parquet")
    done = sibnlp("classify", given, "-o", OUTPUT)
    assert done.code == 2 and f"{OUTPUT}.run.json exists already" in done.err
    assert list(here.iterdir()) == []


def test_what_failed_is_tried_again_and_the_output_replaced_unless_somebody_changed_it(given: Path, here: Path) -> None:
    (given / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    first = sibnlp("classify", given, "-o", OUTPUT)
    assert first.code == 1, first.err
    (work,) = here.iterdir()
    assert work == here / folder_of(OUTPUT) and work.name.startswith("predictions.parquet-")
    assert f"What is done is kept in {work.name}" in first.err
    with_one_missing = content(OUTPUT)
    fsspec.filesystem("memory").store["/council/out/predictions.parquet"].write(b"x")
    changed = sibnlp("classify", given, "-o", OUTPUT)
    assert changed.code == 2 and "exists already" in changed.err
    with fsspec.open(OUTPUT, "wb") as file:
        file.write(with_one_missing)
    (given / "broken.docx").unlink()
    second = sibnlp("classify", given, "-o", OUTPUT)
    assert second.code == 0, second.err
    assert "20 parts taken over from the earlier run, 0 done now" in second.err
    assert list(here.iterdir()) == []


def test_a_store_that_breaks_off_leaves_nothing_half_and_no_work_is_lost(
    given: Path, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far"
    uri = f"ship://{far}/deep/p.csv"
    monkeypatch.setattr(Ship, "sinks", True)
    first = sibnlp("classify", given, "-o", uri)
    assert first.code == 1
    assert f"{uri}: not written: the store hung up" in first.err
    assert [path for path in far.rglob("*") if path.is_file()] == []
    monkeypatch.setattr(Ship, "sinks", False)
    second = sibnlp("classify", given, "-o", uri)
    assert second.code == 0, second.err
    assert "20 parts taken over from the earlier run, 0 done now" in second.err
    assert {path.name for path in (far / "deep").iterdir()} == {"p.csv", "p.csv.run.json"}
    # Replaced too without a moment in which half of it is there.
    monkeypatch.setattr(Ship, "sinks", True)
    before = (far / "deep" / "p.csv").read_bytes()
    assert sibnlp("classify", given, "-o", uri, "--force", "--max-words", 30).code == 1
    assert (far / "deep" / "p.csv").read_bytes() == before


def test_a_file_uri_is_a_path(given: Path, here: Path, tmp_path: Path) -> None:
    (given / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    output = tmp_path / "my out" / "p.parquet"
    assert sibnlp("classify", given, "-o", output.as_uri()).code == 1
    assert {path.name for path in output.parent.iterdir()} == {"p.parquet", "p.parquet.run.json", "p.parquet.work"}
    assert list(here.iterdir()) == []


def test_the_work_lies_where_it_is_told_to(given: Path, here: Path, tmp_path: Path) -> None:
    (given / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    for output in (OUTPUT, str(tmp_path / "p.csv"), str(tmp_path / "other" / "p.csv")):
        assert sibnlp("classify", given, "-o", output, "--work", tmp_path / "work").code == 1
    assert len(list((tmp_path / "work").iterdir())) == 3, "each output has its own"
    assert list(here.iterdir()) == [] and not list(tmp_path.glob("*.work"))
    (given / "broken.docx").unlink()
    done = sibnlp("classify", given, "-o", tmp_path / "p.csv", "--work", tmp_path / "work")
    assert done.code == 0 and "20 parts taken over" in done.err


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("s3://council/p.csv", "s3fs"),
        ("nonsense://council/p.csv", "nonsense"),
        ("memory://council/p.xyz", "cannot write .xyz"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(given: Path, here: Path, output: str, said: str) -> None:
    done = sibnlp("classify", given, "-o", output)
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["drift", "p.csv", "-o"],
        ["run", "in", "-o"],
        ["train", "c.jsonl", "-o"],
        ["evaluate", "gov-fast", "c.jsonl", "-o"],
        ["agree", "c.jsonl", "-o"],
        ["convert", "c.jsonl"],
    ],
)
def test_other_commands_say_that_they_write_to_paths_alone(here: Path, arguments: list[str]) -> None:
    for name in ("p.csv", "c.jsonl", "in"):
        (here / name).write_text("", encoding="utf-8")
    before = {path.name for path in here.iterdir()}
    done = sibnlp(*arguments, "s3://council/out")
    assert done.code == 2
    assert "-o s3://council/out" in done.err and "write here and copy it" in done.err, done.err
    assert {path.name for path in here.iterdir()} == before


def test_a_killed_run_goes_on_and_sends_the_whole(tmp_path: Path) -> None:
    """Through fsspec's ``local://``, which is no path to us."""
    given = cases.folder(tmp_path / "in", 640)
    uri, work = f"local://{tmp_path}/far/p.parquet", tmp_path / "work"
    run = cases.start(given, uri, "--workers", 2, "--work", work)
    deadline = time.monotonic() + 120
    while run.poll() is None and not list(work.glob("*.work/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "far" / "p.parquet").exists()
    done = cases.run(given, uri, "--workers", 2, "--work", work)
    assert done.returncode == 0, done.stderr
    assert "Going on: " in done.stderr
    undisturbed = tmp_path / "undisturbed.parquet"
    assert cases.run(given, undisturbed, "--workers", 0).returncode == 0
    assert (tmp_path / "far" / "p.parquet").read_bytes() == undisturbed.read_bytes()
    assert list(work.iterdir()) == []
