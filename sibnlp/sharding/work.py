"""One unit of work: read, cut into passages, classify, write a shard. The same code in every process of every runner.

What fails stays with what failed: a file that cannot be read, a passage that the model raises on, a disk that is full.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from sibnlp import corpus, places, readers
from sibnlp.errors import DataError, InputError, SibnlpError
from sibnlp.explain import explain
from sibnlp.guard import SECONDS, Guard, at_risk
from sibnlp.metadata import Metadata
from sibnlp.model import Model, load_model
from sibnlp.segmentation import SegmentSettings, each_passage
from sibnlp.sharding.store import PART, publish
from sibnlp.sharding.units import DOCUMENT, PROJECT, Done, Part, Record, Unit
from sibnlp.tables.ranges import RowReader
from sibnlp.tables.shards import Layout, ShardWriter
from sibnlp.types import Document, Passage, Predictions, Source

# Passages that the model sees together. Always the same ones of a unit, whatever the batch size and the runner: a model
# whose numbers depend on the make-up of a batch, against its contract, still gives the same rows. A unit of small files
# is about one batch: the more passages are together, the fewer words are looked up (1024 instead of 256: 40 → 23 µs a
# passage with gov-fast).
BATCH = 1024
# A text up to this many characters is cut into passages before the first is classified, so that one that cannot be cut
# leaves nothing behind; a longer one is cut as it goes, since its passages would fill the memory.
LONG = 4_000_000

# Told the number of the part that is being read; -1 while nothing is.
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with every unit.

    Attributes:
        model: name or folder of the model; empty where passages are only cut.
        segment: how documents are cut.
        known: metadata to apply.
        batch_size: passages held at a time, rounded up to whole batches of `BATCH`; changes no result.
        min_confidence, explain: see ``sibnlp classify``.
        file_timeout: seconds that a reader process may take for a file (see `sibnlp.guard`); 0 for its own default.
    """

    model: str
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    known: Metadata | None = None
    batch_size: int = 1024
    min_confidence: float = 0.0
    explain: bool = False
    file_timeout: float = 0.0

    def settings(self) -> dict[str, object]:
        """What rows depend on besides the model and the input, as plain values."""
        return {"segment": asdict(self.segment), "min_confidence": self.min_confidence, "explain": self.explain}


@dataclass(frozen=True, slots=True)
class Card:
    """What a runner says of the model it holds.

    Attributes:
        layout: of the rows it gives.
        fingerprint: hash of all that its predictions depend on.
        about: what else people should know of it (`described`).
    """

    layout: Layout
    fingerprint: str
    about: Mapping[str, object] = field(default_factory=dict)

    def must_be(self, first: Card) -> None:
        """Refuse another model than the run began with.

        Raises:
            DataError: its files were changed in between.
        """
        if self != first:
            raise DataError("the model was changed while it was in use", "run it again: it starts over")


@dataclass(slots=True)
class _Tally:
    """What becomes of a part, while it does."""

    key: str = ""
    n: int = 0
    n_coded: int = 0
    n_undecided: int = 0
    n_read: int = 0
    format: str = ""
    problems: list[str] = field(default_factory=list)
    passages: list[str] = field(default_factory=list)
    kept: bool = True


