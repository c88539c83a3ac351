"""A learning curve: how good a model gets by how much was coded, and so whether more coding would pay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sibnlp.codebook import Codebook
from sibnlp.errors import DataError
from sibnlp.evaluate import FamilyScores, evaluate
from sibnlp.training.recipe import Recipe
from sibnlp.training.train import train
from sibnlp.types import CodedPassage

log = logging.getLogger(__name__)

SHARES = (0.125, 0.25, 0.5, 1.0)
CHEAP = ("linear", "static")
"""Backends that fit often enough in little time."""


@dataclass(frozen=True, slots=True)
class Point:
    """One size of the training codings.

    Attributes:
        n_passages, n_documents: learnt from.
        families: macro-F1 on the evaluated codings, over the codes that the whole training codings can teach; a code
            that so few could not teach counts 0.
        intervals: 95 % over resampled documents of the evaluated codings.
    """

    n_passages: int
    n_documents: int
    families: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def learning_curve(
    codings: Sequence[CodedPassage],
    gold: Sequence[CodedPassage],
    codebooks: Sequence[Codebook],
    recipe: Recipe,
    *,
    shares: Sequence[float] = SHARES,
    n_resamples: int = 1000,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Point]:
    """Train on growing parts of the codings, the smaller inside the larger, and measure each on the same passages.

    Args:
        codings: to learn from; whole documents at a time, those that are in ``gold`` left out.
        gold: to measure on.
        codebooks: that both are from.
        recipe: of a backend in `CHEAP`.
        shares: of the documents.
        n_resamples: of the intervals.
        progress: as of `sibnlp.training.train`.

    Returns:
        A point a share; shares too small to learn anything from are left out.

    Raises:
        DataError: the backend fits for too long, or no document is left to learn from.
    """
    if recipe.backend not in CHEAP:
        raise DataError(
            f"a learning curve of {recipe.backend!r} would train it {len(shares)} times over",
            f"it is drawn for {' and '.join(CHEAP)}; train on parts of the codings and compare with --compare",
        )
    judged = {coding.passage.document for coding in gold}
    own = [coding for coding in codings if coding.passage.document not in judged]
    if len(own) < len(codings):
        log.warning("learning curve: left out %d codings of documents that are evaluated", len(codings) - len(own))
    documents = sorted({coding.passage.document for coding in own})
    if not documents:
        raise DataError("every document of the codings to learn from is evaluated", "name codings of other documents")
    np.random.default_rng(recipe.seed).shuffle(documents)
    passages = [coding.passage for coding in gold]
    points: list[tuple[int, int, Mapping[str, FamilyScores]]] = []
    for number, share in enumerate(shares):
        if progress:
            progress("learning curve", number, len(shares))
        kept = set(documents[: max(2, round(share * len(documents)))])
        part = [coding for coding in own if coding.passage.document in kept]
        try:
            model = train(part, codebooks, recipe, name=f"part-{number}")
        except DataError as error:
            log.info("learning curve: nothing from %d passages: %s", len(part), error)
            continue
        found = evaluate(model.predict(passages), gold, codebooks, n_resamples=n_resamples)
        scored = {id: f for id, f in found.families.items() if f.codes}
        points.append((len(part), len(kept), scored))
    return _on_equal_terms(points)


def _on_equal_terms(points: Sequence[tuple[int, int, Mapping[str, FamilyScores]]]) -> list[Point]:
    """Macro-F1 over the codes of the largest model: one that knows few codes must not look good for it."""
    if not points:
        return []
    most = {id: len(family.codes) for id, family in points[-1][2].items()}
    made = []
    for n_passages, n_documents, scored in points:
        families = {id: len(f.codes) / most[id] * f.macro_f1 for id, f in scored.items() if id in most}
        scale = {id: len(scored[id].codes) / most[id] for id in families}
        intervals = {id: (scale[id] * scored[id].interval[0], scale[id] * scored[id].interval[1]) for id in families}
        made.append(Point(n_passages, n_documents, families, intervals))
    return made
