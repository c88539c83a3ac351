"""Exports as INCEpTION makes them; imports nothing of sibnlp, nor `cassis`.

XMI with tokens, sentences and metadata beside the layers, type systems, JSON 0.4.0, and the folders of a whole project.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

Marks = Sequence[Mapping[str, Any]]
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
METADATA = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
FINISHED = {"Anna.txt": {"anna": "FINISHED", "ben": "IN_PROGRESS"}}
_PLACES = ("type", "at")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def place(text: str, words: str) -> tuple[int, int]:
    at = text.index(words)
    return units(text[:at]), units(text[: at + len(words)])


def cas_xmi(text: str, marks: Marks, title: str, version: str = "1.0") -> bytes:
    """A CAS as XMI: attributes are escaped as Java does it, line ends as references."""
    spaces: dict[str, str] = {}
    found, ids = [], []

    def add(type: str, attributes: Mapping[str, Any]) -> None:
        package, _, name = type.rpartition(".")
        prefix = spaces.setdefault(f"http:///{package.replace('.', '/')}.ecore", f"t{len(spaces)}")
        id = 10 + len(ids)
        ids.append(id)
        plain = "".join(
            f" {key}={value_of(value)}" for key, value in attributes.items() if isinstance(value, str | int)
        )
        lists = "".join(
            f"<{key}>{escape(one)}</{key}>"
            for key, value in attributes.items()
            if isinstance(value, list)
            for one in value
        )
        found.append(f'<{prefix}:{name} xmi:id="{id}" sofa="1"{plain}>{lists}</{prefix}:{name}>')

    def value_of(value: Any) -> str:
        quoted = quoteattr(str(value), {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
        return "".join(f"&#{ord(c)};" if c < " " else c for c in quoted)

    add(METADATA, {"begin": 0, "end": units(text), "documentTitle": title, "documentId": "admin"})
    add(SENTENCE, {"begin": 0, "end": units(text)})
    add(TOKEN, {"begin": 0, "end": units(text.split()[0]), "order": 0})
    for mark in marks:
        at = dict(zip(("begin", "end"), place(text, mark["at"]), strict=True)) if "at" in mark else {}
        add(mark["type"], at | {key: value for key, value in mark.items() if key not in _PLACES})
    names = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in spaces.items())
    members = " ".join(map(str, ids))
    return (
        f'<?xml version="{version}" encoding="UTF-8"?><xmi:XMI xmlns:xmi="http://www.omg.org/XMI" '
        f'xmlns:cas="http:///uima/cas.ecore"{names} xmi:version="2.0"><cas:NULL xmi:id="0"/>{"".join(found)}'
        f'<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString={value_of(text)}/>'
        f'<cas:View sofa="1" members="{members}"/></xmi:XMI>'
    ).encode()


def _range(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "uima.cas.StringArray"
    if value in ("true", "false"):
        return "uima.cas.Boolean"
    return "uima.cas.Float" if key == "score" else "uima.cas.String"


def _layers(marks: Marks) -> dict[str, tuple[str, dict[str, str]]]:
    """Parent and features by type."""
    found: dict[str, tuple[str, dict[str, str]]] = {
        METADATA: (
            "uima.tcas.DocumentAnnotation",
            {"documentTitle": "uima.cas.String", "documentId": "uima.cas.String"},
        ),
        SENTENCE: ("uima.tcas.Annotation", {"id": "uima.cas.String"}),
        TOKEN: ("uima.tcas.Annotation", {"order": "uima.cas.Integer"}),
    }
    for mark in marks:
        parent = "uima.tcas.Annotation" if "at" in mark else "uima.cas.AnnotationBase"
        features = found.setdefault(mark["type"], (parent, {}))[1]
        features |= {key: _range(key, value) for key, value in mark.items() if key not in _PLACES}
    return found


def type_system(marks: Marks) -> bytes:
    types = "".join(
        f"<typeDescription><name>{name}</name><description/><supertypeName>{parent}</supertypeName><features>"
        + "".join(
            f"<featureDescription><name>{key}</name><description/><rangeTypeName>{range}</rangeTypeName>"
            "</featureDescription>"
            for key, range in features.items()
        )
        + "</features></typeDescription>"
        for name, (parent, features) in _layers(marks).items()
    )
    space = "http://uima.apache.org/resourceSpecifier"
    return f'<?xml version="1.0"?><typeSystemDescription xmlns="{space}"><types>{types}</types></typeSystemDescription>'.encode()


def cas_json(text: str, marks: Marks, title: str) -> dict[str, Any]:
    """A CAS as UIMA CAS JSON 0.4.0, with the sofa behind what refers to it, as Java writes it."""
    types = {
        name: {"%NAME": name, "%SUPER_TYPE": parent}
        | {key: {"%NAME": key, "%RANGE": range} for key, range in features.items()}
        for name, (parent, features) in _layers(marks).items()
    }
    rows: list[dict[str, Any]] = [
        {"%ID": 2, "%TYPE": METADATA, "@sofa": 1, "begin": 0, "end": units(text), "documentTitle": title},
        {
            "%ID": 1,
            "%TYPE": "uima.cas.Sofa",
            "sofaNum": 1,
            "sofaID": "_InitialView",
            "mimeType": "text",
            "sofaString": text,
        },
    ]
    for number, mark in enumerate(marks, 3):
        begin, end = place(text, mark["at"])
        values = {key: value for key, value in mark.items() if key not in _PLACES}
        rows.append({"%ID": number, "%TYPE": mark["type"], "@sofa": 1, "begin": begin, "end": end, **values})
    members = [row["%ID"] for row in rows if row["%ID"] != 1]
    views = {"_InitialView": {"%SOFA": 1, "%MEMBERS": members}}
    return {"%TYPES": types, "%FEATURE_STRUCTURES": rows, "%VIEWS": views}


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, raw in files.items():
            package.writestr(name, raw)
    return buffer.getvalue()


def nested(path: Path, name: str, xmi: bytes, types: bytes) -> Path:
    """One document's export: the XMI and its type system."""
    path.write_bytes(zipped({f"{name}.xmi": xmi, "TypeSystem.xml": types}))
    return path


