"""Web pages: the main content, with headings, lists and tables kept.

Two opinions meet. `sibnlp.parsing.htmlblocks` gives every block in order and what the markup says of it; trafilatura
says which text is the main content. Trafilatura loses lists and nested tables (its issues 431, 531), so it only decides
where the content is: what stands between or in the same section is kept, and what the page itself calls ``main``. Where
it finds too little, every block counts that the markup does not put aside. What is left out is counted in characters.
Nothing is fetched, no entity is resolved.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from sibnlp.errors import ReadError
from sibnlp.parsing.blocks import Tally, assemble
from sibnlp.parsing.decode import decode
from sibnlp.parsing.htmlblocks import BlockTarget, HtmlBlock
from sibnlp.types import Document

MAX_BYTES = 64 * 1024**2
# Beyond these trafilatura, which walks trees over and over, is not asked; its fast mode takes some 6 s for that many.
MAX_DEPTH = 200
MAX_ELEMENTS = 20_000
MAX_ASKED = 4_000_000

ENOUGH = 0.5
"""Share of the plausible content that trafilatura must find for its opinion to count."""
LINKED = 0.6
"""Share of a block's characters in links from which on it is navigation, outside the main content."""
_GRAM = 4
_LONG = 40

_TAG = re.compile(
    rb"<(?:!doctype\s+html|!--|html|head|body|title|meta|link|script|style|main|article|section|header|nav|div|span|p|h[1-6]|"
    rb"table|ul|ol|dl|br|hr|center|font|a)\b|<!--",
    re.IGNORECASE,
)
_CHARSET = re.compile(
    rb"<(?:meta|\?xml)\b[^<>]{0,300}?(?:charset|encoding)\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{1,40})", re.IGNORECASE
)
# Encodings pages are written in; Python knows others that are no character sets or cost more than they bring.
_CODEC = re.compile(r"utf-8|cp\d+|iso8859-\d+|koi8-[rut]|mac-\w+|shift_jis\w*|euc_\w+|iso2022_\w+|gb\w+|big5\w*|hz")
# What browsers read where a page names these.
_SAME = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
         "euc_kr": "cp949", "iso8859-9": "cp1254", "tis-620": "cp874"}  # fmt: skip
