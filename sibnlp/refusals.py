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
    """Why error rates from this gold may not correct these passages; empty where they may.

    Fixed beforehand: 30 positives, 10 documents, a lower bound of TPR − FPR of 0.3 (Youden's index; Forman 2008 shows
    how corrections fail under it), and periods that fit (`misfit`).

    >>> truth = np.repeat([1.0, 0.0], [29, 71])
    >>> gold = Gold(truth, truth > 0, truth, np.arange(100) % 10, np.ones(100), np.full(100, -1), np.arange(100) % 10,
    ...             10, False)
    >>> correction(Passages(truth, truth > 0, np.zeros(100, int), np.arange(100) % 10, truth, 1, 10), gold)
    '29 coded passages carry it, 30 are needed'
    """
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
    """Name the period that no mixture of the calibrated classes explains; empty where all fit.

    The smallest p-value over periods and looks (`sibnlp.misfit.misfit_p`; Rao 1948) against `NEEDLESS`. Where three
    periods hold the same scores of the same actors, nothing is refused:

    >>> score = np.tile([0.1, 0.2, 0.3, 0.8, 0.9], 60) + np.random.default_rng(1).normal(0, 0.03, 300)
    >>> period, cluster = np.repeat(np.arange(3), 100), np.tile(np.repeat(np.arange(10), 10), 3)
    >>> truth, elsewhere = (score > 0.5) * 1.0, np.full(300, -1)
    >>> gold = Gold(score, score > 0.5, truth, cluster, np.ones(300), elsewhere, cluster, 10, False)
    >>> misfit(Passages(score, score > 0.5, period, cluster, np.full(300, np.nan), 3, 10), gold)
    ''
    """
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
    is shown must not depend on how it came out. Thirty passages and four expected positives are the least at which the
    simulated intervals hold (DRIFT.md; cf. n·p ≥ 5 for a share, Cochran 1977, § 3.6).

    Of forty passages all are sampled and every tenth is expected to carry the code, which is enough; 29 are not:

    >>> truth = (np.arange(40) % 10 == 0) * 1.0
    >>> passages = Passages(truth * 0.9 + 0.05, truth > 0, np.zeros(40, int), np.arange(40) % 8, np.full(40, np.nan), 1,
    ...                     8)
    >>> gold = Gold(passages.score, passages.given, truth, passages.cluster, np.ones(40), np.arange(40), np.arange(40),
    ...             8, True)
    >>> from dataclasses import replace
    >>> sample(passages, gold)
    ''
    >>> sample(passages, replace(gold, row=gold.row[:29], score=gold.score[:29], truth=gold.truth[:29]))
    '29 passages of period number 1 are sampled and coded, 30 are needed'
    """
    if gold is None:
        return "no codings drawn with inclusion probabilities"
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
