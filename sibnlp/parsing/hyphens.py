"""Words cut in two at a line's end: whether the hyphen belongs to the word or only to the line.

No word list: the document itself is the evidence ("inter-agency" elsewhere in it keeps its hyphen), and a few first and
second parts that English nearly always hyphenates.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)*")
_HYPHENS = "-\u2010\u2011\u00ad"
_FIRST_WORD = re.compile(r"[^\W\d_]+")
# "self-assessment", "quasi-market": hyphenated whatever follows.
_ALWAYS = re.compile("self|quasi|vice")
# Hyphenated before a word that stands alone in the document ("co-production", but "co-" + "llaboration").
_OFTEN = re.compile(
    "all|anti|co|cross|decision|evidence|ex|first|four|full|half|high|inter|intra|long|low|mid|multi|non|one|part|policy|"
    "post|pre|public|short|single|state|third|three|two|user|value|well"
)
# Hyphenated after a word that stands alone in the document ("evidence-based", "decision-making").
_SECOND = re.compile(
    "based|bound|built|centered|centred|driven|focused|funded|led|level|making|oriented|owned|related|run|scale|sector|"
    "specific|term|up|wide"
)


class Words:
    """How often each word and each hyphenated compound occurs in a document.

    Args:
        lines: the document's lines. A word cut at a line's end counts for neither form.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._counts: Counter[str] = Counter()
        for line in lines:
            words = _WORD.findall(line)
            if words and line.rstrip()[-1:] in _HYPHENS:
                words.pop()
            self._counts.update(word.casefold().replace("\u2010", "-").replace("\u2011", "-") for word in words)

    def glue(self, before: str, after: str) -> str | None:
        """What to put before the next line's text, with nothing between, where a word runs over the line's end.

        Args:
            before: a line.
            after: the next line of the same paragraph.

        Returns:
            ``before`` with or without its hyphen; None where no word is cut and the line break stays.
        """
        text = before.rstrip()
        if len(text) < 2 or text[-1] not in _HYPHENS or not text[-2].isalnum() or not after[:1].isalnum():
            return None
        return text if self._keeps(text[:-1].rsplit(None, 1)[-1], after) else text[:-1]

    def _keeps(self, first: str, after: str) -> bool:
        match = _FIRST_WORD.match(after)
        # "Anglo-/Saxon", "2015-/2019", "state-of-the-/art" and addresses of web pages are no syllables.
        if match is None or not after[0].islower() or first.isupper() or not first[-1].isalpha():
            return True
        if any(sign in first for sign in "/@-\u2010\u2011"):
            return True
        left = _WORD.findall(first)[-1].casefold()
        right = match.group().casefold()
        apart, together = self._counts[f"{left}-{right}"], self._counts[left + right]
        if apart or together:
            return apart > together
        alone = self._counts[right] > 0
        if _ALWAYS.fullmatch(left) or (alone and _OFTEN.fullmatch(left)):
            return True
        return self._counts[left] > 0 and _SECOND.fullmatch(right) is not None
