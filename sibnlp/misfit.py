"""Whether every period's scores are a mixture of the coded classes, as a correction by error rates takes them for.

Only a change between periods does harm, so a period is held against the others, and what actors and codings share
between periods cancels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sibnlp.calibrate import log_odds
from sibnlp.intervals import jackknife, scaled, sum_by
from sibnlp.quantifiers import Gold, Passages

# What each of the two looks may claim of the chance of refusing needlessly: scores say more than decisions do.
LOCATED, FLAGGED = 0.75, 0.25
# Shares of the coded negatives, and of the positives, at which scores are cut; and how far, in the negatives' standard
# deviation, the derivative of their shares looks.
_CUTS, _POSITIVE_CUTS, _STEP = (0.3, 0.5, 0.7, 0.85, 0.95), (0.4, 0.8), 0.4
# Coded negatives' scores beyond these shares count no more: single passages are no sign of a moved class.
_TAILS = (0.01, 0.99)


def misfit_p(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    """p-value of each period that its error rates are those of the gold, adjusted for all periods and looks.

    Two looks: where the negatives' scores lie (`located`), and, where the gold is from the corpus, how many of the
    coded negatives are flagged (`flagged`). Bonferroni over periods; the looks share the chance of a needless refusal
    as `LOCATED` to `FLAGGED` (weighted Bonferroni; Holm 1979). NaN where a period has one cluster.

    Scores that rise alike in everybody's third period are seen, and only there:

    >>> score = np.tile([0.1, 0.2, 0.3, 0.8, 0.9], 60)
    >>> period, cluster = np.repeat(np.arange(3), 100), np.tile(np.repeat(np.arange(10), 10), 3)
    >>> truth = (score > 0.5) * 1.0
    >>> noise = np.random.default_rng(1).normal(0, 0.03, 300)
    >>> known = Passages(score + noise, score > 0.5, period, cluster, np.full(300, np.nan), 3, 10)
    >>> gold = Gold(known.score, known.given, truth, cluster, np.ones(300), np.full(300, -1), cluster, 10, False)
    >>> bool(misfit_p(known, gold).min() > 0.1)
    True
    >>> moved = known.score + 0.1 * ((period == 2) & (truth == 0))
    >>> int(misfit_p(Passages(moved, known.given, period, cluster, known.truth, 3, 10), gold).argmin())
    2
    """
    p = [located(passages, gold) / LOCATED]
    if (gold.row >= 0).all():
        p.append(flagged(passages, gold) / FLAGGED)
    else:
        p[0] = p[0] * LOCATED
    looks = np.array(p)
    tried = int((~np.isnan(looks)).any(axis=0).sum())
    least = np.where(np.isnan(looks), 2e9, looks).min(axis=0)
    result: NDArray[np.float64] = np.where(least > 1e9, np.nan, np.minimum(least * max(tried, 1), 1.0))
    return result


def located(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    """p-value of each period that its negatives score as those of the other periods do.

    The shares of an actor's uncoded passages over several cuts of the score are explained by least squares as a mixture
    of the coded classes with one parameter more: how far the negatives' scores are moved (a score test in the direction
    false positives take; Rao 1948, *Math. Proc. Cambridge* 44). Coded negatives say where they are themselves. Both are
    weighed by their precision, an actor who is read high in all periods is allowed for as a random effect
    (`actor_means`), and a period's mean is held against that of the others by jackknife over actors of corpus and gold
    together, with degrees of freedom after Satterthwaite (1946; Bell & McCaffrey 2002, *Survey Methodology* 28).
    NaN where a period has no or one cluster.

    Ten actors whose five coded negatives a period score alike in two periods, and higher in the third, are certain
    (the doctest of `misfit_p` adds noise):

    >>> z = np.tile([-2.0, -1.0, 0.0, 1.0, 4.0, 5.0], 30)
    >>> period, cluster = np.tile(np.repeat(np.arange(3), 6), 10), np.repeat(np.arange(10), 18)
    >>> truth = (z > 3) * 1.0
    >>> score = 1 / (1 + np.exp(-z - 0.5 * ((period == 2) & (truth == 0))))
    >>> where = Passages(score, score > 0.9, period, cluster, np.full(180, np.nan), 3, 10)
    >>> gold = Gold(score, score > 0.9, truth, cluster, np.ones(180), np.arange(180), cluster, 10, True)
    >>> bool(located(where, gold)[2] < 1e-6)
    True
    """
    z, gold_z = log_odds(passages.score), log_odds(gold.score)
    negative, positive = gold_z[gold.truth == 0], gold_z[gold.truth == 1]
    cuts = np.unique(np.concatenate([np.quantile(negative, _CUTS), np.quantile(positive, _POSITIVE_CUTS)]))
    step = _STEP * float(negative.std())
    if len(cuts) < 3 or step == 0:
        return np.full(passages.n_periods, np.nan)
    k, n, inside = gold.n_clusters, passages.n_clusters, gold.row >= 0
    open_ = np.ones(len(z))
    open_[gold.row[inside]] = 0  # what is coded says so itself
    held = passages.sums(open_, k)
    over = np.stack([passages.sums(open_ * (z >= cut), k) for cut in cuts])
    means = [class_means(gold, (gold_z >= cut).astype(np.float64)) for cut in cuts]
    true, false = (np.array([mean[kind][0] for mean in means]) for kind in (0, 1))
    apart = (true - false)[:, None]
    without = np.stack([mean[0][1] - mean[1][1] for mean in means])
    slope = np.array([((negative >= cut - step).mean() - (negative >= cut + step).mean()) / 2 for cut in cuts])
    # Shares over rising cuts are nested, so their covariance is min(share) − share · share.
    pooled = (over if held.any() else np.stack([passages.sums((z >= cut) * 1.0, k) for cut in cuts])).sum(axis=(1, 2))
    pooled = pooled / max(held.sum(), 1.0 if held.any() else float(len(z)))
    spread = np.minimum.outer(pooled, pooled) - np.outer(pooled, pooled) + 1e-4 * np.eye(len(cuts))
    design = np.column_stack([apart[:, 0], slope])
    solve = np.linalg.solve(spread, design)
    information = np.linalg.pinv(design.T @ solve)
    share, moved = information @ solve.T
    one = float(information[1, 1])  # variance of one passage's say
    if not one > 0:
        return np.full(passages.n_periods, np.nan)
    sums = over - false[:, None, None] * held
    precision, pull = held / one, np.einsum("c,ckp->kp", moved, sums) / one
    mixed = np.einsum("c,ckp->kp", share, sums) / one
    if inside.any():
        own = inside & (gold.truth == 0)
        x = np.clip(gold_z[own], *np.quantile(negative, _TAILS)) / step
        x, spread_of = x - x.mean(), float(x.var())
        if spread_of > 0:
            place = gold.cluster[own] * passages.n_periods + passages.period[gold.row[own]]
            shape = precision.shape
            precision = precision + sum_by(place, np.ones(len(x)) / spread_of, precision.size).reshape(shape)
            pull = pull + sum_by(place, x / spread_of, precision.size).reshape(shape)
    # As a cluster's gold is left out, the classes move, and with them what the mixture takes for moved.
    slips = np.einsum("c,ck->k", moved, without - apart)
    return _against_the_others(precision, pull, mixed, slips, n)


def spread_between(precision: NDArray[np.float64], pull: NDArray[np.float64]) -> float:
    """Variance between actors beyond that of their passages (DerSimonian & Laird 1986, *Controlled Clinical Trials* 7).

    Args:
        precision, pull: [k, p], sums of weights, and of weighted values, by actor and period.

    Three actors of precision 2 at −1, 0 and 1: Q = 4, so (4 − 2) / (6 − 12 / 6):

    >>> spread_between(np.full((3, 1), 2.0), np.array([[-2.0], [0.0], [2.0]]))
    0.5
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        left = pull - np.nan_to_num(pull.sum(axis=0) / precision.sum(axis=0)) * precision
    weight = precision.sum(axis=1)
    mean = np.divide(left.sum(axis=1), weight, out=np.zeros_like(weight), where=weight > 0)
    found = float((weight * mean**2).sum()) - (int((weight > 0).sum()) - 1)
    typical = float(weight.sum() - (weight**2).sum() / max(weight.sum(), 1e-300))
    return max(found / typical, 0.0) if typical > 0 else 0.0


