"""What was drawn to be coded, and for which stream: a JSONL file of one row a passage, beside the queues."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sibnlp import tables
from sibnlp.errors import TableError
from sibnlp.tables.files import load as load_rows
from sibnlp.tables.rows import passages_from_rows
from sibnlp.types import Passage

TRAINING, ESTIMATION = "training", "estimation"
STREAMS = (TRAINING, ESTIMATION)
FILE_NAME = "sampled.jsonl"
_OWN = ("ticket", "stream", "round", "stratum", "inclusion_probability", "allowed_codes")


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage that was drawn.

    Attributes:
        ticket: ``T1-0001`` or ``E1-0001``: stream, round, number.
        stream: `TRAINING` or `ESTIMATION`.
        passage: what was drawn.
        stratum, probability: of the estimation stream; None for training.
        codes: ids of the codes that a coder may give it; empty in ledgers of versions that did not record them.
    """

    ticket: str
    stream: str
    passage: Passage
    stratum: str = ""
    probability: float | None = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """All draws from one set of passages, in order."""

    entries: tuple[Entry, ...] = field(default=())

    def of(self, stream: str) -> list[Entry]:
        """Entries of one stream."""
        return [entry for entry in self.entries if entry.stream == stream]

    def round(self, stream: str) -> int:
        """Number of the next round of a stream, from 1."""
        return 1 + max((int(one.ticket[1:].partition("-")[0]) for one in self.of(stream)), default=0)

    def spans(self, stream: str) -> dict[str, list[tuple[str, int, int]]]:
        """Ids and spans by document."""
        found: dict[str, list[tuple[str, int, int]]] = {}
        for entry in self.of(stream):
            one = entry.passage
            found.setdefault(one.document, []).append((one.id, one.start, one.end))
        return found

    def add(self, entries: Iterable[Entry], revised: Mapping[str, float]) -> Ledger:
        """With further draws, and with the inclusion probabilities of earlier ones as they are now.

        Args:
            entries: drawn now.
            revised: probabilities by ticket.
        """
        kept = tuple(
            replace(one, probability=revised[one.ticket]) if one.ticket in revised else one for one in self.entries
        )
        return Ledger((*kept, *entries))

    def write(self, path: Path) -> None:
        """Write the file."""
        rows = []
        for entry, row in zip(self.entries, tables.passage_rows(one.passage for one in self.entries), strict=True):
            own = {"ticket": entry.ticket, "stream": entry.stream, "stratum": entry.stratum}
            # Not `codes`: a ledger read as codings by mistake would say that every passage carries them all.
            allowed = {"allowed_codes": list(entry.codes)} if entry.codes else {}
            # Passages of an earlier draw bring columns of these names along, which are not of this one.
            further = {name: value for name, value in row.items() if name not in _OWN}
            rows.append({**own, "inclusion_probability": entry.probability, **further, **allowed})
        path.write_text("".join(tables.json_lines(rows)), encoding="utf-8")


def read(path: Path) -> Ledger:
    """Read a ledger; an empty one where there is no file.

    Raises:
        TableError: the file is no ledger, or holds a passage in both streams.
    """
    if not path.exists() or not path.stat().st_size:
        return Ledger()
    rows, places, _ = load_rows(path)
    if any(row.get("stream") not in STREAMS or not row.get("ticket") for row in rows):
        raise TableError(path, "is no record of what `sibnlp sample` drew", "name another file with --ledger")
    passages = passages_from_rows(rows, path, path.name, places, unique=False)
    entries = []
    for row, one in zip(rows, passages, strict=True):
        own = tuple((name, value) for name, value in one.extra if name not in _OWN)
        chance = row.get("inclusion_probability")
        entries.append(
            Entry(
                str(row["ticket"]), str(row["stream"]), replace(one, extra=own), str(row.get("stratum") or ""),
                None if chance is None else float(chance), _allowed(row.get("allowed_codes"), path),
            )
        )  # fmt: skip
    both = {(e.passage.document, e.passage.id) for e in entries if e.stream == TRAINING} & {
        (e.passage.document, e.passage.id) for e in entries if e.stream == ESTIMATION
    }
    if both:
        raise TableError(path, f"holds passage {min(both)[1]!r} in both streams", "they are never mixed: remove one")
    return Ledger(tuple(entries))


def _allowed(value: Any, path: Path) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TableError(
            path, f"allowed_codes must be a list of ids, not {value!r}", "leave the ledger as it was written"
        )
    return tuple(value)


def queue_rows(entries: Sequence[Entry], suggested: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """A queue as a table to be filled in: ``codes`` and ``read`` are empty.

    Args:
        entries: drawn now, in the order in which they should be coded.
        suggested: codes that the model gives each; shown for training only.
    """
    rows = []
    for entry, row, codes in zip(entries, tables.passage_rows(e.passage for e in entries), suggested, strict=True):
        first = {"ticket": entry.ticket, "codes": "", "read": "", "text": row["text"], "context": row["context"]}
        own: dict[str, Any] = {"stream": entry.stream}
        if entry.stream == TRAINING:
            own["suggested"] = list(codes)
        else:
            own |= {"inclusion_probability": entry.probability, "stratum": entry.stratum}
        plain = {k: json.dumps(v, ensure_ascii=False) if isinstance(v, dict) else v for k, v in row.items()}
        further = {k: v for k, v in plain.items() if k not in (*first, *_OWN, "coder", "suggested")}
        rows.append({**first, "coder": "", **own, **further})
    return rows
