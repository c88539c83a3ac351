"""OpenDocument texts: the shape of the XML stands in the test, next to the text that must come out."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odfdo import Document, Header, List, Paragraph, Table

from sibnlp.errors import ReadError
from sibnlp.parsing import archive
from sibnlp.readers import opendocument

NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style",
        "svg": "svg-compatible", "fo": "xsl-fo-compatible",
    }.items()
)  # fmt: skip
MIMETYPE = "application/vnd.oasis.opendocument.text"


def make(path: Path, body: str, automatic: str = "", styles: str = "", manifest: str = "", kind: str = "text") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", MIMETYPE, zipfile.ZIP_STORED)
        file.writestr(
            "content.xml",
            f"<office:document-content {NAMES}><office:automatic-styles>{automatic}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        )
        file.writestr("styles.xml", f"<office:document-styles {NAMES}>{styles}</office:document-styles>")
        file.writestr("META-INF/manifest.xml", f"<manifest>{manifest}</manifest>")
    return path


@pytest.fixture
def read(tmp_path):
    return lambda body, **more: opendocument.read(make(tmp_path / "a.odt", body, **more), "a")


def p(content: str, style: str = "Standard") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


def lost(document) -> dict[str, int]:
    return {dropped.what: dropped.count for dropped in document.dropped}


def marked(document, kind: str) -> list[str]:
    return [document.text[m.start : m.end] for m in document.marks if m.kind == kind]


def test_text_and_white_space(read):
    document = read(
        p("  We <text:span>tender\n   <text:span>it</text:span></text:span> , “fully”’s ")
        + p("")
        + p('a<text:s text:c="3"/>b<text:s/>c<text:tab/>d<text:line-break/>e<text:soft-page-break/>f')
        + p('<text:a>link</text:a> <text:bookmark text:name="x"/><text:date>1 May</text:date> \u05e9\u05dc\u05d5\u05dd')
        + p('<text:s text:c="99999999999"/>x')
    )
    blocks = document.text.split("\n\n")
    assert blocks[:3] == ["We tender it , “fully”’s ", "a   b c\td\nef", "link 1 May \u05e9\u05dc\u05d5\u05dd"]
    assert len(document.text) < 1200
    assert (document.format, document.dropped) == ("opendocument", ())


def test_soft_hyphens_go_and_are_counted(read):
    document = read(p("Tues\u00adday, in the kit\u00adchen") + p("\u00ad"))
    assert document.text == "Tuesday, in the kitchen"
    assert lost(document) == {"soft hyphens": 3}


def test_headings_lists_titles(read):
    document = read(
        p("Report", "P1")
        + '<text:h text:outline-level="2">Aims</text:h>'
        + "<text:list><text:list-header><text:p>Head</text:p></text:list-header>"
        + f"<text:list-item><text:number>1.</text:number>{p('one')}{p('still one')}"
        + f"<text:list><text:list-item>{p('deep')}</text:list-item></text:list></text:list-item>"
        + "<text:list-item><text:h>Numbered</text:h></text:list-item></text:list>"
        + f"<text:numbered-paragraph><text:number>7</text:number>{p('seven')}</text:numbered-paragraph>",
        automatic='<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>',
    )
    assert document.text == "Report\n\nAims\n\nHead\n\none\n\nstill one\n\ndeep\n\nNumbered\n\nseven"
    assert marked(document, "heading") == ["Report", "Aims", "Numbered"]
    assert marked(document, "list_item") == ["one", "deep", "seven"]
    assert lost(document) == {"list numbers and bullets": 4}


def test_tracked_changes(read):
    document = read(
        "<text:tracked-changes><text:changed-region><text:deletion><office:change-info/>"
        + p("struck out")
        + "</text:deletion></text:changed-region><text:changed-region><text:insertion/></text:changed-region>"
        + "</text:tracked-changes>"
        + p('kept <text:change text:change-id="1"/><text:change-start/>new<text:change-end/>')
    )
    assert document.text == "kept new"
    assert lost(document) == {"tracked deletions": 1}
    assert document.dropped[0].example == "struck out"


def test_notes_comments_hidden_text(read):
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body>{}</text:note-body></text:note>"
    document = read(
        p(f"A{note.format(p('first') + p('more'))}B<office:annotation><dc>Bo</dc>{p('why?')}</office:annotation>C")
        + p(f"D{note.format(p('second'))}")
        + p("gone", "H")
        + p('<text:span text:style-name="H">piece</text:span>E')
        + f'<text:section text:display="none">{p("section")}</text:section><text:section>{p("F")}</text:section>',
        automatic='<style:style style:name="H"><style:text-properties text:display="none"/></style:style>',
    )
    assert document.text == "ABC\n\nD\n\nE\n\nF\n\nfirst\n\nmore\n\nsecond"
    assert marked(document, "footnote") == ["first", "more", "second"]
    assert lost(document) == {"comments": 1, "pieces of hidden text": 3}


def test_tables(read):
    def cell(content: str, name: str = "table-cell") -> str:
        return f"<table:{name}>{content}</table:{name}>"

    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    inner = f"<table:table>{row(cell(p('i1')), cell(p('i2')))}</table:table>"
    document = read(
        "<table:table><table:table-column/><table:table-header-rows>"
        + row(cell(p("Who")), cell(p("Said") + p("more")))
        + "</table:table-header-rows>"
        + row(cell(p("a")), cell(inner))
        + row(cell(p("wide")), cell(p("covered"), "covered-table-cell"))
        + row(cell(p("")), cell(""))
        + "</table:table>"
        + f"<table:table>{row(cell(p('box') + p('of two')))}</table:table>"
    )
    assert document.text == "Who | Said\nmore\n\na | i1 | i2\n\nwide | \n\nbox\n\nof two"
    assert marked(document, "table") == ["Who | Said\nmore", "a | i1 | i2", "wide | ", "box", "of two"]


def test_frames_and_pictures(read):
    document = read(
        p(f"Before <draw:frame><draw:text-box>{p('In the box')}</draw:text-box><svg:title/></draw:frame>after")
        + f"<draw:frame><draw:text-box>{p('on the page')}</draw:text-box></draw:frame>"
        + p(f"<draw:custom-shape>{p('in a shape')}</draw:custom-shape>")
        + p("<draw:frame><draw:image/></draw:frame><draw:frame><draw:object/><draw:image/></draw:frame>")
    )  # fmt: skip
    assert document.text == "Before after\n\nIn the box\n\non the page\n\nin a shape"
    assert lost(document) == {"pictures": 1, "embedded objects": 1}


def test_headers_and_footers_are_counted(read):
    page = f"<style:header>{p('City of X')}</style:header><style:footer>{p('')}</style:footer>"
    styles = f"<office:master-styles><style:master-page>{page}</style:master-page></office:master-styles>"
    document = read(p("text"), styles=styles)
    assert document.text == "text"
    assert lost(document) == {"running headers and footers": 1}


def test_nesting_to_the_limit_of_the_parser(read):
    table = "<table:table><table:table-row><table:table-cell>"
    close = "</table:table-cell></table:table-row></table:table>"
    assert read(table * 75 + p("x") + close * 75).text == "x"
    assert read("<text:section>" * 240 + p("x") + "</text:section>" * 240).text == "x"
    assert read("<text:p>" + "<text:span>" * 240 + "x" + "</text:span>" * 240 + "</text:p>").text == "x"
    boxes = "<text:p><draw:frame><draw:text-box>" * 75 + p("x") + "</draw:text-box></draw:frame></text:p>" * 75
    assert read(boxes).text == "x"


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8, 0.999])
def test_truncated(tmp_path, share):
    whole = make(tmp_path / "whole.odt", p("text") * 500).read_bytes()
    path = tmp_path / "cut.odt"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ReadError, match=r"cut\.odt: .*(cut off or damaged|not a zip)"):
        opendocument.read(path, "cut")


def test_what_is_no_text_document(tmp_path, read):
    with pytest.raises(ReadError, match="password-protected"):
        read(p("x"), manifest="<manifest:encryption-data xmlns:manifest='urn:m'/>")
    with pytest.raises(ReadError, match="a spreadsheet or a presentation"):
        read("", kind="spreadsheet")
    path = tmp_path / "b.odt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("word/document.xml", "<x/>")
    with pytest.raises(ReadError, match=r"content\.xml is missing"):
        opendocument.read(path, "b")
    path.write_bytes(b"text")
    with pytest.raises(ReadError, match="not a zip"):
        opendocument.read(path, "b")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("content.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(ReadError, match="DTD"):
        opendocument.read(path, "b")


def test_sniff(tmp_path):
    assert opendocument.sniff(make(tmp_path / "a.odt", "").read_bytes()[:4096])
    for head in (b"", b"PK\x03\x04", archive.OLE_MAGIC, b"{\\rtf1"):
        assert not opendocument.sniff(head)


def test_a_document_of_odfdo(tmp_path):
    source = Document("text")
    source.body.clear()
    source.body.append(Header(1, "Aims"))
    source.body.append(Paragraph("Plain  text,\twith “quotes”.\nNext line."))
    source.body.append(List(["first", "second"]))
    table = Table("T", width=2, height=2)
    table.set_values([["Who", "Said"], ["Anna", "yes"]])
    source.body.append(table)
    note = Paragraph("Noted.")
    note.insert_note(after="Noted", note_id="n1", citation="1", body="The note")
    source.body.append(note)
    source.save(str(tmp_path / "a.odt"))
    assert opendocument.sniff((tmp_path / "a.odt").read_bytes()[:4096])
    document = opendocument.read(tmp_path / "a.odt", "a")
    blocks = document.text.split("\n\n")
    assert blocks == [
        "Aims", "Plain  text,\twith “quotes”.\nNext line.", "first", "second", "Who | Said", "Anna | yes", "Noted.",
        "The note",
    ]  # fmt: skip
    assert marked(document, "heading") == ["Aims"]
    assert marked(document, "list_item") == ["first", "second"]


LEGAL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u00ad\ufffe\uffff"), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(st.lists(LEGAL, min_size=1, max_size=8))
def test_paragraphs_come_back_in_order(texts):
    source = Document("text")
    source.body.clear()
    for text in texts:
        source.body.append(Paragraph(text))
    with TemporaryDirectory() as folder:
        source.save(f"{folder}/a.odt")
        document = opendocument.read(Path(folder, "a.odt"), "a")
    # A single space at the start of a paragraph is not written as text:s by odfdo, and by the standard means nothing.
    found = [block.lstrip(" ") for block in document.text.split("\n\n") if block]
    assert found == [text.lstrip(" ") for text in texts if text.strip()]


def test_the_real_one(shared):
    path = shared / "transcripts" / "qualcoder_ID2.odt"
    document = opendocument.read(path, path.name)
    assert document.text.startswith("I have not studied much before, but my father Joe Bloggs really encouraged me")
    assert "I really want someone to sit down with me and explain the course material." in document.text
    assert document.text.endswith("The course cost €200.00 and I do not want to waste my money.")
