"""The vocabulary of Rich Text Format: tokens, destinations, characters, code pages."""

from __future__ import annotations

import codecs
import re

from striprtf.striprtf import charset_map, destinations

TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?"  # control word
    r"|\\'([0-9a-fA-F]{2})"  # one byte
    r"|\\(.)"  # control symbol
    r"|([{}])"
    r"|([^\\{}\r\n\0]+)"  # text
    r"|[\r\n\0]+|\\",  # nothing; line ends in the file mean nothing
    re.DOTALL,
)
CHARACTERS = {
    "tab": "\t", "line": "\n", "lbr": "\n", "softline": "\n", "page": "\n", "column": "\n",
    "emdash": "—", "endash": "–", "emspace": "\u2003", "enspace": "\u2002", "qmspace": "\u2005", "bullet": "•",
    "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "zwj": "\u200d", "zwnj": "\u200c",
    "ltrmark": "\u200e", "rtlmark": "\u200f", "zwbo": "\u200b", "zwnbo": "\u2060",
    "~": "\u00a0", "_": "\u2011", "\t": "\t",
}  # fmt: skip
"""Control words and symbols that stand for text. The optional hyphen (``\\-``) is not text."""

FLOWS = frozenset(("footnote", "shptxt", "dptxbxtext"))
"""Destinations that are shown, apart from the text around them."""
SHOWN = FLOWS | {"object", "result", "shp", "shpinst", "shpgrp", "shppict", "do", "nesttableprops", "ud"}
"""Destinations that hold text of the page, or lead to it."""
RUNNING = frozenset(("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"))
NUMBERS = frozenset(("listtext", "pntext"))
COUNTED = {"pict": "pictures", "annotation": "comments", "objdata": "embedded objects", "mmath": "equations"}
"""Destinations whose loss is worth a line in the report."""
SKIPPED = (destinations | RUNNING | NUMBERS | {"annotation", "nonshppict", "fldinst"}) - SHOWN

_PLATFORMS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_PYTHON_NAMES = {
    "mac_japanese": "shift_jis", "mac_chinesetrad": "big5", "mac_korean": "euc_kr", "mac_hebrew": "iso8859_8",
    "mac_chinesesimp": "gb2312", "mac_rumanian": "mac_romanian", "mac_thai": "cp874", "mac_ce": "mac_latin2",
    "cp65001": "utf_8", "cp1361": "johab", "cp10000": "mac_roman", "cp54936": "gb18030", "cp20866": "koi8_r",
    "cp28592": "iso8859_2", "cp28605": "iso8859_15",
}  # fmt: skip
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HEADING = re.compile(
    r"(heading|überschrift|titre|titolo|título|kop|rubrik|overskrift|otsikko) ?[1-9]|title", re.IGNORECASE
)


def code_page(name: str | None) -> str | None:
    """The name Python has for an encoding; None where it has none."""
    try:
        return codecs.lookup(_PYTHON_NAMES.get(name, name)).name if name else None
    except LookupError:
        return None


def charset(number: int | None) -> str | None:
    """Encoding of a font's character set; None for the default one (1) and unknown ones."""
    return code_page(charset_map.get(number)) if number not in (None, 1, 2) else None


class Tables:
    """What the head of a file declares: code page, character sets of fonts, styles of headings.

    Attributes:
        encoding: the code page of the file.
        heading_styles: numbers of the paragraph styles that make headings.
    """

    def __init__(self) -> None:
        self.encoding = "cp1252"
        self.heading_styles: set[int | None] = set()
        self._fonts: dict[int | None, str] = {}
        self._default_font: int | None = None
        self._font: int | None = None  # the font and the style being declared
        self._style: int | None = None
        self._style_name = ""

    def declare(self, word: str, number: int | None) -> None:
        """A control word within the tables of fonts and styles."""
        if word == "f":
            self._font = number
        elif word in ("fcharset", "cpg"):
            if encoding := charset(number) if word == "fcharset" else code_page(f"cp{number}"):
                self._fonts[self._font] = encoding
        elif word == "s":
            self._style, self._style_name = number, ""
        elif word == "outlinelevel" and (number or 0) < 9:
            self.heading_styles.add(self._style)

    def name_style(self, text: str) -> None:
        """Text within the table of styles; a name may come in pieces."""
        self._style_name += text
        if ";" in text and _HEADING.fullmatch(self._style_name.partition(";")[0].strip()):
            self.heading_styles.add(self._style)

    def set_page(self, word: str, number: int | None) -> None:
        """A control word that sets the code page or the default font."""
        if word == "deff":
            self._default_font = number
        else:
            name = f"cp{number}" if word == "ansicpg" else _PLATFORMS.get(word)
            self.encoding = code_page(name) or self.encoding

    def decode(self, raw: bytes, font: int | None) -> str:
        """Text of bytes set in a font; U+FFFD for what its code page does not have."""
        font = self._default_font if font is None else font
        return raw.decode(self._fonts.get(font, self.encoding), "replace")


def tidy(text: str) -> str:
    r"""Text as a document may hold it.

    Characters beyond U+FFFF come as two ``\u`` words; a lone half stands for nothing, nor do control characters.
    """
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
