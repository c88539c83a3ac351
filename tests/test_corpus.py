"""Which files are read, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import corpus
from sibnlp.errors import ProjectError

NAMES = ("a.txt", "a/x.txt", "a/y/z.txt", "a b/x.txt", "a-1/x.txt", "B.txt", "b/1.txt", "ä.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Some words.", encoding="utf-8")
    (tmp_path / "in" / "readme.txt").write_text("No document.", encoding="utf-8")
    return tmp_path / "in"


def test_files_stand_folder_by_folder(folder: Path) -> None:
    found = corpus.find([folder])
    assert [one.path for one in found] == sorted(folder / name for name in NAMES)
    assert [one.id for one in found] == [one.path.relative_to(folder).as_posix() for one in found]
    assert not any(one.stray for one in found)


def test_ids_of_several_paths_tell_files_of_one_name_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = corpus.find([Path("a"), Path("b/1.txt"), Path("a b")])
    assert [one.id for one in found] == ["a/x.txt", "a/y/z.txt", "b/1.txt", "a b/x.txt"]
    assert [one.id for one in corpus.find([Path(".")])] == [one.id for one in corpus.find([folder])]


def test_a_link_out_of_the_folder_is_marked(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("Not theirs.", encoding="utf-8")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert [one.path.name for one in corpus.find([folder]) if one.stray] == ["link.txt"]


def test_nothing_to_read_is_said(folder: Path) -> None:
    (folder / "empty").mkdir()
    for path, said in ((folder / "empty", "no readable file in this folder"), (folder / "no", "no such file")):
        with pytest.raises(ProjectError, match=said):
            corpus.find([folder, path])
