"""How well predictions agree with what people coded, per code and per family.

Macro-F1 of a family is the mean binary F1 over its codes that somebody gave at least once. Passages outside a coder's
extent take no part. The interval resamples whole documents: passages of one interview are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import alpha_of_counts
from sibnlp.calibrate import expected_calibration_error
from sibnlp.codebook import Codebook
from sibnlp.errors import DataError
from sibnlp.targets import FamilyCodes, merge, targets
from sibnlp.types import CodedPassage, Passage, Predictions

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class CodeScores:
    """Scores of one code; NaN where undefined.

    Attributes:
        precision, recall, f1: of the codes given; recall and F1 are undefined without a positive, precision where the
            code was never given.
        auc: area under the ROC curve of the probabilities.
        support: passages that carry the code; n: passages read for it; n_given: passages it was given to.
        threshold: of the model; NaN if unknown.
        ece: expected calibration error, 10 bins.
    """

    precision: float
    recall: float
    f1: float
    auc: float
    support: int
    threshold: float
    ece: float
    n: int
    n_given: int


@dataclass(frozen=True, slots=True)
class FamilyScores:
    """Means over the codes of a family that somebody gave; NaN where there is none.

    Attributes:
        macro_f1, macro_auc: mean F1 and AUC.
        alpha: mean over these codes of Krippendorff's nominal alpha between the coder and the model.
        interval: 95 % percentile interval of macro_f1 over resampled documents.
        codes: ids of the codes averaged over.
    """

    macro_f1: float
    macro_auc: float
    alpha: float
    interval: tuple[float, float]
    codes: tuple[str, ...]


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
        """The content of ``metrics.json``; NaN as None."""
        families = {
            id: {"macro_f1": f.macro_f1, "macro_auc": f.macro_auc, "alpha": f.alpha, "interval": list(f.interval)}
            for id, f in self.families.items()
        }
        names = ("precision", "recall", "f1", "auc", "support", "threshold", "ece")
        codes = {id: {name: getattr(scores, name) for name in names} for id, scores in self.codes.items()}
        head = {"model": self.model, "n_passages": self.n_passages, "n_documents": self.n_documents}
        plain: dict[str, Any] = _without_nan({**head, "families": families, "codes": codes})
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
    row_of = {(p.document, p.id): row for row, p in enumerate(predictions.passages)}
    pairs = [(c, row_of[key]) for c in gold if (key := (c.passage.document, c.passage.id)) in row_of]
    if not pairs:
        raise DataError("no coded passage has a prediction", "classify the same file that holds the codings")
    coded, rows = [coding for coding, _ in pairs], np.array([row for _, row in pairs])
    families = merge(codebooks)
    known = [code for family in families for code in family.codes]
    codes = [code for code in known if code in predictions.codes]
    truth = targets(coded, codebooks, codes)
    for row, coding in enumerate(coded):
        for code in (unknown or {}).get(coding.passage.id, ()):
            if code in codes:
                truth[row, codes.index(code)] = np.nan
    columns = np.array([predictions.column(code) for code in codes], dtype=np.int64)
    probabilities = predictions.probabilities[np.ix_(rows, columns)].astype(np.float64)
    given = predictions.assigned[np.ix_(rows, columns)]
    documents, group = np.unique([coding.passage.document for coding in coded], return_inverse=True)
    scores = {
        code: _score_code(truth[:, j], given[:, j], probabilities[:, j], (thresholds or {}).get(code, NAN))
        for j, code in enumerate(codes)
    }
    resampled = _resampled_f1(truth, given, group, n_resamples, np.random.default_rng(seed))
    scored = {f.id: _score_family(f, codes, scores, truth, given, resampled) for f in families}
    notes = []
    if len(pairs) < len(gold):
        notes.append(f"{len(gold) - len(pairs)} of {len(gold)} codings have no prediction and were left out")
    if lacking := sorted(set(known) - set(codes)):
        notes.append(f"the model has no {', '.join(lacking)}")
    return Evaluation(
        model=predictions.model,
        n_passages=len({row for _, row in pairs}),
        n_documents=len(documents),
        families={id: family for id, family in scored.items() if family is not None},
        codes={code: s for code, s in scores.items() if s.n},
        errors=_misses(coded, codes, truth, given, probabilities),
        notes=tuple(notes),
    )


def _score_code(
    truth: NDArray[np.float64], given: NDArray[np.bool_], probabilities: NDArray[np.float64], threshold: float
) -> CodeScores:
    known = ~np.isnan(truth)
    y, g, p = truth[known] == 1, given[known], probabilities[known]
    hits, support, n_given = int((y & g).sum()), int(y.sum()), int(g.sum())
    return CodeScores(
        precision=hits / n_given if n_given else NAN,
        recall=hits / support if support else NAN,
        f1=2 * hits / (support + n_given) if support else NAN,
        auc=roc_auc(p, y),
        support=support,
        threshold=threshold,
        ece=expected_calibration_error(p, y),
        n=len(y),
        n_given=n_given,
    )


def roc_auc(probabilities: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Chance that a passage with the code scores higher than one without, ties counting half; NaN for one class.

    Source: Hanley & McNeil (1982), *The meaning and use of the area under a ROC curve*, Radiology 143.

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return NAN
    _, place, count = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def _resampled_f1(
    truth: NDArray[np.float64], given: NDArray[np.bool_], group: NDArray[np.int64], n: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """F1 of every code in n resamples of whole documents: [n, k], NaN where a resample holds no positive."""
    size = int(group.max()) + 1
    parts = []
    for found in ((truth == 1) & given, truth == 1, given & ~np.isnan(truth)):
        total = np.zeros((size, truth.shape[1]))
        np.add.at(total, group, found)
        parts.append(total)
    weights = rng.multinomial(size, np.full(size, 1 / size), size=n).astype(np.float64)
    hits, support, n_given = (weights @ part for part in parts)
    f1: NDArray[np.float64] = np.divide(2 * hits, support + n_given, out=np.full(hits.shape, NAN), where=support > 0)
    return f1


def _score_family(
    family: FamilyCodes,
    codes: Sequence[str],
    scores: Mapping[str, CodeScores],
    truth: NDArray[np.float64],
    given: NDArray[np.bool_],
    resampled: NDArray[np.float64],
) -> FamilyScores | None:
    own = [code for code in family.codes if code in scores and scores[code].n]
    if not own:
        return None
    held = [code for code in own if scores[code].support]
    if not held:
        return FamilyScores(NAN, NAN, NAN, (NAN, NAN), ())
    columns = [codes.index(code) for code in held]
    alphas = []
    for j in columns:
        known = ~np.isnan(truth[:, j])
        judgements = np.stack([truth[known, j], given[known, j]], axis=1)
        alphas.append(alpha_of_counts(np.stack([(judgements == value).sum(axis=1) for value in (0, 1)], axis=1)))
    macro = np.array([_mean(row) for row in resampled[:, columns]])
    macro = macro[~np.isnan(macro)]
    low, high = np.quantile(macro, [0.025, 0.975]) if len(macro) else (NAN, NAN)
    return FamilyScores(
        macro_f1=_mean(scores[code].f1 for code in held),
        macro_auc=_mean(scores[code].auc for code in held),
        alpha=_mean(alphas),
        interval=(float(low), float(high)),
        codes=tuple(held),
    )


def _misses(
    coded: Sequence[CodedPassage],
    codes: Sequence[str],
    truth: NDArray[np.float64],
    given: NDArray[np.bool_],
    probabilities: NDArray[np.float64],
) -> tuple[Miss, ...]:
    misses = []
    for row, coding in enumerate(coded):
        known = ~np.isnan(truth[row])
        wrong = known & (given[row] != (truth[row] == 1))
        if not wrong.any():
            continue
        gold = tuple(codes[j] for j in np.flatnonzero(truth[row] == 1).tolist())
        predicted = tuple(codes[j] for j in np.flatnonzero(given[row] & known).tolist())
        scores = {codes[j]: float(probabilities[row, j]) for j in np.flatnonzero(wrong).tolist()}
        severity = float(np.abs(probabilities[row] - truth[row])[wrong].max())
        misses.append(Miss(coding.passage, coding.coder, gold, predicted, scores, severity))
    return tuple(sorted(misses, key=lambda miss: (-miss.severity, miss.passage.document, miss.passage.start)))


def _mean(values: Any) -> float:
    """Mean of what is not NaN; NaN of nothing."""
    kept = [float(value) for value in values if not math.isnan(value)]
    return sum(kept) / len(kept) if kept else NAN


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
