"""Encodings are decided by evidence, and what is no text is refused by name."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.errors import ReadError
from sibnlp.parsing.decode import MAGIC, decode

# Text as files hold it: no control characters, no BOM in front, LF line ends.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).map(lambda text: text.lstrip("\ufeff"))


@settings(deadline=None)
@given(TEXTS)
def test_utf8_round_trip(text: str) -> None:
    # A first line that happens to be a file signature ("GIF8…") is refused on purpose.
    if any(text.encode().startswith(magic) for magic, _ in MAGIC) or text.encode()[4:8] == b"ftyp":
        return
    assert decode(text.encode(), "a.txt") == (text, "utf-8")


@settings(deadline=None)
@given(TEXTS, st.sampled_from([("utf-16-le", codecs.BOM_UTF16_LE), ("utf-32-be", codecs.BOM_UTF32_BE)]))
def test_round_trip_by_mark(text: str, encoding: tuple[str, bytes]) -> None:
    name, mark = encoding
    assert decode(mark + text.encode(name), "a.txt") == (text, name[:6])


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_never_anything_but_text_or_read_error(raw: bytes) -> None:
    message = ""
    try:
        text, encoding = decode(raw, "a.txt")
    except ReadError as error:
        message = str(error)
    if message:
        assert message.startswith("a.txt: ")
        assert "\n" not in message
        return
    assert encoding
    assert not set(text) & {"\r", "\0"}
    assert not text.startswith("\ufeff")


def test_line_ends_and_mark() -> None:
    assert decode(b"\xef\xbb\xbfone\r\ntwo\rthree\n", "a.txt") == ("one\ntwo\nthree\n", "utf-8")
    assert decode(b"", "a.txt") == ("", "utf-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café", "cp1252"),
        ("It cost £5 and that's it.", "cp1252"),
        ("The board’s view – “costs £5” – was clear.", "cp1252"),
        ("Grüße aus Köln, die Größe zählt nicht.", "cp1252"),
        ("L’évaluation a été menée à Besançon où le maire était présent.", "cp1252"),
        ("Dziękuję bardzo, zarząd był zadowolony ze współpracy między gminami, ale środki są ograniczone.", "cp1250"),
        ("Большое спасибо, совет доволен сотрудничеством между муниципалитетами.", "cp1251"),
        ("ありがとうございます。理事会は協力に満足しています。", "cp932"),
    ],
)
def test_legacy_encodings(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "a.txt") == (text, encoding)


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG image"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"%PDF-1.7 and so on", "a PDF"),
        (b"MZ\x90\0\3\0", "a Windows program"),
        (b"\0\0\0\x18ftypmp42", "an MP4 recording"),
        (b"plain text\0and then none", "a zero byte at offset 10"),
        (b"\x01\x02\x03\x04\x05\x06 text", "6 control characters"),
        ("in two bytes each".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (codecs.BOM_UTF16_LE + b"a\0b", "begins as UTF-16 but is damaged"),
    ],
)
def test_binary_is_refused_by_name(raw: bytes, cause: str) -> None:
    with pytest.raises(ReadError, match=cause) as caught:
        decode(raw, "interview.txt")
    assert str(caught.value).startswith("interview.txt: ")


def test_one_stray_control_character_is_no_reason_to_refuse() -> None:
    assert decode(b"a page\x0c and a slip\x08 here", "a.txt")[1] == "utf-8"
