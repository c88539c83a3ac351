"""The manifest of a model folder: what the model is, and which bytes it consists of.

A folder is believed only as far as its manifest lists it: every file by size and SHA-256, nothing else in it, no links,
no way out of it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from sibnlp.errors import ModelError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
# For people; never read by the library, so they may be edited without making the model another one.
DOCUMENTATION = frozenset({"card.md", "NOTICE", "LICENSE", "README.md", "run.json"})
# What a backend may write: weights and plain values, nothing that executes when it is read.
KINDS = (".json", ".onnx", ".safetensors")
# Longest table of plain values, in bytes: a vocabulary of a million words has 30 MB.
MAX_JSON = 256 * 1024**2
TEXT, NUMBER, LIST, MAP = (str,), (int, float), (list,), (dict,)
SHAPE: dict[str, tuple[type, ...]] = {
    "format_version": (int,), "name": TEXT, "backend": TEXT, "sibnlp": TEXT, "created": TEXT, "codes": LIST,
    "families": LIST, "codebooks": LIST, "thresholds": MAP, "calibration": MAP, "left_out": MAP, "data": LIST,
    "recipe": MAP, "seed": (int,), "cross_validation": MAP, "files": MAP,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is; plain JSON values throughout.

    Attributes:
        name, backend, sibnlp, created: the model's name, its classifier, the library version and ISO date it was made.
        codes: ids of the k codes.
        families: ``{"id", "multiple", "requires", "codes"}`` of each family the model codes.
        codebooks: ``{"id", "structure", "wording"}`` of each codebook it was trained for.
        thresholds: probability at or over which a code is given, by code.
        calibration: ``{"slope", "intercept"}`` by code.
        left_out: codes of the codebooks that the model does not code, with the reason.
        left_out_families: ``{"id", "multiple", "requires", "level", "codes"}`` of each family with left-out codes;
            ``codes`` are these. Empty in models made before it was recorded.
        data: ``{"path", "sha256", "n"}`` of each file of codings.
        recipe: the recipe, as a table.
        seed: of the training.
        cross_validation: figures on held-out documents, per code, before the rules of families (exclusive, requires)
            apply and at the share that carries the code among the codings.
        files: ``{"sha256", "bytes"}`` by file name; filled when the model is saved.
        format_version: of the folder.
    """

    name: str
    backend: str
    sibnlp: str
    created: str
    codes: tuple[str, ...]
    families: tuple[Mapping[str, Any], ...]
    codebooks: tuple[Mapping[str, str], ...]
    thresholds: Mapping[str, float]
    calibration: Mapping[str, Mapping[str, float]]
    recipe: Mapping[str, Any]
    seed: int
    left_out: Mapping[str, str] = field(default_factory=dict)
    left_out_families: tuple[Mapping[str, Any], ...] = ()
    data: tuple[Mapping[str, Any], ...] = ()
    cross_validation: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a model folder; looks at no other file.

    Raises:
        ModelError: missing, not JSON, of a newer format, or not of the shape of a manifest.
    """
    path = folder / MANIFEST
    _check_place(path)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            path, "is missing, so this is not a model folder", "see `sibnlp models` for what ships"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(path, f"cannot be read: {error}", "get the model again") from error
    if not isinstance(raw, dict):
        raise ModelError(path, "is not a table", "get the model again")
    version = raw.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ModelError(path, f"is of format {version}; this version reads up to {FORMAT_VERSION}", "upgrade sibnlp")
    known = {f.name for f in fields(Manifest)}
    for key, kinds in SHAPE.items():
        if not isinstance(raw.get(key), kinds) or isinstance(raw[key], bool):
            raise ModelError(path, f"{key!r} is missing or not of type {kinds[0].__name__}", "get the model again")
    if not isinstance(raw.get("left_out_families", []), list):
        raise ModelError(path, "'left_out_families' is not of type list", "get the model again")
    values: dict[str, Any] = {key: value for key, value in raw.items() if key in known}
    values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    manifest = Manifest(**values)
    _check_codes(path, manifest)
    return manifest


def _check_place(path: Path) -> None:
    """Refuse what must not even be opened: links, pipes, and tables without end."""
    if path.is_symlink():
        raise ModelError(path, "is a symbolic link, which a model folder may not hold")
    if path.exists() and not path.is_file():
        raise ModelError(path, "is no regular file, which a model folder may not hold")
    if path.suffix == ".json" and path.exists() and path.stat().st_size > MAX_JSON:
        raise ModelError(path, f"is longer than {MAX_JSON // 1024**2} MB", "get the model again")


def _check_codes(path: Path, manifest: Manifest) -> None:
    try:
        numbers = [manifest.thresholds[code] for code in manifest.codes]
        numbers += [manifest.calibration[code][part] for code in manifest.codes for part in ("slope", "intercept")]
        in_families = [code for family in manifest.families for code in family["codes"]]
        [(family["id"], family["multiple"], family["requires"]) for family in manifest.families]
        [
            (family["id"], family["multiple"], family["requires"], family["level"], *family["codes"])
            for family in manifest.left_out_families
        ]
        [(book["id"], book["structure"], book["wording"]) for book in manifest.codebooks]
    except (KeyError, TypeError) as error:
        raise ModelError(path, f"is incomplete: {error} is missing or misplaced", "get the model again") from error
    if not all(isinstance(number, NUMBER) for number in numbers) or sorted(in_families) != sorted(manifest.codes):
        raise ModelError(path, "thresholds, calibration or families do not fit the codes", "get the model again")


def fingerprints(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of files in a folder, as the manifest lists them."""
    return {n: {"sha256": sha256(folder / n), "bytes": (folder / n).stat().st_size} for n in sorted(names)}


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def learnt_from(manifests: Iterable[Manifest], paths: Iterable[Path]) -> list[str]:
    """Notes on files that are, byte by byte, codings that models were trained on: there they look better than they are.

    A copy that was converted, sorted or cut is another file and is not known again: a manifest has no fingerprints of
    single passages.
    """
    known = [(one.name, {entry.get("sha256") for entry in one.data if isinstance(entry, Mapping)}) for one in manifests]
    if not any(sums for _, sums in known):
        return []
    given = [(path.name, sha256(path)) for path in paths if path.is_file()]
    return [
        f"{file} is what {model} was trained on: figures on it say how well the model remembers, not how "
        "well it codes (use codings of other documents)"
        for model, sums in known
        for file, own in given
        if own in sums
    ]


