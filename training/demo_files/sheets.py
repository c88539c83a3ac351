"""Tables: sticky notes typed into a spreadsheet and saved as csv, and a form as a portal exports it."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile

import openpyxl
from openpyxl.styles import Alignment, Font

from training.demo_files import ledger
from training.demo_files.mess import curly
from training.demo_files.package import fixed
from training.demo_files.source import Source

_CORE = "docProps/core.xml"
_WIDTHS = {"A": 8, "B": 10, "C": 8, "D": 110}


def sticky_notes(source: Source) -> bytes:
    """Semicolons, Windows-1252, CRLF, every cell quoted, empty rows; one note a row, titles of boards too."""
    places = {
        first + i: (board, colour)
        for first, _, board, colours in ledger.BOARDS
        for i, colour in enumerate(["", *colours.split()])
    }
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    rows.writerow(("no", "board", "colour", "text"))
    for number, record in enumerate(source.records, 1):
        rows.writerow((number, *places.get(number, ("", "")), curly(record.text)))
        if number in ledger.EMPTY_ROWS:
            rows.writerow(("", "", "", ""))
    return out.getvalue().encode("cp1252")


def form(source: Source) -> bytes:
    """One box of the form a row, headings of sections too; boxes that were left empty."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "RR-7 export"
    sheet.append(("field", "required", "limit", "text"))
    behind, empty = ledger.EMPTY_BOX
    for number, record in enumerate(source.records, 1):
        sheet.append((*(cell or None for cell in ledger.FIELDS.get(number, ("", "", ""))), record.text))
        if number == behind:
            sheet.append((*empty, None))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column, width in _WIDTHS.items():
        sheet.column_dimensions[column].width = width
    for (cell,) in sheet.iter_rows(min_col=4, max_col=4):
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    written = datetime.datetime.fromisoformat(source.plan["date"]) + datetime.timedelta(hours=16, minutes=52)
    book.properties.created = written
    book.properties.creator = "Return Portal"
    out = io.BytesIO()
    book.save(out)
    # openpyxl says that it was changed now, whatever one sets.
    with zipfile.ZipFile(out) as package:
        core = package.read(_CORE)
    core = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + written.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), core)
    return fixed(out.getvalue(), {_CORE: core})
