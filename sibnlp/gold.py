"""Codings beside predictions: which passages people coded, what they said, and what the classifier said of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sibnlp import columns as columns_of
from sibnlp import gold_notes, overlap
from sibnlp.aggregate import Counts, cluster_of, jointly
from sibnlp.codebook import Codebook
from sibnlp.quantifiers import Gold
from sibnlp.targets import targets
from sibnlp.types import CodedPassage, Passage, Predictions

SCORE = "score_"


@dataclass(frozen=True, slots=True, eq=False)
class Codings:
    """Coded passages matched with predictions.

    Attributes:
        codings: m coded passages, one a passage.
        rows: int [m], the row of the predictions; −1 for a passage of another corpus that brings its own scores.
        codes: ids of k codes; truth: float64 [m, k], 1, 0 or NaN.
        scores: float64 [m, k], what the classifier says; out of fold where the codings bring scores along.
        given: bool [m, k].
        chance: float64 [m], inclusion probability; NaN where none is known.
        notes: what was left out and why.
    """

    codings: tuple[CodedPassage, ...]
    rows: NDArray[np.int64]
    codes: tuple[str, ...]
    truth: NDArray[np.float64]
    scores: NDArray[np.float64]
    given: NDArray[np.bool_]
    chance: NDArray[np.float64]
    notes: tuple[str, ...]

    def within(self, rows: NDArray[np.int64]) -> Codings:
        """Those of some rows of the predictions (numbered anew), and those of other corpora."""
        place = np.full(max(int(self.rows.max(initial=-1)), int(rows.max(initial=-1))) + 1, -2, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        found = np.full(len(self.rows), -1, dtype=np.int64)
        found[self.rows >= 0] = place[self.rows[self.rows >= 0]]
        return self._keep(found > -2, found)

    def _keep(self, keep: NDArray[np.bool_], rows: NDArray[np.int64]) -> Codings:
        return replace(
            self,
            codings=tuple(coding for coding, kept in zip(self.codings, keep, strict=True) if kept),
            rows=rows[keep],
            truth=self.truth[keep],
            scores=self.scores[keep],
            given=self.given[keep],
            chance=self.chance[keep],
        )

    def cell(self, counts: Counts, *codes: str | None, elsewhere: bool = False, sampled: bool = False) -> Gold | None:
        """Gold of a cell: passages of the corpus that have a period, or (``elsewhere``) those of other corpora.

        Where any has an inclusion probability, only such passages take part: those picked because they looked
        promising would flatter the error rates. ``sampled`` asks for nothing but them.
        """
        if any(code is not None and code not in self.codes for code in codes):
            return None
        columns = np.array([self.codes.index(code) for code in codes if code is not None], dtype=np.int64)
        truth = jointly([self.truth[:, column] for column in columns.tolist()])
        there = self.rows >= 0
        keep = ~np.isnan(truth) & (~there if elsewhere else there)
        keep[there] &= counts.period[self.rows[there]] >= 0
        drawn = ~np.isnan(self.chance)
        if sampled or (keep & drawn).any():
            keep &= drawn
        keep &= ~np.isnan(self.scores[:, columns]).any(axis=1)
        if counts.known is not None and not elsewhere:
            own = np.array([bool(_own_scores(coding)) for coding in self.codings], dtype=np.bool_)
            trained = there & ~np.isnan(counts.known[np.maximum(self.rows, 0)]).all(axis=1)
            keep &= ~trained | own
        if not keep.any():
            return None
        place = np.full(len(counts.period), -1, dtype=np.int64)
        place[counts.rows] = np.arange(len(counts.rows))
        numbers, documents = dict(counts.clusters), dict(counts.documents)
        kept = np.flatnonzero(keep)
        # The same person elsewhere is the same person; elsewhere a document is another document.
        cluster = [numbers.setdefault(cluster_of(self.codings[i].passage), len(numbers)) for i in kept]
        document = [documents.setdefault(self.codings[i].passage.document, len(documents)) for i in kept]
        weight = np.where(drawn[kept], 1 / np.where(drawn[kept], self.chance[kept], 1.0), 1.0)
        return Gold(
            score=self.scores[np.ix_(kept, columns)].min(axis=1),
            given=np.asarray(self.given[np.ix_(kept, columns)].all(axis=1)),
            truth=truth[kept],
            cluster=np.array(cluster, dtype=np.int64),
            weight=weight,
            row=np.where(self.rows[kept] >= 0, place[np.maximum(self.rows[kept], 0)], -1),
            document=np.array(document, dtype=np.int64),
            n_clusters=len(numbers),
            sampled=bool(drawn[kept].all()) and not elsewhere,
        )


def match(
    codings: Sequence[CodedPassage], predictions: Predictions, codebooks: Sequence[Codebook], origin: str = ""
) -> Codings:
    """Match codings with predictions, by document and passage id, else by text, else by most of it.

    A passage that was cut otherwise takes the coding with which it shares three quarters of what either holds
    (`sibnlp.overlap`): how many do is in the notes. One whose text has changed since is left out: nobody knows whether
    the coding still holds. One that is not among the predictions takes part only with scores of its own (``scores`` or
    ``score_…`` columns), as error rates from elsewhere. Two codings of one passage that disagree on a code leave it
    unknown. ``origin`` is the file that the codings are from, for the notes.
    """
    defined = {code.id for book in codebooks for code in book.codes}
    foreign = sorted({code for coding in codings for code in coding.codes} - defined)
    kept = [replace(c, codes=tuple(code for code in c.codes if code in defined)) for c in codings]
    rows, outside, changed, recut = _rows(kept, predictions)
    own = [_own_scores(coding) for coding in kept]
    use = [i for i in range(len(kept)) if rows[i] >= 0 or (rows[i] == -1 and own[i])]
    codes = predictions.codes
    known = [code for code in codes if code in defined and _passage_level(code, codebooks)]
    columns = [codes.index(code) for code in known]
    truth = np.full((len(use), len(codes)), np.nan)
    if use and known:
        truth[:, columns] = targets([kept[i] for i in use], codebooks, known)
    scores, given = np.full(truth.shape, np.nan), np.zeros(truth.shape, dtype=np.bool_)
    cuts = implied_thresholds(predictions)
    for place, i in enumerate(use):
        if rows[i] >= 0:
            scores[place], given[place] = predictions.probabilities[rows[i]], predictions.assigned[rows[i]]
        for code, score in own[i].items():
            if code in codes:
                column = codes.index(code)
                scores[place, column], given[place, column] = score, score >= cuts[column]
    chance = np.array(
        [c if (c := kept[i].inclusion_probability) is not None else np.nan for i in use], dtype=np.float64
    )
    notes = []
    if recut:
        partly = sum(1 for share in recut.values() if share < 1)
        notes.append(
            f"{len(recut)} of {len(codings)} coded passages are cut or punctuated otherwise here and count for the "
            f"passage that shares at least {overlap.LEAST:.0%} of what either holds ({partly} of them less than all)."
        )
    absent = [kept[i].passage for i in outside if not own[i]]
    notes += gold_notes.left_out(
        absent,
        [kept[i].passage for i in changed],
        columns_of.documents(predictions.passages) if absent else (),
        len(codings),
    )
    if codings and not use:
        notes.append("No coding is left to correct by: figures stay as they would be without any.")
    notes += gold_notes.foreign(foreign)
    found = Codings(
        tuple(kept[i] for i in use), np.array([rows[i] for i in use], dtype=np.int64), codes, truth, scores, given,
        chance, tuple(notes),
    )  # fmt: skip
    found = _one_each(found)
    drawn = ~np.isnan(found.chance) & (found.rows >= 0)
    undrawn = [one.passage for one, there, got in zip(found.codings, found.rows >= 0, drawn, strict=True)
               if there and not got]  # fmt: skip
    return replace(
        found,
        notes=gold_notes.of_file(
            (*found.notes, *gold_notes.outside_the_sample(undrawn, int(drawn.sum()), len(codings))), origin
        ),
    )


def _passage_level(code: str, codebooks: Sequence[Codebook]) -> bool:
    return any(c.id == code and c.level == "passage" for book in codebooks for c in book.codes)


def _rows(
    codings: Sequence[CodedPassage], predictions: Predictions
) -> tuple[list[int], list[int], list[int], dict[int, float]]:
    """Row of each coding (−1 where it is not there, −2 where its text changed), which these are, and those cut anew.

    The latter with the share of text that coding and passage have in common.
    """
    # Only documents that somebody coded are gone through: of a million passages they are few.
    near = _near(predictions.passages, {coding.passage.document for coding in codings})
    by_id = {(p.document, p.id): number for number, p in near.items()}
    by_text: dict[tuple[str, str], int] = {}
    for number, p in near.items():
        key = (p.document, _plain(p.text))
        by_text[key] = -1 if key in by_text else number  # a text that comes twice names no passage
    rows: list[int] = []
    outside: list[int] = []
    changed: list[int] = []
    recut: dict[int, float] = {}
    joined = _Documents(near)
    for i, coding in enumerate(codings):
        passage = coding.passage
        row = by_id.get((passage.document, passage.id))
        if row is not None and _plain(near[row].text) == _plain(passage.text):
            rows.append(row)
            continue
        key = (passage.document, _plain(passage.text))
        if (other := by_text.get(key, -1)) >= 0:
            rows.append(other)
        elif key not in by_text and (found := joined.partner(passage)) is not None:
            recut[i] = found[1]
            rows.append(found[0])
        elif row is not None:
            rows.append(-2)
            changed.append(i)
        else:
            rows.append(-1)
            outside.append(i)
    return rows, outside, changed, recut


def _near(passages: Sequence[Passage], documents: Collection[str]) -> dict[int, Passage]:
    """The passages of some documents, by row."""
    return {row: passages[row] for row in columns_of.of_documents(passages, documents).tolist()}


class _Documents:
    """Documents of the predictions, joined as they are asked for.

    Args:
        passages: of them, by row.
    """

    def __init__(self, passages: Mapping[int, Passage]) -> None:
        self.passages = passages
        self.rows: dict[str, list[int]] = {}
        for number, passage in passages.items():
            self.rows.setdefault(passage.document, []).append(number)
        self.joined: dict[str, overlap.Joined] = {}

    def partner(self, passage: Passage) -> tuple[int, float] | None:
        """Row of the passage that shares enough with one that was coded, and how much."""
        rows = self.rows.get(passage.document, [])
        if passage.document not in self.joined:
            rows.sort(key=lambda row: self.passages[row].start)
            self.joined[passage.document] = overlap.Joined([self.passages[row].text for row in rows])
        found = self.joined[passage.document].partner(passage.text)
        return (rows[found[0]], found[1]) if found and found[1] >= overlap.LEAST else None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _own_scores(coding: CodedPassage) -> Mapping[str, float]:
    """Scores that a coding brings along: predictions of a model that has not seen it."""
    extra = dict(coding.passage.extra)
    raw = extra.get("scores")
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError:
            raw = None
    if isinstance(raw, list):
        raw = dict(raw)
    found = dict(raw) if isinstance(raw, Mapping) else {}
    found |= {name[len(SCORE) :]: value for name, value in extra.items() if name.startswith(SCORE)}
    scores = {}
    for code, value in found.items():
        try:
            scores[code] = float(value)
        except (TypeError, ValueError):
            continue
    return {code: score for code, score in scores.items() if 0 <= score <= 1}


def implied_thresholds(predictions: Predictions) -> NDArray[np.float64]:
    """Where a classifier draws the line, as far as its decisions show it: [k], the lowest score that was given.

    Rules of families may take a code away over its threshold, but never give one under it. 0.5 where none was given.
    """
    cuts = np.full(len(predictions.codes), 0.5)
    for column in range(len(cuts)):
        given = predictions.assigned[:, column]
        if given.any():
            cuts[column] = float(predictions.probabilities[given, column].min())
    return cuts


def _one_each(found: Codings) -> Codings:
    """One coding a passage: what several coders agree on; what they do not is unknown."""
    first: dict[tuple[str, str], int] = {}
    truth, chance, contested = found.truth.copy(), found.chance.copy(), 0
    keep = np.ones(len(found.codings), dtype=np.bool_)
    for i, coding in enumerate(found.codings):
        key = (coding.passage.document, coding.passage.id if found.rows[i] < 0 else str(found.rows[i]))
        j = first.setdefault(key, i)
        if j == i:
            continue
        keep[i] = False
        if np.isnan(chance[j]):  # one that was drawn stays drawn, whoever else coded it
            chance[j] = chance[i]
        differ = truth[i] != truth[j]
        both = ~np.isnan(truth[i]) & ~np.isnan(truth[j])
        contested += bool((differ & both).any())
        truth[j] = np.where(np.isnan(truth[j]), truth[i], np.where(differ & both, np.nan, truth[j]))
    notes = found.notes
    if contested:
        notes = (*notes, f"Coders disagree on {contested} passages: the codes they disagree on are unknown there.")
    return replace(found, truth=truth, chance=chance, notes=notes)._keep(keep, found.rows)


def standing_in(
    predictions: Predictions, trained_on: Sequence[CodedPassage], codebooks: Sequence[Codebook]
) -> tuple[Predictions, NDArray[np.float64] | None, list[str]]:
    """Put codings, or out-of-fold scores, in place of predictions for passages that the model was trained on.

    Returns:
        The predictions so changed; float64 [n, k] of codings that stand for a passage (None without any); and notes:
        passages of training documents that nobody coded keep a prediction that may flatter the model.
    """
    if not trained_on:
        return predictions, None, []
    found = match(trained_on, predictions, codebooks)
    probabilities, assigned = predictions.probabilities.copy(), predictions.assigned.copy()
    known = np.full(assigned.shape, np.nan)
    touched = np.zeros(len(predictions), dtype=np.bool_)
    for i, row in enumerate(found.rows.tolist()):
        if row < 0:
            continue
        touched[row] = True
        if _own_scores(found.codings[i]):
            probabilities[row], assigned[row] = found.scores[i], found.given[i]
            continue
        told = ~np.isnan(found.truth[i])
        known[row, told] = found.truth[i, told]
        probabilities[row, told], assigned[row, told] = found.truth[i, told], found.truth[i, told] == 1
    documents = {coding.passage.document for coding in trained_on}
    left = int((~touched[columns_of.of_documents(predictions.passages, documents)]).sum())
    notes = [f"{int(touched.sum())} passages the model was trained on enter by their codings or out-of-fold scores."]
    if left:
        notes.append(
            f"{left} passages of documents it was trained on are uncoded: their predictions flatter the model."
        )
    return replace(predictions, probabilities=probabilities, assigned=assigned), known, notes
