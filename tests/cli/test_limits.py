"""Commands that take codings, predictions or projects: a file that hangs, crashes or fills a process ends in a line.

For documents see `tests.test_guard`. Here whatever reads the file fails at once, or not at all, in a process apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sibnlp import exchange, guard
from sibnlp.guard import Guard, StoppedError
from sibnlp.registry import Entry
from sibnlp.sharding import units
from sibnlp.tables.ranges import RowRange, ranges
from tests.cli.shell import Done, sibnlp

# A format of a third party, as it would be installed: what it does stands in the file it reads.
FORMAT = """
import os, time
SUFFIXES = (".evil",)

def sniff(path, head):
    return True

def read(path, options):
    what = path.read_text()
    while what == "loop":
        pass
    if what == "crash":
        os.abort()
    raise ValueError(what)
"""
ROWS = 8_000_000


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes projects that the installed importer loops or crashes over."""
    package = tmp_path / "package"
    (package / "evilformat-1.0.dist-info").mkdir(parents=True)
    (package / "evil_format.py").write_text(FORMAT)
    (package / "evilformat-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: evilformat\nVersion: 1.0\n"
    )
    (package / "evilformat-1.0.dist-info" / "entry_points.txt").write_text("[sibnlp.exchange]\nevil = evil_format\n")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setitem(exchange.FORMATS._table, "evil", Entry("evil_format", (".evil",)))

    def made(what: str) -> Path:
        path = tmp_path / f"{what}.evil"
        path.write_text(what)
        return path

    return made


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A table of some kilobytes that unfolds to gigabytes: one text, eight million times."""
    path = repeated(tmp_path / "bomb.parquet", ROWS)
    assert path.stat().st_size < 200_000
    return path


def repeated(path: Path, n: int) -> Path:
    schema = pa.schema([("text", pa.dictionary(pa.int32(), pa.string()))])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        numbers = pa.array([0] * 20_000, pa.int32())
        table = pa.table([pa.DictionaryArray.from_arrays(numbers, pa.array(["We lost the contract."]))], schema=schema)
        for _ in range(n // 20_000):
            writer.write_table(table)
    return path


def commands(path: Path, folder: Path) -> dict[str, list[object]]:
    """Every command that reads codings, predictions or projects, given this file."""
    good = folder / "good.jsonl"
    good.write_text('{"text": "We lost the contract.", "codes": ["NPM"], "model": "m"}\n', encoding="utf-8")
    (folder / "sampled.jsonl").write_text("", encoding="utf-8")
    return {
        "train": ["train", path, "-o", folder / "model"],
        "train --held-out": ["train", good, "--held-out", path, "-o", folder / "model"],
        "evaluate": ["evaluate", "gov-fast", path, "-o", folder / "evaluation"],
        "drift": ["drift", path, "-o", folder / "drift"],
        "drift --gold": ["drift", good, "--gold", path, "-o", folder / "drift"],
        "drift --trained-on": ["drift", good, "--trained-on", path, "-o", folder / "drift"],
        "agree": ["agree", path],
        "collect": ["collect", path, "--ledger", folder / "sampled.jsonl", "-o", folder / "collected.jsonl"],
        "convert": ["convert", path, folder / "converted.jsonl"],
        "sample": ["sample", path, "--for", "training", "-n", 3, "-o", folder / "queue.csv"],
    }


NAMES = list(commands(Path("x"), Path("/tmp")))


# Python is refused the memory; Arrow, where it is refused some, may end the process.
TOO_MUCH = ("reading it takes too much memory", "its reader crashed (SIGABRT)")


def check(done: Done, path: Path, folder: Path, *said: str) -> None:
    assert done.code == 2, done.err
    line = done.err.strip()
    assert any(one in line for one in said) and path.name in line and "\n" not in line, line
    left = {"model", "evaluation", "drift", "collected.jsonl", "converted.jsonl", "queue.csv"}
    assert not left & {one.name for one in folder.iterdir()}


# One of each way in which commands read tables; that all have their files tried the next test shows.
@pytest.mark.parametrize("name", ["train", "agree"])
def test_a_table_that_unfolds_to_gigabytes_is_refused(
    bomb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Guard.__init__, "__defaults__", (600, 1024**3))
    done = sibnlp(*commands(bomb, tmp_path)[name])
    check(done, bomb, tmp_path, *TOO_MUCH)


def test_predictions_that_unfold_to_gigabytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table just as `sibnlp classify` writes it, which is read by column."""
    monkeypatch.setattr(Guard.__init__, "__defaults__", (600, 1024**3))
    path = tmp_path / "predictions.parquet"
    text, n = "We lost. " * 1000, 25_000
    row = {"document": "d", "passage": "p", "start": 0, "end": len(text), "text": text, "codes": ["a"], "model": "m"}
    columns: dict[str, Any] = {name: pa.array([value] * n) for name, value in row.items()}
    columns["scores"] = pa.array([[("a", 0.5)]] * n, pa.map_(pa.string(), pa.float32()))
    table = pa.table(columns)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(8):
            writer.write_table(table)
    assert path.stat().st_size < 10**7
    check(sibnlp("drift", path, "-o", tmp_path / "drift"), path, tmp_path, *TOO_MUCH)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("sample",)])
def test_a_project_that_crashes_its_importer_costs_one_line(
    evil: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    done = sibnlp(*commands(evil("crash"), tmp_path)[name])
    check(done, tmp_path / "crash.evil", tmp_path, "its reader crashed (SIGABRT)")


@pytest.mark.parametrize("name", ["evaluate"])
def test_a_project_that_its_importer_loops_over_is_stopped(
    evil: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Guard.__init__, "__defaults__", (3, guard.MEMORY))
    done = sibnlp(*commands(evil("loop"), tmp_path)[name])
    check(done, tmp_path / "loop.evil", tmp_path, "was stopped")


@pytest.mark.parametrize("name", NAMES)
def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path, name: str) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    done = sibnlp(*commands(pipe, tmp_path)[name])
    check(done, pipe, tmp_path, "is no regular file")


def test_a_large_table_to_classify_is_cut_in_a_process_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = repeated(tmp_path / "large.parquet", 20_000)
    here = list(ranges(str(path)))
    for name in ("has_ranges", "ranges"):
        monkeypatch.setattr(units, name, lambda _: pytest.fail("read by the command itself"))
    units_of = partial(units.plan, units.find([str(path)]))
    assert [part.rows for unit in units_of() for part in unit.parts] == here and len(here) == 20

    def stuck(guard: Guard, path: Path) -> Iterator[RowRange]:
        yield here[0]
        raise StoppedError(path, "its reader crashed (SIGSEGV)")

    monkeypatch.setattr(Guard, "ranges", stuck)
    first, last = (part for unit in units_of() for part in unit.parts)
    assert first.rows == here[0] and not first.problem
    assert last.rows is None and "its reader crashed (SIGSEGV)" in last.problem and str(path) in last.problem


def test_tables_in_text_are_read_without_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a process for a table in text")

    monkeypatch.setattr(Guard, "_ask", never)
    rows = "".join(f'{{"id": "{n}", "text": "a b", "codes": [], "coder": "{who}"}}\n' for n in range(3) for who in "ab")
    (tmp_path / "codings.jsonl").write_text(rows, encoding="utf-8")
    assert sibnlp("agree", tmp_path / "codings.jsonl").code == 0
