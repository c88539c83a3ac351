"""Which passages stand behind a figure, and which of them travel in the page.

A *cell* is a figure's address: a trajectory, a domain (or the whole), one or more logics, a period. Its rows are found
here, in Python, so that what a click opens can be tested without a browser.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import WHO, cluster_of
from sibnlp.columns import grouped, ids, labels, numbered, taken
from sibnlp.periods import assign
from sibnlp.report.text import line, place, plain, who
from sibnlp.trajectory import group_of
from sibnlp.types import INTERVIEW, Moved, Passage, Predictions, Trajectory, is_spoken

MAX_EMBEDDED = 20_000
"""Passages that travel in the page at most; beyond it a sample spread evenly over the cells does."""

NEAR_MISSES = 2
"""Codes not given whose scores are shown beside those given."""


def in_scope(kind: str | None, scope: str) -> bool:
    """Whether passages of this kind of document were counted: interviews and documents are never pooled silently."""
    return scope == "all" or is_spoken(kind) == (scope == INTERVIEW)


class Rows:
    """Rows that stand behind a figure, in little room: figures of a million passages share them many times over.

    Args:
        rows: indices into the predictions.
    """

    def __init__(self, rows: NDArray[np.integer[Any]]) -> None:
        self.n = len(rows)
        self._rows = rows.astype(np.int32, copy=False)
        self._bits = np.zeros(0, dtype=np.uint8)
        # A bit a passage, where that is less than a number for each that is there.
        if self.n > LARGE and int(rows[-1]) < 32 * self.n and bool((rows[1:] > rows[:-1]).all()):
            there = np.zeros(int(rows[-1]) + 1, dtype=np.bool_)
            there[rows] = True
            self._bits, self._rows = np.packbits(there), self._rows[:0].copy()

    def __call__(self) -> NDArray[np.int32]:
        """The rows."""
        if not len(self._bits):
            return self._rows
        return np.flatnonzero(np.unpackbits(self._bits).view(np.bool_)).astype(np.int32)


LARGE = 10_000
"""Rows behind a figure from which on they are kept as bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One figure and the rows of the predictions behind it.

    Attributes:
        title: what it is, in words; summary: the figure itself, in words.
        counted: passages the figure counts; may differ from the rows where another rule found them.
        kept: its rows.
    """

    title: str
    summary: str
    counted: int
    kept: Rows

    @property
    def rows(self) -> NDArray[np.int32]:
        """Indices into the predictions."""
        return self.kept()


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """All talk of two periods, and that of whom is heard in both, only in the later, only in the earlier: rows."""

    both: NDArray[np.int32]
    stayed: NDArray[np.int32]
    came: NDArray[np.int32]
    left: NDArray[np.int32]


class Cells:
    """The figures of a report, numbered; charts and tables refer to them by number."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self.all: list[Cell] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._periods: dict[int, NDArray[np.intp]] = {}
        self._by_id: dict[str, list[int]] = {}
        self._of_period: dict[tuple[int, str], NDArray[np.int32]] = {}
        self._heard: dict[tuple[int, str, str], Heard] = {}
        self._groups: dict[str, NDArray[np.object_]] = {}

    def periods(self, trajectory: Trajectory) -> NDArray[np.intp]:
        """The period of every passage as its place in ``trajectory.periods``; -1 outside its scope or periods."""
        if id(trajectory) not in self._periods:
            places: dict[str | None, int] = {period: i for i, period in enumerate(trajectory.periods)}
            passages = self.predictions.passages
            # Only the scope's own passages are assigned, as they were when they were counted.
            rows = self.scope(trajectory)
            found = np.full(len(passages), -1, dtype=np.intp)
            if len(rows):
                given, _ = assign(taken(passages, rows), trajectory.period, trajectory.periods)
                found[rows] = [places.get(label, -1) for label in given]
            self._periods[id(trajectory)] = found
        return self._periods[id(trajectory)]

    @property
    def cluster(self) -> NDArray[np.int64]:
        """Whose each passage is, as the figures count it: the actor, or the document where nobody is named."""
        return self._whose[0]

    @property
    def clusters(self) -> Mapping[str, int]:
        """Their names, and the numbers of these."""
        return self._whose[1]

    @cached_property
    def _whose(self) -> tuple[NDArray[np.int64], dict[str, int]]:
        return numbered(self.predictions.passages, cluster_of, *WHO)

    @cached_property
    def kinds(self) -> NDArray[np.object_]:
        """[n] kind of each passage's document."""
        return labels(self.predictions.passages, lambda passage: passage.kind, "kind")

    @cached_property
    def documents(self) -> tuple[NDArray[np.int64], dict[str, int]]:
        """[n] number of each passage's document, and the documents' numbers."""
        return numbered(self.predictions.passages, lambda passage: passage.document, "document")

    def of_document(self, id: str) -> NDArray[np.intp]:
        """Rows of a document."""
        numbers, number = self.documents
        return np.flatnonzero(numbers == number.get(id, -1))

    def scope(self, trajectory: Trajectory) -> NDArray[np.intp]:
        """Rows of a trajectory's scope: its own predictions are these, in this order."""
        groups, first = grouped(self.predictions.passages, "kind")
        inside = [in_scope(self.predictions.passages[row].kind, trajectory.scope) for row in first.tolist()]
        return np.flatnonzero(np.array(inside, dtype=np.bool_)[groups])

    def group(self, kind: str) -> NDArray[np.object_]:
        """[n] name of each passage's group of a kind, as figures by group count them."""
        if kind not in self._groups:
            field = {"role": "role", "actor": "actor"}.get(kind, f"extra.{kind}")
            self._groups[kind] = labels(self.predictions.passages, lambda passage: group_of(passage, kind), field)
        return self._groups[kind]

    def has(self, code: str) -> NDArray[np.bool_]:
        """[n] whether each passage was given a code."""
        if code not in self.predictions.codes:
            return np.zeros(len(self.predictions), dtype=np.bool_)
        return self.predictions.assigned[:, self.predictions.column(code)]

    def rows(self, trajectory: Trajectory, domain: str | None, codes: Sequence[str], period: str) -> NDArray[np.intp]:
        """Rows of a period that carry the domain and any of the codes; no codes means with or without."""
        key = (id(trajectory), period)
        if key not in self._of_period:
            inside = self.periods(trajectory) == trajectory.periods.index(period)
            self._of_period[key] = np.flatnonzero(inside).astype(np.int32)
        rows = self._of_period[key]
        if domain is not None:
            rows = rows[self.has(domain)[rows]]
        if codes:
            rows = rows[np.any([self.has(code)[rows] for code in codes], axis=0)]
        return rows.astype(np.intp)

    def heard(self, trajectory: Trajectory, start: str, end: str) -> Heard:
        """Who is heard at the start and at the end: found once for all parts of all changes between them."""
        key = (id(trajectory), start, end)
        if key not in self._heard:
            first, last = (self.rows(trajectory, None, (), period).astype(np.int32) for period in (start, end))
            then, now = (np.bincount(self.cluster[rows], minlength=len(self.clusters)) > 0 for rows in (first, last))
            both = np.concatenate([first, last])
            self._heard[key] = Heard(
                both, both[(then & now)[self.cluster[both]]], last[~then[self.cluster[last]]],
                first[~now[self.cluster[first]]],
            )  # fmt: skip
        return self._heard[key]

    def add(
        self,
        trajectory: Trajectory,
        domain: str | None,
        codes: Sequence[str],
        period: str,
        *,
        title: str,
        summary: str,
        counted: int | None = None,
    ) -> int:
        """Number of a cell, found or made; ``counted`` defaults to the rows there are."""
        key = (id(trajectory), domain, tuple(codes), period)
        if key in self._numbers:
            return self._numbers[key]
        return self.put(key, self.rows(trajectory, domain, codes, period), title, summary, counted)

    def put(
        self, key: tuple[Any, ...], rows: NDArray[np.integer[Any]], title: str, summary: str, counted: int | None = None
    ) -> int:
        """Number of a cell of any rows, found by its key or made."""
        if key not in self._numbers:
            self._numbers[key] = len(self.all)
            self.all.append(Cell(line(title), line(summary), len(rows) if counted is None else counted, Rows(rows)))
        return self._numbers[key]

    def union(self, key: tuple[Any, ...], cells: Iterable[int | None], title: str, summary: str) -> int | None:
        """Number of a cell with all passages of others; None without any."""
        parts = [self.all[cell].rows for cell in cells if cell is not None]
        rows = np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.intp)
        return self.put(key, rows, title, summary) if len(rows) else None

    def named(self, trajectory: Trajectory, ids: Sequence[str]) -> NDArray[np.intp]:
        """Rows of passages by their ids, within a trajectory's scope."""
        if not self._by_id:
            for row, passage in enumerate(self.predictions.passages):
                self._by_id.setdefault(passage.id, []).append(row)
        inside = self.periods(trajectory) >= 0
        return np.array([row for one in ids for row in self._by_id.get(one, ()) if inside[row]], dtype=np.intp)


