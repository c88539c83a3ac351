"""From a document to passages: speaker turns, the interviewer apart, bounded length, exact spans.

The policy, in order:

1. A passage never crosses a speaker turn, a heading, or from a table or footnote into running text.
2. Blank lines bound blocks. A block of at most ``max_words`` words is one passage.
3. A longer block is cut between sentences into parts of about equal length; a sentence longer than ``max_words``
   (speech without punctuation) is cut between words.
4. Neighbouring blocks are joined while one of them is shorter than ``min_words`` and the whole stays within
   ``max_words``: a list item or a "Yes, exactly." is rarely a passage of its own.
5. The interviewer's turns are kept apart: each passage carries the question before it as ``context``.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sibnlp.sentences import sentences
from sibnlp.speech import turns as turn_finding
from sibnlp.types import DOCUMENT, INTERVIEW, Document, Dropped, Mark, Passage, Speaker, is_spoken, passage_id

# What to do with the interviewer's turns.
CONTEXT, CLASSIFY, DROP = "context", "classify", "drop"

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_WORD = re.compile(r"\S+")
# Blocks of these kinds join only their like: a table row is no continuation of a sentence.
_APART = ("table", "footnote", "comment")
# A line between two turns with more words than this is no speaker label or time stamp.
_LABEL_WORDS = 8


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How documents are cut into passages.

    Attributes:
        max_words: longest passage, in white-space separated words.
        min_words: a shorter block is joined to its neighbour where rule 4 allows.
        interviewer: ``context`` (default), ``classify`` (the interviewer is data like everybody) or ``drop``.
        interviewers: labels of those who ask; found by `sibnlp.speech.turns.interviewers` where empty.
    """

    max_words: int = 120
    min_words: int = 15
    interviewer: str = CONTEXT
    interviewers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.min_words <= self.max_words:
            raise ValueError(f"min_words ({self.min_words}) must be between 1 and max_words ({self.max_words})")
        if self.interviewer not in (CONTEXT, CLASSIFY, DROP):
            raise ValueError(f"interviewer is {self.interviewer!r}, not one of {CONTEXT}, {CLASSIFY}, {DROP}")


def kind_of(document: Document) -> str:
    """The document's kind: as given, else ``interview`` where somebody speaks, else ``document``."""
    return document.kind or (INTERVIEW if document.turns or document.format == "captions" else DOCUMENT)


def interviewers_of(document: Document, settings: SegmentSettings | None = None) -> frozenset[str]:
    """Labels of those who ask in a document; nobody asks in a policy document."""
    if not is_spoken(kind_of(document)):
        return frozenset()
    names = settings.interviewers if settings else ()
    return turn_finding.interviewers(document.text, document.turns, names)


def segment(document: Document, settings: SegmentSettings | None = None) -> list[Passage]:
    """Cut a document into passages.

    Args:
        document: as a reader gives it, with metadata applied.
        settings: the policy; the defaults of `SegmentSettings` where None.

    Returns:
        Passages in order of start, not overlapping, each with ``document.text[start:end] == text``. Stretches without a
        letter or digit, speaker labels, headings (kept as ``heading`` of what follows) and text outside all turns of
        an interview are in none. A document with ``rows`` gives those.
    """
    return list(each_passage(document, settings))


def each_passage(document: Document, settings: SegmentSettings | None = None) -> Iterator[Passage]:
    """The passages of `segment` one by one: those of a large document need not be in memory together."""
    return iter(document.rows) if document.rows else _passages(document, settings or SegmentSettings())


def _passages(document: Document, settings: SegmentSettings) -> Iterator[Passage]:
    asking = interviewers_of(document, settings) if settings.interviewer != CLASSIFY else frozenset()
    speakers = {speaker.label: speaker for speaker in document.speakers}
    finder = _Provenance(document.marks)
    kind = kind_of(document)
    questions: list[str] = []
    answered = False
    for start, end, label in _regions(document):
        if label in asking:
            if answered:
                questions, answered = [], False
            questions.append(document.text[start:end].strip())
            continue
        answered = True
        who = speakers.get(label or "", Speaker(label, label) if label else None)
        context = " ".join(questions) if settings.interviewer == CONTEXT else ""
        for first, last in _cut(document.text, finder.pieces(document.text, start, end), settings):
            heading, page, time = finder.standing(first, document.text)
            # Made anew: dataclasses.replace takes three times as long.
            yield Passage(
                id=passage_id(document.id, first, last),
                document=document.id,
                start=first,
                end=last,
                text=document.text[first:last],
                speaker=label,
                actor=who.actor if who else None,
                role=who.role if who else None,
                context=context,
                heading=heading,
                page=page,
                time=time,
                stage=document.stage,
                date=document.date,
                kind=kind,
                extra=document.metadata,
            )


def outside_turns(document: Document) -> Dropped | None:
    """Lines of an interview that nobody speaks and that are no label: title pages, notes of the typist.

    Returns:
        What no passage holds, counted in lines; None where nothing is left out.
    """
    if not _by_turns(document):
        return None
    bounds = [0, *(at for turn in document.turns for at in (turn.start, turn.end)), len(document.text)]
    gaps = (document.text[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True))
    lines = [line.strip() for gap in gaps for line in gap.splitlines() if len(line.split()) > _LABEL_WORDS]
    return Dropped("lines outside any speaker's turn", len(lines), lines[0][:80]) if lines else None


def _by_turns(document: Document) -> bool:
    """Whether turns bound the passages: in speech, but not in minutes that quote a speaker here and there."""
    return bool(document.turns) and (is_spoken(kind_of(document)) or document.format == "captions")