_XHTML = re.compile(
    r"<\?xml\b|<!DOCTYPE\s+html\s[^>]{0,200}XHTML|xmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml", re.IGNORECASE
)
_EMPTY = re.compile(r"<(a|div|em|i|iframe|li|p|script|span|strong|style|td|textarea|title)\b([^<>]*)/>", re.IGNORECASE)
_ENTITIES = re.compile(r"<!DOCTYPE[^\[<>]*\[[^\]]*\]\s*>", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def sniff(head: bytes) -> bool:
    """Whether a tag that HTML pages have stands near the beginning."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.replace(b"\0", b"")
    return b"\0" not in head and bool(_TAG.search(head))


def read(path: Path, document_id: str) -> Document:
    """Read a web page.

    Args:
        path: the file.
        document_id: id of the document.

    Returns:
        The document, with marks ``heading``, ``list_item`` and ``table`` (one for each row).

    Raises:
        ReadError: more than `MAX_BYTES`, or no text in any encoding.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ReadError(path, f"{size / 1024**2:,.0f} MiB of HTML, more than {MAX_BYTES // 1024**2}", "split it")
    page, encoding = _decoded(path.read_bytes(), path)
    if _XHTML.search(page[:2000]):
        # To an HTML parser "<script/>" is open and swallows the page.
        page = _unpacked(_EMPTY.sub(r"<\1\2></\1>", _ENTITIES.sub("<!DOCTYPE html>", page, count=1)))
    tally = Tally()
    target = BlockTarget(tally)
    blocks = _parsed(page, target)
    main_text = "" if _is_too_much(page, target) else _main_text(page)
    kept = _chosen(blocks, main_text)
    chosen = {id(block) for block in kept}
    for block in blocks:
        if id(block) not in chosen:
            tally.add("characters outside the main content", block.block.text, block.size)
    return assemble((block.block for block in kept), document_id, "web", tally, encoding)


def _decoded(raw: bytes, path: Path) -> tuple[str, str]:
    """Text by byte order mark, valid UTF-8, what the page says of itself, and last by its letters."""
    if not raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        match = _CHARSET.search(raw, 0, 4096)
        named = _codec(match[1].decode("ascii", "replace")) if match else None
        # Pages saved by a browser are often UTF-8 whatever their head still says; nothing else passes for it by chance.
        for encoding in ("utf-8", named) if not raw.isascii() else (named or "utf-8",):
            try:
                if encoding:
                    return raw.decode(encoding), encoding
            except UnicodeError:
                continue
    return decode(raw, path)


def _codec(name: str) -> str | None:
    """Python's name for an encoding named in a page, as browsers take it; None if it is none for pages."""
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    known = _SAME.get(known, known)
    return known if _CODEC.fullmatch(known) else None


def _unpacked(page: str) -> str:
    """CDATA sections as text: an HTML parser takes them for comments."""
    pieces = page.split("<![CDATA[")
    out = [pieces[0]]
    for piece in pieces[1:]:
        inside, closed, after = piece.partition("]]>")
        # Within a script or style they guard code, not text.
        is_text = closed and not inside.lstrip().startswith(("/", "*", "<"))
        out.append((inside.replace("&", "&amp;").replace("<", "&lt;") if is_text else inside) + after)
    return "".join(out)


def _parsed(page: str, target: BlockTarget) -> list[HtmlBlock]:
    from lxml import etree

    parser: Any = etree.HTMLParser(target=cast(Any, target), encoding="utf-8", no_network=True, huge_tree=True)
    parser.feed(_bytes(page))
    blocks: list[HtmlBlock] = parser.close()
    return blocks


def _is_too_much(page: str, target: BlockTarget) -> bool:
    return target.depth > MAX_DEPTH or target.elements > MAX_ELEMENTS or len(page) > MAX_ASKED


def _main_text(page: str) -> str:
    """What trafilatura takes for the main content; empty where it finds none."""
    import trafilatura
    from lxml import html

    # It logs pages without an article as errors; here that is an answer.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        tree = html.fromstring(_bytes(page), parser=parser)
        text = trafilatura.extract(
            tree, favor_recall=True, include_tables=True, include_comments=False, with_metadata=False, fast=True
        )
    except Exception:
        # It trips over odd trees in many ways, none of which costs text: then the markup decides.
        return ""
    return text or ""


def _bytes(page: str) -> bytes:
    return page.replace("\0", "\ufffd").encode("utf-8", "replace")


def _chosen(blocks: Sequence[HtmlBlock], main_text: str) -> list[HtmlBlock]:
    """Blocks of the main content."""
    total = sum(block.size for block in blocks)
    # A page about cookies is no banner.
    is_banner = sum(block.size for block in blocks if block.consent) < 0.4 * total
    blocks = [block for block in blocks if not (block.consent and is_banner)]
    plausible = [block for block in blocks if not block.aside]
    if sum(block.size for block in plausible) < 0.25 * total:
        plausible = list(blocks)  # the markup's names mislead
    content = [block for block in plausible if not _is_navigation(block)]
    found = _found(blocks, main_text)
    inside = _around(blocks, found)
    enough = ENOUGH * sum(block.size for block in content)
    if sum(block.size for block in inside) >= enough and inside:
        return inside
    wanted = {id(block) for block in content} | {id(block) for block, hit in zip(blocks, found, strict=True) if hit}
    return [block for block in blocks if id(block) in wanted] or list(plausible)


def _found(blocks: Sequence[HtmlBlock], main_text: str) -> list[bool]:
    """For each block whether it stands in the main text, by its runs of four words or, if shorter, as a whole line."""
    grams: set[tuple[str, ...]] = set()
    whole: set[tuple[str, ...]] = set()
    for line in main_text.split("\n"):
        words = _WORD.findall(line)
        grams.update(_grams(words))
        whole.add(tuple(words))
        whole.update(tuple(_WORD.findall(cell)) for cell in line.split("|"))
    hits = []
    for block in blocks:
        words = _WORD.findall(block.block.text)
        if len(words) < _GRAM:
            hits.append(tuple(words) in whole and bool(words))
        else:
            known = [gram in grams for gram in _grams(words)]
            hits.append(sum(known) >= 0.5 * len(known))
    return hits


def _grams(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(words[index:] for index in range(_GRAM)), strict=False)


def _around(blocks: Sequence[HtmlBlock], found: Sequence[bool]) -> list[HtmlBlock]:
    """The blocks found, and what belongs to them: between them, in their sections, in ``main``, headings above."""
    # Short lines recur in menus; where the content begins and ends is for longer ones to say.
    long = [index for index, hit in enumerate(found) if hit and blocks[index].size >= _LONG]
    long = long or [index for index, hit in enumerate(found) if hit]
    if not long:
        return []
    first, last = long[0], long[-1]
    sections = {blocks[index].container for index in long}
    title = next((index for index in range(first - 1, -1, -1) if blocks[index].level == 1), first)
    wanted = {title, *(index for index in range(max(first - 3, 0), first) if blocks[index].level)}
    while last + 1 < len(blocks) and "table" in blocks[last].block.kinds and "table" in blocks[last + 1].block.kinds:
        last += 1
    for index, block in enumerate(blocks):
        near = block.main or block.container in sections
        if first <= index <= last or (near and not _is_navigation(block)):
            wanted.add(index)
    return [blocks[index] for index in sorted(wanted) if found[index] or not blocks[index].aside]


def _is_navigation(block: HtmlBlock) -> bool:
    return block.linked >= LINKED * block.size and not block.level
