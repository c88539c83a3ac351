"""What several coders of a project read together, with what each marked there: free spans for unitising agreement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sibnlp.codebook import Codebook
from sibnlp.exchange import Options
from sibnlp.exchange.codebooks import match, own
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.extents import Span, choose, spans_read, union
from sibnlp.exchange.project import Project, ProjectDocument
from sibnlp.unitising import Continuum


def continua(project: Project, path: Path, codebooks: Sequence[Codebook], options: Options) -> list[Continuum]:
    """Stretches that two coders or more read, by the extents that the project records, or by `Options.extent`.

    Args:
        project: as `sibnlp.exchange.load` gives it.
        path: its file.
        codebooks: to read the codes by; the project's own where none. Codes that none of them has are left out.
        options: what the file does not say.

    Returns:
        Continua in the order of the documents; a document whose readers have several stretches in common gives several.
    """
    matched = match(project, codebooks).codes if codebooks else own(project)[1].codes
    project = choose(project, options)
    named = document_names(project, path)
    recorded = {extent.coder for extent in project.extents} if not options.extent else set()
    found: list[Continuum] = []
    for document in project.documents:
        marks = _marks(document)
        read: dict[str, tuple[Span, ...]] = {}
        for coder in dict.fromkeys((*(one.id for one in project.coders), *marks)):
            if coder in recorded:
                own_spans = [e.spans for e in project.extents if (e.coder, e.document) == (coder, document.id)]
                spans: tuple[Span, ...] | None = union(span for part in own_spans for span in part) or None
            else:
                given = [(start, end) for start, end, _ in marks.get(coder, ())]
                spans = spans_read(options.extent, given, len(document.text))
                spans = union(given) if spans == () else spans
            if spans:
                read[coder] = _closed(document.text, spans)
        for start, end in _common(list(read.values())):
            units: dict[str, dict[str, list[Span]]] = {}
            for coder in read:
                by_code = units.setdefault(project.coder_name(coder), {})
                for s, e, code in marks.get(coder, ()):
                    if code in matched and s < end and start < e:
                        by_code.setdefault(matched[code], []).append((max(s, start) - start, min(e, end) - start))
            found.append(Continuum(named[document.id], end - start, units))
    return found


def _marks(document: ProjectDocument) -> dict[str, list[tuple[int, int, str]]]:
    """Spans and codes by coder."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for selection in document.selections:
        for coding in selection.codings:
            found.setdefault(coding.coder, []).append((selection.start, selection.end, coding.code))
    return found


def _closed(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans with those as one between which nothing but white space stands."""
    closed: list[Span] = []
    for start, end in spans:
        if closed and not text[closed[-1][1] : start].strip():
            closed[-1] = closed[-1][0], max(end, closed[-1][1])
        else:
            closed.append((start, end))
    return tuple(closed)


def _common(read: Sequence[Sequence[Span]]) -> list[Span]:
    """What all of them read; nothing where fewer than two read anything."""
    if len(read) < 2:
        return []
    common = list(read[0])
    for spans in read[1:]:
        both = ((max(a, s), min(b, e)) for a, b in common for s, e in spans)
        common = [(start, end) for start, end in both if start < end]
    return sorted(common)
