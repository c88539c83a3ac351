"""One UIMA CAS, from XMI or JSON: its text, and what is marked in it.

`cassis` knows the formats; files of other programs, and of strangers, are put right before it sees them, for it neither
takes a type or feature that the type system lacks, nor a reference that leads nowhere, and it lets an offset that is
none pass for a code point. So XML is parsed as hostile first, types and features that are used are declared, references
that lead nowhere go, and offsets are placed here, by the text.

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
from sibnlp.exchange.uima_layers import ANNOTATION, BASE, FLOAT, METADATA, OWN, SCORES, STRING, STRINGS
from sibnlp.parsing import archive

Span = tuple[int, int]
_XMI, _ECORE = "{http://www.omg.org/XMI}", re.compile(r"\{http:///(.+)\.ecore\}([\w.$-]+)")
_SOFA, _VIEW, _NULL = "uima.cas.Sofa", "uima.cas.View", "uima.cas.NULL"
_CAS = "{http:///uima/cas.ecore}"
_MAIN_VIEW = "_InitialView"
_PLACES = ("begin", "end", "sofa")
_PLAIN = ("String", "Boolean", "Byte", "Short", "Integer", "Long", "Float", "Double")
# XML 1.1 may name control characters; nothing else in it matters to us.
_XML_1_1 = re.compile(rb"(<\?xml[^>]{0,80}?version\s*=\s*[\"'])1\.1([\"'])")
_CONTROL = re.compile(rb"&#(?:x0*(?:[1-8bcef]|1[0-9a-f])|0*(?:[1-8]|1[124-9]|2\d|3[01]));", re.IGNORECASE)
_UNSOUND = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError, TypeNotFoundError)


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
    archive.parse_xml(raw.lstrip(), path)  # refuses what `cassis` would follow
    try:
        return cassis.load_typesystem(io.BytesIO(raw.lstrip()))
    except _UNSOUND as error:
        raise ReadError(path, f"its type system is not sound ({_short(error)})", "export it again") from error


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
    if root.tag != f"{_XMI}XMI":
        raise ReadError(path, "is XML but no UIMA CAS XMI", "export it as UIMA CAS XMI")
    system = types_of(types, path) if types else cassis.TypeSystem()
    sofas = [(one.get(f"{_XMI}id") or "", one.get("sofaID"), one.get("sofaString")) for one in root.iter(f"{_CAS}Sofa")]
    sofa, name, text = _main(sofas, path, place, tally)
    if not types:
        _guess_references(root, sofa, place, tally)
    ids, places = _mend_xmi(root, system, sofa, place, tally)
    for view in root.iter(f"{_CAS}View"):
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
        sofas = [(str(row["%ID"]), row.get("sofaID"), row.get("sofaString")) for row in rows if row["%TYPE"] == _SOFA]
        sofa, name, text = _main(sofas, path, place, tally)
        places = _mend_json(data, rows, int(sofa))
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


def _mend_xmi(
    root: etree._Element, system: Any, sofa: str, place: str, tally: Tally
) -> tuple[set[str], dict[int, Any]]:
    """Declare what is used and lacks, drop what leads nowhere, and take offsets out; ids that stand, and offsets."""
    ids = {sofa}
    kept = []
    for element in list(root):
        name = _type_name(element)
        id = element.get(f"{_XMI}id", "")
        if name in (_SOFA, _VIEW, _NULL):
            ids |= {id} if name == _SOFA else set()
            continue
        if not name or not id.isdecimal() or id in ids:
            tally.add(place, "things that are damaged or doubled")
            root.remove(element)
            continue
        ids.add(id)
        kept.append((element, name, id))
    places = {}
    for element, name, id in kept:
        features = _declare(system, element, name)
        for key, value in [(str(key), str(value)) for key, value in element.attrib.items()]:
            if key.startswith("{") or key in _PLACES:
                continue
            # A list or array of references is ids one after the other.
            if not _is_plain(features[key]) and not set(value.split()) <= ids:
                del element.attrib[key]
                tally.add(place, "references that lead nowhere")
        if "sofa" in element.attrib or "begin" in element.attrib:
            element.set("sofa", element.get("sofa", "") if element.get("sofa") in ids else sofa)
        if system.is_instance_of(name, ANNOTATION):
            places[int(id)] = (_whole(element.get("begin")), _whole(element.get("end")))
            element.set("begin", "0")
            element.set("end", "0")
    return ids, places


def _guess_references(root: etree._Element, sofa: str, place: str, tally: Tally) -> None:
    """Without a type system references look like texts: what is made of ids is taken for them, and goes."""
    ids = {element.get(f"{_XMI}id", "") for element in root} - {sofa, "", "0"}
    for element in root:
        name = _type_name(element)
        if name.startswith("uima.cas.") or name in OWN:
            continue
        for key, value in [(str(key), str(value)) for key, value in element.attrib.items()]:
            plain = key.startswith("{") or key in (*_PLACES, "Governor", "Dependent")
            if not plain and value.strip() and set(value.split()) <= ids:
                del element.attrib[key]
                what = f"values of {key!r} that look like references: there is no TypeSystem.xml beside it to tell"
                tally.add(place, what, int(not is_structure(name)))


def _type_name(element: etree._Element) -> str:
    found = _ECORE.fullmatch(element.tag) if isinstance(element.tag, str) else None
    return "" if found is None else f"{found[1].replace('/', '.')}.{found[2]}".removeprefix("uima.noNamespace.")


def _declare(system: Any, element: etree._Element, name: str) -> dict[str, Any]:
    """Ranges of an element's features, after those that the type system lacks are declared as texts."""
    if not system.contains_type(name, True):
        parent = ANNOTATION if "begin" in element.attrib and "end" in element.attrib else BASE
        system.create_type(name, parent if "sofa" in element.attrib or parent == ANNOTATION else "uima.cas.TOP")
    type = system.get_type(name, True)
    found = {feature.name: feature.rangeType for feature in type.all_features}
    for key in ("self", "type"):
        if f"{key}_" in found:
            found[key] = found[f"{key}_"]
    given = [(str(key), str(value)) for key, value in element.attrib.items()]
    wanted = [(key, _range(key, value)) for key, value in given if not key.startswith("{")]
    wanted += [(str(child.tag), STRINGS) for child in element if isinstance(child.tag, str)]
    for key, range in wanted:
        if key not in found:
            found[key] = system.create_feature(type, key, range).rangeType
    return found