class Worker:
    """Does units, one after the other.

    Args:
        job: what to do with them.

    Raises:
        SibnlpError: the model cannot be loaded.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._model = load_model(job.model) if job.model else None
        self.card = Card(Layout("", ()), "")
        if self._model:
            layout = Layout(self._model.name, self._model.codes, bool(job.min_confidence), job.explain)
            about = described(self._model)
            self.card = Card(layout, str(about["fingerprint"]), about)
        self._rows = RowReader()
        self._guard = Guard(job.file_timeout or SECONDS)
        self._hold = max(1, -(-job.batch_size // BATCH)) * BATCH

    @property
    def model(self) -> Model:
        """The model of a job that has one."""
        assert self._model is not None
        return self._model

    def close(self) -> None:
        """End the reader process, if there is one."""
        self._guard.close()

    def do(self, unit: Unit, folder: Path, tell: Tell = lambda _: None) -> Done:
        """Do a unit and leave its shard in a folder; where none can be written, say why.

        Args:
            unit: what to do.
            folder: the work folder; shards that parts are taken over from lie there.
            tell: see `Tell`.
        """
        # Never the name of an earlier shard of the unit: what the manifest says of that one is not true of this one.
        name = f"{unit.number:08d}-{os.urandom(8).hex()}.parquet"
        part = folder / f"{name}{PART}{os.getpid()}"
        try:
            writer = ShardWriter(part, self.card.layout)
            try:
                tallies = _Stretch(self, unit, writer, folder, tell).run()
                done = Done(unit.number, name, tuple(_records(unit.parts, tallies)), tuple(writer.names))
                writer.close(done.to_json())
            except BaseException:
                with suppress(Exception):  # the first error is the one to tell
                    writer.abandon()
                raise
            publish(part, folder / name)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            problem = f"not written: {error.strerror or error}"
            return Done(unit.number, "", tuple(_unwritten(one, problem) for one in unit.parts))
        return done

    def passages(self, part: Part, tally: _Tally) -> Iterator[Passage]:
        """The passages of a part.

        Raises:
            SibnlpError: it cannot be read, or cut.
        """
        with places.as_path(part.file.place) if part.kind != "rows" else _nothing() as path:
            if path is None:
                yield from self._of_rows(part, tally)
                return
            with suppress(OSError):  # reading it says why
                tally.key = places.sha256_of(str(path))
            for document in self._documents(part, path):
                if isinstance(document, Source):
                    tally.problems.append(document.problem.replace(str(path), part.file.place))
                    continue
                try:
                    found = each_passage(
                        corpus.with_metadata(document, self.job.known, self.job.segment), self.job.segment
                    )
                    # Counted and written only if all of it can be cut.
                    yield from found if part.kind == DOCUMENT and len(document.text) > LONG else list(found)
                except SibnlpError as error:
                    tally.problems.append(f"{document.id}: {error}")
                    tally.kept = part.kind == PROJECT
                    continue
                tally.n_read += 1
                tally.format = tally.format or document.format

    def _documents(self, part: Part, path: Path) -> Iterator[Document | Source]:
        if part.kind == PROJECT:
            yield from corpus.in_project(corpus.Input(path, part.file.id), part.alone, self._guard)
        elif at_risk(path):
            yield self._guard.read(path, part.file.id)
        else:
            yield readers.read(path, part.file.id)

    def _of_rows(self, part: Part, tally: _Tally) -> Iterator[Passage]:
        assert part.rows is not None
        tally.key, tally.format = part.rows.key, "sheets"
        passages, _ = self._rows.passages(part.file.place, part.rows, part.file.id)
        document = Document(part.file.id, "", format="sheets", rows=tuple(passages))
        yield from corpus.with_metadata(document, self.job.known, self.job.segment).rows
        tally.n_read = int(part.rows.index == 0)

    def predict(self, passages: Sequence[Passage]) -> tuple[Predictions, list[tuple[int, str]]]:
        """Code a batch; where the model raises, each passage by itself.

        Returns:
            Predictions of those it could code, and which it could not, with the reason.
        """
        try:
            return self._predict(passages), []
        except Exception:  # whatever it raises, the other passages are to be coded
            parts, failed = [], []
        for number, passage in enumerate(passages):
            try:
                parts.append(self._predict([passage]))
            except Exception as error:
                failed.append((number, f"{passage.id}: the model raised {type(error).__name__}: {error}".rstrip(": ")))
        return _joined(parts, self.model), failed

    def _predict(self, passages: Sequence[Passage]) -> Predictions:
        return self.model.predict(passages, batch_size=BATCH, min_confidence=self.job.min_confidence)


class _Stretch:
    """A unit's passages on their way into its shard, held up to as many as the job says."""

    def __init__(self, worker: Worker, unit: Unit, writer: ShardWriter, folder: Path, tell: Tell) -> None:
        self.worker, self.unit, self.writer, self.folder, self.tell = worker, unit, writer, folder, tell
        self.tallies = [_Tally() for _ in unit.parts]
        self.waiting: list[tuple[int, Passage]] = []

    def run(self) -> list[_Tally]:
        for number, part in enumerate(self.unit.parts):
            tally = self.tallies[number]
            if part.problem:
                tally.problems.append(part.problem)
            elif part.taken:
                self.flush()
                self.writer.copy(self.folder / part.taken.shard, part.taken.start, part.taken.n)
            else:
                self._read(number, part, tally)
            if self.unit.careful:
                self.flush()
        self.flush()
        return self.tallies

    def _read(self, number: int, part: Part, tally: _Tally) -> None:
        self.tell(number)
        found = self.worker.passages(part, tally)
        while True:
            try:
                passage = next(found, None)
            except Exception as error:
                # A library tripping over one file must not take the run down.
                told = f"{part.file.place}: {type(error).__name__}: {error}".rstrip(": ")
                told = str(error) if isinstance(error, SibnlpError) else told
                # Of what was fetched, people know where it came from, not where the copy lay.
                tally.problems.append(
                    told.replace(error.path, part.file.place) if isinstance(error, InputError) else told
                )
                tally.kept = False
                break
            if passage is None:
                break
            self.waiting.append((number, passage))
            if len(self.waiting) >= self.worker._hold:
                self.flush()
                self.tell(number)
        self.tell(-1)

    def flush(self) -> None:
        """Classify what waits, if there is a model, and write it."""
        self.tell(-1)
        if not self.worker.job.model:
            for owner, _ in self.waiting:
                self.tallies[owner].n += 1
            self.writer.add_passages([passage for _, passage in self.waiting])
            self.waiting = []
            return
        for start in range(0, len(self.waiting), BATCH):
            batch = self.waiting[start : start + BATCH]
            predictions, failed = self.worker.predict([passage for _, passage in batch])
            for number, problem in reversed(failed):
                self.tallies[batch[number][0]].passages.insert(0, problem)
            lost = {number for number, _ in failed}
            owners = [owner for number, (owner, _) in enumerate(batch) if number not in lost]
            coded: list[bool] = np.any(predictions.assigned, axis=1).tolist()
            undecided = predictions.abstained
            unsure: list[bool] = [False] * len(coded) if undecided is None else np.any(undecided, axis=1).tolist()
            for owner, has_code, is_unsure in zip(owners, coded, unsure, strict=True):
                tally = self.tallies[owner]
                tally.n += 1
                tally.n_coded += has_code
                tally.n_undecided += is_unsure
            if owners:
                reasons = explain(predictions, self.worker.model) if self.worker.job.explain else None
                self.writer.add(predictions, reasons)
        self.waiting = []


