"""Panels whose truth is known: the founding studies' size (31 interviews, 15 actors, 3 stages), drawn from a seed.

Actors differ in how often they use a logic, and so do their interviews; the classifier's scores are binormal, and
actors differ in how it reads them. *Process truth* is the prevalence over other interviews of such actors, *corpus
truth* the share of the panel's own passages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sibnlp.quantifiers import Gold, Passages

# Stages in which each of the 15 actors is interviewed: 6 stay throughout, 4 leave after the second stage, 2 after the
# first, 3 come for the last: 31 interviews.
ATTENDANCE = (*((0, 1, 2),) * 6, *((0, 1),) * 4, *((0,),) * 2, *((2,),) * 3)
STAGES = 3
# Standard deviations on the logit scale: of actors and interviews around the prevalence (an intra-actor correlation of
# about 0.06 at 13 %), of actors around the classifier's score.
ACTOR, INTERVIEW, READING = 0.6, 0.3, 0.25
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


@dataclass(frozen=True, slots=True)
class Classifier:
    """Binormal scores: negatives N(0, 1), positives N(distance, 1); given over the threshold.

    ``slope`` and ``intercept`` make log-odds of a score at the prevalence it was tuned for.
    """

    distance: float
    threshold: float
    prevalence: float

    def probability(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated at the prevalence it was tuned for."""
        prior = np.log(self.prevalence / (1 - self.prevalence))
        result: NDArray[np.float64] = 1 / (1 + np.exp(-(self.distance * z - self.distance**2 / 2 + prior)))
        return result


@cache
def classifier(f1: float, prevalence: float) -> Classifier:
    """The binormal classifier whose best F1 at a prevalence is as asked for, with actors' readings mixed in."""
    spread = np.sqrt(1 + READING**2)

    def best(distance: float) -> tuple[float, float]:
        cuts = np.linspace(-1, distance + 3, 400)
        true, false = stats.norm.sf((cuts - distance) / spread), stats.norm.sf(cuts / spread)
        scores = 2 * prevalence * true / (prevalence * true + (1 - prevalence) * false + prevalence)
        place = int(np.argmax(scores))
        return float(scores[place]), float(cuts[place])

    distance = float(optimize.brentq(lambda d: best(d)[0] - f1, 0.5, 8.0))
    return Classifier(distance, best(distance)[1], prevalence)


@cache
def _centre(prevalence: float, spread: float) -> float:
    """Logit at which the mean over normal effects of a given spread is the prevalence."""

    def mean(a: float) -> float:
        return float((WEIGHTS / np.sqrt(2 * np.pi) / (1 + np.exp(-(a + spread * NODES)))).sum())

    return float(optimize.brentq(lambda a: mean(a) - prevalence, -12, 12))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One drawn panel with its truth."""

    passages: Passages
    truth: NDArray[np.float64]
    interview: NDArray[np.int64]
    process: NDArray[np.float64]

    @property
    def corpus(self) -> NDArray[np.float64]:
        """Share of the panel's own passages by stage."""
        n = np.bincount(self.passages.period, minlength=STAGES)
        return np.bincount(self.passages.period, weights=self.truth, minlength=STAGES) / n


def draw(
    prevalences: tuple[float, ...],
    model: Classifier,
    rng: np.random.Generator,
    *,
    shift: tuple[float, ...] = (0.0, 0.0, 0.0),
    swap: tuple[float, ...] = (0.0, 0.0, 0.0),
    size: int = 100,
    attendance: tuple[tuple[int, ...], ...] = ATTENDANCE,
) -> Panel:
    """Draw a panel.

    Args:
        prevalences: process truth by stage.
        model: the classifier.
        rng: of the draws.
        shift: by stage, how far the negatives' scores are moved (the assumption of every correction broken).
        swap: by stage, share of the negatives that score like positives: another way to break it.
        size: passages an interview on average; half to one and a half times that are drawn.
    """
    spread = float(np.hypot(ACTOR, INTERVIEW))
    centres = [_centre(p, spread) for p in prevalences]
    period, cluster, interview, chance = [], [], [], []
    number = 0
    for actor, stages in enumerate(attendance):
        own = rng.normal(0, ACTOR)
        for stage in stages:
            n = int(rng.integers(size // 2, size + size // 2 + 1))
            logit = centres[stage] + own + rng.normal(0, INTERVIEW)
            period.append(np.full(n, stage))
            cluster.append(np.full(n, actor))
            interview.append(np.full(n, number))
            chance.append(np.full(n, 1 / (1 + np.exp(-logit))))
            number += 1
    stage_of, actor_of = np.concatenate(period), np.concatenate(cluster)
    truth = (rng.random(len(stage_of)) < np.concatenate(chance)).astype(np.float64)
    reading = rng.normal(0, READING, len(attendance))[actor_of]
    swapped = (truth == 0) & (rng.random(len(truth)) < np.array(swap)[stage_of])
    place = np.where((truth == 1) | swapped, model.distance, np.array(shift)[stage_of])
    z = place + reading + rng.normal(0, 1, len(truth))
    passages = Passages(
        model.probability(z), z >= model.threshold, stage_of, actor_of, np.full(len(z), np.nan), len(prevalences),
        len(attendance),
    )  # fmt: skip
    return Panel(passages, truth, np.concatenate(interview), np.array(prevalences))


def code(panel: Panel, per_stage: tuple[int, ...], rng: np.random.Generator) -> Gold:
    """Gold: a simple random sample of each stage, with its inclusion probabilities."""
    rows, weights = [], []
    for stage, n in enumerate(per_stage):
        there = np.flatnonzero(panel.passages.period == stage)
        n = min(n, len(there))
        rows.append(rng.choice(there, n, replace=False))
        weights.append(np.full(n, len(there) / max(n, 1)))
    row, weight = np.concatenate(rows), np.concatenate(weights)
    p = panel.passages
    return Gold(
        p.score[row], p.given[row], panel.truth[row], p.cluster[row], weight, row, panel.interview[row], p.n_clusters,
        True,
    )  # fmt: skip


def people(panel: Panel) -> Passages:
    """The panel as people would have coded all of it."""
    return replace(panel.passages, given=panel.truth == 1, score=panel.truth)
