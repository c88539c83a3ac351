"""Archives and XML from strangers: read within bounds or refused in one line."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from sibnlp.errors import ReadError
from sibnlp.parsing import archive
from tests.conftest import lacking


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, raw in members.items():
            file.writestr(name, raw)
    return path


def refusal(call, *arguments) -> str:
    with pytest.raises(ReadError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_sane_archive_passes_and_gives_its_members(tmp_path):
    path = zipped(tmp_path / "a.docx", {"word/document.xml": b"<a/>", "empty": b""})
    archive.check(path)
    assert archive.read_member(path, "word/document.xml") == b"<a/>"
    assert archive.read_member(path, "empty") == b""
    assert archive.member_names(path) == ["word/document.xml", "empty"]


def test_names_are_matched_exactly(tmp_path):
    path = zipped(tmp_path / "a.docx", {"a/b.xml": b"1"})
    for name in ("A/b.xml", "a/../a/b.xml", "b.xml", "/a/b.xml"):
        assert "no member" in refusal(archive.read_member, path, name)


def test_two_members_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a", "2")
    assert "two members" in refusal(archive.read_member, path, "a")


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated(tmp_path, share):
    whole = zipped(tmp_path / "whole.docx", {f"m{i}": bytes(range(256)) * 20 for i in range(10)}).read_bytes()
    path = tmp_path / "cut.docx"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "cut.docx: the file is cut off or damaged" in refusal(archive.check, path)


def test_damage_inside_a_member_is_seen(tmp_path):
    path = zipped(tmp_path / "a.docx", {"m": bytes(range(256)) * 200})
    raw = bytearray(path.read_bytes())
    raw[60:80] = b"\xff" * 20
    path.write_bytes(raw)
    assert "damaged" in refusal(archive.read_member, path, "m")


def test_other_kinds_of_file(tmp_path):
    path = tmp_path / "a.docx"
    path.write_bytes(b"<html>")
    assert "not a zip archive" in refusal(archive.check, path)
    path.write_bytes(archive.OLE_MAGIC + b"\0" * 600)
    assert "password-protected, or an old .doc" in refusal(archive.check, path)
    assert "missing.docx: No such file or directory" in refusal(archive.check, tmp_path / "missing.docx")


def test_encrypted_members(tmp_path):
    path = zipped(tmp_path / "a.docx", {"m": b"secret"})
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag word of both headers
        struct.pack_into("<H", raw, raw.index(signature) + offset, 1)
    path.write_bytes(raw)
    assert "password-protected" in refusal(archive.check, path)
    assert "password-protected" in refusal(archive.read_member, path, "m")


def test_bomb_of_zeros(tmp_path):
    path = zipped(tmp_path / "bomb.docx", {"word/document.xml": bytes(40 * 1024**2)})
    assert path.stat().st_size < 100_000
    assert "would unpack to 40 MB from 40 kB" in refusal(archive.check, path)


def test_bomb_that_lies_about_its_size(tmp_path):
    path = zipped(tmp_path / "bomb.docx", {"m": bytes(4 * 1024**2)})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 24, 100)
    path.write_bytes(raw)
    archive.check(path)  # by its own account it is harmless
    refusal(archive.read_member, path, "m")
    honest = zipped(tmp_path / "long.docx", {"m": bytes(4 * 1024**2)})
    assert "unpacks to more than 1 MB" in refusal(archive.read_member, honest, "m", 1024**2)


def test_members_that_share_their_bytes(tmp_path):
    """Fifield's bomb: many entries of the table of contents point at one member."""
    path = zipped(tmp_path / "bomb.docx", {"m": bytes(15 * 1024**2)})
    raw = path.read_bytes()
    start, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    entry, copies = raw[start:end], 100
    tail = bytearray(raw[end:])
    struct.pack_into("<HHI", tail, 8, copies, copies, len(entry) * copies)
    path.write_bytes(raw[:start] + entry * copies + bytes(tail))
    assert "refused" in refusal(archive.check, path)


