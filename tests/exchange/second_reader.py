"""A second reader of REFI-QDA, written from the specification (1.5) and its schemas alone; imports nothing of sibnlp.

It follows the letter: namespace, names and folders exactly as specified, code points from 0, no leniency at all. What it
opens, other tools can.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

NS = "{urn:QDA-XML:project:1.0}"
GUID = re.compile(r"(\{)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?(1)\})")
ORDER = [
    "Users",
    "CodeBook",
    "Variables",
    "Cases",
    "Sources",
    "Notes",
    "Links",
    "Sets",
    "Graphs",
    "Description",
    "NoteRef",
]


@dataclass
class Quotation:
    """A selection: where it stands, and what it says there."""

    source: str
    start: int
    end: int
    text: str
    codes: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)
    description: str = ""


@dataclass
class Second:
    """What this reader understands of a project."""

    name: str
    users: dict[str, str]
    codes: dict[str, tuple[str, str]]
    texts: dict[str, str]
    quotations: list[Quotation]
    sets: dict[str, list[str]]
    cases: dict[str, tuple[list[str], dict[str, str]]]
    values: dict[str, dict[str, str]]
    notes: dict[str, str]
    links: list[tuple[str, str]]


def read(path: Path) -> Second:
    """Read a .qdpx; an assertion fails where it is not as specified."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert "project.qde" in names
        assert all(name == "project.qde" or re.fullmatch(r"sources/[^/]+", name) for name in names), names
        raw = archive.read("project.qde")
        assert raw.startswith(b"<?xml") and b"UTF-8" in raw[:60]
        root = ET.fromstring(raw)
        files = {name: archive.read(name) for name in names if name != "project.qde"}
    assert root.tag == NS + "Project" and root.get("name")
    places = [ORDER.index(child.tag.removeprefix(NS)) for child in root]
    assert places == sorted(places), "parts out of order"
    users = {_guid(user): user.get("name", "") for user in root.iterfind(f"{NS}Users/{NS}User")}
    codes: dict[str, tuple[str, str]] = {}
    _codes(root.find(f"{NS}CodeBook/{NS}Codes"), "", codes)
    names_of_variables = {_guid(one): one.get("name", "") for one in root.iterfind(f"{NS}Variables/{NS}Variable")}
    notes = {
        _guid(note): (note.findtext(f"{NS}PlainTextContent") or "") for note in root.iterfind(f"{NS}Notes/{NS}Note")
    }
    texts, quotations, titles, values = {}, [], {}, {}
    for source in root.find(f"{NS}Sources") or ():
        assert source.tag == NS + "TextSource"
        title = source.get("name", "")
        titles[_guid(source)] = title
        reference = source.get("plainTextPath", "")
        assert reference.startswith("internal://") and reference.endswith(".txt")
        text = files["sources/" + reference.removeprefix("internal://")].decode("utf-8")
        assert not text.startswith("\ufeff")
        texts[title] = text
        values[title] = _values(source, names_of_variables)
        for selection in source.iterfind(f"{NS}PlainTextSelection"):
            start, end = int(selection.get("startPosition", "")), int(selection.get("endPosition", ""))
            assert 0 <= start < end <= len(text)
            given, said = [], []
            for coding in selection.iterfind(f"{NS}Coding"):
                reference = coding.find(f"{NS}CodeRef").get("targetGUID")
                given.append((codes[reference][0], users.get(coding.get("creatingUser", ""), "")))
                said += [notes[ref.get("targetGUID")] for ref in coding.iterfind(f"{NS}NoteRef")]
            remark = selection.findtext(f"{NS}Description") or ""
            quotations.append(Quotation(title, start, end, text[start:end], given, said, remark))
    sets = {
        one.get("name", ""): [
            {**titles, **{guid: name for guid, (name, _) in codes.items()}}.get(member.get("targetGUID"), "?")
            for member in one
            if member.tag in (NS + "MemberSource", NS + "MemberCode")
        ]
        for one in root.iterfind(f"{NS}Sets/{NS}Set")
    }
    cases = {
        one.get("name", ""): (
            [titles[ref.get("targetGUID")] for ref in one.iterfind(f"{NS}SourceRef")],
            _values(one, names_of_variables),
        )
        for one in root.iterfind(f"{NS}Cases/{NS}Case")
    }
    links = [(one.get("originGUID"), one.get("targetGUID")) for one in root.iterfind(f"{NS}Links/{NS}Link")]
    guids = [element.get("guid") for element in root.iter() if element.get("guid")]
    assert len(guids) == len(set(guids)), "a GUID twice"
    return Second(root.get("name"), users, codes, texts, quotations, sets, cases, values, notes, links)


def _guid(element: ET.Element) -> str:
    found = element.get("guid", "")
    assert GUID.fullmatch(found), found
    return found


def _codes(parent: ET.Element | None, above: str, found: dict[str, tuple[str, str]]) -> None:
    for code in parent if parent is not None else ():
        if code.tag == NS + "Code":
            assert code.get("isCodable") in ("true", "false")
            found[_guid(code)] = (code.get("name", ""), above)
            _codes(code, code.get("name", ""), found)


def _values(element: ET.Element, names: dict[str, str]) -> dict[str, str]:
    return {
        names[one.find(f"{NS}VariableRef").get("targetGUID")]: one[1].text or ""
        for one in element.iterfind(f"{NS}VariableValue")
    }
