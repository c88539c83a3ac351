"""How text and numbers are written in a report: one place, so that a table, a chart and a tooltip agree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from sibnlp.types import Passage

# Direction overrides and isolates can make a quotation read as something else (U+202E), so they are shown, not obeyed.
# Other controls have no glyph, and a lone surrogate cannot even be written as UTF-8.
_UNSAFE = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
MISSING = "–"


def _shown(match: re.Match[str]) -> str:
    char = ord(match.group())
    return "\ufffd" if 0xD800 <= char <= 0xDFFF else f"⟨U+{char:04X}⟩"


def plain(text: str) -> str:
    r"""Text as a page may show it: line ends as LF, direction controls and other controls made visible.

    >>> plain("a\u202eb")
    'a⟨U+202E⟩b'
    """
    return _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))


def line(text: str) -> str:
    """Text on one line: `plain`, runs of white space as one space."""
    return " ".join(plain(text).split())


def excerpt(text: str, limit: int = 300) -> str:
    """The beginning of a quotation, cut at a word and marked ``[…]`` where something is left out."""
    whole = line(text)
    if len(whole) <= limit:
        return whole
    head = whole[:limit]
    # A "word" of a hundred letters has no boundary to cut at.
    cut = head.rfind(" ")
    return (head[:cut] if cut > limit // 2 else head).rstrip(" ,;:–—-") + " […]"


def wrap(text: str, width: int, lines: int = 3) -> list[str]:
    """Break a label into at most ``lines`` lines of about ``width`` characters; an ellipsis stands for what is cut."""
    rows: list[str] = []
    for word in line(text).split():
        if rows and len(rows[-1]) + 1 + len(word) <= width:
            rows[-1] += " " + word
        else:
            rows.append(word if len(word) <= width + 4 else word[: width + 3] + "…")
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1].rstrip(" ,;:") + "…"]
    return rows or [""]


def known(value: float | None) -> bool:
    """Whether a number is there at all."""
    return value is not None and math.isfinite(value)


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage without its sign.

    >>> percent(0.2314), percent(float("nan"))
    ('23.1', '–')
    """
    return f"{100 * share:.{digits}f}" if share is not None and known(share) else MISSING


def score(value: float | None) -> str:
    """A score with two decimals; a dash where it is unknown.

    >>> score(0.876), score(None), score(-0.031), score(-0.001)
    ('0.88', '–', '−0.03', '0.00')
    """
    # Adding nothing turns a negative zero into a plain one.
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if value is not None and known(value) else MISSING


def interval_of(limits: Sequence[float | None] | None) -> str:
    """An interval of scores, ``0.69–0.79``, with ``to`` where a sign would be read as a dash; a dash if unknown."""
    low, high = limits or (None, None)
    if not known(low) or not known(high):
        return MISSING
    return f"{score(low)}{' to ' if '−' in score(low) + score(high) else '–'}{score(high)}"


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares in per cent, ``17.4–30.2``; empty where a limit is unknown."""
    return f"{percent(low)}–{percent(high)}" if known(low) and known(high) else ""


def signed(change: float | None) -> str:
    """A change in percentage points with its sign, a true minus for negative ones.

    >>> signed(0.121), signed(-0.034), signed(-0.00001)
    ('+12.1', '−3.4', '0.0')
    """
    if change is None or not known(change):
        return MISSING
    number = f"{abs(100 * change):.1f}"
    return number if number == "0.0" else ("+" if change > 0 else "−") + number


def signed_interval(low: float | None, high: float | None) -> str:
    """An interval of changes, ``[−8.0, +2.1]``; empty where a limit is unknown."""
    return f"[{signed(low)}, {signed(high)}]" if known(low) and known(high) else ""


def number(count: int) -> str:
    """A count with thousands set apart by a comma."""
    return f"{count:,}"


def amount(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun: ``1 passage``, ``12 passages``."""
    return f"{number(count)} {singular if count == 1 else plural or singular + 's'}"


def joined(parts: Iterable[str], last: str = "and") -> str:
    """A list in a sentence: ``a, b and c``."""
    items = list(parts)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def named(names: Mapping[str, str], id: str) -> str:
    """Display name of a code, period or framework; an id nobody named loses its underscores."""
    return line(names.get(id) or id.replace("_", " "))


def capital(text: str) -> str:
    """The first letter as a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A reason as a sentence: capital first, full stop last; empty stays empty."""
    one = capital(line(text))
    return one if not one or one[-1] in ".!?" else one + "."


def place(passage: Passage) -> str:
    """Where in its source a passage stands: page, or time into the recording."""
    if passage.page is not None:
        return f"p. {passage.page}"
    return line(passage.time) if passage.time else ""


def who(passage: Passage) -> str:
    """Who speaks: the actor, else the label in the source; empty where the source names nobody."""
    return line(passage.actor or passage.speaker or "")


def attribution(passage: Passage) -> str:
    """Speaker, role, document, page or time: what stands behind a quotation."""
    speaker = ", ".join(part for part in (who(passage), line(passage.role or "")) if part)
    source = ", ".join(part for part in (line(passage.document), place(passage)) if part)
    return f"{speaker}; {source}" if speaker else source
