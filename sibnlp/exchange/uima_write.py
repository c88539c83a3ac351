"""UIMA CAS XMI, written: a file for each document, the type system and the tagset, in one archive.

Offsets count UTF-16 units, as UIMA's do (`cassis` converts them). Sentences and tokens are not written: INCEpTION makes
them where there are none. The same project gives the same bytes.

Sources: UIMA references, chapter 8 (XMI CAS Serialization); INCEpTION's user guide, formats; its
``TypeSystemAnalysis``, which makes a span layer of a type right below ``uima.tcas.Annotation`` with primitive features
alone.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cassis

from sibnlp.errors import TableError
from sibnlp.exchange import Options
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.project import INFERRED, Coding, Problem, Project, ProjectDocument, Selection
from sibnlp.exchange.refixml import ILLEGAL, Tally
from sibnlp.exchange.uima_layers import (
    ANNOTATION,
    BASE,
    CODING,
    CODING_FEATURES,
    DOCUMENT,
    EXTENT,
    FLOAT,
    METADATA,
    STRING,
    STRINGS,
    TAGSET,
    TYPE_SYSTEM,
    VARIABLE,
    WHOLE,
    families,
    labels,
    tagset,
)

_DATE = (1980, 1, 1, 0, 0, 0)
_UNSAFE_NAME = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write a project as an archive of XMI files, or a project of one document as one XMI file.

    Raises:
        TableError: no document with a text, or several for one ``.xmi`` file.
    """
    writer = _Writer(project, path)
    documents = [document for document in project.documents if document.text]
    if not documents:
        raise TableError(path, "there is no document with a text to write")
    if path.suffix.lower() == ".xmi":
        if len(documents) > 1:
            raise TableError(path, f"an .xmi file holds one document, not {len(documents)}", "write a .zip")
        path.write_bytes(writer.xmi(documents[0]))
        writer.tally.add("", "the tree, colours and descriptions of codes, and the type system, which a .zip has")
        return writer.tally.problems()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, TYPE_SYSTEM, writer.types.to_xml().encode("utf-8"))
        book = json.dumps(tagset(project, writer.tags), ensure_ascii=False, indent=1) + "\n"
        _add(archive, TAGSET, book.encode("utf-8", "replace"))
        for document in documents:
            _add(archive, f"{writer.files[document.id]}.xmi", writer.xmi(document))
    return writer.tally.problems()


def type_system() -> Any:
    """The types that our exports need and no others: those of INCEpTION's own layers it has already."""
    types = cassis.TypeSystem()
    coding = types.create_type(CODING, ANNOTATION, "A code given to a stretch of text, by a person or a model.")
    whole = types.create_type(WHOLE, BASE, "A code given to a document as a whole.")
    for feature, meaning in CODING_FEATURES.items():
        for one in (coding, whole):
            types.create_feature(one, feature, FLOAT if feature == "score" else STRING, description=meaning)
    extent = types.create_type(EXTENT, BASE, "What a coder read of a document exhaustively.")
    for feature in ("coder", "model", "basis"):
        types.create_feature(extent, feature, STRING)
    types.create_feature(extent, "spans", STRINGS, description="begin-end, in UTF-16 units")
    types.create_feature(extent, "families", STRINGS, description="those it was read for; none for every one")
    variable = types.create_type(VARIABLE, BASE, "A variable of the document, as wave or date.")
    for feature in ("name", "value", "kind"):
        types.create_feature(variable, feature, STRING)
    metadata = types.create_type(METADATA, DOCUMENT)
    for feature in ("documentTitle", "documentId"):
        types.create_feature(metadata, feature, STRING)
    return types


