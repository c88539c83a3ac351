"""The real projects that lie beside the repository: they open, and what they lack is said."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest

from sibnlp import exchange
from tests.cli.shell import sibnlp
from tests.exchange.test_refi_export import everything, validate

NAMES = ("ponte_blank-atlas-project", "ponte_target-atlas-project", "skyloom_TestProject")


@pytest.mark.parametrize("name", NAMES)
def test_a_real_project_opens_and_goes_round(name: str, shared: Path, tmp_path: Path) -> None:
    first = exchange.load(shared / "qdpx" / f"{name}.qdpx")
    problems = exchange.save(first, tmp_path / "out.qdpx")
    validate(tmp_path / "out.qdpx", shared)
    second = exchange.load(tmp_path / "out.qdpx")
    was, is_ = everything(_without_what_is_said(first)), everything(second)
    assert is_ == was
    assert bool(problems) == (name == "skyloom_TestProject")


def _without_what_is_said(project: exchange.Project) -> exchange.Project:
    """The one link leads to a piece of film, which is listed as lost."""
    return replace(project, links=())


def test_the_vendor_s_test_project_is_understood(shared: Path) -> None:
    project = exchange.load(shared / "qdpx" / "skyloom_TestProject.qdpx")
    assert project.origin.startswith("ATLAS.ti 8")
    assert len(project.codes) == 14 and len(project.coders) == 3 and len(project.groups) == 16
    assert [note.name for note in project.notes] == ["Research Plan", "My favorite Coke ad"]
    sets = {group.name: group for group in project.groups}
    names = {document.id: document.name for document in project.documents}
    assert [names[id] for id in sets["gender: male"].documents] == ["Simon.docx"]
    assert len(sets["negative feelings"].codes) == 4
    coke = {code.name: code.description for code in project.codes}
    assert coke["Coke::diet Coke"] == "non sucré" and coke["cornflakes"] == "breakfast cereal made by Kellogg’s"
    # Its archive has an empty folder where the texts should be: each is named, none is invented.
    missing = {normalize("NFC", problem.place) for problem in project.problems if "is missing" in problem.what}
    assert {"Mabel.txt", "Simon.docx", "Mabêl 2ième.txt"} <= missing
    assert not any(document.text for document in project.documents)


def test_its_flat_hierarchy_unfolds(shared: Path) -> None:
    options = exchange.Options(separator="::")
    project = exchange.load(shared / "qdpx" / "skyloom_TestProject.qdpx", options)
    by_name = {code.name: code for code in project.codes}
    assert by_name["diet Coke"].parent == by_name["full-fat Coke"].parent == by_name["Coke"].id
    assert len(project.codes) == 14


def test_its_path_and_people_are_not_in_an_anonymous_export(shared: Path, tmp_path: Path) -> None:
    done = sibnlp("convert", shared / "qdpx" / "skyloom_TestProject.qdpx", tmp_path / "out.qdpx", "--anonymous")
    assert done.code == 1 and "is missing" in done.err
    with zipfile.ZipFile(tmp_path / "out.qdpx") as archive:
        raw = archive.read("project.qde").decode()
    for gone in ("sebpe", "Petrausch", "Markgraf", "/Users/", "2018-03-27"):
        assert gone not in raw


def test_training_on_a_project_without_its_texts_says_what_is_missing(shared: Path, tmp_path: Path) -> None:
    done = sibnlp("train", shared / "qdpx" / "skyloom_TestProject.qdpx", "-o", tmp_path / "m")
    assert done.code == 2 and "holds no coded text" in done.err and "its text file is missing" in done.err
