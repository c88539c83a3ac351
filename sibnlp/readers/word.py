"""Word documents (.docx): what a reader of the page would see with all tracked changes accepted.

Walks the XML itself instead of going through python-docx, whose ``paragraph.text`` loses tracked insertions (its issue
1123), content controls and text boxes, whose tables repeat merged cells, and which unpacks every picture and parses
every part without bounds before the first word is read; ``tests/readers/test_word.py`` shows what it loses.

Kept: insertions, results of fields, content controls, text boxes (once, after their paragraph), one block a table row,
notes (after the body). Dropped and counted: deletions, comments, hidden text, headers and footers, pictures, list
numbers. Explicit stacks: depth costs Python frames only for tables and text boxes inside each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from sibnlp.errors import ReadError
from sibnlp.parsing import archive
from sibnlp.parsing.blocks import Block, Tally, assemble, row_blocks
from sibnlp.parsing.wordml import (
    Styles,
    alternative,
    child,
    fields_balanced,
    is_listed,
    is_on,
    is_outline,
    kind,
    mark_deleted,
    plain_text,
    run_text,
    symbol,
    value,
)
from sibnlp.types import Document

_OTHER_OFFICE = re.compile(rb"PK\x03\x04.{26}(xl|ppt)/|PK\x03\x04.{26}mimetype", re.DOTALL)
# Parts that are read, and how long each may be: a page header of several megabytes is an attack.
_PARTS = dict.fromkeys(("styles", "footnotes", "endnotes"), archive.MAX_READ) | dict.fromkeys(
    ("header", "footer"), 2**22
)
_PLAIN = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_SILENT = frozenset((
    "pPr", "rPr", "sdtPr", "sdtEndPr", "sectPr", "tblPr", "tblGrid", "trPr", "tcPr", "instrText", "delText",
    "delInstrText", "rt", "softHyphen",
))  # fmt: skip


def sniff(head: bytes) -> bool:
    """A zip archive that is no other office format; or the OLE container of a password-protected file."""
    return head.startswith(archive.OLE_MAGIC) or (head.startswith(archive.ZIP_MAGIC) and not _OTHER_OFFICE.search(head))


def read(path: Path, document_id: str) -> Document:
    """Read a .docx file.

    Raises:
        ReadError: no zip archive, password-protected, damaged, or no Word document in it.
    """
    archive.check(path)
    main = next((name for kind, name in archive.related_parts(path) if kind == "officeDocument"), "word/document.xml")
    if main not in archive.member_names(path):
        raise ReadError(path, "no Word document in it (word/document.xml is missing)", "save it as .docx again")
    root = archive.parse_xml(archive.read_member(path, main), path)
    body = child(root, "body")
    if kind(root) != "document" or body is None:
        raise ReadError(path, f"no Word document in it (its main part is {main})")
    parts: dict[str, list[etree._Element]] = {}
    for what, name in dict.fromkeys(archive.related_parts(path, main)):
        if limit := _PARTS.get(what):
            parts.setdefault(what, []).append(archive.parse_xml(archive.read_member(path, name, limit), path))
    tally = Tally()
    story = _Story(Styles(*parts.get("styles", [])[:1]), tally)
    blocks = story.read(body)
    for what in ("footnote", "endnote"):
        blocks += _notes(what, parts.get(f"{what}s", []), story, tally)
    for text in dict.fromkeys(plain_text(part) for part in parts.get("header", []) + parts.get("footer", [])):
        tally.add("running headers and footers", text, count=bool(text))
    return assemble(blocks, document_id, "word", tally)


def _notes(what: str, parts: list[etree._Element], story: _Story, tally: Tally) -> list[Block]:
    """Blocks of the notes that the text refers to, in its order, each once."""
    notes = {value(note, "id"): note for part in parts for note in part if value(note, "type") in (None, "normal")}
    blocks: list[Block] = []
    # A note can refer to no further note, so the list does not grow while it is read.
    for note_id in dict.fromkeys(note_id for kind_, note_id in story.notes if kind_ == what):
        if (note := notes.pop(note_id, None)) is not None:
            blocks += [Block(block.text.strip(), (*block.kinds, "footnote")) for block in story.read(note)]
    for note in notes.values():
        if text := plain_text(note):
            tally.add("notes that nothing refers to", text)
    return blocks


class _Story:
    """Turns the paragraphs and tables under an element into blocks.

    Args:
        styles: of the file.
        tally: takes the count of what is left out.

    Attributes:
        notes: references met so far, in order: (``footnote`` or ``endnote``, id).
    """

    def __init__(self, styles: Styles, tally: Tally) -> None:
        self.notes: list[tuple[str, str]] = []
        self._styles, self._tally = styles, tally
        self._fields: list[bool] = []  # open fields; True while in the instruction, whose text is not shown
        self._instructions = 0  # how many of them are
        self._trust_fields = True

    def read(self, root: etree._Element) -> list[Block]:
        """Blocks of one story; fields may not reach beyond it."""
        outer = self._fields, self._instructions, self._trust_fields
        self._fields, self._instructions, self._trust_fields = [], 0, fields_balanced(root)
        blocks = self._blocks(root)
        self._fields, self._instructions, self._trust_fields = outer
        return blocks

    def _blocks(self, container: etree._Element) -> list[Block]:
        blocks: list[Block] = []
        joined = ""  # text of paragraphs whose end was deleted: it belongs to the next one
        for element in self._walk(container, ("p", "tbl", "altChunk")):
            name = kind(element)
            if name == "p":
                text, kinds, boxes = self._paragraph(element)
                if mark_deleted(element):
                    joined += text
                    blocks.extend(boxes)
                    continue
                blocks.append(Block(joined + text, kinds))
                blocks.extend(boxes)
            else:
                blocks.append(Block(joined))
                if name == "tbl":
                    blocks.extend(self._table(element))
                else:
                    self._tally.add("embedded documents")
            joined = ""
        blocks.append(Block(joined))
        return [block for block in blocks if block.text.strip()]

    def _walk(self, container: etree._Element, wanted: tuple[str, ...]) -> Iterator[etree._Element]:
        """Nearest descendants of the wanted kinds, through content controls, insertions and the like."""
        stack: list[Iterator[etree._Element]] = [iter(container)]
        while stack:
            element = next(stack[-1], None)
            if element is None:
                stack.pop()
            elif kind(element) in wanted:
                yield element
            elif (inner := self._enter(element)) is not None:
                stack.append(iter(inner))

    def _enter(self, element: etree._Element) -> etree._Element | None:
        """What to look into for an element that is only a wrapper; None for one whose content does not count."""
        name = kind(element)
        if name in _SILENT:
            return None
        if name == "del":
            self._drop("tracked deletions", element)
            return None
        if name == "moveFrom":
            self._drop("tracked moves, at their old place", element)
            return None
        if name == "sdt":
            properties = child(element, "sdtPr")
            if is_on(child(properties, "showingPlcHdr")):
                self._drop("empty form fields", element)
                return None
            return child(element, "sdtContent")
        if name == "mc:AlternateContent":
            return alternative(element)
        return element

    def _paragraph(self, paragraph: etree._Element) -> tuple[str, tuple[str, ...], list[Block]]:
        """Text of a paragraph, its kinds, and the blocks of text boxes anchored in it."""
        properties = child(paragraph, "pPr")
        style = value(child(properties, "pStyle"))
        parts: list[str] = []
        boxes: list[Block] = []
        stack: list[Iterator[etree._Element]] = [iter(paragraph)]
        while stack:
            element = next(stack[-1], None)
            if element is None:
                stack.pop()
                continue
            name = kind(element)
            if (text := _text(element, name)) is not None:
                if not (self._trust_fields and self._instructions):
                    parts.append(text)
            elif name == "fldChar":
                self._field(element)
            elif name == "txbxContent":
                boxes.extend(self.read(element))
            elif name in ("footnoteReference", "endnoteReference"):
                self.notes.append((name.removesuffix("Reference"), value(element, "id") or ""))
                if value(element, "customMarkFollows") in ("1", "true", "on"):
                    stack[-1] = iter(())  # the rest of the run is the mark itself
            elif (inner := self._enter_inline(element, style)) is not None:
                stack.append(iter(inner))
        return "".join(parts), self._kinds(properties, style), boxes

    def _enter_inline(self, element: etree._Element, style: str | None) -> etree._Element | None:
        if kind(element) == "r" and self._hidden(element, style):
            for part in element:
                if kind(part) == "fldChar":
                    self._field(part)
            self._drop("pieces of hidden text", element)
            return None
        self._count_object(kind(element))
        return self._enter(element)

    def _field(self, element: etree._Element) -> None:
        step = value(element, "fldCharType")
        if step == "begin":
            self._fields.append(True)
            self._instructions += 1
        elif self._fields and step == "separate":
            self._instructions -= self._fields[-1]
            self._fields[-1] = False
        elif self._fields and step == "end":
            self._instructions -= self._fields.pop()

    def _hidden(self, run: etree._Element, paragraph_style: str | None) -> bool:
        properties = child(run, "rPr")
        direct = is_on(child(properties, "vanish"))
        if direct is not None:
            return direct
        style = value(child(properties, "rStyle"))
        return self._styles.get(style, "hidden") or self._styles.get(paragraph_style, "hidden")

    def _kinds(self, properties: etree._Element | None, style: str | None) -> tuple[str, ...]:
        outline, listed = is_outline(properties), is_listed(properties)
        listed = self._styles.get(style, "listed") if listed is None else listed
        if listed:
            self._tally.add("list numbers and bullets")
        if self._styles.get(style, "heading") if outline is None else outline:
            return ("heading",)
        return ("list_item",) if listed else ()

    def _table(self, table: etree._Element) -> list[Block]:
        blocks: list[Block] = []
        for row in self._walk(table, ("tr",)):
            if child(child(row, "trPr"), "del") is not None:
                self._drop("tracked deletions", row)
                continue
            cells: list[list[Block]] = []
            for cell in self._walk(row, ("tc",)):
                properties = child(cell, "tcPr")
                merges = (child(properties, "vMerge"), child(properties, "hMerge"))
                if any(merge is not None and value(merge) != "restart" for merge in merges):
                    cells.append([])
                elif child(properties, "cellDel") is not None:
                    self._drop("tracked deletions", cell)
                else:
                    cells.append(self._blocks(cell))
            blocks.extend(row_blocks(cells))
        return blocks

    def _drop(self, what: str, element: etree._Element) -> None:
        """Count text that is left out; formatting marks without text are no loss."""
        if text := plain_text(element):
            self._tally.add(what, text)

    def _count_object(self, name: str) -> None:
        if name in ("?pic", "?imagedata"):
            self._tally.add("pictures")
        elif name in ("?chart", "?relIds"):
            self._tally.add("charts and diagrams")
        elif name == "commentReference":
            self._tally.add("comments")
        elif name == "subDoc":
            self._tally.add("embedded documents")


def _text(element: etree._Element, name: str) -> str | None:
    """What an element itself puts on the page; None if it is not that kind of element."""
    if name in ("t", "m:t"):
        return run_text(element)
    return symbol(element) if name == "sym" else _PLAIN.get(name)
