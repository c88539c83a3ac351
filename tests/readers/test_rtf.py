"""Rich Text Format: short literal sources, next to the text that must come out."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from striprtf.striprtf import rtf_to_text

from sibnlp.errors import ReadError
from sibnlp.readers import rtf

HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Cyr{\*\falt X};}}"


@pytest.fixture
def read(tmp_path):
    def from_source(source: str | bytes, head: str = HEAD):
        path = tmp_path / "a.rtf"
        path.write_bytes(source if isinstance(source, bytes) else f"{head}{source}}}".encode("latin-1"))
        return rtf.read(path, "a")

    return from_source


def lost(document) -> dict[str, int]:
    return {dropped.what: dropped.count for dropped in document.dropped}


def marked(document, kind: str) -> list[str]:
    return [document.text[m.start : m.end] for m in document.marks if m.kind == kind]


def test_paragraphs_and_line_breaks(read):
    document = read("\\pard One {\\b bo\r\nld}\\~text\\par\r\n\\par A\\line B\\tab C\\\nD\\sect E\\_F\\-G \\{x\\}\\\\")
    assert document.text == "One bold\u00a0text\n\nA\nB\tC\n\nD\n\nE\u2011FG {x}\\"
    assert (document.format, document.encoding, document.dropped) == ("rtf", "cp1252", ())


def test_characters(read):
    document = read(
        r"\'93q\'94 \ldblquote q\rdblquote\emdash  \u8217?s {\uc2\u8364\'80\'80x} \u-10179?\u-8704? \u128512? "
        r"{\uc0\u233}\u233\'e9 \u8212\emdash  {\f1 \'cf\'f0} \u55357?"
    )
    assert document.text == "“q” “q”— ’s €x 😀 😀 éé — Пр \ufffd"


def test_code_pages(read):
    assert read(rb"{\rtf1\ansi\ansicpg1250 \'9alut\'fd}").text == "šlutý"
    assert read(rb"{\rtf1\mac \'8e}").text == "é"
    # The second byte of a Japanese character may be a plain letter.
    japanese = rb"{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 M;}}\f0\'83e\'83X\'83g}"
    assert read(japanese).text == "テスト"
    raw = b"{\\rtf1\\ansi\\ansicpg1251 \xcf\xf0\xe8}"
    assert (read(raw).text, read(raw).encoding) == ("При", "cp1251")
    undefined = read(rb"{\rtf1\ansi\ansicpg1252 a\'81b}")
    assert undefined.text == "a\ufffdb"
    assert lost(undefined) == {"bytes that the code page does not have": 1}
    assert read(rb"{\rtf1\ansi\ansicpg99999{\fonttbl{\f0\fcharset78 J;}}\f0 a}").text == "a"


def test_deletions_and_hidden_text(read):
    document = read(
        r"The {\revised new }{\deleted old \u8217?s {\b one} }contract\par {\deleted all\par }runs on\par "
        r"a{\v hidden}b\v c\v0 d\deleted e\plain f"
    )
    assert document.text == "The new contract\n\nruns on\n\nabdf"
    assert lost(document) == {"tracked deletions": 3, "pieces of hidden text": 2}
    assert document.dropped[0].example == "old ’s one"


def test_tables(read):
    document = read(
        r"before\par\trowd\cellx1\cellx2\pard\intbl Who\cell Said\par more\cell\row"
        r"\trowd\pard\intbl{Anna\cell}{\pard\intbl\itap2 i1\nestcell i2\nestcell{\*\nesttableprops\nestrow}"
        r"{\nonesttables\par}\pard\intbl\cell}\row\trowd\pard\intbl\cell\cell\row"
        r"\trowd\pard\intbl box\par of two\cell\row\pard after"
    )
    assert document.text == "before\n\nWho | Said\nmore\n\nAnna | i1 | i2\n\nbox\n\nof two\n\nafter"
    assert marked(document, "table") == ["Who | Said\nmore", "Anna | i1 | i2", "box", "of two"]


def test_notes_boxes_comments_headers(read):
    document = read(
        r"{\header\pard City of X \chpgn\par}A{\super\chftn{\footnote\pard\plain{\super\chftn} the note\par and more}}B"
        r"{\shp{\*\shpinst{\sp{\sn n}{\sv 1}}{\shptxt\pard in the box\par}}{\shprslt{\*\do}}} end\par "
        r"{\*\atnid AB}{\*\atnauthor Bo}\chatn{\*\annotation{\*\atndate 1}\pard why?}C{\footnote\ftnalt endnote}"
    )
    assert document.text == "AB end\n\nin the box\n\nC\n\nthe note\n\nand more\n\nendnote"
    assert marked(document, "footnote") == ["the note", "and more", "endnote"]
    assert lost(document) == {"running headers and footers": 1, "comments": 1}
    assert {d.what: d.example for d in document.dropped}["comments"] == "why?"


def test_fields_pictures_objects_unknown_groups(read):
    document = read(
        r"{\field{\*\fldinst HYPERLINK http://x}{\fldrslt the link}} {\*\shppict{\pict\pngblip 0123\n4567}}"
        r"{\nonshppict{\pict 01}}{\object\objemb{\*\objdata 00ff}{\result shown}}{\*\unknown not shown}"
        r"{\upr{ansi?}{\*\ud{\u233?}}}{\info{\title T}{\author B}}{\pict\bin5 }}}}}}x"
    )  # fmt: skip
    assert document.text == "the link shownéx"
    assert lost(document) == {"pictures": 2, "embedded objects": 1}


def test_headings_and_lists(read):
    document = read(
        r"{\stylesheet{\ql Normal;}{\s1\sbasedon0 \'dcberschrift 1;}{\s2\outlinelevel1 Own;}{\s3 Text;}{\*\cs4 Char;}}"
        r"\pard\s1 One\par\pard\s2 Two\par\pard\s3 Text\par\pard\outlinelevel0 Three\par "
        r"\pard{\listtext\'b7\tab}item\par{\pntext\f1\'b7\tab}item 2\par\pard\ls1 item 3\par\pard plain"
    )
    assert marked(document, "heading") == ["One", "Two", "Three"]
    assert marked(document, "list_item") == ["item", "item 2", "item 3"]
    assert document.text.endswith("plain")
    assert lost(document) == {"list numbers and bullets": 2}


@pytest.mark.parametrize(
    ("source", "ours", "theirs"),
    [
        (r"a\line b\par c", "a\nb\n\nc", "a\nb\nc"),
        (r"a{\deleted b}c", "ac", "abc"),
        (r"a{\v b}c", "ac", "abc"),
        (r"a{\footnote b}c", "ac\n\nb", "ac"),
        (r"{\listtext 1.\tab}a", "a", "1.\ta"),
        (r"a{\shp{\*\shpinst{\shptxt b}}}", "a\n\nb", "a"),
        (r"\u-10179?\u-8704?", "😀", "\ud83d\ude00"),
    ],
)
def test_what_striprtf_makes_of_it(read, source, ours, theirs):
    """Why only its tables are used: the text of the library's own loop is another one."""
    assert read(source).text == ours
    assert rtf_to_text(f"{HEAD}{source}}}") == theirs


