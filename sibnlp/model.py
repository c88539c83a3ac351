"""A model: a classifier, what calibrates it, where it draws the line, and what it was made of."""

from __future__ import annotations

import datetime
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sibnlp
from sibnlp.abstention import confidence
from sibnlp.calibrate import Calibration
from sibnlp.cascade import CASCADE, Cascade, is_cascade, limits, parse
from sibnlp.classifiers import CLASSIFIERS, Classifier, describe, texts_of
from sibnlp.codebook import DOMAINS, PASSAGE, Code, Codebook, Family
from sibnlp.codebook import load as load_codebook
from sibnlp.codebook import shipped as shipped_codebooks
from sibnlp.errors import CodebookError, DataError, ModelError, OutputExistsError, UnknownNameError
from sibnlp.manifest import MANIFEST, Manifest, fingerprints, read_manifest, verify
from sibnlp.targets import merge, needs
from sibnlp.types import Passage, Predictions

# Stands before a codebook in place of a model's name.
ZERO_SHOT = "zero_shot:"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A classifier ready for use; made by `sibnlp.training.train` or read by `load_model`.

    Attributes:
        classifier: gives uncalibrated probabilities.
        manifest: everything else: codes, families, calibration, thresholds, provenance.
    """

    classifier: Classifier
    manifest: Manifest

    @property
    def name(self) -> str:
        """The model's name, which stands in its predictions (the machine is a coder like any other)."""
        return self.manifest.name

    @property
    def codes(self) -> tuple[str, ...]:
        """Ids of the codes it gives."""
        return self.manifest.codes

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Probability at or over which a code is given, by code."""
        return self.manifest.thresholds

    @property
    def giver(self) -> Model:
        """The model that gives codes: this one, or the better one of a cascade."""
        base = self.classifier.base if isinstance(self.classifier, Cascade) else None
        return base.model if isinstance(base, _Scorer) else self

    @property
    def calibration(self) -> Calibration:
        """The map from the classifier's probabilities to calibrated ones."""
        parts = [self.manifest.calibration[code] for code in self.codes]
        return Calibration(tuple(p["slope"] for p in parts), tuple(p["intercept"] for p in parts))

    def predict(
        self,
        passages: Sequence[Passage],
        *,
        batch_size: int = 1024,
        min_confidence: float = 0.0,
        progress: Callable[[int], None] | None = None,
    ) -> Predictions:
        """Code passages.

        Args:
            passages: what to code; only their text is read, and what the classifier reads as its context.
            batch_size: passages handed to the classifier at once; bounds memory, changes no result.
            min_confidence: a passage gets no code of a family of whose codes the model is less sure than this (see
                `sibnlp.abstention.confidence`), and ``Predictions.abstained`` says so; 0 decides everything.
            progress: called after each batch with the number of passages in it.

        Returns:
            Predictions in the order of the passages.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}")
        parts = [np.empty((0, len(self.codes)))]
        for start in range(0, len(passages), batch_size):
            batch = passages[start : start + batch_size]
            scores = self.classifier.predict_proba(texts_of(batch, self.classifier))
            parts.append(self.calibration.apply(scores))
            if progress:
                progress(len(batch))
        # Compared as float32, the precision in which they are stored: a reader of the file gets the same codes.
        probabilities = np.concatenate(parts).astype(np.float32)
        assigned = self.assign(probabilities)
        abstained = self.unsure(probabilities, assigned, min_confidence) if min_confidence else None
        if abstained is not None:
            assigned = assigned & ~abstained
        return Predictions(tuple(passages), self.codes, probabilities, assigned, self.name, abstained)

    def unsure(
        self, probabilities: NDArray[np.float32], assigned: NDArray[np.bool_], min_confidence: float
    ) -> NDArray[np.bool_]:
        """On which codes to abstain: bool [n, k], whole families at a time.

        A family that requires another abstains with it: who cannot say whether there is a logic cannot say what stance
        is taken to it. Domains and dimensions stand on their own, as in `assign`.
        """
        unsure = np.zeros(assigned.shape, dtype=np.bool_)
        columns = {f["id"]: [self.codes.index(c) for c in f["codes"]] for f in self.manifest.families}
        for own in columns.values():
            unsure[:, own] = (confidence(probabilities[:, own], assigned[:, own]) < min_confidence)[:, None]
        for family in self.manifest.families:
            needed = columns.get(family["requires"])
            if needed and family["id"] not in DOMAINS:
                unsure[:, columns[family["id"]]] |= unsure[:, needed[:1]]
        return unsure

    def assign(self, probabilities: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Decide which codes hold: bool [n, k] of calibrated probabilities [n, k].

        A code is given at or over its threshold. In an exclusive family only the most probable of those is; a family
        that requires another gives codes only where that other does (where the model knows it), a relation only where
        two logics are. Domains and dimensions stand on their own: bound to the logics found, they would miss what the
        logics miss (measured: models/README.md).
        """
        cuts = np.array([self.thresholds[code] for code in self.codes], dtype=np.float32)
        assigned = np.asarray(probabilities >= cuts, dtype=np.bool_)
        columns = {f["id"]: [self.codes.index(c) for c in f["codes"]] for f in self.manifest.families}
        for family in self.manifest.families:
            own = columns[family["id"]]
            if not family["multiple"]:
                best = np.where(assigned[:, own], probabilities[:, own], -1.0).argmax(axis=1)
                assigned[:, own] &= np.arange(len(own)) == best[:, None]
        for family in self.manifest.families:
            needed = columns.get(family["requires"])
            if needed and family["id"] not in DOMAINS:
                enough = assigned[:, needed].sum(axis=1) >= needs(family["id"])
                assigned[:, columns[family["id"]]] &= enough[:, None]
        return assigned

    def codebooks(self) -> list[Codebook]:
        """Codebooks to read codings by: those it was trained with where they ship unchanged, else what it knows.

        The latter has families and codes, those left out of the model among them, but neither criteria nor parents.
        """
        known = {book["id"]: book["structure"] for book in self.manifest.codebooks}
        if set(known) <= set(shipped_codebooks()):
            books = [load_codebook(id) for id in known]
            if all(book.structure == known[book.id] for book in books):
                return books
        entries = [*self.manifest.families, *self.manifest.left_out_families]
        families = {
            f["id"]: Family(f["id"], multiple=f["multiple"], requires=f["requires"], level=f.get("level", PASSAGE))
            for f in entries
        }
        codes = tuple(Code(code, f["id"]) for f in entries for code in f["codes"])
        return [Codebook(self.name, self.name, tuple(families.values()), codes)]

    def check_codebook(self, codebook: Codebook) -> str | None:
        """Check that a codebook is one the model was trained for.

        Returns:
            A warning where the wording has changed since (definitions or criteria), else None.

        Raises:
            CodebookError: the model was not trained with it, or its codes or families have changed since.
        """
        known = {book["id"]: book for book in self.manifest.codebooks}
        if codebook.id not in known:
            raise CodebookError(
                codebook.id, f"model {self.name!r} was not trained with this codebook", f"it knows: {', '.join(known)}"
            )
        if codebook.structure != known[codebook.id]["structure"]:
            raise CodebookError(
                codebook.id,
                f"its codes or families differ from those model {self.name!r} was trained with "
                f"(structure {codebook.structure}, the model's {known[codebook.id]['structure']})",
                "use the codebook the model was trained with, or train a model for this one",
            )
        if codebook.wording != known[codebook.id]["wording"]:
            return (
                f"codebook {codebook.id!r}: definitions or criteria differ from those model {self.name!r} was trained "
                "with; it codes by the old ones"
            )
        return None

    def save(self, folder: Path, *, overwrite: bool = False, documents: Mapping[str, str] | None = None) -> Path:
        """Write the model as a folder; it appears complete or not at all.

        Args:
            folder: where to; must not exist, or be empty.
            overwrite: replace the model that is there.
            documents: texts that go along, by file name (``card.md``, ``NOTICE``).

        Raises:
            OutputExistsError: the folder holds something and ``overwrite`` is not set.
            ModelError: it holds something that is no model, which is never replaced.
        """
        folder = Path(folder)
        check_output(folder, overwrite=overwrite)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            new = Path(scratch, "model")
            new.mkdir()
            names = self.classifier.save(new)
            for name, text in (documents or {}).items():
                (new / name).write_text(text, encoding="utf-8")
            replace(self.manifest, files=fingerprints(new, names)).write(new)
            for path in new.rglob("*"):
                # safetensors writes files only their owner may read; a shared folder or a wheel needs more.
                path.chmod(0o755 if path.is_dir() else 0o644)
            old = Path(scratch, "old")
            if replaces := folder.exists():
                folder.rename(old)
            try:
                new.rename(folder)
            except OSError:
                if replaces:
                    old.rename(folder)
                raise
        return folder


