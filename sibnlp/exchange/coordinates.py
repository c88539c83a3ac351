"""How a tool counted: which of 24 coordinate systems its selections are in, inferred from where they fall.

A selection's offsets may count code points, UTF-16 units or UTF-8 bytes; a line break as one or as two; a byte order
mark or not; and its end may be the last character or the one behind it. Tools differ, versions of one tool differ, and
nothing in a file says so. People select words and sentences, so under the right system nearly all edges fall between
words, and where the tool keeps the quotation as a name, the quotation is found. Each system is scored by the
log-likelihood of its edges; the best is taken where it is 20 times as likely as the next that would place selections
elsewhere. A source with too few selections is read as the others of its project; where that does not decide either, it
is refused with the table of candidates.

The weights below are judgements; ``tests/exchange/test_coordinates.py`` measures how often they recover the truth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CODE_POINT, UTF16, UTF8 = "code point", "utf-16", "utf-8"
UNITS = (CODE_POINT, UTF16, UTF8)
MARGIN = math.log(20)
# Share of edges inside words above which no system fits: the text is not the one that was coded.
MAX_INSIDE, MIN_EDGES = 0.4, 8
# An end this far behind the text is a slip of the tool's, not another text.
OVERRUN = 2
# A rival that moves no more than this share of the edges, each by no more than so many characters, does not hold a
# source up: one emoji inside one selection decides between two units, and leaves one edge in doubt.
MINOR_SHARE, MINOR_SHIFT = 0.2, 2

# What an edge can be, and how often a person's selection has it under the right system.
_CLEAN, _BEFORE_STOP, _LOOSE, _INSIDE, _OUTSIDE = range(5)
_LOG = np.log(np.array([0.71, 0.15, 0.10, 0.04, 0.0005]))
# What a quotation kept as a name adds where it is found: its beginning, and the whole of it.
_BEGINS, _EQUAL = 3.0, 6.0
_OTHER, _WORD, _SPACE, _STOP = range(4)
_STOPS = frozenset(".!?…。！？")


@dataclass(frozen=True, slots=True)
class System:
    """One way of counting.

    Attributes:
        unit: ``code point``, ``utf-16`` or ``utf-8``.
        line_break: how much a line break counts: 1, 2, or 0 for as many as it has in the file.
        mark: whether a byte order mark counts (one unit; three bytes).
        inclusive: whether the end is the last unit of the selection, not the one behind it.
    """

    unit: str = CODE_POINT
    line_break: int = 1
    mark: bool = False
    inclusive: bool = False

    def __str__(self) -> str:
        breaks = {0: "line breaks as in the file", 1: "line break = 1", 2: "line break = 2"}[self.line_break]
        return ", ".join(
            [self.unit, breaks, *["byte order mark counted"] * self.mark, "end " + ("inclusive" if self.inclusive else
             "exclusive")]
        )  # fmt: skip


def parse_system(text: str) -> System:
    """A system as a person writes it: ``utf-16,crlf=2,bom,inclusive``; what is not named is the specification's.

    Raises:
        ValueError: names the word that is unknown.
    """
    unit, line_break, mark, inclusive = CODE_POINT, 1, False, False
    for word in (part.strip().lower() for part in text.split(",")):
        if word in ("code point", "codepoint", "code-point"):
            unit = CODE_POINT
        elif word in (UTF16, UTF8, "utf16", "utf8"):
            unit = UTF16 if "16" in word else UTF8
        elif word in ("crlf=1", "crlf=2", "crlf=file"):
            line_break = {"1": 1, "2": 2, "file": 0}[word.partition("=")[2]]
        elif word == "bom":
            mark = True
        elif word in ("inclusive", "exclusive"):
            inclusive = word == "inclusive"
        elif word:
            known = "code-point, utf-16, utf-8, crlf=1, crlf=2, crlf=file, bom, inclusive, exclusive"
            raise ValueError(f"{word!r} is no part of a coordinate system; known: {known}")
    return System(unit, line_break, mark, inclusive)


@dataclass(slots=True)
class SourceText:
    """A source as the file has it, and its text of record.

    Args:
        raw: the decoded file, with its line ends and its byte order mark.
    """

    raw: str

    def __post_init__(self) -> None:
        self.has_mark = self.raw.startswith("\ufeff")
        body = self.raw[1:] if self.has_mark else self.raw
        n_double = body.count("\r\n")
        self.text = body.replace("\r\n", "\n").replace("\r", "\n")
        n_breaks = self.text.count("\n")
        self.break_in_file = 2 if n_double and n_double == n_breaks else 1
        # Line breaks that are CRLF here and LF there: only then does the file say more than 1 or 2.
        self.mixed: NDArray[np.int64] | None = None
        if 0 < n_double < n_breaks:
            pieces = body.replace("\r\n", "\0\n").replace("\r", "\n").split("\n")[:-1]
            self.mixed = np.array([1 + piece.endswith("\0") for piece in pieces], dtype=np.int64)
        self.raw = ""

    has_mark: bool = field(init=False, default=False)
    text: str = field(init=False, default="")
    break_in_file: int = field(init=False, default=1)
    mixed: NDArray[np.int64] | None = field(init=False, default=None)


def systems(source: SourceText) -> list[System]:
    """All systems that a source may be counted in."""
    breaks = (1, 2, 0) if source.mixed is not None else (1, 2)
    return [
        System(unit, line_break, mark, inclusive)
        for unit in UNITS
        for line_break in breaks
        for mark in (False, True)
        for inclusive in (False, True)
    ]


def _prior(system: System, source: SourceText) -> float:
    """What is to be expected before looking: the specification, mildly; line breaks as the file has them."""
    found = {CODE_POINT: 0.0, UTF16: -0.7, UTF8: -1.0}[system.unit]
    found -= (1.0 if source.has_mark else 2.0) * system.mark + 1.2 * system.inclusive
    usual = 0 if source.mixed is not None else source.break_in_file
    return found - (system.line_break != usual) * (1.5 if usual == 1 else 0.3)


class Ruler:
    """Translates offsets in one system to code points of the text of record."""

    def __init__(self, source: SourceText, codes: NDArray[np.uint32], system: System) -> None:
        self.system = system
        if system.unit == CODE_POINT:
            widths = np.ones(len(codes), dtype=np.int64)
        elif system.unit == UTF16:
            widths = 1 + (codes > 0xFFFF).astype(np.int64)
        else:
            widths = np.ones(len(codes), dtype=np.int64)
            for bound in (0x7F, 0x7FF, 0xFFFF):
                widths += codes > bound
        if system.line_break != 1:
            at = codes == 10
            widths[at] = 2 if system.line_break == 2 or source.mixed is None else source.mixed
        mark = (3 if system.unit == UTF8 else 1) if system.mark else 0
        self._positions = np.concatenate([[mark], mark + np.cumsum(widths)])

    def place(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Code points of offsets; -1 before the text, -2 inside a character, n + 1 … behind it by so much."""
        index = np.searchsorted(self._positions, offsets)
        index = np.minimum(index, len(self._positions) - 1)
        found = np.where(self._positions[index] == offsets, index, -2)
        behind = offsets - self._positions[-1]
        found = np.where(behind > 0, len(self._positions) - 1 + behind, found)
        return np.where(offsets < self._positions[0], -1, found)


