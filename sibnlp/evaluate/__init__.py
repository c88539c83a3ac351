"""How well predictions agree with what people coded, per code and per family.

Macro-F1 of a family is the mean binary F1 over its codes that somebody gave at least once. Passages outside a coder's
extent take no part. Intervals resample whole documents: passages of one interview are not independent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sibnlp.codebook import Codebook
from sibnlp.evaluate.align import Aligned, align, document_weights, without_nan
from sibnlp.evaluate.scores import CodeScores, FamilyScores, roc_auc, score_codes, score_family
from sibnlp.types import CodedPassage, Passage, Predictions

__all__ = ["Aligned", "CodeScores", "Evaluation", "FamilyScores", "Miss", "align", "evaluate", "roc_auc", "score"]


@dataclass(frozen=True, slots=True)
class Miss:
    """A passage the model got wrong.

    Attributes:
        passage, coder: which, and who coded it.
        gold, predicted: codes given by the coder and by the model, among those the coder read for.
        scores: probability of each code that is wrong.
        severity: how far the worst of these is from the truth, in [0, 1].
    """

    passage: Passage
    coder: str
    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    scores: Mapping[str, float]
    severity: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Predictions held against codings.

    Attributes:
        model: id of the model (or coder) judged.
        n_passages, n_documents: compared.
        families, codes: scores by id.
        errors: passages with a wrong code, worst first.
        notes: what a reader must know (passages without a prediction, codes the model does not have).
    """

    model: str
    n_passages: int
    n_documents: int
    families: Mapping[str, FamilyScores]
    codes: Mapping[str, CodeScores]
    errors: tuple[Miss, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The core of ``metrics.json``; NaN as None."""
        families = {
            id: {
                "macro_f1": f.macro_f1, "macro_auc": f.macro_auc, "alpha": f.alpha, "interval": f.interval,
                "ece": f.ece, "codes": f.codes,
            }
            for id, f in self.families.items()
        }  # fmt: skip
        names = (
            "precision", "recall", "f1", "auc", "support", "threshold", "ece", "interval", "alpha", "n", "n_given",
            "share", "share_given",
        )  # fmt: skip
        codes = {id: {name: getattr(scores, name) for name in names} for id, scores in self.codes.items()}
        head = {"model": self.model, "n_passages": self.n_passages, "n_documents": self.n_documents}
        plain: dict[str, Any] = without_nan({**head, "families": families, "codes": codes, "notes": self.notes})
        return plain


def evaluate(
    predictions: Predictions,
    gold: Sequence[CodedPassage],
    codebooks: Sequence[Codebook],
    *,
    thresholds: Mapping[str, float] | None = None,
    unknown: Mapping[str, Collection[str]] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Hold predictions against codings.

    Args:
        predictions: what a model (or coder) said.
        gold: what a coder said; matched by document and passage id. Several coders of a passage are each compared.
        codebooks: that the codings are from.
        thresholds: of the model, by code, for the record.
        unknown: codes to leave out by passage id, such as those two coders contest.
        n_resamples: documents are resampled so many times.
        seed: of the resampling.

    Raises:
        DataError: no passage is in both, or the codings carry a code no codebook defines.
    """
    data = align(predictions, gold, codebooks, unknown)
    notes = []
    if len(data.coded) < len(gold):
        notes.append(f"{len(gold) - len(data.coded)} of {len(gold)} codings have no prediction and were left out")
    return score(data, predictions.model, thresholds=thresholds, n_resamples=n_resamples, seed=seed, notes=notes)


def score(
    data: Aligned,
    model: str,
    *,
    thresholds: Mapping[str, float] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Score codings and predictions that are side by side already; arguments as of `evaluate`."""
    weights = document_weights(data.n_documents, n_resamples, seed)
    codes, resampled = score_codes(data, weights, thresholds or {})
    scored = {family.id: score_family(family, data, codes, resampled) for family in data.families}
    lacking = sorted({code for family in data.families for code in family.codes} - set(data.codes))
    said = [*notes, *([f"the model has no {', '.join(lacking)}"] if lacking else [])]
    return Evaluation(
        model=model,
        n_passages=data.n_passages,
        n_documents=data.n_documents,
        families={id: family for id, family in scored.items() if family is not None},
        codes={code: one for code, one in codes.items() if one.n},
        errors=_misses(data),
        notes=tuple(said),
    )


def _misses(data: Aligned) -> tuple[Miss, ...]:
    misses = []
    for row, coding in enumerate(data.coded):
        truth, given, probabilities = data.truth[row], data.given[row], data.probabilities[row]
        known = ~np.isnan(truth)
        wrong = known & (given != (truth == 1))
        if not wrong.any():
            continue
        gold = tuple(data.codes[j] for j in np.flatnonzero(truth == 1).tolist())
        predicted = tuple(data.codes[j] for j in np.flatnonzero(given & known).tolist())
        scores = {data.codes[j]: float(probabilities[j]) for j in np.flatnonzero(wrong).tolist()}
        severity = float(np.abs(probabilities - truth)[wrong].max())
        misses.append(Miss(coding.passage, coding.coder, gold, predicted, scores, severity))
    return tuple(sorted(misses, key=lambda miss: (-miss.severity, miss.passage.document, miss.passage.start)))
