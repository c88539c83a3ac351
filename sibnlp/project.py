"""A project file (``project.toml``) → frozen `Settings`. The only place where defaults of a run stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from sibnlp.errors import ProjectError

FILE_NAME = "project.toml"
# ISO 8601, as coarse as the user knows it.
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
METADATA_NAME = "metadata.csv"


@dataclass(frozen=True, slots=True)
class Documents:
    """Which files are read, and where their metadata come from.

    Attributes:
        folder: relative to the project file.
        include, exclude: glob patterns relative to ``folder``; hidden files, project files, metadata tables and
            ``README``s are never documents.
        pattern: metadata in file names, as ``"{date}_{actor}_{kind}"``; see `sibnlp.metadata.FileNamePattern`.
        metadata: a table with one row a file or speaker, relative to the project file; ``metadata.csv`` in ``folder``
            is found by itself.
    """

    folder: str = "."
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    pattern: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """``[[document]]``: metadata of one file, said in the project file; it wins over table and file name."""

    path: str = ""
    stage: str = ""
    date: str = ""
    kind: str = ""
    actor: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class SpeakerEntry:
    """``[[speaker]]``: who stands behind a label in the transcripts (everywhere, or in one document)."""

    label: str = ""
    actor: str = ""
    role: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """``[[stage]]``: a period with meaning (temporal bracketing, Langley 1999); dates are inclusive."""

    id: str = ""
    name: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """``[segment]``: see `sibnlp.segmentation.SegmentSettings`."""

    max_words: int = 120
    min_words: int = 15
    interviewer: str = "context"
    interviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """``[model]``: which classifier codes the passages, and the codebooks the report follows.

    Attributes:
        name: a shipped model, or a folder relative to the project file.
        codebooks: shipped ids or files relative to the project file; each gives a trajectory of its own.
    """

    name: str = "gov-fast"
    codebooks: tuple[str, ...] = ("osborne", "oflynn")


@dataclass(frozen=True, slots=True)
class Drift:
    """``[drift]``: how codings are aggregated.

    Attributes:
        period: ``stage``, ``year``, ``quarter``, ``month`` or ``auto`` (brackets found by change points); empty means
            stages where the documents have them, else years.
        denominator: ``talk`` (share of all passages) or ``domain`` (share of the domain's passages).
        quantifier: name in `sibnlp.quantifiers.QUANTIFIERS`; empty means the best that no rule refuses.
        level: of the intervals.
        margin: odds ratio below which a change counts as none, once its interval lies inside.
        weight: what counts the same: each ``passage``, word (``words``), ``document`` or ``actor``.
        gold: codings to correct by, trained_on: codings the model learnt from; files relative to the project file.
    """

    period: str = ""
    denominator: str = "talk"
    quantifier: str = ""
    level: float = 0.95
    margin: float = 2.0
    weight: str = "passage"
    gold: str = ""
    trained_on: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole project.

    Attributes:
        title: of the report; the folder's name by default.
        root: folder that relative paths start from.
    """

    title: str = ""
    documents: Documents = field(default_factory=Documents)
    document: tuple[DocumentEntry, ...] = ()
    speaker: tuple[SpeakerEntry, ...] = ()
    stage: tuple[Stage, ...] = ()
    segment: Segmentation = field(default_factory=Segmentation)
    model: ModelChoice = field(default_factory=ModelChoice)
    drift: Drift = field(default_factory=Drift)
    root: Path = Path()


_CHOICES = {
    ("segment", "interviewer"): ("context", "classify", "drop"),
    ("drift", "period"): ("", "stage", "year", "quarter", "month", "auto"),
    ("drift", "denominator"): ("talk", "domain"),
    ("drift", "weight"): ("passage", "words", "document", "actor"),
}
_NEEDED = {"document": ("path",), "speaker": ("label",), "stage": ("id",)}


def load(path: Path) -> Settings:
    """Settings of a project file, or of a folder (its ``project.toml`` if it has one, else the defaults).

    Raises:
        ProjectError: missing, not TOML, an unknown key, a value of the wrong type or outside its range; the message
            names the key and lists what is allowed.
    """
    if path.is_dir():
        if not (path / FILE_NAME).is_file():
            return Settings(title=path.resolve().name, root=path)
        path = path / FILE_NAME
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProjectError(path, error.strerror or str(error), "give a folder or a project.toml") from error
    except UnicodeDecodeError as error:
        raise ProjectError(path, "is not UTF-8 text", "a project file is TOML saved as UTF-8") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits and deep nesting among them
        raise ProjectError(path, f"is not valid TOML: {error}") from error
    settings: Settings = _build(Settings, raw, path, "")
    _check_entries(settings, path)
    _check_stages(settings, path)
    _check_numbers(settings, path)
    if not settings.model.codebooks:
        raise ProjectError(path, "names no codebook", 'for example ["osborne"]', "key model.codebooks")
    title = settings.title or path.resolve().parent.name
    return replace(settings, title=title, root=path.parent)


def _check_entries(settings: Settings, path: Path) -> None:
    for name, needed in _NEEDED.items():
        for number, entry in enumerate(getattr(settings, name), 1):
            for key in needed:
                if not getattr(entry, key):
                    raise ProjectError(path, f"{key!r} is missing", "", f"[[{name}]] number {number}")
    for (section, key), allowed in _CHOICES.items():
        value = getattr(getattr(settings, section), key)
        if value not in allowed:
            known = ", ".join(choice for choice in allowed if choice)
            raise ProjectError(path, f"{value!r} is not one of {known}", "", f"key {section}.{key}")


def _check_stages(settings: Settings, path: Path) -> None:
    ids = [stage.id for stage in settings.stage]
    for number, stage in enumerate(settings.stage, 1):
        place = f"[[stage]] number {number}"
        if ids.count(stage.id) > 1:
            raise ProjectError(path, f"stage {stage.id!r} is there {ids.count(stage.id)} times", "rename one", place)
        for bound in (stage.start, stage.end):
            if bound and not DATE.fullmatch(bound):
                raise ProjectError(path, f"{bound!r} is not a date", "write 2016, 2016-03 or 2016-03-21", place)
        size = min(len(stage.start), len(stage.end))
        if size and stage.start[:size] > stage.end[:size]:
            raise ProjectError(path, f"starts ({stage.start}) after it ends ({stage.end})", "", place)


def _check_numbers(settings: Settings, path: Path) -> None:
    cut, drift = settings.segment, settings.drift
    for holds, key, rule in (
        (1 <= cut.min_words <= cut.max_words, "segment.min_words", "must be between 1 and segment.max_words"),
        (0 < drift.level < 1, "drift.level", "must be between 0 and 1, as 0.95"),
        (drift.margin > 1, "drift.margin", "is an odds ratio over 1"),
    ):
        if not holds:
            raise ProjectError(path, rule, "", f"key {key}")


def _build(kind: type[Any], raw: Mapping[str, Any], path: Path, prefix: str) -> Any:
    """Fill a settings dataclass from a TOML table, strictly."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "root"}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        name = f"{prefix}{key}"
        if key not in hints:
            raise ProjectError(path, f"unknown key {name!r}", f"known: {', '.join(sorted(hints))}", prefix.rstrip("."))
        values[key] = _value(hints[key], value, path, name)
    return kind(**values)


def _value(hint: Any, value: Any, path: Path, name: str) -> Any:
    if get_origin(hint) is tuple:
        (item, _) = get_args(hint)
        if not isinstance(value, list):
            example = f"[[{name}]]" if item is not str else f'{name} = ["…"]'
            raise ProjectError(path, "must be a list", f"write {example}", f"key {name!r}")
        return tuple(_value(item, one, path, name) for one in value)
    if hint not in (str, int, float, bool):
        if not isinstance(value, dict):
            raise ProjectError(path, "must be a table", f"write [{name}]", f"key {name!r}")
        return _build(hint, value, path, f"{name}.")
    if hint is str and not isinstance(value, str | bool | list | dict):
        return str(value)  # a bare date or number (`stage = 1`) says what it says
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ProjectError(path, f"must be {hint.__name__}, not {type(value).__name__}", "", f"key {name!r}")
    return value
