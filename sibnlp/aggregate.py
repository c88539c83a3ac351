"""Predictions laid out for counting: passages by period, document and actor, one column a code.

Domain × logic is counted jointly: a passage counts for NPM in a domain if it carries both codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from sibnlp.columns import n_words, numbered, subset
from sibnlp.quantifiers import Passages
from sibnlp.speech.turns import ROLE, plausible
from sibnlp.types import Passage, Predictions

TALK, DOMAIN = "talk", "domain"
# What tells whose words a passage holds (`voice`, `cluster_of`).
WHO = ("document", "speaker", "actor")
WEIGHTS = ("passage", "words", "document", "actor")


class Counts:
    """Predictions of one scope, ready to be summed by cell.

    Args:
        predictions: n passages × k codes.
        labels: n period labels; passages with None are left out.
        periods: all periods in order.
        denominator: ``talk`` or ``domain``.
        weight: what counts the same: each ``passage``, word (``words``), ``document`` or ``actor`` of a period.
        known: float64 [n, k], codings that stand for a passage (of a document the model was trained on); NaN elsewhere.
        partial: whether the last period had not ended yet.

    Attributes:
        period, document, speaker, cluster: int [n], numbers of period (−1: none), document, speaker, and of what the
            jackknife leaves out: the actor, or the document where nobody is named.
        rows: the passages that have a period.
    """

    def __init__(
        self,
        predictions: Predictions,
        labels: Sequence[str | None],
        periods: Sequence[str],
        denominator: str = TALK,
        weight: str = WEIGHTS[0],
        known: NDArray[np.float64] | None = None,
        partial: bool = False,
    ) -> None:
        self.predictions, self.periods = predictions, tuple(periods)
        self.denominator, self.weight, self.known, self.partial = denominator, weight, known, partial
        number = {label: i for i, label in enumerate(periods)}
        self.period = np.array([number[label] if label else -1 for label in labels], dtype=np.int64)
        passages = predictions.passages
        self.document, self.documents = numbered(passages, lambda passage: passage.document, "document")
        self.speaker, _ = numbered(passages, voice, *WHO)
        self.cluster, self.clusters = numbered(passages, cluster_of, *WHO)
        self.words = n_words(passages)
        self.rows = np.flatnonzero(self.period >= 0)
        # What every cell's passages have in common is kept once: with a million of them it is most of the memory.
        self._common = self.period[self.rows], self.cluster[self.rows]
        self._place = self._common[1] * len(self.periods) + self._common[0]
        self._unknown = np.broadcast_to(np.float64(np.nan), len(predictions))
        self._weights: dict[str, NDArray[np.float64]] = {}

    def part(self, mine: NDArray[np.int64]) -> Counts:
        """Some of the rows alone, by their places; what they weigh is what they weigh among all."""
        found, rows = copy(self), self.rows[mine]
        found.predictions = subset(self.predictions, rows)
        found.known = None if self.known is None else self.known[rows]
        found.period, found.document, found.speaker = self.period[rows], self.document[rows], self.speaker[rows]
        found.words, found.rows = self.words[rows], np.arange(len(rows))
        different, found.cluster = np.unique(self.cluster[rows], return_inverse=True)
        names = list(self.clusters)
        found.clusters = {names[number]: i for i, number in enumerate(different.tolist())}
        found._common = found.period, found.cluster
        found._place = found.cluster * len(self.periods) + found.period
        found._unknown = self._unknown[: len(rows)]
        found._weights = {kind: self.weights(kind)[mine] for kind in (*self._weights, self.weight)}
        return found

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
        if len(columns) < sum(code is not None for code in codes) or not columns:
            return np.zeros(len(self.predictions), dtype=np.float32)
        lowest: NDArray[np.float32] = self.predictions.probabilities[:, columns[0]]
        for column in columns[1:]:
            lowest = np.minimum(lowest, self.predictions.probabilities[:, column])
        return lowest

    def inside(self, domain: str | None, period: str) -> NDArray[np.bool_]:
        """[n], the passages in the denominator of a domain's cells in a period."""
        held: NDArray[np.bool_] = self.period == self.periods.index(period)
        if self.denominator == DOMAIN:
            held = held & self.has(domain)
        return held

    def n_different(self, of: str, held: NDArray[np.bool_]) -> int:
        """How many ``document``, ``speaker`` or ``cluster`` the passages of a mask [n] are of."""
        return int(np.count_nonzero(np.bincount(getattr(self, of)[held])))

    def held(self, domain: str | None, code: str, period: str) -> NDArray[np.bool_]:
        """[n], the denominator of a cell that counts what the model gave: `inside`, and decided."""
        return self.inside(domain, period) & self.decided(code) & self.decided(domain)

    def weights(self, kind: str = "") -> NDArray[np.float64]:
        """[r] weight of each of `rows`, so that what is named by kind (or the default) counts the same in a period."""
        kind = kind or self.weight
        if kind not in self._weights:
            self._weights[kind] = self._weigh(kind)
        return self._weights[kind]

    def _weigh(self, kind: str) -> NDArray[np.float64]:
        if kind == "passage":
            return np.ones(len(self.rows))
        if kind == "words":
            return self.words[self.rows].astype(np.float64)
        unit = {"document": self.document, "actor": self.cluster}[kind][self.rows]
        place = unit * len(self.periods) + self.period[self.rows]
        weights: NDArray[np.float64] = 1.0 / np.bincount(place)[place]
        return weights

    def passages(self, *codes: str | None) -> Passages:
        """The passages with a period, laid out for a quantifier of the codes jointly."""
        given = np.ones(len(self.predictions), dtype=np.bool_)
        for code in codes:
            given &= self.has(code)
        return Passages(
            score=self.score(*codes)[self.rows].astype(np.float64),
            given=given[self.rows],
            period=self._common[0],
            cluster=self._common[1],
            truth=self._unknown[: len(self.rows)] if self.known is None else self.truth(*codes)[self.rows],
            n_periods=len(self.periods),
            n_clusters=len(self.clusters),
            place=self._place,
        )

    def truth(self, *codes: str | None) -> NDArray[np.float64]:
        """[n], what codings that stand for passages say of the codes jointly; NaN where they do not."""
        if self.known is None:
            return self._unknown
        columns = [
            self.known[:, self.predictions.column(code)]
            if code in self.predictions.codes
            else np.zeros(len(self.known))
            for code in codes
            if code is not None
        ]
        return jointly(columns)


def jointly(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Whether all hold: 1, 0 where one does not, NaN where nobody can tell.

    >>> jointly([np.array([1.0, 1.0, np.nan]), np.array([1.0, np.nan, 0.0])]).tolist()
    [1.0, nan, 0.0]
    """
    stacked = np.stack(columns)
    found = np.where((stacked == 0).any(axis=0), 0.0, np.nan)
    return np.where((stacked == 1).all(axis=0), 1.0, found)


def voice(passage: Passage) -> str:
    """Whose words a passage holds, so that speakers can be told apart.

    A label that names a role and not a person (``R``, ``Speaker 1``) means somebody else in every document, unless
    metadata say who; a document without speakers counts as one voice.
    """
    return _named(passage) or f"{passage.document}\0{passage.speaker or ''}"


def cluster_of(passage: Passage) -> str:
    """What the jackknife leaves out with a passage: the actor, or the document where nobody is named."""
    return _named(passage) or f"\0{passage.document}"


def _named(passage: Passage) -> str:
    if passage.actor and passage.actor != passage.speaker:
        return passage.actor
    if passage.speaker and plausible(passage.speaker) != ROLE:
        return passage.speaker
    return ""
