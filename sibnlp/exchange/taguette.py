"""Taguette: its SQLite project; its codebook CSV is a list of codes (`sibnlp.exchange.sheets`).

A document is sanitised HTML, and a highlight's offsets count UTF-8 bytes of its visible text, tags not counted: the
pieces of text in a row, with nothing between two paragraphs unless there is something. Our text of record has a blank
line there. Whether it is bytes is checked by the same inference as everywhere, with the stored snippets as quotations.
Who made a highlight stands only in the log of commands.

Schema: Taguette 1.5.2, revision ``db5e31a0233d``, BSD-3; older ones have the same columns.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sibnlp.errors import ReadError
from sibnlp.exchange import Options, coordinates
from sibnlp.exchange.coded import document_names
from sibnlp.exchange.project import Coder, Coding, Problem, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.exchange.refi_read import check_system
from sibnlp.exchange.refixml import Tally

MAX_CONTENTS = 64 * 1024**2
"""Longest text in a cell."""
MAX_TOTAL = 512 * 1024**2
"""What all documents' contents may add up to."""
_TABLES = ("projects", "documents", "highlights", "tags", "highlight_tags")
_NEEDED = {
    "documents": ("id", "name", "contents"),
    "highlights": ("id", "document_id", "start_offset", "end_offset"),
    "tags": ("id", "path"),
    "highlight_tags": ("highlight_id", "tag_id"),
    "projects": ("id", "name"),
}
_MAGIC = b"SQLite format 3\0"
# Steps of SQLite's machine before a query is given up: far beyond what reading a table takes.
_PATIENCE, _STEPS = 2_000, 1_000_000


def sniff(path: Path, head: bytes) -> bool:
    """An SQLite database."""
    return head.startswith(_MAGIC)


def read(path: Path, options: Options) -> Project:
    """Read a project.

    Raises:
        ReadError: no Taguette database, several projects in it, or damaged.
    """
    asked = check_system(options.offsets)
    try:
        with closing(_open(path)) as connection:
            return _Reader(path, connection, asked).project()
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise ReadError(path, f"cannot be read as a Taguette project ({error})") from error


def _open(path: Path) -> sqlite3.Connection:
    """A connection that can write nothing and trusts nothing.

    See https://www.sqlite.org/security.html, "Untrusted SQLite Database Files".
    """
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CONTENTS)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")
    steps = iter(range(_PATIENCE))
    connection.set_progress_handler(lambda: int(next(steps, None) is None), _STEPS)
    connection.row_factory = sqlite3.Row
    return connection


