"""Splitting passages so that no document, and no speaker, is on both sides."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sibnlp.types import CodedPassage

log = logging.getLogger(__name__)


def groups_of(codings: Sequence[CodedPassage]) -> list[str]:
    """What each passage must not be parted from: its document, where there are several; else its speaker; else itself.

    Several codings of one passage always share a group.
    """
    documents = [coding.passage.document for coding in codings]
    if len(set(documents)) > 1 and all(documents):
        return documents
    speakers = [coding.passage.actor or coding.passage.speaker or "" for coding in codings]
    if len(set(speakers)) > 1 and all(speakers):
        log.info("one document only: held-out scores are by speaker")
        return speakers
    log.warning("one document and no speakers: held-out scores are by passage, and flatter the model")
    return [coding.passage.id for coding in codings]


def assign_folds(
    groups: Sequence[str], targets: NDArray[np.float64], n_folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Fold number of every passage: int [n] in [0, n_folds).

    Groups stay whole. They are dealt out, largest first and shuffled among equals, each to the fold where passages and
    positives of every code end up most even, so that a rare code does not fall into one fold.

    Args:
        groups: group of each of n passages.
        targets: float64 [n, k]; 1 counts as a positive.
        n_folds: at most as many as there are groups.
        rng: breaks ties.
    """
    names, member = np.unique(list(groups), return_inverse=True)
    counts = np.zeros((len(names), targets.shape[1] + 1))
    np.add.at(counts, member, np.column_stack([targets == 1, np.ones(len(targets))]))
    share = counts / np.maximum(counts.sum(axis=0), 1)
    order = rng.permutation(len(names))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    filled, fold_of = np.zeros((n_folds, share.shape[1])), np.empty(len(names), dtype=np.int64)
    for group in order:
        # The sum of squares rises least where this group fits best.
        cost = ((filled + share[group]) ** 2 - filled**2).sum(axis=1)
        best = np.flatnonzero(np.isclose(cost, cost.min()))
        fold_of[group] = best[np.argmin(filled[best, -1])]
        filled[fold_of[group]] += share[group]
    result: NDArray[np.int64] = fold_of[member]
    return result