@dataclass(slots=True)
class Measured:
    """How well each system fits a source.

    Attributes:
        source: the text.
        fits: log-likelihood by system, without the prior.
        spans: by system, int64 [n, 2], code points; rows that lie outside the text or inside a character are -1, -1.
        inside: by system, share of edges inside words.
        n_edges: how many edges were judged.
        quoted: by system, how many selections are where their quotation is found.
    """

    source: SourceText
    fits: dict[System, float]
    spans: dict[System, NDArray[np.int64]]
    inside: dict[System, float]
    n_edges: int
    quoted: Counter[System] = field(default_factory=Counter)

    def total(self, system: System, others: Mapping[System, float] | None = None) -> float:
        """Log-posterior of a system, up to a constant; with what the other sources say."""
        said = self.fits[system] if others is None else others.get(system, self.fits[system])
        return said + _prior(system, self.source)


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it.

    Attributes:
        system: the one taken; None where refused.
        spans: of every selection; None for one that lies outside the text. Empty where refused.
        why: ``by its own selections``, ``as the other sources``, ``as asked``, ``as specified`` (nothing to measure),
            or why it was refused.
        table: candidates, a line each, best first.
        doubtful: how many edges may be off by up to `MINOR_SHIFT` characters.
    """

    system: System | None
    spans: tuple[tuple[int, int] | None, ...]
    why: str
    table: tuple[str, ...] = ()
    doubtful: int = 0


class Classes:
    """What each character of a text is: word, space, full stop or other. Scripts without spaces have no words here.

    Args:
        text: the text.
        breaks: places where two words meet without a space (blocks of HTML).
    """

    def __init__(self, text: str, breaks: Sequence[int] = ()) -> None:
        self.broken = np.zeros(len(text) + 1, dtype=np.bool_)
        self.broken[list(breaks)] = True
        self.codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        present = np.unique(self.codes)
        table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype=np.uint8)
        for code in present.tolist():
            table[code] = _class(chr(code))
        self.kinds = table[self.codes]

    def start(self, at: NDArray[np.int64]) -> NDArray[np.intp]:
        """What starts are (placed inside the text)."""
        before = np.where(at > 0, self.kinds[np.maximum(at - 1, 0)], _SPACE)
        own = self.kinds[np.minimum(at, len(self.kinds) - 1)]
        found = np.where(own == _SPACE, _LOOSE, _CLEAN)
        return np.where((before == _WORD) & (own == _WORD) & ~self.broken[at], _INSIDE, found)

    def end(self, at: NDArray[np.int64]) -> NDArray[np.intp]:
        """What ends are (placed inside the text)."""
        n = len(self.kinds)
        own = self.kinds[np.maximum(at - 1, 0)]
        after = np.where((at < n) & ~self.broken[at], self.kinds[np.minimum(at, n - 1)], _SPACE)
        found = np.where(own == _SPACE, _LOOSE, np.where((after == _STOP) & (own != _STOP), _BEFORE_STOP, _CLEAN))
        return np.where((own == _WORD) & (after == _WORD), _INSIDE, found)

    @cached_property
    def length(self) -> int:
        """Number of code points."""
        return len(self.kinds)


def _class(character: str) -> int:
    if character.isspace():
        return _SPACE
    if character in _STOPS:
        return _STOP
    # Han, kana and the like, Thai, Lao, Khmer and Burmese are written without spaces between words.
    code = ord(character)
    unspaced = 0x2E80 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF
    unspaced = unspaced or 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF
    return _WORD if (character.isalnum() or character in "_'’") and not unspaced else _OTHER


def measure(
    source: SourceText,
    spans: Sequence[tuple[int, int]],
    names: Sequence[str] = (),
    points: Sequence[int] = (),
    breaks: Sequence[int] = (),
) -> Measured:
    """Score every system on one source.

    Args:
        source: the text.
        spans: offsets of the selections, as the file has them.
        names: label of each selection; quotations help, anything else does not hurt. Empty for none.
        points: further offsets that begin something (sync points of a transcript).
        breaks: code points at which two words meet without a space.
    """
    found = Measured(source, {}, {}, {}, 2 * len(spans) + len(points))
    if not found.n_edges:
        return found
    classes = Classes(source.text, breaks)
    offsets = np.clip(np.array(spans, dtype=object).reshape(-1, 2), -1, 2**40).astype(np.int64)
    single = np.clip(np.array(points, dtype=object), -1, 2**40).astype(np.int64)
    quotations = [_quotation(name) for name in names] if names else []
    highest = int(classes.codes.max(initial=0))
    same: dict[tuple[str, int, bool, bool], System] = {}
    for system in systems(source):
        # Without characters that differ in width, units are one and the same.
        plain = highest <= (0x7F if system.unit == UTF8 else 0xFFFF) and not (system.unit == UTF8 and system.mark)
        key = (CODE_POINT if plain else system.unit, system.line_break, system.mark, system.inclusive)
        if (twin := same.setdefault(key, system)) is not system:
            found.spans[system] = found.spans[twin]
            found.fits[system], found.inside[system] = found.fits[twin], found.inside[twin]
            continue
        ruler = Ruler(source, classes.codes, system)
        placed = np.column_stack([ruler.place(offsets[:, 0]), ruler.place(offsets[:, 1] + system.inclusive)])
        counts = np.zeros(len(_LOG))
        inner = _judge(classes, placed[:, 0], placed[:, 1], counts)
        at = ruler.place(single)
        here = (at >= 0) & (at < classes.length)
        counts[_OUTSIDE] += int((~here).sum())
        counts += np.bincount(classes.start(at[here]), minlength=len(_LOG)) if here.any() else 0
        placed[~inner] = -1
        found.spans[system] = placed
        found.fits[system] = float(counts @ _LOG)
        found.inside[system] = float(counts[[_INSIDE, _OUTSIDE]].sum() / found.n_edges)
    _add_names(found, quotations)
    return found


def _judge(
    classes: Classes, starts: NDArray[np.int64], ends: NDArray[np.int64], counts: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Count what the edges are; which spans lie in the text. An end a little behind the text is drawn in."""
    n = classes.length
    ends[(ends > n) & (ends <= n + OVERRUN) & (starts >= 0) & (starts < n)] = n
    inner: NDArray[np.bool_] = (starts >= 0) & (ends <= n) & (starts < ends)
    if inner.any():
        counts += np.bincount(classes.start(starts[inner]), minlength=5)
        counts += np.bincount(classes.end(ends[inner]), minlength=5)
    # An empty span says nothing of the system; the others are outside of it with both edges.
    counts[_OUTSIDE] += 2 * int((~inner & (starts != ends)).sum())
    return inner


