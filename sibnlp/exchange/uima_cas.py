"""One UIMA CAS, from XMI or JSON: its text, and what is marked in it.

`cassis` knows the formats; what it cannot bear is put right before, by `sibnlp.exchange.uima_mend`.

Sources: UIMA references, chapter 8 (XMI); "UIMA CAS JSON 0.4.0" as INCEpTION writes it.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cassis
import numpy as np
from cassis.typesystem import TypeNotFoundError
from lxml import etree

from sibnlp.errors import ReadError
from sibnlp.exchange.edges import Classes
from sibnlp.exchange.refixml import Tally
from sibnlp.exchange.systems import UTF16, Ruler, SourceText, System
from sibnlp.exchange.uima_layers import BASE, METADATA
from sibnlp.exchange.uima_mend import (
    CAS,
    PLACES,
    SOFA,
    XMI,
    check_types,
    guess_references,
    is_structure,
    mend_json,
    mend_xmi,
    safe,
    unsafe,
)
from sibnlp.parsing import archive

Span = tuple[int, int]
_MAIN_VIEW = "_InitialView"
# XML 1.1 may name control characters; nothing else in it matters to us.
_XML_1_1 = re.compile(rb"(<\?xml[^>]{0,80}?version\s*=\s*[\"'])1\.1([\"'])")
_CONTROL = re.compile(rb"&#(?:x0*(?:[1-8bcef]|1[0-9a-f])|0*(?:[1-8]|1[124-9]|2\d|3[01]));", re.IGNORECASE)
_UNSOUND = (SyntaxError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError, TypeNotFoundError)


@dataclass(slots=True)
class Mark:
    """One thing that is said of a text or a stretch of it.

    Attributes:
        layer: name of the type.
        span: code points of the text of record; None for what is said of the document as a whole.
        strings, numbers, flags: values by feature.
        relates: whether it only relates other marks.
    """

    layer: str
    span: Span | None
    strings: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    relates: bool = False


@dataclass(slots=True)
class Content:
    """A CAS as far as coding goes.

    Attributes:
        text: text of record.
        marks: in order of place, then of id.
        ruler: translates offsets of the CAS.
        title: the document's, where the CAS has one.
    """

    text: str
    marks: list[Mark]
    ruler: Ruler
    title: str = ""

    def place(self, spans: Iterable[Span]) -> list[Span | None]:
        """Spans of the CAS as code points; None for those that are empty, outside or inside a character."""
        return _place(self.ruler, len(self.text), list(spans))


def types_of(raw: bytes, path: Path) -> Any:
    """A type system from its XML.

    Raises:
        ReadError: damaged, unsafe, or none.
    """
    root = archive.parse_xml(raw.lstrip(), path)  # refuses what `cassis` would follow
    described = list(root.iter("{*}typeDescription"))
    try:
        check_types({_text(one, "name"): _text(one, "supertypeName") for one in described})
    except ValueError as error:
        raise ReadError(path, f"its type system is not sound ({error})", "export it again") from error
    for one in described:
        features = one.findall("{*}features/{*}featureDescription/{*}name")
        for element in features:
            if not (element.text or "").strip().isidentifier():
                name = (element.text or "").strip()[:40]
                raise ReadError(path, f"its type system calls a feature {name!r}, which is no name; refused")
        for element in features:
            element.text = safe((element.text or "").strip())
    try:
        return cassis.load_typesystem(io.BytesIO(etree.tostring(root)))
    except _UNSOUND as error:
        raise ReadError(path, f"its type system is not sound ({_short(error)})", "export it again") from error


def _text(element: etree._Element, child: str) -> str:
    return (element.findtext(f"{{*}}{child}") or "").strip()


def from_xmi(raw: bytes, types: bytes | None, path: Path, place: str, tally: Tally, asked: System | None) -> Content:
    """A CAS from XMI.

    Args:
        raw, types: the files' bytes; without types everything with a place is an annotation, and all values are texts.
        path, place: for messages.
        tally: takes what is lost.
        asked: coordinate system, where a person overrules the specification.

    Raises:
        ReadError: no XMI, unsafe, or without a text.
    """
    if _XML_1_1.match(raw.lstrip()):
        raw, n = _CONTROL.subn(b"&#xFFFD;", _XML_1_1.sub(rb"\g<1>1.0\2", raw.lstrip(), count=1))
        tally.add(place, "control characters, read as \ufffd", n)
    root = archive.parse_xml(raw.lstrip(), path)
    if root.tag != f"{XMI}XMI":
        raise ReadError(path, "is XML but no UIMA CAS XMI", "export it as UIMA CAS XMI")
    system = types_of(types, path) if types else cassis.TypeSystem()
    sofas = [(one.get(f"{XMI}id") or "", one.get("sofaID"), one.get("sofaString")) for one in root.iter(f"{CAS}Sofa")]
    sofa, name, text = _main(sofas, path, place, tally)
    if not types:
        guess_references(root, sofa, place, tally)
    try:
        ids, places = mend_xmi(root, system, sofa, place, tally)
    except _UNSOUND as error:
        raise ReadError(path, f"not a sound UIMA CAS ({_short(error)})", "export it again") from error
    for view in root.iter(f"{CAS}View"):
        view.set("members", " ".join(dict.fromkeys(id for id in view.get("members", "").split() if id in ids)))
    cas = _load(lambda: cassis.load_cas_from_xmi(io.BytesIO(etree.tostring(root)), system, lenient=True), path)
    return _content(cas, name, text, places, place, tally, asked, path)


def from_json(raw: bytes, path: Path, place: str, tally: Tally, asked: System | None) -> Content:
    """A CAS from JSON; arguments and errors as `from_xmi`."""
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReadError(path, f"not JSON ({str(error)[:120]})") from error
    try:
        rows = data["%FEATURE_STRUCTURES"]
        rows = [{**row, "%ID": int(id)} for id, row in rows.items()] if isinstance(rows, dict) else rows
        sofas = [(str(row["%ID"]), row.get("sofaID"), row.get("sofaString")) for row in rows if row["%TYPE"] == SOFA]
        sofa, name, text = _main(sofas, path, place, tally)
        places = mend_json(data, rows, int(sofa))
    except _UNSOUND as error:
        raise ReadError(path, f"not a UIMA CAS in JSON ({_short(error)})", "export it again") from error
    cas = _load(lambda: cassis.load_cas_from_json(json.dumps(data), lenient=True), path)
    return _content(cas, name, text, places, place, tally, asked, path)


def _main(sofas: list[tuple[str, Any, Any]], path: Path, place: str, tally: Tally) -> tuple[str, str, str]:
    """Id, name and text of the view that people code in."""
    texts = [(id, name, text) for id, name, text in sofas if isinstance(text, str) and text and isinstance(name, str)]
    if not texts:
        raise ReadError(path, "the CAS holds no text", "export documents of text")
    tally.add(place, "further views of the document", len(texts) - 1)
    return next((one for one in texts if one[1] == _MAIN_VIEW), texts[0])


def _load(load: Any, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load()
    except (*_UNSOUND, RecursionError, etree.XMLSyntaxError) as error:
        raise ReadError(path, f"not a sound UIMA CAS ({_short(error)})", "export it again") from error


def _content(
    cas: Any, view: str, raw: str, places: dict[int, Any], place: str, tally: Tally, asked: System | None, path: Path
) -> Content:
    clean = re.sub("[\ud800-\udfff]", "\ufffd", raw)  # halves of characters; as long as what they stand for
    source = SourceText(clean)
    breaks = 0 if source.mixed is not None else source.break_in_file
    ruler = Ruler(source, Classes(source.text).codes, asked or System(UTF16, breaks, source.has_mark))
    found = sorted(cas.get_view(view).select_all_fs(), key=lambda fs: int(fs.xmiID))
    try:
        marks = [(_mark(fs, cas.typesystem), places.get(fs.xmiID)) for fs in found]
    except _UNSOUND as error:
        raise ReadError(path, f"not a sound UIMA CAS ({_short(error)})", "export it again") from error
    spans = iter(_place(ruler, len(source.text), [at for _, at in marks if at]))
    kept = []
    for mark, at in marks:
        mark.span = next(spans) if at else None
        kept.append((mark, at is not None))
    titles = [title for mark, _ in marks if mark.layer == METADATA for title in mark.strings.get("documentTitle", ())]
    return Content(source.text, list(_inside(kept, place, tally)), ruler, next(iter(titles), ""))


def _inside(marks: list[tuple[Mark, bool]], place: str, tally: Tally) -> Iterator[Mark]:
    for mark, is_span in marks:
        if is_span and mark.span is None and not is_structure(mark.layer):
            tally.add(place, "selections that are empty, outside the text or inside a character")
        elif not is_structure(mark.layer):
            yield mark


def _mark(fs: Any, system: Any) -> Mark:
    found = Mark(fs.type.name, None)
    references = set()
    for feature in fs.type.all_features:
        name, value = feature.name, getattr(fs, feature.name)
        if name in PLACES or value is None:
            continue
        kind = feature.rangeType.name.rpartition(".")[2] if feature.rangeType.name.startswith("uima.cas.") else ""
        name = unsafe(name)
        if kind == "String":
            found.strings[name] = [str(value)]
        elif kind == "StringArray":
            found.strings[name] = [str(one) for one in value.elements or () if one is not None]
        elif kind == "Boolean":
            found.flags[name] = bool(value)
        elif kind in ("Integer", "Float", "Double", "Long", "Short", "Byte"):
            found.numbers[name] = float(value)
        else:
            references.add(name)
    # Without a type system, references are texts. What is of no text at all is the link of a slot or a chain.
    found.relates = {"Governor", "Dependent"} <= references | set(found.strings) or bool(references & {"first", "next"})
    found.relates = found.relates or not system.is_instance_of(fs.type, BASE)
    return found


def _place(ruler: Ruler, n: int, spans: list[Any]) -> list[Span | None]:
    flat = np.array([(-9, -9) if None in span else span for span in spans], dtype=np.int64).reshape(-1, 2)
    starts, ends = ruler.place(flat[:, 0]).tolist(), ruler.place(flat[:, 1]).tolist()
    return [(start, end) if 0 <= start < end <= n else None for start, end in zip(starts, ends, strict=True)]


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:140]