class _nothing:  # noqa: N801 - stands where a context manager does
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def fingerprint(model: Model) -> str:
    """Hash of all that a model's predictions depend on.

    That is its manifest, which holds the hashes of its files, and what its classifier was made with.
    """
    settings = dict(model.classifier.settings)
    told: dict[str, object] = {"manifest": asdict(model.manifest), "settings": settings}
    folder = Path(str(settings.get("embeddings") or "\0"))
    with suppress(OSError, ValueError):
        told["embeddings"] = {str(p.relative_to(folder)): places.sha256_of(str(p)) for p in sorted(folder.rglob("*.*"))}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def described(model: Model) -> dict[str, object]:
    """Which model it is, for the record of a run: name, classifier, age, `fingerprint`, and those of its codebooks."""
    own = model.manifest
    return {
        "name": model.name,
        "backend": own.backend,
        "sibnlp": own.sibnlp,
        "created": own.created,
        "fingerprint": fingerprint(model),
        "codebooks": [dict(book) for book in own.codebooks],
    }


def _records(parts: Sequence[Part], tallies: Sequence[_Tally]) -> Iterator[Record]:
    at = 0
    for part, tally in zip(parts, tallies, strict=True):
        if part.taken:
            record = replace(part.taken.record, start=at)
        else:
            record = Record(
                part.name,
                tally.key,
                part.known,
                at,
                tally.n,
                tally.n_coded,
                tally.n_undecided,
                tally.n_read,
                tally.format,
                tuple(tally.problems),
                tuple(tally.passages),
                tally.kept,
            )
        at += record.n
        yield record


def _unwritten(part: Part, problem: str) -> Record:
    return Record(part.name, known=part.known, problems=(f"{part.file.place}: {part.problem or problem}",))


def _joined(parts: Sequence[Predictions], model: Model) -> Predictions:
    k = len(model.codes)
    unsure = [one.abstained for one in parts if one.abstained is not None]
    return Predictions(
        tuple(passage for one in parts for passage in one.passages),
        model.codes,
        np.concatenate([np.empty((0, k), np.float32), *(one.probabilities for one in parts)]),
        np.concatenate([np.empty((0, k), np.bool_), *(one.assigned for one in parts)]),
        model.name,
        np.concatenate(unsure) if unsure else None,
    )
