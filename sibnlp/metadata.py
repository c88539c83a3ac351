"""Who speaks, when, and in what kind of document: from file names, a table beside the files, or the project file.

Three sources, the later wins: the file name by a pattern, ``metadata.csv``, the project file's entries.

``metadata.csv`` holds one row a file (column ``document``, the path relative to the folder) or a speaker (column
``speaker``, the label in the transcript; with ``document`` too it holds for that file alone). Its other columns are
``stage``, ``date``, ``kind``, ``actor``, ``role``; more columns pass through to every output. In a row for a file,
actor and role are those of its one respondent.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sibnlp.errors import ProjectError
from sibnlp.parsing import decode
from sibnlp.parsing.cells import restored
from sibnlp.project import DATE, METADATA_NAME, Settings, Stage
from sibnlp.types import Document, Speaker

FIELDS = ("stage", "date", "kind", "actor", "role")
# What a placeholder matches: dates by their shape, anything else up to the next literal of the pattern.
_PLACEHOLDERS = {"date": r"\d{4}(?:-\d{2}(?:-\d{2})?)?"}


class FileNamePattern:
    """Metadata in file names: ``"{date}_{actor}_{kind}"`` reads ``2016-03_anna_interview.docx``.

    Placeholders are ``{stage}``, ``{date}``, ``{kind}``, ``{actor}``, ``{role}``, ``{*}`` (anything) or a name of the
    user's own; folders may be part of it (``"{stage}/{actor}"``). Matched against the path without its suffix.

    Raises:
        ValueError: a placeholder occurs twice, or a brace is not closed.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        expression, names = "", []
        for literal, name in re.findall(r"([^{}]*)(?:\{([\w*]+)\})?", pattern):
            expression += re.escape(literal)
            if name and name != "*":
                if not name.isidentifier():
                    raise ValueError(f"{{{name}}} in the pattern {pattern!r} is no name")
                if name in names:
                    raise ValueError(f"{{{name}}} occurs twice in the pattern {pattern!r}")
                names.append(name)
                expression += f"(?P<{name}>{_PLACEHOLDERS.get(name, '[^/]+?')})"
            elif name:
                expression += "[^/]*?"
        if re.sub(r"\{[\w*]+\}", "", pattern).strip("{}") != re.sub(r"\{[\w*]+\}", "", pattern):
            raise ValueError(f"the pattern {pattern!r} has a brace that is not closed or an empty placeholder")
        self._expression = re.compile(expression)

    def match(self, document: str) -> dict[str, str] | None:
        """Values for a document id, or None where the name does not fit."""
        stem = str(PurePosixPath(document).with_suffix(""))
        found = self._expression.fullmatch(stem)
        if found is None and "/" not in self.pattern:
            found = self._expression.fullmatch(PurePosixPath(stem).name)
        return {name: value for name, value in found.groupdict().items() if value} if found else None


@dataclass(frozen=True, slots=True)
class Metadata:
    """All that is known of documents and speakers beside the documents themselves.

    Attributes:
        pattern: of file names; None if there is none.
        documents: columns by document id.
        speakers: ``(actor, role)`` by (document id or ``""``, label in lower case).
        stages: to derive a stage from a date.
    """

    pattern: FileNamePattern | None = None
    documents: Mapping[str, Mapping[str, str]] | None = None
    speakers: Mapping[tuple[str, str], tuple[str, str]] | None = None
    stages: tuple[Stage, ...] = ()

    def apply(self, document: Document, asking: Iterable[str] = ()) -> Document:
        """A document with its metadata filled in.

        Args:
            document: as read; the rows of a table keep what they say themselves.
            asking: labels of its interviewers; the actor of a row for a file is whoever else speaks.
        """
        known = dict((self.pattern and self.pattern.match(document.id)) or {})
        if known.get("date") and not DATE.fullmatch(known["date"]):
            del known["date"]  # digits in a file name that only look like a date
        known |= {key: value for key, value in (self.documents or {}).get(document.id, {}).items() if value}
        answering = dict.fromkeys(t.speaker for t in document.turns if t.speaker and t.speaker not in set(asking))
        speakers = []
        for label in answering:
            actor, role = self._who(document.id, label)
            if not actor and len(answering) == 1:
                actor, role = known.get("actor", ""), role or known.get("role", "")
            speakers.append(Speaker(label, actor or label, role or None))
        date = known.get("date") or document.date
        kind = known.get("kind") or document.kind
        stage = known.get("stage") or document.stage
        rows = tuple(
            replace(
                row,
                stage=row.stage or stage or self._stage_of(row.date or date),
                date=row.date or date,
                kind=row.kind or kind,
            )
            for row in document.rows
        )
        return replace(
            document,
            rows=rows,
            stage=stage or self._stage_of(date),
            date=date,
            kind=kind,
            speakers=tuple(speakers),
            metadata=tuple((key, value) for key, value in known.items() if key not in FIELDS),
        )

    def unknown_labels(self, labels: Iterable[str]) -> list[str]:
        """Labels that metadata speak of and nobody in the documents has."""
        there = {label.casefold() for label in labels}
        return sorted({label for _, label in self.speakers or {} if label not in there})

    def _who(self, document: str, label: str) -> tuple[str, str]:
        speakers = self.speakers or {}
        key = label.casefold()
        return speakers.get((document, key)) or speakers.get(("", key)) or ("", "")

    def _stage_of(self, date: str | None) -> str | None:
        if not date:
            return None
        for stage in self.stages:
            # ISO dates compare as text; a coarser bound covers all that starts with it ("2015" ends on 31 December).
            after = not stage.start or date[: len(stage.start)] >= stage.start[: len(date)]
            before = not stage.end or date[: len(stage.end)] <= stage.end[: len(date)]
            if (stage.start or stage.end) and after and before:
                return stage.id
        return None


