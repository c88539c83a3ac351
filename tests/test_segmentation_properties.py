"""Segmentation of any document: exact, in order, bounded, inside turns and headings, and nothing is lost."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.segmentation import CLASSIFY, CONTEXT, DROP, SegmentSettings, outside_turns, segment
from sibnlp.sentences import sentences
from sibnlp.types import Document, Mark, Turn
from tests.fuzz.invariants import check_passages

PIECES = (
    "word", "Yes.", "–", "- - -", "one two three", "“Quoted,” he said.", "e.g.", "a\u0301", "🙂", "=====", "1.5", "…",
    "\u200b", "x" * 30,
)  # fmt: skip
GAPS = (" ", "\n", "\n\n", "\n \n", "\t", "\u00a0", "\x0b", "\x0c", "\u2028", "\u2029", "\x85", "  ", "\x1c")
TEXT = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GAPS)), min_size=1, max_size=60).map(
    lambda pairs: "".join(piece + gap for piece, gap in pairs)
)
SETTINGS = st.tuples(st.integers(1, 12), st.integers(1, 30), st.sampled_from((CLASSIFY, CONTEXT, DROP))).map(
    lambda drawn: SegmentSettings(min_words=min(drawn[:2]), max_words=max(drawn[:2]), interviewer=drawn[2])
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A text with turns that do not overlap and marks that may, as readers give them."""
    text = draw(TEXT | st.text(max_size=200).filter(lambda text: "\r" not in text))
    places = st.integers(0, len(text))
    bounds = sorted(draw(st.lists(places, max_size=8)))
    labels = st.sampled_from(["Anna", "Interviewer", None])
    turns = tuple(Turn(a, b, draw(labels)) for a, b in zip(bounds[::2], bounds[1::2], strict=False))
    spans = draw(st.lists(st.tuples(places, places), max_size=6))
    kinds = st.sampled_from(["heading", "table", "list_item", "footnote", "page", "time"])
    marks = [Mark(min(one), max(one), draw(kinds), draw(st.sampled_from(["1", "x", "00:01:02"]))) for one in spans]
    marks = [mark for mark in marks if mark.start < mark.end]
    return Document("d", text, turns=turns, marks=tuple(sorted(marks, key=lambda mark: (mark.start, -mark.end))))


@settings(max_examples=250)
@given(documents(), SETTINGS)
def test_passages_keep_every_promise(document: Document, how: SegmentSettings) -> None:
    check_passages(document, how)
    outside_turns(document)


@settings(max_examples=100)
@given(documents())
def test_what_is_kept_does_not_depend_on_how_long_passages_are(document: Document) -> None:
    def letters(how: SegmentSettings) -> str:
        return "".join(c for passage in segment(document, how) for c in passage.text if c.isalnum())

    assert letters(SegmentSettings(3, 1, CLASSIFY)) == letters(SegmentSettings(500, 1, CLASSIFY))


@settings(max_examples=150)
@given(TEXT | st.text(max_size=300))
def test_sentences_lose_no_character(text: str) -> None:
    spans = sentences(text)
    assert all(a < b for a, b in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    covered = "".join(text[a:b] for a, b in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert sentences(text) == spans
