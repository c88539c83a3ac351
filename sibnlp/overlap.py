"""Passages that were cut otherwise than when people coded them: found by the text that both hold."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

# A passage takes a coding with which it shares this much of what either holds. Over a half, each has one partner at
# most, so inclusion probabilities stay what they were; at three quarters, what was coded is most of what is counted.
LEAST = 0.75


def letters(text: str) -> str:
    """A text by its letters and digits alone, case folded: what line breaks, hyphens and quotation marks do not change.

    >>> letters("Trust, not “targets” (2018)")
    'trustnottargets2018'
    """
    return "".join(character for character in text.casefold() if character.isalnum())


class Joined:
    """The passages of a document in order, joined by their `letters`.

    Args:
        texts: of the passages.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        parts = [letters(text) for text in texts]
        self.text = "".join(parts)
        self.ends = list(accumulate(len(part) for part in parts))

    def partner(self, text: str) -> tuple[int, float] | None:
        """The passage that shares most with a text, and how much of what either holds (Jaccard 1912, of letters).

        None where the text is not there, or comes twice: then nobody knows which was coded.

        Passages of 4 and 6 letters; a coded text holds the last of the first and all of the second:

        >>> Joined(["abcd", "efghij"]).partner("d efg-hij")
        (1, 0.8571428571428571)
        """
        wanted = letters(text)
        at = self.text.find(wanted) if wanted else -1
        if at < 0 or self.text.find(wanted, at + 1) >= 0:
            return None
        best, share = -1, 0.0
        for place in range(bisect_right(self.ends, at), len(self.ends)):
            start, end = self.ends[place - 1] if place else 0, self.ends[place]
            if start >= at + len(wanted):
                break
            both = min(end, at + len(wanted)) - max(start, at)
            either = max(end, at + len(wanted)) - min(start, at)
            if both / either > share:
                best, share = place, both / either
        return (best, share) if best >= 0 else None