def gather(settings: Settings, documents: Iterable[str]) -> Metadata:
    """Collect metadata for the documents of a project.

    Args:
        settings: the project.
        documents: ids of all documents found, to tell a row that points to none.

    Raises:
        ProjectError: the table is missing where one is named, has no usable column, points to a file that is not there,
            repeats one, or holds a date that is not ISO 8601; the message names the row.
    """
    documents = list(documents)
    known = set(documents)
    pattern = None
    if settings.documents.pattern:
        try:
            pattern = FileNamePattern(settings.documents.pattern)
        except ValueError as error:
            raise ProjectError(settings.root / "project.toml", str(error), "", "key 'documents.pattern'") from error
    by_document: dict[str, dict[str, str]] = {}
    speakers: dict[tuple[str, str], tuple[str, str]] = {}
    table = _table_path(settings)
    if table:
        by_document, speakers = _read_table(table, documents)
    for entry in settings.document:
        if entry.path not in known:
            fix = _nearest(entry.path, documents)
            raise ProjectError(settings.root / "project.toml", f"no document {entry.path!r}", fix, "[[document]]")
        said = {key: getattr(entry, key) for key in FIELDS if getattr(entry, key)}
        _check_date(settings.root / "project.toml", f"[[document]] {entry.path}", said.get("date", ""))
        by_document.setdefault(entry.path, {}).update(said)
    for speaker in settings.speaker:
        if speaker.document and speaker.document not in known:
            fix = _nearest(speaker.document, documents)
            raise ProjectError(settings.root / "project.toml", f"no document {speaker.document!r}", fix, "[[speaker]]")
        speakers[speaker.document, speaker.label.casefold()] = (speaker.actor or speaker.label, speaker.role)
    return Metadata(pattern, by_document, speakers, settings.stage)


def _table_path(settings: Settings) -> Path | None:
    if settings.documents.metadata:
        path = settings.root / settings.documents.metadata
        if not path.is_file():
            raise ProjectError(path, "no such file", "named by documents.metadata in the project file")
        return path
    path = settings.root / settings.documents.folder / METADATA_NAME
    return path if path.is_file() else None


def _read_table(
    path: Path, documents: list[str]
) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], tuple[str, str]]]:
    text, _ = decode.decode(path.read_bytes(), path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    columns = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = [name or f"\0{number}" for number, name in enumerate(columns)]  # nameless columns hold nothing
    twice = next((name for number, name in enumerate(columns) if name and name in columns[:number]), None)
    if twice:
        raise ProjectError(path, f"two columns named {twice!r}", "rename one")
    if "document" not in columns and "speaker" not in columns:
        found = ", ".join(columns) or "none"
        raise ProjectError(path, f"has neither a column 'document' nor 'speaker' (found: {found})")
    known = set(documents)
    composed = {unicodedata.normalize("NFC", one): one for one in documents}
    by_document: dict[str, dict[str, str]] = {}
    speakers: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        place = f"row {rows.line_num}"
        if None in row:
            raise ProjectError(path, f"more cells than the header's {len(columns)}", "quote cells with commas", place)
        cells = {name: restored((value or "").strip()) for name, value in row.items() if not name.startswith("\0")}
        document, label = cells.pop("document", "").replace("\\", "/").removeprefix("./"), cells.pop("speaker", "")
        # Macs write é as two characters: the file and the row may differ in that alone.
        document = composed.get(unicodedata.normalize("NFC", document), document)
        if document and document not in known:
            raise ProjectError(path, f"no document {document!r} here", _nearest(document, documents), place)
        _check_date(path, place, cells.get("date", ""))
        if label:
            speakers[document, label.casefold()] = (cells.get("actor", "") or label, cells.get("role", ""))
        elif document in by_document:
            raise ProjectError(path, f"{document!r} stands in an earlier row too", "keep one row a file", place)
        elif document:
            by_document[document] = cells
        elif any(cells.values()):
            raise ProjectError(path, "names neither a document nor a speaker", "", place)
    return by_document, speakers


def _check_date(path: Path, place: str, date: str) -> None:
    if date and not DATE.fullmatch(date):
        raise ProjectError(path, f"{date!r} is not a date", "write 2016, 2016-03 or 2016-03-21", place)


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    by_folded = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), by_folded, 1, 0.5)
    return f"did you mean {by_folded[close[0]]!r}?" if close else "paths are relative to the folder, with their suffix"
