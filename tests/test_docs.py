"""The README tells the truth: its code runs, and what there is stands in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sibnlp.classifiers import CLASSIFIERS
from sibnlp.cli import START
from sibnlp.codebook import shipped
from sibnlp.detectors import DETECTORS
from sibnlp.exchange import FORMATS
from sibnlp.quantifiers import QUANTIFIERS
from sibnlp.readers import READERS
from tests import docs
from tests.cli.shell import sibnlp
from tests.conftest import ROOT

TEXT = docs.README.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def test_the_section_on_commands_is_what_the_commands_say() -> None:
    assert docs.split(TEXT)[1] == docs.section(), "run: python -m tests.docs"


@pytest.mark.parametrize("code", PYTHON, ids=["library", "spacy"])
def test_python_in_the_readme_runs(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_first_screen_names_real_commands() -> None:
    names = {name.split()[0] for name, _ in docs.commands()}
    assert set(re.findall(r"^  sibnlp (\w+) ", START, flags=re.MULTILINE)) <= names


def test_every_format_codebook_and_seam_is_named() -> None:
    for entry in READERS.values():
        for suffix in entry.suffixes:
            assert suffix in TEXT or suffix in (".text", ".markdown", ".htm", ".xhtml"), suffix
    for entry in FORMATS.values():
        for suffix in entry.suffixes:
            assert suffix in TEXT or suffix in (".sqlite", ".db"), suffix
    for seam in (CLASSIFIERS, QUANTIFIERS, DETECTORS, FORMATS):
        assert f"`{seam.group.partition('.')[2]}`" in TEXT
    for book in shipped():
        assert f"`{book}`" in TEXT


def test_the_readme_s_own_example_trains_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)[0].strip().splitlines()
    coded = [line.replace("anna.docx", f"anna{n}.docx") for n in range(12) for line in lines]
    (tmp_path / "coded.jsonl").write_text("\n".join(coded), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = sibnlp("train", "coded.jsonl", "-o", "my-model", "--codebook", "osborne")
    assert done.code == 0, done.err
    assert sibnlp("evaluate", "my-model", "coded.jsonl", "-o", "evaluation").code == 0


def test_real_files_go_through_the_command_of_the_readme(shared: Path, tmp_path: Path) -> None:
    """The readable ones of the real transcripts; whatever is not readable is listed, and nothing stops the run."""
    assert "sibnlp run ../shared/transcripts" in TEXT
    done = sibnlp("run", shared / "transcripts", "-o", tmp_path / "report")
    assert done.code in (0, 1), done.err
    text = (tmp_path / "report" / "predictions.csv").read_text(encoding="utf-8-sig")
    for name in ("pdpilot_P1.pdf", "qualcoder_ID1.docx", "qualcoder_ID2.odt", "talkpython_525_voice-tags.vtt"):
        assert f"{name}:" in text
    html = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "No passage has a stage or a date" in html


@pytest.mark.parametrize("path", ["models/gov-fast/card.md", "CHANGELOG.md", "LICENSE", "corpora/demo/README.md"])
def test_what_the_readme_points_to_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_links_in_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
