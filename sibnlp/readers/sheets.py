"""Tables with a ``text`` column, ``.csv``, ``.tsv``, ``.xlsx``, ``.jsonl`` and ``.parquet``: one row is one passage.

What the other columns mean stands in `sibnlp.tables.rows`. The text of record is the rows' texts joined by a blank
line.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from sibnlp.errors import ReadError
from sibnlp.tables import files as rowfiles
from sibnlp.tables.rows import JOINT, passages_from_rows
from sibnlp.types import Document, Dropped


def sniff(head: bytes) -> bool:
    """Whether a file begins like a table: a ZIP or Parquet signature, a JSON object, a line of short cells."""
    if head.startswith((b"PK\x03\x04", b"PAR1")):
        return True
    is_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in head and not is_utf16:
        return False
    text = head.decode("utf-16" if is_utf16 else "utf-8-sig", "ignore").lstrip()
    first = text.split("\n", 1)[0].strip()
    if first.startswith("{"):
        return '"' in text
    cells = first.split(max(rowfiles.DELIMITERS, key=first.count))
    if len(cells) == 1:
        return first.strip('"').isidentifier() and first != "WEBVTT"
    return not first.startswith(("<", "%PDF", "WEBVTT")) and all(len(cell) <= 60 for cell in cells)


def read(path: Path, document_id: str) -> Document:
    """Read a table into a document whose passages are its rows.

    Args:
        path: the table; its suffix says the format.
        document_id: id of the document, and of rows without a ``document``.

    Returns:
        The document, passages in ``rows``; rows without text are counted in ``dropped``.

    Raises:
        ReadError: damaged, no ``text`` column, a ragged or undecodable row, an id that two rows share, no text at all.
    """
    rows, places, encoding = rowfiles.load(path)
    passages = passages_from_rows(rows, path, document_id, places)
    if not passages:
        raise ReadError(path, "no row with a text")
    n_empty = len(rows) - len(passages)
    return Document(
        document_id,
        JOINT.join(passage.text for passage in passages),
        format="sheets",
        encoding=encoding,
        rows=tuple(passages),
        dropped=(Dropped("rows without text", n_empty),) if n_empty else (),
    )
