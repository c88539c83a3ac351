"""Which CAS files an export of INCEpTION holds, of which document and by whom.

One document: ``NAME.xmi`` with ``TypeSystem.xml`` beside it, alone or in an archive, or ``NAME.json``. A whole project:
``annotation/DOCUMENT/USER.zip`` (of an ``.xmi`` and its ``TypeSystem.xml``; ``USER.json`` or ``USER.xmi`` in other
formats), ``curation/DOCUMENT/CURATION_USER.zip``, and ``exportedproject.json``, which knows who finished what.
Everything else in it (sources, guidelines, Java objects) stays closed.

Source: INCEpTION's ``AnnotationDocumentExporter`` and ``CuratedDocumentsExporter``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sibnlp.errors import ReadError
from sibnlp.exchange.refixml import MAX_TEXTS, Tally
from sibnlp.exchange.uima_layers import TAGSET, is_json
from sibnlp.parsing import archive

_USERS = {"CURATION_USER": "curation", "CORRECTION_USER": "correction"}
_INITIAL = "INITIAL_CAS"
# Names of temporary files that older versions left in place of the user's.
_TEMPORARY = re.compile(r"(webanno|inception).*\d{6,}.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """A CAS to be read.

    Attributes:
        place: where it is, as a person would look for it.
        raw: its bytes; types: those of its type system, None where there is none (JSON has its own).
        document: name of the document; empty where only the CAS knows it.
        user: who coded; empty where nobody says.
    """

    place: str
    raw: bytes
    types: bytes | None
    document: str = ""
    user: str = ""


@dataclass(slots=True)
class Package:
    """An export, opened.

    Attributes:
        files: an iterator of them; what is damaged is in the tally and left out.
        finished: pairs of document and user that INCEpTION counts as finished.
        descriptions: of tags, by tag.
        tagset: what ``tagset.json`` of ours holds; None without one.
    """

    path: Path
    tally: Tally
    finished: set[tuple[str, str]] = field(default_factory=set)
    descriptions: dict[str, str] = field(default_factory=dict)
    tagset: Any = None
    _read: int = 0

    def files(self) -> Iterator[File]:
        """All CAS files of an ``.xmi``, ``.json`` or ``.zip`` file.

        Raises:
            ReadError: no sane archive, or too large.
        """
        if self.path.suffix.lower() == ".zip":
            archive.check(self.path)
            members = archive.Members(self.path)
            try:
                yield from self._packed(members)
            finally:
                members.close()
            return
        if self.path.stat().st_size > archive.MAX_READ:
            raise ReadError(
                self.path, f"is larger than {archive.MAX_READ // 1024**2} MB", "export fewer texts at a time"
            )
        beside = [one for one in self.path.parent.iterdir() if one.name.casefold() == "typesystem.xml"]
        types = beside[0].read_bytes() if beside and beside[0].stat().st_size <= archive.MAX_READ else None
        xmi = self.path.suffix.lower() == ".xmi"
        yield File(self.path.name, self.path.read_bytes(), types if xmi else None)

    def _packed(self, members: archive.Members) -> Iterator[File]:
        names = [name for name in members.names if not name.endswith("/") and "__MACOSX" not in name]
        names = [name for name in names if not _leaf(name).startswith(".")]
        for name in names:
            if _leaf(name) == "exportedproject.json":
                self._know(self._json(members, name))
            elif _leaf(name) == TAGSET:
                self.tagset = self._json(members, name)
        homes = {name: home for name in names if (home := _home(name))[0]}
        several: dict[str, int] = {}
        for document, _ in homes.values():
            several[document] = several.get(document, 0) + 1
        types = {_folder(name): name for name in names if _leaf(name).casefold() == "typesystem.xml"}
        shared = next((types[key] for key in sorted(types, key=len)), None)
        for name in names:
            document, user = homes.get(name, ("", ""))
            if (homes and not document) or (user == _INITIAL and several[document] > 1):
                continue
            if _leaf(name).lower().rpartition(".")[2] not in ("xmi", "json", "zip") or _leaf(name) == TAGSET:
                continue
            try:
                yield from self._file(members, name, types.get(_folder(name), shared), document, user)
            except ReadError as error:
                self.tally.add(name[:120], error.problem, failed=True)

    def _file(self, members: archive.Members, name: str, types: str | None, document: str, user: str) -> Iterator[File]:
        suffix = _leaf(name).lower().rpartition(".")[2]
        user = "" if user == _INITIAL else _USERS.get(user, user)
        raw = self._bytes(members, name)
        if suffix == "xmi":
            yield File(name, raw, self._bytes(members, types) if types else None, document, user)
        elif suffix == "json" and is_json(raw[:4096]):
            yield File(name, raw, None, document, user)
        elif suffix == "zip":
            inner = archive.Members(self.path, raw)
            own = [one for one in inner.names if one.lower().endswith((".xmi", ".json"))]
            beside = [one for one in inner.names if _leaf(one).casefold() == "typesystem.xml"]
            if len(own) != 1:
                raise ReadError(self.path, f"holds {len(own)} CAS files instead of one")
            content = self._bytes(inner, own[0])
            if _TEMPORARY.fullmatch(user):
                user = _USERS.get(_stem(own[0]), _stem(own[0]))
            known = self._bytes(inner, beside[0]) if beside else None
            yield File(name, content, None if own[0].lower().endswith("json") else known, document, user)

    def _bytes(self, members: archive.Members, name: str) -> bytes:
        raw = members.read(name)
        self._read += len(raw)
        if self._read > 4 * MAX_TEXTS:
            raise ReadError(self.path, f"unpacks to more than {4 * MAX_TEXTS // 1024**3} GB", "export fewer documents")
        return raw

    def _json(self, members: archive.Members, name: str) -> Any:
        try:
            return json.loads(self._bytes(members, name).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            self.tally.add(name[:120], "is damaged, so what it says is not known")
            return None

    def _know(self, project: Any) -> None:
        """Take who finished what, and what tags mean, from the project's description."""
        for row in _rows(project, "annotation_documents"):
            if "FINISHED" in str(row.get("state")).upper():
                self.finished.add((str(row.get("name")), str(row.get("user"))))
        for row in _rows(project, "source_documents"):
            if str(row.get("state")).upper() == "CURATION_FINISHED":
                self.finished.add((str(row.get("name")), _USERS["CURATION_USER"]))
        for tags in _rows(project, "tag_sets"):
            for tag in _rows(tags, "tags"):
                if isinstance(tag.get("tag_name"), str) and isinstance(tag.get("tag_description"), str):
                    self.descriptions.setdefault(tag["tag_name"], tag["tag_description"])


def _rows(raw: Any, key: str) -> list[Mapping[str, Any]]:
    rows = raw.get(key) if isinstance(raw, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _home(name: str) -> tuple[str, str]:
    """Document and user of a member of a project's export; empty for any other."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    if len(parts) >= 3 and parts[-3] in ("annotation", "curation"):
        return parts[-2], _stem(parts[-1])
    return "", ""


def _leaf(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _folder(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[0]


def _stem(name: str) -> str:
    return _leaf(name).rpartition(".")[0]
