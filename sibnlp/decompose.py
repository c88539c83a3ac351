"""A change split into what stayers said, how much they said, who came and who went, and what was talked about.

Exact and unclipped: the parts add up to the change. Voice is known, prevalence is estimated; so every part is a
weighted sum of passages' outcomes with known weights, and its error about these passages is that of the quantifier
alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.aggregate import TALK, Counts
from sibnlp.codebook import Framework
from sibnlp.estimates import AS_CODED, Estimates
from sibnlp.quantifiers import UNCORRECTED
from sibnlp.types import Decomposition

# With fewer actors in both periods, how they differ cannot be told from how they changed.
LEAST_STAYERS = 5
PARTS = ("total", "within", "composition", "entry", "exit")


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The parts of a change, each with its weight on every actor's level: ``part = sum(weight · level)``.

    Attributes:
        parts: by name (`PARTS`).
        start, end: by name, [g] weights on the actors' levels at the start and at the end.
    """

    parts: dict[str, float]
    start: dict[str, NDArray[np.float64]]
    end: dict[str, NDArray[np.float64]]


def split(
    levels: tuple[NDArray[np.float64], NDArray[np.float64]], voice: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Split:
    """Split a change of the mean level over actors (voice-weighted).

    Stayers' change into within and composition by the symmetric formula of Kitagawa (1955, *JASA* 50); entry and exit
    against the stayers' mean by Melitz & Polanec (2015, *RAND J. Economics* 46). Without stayers all is entry and exit.

    Args:
        levels: [g] at the start and at the end; anything where an actor is not heard.
        voice: [g], weight of each actor's passages in either period; 0 where not heard.

    Two stayers who rise from 0.2 to 0.4, one of them now talking three times as much as the other (0.5 to 0.75), and a
    newcomer at 0.8 with half of all talk:

    >>> found = split((np.array([0.2, 0.2, 0.0]), np.array([0.4, 0.4, 0.8])),
    ...               (np.array([1.0, 1.0, 0.0]), np.array([3.0, 1.0, 4.0])))
    >>> {name: round(part, 6) for name, part in found.parts.items()}
    {'total': 0.4, 'within': 0.2, 'composition': 0.0, 'entry': 0.2, 'exit': 0.0}
    """
    stay = (voice[0] > 0) & (voice[1] > 0)
    totals = [float(v.sum()) for v in voice]
    of_stayers = [float(v[stay].sum()) for v in voice]
    all_share = [v / t for v, t in zip(voice, totals, strict=True)]
    # Without stayers there is no mean to hold anybody against: the levels themselves are entry and exit.
    shares = [np.where(stay, v, 0.0) / t if t else np.zeros(len(v)) for v, t in zip(voice, of_stayers, strict=True)]
    kept = [t / whole for t, whole in zip(of_stayers, totals, strict=True)]
    mean = (shares[0] + shares[1]) / 2
    moved = (shares[1] - shares[0]) / 2
    others = [np.where(stay, 0.0, share) for share in all_share]
    start = {
        "total": -all_share[0],
        "within": -mean,
        "composition": moved,
        "entry": np.zeros(len(stay)),
        "exit": (1 - kept[0]) * shares[0] - others[0],
    }
    end = {
        "total": all_share[1],
        "within": mean,
        "composition": moved,
        "entry": others[1] - (1 - kept[1]) * shares[1],
        "exit": np.zeros(len(stay)),
    }
    # An actor who is not heard has no weight; what stands for their level must not matter.
    first, last = (np.where(v > 0, level, 0.0) for v, level in zip(voice, levels, strict=True))
    return Split({name: float(start[name] @ first + end[name] @ last) for name in PARTS}, start, end)


def decompose(estimates: Estimates, framework: Framework, level: float = 0.95) -> tuple[Decomposition, ...]:
    """Split the change of every cell from the first to the last period with passages, on all talk.

    Args:
        estimates, framework: as for `sibnlp.trajectory.prevalence`.
        level: of the intervals.

    Returns:
        One entry a domain × code; none with a single period. ``low`` and ``high`` are the process interval of within
        (delete-one-stayer jackknife, *t*), from five stayers on; the parts' corpus intervals stand in ``corpus``.
    """
    found = []
    for domain in (None, *framework.domains):
        for code in framework.logics:
            values = estimates.levels(domain, code, denominator=TALK, change=True).values
            held = np.flatnonzero(~np.isnan(values))
            if len(held) >= 2:
                found.append(_cell(estimates, framework, domain, code, int(held[0]), int(held[-1]), level))
    return tuple(found)


def _cell(
    estimates: Estimates, framework: Framework, domain: str | None, code: str, start: int, end: int, level: float
) -> Decomposition:
    from scipy import stats

    counts = estimates.counts
    fitted = estimates.fit(domain, code)
    weight, passages = estimates.weights(domain, code), counts.passages(code, domain)
    total = passages.sums(weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = passages.sums(weight * fitted.adjusted.outcomes) / total
    ends = (start, end)
    levels = (np.nan_to_num(means[:, start]), np.nan_to_num(means[:, end]))
    voice = (total[:, start], total[:, end])
    parts = split(levels, voice)
    stay = (voice[0] > 0) & (voice[1] > 0)
    n_stayers = int(stay.sum())
    low, high = within_interval(levels, voice, stay, level) if n_stayers >= LEAST_STAYERS else (math.nan, math.nan)
    corpus = {}
    # A count is certain of what it counts: the parts have no error about these passages.
    certain = fitted.rung in (UNCORRECTED, AS_CODED)
    for name in PARTS:
        if certain:
            corpus[name] = (parts.parts[name], parts.parts[name])
            continue
        coefficients = np.zeros(len(weight))
        for period, side in zip(ends, (parts.start[name], parts.end[name]), strict=True):
            here = (passages.period == period) & (weight > 0)
            actor = passages.cluster[here]
            coefficients[here] = side[actor] * weight[here] / total[actor, period]
        error = fitted.adjusted.stray(coefficients)
        reach = float(stats.t.ppf((1 + level) / 2, error.degrees)) * error.se if error.se else 0.0
        corpus[name] = (parts.parts[name] - reach, parts.parts[name] + reach)
    agenda, logic_within, other = (
        _agenda(estimates, framework, code, start, end, parts.parts["total"]) if domain is None else (math.nan,) * 3
    )
    periods = counts.periods
    return Decomposition(
        domain,
        code,
        periods[start],
        periods[end],
        parts.parts["total"],
        parts.parts["within"],
        parts.parts["composition"],
        parts.parts["entry"] + parts.parts["exit"],
        low,
        high,
        parts.parts["entry"],
        parts.parts["exit"],
        agenda,
        logic_within,
        other,
        n_stayers,
        int(((voice[1] > 0) & ~stay).sum()),
        int(((voice[0] > 0) & ~stay).sum()),
        corpus,
        _reading(n_stayers, low, high),
    )


def within_interval(
    levels: tuple[NDArray[np.float64], NDArray[np.float64]],
    voice: tuple[NDArray[np.float64], NDArray[np.float64]],
    stay: NDArray[np.bool_],
    level: float,
) -> tuple[float, float]:
    """Delete-one-stayer jackknife of the change within stayers, *t* with stayers less one (Wolter 2007, ch. 4).

    Three who talk alike rise from 0.2 by 0.1, 0.2 and 0.3: 0.2 ± 4.3027 · 0.1 / √3:

    >>> low, high = within_interval((np.full(3, 0.2), np.array([0.3, 0.4, 0.5])), (np.ones(3), np.ones(3)),
    ...                             np.ones(3, bool), 0.95)
    >>> round(low, 4), round(high, 4)
    (-0.0484, 0.4484)
    """
    from scipy import stats

    value = split(levels, voice).parts["within"]
    moved: NDArray[np.float64] = (levels[1] - levels[0])[stay]
    # Within is the mean, over the two ends' shares of voice, of how far stayers moved: one is taken out of both sums.
    ends = [((v * moved).sum() - v * moved) / (v.sum() - v) for v in (one[stay] for one in voice)]
    without = np.add.reduce(ends) / 2
    n = int(stay.sum())
    se = math.sqrt((n - 1) / n * float(((without - value) ** 2).sum()))
    reach = float(stats.t.ppf((1 + level) / 2, n - 1)) * se
    return value - reach, value + reach


def _agenda(
    estimates: Estimates, framework: Framework, code: str, start: int, end: int, total: float
) -> tuple[float, float, float]:
    """What is due to how much each domain is talked about, to the logic within domains, and to talk outside them.

    Symmetric (Kitagawa 1955) over domains: the logic's share of all talk in a domain is the domain's share of talk
    times the logic's share of the domain, each quantified, none multiplied from parts. Passages in no domain or in
    several make up the rest.

    A domain grows from 20 to 40 % of talk, the logic in it from 10 to 30 % of talk, so from 50 to 75 % of the domain:
    0.2 · 0.625 is agenda, 0.25 · 0.3 is within, and nothing is left of the change of 20 points:

    >>> from types import SimpleNamespace as Fake
    >>> shares = {("d", "NPM"): [0.1, 0.3], (None, "d"): [0.2, 0.4]}
    >>> fake = Fake(levels=lambda domain, code, **_: Fake(values=np.array(shares[domain, code])))
    >>> [round(part, 6) + 0.0 for part in _agenda(fake, Fake(domains=("d",)), "NPM", 0, 1, 0.2)]
    [0.125, 0.075, 0.0]
    """
    agenda = within = 0.0
    if not framework.domains:
        return math.nan, math.nan, math.nan
    for domain in framework.domains:
        joint = estimates.levels(domain, code, denominator=TALK, change=True).values[[start, end]]
        about = estimates.levels(None, domain, denominator=TALK, change=True).values[[start, end]]
        there = about > 0
        if not there.any():
            continue
        rate = np.where(there, joint / np.where(there, about, 1.0), np.nan)
        # A domain that nobody talks about has no rate: its coming or going is agenda.
        rate = np.where(np.isnan(rate), np.nanmean(rate), rate)
        agenda += float((about[1] - about[0]) * rate.mean())
        within += float((rate[1] - rate[0]) * about.mean())
    return agenda, within, total - agenda - within


def _reading(n_stayers: int, low: float, high: float) -> str:
    if n_stayers == 0:
        return (
            "Nobody is heard in both periods: all of the change is a change of who was asked, as far as anybody knows."
        )
    if n_stayers < LEAST_STAYERS:
        return f"Only {n_stayers} actors are heard in both periods: too few to tell whether minds have changed."
    if low > 0 or high < 0:
        return "Those heard in both periods have themselves changed."
    return "Whether those heard in both periods have themselves changed cannot be told."


def voices(counts: Counts) -> NDArray[np.int64]:
    """Passages by actor and period: the panel, as [g, p] counts."""
    place = counts.cluster[counts.rows] * len(counts.periods) + counts.period[counts.rows]
    size = len(counts.clusters) * len(counts.periods)
    return np.bincount(place, minlength=size).reshape(len(counts.clusters), len(counts.periods))
