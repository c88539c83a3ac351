"""A Word report: the business case, with its consultants' tracked changes and notes at the foot of the page."""

from __future__ import annotations

from typing import Any

from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from training.demo_files import ledger, mess, word, word_notes
from training.demo_files.mess import curly
from training.demo_files.source import Record, Source

_AUTHOR = "G Oakes"


def report(source: Source) -> bytes:
    """Headings, tables, bullets; version and secrecy in the header, the page's number in the footer."""
    document = word.new(source)
    section = document.sections[0]
    section.header.paragraphs[0].text = "Outline business case v0.9 – commercial in confidence"
    _add_page_number(section.footer.paragraphs[0])
    notes = ledger.FOOTNOTES[source.id]
    table: Any = None
    for number, record in enumerate(source.records, 1):
        if number in notes:
            continue
        if record.kind == "table_row":
            table = _add_row(document, table, record)
            continue
        table = None
        if record.kind == "heading":
            document.add_heading(curly(record.text), 0 if number == 1 else 1)
            continue
        paragraph = document.add_paragraph(style="List Bullet" if record.kind == "list_item" else None)
        _add_text(document, paragraph, source, number)
    return word.saved(document)


def _add_text(document: Any, paragraph: Any, source: Source, number: int) -> None:
    """The words of a record, the notes that hang on it, and changes in either."""
    record = source.records[number - 1]
    rest = record.text
    for at, (hangs, words, mark) in ledger.FOOTNOTES[source.id].items():
        if hangs == number:
            before, anchor, rest = rest.partition(words)
            word.add_pieces(document, paragraph, source, record, before + anchor, _AUTHOR)
            word_notes.add(document, paragraph, _note(source, source.records[at - 1]), mark)
    if rest:
        word.add_pieces(document, paragraph, source, record, rest, _AUTHOR)


def _note(source: Source, record: Record) -> list[Any]:
    date = f"{source.plan['date']}T16:20:00Z"
    return [
        word_notes.run(words) if how == "keep" else word.changed(how, words, 990, _AUTHOR, date)
        for how, words in mess.pieces(source.id, record.beat, record.text)
    ]


def _add_row(document: Any, table: Any, record: Record) -> Any:
    """Add a row, to a new table where there is none yet; its first row is its head."""
    cells = [curly(cell.strip()) for cell in record.text.split("|")]
    head = table is None
    if head:
        table = document.add_table(rows=0, cols=len(cells))
        table.style = "Table Grid"
    for cell, text in zip(table.add_row().cells, cells, strict=True):
        cell.paragraphs[0].add_run(text).bold = head
    return table


def _add_page_number(paragraph: Any) -> None:
    """The field that numbers pages."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    field.append(word_notes.run("1"))
    paragraph._p.append(field)
