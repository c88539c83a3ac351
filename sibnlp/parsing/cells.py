"""Cells of CSV files that a spreadsheet would run: written so that it shows them, and read back as they were.

A spreadsheet takes a cell for a formula by its first character (OWASP, *CSV Injection*). Such a cell gets an apostrophe
in front; numbers get none. Our own tables are read with it taken off again, so that nothing is lost on the way; tables
of others are read as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# The wide forms are what some locales turn into the narrow ones; blanks in front are what some programs trim.
_RUNS = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]| *[\t\r\n])")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d{1,3})?%?")
_PASSAGES = ["document", "start", "end", "text"]
_CODES = ["tag", "parent", "description"]


def neutral(value: Any) -> Any:
    """A cell that no spreadsheet runs; anything but text is left as it is.

    >>> [neutral(cell) for cell in ("=1+1", "-- well", "'=1+1", "-1.5", "It is.", -1.5)]
    ["'=1+1", "'-- well", "''=1+1", '-1.5', 'It is.', -1.5]
    """
    runs = isinstance(value, str) and _RUNS.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if runs else value


def restored(cell: str) -> str:
    """What `neutral` was given.

    >>> [restored(cell) for cell in ("'=1+1", "''=1+1", "'tis", "'-1.5")]
    ['=1+1', "'=1+1", "'tis", "'-1.5"]
    """
    return cell[1:] if cell.startswith("'") and neutral(cell[1:]) == cell else cell


def is_ours(header: Sequence[str]) -> bool:
    """Whether a table with these columns is one we wrote: passages, a queue of them, or a list of codes."""
    names = [restored(name) for name in header]
    passages = [name for name in names if name != "passage"][: len(_PASSAGES)]
    return passages == _PASSAGES or names == _CODES or {"ticket", "text"} <= set(names)
