"""One project's codings into another: a model's into the researcher's own, a second coder's into the first's.

Always a new project; nothing is synchronised. Documents meet by name and text, codes and coders by name: GUIDs change
from export to export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sibnlp.exchange.codebooks import find, parts_of, plain
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.project import Coder, Coding, Extent, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.exchange.refixml import Tally


def texts(project: Project, path: Path) -> dict[str, str]:
    """Texts of a project's documents by the ids that passages know them by."""
    named = document_names(project, path)
    return {named[one.id]: one.text for one in project.documents if one.text}


def merge(base: Project, other: Project, path: Path, other_path: Path) -> Project:
    """Add another project's codings to a project.

    Args:
        base: keeps all it has.
        other: whose coders, codes and codings are added; its notes, cases and sets stay behind.
        path, other_path: their files.

    Returns:
        The base with more; what of the other found no place is among its problems.
    """
    tally = Tally()
    names = document_names(base, path)
    by_name: dict[str, str] = {}
    for id, name in names.items():
        for key in (name.casefold(), PurePosixPath(name).stem.casefold()):
            by_name.setdefault(key, id)
    documents = {one.id: one for one in base.documents}
    other_names = document_names(other, other_path)
    coders, coder_of = _coders(base, other)
    codes, code_of = _codes(base, other)
    extents = list(base.extents)
    for one in other.documents:
        name = other_names[one.id]
        home = by_name.get(name.casefold()) or by_name.get(PurePosixPath(name).stem.casefold())
        n_codings = sum(len(selection.codings) for selection in one.selections)
        if home is None:
            tally.add(name, "codings of a document that the project does not have", n_codings, failed=True)
            continue
        target = documents[home]
        if not _agree(one, target):
            tally.add(name, "codings of another text than the project's document of this name", n_codings, failed=True)
            continue
        documents[home] = _added(target, one, code_of, coder_of)
        for extent in other.extents:
            if extent.document == one.id:
                coder = coder_of[extent.coder]
                extents = [own for own in extents if (own.coder, own.document) != (coder, home)]
                extents.append(Extent(coder, home, extent.spans, extent.families, extent.basis))
    lost = len(other.notes) + len(other.links) + len(other.groups)
    tally.add(other.name, "notes, links and sets of the project that is added", lost)
    return replace(
        base,
        coders=coders,
        codes=codes,
        documents=tuple(documents.values()),
        extents=tuple(extents),
        problems=(*base.problems, *other.problems, *tally.problems()),
    )


def _agree(one: ProjectDocument, target: ProjectDocument) -> bool:
    if one.text == target.text:
        return True
    spans = ((s.start, s.end) for s in one.selections)
    return bool(one.selections) and all(one.text[a:b] == target.text[a:b] for a, b in spans)


def _coders(base: Project, other: Project) -> tuple[tuple[Coder, ...], Mapping[str, str]]:
    found = list(base.coders)
    by_name = {coder.name.casefold(): coder.id for coder in base.coders}
    ids = {coder.id for coder in base.coders}
    meaning = {"": ""}
    for coder in other.coders:
        if coder.name.casefold() not in by_name:
            id = coder.id if coder.id not in ids else f"coder {coder.name}"
            by_name[coder.name.casefold()] = id
            found.append(replace(coder, id=id))
            ids.add(id)
        meaning[coder.id] = by_name[coder.name.casefold()]
    return tuple(found), meaning


def _codes(base: Project, other: Project) -> tuple[tuple[ProjectCode, ...], Mapping[str, str]]:
    """Codes of both: those of one name, whatever their place in the tree, are one."""
    found = list(base.codes)
    by_name: dict[str, str] = {}
    for code in base.codes:
        by_name.setdefault(plain(code.name) or code.name, code.id)
    for code in base.codes:  # "NPM: New Public Management" is meant by its parts too, where no code is called so
        for part in parts_of(code.name):
            by_name.setdefault(part, code.id)
    ids = {code.id for code in base.codes}
    meaning: dict[str, str] = {}
    for code in other.codes:
        home = by_name.get(plain(code.name) or code.name) or find(code.name, by_name)
        if not home:
            home = code.id if code.id not in ids else f"added {code.id}"
            by_name[plain(code.name) or code.name] = home
            found.append(replace(code, id=home, parent=meaning.get(code.parent, ""), notes=()))
            ids.add(home)
        meaning[code.id] = home
    return tuple(found), meaning


def _added(
    target: ProjectDocument, one: ProjectDocument, code_of: Mapping[str, str], coder_of: Mapping[str, str]
) -> ProjectDocument:
    there: dict[tuple[int, int], Selection] = {}
    apart: list[Selection] = []
    for selection in target.selections:
        key = (selection.start, selection.end)
        if key in there:
            apart.append(selection)
        else:
            there[key] = selection
    for selection in one.selections:
        codings = _codings(selection.codings, code_of, coder_of)
        key = (selection.start, selection.end)
        if key not in there:
            there[key] = Selection(f"added {target.id} {selection.start}-{selection.end}", *key)
        given = {(coding.code, coding.coder) for coding in there[key].codings}
        new = tuple(coding for coding in codings if (coding.code, coding.coder) not in given)
        there[key] = replace(there[key], codings=(*there[key].codings, *new))
    selections = sorted((*there.values(), *apart), key=lambda s: (s.start, s.end))
    return replace(target, selections=tuple(selections))


def _codings(codings: Sequence[Coding], code_of: Mapping[str, str], coder_of: Mapping[str, str]) -> list[Coding]:
    return [
        replace(one, code=code_of[one.code], coder=coder_of.get(one.coder, ""), notes=())
        for one in codings
        if one.code in code_of
    ]
