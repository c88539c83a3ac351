"""Whatever people write comes out of every format, and whatever bytes come in are answered: properties."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp import readers
from sibnlp.types import Document
from tests.fuzz.invariants import check_document, check_passages
from tests.fuzz.targets import TARGETS
from tests.readers import test_opendocument as odt
from tests.readers import word_files as word
from tests.readers.test_pdf import draw

# Letters of many scripts with their marks, digits, punctuation of transcripts; no colon, which would make labels.
LETTERS = "abcdefgh XYZ 0123 äöüßéñ ščž Жуй αβγ אבג 中文字 हिन्दी 🙂👍🏽 .,!?’‘“”–…()/%&<>\"'+=@"
WORDS = st.text(alphabet=LETTERS, min_size=1, max_size=60).map(lambda text: " ".join(text.split()))
PARAGRAPHS = st.lists(WORDS.filter(lambda text: any(c.isalpha() for c in text)), min_size=1, max_size=6)


def _rtf(paragraphs: list[str]) -> bytes:
    def units(text: str) -> str:
        raw = text.encode("utf-16-le")
        numbers = [int.from_bytes(raw[i : i + 2], "little", signed=True) for i in range(0, len(raw), 2)]
        return "".join(f"\\u{number}?" for number in numbers)

    body = "".join(f"\\pard {units(one)}\\par\n" for one in paragraphs)
    return f"{{\\rtf1\\ansi\\uc1 {body}}}".encode("latin-1")


def _vtt(paragraphs: list[str]) -> bytes:
    cues = (f"00:{i:02d}.000 --> 00:{i + 1:02d}.000\n{escape(one)}\n" for i, one in enumerate(paragraphs))
    return ("WEBVTT\n\n" + "\n".join(cues)).encode()


def _srt(paragraphs: list[str]) -> bytes:
    cues = (f"{i}\n00:00:{i:02d},000 --> 00:00:{i + 1:02d},000\n{escape(one)}\n" for i, one in enumerate(paragraphs, 1))
    return "\n".join(cues).encode()


def _docx(paragraphs: list[str]) -> bytes:
    with TemporaryDirectory() as folder:
        body = "".join(word.p(word.r(escape(one))) for one in paragraphs)
        return word.make(Path(folder, "a.docx"), body).read_bytes()


def _odt(paragraphs: list[str]) -> bytes:
    with TemporaryDirectory() as folder:
        return odt.make(Path(folder, "a.odt"), "".join(odt.p(escape(one)) for one in paragraphs)).read_bytes()


def _html(paragraphs: list[str]) -> bytes:
    body = "".join(f"<p>{escape(one)}</p>" for one in paragraphs)
    return f"<!doctype html><meta charset=utf-8><title>t</title><main>{body}</main>".encode()


BUILD: dict[str, Callable[[list[str]], bytes]] = {
    ".txt": lambda paragraphs: "\n\n".join(paragraphs).encode(),
    ".md": lambda paragraphs: "\n\n".join(paragraphs).encode(),
    ".vtt": _vtt, ".srt": _srt, ".docx": _docx, ".odt": _odt, ".rtf": _rtf, ".html": _html,
}  # fmt: skip


def read(raw: bytes, suffix: str) -> Document:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(raw)
        document = readers.read(path, "a")
        assert readers.read(path, "a") == document
    check_document(document)
    check_passages(document)
    return document


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("suffix", BUILD)
@settings(max_examples=25)
@given(paragraphs=PARAGRAPHS)
def test_every_character_comes_out_in_order(suffix: str, paragraphs: list[str]) -> None:
    document = read(BUILD[suffix](paragraphs), suffix)
    text = squeezed("".join(paragraphs))
    # Rolling captions repeat themselves, a bare page has no proof that a line is content: such losses are counted.
    if document.dropped:
        assert suffix in (".vtt", ".srt", ".html"), document.dropped
    else:
        assert squeezed(document.text) == text


CELLS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffe\uffff")
ROWS = st.lists(st.text(CELLS, max_size=40).map(str.strip).filter(bool), min_size=1, max_size=5)


def _csv(rows: list[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["id", "text"], *([str(i), text] for i, text in enumerate(rows))])
    return out.getvalue().encode()


def _jsonl(rows: list[str]) -> bytes:
    return "\n".join(json.dumps({"text": text}) for text in rows).encode()


def _parquet(rows: list[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"text": rows}), out)
    return out.getvalue()


def _xlsx(rows: list[str]) -> bytes:
    from sibnlp import exchange

    with TemporaryDirectory() as folder:
        exchange.save_rows([{"text": text} for text in rows], Path(folder, "a.xlsx"))
        return Path(folder, "a.xlsx").read_bytes()


TABLES = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet, ".xlsx": _xlsx}


@pytest.mark.parametrize("suffix", TABLES)
@settings(max_examples=20)
@given(rows=ROWS)
def test_every_row_of_a_table_is_a_passage_as_it_stands(suffix: str, rows: list[str]) -> None:
    document = read(TABLES[suffix](rows), suffix)
    assert [row.text for row in document.rows] == [text for text in rows if text.strip()]


@settings(max_examples=8)
@given(st.lists(st.integers(1, 10**9), min_size=8, max_size=60, unique=True))
def test_every_word_of_a_pdf_comes_out_in_order(numbers: list[int]) -> None:
    words = [f"w{number:b}".replace("1", "a").replace("0", "e") for number in numbers]
    lines = [" ".join(words[i : i + 3]) for i in range(0, len(words), 3)]
    with TemporaryDirectory() as folder:
        document = read(draw(Path(folder, "a.pdf"), lines).read_bytes(), ".pdf")
    assert document.text.split() == words


ODD = [b"\r", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\0", b"<", b"]]>", b"-->", b"\\", b"{", b"\xff\xfe", b"99999999999"]
PLACES, LENGTHS, WRITTEN = st.integers(0, 10**6), st.integers(0, 40), st.binary(max_size=12) | st.sampled_from(ODD)
EDITS = st.lists(st.tuples(PLACES, LENGTHS, WRITTEN), min_size=1, max_size=4)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=15)
@given(data=st.data())
def test_a_damaged_file_of_any_kind_is_read_or_refused(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    raw = data.draw(st.sampled_from(_seeds(name)))
    for at, length, piece in data.draw(EDITS):
        at %= len(raw) + 1
        raw = raw[:at] + piece + raw[at + length :]
    target.check(raw)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=10)
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(name: str, raw: bytes) -> None:
    TARGETS[name].check(raw)


_SEEDS: dict[str, list[bytes]] = {}


def _seeds(name: str) -> list[bytes]:
    if name not in _SEEDS:
        _SEEDS[name] = TARGETS[name].make_seeds()
    return _SEEDS[name]
