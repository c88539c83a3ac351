"""Paragraphs from the lines of a paged document: by line gaps, indents, sizes, and whether the next word had fitted.

Pure functions over `sibnlp.pagelines.Line`; the lines' order is taken as the reading order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from sibnlp.parsing.hyphens import Words
from sibnlp.parsing.pagelines import Line

MAX_GAP = 1.22
"""Baseline distance within a paragraph, as a multiple of the usual one; Word's smallest spacing after is about 1.25."""
HEADING_SIZE = 1.15
"""Font size of a heading, as a multiple of the body's."""
FOOTNOTE_SIZE = 0.92

_BULLET = re.compile(r"[•▪▫◦‣⁃●○■□◆➢➔✓✔\uf0b7\uf0a7\uf0d8\uf076]|[-–—*·o]\s")
_ENUMERATOR = re.compile(r"(?:\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?)\s", re.IGNORECASE)
_LABEL = re.compile(r"([^\W\d_][\w .'’&/-]{0,40}|[A-Z]{1,3}\d{0,2}):\s")
_NOTE = re.compile(r"(?:\d{1,3}|[*†‡§]{1,3})[.)]?\s?[^\W\d_]")
_CLOSERS = "\"'”’»)]}\u200b"
_TERMINAL = tuple(".!?…:;。！？")
_OPEN_WORD = re.compile("an?|and|as|at|but|by|for|from|in|into|nor|of|on|or|that|their|the|to|which|who|with")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item, table row or footnote.

    Attributes:
        pieces: text and page number of each part, to be joined with nothing between.
        kind: ``heading``, ``footnote``, or empty.
    """

    pieces: tuple[tuple[str, int], ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Column:
    """Extent of the lines around a line."""

    left: float
    right: float


def blocks(pages: Iterable[Sequence[Line]]) -> list[Block]:
    """Rebuild a document's blocks.

    Args:
        pages: lines of each page in reading order, furniture removed.

    Returns:
        Blocks in order. A paragraph that runs over a page or column is one block; footnotes that stood in its way
        follow it.
    """
    pages = [merged(page) for page in pages]
    lines = [line for page in pages for line in page]
    if not lines:
        return []
    layout = _Layout(lines)
    words = Words(line.text for line in lines)
    found: list[tuple[list[Line], str]] = []
    waiting: list[tuple[list[Line], str]] = []
    for page in pages:
        body, notes = _split_notes(page, layout.body)
        for part in _parts(body, layout):
            # Only a text block that stands at the end of what came before can go on here.
            if found and not found[-1][1] and _continues(found[-1][0][-1], part[0], layout):
                found[-1][0].extend(part)
                continue
            found.extend(waiting)
            waiting = []
            found.append((part, layout.kind(part)))
        waiting += [(part, "footnote") for part in _note_parts(notes)]
    return [Block(tuple(_joined(part, words)), kind) for part, kind in found + waiting]


def merged(page: Sequence[Line]) -> list[Line]:
    """Put together neighbours on one baseline: cells of a table row, a word and its raised footnote sign."""
    out: list[Line] = []
    for line in page:
        last = out[-1] if out else None
        if last and last.turned == line.turned and line.left >= last.right - 0.3 * last.size:
            big = max(last.size, line.size)
            same = abs(line.y - last.y) < 0.2 * big
            if same or (abs(line.y - last.y) < 0.55 * big and line.left - last.right < big and len(line.text) <= 4):
                gap = " " if line.left - last.right > 0.15 * big else ""
                out[-1] = replace(
                    last, text=last.text + gap + line.text, right=line.right, bold=last.bold and line.bold
                )
                continue
        out.append(line)
    return out


class _Layout:
    """What is usual in a document: body size, line distance for each size, extent of columns, speakers' labels."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[_rounded(line.size)] += len(line.text)
        self.body = sizes.most_common(1)[0][0]
        self.bold_tells = sum(len(line.text) for line in lines if line.bold) < 0.3 * sizes.total()
        self._leading = _leadings(lines)
        labels = Counter(match[1] for line in lines if (match := _LABEL.match(line.text)))
        self._labels = {label for label, often in labels.items() if often >= 3}
        self._columns: dict[int, _Column] = {}
        for column in _columns(lines):
            extent = _Column(_usual([line.left for line in column]), max(line.right for line in column))
            self._columns.update((id(line), extent) for line in column)

    def leading(self, size: float) -> float:
        """Usual baseline distance of lines of a size, in points."""
        ratio = self._leading.get(_rounded(size)) or self._leading.get(self.body) or 1.2
        return ratio * size

    def column(self, line: Line) -> _Column:
        """Extent of the column a line stands in."""
        return self._columns[id(line)]

    def begins(self, line: Line) -> bool:
        """Whether a line begins a block whatever stands before it: a bullet, or a label that recurs."""
        label = _LABEL.match(line.text)
        return bool(_BULLET.match(line.text)) or (label is not None and label[1] in self._labels)

    def kind(self, part: Sequence[Line]) -> str:
        """``heading`` for a short part in large or bold type."""
        text = " ".join(line.text for line in part)
        if len(part) > 3 or len(text) > 200 or sum(map(str.isalpha, text)) < 3 or _LABEL.match(text):
            return ""
        if ". . ." in text or "....." in text:  # an entry of a table of contents
            return ""
        if min(line.size for line in part) >= HEADING_SIZE * self.body:
            return "heading"
        plain = len(part) > 2 or len(text) > 120 or text[-1] in ".,;" or _BULLET.match(text)
        return "heading" if self.bold_tells and not plain and all(line.bold for line in part) else ""


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _usual(values: Sequence[float]) -> float:
    """The most frequent value, to the nearest 2 points; the smallest among equals."""
    counts = Counter(round(value / 2) * 2 for value in values)
    often = max(counts.values())
    return float(min(value for value, times in counts.items() if times == often))