@dataclass(frozen=True, slots=True)
class _Quotation:
    text: str
    whole: bool


def _quotation(name: str) -> _Quotation | None:
    text = " ".join(name.split())
    whole = not text.endswith(("…", "..."))
    text = text.rstrip("….").rstrip() if not whole else text
    # Shorter labels are found anywhere.
    return _Quotation(text, whole) if len(text) >= 4 else None


def _add_names(found: Measured, quotations: Sequence[_Quotation | None]) -> None:
    """Add what quotations kept as names say; a name found under no system is a label and says nothing."""
    text = found.source.text
    for number, quotation in enumerate(quotations):
        if quotation is None:
            continue
        slack = 2 * len(quotation.text) + 40
        for system, placed in found.spans.items():
            start, end = int(placed[number, 0]), int(placed[number, 1])
            if start < 0:
                continue
            # Tools cut a quotation at its first line, so the beginning counts for itself.
            own = text[start : min(end, start + slack)]
            squeezed = " ".join(own.split())
            if own[:1].isspace() or not squeezed.startswith(quotation.text):
                continue
            equal = quotation.whole and squeezed == quotation.text and not own[-1:].isspace()
            found.fits[system] += _EQUAL if equal else _BEGINS
            found.quoted[system] += 1


def pool(measured: Iterable[Measured]) -> dict[System, float]:
    """What all sources of a project say together."""
    total: dict[System, float] = {}
    for one in measured:
        fits = dict(one.fits)
        if one.source.mixed is None:  # its line breaks "as in the file" are one of the others
            usual = {s: replace(s, line_break=0) for s in fits if s.line_break == one.source.break_in_file}
            fits |= {as_in_file: fits[s] for s, as_in_file in usual.items()}
        for system, fit in fits.items():
            total[system] = total.get(system, 0.0) + fit
    return total


