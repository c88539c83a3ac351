"""The best estimate of every cell: which rung of the ladder holds, and what it gives.

Design-based, corrected, transported, uncorrected: the first that no rule refuses (`sibnlp.refusals`) is used, the same
in all periods of a cell, and printed beside every figure.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sibnlp import refusals
from sibnlp.aggregate import DOMAIN, TALK, Counts
from sibnlp.gold import Codings
from sibnlp.intervals import Error, Estimate
from sibnlp.quantifiers import (
    CORRECTED,
    DESIGN_BASED,
    QUANTIFIERS,
    TRANSPORTED,
    UNCORRECTED,
    Adjusted,
    Among,
    Gold,
    Passages,
    Quantifier,
    among,
)

BEST, COUNT, CORRECTING, SAMPLING = "best", "count", "pacc", "design_based"
AS_CODED = "as coded"
# Passages of fitted cells that are held at a time, 17 bytes or more each.
_HELD = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A quantifier fitted to a cell.

    Attributes:
        name, rung: which, and what it stands on.
        method: as printed.
        adjusted: levels and outcomes.
        refused: why better rungs were not used.
        gain: what an error rate has to be divided by to be a prevalence: TPR − FPR, or its likes; 1 for a count.
    """

    name: str
    rung: str
    method: str
    adjusted: Adjusted
    refused: tuple[str, ...] = ()
    gain: float = 1.0


