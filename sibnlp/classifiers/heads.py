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
    log_counts: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a binary logistic regression for every column.

    Args:
        features: [n, d], dense or scipy CSR.
        targets: float64 [n, k] in {0, 1, NaN}; NaN rows take no part in that column.
        freedom: inverse strength of the L2 penalty (scikit-learn's ``C``).
        class_weight: ``"balanced"`` or None, as in scikit-learn.
        seed: handed to the solver.
        weights: float64 [n], how much each passage counts; 1 by default.
        log_counts: where over 0, each feature is scaled by its log-count ratio for the code, counts smoothed by this
            (`log_count_ratios`); the ratios are folded into the weights.

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
        own = features[known]
        ratios = log_count_ratios(own, y, log_counts) if log_counts else None
        if ratios is not None:
            own = own.multiply(ratios).tocsr()
        head.fit(own, y.astype(np.int64), sample_weight=None if weights is None else weights[known])
        coefficients[column], intercepts[column] = head.coef_[0], head.intercept_[0]
        if ratios is not None:
            coefficients[column] *= ratios
    return coefficients, intercepts


def log_count_ratios(features: Any, y: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """How much more often each feature occurs with the code than without it: float64 [d].

    Source: Wang, S. & Manning, C. (2012), *Baselines and bigrams: simple, good sentiment and topic classification*, ACL
    (NBSVM).

    Args:
        features: scipy CSR [n, d]; a feature occurs where it is not zero.
        y: n zeros and ones, of both some.
        smoothing: added to each count, over 0.

    >>> from scipy.sparse import csr_matrix
    >>> ratios = log_count_ratios(csr_matrix([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0]]), np.array([1.0, 1.0, 0.0]), 1.0)
    >>> ratios.round(4).tolist()
    [0.5878, -0.5108]
    """
    occurs = features.astype(bool).astype(np.float64)
    counts = [smoothing + np.asarray(occurs[y == value].sum(axis=0)).ravel() for value in (1, 0)]
    ratios: NDArray[np.float64] = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
    return ratios
