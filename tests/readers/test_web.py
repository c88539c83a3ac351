"""Pages are written out here; what belongs to the content is plain to see."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from sibnlp import readers
from sibnlp.errors import ReadError
from sibnlp.readers import web
from sibnlp.types import Document

LONG = (
    "The strategy asks every provider in the region to account for the outcomes that residents value, and the board "
    "will review progress each quarter together with the municipality and the people who use the services."
)
OTHER = LONG.replace("strategy", "contract").replace("progress", "results")
PAGE = f"""<!doctype html><html><head><meta charset="utf-8"><title>Not text</title><style>p {{}}</style></head>
<body class="cookies-accepted">
<div id="cookie-banner"><p>We use cookies to improve your experience on this site. Accept all of them?</p></div>
<header><a href="/">Home</a>
<nav><ul><li><a href="/a">About us</a></li><li><a href="/b">News</a></li></ul></nav></header>
<main><h1>Care strategy</h1><p>{LONG}</p>
<h2>Goals</h2>
<ul><li>Fewer admissions<ul><li>of older people</li><li>of children</li></ul></li><li>Shared budgets</li></ul>
<p>{OTHER}</p>
<table><caption>Budget</caption><tr><th>Year</th><th>Amount</th></tr><tr><td>2015</td><td>1&nbsp;200</td></tr>
<tr><td>2016</td><td><table><tr><td>Inner a</td><td>Inner b</td></tr></table></td></tr></table>
<script>document.write("<p>evil</p>")</script><noscript><p>switch it on</p></noscript><template><p>later</p></template>
<p hidden>secret one</p><p style="color: red; display: none">secret two</p>
<ol><li>Learn &amp; listen; caf&eacute; &#8220;quoted&#8221; &#150; dash.</li></ol>
<p>Line one<br>line two<br><br>A new paragraph.</p>
<pre>kept   as
  it is</pre></main>
<aside><h2>Related</h2><a href="x">Other news</a></aside>
<footer><p>Copyright The Council. <a href="p">Privacy policy</a></p></footer></body></html>"""


def page(tmp_path: Path, content: str | bytes, name: str = "page.html") -> Path:
    """A file with this content."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path: Path, content: str | bytes) -> Document:
    """The document of a page."""
    return web.read(page(tmp_path, content), "page.html")


def marked(document: Document, kind: str) -> list[str]:
    """Texts under marks of a kind."""
    return [document.text[mark.start : mark.end] for mark in document.marks if mark.kind == kind]


def test_content_in_order_once_and_nothing_else(tmp_path: Path) -> None:
    document = read(tmp_path, PAGE)
    assert document.text.split("\n\n") == [
        "Care strategy",
        LONG,
        "Goals",
        "Fewer admissions",
        "of older people",
        "of children",
        "Shared budgets",
        OTHER,
        "Budget",
        "Year | Amount",
        "2015 | 1\u00a0200",
        "2016",
        "Inner a | Inner b",
        "Learn & listen; café “quoted” – dash.",
        "Line one\nline two",
        "A new paragraph.",
        "kept   as\n  it is",
    ]
    assert (document.format, document.encoding) == ("web", "utf-8")


