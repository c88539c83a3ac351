"""Predictions laid out for counting: passages by period, document and speaker, one column a code.

Domain × logic is counted jointly: a passage counts for NPM in a domain if it carries both codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.quantifiers import Quantifier
from sibnlp.speech.turns import ROLE, plausible
from sibnlp.types import Passage, Predictions

TALK, DOMAIN = "talk", "domain"


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """Sums of one cell (domain × code × period) by document: what every estimate and interval is made of.

    Attributes:
        coded: float64 [g], sum of the quantifier's weights in each of the g documents of the period.
        passages: int64 [g], the denominator in each.
        n_speakers: distinct speakers in the denominator; a document without speakers counts as one.
    """

    coded: NDArray[np.float64]
    passages: NDArray[np.int64]
    n_speakers: int


class Counts:
    """Predictions of one scope, ready to be summed by cell.

    Args:
        predictions: n passages × k codes.
        labels: n period labels; passages with None are left out.
        periods: all periods in order.
        quantifier: gives each passage its weight.
        denominator: ``talk`` or ``domain``.
    """

    def __init__(
        self,
        predictions: Predictions,
        labels: Sequence[str | None],
        periods: Sequence[str],
        quantifier: Quantifier,
        denominator: str = TALK,
    ) -> None:
        self.predictions, self.periods = predictions, tuple(periods)
        self.quantifier, self.denominator = quantifier, denominator
        # Prevalence, shifts and relations all rest on the same cells: each is summed once.
        self._totals: dict[tuple[str | None, str, str], Totals] = {}
        number = {label: i for i, label in enumerate(periods)}
        self.period = np.array([number[label] if label else -1 for label in labels], dtype=np.int64)
        passages = predictions.passages
        self.document = _numbered([passage.document for passage in passages])
        self.speaker = _numbered([_voice(passage) for passage in passages])

    def has(self, code: str | None) -> NDArray[np.bool_]:
        """[n], whether each passage was given a code; all True for None."""
        if code is None:
            return np.ones(len(self.predictions), dtype=np.bool_)
        if code not in self.predictions.codes:
            return np.zeros(len(self.predictions), dtype=np.bool_)
        column: NDArray[np.bool_] = self.predictions.assigned[:, self.predictions.column(code)]
        return column

    def decided(self, code: str | None) -> NDArray[np.bool_]:
        """[n], whether the model decided on a code; where it abstained, nobody knows, so it is in no share of it."""
        abstained = self.predictions.abstained
        if abstained is None or code is None or code not in self.predictions.codes:
            return np.ones(len(self.predictions), dtype=np.bool_)
        decided: NDArray[np.bool_] = ~abstained[:, self.predictions.column(code)]
        return decided

    def score(self, *codes: str | None) -> NDArray[np.float32]:
        """[n], probability that all the codes hold: the lowest of theirs (an upper bound of the joint one)."""
        columns = [self.predictions.column(code) for code in codes if code in self.predictions.codes]
        if len(columns) < sum(code is not None for code in codes):
            return np.zeros(len(self.predictions), dtype=np.float32)
        lowest: NDArray[np.float32] = self.predictions.probabilities[:, columns].min(axis=1)
        return lowest

    def inside(self, domain: str | None, period: str) -> NDArray[np.bool_]:
        """[n], the passages in the denominator of a domain's cells in a period."""
        held: NDArray[np.bool_] = self.period == self.periods.index(period)
        if self.denominator == DOMAIN:
            held = held & self.has(domain)
        return held

    def totals(self, domain: str | None, code: str, period: str) -> Totals:
        """Sums of a cell by document; every cell is summed once."""
        cell = (domain, code, period)
        if cell not in self._totals:
            self._totals[cell] = self._sum(*cell)
        return self._totals[cell]

    def _sum(self, domain: str | None, code: str, period: str) -> Totals:
        inside = self.inside(domain, period) & self.decided(code) & self.decided(domain)
        weights = self.quantifier.weights(self.score(code, domain), self.has(code) & self.has(domain))
        documents, position = np.unique(self.document[inside], return_inverse=True)
        return Totals(
            coded=np.bincount(position, weights=weights[inside], minlength=len(documents)).astype(np.float64),
            passages=np.bincount(position, minlength=len(documents)),
            n_speakers=len(np.unique(self.speaker[inside])),
        )


def _voice(passage: Passage) -> str:
    """Whose words a passage holds, so that speakers can be told apart.

    A label that names a role and not a person (``R``, ``Speaker 1``) means somebody else in every document, unless
    metadata say who; a document without speakers counts as one voice.
    """
    if passage.actor and passage.actor != passage.speaker:
        return passage.actor
    if passage.speaker and plausible(passage.speaker) != ROLE:
        return passage.speaker
    return f"{passage.document}\0{passage.speaker or ''}"


def _numbered(labels: Sequence[str]) -> NDArray[np.int64]:
    number: dict[str, int] = {}
    return np.array([number.setdefault(label, len(number)) for label in labels], dtype=np.int64)
