"""From passages to one probability per code, behind one seam.

A new backend is one file here and one line in `CLASSIFIERS` (or an entry point of group ``sibnlp.classifiers`` in
another package) that names a class with the shape of `Classifier`. ``tests/classifiers/test_contract.py`` runs over the
table, so a new line is tested at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sibnlp.codebook import Codebook
from sibnlp.errors import UnknownNameError
from sibnlp.registry import Entry, Registry
from sibnlp.types import Passage

# Probability of a code that nobody looked for in any passage at hand: low, for codes are rarer than their absence.
UNSEEN = 0.01


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

    def fit(
        self,
        texts: Sequence[str],
        targets: NDArray[np.float64],
        *,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        work: Path | None = None,
    ) -> None:
        """Learn from coded texts.

        Args:
            texts: n passages; a backend that reads what stands around a passage finds it in `Situated` texts.
            targets: float64 [n, k]: 1 the code holds, 0 it does not, NaN nobody looked (uncoded is not negative): such
                a passage takes no part in learning that code. A code without a positive or without a negative gets a
                constant probability, so that a fold that lacks a rare code still fits.
            seed: of whatever is random; the same input and seed give the same classifier.
            weights: float64 [n], how much each passage counts; 1 by default.
            work: folder in which a backend that fits for long keeps what it needs to go on after being stopped, and a
                record of what it did; others leave it alone.

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


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """A text's score as a sum over its words.

    Attributes:
        spans: of w words in the text, in order, in code points.
        weights: float64 [w, k], what each adds to the log-odds of each code, before calibration.
        base: float64 [k], the log-odds of a text without any known word.
    """

    spans: tuple[tuple[int, int], ...]
    weights: NDArray[np.float64]
    base: NDArray[np.float64]


@runtime_checkable
class Additive(Protocol):
    """What a backend offers besides, whose score is a sum over words; for others words are left out in turn."""

    def contributions(self, text: str) -> Contributions:
        """The words' parts; with the base they sum to the log-odds of `Classifier.predict_proba`."""
        ...


class Situated(str):
    """A passage's text that brings along what stands around it; to whom that does not matter, it is a plain string.

    Attributes:
        context: the question before it, its heading and the like, as one text.
    """

    context: str = ""


def texts_of(passages: Iterable[Passage], classifier: Classifier) -> list[str]:
    """Texts of passages as the classifier reads them.

    Where it has a setting ``context``, a list of names of passage fields (``context``, the question before, and
    ``heading``) or further columns, those that are not empty come along, in that order, as `Situated` texts.
    """
    names = [str(name) for name in classifier.settings.get("context", ())]
    if not names:
        return [passage.text for passage in passages]
    texts: list[str] = []
    for passage in passages:
        values = dict(passage.extra) | {"context": passage.context, "heading": passage.heading}
        text = Situated(passage.text)
        text.context = "\n".join(str(values[name]) for name in names if values.get(name) not in (None, ""))
        texts.append(text if text.context else passage.text)
    return texts


def describe(*codebooks: Codebook) -> dict[str, list[list[str]]]:
    """What codebooks say of each code, for `sibnlp.classifiers.zero_shot`: ``{id: [[definition …], [criteria …]]}``.

    A code above others in a hierarchy is described by their texts as well as by its own: it holds where they do.
    """
    found: dict[str, list[list[str]]] = {}
    for book in codebooks:
        above = {code.id: code.parent for code in book.codes}
        for code in book.codes:
            name = code.name or code.id.replace("_", " ")
            definition = f"{name}. {code.definition}" if code.definition else name
            criteria = [*code.include, *(text for _, text in code.poles)]
            id = code.id
            while id:
                texts = found.setdefault(id, [[], []])
                texts[0] += [definition] if definition not in texts[0] else []
                texts[1] += [one for one in criteria if one not in texts[1]]
                id = above[id]
    return found


CLASSIFIERS = Registry(
    "classifier",
    "sibnlp.classifiers",
    {
        "encoder": Entry("sibnlp.classifiers.encoder:EncoderClassifier"),
        "ensemble": Entry("sibnlp.classifiers.ensemble:EnsembleClassifier"),
        "linear": Entry("sibnlp.classifiers.linear:LinearClassifier"),
        "static": Entry("sibnlp.classifiers.static:StaticClassifier"),
        "zero_shot": Entry("sibnlp.classifiers.zero_shot:ZeroShotClassifier"),
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


def is_constant(column: NDArray[np.float64]) -> bool:
    """Whether a code's targets [n] hold one class only, or none, so that there is nothing to tell apart."""
    known = column[~np.isnan(column)]
    return not len(known) or bool(known.min() == known.max())


def constant_log_odds(column: NDArray[np.float64]) -> float:
    """Log-odds of the smoothed base rate of a code's targets [n]; low where nobody looked for it."""
    known = column[~np.isnan(column)]
    rate = (known.sum() + 0.5) / (len(known) + 1) if len(known) else UNSEEN
    return float(np.log(rate / (1 - rate)))
