"""Killed at any moment and started again: the same output, nothing twice, nothing missing, nothing done again."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from sibnlp.sharding.store import PART, folder_of
from tests.runners import cases


def shards(output: Path) -> dict[str, tuple[int, int]]:
    """Finished shards of a run: when each was written, and where it lies on the disk."""
    found = {}
    for path in folder_of(output).glob("*.parquet"):
        if PART in path.name:  # the output, being put together
            continue
        try:
            status = path.stat()
        except FileNotFoundError:  # the run has just ended and tidies up
            continue
        found[path.name] = (status.st_mtime_ns, status.st_ino)
    return found


def kill_and_resume(
    given: Path, folder: Path, n_kills: int, seed: int, *further: object, command: str = "classify", wait: float
) -> tuple[Path, int]:
    """Run to the end through n kills at random moments of the work, up to ``wait`` seconds after a shard or so.

    A fast machine does hundreds of documents in some tenths of a second: ``wait`` is to be well below.

    Returns:
        The output, and how many kills hit a run at work.
    """
    output, rng = folder / "killed.parquet", random.Random(seed)
    known: dict[str, tuple[int, int]] = {}
    hits = 0
    for _ in range(n_kills):
        run = cases.start(given, output, *further, command=command)
        # From when the run has begun to work; before that there is nothing to lose.
        began = time.monotonic()
        target = len(known) + rng.randint(0, 3)
        while run.poll() is None and len(shards(output)) < target and time.monotonic() - began < 120:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, wait))
        if run.poll() is not None:
            break
        children = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(signal.SIGKILL)
        run.wait()
        hits += 1
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive, "workers outlive the run that started them"
        now = shards(output)
        assert {name: now.get(name) for name in known} == known, "finished work was done again"
        known = now
        if output.exists():
            break  # the signal came between the last rename and the end
    done = cases.run(given, output, *further, *(["--force"] if output.exists() else []), command=command)
    assert done.returncode == 0, done.stderr
    return output, hits


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 1600)
    undisturbed = tmp_path / "undisturbed.parquet"
    assert cases.run(given, undisturbed, "--workers", 0).returncode == 0
    output, hits = kill_and_resume(given, tmp_path, 3, 7, "--workers", 2, wait=0.05)
    assert hits
    assert output.read_bytes() == undisturbed.read_bytes()
    found = cases.passages(output)
    assert len(found) == len(set(found)) > 1600
    assert not folder_of(output).exists()


def test_a_killed_segment_goes_on_where_it_was(tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 4000)
    undisturbed = tmp_path / "undisturbed.parquet"
    assert cases.run(given, undisturbed, "--workers", 0, command="segment").returncode == 0
    output, hits = kill_and_resume(given, tmp_path, 2, 5, "--workers", 2, command="segment", wait=0.05)
    assert hits
    assert output.read_bytes() == undisturbed.read_bytes()
    found = cases.passages(output)
    assert len(found) == len(set(found)) > 4000
    assert not folder_of(output).exists()


@pytest.mark.slow
def test_twenty_kills_of_five_thousand_documents(tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 5000)
    undisturbed = tmp_path / "undisturbed.parquet"
    assert cases.run(given, undisturbed, "--workers", 0).returncode == 0
    # Some 80 shards must last for twenty kills, on a fast machine too.
    output, hits = kill_and_resume(given, tmp_path, 20, 11, "--workers", 2, wait=0.03)
    assert hits == 20
    assert output.read_bytes() == undisturbed.read_bytes()
    assert {one.partition(":")[0] for one in cases.passages(output)} == {path.name for path in given.iterdir()}
