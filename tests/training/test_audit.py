"""The audit is clean only where every package was asked about and none has an advisory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from training import audit

LXML, NUMPY = {"name": "lxml", "version": "6.0", "vulns": []}, {"name": "numpy", "version": "2", "vulns": []}
CLEAN = {"dependencies": [LXML, NUMPY]}
ADVISORY = {"id": "PYSEC-1", "fix_versions": ["6.1"], "aliases": [], "description": "x"}
WITH = {"dependencies": [{"name": "lxml", "version": "6.0", "vulns": [ADVISORY]}, NUMPY]}
SKIPPED = {"dependencies": [LXML, {"name": "ours", "skip_reason": "not on PyPI"}]}
UNREACHED = "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"


def outcome(code: int, out: object, err: str = "") -> tuple[int, str]:
    said: list[str] = []

    def fake(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        assert "--strict" in command
        return subprocess.CompletedProcess(command, code, out if isinstance(out, str) else json.dumps(out), err)

    return audit.audit(fake, said.append), "\n".join(said)


def test_clean() -> None:
    assert outcome(0, CLEAN) == (audit.CLEAN, "pip-audit: clean, no advisory applies to 2 packages")


def test_an_advisory_is_named() -> None:
    code, said = outcome(1, WITH, "Found 1 known vulnerability in 1 package")
    assert code == audit.VULNERABLE
    assert "lxml 6.0: PYSEC-1, mended in 6.1" in said


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (1, "", UNREACHED),
        (0, "", ""),
        (0, "{}", ""),
        (0, '{"dependencies": []}', ""),
        (0, '{"dependencies": 3}', ""),
        (0, SKIPPED, ""),
        (1, CLEAN, UNREACHED),
        (127, CLEAN, "killed"),
        (2, "usage", "no such option"),
    ],
)
def test_without_an_answer_for_every_package_it_is_not_run_and_never_clean(code: int, out: object, err: str) -> None:
    found, said = outcome(code, out, err)
    assert found == audit.NOT_RUN
    assert "NOT RUN, nothing is known" in said and "clean" not in said


def test_a_tool_that_is_not_there_or_hangs_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert audit.run(["/nonesuch"]).returncode == 127
    monkeypatch.setattr(audit, "SECONDS", 0.2)
    assert audit.run([sys.executable, "-c", "import time; time.sleep(60)"]).returncode == 127


@pytest.mark.parametrize(("report", "code"), [(CLEAN, 0), (WITH, 1), (None, 3)])
def test_the_whole_script_by_a_fake_pip_audit(tmp_path: Path, root: Path, report: object, code: int) -> None:
    body = f"print({json.dumps(report)!r})\nraise SystemExit({int(report is WITH)})" if report else (
        f"import sys\nprint({UNREACHED!r}, file=sys.stderr)\nraise SystemExit(1)"
    )  # fmt: skip
    (tmp_path / "pip_audit.py").write_text(body)
    done = subprocess.run([sys.executable, "-m", "training.audit"], capture_output=True, text=True, check=False,
                          cwd=root, env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"})  # fmt: skip
    assert done.returncode == code, done.stderr
    assert ("NOT RUN" in done.stdout) == (code == 3)


@pytest.mark.parametrize(("code", "stops"), [(0, False), (3, False), (1, True), (127, True)])
def test_make_goes_on_where_nothing_is_known_and_stops_at_an_advisory(root: Path, code: int, stops: bool) -> None:
    """The recipe of `make audit`, with an audit that ends so; .ci/run calls it."""
    assert "make audit" in (root / ".ci/run").read_text().splitlines()
    recipe = (root / "Makefile").read_text().split("\naudit:")[1].split("\n")[1].strip().lstrip("@")
    call = "$(BIN)/python -m training.audit"
    assert call in recipe
    line = recipe.replace(call, f"sh -c 'exit {code}'").replace("$$", "$")
    assert (subprocess.run(["bash", "-c", line], check=False).returncode != 0) == stops
