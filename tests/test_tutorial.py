"""The tutorial's commands run as they stand, one after the other, and give what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_the_tutorial_runs(tmp_path: Path) -> None:
    assert len(BLOCKS) >= 7
    script = "set -e\n" + "\n".join(BLOCKS)
    script = re.sub(r"^sibnlp ", f"{sys.executable} -m sibnlp ", script, flags=re.MULTILINE)
    script = script.replace("python training/", f"{sys.executable} {ROOT}/training/")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    made = tmp_path / "tutorial"
    agreement = json.loads((made / "agreement.json").read_text(encoding="utf-8"))
    assert agreement["coders"] == ["A. Researcher", "model"] and agreement["n_documents"] == 4
    assert agreement["families"]["Logic"]["alpha"]["value"] is not None
    trajectory = json.loads((made / "drift" / "trajectory.json").read_text(encoding="utf-8"))
    assert trajectory["periods"] == ["1", "2", "3"]
    assert {cell["code"] for cell in trajectory["prevalence"]} >= {"NPM", "NPG"}
    drawn = [json.loads(line) for line in (made / "sampled.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted({(row["stream"], row["ticket"][0]) for row in drawn}) == [("estimation", "E"), ("training", "T")]
    assert (made / "drift" / "report.html").is_file() and (made / "agreement.html").is_file()


def test_every_command_of_the_page_exists() -> None:
    from tests.docs import commands

    known = {name for name, _ in commands()}
    for line in re.findall(r"^sibnlp (\S+)", PAGE, re.MULTILINE):
        assert line in known, line
