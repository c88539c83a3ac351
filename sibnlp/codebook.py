"""Codebooks are data: families of codes with the criteria to code by, read from TOML.

Two fingerprints tell two kinds of change apart. The *structure* (ids, families, parents) must equal the model's, or the
model is refused; the *wording* (definitions, criteria, examples) may differ, which is warned about: a code redefined
between waves is instrument drift.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sibnlp.errors import CodebookError, UnknownNameError

SHIPPED = Path(__file__).parent / "codebooks"
PASSAGE, CELL = "passage", "cell"


@dataclass(frozen=True, slots=True)
class Family:
    """A set of codes that answer one question.

    Attributes:
        id, name, description: what it is.
        multiple: whether a passage may carry several of its codes.
        level: ``passage``, or ``cell`` where only a whole domain × period can carry its codes.
        requires: id of a family without which this one is not coded; empty if none.
    """

    id: str
    name: str = ""
    description: str = ""
    multiple: bool = True
    level: str = PASSAGE
    requires: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """One code.

    Attributes:
        id: unique over the codebook.
        family: id of its family.
        name, definition, include, exclude, source: what to code by, and where the concept is from.
        examples, counterexamples: invented quotations that do and do not carry it.
        parent: id of the code above it in a hierarchy; empty at the top.
        level: ``passage`` or ``cell`` (see `Family`).
        poles: how each logic shows in a domain or dimension, by logic id.
    """

    id: str
    family: str
    name: str = ""
    definition: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    source: str = ""
    parent: str = ""
    level: str = PASSAGE
    poles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Codebook:
    """Families and codes under one name; `load` makes it from a file."""

    id: str
    name: str
    families: tuple[Family, ...]
    codes: tuple[Code, ...]
    version: str = ""
    description: str = ""
    source: str = ""
    instructions: str = ""

    def code(self, id: str) -> Code:
        """Code by id.

        Raises:
            UnknownNameError: no such code.
        """
        for code in self.codes:
            if code.id == id:
                return code
        raise UnknownNameError("code", id, (c.id for c in self.codes))

    def defines(self, id: str) -> bool:
        """Whether it has a code or a family of that id."""
        return id in {code.id for code in self.codes} | {family.id for family in self.families}

    def codes_in(self, family: str) -> tuple[Code, ...]:
        """Codes of a family, in the order of the file."""
        return tuple(code for code in self.codes if code.family == family)

    def children(self, parent: str) -> tuple[Code, ...]:
        """Codes directly under a code; with ``""``, those at the top."""
        return tuple(code for code in self.codes if code.parent == parent)

    @property
    def structure(self) -> str:
        """Fingerprint of ids, families, hierarchy and levels: what a model must agree with."""
        families = [(f.id, f.multiple, f.level, f.requires) for f in self.families]
        return _digest([sorted(families), sorted((c.id, c.family, c.parent, c.level) for c in self.codes)])

    @property
    def wording(self) -> str:
        """Fingerprint of everything a coder reads: names, definitions, criteria, examples, instructions."""
        texts = [
            (c.id, c.name, c.definition, c.include, c.exclude, c.examples, c.counterexamples, sorted(c.poles))
            for c in self.codes
        ]
        return _digest([self.instructions, sorted((f.id, f.name, f.description) for f in self.families), sorted(texts)])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def shipped() -> tuple[str, ...]:
    """Ids of the codebooks that come with the library."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def adding(id: str, given: Sequence[str]) -> str:
    """How to name a shipped codebook that defines what those given lack, on a command line; empty where none does.

    Args:
        id: of a code or family.
        given: ids of the codebooks given.
    """
    lacking = next((name for name in shipped() if name not in given and load(name).defines(id)), "")
    if not lacking:
        return ""
    # A codebook that was there by default goes when one is named, so all are named.
    if set(given) <= set(shipped()):
        return "say " + " ".join(f"--codebook {name}" for name in dict.fromkeys([*given, lacking]))
    return f"add --codebook {lacking}"


def load(name_or_path: str | Path) -> Codebook:
    """Load a shipped codebook by id, or a user's own from a TOML file.

    Raises:
        UnknownNameError: neither a shipped id nor a file.
        CodebookError: the file is not a valid codebook; the message names the place and the fix.
    """
    path = Path(name_or_path)
    if not path.is_file():
        if str(name_or_path) in shipped():
            path = SHIPPED / f"{name_or_path}.toml"
        elif path.suffix or len(path.parts) > 1:
            raise CodebookError(path, "no such file", f"shipped codebooks: {', '.join(shipped())}")
        else:
            raise UnknownNameError("codebook", str(name_or_path), shipped())
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CodebookError(path, "is not UTF-8 text", "save it as UTF-8", f"byte {error.start}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits and deep nesting among them
        raise CodebookError(path, f"is not valid TOML: {error}") from error
    return parse(raw, path)


def parse(raw: Mapping[str, Any], path: str | Path = "codebook") -> Codebook:
    """Check a codebook given as a mapping (see the shipped TOML files for the shape).

    Raises:
        CodebookError: unknown or missing keys, wrong types, duplicate ids, undefined families, parents or levels,
            a hierarchy that runs in a circle.
    """
    known = {"id", "name", "version", "description", "source", "instructions", "families", "codes"}
    _check_keys(path, "top level", raw, known, ("id", "families", "codes"))
    if not re.fullmatch(r"[\w.-]+", str(raw["id"])):
        raise CodebookError(path, f"the id {raw['id']!r} is no plain name", "use letters, digits, _ and -", "top level")
    families = tuple(_build(Family, path, f"families[{i}]", row, ("id",)) for i, row in _rows(path, raw, "families"))
    codes = tuple(_build(Code, path, f"codes[{i}]", row, ("id", "family")) for i, row in _rows(path, raw, "codes"))
    _check_links(path, families, codes)
    texts = {key: _text(path, key, raw.get(key, "")) for key in known - {"families", "codes"}}
    return Codebook(families=families, codes=codes, **texts)


def _check_keys(
    path: str | Path, place: str, row: Mapping[str, Any], known: Iterable[str], needed: Iterable[str]
) -> None:
    known = sorted(known)
    for key in row:
        if key not in known:
            raise CodebookError(path, f"unknown key {key!r}", f"known: {', '.join(known)}", place)
    for key in needed:
        if not row.get(key):
            raise CodebookError(path, f"{key!r} is missing", "every codebook, family and code needs it", place)


def _rows(path: str | Path, raw: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any]]]:
    rows = raw[key]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CodebookError(path, f"{key!r} must be a list of tables", f"write [[{key}]]", "top level")
    return list(enumerate(rows, 1))


