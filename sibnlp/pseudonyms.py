"""Pseudonymised texts as a second layer over the text of record: who is replaced, where, and the way back.

The text of record is never changed. A `Layer` holds the spans that were replaced, so that every offset on one text has
its place on the other. Who stands behind a pseudonym is kept apart (`ActorMap`): texts, layers and codings can be given
away without it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sibnlp.errors import DataError

_GENERIC = re.compile(
    r"(speaker|sprecher|interviewer|interviewee|respondent|participant|moderator|facilitator|unknown|person|voice|"
    r"question|answer|researcher|int|q|a|i|r|p|s)[ _.-]*\d*",
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
    """Somebody whose names are replaced.

    Attributes:
        pseudonym: what stands in their place.
        names: as they occur, the fullest first.
    """

    pseudonym: str
    names: tuple[str, ...]


def actors(listed: Sequence[tuple[str, str]], labels: Iterable[str]) -> list[Actor]:
    """Actors of a list of names and of speakers' labels.

    Args:
        listed: name and pseudonym (empty: one is made); names with the same pseudonym are one actor's.
        labels: of speakers, and actors of the metadata; those that name nobody are passed over. A label that is one
            actor's name, or his first or last, is his.

    Raises:
        DataError: one name has two pseudonyms.
    """
    names: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    labels = list(labels)
    # A transcript that calls somebody P01 already must not share it with another.
    given = {pseudonym for _, pseudonym in listed if pseudonym} | set(labels)
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        while f"P{number:02d}" in given:
            number += 1
        return f"P{number:02d}"

    for name, pseudonym in listed:
        if taken.get(name.casefold(), pseudonym) != pseudonym and pseudonym:
            raise DataError(f"{name!r} has two pseudonyms: {taken[name.casefold()]} and {pseudonym}", "keep one")
        if name.casefold() not in taken:
            taken[name.casefold()] = pseudonym or fresh()
            names.setdefault(taken[name.casefold()], []).append(name)
    for label in sorted(dict.fromkeys(labels), key=lambda one: -len(one.split())):
        if is_generic(label) or label.casefold() in taken or not any(c.isalpha() for c in label):
            continue
        if label in names:  # it is a pseudonym already
            continue
        parts = {part.casefold() for part in label.split()}
        hits = [p for p, own in names.items() if any(parts <= {w.casefold() for w in one.split()} for one in own)]
        pseudonym = hits[0] if len(hits) == 1 else fresh()
        taken[label.casefold()] = pseudonym
        names.setdefault(pseudonym, []).append(label)
    return [Actor(pseudonym, tuple(sorted(own, key=lambda one: -len(one)))) for pseudonym, own in names.items()]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A span of the text of record and what stands in its place; an empty span is something added."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something a person should look at.

    Attributes:
        start, end: on the text of record.
        why: in words.
        replaced: whether it was replaced all the same.
    """

    start: int
    end: int
    why: str
    replaced: bool = False


class Replacer:
    """Finds actors' names: whole, and their single words where only one actor has them.

    Args:
        known: the actors.
        small: words that the texts write small as well (``will``, ``grace``): by themselves they are left to review.
    """

    def __init__(self, known: Sequence[Actor], small: Iterable[str] = ()) -> None:
        self._by_name: dict[str, str] = {}
        parts: dict[str, set[str]] = {}
        for actor in known:
            for name in actor.names:
                self._by_name[name.casefold()] = actor.pseudonym
                for word in name.split():
                    if len(word) > 2:
                        parts.setdefault(word.casefold(), set()).add(actor.pseudonym)
        common = set(small)
        self._parts = {word: who for word, who in parts.items() if word not in self._by_name}
        self._unsure = {word for word, who in self._parts.items() if len(who) > 1 or word in common}
        self._unsure |= {name for name in self._by_name if name in common}
        every = sorted({*self._by_name, *self._parts}, key=lambda one: (-len(one), one))
        spaced = (r"\s+".join(map(re.escape, name.split())) for name in every)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)", re.IGNORECASE) if every else None

    def find(self, text: str) -> tuple[list[Replacement], list[Doubt]]:
        """What to replace in a text, and what to review."""
        found, doubts = [], []
        for match in self._pattern.finditer(text) if self._pattern else ():
            key = " ".join(match[0].casefold().split())
            if not match[0][0].isupper():
                if key in self._by_name and key not in self._unsure:
                    doubts.append(Doubt(match.start(), match.end(), "a name, but written small"))
                continue
            if key in self._unsure:
                who = sorted(self._parts.get(key, {self._by_name.get(key, "")}))
                why = f"may be {' or '.join(who)}" if len(who) > 1 else "a name that is a word as well"
                doubts.append(Doubt(match.start(), match.end(), why))
                continue
            pseudonym = self._by_name.get(key) or next(iter(self._parts[key]))
            found.append(Replacement(match.start(), match.end(), pseudonym))
        return found, doubts


