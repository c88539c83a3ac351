"""The most telling passages of each cell, spread over speakers (K24 Table 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.types import Exemplar

# A quotation a reader can take in, and more than an interjection.
MIN_WORDS, MAX_WORDS = 15, 120


def exemplars(counts: Counts, framework: Framework, per_cell: int = 2) -> tuple[Exemplar, ...]:
    """Passages that carry a logic (in a domain, in a period) with the highest probability.

    Args:
        counts: predictions laid out by period and document.
        framework: whose logics and domains; the domains are also given without a logic.
        per_cell: how many a cell; a second one by the same speaker only where nobody else said it.

    Returns:
        Exemplars by cell, best first.
    """
    words = counts.words
    quotable = (words >= MIN_WORDS) & (words <= MAX_WORDS)
    found = []
    for domain in (None, *framework.domains):
        for code in framework.logics:
            scores = counts.score(code, domain)
            held = counts.has(code) & counts.has(domain) & quotable
            for number, period in enumerate(counts.periods):
                rows = np.flatnonzero(held & (counts.period == number))
                for row in _best(rows, scores[rows], counts, per_cell):
                    score = round(float(scores[row]), 4)
                    found.append(Exemplar(framework.codebook.id, domain, code, period, row, score))
    return tuple(found)


# Of more passages than this, only those with the highest scores are ranked at first.
_MANY = 2_000


def _best(rows: NDArray[np.intp], scores: NDArray[np.float32], counts: Counts, n: int) -> list[int]:
    """The first n rows by score, spread over speakers."""
    if len(rows) > _MANY:
        top = scores >= np.partition(scores, -_MANY)[-_MANY]
        if len(np.unique(counts.speaker[rows[top]])) >= n:  # enough for a first turn of each
            rows, scores = rows[top], scores[top]
    return _spread(rows[np.argsort(-scores, kind="stable")].tolist(), counts, n)


def _spread(ranked: list[int], counts: Counts, n: int) -> list[int]:
    """The first n rows, taking a speaker's second only after every speaker's first."""
    turn: dict[int, int] = {}
    order = []
    for place, row in enumerate(ranked):
        speaker = int(counts.speaker[row])
        turn[speaker] = turn.get(speaker, 0) + 1
        order.append((turn[speaker], place, row))
    return [row for _, _, row in sorted(order)[:n]]
