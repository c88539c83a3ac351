"""When a correction is refused, by rules fixed before any result was seen.

A correction that does not hold is worse than none: it looks like care. So codings must be enough, the classifier must
tell the code apart, and every period must look like the mixture of classes that the correction takes it for.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sibnlp.calibrate import fit_platt, log_odds
from sibnlp.intervals import jackknife, scaled, sum_by
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


def misfit_p(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    """p-value of each period that its error rates are those of the gold, adjusted for all periods and looks.

    A period's shares over several cuts of the score are explained by least squares as a mixture of the coded classes,
    with one parameter more: how far its negatives' scores are moved up or down. A period's
    parameter is held against that of the others by its jackknife error, clusters of corpus and gold left out together
    (a score test in the direction that false positives take; Rao 1948). Where the gold is from the corpus,
    the share of a period's coded negatives that are flagged is held against the other periods' as well. NaN where a
    period has one cluster.
    """
    looks = [_moved(passages, gold)]
    if (gold.row >= 0).all():
        looks.append(_flagged(passages, gold))
    p = np.array(looks)
    tried = int((~np.isnan(p)).sum())
    least = np.where(np.isnan(p), 2.0, p).min(axis=0)
    result: NDArray[np.float64] = np.where(least > 1, np.nan, np.minimum(least * max(tried, 1), 1.0))
    return result


# Shares of the coded negatives at which scores are cut, and how far (in their standard deviation) the derivative looks.
_CUTS, _STEP = (0.3, 0.5, 0.7, 0.85, 0.95), 0.4


def _moved(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    z, gold_z = log_odds(passages.score), log_odds(gold.score)
    negative, positive = gold_z[gold.truth == 0], gold_z[gold.truth == 1]
    cuts = np.unique(np.concatenate([np.quantile(negative, _CUTS), np.quantile(positive, [0.4, 0.8])]))
    step = _STEP * float(negative.std())
    if len(cuts) < 3 or step == 0:
        return np.full(passages.n_periods, np.nan)
    k, n = gold.n_clusters, passages.n_clusters
    held = passages.sums(np.ones(len(z)), k)
    over = np.stack([passages.sums((z >= cut).astype(np.float64), k) for cut in cuts])
    means = [_class_means(gold, (gold_z >= cut).astype(np.float64)) for cut in cuts]
    true, false = (np.array([mean[kind][0] for mean in means]) for kind in (0, 1))
    true_without, false_without = (np.stack([mean[kind][1] for mean in means]) for kind in (0, 1))
    slope = np.array([((negative >= cut - step).mean() - (negative >= cut + step).mean()) / 2 for cut in cuts])
    # Shares over rising cuts are nested, so their covariance is min(share) − share · share.
    pooled = over.sum(axis=(1, 2)) / held.sum()
    spread = np.minimum.outer(pooled, pooled) - np.outer(pooled, pooled) + 1e-4 * np.eye(len(cuts))
    design = np.column_stack([true - false, slope])
    solve = np.linalg.solve(spread, design)
    moved = np.linalg.pinv(design.T @ solve) @ solve.T
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = over.sum(axis=1) / held.sum(axis=0)
        value = moved[1] @ (whole - false[:, None])
        left = (over.sum(axis=1)[:, None, :] - over) / (held.sum(axis=0) - held)
        # The mixture's own part is taken out with the rates as they are without the cluster.
        share = np.clip(moved[0] @ (whole - false[:, None]), 0.0, 1.0)
        expected = false_without[:, :, None] + share * (
            (true_without - false_without)[:, :, None] - (true - false)[:, None, None]
        )
        without = np.einsum("c,ckp->kp", moved[1], left - expected)
    present = held > 0
    present[n:] = True
    deviations = np.concatenate([scaled(without[:n], value, present[:n]), scaled(without[n:], value, present[n:])])
    return _against_the_others(value, deviations, held > 0)


def _against_the_others(
    value: NDArray[np.float64], deviations: NDArray[np.float64], held: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """p-value that a period's value is the mean of the others' (or 0 where there is no other).

    What actors and codings share between periods cancels: only a change can be seen, and only a change does harm.
    """
    p = np.full(len(value), np.nan)
    usable = ~np.isnan(deviations).any(axis=0)
    for one in np.flatnonzero(usable).tolist():
        others = [other for other in np.flatnonzero(usable).tolist() if other != one]
        weights = np.zeros(len(value))
        weights[one] = 1
        weights[others] = -1 / max(len(others), 1)
        used = weights != 0
        se = math.sqrt(float(((deviations[:, used] @ weights[used]) ** 2).sum()))
        degrees = max(int(held[:, used].any(axis=1).sum()) - 1, 1)
        if se > 0:
            p[one] = 2 * stats.t.sf(abs(float(value[used] @ weights[used])) / se, degrees)
    return p


def _flagged(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    """Coded negatives of each period against those of the others: is the share flagged the same?"""
    negative = gold.truth == 0
    period, cluster = passages.period[gold.row][negative], gold.cluster[negative]
    weight, given = gold.weight[negative], gold.given[negative]
    p = np.full(passages.n_periods, np.nan)
    for one in range(passages.n_periods):
        here = period == one
        sums = [
            np.stack([sum_by(cluster, weight * part * side, gold.n_clusters)
                      for side in (here, ~here)], axis=1)
            for part in (given.astype(np.float64), np.ones(len(given)))
        ]  # fmt: skip
        if (sums[1] > 0).sum(axis=0).min() < 3:
            continue
        values, deviations = jackknife(sums[0], sums[1])
        pooled = float(sums[0].sum() / sums[1].sum())
        # No fewer than binomial draws would vary: clusters that agree by chance are no evidence.
        least = pooled * (1 - pooled) * (1 / here.sum() + 1 / (~here).sum())
        variance = max(float(((deviations[:, 0] - deviations[:, 1]) ** 2).sum()), least)
        degrees = int((sums[1].sum(axis=1) > 0).sum()) - 1
        if variance > 0:
            p[one] = 2 * stats.t.sf(abs(values[0] - values[1]) / math.sqrt(variance), degrees)
    return p


def _class_means(
    gold: Gold, x: NDArray[np.float64]
) -> tuple[tuple[float, NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    """Mean of x among positives and among negatives, each with its value as every cluster is left out."""
    found = []
    for kind in (1, 0):
        weight = gold.weight * (gold.truth == kind)
        n = sum_by(gold.cluster, weight, gold.n_clusters)
        s = sum_by(gold.cluster, weight * x, gold.n_clusters)
        left = n.sum() - n
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append((float(s.sum() / n.sum()), np.where(left > 0, (s.sum() - s) / left, s.sum() / n.sum())))
    return found[0], found[1]


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
