"""REFI-QDA projects and codebooks, read: what the schema says, and what real files do instead.

What is lived with: names of the manifest and of folders in any case; namespaces of any version; references with and
without scheme; sources that are missing, empty or inline; absent attributes; GUIDs in braces, upper case or none at
all; empty, doubled and misplaced selections; codings that point nowhere; PDFs whose quotations stand in the text, in
the selection, or nowhere. Whatever is left out or guessed stands in ``Project.problems``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from lxml import etree

from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import coordinates
from sibnlp.exchange.project import (
    RECORDED,
    Case,
    Coder,
    Extent,
    Group,
    Link,
    Note,
    Project,
    ProjectCode,
    ProjectDocument,
    Variable,
)
from sibnlp.exchange.refi_sources import Sources, note_refs, values_of
from sibnlp.exchange.refixml import (
    EXTENT_NOTE,
    MACHINE_ID,
    MACHINE_NOTE,
    REMARK_NOTE,
    Package,
    Tally,
    as_guid,
    child,
    children,
    guid,
    inner,
    local,
)
from sibnlp.parsing.decode import decode

# Users under which tools code by themselves: never in a training pool.
_AUTOMATA = ("nvivo", "nv")
_TYPES = ("Text", "Boolean", "Integer", "Float", "Date", "DateTime")
_DIRECTIONS = ("Associative", "OneWay", "Bidirectional")
MAX_DEPTH = 200


def read_project(package: Package, asked: coordinates.System | None) -> Project:
    """Read an opened ``.qdpx``.

    Args:
        package: the archive.
        asked: the coordinate system of all sources, where the user says it.

    Raises:
        ReadError: the XML is damaged or unsafe, or its root is no project.
    """
    root = package.root()
    if local(root).lower() != "project":
        raise ReadError(package.path, f"its XML begins with {local(root)!r}, not Project", "is it a codebook (.qdc)?")
    return _Reader(package, root, asked).read()


def read_codebook(root: etree._Element, path: Path) -> Project:
    """A ``.qdc`` as a project of codes and sets alone.

    Raises:
        ReadError: its root is no codebook.
    """
    if local(root).lower() != "codebook":
        raise ReadError(path, f"its XML begins with {local(root)!r}, not CodeBook", "is it a project (.qdpx)?")
    tally = Tally()
    codes = tuple(_codes(root, tally))
    known = {code.id for code in codes}
    groups = []
    for number, element in enumerate(children(child(root, "Sets"), "Set")):
        members = [guid(one.get("guid") or one.get("targetGUID")) for one in children(element, "MemberCode")]
        tally.add("sets", "members that are no code of this codebook", sum(one not in known for one in members))
        id = guid(element.get("guid")) or guid(as_guid("set", str(number)))
        members = [one for one in dict.fromkeys(members) if one in known]
        groups.append(Group(id, element.get("name") or "", inner(element, "Description").strip(), codes=tuple(members)))
    origin = root.get("origin") or ""
    return Project(path.stem, codes, groups=tuple(groups), problems=tally.problems(), origin=origin)


def _codes(book: etree._Element | None, tally: Tally) -> Iterator[ProjectCode]:
    """Codes of a codebook, parents before children."""
    seen: set[str] = set()
    stack = [(element, "", 0) for element in reversed(list(children(child(book, "Codes"), "Code")))]
    while stack:
        element, parent, depth = stack.pop()
        name = (element.get("name") or "").strip()
        id = guid(element.get("guid"))
        if not id or id in seen:
            tally.add("codebook", "codes without a GUID, or with one that another code has", 1)
            id = guid(as_guid("code", f"{parent}\0{name}\0{len(seen)}"))
        seen.add(id)
        if not name:
            tally.add("codebook", "codes without a name")
            name = f"code {len(seen)}"
        notes = tuple(guid(one.get("targetGUID")) for one in children(element, "NoteRef"))
        codable = (element.get("isCodable") or "true").strip().lower() not in ("false", "0")
        color = (element.get("color") or "").strip()
        yield ProjectCode(id, name, inner(element, "Description").strip(), parent, codable, color, notes)
        if depth < MAX_DEPTH:
            stack += [(one, id, depth + 1) for one in reversed(list(children(element, "Code")))]


class _Reader:
    def __init__(self, package: Package, root: etree._Element, asked: coordinates.System | None) -> None:
        self.package, self.root, self.asked = package, root, asked
        self.tally = Tally()
        self.codes: tuple[ProjectCode, ...] = ()
        self.known: set[str] = set()
        self.means: dict[str, list[str]] = {}
        self.machine_notes: dict[str, tuple[float | None, str]] = {}

    def read(self) -> Project:
        root = self.root
        for deviation in self.package.deviations:
            self.tally.add("", deviation)
        coders = self._coders()
        self.codes = tuple(_codes(child(root, "CodeBook"), self.tally))
        self.known = {code.id for code in self.codes}
        notes = self._notes()
        own_export = (root.get("origin") or "").startswith("sibnlp ")
        sources = Sources(self.package, self.tally, self.known, self.machine_notes, self.asked, own_export)
        listed = child(root, "Sources")
        for element in () if listed is None else listed:
            sources.add(element)
        documents, self.means = sources.documents(), sources.means
        extents = self._extents(notes, documents, coders)
        kept = tuple(note for note in notes if note.id not in self.machine_notes and note.name != EXTENT_NOTE)
        self._used_by_machines(coders, documents)
        graphs = len(list(children(child(root, "Graphs"), "Graph")))
        self.tally.add("graphs", "networks and maps, which no other tool takes either", graphs)
        selections = {one.id for document in documents for one in document.selections}
        return Project(
            name=root.get("name") or self.package.path.stem,
            codes=self.codes,
            coders=tuple(self._machine(coder, documents) for coder in coders),
            documents=documents,
            variables=tuple(self._variables()),
            cases=tuple(self._cases(selections)),
            groups=tuple(self._groups({note.id for note in kept})),
            notes=kept,
            links=tuple(self._links()),
            extents=extents,
            problems=self.tally.problems(),
            description=inner(root, "Description").strip(),
            origin=root.get("origin") or "",
            notes_on_project=note_refs(root, {note.id for note in notes} - {note.id for note in kept}),
        )

    # Users and notes

    def _coders(self) -> list[Coder]:
        found: dict[str, Coder] = {}
        for element in children(child(self.root, "Users"), "User"):
            id = guid(element.get("guid"))
            name = (element.get("name") or element.get("id") or "").strip()
            machine = (element.get("id") or "").startswith(MACHINE_ID) or name.casefold() in _AUTOMATA
            if not id or id in found:
                self.tally.add("users", "users without a GUID, or listed twice")
                continue
            found[id] = Coder(id, name or f"user {len(found) + 1}", machine)
        return list(found.values())

    def _used_by_machines(self, coders: list[Coder], documents: Sequence[ProjectDocument]) -> None:
        """Users that codings name and the list of users does not have."""
        known = {coder.id for coder in coders}
        for document in documents:
            for coding in (*document.codings, *(c for s in document.selections for c in s.codings)):
                if coding.coder and coding.coder not in known:
                    known.add(coding.coder)
                    coders.append(Coder(coding.coder, f"user {len(coders) + 1}"))
                    self.tally.add("users", "users that code and are not listed")

    def _machine(self, coder: Coder, documents: Sequence[ProjectDocument]) -> Coder:
        if coder.machine or not self.machine_notes:
            return coder
        scored = any(
            coding.score is not None and coding.coder == coder.id
            for document in documents
            for selection in document.selections
            for coding in selection.codings
        )
        return replace(coder, machine=scored)

    def _notes(self) -> list[Note]:
        found: list[Note] = []
        for element in children(child(self.root, "Notes"), "Note"):
            id = guid(element.get("guid")) or guid(as_guid("note", str(len(found))))
            name = (element.get("name") or "").strip()
            text = inner(element, "PlainTextContent")
            if child(element, "PlainTextContent") is None and element.get("plainTextPath"):
                text = self._note_text(element.get("plainTextPath") or "", name)
            if name.startswith((MACHINE_NOTE, REMARK_NOTE)):
                self.machine_notes[id] = _machine_note(text)
            remark = inner(element, "Description").strip()
            coder, created = guid(element.get("creatingUser")), (element.get("creationDateTime") or "").strip()
            found.append(Note(id, name, text, remark, coder, created))
            marked = len(list(children(element, "PlainTextSelection")))
            self.tally.add(f"note {name!r}", "codings of notes: notes are not coded text here", marked)
        return found

    def _note_text(self, reference: str, name: str) -> str:
        member = self.package.find(reference)
        if member is None:
            self.tally.add(f"note {name!r}", "its text is not in the file")
            return ""
        try:
            return decode(self.package.read(member), self.package.path)[0]
        except ReadError as error:
            self.tally.add(f"note {name!r}", error.problem)
            return ""

    # What is said of sources

    def _variables(self) -> Iterator[Variable]:
        for element in children(child(self.root, "Variables"), "Variable"):
            kind = element.get("typeOfVariable") or "Text"
            id = guid(element.get("guid"))
            if id:
                kind = kind if kind in _TYPES else "Text"
                yield Variable(id, (element.get("name") or "").strip(), kind, inner(element, "Description").strip())

    def _meant(self, elements: Iterable[etree._Element], place: str) -> tuple[str, ...]:
        found: list[str] = []
        for element in elements:
            target = guid(element.get("targetGUID"))
            if target not in self.means:
                self.tally.add(place, "references to sources that are not in the project as text")
            found += self.means.get(target, [])
        return tuple(dict.fromkeys(found))

    def _cases(self, selections: set[str]) -> Iterator[Case]:
        for number, element in enumerate(children(child(self.root, "Cases"), "Case")):
            name = (element.get("name") or "").strip()
            place = f"case {name!r}"
            marks = [guid(one.get("targetGUID")) for one in children(element, "SelectionRef")]
            self.tally.add(place, "references to selections that are left out", sum(m not in selections for m in marks))
            codes = [guid(one.get("targetGUID")) for one in children(element, "CodeRef")]
            yield Case(
                guid(element.get("guid")) or guid(as_guid("case", str(number))),
                name,
                inner(element, "Description").strip(),
                tuple(values_of(element)),
                self._meant(children(element, "SourceRef"), place),
                tuple(mark for mark in marks if mark in selections),
                tuple(code for code in codes if code in self.known),
            )

    def _groups(self, notes: set[str]) -> Iterator[Group]:
        for number, element in enumerate(children(child(self.root, "Sets"), "Set")):
            name = (element.get("name") or "").strip()
            codes = [guid(one.get("targetGUID") or one.get("guid")) for one in children(element, "MemberCode")]
            members = [guid(one.get("targetGUID")) for one in children(element, "MemberNote")]
            yield Group(
                guid(element.get("guid")) or guid(as_guid("set", str(number))),
                name,
                inner(element, "Description").strip(),
                self._meant(children(element, "MemberSource"), f"set {name!r}"),
                tuple(code for code in dict.fromkeys(codes) if code in self.known),
                tuple(note for note in members if note in notes),
            )

    def _links(self) -> Iterator[Link]:
        for number, element in enumerate(children(child(self.root, "Links"), "Link")):
            direction = element.get("direction") or "Associative"
            yield Link(
                guid(element.get("guid")) or guid(as_guid("link", str(number))),
                (element.get("name") or "").strip(),
                guid(element.get("originGUID")),
                guid(element.get("targetGUID")),
                direction if direction in _DIRECTIONS else "Associative",
                (element.get("color") or "").strip(),
                note_refs(element),
            )

    # What our own exports record

    def _extents(
        self, notes: Iterable[Note], documents: Sequence[ProjectDocument], coders: Sequence[Coder]
    ) -> tuple[Extent, ...]:
        """Extents by names: GUIDs do not survive other tools."""
        by_name = {document.name: document for document in documents}
        coder_by_name = {coder.name: coder.id for coder in coders}
        found = []
        for note in notes:
            if note.name != EXTENT_NOTE:
                continue
            try:
                for row in json.loads(note.text):
                    document, coder = by_name.get(row["document"]), coder_by_name.get(row["coder"])
                    spans = tuple((int(start), int(end)) for start, end in row["spans"])
                    length = len(document.text) if document else 0
                    if document is None or coder is None or any(not 0 <= a < b <= length for a, b in spans):
                        raise ValueError(row)
                    if any(one[1] > two[0] for one, two in pairwise(spans)):
                        raise ValueError(row)
                    families = tuple(str(family) for family in row.get("families", ()))
                    found.append(Extent(coder, document.id, spans, families, RECORDED))
            except (ValueError, KeyError, TypeError, RecursionError):
                self.tally.add(f"note {EXTENT_NOTE!r}", "what it records does not fit this project and is not used")
        return tuple(found)


def _machine_note(text: str) -> tuple[float | None, str]:
    """Score and explanation of a note of our own making."""
    found = re.search(r"^score: (0(?:\.\d+)?|1(?:\.0+)?)\s*$", text, re.MULTILINE)
    said = re.search(r"^explanation: (.*)\Z", text, re.MULTILINE | re.DOTALL)
    return (float(found[1]) if found else None), said[1].strip() if said else ""


def check_system(offsets: str) -> coordinates.System | None:
    """The coordinate system a user asks for; None where none.

    Raises:
        TableError: it is none.
    """
    try:
        return coordinates.parse_system(offsets) if offsets else None
    except ValueError as error:
        raise TableError("offsets", str(error)) from error
