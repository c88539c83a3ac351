"""Lines of a paged document and the furniture among them: running headers and footers, page numbers, line numbers.

Pure functions: pages of lines in, pages of lines and what was taken out; nothing here knows a file format.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

EDGE_LINES = 3
"""How many lines from the top and from the bottom of a page may be furniture."""
EDGE = 0.25
"""Share of the page's height in which they must lie; a short page's last line is no footer."""

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"[-–—|\[(~\s]*(?P<word>page|pg\.?|p\.|seite|s\.)?\s*(?P<number>\d{1,4}|[ivxl]{1,7})"
    r"(?:\s*(?P<of>of|/|\||von|sur|de)\s*\d{1,4})?[-–—|\])~.\s]*",
    re.IGNORECASE,
)
_TURN = re.compile(r"[^\W\d_][\w .'’-]{0,40}:\s")
_DASHES = "-–—|~"
_INTEGER = re.compile(r"\d{1,5}")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a part of one, where it stands on its page.

    Attributes:
        text: without line end.
        page: page number, from 1.
        left, right: extent in points, from the page's left edge.
        y: baseline in points, from the page's top edge downwards.
        height: of the page, in points.
        size: font size in points.
        bold: whether all of it is bold.
        turned: whether it runs in another direction than the page's text (a stamp along the margin).
    """

    text: str
    page: int
    left: float
    right: float
    y: float
    height: float = 842.0
    size: float = 10.0
    bold: bool = False
    turned: bool = False


Pages = list[list[Line]]


def running_lines(pages: Pages) -> tuple[Pages, list[Line]]:
    """Take out lines that recur, digits aside, at the same place of the top or bottom of many pages.

    A line counts as running when it begins or ends with a number that counts on from page to page, or when it stands
    on most pages, or on three that follow one another or alternate (left and right pages differ). What reads like a
    speaker's turn ("Participant: Yeah.") must stand on most pages.

    Args:
        pages: lines of each page, in reading order.

    Returns:
        The pages without them, and the lines taken out. Documents of one or two pages keep everything.
    """
    if len(pages) < 3:
        return pages, []
    found: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for page in pages:
        for side, line in _edges(page):
            found[side, _masked(line.text)].append(line)
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for page in pages:
        for side, line in _edges(page):
            groups[side, _masked(line.text)].append(line)
    most = sum(1 for page in pages if page) / 2
    running = list(_numbered(pages))
    known: list[tuple[str, str, float]] = []
    for (side, masked), lines in groups.items():
        middle = _middle(lines)
        lines = [line for line in lines if line.turned or abs(line.y - middle) <= 6]
        if _recurs(lines, most):
            running.append(lines)
            known.append((side, masked, middle))
    # The same header misread on a page: text recognition is rarely right on every page.
    for (side, masked), lines in groups.items():
        for _, _, y in [entry for entry in known[:10] if entry[0] == side and _alike(masked, entry[1])]:
            running.append([line for line in lines if abs(line.y - y) <= 6])
    return _without(pages, _removable(pages, running))


def _recurs(lines: Sequence[Line], most: float) -> bool:
    numbers = sorted({line.page for line in lines})
    in_a_row = any(c - b <= 2 and b - a <= 2 for a, b, c in zip(numbers, numbers[1:], numbers[2:], strict=False))
    return len(numbers) > most or (in_a_row and not _TURN.match(lines[0].text))


def _removable(pages: Pages, groups: Iterable[list[Line]]) -> set[int]:
    """Ids of lines to take out, from the edge inwards, as long as most pages of a group keep other text.

    Pages that hold nothing but lines like each other (forms, slides) are their content.
    """
    left = Counter({page[0].page: len(page) for page in pages if page})
    out: set[int] = set()

    def depth(lines: list[Line]) -> float:
        return min((min(line.y, line.height - line.y) for line in lines), default=0.0)

    for lines in sorted(groups, key=depth):
        fresh = [line for line in lines if id(line) not in out]
        gone = Counter(line.page for line in fresh)
        if sum(left[page] > count for page, count in gone.items()) >= 0.5 * len(gone):
            left.subtract(gone)
            out.update(id(line) for line in fresh)
    return out