def test_striprtf_fails_on_code_pages(read):
    source = r"{\rtf1\ansi{\fonttbl{\f0\fcharset78 Osaka;}}\f0 \'83e\'83X}"
    with pytest.raises(LookupError):
        rtf_to_text(source)
    assert read(source.encode()).text == "テス"


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7, 0.99])
def test_truncated(read, share):
    source = HEAD + "\\pard Text goes on.\\par " * 100 + "}"
    with pytest.raises(ReadError, match=r"a\.rtf: the file is cut off or damaged"):
        read(source[: int(len(source) * share)].encode())


def test_what_is_no_rtf(read):
    for raw in (b"", b"plain text", b"PK\x03\x04", b"<html>"):
        with pytest.raises(ReadError, match="not Rich Text Format"):
            read(raw)
        assert not rtf.sniff(raw)
    assert rtf.sniff(b"\xef\xbb\xbf {\\rtf1")
    assert read(b"\xef\xbb\xbf\r\n{\\rtf1 a}\r\n\0").text == "a"
    assert lost(read(b"{\\rtf1 a} and more")) == {"text after the end of the document": 1}


def test_pathological_sources(read, monkeypatch):
    with pytest.raises(ReadError, match="nested deeper"):
        read(b"{\\rtf1 " + b"{" * 1_000_000)
    assert read(b"{\\rtf1 " + b"{" * 1500 + b"x" + b"}" * 1501).text == "x"
    with pytest.raises(ReadError, match="cut off or damaged"):
        read(rb"{\rtf1 \bin9999999999 x}")
    with pytest.raises(ReadError, match="million control words"):
        read(b"{\\rtf1 " + b"{}" * 10_000_001 + b"}")
    monkeypatch.setattr(rtf, "MAX_BYTES", 1000)
    with pytest.raises(ReadError, match="leave out its pictures"):
        read(b"{\\rtf1 " + b"x" * 1000 + b"}")


@pytest.mark.parametrize(
    "piece",
    [rb"word \'e9 \u8217?\par ", rb"{\field{\*\fldinst{HYPERLINK ", rb"{\pict 00ff}", rb"\cell ", rb"\deleted x"],
)
def test_time_is_linear(read, piece):
    def seconds(n: int) -> float:
        start = time.process_time()
        with suppress(ReadError):
            read(b"{\\rtf1 " + piece * n + b"}")
        return time.process_time() - start

    seconds(500)
    small, large = min(seconds(2_000) for _ in range(3)), seconds(32_000)
    assert large < 5 * 16 * small + 0.5


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t", exclude_characters="\u00ad")


@settings(max_examples=100, deadline=None)
@given(st.text(CHARACTERS, min_size=1, max_size=80))
def test_any_text_written_in_words_of_unicode_comes_back(text):
    if not text.strip():
        return
    units = text.encode("utf-16-le")
    words = "".join(
        "\\line " if (c := int.from_bytes(units[i : i + 2], "little")) == 10 else f"\\u{c - 0x10000 * (c > 0x7FFF)}?"
        for i in range(0, len(units), 2)
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.rtf")
        path.write_text(f"{HEAD}{words}}}")
        assert rtf.read(path, "a").text == text.strip("\n")


DISORDER = [
    r"{", r"}", r"\par ", r"\cell ", r"\row ", r"\'e9", r"\u-5?", "text", r"\*", r"{\*\x ", r"{\footnote ", "\\", "\0",
    r"{\stylesheet{\s1 heading 1;}", r"{\fonttbl{\f0\fcharset128 x;}}", r"\bin3 ", r"\f0 ", r"\deleted ", r"\intbl ",
    r"\'", r"\'8", "\n", r"\uc5 ", r"\nestcell ", r"{\header ", r"{\shptxt ", r"\s1 ", r"\ansicpg-1 ", r"{\pict 00",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(DISORDER), max_size=40))
def test_any_disorder_is_read_or_refused(tokens):
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.rtf")
        path.write_bytes(("{\\rtf1" + "".join(tokens) + "}").encode("latin-1"))
        try:
            document = rtf.read(path, "a")
        except ReadError:
            return
        document.text.encode("utf-8")
        assert all(document.text[m.start : m.end].strip() for m in document.marks)
