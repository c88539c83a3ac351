"""Footnotes of Word documents: python-docx has none."""

from __future__ import annotations

from typing import Any

from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from lxml import etree

_RULE = '<w:footnote w:type="{kind}" w:id="{id}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
_RULES = _RULE.format(kind="separator", id=-1) + _RULE.format(kind="continuationSeparator", id=0)
_NAME = PackURI("/word/footnotes.xml")


def run(words: str) -> Any:
    """A run of words."""
    element = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = words
    text.set(qn("xml:space"), "preserve")
    element.append(text)
    return element


def add(document: Any, paragraph: Any, runs: list[Any], mark: str = "") -> None:
    """Add a footnote behind what a paragraph holds so far.

    Args:
        document: that the paragraph is in.
        paragraph: with the text it hangs on.
        runs: of the note.
        mark: its mark; by default the program numbers.
    """
    package = document.part.package
    part = next((one for one in package.iter_parts() if one.partname == _NAME), None)
    notes = parse_xml(part.blob if part else f"<w:footnotes {nsdecls('w')}>{_RULES}</w:footnotes>".encode())
    number = len(notes) - 1
    note = parse_xml(f'<w:footnote {nsdecls("w")} w:id="{number}"><w:p/></w:footnote>')
    if not mark:
        own = OxmlElement("w:r")
        own.append(OxmlElement("w:footnoteRef"))
        note[0].append(own)
    note[0].extend(runs)
    notes.append(note)
    blob = etree.tostring(notes, xml_declaration=True, encoding="UTF-8", standalone=True)
    if part:
        part._blob = blob
    else:
        document.part.relate_to(Part(_NAME, CONTENT_TYPE.WML_FOOTNOTES, blob, package), RELATIONSHIP_TYPE.FOOTNOTES)
    reference = OxmlElement("w:footnoteReference")
    reference.set(qn("w:id"), str(number))
    place = paragraph.add_run()
    place.font.superscript = True
    if mark:
        reference.set(qn("w:customMarkFollows"), "1")
    place._r.append(reference)
    if mark:
        text = OxmlElement("w:t")
        text.text = mark
        place._r.append(text)
