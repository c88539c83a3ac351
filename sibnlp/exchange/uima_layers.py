"""What reading and writing UIMA CAS share: names of the layers and features of our own exports, the tagset.

A coding is a span of the layer `CODING`, which INCEpTION makes of the exported ``TypeSystem.xml``. What INCEpTION's
span layers have no place for (what was read, variables, codings of whole documents) is no annotation in UIMA's sense:
INCEpTION passes over it, and we read it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sibnlp.exchange.project import Project, ProjectCode

CODING = "webanno.custom.Coding"
WHOLE = "webanno.custom.SibnlpDocumentCoding"
EXTENT = "webanno.custom.SibnlpExtent"
VARIABLE = "webanno.custom.SibnlpVariable"
OWN = (CODING, WHOLE, EXTENT, VARIABLE)
METADATA = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
ANNOTATION, BASE, DOCUMENT = "uima.tcas.Annotation", "uima.cas.AnnotationBase", "uima.tcas.DocumentAnnotation"
STRING, STRINGS, FLOAT = "uima.cas.String", "uima.cas.StringArray", "uima.cas.Float"

CODING_FEATURES: Mapping[str, str] = {
    "code": "the code, a tag of the tagset",
    "family": "the code at the top of the tree that the code is of",
    "coder": "who gave the code; empty for whoever works in INCEpTION",
    "model": "the model that gave the code; empty for people",
    "score": "the model's calibrated probability",
    "explanation": "why",
    "remark": "a remark on the selection",
    "created": "when, as ISO 8601",
    "suggested": "the code as the model gave it: a code that is another now is a person's",
}
"""Features of `CODING` and `WHOLE`, with what they mean; all are strings but the score."""

SCORES = ("score", "confidence", "probability")
"""Names of features, in any layer, that hold how sure a model is."""
TYPE_SYSTEM, TAGSET = "TypeSystem.xml", "tagset.json"
TREE = "sibnlp_codes"
"""Key of the tagset that holds the tree of codes; INCEpTION ignores keys it does not know."""


def is_json(head: bytes) -> bool:
    """Whether a file begins like a CAS in JSON and no other JSON."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] == b"{" and bool(re.match(rb'\{\s*"%(TYPES|VIEWS|FEATURE_STRUCTURES)"', start))


def labels(project: Project) -> dict[str, str]:
    """A tag for each code: its name; where two would be alike, with the name of the code above in front."""
    names = {code.id: code.name for code in project.codes}
    twice = {name for name in names.values() if list(names.values()).count(name) > 1}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for code in project.codes:
        tag = code.name or "code"
        if code.name in twice and code.parent in names:
            tag = f"{names[code.parent]}: {code.name}"
        unique, number = tag, 2
        while unique in taken:
            unique, number = f"{tag} ({number})", number + 1
        taken.add(unique)
        found[code.id] = unique
    return found


def families(project: Project) -> dict[str, str]:
    """Name of the code at the top of the tree above each code; empty for codes at the top."""
    codes = {code.id: code for code in project.codes}
    found = {}
    for code in project.codes:
        at, seen = code, {code.id}
        while at.parent in codes and at.parent not in seen:
            at = codes[at.parent]
            seen.add(at.id)
        found[code.id] = at.name if at is not code else ""
    return found


def tagset(project: Project, tags: Mapping[str, str]) -> dict[str, Any]:
    """The codes as a tagset that INCEpTION imports, and their tree beside it.

    Source: ``ExportedTagSet`` of INCEpTION, which ignores unknown keys.
    """
    parents = {code.parent for code in project.codes}
    codable = [code for code in project.codes if code.codable or code.id not in parents]
    return {
        "name": (project.name or "codes")[:120],
        "description": project.description,
        "language": "x-undefined",
        "tags": [{"tag_name": tags[code.id], "tag_description": code.description} for code in codable],
        "create_tag": True,
        TREE: [
            {
                "id": code.id, "tag": tags[code.id], "name": code.name, "parent": code.parent, "color": code.color,
                "codable": code.codable, "description": code.description,
            }
            for code in project.codes
        ],
    }  # fmt: skip


def tree(raw: Any) -> dict[str, ProjectCode]:
    """Codes by tag, of a tagset of ours; empty for anything else."""
    rows = raw.get(TREE) if isinstance(raw, dict) else None
    found: dict[str, ProjectCode] = {}
    ids: set[str] = set()
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("tag"), str):
            continue
        text = {key: row[key] for key in ("name", "parent", "color", "description") if isinstance(row.get(key), str)}
        # Parents stand before their children, so a parent not seen yet is damage, and a circle.
        text["parent"] = text.get("parent", "") if text.get("parent") in ids else ""
        found[row["tag"]] = ProjectCode(
            row["id"], **{"name": row["tag"], **text}, codable=row.get("codable") is not False
        )
        ids.add(row["id"])
    return found
