"""Captions: SubRip of a conference recorder, and WebVTT as Zoom, Stream and Teams write it."""

from __future__ import annotations

import random
import textwrap
import uuid
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import pairwise

from training.demo_files.ledger import CAPTIONS
from training.demo_files.source import Source
from training.demo_files.timing import Cue, cues, rng, stamp

_STYLE = "STYLE\n::cue(v) {\n  color: white;\n  background: rgba(0, 0, 0, 0.7);\n}\n"


def srt(source: Source) -> bytes:
    """SubRip: BOM, CRLF, a prefix on the first cue of a turn only, two lines a cue, words cut in the middle."""
    blocks = []
    cut, blank_beat = CAPTIONS[source.id]
    found = list(_cut_words(list(cues(source, 60, 74)), cut))
    blanks = [
        i
        for i, cue in enumerate(found)
        if blank_beat is not None and cue.record.beat == blank_beat and "\n" in _lines(cue.text, 38)
    ]
    for i, cue in enumerate(found):
        text = f"{cue.label}: {cue.text}" if cue.first else cue.text
        lines = _lines(text, 38)
        if i in blanks[:1]:
            lines = lines.replace("\n", "\n\n", 1)
        blocks.append(f"{i + 1}\n{stamp(cue.start, ',')} --> {stamp(cue.end, ',')}\n{lines}\n")
    return b"\xef\xbb\xbf" + "\n".join(blocks).replace("\n", "\r\n").encode()


def _cut_words(found: list[Cue], beats: Collection[int]) -> Iterator[Cue]:
    """One word a turn cut at the end of a cue, in the turns of some beats."""
    done = set()
    for i, (cue, following) in enumerate(pairwise([*found])):
        word = following.text.split()[0]
        same = cue.record is following.record and cue.record.beat in beats
        if same and cue.record.beat not in done and len(word) > 5 and word.isalpha():
            done.add(cue.record.beat)
            half = len(word) // 2
            found[i] = replace(cue, text=f"{cue.text} {word[:half]}")
            found[i + 1] = replace(following, text=following.text[half:])
    yield from found


def zoom(source: Source) -> bytes:
    """Zoom: numbered cues, the full name on each of them, a NOTE."""
    blocks = ["WEBVTT\n", "NOTE\nCloud recording, audio transcript. Times are relative to the start of recording.\n"]
    for number, cue in enumerate(cues(source, 70, 150), 1):
        blocks.append(f"{number}\n{stamp(cue.start)} --> {stamp(cue.end)}\n{cue.label}: {cue.text}\n")
    return "\n".join(blocks).encode()


def stream(source: Source) -> bytes:
    """Stream: voice tags that are closed, UUIDs as cue ids, a STYLE block, cues that overlap where people do."""
    chance = rng(source)
    blocks = ["WEBVTT\n", _STYLE]
    last = 0.0
    for number, cue in enumerate(cues(source, 60, 110)):
        start = max(cue.start - chance.choice((0.0, 0.0, 0.0, 1.1)), last) if cue.first else cue.start
        last = start
        name = f"{_uuid(chance)}-{number}"
        blocks.append(f"{name}\n{stamp(start)} --> {stamp(cue.end)}\n<v {cue.label}>{cue.text}</v>\n")
    return "\n".join(blocks).encode()


def teams(source: Source) -> bytes:
    """Teams: voice tags that stay open, cue text over two lines, a no-break space here and there, one blank line."""
    chance = rng(source)
    blocks = ["WEBVTT\n"]
    blank_beat = CAPTIONS[source.id][1]
    blank = blank_beat is None
    for cue in cues(source, 50, 100):
        lines = _lines(f"<v {cue.label}>{cue.text}", 56)
        if chance.random() < 0.15:
            lines = lines.replace(", ", ",\u00a0", 1)
        if cue.record.beat == blank_beat and not blank and "\n" in lines:
            lines, blank = lines.replace("\n", "\n\n", 1), True
        blocks.append(f"{stamp(cue.start)} --> {stamp(cue.end)}\n{lines}\n")
    return "\n".join(blocks).encode()


def _lines(text: str, width: int) -> str:
    """Text over at most two lines of about equal length."""
    if len(text) <= width:
        return text
    lines = textwrap.wrap(text, max(width, len(text) // 2 + 6), break_long_words=False, break_on_hyphens=False)
    return lines[0] + "\n" + " ".join(lines[1:]) if lines[1:] else lines[0]


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
