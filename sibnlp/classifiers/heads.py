"""One logistic regression per code, learnt only from the passages somebody read for that code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.classifiers import constant_log_odds, is_constant
from sibnlp.errors import DataError


def fit_heads(
    features: Any,
    targets: NDArray[np.float64],
    *,
    freedom: float,
    class_weight: str | None,
    seed: int,
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a binary logistic regression for every column.

    Args:
        features: [n, d], dense or scipy CSR.
        targets: float64 [n, k] in {0, 1, NaN}; NaN rows take no part in that column.
        freedom: inverse strength of the L2 penalty (scikit-learn's ``C``).
        class_weight: ``"balanced"`` or None, as in scikit-learn.
        seed: handed to the solver.
        weights: float64 [n], how much each passage counts; 1 by default.

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
    coefficients, intercepts = np.zeros((k, features.shape[1])), np.zeros(k)
    for column in range(k):
        known = np.flatnonzero(~np.isnan(targets[:, column]))
        y = targets[known, column]
        if is_constant(targets[:, column]):
            intercepts[column] = constant_log_odds(targets[:, column])
            continue
        head = LogisticRegression(C=freedom, class_weight=class_weight, max_iter=2000, tol=1e-5, random_state=seed)
        head.fit(features[known], y.astype(np.int64), sample_weight=None if weights is None else weights[known])
        coefficients[column], intercepts[column] = head.coef_[0], head.intercept_[0]
    return coefficients, intercepts
