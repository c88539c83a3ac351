"""The page on clusters, done: its commands as they stand there, on a head and a second node of this machine.

Slow: Ray starts and stops twice (five minutes in all on two cores that others used, most of it waiting for them).
`ray stop` would end the Ray of others on this machine too, so nothing is done where there is one.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT, lacking
from tests.runners import cases
from tests.test_cluster_page import PAGE, SETTING

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray")

PROCESSES = ("raylet", "gcs_server")
PORT = 6379
TRIES = 4


def commands(heading: str) -> list[str]:
    """The shell lines below a heading of the page, without their comments."""
    (section,) = re.findall(rf"^{re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def only(lines: list[str], start: str) -> str:
    (found,) = (line for line in lines if line.startswith(start))
    return found


def of_ray() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] in PROCESSES]


class Shell:
    """Runs lines of the page on this machine.

    Args:
        home: of the user; Ray keeps its token there.
        folder: the current one.
        stands_for: what to put in the place of the page's examples.
    """

    def __init__(self, home: Path, folder: Path, stands_for: Mapping[str, str]) -> None:
        self.folder, self.stands_for = folder, stands_for
        # The commands of this Python and this checkout; what Ray is told must come from the page.
        told = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = told | {"PATH": binaries, "PYTHONPATH": str(ROOT), "HOME": str(home), "OMP_NUM_THREADS": "1"}

    def export(self, line: str) -> None:
        name, _, value = line.removeprefix("export ").partition("=")
        self.env[name] = value

    def run(self, line: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        for example, real in self.stands_for.items():
            line = line.replace(example, real)
        return subprocess.run(
            ["bash", "-c", line], cwd=folder or self.folder, env=self.env, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def start(self, line: str, stop: str) -> None:
        """`ray start`, again where the machine was too busy for it, as the page says."""
        for _ in range(TRIES):
            done = self.run(line)
            if done.returncode == 0:
                return
            assert "timed out during startup" in done.stderr, done.stderr
            self.run(stop)
            time.sleep(1)
        lacking(f"this machine is too busy: {TRIES} times, no node of Ray started within thirty seconds")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    if of_ray():
        lacking("a Ray runs on this machine already, and `ray stop` would end it")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            lacking(f"port {PORT} is taken on this machine")
    cases.folder(tmp_path / "archive", 40)
    (tmp_path / "home").mkdir()
    stands_for = {
        "FIRST_NODE": address(),
        "/shared/archive": str(tmp_path / "archive"),
        # The store is the cloud's to bring; any that fsspec knows takes the same way.
        "s3://council/minutes": (tmp_path / "archive").as_uri(),
        "s3://council/predictions.parquet": f"local://{tmp_path}/store/predictions.parquet",
    }
    made = Shell(tmp_path / "home", tmp_path, stands_for)
    yield made
    made.run("ray stop --force")


def address() -> str:
    """Of this machine, as other nodes would have it."""
    from ray.util import get_node_ip_address

    return str(get_node_ip_address())


@pytest.mark.parametrize("mode", ["open", "token"])
def test_the_page_is_done_as_it_stands(shell: Shell, tmp_path: Path, mode: str) -> None:
    lines = commands("## On a cluster")
    runs = [line for line in lines if SETTING.sub("", line).startswith("sibnlp ")]
    assert len(runs) == 2
    exports = [line for line in lines if line.startswith("export ")]
    for line in exports if mode == "token" else exports[:1]:
        shell.export(line)
    if mode == "token":
        made = shell.run(only(lines, "ray get-auth-token"))
        assert made.returncode == 0, made.stderr
        assert shell.run(only(lines, "chmod ")).returncode == 0
        assert (tmp_path / "home" / ".ray" / "auth_token").stat().st_mode & 0o077 == 0
    stop = only(lines, "ray stop")
    shell.start(only(lines, "ray start --head"), stop)
    node = shell.run(only(lines, "ray start --address"))
    assert node.returncode == 0, node.stderr
    # On a busy machine the head hears of the other node some seconds later.
    until = time.monotonic() + 60
    status = shell.run(only(lines, "ray status"))
    while len(re.findall(r"^ 1 node_", status.stdout, re.MULTILINE)) < 2 and time.monotonic() < until:
        time.sleep(2)
        status = shell.run(only(lines, "ray status"))
    assert len(re.findall(r"^ 1 node_", status.stdout, re.MULTILINE)) == 2, status.stdout + status.stderr

    shared = shell.run(runs[0])
    assert shared.returncode == 0, shared.stderr
    assert "79 passages from 40 files" in shared.stderr
    # Nothing but what sibnlp says: Ray's own talk goes to its logs, but for that of its core, which begins so.
    said = [line for line in shared.stderr.splitlines() if not line.startswith("[20")]
    assert len(said) == 1, shared.stderr
    local = tmp_path / "local.parquet"
    assert cases.run(tmp_path / "archive", local, "--workers", 0).returncode == 0
    assert (tmp_path / "predictions.parquet").read_bytes() == local.read_bytes()
    assert json.loads((tmp_path / "predictions.parquet.run.json").read_text())["settings"]["runner"] == "ray"
    if mode == "token":
        _without_the_token(shell, runs[0], tmp_path)
    else:
        far = shell.run(runs[1])
        assert far.returncode == 0, far.stderr
        assert (tmp_path / "store" / "predictions.parquet").read_bytes() == local.read_bytes()

    assert shell.run(stop).returncode == 0
    deadline = time.monotonic() + 60
    while of_ray() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert of_ray() == []


def _without_the_token(shell: Shell, line: str, folder: Path) -> None:
    """Whoever has another token gets in by no command, and is told what is asked for."""
    (folder / "stranger" / ".ray").mkdir(parents=True)
    (folder / "stranger" / ".ray" / "auth_token").write_text("0" * 64)
    before = shell.env["HOME"]
    shell.env["HOME"] = str(folder / "stranger")
    done = shell.run(line, folder / "stranger")
    shell.env["HOME"] = before
    assert done.returncode == 2, done.stderr
    assert "RAY_AUTH_MODE" in done.stderr.strip().splitlines()[-1]
    assert not (folder / "stranger" / "predictions.parquet").exists()


def test_the_job_on_the_page_is_sent_to_the_job_server(shell: Shell, tmp_path: Path) -> None:
    """Needs ``ray[default]``, which brings the job server."""
    pytest.importorskip("aiohttp_cors", reason="the job server needs ray[default], which is not installed")
    lines = commands("## On a cluster")
    shell.export(only(lines, "export RAY_USAGE_STATS_ENABLED"))
    stop = only(lines, "ray stop")
    serving = "--dashboard-host=FIRST_NODE"
    assert f"`{serving}` in place of `--include-dashboard=false`" in " ".join(PAGE.split())
    shell.start(only(lines, "ray start --head").replace("--include-dashboard=false", serving), stop)
    shell.stands_for = {**shell.stands_for, "--no-wait ": "", "/shared/": f"{tmp_path}/"}
    done = shell.run(only(lines, "ray job submit"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "store" / "predictions.parquet").is_file()
    assert shell.run(stop).returncode == 0


def test_every_line_of_the_page_is_among_those_that_are_done() -> None:
    lines = commands("## On a cluster")
    done = ("pip install", "export ", "ray start", "ray status", "ray stop", "ray get-auth-token", "chmod", "ray job")
    rest = [line for line in lines if not line.startswith(done)]
    assert [shlex.split(SETTING.sub("", line))[:2] for line in rest] == [["sibnlp", "classify"]] * 2
