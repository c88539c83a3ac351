"""Codes of a project and codebooks of ours: one made of the other, one matched to the other.

In a project a code is a name in a tree. Of a tree we make families: a code at the top with codes below it is a family,
and a code of it as well where somebody coded with it; codes that stand alone at the top are the family ``codes``.
Whether a tool calls a code codable says nothing (most say so of every folder): what counts is whether it is used.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sibnlp.codebook import Code, Codebook, Family
from sibnlp.exchange.project import Project, ProjectCode

LOOSE = "codes"
"""Family of the codes that stand alone at the top."""
_PARTS = re.compile(r"[()\[\]:/–—]+|\s-\s")


@dataclass(frozen=True, slots=True)
class Match:
    """How a project's codes read in a codebook.

    Attributes:
        codes: code id in the codebook by code id in the project.
        families: family ids by name of a top-level code, for extents.
        left_out: project codes that nothing in the codebook stands for.
        lifted: project codes that count for a code above them.
    """

    codes: Mapping[str, str]
    families: Mapping[str, tuple[str, ...]]
    left_out: tuple[ProjectCode, ...] = ()
    lifted: tuple[ProjectCode, ...] = ()


def own(project: Project) -> tuple[Codebook, Match]:
    """A codebook of a project's codes.

    Families are named after codes at the top. Ids are the names with everything but letters and digits as ``_``; where
    two would be alike, the name of the code above goes in front.
    """
    children: dict[str, list[ProjectCode]] = {}
    for code in project.codes:
        children.setdefault(code.parent, []).append(code)
    used = Counter(placed.coding.code for placed in project.placed())
    used.update(coding.code for document in project.documents for coding in document.codings)
    families: list[Family] = []
    codes: list[Code] = []
    ids: dict[str, str] = {}
    taken: set[str] = set()
    by_name: dict[str, tuple[str, ...]] = {}
    for top in children.get("", []):
        below = children.get(top.id, [])
        family = _unique(_slug(top.name), {f.id for f in families}, "") if below else LOOSE
        if family not in {f.id for f in families}:
            description = top.description if below else "Codes that stand alone."
            families.append(Family(family, top.name if below else "Codes", description))
        by_name[top.name] = (family,)
        # Below a folder that nobody codes with, the tree begins one level deeper.
        if not below or used[top.id]:
            _descend(top, "", "", family, children, codes, ids, taken)
        else:
            for code in below:
                _descend(code, top.name, "", family, children, codes, ids, taken)
    name = project.name or "project"
    book = Codebook(_slug(name), name, tuple(families), tuple(codes), description=project.description)
    return book, Match(ids, by_name)


def _descend(
    top: ProjectCode,
    above: str,
    parent: str,
    family: str,
    children: Mapping[str, Sequence[ProjectCode]],
    codes: list[Code],
    ids: dict[str, str],
    taken: set[str],
) -> None:
    stack = [(top, above, parent)]
    while stack:
        code, over, parent_id = stack.pop()
        id = _unique(_slug(code.name), taken, _slug(over))
        taken.add(id)
        ids[code.id] = id
        codes.append(Code(id, family, code.name, code.description, parent=parent_id))
        stack += [(one, code.name, id) for one in reversed(children.get(code.id, []))]


def _slug(name: str) -> str:
    # "NPM: New Public Management", as we name codes of our own.
    if found := re.match(r"(\w+): ", name):
        return found[1]
    return re.sub(r"[^\w.]+", "_", name).strip("_.") or "code"


def _unique(id: str, taken: set[str], above: str) -> str:
    if id not in taken:
        return id
    longer = f"{above}_{id}" if above else id
    number = 2
    found = longer
    while found in taken:
        found, number = f"{longer}_{number}", number + 1
    return found


def match(project: Project, codebooks: Sequence[Codebook]) -> Match:
    """Match a project's codes to codebooks, by id or name; a part of the name in brackets or behind a dash will do.

    A code that nothing stands for counts for the nearest code above it that something stands for.
    """
    by_name: dict[str, str] = {}
    family_of: dict[str, str] = {}
    for book in codebooks:
        for code in book.codes:
            family_of[code.id] = code.family
            for name in (code.id, code.name):
                if plain(name):
                    by_name.setdefault(plain(name), code.id)
    family_names = {plain(name): f.id for book in codebooks for f in book.families for name in (f.id, f.name) if name}
    own_match = {code.id: find(code.name, by_name) for code in project.codes}
    above = {code.id: code.parent for code in project.codes}
    codes: dict[str, str] = {}
    left_out: list[ProjectCode] = []
    lifted: list[ProjectCode] = []
    for one in project.codes:
        at = one.id
        while at and not own_match.get(at):
            at = above.get(at, "")
        if not at:
            left_out.append(one)
            continue
        codes[one.id] = own_match[at]
        if at != one.id:
            lifted.append(one)
    families: dict[str, tuple[str, ...]] = {}
    for top in (code for code in project.codes if code.parent not in above):
        below = {family_of[codes[one.id]] for one in project.codes if one.id in codes and _top(one.id, above) == top.id}
        named = family_names.get(plain(top.name))
        families[top.name] = tuple(sorted(below | ({named} if named else set())))
    return Match(codes, families, tuple(left_out), tuple(lifted))


def _top(id: str, above: Mapping[str, str]) -> str:
    while above.get(id):
        id = above[id]
    return id


def find(name: str, by_name: Mapping[str, str]) -> str:
    """The code that a name means: by the whole of it, else by the one part of it that is a name; empty if none.

    Args:
        name: of a project's code.
        by_name: code by `plain` name.
    """
    if found := by_name.get(plain(name)):
        return found
    hits = {by_name[part] for part in parts_of(name) if part in by_name}
    return hits.pop() if len(hits) == 1 else ""


def parts_of(name: str) -> list[str]:
    """Parts of a name, plain: what stands in brackets, behind a dash, before a colon."""
    return [part for part in map(plain, _PARTS.split(name)) if part]


def plain(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


def unfold(project: Project, separator: str) -> Project:
    """Codes whose names show a hierarchy (``Coke::diet Coke``) as a tree; codes above that are missing are made."""
    by_path: dict[tuple[str, str], str] = {}
    made: list[ProjectCode] = []
    for code in sorted(project.codes, key=lambda code: code.name.count(separator)):
        parts = [part.strip() for part in code.name.split(separator)]
        if any(not part for part in parts):
            parts = [code.name]
        parent = code.parent
        for part in parts[:-1]:
            key = (parent, part)
            if key not in by_path:
                by_path[key] = f"{separator.join(parts)} above {part}"
                made.append(ProjectCode(by_path[key], part, parent=parent, codable=False))
            parent = by_path[key]
        by_path.setdefault((parent, parts[-1]), code.id)
        made.append(replace(code, name=parts[-1], parent=parent))
    return replace(project, codes=tuple(_parents_first(made)))


def _parents_first(codes: Sequence[ProjectCode]) -> Iterator[ProjectCode]:
    children: dict[str, list[ProjectCode]] = {}
    known = {code.id for code in codes}
    for code in codes:
        children.setdefault(code.parent if code.parent in known else "", []).append(code)
    stack = list(reversed(children.get("", [])))
    while stack:
        code = stack.pop()
        yield code
        stack += reversed(children.get(code.id, []))


def looks_flat(project: Project) -> str:
    """A separator that codes' names seem to show a hierarchy by; empty if none."""
    for separator in ("::", " > ", "\\"):
        if sum(separator in code.name for code in project.codes) >= 2:
            return separator
    return ""


