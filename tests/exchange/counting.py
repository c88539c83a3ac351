"""Selections as tools count them: the opposite way round from `sibnlp.exchange.coordinates`, written apart from it.

Imports nothing of sibnlp, so that a mistake there cannot hide here.
"""

from __future__ import annotations

import random
import re

BOM = "\ufeff"


def count(prefix: str, unit: str, line_break: int, mark: bool) -> int:
    """How much a text counts in a system; ``\\n`` stands for a line break."""
    widths = {"code point": 32, "utf-16": 16, "utf-8": 8}
    name = {"code point": "utf-32-le", "utf-16": "utf-16-le", "utf-8": "utf-8"}[unit]
    size = {32: 4, 16: 2, 8: 1}[widths[unit]]
    text = prefix.replace("\n", "\r\n") if line_break == 2 else prefix
    return len(((BOM if mark else "") + text).encode(name)) // size


def offsets(
    text: str, start: int, end: int, unit: str, line_break: int, mark: bool, inclusive: bool
) -> tuple[int, int]:
    """A span of code points as a tool of that system writes it; an inclusive end is the last unit's place."""
    return count(text[:start], unit, line_break, mark), count(text[:end], unit, line_break, mark) - inclusive


def selections(text: str, n: int, rng: random.Random, sloppy: float = 0.0) -> list[tuple[int, int]]:
    """Spans as people select them: from a word's beginning to a sentence's or phrase's end, some a little off."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    found = []
    for _ in range(n):
        first = rng.randrange(len(words))
        last = min(first + rng.randrange(3, 40), len(words) - 1)
        # Most selections end with the sentence, full stop included.
        while rng.random() < 0.8 and last < len(words) - 1 and text[words[last][1] - 1] not in ".!?":
            last += 1
        start, end = words[first][0], words[last][1]
        if rng.random() < sloppy:
            start = max(0, start + rng.randint(-3, 3))
        if rng.random() < sloppy:
            end = min(len(text), end + rng.randint(-3, 3))
        if start < end:
            found.append((start, end))
    return found


def as_file(text: str, crlf: bool, mark: bool) -> bytes:
    """A text as a tool stores it."""
    return ((BOM if mark else "") + (text.replace("\n", "\r\n") if crlf else text)).encode()
