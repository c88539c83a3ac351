"""Scores as codes occur in life, from passages drawn with known chances: each counts for those it stands for.

F1 of rare codes cannot be read off a small random sample, which holds a handful of them, nor off passages picked for
looking like codes, where false alarms are too few. Counted with the inverse of each passage's inclusion probability,
hits, misses and false alarms are those of the whole pool (Horvitz & Thompson 1952, *A generalization of sampling
without replacement from a finite universe*, JASA 47; for F1 as a ratio of such totals: Sawade, Landwehr & Scheffer
2010, *Active estimation of F-measures*, NIPS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import Codebook
from sibnlp.evaluate.align import align, document_weights, mean, percentile_interval, row_means
from sibnlp.types import CodedPassage, Predictions


@dataclass(frozen=True, slots=True)
class Natural:
    """Scores of a code or, as means over codes, of a family, in the pool.

    Attributes:
        carried: passages of the pool that carry the code, estimated; n: positives they are estimated from.
        precision, recall, f1: estimated.
        flagged: passages given the code for each that carries it, estimated.
        interval: 95 % of f1, over resampled groups of documents and speakers.
    """

    carried: float
    n: int
    precision: float
    recall: float
    f1: float
    flagged: float
    interval: tuple[float, float]


def natural(
    predictions: Predictions,
    gold: Sequence[CodedPassage],
    weights: Mapping[str, float],
    books: Sequence[Codebook],
    families: Sequence[str] = ("logic", "domain", "dimension"),
    resamples: int = 2000,
) -> tuple[dict[str, Natural], dict[str, Natural]]:
    """Weighted scores by code and by family.

    Args:
        predictions: of a model, of the passages in ``gold``.
        gold: coded passages; their document is the unit that is resampled.
        weights: by passage id, for how many passages it stands.
        books: the codebooks; families: which of their families.
        resamples: of documents.

    >>> from sibnlp.codebook import load
    >>> from sibnlp.types import Passage
    >>> passages = [Passage(str(i), f"d{i}", 0, 1, "x") for i in range(4)]
    >>> given = np.array([[True], [False], [True], [False]])
    >>> p = Predictions(tuple(passages), ("NPM",), given.astype(np.float32), given, "m")
    >>> gold = [CodedPassage(one, ("NPM",) if i < 2 else ()) for i, one in enumerate(passages)]
    >>> codes, _ = natural(p, gold, {"0": 1, "1": 3, "2": 2, "3": 9}, [load("osborne")], ["logic"], resamples=10)
    >>> one = codes["NPM"]  # a hit for 1 passage, a miss for 3, a false alarm for 2
    >>> round(one.precision, 2), one.recall, round(one.f1, 2), one.carried, one.flagged
    (0.33, 0.25, 0.29, 4.0, 0.75)
    """
    data = align(predictions, gold, books)
    w = np.array([weights[coding.passage.id] for coding in data.coded])
    drawn = document_weights(data.n_documents, resamples, seed=0)
    known = ~np.isnan(data.truth)
    positive, given = (data.truth == 1) & known, data.given & known
    hits, support, flagged = (
        _by_document(part, w, data.group, drawn.shape[1]) for part in (positive & given, positive, given)
    )
    total = [part.sum(axis=0) for part in (hits, support, flagged)]
    again = 2 * (drawn @ hits), drawn @ support + drawn @ flagged
    f1s = np.divide(*again, out=np.full(again[0].shape, np.nan), where=(drawn @ support) > 0)
    codes, means = {}, {}
    for family in data.families:
        if family.id not in families:
            continue
        own = [j for j in data.columns(family) if total[1][j] > 0]
        for j in own:
            hit, all_, said = (part[j] for part in total)
            codes[data.codes[j]] = Natural(
                float(all_), int(positive[:, j].sum()), float(hit / said) if said else float("nan"), float(hit / all_),
                float(2 * hit / (all_ + said)), float(said / all_), percentile_interval(f1s[:, j]),
            )  # fmt: skip
        if own:
            means[family.id] = _mean([codes[data.codes[j]] for j in own], row_means(f1s[:, own]))
    return codes, means


def _mean(each: Sequence[Natural], resampled: NDArray[np.float64]) -> Natural:
    """Of a family: means over its codes, but for the positives, which are summed."""
    return Natural(
        carried=mean(one.carried for one in each),
        n=sum(one.n for one in each),
        precision=mean(one.precision for one in each),
        recall=mean(one.recall for one in each),
        f1=mean(one.f1 for one in each),
        flagged=mean(one.flagged for one in each),
        interval=percentile_interval(resampled),
    )


def _by_document(
    counted: NDArray[np.bool_], weights: NDArray[np.float64], group: NDArray[np.int64], n: int
) -> NDArray[np.float64]:
    """Weighted counts by document: [documents, k]."""
    found = np.zeros((n, counted.shape[1]))
    np.add.at(found, group, counted * weights[:, None])
    return found
