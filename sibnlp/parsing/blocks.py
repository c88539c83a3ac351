"""Putting a text of record together block by block, with its marks and the tally of what was left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sibnlp.types import Document, Dropped, Mark

CELL = " | "
"""Between the cells of a table row: still visible in a quotation, which a tab is not."""
SOFT_HYPHEN = "\u00ad"
"""Where a word may be cut at a line's end: no part of the word, but in the way of whoever looks for it."""
_EXAMPLE = 60
_HEADING_LIMIT = 250
"""Longer than this nothing is a heading: contracts number whole clauses with heading styles."""


class Block(NamedTuple):
    """A paragraph, list item or table row, and the kinds of mark it gets."""

    text: str
    kinds: tuple[str, ...] = ()


class Tally:
    """What a reader leaves out, by plain words."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, what: str, example: str = "", count: int = 1) -> None:
        """Count something left out.

        Args:
            what: plain words, plural.
            example: its text; the first one that is not blank is kept, shortened.
            count: how many.
        """
        self._counts[what] = self._counts.get(what, 0) + count
        words = " ".join(example.split())
        if words and what not in self._examples:
            self._examples[what] = words if len(words) <= _EXAMPLE else words[: _EXAMPLE - 1] + "…"

    def dropped(self) -> tuple[Dropped, ...]:
        """Everything counted, in the order it was first met."""
        return tuple(Dropped(what, n, self._examples.get(what, "")) for what, n in self._counts.items() if n)


def row_blocks(cells: list[list[Block]]) -> list[Block]:
    """One table row as one block; a row of a single cell is a box around ordinary paragraphs and stays such.

    Args:
        cells: the blocks of each cell; an empty list keeps the place of a cell merged into another.
    """
    if len(cells) == 1:
        return [Block(block.text, (*(k for k in block.kinds if k != "table"), "table")) for block in cells[0]]
    texts = ["\n".join(block.text.strip() for block in cell if block.text.strip()) for cell in cells]
    return [Block(CELL.join(texts), ("table",))] if any(texts) else []


def assemble(blocks: Iterable[Block], document_id: str, format: str, tally: Tally, encoding: str = "") -> Document:
    """The document: blocks set apart by a blank line; blank ones and soft hyphens left out, text otherwise as it is.

    Args:
        blocks: in reading order.
        document_id: id of the document.
        format: the reader's name.
        tally: what was left out.
        encoding: how the bytes were decoded, for formats that do not fix it.

    Returns:
        The document, without turns.
    """
    texts: list[str] = []
    marks: list[Mark] = []
    position = 0
    for block in blocks:
        tally.add("soft hyphens", count=block.text.count(SOFT_HYPHEN))
        text = block.text.replace(SOFT_HYPHEN, "").strip("\n")
        if not text or text.isspace():
            continue
        position += 2 * bool(texts)
        kinds = (kind for kind in block.kinds if kind != "heading" or len(text) <= _HEADING_LIMIT)
        marks.extend(Mark(position, position + len(text), kind) for kind in kinds)
        texts.append(text)
        position += len(text)
    return Document(document_id, "\n\n".join(texts), format, encoding, marks=tuple(marks), dropped=tally.dropped())
