"""From a coded project to coded passages: what `train`, `evaluate`, `agree` and `drift` work on.

People mark free spans; models code passages. A document is cut into passages as everywhere (`sibnlp.segmentation`), and
a passage carries a code of a coder if one of the coder's codings covers at least half of the passage, or half of the
coding lies in it; a coding that is cut so that neither holds goes to the passage that has most of it.

Uncoded is not negative. A passage without a code is a row only inside the extent that its coder read: as recorded in
the file, as the user says (`Options.extent`), or inferred, from the coder's first to last coding in each document, and
said so. Families that a coder never used are taken as not read for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sibnlp.codebook import Codebook
from sibnlp.errors import TableError
from sibnlp.exchange import Codings, Options
from sibnlp.exchange.codebooks import Match, looks_flat, match, own
from sibnlp.exchange.documents import document_names, documents
from sibnlp.exchange.extents import EXTENTS, Span, choose, spans_read
from sibnlp.exchange.project import Coder, Project, ProjectDocument
from sibnlp.segmentation import SegmentSettings, segment
from sibnlp.types import CodedPassage, Passage, Predictions


@dataclass(frozen=True, slots=True)
class _Given:
    """A coding as far as passages care."""

    coder: str
    code: str
    start: int
    end: int


def codings(project: Project, path: Path, codebooks: Sequence[Codebook], options: Options) -> Codings:
    """Coded passages of a project, a row for each coder and passage he read.

    Args:
        project: as `sibnlp.exchange.load` gives it.
        path: its file, for messages.
        codebooks: to read the codes by; the project's own where none.
        options: what the file does not say.

    Raises:
        TableError: no coding with a code of the codebooks, no coder of the names asked for, or a wrong option.
    """
    if options.extent and options.extent not in EXTENTS:
        raise TableError(options.flag("extent"), f"{options.extent!r} is none", f"known: {', '.join(EXTENTS)}")
    book, matched = own(project) if not codebooks else (None, match(project, codebooks))
    family = {code.id: code.family for one in (codebooks or [book] if book else codebooks) for code in one.codes}
    project = choose(project, options)
    coders, counts = _coders(project), _Counts()
    texts, said = documents(project, options, path)
    named = document_names(project, path)
    own_documents = {named[one.id]: one for one in project.documents}
    given = {text.id: _given(own_documents[text.id], matched, coders, counts) for text in texts}
    used = {id: {family[g.code] for marks in given.values() for g in marks if g.coder == id} for id in coders}
    rows: list[CodedPassage] = []
    for text in texts:
        own_document = own_documents[text.id]
        extents = _extents(own_document, given[text.id], used, project, options, counts)
        reading = {id: (read, _families(read, matched, used[id])) for id, read in extents.items()}
        rows += _rows(segment(text, SegmentSettings()), given[text.id], reading, coders, counts)
    if not counts.kept:
        raise _nothing(project, path, codebooks, counts)
    notes = [*map(str, project.problems), *said, *_told(project, matched, counts, coders, options)]
    failed = any(problem.failed for problem in project.problems)
    return Codings(rows, book, tuple(notes), failed, project)


def _coders(project: Project) -> dict[str, Coder]:
    """All coders by id; codings of nobody's are one coder's."""
    known = {coder.id: coder for coder in project.coders}
    for placed in project.placed():
        known.setdefault(placed.coding.coder, Coder(placed.coding.coder, ""))
    return known


class _Counts:
    """What happened to codings, and how much each coder read.

    Attributes:
        kept, in_no_passage, left_out, whole_document: numbers of codings.
        words: by name of the coder, words read and words of all documents he read anything of.
        inferred: whether what was read is only inferred.
    """

    def __init__(self) -> None:
        self.kept = self.in_no_passage = self.left_out = self.whole_document = 0
        self.words: dict[str, list[int]] = {}
        self.documents: dict[str, set[str]] = {}
        self.inferred = False

    def add(self, coder: str, passage: Passage, is_read: bool) -> None:
        """Count a passage that a coder read, or did not."""
        words = self.words.setdefault(coder, [0, 0])
        words[0] += passage.n_words * is_read
        words[1] += passage.n_words
        self.documents.setdefault(coder, set()).add(passage.document)

    def share(self, coder: str) -> str:
        """How much a coder read, in words."""
        read, all_ = self.words[coder]
        n = len(self.documents[coder])
        return f"{coder or 'the coder'} {read / max(all_, 1):.0%} of {n} document{'s' * (n != 1)}"


def _given(document: ProjectDocument, matched: Match, coders: Mapping[str, Coder], counts: _Counts) -> list[_Given]:
    counts.whole_document += len(document.codings)
    found = []
    for selection in document.selections:
        start, end = _trimmed(document.text, selection.start, selection.end)
        for coding in selection.codings:
            if coding.coder not in coders:
                continue
            code = matched.codes.get(coding.code)
            if code is None:
                counts.left_out += 1
            elif start < end:
                found.append(_Given(coding.coder, code, start, end))
    return found


def _trimmed(text: str, start: int, end: int) -> Span:
    own = text[start:end]
    return start + len(own) - len(own.lstrip()), end - len(own) + len(own.rstrip())


@dataclass(frozen=True, slots=True)
class _Read:
    """What one coder read of one document: spans, and families (None: those he uses)."""

    spans: tuple[Span, ...]
    families: tuple[str, ...] | None


def _extents(
    document: ProjectDocument,
    given: Sequence[_Given],
    used: Mapping[str, Set[str]],
    project: Project,
    options: Options,
    counts: _Counts,
) -> dict[str, _Read]:
    """What each coder read of a document, for those who read any of it."""
    recorded = {one.coder: one for one in project.extents if one.document == document.id}
    # A coder with one recorded extent has recorded all of them: what is not in them was not read.
    records = {one.coder for one in project.extents}
    found = {}
    for coder in used:
        marks = [(one.start, one.end) for one in given if one.coder == coder]
        if coder in records and not options.extent:
            if coder in recorded:
                found[coder] = _Read(recorded[coder].spans, recorded[coder].families)
            continue
        spans = spans_read(options.extent, marks, len(document.text)) if used[coder] else None
        if spans is not None:
            counts.inferred = counts.inferred or not options.extent
            found[coder] = _Read(spans, None)
    return found


def _families(read: _Read, matched: Match, used: Set[str]) -> tuple[str, ...]:
    """Families a coder read for; empty for every one."""
    if read.families is None:
        return tuple(sorted(used))
    return tuple(sorted({one for name in read.families for one in matched.families.get(name, ())}))


def _rows(
    passages: Sequence[Passage],
    given: Sequence[_Given],
    reading: Mapping[str, tuple[_Read, tuple[str, ...]]],
    coders: Mapping[str, Coder],
    counts: _Counts,
) -> Iterable[CodedPassage]:
    starts, ends = [passage.start for passage in passages], [passage.end for passage in passages]
    placed: dict[tuple[str, int], dict[str, None]] = {}
    for one in given:
        hits = _passages_of(starts, ends, one.start, one.end)
        counts.kept += bool(hits)
        counts.in_no_passage += not hits
        for number in hits:
            placed.setdefault((one.coder, number), {})[one.code] = None
    for id, (read, families) in reading.items():
        coder = coders[id]
        for number, passage in enumerate(passages):
            codes = tuple(placed.get((id, number), ()))
            is_read = bool(codes) or _inside(passage, read.spans)
            counts.add(coder.name, passage, is_read)
            if is_read:
                if coder.machine:
                    passage = replace(passage, extra=(*passage.extra, ("model", coder.name)))
                yield CodedPassage(passage, codes, coder.name, families)


def _passages_of(starts: Sequence[int], ends: Sequence[int], start: int, end: int) -> list[int]:
    """Numbers of the passages that a coding is about (see the module)."""
    shares = [
        (number, min(end, ends[number]) - max(start, starts[number]))
        for number in range(bisect_right(ends, start), bisect_left(starts, end))
    ]
    hits = [
        number for number, share in shares if 2 * share >= end - start or 2 * share >= ends[number] - starts[number]
    ]
    return hits or [number for number, _ in sorted(shares, key=lambda pair: -pair[1])[:1]]


def _inside(passage: Passage, spans: Iterable[Span]) -> bool:
    covered = sum(max(0, min(end, passage.end) - max(start, passage.start)) for start, end in spans)
    return 2 * covered >= passage.end - passage.start


def _nothing(project: Project, path: Path, codebooks: Sequence[Codebook], counts: _Counts) -> TableError:
    n = sum(1 for _ in project.placed())
    if n and counts.left_out and codebooks:
        names = ", ".join(code.name for code in project.codes[:12])
        books = ", ".join(book.id for book in codebooks)
        fix = f"its codes: {names}; for a codebook of them: sibnlp convert {path.name} codebook.toml"
        return TableError(path, f"no coding has a code of the codebook {books}", fix)
    lost = "; ".join(str(problem).partition("\n")[0] for problem in project.problems if problem.failed)
    return TableError(path, "holds no coded text" if not n else "no coding lies in a passage", lost[:300])


def _told(
    project: Project, matched: Match, counts: _Counts, coders: Mapping[str, Coder], options: Options
) -> Iterable[str]:
    """What was decided on the way, a line each."""
    if counts.inferred:
        shares = "; ".join(counts.share(coder.name) for coder in coders.values() if coder.name in counts.words)
        yield (
            f"what each coder read is not recorded; taken from the first to the last coding in each document: {shares}."
            f" Say {options.flag('extent', 'documents')} if coded documents were read whole, "
            f"{options.flag('extent', 'passages')} if only what is coded was"
        )
    elif options.extent:
        yield "read: " + "; ".join(counts.share(coder.name) for coder in coders.values() if coder.name in counts.words)
    used = {placed.coding.code for placed in project.placed()}
    left_out = [code.name for code in matched.left_out if code.id in used]
    if left_out:
        names = ", ".join(left_out[:12])
        more = f" and {len(left_out) - 12} more" if len(left_out) > 12 else ""
        yield f"{counts.left_out} codings with codes that are not in the codebook are left out: {names}{more}"
    if lifted := [code.name for code in matched.lifted if code.id in used]:
        yield f"codes that count for the code above them: {', '.join(lifted[:12])}"
    if counts.in_no_passage:
        yield f"{counts.in_no_passage} codings lie in no passage (questions of the interviewer, headings)"
    if counts.whole_document:
        yield f"{counts.whole_document} codings of whole documents say nothing of passages and are left out"
    if not options.separator and (separator := looks_flat(project)):
        how = options.flag("separator", repr(separator))
        yield f"names of codes seem to show a hierarchy by {separator!r}; say {how} to follow it"


def predictions(coded: Codings, path: Path) -> Predictions:
    """Codings of one coder as predictions: a code given counts as probability 1, one not given as 0.

    Raises:
        TableError: several coders, or passages read for different families.
    """
    coders = list(dict.fromkeys(row.coder for row in coded.rows))
    if len(coders) > 1:
        fix = f"keep one, as with --project coder={coders[0]!r}, or adjudicate first"
        raise TableError(path, f"holds codings of several coders: {', '.join(coders)}", fix)
    if len({row.extent for row in coded.rows}) > 1:
        problem = "passages were read for different families: codes of a family not read would count as absent"
        raise TableError(path, problem, "convert it to a table and keep rows read for the same families")
    codes = list(dict.fromkeys(code for row in coded.rows for code in row.codes))
    column = {code: number for number, code in enumerate(codes)}
    assigned = np.zeros((len(coded.rows), len(codes)), dtype=np.bool_)
    for number, row in enumerate(coded.rows):
        assigned[number, [column[code] for code in row.codes]] = True
    passages = tuple(row.passage for row in coded.rows)
    return Predictions(passages, tuple(codes), assigned.astype(np.float32), assigned, coders[0] or "people")
