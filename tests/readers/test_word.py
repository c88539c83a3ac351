"""Word documents: the shape of the XML stands in the test, next to the text that must come out."""

from __future__ import annotations

import zipfile

import docx
import pytest

from sibnlp.readers import word
from tests.readers.word_files import W, field, lost, make, marked, p, r, styled, tc


@pytest.fixture
def read(tmp_path):
    return lambda body, **parts: word.read(make(tmp_path / "a.docx", body, **parts), "a")


def test_paragraphs_are_blocks_and_line_breaks_stay(read):
    document = read(
        p(r("One "), r("“two”’s"))
        + p(r(" "))
        + "<w:p/>"
        + p("<w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:cr/><w:t>c</w:t><w:tab/><w:t>d</w:t></w:r>")
        + p("<w:r><w:t>x</w:t><w:noBreakHyphen/><w:t>y</w:t><w:softHyphen/><w:t>z</w:t></w:r>")
        + p(r("שלום עולם", "<w:rtl/>"))
    )
    assert document.text == "One “two”’s\n\na\nb\nc\td\n\nx\u2011yz\n\nשלום עולם"
    assert (document.format, document.marks, document.dropped) == ("word", (), ())


def test_teams_transcript(read):
    document = read(
        p("<w:r><w:t>Anna Berg</w:t></w:r>", "<w:r><w:t xml:space='preserve'>   0:03</w:t></w:r>",
          "<w:r><w:br/><w:t>We tender it.</w:t></w:r>")
        + p("<w:r><w:t>Bo   0:09</w:t><w:br/><w:t>Why?</w:t><w:br/><w:t>Really?</w:t></w:r>")
    )  # fmt: skip
    assert document.text == "Anna Berg   0:03\nWe tender it.\n\nBo   0:09\nWhy?\nReally?"


CHANGED = (
    p(r("The "), f"<w:ins w:id='1'>{r('new ')}</w:ins>",
      "<w:del w:id='2'><w:r><w:delText>old </w:delText></w:r></w:del>", r("contract"))
    + p(f"<w:moveTo w:id='3'>{r('moved')}</w:moveTo>")
    + p(f"<w:moveFrom w:id='4'>{r('moved')}</w:moveFrom>")
    + p(f"<w:ins w:id='5'><w:del w:id='6'>{r('neither')}</w:del></w:ins>")
    + p(f"<w:sdt><w:sdtContent>{r('controlled')}</w:sdtContent></w:sdt>")
)  # fmt: skip


def test_tracked_changes_are_accepted(read):
    document = read(CHANGED)
    assert document.text == "The new contract\n\nmoved\n\ncontrolled"
    assert lost(document) == {"tracked deletions": 2, "tracked moves, at their old place": 1}
    assert document.dropped[0].example == "old"


def test_what_python_docx_loses(tmp_path):
    """Why the reader walks the XML itself: the library leaves out insertions and content controls."""
    path = tmp_path / "a.docx"
    blank = docx.Document()
    blank.save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["word/document.xml"] = f'<w:document xmlns:w="{W}"><w:body>{CHANGED}</w:body></w:document>'.encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, raw in members.items():
            file.writestr(name, raw)
    theirs = [paragraph.text for paragraph in docx.Document(str(path)).paragraphs if paragraph.text]
    assert theirs == ["The contract"]
    assert word.read(path, "a").text == "The new contract\n\nmoved\n\ncontrolled"


def test_deleted_paragraph_end_joins_and_deleted_rows_go(read):
    mark = "<w:rPr><w:del w:id='1'/></w:rPr>"
    row = "<w:tr>{}<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc><w:tc>" + p(r("y")) + "</w:tc></w:tr>"
    gone = "<w:trPr><w:del w:id='2'/></w:trPr>"
    table = f"<w:tbl>{row.format('', 'kept')}{row.format(gone, 'gone')}</w:tbl>"
    document = read(p(r("one "), properties=mark) + p(r("two")) + p(r("three"), properties=mark) + table)
    assert document.text == "one two\n\nthree\n\nkept | y"
    assert lost(document) == {"tracked deletions": 1}


def test_fields_show_their_result(read):
    instruction = "IF</w:instrText></w:r>"
    nested = field("IF", r("shown")).replace(instruction, instruction + field("MERGE", r("no")))
    document = read(
        p(r("see "), field("PAGEREF x", r("12")), r("."))
        + p(nested)
        + p(f'<w:fldSimple w:instr="AUTHOR">{r("Berg")}</w:fldSimple>', f"<w:hyperlink>{r(' link')}</w:hyperlink>")
        + p(field("XE index", "", separate=False), r("after"))
    )
    assert document.text == "see 12.\n\nshown\n\nBerg link\n\nafter"


