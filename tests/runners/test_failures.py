"""What fails stays with what failed: it is listed, the rest goes on, and the next run tries only that again."""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from sibnlp import batch
from sibnlp.classifiers.static import StaticClassifier
from sibnlp.errors import DataError
from sibnlp.runners import Means
from sibnlp.sharding import units
from sibnlp.sharding.store import folder_of
from sibnlp.sharding.work import Card, Job
from sibnlp.tables import shards
from tests.cli.shell import sibnlp
from tests.runners import cases

# A reader that sticks, and one that kills its process, as packages of third parties would bring them.
READERS = """
import os, signal, time
import sibnlp.guard
from sibnlp.types import Document
SUFFIXES = (".slow", ".fatal", ".unlucky", ".stuck")
# All but the last are read by the worker itself, as if Python alone read them.
sibnlp.guard.PLAIN += SUFFIXES[:3]

def sniff(head):
    return True

def read(path, document_id):
    if path.suffix in (".slow", ".stuck"):
        time.sleep(60)
    if path.suffix == ".fatal" or (path.suffix == ".unlucky" and not path.with_suffix(".once").exists()):
        path.with_suffix(".once").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Document(document_id, path.read_text())
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install `READERS` for processes that are started from here on."""
    site = tmp_path / "site"
    (site / "awkward-1.dist-info").mkdir(parents=True)
    (site / "awkward.py").write_text(READERS, encoding="utf-8")
    (site / "awkward-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: awkward\nVersion: 1\n")
    (site / "awkward-1.dist-info" / "entry_points.txt").write_text("[sibnlp.readers]\nawkward = awkward\n")
    paths = [str(site), str(cases.ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))


def test_a_file_that_cannot_be_read_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 5), tmp_path / "p.jsonl"
    (given / "d00002.txt").write_bytes(b"\x89PNG\r\n no text")
    first = sibnlp("classify", given, "-o", output)
    assert first.code == 1
    assert "1 of 5 files could not be read" in first.err and "d00002.txt" in first.err
    assert str(folder_of(output)) in first.err
    assert "d00002.txt" not in {row["document"] for row in map(json.loads, output.read_text().splitlines())}
    # What an unfinished run left may be replaced; what somebody made of it since may not.
    cases.folder(given, 3)
    again = sibnlp("classify", given, "-o", output)
    assert again.code == 0, again.err
    assert "4 parts taken over from the earlier run, 1 done now" in again.err
    assert not folder_of(output).exists()
    whole = tmp_path / "whole.jsonl"
    assert sibnlp("classify", given, "-o", whole).code == 0
    assert output.read_bytes() == whole.read_bytes()


def test_an_output_that_was_touched_since_is_not_replaced(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 2), tmp_path / "p.jsonl"
    (given / "bad.docx").write_bytes(b"no archive")
    assert sibnlp("classify", given, "-o", output).code == 1
    output.write_text("mine\n")
    done = sibnlp("classify", given, "-o", output)
    assert done.code == 2 and "--force" in done.err
    assert output.read_text() == "mine\n"


