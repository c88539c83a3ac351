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

import numpy as np
from numpy.typing import NDArray

from sibnlp.exchange.edges import INSIDE, OUTSIDE, Classes
from sibnlp.exchange.systems import (
    CODE_POINT,
    UTF8,
    Ruler,
    SourceText,
    System,
    parse_system,
    prior,
    systems,
)

__all__ = ["Decided", "Measured", "SourceText", "System", "decide", "measure", "parse_system", "place_points", "pool"]

MARGIN = math.log(20)
# Share of edges inside words above which no system fits: the text is not the one that was coded.
MAX_INSIDE, MIN_EDGES = 0.4, 8
# An end this far behind the text is a slip of the tool's, not another text.
OVERRUN = 2
# A rival that moves no more than this share of the edges, each by no more than so many characters, does not hold a
# source up: one emoji inside one selection decides between two units, and leaves one edge in doubt.
MINOR_SHARE, MINOR_SHIFT = 0.2, 2

# How often an edge of a person's selection is what `edges` tells apart, in that order, under the right system.
_LOG = np.log(np.array([0.71, 0.15, 0.10, 0.04, 0.0005]))
# What a quotation kept as a name adds where it is found: its beginning, and the whole of it.
_BEGINS, _EQUAL = 3.0, 6.0


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
        return said + prior(system, self.source)


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
        counts[OUTSIDE] += int((~here).sum())
        counts += np.bincount(classes.start(at[here]), minlength=len(_LOG)) if here.any() else 0
        placed[~inner] = -1
        found.spans[system] = placed
        found.fits[system] = float(counts @ _LOG)
        found.inside[system] = float(counts[[INSIDE, OUTSIDE]].sum() / found.n_edges)
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
    counts[OUTSIDE] += 2 * int((~inner & (starts != ends)).sum())
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