class _Reader:
    def __init__(self, path: Path, connection: sqlite3.Connection, asked: coordinates.System | None) -> None:
        self.path, self.connection, self.asked, self.tally = path, connection, asked, Tally()
        self._check()

    def _check(self) -> None:
        """Refuse what is no Taguette database, and views or virtual tables that pose as one."""
        kinds = {
            str(name): (str(kind), str(sql or "").lstrip().upper())
            for name, kind, sql in self.connection.execute("SELECT name, type, sql FROM sqlite_master")
        }
        for table in _TABLES:
            kind, sql = kinds.get(table, ("", ""))
            if kind != "table" or not sql.startswith("CREATE TABLE"):
                raise ReadError(self.path, f"has no table {table!r}, so it is no Taguette project")
            columns = {str(row[1]) for row in self.connection.execute(f"PRAGMA table_xinfo({table})")}
            if lacking := [column for column in _NEEDED[table] if column not in columns]:
                raise ReadError(self.path, f"table {table!r} has no column {lacking[0]!r}")
        self.has_commands = kinds.get("commands", ("", ""))[1].startswith("CREATE TABLE")

    def project(self) -> Project:
        """The one project there is."""
        projects = self.connection.execute("SELECT * FROM projects ORDER BY id").fetchall()
        if len(projects) != 1:
            names = ", ".join(str(row["name"]) for row in projects[:8])
            problem = f"holds {len(projects)} projects{': ' if names else ''}{names}"
            raise ReadError(self.path, problem, "export one as SQLite3 from its page in Taguette")
        head = dict(projects[0])
        codes = tuple(self._codes())
        coders, made_by = self._coders()
        tagged = self._tagged({code.id for code in codes})
        documents = self._documents(tagged, made_by)
        return Project(
            str(head["name"]), codes, coders, documents, problems=self.tally.problems(),
            description=str(head.get("description") or ""), origin="Taguette",
        )  # fmt: skip

    def _codes(self) -> Iterator[ProjectCode]:
        rows = [dict(row) for row in self.connection.execute("SELECT * FROM tags ORDER BY id")]
        known = {row["id"] for row in rows}
        for row in rows:
            parent = f"tag {row['parent_id']}" if row.get("parent_id") in known else ""
            yield ProjectCode(f"tag {row['id']}", str(row["path"]), str(row.get("description") or ""), parent)

    def _coders(self) -> tuple[tuple[Coder, ...], dict[int, str]]:
        """Who made which highlight, by the log; nobody is known where there is none."""
        made_by: dict[int, str] = {}
        if self.has_commands:
            for login, payload in self.connection.execute("SELECT user_login, payload FROM commands ORDER BY id"):
                try:
                    said = json.loads(payload)
                    if said.get("type") == "highlight_add":
                        made_by[int(said["highlight_id"])] = f"coder {login}"
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    continue
        names = dict.fromkeys(made_by.values())
        machines = self._machines()
        return tuple(Coder(id, name := id.removeprefix("coder "), name in machines) for id in names), made_by

    def _machines(self) -> set[str]:
        """Users that our own exports mark as models."""
        try:
            rows = self.connection.execute("SELECT login FROM users WHERE hashed_password = 'model'")
            return {str(login) for (login,) in rows}
        except sqlite3.Error:
            return set()

    def _tagged(self, known: set[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        rows = self.connection.execute("SELECT highlight_id, tag_id FROM highlight_tags ORDER BY highlight_id, tag_id")
        for highlight, tag in rows:
            if f"tag {tag}" in known:
                found.setdefault(highlight, []).append(f"tag {tag}")
            else:
                self.tally.add("", "highlights with a tag that is not there")
        return found

    def _documents(self, tagged: Mapping[int, list[str]], made_by: Mapping[int, str]) -> tuple[ProjectDocument, ...]:
        pages: list[tuple[dict[str, Any], _Page]] = []
        total = 0
        for row in self.connection.execute("SELECT * FROM documents ORDER BY id"):
            contents = str(row["contents"] or "")
            total += len(contents)
            if total > MAX_TOTAL:
                raise ReadError(self.path, f"its documents are longer than {MAX_TOTAL // 1024**2} MB", "split it")
            pages.append(({key: row[key] for key in row.keys() if key != "contents"}, _page(contents)))  # noqa: SIM118
        marks: dict[int, list[dict[str, Any]]] = {}
        homes = {row["id"] for row, _ in pages}
        for one in self.connection.execute("SELECT * FROM highlights ORDER BY document_id, start_offset, id"):
            if one["document_id"] in homes:
                marks.setdefault(one["document_id"], []).append(dict(one))
            else:
                self.tally.add("", "highlights of a document that is not there")
        measured = []
        for row, page in pages:
            own = marks.get(row["id"], [])
            spans = [(_whole(one["start_offset"]), _whole(one["end_offset"])) for one in own]
            snippets = [_page(str(one.get("snippet") or "")[:4000]).visible for one in own]
            breaks = [at for at, _ in page.added]
            measured.append(coordinates.measure(coordinates.SourceText(page.visible), spans, snippets, (), breaks))
        together = coordinates.pool(measured)
        found = []
        for (row, page), one in zip(pages, measured, strict=True):
            decided = coordinates.decide(one, together, self.asked)
            found.append(self._document(row, page, marks.get(row["id"], []), decided, tagged, made_by))
        return tuple(found)

    def _document(
        self,
        row: Mapping[str, Any],
        page: _Page,
        marks: list[dict[str, Any]],
        decided: coordinates.Decided,
        tagged: Mapping[int, list[str]],
        made_by: Mapping[int, str],
    ) -> ProjectDocument:
        name = str(row["name"])
        document = ProjectDocument(
            f"document {row['id']}", name, page.text, description=str(row.get("description") or "")
        )
        if decided.system is None:
            table = "".join(f"\n    {line}" for line in decided.table)
            what = f"{decided.why}, so its {len(marks)} highlights are left out; say --offsets. Candidates:{table}"
            self.tally.add(name, what, failed=True)
            return document
        if decided.doubtful:
            self.tally.add(name, "edges of selections that may be off by one or two characters", decided.doubtful)
        selections = []
        for mark, span in zip(marks, decided.spans, strict=True):
            if span is None:
                self.tally.add(name, "highlights outside its text, or empty ones")
                continue
            start, end = page.place(*span)
            coder = made_by.get(mark["id"], "")
            codings = tuple(Coding(f"highlight {mark['id']} {tag}", tag, coder) for tag in tagged.get(mark["id"], ()))
            selections.append(Selection(f"highlight {mark['id']}", start, end, codings, coder=coder))
        said = f"{decided.system} ({decided.why})" if marks else ""
        return replace(document, selections=tuple(sorted(selections, key=lambda s: (s.start, s.end))), coordinates=said)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else -1


# HTML to text

# Elements that Taguette lets through (its ``convert.get_html_body``), and their like, that stand on lines of their own.
_BLOCKS = frozenset((
    "blockquote", "caption", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
    "section", "table", "tbody", "td", "th", "thead", "tr", "ul",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Page:
    """A document of HTML as text.

    Attributes:
        visible: its pieces of text in a row, which offsets count in.
        text: the text of record: as visible, with line breaks where blocks end and nothing is between them.
        added: places in ``visible`` where something was added, and how much up to there.
    """

    visible: str
    text: str
    added: tuple[tuple[int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """A span of ``visible`` as one of ``text``."""
        before = sum(n for at, n in self.added if at <= start)
        within = sum(n for at, n in self.added if at < end)
        return start + before, end + within


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.length = 0
        self.breaks: dict[int, int] = {}

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        self.length += len(data)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._broken(tag)

    def handle_endtag(self, tag: str) -> None:
        self._broken(tag)

    def _broken(self, tag: str) -> None:
        if tag == "br":
            self.breaks.setdefault(self.length, 1)
        elif tag in _BLOCKS:
            self.breaks[self.length] = 2


def _page(html: str) -> _Page:
    parser = _Text()
    parser.feed(html.replace("\r\n", "\n").replace("\r", "\n"))
    parser.close()
    visible = "".join(parser.pieces)
    out: list[str] = []
    added = []
    at = 0
    first, last = len(visible) - len(visible.lstrip()), len(visible.rstrip())
    tail = ""
    for place, wanted in sorted(parser.breaks.items()):
        out.append(visible[at:place])
        tail = (tail + visible[max(at, place - 4) : place])[-4:]
        at = place
        after = visible[place : place + 4]
        there = len(tail) - len(tail.rstrip("\n")) + len(after) - len(after.lstrip("\n"))
        if first < place < last and there < wanted:
            out.append("\n" * (wanted - there))
            tail = (tail + out[-1])[-4:]
            added.append((place, wanted - there))
    out.append(visible[at:])
    return _Page(visible, "".join(out), tuple(added))


# Out

_SCHEMA = """
CREATE TABLE users (login VARCHAR(30) NOT NULL, created DATETIME NOT NULL, hashed_password VARCHAR(192),
 disabled BOOLEAN NOT NULL, password_set_date DATETIME, language VARCHAR(10), email VARCHAR(256), email_sent DATETIME,
 CONSTRAINT pk_users PRIMARY KEY (login));
CREATE UNIQUE INDEX ix_users_email ON users (email);
CREATE TABLE projects (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR(200) NOT NULL,
 description TEXT NOT NULL, created DATETIME NOT NULL);
CREATE TABLE project_members (project_id INTEGER NOT NULL, user_login VARCHAR(30) NOT NULL,
 privileges VARCHAR(11) NOT NULL, CONSTRAINT pk_project_members PRIMARY KEY (project_id, user_login),
 FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE,
 FOREIGN KEY(user_login) REFERENCES users (login) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE documents (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR(200) NOT NULL,
 description TEXT NOT NULL, filename VARCHAR(200) NOT NULL, created DATETIME NOT NULL, project_id INTEGER NOT NULL,
 text_direction VARCHAR(13) NOT NULL, contents TEXT NOT NULL,
 FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE);
CREATE TABLE commands (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, date DATETIME NOT NULL,
 user_login VARCHAR(30) NOT NULL, project_id INTEGER NOT NULL, document_id INTEGER, payload TEXT NOT NULL,
 FOREIGN KEY(user_login) REFERENCES users (login) ON UPDATE CASCADE,
 FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE);
CREATE TABLE tags (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL,
 path VARCHAR(200) NOT NULL, description TEXT NOT NULL, CONSTRAINT uq_tags_project_id UNIQUE (project_id, path),
 FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE);
CREATE TABLE highlights (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, document_id INTEGER NOT NULL,
 start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL, snippet TEXT NOT NULL,
 FOREIGN KEY(document_id) REFERENCES documents (id) ON DELETE CASCADE);
CREATE TABLE highlight_tags (highlight_id INTEGER NOT NULL, tag_id INTEGER NOT NULL,
 CONSTRAINT pk_highlight_tags PRIMARY KEY (highlight_id, tag_id),
 FOREIGN KEY(highlight_id) REFERENCES highlights (id) ON DELETE CASCADE,
 FOREIGN KEY(tag_id) REFERENCES tags (id) ON DELETE CASCADE);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
 CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT INTO alembic_version VALUES ('db5e31a0233d');
PRAGMA application_id=1416066164;
"""
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# Nothing we write depends on the clock.
_DATE = "2000-01-01 00:00:00.000000"
_MAX_NAME, _MAX_PROJECT, _MAX_LOGIN, _MAX_PATH = 50, 50, 30, 200


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write a project that Taguette imports, or opens as its database."""
    tally = Tally()
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        _Writer(project, connection, tally, document_names(project, path)).write()
        connection.commit()
    return tally.problems()


class _Writer:
    def __init__(
        self, project: Project, connection: sqlite3.Connection, tally: Tally, named: Mapping[str, str]
    ) -> None:
        self.project, self.connection, self.tally, self.named = project, connection, tally, named

    def write(self) -> None:
        """All rows."""
        project = self.project
        name = (project.name or "project")[:_MAX_PROJECT]
        self.connection.execute(
            "INSERT INTO projects VALUES (1, ?, ?, ?)", (name, project.description[:100_000], _DATE)
        )
        logins = self._users()
        tags = self._tags()
        lost = {
            "variables, cases and sets": len(project.variables) + len(project.cases) + len(project.groups),
            "notes and links": len(project.notes) + len(project.links),
            "what each coder read": len(project.extents),
        }
        for what, n in lost.items():
            self.tally.add("", f"{what}: Taguette has no place for them", n)
        for number, document in enumerate(project.documents, 1):
            self._document(number, document, logins, tags)

    def _users(self) -> dict[str, str]:
        found = {"": "admin"}
        for coder in self.project.coders:
            login = coder.name[:_MAX_LOGIN] or "coder"
            while login in found.values():
                login = f"{login[: _MAX_LOGIN - 2]}_2" if not login.endswith("_2") else login[:-2] + "_3"
            found[coder.id] = login
        machines = {coder.id for coder in self.project.coders if coder.machine}
        for id, login in found.items():
            # Nobody can log in with that: it is no hash of anything.
            row = (login, _DATE, "model" if id in machines else None, False)
            self.connection.execute(
                "INSERT INTO users (login, created, hashed_password, disabled) VALUES (?,?,?,?)", row
            )
            self.connection.execute("INSERT INTO project_members VALUES (1, ?, 'ADMIN')", (login,))
        return found

    def _tags(self) -> dict[str, int]:
        names = {code.id: code for code in self.project.codes}
        found: dict[str, int] = {}
        taken: set[str] = set()
        for code in self.project.codes:
            parts, at = [], code
            while True:
                parts.append(at.name)
                if at.parent not in names or len(parts) > 50:
                    break
                at = names[at.parent]
            full = ".".join(reversed(parts)) or "tag"
            path, number = full[:_MAX_PATH], 2
            self.tally.add("", "names of codes that Taguette finds too long", int(len(full) > _MAX_PATH))
            while path in taken:
                path, number = f"{full[: _MAX_PATH - 8]} ({number})", number + 1
            taken.add(path)
            found[code.id] = len(found) + 1
            row = (found[code.id], path, code.description[:100_000])
            self.connection.execute("INSERT INTO tags VALUES (?, 1, ?, ?)", row)
        return found

    def _document(
        self, number: int, document: ProjectDocument, logins: Mapping[str, str], tags: Mapping[str, int]
    ) -> None:
        name = self.named[document.id]
        text, n_replaced = _UNSAFE.subn("\ufffd", document.text)
        self.tally.add(name, "control characters, which Taguette refuses", n_replaced)
        lines = text.split("\n")
        # Line breaks stand between the paragraphs, so the visible text is the text of record.
        body = "\n".join(f"<p>{escape(line, quote=False)}</p>" if line or not n else "" for n, line in enumerate(lines))
        row = (
            number,
            name[:_MAX_NAME],
            document.description[:100_000],
            f"{name[:90]}.txt",
            _DATE,
            body,
        )
        sql = "INSERT INTO documents VALUES (?, ?, ?, ?, ?, 1, 'LEFT_TO_RIGHT', ?)"
        self.connection.execute(sql, row)
        self.tally.add(name, "codings of the document as a whole", len(document.codings))
        for selection in document.selections:
            by_coder: dict[str, list[Coding]] = {}
            for coding in selection.codings:
                by_coder.setdefault(coding.coder, []).append(coding)
            self.tally.add(name, "remarks on selections", int(bool(selection.description)))
            self.tally.add(
                name, "scores and explanations", sum(c.score is not None or bool(c.note) for c in selection.codings)
            )
            for coder, codings in (by_coder or {selection.coder: []}).items():
                self._highlight(number, text, selection, logins.get(coder, "admin"), [tags[c.code] for c in codings])

    def _highlight(self, document: int, text: str, selection: Selection, login: str, tags: list[int]) -> None:
        start, end = (len(text[:at].encode()) for at in (selection.start, selection.end))
        snippet = escape(text[selection.start : selection.end], quote=False)
        sql = "INSERT INTO highlights (document_id, start_offset, end_offset, snippet) VALUES (?, ?, ?, ?)"
        id = self.connection.execute(sql, (document, start, end, snippet)).lastrowid
        self.connection.executemany(
            "INSERT INTO highlight_tags VALUES (?, ?)", [(id, tag) for tag in dict.fromkeys(tags)]
        )
        payload = {"type": "highlight_add", "highlight_id": id, "start_offset": start, "end_offset": end, "tags": tags}
        sql = "INSERT INTO commands (date, user_login, project_id, document_id, payload) VALUES (?, ?, 1, ?, ?)"
        self.connection.execute(sql, (_DATE, login, document, json.dumps(payload, sort_keys=True)))