def project_export(
    path: Path,
    texts: Mapping[str, str],
    users: Mapping[str, Mapping[str, Marks]],
    curated: Mapping[str, Marks],
    states: Mapping[str, Mapping[str, str]],
    form: str = "zip",
) -> Path:
    """A whole project: sources, annotators' and curated files, Java objects, and the project's description."""
    described = {
        "name": "p",
        "source_documents": [{"name": name, "format": "text", "state": "ANNOTATION_IN_PROGRESS"} for name in texts],
        "annotation_documents": [
            {"name": name, "user": user, "state": state} for name, own in states.items() for user, state in own.items()
        ],
        "tag_sets": [{"name": "logic", "tags": [{"tag_name": "trust", "tag_description": "what holds"}]}],
    }
    files = {"exportedproject.json": json.dumps(described).encode()}
    files |= {f"source/{name}": text.encode() for name, text in texts.items()}
    files["source/decoy.xmi"] = b"<never/>"
    for name, own in users.items():
        for user, marks in own.items():
            files[f"annotation_ser/{name}/{user}.ser"] = b"\xac\xed"
            xmi, types = cas_xmi(texts[name], marks, name), type_system(marks)
            if form == "zip":
                files[f"annotation/{name}/{user}.zip"] = zipped({f"{user}.xmi": xmi, "TypeSystem.xml": types})
            elif form == "xmi":
                files[f"annotation/{name}/{user}.xmi"] = xmi
            else:
                files[f"annotation/{name}/{user}.json"] = json.dumps(cas_json(texts[name], marks, name)).encode()
    for name, marks in curated.items():
        inner = zipped({"CURATION_USER.xmi": cas_xmi(texts[name], marks, name), "TypeSystem.xml": type_system(marks)})
        files[f"curation/{name}/CURATION_USER.zip"] = inner
    path.write_bytes(zipped(files))
    return path
