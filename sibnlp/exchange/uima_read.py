"""UIMA CAS as a coded project: layers and features read as codes.

What is a code is read off the layers. Every text feature of a span layer gives codes, its values: under the feature's
name where it is one of several, else under the layer's; true Booleans give the feature's name; a span of a layer
without values the layer's name. Features called as remarks are, and features with long values, are remarks. Layers that
say how a text is built (tokens, sentences, pages) are none. In the layer ``Coding`` of our own exports features mean
what `sibnlp.exchange.uima_layers` says.

A model's suggestion that somebody gave another code is that person's. One that stands as it was is also the person's in
a document that he marked finished, and the model's alone in any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sibnlp.errors import ReadError
from sibnlp.exchange import Options
from sibnlp.exchange.project import (
    ASKED,
    RECORDED,
    Coder,
    Coding,
    Extent,
    Project,
    ProjectCode,
    ProjectDocument,
    Selection,
    Value,
    Variable,
)
from sibnlp.exchange.refi_read import check_system
from sibnlp.exchange.refixml import Tally
from sibnlp.exchange.systems import System
from sibnlp.exchange.uima_cas import Content, Mark, Span, from_json, from_xmi
from sibnlp.exchange.uima_files import File, Package
from sibnlp.exchange.uima_layers import CODING, EXTENT, SCORES, VARIABLE, WHOLE, tree

_CODES = ("code", "codes", "value", "label", "tag", "category", "kategorie", "class", "identifier")
_REMARKS = ("explanation", "rationale", "reason", "note", "notes", "comment", "comments", "remark", "remarks", "memo",
            "description", "begründung", "kommentar", "notiz", "bemerkung")  # fmt: skip
_LONG = 80
"""Longer values of a feature, or such of several lines, make it a feature for remarks."""


def read(path: Path, options: Options) -> Project:
    """Read an export as a project.

    Raises:
        ReadError: not one CAS in it can be read.
        TableError: ``options.offsets`` is no coordinate system.
    """
    tally = Tally()
    package = Package(path, tally)
    reader = _Reader(package, tally, check_system(options.offsets))
    for file in package.files():
        reader.take(file)
    return reader.project()


@dataclass(slots=True)
class _Read:
    """A CAS and where it comes from."""

    file: File
    content: Content
    name: str


@dataclass(slots=True)
class _Text:
    """A document in the making: codings by span and by what they say, remarks, values, what was read."""

    id: str
    name: str
    text: str
    spans: dict[Span, dict[tuple[str, str], Coding]] = field(default_factory=dict)
    remarks: dict[Span, dict[str, str]] = field(default_factory=dict)
    whole: dict[tuple[str, str], Coding] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)


class _Reader:
    def __init__(self, package: Package, tally: Tally, asked: System | None) -> None:
        self.package, self.tally, self.asked = package, tally, asked
        self.reads: list[_Read] = []
        self.texts: dict[str, _Text] = {}
        self.codes: dict[tuple[str, str], ProjectCode] = {}
        self.coders: dict[str, Coder] = {}
        self.variables: dict[str, Variable] = {}
        self.known: dict[str, ProjectCode] = {}
        self.remarks: set[tuple[str, str]] = set()
        self.several: set[str] = set()
        self.errors: list[ReadError] = []

    def take(self, file: File) -> None:
        """Read one CAS; what is wrong with it stays with it."""
        path, place = self.package.path, f"{file.document} ({file.user})" if file.document else file.place
        try:
            if file.place.lower().endswith(".json") or file.raw.lstrip()[:1] == b"{":
                content = from_json(file.raw, path, place, self.tally, self.asked)
            else:
                content = from_xmi(file.raw, file.types, path, place, self.tally, self.asked)
        except ReadError as error:
            self.errors.append(error)
            self.tally.add(place[:120], error.problem, failed=True)
            return
        self.reads.append(_Read(file, content, _name(file, content)))

    def project(self) -> Project:
        """All of them as one project.

        Raises:
            ReadError: none could be read.
        """
        if not self.reads:
            first = self.errors[0] if self.errors else None
            problem = first.problem if first else "holds no UIMA CAS (.xmi, or .json with %FEATURE_STRUCTURES)"
            lost = [str(one) for one in self.tally.problems() if one.failed]
            raise ReadError(self.package.path, problem if first or not lost else lost[0], first.fix if first else "")
        self.known = tree(self.package.tagset)
        self._learn_layers()
        for read in self.reads:
            self._add(read)
        documents = tuple(self._document(text) for text in self.texts.values())
        extents = tuple(extent for text in self.texts.values() for extent in text.extents.values())
        codes = (*self.known.values(), *self.codes.values())
        return Project(
            self._project_name(), codes, tuple(self.coders.values()), documents, tuple(self.variables.values()),
            extents=extents, problems=self.tally.problems(), description=self._said("description"), origin="UIMA CAS",
        )  # fmt: skip

    def _said(self, key: str) -> str:
        raw = self.package.tagset
        return str(raw.get(key) or "") if self.known and isinstance(raw, dict) else ""

    def _project_name(self) -> str:
        return self._said("name") or self.package.path.stem

    def _learn_layers(self) -> None:
        """Find features whose values are remarks, and layers with several features of codes."""
        features: dict[str, set[str]] = {}
        for read in self.reads:
            for mark in read.content.marks:
                for key, values in mark.strings.items():
                    long = any(len(value) > _LONG or "\n" in value for value in values)
                    if (key.lower() in _REMARKS or long) and (mark.layer, key) not in self.remarks:
                        self.remarks.add((mark.layer, key))
                        if key.lower() not in _REMARKS and mark.span and mark.layer != CODING:
                            what = f"its feature {key!r} has long values, so they are read as remarks and not as codes"
                            self.tally.add(f"layer {_short(mark.layer)}", what)
                    features.setdefault(mark.layer, set()).add(key)
        for layer, keys in features.items():
            coding = {key for key in keys if (layer, key) not in self.remarks}
            if len(coding) > 1:
                self.several.add(layer)

    def _add(self, read: _Read) -> None:
        text = self.texts.get(read.name)
        if text is None:
            text = self.texts[read.name] = _Text(f"document {len(self.texts) + 1}", read.name, read.content.text)
        elif text.text != read.content.text:
            what = f"another text than {read.name!r} has elsewhere, so its codings are left out"
            self.tally.add(read.file.place[:120], what, failed=True)
            return
        user = self._coder(read.file.user, False)
        finished = (read.file.document, read.file.user) in self.package.finished
        if finished and user and text.text:
            text.extents[user] = Extent(user, text.id, ((0, len(text.text)),), (), RECORDED)
        for mark in read.content.marks:
            if mark.layer in (CODING, WHOLE):
                self._own(mark, text, user, finished)
            elif mark.layer == EXTENT:
                self._extent(mark, text, read.content)
            elif mark.relates:
                self.tally.add(text.name, f"relations and links of layer {_short(mark.layer)}")
            elif mark.span is None:
                self._variables(mark, text)
            else:
                self._codes(mark, text, user)

    def _own(self, mark: Mark, text: _Text, user: str, finished: bool) -> None:
        """A coding of the layer of our own exports; a code that a person gave there has no more than a code."""
        said = {key: values[0] for key, values in mark.strings.items() if values and values[0]}
        coder = self._coder(said["coder"], False) if said.get("coder") else user
        model = self._coder(said["model"], True) if said.get("model") else ""
        tag = said.get("code", "")
        if mark.span and said.get("remark"):
            text.remarks.setdefault(mark.span, {})[said["remark"]] = coder
        if not tag:
            if mark.span:
                text.spans.setdefault(mark.span, {})
                text.remarks.setdefault(mark.span, {}).setdefault(said.get("remark", ""), coder)
            return
        code = self._code(said.get("family", ""), tag)
        created, note, score = said.get("created", ""), said.get("explanation", ""), mark.numbers.get("score")
        corrected = bool(model) and said.get("suggested", tag) != tag
        if model and not corrected:
            self._put(text, mark.span, code, model, created, score, note)
            if not finished or not user:
                self.tally.add(
                    text.name,
                    "suggestions of a model in a document not marked finished: not the coder's",
                    bool(user),
                )
                return
            coder, created, score, note = user, "", None, ""
        elif corrected:
            created, score, note = "", None, ""
        self._put(text, mark.span, code, coder, created, score, note)

    def _codes(self, mark: Mark, text: _Text, user: str) -> None:
        """A span of somebody's own layer."""
        layer = _short(mark.layer)
        notes, found = [], []
        for key, values in mark.strings.items():
            if (mark.layer, key) in self.remarks:
                own = key.lower() in _REMARKS
                notes += [value if own else f"{key}: {value}" for value in values if value]
                continue
            above = key if mark.layer in self.several and key.lower() not in _CODES else layer
            found += [self._code(above, value) for value in values if value]
        found += [self._code(layer, key) for key, is_so in mark.flags.items() if is_so]
        scores = [value for key, value in mark.numbers.items() if key.lower() in SCORES and 0 <= value <= 1]
        self.tally.add(text.name, f"numbers of layer {layer}", len(mark.numbers) - len(scores))
        for code in found or [self._code("", layer)]:
            self._put(text, mark.span, code, user, "", scores[0] if scores else None, "\n".join(notes))

    def _put(
        self, text: _Text, span: Span | None, code: str, coder: str, created: str, score: float | None, note: str
    ) -> None:
        home = text.whole if span is None else text.spans.setdefault(span, {})
        at = "whole" if span is None else f"{span[0]}-{span[1]}"
        coding = Coding(f"coding {text.id} {at} {coder} {code}", code, coder, created, score, note)
        kept = home.setdefault((code, coder), coding)
        # Users' files begin as copies of one file, so what is alike in several is one.
        self.tally.add(text.name, "codings given twice", int(kept != coding))

    def _extent(self, mark: Mark, text: _Text, content: Content) -> None:
        said = {key: values for key, values in mark.strings.items() if values}
        coder = self._coder(said["coder"][0], False) if said.get("coder") else ""
        coder = self._coder(said["model"][0], True) if said.get("model") else coder
        pairs = [one.partition("-") for one in said.get("spans", ())]
        fitting = [(int(a), int(b)) for a, _, b in pairs if a.isdecimal() and b.isdecimal() and len(a + b) < 24]
        spans = [span for span in content.place(fitting) if span]
        if len(spans) != len(pairs):
            self.tally.add(text.name, "records of what was read that do not fit the text")
            return
        basis = ASKED if said.get("basis") == [ASKED] else RECORDED
        text.extents.setdefault(coder, Extent(coder, text.id, tuple(spans), tuple(said.get("families", ())), basis))

    def _variables(self, mark: Mark, text: _Text) -> None:
        if mark.layer == VARIABLE:
            said = {key: values[0] for key, values in mark.strings.items() if values}
            pairs = [(said.get("name", ""), said.get("value", ""), said.get("kind", "Text"))]
        else:
            pairs = [(key, "; ".join(values), "Text") for key, values in mark.strings.items()]
            pairs += [(key, "true" if is_so else "false", "Boolean") for key, is_so in mark.flags.items()]
            pairs += [(key, f"{value:g}", "Float") for key, value in mark.numbers.items()]
        for name, value, kind in pairs:
            if name and value:
                id = f"variable {name}"
                self.variables.setdefault(id, Variable(id, name, kind))
                kept = text.values.setdefault(id, value)
                self.tally.add(text.name, f"second values of {name!r}", int(kept != value))

    def _coder(self, name: str, machine: bool) -> str:
        if not name:
            return ""
        id = f"{'model' if machine else 'coder'} {name}"
        self.coders.setdefault(id, Coder(id, name, machine))
        return id

    def _code(self, family: str, tag: str) -> str:
        if tag in self.known:
            return self.known[tag].id
        parent = self._code("", family) if family and family != tag else ""
        own = ProjectCode(f"code {family}: {tag}", tag, self.package.descriptions.get(tag, ""), parent)
        return self.codes.setdefault(("" if not parent else family, tag), own).id

    def _document(self, text: _Text) -> ProjectDocument:
        selections = []
        for span in sorted(text.spans):
            codings = tuple(text.spans[span].values())
            remarks = text.remarks.get(span, {})
            coder = next(iter(remarks.values()), "") if not codings else ""
            description = "\n".join(remark for remark in remarks if remark)
            id = f"selection {text.id} {span[0]}-{span[1]}"
            selections.append(Selection(id, *span, codings, description=description, coder=coder))
        values = tuple(Value(variable, value) for variable, value in text.values.items())
        return ProjectDocument(
            text.id,
            text.name,
            text.text,
            selections=tuple(selections),
            codings=tuple(text.whole.values()),
            values=values,
        )


def _name(file: File, content: Content) -> str:
    """Name of a document: as INCEpTION calls it, as the CAS does, or as its file; without the ending of exports."""
    name = file.document or content.title or Path(file.place.replace("\\", "/")).name
    for suffix in (".xmi", ".json", ".zip"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    return name.strip() or "document"


def _short(layer: str) -> str:
    return layer.rpartition(".")[2] or layer
