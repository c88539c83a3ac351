"""What the edges of a selection are: clean between words, before a full stop, loose, or inside a word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CLEAN, BEFORE_STOP, LOOSE, INSIDE, OUTSIDE = range(5)
_OTHER, _WORD, _SPACE, _STOP = range(4)
_STOPS = frozenset(".!?…。！？")


class Classes:
    """What each character of a text is: word, space, full stop or other. Scripts without spaces have no words here.

    Args:
        text: the text.
        breaks: places where two words meet without a space (blocks of HTML).
    """

    def __init__(self, text: str, breaks: Sequence[int] = ()) -> None:
        self.broken = np.zeros(len(text) + 1, dtype=np.bool_)
        self.broken[list(breaks)] = True
        self.codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        present = np.unique(self.codes)
        table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype=np.uint8)
        for code in present.tolist():
            table[code] = _class(chr(code))
        self.kinds = table[self.codes]

    def start(self, at: NDArray[np.int64]) -> NDArray[np.intp]:
        """What starts are (placed inside the text)."""
        before = np.where(at > 0, self.kinds[np.maximum(at - 1, 0)], _SPACE)
        own = self.kinds[np.minimum(at, len(self.kinds) - 1)]
        found = np.where(own == _SPACE, LOOSE, CLEAN)
        return np.where((before == _WORD) & (own == _WORD) & ~self.broken[at], INSIDE, found)

    def end(self, at: NDArray[np.int64]) -> NDArray[np.intp]:
        """What ends are (placed inside the text)."""
        n = len(self.kinds)
        own = self.kinds[np.maximum(at - 1, 0)]
        after = np.where((at < n) & ~self.broken[at], self.kinds[np.minimum(at, n - 1)], _SPACE)
        found = np.where(own == _SPACE, LOOSE, np.where((after == _STOP) & (own != _STOP), BEFORE_STOP, CLEAN))
        return np.where((own == _WORD) & (after == _WORD), INSIDE, found)

    @cached_property
    def length(self) -> int:
        """Number of code points."""
        return len(self.kinds)


def _class(character: str) -> int:
    if character.isspace():
        return _SPACE
    if character in _STOPS:
        return _STOP
    # Han, kana and the like, Thai, Lao, Khmer and Burmese are written without spaces between words.
    code = ord(character)
    unspaced = 0x2E80 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
    unspaced = unspaced or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF
    return _WORD if (character.isalnum() or character in "_'’") and not unspaced else _OTHER