def _range(key: str, value: str) -> str:
    return FLOAT if key in SCORES and re.fullmatch(r"\d(\.\d+)?(E-?\d+)?", value) else STRING


def _is_plain(range: Any) -> bool:
    """Whether values of a range are values and no references."""
    kind = str(range.name).removeprefix("uima.cas.").removesuffix("Array").removesuffix("List")
    return kind in _PLAIN


def _mend_json(data: dict[str, Any], rows: list[dict[str, Any]], sofa: int) -> dict[int, Any]:
    """As `_mend_xmi`, for JSON, where types come along and references are marked as such."""
    types = data.setdefault("%TYPES", {})
    ids = {row["%ID"] for row in rows}
    places = {}
    for row in rows:
        name = row["%TYPE"]
        if name == _SOFA:
            continue
        own = name.removesuffix("[]")
        if own not in types and not own.startswith("uima."):
            types[own] = {"%NAME": own, "%SUPER_TYPE": ANNOTATION if "begin" in row else BASE}
        if own in types and not name.endswith("[]"):
            known = _features(types, own)
            for key, value in row.items():
                if key[0] not in "%@#^" and key not in known and isinstance(value, str):
                    types[own][key] = {"%NAME": key, "%RANGE": STRING}
        if "begin" in row or "end" in row:
            places[row["%ID"]] = (_whole(row.get("begin")), _whole(row.get("end")))
            row |= {"begin": 0, "end": 0, "@sofa": row["@sofa"] if row.get("@sofa") in ids else sofa}
    for view in data["%VIEWS"].values():
        view["%MEMBERS"] = [id for id in dict.fromkeys(view["%MEMBERS"]) if id in ids]
    data["%FEATURE_STRUCTURES"] = rows
    return places


def _features(types: dict[str, Any], name: str) -> set[str]:
    found: set[str] = set(_PLACES)
    while name in types and name not in found:
        found |= {name, *types[name]}
        name = types[name].get("%SUPER_TYPE", "")
    return found | {"language"}


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


def is_structure(layer: str) -> bool:
    """Whether a type says how a text is built, or how INCEpTION keeps it, and nothing that somebody coded."""
    return layer.startswith(_STRUCTURE)


_STRUCTURE = (
    "uima.",
    "de.tudarmstadt.ukp.dkpro.core.api.segmentation.",
    "de.tudarmstadt.ukp.dkpro.core.api.metadata.",
    "de.tudarmstadt.ukp.clarin.webanno.api.type.",
    "de.tudarmstadt.ukp.inception.api.type.",
    "org.dkpro.core.api.xml.",
    "org.dkpro.core.api.pdf.",
)


def _mark(fs: Any, system: Any) -> Mark:
    found = Mark(fs.type.name, None)
    references = set()
    for feature in fs.type.all_features:
        name, value = feature.name, getattr(fs, feature.name)
        if name in _PLACES or value is None:
            continue
        kind = feature.rangeType.name.rpartition(".")[2] if feature.rangeType.name.startswith("uima.cas.") else ""
        name = name[:-1] if name in ("self_", "type_") else name
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


def _whole(value: Any) -> int | None:
    """A whole number of a size that offsets have; None for anything else."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() and len(value) < 12 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:140]
