"""Timed speech: from cues to text of record, turns and time marks.

Captions and time-stamped transcripts cut speech where a screen is full, so a cue's end is no boundary of language: the
cues of one speaker are joined by a space into one turn, and only a change of speaker makes a paragraph.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sibnlp.types import Mark, Turn

# Decides which labels of a text are speakers: labels in order, number of cues → the accepted ones (`turns.accepted`).
Accept = Callable[[Sequence[str], int], frozenset[str]]

_VOICE = re.compile(r"<v(?:\.[^<>\s]{1,60})?[ \t]+([^<>]{1,200})>|</v>", re.IGNORECASE)
# Only tags that captions define: "<inaudible>" is a transcriber's word and stays.
_TAG = re.compile(
    r"</?(?:[cibuvs]|em|strong|font|lang|ruby|rt|span)(?:[. \t][^<>]{0,300})?>"
    r"|<\d{1,3}(?::\d\d){1,2}[.,]\d{1,3}>|\{\\[^{}]{0,100}\}",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br[ \t]{0,9}/?>|\\[Nn](?=\S)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|lrm|rlm|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_KARAOKE = re.compile(r"<\d{1,3}(?::\d\d){1,2}[.,]\d{1,3}>")
_CHEVRON = re.compile(r"(?:^|(?<=\s))>>+[ \t]*")
_DASH = re.compile(r"[-–—‐][ \t]*(?=[^\W\d_]|[\[(¿¡\"“'‘]|[ \t]\d)")
_NAMED = re.compile(r"([^\W\d_][^\n:<>\[\]{}\"“”?!;=/\\]{0,48}):(?:[ \t]+|$)")
_ROUND = re.compile(r"\(([^\W\d_][^()\n:]{0,48})\)[ \t]*:?[ \t]*")
_SQUARE = re.compile(r"\[([^\W\d_][^\[\]\n:]{0,48})\][ \t]*:?[ \t]*")


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of speech with its time.

    Attributes:
        text: the speech, without label and markup.
        speaker: label; None where the source names nobody.
        time: start, ``HH:MM:SS`` into the recording; None where unreadable.
        opens: the source says that somebody else begins to speak here, though it may not say who.
    """

    text: str
    speaker: str | None = None
    time: str | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A cue as the file has it: its lines with markup and labels, and its time."""

    lines: tuple[str, ...]
    time: str | None = None


def from_cues(cues: Iterable[Cue]) -> tuple[str, tuple[Turn, ...], tuple[Mark, ...]]:
    """Build the text of record from cues in order.

    Args:
        cues: cues; those without text are passed over.

    Returns:
        The text (turns a blank line apart, labels not in it); its turns; a ``time`` mark for every cue that has a time.
    """
    pieces: list[str] = []
    turns: list[Turn] = []
    marks: list[Mark] = []
    length = 0
    for cue in cues:
        speech = cue.text.strip()
        if not speech:
            continue
        goes_on = bool(turns) and not cue.opens and turns[-1].speaker == cue.speaker
        joint = " " if goes_on else "\n\n" if turns else ""
        start, end = length + len(joint), length + len(joint) + len(speech)
        pieces += (joint, speech)
        length = end
        if goes_on:
            turns[-1] = Turn(turns[-1].start, end, cue.speaker)
        else:
            turns.append(Turn(start, end, cue.speaker))
        if cue.time:
            marks.append(Mark(start, end, "time", cue.time))
    return "".join(pieces), tuple(turns), tuple(marks)


def clock(hours: str | None, minutes: str, seconds: str) -> str:
    """``HH:MM:SS`` of a time whose hours may be missing and whose minutes may run past 59."""
    total = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"


def plain(line: str) -> str:
    """A line without markup and karaoke times, its entities resolved and its ends stripped."""
    line = _TAG.sub("", _BREAK.sub(" ", line))
    return _ENTITY.sub(lambda match: html.unescape(match[0]), line).strip()


def name_speakers(blocks: Sequence[Block], accept: Accept) -> list[Cue]:
    """Find out who speaks in each cue, and strip the labels from the speech.

    A voice tag (``<v Anna>``) holds for its cue, as WebVTT has it. ``Anna: …``, ``(Anna) …`` and ``>> Anna: …`` hold
    until another label appears; ``[Anna] …`` holds for its cue, as subtitles use it for voices off screen. A bare
    ``>>`` and the dashes of a dialogue open a turn of nobody in particular.

    Args:
        blocks: cues of the file.
        accept: decides which of the labels found are speakers.

    Returns:
        Cues in order, several for a block in which the speaker changes.
    """
    voiced = [list(_by_voice(block)) for block in blocks]
    labels = [
        label
        for spans in voiced
        for voice, lines in spans
        if voice is None
        for part, _ in _by_change(lines)
        if (label := _label(part)[0])
    ]
    names = accept(labels, len(blocks))
    cues: list[Cue] = []
    running: str | None = None
    bare = False  # whether unlabelled speech stands since the running label
    for block, spans in zip(blocks, voiced, strict=True):
        for voice, lines in spans:
            if voice is not None:
                cues.append(Cue(" ".join(lines), voice, block.time))
                running = None
                continue
            for part, opens in _by_change(lines):
                label, rest, lasts = _label(part)
                if label not in names:
                    running = None if opens else running
                    cues.append(Cue(part, running, block.time, opens))
                    bare = True
                    continue
                # Named anew after unlabelled cues: somebody in between went unnamed, so this opens a turn.
                cues.append(Cue(rest, label, block.time, opens or (bare and label == running)))
                running, bare = (label if lasts else running), False
    return _labels_alone(cues)


def _labels_alone(cues: list[Cue]) -> list[Cue]:
    """Drop cues that hold only a label, handing on their sign that somebody else begins."""
    kept, opens = [], False
    for cue in cues:
        opens = opens or cue.opens
        if cue.text.strip():
            kept.append(Cue(cue.text, cue.speaker, cue.time, opens))
            opens = False
    return kept


def _by_voice(block: Block) -> Iterable[tuple[str | None, list[str]]]:
    """Split a cue at its voice tags into (voice, plain non-empty lines)."""
    raw, at, voice = "\n".join(block.lines), 0, None
    for match in [*_VOICE.finditer(raw), None]:
        lines = [line for piece in raw[at : match.start() if match else None].split("\n") if (line := plain(piece))]
        if lines:
            yield voice, lines
        if match:
            voice = " ".join(_ENTITY.sub(lambda m: html.unescape(m[0]), match[1]).split()) if match[1] else None
            voice = voice or None
            at = match.end()


def _by_change(lines: Sequence[str]) -> Iterable[tuple[str, bool]]:
    """Split lines where ``>>``, a dialogue dash or a ``Name:`` at the start of a line changes the speaker.

    Yields (speech joined by spaces, whether the source says that somebody else begins).
    """
    dashed = [bool(_DASH.match(line)) for line in lines]
    # One dash without a space may be a broken-off word or a minus; two lines with dashes are a dialogue.
    dialogue = sum(dashed) > 1 or (dashed and dashed[0] and lines[0][1:2].isspace())
    parts: list[tuple[list[str], bool]] = []
    for line, dash in zip(lines, dashed, strict=True):
        if dialogue and dash:
            parts.append(([_DASH.sub("", line, count=1)], True))
            continue
        for i, piece in enumerate(_CHEVRON.split(line)):
            if i or not parts or _NAMED.match(piece):
                parts.append(([piece.strip()], i > 0))
            else:
                parts[-1][0].append(piece.strip())
    for words, opens in parts:
        if speech := " ".join(word for word in words if word):
            yield speech, opens


def _label(part: str) -> tuple[str | None, str, bool]:
    """Label in front of a part, the speech behind it, and whether the label lasts beyond its cue."""
    for pattern, lasts in ((_NAMED, True), (_ROUND, True), (_SQUARE, False)):
        match = pattern.match(part)
        # "(Applause)" alone is a sound; "Anna:" alone names who speaks in the next cue.
        if match and (pattern is _NAMED or match.end() < len(part)):
            return match[1].strip(), part[match.end() :], lasts
    return None, part, False


def is_rolling(blocks: Sequence[Block]) -> bool:
    """Whether captions roll: each cue repeats the last lines of the one before (YouTube's automatic captions).

    People do say a thing twice, so it takes at least half of the cues repeating lines, some of them with new lines
    below; karaoke times, which only such files have, lower the bar to one such cue.
    """
    lines = [[plain(line) for line in block.lines if plain(line)] for block in blocks]
    repeats = [(overlap(a, b), len(b)) for a, b in pairwise(lines)]
    repeated = sum(1 for n, _ in repeats if n)
    grown = sum(1 for n, size in repeats if 0 < n < size)
    karaoke = any(_KARAOKE.search(line) for block in blocks for line in block.lines)
    return bool(grown) and 2 * repeated >= len(repeats) and (karaoke or (grown > 1 and repeated > 2))


def overlap(before: Sequence[str], after: Sequence[str]) -> int:
    """Number of lines that end ``before`` and begin ``after`` alike."""
    sizes = range(min(len(before), len(after)), 0, -1)
    return next((n for n in sizes if list(before[-n:]) == list(after[:n])), 0)