def test_a_passage_on_which_the_model_raises_is_left_out_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, output = cases.folder(tmp_path / "in", 7), tmp_path / "p.parquet"
    whole = tmp_path / "whole.parquet"
    assert sibnlp("classify", given, "-o", whole).code == 0
    predict = StaticClassifier.predict_proba

    def raises(self: StaticClassifier, texts: list[str]) -> np.ndarray:
        if any("In house 5" in text for text in texts):
            raise RuntimeError("no such house")
        return predict(self, texts)

    with monkeypatch.context() as patched:
        patched.setattr(StaticClassifier, "predict_proba", raises)
        done = sibnlp("classify", given, "-o", output)
    assert done.code == 1
    assert "1 passages could not be coded" in done.err
    assert "d00005.txt:" in done.err and "RuntimeError: no such house" in done.err
    left_out = set(cases.passages(whole)) - set(cases.passages(output))
    assert len(left_out) == 1 and left_out.pop().startswith("d00005.txt:")
    again = sibnlp("classify", given, "-o", output)
    assert again.code == 0
    assert "6 parts taken over from the earlier run, 1 done now" in again.err
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("where", ["shard", "output"])
def test_a_full_disk_costs_what_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    given, output = cases.folder(tmp_path / "in", 200), tmp_path / "p.csv"
    publish = importlib.import_module("sibnlp.sharding.store").publish

    def full(part: Path, path: Path) -> None:
        if path.name.startswith("00000001-") if where == "shard" else path.name == "p.csv":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        publish(part, path)

    with monkeypatch.context() as patched:
        patched.setattr("sibnlp.sharding.store.publish", full)
        patched.setattr("sibnlp.sharding.work.publish", full)
        done = sibnlp("classify", given, "-o", output)
    assert done.code == 1
    assert "No space left on device" in done.err
    assert output.exists() == (where == "shard")
    again = sibnlp("classify", given, "-o", output)
    assert again.code == 0, again.err
    taken = 200 - units.FILES if where == "shard" else 200
    assert f"{taken} parts taken over from the earlier run, {200 - taken} done now" in again.err
    whole = tmp_path / "whole.csv"
    assert sibnlp("classify", given, "-o", whole).code == 0
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on the size of files")
def test_a_limit_on_files_is_met_like_a_full_disk(tmp_path: Path) -> None:
    """The operating system's own refusal, in worker processes."""
    given, output = cases.folder(tmp_path / "in", 100), tmp_path / "p.parquet"
    code = (
        "import resource, signal, sys; from sibnlp.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1))\n"
        "sys.argv = ['sibnlp', *sys.argv[1:]]\nif __name__ == '__main__': main()"
    )
    script = tmp_path / "limited.py"
    script.write_text(code, encoding="utf-8")
    import subprocess

    done = subprocess.run(
        [sys.executable, str(script), "classify", str(given), "-o", str(output)],
        cwd=cases.ROOT, env={**os.environ, "PYTHONPATH": str(cases.ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    again = cases.run(given, output)
    assert again.returncode == 0, again.stderr
    assert len(cases.passages(output)) >= 100


@pytest.mark.usefixtures("third_party")
def test_a_reader_that_sticks_is_stopped_and_reported(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 4), tmp_path / "p.jsonl"
    (given / "d00001.slow").write_text("never read", encoding="utf-8")
    done = cases.run(given, output, "--file-timeout", 3, "--workers", 1)
    assert done.returncode == 1, done.stderr
    assert "d00001.slow: reading it took longer than 3 s and was stopped" in done.stderr
    assert "from 4 files" in done.stderr


@pytest.mark.usefixtures("third_party")
def test_a_reader_process_that_sticks_is_stopped_without_workers_too(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 2), tmp_path / "p.jsonl"
    (given / "d00001.stuck").write_text("never read", encoding="utf-8")
    done = cases.run(given, output, "--file-timeout", 3, "--workers", 0)
    assert done.returncode == 1, done.stderr
    assert "d00001.stuck: not read within 3 seconds; its reader was stopped" in done.stderr
    assert "from 2 files" in done.stderr


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 2), tmp_path / "p.jsonl"
    (tmp_path / "secret.txt").write_text("What stands here is nobody's business but mine.", encoding="utf-8")
    (given / "link.txt").symlink_to(tmp_path / "secret.txt")
    done = sibnlp("classify", given, "-o", output)
    assert done.code == 1 and "link to a file outside its folder" in done.err
    assert "business" not in output.read_text()


@pytest.mark.usefixtures("third_party")
def test_a_file_that_kills_its_process_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 4), tmp_path / "p.jsonl"
    (given / "d00001.fatal").write_text("dies whenever it is read", encoding="utf-8")
    (given / "d00003.unlucky").write_text("They died once, and then they did not.", encoding="utf-8")
    done = cases.run(given, output, "--workers", 2)
    assert done.returncode == 1, done.stderr
    assert "d00001.fatal: the process that worked on it ended by itself twice (SIGKILL" in done.stderr
    found = [row["document"] for row in map(json.loads, output.read_text().splitlines())]
    assert "d00003.unlucky" in found and "d00001.fatal" not in found
    assert found == sorted(found)


def test_a_model_that_cannot_be_loaded_is_misuse_in_a_process_too(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 1), tmp_path / "p.jsonl"
    done = sibnlp("classify", given, "-o", output, "--model", "gov-slow", "--workers", "1")
    assert done.code == 2 and "gov-fast" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_worker_with_another_model_than_the_first_is_refused() -> None:
    layout = shards.Layout("mine", ("A",))
    Card(layout, "one").must_be(Card(layout, "one"))
    with pytest.raises(DataError, match="changed while it was in use"):
        Card(layout, "other").must_be(Card(layout, "one"))


def test_two_runs_do_not_share_a_work_folder(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 1), tmp_path / "p.jsonl"
    from sibnlp.sharding.store import Store

    store = Store(folder_of(output))
    done = sibnlp("classify", given, "-o", output)
    assert done.code == 2 and "another run is writing" in done.err
    store.close()
    assert sibnlp("classify", given, "-o", output).code == 0


def test_a_shard_that_is_not_in_the_manifest_speaks_for_itself(tmp_path: Path) -> None:
    """Killed between a shard's renaming and its line in the manifest, and with a line that was torn."""
    given, output = cases.folder(tmp_path / "in", 200), tmp_path / "p.parquet"
    (given / "bad.docx").write_bytes(b"no archive")
    job = Job("gov-fast")
    assert batch.classify(units.find([str(given)]), output, job, means=Means(0)).failed
    manifest = folder_of(output) / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([lines[0], lines[1][:40]]))
    before = {path.name for path in folder_of(output).glob("*.parquet")}
    assert all(shards.about(folder_of(output) / name) for name in before)
    (given / "bad.docx").unlink()
    outcome = batch.classify(units.find([str(given)]), output, job, means=Means(0))
    assert (outcome.taken_over, outcome.done, outcome.failed) == (200, 0, False)
