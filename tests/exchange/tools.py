"""Coded projects as the tools of the trade write them, each with its own quirks; imports nothing of sibnlp.

The quirks are those measured on real files (NVivo, ATLAS.ti, MAXQDA, QualCoder, Taguette, JavaScript tools): names of
manifest and folders, namespaces, references, line ends, marks, units, GUIDs, dates, doubled and empty selections.
"""

from __future__ import annotations

import html
import json
import sqlite3
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tests.exchange import counting

PROJECT_NS = "urn:QDA-XML:project:1.0"

ANNA = """\
Interviewer: How did the contract change your work?

Anna: At first we were paid for each person who came through the door. It was all about numbers – how many, how fast, \
and who could prove it. Nobody asked whether anybody’s life got better.

Interviewer: And later?

Anna: Later the commissioner sat down with us. We agreed together what good would look like, and the figures became \
something to talk about rather than something to be judged by. That took two years of trust 🙂 and many cups of tea.
"""
BEN = """\
Interviewer: What do the targets do?

Ben: They make us count. If the form is late, the payment is late, so the form comes first. My manager’s manager looks \
at the dashboard on Monday and phones on Tuesday.

Interviewer: Does anybody gain by it?

Ben: The café in the basement does; we hold our crisis meetings there. Seriously though, without the contract there \
would be no money at all, and the people we work with would have nobody.
"""
TEXTS = {"Anna 2015": ANNA, "Ben 2019": BEN}
QUOTES = {
    "Anna 2015": [
        ("At first we were paid for each person who came through the door.", ("targets",)),
        ("Nobody asked whether anybody’s life got better.", ("targets", "outcomes")),
        ("We agreed together what good would look like", ("trust",)),
        ("That took two years of trust 🙂 and many cups of tea.", ("trust",)),
        ("the figures became something to talk about rather than something to be judged by.", ("outcomes",)),
    ],
    "Ben 2019": [
        ("If the form is late, the payment is late, so the form comes first.", ("targets",)),
        ("My manager’s manager looks at the dashboard on Monday and phones on Tuesday.", ("targets",)),
        ("without the contract there would be no money at all", ("money",)),
        ("The café in the basement does; we hold our crisis meetings there.", ("money",)),
        ("the people we work with would have nobody.", ("outcomes",)),
    ],
}
CODES = {"Control": ["targets", "money"], "Relations": ["trust", "outcomes"]}


@dataclass
class Habits:
    """How a tool writes."""

    manifest: str = "project.qde"
    folder: str = "sources/"
    namespace: str = PROJECT_NS
    scheme: str = "internal://"
    crlf: bool = False
    mark: bool = False
    mark_in_manifest: bool = False
    unit: str = "code point"
    line_break: int = 1
    mark_counts: bool = False
    inclusive: bool = False
    braces: bool = False
    upper: bool = True
    dates: bool = True
    users: bool = True
    names: str = "full"  # of selections: full, cut, empty, renamed
    inline: bool = False
    more_in_source: str = ""  # further XML in each source
    more_selections: str = ""
    sections: dict[str, str] = field(default_factory=dict)  # XML behind the sources
    before_sources: str = ""


NVIVO_WINDOWS = Habits("Project.qde", "Sources/", crlf=True, line_break=2, names="empty", upper=False)
NVIVO_MAC = Habits(namespace="urn:QDA-XML:project:1:0", names="empty", users=False)
ATLAS_WINDOWS = Habits(crlf=True, line_break=1, names="cut")
ATLAS_26 = Habits(manifest="My study.qde", names="cut", namespace="urn:QDA-XML:project:0:4")
MAXQDA_WINDOWS = Habits(crlf=True, line_break=2, dates=False, names="empty")
QUALCODER = Habits(mark=True, mark_in_manifest=True, names="empty", upper=False)
QUACKDAS = Habits(unit="utf-16", names="full", upper=False)
BYTES = Habits(unit="utf-8", names="empty")
INCLUSIVE = Habits(inclusive=True, names="empty")
MARK_COUNTED = Habits(mark=True, mark_counts=True, names="empty")
QC = Habits(scheme="", names="renamed", braces=True)
INLINE = Habits(inline=True, names="full")
TOOLS = {
    "nvivo for windows": NVIVO_WINDOWS, "nvivo for mac": NVIVO_MAC, "atlas.ti for windows": ATLAS_WINDOWS,
    "atlas.ti 26": ATLAS_26, "maxqda for windows": MAXQDA_WINDOWS, "qualcoder": QUALCODER, "quackdas": QUACKDAS,
    "counts bytes": BYTES, "inclusive ends": INCLUSIVE, "mark counted": MARK_COUNTED, "qc": QC, "inline text": INLINE,
}  # fmt: skip


def guid(name: str, habits: Habits) -> str:
    """A GUID as the tool writes it, always the same for a name."""
    found = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    found = found.upper() if habits.upper else found
    return f"{{{found}}}" if habits.braces else found


