"""The vocabulary of WordprocessingML, in its transitional and its strict dialect: names, styles, fields, symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

_NAMESPACES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc:",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m:",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m:",
}
_MAX_STYLES = 50  # based on each other
_HEADING_NAME = re.compile(
    r"(heading|überschrift|berschrift|titre|titolo|título|titulo|kop|rubrik|overskrift|otsikko|nagłówek|nadpis|标题|見出し)"
    r"\s?[1-9]|title|titel|标题",
    re.IGNORECASE,
)
_SYMBOLS = {  # private-use characters of Wingdings and Symbol that carry sense in prose
    "wingdings": {0xA7: "▪", 0xA8: "☐", 0x6F: "☐", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE8: "➔", 0xF3: "⇔", 0xF0: "⇨",
                  0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑", 0x4A: "☺", 0x4B: "😐", 0x4C: "☹"},
    "symbol": {0xA3: "≤", 0xAB: "↔", 0xAC: "←", 0xAE: "→", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB9: "≠",
               0xBB: "≈", 0xDB: "⇔", 0xDE: "⇒", 0x61: "α", 0x62: "β", 0x44: "Δ", 0x6D: "μ", 0x53: "Σ"},
}  # fmt: skip


def kind(element: etree._Element) -> str:
    """Name of an element: bare for WordprocessingML, ``mc:`` and ``m:`` prefixed, ``?local`` for anything else."""
    namespace, _, local = str(element.tag)[1:].rpartition("}")
    return _NAMESPACES.get(namespace, "?") + local


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """First child of that kind."""
    return next((c for c in element if kind(c) == name), None) if element is not None else None


def value(element: etree._Element | None, name: str = "val") -> str | None:
    """An attribute of the element's own namespace; None without element or attribute."""
    if element is None:
        return None
    return element.get(f"{{{etree.QName(element).namespace}}}{name}")


def is_on(element: etree._Element | None) -> bool | None:
    """State of an on/off property; None where it is not given."""
    return None if element is None else value(element) not in ("0", "false", "off")


@dataclass(frozen=True, slots=True)
class Style:
    """What matters here of a paragraph or character style; None where it inherits."""

    based_on: str | None
    heading: bool | None
    listed: bool | None
    hidden: bool | None


class Styles:
    """Styles by id, with inheritance."""

    def __init__(self, root: etree._Element | None = None) -> None:
        self._styles: dict[str, Style] = {}
        for element in root if root is not None else ():
            style_id = value(element, "styleId")
            if kind(element) == "style" and style_id:
                paragraph, run = child(element, "pPr"), child(element, "rPr")
                name = value(child(element, "name")) or style_id
                self._styles[style_id] = Style(
                    value(child(element, "basedOn")),
                    True if _HEADING_NAME.fullmatch(name) else is_outline(paragraph),
                    is_listed(paragraph),
                    is_on(child(run, "vanish")),
                )

    def get(self, style_id: str | None, attribute: str) -> bool:
        """A property of a style or of the styles it is based on; False where none says so."""
        seen: set[str] = set()
        while style_id and style_id not in seen and len(seen) < _MAX_STYLES:
            seen.add(style_id)
            style = self._styles.get(style_id)
            if style is None:  # no such style: its id still speaks
                return attribute == "heading" and bool(_HEADING_NAME.fullmatch(style_id))
            found = getattr(style, attribute)
            if found is not None:
                return bool(found)
            style_id = style.based_on
        return False


def is_outline(properties: etree._Element | None) -> bool | None:
    """Whether paragraph properties give an outline level; None where they do not say."""
    level = value(child(properties, "outlineLvl"))
    return None if level is None else level in tuple("012345678")


def is_listed(properties: etree._Element | None) -> bool | None:
    """Whether paragraph properties number the paragraph or give it a bullet; None where they do not say."""
    numbering = child(properties, "numPr")
    return None if numbering is None else value(child(numbering, "numId")) != "0"


def plain_text(element: etree._Element) -> str:
    """All text under an element, deleted text too, for counts and examples only."""
    return "".join(e.text or "" for e in element.iter() if kind(e) in ("t", "delText")).strip()


def run_text(element: etree._Element) -> str:
    """Text of ``w:t``; line ends in it come from pretty-printed XML, Word shows a space."""
    text = element.text or ""
    if "\n" not in text and "\r" not in text:
        return text
    return re.sub(r"\s*[\r\n]\s*", " ", re.sub(r"\A\s*[\r\n]\s*|\s*[\r\n]\s*\Z", "", text))


def symbol(element: etree._Element) -> str:
    """The character of ``w:sym``: Unicode where the font is a known one, else the private-use character it has."""
    try:
        code = int(value(element, "char") or "", 16)
    except ValueError:
        return "\ufffd"
    font = (value(element, "font") or "").lower()
    if 0xF000 <= code <= 0xF0FF:
        return _SYMBOLS.get(font, {}).get(code - 0xF000, chr(code))
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"


def alternative(element: etree._Element) -> etree._Element | None:
    """One of the alternatives, the first that holds text: a text box stands in both Choice and Fallback."""
    branches = [c for c in element if kind(c) in ("mc:Choice", "mc:Fallback")]
    return next((b for b in branches if any(kind(e) == "t" for e in b.iter())), branches[0] if branches else None)


def mark_deleted(paragraph: etree._Element) -> bool:
    """Whether the end of the paragraph is a tracked deletion, so that it runs on into the next."""
    run = child(child(paragraph, "pPr"), "rPr")
    return child(run, "del") is not None or child(run, "moveFrom") is not None


def fields_balanced(root: etree._Element) -> bool:
    """Whether every field that begins ends: one that never ends would hide the rest of the document."""
    depth = 0
    for element in root.iter("{*}fldChar"):
        if any(kind(a) in ("del", "moveFrom") for a in element.iterancestors()):
            continue
        step = value(element, "fldCharType")
        depth += (step == "begin") - (step == "end")
        if depth < 0:
            return False
    return depth == 0
