"""Blocks of an HTML page in document order, with what the markup says of each. Nothing is fetched or run.

The page is read as a stream of tags, never as a tree: 100,000 nested elements cost a list, not a stack of C frames, and
neither scripts nor entities of a document type can do anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sibnlp.parsing.blocks import Block, Tally, row_blocks

_SKIPPED = re.compile(
    "script|style|noscript|template|title|svg|canvas|iframe|frame|object|embed|applet|audio|video|map|select|"
    "datalist|textarea|button|input|meter|progress|rp"
)
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|"
    "figure|footer|form|h1|h2|h3|h4|h5|h6|header|hr|html|legend|li|listing|main|menu|nav|ol|p|pre|section|"
    "summary|table|tbody|td|tfoot|th|thead|tr|ul|xmp"
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ITEMS = frozenset({"li", "dd", "dt"})
_MAIN = frozenset({"main", "article"})
_CONTAINERS = frozenset({"div", "section", "td", *_MAIN})
_WHOLE = frozenset({"html", "body", *_MAIN, *_HEADINGS})
_ASIDE_TAGS = frozenset({"nav", "aside", "footer", "header"})
_ASIDE_ROLES = re.compile(
    "navigation|banner|contentinfo|search|complementary|dialog|alertdialog|menu|menubar|tablist|toolbar"
)
_ASIDE_NAME = re.compile(
    r"(?:(?:site|page|main|global|primary|secondary|top|bottom|left|right)[-_]?)?"
    r"(?:nav|navbar|navigation|menu|sidebar|footer|masthead|topbar|breadcrumbs?|pagination|pager|skip-?links?|"
    r"share|sharing|social|newsletter|subscribe|advert|ads?|promo|related|comments|popup|modal|search-?form|toolbar)"
    r"(?:[-_](?:bar|nav|menu|list|links|wrapper|container|inner|area|box|block|widget|buttons|section))?"
)
_CONSENT_NAME = re.compile(r"cookie|consent|gdpr|onetrust")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_AROUND_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_SPACES = re.compile(r" {2,}")
# Character references of 128 to 159 mean what cp1252 has there, as in every browser.
_C1 = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(128, 160)}
_MAX_CELL = 3
_MAX_ROW = 1500


@dataclass(frozen=True, slots=True)
class HtmlBlock:
    """A block of a page.

    Attributes:
        block: text and kinds (``heading``, ``list_item``, ``table``).
        aside: whether the markup puts it apart from the content (navigation, footer, a banner).
        consent: whether it belongs to a cookie banner.
        linked: how many of its characters are links.
        level: of a heading, 1 to 6; else 0.
        main: whether the markup says it is the content.
        container: number of the innermost section that holds it.
    """

    block: Block
    aside: bool = False
    consent: bool = False
    linked: int = 0
    level: int = 0
    main: bool = False
    container: int = 0

    @property
    def size(self) -> int:
        """Number of characters."""
        return len(self.block.text)


@dataclass(slots=True)
class _Element:
    """An open element, and what holds inside it."""

    tag: str
    skipped: bool = False
    aside: bool = False
    consent: bool = False
    main: bool = False
    pre: bool = False
    linked: bool = False
    item: bool = False
    level: int = 0
    container: int = 0
    hidden: bool = False


class BlockTarget:
    """Target of `lxml.etree.HTMLParser`; `close` gives the blocks.

    Args:
        tally: where what is left out is counted.

    Attributes:
        depth: deepest nesting met.
        elements: number of elements.
    """

    def __init__(self, tally: Tally) -> None:
        self.depth = self.elements = 0
        self._tally = tally
        self._open: list[_Element] = []
        self._sinks: list[list[HtmlBlock]] = [[]]
        self._rows: list[list[list[HtmlBlock]]] = []
        self._text: list[str] = []
        self._linked = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        tag = tag.lower()
        parent = self._open[-1] if self._open else _Element("")
        here = replace(parent, tag=tag, hidden=False)
        self.elements += 1
        if not parent.skipped:
            if _BLOCKS.fullmatch(tag):
                self._flush()  # what came before stands in the parent
            self._look(here, attributes)
            if here.skipped:
                pass
            elif tag == "br":
                self._text.append("\n")
            elif tag == "img":
                self._tally.add("pictures", attributes.get("alt", ""))
            elif tag == "tr":
                self._rows.append([])
            elif tag in ("td", "th"):
                self._sinks.append([])
        self._open.append(here)
        self.depth = max(self.depth, len(self._open))

    def end(self, tag: str) -> None:
        """An element ends."""
        if not self._open:
            return
        here = self._open.pop()
        if self._open and self._open[-1].skipped:
            return
        if here.hidden:
            self._tally.add("hidden elements")
        if here.skipped:
            return
        if _BLOCKS.fullmatch(tag):
            self._flush(here)
        if here.tag in ("td", "th"):
            cell = self._sinks.pop()
            if self._rows:
                self._rows[-1].append(cell)
            else:
                self._sinks[-1].extend(cell)
        elif here.tag == "tr":
            self._sinks[-1].extend(_row(self._rows.pop()))

    def data(self, text: str) -> None:
        """Text."""
        here = self._open[-1] if self._open else _Element("")
        if here.skipped:
            return
        text = text.translate(_C1)
        self._text.append(text.replace("\r", "") if here.pre else _SPACE.sub(" ", text))
        if here.linked:
            self._linked += len(text)

    def close(self) -> list[HtmlBlock]:
        """All blocks, in order."""
        while self._open:
            self.end(self._open[-1].tag)
        self._flush()
        return self._sinks[0]

    def _look(self, here: _Element, attributes: Mapping[str, str]) -> None:
        """Note what an element's tag and attributes say of its content."""
        tag = here.tag
        style = attributes.get("style", "").lower()
        hidden = attributes.get("hidden", "until-found").lower() != "until-found" or _HIDDEN_STYLE.search(style)
        here.hidden = bool(hidden) or (tag == "dialog" and "open" not in attributes)
        here.skipped = here.hidden or _SKIPPED.fullmatch(tag) is not None
        here.pre = here.pre or tag in ("pre", "listing", "xmp")
        here.linked = here.linked or (tag == "a" and "href" in attributes)
        here.main = here.main or tag in _MAIN or attributes.get("role") == "main"
        here.item = (here.item or tag in _ITEMS) and tag not in ("table", "td", "th")
        here.container = self.elements if tag in _CONTAINERS else here.container
        here.level = int(tag[1]) if tag in _HEADINGS else here.level
        if tag in _WHOLE:
            return
        names = f"{attributes.get('class', '')} {attributes.get('id', '')}".lower().split()
        if any(_CONSENT_NAME.search(name) for name in names):
            here.consent = True
        named = not here.main and any(_ASIDE_NAME.fullmatch(name) for name in names)
        # An article's own header and footer hold its title and notes.
        tagged = tag in _ASIDE_TAGS and not (here.main and tag in ("header", "footer"))
        if named or tagged or _ASIDE_ROLES.fullmatch(attributes.get("role", "").lower()):
            here.aside = True

    def _flush(self, ended: _Element | None = None) -> None:
        """End the block that is being collected."""
        here = ended or (self._open[-1] if self._open else _Element(""))
        text, linked = "".join(self._text), self._linked
        self._text, self._linked = [], 0
        if not text or text.isspace():
            return
        if "\u00ad" in text:
            self._tally.add("soft hyphens", count=text.count("\u00ad"))
            text = text.replace("\u00ad", "")
        if not here.pre:
            text = _SPACES.sub(" ", _AROUND_BREAK.sub("\n", text))
        kinds = ("heading",) if here.level else ("list_item",) if here.item else ()
        parts = [part.strip("\n") if here.pre else part.strip() for part in _BLANK_LINES.split(text)]
        size = sum(map(len, parts)) or 1
        for part in parts:
            if part.strip():
                share = min(linked * len(part) // size, len(part))
                aside = here.aside and here.level != 1
                found = HtmlBlock(Block(part, kinds), aside, here.consent, share, here.level, here.main, here.container)
                self._sinks[-1].append(found)


def _row(cells: Sequence[list[HtmlBlock]]) -> list[HtmlBlock]:
    """A table row as one block; cells that hold more than a few paragraphs are layout, and stay what they are."""
    inside = [block for cell in cells for block in cell]
    is_layout = (
        len(cells) < 2
        or any(len(cell) > _MAX_CELL for cell in cells)
        or any("table" in block.block.kinds or block.level for block in inside)
        or sum(block.size for block in inside) > _MAX_ROW
    )
    if is_layout:
        return inside
    return [
        HtmlBlock(
            row,
            all(block.aside for block in inside),
            all(block.consent for block in inside),
            sum(block.linked for block in inside),
            main=any(block.main for block in inside),
        )
        for row in row_blocks([[block.block for block in cell] for cell in cells])
    ]
