"""Rich Text Format (.rtf): one pass over the tokens, groups on an explicit stack, time linear in the file.

striprtf gives the tables (`sibnlp.parsing.rtfwords`); its own loop cannot be used, because it writes paragraphs and
line breaks alike, keeps tracked deletions, hidden text and list numbers, loses notes and text boxes, and fails on code
pages that Python does not have; ``tests/readers/test_rtf.py`` shows each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sibnlp.errors import ReadError
from sibnlp.parsing import rtfwords as words
from sibnlp.parsing.blocks import CELL, Block, Tally, assemble, row_blocks
from sibnlp.types import Document

MAX_BYTES = 128 * 1024**2
MAX_DEPTH = 2000
MAX_WORDS = 10_000_000  # half a minute of work; a book has one
_MAGIC = b"{\\rtf"
_TEXTUAL = words.RUNNING | {"annotation", "stylesheet"}  # left out, but their text is looked at
_SWITCHES = {"intbl": "in_table", "ls": "listed", "v": "hidden", "deleted": "deleted"}


def sniff(head: bytes) -> bool:
    """Starts as every RTF file does."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_MAGIC)


def read(path: Path, document_id: str) -> Document:
    """Read an .rtf file.

    Raises:
        ReadError: not RTF, too long, cut off, or nested beyond reason.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ReadError(path, f"{size / 1024**2:,.0f} MB, more than {MAX_BYTES // 1024**2}", "leave out its pictures")
    raw = path.read_bytes()
    if not sniff(raw[:100]):
        raise ReadError(path, "not Rich Text Format: it does not start with {\\rtf")
    # Latin-1 keeps every byte as one character; code pages are the parser's business.
    source = raw[raw.index(_MAGIC) :].decode("latin-1")
    if source.count("\\") + source.count("{") > MAX_WORDS:
        raise ReadError(path, f"more than {MAX_WORDS // 10**6} million control words", "save it as .docx")
    tally = Tally()
    parser = _Parser(path, tally)
    blocks = parser.parse(source)
    return assemble(blocks, document_id, "rtf", tally, parser.tables.encoding)


@dataclass(slots=True, eq=False)
class _Flow:
    """A text that grows: the body, a note, a text box."""

    kind: str = ""
    blocks: list[Block] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    boxes: list[Block] = field(default_factory=list)  # anchored in the current paragraph
    cell: list[Block] = field(default_factory=list)
    row: list[list[Block]] = field(default_factory=list)
    numbered: bool = False


@dataclass(eq=False)
class _State:
    """What a group inherits, and gives back at its end."""

    flow: _Flow
    skip: str = ""  # the destination that keeps text from being shown
    font: int | None = None
    fallback: int = 1  # characters that follow \u for readers without Unicode
    hidden: bool = False
    deleted: bool = False
    in_table: bool = False
    listed: bool = False
    heading: bool = False
    fresh: bool = True  # the next control word may name a destination
    optional: bool = False  # \* came: a destination we do not know is to be skipped

    def inner(self) -> _State:
        """State of a group that opens here; `copy.copy` takes four times as long."""
        state = object.__new__(_State)
        state.__dict__.update(self.__dict__, fresh=True, optional=False)
        return state


class _Parser:
    """Reads one file; `tables` has its code page."""

    def __init__(self, path: Path, tally: Tally) -> None:
        self.tables = words.Tables()
        self._path, self._tally = path, tally
        self._state = _State(_Flow())
        self._stack: list[_State] = []
        self._notes: list[Block] = []
        self._bytes = bytearray()  # not yet decoded: a character of an Asian code page may be spread over tokens
        self._pass_over = 0  # characters still to skip after \u
        self._lost: list[str] = []  # text of the header, footer or comment being left out
        self._cut: list[str] = []  # deleted or hidden text since the last shown one
        self._cut_what = ""

    def parse(self, source: str) -> list[Block]:
        """Blocks of the body, then those of the notes."""
        position, match = 0, words.TOKEN.match
        while (token := match(source, position)) is not None:
            position = token.end()
            word, number, code, sign, brace, text = token.groups()
            if text is not None or code is not None:
                self._literal(text.encode("latin-1") if text is not None else bytes((int(code, 16),)))
            elif word == "bin":
                position += max(int(number or 0), 0)
            elif word is not None:
                self._word(word, int(number) if number else None)
            elif sign is not None:
                self._sign(sign)
            elif brace is not None and not self._brace(brace):
                break
        if self._stack:
            raise ReadError(self._path, "the file is cut off or damaged (braces not closed)", "export or copy it again")
        self._end_cut()
        if rest := source[position : position + 1000].strip("\0 \r\n\t\x1a"):
            self._tally.add("text after the end of the document", rest)
        self._end_row(self._state.flow)
        return self._state.flow.blocks + self._notes

    def _brace(self, brace: str) -> bool:
        """Open or close a group; whether one is still open."""
        self._flush()
        if brace == "{":
            self._stack.append(self._state)
            if len(self._stack) > MAX_DEPTH:
                raise ReadError(self._path, f"groups nested deeper than {MAX_DEPTH}")
            self._state = self._state.inner()
        else:
            if len(self._stack) == 1:
                self._end_paragraph()
            self._close(self._stack.pop())
        return bool(self._stack)

    def _literal(self, raw: bytes) -> None:
        if self._pass_over:
            raw, self._pass_over = raw[self._pass_over :], max(self._pass_over - len(raw), 0)
        self._state.fresh = False
        if not self._state.skip or self._state.skip in _TEXTUAL:
            self._bytes += raw

    def _flush(self) -> None:
        """Decode what has come in, before anything that may change the code page or end the text."""
        self._pass_over = 0
        if self._bytes:
            text = self.tables.decode(bytes(self._bytes), self._state.font)
            self._bytes.clear()
            self._tally.add("bytes that the code page does not have", count=text.count("\ufffd"))
            self._show(text)

    def _show(self, text: str) -> None:
        state = self._state
        state.fresh = False
        if state.skip == "stylesheet":
            self.tables.name_style(text)
        elif state.skip in _TEXTUAL:
            self._lost.append(text)
        elif not state.skip:
            what = "tracked deletions" if state.deleted else "pieces of hidden text" if state.hidden else ""
            if what != self._cut_what:
                self._end_cut()
                self._cut_what = what
            (self._cut if what else state.flow.parts).append(text)

    def _end_cut(self) -> None:
        if text := words.tidy("".join(self._cut)).strip():
            self._tally.add(self._cut_what, text)
        self._cut = []

    def _sign(self, sign: str) -> None:
        if sign == "*":
            self._state.optional = True
        elif sign in "{}\\":
            self._literal(sign.encode())  # may be the second byte of an Asian character
        elif self._pass_over:
            self._pass_over -= 1
        elif sign in "\r\n":
            self._word("par", None)
        elif sign in words.CHARACTERS:
            self._flush()
            self._show(words.CHARACTERS[sign])

    def _word(self, word: str, number: int | None) -> None:
        character = words.CHARACTERS.get(word)
        if self._pass_over and character and not character.isspace():
            self._pass_over -= 1  # "\u8212\emdash": the word is the fallback
            return
        self._flush()
        if word == "u":
            code = (number or 0) + 0x10000 * ((number or 0) < 0)
            self._show(chr(code) if 0 < code <= 0x10FFFF else "\ufffd")
            self._pass_over = self._state.fallback
        elif character:
            self._show(character)
        else:
            if self._state.fresh:
                self._state.fresh = False
                self._destination(word)
            if self._state.skip in ("fonttbl", "stylesheet"):
                self.tables.declare(word, number)
            elif not self._state.skip:
                self._layout(word, number)

    def _destination(self, word: str) -> None:
        state = self._state
        skipped = word in words.SKIPPED or (state.optional and word not in words.SHOWN)
        if state.skip == "upr" and word == "ud":
            state.skip = ""  # the same text again, in Unicode
        elif state.skip:
            state.skip = word if skipped and state.skip != "stylesheet" else state.skip
        elif word in words.FLOWS:
            state.flow = _Flow("footnote" if word == "footnote" else "box")
            state.in_table = state.listed = state.heading = False
        elif skipped:
            state.skip, self._lost = word, []
            if word in words.NUMBERS:
                state.flow.numbered = True
                self._tally.add("list numbers and bullets")

    def _layout(self, word: str, number: int | None) -> None:
        state = self._state
        if word in ("par", "sect", "nestrow"):
            if not state.deleted:  # a deleted paragraph end: the text runs on
                self._end_paragraph()
        elif word == "cell":
            self._end_paragraph(in_table=True)
            state.flow.row.append(state.flow.cell)
            state.flow.cell = []
        elif word == "row":
            self._end_row(state.flow)
        elif word == "nestcell":
            state.flow.parts.append(CELL)
        elif word == "pard":
            state.in_table = state.listed = state.heading = False
        elif word == "plain":
            state.hidden, state.deleted, state.font = False, False, None
        else:
            self._format(word, number)

    def _format(self, word: str, number: int | None) -> None:
        state = self._state
        if word in _SWITCHES:
            setattr(state, _SWITCHES[word], number != 0)
        elif word == "f":
            state.font = number
        elif word == "s":
            state.heading = number in self.tables.heading_styles
        elif word == "outlinelevel":
            state.heading = (number or 0) < 9
        elif word == "uc":
            state.fallback = max(1 if number is None else number, 0)
        elif word in ("deff", "ansicpg", "mac", "pc", "pca"):
            self.tables.set_page(word, number)

    def _end_paragraph(self, in_table: bool = False) -> None:
        state, flow = self._state, self._state.flow
        kinds = ("heading",) if state.heading else ("list_item",) if state.listed or flow.numbered else ()
        if not (in_table or state.in_table):
            self._end_row(flow)
        into = flow.cell if in_table or state.in_table else flow.blocks
        into += [Block(words.tidy("".join(flow.parts)).removesuffix(CELL), kinds), *flow.boxes]
        flow.parts, flow.boxes, flow.numbered = [], [], False

    def _end_row(self, flow: _Flow) -> None:
        if flow.row or flow.cell:
            flow.blocks += row_blocks([*flow.row, flow.cell] if flow.cell else flow.row)
            flow.row, flow.cell = [], []

    def _close(self, outer: _State) -> None:
        inner = self._state
        if inner.flow is not outer.flow:
            self._end_paragraph()
            self._end_row(inner.flow)
            if inner.flow.kind == "footnote":
                self._notes += [Block(block.text.strip(), (*block.kinds, "footnote")) for block in inner.flow.blocks]
            else:
                outer.flow.boxes += inner.flow.blocks
        self._state = outer
        if inner.skip and not outer.skip:
            text = words.tidy("".join(self._lost)).strip()
            if inner.skip in words.COUNTED:
                self._tally.add(words.COUNTED[inner.skip], text)
            elif inner.skip in words.RUNNING and text:
                self._tally.add("running headers and footers", text)