class Estimates:
    """Estimates of all cells over one set of counts.

    Args:
        counts: predictions laid out.
        codings: gold, if there is any.
        quantifier: ``best``, or the name of the one to use wherever no rule refuses it.
    """

    def __init__(self, counts: Counts, codings: Codings | None = None, quantifier: str = BEST) -> None:
        self.counts, self.codings, self.quantifier = counts, codings, quantifier or BEST
        scores = counts.predictions.probabilities
        # People give a code or do not: nothing in between.
        self.by_people = bool(((scores == 0) | (scores == 1)).all())
        self._fitted: dict[tuple[object, ...], Fitted | str] = {}
        self._refused: dict[tuple[object, ...], str] = {}
        self._made: dict[tuple[object, ...], Adjusted] = {}
        self._everything = np.ones(len(counts.rows), dtype=np.bool_)
        self._part: tuple[tuple[object, ...], Estimates] = ((), self)
        self._levels: dict[tuple[object, ...], Estimate] = {}

    def part(self, mine: NDArray[np.int64]) -> Estimates:
        """The same of some passages alone, by their places among the rows; without codings, which are of all."""
        key = ("part", mine.tobytes())
        if self._part[0] != key:
            found = copy(self)
            found.counts, found._fitted, found._levels, found._made = self.counts.part(mine), {}, {}, {}
            found._refused, found._part, found._everything = {}, ((), self), np.ones(len(mine), dtype=np.bool_)
            self._part = (key, found)
        return self._part[1]

    def fit(self, domain: str | None, code: str, name: str = "") -> Fitted:
        """The quantifier that a cell's figures stand on: the one named, the default, or the best that holds."""
        name = name or self.quantifier
        refused: list[str] = []
        wanted = [SAMPLING, CORRECTING] if name == BEST else [name]
        for one in wanted:
            if one == COUNT:
                continue
            found = self.attempt(domain, code, one)
            if isinstance(found, Fitted):
                return replace(found, refused=tuple(refused))
            if self.codings is not None or name != BEST:
                refused.append(f"{one}: {found}")
        count = self.attempt(domain, code, COUNT)
        assert isinstance(count, Fitted)  # nothing refuses a count
        return replace(count, refused=tuple(refused))

    def attempt(self, domain: str | None, code: str, name: str) -> Fitted | str:
        """A quantifier fitted to a cell, or why it is refused."""
        key = (domain, code, name)
        if key not in self._fitted:
            self._fitted[key] = self._attempt(domain, code, name)
        return self._fitted[key]

    def _attempt(self, domain: str | None, code: str, name: str) -> Fitted | str:
        quantifier: Quantifier = QUANTIFIERS.load(name)()
        if not quantifier.needs_gold:
            rung = AS_CODED if self.by_people else UNCORRECTED
            return Fitted(name, rung, f"{quantifier.label}, {rung}", self._later(domain, code, name, quantifier, None))
        if self.codings is None:
            return "no codings to correct by (--gold)"
        whole, keep = self.counts.passages(code, domain), self._decided(domain, code)
        passages = whole if keep.all() else among(whole, None, keep)[0]
        periods = self.counts.periods
        if quantifier.rung == DESIGN_BASED:
            gold = self.codings.cell(self.counts, code, domain, sampled=True)
            gold = gold if keep.all() else among(whole, gold, keep)[1]
            if why := refusals.sample(passages, gold, periods):
                return why
            adjusted = self._later(domain, code, name, quantifier, gold)
            return Fitted(name, DESIGN_BASED, f"{quantifier.label}, {DESIGN_BASED}", adjusted)
        why = ""
        for rung in (CORRECTED, TRANSPORTED):
            found = self._gold(domain, code, rung, whole, keep)
            if found is None and why:
                continue
            if isinstance(found, str):
                why = found
                continue
            key = (domain, code, rung)
            if key not in self._refused:  # the same for every quantifier that corrects by error rates
                self._refused[key] = refusals.correction(passages, found, periods)
            if found is not None and not self._refused[key]:
                method = f"{quantifier.label}, {rung}"
                adjusted = self._later(domain, code, name, quantifier, found)
                return Fitted(name, rung, method, adjusted, gain=_gain(found, name == "acc"))
            why = why or self._refused[key]
        return why

    def _gold(
        self, domain: str | None, code: str, rung: str, whole: Passages, keep: NDArray[np.bool_]
    ) -> Gold | str | None:
        """Gold to take error rates from, or why there can be none."""
        assert self.codings is not None  # asked for only where there are some
        gold = self.codings.cell(self.counts, code, domain, elsewhere=rung == TRANSPORTED)
        if gold is None or keep.all():
            return gold
        if rung == TRANSPORTED:
            return "codings from elsewhere do not say where the model would have abstained"
        return among(whole, gold, keep)[1]

    def _decided(self, domain: str | None, code: str) -> NDArray[np.bool_]:
        """[r], whether the model decided on a cell. Where it abstained a passage is in no figure, corrected or not."""
        if self.counts.predictions.abstained is None:
            return self._everything
        return (self.counts.decided(code) & self.counts.decided(domain))[self.counts.rows]

    def weights(self, domain: str | None, code: str, kind: str = "") -> NDArray[np.float64]:
        """[r], weight of each passage in a cell's figures: as `Counts.weights`, and 0 where the model abstained."""
        weights, keep = self.counts.weights(kind), self._decided(domain, code)
        return weights if keep.all() else weights * keep

    def _later(self, domain: str | None, code: str, name: str, quantifier: Quantifier, gold: Gold | None) -> Adjusted:
        """What a quantifier makes of a cell, made when it is asked for.

        Nobody sets outcomes: what is asked for is as good as what is kept.
        """
        return cast("Adjusted", _OnDemand(partial(self._adjusted, domain, code, name, quantifier, gold)))

    def _adjusted(
        self, domain: str | None, code: str, name: str, quantifier: Quantifier, gold: Gold | None
    ) -> Adjusted:
        """What a quantifier makes of a cell; the last few are kept."""
        key = (domain, code, name)
        if key not in self._made:
            # A cell holds what each passage adds to it: of millions of passages not every cell can be kept.
            while len(self._made) >= max(_HELD // max(len(self.counts.predictions), 1), 4):
                self._made.pop(next(iter(self._made)))
            whole, keep = self.counts.passages(code, domain), self._decided(domain, code)
            # What all cells have in common is not copied where the model decided on everything.
            self._made[key] = (
                quantifier.adjust(whole, gold)
                if keep.all()
                else Among(quantifier.adjust(among(whole, None, keep)[0], gold), keep)
            )
        return self._made[key]

    def level_fit(self, domain: str | None, code: str, name: str = "") -> Fitted:
        """As `fit`, for levels: error rates from elsewhere may correct changes only, so a count stands in."""
        found = self.fit(domain, code, name)
        if found.rung != TRANSPORTED:
            return found
        count = self.attempt(domain, code, COUNT)
        assert isinstance(count, Fitted)
        return replace(
            count, refused=(*found.refused, f"{found.name}: error rates are from elsewhere, so changes only")
        )

    def levels(
        self,
        domain: str | None,
        code: str,
        *,
        name: str = "",
        weight: str = "",
        denominator: str = "",
        rows: NDArray[np.bool_] | None = None,
        change: bool = False,
        keep: bool = True,
    ) -> Estimate:
        """Prevalence of a cell by period.

        Args:
            domain, code: the cell.
            name, weight, denominator: instead of the defaults.
            rows: bool [r] over ``counts.rows``; only these passages count.
            change: whether it is for a change (see `level_fit`).
            keep: whether it will be asked for again.
        """
        denominator, weight = denominator or self.counts.denominator, weight or self.counts.weight
        pick = self.fit if change else self.level_fit
        fitted = pick(domain, code, name)
        alone = denominator == TALK or domain is None
        # Whoever asks, the same quantifier with the same weights gives the same.
        asked = (fitted.name,) if alone else (name, denominator, change)
        key = (domain, code, weight, *asked)
        if rows is None and key in self._levels:
            return self._levels[key]
        weights = self.weights(domain, code, weight)
        if rows is not None:
            weights = weights * rows
        found = fitted.adjusted.levels(weights) if alone else self._share(domain, code, name, fitted, weights, pick)
        if keep and rows is None:
            self._levels[key] = found
        return found

    def _share(
        self,
        domain: str | None,
        code: str,
        name: str,
        fitted: Fitted,
        weights: NDArray[np.float64],
        pick: Callable[[str | None, str, str], Fitted],
    ) -> Estimate:
        """A cell's share of its domain."""
        assert domain is not None
        base = pick(None, domain, fitted.name if fitted.rung not in (UNCORRECTED, AS_CODED) else name)
        if base.rung != fitted.rung:  # a share of what is counted differently is no share
            parts = [self.attempt(domain, code, COUNT), self.attempt(None, domain, COUNT)]
            fitted, base = (part for part in parts if isinstance(part, Fitted))
        return ratio(fitted.adjusted.levels(weights), base.adjusted.levels(weights))

    def method(self, domain: str | None, code: str) -> tuple[Fitted, str]:
        """What a cell's levels stand on, and its method as printed, for the default denominator."""
        fitted = self.level_fit(domain, code)
        if self.counts.denominator == DOMAIN and domain is not None:
            base = self.level_fit(None, domain, fitted.name if fitted.rung not in (UNCORRECTED, AS_CODED) else "")
            if base.rung != fitted.rung:
                count = self.attempt(domain, code, COUNT)
                assert isinstance(count, Fitted)
                fitted = replace(count, refused=(*fitted.refused, *base.refused))
        return fitted, fitted.method


def _gain(gold: Gold, decisions: bool) -> float:
    """TPR − FPR, of decisions or of mean scores (Gart & Buck 1966; Bella et al. 2010).

    >>> gold = Gold(np.array([0.9, 0.5, 0.1]), np.array([True, False, False]), np.array([1.0, 1, 0]), np.arange(3),
    ...             np.ones(3), np.arange(3), np.arange(3), 3, False)
    >>> _gain(gold, True), round(_gain(gold, False), 6)
    (0.5, 0.6)
    """
    x = gold.given.astype(np.float64) if decisions else gold.score
    means = [float(np.average(x[held], weights=gold.weight[held])) for held in (gold.truth == 1, gold.truth == 0)]
    return means[0] - means[1]


class _OnDemand:
    """Made when it is asked for: cheap to make again, and as large as the passages are many."""

    def __init__(self, made: Callable[[], Adjusted]) -> None:
        self._made = made

    @property
    def outcomes(self) -> NDArray[np.float64]:
        return self._made().outcomes

    def levels(self, weight: NDArray[np.float64]) -> Estimate:
        return self._made().levels(weight)

    def stray(self, coefficients: NDArray[np.float64]) -> Error:
        return self._made().stray(coefficients)


def ratio(part: Estimate, whole: Estimate) -> Estimate:
    """Share of one estimate in another, by the jackknife replicates they share (Wolter 2007, § 4.4).

    Their errors about the corpus are taken as independent, which overstates the ratio's: the part's errors are among
    the whole's.

    >>> from sibnlp.intervals import counted
    >>> part, whole = (counted(np.array(coded), np.full((2, 1), 10.0)) for coded in ([[1.0], [2.0]], [[4.0], [2.0]]))
    >>> round(float(ratio(part, whole).values[0]), 6)
    0.5
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        values = part.values / whole.values
        slope = 1 / whole.values
    k = max(len(part.deviations), len(whole.deviations))
    deviations = slope * (_padded(part.deviations, k) - values * _padded(whole.deviations, k))
    longer = part if len(part.deviations) == k else whole
    corpus = np.outer(slope, slope) * (part.corpus + np.outer(values, values) * whole.corpus)
    with np.errstate(invalid="ignore"):
        size = part.size * np.clip(whole.values, 0.0, 1.0)
    return Estimate(
        np.where(whole.values > 0, values, np.nan), deviations, longer.stratum, longer.present, corpus,
        min(part.corpus_degrees, whole.corpus_degrees), np.nan_to_num(size),
    )  # fmt: skip


def _padded(deviations: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.pad(deviations, ((0, k - len(deviations)), (0, 0)))
