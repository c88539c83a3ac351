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

    >>> word_spans("They don’t İki")
    [(0, 4), (5, 10), (11, 12), (12, 14)]

    "İ" becomes two letters when lowered, the second of them a mark that parts words for `tokenise` too.
    """
    lowered = text.lower()
    # Each place in the lowered text is led back to the letter it comes from.
    origin = [i for i, letter in enumerate(text) for _ in letter.lower()] if len(lowered) != len(text) else None
    found = [match.span() for match in WORD.finditer(lowered.replace("’", "'"))]
    return [(origin[start], origin[end - 1] + 1) for start, end in found] if origin else found
