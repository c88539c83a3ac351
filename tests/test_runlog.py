"""The record of a run: what it tells, and what it must not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sibnlp import runlog
from sibnlp.runlog import RunLog, cleaned, record_of, shown
from sibnlp.types import Source


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study in the home of an account, and the command running in it."""
    folder = tmp_path / "users" / "mkeller" / "study"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(runlog, "_user", lambda: "mkeller")
    return folder


def test_paths_are_shown_from_where_the_command_runs(here: Path) -> None:
    assert shown(here / "interviews" / "anna.txt") == "interviews/anna.txt"
    assert shown(here) == "."
    assert shown(here.parent / "other" / "ben.txt") == "ben.txt"
    assert shown("../other/ben.txt") == "ben.txt"
    assert shown("a/../../mkeller") == "~", "the name of the account is no name to show"
    assert shown("s3://council/minutes") == "s3://council/minutes"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{here}/interviews/anna.txt, row 3: no text", "interviews/anna.txt, row 3: no text"),
        ("/srv/case of B/ben.docx: damaged", "ben.docx: damaged"),
        ("zero_shot:/srv/books/mine.toml", "zero_shot:mine.toml"),
        ("stage=../private/x.csv", "stage=x.csv"),
        (r"C:\Users\mkeller\ben.docx: damaged", "ben.docx: damaged"),
        ("file:///home/mkeller/ben.docx", "ben.docx"),
        ("https://key:secret@host/p/a.txt?token=1 is empty", "https://host/p/a.txt is empty"),
        ("in mkeller/notes.txt", "in ~/notes.txt"),
        ("yes and/or no, 1/2", "yes and/or no, 1/2"),
    ],
)
def test_texts_lose_what_tells_of_the_machine(here: Path, text: str, left: str) -> None:
    assert cleaned(text.format(here=here)) == left


def full(here: Path, private: bool = False) -> RunLog:
    output = here / "out.csv"
    output.write_text("x")
    (here / "anna.txt").write_text("Anna", encoding="utf-8")
    log = RunLog(
        "segment",
        private,
        output,
        {"paths": [str(here / "anna.txt")], "max_words": 120, "coder": ["Anna"], "project": here.parent / "p.toml"},
        inputs=[str(here / "anna.txt")],
        wrote=[output],
    )
    log.add_sources([Source("anna.txt", format="text"), Source("b.pdf", problem=f"{here}/b.pdf: damaged")])
    log.problems.append(f"{here.parent}/b.pdf: damaged")
    log.warnings.append("Anna speaks of Ben")
    log.counts["passages"] = 3
    return log


def test_a_record_can_be_given_away(here: Path) -> None:
    text = json.dumps(full(here).to_dict(1))
    assert "mkeller" not in text and str(here.parent.parent) not in text
    told = json.loads(text)
    assert told["settings"] == {"paths": ["anna.txt"], "max_words": 120, "coder": ["Anna"], "project": "p.toml"}
    assert told["formats"] == {
        "pdf": {"in": 1, "out": 0, "failed": 1},
        "text": {"in": 1, "out": 1, "failed": 0},
    }
    assert told["problems"] == ["b.pdf: damaged"]
    assert told["inputs"][0]["bytes"] == 4 and len(told["inputs"][0]["sha256"]) == 64
    assert told["versions"]["libraries"]["numpy"]


def test_where_names_are_hidden_no_text_stands_in_it(here: Path) -> None:
    told = full(here, private=True).to_dict(0)
    assert "nna" not in json.dumps(told) and "Ben" not in json.dumps(told)
    assert told["settings"] == {"paths": 1, "max_words": 120, "coder": 1, "project": "given"}
    assert (told["problems"], told["warnings"], told["inputs"]) == (1, 1, [{"format": "text"}])


def test_the_same_run_gives_the_same_record_but_for_times(here: Path) -> None:
    one, two = (full(here).to_dict(0) for _ in range(2))
    one.pop("times"), two.pop("times")
    assert one == two


def test_it_lies_beside_a_file_and_in_a_folder_and_only_where_something_was_written(here: Path) -> None:
    log = full(here)
    assert log.write(0) == here / "out.csv.run.json"
    assert record_of(here) == here / "run.json"
    assert not [path for path in here.iterdir() if path.name.startswith(".")], "nothing is left of the writing"
    log.wrote.clear()
    assert log.write(0) is None


def test_half_a_character_in_a_name_is_written_as_json_has_it(here: Path) -> None:
    log = full(here)
    log.problems.append("caf\udce9.txt: no text")
    path = log.write(1)
    assert path and json.loads(path.read_text(encoding="utf-8"))["problems"][-1] == "caf\udce9.txt: no text"


def test_time_goes_to_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([2.0, 5.0, 9.0])
    monkeypatch.setattr("sibnlp.runlog.time.monotonic", lambda: next(now))
    log = RunLog(_last=0.0)
    for stage in ("reading", "classifying", "reading"):
        log.lap(stage)
    assert log.stages == {"reading": 6.0, "classifying": 3.0}
