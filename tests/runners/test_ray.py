"""Runner ``ray`` on a cluster of two nodes: the rows of the local runner, also when a worker is killed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sibnlp import batch
from sibnlp.runners import Means
from sibnlp.sharding import units
from sibnlp.sharding.work import Job
from tests.cli.shell import sibnlp
from tests.conftest import ROOT
from tests.runners import cases

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two nodes on this machine."""
    before = {name: os.environ.get(name) for name in ("RAY_ADDRESS", "RAY_USAGE_STATS_ENABLED", "PYTHONPATH")}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    nodes = started()
    os.environ["RAY_ADDRESS"] = nodes.address
    yield nodes.address
    nodes.shutdown()
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def started() -> Any:
    """A cluster; Ray gives a node thirty seconds to start, which a busy machine may not have."""
    from ray.cluster_utils import Cluster

    for _ in range(3):
        nodes = Cluster()
        try:
            nodes.add_node(num_cpus=2, include_dashboard=False)
            nodes.add_node(num_cpus=1)
        except Exception as error:  # Ray raises no narrower one
            if "timed out during startup" not in str(error):
                raise
            nodes.shutdown()
        else:
            return nodes
    # Not what a machine lacks but what it is doing at the moment: skipped in CI too, and printed.
    return pytest.skip("this machine is too busy: no node of Ray starts within thirty seconds")


def actors() -> list[psutil.Process]:
    """Processes of Ray that hold the model."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any("MapWorker" in part for part in process.info["cmdline"] or ())
    ]


def test_a_cluster_gives_the_rows_of_one_process(cluster: str, tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 200)
    (given / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    local, far = tmp_path / "local.parquet", tmp_path / "far.parquet"
    assert sibnlp("classify", given, "-o", local, "--workers", 0).code == 1
    done = sibnlp("classify", given.as_uri(), "-o", far, "--runner", "ray", "--workers", 2, "--batch-size", 3)
    assert done.code == 1, done.err
    assert "broken.docx" in done.err
    assert far.read_bytes() == local.read_bytes()
    # The next run, of the other runner, has but the broken file to do.
    (given / "broken.docx").unlink()
    cases.folder(given, 3, first=900)
    again = sibnlp("classify", given, "-o", far, "--workers", 0)
    assert again.code == 0
    assert "200 parts taken over from the earlier run, 3 done now" in again.err


def test_segment_gives_the_same_passages_there(cluster: str, tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 70)
    local, far = tmp_path / "local.jsonl", tmp_path / "far.jsonl"
    assert sibnlp("segment", given, "-o", local, "--workers", 0).code == 0
    done = sibnlp("segment", given, "-o", far, "--runner", "ray", "--workers", 1)
    assert done.code == 0, done.err
    assert far.read_bytes() == local.read_bytes()


def test_a_killed_worker_loses_nothing(cluster: str, tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 1200)
    local, far = tmp_path / "local.parquet", tmp_path / "far.parquet"
    killed: list[int] = []

    def kill_one() -> None:
        end = time.monotonic() + 120
        while not killed and time.monotonic() < end:
            # Once the first shard is there the actors are at work.
            if any((tmp_path / "far.parquet.work").glob("*.parquet")):
                for process in actors()[:1]:
                    process.kill()
                    killed.append(process.pid)
            time.sleep(0.01)

    threading.Thread(target=kill_one, daemon=True).start()
    files = units.find([str(given)])
    outcome = batch.classify(files, far, Job("gov-fast"), runner="ray", means=Means(2))
    assert killed, "no worker was there to kill"
    assert not outcome.failed, outcome
    assert sibnlp("classify", given, "-o", local, "--workers", 0).code == 0
    assert far.read_bytes() == local.read_bytes()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    given = cases.folder(tmp_path / "in", 1)
    done = sibnlp("classify", given, "-o", tmp_path / "p.parquet", "--runner", "ray")
    assert done.code == 2
    assert "pip install 'sibnlp[ray]'" in done.err
