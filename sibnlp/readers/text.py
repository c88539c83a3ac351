"""Plain text and Markdown, ``.txt`` and ``.md``: the source as it stands, with its headings, lists and tables marked.

Time-stamped exports (nearly every line opens with a time) are read as cues, like captions.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from sibnlp.parsing.decode import decode
from sibnlp.speech import cues, turns
from sibnlp.types import Document, Dropped, Mark

MARKDOWN = (".md", ".markdown")
# Share of the non-empty lines that open with a time in a time-stamped export; with the times on lines of their own,
# one line in four is one already.
MIN_STAMPED, MIN_STAMPS_ALONE, MIN_STAMPS = 0.8, 0.25, 3

_STAMP = re.compile(
    r"[ \t]{0,20}[\[(]?(?:(\d{1,3}):)?(\d{1,3}):(\d\d)(?:[.,]\d{1,3})?[\])]?(?:[ \t]{1,20}[-–][ \t]|(?=\s)|$)"
)
# The first colon of a stamp stands before this.
_STAMP_REACH = 25
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(?=\S)")
_UNDERLINE = re.compile(r" {0,3}(?:={2,}|-{2,})[ \t]*$")
_ITEM = re.compile(r"[ \t]{0,40}(?:[-*+•]|\d{1,9}[.)])[ \t]+(?=\S)")
_SEPARATOR = re.compile(r"[ \t|:\-]*-[ \t|:\-]*$")
_FRONT = re.compile(r"---[ \t]*$")
_FRONT_END = re.compile(r"(?:---|\.\.\.)[ \t]*$")


def sniff(head: bytes) -> bool:
    """Whether the bytes may be text: no zero bytes, unless a byte order mark says UTF-16 or UTF-32."""
    return b"\0" not in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\0\0\xfe\xff"))


def read(path: Path, document_id: str) -> Document:
    """Read a text or Markdown file.

    Args:
        path: the file.
        document_id: id of the document.

    Returns:
        The document. Markdown keeps its source characters; only YAML front matter is left out, and counted. Marks
        cover titles without ``#`` and underline, list items without their bullet, and whole tables. Turns are set for
        time-stamped exports only (`sibnlp.readers.read` looks for them in the rest).

    Raises:
        ReadError: the bytes are no text.
    """
    text, encoding = decode(path.read_bytes(), path)
    dropped: tuple[Dropped, ...] = ()
    markdown = path.name.lower().endswith(MARKDOWN)
    if markdown:
        text, dropped = _without_front_matter(text)
    if blocks := _stamped(text):
        record, found, times = cues.from_cues(cues.name_speakers(blocks, partial(turns.accepted, carried=True)))
        return Document(
            document_id, record, format="text", encoding=encoding, turns=found, marks=times, dropped=dropped
        )
    lines = text.split("\n")
    marks = tuple(_markdown_marks(lines) if markdown else _heading_marks(lines))
    return Document(document_id, text, format="text", encoding=encoding, marks=marks, dropped=dropped)


def _without_front_matter(text: str) -> tuple[str, tuple[Dropped, ...]]:
    """Cut YAML front matter off: it says things about the document and is not said in it."""
    lines = text.split("\n")
    if not _FRONT.match(lines[0]):
        return text, ()
    end = next((i for i, line in enumerate(lines[1:], 1) if _FRONT_END.match(line)), 0)
    # A rule at the top of a page looks the same; front matter has a key on its first line.
    if end < 2 or not re.match(r"[\w\"'-]{1,60}[ \t]?:", lines[1]):
        return text, ()
    return "\n".join(lines[end + 1 :]).lstrip("\n"), (Dropped("lines of YAML front matter", end - 1, lines[1][:60]),)


def _stamped(text: str) -> list[cues.Block]:
    """Cues of a time-stamped export; empty where the text is none."""
    if text.count(":") < MIN_STAMPS:
        return []
    lines = [line for line in text.split("\n") if line.strip()]
    # An expression is tried only where a look for one character says that it may match: they cost far more.
    stamps = [_STAMP.match(line) if line.find(":", 0, _STAMP_REACH) >= 0 else None for line in lines]
    n_stamps = sum(1 for stamp in stamps if stamp)
    n_alone = sum(1 for line, stamp in zip(lines, stamps, strict=True) if stamp and not line[stamp.end() :].strip())
    if n_stamps < MIN_STAMPS:
        return []
    if n_stamps < MIN_STAMPED * len(lines) and not (n_alone > 0.8 * n_stamps >= 0.8 * MIN_STAMPS_ALONE * len(lines)):
        return []
    blocks: list[cues.Block] = []
    time: str | None = None
    payload: list[str] = []
    for line, stamp in zip(lines, stamps, strict=True):
        if stamp:
            blocks.append(cues.Block(tuple(payload), time))
            time, payload = cues.clock(*stamp.groups()), [line[stamp.end() :]]
        else:
            payload.append(line)
    blocks.append(cues.Block(tuple(payload), time))
    return [block for block in blocks if any(line.strip() for line in block.lines)]


def _offsets(lines: Sequence[str]) -> list[int]:
    offsets, at = [], 0
    for line in lines:
        offsets.append(at)
        at += len(line) + 1
    return offsets


def _mark(lines: Sequence[str], offsets: Sequence[int], first: int, last: int, skip: int, kind: str) -> Iterator[Mark]:
    """A mark over lines ``first`` to ``last``, from character ``skip`` on, without white space at its ends."""
    piece = "\n".join(lines[first : last + 1])[skip:]
    if kind == "heading" and lines[first].lstrip().startswith("#"):
        bare = piece.rstrip().rstrip("#")
        # Closing number signs belong to the markup only behind a space: "C#" is a title.
        piece = bare if bare.endswith((" ", "\t")) else piece
    start = offsets[first] + skip + len(piece) - len(piece.lstrip())
    if piece.strip():
        yield Mark(start, start + len(piece.strip()), kind)


def _heading_marks(lines: Sequence[str]) -> Iterator[Mark]:
    """Obvious headings of plain text: see `sibnlp.turns.is_heading`, and short lines that are underlined."""
    offsets: list[int] = []  # of most texts nobody asks
    for i, line in enumerate(lines):
        if line and (turns.is_heading(lines, i) or _is_underlined(lines, i)):
            offsets = offsets or _offsets(lines)
            skip = match.end() if (match := _ATX.match(line)) else 0
            yield from _mark(lines, offsets, i, i, skip, "heading")


def _is_underlined(lines: Sequence[str], i: int) -> bool:
    """Whether a line is a title by the row of ``=`` or ``-`` below it, about as long as itself, and a blank above."""
    if i + 1 >= len(lines) or not lines[i + 1] or not _UNDERLINE.match(lines[i + 1]) or (i and lines[i - 1].strip()):
        return False
    title, rule = lines[i].strip(), lines[i + 1].strip()
    return bool(re.search(r"\w", title)) and len(title) <= 100 and len(rule) >= min(len(title) // 2, 3)


def _markdown_marks(lines: Sequence[str]) -> Iterator[Mark]:
    """Headings (``#`` and underlined), list items with their continuation lines, and tables; none in fenced code."""
    offsets = _offsets(lines)
    fence, i = "", 0
    while i < len(lines):
        line, last = lines[i], i
        following = lines[i + 1] if i + 1 < len(lines) else ""
        match = _FENCE.match(line)
        if fence:
            fence = "" if match and match[1].startswith(fence) else fence
        elif match:
            fence = match[1]
        elif match := _ATX.match(line):
            yield from _mark(lines, offsets, i, i, match.end(), "heading")
        elif "|" in line and "|" in following and _SEPARATOR.match(following):
            last = _last(lines, i, lambda text: "|" in text)
            yield from _mark(lines, offsets, i, last, 0, "table")
        elif match := _ITEM.match(line):
            last = _last(lines, i, lambda text: not (_ITEM.match(text) or _ATX.match(text) or _FENCE.match(text)))
            yield from _mark(lines, offsets, i, last, match.end(), "list_item")
        elif _is_underlined(lines, i):
            yield from _mark(lines, offsets, i, i, 0, "heading")
        i = last + 1


def _last(lines: Sequence[str], first: int, goes_on: Callable[[str], object]) -> int:
    """Index of the last line of a block: up to a blank line or one that does not go on."""
    last = first
    while last + 1 < len(lines) and lines[last + 1].strip() and goes_on(lines[last + 1]):
        last += 1
    return last
