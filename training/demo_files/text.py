"""Plain text: a volunteer's typescript, Otter exports, a letter out of a mail program; and Markdown minutes."""

from __future__ import annotations

import textwrap

from training.demo_files import mess
from training.demo_files.mess import curly
from training.demo_files.source import Record, Source
from training.demo_files.timing import clock, turns

_OTTER_END = "Transcribed by https://otter.ai\n"
_MAIL_HEAD = """From: Marguerite Comeau
To: Leah Whynot
Cc: contracts.western
Date: Mon, 2 Mar 2020 06:52:11 -0400
Subject: RE: FW: HR-2020-0031 – third notice – RESPONSE REQUIRED

> From: Homecoming Ltd, office
> Sent: Friday, February 28, 2020 4:41 PM
> To: Wharf Street
> Subject: FW: HR-2020-0031 – third notice – RESPONSE REQUIRED
>
> Marguerite, as below. They need it on the portal by the 6th. L.
"""
_MAIL_FOOT = """--
Wharf Street Rooms / Chambres de la rue Wharf
11 rooms, 30 stairs
902-555-0164

This message may be confidential. If you are not the person it is addressed to, please delete it.
Ce message peut être confidentiel. Si vous n’en êtes pas le destinataire, veuillez le supprimer.
"""


def typescript(source: Source) -> bytes:
    """Windows-1252, CRLF, wrapped by hand at 68 columns, labels with a dash."""
    parts = [*source.headings]
    for label, text, _ in source.spoken():
        line = f"{label} - {text}" if label else text
        parts.append(textwrap.fill(curly(line), 68, break_on_hyphens=False))
    return ("\n\n".join(parts) + "\n").replace("\n", "\r\n").encode("cp1252")


def otter(source: Source) -> bytes:
    """Otter: a line with name and time, then the text; sometimes the name is a guess."""
    parts = ["\n".join(source.headings) + "\n"]
    parts += [f"{cue.label}  {clock(cue.start)}\n{cue.text}\n" for cue in turns(source)]
    return "\n".join([*parts, _OTTER_END]).encode()


def letter(source: Source) -> bytes:
    """Windows-1252 out of a mail program: header and quotation above, wrapped lines, signature and disclaimer below."""
    body = [textwrap.fill(curly(record.text), 76, break_on_hyphens=False) for record in source.records]
    text = "\n\n".join([_MAIL_HEAD.strip(), *body, _MAIL_FOOT.strip()]) + "\n"
    return text.replace("\n", "\r\n").encode("cp1252")


def minutes(source: Source) -> bytes:
    """Markdown: headings, bullets, an action table, words struck through, names as the secretary spells them."""
    parts: list[str] = []
    before = Record("", "")
    for record in source.records:
        text = _struck(record.beat, _heard(source, record))
        if record.kind == "heading":
            parts.append(("\n## " if parts else "# ") + text + "\n")
        elif record.kind == "list_item":
            parts.append(("" if before.kind == "list_item" else "\n") + f"- {text}\n")
        elif record.kind == "table_row":
            parts.append(("" if before.kind == "table_row" else "\n") + f"| {text} |\n")
            if before.kind != "table_row":
                parts.append("|" + " --- |" * (text.count("|") + 1) + "\n")
        else:
            parts.append(f"\n{text}\n")
        before = record
    return "".join(parts).encode()


def _heard(source: Source, record: Record) -> str:
    """A record with its misspelt names; each stands in one record of its beat only."""
    text = record.text
    for beat, said, written in mess.HEARD.get(source.id, ()):
        if beat == record.beat:
            text = text.replace(said, written, 1)
    return text


def _struck(beat: int | None, text: str) -> str:
    for at, right, struck in mess.STRUCK:
        if at == beat and right in text:
            text = text.replace(right, f"~~{struck}~~ {right}", 1)
    return text
