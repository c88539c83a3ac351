"""Taguette projects, written: what Taguette 1.5.2 imports, or opens as its database."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from html import escape
from pathlib import Path

from sibnlp.exchange import Options
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.project import Coding, Problem, Project, ProjectDocument, Selection
from sibnlp.exchange.refixml import Tally

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
