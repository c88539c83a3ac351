"""When what is said: cues of plausible length at about 150 words a minute."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from training.demo_files.source import Record, Source

SECONDS_A_WORD = 60 / 150


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of a turn.

    Attributes:
        label: of the speaker.
        text: words of one cue.
        start, end: seconds into the recording.
        first: whether the turn begins here.
        record: the turn.
    """

    label: str
    text: str
    start: float
    end: float
    first: bool
    record: Record


def rng(source: Source) -> random.Random:
    """Randomness that depends on the document alone."""
    return random.Random(source.id)


def cues(source: Source, shortest: int, longest: int) -> Iterator[Cue]:
    """Cues of a document.

    Args:
        source: an interview.
        shortest: characters in a cue, at least (but for the last of a turn).
        longest: characters in a cue, at most.
    """
    chance = rng(source)
    clock = chance.uniform(1.5, 6)
    for label, text, record in source.spoken():
        first = True
        for words in _chunks(text.split(), shortest, longest, chance):
            length = len(words) * SECONDS_A_WORD * chance.uniform(0.88, 1.12)
            yield Cue(label, " ".join(words), clock, clock + length, first, record)
            clock += length + chance.choice((0.0, 0.0, 0.12, 0.3))
            first = False
        clock += chance.uniform(0.4, 2.2)


def turns(source: Source) -> Iterator[Cue]:
    """Whole turns of a document, as cues."""
    yield from cues(source, 10**6, 10**6)


def _chunks(words: list[str], shortest: int, longest: int, chance: random.Random) -> Iterator[list[str]]:
    chunk: list[str] = []
    limit = chance.randint(shortest, longest)
    for word in words:
        if chunk and len(" ".join([*chunk, word])) > limit:
            yield chunk
            chunk, limit = [], chance.randint(shortest, longest)
        chunk.append(word)
    if chunk:
        yield chunk


def stamp(seconds: float, mark: str = ".") -> str:
    """``00:01:02.345``."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def clock(seconds: float) -> str:
    """``1:02``, or ``1:01:02`` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
