"""A reader that loops, eats memory or crashes costs one file its place and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sibnlp import corpus, guard, readers
from sibnlp.errors import ReadError, RepeatedIdError
from sibnlp.guard import Guard, StoppedError, _frame, at_risk
from sibnlp.tables.ranges import ranges
from sibnlp.types import Document, Source
from tests.cli.shell import sibnlp
from tests.exchange.tools import Habits, qdpx

# A package of a third party, as it would be installed: what it does stands in the file it reads.
READER = """
import os, time
from pathlib import Path
from sibnlp.types import Document
SUFFIXES = (".evil",)

def sniff(head):
    return True

def read(path, document_id):
    what = path.read_text()
    while what == "loop":
        pass
    if what == "sleep":
        time.sleep(600)
    if what == "memory":
        held = []
        while True:
            held.append(bytearray(64 * 1024**2))
    if what == "crash":
        os.abort()
    if what == "exit":
        os._exit(0)
    if what == "print":
        print("noise on stdout" * 100, flush=True)
    if what == "write":
        Path(path.parent, "written").write_text("x" * 100)
    if what == "odd":
        return Document(document_id, "half a pair \\ud83d and more")
    return Document(document_id, f"It says {what}.")
"""


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files for the reader that misbehaves, which is on the path of this process and of its children."""
    package = tmp_path / "package"
    (package / "evil-1.0.dist-info").mkdir(parents=True)
    (package / "evil_reader.py").write_text(READER)
    (package / "evil-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (package / "evil-1.0.dist-info" / "entry_points.txt").write_text("[sibnlp.readers]\nevil = evil_reader\n")
    monkeypatch.syspath_prepend(package)
    folder = tmp_path / "in"
    folder.mkdir()
    for what in ("loop", "sleep", "memory", "crash", "exit", "print", "write", "odd", "peace"):
        (folder / f"{what}.evil").write_text(what)
    return folder


@pytest.fixture
def impatient() -> Iterator[Guard]:
    with Guard(seconds=4, memory=1024**3) as one:
        one.start()
        yield one


def process_of(one: Guard) -> int:
    assert one._process is not None
    return one._process.pid


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("loop", "not read within 4 seconds; its reader was stopped"),
        ("sleep", "not read within 4 seconds; its reader was stopped"),
        ("crash", "its reader crashed (SIGABRT)"),
        ("exit", "its reader crashed (exit code 0)"),
    ],
)
def test_a_reader_that_does_not_come_back_is_stopped_and_the_next_file_is_read(
    evil: Path, impatient: Guard, what: str, said: str
) -> None:
    # A busy machine may need longer than four seconds to import the reader.
    impatient.seconds = 4 if "4 seconds" in said else 120
    with pytest.raises(StoppedError) as caught:
        impatient.read(evil / f"{what}.evil", "d")
    assert said in str(caught.value) and f"{what}.evil" in str(caught.value) and "\n" not in str(caught.value)
    impatient.seconds = 120
    assert impatient.read(evil / "peace.evil", "d").text == "It says peace."


def test_a_reader_that_eats_memory_is_refused_it(evil: Path) -> None:
    with Guard(seconds=120, memory=1024**3) as one:
        with pytest.raises(ReadError, match="takes too much memory"):
            one.read(evil / "memory.evil", "d")
        # It got over it: the same process reads the next file.
        before = process_of(one)
        assert one.read(evil / "peace.evil", "d").text == "It says peace."
        assert process_of(one) == before


def test_what_a_library_prints_is_no_answer_and_half_pairs_arrive(evil: Path) -> None:
    with Guard() as one:
        assert one.read(evil / "print.evil", "d").text == "It says print."
        assert one.read(evil / "odd.evil", "d").text == "half a pair \ud83d and more"


def test_the_reader_process_writes_no_file(evil: Path) -> None:
    with Guard() as one, pytest.raises(ReadError, match="cannot be read"):
        one.read(evil / "write.evil", "d")
    assert not (evil / "written").exists() or (evil / "written").stat().st_size == 0


