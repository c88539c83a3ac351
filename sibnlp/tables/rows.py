"""Rows of a table to passages: which column means what, wherever the table comes from.

The same columns serve documents given as tables (`sibnlp.readers.sheets`), codings to train on and gold data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from sibnlp.errors import ReadError
from sibnlp.types import Passage, passage_id

IDS = ("id", "passage")
FIELDS = ("speaker", "actor", "role", "stage", "date", "kind", "context", "heading", "time")
KNOWN = frozenset((*IDS, "text", "document", "start", "end", "page", *FIELDS))
"""Columns with a meaning of their own; matched whatever their case and surrounding spaces."""

JOINT = "\n\n"
"""What stands between two rows in the text of record of a table."""

IDENTIFYING = frozenset((*IDS, "text", "document", "start", "end"))
# A day may have its time behind it, as sheets and data frames write it.
_DATE = re.compile(
    r"([0-9]{4}(?:-(?:0[1-9]|1[0-2]))?)|([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))(?:[T ][0-9].*)?"
)


def passages_from_rows(
    rows: Iterable[Mapping[str, Any]],
    path: str | Path,
    document_id: str,
    places: Sequence[str] = (),
    unique: bool = True,
    dated: bool = True,
    at: int = 0,
) -> list[Passage]:
    """Map rows to passages, one each; rows with an empty text are passed over (the caller counts them).

    Args:
        rows: one mapping from column to value each, columns in the table's order.
        path: the table, for messages.
        document_id: document of rows that name none.
        places: what each row is called in messages (``"row 2"``); counted from ``row 1`` by default.
        unique: whether two rows with one id are an error (several coders may code the same passage).
        dated: whether a date that is not ISO 8601 is an error; where nothing follows passages over time it is left out.
        at: where in the text of record the first row begins, for a part of a table (see `room`).

    Returns:
        Passages in the order of the rows. A row without ``start`` and ``end`` has the span of its text in the texts of
        all passages joined by `JOINT`; ``id`` falls back on ``passage`` and then on ``document:start-end``; ``actor``
        on ``speaker``. Other columns stand in ``extra``, in order, as str, int, float, bool, list or None (a mapping
        as JSON).

    Raises:
        ReadError: no ``text`` column; a span or page that is no number; a date that is not ISO 8601; an id that two
            rows share.
    """
    passages: list[Passage] = []
    seen: dict[str, str] = {}
    columns: dict[str, None] = {}
    has_text = False
    for number, row in enumerate(rows):
        place = places[number] if number < len(places) else f"row {number + 1}"
        known, extra = _columns(row, path, place)
        columns.update(dict.fromkeys(str(column) for column in row))
        has_text = has_text or "text" in known
        text = _text(known.get("text"))
        if not text.strip():
            continue
        date = _date(known.get("date"), path, place, dated)
        passage = _passage(text, {**known, "date": date}, extra, at, document_id, path, place)
        at += len(text) + len(JOINT)
        if unique and passage.id in seen:
            raise ReadError(path, f"the id {passage.id!r} stands in {seen[passage.id]} and {place}", "make ids unique")
        seen[passage.id] = place
        passages.append(passage)
    if columns and not has_text:
        raise no_text_column(path, columns)
    return passages


def room(row: Mapping[str, Any]) -> tuple[int, str]:
    """How far a row moves the text of record on (0 for a row that is passed over), and the id it gives its passage.

    The id is empty where the row leaves it to its position.
    """
    known = {key: value for column, value in row.items() if (key := str(column).strip().lower()) in IDENTIFYING}
    text = _text(known.get("text"))
    if not text.strip():
        return 0, ""
    own = next((value for name in IDS if (value := _text(known.get(name)).strip())), "")
    if not own and _text(known.get("start")).strip():
        own = "\0".join(_text(known.get(name)).strip() for name in ("document", "start", "end"))
    return len(text) + len(JOINT), own


def no_text_column(path: str | Path, columns: Iterable[str]) -> ReadError:
    """The error for a table without a ``text`` column; names the columns it has."""
    found = ", ".join(str(column).strip() or "(no name)" for column in columns)
    return ReadError(path, f"no column named text; columns found: {found[:300] or 'none'}", "rename the column")


def is_text_column(name: object) -> bool:
    """Whether a column's name is ``text``, whatever its case and surrounding spaces."""
    return isinstance(name, str) and name.strip().lower() == "text"


