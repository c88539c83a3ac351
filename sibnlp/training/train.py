"""Fit, score out of fold, calibrate, choose thresholds, and say what was done."""

from __future__ import annotations

import datetime
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sibnlp
from sibnlp import exchange
from sibnlp.calibrate import Calibration, expected_calibration_error, fit_calibration, fit_thresholds
from sibnlp.classifiers import CLASSIFIERS, Classifier, describe, texts_of
from sibnlp.codebook import PASSAGE, Codebook
from sibnlp.errors import DataError
from sibnlp.evaluate import roc_auc
from sibnlp.manifest import Manifest, sha256
from sibnlp.model import Model, available
from sibnlp.targets import FamilyCodes, merge, targets
from sibnlp.training.distill import distill
from sibnlp.training.folds import groups_of
from sibnlp.training.held_out import Data, Progress, apart, score_held_out, score_kept, share_of_groups, weights_of
from sibnlp.training.recipe import EXPECTED, OBSERVED, Recipe
from sibnlp.types import CodedPassage

log = logging.getLogger(__name__)


def train(
    codings: Sequence[CodedPassage],
    codebooks: Sequence[Codebook],
    recipe: Recipe,
    *,
    name: str,
    progress: Progress | None = None,
    sources: Sequence[Path] = (),
    held_out: Sequence[CodedPassage] = (),
    work: Path | None = None,
) -> Model:
    """Train a model on coded passages, for any codebook.

    Args:
        codings: what people coded; codings by models (coder a shipped one or ``name``, or a passage that brings along
            the ``model`` or ``scores`` of a prediction) are left out. A number in a further column ``weight`` says how
            much a passage counts in learning (1 by default); calibration and thresholds count all alike.
        codebooks: that the codings are from; codes of families they share are united.
        recipe: how to train.
        name: of the model.
        progress: called with what is being done, how many steps are done, and of how many.
        sources: files the codings were read from, for the record.
        held_out: codings of other documents, never learnt from, that calibrate the model and set its thresholds;
            they take the place of the recipe's ``folds`` and ``held_out``.
        work: folder in which a backend that fits for long keeps checkpoints, to go on from after being stopped, and
            its record; without it nothing is kept.

    Returns:
        The model, not saved. Codes with too few positives or no negatives, and families nobody read for, are left out
        of it; ``manifest.left_out`` says why.

    Raises:
        DataError: too little to learn from (no passages, one document of one passage, no code that both holds and does
            not hold somewhere), or codes that no codebook defines; says what is missing.
        UnknownNameError: no such backend, setting, model or encoder.
    """
    # Before the fitting, which takes long: a file may be written anew meanwhile.
    files = tuple({"path": path.name, "sha256": sha256(path), "n": _lines(path)} for path in sources)
    backend = CLASSIFIERS.load(recipe.backend)
    machines = {name, *available()}
    people = [coding for coding in codings if coding.coder not in machines and not _is_prediction(coding)]
    if len(people) < len(codings):
        log.warning("left out %d codings made by models", len(codings) - len(people))
    families = merge(codebooks)
    codes, left_out = _learnable(people, codebooks, families, recipe.min_positives)
    unnamed = sorted(set(recipe.prevalence) - {code for family in families for code in family.codes})
    if unnamed:
        raise DataError(f"the recipe gives a prevalence for {', '.join(unnamed)}, which no codebook defines")
    # What is kept for calibration stands behind what is learnt from.
    coded = [*people, *apart(people, held_out)]
    truth = targets(coded, codebooks, codes)
    groups = groups_of(coded, recipe.folds)
    if len(set(groups)) < 2:
        raise DataError(
            f"all {len(coded)} coded passages are of one document",
            "codings of at least two documents are needed, to judge the model on text it has not seen",
        )
    kept = np.arange(len(coded)) >= len(people)
    if recipe.held_out and not held_out:
        kept = share_of_groups(groups, truth, recipe.held_out, np.random.default_rng(recipe.seed))
    tell = progress or (lambda what, done, total: None)
    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch:
        tell("embeddings", 0, 1)
        settings = resolve_settings(recipe.backend, recipe.settings, Path(scratch))
        if recipe.backend == "zero_shot":
            settings["descriptions"] = describe(*codebooks)
        classifier: Classifier = backend(codes, settings)
        data = Data(texts_of([c.passage for c in coded], classifier), truth, weights_of(coded), groups)
        # Fitted first, so that whatever is read from the scratch folder is read once and shared with the folds.
        data.fit(classifier, np.flatnonzero(~kept).tolist(), recipe.seed, work and work / "whole")
        if kept.any():
            scores, fold = score_kept(classifier, data, kept, recipe)
        else:
            scores, fold = score_held_out(classifier, data, recipe, tell, work)
    if work:
        # Their logs stay; 90 MB of weights each have served their purpose.
        for checkpoint in work.glob("fold-*/**/checkpoint"):
            shutil.rmtree(checkpoint)
    judged = fold >= 0
    scores, truth, fold = scores[judged], truth[judged], fold[judged]
    n_groups = len({group for group, seen in zip(groups, judged, strict=True) if seen})
    shifts = prevalence_shifts(truth, codes, recipe.prevalence)
    calibration, thresholds = decide(scores, truth, shifts, recipe.thresholds)
    manifest = Manifest(
        name=name,
        backend=recipe.backend,
        sibnlp=sibnlp.__version__,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        codes=codes,
        families=tuple(
            {"id": f.id, "multiple": f.multiple, "requires": f.requires, "codes": [c for c in f.codes if c in codes]}
            for f in families
            if any(c in codes for c in f.codes)
        ),
        codebooks=tuple({"id": b.id, "structure": b.structure, "wording": b.wording} for b in codebooks),
        thresholds=dict(zip(codes, thresholds, strict=True)),
        calibration={
            code: {"slope": slope, "intercept": intercept}
            for code, slope, intercept in zip(codes, calibration.slopes, calibration.intercepts, strict=True)
        },
        left_out=left_out,
        left_out_families=_left_out_families(codebooks, left_out),
        data=files,
        recipe=recipe.to_dict(),
        seed=recipe.seed,
        cross_validation=_held_out_figures(scores, truth, fold, codes, n_groups, recipe.thresholds),
    )
    return Model(classifier, manifest)


