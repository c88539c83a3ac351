"""Everything runs on the machine it is on: the main job works where there is no network at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Without a network there is a loopback device that is down, and nothing else.
PROBE = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=3)"
WAYS = (["unshare", "-rn"], ["unshare", "-n"])


def way() -> list[str]:
    """How a network-less namespace is entered here; skips where none is permitted."""
    if not shutil.which("unshare"):
        pytest.skip("no network-less namespace: there is no `unshare` on this machine")
    refused = ""
    for one in WAYS:
        done = subprocess.run([*one, "true"], capture_output=True, text=True, check=False)
        if not done.returncode:
            return one
        refused = done.stderr.strip()
    pytest.skip(f"no network-less namespace is permitted here: {refused}")


def test_the_main_job_needs_no_network(tmp_path: Path) -> None:
    enter = way()
    probe = subprocess.run([*enter, sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in probe.stderr, "there is no network in there"
    case = tmp_path / "case"
    case.mkdir()
    names = (
        "2014-06_mcomeau_interview-1.odt",
        "2022-09_wboudreau_interview-3.vtt",
        "2018-02_minutes_chowder-friday.md",
    )
    for name in names:
        shutil.copy(ROOT / "corpora/demo/case" / name, case)
    command = [*enter, sys.executable, "-m", "sibnlp", "run", str(case), "-o", str(tmp_path / "report")]
    # No proxies, no tokens, no caches of a hub: nothing that a user's own machine would lack.
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "PYTHONPATH", "OMP_NUM_THREADS")}
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "report.html").stat().st_size > 100_000
    assert len((tmp_path / "report" / "predictions.csv").read_text(encoding="utf-8-sig").splitlines()) > 20
    assert not [path for path in tmp_path.iterdir() if path.name not in ("case", "report")], "nothing is kept at home"


def test_no_module_that_speaks_to_the_network_is_loaded() -> None:
    """The library itself opens no connection: none of its files imports what could."""
    import ast

    speaking = ("socket", "http", "urllib.request", "requests", "httpx", "ftplib", "smtplib", "webbrowser")
    for path in (ROOT / "sibnlp").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            said = [name for name in names if name in speaking or name.startswith("http.")]
            assert not said, f"{path} imports {said}"