def actor_means(
    precision: NDArray[np.float64], pull: NDArray[np.float64], between: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each actor adds to the normal equations of the periods' means, actors being random effects.

    ``X'V⁻¹X`` and ``X'V⁻¹y`` by actor, with V the passages' variances plus ``between`` throughout (Laird & Ware 1982,
    *Biometrics* 38).

    Args:
        precision, pull: as in `spread_between`.
        between: variance of actors.

    Returns:
        [k, p, p] and [k, p].

    An actor heard in one period counts with 1 / (1/precision + between), here 1 / (1/2 + 1/2):

    >>> weight, value = actor_means(np.array([[2.0]]), np.array([[6.0]]), 0.5)
    >>> weight.tolist(), value.tolist()
    ([[[1.0]]], [[3.0]])
    """
    shrink = between / (1 + between * precision.sum(axis=1))
    weight = -shrink[:, None, None] * precision[:, :, None] * precision[:, None, :]
    periods = range(precision.shape[1])
    weight[:, periods, periods] += precision
    return weight, pull - shrink[:, None] * precision * pull.sum(axis=1)[:, None]


def _against_the_others(
    precision: NDArray[np.float64],
    pull: NDArray[np.float64],
    mixed: NDArray[np.float64],
    slips: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    """p-value that a period's mean is that of the other periods; see `located` (Laird & Ware 1982; Satterthwaite 1946).

    Args:
        precision, pull: [k, p] by cluster and period.
        mixed: [k, p], weighted share of the class that `slips` apart as each cluster's gold is left out.
        slips: [k].
        n: clusters of the corpus; the rest only calibrate.

    Actors who all rise by the same in the last of two periods, but for 0.1: a paired t of 1 / (0.1 / √3) with 2 degrees
    of freedom in either direction, p 0.0033:

    >>> pull = np.array([[0.0, 0.9], [0.0, 1.0], [0.0, 1.1]])
    >>> _against_the_others(np.ones((3, 2)), pull, np.zeros((3, 2)), np.zeros(3), 3).round(4).tolist()
    [0.0033, 0.0033]
    """
    p = np.full(precision.shape[1], np.nan)
    used = np.flatnonzero((precision > 0).sum(axis=0) > 1)
    if len(used) < 2:
        return p
    precision, pull, mixed = precision[:, used], pull[:, used], mixed[:, used]
    between = spread_between(precision, pull)
    weight, value = actor_means(precision, pull, between)
    slipping = actor_means(precision, mixed, between)[1]
    whole = weight.sum(axis=0)
    try:
        means = np.linalg.solve(whole, value.sum(axis=0))
        moved = value.sum(axis=0) - value - slips[:, None] * (slipping.sum(axis=0) - slipping)
        without = np.linalg.solve(whole - weight, moved[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        return p  # a period that hangs on one actor
    present = precision > 0
    present[n:] = True
    deviations = np.concatenate([scaled(without[:n], means, present[:n]), scaled(without[n:], means, present[n:])])
    for place, one in enumerate(used.tolist()):
        contrast = np.full(len(used), -1 / (len(used) - 1))
        contrast[place] = 1
        se = math.sqrt(float(((deviations @ contrast) ** 2).sum()))
        leverage = np.linalg.solve(whole, contrast)
        shares = np.einsum("i,kij,j->k", leverage, weight, leverage)
        degrees = max(float(shares.sum() ** 2 / (shares**2).sum()) - 1, 1.0)
        if se > 0:
            p[one] = 2 * stats.t.sf(abs(float(means @ contrast)) / se, degrees)
    return p


def flagged(passages: Passages, gold: Gold) -> NDArray[np.float64]:
    """p-value of each period that as many of its coded negatives are flagged as of the others'.

    A difference of two shares by jackknife over clusters (Wolter 2007, ch. 4), its variance no less than that of
    binomial draws. NaN where either side has fewer than three clusters.

    Four clusters of five coded negatives a period, 2, 2, 3, 3 of them flagged in the first and none in the second:
    0.5 less 0, whose pooled binomial variance 0.1875 · (1/20 + 1/20) exceeds the jackknife's; t = 3.65, 3 degrees:

    >>> given = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]], bool)
    >>> given = np.r_[given.ravel(), np.zeros(20, bool)]
    >>> cluster, period = np.tile(np.repeat(np.arange(4), 5), 2), np.repeat([0, 1], 20)
    >>> passages = Passages(given * 1.0, given, period, cluster, np.full(40, np.nan), 2, 4)
    >>> gold = Gold(given * 1.0, given, np.zeros(40), cluster, np.ones(40), np.arange(40), cluster, 4, True)
    >>> flagged(passages, gold).round(4).tolist()
    [0.0355, 0.0355]
    """
    negative = gold.truth == 0
    period, cluster = passages.period[gold.row][negative], gold.cluster[negative]
    weight, given = gold.weight[negative], gold.given[negative]
    p = np.full(passages.n_periods, np.nan)
    for one in range(passages.n_periods):
        here = period == one
        sums = [
            np.stack([sum_by(cluster, weight * part * side, gold.n_clusters) for side in (here, ~here)], axis=1)
            for part in (given.astype(np.float64), np.ones(len(given)))
        ]
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


def class_means(
    gold: Gold, x: NDArray[np.float64]
) -> tuple[tuple[float, NDArray[np.float64]], tuple[float, NDArray[np.float64]]]:
    """Mean of x among positives and among negatives, each with its value as every cluster is left out (Wolter 2007).

    >>> gold = Gold(np.zeros(4), np.zeros(4, bool), np.array([1.0, 1, 0, 0]), np.array([0, 1, 0, 1]), np.ones(4),
    ...             np.full(4, -1), np.array([0, 1, 0, 1]), 2, False)
    >>> [(mean, without.tolist()) for mean, without in class_means(gold, np.array([1.0, 0, 0, 1]))]
    [(0.5, [0.0, 1.0]), (0.5, [1.0, 0.0])]
    """
    found = []
    for kind in (1, 0):
        weight = gold.weight * (gold.truth == kind)
        n = sum_by(gold.cluster, weight, gold.n_clusters)
        s = sum_by(gold.cluster, weight * x, gold.n_clusters)
        left = n.sum() - n
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append((float(s.sum() / n.sum()), np.where(left > 0, (s.sum() - s) / left, s.sum() / n.sum())))
    return found[0], found[1]