def test_a_field_over_several_paragraphs(read):
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC</w:instrText></w:r>'
    separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("separate", "end"))
    assert read(p(begin, separate, r("1 Aims")) + p(r("2 Means"), end) + p(r("x"))).text == "1 Aims\n\n2 Means\n\nx"


def test_a_field_that_never_ends_hides_nothing(read):
    assert read(p('<w:r><w:fldChar w:fldCharType="begin"/></w:r>', r("a")) + p(r("b"))).text == "a\n\nb"


def test_many_open_fields_cost_linear_time(read):
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    assert read(p(*[begin + separate] * 20_000, *[r("x")] * 20_000, *[end] * 20_000)).text == "x" * 20_000


def test_content_controls_nested_and_unfilled(read):
    empty = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{r('Click here')}</w:sdtContent></w:sdt>"
    document = read(
        f"<w:sdt><w:sdtPr/><w:sdtContent><w:sdt><w:sdtContent>{p(r('deep'))}</w:sdtContent></w:sdt></w:sdtContent></w:sdt>"
        + p(r("Name: "), empty)
        + f"<w:customXml>{p(r('x'))}</w:customXml>"
    )
    assert document.text == "deep\n\nName: \n\nx"
    assert lost(document) == {"empty form fields": 1}


def test_text_boxes_once(read):
    box = f"<w:txbxContent>{p(r('In the box'))}{p(r('twice'))}</w:txbxContent>"
    both = (
        f"<mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
    )
    document = read(p(r("Before "), f"<w:r>{both}</w:r>", r("after")) + p(r("next")))
    assert document.text == "Before after\n\nIn the box\n\ntwice\n\nnext"
    fallback_only = both.replace(f"<wps:txbx>{box}</wps:txbx>", "<c:chart/>")
    assert read(p(f"<w:r>{fallback_only}</w:r>")).text == "In the box\n\ntwice"
    assert read(p(f"<w:r><w:pict><v:textbox>{box}</v:textbox></w:pict></w:r>")).text == "In the box\n\ntwice"


def test_tables(read):
    inner = f"<w:tbl><w:tr>{tc(p(r('i1')))}{tc(p(r('i2')))}</w:tr></w:tbl>"
    restart, wide = '<w:vMerge w:val="restart"/>', '<w:gridSpan w:val="2"/>'
    document = read(
        p(r("before"))
        + "<w:tbl><w:tblPr/><w:tblGrid/>"
        + f"<w:tr>{tc(p(r('Who')))}{tc(p(r('Said')) + p(r('more')))}</w:tr>"
        + f"<w:sdt><w:sdtContent><w:tr>{tc(p(r('a')), restart)}{tc(inner + p())}</w:tr></w:sdtContent></w:sdt>"
        + f"<w:tr>{tc(p(r('a')), '<w:vMerge/>')}{tc(p(r('c')), wide)}</w:tr>"
        + f"<w:tr>{tc(p())}{tc(p())}</w:tr>"
        + "</w:tbl>"
    )
    assert document.text == "before\n\nWho | Said\nmore\n\na | i1 | i2\n\n | c"
    assert marked(document, "table") == ["Who | Said\nmore", "a | i1 | i2", " | c"]


def test_a_table_of_one_cell_is_a_box(read):
    document = read(f"<w:tbl><w:tr>{tc(p(r('one')) + p(r('two')))}</w:tr></w:tbl>")
    assert document.text == "one\n\ntwo"
    assert marked(document, "table") == ["one", "two"]


