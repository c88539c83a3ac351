"""How far coders agree beyond chance, the model among them.

Sources: Krippendorff, K. (2011), *Computing Krippendorff's alpha-reliability*, University of Pennsylvania; (2019),
*Content analysis*, 4th ed., ch. 12. Cohen, J. (1960), *A coefficient of agreement for nominal scales*, Educational and
Psychological Measurement 20; for more than two coders the mean over pairs (Light 1971, *Psychological Bulletin* 76).
Cicchetti, D. & Feinstein, A. (1990), *High agreement but low kappa: II*, J. Clinical Epidemiology 43 (positive
agreement, which equals the F1 of one coder against the other). Gwet, K. (2008), *Computing inter-rater reliability and
its variance in the presence of high agreement*, British J. Mathematical and Statistical Psychology 61; with judgements
missing, Gwet (2014), *Handbook of inter-rater reliability*, 4th ed. (AC1, which a rare code does not pull down).

Codes taken as sets are in `sibnlp.set_agreement`, free spans in `sibnlp.unitising`.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAN = float("nan")


def nominal_alpha(ratings: ArrayLike) -> float:
    """Krippendorff's alpha for nominal values.

    Args:
        ratings: [coders, units]; numbers that stand for values, NaN where a coder did not judge a unit. Units judged by
            fewer than two coders do not count.

    Returns:
        1 for perfect agreement, 0 for what chance would give, negative for less; NaN where nothing can be said: no unit
        with two judgements, or one value only.

    >>> nan = float("nan")
    >>> krippendorff_2011 = [
    ...     [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
    ...     [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
    ...     [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
    ...     [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ... ]
    >>> round(nominal_alpha(krippendorff_2011), 3)
    0.743
    """
    table = np.asarray(ratings, dtype=np.float64)
    values = np.unique(table[~np.isnan(table)])
    return alpha_of_counts((table[:, :, None] == values).sum(axis=0))


def alpha_of_counts(counts: ArrayLike) -> float:
    """Krippendorff's nominal alpha of how many coders gave each unit each value.

    Args:
        counts: [units, values], whole numbers.

    Returns:
        As `nominal_alpha`.

    >>> round(alpha_of_counts([[2, 0], [2, 0], [0, 2], [1, 1]]), 4)
    0.5333
    """
    table: NDArray[np.float64] = np.asarray(counts, dtype=np.float64)
    table = table[table.sum(axis=1) >= 2]
    per_unit, per_value = table.sum(axis=1), table.sum(axis=0)
    n = per_value.sum()
    if not n or (per_value > 0).sum() < 2:
        return float("nan")
    # Pairs of judgements within units that differ, each unit weighted by its judgements.
    observed = float(((per_unit**2 - np.square(table).sum(axis=1)) / (per_unit - 1)).sum() / n)
    expected = float((n**2 - np.square(per_value).sum()) / (n * (n - 1)))
    return 1 - observed / expected


def cohen_kappa(table: ArrayLike) -> float:
    """Cohen's kappa of two coders.

    Args:
        table: [values, values], how often the first coder gave the row's value and the second the column's.

    Returns:
        1 for perfect agreement, 0 for chance; NaN without units, or where both gave one and the same value only.

    Gwet's (2014) three abstractors' table:

    >>> round(cohen_kappa([[13, 0, 0], [0, 20, 7], [0, 4, 56]]), 7)
    0.7964094
    """
    counts: NDArray[np.float64] = np.asarray(table, dtype=np.float64)
    n = counts.sum()
    expected = float(counts.sum(axis=0) @ counts.sum(axis=1)) / n**2 if n else 1.0
    return NAN if expected == 1 else float((np.trace(counts) / n - expected) / (1 - expected))


def gwet_ac1(counts: ArrayLike) -> float:
    """Gwet's AC1 of how many coders gave each unit each value.

    Args:
        counts: [units, values], whole numbers; units judged once count for what chance would give, as Gwet (2014) has
            it.

    Returns:
        1 for perfect agreement, 0 for chance; NaN where no unit is judged twice, or only one value exists.

    Gwet's (2014) three abstractors, two of them, 100 units:

    >>> pairs = [(2, 0, 0)] * 13 + [(0, 2, 0)] * 20 + [(0, 1, 1)] * 11 + [(0, 0, 2)] * 56
    >>> round(gwet_ac1(pairs), 7)
    0.8493305
    """
    table: NDArray[np.float64] = np.asarray(counts, dtype=np.float64)
    table = table[table.sum(axis=1) >= 1]
    judged = table.sum(axis=1)
    twice = judged >= 2
    if not twice.any() or table.shape[1] < 2:
        return NAN
    own, n = table[twice], judged[twice]
    agreed = float(((own * (own - 1)).sum(axis=1) / (n * (n - 1))).mean())
    share = (table / judged[:, None]).mean(axis=0)
    expected = float((share * (1 - share)).sum() / (table.shape[1] - 1))
    return (agreed - expected) / (1 - expected)


@dataclass(frozen=True, slots=True)
class Figure:
    """A coefficient with its interval; NaN where nothing can be said.

    Attributes:
        value: the coefficient.
        low, high: 95 % percentile interval over resampled documents.
    """

    value: float
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far coders agree on a code, or on the codes of a family.

    Attributes:
        alpha: Krippendorff's nominal alpha; of a family, the mean over its codes that somebody gave.
        kappa: Cohen's kappa, the mean over pairs of coders; of a family likewise.
        positive: positive agreement, over all pairs: of the judgements "holds", the share the other coder shares.
        n: passages that two coders or more judged; of a family, the most for any of its codes.
        n_documents: of these passages.
        given: how often each coder gave it among these passages, in the order of the coders.
        ac1: Gwet's AC1; of a family, the mean over its codes that somebody gave.
    """

    alpha: Figure
    kappa: Figure
    positive: Figure
    n: int
    n_documents: int
    given: tuple[int, ...]
    ac1: Figure = Figure(NAN)


def by_unit(
    units: Sequence[Hashable], coders: Sequence[str], judgements: NDArray[np.float64]
) -> tuple[list[Hashable], list[str], NDArray[np.float64]]:
    """Rows of single codings as one table.

    Args:
        units, coders: what each of n rows judges, and who does; no coder judges a unit twice.
        judgements: [n, k].

    Returns:
        Units and coders in order of appearance, and their judgements [coders, units, k]; NaN where a coder did not
        judge a unit.
    """
    rows, names = {unit: i for i, unit in enumerate(dict.fromkeys(units))}, list(dict.fromkeys(coders))
    table = np.full((len(names), len(rows), judgements.shape[1]), np.nan)
    table[[names.index(coder) for coder in coders], [rows[unit] for unit in units]] = judgements
    return list(rows), names, table


def agreement(
    judgements: NDArray[np.float64],
    codes: Sequence[str],
    documents: Sequence[str],
    families: Mapping[str, Sequence[str]],
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[dict[str, Agreement], dict[str, Agreement]]:
    """Agreement on every code and family, with intervals: passages of one document are not independent.

    Args:
        judgements: [coders, units, codes]; 1 holds, 0 does not, NaN not judged.
        codes: ids of the columns.
        documents: of the units.
        families: codes by family; a code that is no column is passed over.
        n_resamples: whole documents are resampled so many times; 0 for no intervals.
        seed: of the resampling.

    Returns:
        By code, and by family.

    >>> two = np.array([[0, 0, 0, 0, 0, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 1, 1, 1, 1, 0]], dtype=float)[:, :, None]
    >>> found = agreement(two, ["NPM"], [str(i) for i in range(10)], {}, n_resamples=0)[0]["NPM"]
    >>> round(found.alpha.value, 4), round(found.kappa.value, 4), round(found.positive.value, 4), found.given
    (0.3736, 0.3478, 0.5714, (3, 4))
    """
    place, weights = resamples(documents, n_resamples, seed)
    single, curves = {}, {}
    for column, code in enumerate(codes):
        own = judgements[:, :, column]
        judged = (~np.isnan(own)).sum(axis=0) >= 2
        curves[code] = _curves(own, place, weights)
        given = tuple(int((row[judged] == 1).sum()) for row in own)
        alpha, kappa, positive, ac1 = (figure_of(curve) for curve in curves[code])
        n_documents = len(np.unique(place[judged]))
        single[code] = Agreement(alpha, kappa, positive, int(judged.sum()), n_documents, given, ac1)
    whole = {}
    for family, members in families.items():
        own_codes = [code for code in members if code in single]
        held = [code for code in own_codes if any(single[code].given)]
        if not own_codes:
            continue
        figures = [figure_of(_mean([curves[code][k] for code in held])) if held else Figure(NAN) for k in range(4)]
        most = max(own_codes, key=lambda code: single[code].n)
        sums = tuple(sum(counts) for counts in zip(*(single[code].given for code in own_codes), strict=True))
        n, n_documents = single[most].n, single[most].n_documents
        whole[family] = Agreement(figures[0], figures[1], figures[2], n, n_documents, sums, figures[3])
    return single, whole


def resamples(
    documents: Sequence[str], n_resamples: int, seed: int = 0
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """How often each document counts: once in the first row, as drawn with replacement in the others.

    Args:
        documents: of n units.
        n_resamples: rows to draw; none where there is a single document.
        seed: of the draws.

    Returns:
        Number of each unit's document [n], and weights [1 + resamples, documents].
    """
    names, place = np.unique(np.asarray(documents, dtype=str), return_inverse=True)
    weights = np.ones((1, len(names)))
    if n_resamples and len(names) > 1:
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
        weights = np.concatenate([weights, drawn.astype(np.float64)])
    return place, weights


def _curves(
    judgements: NDArray[np.float64], place: NDArray[np.intp], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Alpha, kappa, positive agreement and AC1 of one code, for each weighting of the documents.

    Args:
        judgements: [coders, units]; place: document of each unit; weights: [resamples, documents].

    All are functions of sums over units, so a resample is a product of weights and sums by document.
    """

    def resampled(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return weights @ np.bincount(place, values, minlength=weights.shape[1])

    ones, zeros = ((judgements == value).sum(axis=0).astype(np.float64) for value in (1, 0))
    counts = np.where(ones + zeros >= 2, ones + zeros, 0)
    paired = counts > 0
    differing = np.divide(2 * ones * zeros, counts - 1, out=np.zeros(len(counts)), where=paired)
    n, n_ones, observed = resampled(counts), resampled(ones * paired), resampled(differing)
    alpha = 1 - _ratio(observed * (n - 1), 2 * n_ones * (n - n_ones))
    # AC1: pairs that agree, and the code's share among all judgements, those of units judged once as well.
    judged = ones + zeros
    pairs = np.where(paired, judged * (judged - 1), 1)
    disagreed = _ratio(resampled(2 * ones * zeros / pairs * paired), resampled(paired.astype(np.float64)))
    shares = np.divide(ones, judged, out=np.zeros(len(judged)), where=judged > 0)
    share = _ratio(resampled(shares), resampled((judged > 0).astype(np.float64)))
    expected_ac1 = 2 * share * (1 - share)
    ac1 = (1 - disagreed - expected_ac1) / (1 - expected_ac1)
    kappas, hits, either = [], np.zeros(len(weights)), np.zeros(len(weights))
    for a, b in combinations(judgements, 2):
        both = ~np.isnan(a) & ~np.isnan(b)
        if not both.any():
            continue
        m, first, second = (resampled(values.astype(np.float64)) for values in (both, (a == 1) & both, (b == 1) & both))
        shared = resampled(((a == 1) & (b == 1)).astype(np.float64))
        agreed = m - first - second + 2 * shared
        expected = first * second + (m - first) * (m - second)
        kappas.append(_ratio(m * agreed - expected, m**2 - expected))
        hits, either = hits + 2 * shared, either + first + second
    kappa = _mean(kappas) if kappas else np.full(len(weights), NAN)
    return alpha, kappa, _ratio(hits, either), ac1


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.full(above.shape, NAN), where=below > 0)
    return ratio


def _mean(curves: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample in which no code can be judged
        mean: NDArray[np.float64] = np.nanmean(np.stack(curves), axis=0)
    return mean


def figure_of(curve: NDArray[np.float64]) -> Figure:
    """A coefficient with its interval: the first value is of the data as they are, the others of the resamples."""
    drawn = curve[1:][~np.isnan(curve[1:])]
    if np.isnan(curve[0]) or not len(drawn):
        return Figure(float(curve[0]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(float(curve[0]), float(low), float(high))