def _regions(document: Document) -> Iterable[tuple[int, int, str | None]]:
    if not _by_turns(document):
        return [(0, len(document.text), None)]
    return [(turn.start, turn.end, turn.speaker) for turn in document.turns]


class _Provenance:
    """Where in its source a position stands: heading, page, time; and the blocks between headings."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        marks = sorted(marks, key=lambda mark: (mark.start, mark.end))
        self._by_kind: dict[str, list[Mark]] = {}
        for mark in marks:
            self._by_kind.setdefault(mark.kind, []).append(mark)
        self._starts = {kind: [mark.start for mark in found] for kind, found in self._by_kind.items()}
        self._ends = {kind: [mark.end for mark in found] for kind, found in self._by_kind.items()}
        self._typing = [kind for kind in (*_APART, "list_item") if kind in self._by_kind]

    def _before(self, kind: str, position: int) -> Mark | None:
        starts = self._starts.get(kind)
        index = bisect_right(starts, position) if starts else 0
        return self._by_kind[kind][index - 1] if index else None

    def standing(self, position: int, text: str) -> tuple[str, int | None, str | None]:
        """Heading, page and time of a position."""
        if not self._by_kind:  # most plain texts
            return "", None, None
        heading, page, time = (self._before(kind, position) for kind in ("heading", "page", "time"))
        return (
            text[heading.start : heading.end].strip("# \n\t=-*") if heading else "",
            int(page.value) if page and page.value.isdigit() else None,
            time.value if time else None,
        )

    def pieces(self, text: str, start: int, end: int) -> list[list[tuple[int, int, str]]]:
        """Sections (between headings) of blocks ``(start, end, kind)`` inside a region, headings left out."""
        sections: list[list[tuple[int, int, str]]] = [[]]
        at = start
        first = bisect_left(self._starts.get("heading", []), start)
        for mark in self._by_kind.get("heading", [])[first:]:
            if mark.start >= end:
                break
            if mark.end <= end and mark.start >= at:
                sections[-1] += self._blocks(text, at, mark.start)
                sections.append([])
                at = mark.end
        sections[-1] += self._blocks(text, at, end)
        return [section for section in sections if section]

    def _blocks(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        at = start
        for gap in _BLANK_LINES.finditer(text, start, end):
            if block := self._typed(text, at, gap.start()):
                yield block
            at = gap.end()
        if block := self._typed(text, at, end):
            yield block

    def _typed(self, text: str, start: int, end: int) -> tuple[int, int, str] | None:
        piece = text[start:end]
        bare = piece.strip()
        # Nearly every block opens with a letter.
        if not bare or not (bare[0].isalnum() or any(map(str.isalnum, bare))):
            return None
        start += len(piece) - len(piece.lstrip())
        end = start + len(bare)
        for kind in self._typing:
            # The last mark that starts before the block ends reaches into the block, or none of this kind does.
            index = bisect_right(self._starts[kind], end - 1)
            if index and self._ends[kind][index - 1] > start:
                return start, end, kind
        return start, end, ""


def _cut(text: str, sections: list[list[tuple[int, int, str]]], settings: SegmentSettings) -> Iterator[tuple[int, int]]:
    """Spans of the passages of one region."""
    max_words = settings.max_words
    # Counting words takes as long as all else: it is left where a block's length, or that it has a word, says enough.
    joins = settings.min_words > 1
    for section in sections:
        joined: list[tuple[int, int, str, int]] = []
        for start, end, kind in section:
            n_words = _count(text, start, end) if joins else -1
            if joins and joined:
                first, _, before, so_far = joined[-1]
                alike = kind == before or (kind not in _APART and before not in _APART)
                short = min(n_words, so_far) < settings.min_words
                if alike and short and so_far + n_words <= max_words:
                    # Rules of dashes and the like between the two are in no block, but in the passage.
                    whole = _count(text, first, end)
                    if whole <= max_words:
                        joined[-1] = (first, end, kind, whole)
                        continue
            joined.append((start, end, kind, n_words))
        for start, end, _, n_words in joined:
            # n words take at least 2 n - 1 characters.
            if n_words < 0 and end - start >= 2 * max_words:
                n_words = _count(text, start, end)
            if n_words <= max_words:
                yield start, end
            else:
                yield from _split(text, start, end, n_words, max_words)


def _split(text: str, start: int, end: int, n_words: int, max_words: int) -> Iterator[tuple[int, int]]:
    """Cut a long block between sentences into parts of about equal length."""
    target = n_words / math.ceil(n_words / max_words)
    first = last = start
    filled = 0
    for begin, finish in _short_sentences(text, start, end, max_words):
        size = _count(text, begin, finish)
        # Close before a sentence that would overfill, or whose larger half would lie beyond the even share.
        if filled and (filled + size > max_words or filled + size / 2 > target):
            yield first, last
            first, filled = begin, 0
        last, filled = finish, filled + size
    if filled:
        yield first, last


def _short_sentences(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    for begin, finish in sentences(text[start:end]):
        begin, finish = begin + start, finish + start
        if _count(text, begin, finish) <= max_words:
            yield begin, finish
            continue
        words = [match.span() for match in _WORD.finditer(text, begin, finish)]
        n_parts = math.ceil(len(words) / max_words)
        bounds = [round(i * len(words) / n_parts) for i in range(n_parts + 1)]
        for one, next_one in pairwise(bounds):
            yield words[one][0], words[next_one - 1][1]


def _count(text: str, start: int, end: int) -> int:
    return len(text[start:end].split())
