"""Names by their capitals: conservative, for languages that write only names with a capital.

A title in front makes it sure. Words at the beginning of a sentence, and words that the same text writes small too, are
taken for names only behind a title.
"""

from __future__ import annotations

import re

from sibnlp.names import TITLES, opens
from sibnlp.recognisers import Found

_WORD = r"[^\W\d_]+(?:['’-][^\W\d_]+)*"
_RUN = re.compile(rf"{_WORD}(?:[ \t]+{_WORD})*")
_SPLIT = re.compile(_WORD)
_POINTED = re.compile(r"(?<!\w)(?:Mr|Mrs|Ms|Dr|Prof|Rev|Fr|Cllr|Mme|Mlle)\.[ \t]+$")
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october"]
# Written with a capital in English, and nobody's name.
_NOT_NAMES = frozenset([*_DAYS, *_MONTHS, "november", "december", "i", "i'm", "i've", "i'd", "i'll", "ok", *TITLES])


def find(text: str) -> list[Found]:
    """Runs of capitalised words inside sentences, and whatever follows a title."""
    small = {match[0] for match in _SPLIT.finditer(text) if match[0].islower()}
    found = []
    for run in _RUN.finditer(text):
        words = [(run.start() + m.start(), run.start() + m.end(), m[0]) for m in _SPLIT.finditer(run[0])]
        at = 0
        while at < len(words):
            in_run = words[at][2].casefold() in TITLES and words[at][2][0].isupper()
            title = in_run or bool(_POINTED.search(text, max(0, words[at][0] - 20), words[at][0]))
            first = at + in_run
            last = first
            while last < len(words) and _named(words[last][2]):
                last += 1
            if last > first:
                start, end = words[first][0], words[last - 1][1]
                begins = not title and opens(text, start)
                own = [word.casefold() for _, _, word in words[first:last]]
                if title:
                    found.append(Found(start, end, "behind a title", True))
                elif not (begins and last == first + 1) and not all(word in small for word in own):
                    found.append(Found(start, end, "written with a capital"))
            at = max(last, at + 1)
    return found


def _named(word: str) -> bool:
    plain = word.casefold().replace("’", "'")
    return word[0].isupper() and len(word) > 1 and not word.isupper() and plain not in _NOT_NAMES
