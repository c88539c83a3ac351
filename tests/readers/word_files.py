"""Word files made by hand, so that a test shows the XML it is about."""

from __future__ import annotations

import zipfile
from pathlib import Path

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
OTHERS = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:v" xmlns:wps="urn:wps" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" xmlns:pic="urn:pic" xmlns:c="urn:c"'
)
PARTS = {"styles": "styles", "footnotes": "footnotes", "endnotes": "endnotes", "header1": "hdr", "footer1": "ftr"}


def make(path: Path, body: str, namespace: str = W, main: str = "word/document.xml", **parts: str) -> Path:
    """A .docx with this body and further parts (without their root element)."""
    folder, _, leaf = main.rpartition("/")
    types = {name: name.rstrip("1") for name in parts}
    relations = "".join(f'<Relationship Id="{n}" Type="http://x/{t}" Target="{n}.xml"/>' for n, t in types.items())
    relations_ns = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr(
            "_rels/.rels",
            f'<Relationships {relations_ns}><Relationship Id="r" Type="http://x/officeDocument" Target="{main}"/>'
            "</Relationships>",
        )
        file.writestr(f"{folder}/_rels/{leaf}.rels", f"<Relationships {relations_ns}>{relations}</Relationships>")
        file.writestr(
            main, f'<w:document xmlns:w="{namespace}" {OTHERS}><w:body>{body}<w:sectPr/></w:body></w:document>'
        )
        for name, content in parts.items():
            root = PARTS[name]
            file.writestr(f"{folder}/{name}.xml", f'<w:{root} xmlns:w="{namespace}" {OTHERS}>{content}</w:{root}>')
    return path


def p(*runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(runs)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def lost(document) -> dict[str, int]:
    return {dropped.what: dropped.count for dropped in document.dropped}


def marked(document, kind: str) -> list[str]:
    return [document.text[m.start : m.end] for m in document.marks if m.kind == kind]


def field(instruction: str, result: str, separate: bool = True) -> str:
    def char(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    middle = char("separate") + result if separate else result
    return f"{char('begin')}<w:r><w:instrText>{instruction}</w:instrText></w:r>{middle}{char('end')}"


def tc(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def styled(style: str, text: str, more: str = "") -> str:
    return p(r(text), properties=f'<w:pStyle w:val="{style}"/>{more}')
