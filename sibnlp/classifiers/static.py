"""Backend ``static``: the mean of static word-piece embeddings under one logistic regression per code.

The embeddings are distilled once from a sentence encoder (`sibnlp.training.distill`; Tulkens & van Dongen 2024,
*Model2Vec*) and looked up afterwards: tens of thousands of passages a second on one core (`sibnlp.chunks`). Optionally
the head also sees which words occur (TF-IDF), where the codings are many enough to learn from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.chunks import Chunks, row_sums
from sibnlp.classifiers import Contributions, check_settings, sigmoid, stack
from sibnlp.classifiers.heads import fit_heads
from sibnlp.classifiers.ngrams import Ngrams
from sibnlp.embeddings import BATCH, EMBEDDING_FILES, StaticEmbedder, load_embeddings
from sibnlp.errors import DataError
from sibnlp.words import word_spans

EMBEDDINGS, WEIGHTS, HEAD, VOCABULARY = "embeddings", "head.safetensors", "head.json", "vocabulary.json"
DEFAULTS = {
    "embeddings": "", "C": 0.003, "class_weight": "balanced", "words": [0, 0], "chars": [0, 0], "word_scale": 6.0,
}  # fmt: skip


class StaticClassifier:
    """Static embeddings with one logistic regression per code; see `sibnlp.classifiers.Classifier` for the contract.

    Args:
        codes: ids of the codes.
        settings: ``embeddings`` (folder of a model2vec model, or of a model of this backend), ``C``, ``class_weight``
            (``"balanced"`` or ``"none"``), ``words`` and ``chars`` (shortest and longest n-gram the head sees as well;
            ``[0, 0]`` for none), ``word_scale`` (weight of those beside the standardised embedding).
    """

    def __init__(self, codes: Sequence[str], settings: Mapping[str, Any] | None = None) -> None:
        self.codes = tuple(codes)
        self.settings: dict[str, Any] = check_settings("static", settings or {}, DEFAULTS)
        self.ngrams_: Ngrams | None = None
        self.weights_: NDArray[np.float64] | None = None
        self._embedder: StaticEmbedder | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Forget what was worked out from an earlier fit."""
        self._chunks: Chunks | None = None
        self._word_table: NDArray[np.float64] | None = None

    def fresh(self) -> Self:
        """An unfitted classifier with the same codes and settings that shares the embeddings."""
        other = type(self)(self.codes, self.settings)
        other._embedder = self._embedder
        return other

    @property
    def embedder(self) -> StaticEmbedder:
        """The embeddings, read from their folder on first use, with what they remember of texts.

        Raises:
            DataError: no folder is set, or it holds no embeddings.
        """
        if self._embedder is None:
            folder = Path(self.settings["embeddings"])
            if (folder / EMBEDDINGS).is_dir():
                folder = folder / EMBEDDINGS
            self._embedder = StaticEmbedder(load_embeddings(folder))
        return self._embedder

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Mean word-piece vectors, scaled to length 1: float64 [n, d]; zeros for a text without a known piece."""
        return self.embedder.embed(texts)

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
            DataError: no texts, or no embeddings.
        """
        if not len(texts):
            raise DataError("there is no text to learn from")
        self._prepare()
        embedded = self.embed(texts)
        mean, spread = embedded.mean(axis=0), embedded.std(axis=0)
        spread[spread == 0] = 1.0
        features: Any = (embedded - mean) / spread
        scale = float(self.settings["word_scale"])
        self.ngrams_ = None
        words, chars = self.settings["words"], self.settings["chars"]
        if words[1] or chars[1]:
            from scipy.sparse import csr_matrix, hstack

            self.ngrams_ = Ngrams.fit(texts, (words[0], words[1]), (chars[0], chars[1]))
            features = hstack([csr_matrix(features), self.ngrams_.matrix(texts) * scale]).tocsr()
        weight = None if self.settings["class_weight"] == "none" else self.settings["class_weight"]
        coefficients, intercepts = fit_heads(
            features, targets, freedom=self.settings["C"], class_weight=weight, seed=seed, weights=weights
        )
        # The standardisation is folded into the weights: one multiplication less, and nothing else to save.
        dense = coefficients[:, : len(mean)] / spread
        self.weights_, self.intercepts_ = np.ascontiguousarray(dense), intercepts - (dense * mean).sum(axis=1)
        self.word_weights_ = np.ascontiguousarray(coefficients[:, len(mean) :] * scale)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Uncalibrated probabilities, float64 [n, k].

        Raises:
            DataError: not fitted.
        """
        if self.weights_ is None:
            raise DataError("the classifier is not fitted", "call fit, or load a fitted one")
        weights = self.weights_
        parts = [self._logits(texts[start : start + BATCH], weights) for start in range(0, len(texts), BATCH)]
        return sigmoid(np.concatenate([np.empty((0, len(self.codes))), *parts]))

    def _logits(self, texts: Sequence[str], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        embedder, ngrams = self.embedder, self.ngrams_
        local = ngrams is not None and ngrams.is_local
        if self._chunks is None and embedder.analysis is not None:
            # Pieces and words of a chunk are looked up together.
            self._chunks = Chunks(embedder.analysis, *([ngrams.known_in] if ngrams is not None and local else []))
        read = self._chunks.read(texts) if self._chunks else [embedder.tokenise(texts)]
        # Not by BLAS, whose summation order changes with the shape of the batch.
        logits: NDArray[np.float64] = np.einsum("nd,kd->nk", embedder.embed_pieces(read[0]), weights)
        logits += self.intercepts_
        if ngrams is not None:
            if self._word_table is None:
                self._word_table = np.ascontiguousarray(self.word_weights_.T)
            rows = ngrams.weigh(read[1]) if local and self._chunks else ngrams.rows(texts)
            logits += row_sums(*rows, self._word_table)
        return logits

    def contributions(self, text: str) -> Contributions:
        """What each word adds to the log-odds of each code, exactly.

        The embedding is a mean scaled to length 1; at the length it has for this text, it is a sum over word-pieces.
        """
        if self.weights_ is None:
            raise DataError("the classifier is not fitted", "call fit, or load a fitted one")
        words = word_spans(text)
        total: dict[tuple[int, int], NDArray[np.float64]] = {}
        zero = np.zeros(len(self.codes))
        spans, vectors = self.embedder.pieces(text)
        parts = vectors @ self.weights_.T
        for (start, end), part in zip(spans, parts, strict=True):
            # Pieces of one word count as that word; what is in none, such as a full stop, stands by itself.
            word = next((own for own in words if own[0] < end and start < own[1]), (start, end))
            total[word] = total.get(word, zero) + part
        if self.ngrams_ is not None:
            for span, part in zip(*self.ngrams_.by_word(text, self.word_weights_.T), strict=True):
                total[span] = total.get(span, zero) + part
        order = sorted(total)
        return Contributions(tuple(order), stack((total[span] for span in order), len(self.codes)), self.intercepts_)

    def save(self, folder: Path) -> list[str]:
        """Write embeddings, weights and settings; returns the names of the files."""
        from safetensors.numpy import save_file

        if self.weights_ is None:
            raise DataError("the classifier is not fitted", "call fit before save")
        self.embedder.save(folder / EMBEDDINGS)
        arrays = {"weights": self.weights_, "intercepts": self.intercepts_}
        names = [f"{EMBEDDINGS}/{name}" for name in EMBEDDING_FILES] + [WEIGHTS, HEAD]
        if self.ngrams_ is not None:
            arrays |= {"word_weights": self.word_weights_, "idf": self.ngrams_.idf}
            (folder / VOCABULARY).write_text(self.ngrams_.to_json(), encoding="utf-8")
            names.append(VOCABULARY)
        save_file(arrays, folder / WEIGHTS)
        # Where the embeddings came from is a path of this machine; the loaded model has its own.
        head = {"codes": self.codes, "settings": {**self.settings, "embeddings": ""}}
        (folder / HEAD).write_text(json.dumps(head, indent=1, sort_keys=True), encoding="utf-8")
        return names

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        loaded = cls(head["codes"], head["settings"])
        loaded._embedder = StaticEmbedder(load_embeddings(folder / EMBEDDINGS))
        arrays = load_file(folder / WEIGHTS)
        loaded.weights_, loaded.intercepts_ = arrays["weights"], arrays["intercepts"]
        if loaded.weights_.shape != (len(loaded.codes), loaded._embedder.static.dim):
            raise ValueError(f"weights are {loaded.weights_.shape}, not codes × dimensions")
        if "idf" in arrays:
            loaded.word_weights_ = arrays["word_weights"]
            loaded.ngrams_ = Ngrams.from_json(folder / VOCABULARY, arrays["idf"])
        return loaded