def _is_prediction(coding: CodedPassage) -> bool:
    """Whether the row it was read from is a model's: predictions name their model, and give scores."""
    extra = dict(coding.passage.extra)
    return any(extra.get(key) not in (None, "") for key in ("model", "scores"))


def _left_out_families(codebooks: Sequence[Codebook], left_out: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """Families of the codes that are left out, so that codings with these codes can still be read."""
    found: dict[str, dict[str, Any]] = {}
    for book in codebooks:
        for f in book.families:
            start = {"id": f.id, "multiple": f.multiple, "requires": f.requires, "level": f.level, "codes": []}
            codes = found.setdefault(f.id, start)["codes"]
            codes += [code.id for code in book.codes_in(f.id) if code.id in left_out and code.id not in codes]
    return tuple(family for family in found.values() if family["codes"])


def _learnable(
    codings: Sequence[CodedPassage], codebooks: Sequence[Codebook], families: Sequence[FamilyCodes], least: int
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Codes that can be learnt, and why the others cannot."""
    if not codings:
        raise DataError("there are no coded passages to learn from")
    wanted = [code for family in families for code in family.codes]
    truth = targets(codings, codebooks, wanted)
    codes: list[str] = []
    left_out: dict[str, str] = {}
    for book in codebooks:
        left_out |= {c.id: "holds for whole periods, not for passages" for c in book.codes if c.level != PASSAGE}
    for code, column in zip(wanted, truth.T, strict=True):
        positive, negative = int((column == 1).sum()), int((column == 0).sum())
        if not positive + negative:
            left_out[code] = "nobody read for it"
        elif positive < least:
            left_out[code] = f"{positive} passages carry it, {least} are needed"
        elif not negative:
            left_out[code] = "no passage was read for it and found without it"
        else:
            codes.append(code)
    for code, reason in left_out.items():
        log.info("left out %s: %s", code, reason)
    if not codes:
        reasons = "; ".join(f"{code}: {reason}" for code, reason in list(left_out.items())[:5])
        raise DataError(
            f"no code can be learnt from {len(codings)} coded passages ({reasons})",
            f"each code needs {least} passages that carry it and one that was read and does not",
        )
    return tuple(codes), left_out


def resolve_settings(backend: str, settings: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Settings of the backend, with ``embeddings`` a folder on this machine.

    The name of a shipped model becomes its folder; ``encoder`` (with ``dims`` and ``sif``) is distilled into
    ``scratch``. For the backend ``encoder``, the encoder is what is trained, and stays as it is named.

    Raises:
        DataError: both are given, or the encoder cannot be distilled here.
    """
    if backend == "encoder":
        return dict(settings)
    if backend == "ensemble":
        return _resolve_members(settings, scratch)
    plain = {key: value for key, value in settings.items() if key not in ("encoder", "dims", "sif")}
    if "encoder" in settings:
        if "embeddings" in settings:
            raise DataError("the recipe names both an encoder and embeddings", "keep one of the two")
        sif = settings.get("sif", 1e-4)
        folder = distill(settings["encoder"], scratch / "embeddings", dims=settings.get("dims", 256), sif=sif or None)
        return {**plain, "embeddings": str(folder)}
    if plain.get("embeddings") in (shipped := available()):
        plain["embeddings"] = str(shipped[plain["embeddings"]])
    return plain


def _resolve_members(settings: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """The same for every member; what is no table is left for the backend to refuse."""
    members = settings.get("members")
    if not isinstance(members, list):
        return dict(settings)
    resolved = [
        {**member, "settings": resolve_settings(str(member.get("backend")), member["settings"], scratch / str(number))}
        if isinstance(member, Mapping) and isinstance(member.get("settings"), Mapping)
        else member
        for number, member in enumerate(members)
    ]
    return {**settings, "members": resolved}


@dataclass(frozen=True, slots=True)
class Shift:
    """How a code's share changes from the codings to where the model is used.

    Attributes:
        log_odds: added to its log-odds; positive, negative: weight of a passage with and without it.
    """

    log_odds: float = 0.0
    positive: float = 1.0
    negative: float = 1.0


def prevalence_shifts(
    truth: NDArray[np.float64], codes: Sequence[str], prevalence: Mapping[str, float]
) -> tuple[Shift, ...]:
    """Shift of every code from its share among the codings to the expected one."""
    shifts = []
    for column, code in zip(truth.T, codes, strict=True):
        if code not in prevalence:
            shifts.append(Shift())
            continue
        old, new = float(np.nanmean(column)), prevalence[code]
        odds = np.log(new / (1 - new)) - np.log(old / (1 - old))
        shifts.append(Shift(float(odds), new / old, (1 - new) / (1 - old)))
    return tuple(shifts)


def decide(
    scores: NDArray[np.float64], truth: NDArray[np.float64], shifts: Sequence[Shift], thresholds: str = OBSERVED
) -> tuple[Calibration, tuple[float, ...]]:
    """Calibration and thresholds from held-out scores, for the shares the shifts lead to.

    Args:
        scores, truth: float64 [n, k].
        shifts: of the k codes.
        thresholds: as `Recipe.thresholds`.
    """
    calibration = fit_calibration(scores, truth).shifted(tuple(shift.log_odds for shift in shifts))
    weights = np.column_stack(
        [np.where(column == 1, s.positive, s.negative) for column, s in zip(truth.T, shifts, strict=True)]
    )
    probabilities = calibration.apply(scores)
    # A passage counts as carrying a code as far as it is likely to: the sums of F1 become expectations.
    sought = np.where(np.isnan(truth), np.nan, probabilities) if thresholds == EXPECTED else truth
    return calibration, fit_thresholds(probabilities, sought, weights)


def _held_out_figures(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    fold: NDArray[np.int64],
    codes: Sequence[str],
    n_groups: int,
    by: str,
) -> dict[str, Any]:
    """F1, precision, recall, AUC and calibration error by code; each fold calibrated and cut by what the others say.

    Precision is None where no passage is given the code, recall where none carries it. Each code is judged by its own
    threshold, before the rules of families (exclusive, requires) apply, and at the share that carries it among the
    codings, not at the recipe's ``prevalence``: what the model does in use may be better or worse, and is for ``sibnlp
    evaluate`` to say.
    """
    probabilities, given = np.empty(truth.shape), np.zeros(truth.shape, dtype=bool)
    for number in range(int(fold.max()) + 1):
        outside = fold == number
        others = ~outside if fold.max() else outside
        calibration, thresholds = decide(scores[others], truth[others], (Shift(),) * len(codes), by)
        probabilities[outside] = calibration.apply(scores[outside])
        given[outside] = probabilities[outside] >= np.array(thresholds)
    figures = {}
    for j, code in enumerate(codes):
        known = ~np.isnan(truth[:, j])
        y, g, p = truth[known, j] == 1, given[known, j], probabilities[known, j]
        right = int((y & g).sum())
        f1 = float(2 * right / (y.sum() + g.sum()))
        precision = right / int(g.sum()) if g.any() else None
        # Ranked within folds: scores of different classifiers are not on one scale.
        aucs = [roc_auc(scores[part & known, j], truth[part & known, j] == 1) for part in _folds(fold)]
        auc = float(np.mean([a for a in aucs if a == a])) if any(a == a for a in aucs) else None
        ece = expected_calibration_error(p, truth[known, j])
        figures[code] = {
            "f1": f1, "precision": precision, "recall": right / int(y.sum()) if y.any() else None, "auc": auc,
            "ece": ece, "support": int(y.sum()), "n": int(known.sum()),
        }  # fmt: skip
        log.info("held out: %s F1 %.3f, AUC %s, %d of %d", code, f1, auc, y.sum(), known.sum())
    return {"folds": int(fold.max()) + 1, "groups": n_groups, "codes": figures}


def _folds(fold: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    return [fold == number for number in range(int(fold.max()) + 1)]


def _lines(path: Path) -> int:
    """Non-empty lines of a file: its codings, where it is JSONL; 0 for a coded project, which has none."""
    if exchange.is_project(path):
        return 0
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())
