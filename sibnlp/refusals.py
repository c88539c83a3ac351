"""When a correction is refused, by rules fixed before any result was seen.

A correction that does not hold is worse than none: it looks like care. So codings must be enough, the classifier must
tell the code apart, and every period must look like the mixture of classes that the correction takes it for.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from sibnlp.calibrate import fit_platt, log_odds
from sibnlp.intervals import jackknife, sum_by
from sibnlp.misfit import misfit_p
from sibnlp.quantifiers import Gold, Passages

# Correcting by error rates.
POSITIVES, DOCUMENTS = 30, 10
LEAST_GAIN, LEVEL = 0.3, 0.95
# Chance that any period is refused though all is as assumed.
NEEDLESS = 0.10
# Correcting by a probability sample, per period.
SAMPLED, SAMPLED_POSITIVES = 30, 4


def correction(passages: Passages, gold: Gold | None, periods: tuple[str, ...] = ()) -> str:
    """Why error rates from this gold may not correct these passages; empty where they may."""
    if gold is None:
        return "no coded passages to take error rates from"
    positives, documents = int(gold.truth.sum()), len(np.unique(gold.document))
    if positives < POSITIVES:
        return f"{positives} coded passages carry it, {POSITIVES} are needed"
    if documents < DOCUMENTS:
        return f"coded passages are from {documents} documents, {DOCUMENTS} are needed"
    if positives == len(gold.truth):
        return "every coded passage carries it"
    low = gain_bound(gold)
    if not low >= LEAST_GAIN:
        return f"TPR − FPR may be as low as {low:.2f}, under {LEAST_GAIN}"
    return misfit(passages, gold, periods)


def gain_bound(gold: Gold, level: float = LEVEL) -> float:
    """Lower bound of TPR − FPR: jackknife over clusters, *t* quantile (Wolter 2007, ch. 4).

    Ten clusters alike, of two positives (one found) and two negatives (none given):

    >>> truth, given = np.array([1.0, 1, 0, 0] * 10), np.array([True, False, False, False] * 10)
    >>> cluster = np.repeat(np.arange(10), 4)
    >>> gain_bound(Gold(given * 1.0, given, truth, cluster, np.ones(40), np.full(40, -1), cluster, 10, False))
    0.5
    """
    parts = []
    for kind in (1, 0):
        weight = gold.weight * (gold.truth == kind)
        n = sum_by(gold.cluster, weight, gold.n_clusters)[:, None]
        s = sum_by(gold.cluster, weight * gold.given, gold.n_clusters)[:, None]
        parts.append(jackknife(s, n))
    (true, up), (false, down) = parts
    used = np.bincount(gold.cluster, minlength=gold.n_clusters) > 0
    se = math.sqrt(float(((up - down)[used] ** 2).sum()))
    return float(true[0] - false[0] - stats.t.ppf((1 + level) / 2, max(int(used.sum()) - 1, 1)) * se)


def misfit(passages: Passages, gold: Gold, periods: tuple[str, ...] = ()) -> str:
    """Name the period that no mixture of the calibrated classes explains; empty where all fit (see `misfit_p`)."""
    p = misfit_p(passages, gold)
    if np.isnan(p).all():
        return ""
    worst = int(np.nanargmin(p))
    if p[worst] >= NEEDLESS:
        return ""
    name = periods[worst] if worst < len(periods) else f"number {worst + 1}"
    return f"the scores of period {name} are no mixture of the coded classes (p {p[worst]:.3f}): error rates changed"


def sample(passages: Passages, gold: Gold | None, periods: tuple[str, ...] = ()) -> str:
    """Why these codings are no probability sample to correct by; empty where they are.

    Expected positives come from the calibrated scores of the sampled passages, not from their codings: whether a figure
    is shown must not depend on how it came out.
    """
    if gold is None:
        return "no coded passages"
    if not gold.sampled or (gold.row < 0).any():
        return "the codings carry no inclusion probabilities within this corpus"
    where = passages.period[gold.row]
    slope, intercept = fit_platt(log_odds(gold.score), gold.truth)
    expected = 1 / (1 + np.exp(-(slope * log_odds(gold.score) + intercept)))
    if not gold.truth.any() or gold.truth.all():
        expected = np.full(len(where), float(gold.truth.mean()))
    for period in np.unique(passages.period).tolist():
        name = periods[period] if period < len(periods) else f"number {period + 1}"
        n, positives = int((where == period).sum()), float(expected[where == period].sum())
        if n < SAMPLED:
            return f"{n} passages of period {name} are sampled and coded, {SAMPLED} are needed"
        if positives < SAMPLED_POSITIVES:
            return f"{positives:.1f} positives are expected in the sample of period {name}, {SAMPLED_POSITIVES} needed"
        clusters = np.unique(passages.cluster[gold.row[where == period]])
        if len(clusters) < 2:
            return f"the sample of period {name} is of one actor"
    return ""