def _columns(row: Mapping[str, Any], path: str | Path, place: str) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    known: dict[str, Any] = {}
    extra: list[tuple[str, Any]] = []
    for column, value in row.items():
        name = str(column).strip()
        key = name.lower()
        if key not in KNOWN:
            extra.append((name, plain(value)))
        elif key in known:
            raise ReadError(path, f"two columns named {key}", "rename one", place)
        else:
            known[key] = value
    if _text(known.get("id")).strip() and "passage" in known:
        extra.append(("passage", plain(known.pop("passage"))))
    return known, extra


def _passage(
    text: str,
    known: Mapping[str, Any],
    extra: list[tuple[str, Any]],
    at: int,
    document_id: str,
    path: str | Path,
    place: str,
) -> Passage:
    start, end = (_number(known.get(name), name, path, place) for name in ("start", "end"))
    if (start is None) != (end is None):
        raise ReadError(path, "start and end come together, one is empty", place=place)
    if start is None or end is None:
        start, end = at, at + len(text)
    if not 0 <= start < end:
        raise ReadError(path, f"the span from {start} to {end} is empty or reversed", place=place)
    document = _text(known.get("document")).strip() or document_id
    own = next((value for name in IDS if (value := _text(known.get(name)).strip())), "")
    fields = {name: _text(known.get(name)).strip() or None for name in FIELDS}
    return Passage(
        id=own or passage_id(document, start, end),
        document=document,
        start=start,
        end=end,
        text=text,
        speaker=fields["speaker"],
        actor=fields["actor"] or fields["speaker"],
        role=fields["role"],
        stage=fields["stage"],
        date=fields["date"],
        kind=fields["kind"],
        context=fields["context"] or "",
        heading=fields["heading"] or "",
        page=_number(known.get("page"), "page", path, place),
        time=fields["time"],
        extra=tuple(extra),
    )


def iso_date(text: str) -> str:
    """A date as ISO 8601, a time of day cut off.

    Raises:
        ValueError: it is none.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return str(found[1] or found[2])


def _date(value: Any, path: str | Path, place: str, strict: bool) -> str | None:
    """A date as ISO 8601, a time of day cut off; None where there is none."""
    text = _text(value).strip()
    if not text:
        return None
    found = _DATE.fullmatch(text)
    if found is None and strict:
        raise ReadError(path, f"{text[:40]!r} is not a date", "write 2016, 2016-03 or 2016-03-21", place)
    return (found[1] or found[2]) if found else None


def plain(value: Any) -> Any:
    """A cell as str, int, float, bool, list or None: dates as ISO 8601, NaN as None, a mapping as JSON."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, datetime):
        # A sheet knows no dates without a time: midnight is a date.
        return value.date().isoformat() if value.time() == time() and not value.tzinfo else value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return plain(value.item()) if hasattr(value, "item") else str(value)


def _text(value: Any) -> str:
    """A cell as text: LF line ends, whole numbers without the ``.0`` that spreadsheets give them."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\r\n", "\n").replace("\r", "\n")


def _number(value: Any, name: str, path: str | Path, place: str) -> int | None:
    text = _text(value).strip()
    if not text:
        return None
    # int() takes "1_000" and digits of any script, but they are rare enough; floats of spreadsheets are whole by now.
    try:
        return int(text)
    except ValueError:
        problem = f"{name} is {text[:40]!r}, not a whole number"
        raise ReadError(path, problem, place=place) from None
