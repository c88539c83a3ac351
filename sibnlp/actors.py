"""Who is to be pseudonymised: people of a list, of the metadata and of speakers' labels, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sibnlp.errors import DataError
from sibnlp.names import as_initials, initials, words

PERSON, ORGANISATION, PLACE = "person", "organisation", "place"
_LETTERS = {ORGANISATION: "O", PLACE: "L"}
_MEN = {"mr", "sir", "lord", "monsieur", "herr", "brother"}
_WOMEN = {"mrs", "ms", "miss", "dame", "lady", "madame", "mme", "mlle", "frau", "sister"}
_GENERIC = re.compile(
    r"(speaker|sprecher|interviewer|interviewee|respondent|participant|moderator|facilitator|unknown([ _]speaker)?|"
    r"person|voice|question|answer|researcher|int|q|a|i|r|p|s)[ _.-]*\d*",
    re.IGNORECASE,
)


def is_generic(label: str) -> bool:
    """Whether a speaker's label names nobody: ``Interviewer``, ``Speaker 2``, ``Q``.

    >>> is_generic("Speaker 2"), is_generic("P07"), is_generic("Anna")
    (True, True, False)
    """
    return bool(_GENERIC.fullmatch(label.strip()))


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, or something, whose names are replaced.

    Attributes:
        pseudonym: what stands in their place.
        names: as they occur, the fullest first.
        kind: `PERSON`, whose first or last name alone is theirs too; or `ORGANISATION`, `PLACE`: whole names alone.
    """

    pseudonym: str
    names: tuple[str, ...]
    kind: str = PERSON


class Listed(NamedTuple):
    """A row of a list of names; one is made where there is no pseudonym."""

    name: str
    pseudonym: str = ""
    kind: str = PERSON


class _Table:
    """Actors by pseudonym while they are gathered."""

    def __init__(self, given: Iterable[str]) -> None:
        # A transcript that calls somebody P01 already must not share it with another.
        self.given = set(given)
        self.names: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self.taken: dict[str, str] = {}
        self._number: dict[str, int] = {}

    def fresh(self, kind: str) -> str:
        letter = _LETTERS.get(kind, "P")
        while True:
            self._number[letter] = self._number.get(letter, 0) + 1
            made = f"{letter}{self._number[letter]:02d}"
            if made not in self.given:
                return made

    def add(self, name: str, pseudonym: str, kind: str = PERSON) -> None:
        self.taken[name.casefold()] = pseudonym
        self.names.setdefault(pseudonym, []).append(name)
        self.kinds.setdefault(pseudonym, kind)

    def of(self, name: str) -> str:
        """The one person whom a name is a part of, or whose initials it is; empty where there is none or several."""
        people = {p: own for p, own in self.names.items() if self.kinds[p] == PERSON}
        parts = {word.rstrip(".").casefold() for word in words(name)}
        hits = [
            p
            for p, own in people.items()
            if any(parts <= {w.casefold() for w in words(one)} for one in own) and not _spouses(name, own)
        ]
        if not hits and (letters := as_initials(name)):
            hits = [p for p, own in people.items() if any(initials(one) == letters for one in own)]
        return hits[0] if len(hits) == 1 else ""


def _add_listed(table: _Table, listed: Sequence[Listed]) -> None:
    for one in listed:
        if not one.pseudonym:
            continue
        if (before := table.taken.get(one.name.casefold(), one.pseudonym)) != one.pseudonym:
            raise DataError(f"{one.name!r} has two pseudonyms: {before} and {one.pseudonym}", "keep one")
        if one.name.casefold() not in table.taken:
            table.add(one.name, one.pseudonym, one.kind)
    for one in sorted(listed, key=lambda one: -len(words(one.name))):
        if one.name.casefold() not in table.taken:
            owner = table.of(one.name) if one.kind == PERSON else ""
            table.add(one.name, owner or table.fresh(one.kind), one.kind)


def _spouses(name: str, others: Iterable[str]) -> bool:
    """Whether titles say that a name is another person's: Mr Burke is not Mrs Burke."""
    title, theirs = _title(name), {_title(one) for one in others}
    return (title == "m" and "f" in theirs) or (title == "f" and "m" in theirs)


def _title(name: str) -> str:
    said = {word.rstrip(".").casefold() for word in name.split()}
    return "m" if said & _MEN else "f" if said & _WOMEN else ""


def actors(listed: Sequence[Listed], labels: Iterable[str], known: Iterable[tuple[str, str]] = ()) -> list[Actor]:
    """Actors of a list of names and of speakers' labels.

    Args:
        listed: names that share a pseudonym are one actor's; one without, that is part of one longer name, too.
        labels: of speakers, and actors of the metadata; those that name nobody are passed over. A label that is one
            actor's name, his first or last, or his initials, is his, whatever title stands before it.
        known: labels and the actors they belong to, as the metadata say.

    Raises:
        DataError: one name has two pseudonyms.
    """
    labels, known = list(labels), list(known)
    table = _Table([one.pseudonym for one in listed if one.pseudonym] + labels)
    _add_listed(table, listed)
    belongs: dict[str, set[str]] = {}
    for label, actor in known:
        belongs.setdefault(label, set()).add(actor)
    everyone = dict.fromkeys([*(actor for _, actor in known), *labels, *belongs])
    # Initials last: by then everybody whose they may be is there.
    for label in sorted(everyone, key=lambda one: (bool(as_initials(one)), -len(words(one)))):
        if is_generic(label) or label.casefold() in table.taken or not any(c.isalpha() for c in label):
            continue
        if label in table.names:  # it is a pseudonym already
            continue
        owners = {table.taken.get(actor.casefold(), "") for actor in belongs.get(label, set()) if actor != label}
        owner = owners.pop() if len(owners) == 1 else ""
        table.add(label, owner or table.of(label) or table.fresh(PERSON))
    return [
        Actor(pseudonym, tuple(sorted(own, key=lambda one: -len(one))), table.kinds[pseudonym])
        for pseudonym, own in table.names.items()
    ]