class _Writer:
    """Makes the files of a project.

    Attributes:
        types: the type system; tags: by code; files: names of files by document, without suffix.
        tally: what is not kept.
    """

    def __init__(self, project: Project, path: Path) -> None:
        self.project, self.tally, self.types = project, Tally(), type_system()
        self.tags, self._families = labels(project), families(project)
        self._machines = {coder.id for coder in project.coders if coder.machine}
        self._names = document_names(project, path)
        self.files: dict[str, str] = {}
        taken = {TYPE_SYSTEM.casefold()}
        for document in project.documents:
            name = self._names[document.id]
            plain = _UNSAFE_NAME.sub("_", name)[:120].strip(" .") or "document"
            unique, number = plain, 2
            while f"{unique}.xmi".casefold() in taken:
                unique, number = f"{plain} ({number})", number + 1
            taken.add(f"{unique}.xmi".casefold())
            self.files[document.id] = unique
            self.tally.add(name, f"its file is called {unique}.xmi, and so INCEpTION calls it", int(unique != name))
        self._say_what_stays_behind()

    def _say_what_stays_behind(self) -> None:
        project, add = self.project, self.tally.add
        add("", "documents without a text", sum(not document.text for document in project.documents))
        add("", "notes, links and sets: a CAS has none", len(project.notes) + len(project.links) + len(project.groups))
        add("", "cases, of which the variables are kept with their documents", len(project.cases))
        add("", "descriptions of documents", sum(bool(d.description) for d in project.documents))
        given = {placed.coding.coder for placed in project.placed()} | {one.coder for one in project.extents}
        given |= {coding.coder for document in project.documents for coding in document.codings}
        given |= {selection.coder for document in project.documents for selection in document.selections}
        add("", "coders who coded nothing", sum(coder.id not in given for coder in project.coders))

    def xmi(self, document: ProjectDocument) -> bytes:
        """One document as XMI."""
        name = self._names[document.id]
        # A character for a character, so that offsets stay.
        text, n_replaced = ILLEGAL.subn("\ufffd", document.text)
        self.tally.add(name, "notes on documents", len(document.notes))
        self.tally.add(name, "characters that XML cannot hold, written as \ufffd", n_replaced)
        cas = cassis.Cas(self.types, sofa_string=text, sofa_mime="text/plain")
        units = _units(text)
        cas.add(
            self._new(METADATA, begin=0, end=len(text), language="x-unspecified", documentTitle=name, documentId=name)
        )
        for variable, value, kind in self._values(document):
            cas.add(self._new(VARIABLE, name=variable, value=value, kind=kind))
        for extent in self.project.extents:
            if extent.document == document.id and extent.basis != INFERRED:
                spans = [f"{units[start]}-{units[end]}" for start, end in extent.spans]
                who = self._who(extent.coder)
                cas.add(
                    self._new(
                        EXTENT, basis=extent.basis, spans=self._strings(spans),
                        families=self._strings(extent.families), **who,
                    )
                )  # fmt: skip
        for coding in document.codings:
            cas.add(self._new(WHOLE, **self._coding(coding)))
        for selection in document.selections:
            self._selection(cas, selection, name)
        written: str = cas.to_xmi()
        return written.encode("utf-8")

    def _selection(self, cas: Any, selection: Selection, name: str) -> None:
        at = {"begin": selection.start, "end": selection.end}
        remark = {"remark": _legal(selection.description)} if selection.description else {}
        for coding in selection.codings:
            cas.add(self._new(CODING, **at, **self._coding(coding), **remark))
            remark = {}  # one remark, once
        if not selection.codings:
            created = {"created": selection.created} if selection.created else {}
            cas.add(self._new(CODING, **at, **remark, **self._who(selection.coder), **created))
        add, codings = self.tally.add, selection.codings
        add(name, "labels of selections", int(bool(selection.name)))
        add(
            name, "notes on selections and codings", len(selection.notes) + sum(len(coding.notes) for coding in codings)
        )
        makers = {coding.coder for coding in codings}
        add(
            name, "who marked a selection that others coded", int(bool(makers) and selection.coder not in {"", *makers})
        )
        dates = {"", *(coding.created for coding in codings)}
        add(name, "when selections were marked", int(bool(codings) and selection.created not in dates))

    def _coding(self, coding: Coding) -> dict[str, Any]:
        tag = _legal(self.tags.get(coding.code, coding.code))
        found: dict[str, Any] = {"code": tag, "family": _legal(self._families.get(coding.code, ""))}
        found |= self._who(coding.coder)
        found |= {"explanation": _legal(coding.note), "created": coding.created}
        if coding.score is not None:
            found["score"] = coding.score
        if "model" in found:
            found["suggested"] = tag
        return {key: value for key, value in found.items() if value != ""}

    def _who(self, coder: str) -> dict[str, str]:
        name = _legal(self.project.coder_name(coder))
        return {"model" if coder in self._machines else "coder": name} if name else {}

    def _values(self, document: ProjectDocument) -> list[tuple[str, str, str]]:
        """Variables of a document and of those it is about, each once, as name, value and type."""
        variables = {variable.id: variable for variable in self.project.variables}
        given = list(document.values)
        for case in self.project.cases:
            given += case.values if document.id in case.documents else ()
        found: dict[str, tuple[str, str, str]] = {}
        for one in given:
            if one.variable in variables:
                variable = variables[one.variable]
                kept = found.setdefault(variable.id, (_legal(variable.name), _legal(one.value), variable.type))
                clash = kept[1] != _legal(one.value)
                self.tally.add(self._names[document.id], f"second values of {variable.name!r}", int(clash))
        return list(found.values())

    def _new(self, type: str, **features: Any) -> Any:
        return self.types.get_type(type)(**features)

    def _strings(self, values: Any) -> Any:
        return self.types.get_type(STRINGS)(elements=[_legal(value) for value in values])


def _units(text: str) -> Mapping[int, int]:
    """Where each code point, and the end, stands in UTF-16 units."""
    found, at = {}, 0
    for number, character in enumerate(text):
        found[number] = at
        at += 1 + (character > "\uffff")
    found[len(text)] = at
    return found


def _legal(text: str) -> str:
    return ILLEGAL.sub("\ufffd", text)


def _add(archive: zipfile.ZipFile, name: str, raw: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(info, raw)
