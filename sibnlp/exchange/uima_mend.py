"""A UIMA CAS from a stranger, put right before `cassis` sees it.

`cassis` neither takes a type or feature that the type system lacks, nor a reference that leads nowhere, and it lets an
offset that is none pass for a code point. Worse, it makes Python classes of types, and their source of the names of
features, so that a name in a file is run as code: only identifiers get there, and those that Python keeps for itself
under another name. Offsets are taken out; `sibnlp.exchange.uima_cas` places them, by the text.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

from cassis.typesystem import FeatureStructure
from lxml import etree

from sibnlp.exchange.refixml import Tally
from sibnlp.exchange.uima_layers import ANNOTATION, BASE, FLOAT, OWN, SCORES, STRING, STRINGS

XMI, CAS = "{http://www.omg.org/XMI}", "{http:///uima/cas.ecore}"
SOFA, PLACES = "uima.cas.Sofa", ("begin", "end", "sofa")
_VIEW, _NULL = "uima.cas.View", "uima.cas.NULL"
_ECORE = re.compile(r"\{http:///(.+)\.ecore\}([\w.$-]+)")
MAX_TYPES, MAX_DEPTH = 5_000, 100
"""Of a type system: INCEpTION's own are some 400, a few deep; what `cassis` does with them grows with their square."""
_PREFIX = "sibnlp0"
_TAKEN = frozenset((*dir(FeatureStructure), "self", "type", "xmiID"))
_PLAIN = ("String", "Boolean", "Byte", "Short", "Integer", "Long", "Float", "Double")


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


def check_types(parents: Mapping[str, str]) -> None:
    """Refuse types, by name with the type above each, that are no sound tree.

    Raises:
        ValueError: a name that is none, too many types, or a chain too deep (as a circle is).
    """
    if len(parents) > MAX_TYPES:
        raise ValueError(f"more than {MAX_TYPES} types")
    for name in parents:
        if not is_name(name):
            raise ValueError(f"type {name[:40]!r} has no name that is one")
        at, depth = name, 0
        while at in parents:
            at, depth = parents[at], depth + 1
            if depth > MAX_DEPTH:
                raise ValueError(f"types are more than {MAX_DEPTH} deep")


def is_name(text: str) -> bool:
    """Whether a name is identifiers with dots between, as UIMA wants it."""
    return len(text) < 500 and all(part.isidentifier() for part in text.split("."))


def safe(feature: str) -> str:
    """A feature's name as Python takes it for an attribute; `unsafe` is the way back."""
    taken = feature.startswith("_") or keyword.iskeyword(feature) or feature in _TAKEN
    return _PREFIX + feature if taken else feature


def unsafe(feature: str) -> str:
    """A feature's own name again, of what `safe` made of it."""
    return feature.removeprefix(_PREFIX)


def mend_xmi(root: etree._Element, system: Any, sofa: str, place: str, tally: Tally) -> tuple[set[str], dict[int, Any]]:
    """Declare what is used and lacks, drop what leads nowhere, and take offsets out; ids that stand, and offsets."""
    ids = {sofa}
    kept = []
    for element in list(root):
        name = _type_name(element)
        id = element.get(f"{XMI}id", "")
        if name in (SOFA, _VIEW, _NULL):
            ids |= {id} if name == SOFA else set()
            continue
        if not is_name(name) or not id.isdecimal() or id in ids or not _rename(element):
            tally.add(place, "things that are damaged or doubled")
            root.remove(element)
            continue
        ids.add(id)
        kept.append((element, name, id))
    places = {}
    for element, name, id in kept:
        features = _declare(system, element, name)
        for key, value in [(str(key), str(value)) for key, value in element.attrib.items()]:
            if key.startswith("{") or key in PLACES:
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


def guess_references(root: etree._Element, sofa: str, place: str, tally: Tally) -> None:
    """Without a type system references look like texts: what is made of ids is taken for them, and goes."""
    ids = {element.get(f"{XMI}id", "") for element in root} - {sofa, "", "0"}
    for element in root:
        name = _type_name(element)
        if name.startswith("uima.cas.") or name in OWN:
            continue
        for key, value in [(str(key), str(value)) for key, value in element.attrib.items()]:
            plain = key.startswith("{") or key in (*PLACES, "Governor", "Dependent")
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
    given = [(str(key), str(value)) for key, value in element.attrib.items()]
    wanted = [(key, _range(key, value)) for key, value in given if not key.startswith("{")]
    wanted += [(str(child.tag), STRINGS) for child in element if isinstance(child.tag, str)]
    for key, range in wanted:
        if key not in found:
            found[key] = system.create_feature(type, key, range).rangeType
    return found


def _range(key: str, value: str) -> str:
    return FLOAT if key in SCORES and re.fullmatch(r"\d(\.\d+)?(E-?\d+)?", value) else STRING


def _rename(element: etree._Element) -> bool:
    """Give features names that Python takes; whether all are names at all."""
    keys = [str(key) for key in element.attrib if not str(key).startswith("{")]
    children = [child for child in element if isinstance(child.tag, str)]
    if not all(key.isidentifier() for key in (*keys, *(str(child.tag) for child in children))):
        return False
    for key in keys:
        if safe(key) != key:
            element.set(safe(key), element.attrib.pop(key))
    for child in children:
        child.tag = safe(str(child.tag))
    return True


def _is_plain(range: Any) -> bool:
    """Whether values of a range are values and no references."""
    kind = str(range.name).removeprefix("uima.cas.").removesuffix("Array").removesuffix("List")
    return kind in _PLAIN


def mend_json(data: dict[str, Any], rows: list[dict[str, Any]], sofa: int) -> dict[int, Any]:
    """As `mend_xmi`, for JSON, where types come along and references are marked as such."""
    types = data["%TYPES"] = {name: _renamed(features) for name, features in data.get("%TYPES", {}).items()}
    rows[:] = [_renamed(row) for row in rows]
    check_types({name: str(type.get("%SUPER_TYPE")) for name, type in types.items()})
    ids = {row["%ID"] for row in rows}
    places = {}
    for row in rows:
        name = row["%TYPE"]
        if name == SOFA:
            continue
        own = name.removesuffix("[]")
        if not is_name(own):
            raise ValueError(f"type {own[:40]!r} has no name that is one")
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


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    """A row or a type with names that Python takes for features."""
    found = {}
    for key, value in row.items():
        mark = key[:1] if key[:1] in ("@", "#", "^") else ""
        if not key.startswith("%") and not key.removeprefix(mark).isidentifier():
            raise ValueError(f"{key[:40]!r} is no name of a feature")
        found[key if key.startswith("%") else mark + safe(key.removeprefix(mark))] = value
    return found


def _features(types: dict[str, Any], name: str) -> set[str]:
    found: set[str] = set(PLACES)
    while name in types and name not in found:
        found |= {name, *types[name]}
        name = types[name].get("%SUPER_TYPE", "")
    return found | {"language"}


def _whole(value: Any) -> int | None:
    """A whole number of a size that offsets have; None for anything else."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() and len(value) < 12 else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None