def test_notes_follow_the_body(read):
    def note(what: str, number: int, *content: str, kind: str = "") -> str:
        return f'<w:{what} w:id="{number}" {kind}>{"".join(content)}</w:{what}>'

    document = read(
        p(r("A"), '<w:r><w:endnoteReference w:id="1"/></w:r>', r("B"), '<w:r><w:footnoteReference w:id="3"/></w:r>')
        + p(r("C"), '<w:r><w:footnoteReference w:customMarkFollows="1" w:id="2"/><w:t>*</w:t></w:r>', r("D"))
        + p("<w:del><w:r><w:footnoteReference w:id='4'/></w:r></w:del>"),
        footnotes=note("footnote", -1, p("<w:r><w:separator/></w:r>", r("---")), kind='w:type="separator"')
        + note("footnote", 2, p("<w:r><w:footnoteRef/></w:r>", r(" second")))
        + note("footnote", 3, p(r("first")), p(r("goes on")))
        + note("footnote", 4, p(r("of deleted text"))),
        endnotes=note("endnote", 1, p(r("end"))),
    )
    assert document.text == "AB\n\nCD\n\nfirst\n\ngoes on\n\nsecond\n\nend"
    assert marked(document, "footnote") == ["first", "goes on", "second", "end"]
    assert lost(document) == {"notes that nothing refers to": 1}


STYLES = """
  <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
  <w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="berschrift1"/></w:style>
  <w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
  <w:style w:type="paragraph" w:styleId="O"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
  <w:style w:type="paragraph" w:styleId="A"><w:name w:val="A"/><w:basedOn w:val="B"/></w:style>
  <w:style w:type="paragraph" w:styleId="B"><w:name w:val="B"/><w:basedOn w:val="A"/></w:style>
  <w:style w:type="paragraph" w:styleId="L"><w:name w:val="List Bullet"/>
    <w:pPr><w:numPr><w:numId w:val="4"/></w:numPr></w:pPr></w:style>
  <w:style w:type="character" w:styleId="H"><w:name w:val="Hidden"/><w:rPr><w:vanish/></w:rPr></w:style>
  <w:style w:type="paragraph" w:styleId="T3"><w:name w:val="Titre 3"/></w:style>"""


def test_headings(read):
    document = read(
        styled("berschrift1", "a")
        + styled("Mine", "b")
        + styled("Titel", "c")
        + styled("O", "d")
        + styled("T3", "e")
        + p(r("f"), properties='<w:outlineLvl w:val="0"/>')
        + styled("A", "circular")
        + styled("berschrift1", "demoted", '<w:outlineLvl w:val="9"/>')
        + styled("berschrift1", "A whole clause of a contract, numbered by its heading style. " * 6),
        styles=STYLES,
    )
    assert marked(document, "heading") == list("abcdef")
    assert marked(read(styled("Heading2", "a") + styled("Title", "b") + styled("Text", "c")), "heading") == ["a", "b"]


def test_lists(read):
    direct = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{}"/></w:numPr>'
    document = read(
        p(r("one"), properties=direct.format(1)) + styled("L", "two") + styled("L", "plain", direct.format(0)),
        styles=STYLES,
    )
    assert marked(document, "list_item") == ["one", "two"]
    assert lost(document) == {"list numbers and bullets": 2}


def test_hidden_text(read):
    document = read(
        p(r("shown "), r("hidden", "<w:vanish/>"), r("too", '<w:vanish w:val="0"/>'))
        + p(r("whole", "<w:vanish/>"))
        + p(r("by style", '<w:rStyle w:val="H"/>'), r("on", '<w:rStyle w:val="H"/><w:vanish w:val="false"/>')),
        styles=STYLES,
    )
    assert document.text == "shown too\n\non"
    assert lost(document) == {"pieces of hidden text": 3}


def test_symbols_math_ruby_pictures_comments_headers(read):
    document = read(
        p('<w:r><w:sym w:font="Wingdings" w:char="F0E0"/><w:sym w:font="Symbol" w:char="F0B3"/></w:r>',
          '<w:r><w:sym w:font="Own" w:char="F0AA"/><w:sym w:font="X" w:char="zz"/></w:r>')
        + p("<m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath>")
        + p(f"<w:r><w:ruby><w:rt>{r('kan')}</w:rt><w:rubyBase>{r('漢')}</w:rubyBase></w:ruby></w:r>")
        + p("<w:r><w:drawing><pic:pic/></w:drawing></w:r>", r("x"), '<w:r><w:commentReference w:id="0"/></w:r>')
        + '<w:altChunk/>',
        header1=p(r("City of X"), field("PAGE", r("1"))),
        footer1=p(),
    )  # fmt: skip
    assert document.text == "→≥\uf0aa\ufffd\n\na=b\n\n漢\n\nx"
    assert lost(document) == {
        "pictures": 1, "comments": 1, "embedded documents": 1, "running headers and footers": 1
    }  # fmt: skip


def test_pretty_printed_text(read):
    assert read(p("<w:r><w:t>\n  one\n  two\n</w:t></w:r>")).text == "one two"
