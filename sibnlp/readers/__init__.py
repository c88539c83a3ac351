"""From a file to a `sibnlp.types.Document`: text of record, turns, marks, and what was left out.

A new format is one file here and one line in `READERS` (or an entry point of group ``sibnlp.readers`` in another
package). The file holds two functions:

``read(path, document_id) -> Document``
    Raises `sibnlp.errors.ReadError` naming file and cause for anything it cannot read; never returns half a text
    silently (what it leaves out stands in ``Document.dropped``); parses archives and XML as hostile
    (`sibnlp.parsing.archive`); executes nothing, fetches nothing.
``sniff(head) -> bool``
    Whether the first `HEAD_BYTES` bytes look like this format. Asked only of readers that share a file's suffix, and
    to tell a user what a misnamed file really is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sibnlp.errors import ReadError
from sibnlp.parsing.decode import foreign_kind
from sibnlp.registry import Entry, Registry
from sibnlp.speech import turns
from sibnlp.types import Document

HEAD_BYTES = 4096


class Reader(Protocol):
    """What a module in this folder offers."""

    def read(self, path: Path, document_id: str) -> Document:
        """Read a file into a document with the given id."""
        ...

    def sniff(self, head: bytes) -> bool:
        """Whether the first bytes of a file look like this format."""
        ...


READERS = Registry(
    "reader",
    "sibnlp.readers",
    {
        "text": Entry("sibnlp.readers.text", (".txt", ".text", ".md", ".markdown")),
        "captions": Entry("sibnlp.readers.captions", (".vtt", ".srt")),
        "word": Entry("sibnlp.readers.word", (".docx",)),
        "opendocument": Entry("sibnlp.readers.opendocument", (".odt",)),
        "rtf": Entry("sibnlp.readers.rtf", (".rtf",)),
        "pdf": Entry("sibnlp.readers.pdf", (".pdf",)),
        "web": Entry("sibnlp.readers.web", (".html", ".htm", ".xhtml")),
        "sheets": Entry("sibnlp.readers.sheets", (".csv", ".tsv", ".xlsx", ".jsonl", ".parquet")),
    },
)

# Formats people do have and we do not read: better to name the way out than to say "unknown".
ADVICE = {
    ".doc": "save it as .docx in Word or LibreOffice",
    ".pages": "export it as .docx from Pages",
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".ppt": "export it as .pdf",
    ".pptx": "export it as .pdf",
    ".epub": "convert it to .html or .docx",
    ".qdpx": "it is a coded project: give it to the command by itself, not in a folder",
}


def readable(path: Path) -> bool:
    """Whether some reader answers for this file's name."""
    return bool(READERS.by_suffix(path.name))


def read(path: str | Path, document_id: str | None = None) -> Document:
    """Read one file.

    Args:
        path: the file.
        document_id: id of the document; the file's name by default.

    Returns:
        The document; where the format itself names no speakers, turns are looked for in the text.

    Raises:
        ReadError: the file is missing, empty, of an unknown kind, locked, damaged, or not what its name says.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ReadError(path, "is no regular file")  # a pipe or a device would never end
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ReadError(path, error.strerror or str(error)) from error
    if not head:
        raise ReadError(path, "the file is empty")
    name = _choose(path, head)
    try:
        document: Document = READERS.load(name).read(path, document_id or path.name)
    except (ReadError, MemoryError):
        raise
    except Exception as error:
        # A library tripping over a malformed file must not take the run down; the message keeps its name for a report.
        raise ReadError(path, f"cannot be read as {name}: {type(error).__name__}: {error}".rstrip(": ")) from error
    if not document.text.strip():
        raise ReadError(
            path, "no text in it", "a scanned document needs text recognition (OCR) first" * (name == "pdf")
        )
    if not document.turns and not document.rows:
        document = replace(document, turns=turns.find_turns(document.text))
    return document


def _choose(path: Path, head: bytes) -> str:
    """Name of the reader for a file: by suffix, then by content among those that share it."""
    names = READERS.by_suffix(path.name)
    if not names:
        known = " ".join(sorted(suffix for entry in READERS.values() for suffix in entry.suffixes))
        advice = ADVICE.get(path.suffix.lower(), f"readable: {known}")
        raise ReadError(path, f"no reader for {path.suffix or 'a file without a suffix'}", advice)
    fitting = [name for name in names if READERS.load(name).sniff(head)]
    if len(fitting) == 1 or (fitting and len(names) == 1):
        return fitting[0]
    if len(fitting) > 1:
        raise ReadError(path, f"could be any of {', '.join(fitting)}", "rename it")
    kind = foreign_kind(head) or ("binary data" if b"\0" in head else "something else")
    raise ReadError(path, f"named {path.suffix}, but it looks like {kind}", "rename it or export it again")
