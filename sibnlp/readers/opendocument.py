"""OpenDocument texts (.odt), as LibreOffice writes them: lxml over ``content.xml``.

The format keeps tracked deletions, headers and footers away from the running text, so that leaving them out is leaving
out a section. White space follows the standard: runs of it are one space, ``text:s`` and ``text:tab`` are the rest.
"""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from sibnlp.errors import ReadError
from sibnlp.parsing import archive
from sibnlp.parsing.blocks import Block, Tally, assemble, row_blocks
from sibnlp.types import Document

_PREFIX = "urn:oasis:names:tc:opendocument:xmlns:"
_MIMETYPE = b"application/vnd.oasis.opendocument.text"
_TEXT_FIRST = re.compile(rb"PK\x03\x04.{26}mimetype.{0,64}" + re.escape(_MIMETYPE), re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]+")
_MAX_SPACES = 1000
_MAX_STYLES = 50  # based on each other
_SILENT = frozenset((
    "text:note-citation", "text:number", "text:ruby-text", "text:sequence-decls", "text:variable-decls",
    "text:user-field-decls", "text:dde-connection-decls", "text:index-title-template", "text:bibliography-source",
    "text:table-of-content-source", "text:alphabetical-index-source", "text:illustration-index-source",
    "text:table-index-source", "text:object-index-source", "text:user-index-source", "text:alphabetical-index-mark",
    "table:table-column", "table:table-columns", "office:forms", "svg-compatible:title", "svg-compatible:desc",
))  # fmt: skip
_OBJECTS = {"draw:object": "embedded objects", "draw:object-ole": "embedded objects", "draw:image": "pictures"}


def sniff(head: bytes) -> bool:
    """A zip archive whose first member says that it is an OpenDocument text."""
    return bool(_TEXT_FIRST.match(head))


