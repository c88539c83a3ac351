"""Pages of a PDF: paragraphs in lines, justified or not, words hyphenated at their ends; rows of tables; stamps."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import LETTER
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

_WIDTH, _HEIGHT = LETTER
_VOWELS = "aeiouy"
# Consonants that stay together.
_PAIRS = re.compile(
    "th|ch|sh|ph|wh|ck|ng|qu|st|tr|pr|cr|br|dr|gr|fr|pl|bl|cl|gl|fl|sl|sp|sc|sk|gh|gn|kn|wr|tw|ss|ll|tt|rr|nn|mm|pp|ff|"
    "cc|dd|gg|bb|zz|lv|sw"
)
_ENDING = re.compile(r"(?:tion|sion|ment|ness|tive|ture|tor|ful|ly|mer|ver|der|ber|sure|dence)\w{0,2}$")
Run = tuple[str, str]  # a word, its font
Lines = list[tuple[list[Run], bool]]  # the words of a line; whether the paragraph ends with it


@dataclass(frozen=True, slots=True)
class Look:
    """How a document is set.

    Attributes:
        font, bold, italic: names of standard fonts.
        size, leading: in points.
        left, right, top, bottom: margins in points.
        justified: whether lines are stretched to the right margin.
        hyphens: how many lines in a row may end in a hyphen.
    """

    font: str
    bold: str
    italic: str
    size: float
    leading: float
    left: float = 90
    right: float = 90
    top: float = 100
    bottom: float = 100
    justified: bool = True

    @property
    def width(self) -> float:
        """Of a line."""
        return float(_WIDTH) - self.left - self.right


class Sheet:
    """Pages filled from the top; header and footer are drawn once the number of pages is known.

    Args:
        look: of the text.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self._pages: list[list[tuple[float, float, list[Run], float]]] = [[]]
        self._y = _HEIGHT - look.top

    def paragraph(self, runs: Sequence[Run], indent: float = 0, space: float = 8, keep: int = 0) -> None:
        """Set a paragraph.

        Args:
            runs: words with their fonts.
            indent: of all lines.
            space: below.
            keep: lines that must still fit on the page.
        """
        look = self.look
        lines = broken(runs, look.width - indent, look.size)
        if self._y - (keep + 1) * look.leading < look.bottom:
            self.new_page()
        for words, ends in lines:
            if self._y < look.bottom:
                self.new_page()
            natural = _natural(words, look.size)
            stretch = 0.0 if ends or not look.justified else (look.width - indent - natural) / max(len(words) - 1, 1)
            self._pages[-1].append((look.left + indent, self._y, words, stretch))
            self._y -= look.leading
        self._y -= space

    def row(self, cells: Iterable[str], stops: Sequence[float], font: str) -> None:
        """Set a row of a table."""
        if self._y < self.look.bottom + self.look.leading:
            self.new_page()
        for cell, stop in zip(cells, stops, strict=False):
            self._pages[-1].append((self.look.left + stop, self._y, [(word, font) for word in cell.split()], 0.0))
        self._y -= self.look.leading + 3

    def skip(self, space: float) -> None:
        """Leave some points free."""
        self._y -= space

    def new_page(self) -> None:
        """Go on at the top of a new page."""
        self._pages.append([])
        self._y = _HEIGHT - self.look.top

    def drawn(self, header: str, footer: str) -> bytes:
        """The file.

        Args:
            header: on each page.
            footer: on each page, with ``{n}`` and ``{of}``.
        """
        out = io.BytesIO()
        canvas = Canvas(out, LETTER, invariant=1, pageCompression=0)
        for number, lines in enumerate(self._pages, 1):
            canvas.setFont(self.look.font, 9)
            canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 50, header)
            canvas.drawCentredString(_WIDTH / 2, 46, footer.format(n=number, of=len(self._pages)))
            for x, y, words, stretch in lines:
                self._line(canvas, x, y, words, stretch)
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def scanned(self, stamp: Sequence[str], chance: random.Random) -> bytes:
        """The file as a scanner has it: word by word, none quite on its line or of its size, on grey paper.

        Args:
            stamp: lines of a rubber stamp, aslant at the head of the first page.
            chance: how the words lie.
        """
        out = io.BytesIO()
        canvas = Canvas(out, LETTER, invariant=1, pageCompression=0)
        for number, lines in enumerate(self._pages, 1):
            self._paper(canvas, chance)
            if number == 1:
                self._stamp(canvas, stamp)
            canvas.setFont(self.look.font, self.look.size)
            canvas.drawCentredString(_WIDTH / 2 + chance.uniform(-4, 4), 46, f"- {number} -")
            slope = chance.uniform(-0.004, 0.004)
            for x, y, words, _ in lines:
                for word, font in words:
                    lies = y + slope * (x - self.look.left) + chance.uniform(-0.3, 0.3)
                    text = canvas.beginText(x, lies)
                    text.setFont(font, self.look.size + chance.uniform(-0.15, 0.15))
                    text.textOut(word)
                    canvas.drawText(text)
                    x += float(stringWidth(word + " ", font, self.look.size))
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def _paper(self, canvas: Canvas, chance: random.Random) -> None:
        """Grey paper with specks, and the dark edge of the lid."""
        canvas.setFillGray(0.93)
        canvas.rect(0, 0, _WIDTH, _HEIGHT, stroke=0, fill=1)
        canvas.setFillGray(0.35)
        canvas.rect(0, 0, 5, _HEIGHT, stroke=0, fill=1)
        for _ in range(40):
            canvas.circle(chance.uniform(8, _WIDTH), chance.uniform(0, _HEIGHT), chance.uniform(0.2, 0.8), 0, 1)
        canvas.setFillGray(0.1)

    def _stamp(self, canvas: Canvas, lines: Sequence[str]) -> None:
        canvas.saveState()
        canvas.translate(_WIDTH - 210, _HEIGHT - 88)
        canvas.rotate(11)
        canvas.setFillGray(0.35)
        canvas.setFont("Helvetica-Bold", 11)
        for i, line in enumerate(lines):
            canvas.drawString(0, -14 * i, line)
        canvas.restoreState()

    def _line(self, canvas: Canvas, x: float, y: float, words: list[Run], stretch: float) -> None:
        text = canvas.beginText(x, y)
        text.setWordSpace(stretch)
        for i, (word, font) in enumerate(words):
            text.setFont(font, self.look.size)
            text.textOut(word + " " * (i + 1 < len(words)))
        canvas.drawText(text)


