"""The way of the data, end to end: files → documents → passages → predictions → trajectories → report."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sibnlp import codebook as codebooks_module
from sibnlp import metadata, periods
from sibnlp.aggregate import Counts
from sibnlp.codebook import Codebook, Framework, framework
from sibnlp.columns import grouped, subset
from sibnlp.corpus import Progress, collect, find_documents
from sibnlp.errors import DataError
from sibnlp.exemplars import exemplars
from sibnlp.explain import is_exact, leading_words
from sibnlp.follow import Ground, brackets, follow_on
from sibnlp.gold import match, standing_in
from sibnlp.model import Model
from sibnlp.project import Drift, Settings, Stage
from sibnlp.segmentation import SegmentSettings
from sibnlp.types import (
    DOCUMENT,
    INTERVIEW,
    CodedPassage,
    Exemplar,
    Passage,
    Predictions,
    Report,
    Source,
    Trajectory,
    is_spoken,
)


def classify(
    passages: Sequence[Passage],
    model: Model,
    *,
    batch_size: int = 1024,
    min_confidence: float = 0.0,
    progress: Progress | None = None,
) -> Predictions:
    """Code passages with a model.

    Args:
        passages: n passages.
        model: from `sibnlp.load_model`.
        batch_size: passages at a time; the result does not depend on it.
        min_confidence: abstain where the model is less sure (see `sibnlp.Model.predict`).
        progress: told of each batch.
    """
    done = 0

    def step(n: int) -> None:
        nonlocal done
        done += n
        if progress:
            progress("classifying", done, len(passages))

    return model.predict(passages, batch_size=batch_size, min_confidence=min_confidence, progress=step)


def track(
    predictions: Predictions,
    codebooks: Sequence[str | Codebook] = ("osborne", "oflynn"),
    *,
    drift: Drift | None = None,
    stages: Sequence[Stage] = (),
    title: str = "Governance logics",
    sources: Sequence[Source] = (),
    provenance: dict[str, str] | None = None,
    warnings: Sequence[str] = (),
    gold: Sequence[CodedPassage] = (),
    trained_on: Sequence[CodedPassage] = (),
    gold_file: str = "",
) -> Report:
    """Aggregate predictions into trajectories, one per codebook.

    Interviews and documents are never pooled: where both occur, the trajectories are over interviews and
    ``Report.documents`` holds those over documents.

    Args:
        predictions: of a model, or codings by people.
        codebooks: shipped ids, files or codebooks; one that shares no logic with the predictions is left out with a
            warning, unless it is the only one.
        drift: period, denominator, quantifier and level.
        stages: names and order of stages.
        title, sources, provenance, warnings: carried into the report.
        gold: codings by people to correct the figures by; a probability sample where they have inclusion probabilities.
        trained_on: what the model learnt from: its codings, or the out-of-fold scores they bring along, stand in for
            predictions the model makes of its own schoolbooks.
        gold_file: where ``gold`` is from, for messages.

    Raises:
        DataError: nothing to count, or no passage has a period.
    """
    drift = drift or Drift()
    if not len(predictions):
        raise DataError("there are no passages to follow")
    books = [book if isinstance(book, Codebook) else codebooks_module.load(book) for book in codebooks]
    frames, told = _frames(books, predictions)
    notes = [*warnings, *told]
    predictions, known, told = standing_in(predictions, trained_on, books)
    coded = match(gold, predictions, books, gold_file) if gold else None
    notes += [*told, *(coded.notes if coded else ())]
    if coded and not len(coded.codings):
        coded = None
    found_periods = drift.period == periods.AUTO
    if found_periods:
        predictions, said = brackets(predictions, frames, drift, _scopes(predictions)[0], coded)
        notes.append(said)
        drift, stages = replace(drift, period=periods.STAGE), ()
    scopes = _scopes(predictions)

    laid_out: dict[int, Counts] = {}

    def trajectories(number: int) -> tuple[Trajectory, ...]:
        name, part, rows = scopes[number]
        inside = coded.within(rows) if coded else None
        stands = known[rows] if known is not None else None
        ground = Ground(part, drift, stages, inside, stands, sources)
        laid_out[number] = ground.counts
        return tuple(follow_on(ground, frame, name, found_periods) for frame in frames)

    main_trajectories = trajectories(0)
    documents: tuple[Trajectory, ...] = ()
    if len(scopes) > 1:
        try:
            documents = trajectories(1)
        except DataError as error:
            notes.append(f"Documents are not followed: {error}.")
    shown: list[Exemplar] = []
    for number, counts in laid_out.items():
        rows = scopes[number][2]
        shown += [replace(found, row=int(rows[found.row])) for frame in frames for found in exemplars(counts, frame)]
    names = {stage.id: stage.name for stage in stages if stage.name}
    for book in books:
        names |= {book.id: book.name} | {code.id: code.name for code in book.codes if code.name}
    return Report(
        title=title,
        trajectories=main_trajectories,
        documents=documents,
        predictions=predictions,
        exemplars=tuple(shown),
        sources=tuple(sources),
        names=names,
        provenance={**(provenance or {}), **_fingerprints(books)},
        warnings=tuple(notes),
    )


def _frames(books: Sequence[Codebook], predictions: Predictions) -> tuple[list[Framework], list[str]]:
    """Codebooks to follow: those that share a logic with the predictions, or all where none does; and what to say."""
    if len({book.id for book in books}) < len(books):
        raise DataError("two codebooks have the same id", "rename one: reports are told apart by it")
    frames = [framework(book) for book in books]
    fitting = [frame for frame in frames if set(frame.logics) & set(predictions.codes)]
    left_out = [frame.codebook.id for frame in frames if frame not in fitting]
    if left_out and fitting:
        return fitting, [f"Not followed, since the predictions hold none of its codes: {', '.join(left_out)}."]
    return fitting or frames, []


def _scopes(predictions: Predictions) -> list[tuple[str, Predictions, NDArray[np.int64]]]:
    """Passages of interviews and of documents apart, with their rows; one scope where one kind or none is known."""
    number, first = grouped(predictions.passages, "kind")
    kinds = [predictions.passages[row].kind for row in first.tolist()]
    spoken = np.array([is_spoken(kind) for kind in kinds], dtype=np.bool_)[number]
    everything = np.arange(len(predictions))
    if spoken.all():
        return [(INTERVIEW, predictions, everything)]
    if not spoken.any():
        return [(DOCUMENT if all(kinds) else "all", predictions, everything)]
    return [
        (INTERVIEW, subset(predictions, everything[spoken]), everything[spoken]),
        (DOCUMENT, subset(predictions, everything[~spoken]), everything[~spoken]),
    ]


def _fingerprints(books: Sequence[Codebook]) -> dict[str, str]:
    return {
        f"codebook {book.id}": f"version {book.version or '–'}, structure {book.structure}, wording {book.wording}"
        for book in books
    }


def run(
    settings: Settings,
    model: Model,
    progress: Progress | None = None,
    gold: Sequence[CodedPassage] = (),
    trained_on: Sequence[CodedPassage] = (),
    *,
    min_confidence: float = 0.0,
) -> Report:
    """The main job: a project's documents in, a report out.

    Args:
        settings: of the project.
        model: classifier to code with.
        progress: told of files read and passages classified.
        gold, trained_on: see `track`.
        min_confidence: abstain where the model is less sure; such passages are in no share of the family's codes.

    Raises:
        ProjectError: no documents, or metadata that do not fit them.
        ModelError: the model was made for other codebooks.
        DataError: no passages at all, or none with a stage or date.
    """
    from sibnlp import __version__

    inputs = find_documents(settings)
    known = metadata.gather(settings, [one.id for one in inputs])
    books = [_codebook(settings, name) for name in settings.model.codebooks]
    warnings = [warning for book in books if (warning := model.check_codebook(book))]
    if model.manifest.backend == "zero_shot" and not model.manifest.cross_validation:
        warnings.append(
            "Coded by the codebook's wording alone: scores are no probabilities, and how often a code is given depends "
            "on where the line was drawn. Compare periods with care, and code a sample."
        )
    cut = settings.segment
    corpus = collect(
        inputs, SegmentSettings(cut.max_words, cut.min_words, cut.interviewer, cut.interviewers), known, progress
    )
    if not corpus.passages:
        problems = "; ".join(source.problem for source in corpus.failed[:3])
        raise DataError(f"none of {len(inputs)} files gave a passage", problems)
    labels = [label for source in corpus.sources for label in (*source.speakers, *source.interviewers)]
    strangers = known.unknown_labels(labels)
    if strangers:
        warnings.append(f"Metadata name speakers that nobody in the documents is: {', '.join(strangers)}.")
    predictions = classify(corpus.passages, model, min_confidence=min_confidence, progress=progress)
    provenance = {
        "model": predictions.model,
        "sibnlp": f"{__version__} on Python {platform.python_version()}",
        "documents": (settings.root / settings.documents.folder).resolve().name,
        "passages": f"up to {cut.max_words} words, blocks under {cut.min_words} joined, interviewer {cut.interviewer}",
        "prevalence": f"{settings.drift.quantifier or 'best'} quantifier, share of {settings.drift.denominator} by "
        f"{settings.drift.weight}, {settings.drift.level:.0%} intervals over actors",
    }
    if min_confidence:
        provenance["abstention"] = f"below a confidence of {min_confidence:g} in a family"
    report = track(
        predictions,
        books,
        drift=settings.drift,
        stages=settings.stage,
        title=settings.title,
        sources=corpus.sources,
        provenance=provenance,
        warnings=warnings,
        gold=gold,
        trained_on=trained_on,
        gold_file=settings.drift.gold if gold else "",
    )
    # Occlusion would take as many classifications as there are words: it is left to `sibnlp classify --explain`.
    return replace(report, reasons=leading_words(predictions, model)) if is_exact(model) else report


def _codebook(settings: Settings, name: str) -> Codebook:
    own = settings.root / name
    return codebooks_module.load(own if own.is_file() else name)
