"""Splitting passages so that no document is on both sides, and no speaker where enough parts remain."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sibnlp.types import CodedPassage

log = logging.getLogger(__name__)


def groups_of(codings: Sequence[CodedPassage], n_folds: int = 2) -> list[str]:
    """What each passage must not be parted from: its document, where there are several; else its speaker; else itself.

    Documents that share a speaker (the actor, or the label where nobody resolved it) are one group, as long as
    ``n_folds`` groups remain (two, where there are fewer documents than that). Where labels such as "R" tie nearly all
    documents together, documents alone are the groups, and a warning says that a speaker may be on both sides. Several
    codings of one passage always share a group.

    Args:
        codings: what is to be split.
        n_folds: into how many parts.
    """
    documents = [coding.passage.document for coding in codings]
    if (n_documents := len(set(documents))) > 1 and all(documents):
        joined = _joined_by_speaker(codings)
        n_joined = len(set(joined))
        if n_joined >= (n_folds if n_documents >= n_folds else 2):
            return joined
        log.warning(
            "speakers tie %d documents into %d groups, too few to hold out: held-out scores are by document alone, and "
            "flatter the model where a speaker is in several",
            n_documents,
            n_joined,
        )
        return documents
    speakers = [coding.passage.actor or coding.passage.speaker or "" for coding in codings]
    if len(set(speakers)) > 1 and all(speakers):
        log.info("one document only: held-out scores are by speaker")
        return speakers
    log.warning("one document and no speakers: held-out scores are by passage, and flatter the model")
    return [coding.passage.id for coding in codings]


def _joined_by_speaker(codings: Sequence[CodedPassage]) -> list[str]:
    """The first document of each passage's connected component: documents, joined by the people who speak in them."""
    above: dict[str, str] = {}

    def top(document: str) -> str:
        while (up := above.setdefault(document, document)) != document:
            above[document] = above[up]
            document = up
        return document

    first: dict[str, str] = {}
    for coding in codings:
        person = coding.passage.actor or coding.passage.speaker
        if person:
            low, high = sorted((top(coding.passage.document), top(first.setdefault(person, coding.passage.document))))
            above[high] = low
    return [top(coding.passage.document) for coding in codings]


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
