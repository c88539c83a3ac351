"""PDF: text with page numbers as provenance, paragraphs rebuilt, running headers and footers taken out.

pdfium finds characters and reading order; `sibnlp.parsing.pagelines` and `sibnlp.parsing.paragraphs` do the rest. Text
in the file counts, not its picture: a scanned page without a text layer is listed under ``dropped``. Attachments are
not opened, form fields and comments are counted.
"""

from __future__ import annotations

import mmap
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sibnlp.errors import ReadError
from sibnlp.parsing import pagelines, paragraphs
from sibnlp.parsing.blocks import Tally
from sibnlp.parsing.pagelines import Line
from sibnlp.parsing.pdftext import page_text
from sibnlp.types import Document, Mark

MAX_PAGES = 5_000
MAX_CHARACTERS = 20_000_000

# pdfium keeps global state: one thread at a time, whatever the document.
_LOCK = threading.Lock()
_OBJECT = re.compile(rb"\d\s+\d+\s+obj\b")
# pdfium's error codes; whatever else it says means "damaged".
_REASONS = {
    4: ("password-protected", "save a copy without the password"),
    5: ("encrypted in a way that cannot be opened", "save a copy without protection"),
}
_DAMAGED = "open it in a PDF viewer and save or print it to PDF again"


def sniff(head: bytes) -> bool:
    """Whether a PDF signature stands near the beginning, as viewers accept it."""
    return b"%PDF-" in head[:1024]


def read(path: Path, document_id: str) -> Document:
    """Read a PDF file.

    Args:
        path: the file.
        document_id: id of the document.

    Returns:
        The document; its text is empty where no page has a text layer. Every page has a ``page`` mark or is listed in
        ``dropped``.

    Raises:
        ReadError: password-protected, damaged, cut short, or beyond `MAX_PAGES` or `MAX_CHARACTERS`.
    """
    if not _is_whole(path):
        raise ReadError(path, "the file is cut short: its end is missing", "download or export it again")
    with _LOCK:
        raw = _extract(path)
    return _assemble(document_id, raw)


@dataclass(slots=True)
class _Raw:
    """What pdfium gives: lines of each page, numbers of those that cannot be loaded, and what is no text on a page."""

    pages: list[list[Line]] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def _is_whole(path: Path) -> bool:
    """Whether the last object is followed by the end of the file's table; pdfium would silently read half a file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = max(data.rfind(b"%%EOF"), data.rfind(b"startxref"))
        return end >= 0 and not _OBJECT.search(data, end)


def _extract(path: Path) -> _Raw:
    import pypdfium2 as pdfium

    try:
        pdf = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        problem, fix = _REASONS.get(getattr(error, "err_code", None) or 0, ("damaged: not a readable PDF", _DAMAGED))
        raise ReadError(path, problem, fix) from error
    raw = _Raw()
    with pdf:
        if not len(pdf):
            raise ReadError(path, "damaged: it has no pages", _DAMAGED)
        if len(pdf) > MAX_PAGES:
            raise ReadError(path, f"{len(pdf):,} pages, more than {MAX_PAGES:,}", "split it")
        raw.tally.add("attached files (not opened)", count=pdf.count_attachments())
        characters = 0
        for number in range(1, len(pdf) + 1):
            try:
                page = pdf[number - 1]
                textpage = page.get_textpage()
            except pdfium.PdfiumError:
                raw.damaged.append(number)
                raw.pages.append([])
                continue
            characters += textpage.count_chars()
            if characters > MAX_CHARACTERS:
                raise ReadError(path, f"more than {MAX_CHARACTERS:,} characters (up to page {number})", "split it")
            found = page_text(page, textpage, number)
            raw.pages.append(list(found.lines))
            for text in found.outside:
                raw.tally.add("lines outside the visible page", text)
            raw.tally.add("characters whose font does not say which they are", count=found.n_unknown)
            _count_notes(page, raw.tally)
            textpage.close()
            page.close()
    if len(raw.damaged) == len(raw.pages):
        raise ReadError(path, "damaged: none of its pages can be loaded", _DAMAGED)
    return raw


def _count_notes(page: Any, tally: Tally) -> None:
    """Count comments and filled form fields; they are no part of the page's text."""
    import pypdfium2.raw as api

    for index in range(api.FPDFPage_GetAnnotCount(page.raw)):
        note = api.FPDFPage_GetAnnot(page.raw, index)
        if not note:
            continue
        kind = api.FPDFAnnot_GetSubtype(note)
        # A string value counts with its two closing zero bytes.
        if kind == api.FPDF_ANNOT_WIDGET:
            tally.add("filled form fields", count=int(api.FPDFAnnot_GetStringValue(note, b"V", None, 0) > 2))
        elif kind not in (api.FPDF_ANNOT_LINK, api.FPDF_ANNOT_POPUP):
            tally.add("comments", count=int(api.FPDFAnnot_GetStringValue(note, b"Contents", None, 0) > 2))
        api.FPDFPage_CloseAnnot(note)


def _assemble(document_id: str, raw: _Raw) -> Document:
    pages, numbers = pagelines.line_numbers(raw.pages)
    pages, page_numbers = pagelines.page_numbers(pages)
    pages, running = pagelines.running_lines(pages)
    text, marks, at = [], [], 0
    for block in paragraphs.blocks(pages):
        if at:
            text.append("\n\n")
            at += 2
        start = at
        for page, piece in paragraphs.by_page(block.pieces):
            marks.append(Mark(at, at + len(piece), "page", str(page)))
            text.append(piece)
            at += len(piece)
        if block.kind:
            marks.append(Mark(start, at, block.kind))
    with_text = {mark.value for mark in marks if mark.kind == "page"}
    silent = [n for n in range(1, len(pages) + 1) if str(n) not in with_text and n not in raw.damaged]
    tally = raw.tally
    for what, lines in (
        ("running headers and footers", running),
        ("page numbers", page_numbers),
        ("line numbers in the margin", numbers),
    ):
        for line in lines:
            tally.add(what, line.text)
    tally.add("pages without text", _ranges(silent), len(silent))
    tally.add("pages that cannot be loaded", _ranges(raw.damaged), len(raw.damaged))
    return Document(document_id, "".join(text), "pdf", marks=tuple(_whole(marks)), dropped=tally.dropped())


def _whole(marks: Iterable[Mark]) -> list[Mark]:
    """Neighbouring marks of one page as one, the blank line between included; all in order of start."""
    out: list[Mark] = []
    pages: list[Mark] = []
    for mark in marks:
        if mark.kind != "page":
            out.append(mark)
        elif pages and pages[-1].value == mark.value:
            pages[-1] = Mark(pages[-1].start, mark.end, "page", mark.value)
        else:
            pages.append(mark)
    return sorted(out + pages, key=lambda mark: (mark.start, -mark.end))


def _ranges(numbers: Sequence[int]) -> str:
    """``"2, 5-7"``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