def check_output(folder: Path, *, overwrite: bool = False) -> None:
    """Check that a model may be written to a folder: it is not there, or empty, or a model to be replaced.

    Raises:
        OutputExistsError: the folder holds something and ``overwrite`` is not set.
        ModelError: ``overwrite`` is set, but what is there is no model, so it is not the library's to delete.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise OutputExistsError(folder)
    if not (folder / MANIFEST).is_file():
        what = f"holds files but no {MANIFEST}" if folder.is_dir() else "is a file"
        raise ModelError(folder, f"{what}, so it is no model and is not replaced", "name another folder")


def available() -> dict[str, Path]:
    """Models that come with the library, by name: in the installed package, else in the checkout's ``models``."""
    package = Path(sibnlp.__file__).parent
    found: dict[str, Path] = {}
    for home in (package / "models", package.parent / "models"):
        for path in sorted(home.glob(f"*/{MANIFEST}")):
            found.setdefault(path.parent.name, path.parent)
    return found


def from_codebook(codebook: Codebook, embeddings: str | Path = "gov-fast", threshold: float = 0.995) -> Model:
    """A model of a codebook nobody has coded with: it codes by the wording alone (backend ``zero_shot``).

    Args:
        codebook: with definitions, and criteria as far as there are any.
        embeddings: a shipped model or a folder of embeddings (see `sibnlp.embeddings.load_embedder`).
        threshold: score at or over which a code is given: at 0.995, to one plain passage in two hundred. Scores are not
            probabilities (see `sibnlp.classifiers.zero_shot`).

    Raises:
        CodebookError: no code has a definition.
        DataError: there are no such embeddings.
    """
    if not any(code.definition or code.include for code in codebook.codes):
        raise CodebookError(codebook.id, "no code has a definition to code by", "write one for each code")
    families = merge([codebook])
    codes = tuple(code for family in families for code in family.codes)
    backend = CLASSIFIERS.load("zero_shot")
    settings = {"embeddings": str(available().get(str(embeddings), embeddings)), "descriptions": describe(codebook)}
    classifier: Classifier = backend(codes, settings)
    classifier.fit([], np.empty((0, len(codes))), seed=0)
    manifest = Manifest(
        name=f"{ZERO_SHOT}{codebook.id}",
        backend="zero_shot",
        sibnlp=sibnlp.__version__,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        codes=codes,
        families=tuple(
            {"id": f.id, "multiple": f.multiple, "requires": f.requires, "codes": list(f.codes)}
            for f in families
            if f.codes
        ),
        codebooks=({"id": codebook.id, "structure": codebook.structure, "wording": codebook.wording},),
        thresholds=dict.fromkeys(codes, threshold),
        calibration={code: {"slope": 1.0, "intercept": 0.0} for code in codes},
        recipe={"backend": "zero_shot", "embeddings": str(embeddings)},
        seed=0,
    )
    return Model(classifier, manifest)