def test_marks(tmp_path: Path) -> None:
    document = read(tmp_path, PAGE)
    assert marked(document, "heading") == ["Care strategy", "Goals"]
    assert marked(document, "list_item")[:4] == ["Fewer admissions", "of older people", "of children", "Shared budgets"]
    assert marked(document, "table") == ["Year | Amount", "2015 | 1\u00a0200", "Inner a | Inner b"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    dropped = {entry.what: entry for entry in read(tmp_path, PAGE).dropped}
    assert dropped["hidden elements"].count == 2
    assert dropped["characters outside the main content"].count > 100
    assert dropped["characters outside the main content"].example.startswith("We use cookies")


def test_content_in_nameless_divs_keeps_its_lists_and_its_end(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        f"""<body><div class="site-header"><a href="/">Home</a> <a href="/n">News</a></div>
        <div class="c"><h1>Housing</h1><p>{LONG}</p>
        <ul><li><a href="1">Paper on rents</a></li><li>Paper on repairs</li></ul><p>{OTHER}</p>
        <p>Signed, the board.</p></div>
        <div class="sidebar"><p>Subscribe to our list today and get all the news for free.</p></div></body>""",
    )
    assert document.text.split("\n\n") == [
        "Housing", LONG, "Paper on rents", "Paper on repairs", OTHER, "Signed, the board."
    ]  # fmt: skip


def test_a_short_page_is_kept_whole(tmp_path: Path) -> None:
    assert read(tmp_path, "<p>One.<p>Two &foo;.").text == "One.\n\nTwo &foo;."


def test_a_page_of_lists_and_tables_alone(tmp_path: Path) -> None:
    items = [f"Duty {number}: report to the municipality every quarter." for number in range(40)]
    rows = "".join(f"<tr><td>Year {n}</td><td>Amount {n}</td></tr>" for n in range(30))
    document = read(tmp_path, f"<ul>{''.join(f'<li>{item}' for item in items)}</ul><table>{rows}</table>")
    assert marked(document, "list_item") == items
    assert len(marked(document, "table")) == 30


def test_a_page_about_cookies_and_one_with_misleading_names(tmp_path: Path) -> None:
    assert LONG in read(tmp_path, f'<div class="cookie-policy"><p>{LONG}</p></div>').text
    assert LONG in read(tmp_path, f'<div class="menu"><p>{LONG}</p><p>{OTHER}</p></div>').text


def test_layout_tables_are_paragraphs(tmp_path: Path) -> None:
    document = read(tmp_path, f"<table><tr><td><p>{LONG}</p><p>{OTHER}</p></td></tr></table>")
    assert document.text.split("\n\n") == [LONG, OTHER]
    assert not document.marks


def test_soft_hyphens_go_and_are_counted(tmp_path: Path) -> None:
    document = read(tmp_path, "<p>gover&shy;nance</p>")
    assert document.text == "governance"
    assert [(entry.what, entry.count) for entry in document.dropped] == [("soft hyphens", 1)]


@pytest.mark.parametrize(
    ("named", "written", "text", "encoding"),
    [
        ("iso-8859-1", "cp1252", "café ‘quoted’", "cp1252"),
        ("iso-8859-1", "utf-8", "café ‘quoted’", "utf-8"),  # saved by a browser, head unchanged
        ("utf-8", "utf-16", "café", "utf-16"),
        ("utf-8", "utf-8-sig", "café", "utf-8"),
        ("shift_jis", "shift_jis", "日本語", "cp932"),
        ("iso-2022-jp", "iso-2022-jp", "日本語", "iso2022_jp"),
        ("koi8-r", "koi8-r", "Привет", "koi8-r"),
        ("punycode", "cp1252", "café society", "cp1252"),
        ("no-such-thing", "cp1252", "le café de la société était fermé", "cp1252"),
    ],
)
def test_encodings(tmp_path: Path, named: str, written: str, text: str, encoding: str) -> None:
    head = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={named}"></head>'
    document = read(tmp_path, f"{head}<body><p>{text}</p></body></html>".encode(written))
    assert (document.text, document.encoding) == (text, encoding)


def test_xhtml_expands_no_entity_and_survives_empty_tags(tmp_path: Path) -> None:
    secret = page(tmp_path, "top secret", "secret.txt")
    document = read(
        tmp_path,
        f"""<?xml version="1.0" encoding="utf-8"?>
        <!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}"><!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
        <html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head>
        <body><p>see &x; and &b;</p><p><![CDATA[raw < text & more]]></p></body></html>""",
    )
    assert document.text == "see &x; and &b;\n\nraw < text & more"


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    links = '<link rel="stylesheet" href="http://x.example/a.css"><img src="http://x.example/b.png" alt="A chart">'
    document = read(tmp_path, f'{links}<iframe src="http://x.example"></iframe><p>{LONG}</p>')
    assert document.text == LONG
    assert [(entry.what, entry.example) for entry in document.dropped] == [("pictures", "A chart")]


@pytest.mark.parametrize(
    "content",
    [
        b"<body>" + b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000 + b"<p>after</p>",
        b"<body><p>after</p>" + b"<b>" * 100_000 + b"deep",
        b"<table><tr><td>" * 30_000 + b"deep</table><p>after</p>",
        b"<body><p>deep after</p>" + b"<ul><li>item of list</li></ul>" * 9_000,
        b"<body><p>deep after</p>" + b"<ul><li>item of list</li></ul>" * 40_000,
        b"<body><p>deep after " + b"<" * 300_000,
        b"<body><p>deep after</p><p " + b"a=1 " * 100_000 + b">x",
        b"<body><p>deep after</p>" + b"<![CDATA[" * 50_000,
        b"<body><p>deep after</p>" + b"&amp;" * 200_000,
        b"<body><p>deep after</p><script>" + b"<script>" * 50_000,
    ],
)
def test_hostile_pages_end(tmp_path: Path, content: bytes) -> None:
    began = time.monotonic()
    document = read(tmp_path, content)
    assert "deep" in document.text
    assert "after" in document.text
    assert time.monotonic() - began < 20


def test_huge_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MAX_BYTES", 1024**2)
    with pytest.raises(ReadError, match="2 MiB of HTML, more than 1"):
        read(tmp_path, b"<p>" + b"x" * 2 * 1024**2)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body></body></html>",
        b"<html><body><script>var a = 1;</script></body></html>",
        random.Random(0).randbytes(5000),
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
        b"Only text, with a wrong name.",
        b"\x89PNG\r\n\x1a\n" + bytes(500),
    ],
)
def test_what_is_no_page_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        readers.read(page(tmp_path, content))
    assert "page.html: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_page_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    document = readers.read(page(tmp_path, PAGE[: PAGE.index("</table>")], "page.htm"))
    assert document.text.startswith("Care strategy")
    assert "2015 | 1\u00a0200" in document.text
