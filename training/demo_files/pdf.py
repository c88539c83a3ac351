"""PDF: contract and annual report in justified lines, transcripts printed from Word, one typed on paper and scanned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from training.demo_files import ledger
from training.demo_files.mess import curly
from training.demo_files.sheet import Look, Run, Sheet
from training.demo_files.source import Record, Source
from training.demo_files.timing import rng

_TIMES = ("Times-Roman", "Times-Bold", "Times-Italic")
_HELVETICA = ("Helvetica", "Helvetica-Bold", "Helvetica-Oblique")
# What is set in italics: a clause added by hand; a caption.
_SLANTED = ("by hand", "Photograph, inside back cover")


def contract(source: Source) -> bytes:
    """The contract: running header, initials in the footer, numbered clauses, a rate card, one clause by hand."""
    sheet = Sheet(Look(*_TIMES, 12, 20, left=122, right=122, top=130, bottom=150))
    _set(sheet, source.records, {2: (0, 235), 3: (0, 235, 322)})
    return sheet.drawn("Clear Nights — Outcomes Agreement — Execution copy", "Page {n} of {of} / initials ____")


def report(source: Source) -> bytes:
    """The company's annual report: its letterhead on every page, justified lines, two tables, a caption."""
    sheet = Sheet(Look(*_HELVETICA, 10, 15, left=80, right=80, top=110, bottom=100))
    _set(sheet, source.records, {2: (0, 190), 6: (0, 150, 205, 260, 315, 370)})
    head = "Tanner’s Reach Homecoming Ltd · The net loft, Tanner’s Reach, Nova Scotia"
    return sheet.drawn(head, "Annual report, contract year two – {n} of {of}")


def printed(source: Source, header: str) -> bytes:
    """A transcript printed from Word: running header, page numbers, French words in italics."""
    look = Look(*_TIMES, 12, 16, left=110, right=110, justified=False)
    sheet = Sheet(look)
    for heading in source.headings:
        sheet.paragraph([(word, look.bold) for word in curly(heading).split()], space=6)
    for label, text, _ in source.spoken():
        runs = [(f"{label}:", look.bold), *_with_italics(text, look)]
        sheet.paragraph(runs, space=9, keep=1)
    return sheet.drawn(header, "{n}")


def scanned(source: Source) -> bytes:
    """A transcript typed on paper and scanned: what the scanner took for letters, as it lay on the glass."""
    look = Look("Courier", "Courier", "Courier", 11, 17, left=95, right=80, top=125, bottom=90, justified=False)
    sheet = Sheet(look)
    for heading in source.headings:
        sheet.paragraph([(word, look.font) for word in heading.split()], space=6)
    for label, text, _ in source.spoken():
        sheet.paragraph([(word, look.font) for word in f"{label}: {text}".split()], space=9, keep=1)
    return sheet.scanned(("TRANSCRIPT: NOT FOR FILE", "Rec'd 28 JUL 2016"), rng(source))


def _set(sheet: Sheet, records: Sequence[Record], stops: Mapping[int, Sequence[float]]) -> None:
    """Set the records of a document.

    Args:
        sheet: to set them on.
        records: of the document.
        stops: number of a table's columns → where they begin, in points from the margin.
    """
    look, before = sheet.look, ""
    for record in records:
        text = curly(record.text)
        if record.kind == "table_row":
            cells = [cell.strip() for cell in text.split("|")]
            sheet.row(cells, stops[len(cells)], look.font if before == "table_row" else look.bold)
        else:
            if before == "table_row":
                sheet.skip(10)
            if record.kind == "heading" and record.text.startswith("Schedule"):
                sheet.new_page()
            slanted = any(words in text for words in _SLANTED)
            font = look.bold if record.kind == "heading" else look.italic if slanted else look.font
            indent = 24.0 if record.kind == "list_item" else 0.0
            sheet.paragraph([(word, font) for word in text.split()], indent, 10, 2 * (record.kind == "heading"))
        before = record.kind


def _with_italics(text: str, look: Look) -> list[Run]:
    """Words of a turn, the French ones in italics."""
    french = re.compile("|".join(rf"(?<!\w){re.escape(words)}(?!\w)" for words in ledger.FRENCH))
    runs: list[Run] = []
    at = 0
    slanted: set[int] = set()
    for match in french.finditer(text):
        slanted.update(range(match.start(), match.end()))
    for word in text.split():
        at = text.index(word, at)
        runs.append((word, look.italic if at in slanted else look.font))
        at += len(word)
    return [(curly_word, font) for curly_word, (_, font) in zip(curly(text).split(), runs, strict=True)]
