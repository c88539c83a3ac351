"""Agreement on the set of codes that a passage carries in a family, where several codes may hold at once.

Krippendorff's alpha with a distance between sets instead of the nominal one: two coders who share one of two codes
agree in part. Sources: Passonneau, R. (2006), *Measuring agreement on set-valued items (MASI) for semantic and
pragmatic annotation*, LREC; Jaccard, P. (1912), *The distribution of the flora in the alpine zone*, New Phytologist 11;
Krippendorff (2019), *Content analysis*, 4th ed., ch. 12, for alpha with any distance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import NAN, Figure, figure_of, resamples

Distance = Callable[[Collection[str], Collection[str]], float]


def jaccard(a: Collection[str], b: Collection[str]) -> float:
    """One less the share of codes in either set that are in both; two empty sets are the same.

    >>> jaccard({"NPM"}, {"NPM", "NPG"}), jaccard(set(), set()), jaccard(set(), {"NPM"})
    (0.5, 0.0, 1.0)
    """
    either = set(a) | set(b)
    return 1 - len(set(a) & set(b)) / len(either) if either else 0.0


def masi(a: Collection[str], b: Collection[str]) -> float:
    """Passonneau's (2006) MASI distance: Jaccard, with a set inside the other nearer than two that only overlap.

    >>> round(masi({"a"}, {"a", "b"}), 4), round(masi({"a", "b"}, {"b", "c"}), 4), masi({"a"}, {"b"})
    (0.6667, 0.8889, 1.0)
    """
    first, second = set(a), set(b)
    if first == second:
        return 0.0
    monotone = 2 / 3 if first <= second or second <= first else 1 / 3 if first & second else 0.0
    return 1 - (1 - jaccard(first, second)) * monotone


def set_alpha(
    judgements: NDArray[np.float64],
    codes: Sequence[str],
    documents: Sequence[str],
    distance: Distance = masi,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Figure:
    """Krippendorff's alpha of the sets of codes given.

    Args:
        judgements: [coders, units, codes] of one family; 1 holds, 0 does not, NaN not judged. A coder judged a unit
            where he judged all its codes.
        codes: ids of the columns.
        documents: of the units; whole ones are resampled.
        distance: `masi` or `jaccard`.
        n_resamples, seed: of the interval.

    Returns:
        The figure; NaN where no unit is judged twice, or everybody gave the same set everywhere.

    Two coders, four passages; they share NPM in one where the second gives NPG too:

    >>> a, b = [[1, 0], [0, 1], [0, 0], [1, 0]], [[1, 1], [0, 1], [0, 0], [1, 0]]
    >>> two = np.array([a, b], dtype=float)
    >>> round(set_alpha(two, ("NPM", "NPG"), list("abcd"), jaccard, n_resamples=0).value, 4)
    0.8293
    """
    known = np.asarray(~np.isnan(judgements).any(axis=2))
    values: dict[frozenset[str], int] = {}
    counts = np.zeros((judgements.shape[1], 0))
    for coder, unit in product(range(judgements.shape[0]), range(judgements.shape[1])):
        if not known[coder, unit]:
            continue
        held = frozenset(code for code, one in zip(codes, judgements[coder, unit], strict=True) if one == 1)
        column = values.setdefault(held, len(values))
        if column == counts.shape[1]:
            counts = np.concatenate([counts, np.zeros((len(counts), 1))], axis=1)
        counts[unit, column] += 1
    counts[counts.sum(axis=1) < 2] = 0
    if not counts.any():
        return Figure(NAN)
    apart = np.array([[distance(one, other) for other in values] for one in values])
    place, weights = resamples(documents, n_resamples, seed)
    judged = counts.sum(axis=1)
    # Within a unit, a pair of judgements is of two coders, so a set is never paired with itself; that pair is 0 apart.
    own = np.einsum("uv,vw,uw->u", counts, apart, counts) / np.maximum(judged - 1, 1)
    observed = weights @ np.bincount(place, own, minlength=weights.shape[1])
    by_document = np.zeros((weights.shape[1], counts.shape[1]))
    np.add.at(by_document, place, counts)
    totals = weights @ by_document
    n = totals.sum(axis=1)
    expected = np.einsum("rv,vw,rw->r", totals, apart, totals)
    curve = np.full(len(weights), NAN)
    np.divide(observed * (n - 1), expected, out=curve, where=expected > 0)
    return figure_of(1 - curve)
