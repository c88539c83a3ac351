"""A second reader of UIMA CAS XMI, written from the specification alone; imports nothing of sibnlp, nor `cassis`.

UIMA references, chapter 8: elements are feature structures, their namespace ``http:///a/b.ecore`` and name the type
``a.b.Name``; ``sofa`` points to the subject of analysis, ``begin`` and ``end`` count UTF-16 units of its
``sofaString``; a view lists what is indexed. It follows the letter: a feature that the type system does not declare, an
id given twice, a reference to nothing or a place outside the text is an error.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

XMI, CAS = "{http://www.omg.org/XMI}", "{http:///uima/cas.ecore}"
UIMA = "{http://uima.apache.org/resourceSpecifier}"
BUILT_IN = {"uima.tcas.Annotation": ("sofa", "begin", "end"), "uima.cas.AnnotationBase": ("sofa",)}
BUILT_IN["uima.tcas.DocumentAnnotation"] = (*BUILT_IN["uima.tcas.Annotation"], "language")


@dataclass
class Structure:
    """A feature structure: its type, values, and what it covers (annotations only)."""

    type: str
    values: dict[str, str]
    lists: dict[str, list[str]] = field(default_factory=dict)
    covered: str | None = None


@dataclass
class Document:
    text: str
    structures: list[Structure]

    def of(self, type: str) -> list[Structure]:
        return [one for one in self.structures if one.type == type]


def types(raw: bytes) -> tuple[dict[str, set[str]], set[str]]:
    """Features by type, inherited ones too; and names of types that are annotations."""
    parents, own = {}, {}
    for one in etree.fromstring(raw).iter(f"{UIMA}typeDescription"):
        name = one.findtext(f"{UIMA}name")
        parents[name] = one.findtext(f"{UIMA}supertypeName")
        own[name] = {str(f.findtext(f"{UIMA}name")) for f in one.iter(f"{UIMA}featureDescription")}
        assert all(f.findtext(f"{UIMA}rangeTypeName") for f in one.iter(f"{UIMA}featureDescription"))
    found, annotations = {}, set()
    for name in parents:
        features, at = set(), name
        while at in parents:
            features |= own[at]
            at = parents[at]
        if at in ("uima.tcas.Annotation", "uima.tcas.DocumentAnnotation"):
            annotations.add(name)
        found[name] = features | set(BUILT_IN[at])
    return found, annotations


def document(raw: bytes, known: dict[str, set[str]], annotations: set[str]) -> Document:
    root = etree.fromstring(raw)
    assert root.tag == f"{XMI}XMI" and root.get(f"{XMI}version") == "2.0"
    (sofa,) = root.iter(f"{CAS}Sofa")
    assert sofa.get("sofaID") == "_InitialView" and sofa.get("sofaNum") == "1"
    text = sofa.get("sofaString")
    units = text.encode("utf-16-le")
    (view,) = root.iter(f"{CAS}View")
    assert view.get("sofa") == sofa.get(f"{XMI}id")
    members = view.get("members").split()
    ids = [one.get(f"{XMI}id") for one in root if one.tag != f"{CAS}View"]
    assert len(set(ids)) == len(ids) and len(set(members)) == len(members)
    found = {}
    for one in root:
        if one.tag.startswith(CAS):
            continue
        space, name = one.tag[1:].split("}")
        assert space.startswith("http:///") and space.endswith(".ecore")
        type = space[len("http:///") : -len(".ecore")].replace("/", ".") + "." + name
        values = {key: value for key, value in one.attrib.items() if not key.startswith("{")}
        lists: dict[str, list[str]] = {}
        for child in one:
            lists.setdefault(child.tag, []).append(child.text or "")
        assert set(values) | set(lists) <= known[type], f"undeclared features in {type}"
        assert values.pop("sofa") == sofa.get(f"{XMI}id")
        structure = Structure(type, values, lists)
        if type in annotations:
            begin, end = int(values["begin"]), int(values["end"])
            assert 0 <= begin <= end <= len(units) // 2
            structure.covered = units[2 * begin : 2 * end].decode("utf-16-le")  # fails inside a character
        found[one.get(f"{XMI}id")] = structure
    assert set(members) == set(found)
    return Document(text, [found[id] for id in members])


def read(path: Path) -> dict[str, Document]:
    """All documents of an archive, by the names of their files."""
    with zipfile.ZipFile(path) as package:
        known, annotations = types(package.read("TypeSystem.xml"))
        return {
            name.removesuffix(".xmi"): document(package.read(name), known, annotations)
            for name in package.namelist()
            if name.endswith(".xmi")
        }
