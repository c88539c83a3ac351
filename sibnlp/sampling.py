"""What a person should code next, in two streams that are never mixed.

*Training*: passages a model learns most from, by uncertainty × rarity of the codes × difference from those already
chosen. They are no sample of anything: shares among them say nothing. *Estimation*: a probability sample, stratified by
period and score, every passage with its chance of being drawn; shares are estimated from it, and nothing else.

Sources: Lewis & Gale (1994), *A sequential algorithm for training text classifiers*, SIGIR (uncertainty); Carbonell &
Goldstein (1998), *The use of MMR*, SIGIR (difference from what is chosen); Bloodgood & Vijay-Shanker (2009), *A method
for stopping active learning based on stabilizing predictions*, CoNLL; Cochran (1977), *Sampling techniques*, 3rd ed.,
ch. 4 and 5 (sample size; Neyman's allocation).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import cohen_kappa
from sibnlp.codebook import DOMAINS, Codebook
from sibnlp.errors import DataError
from sibnlp.targets import FamilyCodes, merge, needs
from sibnlp.types import Passage, Predictions

BOUNDS = (0.2, 0.5)
"""Score strata: highest probability of any code below the first, between, at or over the last."""
STABLE, WINDOW = 0.99, 3
"""Stop when agreement between rounds is so high on average over so many pairs (Bloodgood & Vijay-Shanker 2009)."""
NEYMAN, PROPORTIONAL = "neyman", "proportional"
_CANDIDATES = 20
_FLOOR = 0.01


def unconditional(
    predictions: Predictions, codebooks: Sequence[Codebook]
) -> tuple[Predictions, dict[str, tuple[str, str]]]:
    """Predictions whose probabilities are of "the passage carries the code", whatever family the code is of.

    A model learns a family that requires another only from passages where that other was found (`sibnlp.targets`): its
    score for a relation is the probability given that two logics are there, for a stance given that one is. What a
    coder finds in a random passage is that times the probability that the family applies, passage by passage (the chain
    rule; the mean of a product is not the product of the means). How likely the family applies follows from the
    calibrated scores of the required family's codes: at least one holds, or two (`sibnlp.targets.needs`), taken as
    independent given the passage's text, or as shutting each other out where the family is exclusive. In the 635
    coded passages of the demonstration case, on which gov-fast was not trained, it so expects in_tension in 6.1 % (by
    its score alone in 48.8 %) where 4.9 % carry it, and co_existing in 2.6 % (19.4 %) where 2.4 % do.

    Domains and dimensions are as they are: a model learns them as absent where there is no logic. Codes below another
    of the required family count with it, not beside it: who carries the one carries the other.

    Args:
        predictions: n passages, k codes.
        codebooks: that say which family requires which; a code that none of them defines is left as it is.

    Returns:
        The predictions with float32 [n, k] probabilities so bound, decisions as they were; and by code the family and
        the one it requires where the predictions hold no code of the latter: these scores stay conditional.

    Raises:
        DataError: two codebooks disagree about a family or a code.
    """
    families = {family.id: family for family in merge(codebooks)} if codebooks else {}
    parents = {code.id: code.parent for book in codebooks for code in book.codes}
    chances = predictions.probabilities.copy()
    conditional: dict[str, tuple[str, str]] = {}
    for family in families.values():
        own = [code for code in family.codes if code in predictions.codes]
        if not own or not family.requires or family.id in DOMAINS:
            continue
        applies = _applies(predictions, family, families, parents)
        if applies is None:
            conditional |= dict.fromkeys(own, (family.id, family.requires))
            continue
        columns = [predictions.column(code) for code in own]
        chances[:, columns] *= applies[:, None].astype(np.float32)
    return replace(predictions, probabilities=chances), conditional


def _applies(
    predictions: Predictions,
    family: FamilyCodes,
    families: Mapping[str, FamilyCodes],
    parents: Mapping[str, str],
) -> NDArray[np.float64] | None:
    """Probability that a family is coded at all: [n]; None where the predictions do not say.

    Families it requires may require others in turn: their scores are conditional as well.
    """
    chance = np.ones(len(predictions))
    seen: set[str] = set()
    while family.requires and family.id not in DOMAINS and family.id not in seen:
        seen.add(family.id)
        needed = families.get(family.requires)
        codes = [code for code in needed.codes if code in predictions.codes] if needed else []
        tops = [code for code in codes if parents.get(code, "") not in codes]
        if needed is None or not tops:
            return None
        scores = predictions.probabilities[:, [predictions.column(code) for code in tops]].astype(np.float64)
        chance *= _at_least(needs(family.id), scores, needed.multiple)
        family = needed
    return chance


def _at_least(k: int, chances: NDArray[np.float64], independent: bool) -> NDArray[np.float64]:
    """Probability that k or more of m events happen, [n] of [n, m]: independent ones, or such that only one can.

    >>> two = np.array([[0.5, 0.5], [1.0, 0.25]])
    >>> _at_least(1, two, True).tolist(), _at_least(2, two, True).tolist(), _at_least(1, two, False).tolist()
    ([0.75, 1.0], [0.25, 0.25], [1.0, 1.0])
    """
    if not independent:
        one: NDArray[np.float64] = np.minimum(chances.sum(axis=1), 1.0)
        return one if k <= 1 else np.zeros(len(chances))
    # Of 0, 1 … k − 1 events, as one event after another is looked at.
    fewer = np.zeros((len(chances), k))
    fewer[:, 0] = 1.0
    for chance in chances.T[:, :, None]:
        happened = np.pad(fewer[:, :-1], ((0, 0), (1, 0)))
        fewer = fewer * (1 - chance) + happened * chance
    rest: NDArray[np.float64] = np.clip(1 - fewer.sum(axis=1), 0.0, 1.0)
    return rest


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the passages that is sampled by itself.

    Attributes:
        period, score: of its passages; the score as a range in words.
        rows: of the predictions, those already drawn among them.
        share: of the codes, expected: mean of the highest probability of any code.
    """

    period: str
    score: str
    rows: NDArray[np.int64]
    share: float

    @property
    def name(self) -> str:
        """As it stands in queues."""
        return f"{self.period} {self.score}".strip()

    @property
    def deviation(self) -> float:
        """Standard deviation of "carries a code" inside it, never quite 0: a model's certainty is not the truth."""
        share = min(max(self.share, _FLOOR), 1 - _FLOOR)
        return math.sqrt(share * (1 - share))


