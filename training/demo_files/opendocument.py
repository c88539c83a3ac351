"""OpenDocument texts: a typist's transcripts, and a report with notes at the foot of the page and a pull quote."""

from __future__ import annotations

import datetime
import io
from typing import Any

import odfdo

from training.demo_files import ledger, mess
from training.demo_files.mess import curly
from training.demo_files.package import fixed
from training.demo_files.sheet import cuts
from training.demo_files.source import Record, Source

# Every so many words one of eight letters or more has a soft hyphen.
_SOFT_EVERY, _SOFT_LETTERS = 40, 8


def transcript(source: Source, soft_hyphens: bool = False) -> bytes:
    """One paragraph a turn, the name in bold; notes in brackets, curly quotation marks, accents.

    Args:
        source: an interview.
        soft_hyphens: whether the typist put some in.
    """
    document, body = _new()
    document.insert_style(odfdo.Style("text", name="Name", bold=True))
    for heading in source.headings:
        body.append(odfdo.Header(2, curly(heading)))
    words_before = 0
    for label, text, record in source.spoken():
        if soft_hyphens:
            text, words_before = _softened(text, words_before)
        paragraph = odfdo.Paragraph(f"{label}: {curly(mess.noted(source.id, record.beat, text))}")
        paragraph.set_span("Name", offset=0, length=len(label) + 1)
        body.append(paragraph)
    return _saved(document, source, 5, "OpenOffice.org/3.4$Win32")


def report(source: Source) -> bytes:
    """Headings, a table, a list, notes at the foot of the page, a pull quote in a frame."""
    document, body = _new()
    notes = ledger.FOOTNOTES[source.id]
    table: Any = None
    items: Any = None
    before = Record("", "")
    for number, record in enumerate(source.records, 1):
        text = curly(record.text)
        if number in notes:
            continue
        if record.kind == "table_row":
            if before.kind != "table_row":
                table = odfdo.Table(f"Table{number}")
                body.append(table)
            table.append_row(_row(text))
        elif record.kind == "list_item":
            if before.kind != "list_item":
                items = odfdo.List()
                body.append(items)
            items.append_item(text)
        elif number == ledger.FRAMED.get(source.id):
            frame = odfdo.Frame.text_frame(text, size=("7cm", "3cm"), name="Quotation", anchor_type="paragraph")
            body.children[-1].append(frame)
        else:
            body.append(_paragraph(source, number))
        before = record
    return _saved(document, source, 3, "LibreOffice/7.2$Linux")


def _paragraph(source: Source, number: int) -> Any:
    """A heading, or a paragraph with the notes that hang on it."""
    text = curly(source.records[number - 1].text)
    if source.records[number - 1].kind == "heading":
        return odfdo.Header(1 if number == 1 else 2, text)
    paragraph = odfdo.Paragraph(text)
    for i, (at, (hangs, words, _)) in enumerate(sorted(ledger.FOOTNOTES[source.id].items()), 1):
        if hangs == number:
            note = _without_number(curly(source.records[at - 1].text))
            paragraph.insert_note(
                after=curly(words), note_class="footnote", note_id=f"ftn{i}", citation=str(i), body=note
            )
    return paragraph


def _row(text: str) -> Any:
    row = odfdo.Row()
    for cell in text.split("|"):
        row.append_cell(odfdo.Cell(cell.strip()))
    return row


def _without_number(text: str) -> str:
    """A note without the number in front: the program sets it."""
    number, _, rest = text.partition(" ")
    return rest if number.rstrip(".").isdecimal() else text


def _softened(text: str, words_before: int) -> tuple[str, int]:
    """A text with soft hyphens, and how many words have gone by since the last of them."""
    out = []
    for word in text.split():
        halves = list(cuts(word))
        if words_before >= _SOFT_EVERY and len(word) >= _SOFT_LETTERS and halves:
            word, words_before = halves[0][0].rstrip("-") + "\u00ad" + halves[0][1], 0
        words_before += 1
        out.append(word)
    return " ".join(out), words_before


def _new() -> tuple[Any, Any]:
    document = odfdo.Document("text")
    body: Any = document.body
    body.clear()
    return document, body


def _saved(document: Any, source: Source, days: int, program: str) -> bytes:
    meta: Any = document.meta
    written = datetime.datetime.fromisoformat(source.plan["date"]) + datetime.timedelta(days=days, hours=9)
    meta.set_creation_date(written)
    meta.set_modification_date(written)
    meta.set_generator(program)
    out = io.BytesIO()
    document.save(out)
    return fixed(out.getvalue())
