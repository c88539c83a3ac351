"""Lines of a PDF page as pdfium finds them, with place and type of each. Not thread-safe, as pdfium is not."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sibnlp.parsing.pagelines import Line

# What pdfium writes for a hyphen at a line's end (it swallows the line end after it).
_CUT = "\x02\ufffe"
_SEGMENT = re.compile(rf"[^\r\n{_CUT}]+[{_CUT}]?")
_MARGIN_NUMBER = re.compile(r"\s*\d{1,5}(?=\s)")
_LAYOUT_SPACE = re.compile(r"[ \t\u00a0]{2,}|\t")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BOLD = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageText:
    """Text of a page.

    Attributes:
        lines: in pdfium's reading order; runs of spaces and tabs, made by layout, are one space.
        outside: texts of lines wholly outside the visible page.
        n_unknown: characters whose font does not say which letter they are.
    """

    lines: tuple[Line, ...]
    outside: tuple[str, ...]
    n_unknown: int


def page_text(page: Any, textpage: Any, number: int) -> PageText:
    """Read a page.

    Args:
        page: pypdfium2's page.
        textpage: its text page.
        number: page number, from 1.
    """
    reader = _Characters(page, textpage)
    lines, outside, unknown = [], [], 0
    for text, first, last in reader.segments:
        unknown += text.count("\0")
        line = reader.line(text, first, last, number)
        clean = _LAYOUT_SPACE.sub(" ", _CONTROL.sub("", line.text)).strip()
        if clean and reader.shows(line):
            lines.append(replace(line, text=clean))
        elif clean:
            outside.append(clean)
    return PageText(tuple(lines), tuple(outside), unknown)


class _Characters:
    """Characters of a page by index, in a frame whose x axis runs along most of the text."""

    def __init__(self, page: Any, textpage: Any) -> None:
        import pypdfium2.raw as api

        self._api, self._page = api, textpage.raw
        count = textpage.count_chars()
        text = textpage.get_text_range() if count else ""
        if len(text) != count:  # characters beyond the BMP, or left out by pdfium: only one by one do indexes agree
            text = "".join(chr(api.FPDFText_GetUnicode(self._page, index)) for index in range(count))
        self._text = text
        # Text, index of the first and of the last visible character of each part of a line.
        self.segments = list(self._split())
        self._turn = self._usual_angle()
        left, bottom, right, top = page.get_bbox()
        corners = [self._turned(x, y) for x in (left, right) for y in (bottom, top)]
        self._left, self._right = min(x for x, _ in corners), max(x for x, _ in corners)
        self._bottom, self._top = min(y for _, y in corners), max(y for _, y in corners)

    def line(self, text: str, first: int, last: int, number: int) -> Line:
        """A segment with its place and type."""
        middle = next(index for index in range((first + last) // 2, last + 1) if not self._text[index].isspace())
        samples = (first, middle, last)
        boxes = [self._box(index) for index in (first, last)]
        angle = self._angle(first)
        off = abs(math.remainder(angle - self._turn, math.tau)) > math.radians(10)
        _, y = self._turned(*self._origin(first))
        return Line(
            self._visible(text, first),
            number,
            min(box[0] for box in boxes) - self._left,
            max(box[1] for box in boxes) - self._left,
            self._top - y,
            max(self._top - self._bottom, 1.0),
            sorted(self._size(index) for index in samples)[1],
            all(self._is_bold(index) for index in samples),
            off,
        )

    def shows(self, line: Line) -> bool:
        """Whether any of a line lies on the visible page."""
        return -1 <= line.y <= line.height + line.size and line.right >= 0 and line.left <= self._right - self._left

    def _split(self) -> Iterator[tuple[str, int, int]]:
        for match in _SEGMENT.finditer(self._text):
            start, end = match.span()
            number = _MARGIN_NUMBER.match(self._text, start, end)
            if number and self._is_apart(number.end()):
                yield from self._trimmed(start, number.end())
                start = number.end()
            yield from self._trimmed(start, end)

    def _trimmed(self, start: int, end: int) -> Iterator[tuple[str, int, int]]:
        text = self._text[start:end]
        first, last = start + len(text) - len(text.lstrip()), start + len(text.rstrip())
        if first < last:
            yield self._text[first:last], first, last - 1

    def _is_apart(self, end: int) -> bool:
        """Whether a number at a line's start is set apart from the text: it may count lines in the margin."""
        after = next((index for index in range(end, min(end + 20, len(self._text))) if self._text[index] > " "), None)
        if after is None:
            return False
        # In page coordinates: turned text has no margin numbers worth the trouble.
        gap: float = self._rect(after).left - self._rect(end - 1).right
        return gap > 0.7 * self._size(after)

    def _visible(self, text: str, first: int) -> str:
        """Hyphens as hyphens: pdfium's own sign for one at a line's end, and soft hyphens that are drawn."""
        if "\u00ad" in text:
            text = "".join(
                char if char != "\u00ad" else "-" * (self._rect(first + index).right > self._rect(first + index).left)
                for index, char in enumerate(text)
            )
        text = text.replace("\x02", "-").replace("\ufffe", "-")
        if any("\ud800" <= char <= "\udfff" for char in text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return text

    def _usual_angle(self) -> float:
        weights: Counter[float] = Counter()
        for text, first, _ in self.segments:
            weights[round(self._angle(first) / (math.pi / 2)) % 4 * math.pi / 2] += len(text)
        return weights.most_common(1)[0][0] if weights else 0.0

    def _turned(self, x: float, y: float) -> tuple[float, float]:
        cos, sin = math.cos(self._turn), math.sin(self._turn)
        return x * cos + y * sin, y * cos - x * sin

    def _angle(self, index: int) -> float:
        return max(float(self._api.FPDFText_GetCharAngle(self._page, index)), 0.0)

    def _origin(self, index: int) -> tuple[float, float]:
        x, y = ctypes.c_double(), ctypes.c_double()
        self._api.FPDFText_GetCharOrigin(self._page, index, x, y)
        return x.value, y.value

    def _rect(self, index: int) -> Any:
        rect = self._api.FS_RECTF()
        self._api.FPDFText_GetLooseCharBox(self._page, index, rect)
        return rect

    def _box(self, index: int) -> tuple[float, float]:
        rect = self._rect(index)
        ends = [self._turned(x, y)[0] for x in (rect.left, rect.right) for y in (rect.bottom, rect.top)]
        return min(ends), max(ends)

    def _size(self, index: int) -> float:
        matrix = self._api.FS_MATRIX()
        scale = 1.0
        if self._api.FPDFText_GetMatrix(self._page, index, matrix):
            scale = math.hypot(matrix.c, matrix.d) or 1.0
        size = float(self._api.FPDFText_GetFontSize(self._page, index)) * scale
        return size if 0.5 <= size < 1000 else 10.0

    def _is_bold(self, index: int) -> bool:
        name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
        self._api.FPDFText_GetFontInfo(self._page, index, name, 128, flags)
        return bool(_BOLD.search(name.value))