def place_points(source: SourceText, system: System, points: Sequence[int]) -> list[int | None]:
    """Single offsets as code points of the text of record; None for one outside the text."""
    ruler = Ruler(source, Classes(source.text).codes, system)
    placed = ruler.place(np.clip(np.array(points, dtype=object), -1, 2**40).astype(np.int64))
    return [int(at) if 0 <= at <= len(source.text) else None for at in placed]


def decide(
    measured: Measured,
    together: Mapping[System, float] | None = None,
    asked: System | None = None,
    why: str = "as asked",
) -> Decided:
    """Choose a source's system.

    Args:
        measured: from `measure`.
        together: from `pool`, over the whole project; used where the source alone does not decide.
        asked: what the user says, or what is known of the program; taken as it is.
        why: what to say of that.

    Returns:
        The spans under the system chosen; or why none could be, with the candidates.
    """
    if not measured.n_edges:
        return Decided(asked or System(), (), why if asked else "as specified")
    if asked is not None:
        system = asked if asked in measured.spans else System(asked.unit, 2, asked.mark, asked.inclusive)
        return Decided(system, _spans(measured, system), why)
    best, margin, ranked, doubtful = _best(measured, None)
    found_again = 4 * measured.quoted[best] >= measured.n_edges
    if measured.n_edges >= MIN_EDGES and measured.inside[best] > MAX_INSIDE and not found_again:
        share = f"{measured.inside[best]:.0%} of the edges fall inside words or outside the text"
        return Decided(None, (), f"its selections fit its text in no coordinate system: {share}", _table(ranked))
    if margin >= MARGIN and not doubtful:
        return Decided(best, _spans(measured, best), "by its own selections")
    if together is not None:
        pooled, pooled_margin, pooled_ranked, pooled_doubtful = _best(measured, together)
        if pooled_margin >= MARGIN:
            return Decided(pooled, _spans(measured, pooled), "as the other sources", (), pooled_doubtful)
        ranked = pooled_ranked
    if margin >= MARGIN:
        return Decided(best, _spans(measured, best), "by its own selections", (), doubtful)
    return Decided(None, (), "how it counts characters cannot be told from so few selections", _table(ranked))


