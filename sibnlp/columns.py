"""Passages by column: which of them share a document, an actor, a stage, without asking each of a million."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sibnlp.types import Passage, Predictions

Numbers = NDArray[np.int64]


@runtime_checkable
class Columnar(Protocol):
    """Passages that know their columns (`sibnlp.tables.columnar`)."""

    extra_names: tuple[str, ...]

    def grouped(self, *fields: str) -> tuple[Numbers, Numbers]:
        """As `grouped`."""
        ...

    def n_words(self) -> Numbers:
        """As `n_words`."""
        ...

    def filled(self, field: str) -> NDArray[np.bool_]:
        """As `filled`."""
        ...

    def column(self, name: str) -> Numbers:
        """[n] ``start`` or ``end``."""
        ...

    def ids(self) -> Iterator[str]:
        """As `ids`."""
        ...

    def outlines(self, rows: Iterable[int], fields: Sequence[str]) -> Iterator[Passage]:
        """As `outlines`."""
        ...

    def taken(self, rows: Numbers) -> Sequence[Passage]:
        """As `taken`."""
        ...

    def restaged(self, number: Numbers, names: Sequence[str | None]) -> Sequence[Passage]:
        """As `restaged`."""
        ...


def grouped(passages: Sequence[Passage], *fields: str) -> tuple[Numbers, Numbers]:
    """Passages by what they have in common.

    Args:
        passages: n passages.
        fields: names of attributes; ``extra.NAME`` is a further column.

    Returns:
        [n] number of each passage's combination of values, by first appearance, and [k] the first passage of each.

    >>> one, other = (Passage(str(i), document, 0, 1, "x") for i, document in enumerate("ab"))
    >>> [part.tolist() for part in grouped([one, other, one], "document")]
    [[0, 1, 0], [0, 1]]
    """
    if isinstance(passages, Columnar):
        return passages.grouped(*fields)
    of = [_getter(field) for field in fields]
    number: dict[tuple[object, ...], int] = {}
    first: list[int] = []
    numbers = np.empty(len(passages), dtype=np.int64)
    for row, passage in enumerate(passages):
        key = tuple(get(passage) for get in of)
        found = number.setdefault(key, len(number))
        if found == len(first):
            first.append(row)
        numbers[row] = found
    return numbers, np.array(first, dtype=np.int64)


def _getter(field: str) -> Callable[[Passage], object]:
    if not field.startswith("extra."):
        return attrgetter(field)
    name = field.removeprefix("extra.")

    def get(passage: Passage) -> object:
        value = dict(passage.extra).get(name)
        return value if value is None or isinstance(value, str) else repr(value)

    return get


def outlines(passages: Sequence[Passage], rows: Iterable[int], fields: Sequence[str]) -> Iterator[Passage]:
    """Passages for those who look at some fields alone (as for `grouped`); their others may be empty."""
    return passages.outlines(rows, fields) if isinstance(passages, Columnar) else (passages[row] for row in rows)


def numbered(passages: Sequence[Passage], of: Callable[[Passage], str], *fields: str) -> tuple[Numbers, dict[str, int]]:
    """Number of each passage's label, by first appearance, and the labels.

    Args:
        passages: n passages.
        of: the label of a passage; it looks at ``fields`` alone.
        fields: as for `grouped`.
    """
    groups, first = grouped(passages, *fields)
    number: dict[str, int] = {}
    of_each = map(of, outlines(passages, first.tolist(), fields))
    place = np.array([number.setdefault(label, len(number)) for label in of_each], dtype=np.int64)
    return (place[groups] if len(place) else groups), number


def labels(passages: Sequence[Passage], of: Callable[[Passage], object], *fields: str) -> NDArray[np.object_]:
    """[n] what ``of`` says of each passage, which looks at ``fields`` alone."""
    groups, first = grouped(passages, *fields)
    found = np.empty(len(first), dtype=np.object_)
    for i, passage in enumerate(outlines(passages, first.tolist(), fields)):
        found[i] = of(passage)
    return found[groups]


def documents(passages: Sequence[Passage]) -> set[str]:
    """Ids of the documents that the passages are of."""
    first = grouped(passages, "document")[1]
    return {passage.document for passage in outlines(passages, first.tolist(), ("document",))}


def of_documents(passages: Sequence[Passage], documents: Collection[str]) -> Numbers:
    """Rows of the passages of some documents, in order.

    >>> one, other = (Passage(str(i), document, 0, 1, "x") for i, document in enumerate("ab"))
    >>> of_documents([one, other, one], {"a", "c"}).tolist()
    [0, 2]
    """
    groups, first = grouped(passages, "document")
    of_each = outlines(passages, first.tolist(), ("document",))
    inside = np.array([passage.document in documents for passage in of_each], dtype=np.bool_)
    return np.flatnonzero(inside[groups]) if len(first) else groups


def n_words(passages: Sequence[Passage]) -> Numbers:
    """[n] white-space separated words of each passage."""
    if isinstance(passages, Columnar):
        return passages.n_words()
    return np.array([passage.n_words for passage in passages], dtype=np.int64)


def taken(passages: Sequence[Passage], rows: Numbers) -> Sequence[Passage]:
    """The passages of some rows, in their order."""
    if isinstance(passages, Columnar):
        return passages.taken(rows)
    return tuple(passages[row] for row in rows.tolist())


def restaged(passages: Sequence[Passage], number: Numbers, names: Sequence[str | None]) -> Sequence[Passage]:
    """The passages with other stages.

    Args:
        passages: n passages.
        number: [n], place of each one's stage among the names.
        names: of the stages; None for passages without one.

    >>> [one.stage for one in restaged([Passage("1", "a", 0, 1, "x")] * 2, np.array([1, 0]), (None, "early"))]
    ['early', None]
    """
    if isinstance(passages, Columnar):
        return passages.restaged(number, names)
    return tuple(replace(one, stage=names[i]) for one, i in zip(passages, number.tolist(), strict=True))


def spans(passages: Sequence[Passage]) -> tuple[Numbers, Numbers]:
    """[n] start and end of each passage in its document."""
    if isinstance(passages, Columnar):
        return passages.column("start"), passages.column("end")
    return (
        np.array([passage.start for passage in passages], dtype=np.int64),
        np.array([passage.end for passage in passages], dtype=np.int64),
    )


def ids(passages: Sequence[Passage]) -> Iterator[str]:
    """Id of each passage, in order."""
    return passages.ids() if isinstance(passages, Columnar) else (passage.id for passage in passages)


def extra_names(passages: Sequence[Passage]) -> set[str]:
    """Names of all further columns."""
    if isinstance(passages, Columnar):
        return set(passages.extra_names)
    return {name for passage in passages for name, _ in passage.extra}


def subset(predictions: Predictions, rows: Numbers) -> Predictions:
    """Predictions of some passages, in their order."""
    abstained = predictions.abstained
    return replace(
        predictions,
        passages=taken(predictions.passages, rows),
        probabilities=_of_rows(predictions.probabilities, rows),
        assigned=_of_rows(predictions.assigned, rows),
        stances=tuple(predictions.stances[row] for row in rows.tolist()) if predictions.stances else (),
        abstained=None if abstained is None else _of_rows(abstained, rows),
    )


def _of_rows(matrix: NDArray[Any], rows: Numbers) -> NDArray[Any]:
    """Rows of a matrix, code by code in memory where it is so."""
    if matrix.flags.c_contiguous:
        return matrix[rows]
    found = np.empty((len(rows), matrix.shape[1]), dtype=matrix.dtype, order="F")
    for column in range(matrix.shape[1]):
        found[:, column] = matrix[rows, column]
    return found


def filled(passages: Sequence[Passage], field: str) -> NDArray[np.bool_]:
    """[n] whether a field holds anything."""
    if isinstance(passages, Columnar):
        return passages.filled(field)
    get = _getter(field)
    return np.array([bool(get(passage)) for passage in passages], dtype=np.bool_)
