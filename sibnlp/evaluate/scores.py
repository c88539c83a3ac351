"""Scores of single codes and their means over families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import alpha_of_counts
from sibnlp.calibrate import expected_calibration_error
from sibnlp.evaluate.align import NAN, Aligned, mean, percentile_interval, resampled_f1, row_means
from sibnlp.targets import FamilyCodes


@dataclass(frozen=True, slots=True)
class CodeScores:
    """Scores of one code; NaN where undefined.

    Attributes:
        precision, recall, f1: of the codes given; recall and F1 are undefined without a positive, precision where the
            code was never given.
        auc: area under the ROC curve of the probabilities.
        support: passages that carry the code; n: passages read for it; n_given: passages it was given to.
        threshold: of the model; NaN if unknown.
        ece: expected calibration error, 10 bins.
        interval: 95 % percentile interval of f1 over resampled documents.
        alpha: Krippendorff's nominal alpha between coders and model.
    """

    precision: float
    recall: float
    f1: float
    auc: float
    support: int
    threshold: float
    ece: float
    n: int
    n_given: int
    interval: tuple[float, float] = (NAN, NAN)
    alpha: float = NAN

    @property
    def share(self) -> float:
        """Share of the passages read for it that carry the code."""
        return self.support / self.n if self.n else NAN

    @property
    def share_given(self) -> float:
        """Share of them that the model gave it to."""
        return self.n_given / self.n if self.n else NAN


@dataclass(frozen=True, slots=True)
class FamilyScores:
    """Means over the codes of a family that somebody gave; NaN where there is none.

    Attributes:
        macro_f1, macro_auc: mean F1 and AUC.
        alpha: mean over these codes of Krippendorff's nominal alpha between the coder and the model.
        interval: 95 % percentile interval of macro_f1 over resampled documents.
        codes: ids of the codes averaged over.
        ece: mean expected calibration error of these codes.
    """

    macro_f1: float
    macro_auc: float
    alpha: float
    interval: tuple[float, float]
    codes: tuple[str, ...]
    ece: float = NAN


def score_codes(
    data: Aligned, weights: NDArray[np.float64], thresholds: Mapping[str, float]
) -> tuple[dict[str, CodeScores], NDArray[np.float64]]:
    """Scores of every code, and F1 in every resample: [resamples, k].

    Args:
        data: codings and predictions.
        weights: of documents (`document_weights`).
        thresholds: of the model, by code, for the record.
    """
    resampled = resampled_f1(data.truth, data.given, data.group, weights)
    found = {}
    for j, code in enumerate(data.codes):
        known = ~np.isnan(data.truth[:, j])
        y, g, p = data.truth[known, j] == 1, data.given[known, j], data.probabilities[known, j]
        hits, support, n_given = int((y & g).sum()), int(y.sum()), int(g.sum())
        ones = y.astype(np.int64) + g
        found[code] = CodeScores(
            precision=hits / n_given if n_given else NAN,
            recall=hits / support if support else NAN,
            f1=2 * hits / (support + n_given) if support else NAN,
            auc=roc_auc(p, y),
            support=support,
            threshold=thresholds.get(code, NAN),
            ece=expected_calibration_error(p, y),
            n=len(y),
            n_given=n_given,
            interval=percentile_interval(resampled[:, j]) if support else (NAN, NAN),
            alpha=alpha_of_counts(np.stack([2 - ones, ones], axis=1)),
        )
    return found, resampled


def score_family(
    family: FamilyCodes, data: Aligned, codes: Mapping[str, CodeScores], resampled: NDArray[np.float64]
) -> FamilyScores | None:
    """Means over a family's codes that somebody gave; None where nobody read for it."""
    if not any(codes[data.codes[j]].n for j in data.columns(family)):
        return None
    columns = data.held(family)
    held = [codes[data.codes[j]] for j in columns]
    if not held:
        return FamilyScores(NAN, NAN, NAN, (NAN, NAN), ())
    return FamilyScores(
        macro_f1=mean(one.f1 for one in held),
        macro_auc=mean(one.auc for one in held),
        alpha=mean(one.alpha for one in held),
        interval=percentile_interval(row_means(resampled[:, columns])),
        codes=tuple(data.codes[j] for j in columns),
        ece=mean(one.ece for one in held),
    )


def roc_auc(probabilities: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Chance that a passage with the code scores higher than one without, ties counting half; NaN for one class.

    Source: Hanley & McNeil (1982), *The meaning and use of the area under a ROC curve*, Radiology 143.

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return NAN
    _, place, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