# Of a cell's passages so many, as good as random, are ordered by document; no page shows more of each.
_ORDERED = 2_000


def chosen(
    cells: Sequence[Cell],
    n: int,
    limit: int,
    always: Iterable[int] = (),
    ids: Iterable[str] = (),
    documents: NDArray[np.int64] | None = None,
) -> list[int]:
    """Rows to embed: all where they fit, else the same number from every cell as far as they go.

    So the sample is stratified over whatever the figures are of: periods, codes, domains, groups. Within a cell every
    document has its turn before any has a second one; the order among them is that of a hash of the passage's id: as
    good as random, the same on every machine. Quotations shown in tables (``always``) come first. While there are fewer
    cells than places, every figure keeps a passage.

    Args:
        cells: every figure of the page.
        n: passages in all.
        limit: places.
        always: rows that come first.
        ids: [n], where they do not all fit.
        documents: [n], number of each one's document; all of one by default.
    """
    if n <= limit:
        return list(range(n))
    digests = b"".join([hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest()[:8] for one in ids])
    hashes = np.frombuffer(digests, dtype=">u8").astype(np.uint64)
    order = np.empty(n, dtype=np.int32)
    order[np.argsort(hashes, kind="stable")] = np.arange(n, dtype=np.int32)
    # A row's rank is its best place among the cells that hold it; a row in no cell ranks last.
    rank = np.full(n, n, dtype=np.int64)
    looked = max(_ORDERED, 4 * limit // max(len(cells), 1))
    for cell in cells:
        rows = cell.rows
        if len(rows) > looked:
            rows = _first(rows, order, looked)
        rows = rows[np.argsort(order[rows])]
        if documents is not None:
            rows = rows[np.argsort(_turns(documents[rows]), kind="stable")]
        rank[rows] = np.minimum(rank[rows], np.arange(len(rows)))
    rank[np.fromiter(always, dtype=np.int64)] = -1
    found: list[int] = np.sort(np.lexsort((order, rank))[:limit]).tolist()
    return found


def _first(rows: NDArray[np.int32], order: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """The n rows that come first in an order, in any order."""
    places = order[rows]
    # As good as random, so that about so many are among the first; only of these has to be chosen.
    few = places < int(1.5 * n * len(order) / len(rows))
    if np.count_nonzero(few) > n:
        rows, places = rows[few], places[few]
    return rows[np.argpartition(places, n)[:n]]


def _turns(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each number stood before.

    >>> _turns(np.array([7, 4, 7, 7, 4])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(numbers, kind="stable")
    there = numbers[order]
    place = np.arange(len(there))
    starts = np.concatenate([[True], there[1:] != there[:-1]]) if len(there) else np.zeros(0, dtype=np.bool_)
    turns = np.empty(len(there), dtype=np.int64)
    turns[order] = place - np.maximum.accumulate(np.where(starts, place, 0))
    return turns


class _Names:
    """Strings by number, in order of first use: a name that ten thousand passages share is written once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def _codes(predictions: Predictions, row: int) -> list[list[Any]]:
    """``[column, score in hundredths or null, given]``: those given, then the nearest misses, best first."""
    # As plain numbers: asking numpy for each of them takes longer than all else in the page.
    scores: list[float] = predictions.probabilities[row].tolist()
    assigned: list[bool] = predictions.assigned[row].tolist()
    ranked = sorted(range(len(scores)), key=lambda k: (1.0 if math.isnan(scores[k]) else -scores[k], k))
    given = [k for k in ranked if assigned[k]]
    near = [k for k in ranked if not assigned[k] and scores[k] >= 0.1][:NEAR_MISSES]
    return [[k, round(100 * scores[k]) if math.isfinite(scores[k]) else None, int(assigned[k])] for k in given + near]


def explanation(passage: Passage) -> str:
    """Why a passage got its codes, where its table says so (`sibnlp classify --explain`): a text, or one by code."""
    value: Any = dict(passage.extra).get("explanation")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, list):  # a Parquet map comes as pairs
        value = dict(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{line(str(code))} {line(str(why))}" for code, why in value.items() if why)
    return line(value) if isinstance(value, str) else ""


def _reasons(report_reasons: Mapping[str, Sequence[Moved]], codes: Sequence[str], text: str) -> list[list[Any]]:
    """``[column, [[start, end, weight] …]]`` of each code: words that moved it, by place in the shown text."""
    shown = plain(text) == text

    def at(place: int) -> int:
        # What is made visible takes more room: a place moves by what stands before it.
        return place if shown else len(plain(text[:place]))

    return [
        [codes.index(code), [[at(one.start), at(one.end), round(one.weight, 2)] for one in words]]
        for code, words in report_reasons.items()
        if code in codes and words
    ]


def _when(passage: Passage) -> str:
    return line(passage.date or passage.stage or "")


def embed(
    cells: Cells,
    names: Sequence[str],
    *,
    limit: int,
    always: Iterable[int] = (),
    reasons: Mapping[int, Mapping[str, Sequence[Moved]]] | None = None,
) -> dict[str, Any]:
    """What the page's script needs to show passages: plain lists, strings already made safe to show.

    Args:
        cells: every figure of the page.
        names: display name of each code of the predictions, in their order.
        limit: most passages to embed.
        always: rows that must be among them.
        reasons: words that moved each code, by row of the predictions; they must not overlap.

    Returns:
        ``passages`` as ``[text, question before, speaker, role, document, when, place, start, end, codes, why,
        reasons]`` with names by number; ``cells`` as ``{title, summary, counted, total, rows}``; the name lists;
        ``total`` passages.
    """
    predictions = cells.predictions
    own = ids(predictions.passages) if len(predictions) > limit else ()
    rows = chosen(cells.all, len(predictions), limit, always, own, cells.documents[0])
    places = np.full(len(predictions), -1, dtype=np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    position = {row: i for i, row in enumerate(rows)}
    speakers, roles, documents, whens = _Names(), _Names(), _Names(), _Names()
    passages: list[list[Any]] = []
    for row in rows:
        passage = predictions.passages[row]
        passages.append(
            [
                plain(passage.text),
                plain(passage.context),
                speakers(who(passage)),
                roles(line(passage.role or "")),
                documents(line(passage.document)),
                whens(_when(passage)),
                place(passage),
                passage.start,
                passage.end,
                _codes(predictions, row),
                explanation(passage),
                _reasons((reasons or {}).get(row, {}), predictions.codes, passage.text),
            ]
        )
    return {
        "passages": passages,
        "cells": [
            {
                "title": cell.title,
                "summary": cell.summary,
                "counted": cell.counted,
                "total": cell.kept.n,
                "rows": (there := places[cell.rows])[there >= 0].tolist(),
            }
            for cell in cells.all
        ],
        "codes": list(names),
        "speakers": list(speakers.numbers),
        "roles": list(roles.numbers),
        "documents": list(documents.numbers),
        "whens": list(whens.numbers),
        "total": len(predictions),
        "position": {str(row): position[row] for row in sorted(set(always)) if row in position},
    }
