"""Word files as a whole: dialects, damage, misnomers, and what python-docx writes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.errors import ReadError
from sibnlp.parsing import archive
from sibnlp.readers import word
from tests.readers.word_files import STRICT, W, lost, make, marked, p, r


def test_strict_dialect_and_other_main_part(tmp_path):
    path = make(tmp_path / "a.docx", p(r("strict")), namespace=STRICT, main="word/document2.xml")
    assert word.read(path, "a").text == "strict"


def test_nesting_to_the_limit_of_the_parser(tmp_path):
    def read(body: str):
        return word.read(make(tmp_path / "a.docx", body), "a")

    # libxml2 stops at 256 levels; whatever it lets through must not exhaust Python's stack.
    tables = "<w:tbl><w:tr><w:tc>" * 80 + p(r("x")) + "</w:tc></w:tr></w:tbl>" * 80
    assert read(tables).text == "x"
    controls = "<w:sdt><w:sdtContent>" * 120 + p(r("x")) + "</w:sdtContent></w:sdt>" * 120
    assert read(controls).text == "x"
    boxes = "<w:p><w:r><w:pict><w:txbxContent>" * 60 + p(r("x")) + "</w:txbxContent></w:pict></w:r></w:p>" * 60
    assert read(boxes).text == "x"
    with pytest.raises(ReadError, match="depth"):
        read(controls.replace("<w:sdt>", "<w:sdt><w:sdtContent>").replace("</w:sdt>", "</w:sdtContent></w:sdt>"))


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8, 0.999])
def test_truncated(tmp_path, share):
    whole = make(tmp_path / "whole.docx", p(r("text")) * 500).read_bytes()
    path = tmp_path / "cut.docx"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReadError, match=r"cut\.docx: .*cut off or damaged"):
        word.read(path, "cut")


def test_what_is_no_word_document(tmp_path):
    path = tmp_path / "a.docx"
    for raw, problem in (
        (b"<html><p>text</p></html>", "not a zip"),
        (b"{\\rtf1 text}", "not a zip"),
        (archive.OLE_MAGIC + bytes(600), "password-protected, or an old .doc"),
    ):
        path.write_bytes(raw)
        with pytest.raises(ReadError, match=problem):
            word.read(path, "a")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        file.writestr("content.xml", "<x/>")
    with pytest.raises(ReadError, match=r"word/document\.xml is missing"):
        word.read(path, "a")
    assert not word.sniff(path.read_bytes())
    make(path, "", main="xl/workbook.xml")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", "<workbook/>")
    with pytest.raises(ReadError, match="no Word document"):
        word.read(path, "a")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", f'<!DOCTYPE x [<!ENTITY e "e">]><w:document xmlns:w="{W}">&e;</w:document>')
    with pytest.raises(ReadError, match="DTD"):
        word.read(path, "a")


def test_sniff(tmp_path):
    assert word.sniff(make(tmp_path / "a.docx", "").read_bytes()[:4096])
    assert word.sniff(archive.OLE_MAGIC)
    for head in (b"", b"PK", b"{\\rtf1", b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml"):
        assert not word.sniff(head)


def test_a_document_of_python_docx(tmp_path):
    source = docx.Document()
    source.add_heading("Report", 0)
    source.add_heading("Aims", 1)
    source.add_paragraph("Plain text, “quoted”.")
    source.add_paragraph("first", style="List Bullet")
    table = source.add_table(2, 3)
    for i, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"c{i}"
    table.cell(0, 0).merge(table.cell(0, 1))
    source.sections[0].header.paragraphs[0].text = "Confidential"
    source.save(str(tmp_path / "a.docx"))
    document = word.read(tmp_path / "a.docx", "a")
    assert document.text == "Report\n\nAims\n\nPlain text, “quoted”.\n\nfirst\n\nc0\nc1 | c2\n\nc3 | c4 | c5"
    assert marked(document, "heading") == ["Report", "Aims"]
    assert marked(document, "list_item") == ["first"]
    assert lost(document) == {"list numbers and bullets": 1, "running headers and footers": 1}
    assert document.dropped[1].example == "Confidential"


# What XML cannot hold; python-docx makes line breaks of CR and writes VT and FF as _x000B_.
LEGAL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u00ad\ufffe\uffff", include_characters="\t\n"),
    min_size=1,
    max_size=60,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(LEGAL, min_size=1, max_size=8))
def test_paragraphs_come_back_in_order(texts):
    source = docx.Document()
    for text in texts:
        source.add_paragraph(text)
    with TemporaryDirectory() as folder:
        source.save(f"{folder}/a.docx")
        document = word.read(Path(folder, "a.docx"), "a")
    assert document.text == "\n\n".join(text.strip("\n") for text in texts if text.strip())


def test_the_real_one(shared):
    path = shared / "transcripts" / "qualcoder_ID1.docx"
    document = word.read(path, path.name)
    assert document.text.startswith("I really like learning new things. I think this course is good for me")
    assert document.text.endswith("I'm happy to pay €200.")
    assert document.text.count("\n\n") == 2
    assert document.dropped == ()