def strata(
    predictions: Predictions, periods: Sequence[str | None], codes: Sequence[str], frame: NDArray[np.bool_]
) -> list[Stratum]:
    """Passages of the frame by period and score.

    Args:
        predictions: n passages; `unconditional`, or scores of codes that seldom apply push every passage into the
            highest stratum (the sample stays a probability sample, but no better than one without strata).
        periods: n labels; None where a passage has none.
        codes: that the scores are of.
        frame: bool [n], passages that may be in the sample at all.
    """
    top = _top(predictions, codes)
    level = np.digitize(top, BOUNDS)
    labels = np.array([label or "" for label in periods], dtype=str)
    names = (f"under {BOUNDS[0]:g}", f"{BOUNDS[0]:g} to {BOUNDS[1]:g}", f"over {BOUNDS[1]:g}")
    found = []
    for period in dict.fromkeys(labels.tolist()):
        for number, name in enumerate(names):
            rows = np.flatnonzero(frame & (labels == period) & (level == number))
            if len(rows):
                found.append(Stratum(period, name, rows, float(top[rows].mean())))
    return found


def _top(predictions: Predictions, codes: Sequence[str]) -> NDArray[np.float64]:
    columns = [predictions.column(code) for code in codes]
    top: NDArray[np.float64] = predictions.probabilities[:, columns].max(axis=1).astype(np.float64)
    return top


def allocate(parts: Sequence[Stratum], n: int, allocation: str = NEYMAN, least: int = 2) -> list[int]:
    """How many of each stratum to draw.

    Args:
        parts: the strata.
        n: in all; fewer where there are fewer passages.
        allocation: `NEYMAN` (by size × deviation: more where codes are likely) or `PROPORTIONAL` (by size).
        least: in every stratum, as far as it has them: from one passage no variance can be told.

    Raises:
        DataError: n is too small for so many strata.

    >>> parts = [Stratum("1", "low", np.arange(900), 0.02), Stratum("1", "high", np.arange(900, 1000), 0.5)]
    >>> allocate(parts, 100), allocate(parts, 100, "proportional")
    ([72, 28], [90, 10])
    """
    sizes = [len(part.rows) for part in parts]
    floors = [min(least, size) for size in sizes]
    n = min(n, sum(sizes))
    if sum(floors) > n:
        raise DataError(
            f"{n} passages are too few for {len(parts)} strata with {least} each",
            f"draw {sum(floors)} at least, or use coarser periods",
        )
    weights = [size * (part.deviation if allocation == NEYMAN else 1) for size, part in zip(sizes, parts, strict=True)]
    given = list(floors)
    for _ in range(n - sum(floors)):
        # One by one to the stratum furthest from its due; what a full one cannot take goes to the others.
        due = [
            n * weight / sum(weights) - g if g < size else -math.inf
            for weight, g, size in zip(weights, given, sizes, strict=True)
        ]
        given[due.index(max(due))] += 1
    return given