def _middle(lines: Sequence[Line]) -> float:
    return sorted(line.y for line in lines)[len(lines) // 2]


def _numbered(pages: Pages) -> Iterator[list[Line]]:
    """Groups of lines that carry the page's number at either end, whatever chapter they name."""
    found: dict[tuple[str, int, int], list[Line]] = defaultdict(list)
    for page in pages:
        for side, line in _edges(page):
            words = line.text.split()
            for end in (0, -1):
                if len(words) > 1 and words[end].isascii() and words[end].isdigit() and len(words[end]) <= 4:
                    found[side, end, int(words[end]) - line.page].append(line)
    for lines in found.values():
        middle = _middle(lines)
        lines = [line for line in lines if abs(line.y - middle) <= 3]
        if len({line.page for line in lines}) >= 3:
            yield lines


def page_numbers(pages: Pages) -> tuple[Pages, list[Line]]:
    """Take out page numbers standing alone at the top or bottom.

    "Page 3", "3/12" and "- 3 -" go by their look; a bare number only where it counts on from page to page, or, in a
    document of one or two pages, where it is the page's number.

    Args:
        pages: lines of each page, in reading order.

    Returns:
        The pages without them, and the lines taken out; unchanged where nothing else would be left.
    """
    sure: list[Line] = []
    bare: dict[tuple[str, int], list[Line]] = defaultdict(list)
    for page in pages:
        for side, line in _edges(page):
            match = _PAGE_NUMBER.fullmatch(line.text)
            number = _number(match["number"]) if match else None
            if match is None or number is None:
                continue
            if match["word"] or match["of"] or (line.text[0] in _DASHES and line.text[-1] in _DASHES):
                sure.append(line)
            else:
                bare[side, number - line.page].append(line)
    for (_, offset), lines in bare.items():
        if len({line.page for line in lines}) >= 2 or (offset == 0 and len(pages) <= 2):
            sure.extend(lines)
    out = {id(line) for line in sure}
    left, taken = _without(pages, out)
    return (left, taken) if any(left) else (pages, [])


def line_numbers(pages: Pages) -> tuple[Pages, list[Line]]:
    """Take out numbers in the margin that count lines or turns.

    Args:
        pages: lines of each page; a number in the margin must be a line of its own.

    Returns:
        The pages without them, and the lines taken out. Nothing is taken unless at least half of the pages with text
        have a column of five or more such numbers, and one page ten: a list of contents is numbered, too.
    """
    columns = [_counting(page) for page in pages]
    long = [column for column in columns if len(column) >= 5]
    if not long or max(map(len, long)) < 10 or len(long) < sum(1 for page in pages if page) / 2:
        return pages, []
    return _without(pages, {id(line) for column in columns for line in column})


def _counting(page: Sequence[Line]) -> list[Line]:
    """Bare numbers of a page that stand under each other at its side and rise by a fixed step."""
    numbers = [line for line in page if _INTEGER.fullmatch(line.text) and not line.turned]
    others = [line for line in page if not _INTEGER.fullmatch(line.text)]
    if not numbers or not others:
        return []
    # The margin: left of nearly all text, or right of it.
    edge = sorted(line.left for line in others)[len(others) // 20]
    end = sorted((line.right for line in others), reverse=True)[len(others) // 20]
    numbers = [line for line in numbers if line.right <= edge + 1 or line.left >= end - 1]
    steps = Counter(int(b.text) - int(a.text) for a, b in pairwise(numbers) if b.y > a.y)
    step, often = steps.most_common(1)[0] if steps else (1, len(numbers) - 1)
    return numbers if step in (1, 2, 5, 10) and often >= 0.9 * (len(numbers) - 1) else []


def _edges(page: Sequence[Line]) -> Iterable[tuple[str, Line]]:
    """Lines that could be furniture, with their side."""
    for side, sign in (("top", 1), ("bottom", -1)):
        baselines: list[float] = []
        for line in sorted((line for line in page if not line.turned), key=lambda line: sign * line.y):
            if not baselines or abs(line.y - baselines[-1]) > line.size / 2:
                baselines.append(line.y)
            depth = line.y / line.height
            if len(baselines) > EDGE_LINES or (depth > EDGE if sign == 1 else depth < 1 - EDGE):
                break
            yield side, line
    for line in page:
        if line.turned:
            yield "turned", line


def _masked(text: str) -> str:
    """Text without digits, and without a page number before or after it (left and right pages mirror each other)."""
    masked = _DIGITS.sub("#", " ".join(text.casefold().split()))
    return masked.strip("# .|-–—") or masked


def _alike(a: str, b: str) -> bool:
    if not 8 <= len(b) <= 120 or abs(len(a) - len(b)) > 4 or a == b:
        return False
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return matcher.quick_ratio() > 0.85 and matcher.ratio() > 0.85


def _number(text: str) -> int | None:
    """Value of an Arabic or lower-case Roman numeral; None for letters that are none ("I", "ill")."""
    if text.isdigit():
        return int(text)
    if not text.islower():
        return None
    values = [_ROMAN[letter] for letter in text]
    total = sum(-a if a < b else a for a, b in pairwise([*values, 0]))
    return total if _roman(total) == text else None


def _roman(number: int) -> str:
    text = ""
    for value, letters in ((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        times, number = divmod(number, value)
        text += letters * times
    return text


def _without(pages: Pages, out: set[int]) -> tuple[Pages, list[Line]]:
    taken = [line for page in pages for line in page if id(line) in out]
    return [[line for line in page if id(line) not in out] for page in pages], taken