def cascade(fast: Model, base: Model, margin: float, name: str) -> Model:
    """One model of two: ``fast`` decides where it is sure that no code holds, ``base`` the rest (`sibnlp.cascade`).

    Thresholds, families and codes are those of ``base``; each row is calibrated as the model that gave it.

    Args:
        fast, base: models of the same codes.
        margin: in log-odds; see `sibnlp.cascade.limits`.
        name: of the whole.

    Raises:
        DataError: they code different codes.
    """
    if sorted(fast.codes) != sorted(base.codes):
        apart = ", ".join(sorted(set(fast.codes) ^ set(base.codes)))
        raise DataError(f"{fast.name!r} and {base.name!r} code different codes: {apart}", "train both on one codebook")
    order = [fast.codes.index(code) for code in base.codes]
    first = [f for f in base.manifest.families if not f["requires"] or f["id"] in DOMAINS]
    deciding = [code for family in first for code in family["codes"]]
    classifier = Cascade(
        base.codes,
        {**base.classifier.settings, "margin": margin},
        _Scorer(fast, order),
        _Scorer(base, list(range(len(base.codes)))),
        limits(fast.thresholds, base.thresholds, base.codes, deciding, margin),
    )
    files = {
        f"{part.name}/{file}": entry for part in (fast, base) for file, entry in sorted(part.manifest.files.items())
    }
    manifest = replace(
        base.manifest,
        name=name,
        backend="cascade",
        created=max(fast.manifest.created, base.manifest.created),
        calibration={code: {"slope": 1.0, "intercept": 0.0} for code in base.codes},
        recipe={
            "backend": "cascade",
            "fast": fast.name,
            "base": base.name,
            "margin": margin,
            "manifests": [_digest(part.manifest) for part in (fast, base)],
        },
        files=files,
    )
    return Model(classifier, manifest)