@dataclass(frozen=True, slots=True)
class Layer:
    """A pseudonymised text over a text of record.

    Attributes:
        raw_sha256, sha256: of the text of record and of the pseudonymised text.
        spans: start and end on the text of record, start and end on the pseudonymised text, in order.
    """

    raw_sha256: str
    sha256: str
    spans: tuple[tuple[int, int, int, int], ...]
    _starts: tuple[tuple[int, ...], tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = tuple(span[0] for span in self.spans), tuple(span[2] for span in self.spans)
        object.__setattr__(self, "_starts", starts)

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """A span of the pseudonymised text on the text of record; what cuts into a pseudonym takes all of it."""
        return self._place(start, 2, False), self._place(end, 2, True)

    def to_pseudonymised(self, start: int, end: int) -> tuple[int, int]:
        """A span of the text of record on the pseudonymised text; what cuts into a name takes the whole pseudonym."""
        return self._place(start, 0, False), self._place(end, 0, True)

    def _place(self, position: int, side: int, is_end: bool) -> int:
        other = 2 - side
        starts = self._starts[side // 2]
        # An end at the very beginning of a span lies before it; a start there lies in it.
        index = bisect_right(starts, position - is_end) - 1
        if index < 0:
            return position
        span = self.spans[index]
        if position < span[side + 1] or (is_end and position == span[side + 1]):
            return span[other + 1] if is_end else span[other]
        return position - span[side + 1] + span[other + 1]


def sha256(text: str) -> str:
    """Of a text as UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def apply(text: str, replacements: Sequence[Replacement]) -> tuple[str, Layer]:
    """The pseudonymised text and its layer.

    Args:
        text: the text of record.
        replacements: not overlapping; in any order.

    >>> changed, layer = apply("Anna said it to Ben.", [Replacement(0, 4, "P01"), Replacement(16, 19, "P02")])
    >>> changed, layer.to_raw(16, 18), layer.to_pseudonymised(5, 9)
    ('P01 said it to P02.', (16, 19), (4, 8))
    """
    pieces, spans, at, length = [], [], 0, 0
    for one in sorted(replacements, key=lambda one: (one.start, one.end)):
        if one.start < at:
            raise DataError(f"two names overlap at {one.start}")
        pieces += [text[at : one.start], one.text]
        length += one.start - at
        spans.append((one.start, one.end, length, length + len(one.text)))
        at, length = one.end, length + len(one.text)
    changed = "".join([*pieces, text[at:]])
    return changed, Layer(sha256(text), sha256(changed), tuple(spans))


def restore(text: str, layer: Layer, originals: Sequence[str], start: int = 0) -> str:
    """A pseudonymised text, or a part of one, with the names back.

    Args:
        text: the part.
        layer: of the whole.
        originals: what stood at each of the layer's spans.
        start: where the part begins in the pseudonymised text.

    Returns:
        The text of record of the part; a pseudonym that the part cuts through is restored whole.
    """
    pieces, at = [], 0
    for (_, _, s, e), original in zip(layer.spans, originals, strict=True):
        if e <= start and not (s == e == start):
            continue
        if s >= start + len(text):
            break
        pieces += [text[at : max(s - start, 0)], original]
        at = min(e - start, len(text))
    return "".join([*pieces, text[at:]])


@dataclass(frozen=True, slots=True)
class Kept:
    """What the map keeps of one document: its id, its layer, and what stood at the layer's spans."""

    document: str
    layer: Layer
    originals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActorMap:
    """The way back: actors, and documents by the ids of their pseudonymised texts. To be kept apart from the data."""

    actors: tuple[Actor, ...]
    documents: Mapping[str, Kept]