def test_a_stuck_reader_ends_even_where_the_command_is_killed(evil: Path, tmp_path: Path) -> None:
    """Nobody is left to stop it: the processor time that it may take does."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from pathlib import Path; from sibnlp.guard import Guard\n"
        "one = Guard(seconds=1); one.start(); print(one._process.pid, flush=True)\n"
        "one.seconds = 1\n"
        f"import threading; threading.Timer = lambda *_: threading.Thread()\n"  # no timer: as if the parent were gone
        f"one.read(Path({str(evil / 'loop.evil')!r}), 'd')\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert started.stdout is not None
    child = int(started.stdout.readline())
    time.sleep(1)
    started.send_signal(signal.SIGKILL)
    started.wait()
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
            if Path(f"/proc/{child}/stat").read_text().split(") ")[1].startswith("Z"):
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the reader is still running")


def test_a_run_goes_on_after_a_stuck_file_and_says_so(evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "Guard", lambda: Guard(seconds=20))
    (evil / "plain.txt").write_text("A plain text of some words.", encoding="utf-8")
    inputs = [corpus.Input(evil / name, name) for name in ("peace.evil", "loop.evil", "crash.evil", "plain.txt")]
    found = list(corpus.read_documents(inputs))
    assert [type(one) for one in found] == [Document, Source, Source, Document]
    assert [one.id for one in found] == [one.id for one in inputs]
    assert "was stopped" in found[1].problem and "crashed" in found[2].problem


def test_commands_read_through_the_guard(tmp_path: Path) -> None:
    """Shown by what only it does: a file at risk is read by another process."""
    study = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    done = sibnlp("segment", study, "-o", "-")
    assert done.code == 0, done.err
    assert "many cups of tea" in done.out


def test_every_format_arrives_as_the_reader_gave_it(tmp_path: Path, root: Path) -> None:
    paths = [next(iter(sorted((root / "corpora/demo/case").glob(f"*{suffix}"))))
             for suffix in (".docx", ".odt", ".rtf", ".pdf", ".html", ".txt", ".vtt", ".xlsx", ".csv")]  # fmt: skip
    with Guard() as one:
        for path in paths:
            if path.name != "metadata.csv":
                assert one.read(path, path.name) == readers.read(path, path.name), path.name


def test_errors_arrive_as_they_were_raised(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ReadError) as here:
        readers.read(tmp_path / "a.docx", "a")
    with Guard() as one, pytest.raises(ReadError) as there:
        one.read(tmp_path / "a.docx", "a")
    assert (type(there.value), str(there.value)) == (type(here.value), str(here.value))
    with Guard() as one, pytest.raises(ReadError, match="no coded project"):
        one.read_project(tmp_path / "a.docx")


def test_small_plain_files_cost_no_process(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Some words that are read here.", encoding="utf-8")
    assert not at_risk(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_bytes(b"x" * (guard.PLAIN_BYTES + 1))
    assert at_risk(tmp_path / "b.txt") and at_risk(tmp_path / "a.docx") and at_risk(tmp_path / "a.qdpx")
    assert not at_risk(tmp_path / "missing.txt")


def test_a_folder_of_documents_is_not_on_the_path_of_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file named like a module, among the documents: nothing imports it."""
    (tmp_path / "lxml.py").write_text("open('imported', 'w').close(); raise SystemExit")
    (tmp_path / "a.html").write_text("<p>Just a line of text that stands alone in the page.</p>", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with Guard() as one:
        assert "Just a line" in one.read(tmp_path / "a.html", "a").text
    assert not (tmp_path / "imported").exists()


def table(path: Path, n: int, twice: bool = False) -> Path:
    """A Parquet table of n rows, whose last has the id of the first where wanted."""
    ids = [f"q{number}" for number in range(n - twice)] + ["q0"] * twice
    pq.write_table(pa.table({"id": ids, "text": ["Tea at four."] * n}), path, row_group_size=1500)
    return path


def test_ranges_come_one_by_one_and_the_same_process_answers_what_is_asked_next(tmp_path: Path) -> None:
    path = table(tmp_path / "t.parquet", 5000)
    with Guard() as one:
        found = one.ranges(path)
        first = next(found)
        before = process_of(one)
        assert [first, *found] == list(ranges(str(path)))
        assert list(one.ranges(table(tmp_path / "small.parquet", 10))) == []
        (tmp_path / "broken.parquet").write_bytes(path.read_bytes()[:500])
        assert list(one.ranges(tmp_path / "broken.parquet")) == []  # who reads it whole says why
        assert list(one.ranges(tmp_path / "missing.parquet")) == []
        with pytest.raises(RepeatedIdError, match="'q0' stands in row 1 and row 5000"):
            list(one.ranges(table(tmp_path / "twice.parquet", 5000, twice=True)))
        assert process_of(one) == before


def test_ranges_that_nobody_takes_are_no_answer_to_another_question(tmp_path: Path) -> None:
    with Guard() as one:
        found = one.ranges(table(tmp_path / "t.parquet", 5000))
        next(found)
        found.close()
        assert len(list(one.ranges(table(tmp_path / "u.parquet", 1600)))) == 3


def test_time_to_find_ranges_runs_while_they_are_waited_for_alone(tmp_path: Path) -> None:
    with Guard(seconds=120) as one:
        one.start()
        assert one._process is not None
        _frame(one._process)  # it has begun
        one._greeted, one.seconds = True, 4.0
        waited = []
        for found in one.ranges(table(tmp_path / "t.parquet", 5000)):
            waited.append(found)
            time.sleep(0.7)  # more than its time in all
        assert len(waited) == 7


def test_a_process_that_dies_over_a_table_is_told_after_what_it_found(tmp_path: Path) -> None:
    path = table(tmp_path / "t.parquet", 400_000)
    with Guard() as one:
        found = one.ranges(path)
        got = [next(found)]
        os.kill(process_of(one), signal.SIGKILL)
        with pytest.raises(StoppedError, match="its reader crashed \\(SIGKILL\\)"):
            got.extend(found)
        assert got == list(ranges(str(path)))[: len(got)]
        assert list(one.ranges(table(tmp_path / "small.parquet", 10))) == []  # by another process