def _digest(manifest: Manifest) -> str:
    """Hash of all a manifest says, calibration and thresholds among it."""
    return hashlib.sha256(json.dumps(asdict(manifest), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Scorer:
    """Calibrated probabilities by a model, its columns in another order."""

    model: Model
    order: list[int]

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        scores = self.model.calibration.apply(self.model.classifier.predict_proba(texts))
        return scores[:, self.order]


def load_model(name_or_folder: str | Path) -> Model:
    """Load a model that ships, by name, or one's own, from its folder. Executes nothing it finds there.

    ``zero_shot:CODEBOOK``, with the id of a shipped codebook or a TOML file, is a model of that codebook by its wording
    alone (see `from_codebook`). ``cascade`` is `gov-fast` where it is sure and `gov-base` for the rest (see `cascade`);
    ``cascade:FAST,BASE@MARGIN`` says which two models, and how sure.

    Raises:
        UnknownNameError: neither a shipped model nor a folder.
        ModelError: the folder is damaged, unsafe or of a newer format; names the file.
        CodebookError: after ``zero_shot:``, the file is not a valid codebook.
    """
    if str(name_or_folder).startswith(ZERO_SHOT):
        return from_codebook(load_codebook(str(name_or_folder).removeprefix(ZERO_SHOT)))
    if is_cascade(str(name_or_folder)):
        fast, base, margin = parse(str(name_or_folder))
        models = load_model(fast), load_model(base)
        return cascade(*models, margin, f"{CASCADE}:{models[0].name},{models[1].name}@{margin:g}")
    folder, shipped = Path(name_or_folder), available()
    if not (folder / MANIFEST).is_file() and str(name_or_folder) in shipped:
        folder = shipped[str(name_or_folder)]
    if not folder.exists() and len(folder.parts) == 1:
        raise UnknownNameError("model", str(name_or_folder), sorted(shipped))
    if not folder.is_dir():
        raise ModelError(folder, "is not a model folder", f"shipped models: {', '.join(sorted(shipped)) or 'none'}")
    manifest = read_manifest(folder)
    verify(folder, manifest)
    if manifest.backend not in CLASSIFIERS:
        known = ", ".join(sorted(CLASSIFIERS))
        raise ModelError(folder / MANIFEST, f"needs the backend {manifest.backend!r}", f"known: {known}")
    backend = CLASSIFIERS.load(manifest.backend)
    try:
        classifier: Classifier = backend.load(folder)
    except Exception as error:
        # Every byte is as it was saved, so this is a folder written by something else than `Model.save`.
        raise ModelError(folder, f"cannot be read as {manifest.backend}: {type(error).__name__}: {error}") from error
    if tuple(classifier.codes) != manifest.codes:
        raise ModelError(folder / MANIFEST, "lists other codes than the classifier gives", "get the model again")
    return Model(classifier, manifest)