@dataclass(frozen=True, slots=True)
class Drawn:
    """A passage for the estimation stream.

    Attributes:
        row: of the predictions.
        stratum: its name.
        probability: chance of being in the sample, earlier draws from the same strata included.
    """

    row: int
    stratum: str
    probability: float


def estimation(
    parts: Sequence[Stratum], n: int, allocation: str, earlier: Collection[int], rng: np.random.Generator
) -> tuple[list[Drawn], list[Drawn]]:
    """Draw a stratified random sample without replacement, or more of one.

    Args:
        parts: strata of the whole frame.
        n: passages to draw now.
        allocation: see `allocate`; of what is drawn now and was drawn earlier together.
        earlier: rows drawn before, from the same strata: with them the sample is one simple random sample a stratum.
        rng: of the draw.

    Returns:
        What is drawn now, in random order, and what was drawn earlier, with inclusion probabilities of all together.

    Raises:
        DataError: as `allocate`.
    """
    had = [np.array([row for row in part.rows.tolist() if row in earlier], dtype=np.int64) for part in parts]
    sizes = allocate(parts, n + sum(map(len, had)), allocation)
    now: list[Drawn] = []
    before: list[Drawn] = []
    left = n
    for part, old, size in zip(parts, had, sizes, strict=True):
        fresh = np.setdiff1d(part.rows, old)
        take = min(max(size - len(old), 0), len(fresh), left)
        left -= take
        chance = (len(old) + take) / len(part.rows)
        now += [Drawn(int(row), part.name, chance) for row in rng.choice(fresh, take, replace=False)]
        before += [Drawn(int(row), part.name, chance) for row in old]
    order = rng.permutation(len(now))
    return [now[k] for k in order], before


