"""Codebooks: what ships can be coded by, and what is wrong with a user's own is said precisely."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import codebook
from sibnlp.errors import CodebookError, UnknownNameError

SMALL = """
id = "mine"
[[families]]
id = "f"
[[codes]]
id = "A"
family = "f"
definition = "about a"
[[codes]]
id = "B"
family = "f"
parent = "A"
"""


@pytest.fixture
def write(tmp_path: Path):
    def writer(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def test_shipped_codebooks_can_be_coded_by() -> None:
    assert codebook.shipped() == ("oflynn", "osborne", "practices")
    for name in codebook.shipped():
        book = codebook.load(name)
        assert book.id == name
        assert book.instructions
        for code in book.codes:
            assert code.definition and code.include and code.source, code.id
            assert code.exclude or code.level == codebook.CELL, code.id


def test_frameworks_are_those_of_the_founding_studies() -> None:
    osborne, oflynn = (codebook.framework(codebook.load(name)) for name in ("osborne", "oflynn"))
    assert osborne.logics == ("NPM", "NPG")
    assert osborne.domains == ("governance_mechanisms", "inter_organizational_dynamics", "performance_emphasis")
    assert oflynn.logics == ("NPM", "PVM")
    assert len(oflynn.domains) == 7
    assert osborne.relations == oflynn.relations == ("co_existing", "reinforcing", "in_tension")


def test_the_two_frameworks_share_codes_word_for_word() -> None:
    osborne, oflynn = codebook.load("osborne"), codebook.load("oflynn")
    for family in ("relation", "stance"):
        assert osborne.codes_in(family) == oflynn.codes_in(family)
    assert osborne.code("NPM") == oflynn.code("NPM")


def test_practices_has_three_levels() -> None:
    book = codebook.load("practices")
    top = book.children("")
    second = [child for code in top for child in book.children(code.id)]
    third = [child for code in second for child in book.children(code.id)]
    assert (len(top), len(second)) == (3, 6)
    assert len(third) + len(second) + len(top) == len(book.codes)


def test_structure_and_wording_change_apart(write) -> None:
    book = codebook.load(write(SMALL))
    reworded = codebook.load(write(SMALL.replace("about a", "about something else")))
    regrouped = codebook.load(write(SMALL.replace('parent = "A"', "")))
    assert book.structure == reworded.structure
    assert book.wording != reworded.wording
    assert book.structure != regrouped.structure


def test_a_codebook_without_logics_is_followed_by_its_first_family(write) -> None:
    frame = codebook.framework(codebook.load(write(SMALL)))
    assert (frame.logics, frame.domains, frame.relations) == (("A", "B"), (), ())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "B"', 'id = "A"', "code 'A' is defined 2 times"),
        ('parent = "A"', 'parent = "C"', "code 'B': parent 'C' is not defined"),
        ('family = "f"\nparent', 'family = "g"\nparent', "code 'B': family 'g' is not defined (known: f)"),
        ('definition = "about a"', 'defintion = "about a"', "codes[1] 'A': unknown key 'defintion'"),
        ('definition = "about a"', "definition = 3", "codes[1] 'A', key 'definition': must be text, not int"),
        ('definition = "about a"', 'include = "x"', "must be a list of texts"),
        ('definition = "about a"', 'parent = "B"', "in a circle"),
        ('definition = "about a"', 'level = "page"', "level 'page' is unknown (passage or cell)"),
        ('definition = "about a"', 'poles = {X = "y"}', "poles name the undefined code 'X'"),
        ('id = "A"\n', "", "codes[1]: 'id' is missing"),
        ('id = "mine"', "id = mine", "is not valid TOML"),
        ("[[families]]", "[families]", "'families' must be a list of tables"),
        ('id = "A"', 'id = "A;B"', "holds a space, comma or semicolon"),
        ('[[families]]\nid = "f"', '[[families]]\nid = "f"\nmultiple = "no"', "must be true or false"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(write, old: str, new: str, said: str) -> None:
    assert old in SMALL
    path = write(SMALL.replace(old, new))
    with pytest.raises(CodebookError) as caught:
        codebook.load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value).split("TOML:")[0]


def test_a_name_that_is_neither_shipped_nor_a_file(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="known: oflynn, osborne, practices"):
        codebook.load("osbourne")
    with pytest.raises(CodebookError, match="no such file"):
        codebook.load(tmp_path / "none.toml")