def test_too_many_members(tmp_path):
    path = zipped(tmp_path / "a.docx", {str(i): b"" for i in range(archive.MAX_MEMBERS + 1)}, zipfile.ZIP_STORED)
    assert "members" in refusal(archive.check, path)


def test_unusual_compression(tmp_path):
    path = zipped(tmp_path / "a.docx", {"m": b"x" * 100}, zipfile.ZIP_LZMA)
    assert "unusual method" in refusal(archive.read_member, path, "m")


def test_related_parts_resolve_targets(tmp_path):
    relations = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
      <Relationship Id="1" Type="http://x/styles" Target="styles.xml"/>
      <Relationship Id="2" Type="http://x/header" Target="/WORD/Header1.xml"/>
      <Relationship Id="3" Type="http://x/custom" Target="../other/item.xml"/>
      <Relationship Id="4" Type="http://x/hyperlink" Target="styles.xml" TargetMode="External"/>
      <Relationship Id="5" Type="http://x/image" Target="../../../../etc/passwd"/></Relationships>"""
    names = ["word/document.xml", "word/styles.xml", "word\\header1.xml", "other/item.xml"]
    path = zipped(tmp_path / "a.docx", {"word/_rels/document.xml.rels": relations.encode()} | dict.fromkeys(names, b""))
    assert archive.related_parts(path, "word/document.xml") == [
        ("styles", "word/styles.xml"),
        ("header", "word\\header1.xml"),
        ("custom", "other/item.xml"),
    ]
    assert archive.related_parts(path) == []


ENTITY = '<!DOCTYPE a [<!ENTITY b "c">]>'


@pytest.mark.parametrize(
    "raw",
    [
        f'{ENTITY}<a b="&b;"/>'.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{ENTITY}<a>&b;</a>'.encode("utf-16"),
        b" " * 5000 + f"<!-- {'x' * 5000} -->{ENTITY}<a/>".encode(),
        b'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a/>',
        b"<!DOCTYPE a [" + b'<!ENTITY a0 "ha">' + b"".join(
            f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">'.encode() for i in range(1, 12)
        ) + b"]><a>&a11;</a>",
    ],
)  # fmt: skip
def test_document_types_are_refused(raw):
    assert "DTD" in refusal(archive.parse_xml, raw, Path("x.xml"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  \n",
        b"\0\0",
        b"no xml",
        b"<a>",
        b"<a>&undefined;</a>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<a>" * 300 + b"</a>" * 300,
        b"<a>" * 1_000_000,
        b"<a>" + b"x" * 11_000_000 + b"</a>",
        b"<a>\xff</a>",
    ],
)
def test_damaged_xml_is_refused_in_one_line(raw):
    assert len(refusal(archive.parse_xml, raw, Path("x.xml"))) < 300


def test_good_xml_is_parsed():
    raw = "<?xml version='1.0' encoding='utf-16'?><!-- <!DOCTYPE a> --><a b='c'>é<?pi?></a>".encode("utf-16")
    root = archive.parse_xml(raw, Path("x.xml"))
    assert (root.tag, root.text, root.get("b")) == ("a", "é", "c")
    assert archive.parse_xml(b"<a>" * 250 + b"</a>" * 250, Path("x.xml")).tag == "a"


def test_every_hostile_file_yields_or_is_refused(shared):
    folder = shared / "bench" / "robust" / "xml"
    if not folder.is_dir():
        lacking(f"{folder} is not there")
    outcomes = {path.name: _outcome(path) for path in sorted(p for p in folder.rglob("*") if p.is_file())}
    assert outcomes["xmltestdata__simple.xml"] == "root"
    for name in ("cyclic", "external", "external_file", "quadratic", "xmlbomb", "xmlbomb2", "dtd"):
        assert outcomes[f"xmltestdata__{name}.xml"] == "refused"


def _outcome(path: Path) -> str:
    try:
        return archive.parse_xml(path.read_bytes(), path).tag
    except ReadError as error:
        return "refused" if "\n" not in str(error) and path.name in str(error) else str(error)
