"""Scores of passages by classifiers that have not seen their documents: what calibration and figures are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sibnlp.classifiers import Classifier
from sibnlp.errors import DataError
from sibnlp.training.folds import assign_folds
from sibnlp.training.recipe import Recipe
from sibnlp.types import CodedPassage

log = logging.getLogger(__name__)
Progress = Callable[[str, int, int], None]
# A share of documents to keep is met within this, where there are enough of them.
CLOSE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Coded passages as a classifier sees them.

    Attributes:
        texts: n passages (`sibnlp.classifiers.texts_of`).
        truth: float64 [n, k] in {0, 1, NaN}.
        weights: float64 [n], or None where all count alike.
        groups: n names of what must not be parted.
    """

    texts: Sequence[str]
    truth: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    groups: Sequence[str]

    def fit(self, classifier: Classifier, rows: Sequence[int], seed: int, work: Path | None) -> None:
        """Fit a classifier to some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        classifier.fit([self.texts[i] for i in rows], self.truth[rows], seed=seed, weights=weights, work=work)


def weights_of(codings: Sequence[CodedPassage]) -> NDArray[np.float64] | None:
    """Column ``weight`` of the codings; None where nobody has one."""
    given = [dict(coding.passage.extra).get("weight") for coding in codings]
    if all(value in (None, "") for value in given):
        return None
    try:
        weights = np.array([1.0 if value in (None, "") else float(value) for value in given])
    except (TypeError, ValueError):
        weights = np.array([-1.0])
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise DataError("the column weight holds something other than numbers of 0 or more", "correct it or rename it")
    return weights


def apart(codings: Sequence[CodedPassage], held_out: Sequence[CodedPassage]) -> Sequence[CodedPassage]:
    """The held-out codings, once it is sure that none of their documents is learnt from."""
    shared = sorted({c.passage.document for c in codings} & {c.passage.document for c in held_out})
    if shared:
        raise DataError(
            f"{len(shared)} documents are both learnt from and held out, {shared[0]!r} among them",
            "a model judged on documents it has seen looks better than it is: take them out of one of the two",
        )
    return held_out


def share_of_groups(
    groups: Sequence[str], truth: NDArray[np.float64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which passages to keep for calibration: about a share of them, by whole groups, codes spread evenly.

    Groups are dealt out to folds, and some of these are kept: two of five for a share of 0.4.
    """
    n_groups = len(set(groups))
    parts = [(n, max(1, min(n - 1, round(share * n)))) for n in range(2, min(20, n_groups) + 1)]
    n_folds, kept = next((part for part in parts if abs(part[1] / part[0] - share) <= CLOSE), parts[-1])
    fold = assign_folds(groups, truth, n_folds, rng)
    return np.asarray(fold < kept, dtype=np.bool_)


def score_kept(
    classifier: Classifier, data: Data, kept: NDArray[np.bool_], recipe: Recipe
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores [n, k] and fold [n] of the passages the classifier has not learnt from; NaN and −1 of the others.

    The folds part the kept passages, so that figures come from documents that did not calibrate them either.
    """
    rows = np.flatnonzero(kept).tolist()
    scores, fold = np.full(data.truth.shape, np.nan), np.full(len(data.texts), -1, dtype=np.int64)
    scores[rows] = classifier.predict_proba([data.texts[i] for i in rows])
    groups = [data.groups[i] for i in rows]
    n_folds = min(recipe.folds, len(set(groups)))
    if n_folds > 1:
        fold[rows] = assign_folds(groups, data.truth[rows], n_folds, np.random.default_rng(recipe.seed))
    else:
        log.warning("the held-out passages are of one document: figures in the manifest are in sample")
        fold[rows] = 0
    log.info("kept %d passages of %d groups for calibration", len(rows), len(set(groups)))
    return scores, fold


def score_held_out(
    classifier: Classifier, data: Data, recipe: Recipe, tell: Progress, work: Path | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Uncalibrated scores [n, k] of every passage by a classifier that has not seen its group, and its fold [n]."""
    n_folds = min(recipe.folds, len(set(data.groups)))
    fold = assign_folds(data.groups, data.truth, n_folds, np.random.default_rng(recipe.seed))
    scores = np.empty(data.truth.shape)
    for number in range(n_folds):
        tell("folds", number, n_folds)
        inside, outside = np.flatnonzero(fold != number).tolist(), np.flatnonzero(fold == number).tolist()
        part = classifier.fresh()
        data.fit(part, inside, recipe.seed, work and work / f"fold-{number}")
        scores[outside] = part.predict_proba([data.texts[i] for i in outside])
    tell("folds", n_folds, n_folds)
    log.info("scored %d passages in %d folds of %d groups", len(data.texts), n_folds, len(set(data.groups)))
    return scores, fold
