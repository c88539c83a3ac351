"""REFI-QDA projects and codebooks, written: always a new file, valid against the schema, the same for the same input.

Sources are UTF-8 with LF and without a mark, in a lower-case ``sources`` folder; offsets are code points, the end
exclusive, as every tool looked at reads them. Paths and folders of the writer's machine are nowhere in it.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree

from sibnlp import __version__
from sibnlp.errors import TableError
from sibnlp.exchange.project import (
    INFERRED,
    Case,
    Coder,
    Coding,
    Group,
    Note,
    Problem,
    Project,
    ProjectCode,
    ProjectDocument,
    Selection,
    Value,
)
from sibnlp.exchange.refixml import (
    CODEBOOK_NS,
    COLOR,
    DATE_TIME,
    EXTENT_NOTE,
    ILLEGAL,
    MACHINE_ID,
    MACHINE_NOTE,
    PROJECT_NS,
    REMARK_NOTE,
    Tally,
    as_guid,
    is_guid,
)

T = TypeVar("T")
_SURROGATE = re.compile("[\ud800-\udfff]")
_VALID = {
    "Text": re.compile(r".*", re.DOTALL),
    "Boolean": re.compile(r"true|false|0|1"),
    "Integer": re.compile(r"[+-]?\d+"),
    "Float": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)"),
    "Date": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"),  # days that every month has
    "DateTime": DATE_TIME,
}
_DEFAULT_NS: Any = {None: PROJECT_NS}
_CODEBOOK_DEFAULT: Any = {None: CODEBOOK_NS}
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_project(project: Project, path: Path) -> tuple[Problem, ...]:
    """Write a ``.qdpx``; returns what is not kept."""
    writer = _Writer(project)
    root = writer.root()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "project.qde", _serialised(root))
        for document in project.documents:
            text = _SURROGATE.sub("\ufffd", document.text)
            _add(archive, f"sources/{writer.guid(document.id)}.txt", text.encode("utf-8"))
    return writer.tally.problems()


def codebook_xml(project: Project) -> tuple[bytes, tuple[Problem, ...]]:
    """A ``.qdc`` as bytes, and what is not kept.

    Raises:
        TableError: the project has no codes, which the schema does not allow.
    """
    if not project.codes:
        raise TableError(project.name, "has no codes to write")
    writer = _Writer(project)
    root = etree.Element(f"{{{CODEBOOK_NS}}}CodeBook", nsmap=_CODEBOOK_DEFAULT, origin=f"sibnlp {__version__}")
    writer.codes(root, CODEBOOK_NS, notes=False)
    groups = [group for group in project.groups if group.codes]
    sets = etree.SubElement(root, f"{{{CODEBOOK_NS}}}Sets") if groups else root
    for group in groups:
        element = writer.element(sets, "Set", group.id, CODEBOOK_NS, name=group.name)
        writer.text(element, "Description", group.description, CODEBOOK_NS)
        for code in group.codes:
            etree.SubElement(element, f"{{{CODEBOOK_NS}}}MemberCode", guid=writer.guid(code))
    noted = sum(bool(code.notes) for code in project.codes)
    writer.tally.add("codebook", "notes on codes: a .qdc has none", noted)
    return _serialised(root), writer.tally.problems()


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add(archive: zipfile.ZipFile, name: str, raw: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)  # no clock: the same project gives the same bytes
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(info, raw)


class _Writer:
    def __init__(self, project: Project) -> None:
        self.project, self.tally = project, Tally()
        self.guids: dict[str, str] = {}
        self.taken: set[str] = set()
        for kind, things in (
            ("coder", project.coders), ("code", project.codes), ("variable", project.variables),
            ("case", project.cases), ("document", project.documents), ("note", project.notes),
            ("link", project.links), ("group", project.groups),
        ):  # fmt: skip
            self._register(kind, (thing.id for thing in things))
        for document in project.documents:
            self._register("selection", (selection.id for selection in document.selections), document.id)
        self.machines = {coder.id for coder in project.coders if coder.machine}
        self.types = {variable.id: variable.type for variable in project.variables}
        self.added: list[Note] = []

    def _register(self, kind: str, ids: Iterable[str], within: str = "") -> None:
        for id in ids:
            made = id.upper() if is_guid(id) else self._made(kind, within, id)
            number = 2
            while made in self.taken:  # a project that was merged, or an id that two kinds of things share
                made, number = self._made(kind, within, f"{id}\0{number}"), number + 1
            if id not in self.guids:
                self.guids[id] = made
                self.taken.add(made)

    def _made(self, kind: str, within: str, id: str) -> str:
        return as_guid(kind, f"{self.project.name}\0{within}\0{id}")

    def guid(self, id: str) -> str:
        """GUID of anything in the project."""
        return self.guids[id]

    # Pieces

    def clean(self, text: str) -> str:
        """A text as XML may hold it."""
        return ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))

    def element(
        self, parent: etree._Element, tag: str, id: str, namespace: str = PROJECT_NS, /, **attributes: str
    ) -> etree._Element:
        """An element with its GUID and those attributes that are not empty."""
        element = etree.SubElement(parent, f"{{{namespace}}}{tag}", guid=self.guids.get(id) or id)
        for key, value in attributes.items():
            if value or key == "name":
                element.set(key, self.clean(value))
        return element

    def text(self, parent: etree._Element, tag: str, text: str, namespace: str = PROJECT_NS) -> None:
        """A child with a text, where there is one."""
        if text:
            etree.SubElement(parent, f"{{{namespace}}}{tag}").text = self.clean(text)

    def refs(self, parent: etree._Element, tag: str, ids: Iterable[str], place: str, key: str = "targetGUID") -> None:
        """References to things that are in the project."""
        for id in ids:
            if id in self.guids:
                etree.SubElement(parent, f"{{{PROJECT_NS}}}{tag}").set(key, self.guids[id])
            else:
                self.tally.add(place, "references to what is not in the project")

    def made(self, coder: str, created: str, place: str, **more: str) -> dict[str, str]:
        """Attributes of who made something, and when."""
        if coder and coder not in self.guids:
            self.tally.add(place, "coders that are not among the project's")
        date = created.replace(" ", "T", 1)
        if date and not _is_date_time(date):
            self.tally.add(place, "dates that are none")
            date = ""
        return {**more, "creatingUser": self.guids.get(coder, "") if coder else "", "creationDateTime": date}

    # The whole

    def root(self) -> etree._Element:
        """The project's XML, its parts in the order of the schema."""
        project = self.project
        root = etree.Element(f"{{{PROJECT_NS}}}Project", nsmap=_DEFAULT_NS)
        root.set("name", self.clean(project.name) or "project")
        root.set("origin", f"sibnlp {__version__}")
        self._all(root, "Users", project.coders, self._user)
        if project.codes:
            self.codes(etree.SubElement(root, f"{{{PROJECT_NS}}}CodeBook"), PROJECT_NS)
        self._variables(root)
        self._all(root, "Cases", project.cases, self._case)
        self._all(root, "Sources", project.documents, self._source)
        extent = self._extent_note()
        self._all(root, "Notes", [*project.notes, *self.added], self._note)
        self._links(root)
        self._all(root, "Sets", project.groups, self._group)
        self.text(root, "Description", project.description)
        self.refs(root, "NoteRef", (*project.notes_on_project, *extent), "project")
        return root

    def _all(
        self, root: etree._Element, tag: str, things: Sequence[T], write: Callable[[etree._Element, T], None]
    ) -> None:
        """A list of things under its own element; the schema allows no empty lists."""
        if things:
            parent = etree.SubElement(root, f"{{{PROJECT_NS}}}{tag}")
            for thing in things:
                write(parent, thing)

    def _user(self, parent: etree._Element, coder: Coder) -> None:
        self.element(parent, "User", coder.id, name=coder.name, id=f"{MACHINE_ID}:{coder.name}" * coder.machine)

    def codes(self, parent: etree._Element, namespace: str, notes: bool = True) -> None:
        """The tree of codes."""
        top = etree.SubElement(parent, f"{{{namespace}}}Codes")
        children: dict[str, list[ProjectCode]] = {}
        known = {code.id for code in self.project.codes}
        for code in self.project.codes:
            children.setdefault(code.parent if code.parent in known else "", []).append(code)
        stack = [(code, top) for code in reversed(children.get("", []))]
        while stack:
            code, above = stack.pop()
            color = code.color if COLOR.fullmatch(code.color) else ""
            codable = "true" if code.codable else "false"
            element = self.element(above, "Code", code.id, namespace, name=code.name, isCodable=codable, color=color)
            self.text(element, "Description", code.description, namespace)
            if notes:
                self.refs(element, "NoteRef", code.notes, f"code {code.name!r}")
            stack += [(one, element) for one in reversed(children.get(code.id, []))]

    def _variables(self, root: etree._Element) -> None:
        if not self.project.variables:
            return
        parent = etree.SubElement(root, f"{{{PROJECT_NS}}}Variables")
        values: dict[str, list[str]] = {}
        owners = [*(case.values for case in self.project.cases), *(one.values for one in self.project.documents)]
        for own in owners:
            for value in own:
                values.setdefault(value.variable, []).append(value.value)
        for variable in self.project.variables:
            valid = _VALID.get(variable.type, _VALID["Text"])
            if not all(valid.fullmatch(value) for value in values.get(variable.id, [])):
                self.types[variable.id] = "Text"
                self.tally.add(f"variable {variable.name!r}", f"has values that are no {variable.type}; made a text")
            kind = self.types[variable.id]
            element = self.element(parent, "Variable", variable.id, name=variable.name, typeOfVariable=kind)
            self.text(element, "Description", variable.description)

    def _values(self, parent: etree._Element, values: Iterable[Value], place: str) -> None:
        for value in values:
            if value.variable not in self.types:
                self.tally.add(place, "values of variables that are not in the project")
                continue
            element = etree.SubElement(parent, f"{{{PROJECT_NS}}}VariableValue")
            self.refs(element, "VariableRef", [value.variable], place)
            self.text(element, f"{self.types[value.variable]}Value", value.value)

    def _case(self, parent: etree._Element, case: Case) -> None:
        place = f"case {case.name!r}"
        element = self.element(parent, "Case", case.id, name=case.name)
        self.text(element, "Description", case.description)
        self.refs(element, "CodeRef", case.codes, place)
        self._values(element, case.values, place)
        self.refs(element, "SourceRef", case.documents, place)
        self.refs(element, "SelectionRef", case.selections, place)

    def _source(self, parent: etree._Element, document: ProjectDocument) -> None:
        place = document.name
        if document.kind != "text":
            self.tally.add(place, f"a {document.kind}, written as its text alone")
        self.tally.add(place, "times of the transcript", len(document.sync))
        if not document.text:
            self.tally.add(place, "written without its text, which was not there")
        self.tally.add(place, "halves of characters (lone surrogates)", len(_SURROGATE.findall(document.text)))
        path = f"internal://{self.guid(document.id)}.txt"
        attributes = self.made(document.coder, document.created, place, name=document.name, plainTextPath=path)
        element = self.element(parent, "TextSource", document.id, **attributes)
        self.text(element, "Description", document.description)
        for selection in document.selections:
            self._selection(element, selection, document)
        for coding in document.codings:
            self._coding(element, coding, document, "document")
        self.refs(element, "NoteRef", document.notes, place)
        self._values(element, document.values, place)

    def _selection(self, parent: etree._Element, selection: Selection, document: ProjectDocument) -> None:
        attributes = self.made(
            selection.coder, selection.created, document.name, name=selection.name,
            startPosition=str(selection.start), endPosition=str(selection.end),
        )  # fmt: skip
        element = self.element(parent, "PlainTextSelection", selection.id, **attributes)
        if not selection.name:
            del element.attrib["name"]
        self.text(element, "Description", selection.description)
        for coding in selection.codings:
            self._coding(element, coding, document, selection.id)
        self.refs(element, "NoteRef", selection.notes, document.name)

    def _coding(self, parent: etree._Element, coding: Coding, document: ProjectDocument, within: str) -> None:
        if coding.code not in self.guids:
            self.tally.add(document.name, "codings with a code that is not in the codebook")
            return
        key = f"{document.id}\0{within}\0{coding.code}\0{coding.coder}"
        own = (
            as_guid("coding", coding.id)
            if as_guid("", coding.id) == coding.id.upper()
            else self._made("coding", key, "")
        )
        element = self.element(parent, "Coding", own, **self.made(coding.coder, coding.created, document.name))
        self.refs(element, "CodeRef", [coding.code], document.name)
        notes = list(coding.notes)
        if coding.score is not None or coding.note:
            notes.append(self._machine_note(coding, key))
        self.refs(element, "NoteRef", notes, document.name)

    def _machine_note(self, coding: Coding, key: str) -> str:
        machine = coding.coder in self.machines or coding.score is not None
        lines = [f"model: {self.project.coder_name(coding.coder)}"] if machine else []
        lines += [f"score: {coding.score:.4f}"] if coding.score is not None else []
        lines += [f"explanation: {coding.note}"] if coding.note else []
        id = f"note on {key}"
        self.guids[id] = self._made("note", key, "")
        self.added.append(Note(id, MACHINE_NOTE if machine else REMARK_NOTE, "\n".join(lines), coder=coding.coder))
        return id

    def _extent_note(self) -> tuple[str, ...]:
        """What was read, by names: it must survive tools that give everything new GUIDs."""
        rows = []
        names = {document.id: document.name for document in self.project.documents}
        for extent in self.project.extents:
            if extent.basis != INFERRED and extent.document in names:
                row: dict[str, object] = {
                    "coder": self.project.coder_name(extent.coder),
                    "document": names[extent.document],
                    "spans": [list(span) for span in extent.spans],
                }
                rows.append({**row, "families": list(extent.families)} if extent.families else row)
        if not rows:
            return ()
        id = "extent"
        self.guids[id] = self._made("note", id, "")
        self.added.append(Note(id, EXTENT_NOTE, json.dumps(rows, ensure_ascii=False)))
        return (id,)

    def _note(self, parent: etree._Element, note: Note) -> None:
        place = f"note {note.name!r}"
        element = self.element(parent, "Note", note.id, **self.made(note.coder, note.created, place, name=note.name))
        self.text(element, "Description", note.description)
        etree.SubElement(element, f"{{{PROJECT_NS}}}PlainTextContent").text = self.clean(note.text)

    def _links(self, root: etree._Element) -> None:
        links = [link for link in self.project.links if link.origin in self.guids and link.target in self.guids]
        self.tally.add("links", "links to what is not in the project", len(self.project.links) - len(links))
        if not links:
            return
        parent = etree.SubElement(root, f"{{{PROJECT_NS}}}Links")
        for link in links:
            color = link.color if COLOR.fullmatch(link.color) else ""
            ends: Mapping[str, str] = {"originGUID": self.guid(link.origin), "targetGUID": self.guid(link.target)}
            element = self.element(
                parent, "Link", link.id, name=link.name, direction=link.direction, color=color, **ends
            )
            self.refs(element, "NoteRef", link.notes, f"link {link.name!r}")

    def _group(self, parent: etree._Element, group: Group) -> None:
        place = f"set {group.name!r}"
        element = self.element(parent, "Set", group.id, name=group.name)
        self.text(element, "Description", group.description)
        self.refs(element, "MemberCode", group.codes, place)
        self.refs(element, "MemberSource", group.documents, place)
        self.refs(element, "MemberNote", group.notes, place)


def _is_date_time(value: str) -> bool:
    if not DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True
