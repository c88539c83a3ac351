"""Names in every way people write them: titles, parts, possessives, initials, accents, capitals, line breaks."""

from __future__ import annotations

import unicodedata

import pytest

from sibnlp.actors import ORGANISATION, PLACE, Actor, Listed, actors
from sibnlp.pseudonyms import Replacer, apply, common_words

PEOPLE = [
    Actor("P1", ("Anna Berg",)), Actor("P2", ("Dr Benoît O'Neil",)), Actor("P3", ("Anne-Marie d'Entremont",)),
    Actor("P4", ("Hollis Penney",)), Actor("P5", ("Father Leo Chiasson",)), Actor("P6", ("Grace Lund",)),
    Actor("P7", ("Stella Burke",)), Actor("P8", ("Sadie Burke",)), Actor("P9", ("Terry Oh",)),
    Actor("O1", ("Second Kettle",), ORGANISATION), Actor("L1", ("the Reach",), PLACE),
]  # fmt: skip


def changed(text: str, common: tuple[str, ...] = ("grace", "second", "kettle", "reach")) -> str:
    return apply(text, Replacer(PEOPLE, common).find(text)[0])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna’s list and Berg's.", "P1’s list and P1's."),
        ("ANNA BERG and ANNA", "P1 and P1"),
        ("Berg, Anna   0:12", "P1   0:12"),
        ("Anna\nBerg", "P1"),
        ("Dr. O’Neil and Dr O'Neil", "Dr. P2 and Dr P2"),
        (unicodedata.normalize("NFD", "with Benoît"), "with P2"),
        ("with Benoit", "with P2"),
        ("Anne-Marie, Marie and d’Entremont", "P3, P3 and P3"),
        ("the d’Entremonts", "the P3"),
        ("Hollis'd see it; Mr Penney would not", "P4'd see it; Mr P4 would not"),
        ("HP, H.P., H. P. and H. Penney, H Penney", "P4, P4, P4 and P4, P4"),
        ("Father Leo, Fr. Leo and Mrs Chiasson", "Father P5, Fr. P5 and Mrs P5"),
        ("Yes, Father.", "Yes, Father."),
        ("They told Grace to wait.", "They told P6 to wait."),
        ("a period of grace", "a period of grace"),
        ("Sadie Burke and Stella", "P8 and P7"),
        ("at Second Kettle, in the Reach", "at O1, in the L1"),
        ("The kettle was the second to reach us.", "The kettle was the second to reach us."),
        ("the Second Schedule", "the Second Schedule"),
        ("Annabel and Bergen", "Annabel and Bergen"),
        ("Oh, so Terry said", "Oh, so P9 said"),
    ],
)
def test_names_are_found_as_they_are_written(text: str, expected: str) -> None:
    assert changed(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Grace said so.", "a word as well"),
        ("ask anna berg", "written small"),
        ("Then Burke came", "may be P7 or P8"),
        ("The HP-2 printer", "may be initials of P4"),
        ("Ask HP about it", "initials of P4"),
        ("With Anna-Lena", "part of a longer name"),
        ("the Penneys", "the plural of a name"),
    ],
)
def test_what_is_less_than_sure_is_for_review(text: str, why: str) -> None:
    _, doubts = Replacer(PEOPLE, ["grace"]).find(text)
    assert len(doubts) == 1 and why in doubts[0].why


def test_a_name_written_small_once_is_still_a_name_elsewhere() -> None:
    texts = ["Anna came. Anna went. Anna sat. Anna ate. Anna left. Anna slept. I saw anna. Grace. By grace."]
    assert "anna" not in common_words(texts) and "grace" in common_words(texts)


def test_labels_join_whom_they_name_whatever_title_or_initials() -> None:
    made = actors(
        [Listed("Noreen Gillis"), Listed("Wharf Street", kind=PLACE)],
        ["Gillis, Noreen", "Mrs. Gillis", "NG", "VOS", "Dr Vos", "Anneke Vos", "AV", "Unknown Speaker", "Wharf"],
    )
    groups = {frozenset(one.names) for one in made}
    assert frozenset({"Noreen Gillis", "Gillis, Noreen", "Mrs. Gillis", "NG"}) in groups
    assert frozenset({"Anneke Vos", "Dr Vos", "VOS", "AV"}) in groups
    assert frozenset({"Wharf"}) in groups, "a place has no parts"
    assert not any("Unknown Speaker" in one.names for one in made)
    assert next(one.pseudonym for one in made if "Wharf Street" in one.names) == "L01"


def test_metadata_say_whose_a_label_is() -> None:
    made = actors([], ["PH", "The chair"], [("PH", "Peter Hanlon"), ("The chair", "Bernadette MacAskill")])
    assert {frozenset(one.names) for one in made} == {
        frozenset({"PH", "Peter Hanlon"}), frozenset({"The chair", "Bernadette MacAskill"})
    }  # fmt: skip


def test_a_label_of_two_people_is_nobody_s_in_particular() -> None:
    made = actors([], ["Red"], [("Red", "Ann Lee"), ("Red", "Bo Ray")])
    assert len(made) == 3


def test_mr_and_mrs_are_two_people() -> None:
    assert len(actors([], ["Mr Burke", "Mrs Burke"])) == 2
    assert len(actors([], ["Dr Burke", "Mrs Burke"])) == 1


def test_a_list_s_short_forms_are_of_the_one_who_has_them() -> None:
    made = actors([Listed("Anna"), Listed("Anna Berg"), Listed("Ina"), Listed("Ina Lund"), Listed("Ina Corr")], [])
    assert {frozenset(one.names) for one in made} == {
        frozenset({"Anna Berg", "Anna"}), frozenset({"Ina"}), frozenset({"Ina Lund"}), frozenset({"Ina Corr"})
    }  # fmt: skip
