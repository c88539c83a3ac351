"""From bytes to text: which encoding, decided by evidence in a fixed order and recorded.

A byte order mark decides; then strict UTF-8, which other encodings hardly ever satisfy by accident; then
charset-normalizer. Bytes that are not text at all (a picture with a ``.txt`` name) are refused, saying what they are.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from sibnlp.errors import ReadError

# First bytes of files that people do misname, with what to call them.
MAGIC = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive (docx, xlsx, odt, epub or zip)"),
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or locked Office file (doc, xls, msg)"),
    (b"MZ\x90\x00", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh91AY", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"PAR1", "a Parquet table"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"ID3", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"fLaC", "a FLAC recording"),
)
# UTF-32 first: its little-endian mark begins with the one of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Control characters that do not occur in text: all of C0 but tab, LF, VT, FF, CR and ESC.
CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\x0b\x0c\r\x1b") + b"\x7f"
MAX_CONTROLS = 0.02

# Without a mark these are ruled out before (zero bytes) or never met (UTF-7), yet two bytes of text can look like them.
EXCLUDED = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]
# Languages whose bytes read as cp1252 give no rare character, only wrong letters: known by their letter pairs.
CODE_PAGES = {
    **dict.fromkeys(("Polish", "Czech", "Slovak", "Slovene", "Croatian", "Hungarian", "Romanian"), "cp1250"),
    "Turkish": "cp1254",
    **dict.fromkeys(("Estonian", "Latvian", "Lithuanian"), "cp1257"),
}
# Encodings charset-normalizer confuses with cp1252 on short western text.
_NEIGHBOURS = re.compile(r"cp125[0247]$|latin_1$|iso8859_(?:[12349]|10|1[3456])$|mac_|cp[4578]\d\d$|hp_roman8$")
# Read as cp1252, western text has letters beyond ASCII alone or in pairs and symbols outside words; other text has not.
_FOREIGN = re.compile(r"[^\x00-\x7f\xa0’‘“”„…–—·«»]{3}|[a-z][^\x00-\x7f\xa0À-ÖØ-öø-ÿŠšŽžŒœŸ’‘“”„…–—·«»\xad][a-z]")


def foreign_kind(head: bytes) -> str | None:
    """What a file's first bytes say it is, if that is something with a signature and not plain text."""
    if head[4:8] == b"ftyp":
        return "an MP4 recording"
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"WEBP", b"AVI "):
        return "a WAV recording, a WebP image or an AVI film"
    return next((name for magic, name in MAGIC if head.startswith(magic)), None)


def decode(raw: bytes, path: str | Path) -> tuple[str, str]:
    """Decode the bytes of a text file.

    Args:
        raw: all bytes of the file.
        path: the file, for messages.

    Returns:
        The text, with LF line ends and no byte order mark, and the name of the encoding as Python knows it
        (``utf-8``, ``utf-16``, ``cp1252`` …).

    Raises:
        ReadError: the bytes are no text; the message says what they look like.
    """
    kind = foreign_kind(raw)
    if kind:
        raise ReadError(path, f"not text: it looks like {kind}", "give it its proper suffix or export it as text")
    text, encoding = _decode(raw, path)
    zero = text.find("\0")
    if zero >= 0:
        raise ReadError(path, f"not text: binary data (a zero byte at character {zero})")
    # \v, \f and the Unicode separators are left as they are: only the line ends of the three platforms are unified.
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff"), encoding


def _decode(raw: bytes, path: str | Path) -> tuple[str, str]:
    marked = [name for mark, name in MARKS if raw.startswith(mark)]
    for encoding in marked:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError as error:
            if encoding == marked[-1]:
                raise ReadError(
                    path, f"begins as {encoding.upper()} but is damaged at byte {error.start}", "save it as UTF-8"
                ) from error
    _refuse_binary(raw, path)
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _guess(raw.removeprefix(codecs.BOM_UTF8), path)


def _refuse_binary(raw: bytes, path: str | Path) -> None:
    """Zero bytes and many control characters: not text in any encoding without a byte order mark."""
    if b"\0" in raw:
        even, odd = raw[::2].count(0), raw[1::2].count(0)
        if len(raw) >= 4 and max(even, odd) > 0.4 * len(raw) / 2 and min(even, odd) < 0.05 * len(raw) / 2:
            raise ReadError(path, "looks like UTF-16 without a byte order mark", "save it as UTF-8")
        raise ReadError(path, f"not text: binary data (a zero byte at offset {raw.index(0)})")
    n_controls = len(raw) - len(raw.translate(None, CONTROLS))
    if n_controls > 1 + MAX_CONTROLS * len(raw):
        raise ReadError(path, f"not text: binary data ({n_controls} control characters in {len(raw)} bytes)")


def _guess(raw: bytes, path: str | Path) -> tuple[str, str]:
    """Ask charset-normalizer; where cp1252 reads as well as its answer, take cp1252.

    The byte sets overlap so far that a short German or French text fits a dozen encodings equally; cp1252 is what
    Windows wrote for all of them.
    """
    from charset_normalizer import from_bytes

    matches = list(from_bytes(raw, cp_exclusion=EXCLUDED))
    best = matches[0] if matches else None
    encodings = [best.encoding] if best else []
    if best is None or best.coherence < 0.1 or _NEIGHBOURS.match(best.encoding):
        rival = next((match for match in matches if "cp1252" in (match.encoding, *match.could_be_from_charset)), None)
        if rival is None or (best is not None and rival.chaos <= best.chaos):
            encodings.insert(0, CODE_PAGES.get(rival.language, "cp1252") if rival else "cp1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if encoding != "cp1252" or len(encodings) == 1 or not _FOREIGN.search(text):
            return text, encoding
    raise ReadError(path, "not text in any encoding we know", "save it as UTF-8")
