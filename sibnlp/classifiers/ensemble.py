"""Backend ``ensemble``: several classifiers learn the same codes, each in its own way; their log-odds are averaged.

It gains where members err in different places: a fine-tuned encoder reads what is meant and forgets rare words, TF-IDF
n-grams see every word and nothing else. Members are fitted apart, on the same passages.

Source: the logarithmic opinion pool, Genest, C. & Zidek, J. V. (1986), *Combining probability distributions: a critique
and an annotated bibliography*, Statistical Science 1(1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import log_odds
from sibnlp.classifiers import CLASSIFIERS, Classifier, check_settings, sigmoid
from sibnlp.errors import DataError

HEAD, NAME = "head.json", "ensemble"
DEFAULTS: dict[str, Any] = {
    "members": [
        {"backend": "encoder", "weight": 1.0, "settings": {}},
        {"backend": "linear", "weight": 0.7, "settings": {}},
    ],
    "context": [],
}
# A zero-shot classifier learns nothing from codings, and an ensemble of ensembles is an ensemble.
UNFIT = (NAME, "zero_shot")


class EnsembleClassifier:
    """The weighted mean of the log-odds of several classifiers; see `sibnlp.classifiers.Classifier` for the contract.

    Args:
        codes: ids of the codes.
        settings: ``members``, a list of tables ``{backend, weight, settings}``; ``weight`` (over 0, 1 where left out)
            says how much its log-odds count. ``context`` is what any member reads around a passage, and is
            taken from them.

    Raises:
        DataError: no members, one that cannot be a member, or a weight that is no positive number.
        UnknownNameError: no such backend or setting.
    """

    def __init__(self, codes: Sequence[str], settings: Mapping[str, Any] | None = None) -> None:
        self.codes = tuple(codes)
        given = check_settings(NAME, settings or {}, DEFAULTS)
        self._weights, self.members = self._made(given["members"])
        self.settings: dict[str, Any] = self._settings()

    def _made(self, tables: Any) -> tuple[list[float], list[Classifier]]:
        if not isinstance(tables, list | tuple) or not tables:
            raise DataError("an ensemble has no members", "list them as [[settings.members]] with backend and settings")
        weights, members = [], []
        for number, table in enumerate(tables, 1):
            where = f"member {number} of the ensemble"
            if not isinstance(table, Mapping) or not table.get("backend"):
                raise DataError(f"{where} names no backend", 'for example backend = "linear"')
            check_settings(f"{NAME} (a member)", table, {"backend": "", "weight": 1.0, "settings": {}})
            backend, weight = str(table["backend"]), table.get("weight", 1.0)
            if backend in UNFIT:
                raise DataError(f"{where} is of backend {backend!r}, which cannot be one", "name a backend that learns")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
                raise DataError(f"the weight of {where} is {weight!r}", "give a number over 0")
            members.append(CLASSIFIERS.load(backend)(self.codes, table.get("settings", {})))
            weights.append(float(weight))
        self._backends = [str(table["backend"]) for table in tables]
        return weights, members

    def _settings(self) -> dict[str, Any]:
        """What the members are, with what they settled on, and what they read around a passage."""
        members = [
            {**table, "settings": dict(member.settings)}
            for table, member in zip(self._tables(), self.members, strict=True)
        ]
        context = dict.fromkeys(name for member in self.members for name in member.settings.get("context", ()))
        return {"members": members, "context": list(context)}

    def _tables(self) -> list[dict[str, Any]]:
        """Backend and weight of each member."""
        both = zip(self._backends, self._weights, strict=True)
        return [{"backend": backend, "weight": weight} for backend, weight in both]

    def _folders(self, folder: Path) -> list[Path]:
        """Each member's place: its number and backend, such as ``1-encoder``."""
        return [folder / f"{number}-{backend}" for number, backend in enumerate(self._backends, 1)]

    def fresh(self) -> Self:
        """An unfitted classifier with the same codes and settings."""
        own = type(self)(self.codes, self.settings)
        own.members = [member.fresh() for member in self.members]
        return own

    def fit(
        self,
        texts: Sequence[str],
        targets: NDArray[np.float64],
        *,
        seed: int,
        weights: NDArray[np.float64] | None = None,
        work: Path | None = None,
    ) -> None:
        """Fit every member on texts and targets [n, k] (NaN: unknown), each with a folder of its own in ``work``.

        Raises:
            DataError: no texts, or what a member raises.
        """
        places = [None] * len(self.members) if work is None else self._folders(work)
        for member, place in zip(self.members, places, strict=True):
            if place is not None:
                place.mkdir(parents=True, exist_ok=True)
            member.fit(texts, targets, seed=seed, weights=weights, work=place)
        # What a member settled on while fitting is part of what it is.
        self.settings = self._settings()

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Uncalibrated probabilities, float64 [n, k].

        Raises:
            DataError: not fitted.
        """
        total = np.zeros((len(texts), len(self.codes)))
        for weight, member in zip(self._weights, self.members, strict=True):
            total += weight * log_odds(member.predict_proba(texts))
        return sigmoid(total / sum(self._weights))

    def save(self, folder: Path) -> list[str]:
        """Write every member into a folder of its own, and the weights; returns the names of the files."""
        names = []
        for place, member in zip(self._folders(folder), self.members, strict=True):
            place.mkdir()
            names += [f"{place.name}/{name}" for name in member.save(place)]
        head = {"codes": self.codes, "members": self._tables()}
        (folder / HEAD).write_text(json.dumps(head, indent=1, sort_keys=True), encoding="utf-8")
        return [*names, HEAD]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        loaded = cls(head["codes"], {"members": head["members"]})
        members: list[Classifier] = []
        for place, backend in zip(loaded._folders(folder), loaded._backends, strict=True):
            members.append(CLASSIFIERS.load(backend).load(place))
            if tuple(members[-1].codes) != loaded.codes:
                raise ValueError(f"{place.name} gives other codes than the ensemble")
        loaded.members = members
        loaded.settings = loaded._settings()
        return loaded
