"""The coordinate systems that selections may be in, and how to translate one to code points."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CODE_POINT, UTF16, UTF8 = "code point", "utf-16", "utf-8"


UNITS = (CODE_POINT, UTF16, UTF8)


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


def prior(system: System, source: SourceText) -> float:
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
