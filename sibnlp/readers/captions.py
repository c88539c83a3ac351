"""Captions, ``.vtt`` and ``.srt``: WebVTT and SubRip as Teams, Zoom, Otter, Meet and YouTube write them.

Why an own parser and not a library: for a transcript every word counts, and the libraries are made for players.
webvtt-py (by its source: ``iter_blocks_of_lines``, ``WebVTTCueBlock.is_valid``) splits the file at blank lines and
takes for a cue only a block that begins with a valid time line: the rest of a cue behind a blank line goes, and a
whole cue for one mistyped digit in its time (``00:0x:01.000``), without a word. pysubs2 and srt have no notion of who
speaks, so labels, notes and ids would be ours to find in any case. ``tests/readers/test_captions.py`` begins with the
short texts in which the difference shows.

Rule of this parser: only a line ``… --> …`` divides cues, and all other lines are speech unless they are known not to
be (header, NOTE, STYLE, REGION, cue ids); what is left out is counted in ``Document.dropped``.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

from sibnlp.errors import ReadError
from sibnlp.parsing.decode import decode
from sibnlp.speech import cues, turns
from sibnlp.types import Document, Dropped

_ARROW = re.compile(r"\s{0,40}(\S{1,20})[ \t]{0,40}-->[ \t]{0,40}(\S{1,20})?")
# Hours may be missing; a third or fourth field after the seconds is a fraction or a frame.
_TIME = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:[.,:;]\d{1,9})?$")
_TIMELIKE = re.compile(r"[\w.,]{0,4}\d[\w.,]{0,4}:[\w.,]{1,6}|[\w.,]{1,6}:\w{0,3}\d")
_SNIFF = re.compile(rb"\d{1,2}:\d\w[^\n<>]{0,12}-->")
_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?(?:[/-][\w/-]{1,40})?$")
_SECTION = re.compile(r"NOTE(?:[ \t]|$)|(?:STYLE|REGION)[ \t]*$")
_EXAMPLE = 60


def sniff(head: bytes) -> bool:
    """Whether a file begins with ``WEBVTT`` or has a time line with an arrow."""
    head = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return head.startswith(b"WEBVTT") or bool(_SNIFF.search(head))


def read(path: Path, document_id: str) -> Document:
    """Read captions into a document: one turn for each stretch of a speaker, a ``time`` mark for each cue.

    Args:
        path: a ``.vtt`` or ``.srt`` file.
        document_id: id of the document.

    Raises:
        ReadError: the bytes are no text, or there is no cue in it.
    """
    text, encoding = decode(path.read_bytes(), path)
    lost = _Lost()
    blocks = _blocks(text, lost)
    if not any(line.strip() for block in blocks for line in block.lines):
        raise ReadError(path, "no caption with text in it")
    if cues.is_rolling(blocks):
        blocks = _unrolled(blocks, lost)
    record, found, marks = cues.from_cues(cues.name_speakers(blocks, partial(turns.accepted, carried=True)))
    return Document(
        document_id, record, format="captions", encoding=encoding, turns=found, marks=marks, dropped=lost.dropped()
    )


class _Lost:
    """What is left out, counted by kind with its first example."""

    def __init__(self) -> None:
        self._counts = Counter[str]()
        self._examples: dict[str, str] = {}

    def add(self, what: str, example: str) -> None:
        self._counts[what] += 1
        self._examples.setdefault(what, example.strip()[:_EXAMPLE])

    def dropped(self) -> tuple[Dropped, ...]:
        return tuple(Dropped(what, n, self._examples[what]) for what, n in self._counts.items())


def _is_arrow(line: str) -> re.Match[str] | None:
    """The match of a time line, readable or mistyped; ``input --> output`` is speech."""
    match = _ARROW.match(line) if "-->" in line else None
    sides = (match[1], match[2] or "") if match else ()
    return match if any(_TIMELIKE.match(side) for side in sides) else None


class _Cutter:
    """The cue that is being read, and those before it."""

    def __init__(self, lost: _Lost) -> None:
        self.lost, self.blocks = lost, list[cues.Block]()
        self.time: str | None = None
        self.payload: list[str] = []
        self.number = 0
        self._started = False

    def open(self, time: str | None) -> None:
        """Close the cue before and begin one at a time."""
        self.close()
        self.time, self.payload, self._started = time, [], True

    def close(self) -> None:
        """Keep the cue that is being read, if something is said in it."""
        if any(cues.plain(line) for line in self.payload):
            self.blocks.append(cues.Block(tuple(self.payload), self.time))
        elif self._started:
            self.lost.add("captions without text", self.time or "")


def _blocks(text: str, lost: _Lost) -> list[cues.Block]:
    """Cut a file into cues."""
    lines = text.split("\n")
    i = _header_end(lines, lost) if lines[0].startswith("WEBVTT") else 0
    is_vtt, cutter = i > 0, _Cutter(lost)
    blank = True  # whether the line before is blank: only then a line can be a number, a name or a NOTE
    while i < len(lines):
        line, following = lines[i].strip(), lines[i + 1] if i + 1 < len(lines) else ""
        if is_vtt and blank and _SECTION.match(line):
            i, blank = _section_end(lines, i, lost), False
            continue
        if arrow := _is_arrow(line):
            cutter.open(_time(arrow, lost))
            blank = False
        elif _is_arrow(following) and _is_id(line, blank, cutter.number, is_vtt):
            cutter.number = max(_number(line), cutter.number)
            if _number(line) < 0 and not _GUID.match(line):
                lost.add("names of captions", line)
            blank = False
        elif blank and following.strip() and _number(line) == cutter.number + 1:
            # The number of a cue whose time line is missing: its text stands on its own, without a time.
            cutter.open(None)
            cutter.number, blank = _number(line), False
            lost.add("missing times (their text is kept)", following)
        else:
            cutter.payload.append(line)
            blank = not line
        i += 1
    cutter.close()
    return cutter.blocks


def _time(arrow: re.Match[str], lost: _Lost) -> str | None:
    match = _TIME.match(arrow[1])
    if not match:
        lost.add("unreadable times (their text is kept)", arrow[0])
    return cues.clock(*match.groups()) if match else None


def _number(line: str) -> int:
    """The number of a cue; -1 for anything else."""
    return int(line) if line.isdecimal() and len(line) < 10 else -1


def _section_end(lines: list[str], first: int, lost: _Lost) -> int:
    """Index of the first line behind a NOTE, STYLE or REGION block."""
    i = first
    while i < len(lines) and lines[i].strip() and not _is_arrow(lines[i]):
        i += 1
    is_note = lines[first].strip().startswith("NOTE")
    # The word alone says little; the example is what the block says.
    lost.add("notes" if is_note else "style and region blocks", " ".join(" ".join(lines[first:i]).split()))
    return i


def _header_end(lines: list[str], lost: _Lost) -> int:
    """Index of the first line behind the header: the block that begins with ``WEBVTT``."""
    i = 1
    while i < len(lines) and lines[i].strip() and not _is_arrow(lines[i]):
        # The line before a time line is that cue's id, not header.
        if i + 1 < len(lines) and _is_arrow(lines[i + 1]) and lines[i].strip().isdecimal():
            break
        lost.add("header lines", lines[i])
        i += 1
    return i


def _is_id(line: str, blank: bool, number: int, is_vtt: bool) -> bool:
    """Whether the line above a time line is the cue's id and not the last line of the cue before."""
    if _GUID.match(line):
        return True
    if _number(line) >= 0:
        return blank or _number(line) == number + 1
    # WebVTT allows any line as an id; in SubRip a line of words is speech that lost its blank line.
    return is_vtt and blank and bool(line)


def _unrolled(blocks: list[cues.Block], lost: _Lost) -> list[cues.Block]:
    """Take repeated lines out of rolling captions."""
    kept = []
    before: list[str] = []
    for block in blocks:
        lines = [line for line in block.lines if cues.plain(line)]
        after = [cues.plain(line) for line in lines]
        n = cues.overlap(before, after)
        for line in after[:n]:
            lost.add("repeated caption lines", line)
        if lines[n:]:
            kept.append(cues.Block(tuple(lines[n:]), block.time))
        before = after
    return kept