def training(
    predictions: Predictions, n: int, codes: Sequence[str], frame: NDArray[np.bool_], earlier: Sequence[int] = ()
) -> list[tuple[int, float]]:
    """Passages to learn from: uncertain about rare codes, and unlike one another.

    A passage scores by how near each code's probability is to one half, codes weighted by one over the root of their
    expected share. From the best, passages are taken one by one by score × (1 − likeness to the nearest one taken),
    likeness being the cosine of their words (tf-idf).

    Args:
        predictions: of the model that is to learn; `unconditional`, or passages rank high for codes that nobody asks
            about there.
        n: how many.
        codes: to learn.
        frame: bool [n], passages that may be drawn.
        earlier: rows drawn for training before, which new ones should be unlike too.

    Returns:
        Rows with their score × difference, in the order they were taken.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    columns = [predictions.column(code) for code in codes]
    chances = predictions.probabilities[:, columns].astype(np.float64)
    weights = 1 / np.sqrt(np.maximum(chances.mean(axis=0), 1 / max(len(chances), 1)))
    score = (1 - np.abs(2 * chances - 1)) @ (weights / weights.sum())
    free = np.flatnonzero(frame)
    candidates = free[np.lexsort((free, -score[free]))][: max(_CANDIDATES * n, 200)]
    if not len(candidates):
        return []
    everything = [*candidates.tolist(), *earlier]
    words = TfidfVectorizer(sublinear_tf=True, min_df=1, token_pattern=r"\w+")
    try:
        vectors = words.fit_transform([predictions.passages[row].text for row in everything])
    except ValueError:  # no words at all
        return [(int(row), float(score[row])) for row in candidates[:n]]
    own, had = vectors[: len(candidates)], vectors[len(candidates) :]
    likeness = np.zeros(len(candidates))
    if len(earlier):
        likeness = np.asarray((own @ had.T).max(axis=1).todense()).ravel()
    value = score[candidates]
    taken: list[tuple[int, float]] = []
    open_ = np.ones(len(candidates), dtype=bool)
    for _ in range(min(n, len(candidates))):
        worth = np.where(open_, value * (1 - likeness), -1.0)
        best = int(np.argmax(worth))
        taken.append((int(candidates[best]), float(worth[best])))
        open_[best] = False
        likeness = np.maximum(likeness, np.asarray((own @ own[best].T).todense()).ravel())
    return taken


@dataclass(frozen=True, slots=True)
class Stability:
    """How far two rounds of a model decide alike.

    Attributes:
        kappa: Cohen's, mean over the codes that either gave.
        lowest: the code with the lowest, and its kappa.
        n: passages compared.
    """

    kappa: float
    lowest: tuple[str, float]
    n: int


def stability(before: Predictions, after: Predictions, drawn: Collection[tuple[str, str]]) -> Stability:
    """Agreement of two rounds on the passages that nobody coded for training.

    Args:
        before, after: rounds, matched by document and passage.
        drawn: passages drawn for training, by document and id: the model has seen their codes.

    Raises:
        DataError: no passage or no code in common.
    """
    place = {(one.document, one.id): row for row, one in enumerate(before.passages)}
    keys = [(one.document, one.id) for one in after.passages]
    pairs = [(place[key], row) for row, key in enumerate(keys) if key in place and key not in drawn]
    common = [code for code in after.codes if code in before.codes]
    if not pairs or not common:
        raise DataError("the rounds have no passage or no code in common", "classify the same files in each round")
    old, new = (np.array(side) for side in zip(*pairs, strict=True))
    kappas = {}
    for code in common:
        a, b = before.assigned[old, before.column(code)], after.assigned[new, after.column(code)]
        if a.any() or b.any():
            table = [[int((~a & ~b).sum()), int((~a & b).sum())], [int((a & ~b).sum()), int((a & b).sum())]]
            kappa = cohen_kappa(table)
            kappas[code] = 1.0 if math.isnan(kappa) else kappa  # all given to all, by both
    if not kappas:
        return Stability(1.0, ("", 1.0), len(pairs))
    worst = min(kappas, key=lambda code: kappas[code])
    return Stability(float(np.mean(list(kappas.values()))), (worst, kappas[worst]), len(pairs))


def is_stable(kappas: Sequence[float]) -> bool:
    """Whether to stop coding for training: the last rounds agree, on average over the window.

    >>> is_stable([0.7, 0.99, 0.995, 0.992]), is_stable([0.99, 0.995]), is_stable([0.9, 0.99, 0.99])
    (True, False, False)
    """
    return len(kappas) >= WINDOW and float(np.mean(kappas[-WINDOW:])) >= STABLE


def needed(share: float, half_width: float, population: int = 0, level: float = 0.95) -> int:
    """Passages of a simple random sample for an interval of a share ± half_width.

    Args:
        share: expected.
        half_width: in shares.
        population: corrects for a small one; 0 for an endless one.
        level: of the interval.

    A code that four passages in a hundred carry, to ± 2.2 points; and to ± 2 of 1,000 passages:

    >>> needed(0.04, 0.0222), needed(0.04, 0.02), needed(0.04, 0.02, 1000)
    (300, 369, 270)
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    n = z**2 * share * (1 - share) / half_width**2
    if population:
        n = n / (1 + (n - 1) / population) if n > 1 else n
    return min(math.ceil(n), population) if population else math.ceil(n)


def needed_stratified(
    predictions: Predictions, parts: Sequence[Stratum], code: str, half_width: float, level: float = 0.95
) -> int:
    """Passages of the stratified sample (drawn by Neyman's allocation for the code) for a share ± half_width.

    The deviations inside strata come from the model's scores, `unconditional` ones: a plan, not a promise; the interval
    of the sample drawn is what counts.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    sizes = np.array([len(part.rows) for part in parts], dtype=np.float64)
    shares = np.array([predictions.probabilities[part.rows, predictions.column(code)].mean() for part in parts])
    shares = np.clip(shares, _FLOOR, 1 - _FLOOR)
    weights, variances = sizes / sizes.sum(), shares * (1 - shares)
    # Cochran (1977), eq. 5.27: optimum allocation, small populations corrected for.
    n = float((weights @ np.sqrt(variances)) ** 2) / float((half_width / z) ** 2 + weights @ variances / sizes.sum())
    return min(math.ceil(n), int(sizes.sum()))


def overlaps(passage: Passage, spans: Mapping[str, Sequence[tuple[str, int, int]]]) -> bool:
    """Whether a passage is one of those given, or shares text with one.

    Args:
        passage: one.
        spans: id, start and end of passages, by document.
    """
    return any(
        id == passage.id or (start < passage.end and passage.start < end)
        for id, start, end in spans.get(passage.document, ())
    )
