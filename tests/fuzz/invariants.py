"""What must hold of anything that a reader, the segmentation or an importer gives, whatever it was fed."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import sibnlp
from sibnlp.exchange.project import Project
from sibnlp.segmentation import CLASSIFY, SegmentSettings, segment
from sibnlp.types import Document, Passage

PACKAGE = str(Path(sibnlp.__file__).parent)


def check_document(document: Document) -> None:
    """A document keeps its promises: LF alone, spans inside the text and in order, rows where they say they are."""
    text = document.text
    assert text.strip(), "a document without text"
    assert "\r" not in text, "a carriage return in the text of record"
    assert not text.startswith("\ufeff"), "a byte order mark in the text of record"
    assert all(0 <= turn.start <= turn.end <= len(text) for turn in document.turns), "a turn outside the text"
    assert all(one.end <= other.start for one, other in pairwise(document.turns)), "turns that overlap"
    assert all(0 <= mark.start < mark.end <= len(text) for mark in document.marks), "a mark outside the text, or empty"
    assert all(one.start <= other.start for one, other in pairwise(document.marks)), "marks out of order"
    assert all(dropped.count > 0 for dropped in document.dropped), "something left out no times"
    if document.rows:
        assert text == "\n\n".join(row.text for row in document.rows), "rows that are not the text of record"
        assert len({row.id for row in document.rows}) == len(document.rows), "two rows with one id"


def check_passages(document: Document, settings: SegmentSettings | None = None) -> None:
    """Passages are exact, in order, bounded, inside their turns; with everybody classified, no word is lost."""
    settings = settings or SegmentSettings(interviewer=CLASSIFY)
    passages = segment(document, settings)
    assert passages == segment(document, settings), "segmentation that is not deterministic"
    if document.rows:
        assert passages == list(document.rows)
        return
    text = document.text
    by_turns = bool(document.turns)
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text, "a passage that is not at its place"
        assert passage.text == passage.text.strip() and passage.text, "white space around a passage"
        assert passage.n_words <= settings.max_words, "a passage that is too long"
        assert passage.document == document.id
        assert passage.id == f"{document.id}:{passage.start}-{passage.end}"
        inside = any(t.start <= passage.start and passage.end <= t.end for t in document.turns)
        assert inside or not by_turns, "a passage that crosses a turn"
    assert all(one.end <= other.start for one, other in pairwise(passages)), "passages that overlap, or out of order"
    if settings.interviewer == CLASSIFY:
        _check_nothing_lost(document, passages)


def _check_nothing_lost(document: Document, passages: list[Passage]) -> None:
    """Every letter and digit of a turn (of the whole text where nobody speaks) is in a passage or in a heading."""
    text = document.text
    kept = bytearray(len(text))
    for one in [*passages, *(mark for mark in document.marks if mark.kind == "heading")]:
        kept[one.start : one.end] = b"\1" * (one.end - one.start)
    for start, end in [(turn.start, turn.end) for turn in document.turns] or [(0, len(text))]:
        lost = [at for at in range(start, end) if text[at].isalnum() and not kept[at]]
        assert not lost, f"{len(lost)} letters in no passage, the first at {lost[0]}: {text[lost[0] :][:40]!r}"


def check_project(project: Project) -> None:
    """A coded project keeps its promises: selections inside their texts, ids of codes and coders that exist."""
    codes = {code.id for code in project.codes}
    assert len(codes) == len(project.codes), "two codes with one id"
    documents = {document.id for document in project.documents}
    assert len(documents) == len(project.documents), "two documents with one id"
    for document in project.documents:
        assert "\r" not in document.text, "a carriage return in the text of record"
        starts = [selection.start for selection in document.selections]
        assert starts == sorted(starts), "selections out of order"
        for selection in document.selections:
            assert 0 <= selection.start < selection.end <= len(document.text), "a selection outside its text, or empty"
            assert {coding.code for coding in selection.codings} <= codes, "a coding with a code that is not there"
    for problem in project.problems:
        assert "\n" not in str(problem).split("Candidates:")[0], "a problem of several lines"


def check_error(error: Exception) -> None:
    """A refusal is one line, and not our own code that tripped: only libraries may, and are named then.

    Raises:
        Exception: the error that our own code raised unawares.
    """
    said = str(error)
    assert said.strip(), "an error that says nothing"
    cause = error.__cause__
    if cause is None or not re.search(r"cannot be read as \w+: \w+", said):
        return
    trace = cause.__traceback__
    if trace is None:
        return
    while trace.tb_next:
        trace = trace.tb_next
    if trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
        raise cause