def _best(
    measured: Measured, together: Mapping[System, float] | None
) -> tuple[System, float, list[tuple[System, float]], int]:
    """The best system, its margin over the best that would place selections elsewhere, one system per placement.

    The margin is infinite where all systems place the selections alike, or nearly so; the last number says how many
    edges are in doubt then.
    """
    by_placement: dict[bytes, tuple[System, float]] = {}
    for system, placed in measured.spans.items():
        total, key = measured.total(system, together), placed.tobytes()
        if key not in by_placement or total > by_placement[key][1]:
            by_placement[key] = (system, total)
    ranked = sorted(by_placement.values(), key=lambda pair: -pair[1])
    best, top = ranked[0]
    margin, doubtful = math.inf, 0
    for rival, total in ranked[1:]:
        moved = np.abs(measured.spans[rival] - measured.spans[best])
        minor = bool((moved > 0).mean() <= MINOR_SHARE and moved.max() <= MINOR_SHIFT)
        if not minor:
            margin = top - total
            break
        if top - total < MARGIN:
            doubtful = max(doubtful, int((moved > 0).sum()))
    return best, margin, ranked, doubtful


def _spans(measured: Measured, system: System) -> tuple[tuple[int, int] | None, ...]:
    return tuple((start, end) if start >= 0 else None for start, end in measured.spans[system].tolist())


def _table(ranked: Sequence[tuple[System, float]]) -> tuple[str, ...]:
    best = ranked[0][1]
    shares = [math.exp(max(total - best, -700)) for _, total in ranked]
    whole = sum(shares)
    return tuple(f"{share / whole:6.1%}  {system}" for (system, _), share in zip(ranked[:5], shares, strict=False))