def project_codes(book: Codebook) -> tuple[ProjectCode, ...]:
    """A codebook of ours as a tree of codes: families at the top, criteria in the descriptions."""
    found = []
    for family in book.families:
        top = f"family {family.id}"
        found.append(ProjectCode(top, family.name or family.id, family.description, codable=False))
        for code in book.codes_in(family.id):
            parts = [code.definition, *(f"Include: {one}" for one in code.include)]
            parts += [f"Exclude: {one}" for one in code.exclude] + [f"Example: {one}" for one in code.examples]
            text = "\n".join(part for part in parts if part)
            above = f"code {code.parent}" if code.parent else top
            # Tables and models know the code by its id, so that is (part of) the name.
            name = code.id if not code.name or plain(code.name) == plain(code.id) else f"{code.id}: {code.name}"
            found.append(ProjectCode(f"code {code.id}", name, text, above))
    return tuple(_parents_first(found))


def toml(book: Codebook) -> str:
    """A codebook as the TOML that `sibnlp.codebook.load` reads."""
    lines = [f"{key} = {_quoted(getattr(book, key))}" for key in ("id", "name", "description") if getattr(book, key)]
    for family in book.families:
        lines += ["", "[[families]]", f"id = {_quoted(family.id)}"]
        lines += [f"{key} = {_quoted(getattr(family, key))}" for key in ("name", "description") if getattr(family, key)]
    for code in book.codes:
        lines += ["", "[[codes]]"]
        keys = ("id", "family", "parent", "name", "definition")
        lines += [f"{key} = {_quoted(getattr(code, key))}" for key in keys if getattr(code, key)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # TOML's basic strings are JSON's, but for DEL, which JSON leaves bare.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