def read(path: Path, document_id: str) -> Document:
    """Read an .odt file.

    Raises:
        ReadError: no zip archive, password-protected, damaged, or no text document in it.
    """
    archive.check(path)
    names = archive.member_names(path)
    manifest = archive.read_member(path, "META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
    if "encrypted-package" in names or b"encryption-data" in manifest:
        raise ReadError(path, "password-protected", "save it without a password")
    if "content.xml" not in names:
        raise ReadError(path, "no OpenDocument text in it (content.xml is missing)", "save it as .odt again")
    root = archive.parse_xml(archive.read_member(path, "content.xml"), path)
    text = next((e for body in root if _name(body) == "office:body" for e in body if _name(e) == "office:text"), None)
    if text is None:
        raise ReadError(path, "no OpenDocument text in it (a spreadsheet or a presentation?)")
    sheets = [root]
    if "styles.xml" in names:
        sheets.append(archive.parse_xml(archive.read_member(path, "styles.xml"), path))
    tally = Tally()
    story = _Story(sheets, tally)
    blocks = story.blocks(text)
    while story.notes:
        note = story.notes.pop(0)
        blocks += [Block(block.text.strip(), (*block.kinds, "footnote")) for block in story.blocks(note)]
    for running in dict.fromkeys(_running_texts(sheets[-1])):
        tally.add("running headers and footers", running)
    return assemble(blocks, document_id, "opendocument", tally)


def _name(element: etree._Element) -> str:
    """``text:p`` and the like, by the standard's own prefixes whatever those of the file."""
    namespace, _, local = str(element.tag)[1:].rpartition("}")
    if not namespace.startswith(_PREFIX):
        return f"?{local}"
    prefix = namespace.removeprefix(_PREFIX).split(":")[0]
    return f"{ {'drawing': 'draw'}.get(prefix, prefix) }:{local}"


def _get(element: etree._Element, name: str) -> str | None:
    """An attribute by its local name; no element has two of the same."""
    return next((str(text) for key, text in element.attrib.items() if str(key).endswith("}" + name)), None)


class _Story:
    """Turns the paragraphs, lists and tables under an element into blocks.

    Args:
        sheets: roots that hold styles.
        tally: takes the count of what is left out.

    Attributes:
        notes: bodies of the notes met so far, in order.
    """

    def __init__(self, sheets: list[etree._Element], tally: Tally) -> None:
        self.notes: list[etree._Element] = []
        self._tally = tally
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        for element in (e for sheet in sheets for e in sheet.iter() if _name(e) == "style:style"):
            name = _get(element, "name") or ""
            self._parents[name] = _get(element, "parent-style-name") or ""
            if any(_name(e) == "style:text-properties" and _get(e, "display") == "none" for e in element):
                self._hidden.add(name)

    def blocks(self, container: etree._Element) -> list[Block]:
        """Blocks in reading order; text boxes follow the paragraph they are anchored in."""
        blocks: list[Block] = []
        stack: list[tuple[etree._Element, bool]] = [(child, False) for child in reversed(container)]
        while stack:
            element, listed = stack.pop()
            name = _name(element)
            if name in ("text:p", "text:h"):
                blocks.extend(self._paragraph(element, listed))
            elif name == "table:table":
                blocks.extend(self._table(element))
            elif not self._left_out(element, name):
                # Only the first paragraph of an item has the bullet; the standard lets headings stand in items too.
                item = name in ("text:list-item", "text:numbered-paragraph")
                children = list(element)
                stack.extend((child, item and child is _first(children)) for child in reversed(children))
        return [block for block in blocks if block.text.strip()]

    def _left_out(self, element: etree._Element, name: str) -> bool:
        """Whether an element is none of the running text; counted if that loses something."""
        if name == "text:tracked-changes":
            for change in element.iter():
                if _name(change) == "text:deletion":
                    self._drop("tracked deletions", change)
        elif name == "office:annotation":
            self._drop("comments", element, always=True)
        elif name == "text:note":
            self.notes.extend(body for body in element if _name(body) == "text:note-body")
        elif name in _OBJECTS:
            # The picture next to an object is what the object looks like, not another one.
            if name != "draw:image" or not any(
                _name(e).startswith("draw:object") for e in element.itersiblings(preceding=True)
            ):
                self._tally.add(_OBJECTS[name])
            return not any(_name(child) in ("text:p", "text:list") for child in element)
        elif self._is_hidden(element, name):
            self._drop("pieces of hidden text", element)
        elif name not in _SILENT:
            return False
        return True

    def _is_hidden(self, element: etree._Element, name: str) -> bool:
        if name in ("text:hidden-text", "text:hidden-paragraph"):
            return _get(element, "is-hidden") == "true"
        if name == "text:section":
            return _get(element, "display") == "none"
        return name in ("text:p", "text:h", "text:span") and self._has_style(element, self._hidden)

    def _has_style(self, element: etree._Element, wanted: set[str]) -> bool:
        """Whether the element's style, or one it descends from, is among the wanted ones."""
        style, seen = _get(element, "style-name") or "", set[str]()
        while style and style not in seen and len(seen) < _MAX_STYLES:
            if style in wanted:
                return True
            seen.add(style)
            style = self._parents.get(style, "")
        return False

    def _paragraph(self, paragraph: etree._Element, listed: bool) -> list[Block]:
        if self._is_hidden(paragraph, _name(paragraph)) or any(_is_hidden_field(e) for e in paragraph):
            self._drop("pieces of hidden text", paragraph)
            return []
        parts: list[str] = []
        boxes: list[Block] = []
        stack: list[etree._Element | str] = _opened(paragraph)
        while stack:
            element = stack.pop()
            if isinstance(element, str):
                text = _SPACE.sub(" ", element)
                # One space between two words however many elements it was spread over, none at the start.
                parts.append(text[1:] if text[:1] == " " and (not parts or parts[-1][-1:] == " ") else text)
                parts = parts if parts[-1] else parts[:-1]
                continue
            name = _name(element)
            if name == "text:s":
                count = _get(element, "c") or "1"
                parts.append(" " * min(int(count[:9]) if count.isdecimal() else 1, _MAX_SPACES))
            elif name == "text:tab":
                parts.append("\t")
            elif name == "text:line-break":
                parts.append("\n")
            elif name in ("draw:text-box", "draw:custom-shape") or (
                name.startswith("draw:") and _holds_blocks(element)
            ):
                boxes.extend(self.blocks(element))
            elif not self._left_out(element, name):
                stack.extend(_opened(element))
        if listed:
            self._tally.add("list numbers and bullets")
        heading = _name(paragraph) == "text:h" or self._has_style(paragraph, {"Title"})
        kinds = ("heading",) if heading else ("list_item",) * listed
        return [Block("".join(parts), kinds), *boxes]

    def _table(self, table: etree._Element) -> list[Block]:
        blocks: list[Block] = []
        for row in _nearest(table, ("table:table-row",)):
            cells = _nearest(row, ("table:table-cell", "table:covered-table-cell"))
            blocks.extend(row_blocks([self.blocks(c) if _name(c) == "table:table-cell" else [] for c in cells]))
        return blocks

    def _drop(self, what: str, element: etree._Element, always: bool = False) -> None:
        text = " ".join(_paragraph_texts(element)) or "".join(map(str, element.itertext())).strip()
        if text or always:
            self._tally.add(what, text)


def _opened(element: etree._Element) -> list[etree._Element | str]:
    """Text and children of an element as a stack: last in comes first."""
    stack: list[etree._Element | str] = []
    for child in reversed(element):
        stack += [child.tail or "", child]
    return [*stack, element.text or ""]


def _first(children: list[etree._Element]) -> etree._Element | None:
    return next((child for child in children if _name(child) in ("text:p", "text:h")), None)


def _holds_blocks(element: etree._Element) -> bool:
    return any(_name(child) in ("text:p", "text:h", "text:list") for child in element)


def _is_hidden_field(element: etree._Element) -> bool:
    return _name(element) == "text:hidden-paragraph" and _get(element, "is-hidden") == "true"


def _nearest(container: etree._Element, wanted: tuple[str, ...]) -> list[etree._Element]:
    """Nearest descendants of the wanted kinds: rows are wrapped in groups and headers, cells are not."""
    found: list[etree._Element] = []
    stack = list(reversed(container))
    while stack:
        element = stack.pop()
        if _name(element) in wanted:
            found.append(element)
        else:
            stack.extend(reversed(element))
    return found


def _paragraph_texts(element: etree._Element) -> list[str]:
    return [
        t for p in element.iter() if _name(p) in ("text:p", "text:h") and (t := "".join(map(str, p.itertext())).strip())
    ]


def _running_texts(styles: etree._Element) -> list[str]:
    running = [e for e in styles.iter() if re.fullmatch(r"style:(header|footer)(-left|-first)?", _name(e))]
    return [text for element in running if (text := " ".join(_paragraph_texts(element)))]
