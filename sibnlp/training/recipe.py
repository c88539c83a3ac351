"""Recipes: how a model is trained, as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sibnlp.errors import InputError, UnknownNameError

# How thresholds are set.
THRESHOLDS = OBSERVED, EXPECTED = "observed", "expected"
SHIPPED = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained.

    Attributes:
        backend: a name in `sibnlp.classifiers.CLASSIFIERS`.
        seed: of folds and fitting.
        folds: documents (with those that share a speaker) are split into so many parts, each scored by a classifier
            that has not seen it.
        held_out: instead of folds: share of the passages, by whole documents, that the model never learns from and that
            calibrate it and set its thresholds. One fit rather than ``folds`` + 1, for backends that fit for long.
        min_positives: a code with fewer positive passages is left out of the model, and said so.
        thresholds: ``observed``, where F1 on the held-out codings is highest; or ``expected``, where it is expected to
            be, by their calibrated probabilities (Ye et al. 2012, *Optimizing F-measure: a tale of two approaches*,
            ICML), which is steadier where a code has some dozens of positives.
        settings: of the backend; for ``static`` also ``encoder``, ``dims`` and ``sif`` in place of ``embeddings``.
        prevalence: expected share of passages that carry a code where the model will be used, by code id; probabilities
            and thresholds are moved from the share among the codings to this one. Codes not named stay as they are.
    """

    backend: str
    seed: int = 1
    folds: int = 5
    held_out: float = 0.0
    min_positives: int = 2
    thresholds: str = OBSERVED
    settings: Mapping[str, Any] = field(default_factory=dict)
    prevalence: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as a plain table."""
        return asdict(self)


def recipes() -> tuple[str, ...]:
    """Names of the recipes that ship."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Load a recipe that ships, by name, or one's own, from a TOML file.

    Raises:
        UnknownNameError: neither a shipped recipe nor a file.
        InputError: not TOML, an unknown key, or a value of the wrong type; names key and fix.
    """
    path = Path(name_or_path)
    if not path.is_file():
        if str(name_or_path) in recipes():
            path = SHIPPED / f"{name_or_path}.toml"
        elif path.suffix or len(path.parts) > 1:
            raise InputError(path, "no such file", f"shipped recipes: {', '.join(recipes())}")
        else:
            raise UnknownNameError("recipe", str(name_or_path), recipes())
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is not valid TOML: {error}") from error
    return parse_recipe(raw, path)


def parse_recipe(raw: Mapping[str, Any], path: str | Path = "recipe") -> Recipe:
    """Check a recipe given as a table.

    Raises:
        InputError: as `load_recipe`.
    """
    kinds: dict[str, tuple[type, ...]] = {
        "backend": (str,), "seed": (int,), "folds": (int,), "held_out": (float, int), "min_positives": (int,),
        "thresholds": (str,), "settings": (dict,), "prevalence": (dict,),
    }  # fmt: skip
    known = ", ".join(f.name for f in fields(Recipe))
    for key, value in raw.items():
        if key not in kinds:
            raise InputError(path, "unknown key", f"known: {known}", f"key {key!r}")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise InputError(path, f"must be {kinds[key][0].__name__}, not {value!r}", "", f"key {key!r}")
    if not raw.get("backend"):
        raise InputError(path, "is missing", 'for example backend = "static"', "key 'backend'")
    for key, least in (("folds", 2), ("min_positives", 1), ("seed", 0)):
        if raw.get(key, least) < least:
            raise InputError(path, f"must be {least} or more", "", f"key {key!r}")
    if not 0 <= raw.get("held_out", 0) < 1:
        raise InputError(path, "must be a share from 0 (none: folds instead) to below 1", "", "key 'held_out'")
    if raw.get("thresholds", OBSERVED) not in THRESHOLDS:
        raise InputError(path, f"must be {' or '.join(THRESHOLDS)}", "", "key 'thresholds'")
    _check_prevalence(raw.get("prevalence", {}), path)
    return Recipe(**raw)


def _check_prevalence(prevalence: Mapping[str, Any], path: str | Path) -> None:
    for code, share in prevalence.items():
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 1:
            raise InputError(path, "must be a share between 0 and 1", "", f"key 'prevalence.{code}'")
