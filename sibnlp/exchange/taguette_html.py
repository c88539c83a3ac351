"""Taguette's documents as text: what is visible of sanitised HTML, and where its pieces stand in the text of record."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

# Elements that Taguette lets through (its ``convert.get_html_body``), and their like, that stand on lines of their own.
_BLOCKS = frozenset((
    "blockquote", "caption", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "section", "table", "tbody", "td", "th", "thead", "tr", "ul",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A document of HTML as text.

    Attributes:
        visible: its pieces of text in a row, which offsets count in.
        text: the text of record: as visible, with line breaks where blocks end and nothing is between them.
        added: places in ``visible`` where something was added, and how much up to there.
    """

    visible: str
    text: str
    added: tuple[tuple[int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """A span of ``visible`` as one of ``text``."""
        before = sum(n for at, n in self.added if at <= start)
        within = sum(n for at, n in self.added if at < end)
        return start + before, end + within


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.length = 0
        self.breaks: dict[int, int] = {}

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        self.length += len(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._broken(tag)

    def handle_endtag(self, tag: str) -> None:
        self._broken(tag)

    def _broken(self, tag: str) -> None:
        if tag == "br":
            self.breaks.setdefault(self.length, 1)
        elif tag in _BLOCKS:
            self.breaks[self.length] = 2


def page_of(html: str) -> Page:
    """A document of HTML as text."""
    parser = _Text()
    parser.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
    parser.close()
    visible = "".join(parser.pieces)
    out: list[str] = []
    added = []
    at = 0
    first, last = len(visible) - len(visible.lstrip()), len(visible.rstrip())
    tail = ""
    for place, wanted in sorted(parser.breaks.items()):
        out.append(visible[at:place])
        tail = (tail + visible[max(at, place - 4) : place])[-4:]
        at = place
        after = visible[place : place + 4]
        there = len(tail) - len(tail.rstrip("\n")) + len(after) - len(after.lstrip("\n"))
        if first < place < last and there < wanted:
            out.append("\n" * (wanted - there))
            tail = (tail + out[-1])[-4:]
            added.append((place, wanted - there))
    out.append(visible[at:])
    return Page(visible, "".join(out), tuple(added))
