"""Word documents: a typist's with tracked changes, a two-column table, Teams transcripts as saved and as pasted."""

from __future__ import annotations

import datetime
import io
import re
import struct
import zlib
from itertools import pairwise
from typing import Any

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from training.demo_files import ledger, mess, word_notes
from training.demo_files.mess import curly
from training.demo_files.package import fixed
from training.demo_files.source import Record, Source
from training.demo_files.timing import clock, turns

_FOOTNOTE = "Said over the gulls; I have put eleven because he did. M. Rafuse, typist"
_SIX = 6


def tracked(source: Source, author: str) -> bytes:
    """Somebody has gone over a transcript with tracked changes, and left a comment.

    Args:
        source: an interview.
        author: of the changes.
    """
    document = new(source)
    for heading in source.headings:
        document.add_heading(curly(heading), 2)
    for label, text, record in source.spoken():
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{label}: ").bold = True
        add_pieces(document, paragraph, source, record, text, author)
    return saved(document)


def two_columns(source: Source) -> bytes:
    """A table, speaker to the left and text to the right; the project's name in the header; one footnote."""
    document = new(source)
    document.sections[0].header.paragraphs[0].text = "Clear Nights, Tanner’s Reach – oral material – 2015"
    for heading in source.headings:
        document.add_heading(curly(heading), 2)
    table = document.add_table(rows=0, cols=2)
    table.style = "Table Grid"
    table.autofit = False
    reference = next(record for _, _, record in reversed(list(source.spoken())) if record.beat is not None)
    for label, text, record in source.spoken():
        left, right = table.add_row().cells
        left.width, right.width = Cm(3), Cm(13)
        left.paragraphs[0].add_run(label).bold = True
        right.paragraphs[0].add_run(curly(text))
        if record is reference:
            word_notes.add(document, right.paragraphs[0], [word_notes.run(curly(_FOOTNOTE))])
    return saved(document)


def teams(source: Source) -> bytes:
    """Teams' own transcript: a picture, ``Name   0:03``, a line break, the text; one turn falls into six blocks."""
    document = new(source)
    for heading in source.headings:
        document.add_heading(heading, 1)
    document.add_paragraph("Tom Baptiste started transcription")
    longest = max((cue for cue in turns(source) if not cue.record.interviewer), key=lambda cue: len(cue.text))
    for number, cue in enumerate(turns(source)):
        texts = _in_six(cue.text) if cue.text == longest.text else [cue.text]
        start = cue.start
        for text in texts:
            paragraph = document.add_paragraph()
            _add_picture(paragraph, cue.label, number)
            if number in (3, 17, 29):
                paragraph.add_run(f"Profile picture of {cue.label}. ").add_break()
            paragraph.add_run(cue.label).bold = True
            run = paragraph.add_run(f"   {clock(start)}")
            run.add_break()
            paragraph.add_run(text)
            start += (cue.end - cue.start) / len(texts)
    document.add_paragraph("Tom Baptiste stopped transcription")
    return saved(document)


def pasted(source: Source) -> bytes:
    """Pasted from Teams into Word, lines broken inside turns; an office has put words in and asks a question."""
    document = new(source)
    document.sections[0].header.paragraphs[0].text = "OFFICIAL"
    for heading in source.headings:
        document.add_paragraph(heading)
    for cue in turns(source):
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{cue.label}   {clock(cue.start)}").add_break()
        add_pieces(document, paragraph, source, cue.record, cue.text, "Communications Office", breaks=True)
    return saved(document)


def new(source: Source) -> Any:
    """An empty document in Calibri, last saved a week after the talk."""
    document = docx.Document()
    font = document.styles["Normal"].font
    font.name, font.size = "Calibri", Pt(11)
    properties = document.core_properties
    written = datetime.datetime.fromisoformat(source.plan["date"]) + datetime.timedelta(days=8, hours=10)
    properties.created = properties.modified = written
    properties.author = properties.last_modified_by = "transcripts"
    properties.title = ""
    properties.comments = ""
    return document


def saved(document: Any) -> bytes:
    """Its bytes, the same on every run."""
    out = io.BytesIO()
    document.save(out)
    return fixed(out.getvalue())


def add_pieces(
    document: Any, paragraph: Any, source: Source, record: Record, text: str, author: str, breaks: bool = False
) -> None:
    """Add the runs of a turn, or a paragraph, with its tracked changes and its comment.

    Args:
        document: that the paragraph is in.
        paragraph: to add them to.
        source: the document's source.
        record: of the turn.
        text: of the turn, as the file has it.
        author: of the changes.
        breaks: whether lines break inside the turn.
    """
    date = f"{source.plan['date']}T16:20:00Z"
    beat, anchored, who, note = ledger.COMMENTS.get(source.id, (None, "", "", ""))
    anchored = curly(anchored)
    for how, words in mess.pieces(source.id, record.beat, text):
        if how == "keep":
            hangs = beat is not None and record.beat == beat and anchored in words
            before, anchor, after = words.partition(anchored) if hangs else (words, "", "")
            _add_words(paragraph, before, breaks)
            if anchor:
                run = paragraph.add_run(anchor)
                comment = document.add_comment(run, text=note, author=who, initials=who[0])
                comment._comment_elm.set(qn("w:date"), date)
                _add_words(paragraph, after, breaks)
            continue
        paragraph._p.append(changed(how, words, 900 + len(paragraph._p), author, date))


def changed(how: str, words: str, number: int, author: str, date: str) -> Any:
    """The element of a tracked change.

    Args:
        how: ``insert`` or ``delete``.
        words: that were put in or taken out.
        number: of the change.
        author, date: of the change.
    """
    mark = OxmlElement("w:ins" if how == "insert" else "w:del")
    for name, value in (("id", str(number)), ("author", author), ("date", date)):
        mark.set(qn(f"w:{name}"), value)
    run = OxmlElement("w:r")
    word = OxmlElement("w:t" if how == "insert" else "w:delText")
    word.text = words
    word.set(qn("xml:space"), "preserve")
    run.append(word)
    mark.append(run)
    return mark


def _add_words(paragraph: Any, words: str, breaks: bool) -> None:
    """One run; with ``breaks``, a line break behind every second sentence."""
    parts = re.split(r"(?<=[.?!]) (?=[A-Z])", words) if breaks else [words]
    for i, part in enumerate(parts):
        last = i + 1 == len(parts)
        run = paragraph.add_run(part if last or i % 2 else f"{part} ")
        if i % 2 and not last:
            run.add_break()


def _in_six(text: str) -> list[str]:
    words = text.split()
    bounds = [round(i * len(words) / _SIX) for i in range(_SIX + 1)]
    return [" ".join(words[a:b]) for a, b in pairwise(bounds)]


def _add_picture(paragraph: Any, label: str, number: int) -> None:
    """A dot for a face, with its alternative text."""
    shape = paragraph.add_run().add_picture(io.BytesIO(_dot(len(label))), width=Pt(9))
    properties = shape._inline.docPr
    properties.set("descr", f"Profile picture of {label}.")
    properties.set("name", f"Picture {number}")


def _dot(shade: int) -> bytes:
    """An eight by eight PNG."""
    rows = b"".join(b"\0" + bytes([60 + 9 * shade, 120, 160]) * 8 for _ in range(8))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
