"""Taguette: its SQLite project; its codebook CSV is a list of codes (`sibnlp.exchange.sheets`).

A document is sanitised HTML, and a highlight's offsets count UTF-8 bytes of its visible text, tags not counted: the
pieces of text in a row, with nothing between two paragraphs unless there is something. Our text of record has a blank
line there. Whether it is bytes is checked by the same inference as everywhere, with the stored snippets as quotations.
Who made a highlight stands only in the log of commands.

Schema: Taguette 1.5.2, revision ``db5e31a0233d``, BSD-3; older ones have the same columns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sibnlp.errors import ReadError
from sibnlp.exchange import Options, coordinates
from sibnlp.exchange.project import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.exchange.refi_read import check_system
from sibnlp.exchange.refixml import Tally
from sibnlp.exchange.taguette_html import Page, page_of
from sibnlp.exchange.taguette_write import write

__all__ = ["read", "sniff", "write"]

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
        by_path = {str(row["path"]): row["id"] for row in rows}
        for row in rows:
            name, above = _below(str(row["path"]), by_path)
            above = row["parent_id"] if row.get("parent_id") in known else above
            parent = "" if above is None else f"tag {above}"
            yield ProjectCode(f"tag {row['id']}", name, str(row.get("description") or ""), parent)

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
        pages: list[tuple[dict[str, Any], Page]] = []
        total = 0
        for row in self.connection.execute("SELECT * FROM documents ORDER BY id"):
            contents = str(row["contents"] or "")
            total += len(contents)
            if total > MAX_TOTAL:
                raise ReadError(self.path, f"its documents are longer than {MAX_TOTAL // 1024**2} MB", "split it")
            pages.append(({key: row[key] for key in row.keys() if key != "contents"}, page_of(contents)))  # noqa: SIM118
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
            snippets = [page_of(str(one.get("snippet") or "")[:4000]).visible for one in own]
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
        page: Page,
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


def _below(path: str, by_path: Mapping[str, Any]) -> tuple[str, Any]:
    """The name and the tag above of ``family.code``, where ``family`` is a tag too; else a point is just a point."""
    above, point, name = path.rpartition(".")
    while point:
        if above in by_path and name:
            return name, by_path[above]
        above, point, further = above.rpartition(".")
        name = f"{further}.{name}"
    return path, None