def broken(runs: Sequence[Run], width: float, size: float) -> Lines:
    """Lines of a paragraph; a word that does not fit is hyphenated, but not in two lines running."""
    lines: Lines = []
    line: list[Run] = []
    queue = list(runs)
    hyphen = False
    while queue:
        word, font = queue.pop(0)
        if _natural([*line, (word, font)], size) <= width:
            line.append((word, font))
            continue
        halves = [] if hyphen else [cut for cut in cuts(word) if _natural([*line, (cut[0], font)], size) <= width]
        hyphen = bool(halves)
        if halves:
            line.append((halves[-1][0], font))
            word = halves[-1][1]
        lines.append((line, False))
        line = []
        queue.insert(0, (word, font))
    return [*lines, (line, True)]


def cuts(word: str) -> Iterator[tuple[str, str]]:
    """Where a word may be hyphenated: before some endings, and between two consonants that do not belong together."""
    match = re.fullmatch(r"([A-Z]?[a-z]{6,})([^\w]*)", word)
    if not match:
        return
    letters = match[1]
    for i in range(3, len(letters) - 2):
        one, two, three = letters[i - 1], letters[i], letters[i + 1]
        between = one not in _VOWELS and two not in _VOWELS and three in _VOWELS
        ending = _ENDING.match(letters, i)
        if (ending or (between and not _PAIRS.fullmatch(one + two))) and any(
            letter in _VOWELS for letter in letters[:i]
        ):
            yield letters[:i] + "-", word[i:]


def _natural(words: Sequence[Run], size: float) -> float:
    spaced = [(word + " ", font) for word, font in words[:-1]] + list(words[-1:])
    return float(sum(stringWidth(word, font, size) for word, font in spaced))
