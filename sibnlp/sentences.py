"""Sentence spans, exact to the character, on any string.

The rules are `sentencex`'s (MIT, Wikimedia): of the four libraries compared the only one over 91 boundary F1 on UD EWT
and 43 of 48 golden rules, and the fastest by far (figures: ``training/benchmarks/RESULTS.md``). As it stands, though,
it loses blank lines above some 10 kB, panics on a no-break space between a capital and a full stop, raises on lone
surrogates, and takes quadratic time on unclosed quotation marks. Hence: one paragraph at a time, foreign white space
and controls replaced one for one, windows of bounded size, and a check that no character is lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# No look-ahead over more than this: time stays linear, and an unclosed quotation mark swallows no more than this.
WINDOW = 2000

_BREAK = "\n\r\x0b\x0c\x85\u2028\u2029"
_BLANK_LINE = re.compile(rf"[{_BREAK}][^\S{_BREAK}]*[{_BREAK}]\s*|\u2029")
# Everything that is white space or control but a plain space or LF, and what has no UTF-8.
_ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")
# Abbreviations of public bodies and papers that the rules do not know; a sentence does not end there.
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:Cllrs?|Hon|Rt|approx|paras?|incl|dept|govt|ca|cf|Ald)\.$")


def sentences(text: str) -> list[tuple[int, int]]:
    """Sentence spans of a text.

    Args:
        text: any string, lone surrogates and controls included.

    Returns:
        ``[start, end)`` in code points, in order, without surrounding white space; every character that is not white
        space lies in exactly one of them. A blank line always ends a sentence, a single line end never does by itself.

    >>> text = "It was Cllr. Ahmed's idea. We tried it…  Twice!"
    >>> [text[start:end] for start, end in sentences(text)]
    ["It was Cllr. Ahmed's idea.", 'We tried it…  Twice!']
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for gap in _BLANK_LINE.finditer(text):
        spans += _paragraph(text, at, gap.start())
        at = gap.end()
    return spans + _paragraph(text, at, len(text))


def _paragraph(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    at, open_ended = start, False
    for piece in _pieces(_ODD.sub(_stand_in, text[start:end])):
        first, last = trim(text, at, at + len(piece))
        at += len(piece)
        if first >= last:
            continue
        # A combining mark or joiner belongs to the character before it, whatever the rules say.
        torn = spans and first == spans[-1][1] and (
            text[first] == "\u200d" or unicodedata.category(text[first]).startswith("M")
        )  # fmt: skip
        if spans and (torn or open_ended):
            first = spans.pop()[0]
        spans.append((first, last))
        open_ended = bool(_ABBREVIATION.search(text, max(first, last - 12), last))
    return spans


def _pieces(paragraph: str) -> Iterator[str]:
    """Pieces that join to the paragraph, from windows that begin at a sentence."""
    at = 0
    while at < len(paragraph):
        window = paragraph[at : at + WINDOW]
        pieces = _split(window)
        if at + WINDOW < len(paragraph):
            # The last piece may go on beyond the window: it opens the next one.
            if len(pieces) > 1:
                pieces = pieces[:-1]
            else:
                cut = window.rfind(" ") + 1 or len(window)
                pieces = [window[:cut]]
        yield from pieces
        at += sum(map(len, pieces))


def _split(window: str) -> list[str]:
    from sentencex import segment

    try:
        pieces = list(segment("en", window))
    except BaseException as error:
        # A panic of the Rust code is no Exception; anything else is not ours to stop.
        if type(error).__name__ != "PanicException":
            raise
        return [window]
    return pieces if sum(map(len, pieces)) == len(window) else [window]


def _stand_in(match: re.Match[str]) -> str:
    character = match.group()
    if character in "\r\x0b\x0c\x85\u2028\u2029":
        return "\n"
    return "\ufffd" if "\ud800" <= character <= "\udfff" else " "


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space at its ends; empty where it is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