def _text(path: str | Path, place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise CodebookError(path, f"must be text, not {type(value).__name__}", "put it in quotes", place)
    return value.strip()


def _build(kind: type[Any], path: str | Path, place: str, row: Mapping[str, Any], needed: tuple[str, ...]) -> Any:
    """Make a Family or Code of a TOML table, checking each value against the field's annotation."""
    annotations = {field.name: str(field.type) for field in fields(kind)}
    if row.get("id"):
        place = f"{place} {row['id']!r}"
    _check_keys(path, place, row, annotations, needed)
    values: dict[str, Any] = {}
    for key, value in row.items():
        where = f"{place}, key {key!r}"
        if annotations[key] == "bool":
            if not isinstance(value, bool):
                raise CodebookError(path, f"must be true or false, not {value!r}", "", where)
            values[key] = value
        elif key == "poles":
            if not isinstance(value, dict):
                raise CodebookError(path, "must be a table from logic to text", 'poles = {NPM = "…"}', where)
            values[key] = tuple((logic, _text(path, where, text)) for logic, text in value.items())
        elif annotations[key].startswith("tuple"):
            if not isinstance(value, list):
                raise CodebookError(path, "must be a list of texts", f'{key} = ["…"]', where)
            values[key] = tuple(_text(path, where, item) for item in value)
        else:
            values[key] = _text(path, where, value)
    return kind(**values)


def _check_links(path: str | Path, families: tuple[Family, ...], codes: tuple[Code, ...]) -> None:
    family_ids = [family.id for family in families]
    for what, ids in (("family", family_ids), ("code", [code.id for code in codes])):
        for id, n in Counter(ids).items():
            if n > 1:
                raise CodebookError(path, f"{what} {id!r} is defined {n} times", "rename or remove one")
    for level, owner in [(f.level, f.id) for f in families] + [(c.level, c.id) for c in codes]:
        if level not in (PASSAGE, CELL):
            raise CodebookError(path, f"level {level!r} is unknown", f"{PASSAGE} or {CELL}", owner)
    for family in families:
        if family.requires and family.requires not in family_ids:
            raise CodebookError(path, f"requires the undefined family {family.requires!r}", "", f"family {family.id!r}")
    by_id = {code.id: code for code in codes}
    for code in codes:
        _check_code(path, code, family_ids, by_id)


def _check_code(path: str | Path, code: Code, family_ids: Sequence[str], by_id: Mapping[str, Code]) -> None:
    place = f"code {code.id!r}"
    if code.family not in family_ids:
        raise CodebookError(path, f"family {code.family!r} is not defined", f"known: {', '.join(family_ids)}", place)
    if any(mark in code.id for mark in ";, \t\n"):
        raise CodebookError(path, "the id holds a space, comma or semicolon", "use letters, digits and _", place)
    for logic, _ in code.poles:
        if logic not in by_id:
            raise CodebookError(path, f"poles name the undefined code {logic!r}", "", place)
    above, seen = code, {code.id}
    while above.parent:
        if above.parent not in by_id:
            raise CodebookError(path, f"parent {above.parent!r} is not defined", "", f"code {above.id!r}")
        above = by_id[above.parent]
        if above.family != code.family:
            raise CodebookError(path, f"parent {above.id!r} is of another family", "", place)
        if above.id in seen:
            raise CodebookError(path, f"its parents run in a circle through {above.id!r}", "", place)
        seen.add(above.id)


@dataclass(frozen=True, slots=True)
class Framework:
    """A codebook seen as a theory: which family holds its logics, which its domains.

    Attributes:
        logics: ids of the contrasted logics, in the codebook's order (NPM first in the shipped ones).
        domains: ids of the functional domains or dimensions.
        relations: ids of passage-level relation codes.
    """

    codebook: Codebook
    logics: tuple[str, ...]
    domains: tuple[str, ...]
    relations: tuple[str, ...]


# Families with a part in the theory, by the names of domain.md; a user's own codebook takes part by using them.
LOGIC, RELATION, STANCE, DOMAINS = "logic", "relation", "stance", ("domain", "dimension")


def framework(codebook: Codebook) -> Framework:
    """See a codebook as a framework.

    Where there is no family ``logic``, every code of its first family is followed, without domains: a user's own
    codebook gets trajectories too.
    """
    ids = [family.id for family in codebook.families]
    logic = LOGIC if LOGIC in ids else ids[0]
    domains = tuple(c.id for id in DOMAINS if id in ids for c in codebook.codes_in(id))
    relations = tuple(c.id for c in codebook.codes_in(RELATION) if c.level == PASSAGE)
    return Framework(codebook, tuple(c.id for c in codebook.codes_in(logic)), domains, relations)