def qdpx(path: Path, habits: Habits, texts: dict[str, str] | None = None) -> Path:
    """A project of two interviews in a tool's manner."""
    texts = TEXTS if texts is None else texts
    user = guid("user anna", habits)
    stamp = 'creationDateTime="2021-03-04T09:30:00Z" ' if habits.dates else ""
    by = f'creatingUser="{user}" ' if habits.users else ""
    codes = "".join(
        f'<Code guid="{guid(top, habits)}" name="{top}" isCodable="true" color="#FF0000">'
        + "".join(
            f'<Code guid="{guid(code, habits)}" name="{code}" isCodable="true">'
            f"<Description>What is said of {code}.</Description></Code>"
            for code in below
        )
        + "</Code>"
        for top, below in CODES.items()
    )
    sources, files = [], {}
    for title, text in texts.items():
        selections = []
        for number, (quote, given) in enumerate(QUOTES.get(title, ())):
            if quote not in text:
                continue
            at = text.index(quote)
            start, end = counting.offsets(
                text, at, at + len(quote), habits.unit, habits.line_break, habits.mark_counts, habits.inclusive
            )
            codings = "".join(
                f'<Coding guid="{guid(f"{title} {number} {code}", habits)}" {by}{stamp}>'
                f'<CodeRef targetGUID="{guid(code, habits)}"/></Coding>'
                for code in given
            )
            name = _selection_name(quote, habits.names)
            selections.append(
                f'<PlainTextSelection guid="{guid(f"{title} {number}", habits)}" {name}startPosition="{start}" '
                f'endPosition="{end}" {by}{stamp}>{codings}</PlainTextSelection>'
            )
        leaf = guid(f"file {title}", Habits(upper=habits.upper)) + ".txt"
        files[habits.folder + leaf] = counting.as_file(text, habits.crlf, habits.mark)
        reference = "" if habits.inline else f"plainTextPath={quoteattr(habits.scheme + leaf)}"
        content = f"<PlainTextContent>{escape(text)}</PlainTextContent>" if habits.inline else ""
        sources.append(
            f'<TextSource guid="{guid(title, habits)}" name={quoteattr(title)} {reference} {by}{stamp}>{content}'
            f"{''.join(selections)}{habits.more_selections}{habits.more_in_source}</TextSource>"
        )
    users = f'<Users><User guid="{user}" name="Anna Coder"/></Users>' if habits.users else ""
    sections = "".join(habits.sections.values())
    xml = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Project xmlns="{habits.namespace}" name="study" {stamp}>'
        f"{users}<CodeBook><Codes>{codes}</Codes></CodeBook>{habits.before_sources}"
        f"<Sources>{''.join(sources)}</Sources>{sections}</Project>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(habits.manifest, (b"\xef\xbb\xbf" if habits.mark_in_manifest else b"") + xml.encode())
        for name, raw in files.items() if not habits.inline else ():
            archive.writestr(name, raw)
    return path


def _selection_name(quote: str, kind: str) -> str:
    if kind == "empty":
        return ""
    name = {"full": quote, "cut": quote if len(quote) < 40 else quote[:39] + "…", "renamed": "line:6"}[kind]
    return f"name={quoteattr(name)} "


def rezip(
    path: Path, out: Path, change: dict[str, bytes | None] | None = None, edit: tuple[str, str] = ("", "")
) -> Path:
    """A copy of an archive with members replaced, left out (None), or the manifest's text edited."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            raw = old.read(name)
            if name.lower().endswith(".qde") and edit[0]:
                assert edit[0].encode() in raw
                raw = raw.replace(edit[0].encode(), edit[1].encode())
            if (change or {}).get(name, raw) is not None:
                new.writestr(name, (change or {}).get(name, raw) or b"")
        for name, raw in (change or {}).items():
            if name not in old.namelist() and raw is not None:
                new.writestr(name, raw)
    return out


def taguette(
    path: Path, pages: dict[str, str], marks: Sequence[tuple[str, str, Sequence[str]]], login: str = "admin"
) -> Path:
    """A Taguette project: documents of HTML, highlights by the words they hold, in bytes of the visible text."""
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT, description TEXT, created DATETIME);
        CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT, description TEXT, filename TEXT, created DATETIME,
            project_id INTEGER, text_direction TEXT, contents TEXT);
        CREATE TABLE highlights (id INTEGER PRIMARY KEY, document_id INTEGER, start_offset INTEGER, end_offset INTEGER,
            snippet TEXT);
        CREATE TABLE tags (id INTEGER PRIMARY KEY, project_id INTEGER, path TEXT, description TEXT);
        CREATE TABLE highlight_tags (highlight_id INTEGER, tag_id INTEGER);
        CREATE TABLE commands (id INTEGER PRIMARY KEY, date DATETIME, user_login TEXT, project_id INTEGER,
            document_id INTEGER, payload TEXT);
        """
    )
    connection.execute("INSERT INTO projects VALUES (1, 'study', 'of two', '2020-01-01')")
    tags = list(dict.fromkeys(tag for _, _, given in marks for tag in given))
    for number, tag in enumerate(tags, 1):
        connection.execute("INSERT INTO tags VALUES (?, 1, ?, ?)", (number, tag, f"About {tag}"))
    ids = {}
    for number, (name, page) in enumerate(pages.items(), 1):
        ids[name] = number
        row = (number, name, "", f"{name}.html", "2020-01-01", page)
        connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, 1, 'LEFT_TO_RIGHT', ?)", row)
    for number, (name, words, given) in enumerate(marks, 1):
        visible = _visible(pages[name])
        at = visible.index(words)
        start, end = (len(visible[:i].encode()) for i in (at, at + len(words)))
        snippet = html.escape(words, quote=False)
        connection.execute("INSERT INTO highlights VALUES (?, ?, ?, ?, ?)", (number, ids[name], start, end, snippet))
        for tag in given:
            connection.execute("INSERT INTO highlight_tags VALUES (?, ?)", (number, tags.index(tag) + 1))
        payload = json.dumps({"type": "highlight_add", "highlight_id": number})
        row = (number, "2020-01-01", login, ids[name], payload)
        connection.execute("INSERT INTO commands VALUES (?, ?, ?, 1, ?, ?)", row)
    connection.commit()
    connection.close()
    return path


def _visible(page: str) -> str:
    import re

    return html.unescape(re.sub(r"<[^>]*>", "", page))
