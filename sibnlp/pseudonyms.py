"""Pseudonymised texts as a second layer over the text of record: who is replaced, where, and the way back.

The text of record is never changed. A `Layer` holds the spans that were replaced, so that every offset on one text has
its place on the other. Who stands behind a pseudonym is kept apart (`ActorMap`): texts, layers and codings can be given
away without it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sibnlp.actors import PERSON, Actor
from sibnlp.errors import DataError
from sibnlp.names import ABBREVIATIONS, PARTICLES, initials, opens, plain, words


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
    """Finds actors' names: whole, and of people their single words and initials, where only one of them has these.

    Case, apostrophes, accents, line breaks and a last name in front do not matter; a plural of a name counts for it.

    Args:
        known: the actors.
        common: words that the texts write small as well (``will``, ``grace``). With a capital inside a sentence they
            are names; where a sentence begins they are left to review.
    """

    def __init__(self, known: Sequence[Actor], common: Iterable[str] = ()) -> None:
        self._common = set(common)
        self._whole: dict[str, set[str]] = {}
        self._parts: dict[str, set[str]] = {}
        self._initials: dict[str, set[str]] = {}
        for actor in known:
            for name in actor.names:
                for key in _whole(name, actor.kind):
                    self._whole.setdefault(key, set()).add(actor.pseudonym)
                for key in _parts(name) if actor.kind == PERSON else ():
                    self._parts.setdefault(key, set()).add(actor.pseudonym)
                for key in _initialled(name) if actor.kind == PERSON else ():
                    self._initials.setdefault(key, set()).add(actor.pseudonym)
        every = sorted({*self._whole, *self._parts, *self._initials}, key=lambda one: (-len(one), one))
        self._pattern = (
            re.compile(rf"(?<!\w)(?:{'|'.join(map(_spelt, every))})(?P<plural>e?s)?(?!\w)", re.IGNORECASE)
            if every
            else None
        )

    def find(self, text: str) -> tuple[list[Replacement], list[Doubt]]:
        """What to replace in a text, and what to review."""
        found, doubts = [], []
        for match in self._pattern.finditer(plain(text)) if self._pattern else ():
            who, why, replaced = self._judge(match, text)
            if replaced:
                found.append(Replacement(match.start(), match.end(), who))
            if why:
                doubts.append(Doubt(match.start(), match.end(), why, replaced))
        return found, doubts

    def _judge(self, match: re.Match[str], text: str) -> tuple[str, str, bool]:
        """Who it is, what a person should look at, and whether it is replaced."""
        said, plural = match[0], match["plural"] or ""
        key = _key(said)
        known = self._lookup(key)
        if known is None and plural:
            key = _key(said[: len(said) - len(plural)])
            known = self._lookup(key)
        who, short = known or (set(), False)
        if not any(letter.isupper() for letter in said):
            # Words that are written small are no names, unless the whole name is.
            sure = key in self._whole and key not in self._common
            return "", "a name, but written small" if sure else "", False
        if len(who) != 1:
            return "", f"may be {' or '.join(sorted(who))}" if who else "", False
        (name,) = who
        if short:
            return self._judge_initials(match, text, name)
        single = _key(said) if " " not in key else ""
        if single in self._common and opens(text, match.start()):
            return name, "a name that is a word as well", False
        if key not in self._whole and len(key) < 3:
            return name, f"may be {name}: too short to tell", False
        if plural and known is not None and key != _key(said):
            return (
                name,
                f"the plural of a name of {name}, or another name",
                len(key) > 3 and not {single, _key(said)} & self._common,
            )
        around = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
        joined = (around[0][-1:] == "-" and around[0][:1].isalpha()) or (
            around[1][:1] == "-" and around[1][1:].isupper()
        )
        return name, "part of a longer name" if joined else "", True

    def _judge_initials(self, match: re.Match[str], text: str, name: str) -> tuple[str, str, bool]:
        said = match[0]
        if "." in said or " " in said:
            return name, "", any(letter.isupper() for letter in said[:1])
        if not said.isupper() or match["plural"]:
            return name, "", False
        beside = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        if said.casefold() in ABBREVIATIONS or re.search(r"[\d-]", beside):
            return name, f"may be initials of {name}", False
        return name, f"initials of {name}", True

    def _lookup(self, key: str) -> tuple[set[str], bool] | None:
        """Whose a name is, and whether it is initials."""
        if key in self._whole:
            return self._whole[key], False
        if key in self._parts:
            return self._parts[key], False
        if key in self._initials:
            return self._initials[key], True
        return None


def common_words(texts: Iterable[str]) -> set[str]:
    """Words that are written small too often to be names: more than once in six times.

    >>> sorted(common_words(["Grace said grace. Anna, anna. Anna, Anna, Anna, Anna, Anna."]))
    ['grace', 'said']
    """
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    for text in texts:
        for match in re.finditer(r"[^\W\d_]+", text):
            (small if match[0].islower() else large)[match[0].casefold()] += 1
    return {word for word, n in small.items() if 5 * n >= large[word]}


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", plain(name)).casefold().split())


def _bare(name: str) -> str:
    """Without accents, as many a recorder writes."""
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def _whole(name: str, kind: str) -> set[str]:
    """Ways of writing a whole name."""
    made = {_key(name)}
    if kind == PERSON:
        own = words(name)
        made |= {_key(" ".join(own))}
        if len(own) > 1:
            made |= {_key(f"{own[-1]}, {' '.join(own[:-1])}")}
    else:
        made |= {_key(re.sub(r"^the\s+", "", name, flags=re.IGNORECASE))}
        made -= {key for key in made if key.startswith("the ")}
    return {key for one in made for key in (one, _bare(one))} - {""}


def _parts(name: str) -> set[str]:
    """Words of a person's name that may stand for it, those of a double name too."""
    own = words(name) if len(words(name)) > 1 or "-" in name else []
    pieces = [piece for word in own for piece in dict.fromkeys([word, *word.split("-")])]
    kept = [piece for piece in pieces if len(piece) > 1 and "." not in piece and piece.casefold() not in PARTICLES]
    return {key for one in kept for key in (_key(one), _bare(_key(one)))}


def _initialled(name: str) -> set[str]:
    """Initials of a person's name: bare, with points, and before the last name."""
    letters, own = initials(name), words(name)
    if not letters:
        return set()
    last = _key(own[-1])
    first = letters[0].casefold()
    made = {letters, ".".join(letters) + ".", ". ".join(letters) + ".", f"{first}. {last}", f"{first} {last}"}
    return {key for one in made for key in (_key(one), _bare(_key(one)))}


def _spelt(key: str) -> str:
    """A pattern for a name: a line may break between its words, accents may be marks of their own."""
    spaced = []
    for word in key.split():
        letters = []
        for letter in word:
            apart = unicodedata.normalize("NFD", letter)
            letters.append(re.escape(letter) if apart == letter else f"(?:{re.escape(letter)}|{re.escape(apart)})")
        spaced.append("".join(letters))
    return r"(?:[^\S\n]+|[^\S\n]*\n[^\S\n]*)".join(spaced)


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
