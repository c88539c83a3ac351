"""One logistic regression per code, learnt only from the passages somebody read for that code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.errors import DataError

# Probability of a code that nobody looked for in any passage at hand: low, for codes are rarer than their absence.
UNSEEN = 0.01


def fit_heads(
    features: Any, targets: NDArray[np.float64], *, freedom: float, class_weight: str | None, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a binary logistic regression for every column.

    Args:
        features: [n, d], dense or scipy CSR.
        targets: float64 [n, k] in {0, 1, NaN}; NaN rows take no part in that column.
        freedom: inverse strength of the L2 penalty (scikit-learn's ``C``).
        class_weight: ``"balanced"`` or None, as in scikit-learn.
        seed: handed to the solver.

    Returns:
        Weights [k, d] and intercepts [k]. A column with one class only gets no weights and the intercept of the
        smoothed base rate ``(positives + ½) / (known + 1)``.

    Raises:
        DataError: no passages, or as many targets as passages are not given.
    """
    from sklearn.linear_model import LogisticRegression

    n, k = targets.shape
    if not n or features.shape[0] != n:
        raise DataError(f"{features.shape[0]} texts and {n} rows of targets", "give one row of targets per text")
    weights, intercepts = np.zeros((k, features.shape[1])), np.zeros(k)
    for column in range(k):
        known = np.flatnonzero(~np.isnan(targets[:, column]))
        y = targets[known, column]
        if not len(known) or y.min() == y.max():
            rate = (y.sum() + 0.5) / (len(known) + 1) if len(known) else UNSEEN
            intercepts[column] = np.log(rate / (1 - rate))
            continue
        head = LogisticRegression(C=freedom, class_weight=class_weight, max_iter=2000, tol=1e-5, random_state=seed)
        head.fit(features[known], y.astype(np.int64))
        weights[column], intercepts[column] = head.coef_[0], head.intercept_[0]
    return weights, intercepts
