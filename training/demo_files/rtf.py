"""Rich Text Format, with Windows-1252 escapes: transcripts out of an old WordPerfect, and a news release."""

from __future__ import annotations

from training.demo_files import ledger
from training.demo_files.mess import curly
from training.demo_files.source import Source

_HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman\fcharset0 Courier New;}}\paperw12240\paperh15840\f0\fs22"
_WORDS_A_PAGE = 330
_LETTERHEAD = ("DEPARTMENT OF PUBLIC SAFETY AND RETURN", "Communications Office / Bureau des communications")


def transcript(source: Source) -> bytes:
    """One paragraph a turn, cut wherever a page was full: a hard page break and a ``Page 3`` line inside the turn."""
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


def release(source: Source) -> bytes:
    """The communications office's letterhead, bullets, and a quotation set again in a box."""
    behind, quotation = ledger.PULLED[source.id]
    title, *records = source.records
    parts = [_HEAD, *(rf"\pard\qc {{\b {escaped(line)}}}\par" for line in _LETTERHEAD)]
    parts.append(rf"\pard\par \pard\sb240 {{\b\fs28 {escaped(title.text)}}}\par")
    for number, record in enumerate(records, 2):
        text = escaped(record.text)
        if record.kind == "heading":
            capitals = escaped(record.text.upper() if number == 2 else record.text)
            parts.append(rf"\pard\sb200 {{\b {capitals}}}\par")
        elif record.kind == "list_item":
            parts.append(rf"\pard\fi-360\li720 \'95\tab {text}\par")
        else:
            centred = r"\qc" if record.text == "-30-" else ""
            parts.append(rf"\pard{centred}\sb120 {text}\par")
        if number == behind:
            box = r"\brdrt\brdrs\brdrb\brdrs"
            parts.append(rf"\pard{box}\li1440\ri1440 {{\i\fs26 {escaped(quotation)}}}\par")
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