def verify(folder: Path, manifest: Manifest) -> None:
    """Check that the folder holds exactly what its manifest lists.

    Raises:
        ModelError: naming the first file that is missing, changed, not listed, a link, or outside the folder.
    """
    for name, listed in manifest.files.items():
        _check_listed(folder, name, listed)
    for path in _everything(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        _check_place(path)
        if name == MANIFEST or name in DOCUMENTATION:
            continue
        if name not in manifest.files:
            raise ModelError(path, "is not listed in the manifest", "remove it, or get the model again")
        listed = manifest.files[name]
        if path.stat().st_size != listed["bytes"] or sha256(path) != listed["sha256"]:
            raise ModelError(path, "was changed: it does not match its checksum", "get the model again")


def _check_listed(folder: Path, name: str, listed: Any) -> None:
    """Check one entry of the manifest's files, without reading the file."""
    path = folder / name
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name or str(pure) != name:
        raise ModelError(folder / MANIFEST, f"lists {name!r}, which is not a plain name inside the folder")
    if not isinstance(listed, dict) or set(listed) != {"sha256", "bytes"}:
        raise ModelError(folder / MANIFEST, f"lists {name!r} without size and checksum", "get the model again")
    if pure.suffix not in KINDS:
        raise ModelError(path, "is of a kind that can hold code", f"a model consists of {', '.join(KINDS)} files")
    if not path.exists() and not path.is_symlink():
        raise ModelError(path, "is missing", "get the model again")


def _everything(folder: Path) -> list[Path]:
    """Files and folders below a folder, in order, without following links."""
    found = []
    for root, folders, files in os.walk(folder, followlinks=False):
        found += [Path(root, name) for name in (*folders, *files)]
    return sorted(found)
