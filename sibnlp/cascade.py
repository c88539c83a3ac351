"""Two models as one: a quick one decides where it is sure that there is nothing, a better one decides the rest.

Codes are rare in running text, so most passages need no more than a look. The quick model is sure of a passage where
none of the codes that stand by themselves (logics, domains, dimensions) comes within a margin, in log-odds, of being
given, by its own threshold or by the better model's. All codes that are given are therefore given by the better model.

Source: Viola, P. & Jones, M. (2001), *Rapid object detection using a boosted cascade of simple features*, CVPR.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import log_odds
from sibnlp.errors import DataError

# What stands in place of a model's name: "cascade", "cascade:FAST,BASE" and, behind either, "@MARGIN".
CASCADE, FAST, BASE = "cascade", "gov-fast", "gov-base"
# Chosen on development text, see models/README.md.
MARGIN = 1.0

# Calibrated probabilities [n, k] of texts.
Score = Callable[[Sequence[str]], NDArray[np.float64]]


def is_cascade(name: str) -> bool:
    """Whether a model's name asks for a cascade."""
    return name == CASCADE or name.startswith((f"{CASCADE}:", f"{CASCADE}@"))


def parse(name: str) -> tuple[str, str, float]:
    """The two models and the margin that a name stands for.

    Raises:
        DataError: it is not of that form.

    >>> parse("cascade"), parse("cascade:a,b@1.5")
    (('gov-fast', 'gov-base', 1.0), ('a', 'b', 1.5))
    """
    rest, at, margin = name.removeprefix(CASCADE).rpartition("@")
    models = (rest if at else margin).removeprefix(":")
    fast, comma, base = (models or f"{FAST},{BASE}").partition(",")
    try:
        wide = float(margin) if at else MARGIN
        if not comma or not fast.strip() or not base.strip() or not np.isfinite(wide):
            raise ValueError
    except ValueError:
        raise DataError(f"{name!r} names no cascade", f"write {CASCADE}, or {CASCADE}:FAST,BASE@MARGIN") from None
    return fast.strip(), base.strip(), wide


@dataclass(slots=True, eq=False)
class Cascade:
    """A classifier made of two; gives calibrated probabilities. It is made of models, neither fitted nor saved.

    Attributes:
        codes: ids of the k codes; settings: the better model's, with the margin.
        fast, base: calibrated probabilities by either model, columns in the order of the codes.
        limits: float64 [k], log-odds by the quick model from which on a passage goes to the better one; infinite for
            codes that do not decide.
        n_seen, n_base: passages coded so far, and how many of them by the better model.
    """

    codes: tuple[str, ...]
    settings: Mapping[str, Any]
    fast: Score
    base: Score
    limits: NDArray[np.float64]
    n_seen: int = field(default=0, init=False)
    n_base: int = field(default=0, init=False)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities, float64 [n, k]: a row by one model or the other."""
        found = self.fast(texts)
        rest = np.flatnonzero((log_odds(found) >= self.limits).any(axis=1)).tolist()
        if rest:
            found[rest] = self.base([texts[row] for row in rest])
        self.n_seen += len(texts)
        self.n_base += len(rest)
        return found

    def fresh(self) -> Self:
        """Not for a cascade."""
        self._refuse()

    def fit(self, *_: Any, **__: Any) -> None:
        """Not for a cascade."""
        self._refuse()

    def save(self, folder: Path) -> list[str]:
        """Not for a cascade."""
        self._refuse()

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Not for a cascade."""
        cls._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise DataError("a cascade is made of two models, not trained or saved", "train or save these")


def limits(
    fast: Mapping[str, float], base: Mapping[str, float], codes: Sequence[str], deciding: Sequence[str], margin: float
) -> NDArray[np.float64]:
    """Log-odds from which on the quick model is not sure that a code is absent: float64 [k].

    Args:
        fast, base: thresholds of either model, by code.
        codes: the k codes.
        deciding: those that decide.
        margin: in log-odds; 0 trusts the quick model to its thresholds, more trusts it less.

    >>> limits({"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.5}, ["a", "b"], ["a"], 1.0).tolist()
    [-1.0, inf]
    """
    cuts = np.array([min(fast[code], base[code]) for code in codes])
    found = log_odds(cuts) - margin
    found[[code not in set(deciding) for code in codes]] = np.inf
    return found