def _leadings(lines: Sequence[Line]) -> dict[float, float]:
    """For each font size the smallest baseline distance that a tenth of its lines have, as a multiple of the size."""
    gaps: dict[float, Counter[float]] = defaultdict(Counter)
    for a, b in pairwise(lines):
        if a.page == b.page and _rounded(a.size) == _rounded(b.size) and 0.8 < (b.y - a.y) / a.size < 4:
            gaps[_rounded(a.size)][round((b.y - a.y) / a.size, 1)] += 1
    usual = {}
    for size, counts in gaps.items():
        enough = [ratio for ratio, often in counts.items() if often >= 0.1 * counts.total()]
        if counts.total() >= 3 and enough:
            usual[size] = min(enough)
    return usual


def _columns(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Runs of lines that go down a page under each other."""
    run: list[Line] = []
    for line in lines:
        if run and (line.page != run[-1].page or _jumps(run[-1], line)):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _jumps(a: Line, b: Line) -> bool:
    """Whether the text goes on elsewhere: higher up, or beside."""
    return b.y < a.y + 0.3 * a.size or b.left > a.right or b.right < a.left or a.turned != b.turned


def _split_notes(page: Sequence[Line], body: float) -> tuple[list[Line], list[Line]]:
    """Footnotes: the small type at the end of a page, from a line that begins with a note's sign."""
    first = len(page)
    while first and page[first - 1].size <= FOOTNOTE_SIZE * body and page[first - 1].y > 0.4 * page[first - 1].height:
        first -= 1
    while first < len(page) and not (_NOTE.match(page[first].text) and _is_set_off(page, first)):
        first += 1
    return list(page[:first]), list(page[first:])


def _is_set_off(page: Sequence[Line], index: int) -> bool:
    """Whether a footnote's first line keeps its distance from the text above."""
    line, before = page[index], page[max(index - 1, 0)]
    return index == 0 or _jumps(before, line) or line.y - before.y > 1.6 * line.size


def _note_parts(notes: Sequence[Line]) -> Iterator[list[Line]]:
    part: list[Line] = []
    for line in notes:
        if part and _NOTE.match(line.text) and line.text[0].isdigit() >= part[0].text[0].isdigit():
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _parts(lines: Sequence[Line], layout: _Layout) -> Iterator[list[Line]]:
    """Cut one page's lines into blocks; a jump to another column is left to `_continues`."""
    part: list[Line] = []
    for index, line in enumerate(lines):
        after = lines[index + 1] if index + 1 < len(lines) else None
        if part and (_jumps(part[-1], line) or _breaks(part, line, after, layout)):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _breaks(part: Sequence[Line], line: Line, after: Line | None, layout: _Layout) -> bool:
    """Whether a line begins a new block below the part before it."""
    last, column = part[-1], layout.column(line)
    if abs(last.size - line.size) > 0.1 * max(last.size, line.size):
        return True
    if line.y - last.y > MAX_GAP * layout.leading(max(last.size, line.size)) or layout.begins(line):
        return True
    ended, lower = _ended(last.text), line.text[:1].islower()
    fitted = _had_room(last, line, column)
    if last.bold != line.bold and fitted:
        return True
    if _ENUMERATOR.match(line.text) and (ended or fitted):
        return True
    if lower and not ended:
        return False
    if fitted and not lower and (ended or last.right < column.left + 0.7 * (column.right - column.left)):
        return True
    return _indent_breaks(part, line, after, lower)


def _indent_breaks(part: Sequence[Line], line: Line, after: Line | None, lower: bool) -> bool:
    last, step = part[-1], 0.8 * line.size
    if line.left > last.left + step and not lower:
        # A first-line indent, unless the lines below stand there, too: then the first line hangs out.
        hanging = len(part) == 1 and after is not None and not _jumps(line, after) and after.left > last.left + step
        marked = len(part) == 1 and bool(_BULLET.match(last.text) or _ENUMERATOR.match(last.text))
        return not hanging and not marked
    if (
        not lower
        and len(part) == 1
        and after is not None
        and last.left - step < line.left
        and after.left < line.left - step
    ):
        return _ended(last.text) and not _jumps(line, after)  # two first-line indents, the first of a single line
    return line.left < last.left - step and len(part) > 1 and not lower


def _had_room(last: Line, line: Line, column: _Column) -> bool:
    """Whether the next line's first word had fitted on the last line: then somebody ended it on purpose."""
    word = line.text.split(None, 1)[0] if line.text.strip() else ""
    width = (line.right - line.left) / max(len(line.text), 1) * (len(word) + 2)
    return last.right + width < column.right - 0.3 * line.size


def _continues(last: Line, line: Line, layout: _Layout) -> bool:
    """Whether a paragraph obviously goes on after a page or column break."""
    if last.page == line.page and not _jumps(last, line):
        return False
    if last.page not in (line.page, line.page - 1) or last.turned or line.turned:
        return False
    if abs(last.size - line.size) > 0.1 * last.size or last.bold != line.bold:
        return False
    if layout.begins(line) or _ended(last.text):
        return False
    if line.text[:1].islower():
        return not _ENUMERATOR.match(line.text)
    word = last.text.rsplit(None, 1)[-1].casefold() if last.text.strip() else ""
    return word.endswith(",") or _OPEN_WORD.fullmatch(word) is not None


def _ended(text: str) -> bool:
    """Whether a line ends a sentence or clause."""
    return text.rstrip().rstrip(_CLOSERS).endswith(_TERMINAL)


def _joined(lines: Sequence[Line], words: Words) -> Iterator[tuple[str, int]]:
    """Text and page of each line of a block, cut words put together, the rest set apart by line ends."""
    for line, after in pairwise(lines):
        glued = words.glue(line.text, after.text)
        yield (line.text + "\n" if glued is None else glued), line.page
    yield lines[-1].text, lines[-1].page


def by_page(pieces: Iterable[tuple[str, int]]) -> Iterator[tuple[int, str]]:
    """Neighbouring pieces of one page as one: (page, text)."""
    for page, group in groupby(pieces, key=lambda piece: piece[1]):
        yield page, "".join(text for text, _ in group)
