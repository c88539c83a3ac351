"""From passages to one probability per code, behind one seam.

A new backend is one file here and one line in `CLASSIFIERS` (or an entry point of group ``sibnlp.classifiers`` in
another package) that names a class with the shape of `Classifier`. ``tests/classifiers/test_contract.py`` runs over the
table, so a new line is tested at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.errors import UnknownNameError
from sibnlp.registry import Entry, Registry


class Classifier(Protocol):
    """What a backend offers.

    It is made with ``Backend(codes, settings)``; ``settings`` come from the ``[settings]`` table of a recipe, and an
    unknown one raises `sibnlp.errors.UnknownNameError` (see `check_settings`).

    Attributes:
        codes: ids of the k codes, in the order of the columns.
        settings: as given, completed with defaults; plain JSON values.
    """

    codes: tuple[str, ...]
    settings: Mapping[str, Any]

    def __init__(self, codes: Sequence[str], settings: Mapping[str, Any] | None = None) -> None: ...

    def fresh(self) -> Self:
        """An unfitted classifier with the same codes and settings; may share what fitting does not change."""
        ...

    def fit(self, texts: Sequence[str], targets: NDArray[np.float64], *, seed: int) -> None:
        """Learn from coded texts.

        Args:
            texts: n passages.
            targets: float64 [n, k]: 1 the code holds, 0 it does not, NaN nobody looked (uncoded is not negative): such
                a passage takes no part in learning that code. A code without a positive or without a negative gets a
                constant probability, so that a fold that lacks a rare code still fits.
            seed: of whatever is random; the same input and seed give the same classifier.

        Raises:
            DataError: there is nothing to learn from (no texts).
        """
        ...

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each code, uncalibrated: float64 [n, k].

        A passage's row is the same, bit for bit, whichever passages stand around it, in whatever order or number.
        """
        ...

    def save(self, folder: Path) -> list[str]:
        """Write into an existing folder: safetensors, ONNX and JSON, nothing that executes when loaded.

        Returns:
            Names of the files written, relative to ``folder``, with forward slashes.
        """
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; predicts the same probabilities, bit for bit. Never reaches for the network."""
        ...


CLASSIFIERS = Registry(
    "classifier",
    "sibnlp.classifiers",
    {
        "linear": Entry("sibnlp.classifiers.linear:LinearClassifier"),
        "static": Entry("sibnlp.classifiers.static:StaticClassifier"),
    },
)


def check_settings(backend: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Complete settings with defaults.

    Raises:
        UnknownNameError: a setting the backend does not have; lists those it has.
    """
    for name in given:
        if name not in defaults:
            raise UnknownNameError(f"setting of backend {backend!r}", name, sorted(defaults))
    return {**defaults, **given}


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic function, without overflow at either end."""
    return np.exp(-np.logaddexp(0.0, -logits))


def stack(rows: Iterable[NDArray[np.float64]], k: int) -> NDArray[np.float64]:
    """Rows of k values as one matrix [n, k], also for n = 0."""
    return np.array(list(rows), dtype=np.float64).reshape(-1, k)
