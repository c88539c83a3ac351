"""Words of a text, and where they stand in it."""

from __future__ import annotations

import re

# Words with an inner apostrophe kept whole ("don't"); underscores and punctuation separate.
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def tokenise(text: str) -> list[str]:
    """Lower-cased words; a typographic apostrophe is the same as a straight one."""
    return WORD.findall(text.lower().replace("’", "'"))


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words that `tokenise` finds stand in the text, in code points.

    >>> word_spans("İki don’t")
    [(0, 3), (4, 9)]
    """
    lowered = text.lower()
    # Some letters become two when lowered ("İ"): each place is led back to the letter it comes from.
    origin = [i for i, letter in enumerate(text) for _ in letter.lower()] if len(lowered) != len(text) else None
    found = [match.span() for match in WORD.finditer(lowered.replace("’", "'"))]
    return [(origin[start], origin[end - 1] + 1) for start, end in found] if origin else found
