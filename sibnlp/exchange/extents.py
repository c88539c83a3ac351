"""Who coded, and what they read: coders chosen, extents as a person says them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sibnlp.errors import TableError
from sibnlp.exchange import Options
from sibnlp.exchange.project import ASKED, Extent, Project, ProjectDocument

EXTENTS = ("passages", "span", "documents", "all")


Span = tuple[int, int]


def choose(project: Project, options: Options) -> Project:
    """A project with the coders alone that are asked for, and those marked that are models.

    Raises:
        TableError: no coder of a name.
    """
    machines = {name.casefold() for name in options.machines}
    coders = tuple(replace(one, machine=one.machine or one.name.casefold() in machines) for one in project.coders)
    if not options.coders:
        return replace(project, coders=coders)
    wanted = {name.casefold() for name in options.coders}
    there = {coder.name.casefold() for coder in coders}
    lacking = [name for name in options.coders if name.casefold() not in there]
    if lacking:
        names = ", ".join(coder.name for coder in coders)
        raise TableError(project.name, f"has no coder named {lacking[0]!r}", f"its coders: {names or 'none'}")
    kept = tuple(coder for coder in coders if coder.name.casefold() in wanted)
    ids = {coder.id for coder in kept}

    def of(document: ProjectDocument) -> ProjectDocument:
        selections = []
        for selection in document.selections:
            codings = tuple(coding for coding in selection.codings if coding.coder in ids)
            if codings or (not selection.codings and selection.coder in ids):
                selections.append(replace(selection, codings=codings))
        whole = tuple(coding for coding in document.codings if coding.coder in ids)
        return replace(document, selections=tuple(selections), codings=whole)

    return replace(
        project,
        coders=kept,
        documents=tuple(of(document) for document in project.documents),
        extents=tuple(extent for extent in project.extents if extent.coder in ids),
    )


def with_extents(project: Project, extent: str) -> Project:
    """A project in which what its people read is recorded as they say, for the families of codes that each used.

    Raises:
        TableError: ``extent`` is none of `EXTENTS`.
    """
    if extent not in EXTENTS:
        raise TableError("--extent", f"{extent!r} is none", f"known: {', '.join(EXTENTS)}")
    above = {code.id: code.parent for code in project.codes}
    names = {code.id: code.name for code in project.codes}
    families: dict[str, set[str]] = {}
    for placed in project.placed():
        at = placed.coding.code
        while above.get(at):
            at = above[at]
        families.setdefault(placed.coding.coder, set()).add(names.get(at, ""))
    coders = list(families)
    found = []
    for document in project.documents:
        for coder in coders:
            own = [s for s in document.selections if any(c.coder == coder for c in s.codings)]
            marks = [(s.start, s.end) for s in own]
            spans = tuple(marks) if extent == "passages" else spans_read(extent, marks, len(document.text))
            if spans and document.text:
                found.append(Extent(coder, document.id, union(spans), tuple(sorted(families[coder])), ASKED))
    machines = {coder.id for coder in project.coders if coder.machine}
    kept = tuple(one for one in project.extents if one.coder in machines)
    return replace(project, extents=(*kept, *(one for one in found if one.coder not in machines)))


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, those that overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def spans_read(extent: str, marks: Sequence[Span], length: int) -> tuple[Span, ...] | None:
    """What a coder read of a document, by what a person says and what he marked; None for nothing of it."""
    if extent == "all":
        return ((0, length),)
    if not marks:
        return None
    if extent == "documents":
        return ((0, length),)
    if extent == "passages":
        return ()
    return ((min(start for start, _ in marks), max(end for _, end in marks)),)
