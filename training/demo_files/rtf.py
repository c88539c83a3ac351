"""Rich Text Format out of an old WordPerfect: Windows-1252 escapes, hard page breaks and ``Page 3`` lines mid-turn."""

from __future__ import annotations

from training.demo_files.mess import curly
from training.demo_files.source import Source

_HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman\fcharset0 Courier New;}}\paperw12240\paperh15840\f0\fs22"
_WORDS_A_PAGE = 330


def transcript(source: Source) -> bytes:
    """One paragraph a turn, cut wherever a page was full."""
    parts = [_HEAD]
    parts += [rf"\pard {{\b {escaped(heading)}}}\par" for heading in source.headings]
    page, words_left = 1, _WORDS_A_PAGE
    for label, text, _ in source.spoken():
        words = text.split()
        if 8 < words_left < len(words) - 8:
            page += 1
            before, after = " ".join(words[:words_left]), " ".join(words[words_left:])
            parts.append(rf"\pard {{\b {escaped(label)}:}} {escaped(before)}\par \page")
            parts.append(rf"\pard\qr Page {page}\par \pard {escaped(after)}\par \pard\par")
            words_left += _WORDS_A_PAGE
        else:
            parts.append(rf"\pard {{\b {escaped(label)}:}} {escaped(text)}\par \pard\par")
        words_left -= len(words)
    return "\r\n".join([*parts, "}"]).encode("ascii")


def escaped(text: str) -> str:
    r"""Text with everything outside ASCII as ``\'92``."""
    out = []
    for character in curly(text):
        if character in "\\{}":
            out.append("\\" + character)
        elif character.isascii():
            out.append(character)
        else:
            out.append(f"\\'{character.encode('cp1252')[0]:02x}")
    return "".join(out)
