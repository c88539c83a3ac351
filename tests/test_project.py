"""Project files: defaults, strictness, and messages that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import project, project_template
from sibnlp.errors import ProjectError
from sibnlp.types import Source


def load(tmp_path: Path, text: str) -> project.Settings:
    path = tmp_path / "project.toml"
    path.write_text(text, encoding="utf-8")
    return project.load(path)


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert settings == project.Settings(title=tmp_path.name, root=tmp_path)


def test_a_folder_without_a_project_file_is_a_project(tmp_path: Path) -> None:
    assert project.load(tmp_path) == project.Settings(title=tmp_path.name, root=tmp_path)


def test_every_section_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        title = "Case"
        [documents]
        pattern = "{stage}_{actor}"
        exclude = ["drafts/**"]
        [[document]]
        path = "a.txt"
        date = 2016-03-01
        [[speaker]]
        label = "Anna"
        actor = "A1"
        [[stage]]
        id = 1
        start = "2011"
        [segment]
        max_words = 80
        [model]
        codebooks = ["osborne"]
        [drift]
        period = "year"
        margin = 3
        """,
    )
    assert settings.document[0].date == "2016-03-01"
    assert settings.stage[0].id == "1"
    assert settings.speaker[0].actor == "A1"
    assert (settings.segment.max_words, settings.drift.period, settings.drift.margin) == (80, "year", 3.0)
    assert settings.model.codebooks == ("osborne",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tittle = 'x'", "unknown key 'tittle' (known: "),
        ("[documents]\nfolders = 'x'", "unknown key 'documents.folders'"),
        ("[drift]\nperiod = 'week'", "'week' is not one of stage, year, quarter, month"),
        ("[drift]\nlevel = 95", "key drift.level: must be between 0 and 1"),
        ("[segment]\nmax_words = 'many'", "key 'segment.max_words': must be int, not str"),
        ("[segment]\nmax_words = true", "must be int, not bool"),
        ("[segment]\nmin_words = 500", "must be between 1 and segment.max_words"),
        ("[model]\ncodebooks = 'osborne'", "must be a list"),
        ("document = 'a.txt'", "must be a list (write [[document]])"),
        ("[[speaker]]\nactor = 'x'", "[[speaker]] number 1: 'label' is missing"),
        ("documents = 3", "must be a table (write [documents])"),
        ("[documents", "is not valid TOML"),
        ("[[stage]]\nid='1'\nstart='01/2014'", "[[stage]] number 1: '01/2014' is not a date"),
        ("[[stage]]\nid='1'\nstart='2016'\nend='2015-03'", "starts (2016) after it ends (2015-03)"),
        ("[[stage]]\nid='1'\n[[stage]]\nid='1'", "stage '1' is there 2 times"),
        ("[model]\ncodebooks = []", "names no codebook"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert "project.toml" in str(caught.value)


def test_a_missing_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="give a folder or a project.toml"):
        project.load(tmp_path / "none.toml")


def test_the_template_is_valid_as_it_stands_and_with_every_comment_removed(tmp_path: Path) -> None:
    sources = [
        Source('a "quoted".docx', kind="interview", speakers=("Anna \\ B",), interviewers=("Dr Vos",)),
        Source("b.pdf", problem="b.pdf: damaged\nreally"),
        Source("c.md", kind="document"),
    ]
    text = project_template.describe("case", sources)
    assert load(tmp_path, text).document == ()
    # What is commented out is an offer: it must be valid too once somebody takes it.
    offered = "\n".join(
        line[2:].split("  #")[0] if line.startswith("# ") and (" = " in line or line.startswith("# [[")) else line
        for line in text.splitlines()
    )
    settings = load(tmp_path, offered)
    assert settings.stage[0].name == "development"
    assert [entry.path for entry in settings.document] == ['a "quoted".docx', "c.md"]
    assert settings.segment.interviewers == ("Dr Vos",)
    assert settings.speaker[0].label == "Anna \\ B"
