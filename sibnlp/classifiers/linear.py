"""Backend ``linear``: TF-IDF word (and character) n-grams, one logistic regression per code.

Needs nothing but coded passages: no embeddings, no download. The baseline every other backend has to beat.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.chunks import row_sums
from sibnlp.classifiers import Contributions, check_settings, sigmoid
from sibnlp.classifiers.heads import fit_heads
from sibnlp.classifiers.ngrams import Ngrams
from sibnlp.errors import DataError, UnknownNameError

# Texts weighed at once; bounds memory, changes no result.
BATCH = 1024
PRECISIONS = ("float64", "float16")
WEIGHTS, VOCABULARY, HEAD = "head.safetensors", "vocabulary.json", "head.json"
DEFAULTS = {
    "words": [1, 2], "chars": [3, 5], "min_documents": 2, "C": 10.0, "class_weight": "balanced", "log_counts": 0.0,
    "precision": "float64",
}  # fmt: skip


class LinearClassifier:
    """TF-IDF n-grams with one logistic regression per code; see `sibnlp.classifiers.Classifier` for the contract.

    Args:
        codes: ids of the codes.
        settings: ``words`` and ``chars`` (shortest and longest n-gram; ``[0, 0]`` for none), ``min_documents`` (texts a
            n-gram must occur in), ``C``, ``class_weight`` (``"balanced"`` or ``"none"``), ``log_counts`` (over 0,
            n-grams count by how much more often they occur with the code, counts smoothed by this much; 0 for not),
            ``precision`` of the weights (``"float64"``; ``"float16"`` takes a quarter of the room).

    Raises:
        UnknownNameError: no such setting or precision.
    """

    def __init__(self, codes: Sequence[str], settings: Mapping[str, Any] | None = None) -> None:
        self.codes = tuple(codes)
        self.settings: dict[str, Any] = check_settings("linear", settings or {}, DEFAULTS)
        if self.settings["precision"] not in PRECISIONS:
            raise UnknownNameError("precision", str(self.settings["precision"]), PRECISIONS)
        self.ngrams_: Ngrams | None = None

    def fresh(self) -> Self:
        """An unfitted classifier with the same codes and settings."""
        return type(self)(self.codes, self.settings)

    def fit(
        self,
        texts: Sequence[str],
        targets: NDArray[np.float64],
        *,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        work: Path | None = None,
    ) -> None:
        """Learn from texts and targets [n, k] (NaN: unknown).

        Raises:
            DataError: no texts, or no n-gram occurs often enough.
        """
        if not len(texts):
            raise DataError("there is no text to learn from")
        words, chars = self.settings["words"], self.settings["chars"]
        ngrams = Ngrams.fit(texts, (words[0], words[1]), (chars[0], chars[1]), self.settings["min_documents"])
        if not ngrams.terms:
            raise DataError(
                f"no word occurs in {self.settings['min_documents']} or more of the {len(texts)} texts",
                "give more passages, or set min_documents = 1 in the recipe",
            )
        weight = None if self.settings["class_weight"] == "none" else self.settings["class_weight"]
        self.weights_, self.intercepts_ = fit_heads(
            ngrams.matrix(texts),
            targets,
            freedom=self.settings["C"],
            class_weight=weight,
            seed=seed,
            weights=weights,
            log_counts=self.settings["log_counts"],
        )
        # Rounded before the first prediction, so that what is saved predicts the same.
        self.weights_ = self.weights_.astype(self.settings["precision"]).astype(np.float64)
        self.ngrams_ = ngrams

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Uncalibrated probabilities, float64 [n, k].

        Raises:
            DataError: not fitted.
        """
        ngrams = self.ngrams_
        if ngrams is None:
            raise DataError("the classifier is not fitted", "call fit, or load a fitted one")
        table = np.ascontiguousarray(self.weights_.T)
        batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
        parts = [row_sums(*ngrams.rows(batch), table) + self.intercepts_ for batch in batches]
        return sigmoid(np.concatenate([np.empty((0, len(self.codes))), *parts]))

    def contributions(self, text: str) -> Contributions:
        """What each word adds to the log-odds of each code, exactly."""
        ngrams = self.ngrams_
        if ngrams is None:
            raise DataError("the classifier is not fitted", "call fit, or load a fitted one")
        spans, weights = ngrams.by_word(text, self.weights_.T)
        return Contributions(tuple(spans), weights, self.intercepts_)

    def save(self, folder: Path) -> list[str]:
        """Write weights, vocabulary and settings; returns the names of the files."""
        from safetensors.numpy import save_file

        if self.ngrams_ is None:
            raise DataError("the classifier is not fitted", "call fit before save")
        stored = self.weights_.astype(self.settings["precision"])
        arrays = {"weights": stored, "intercepts": self.intercepts_, "idf": self.ngrams_.idf}
        save_file(arrays, folder / WEIGHTS)
        (folder / VOCABULARY).write_text(self.ngrams_.to_json(), encoding="utf-8")
        head = {"codes": self.codes, "settings": self.settings}
        (folder / HEAD).write_text(json.dumps(head, indent=1, sort_keys=True), encoding="utf-8")
        return [WEIGHTS, VOCABULARY, HEAD]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        loaded = cls(head["codes"], head["settings"])
        arrays = load_file(folder / WEIGHTS)
        loaded.weights_, loaded.intercepts_ = arrays["weights"].astype(np.float64), arrays["intercepts"]
        loaded.ngrams_ = Ngrams.from_json(folder / VOCABULARY, arrays["idf"])
        if loaded.weights_.shape != (len(loaded.codes), len(loaded.ngrams_.terms)):
            raise ValueError(f"weights are {loaded.weights_.shape}, not codes × terms")
        return loaded
