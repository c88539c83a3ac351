"""Plain text: volunteers' typescripts, Otter exports, a letter out of a mail program; and Markdown."""

from __future__ import annotations

import textwrap

from training.demo_files import mess
from training.demo_files.mess import curly
from training.demo_files.source import Record, Source
from training.demo_files.timing import clock, turns

_OTTER_END = "Transcribed by https://otter.ai\n"
_WORDS_A_PAGE = 340
_CORRECTED = "[^1]: What is struck out is the typist's. What stands behind it was said. Read and returned, O. P."
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


def unicode(source: Source) -> bytes:
    """UTF-16 with its byte order mark, as Notepad's "Unicode" saves it: CRLF, a line a turn, a tab behind the label."""
    parts = [*source.headings]
    parts += [f"{label}:\t{curly(text)}" if label else curly(text) for label, text, _ in source.spoken()]
    return b"\xff\xfe" + ("\n\n".join(parts) + "\n").replace("\n", "\r\n").encode("utf-16-le")


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


def corrected(source: Source) -> bytes:
    """Markdown, names in bold, gone over by the respondent: words struck out, a note, a rule between pages."""
    title, *headings = source.headings
    parts = [f"# {title}", *(f"## {heading}" for heading in headings)]
    noted, words = False, 0
    for label, text, record in source.spoken():
        words += len(text.split())
        if words > _WORDS_A_PAGE:
            parts.append("---")
            words = 0
        mended = mess.struck(source.id, record.beat, text)
        if mended != text and not noted:
            mended, noted = f"{mended}[^1]", True
        parts.append(f"**{label}:** {mended}")
    return ("\n\n".join([*parts, _CORRECTED]) + "\n").encode()


def minutes(source: Source) -> bytes:
    """Markdown: headings, bullets, an action table, words struck through, names as the secretary spells them."""
    parts: list[str] = []
    before = Record("", "")
    for record in source.records:
        text = mess.struck(source.id, record.beat, mess.heard(source.id, record.beat, record.text))
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
