"""Wave, actor, role, date and kind of documents: from variables, cases, sets or source names.

Each tool keeps them elsewhere: NVivo in cases with variables, MAXQDA in document groups (sets), ATLAS.ti in groups
named ``age: 25``, QualCoder in both, and many people in file names. What is found by itself is said, so that it can be
corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sibnlp.errors import TableError
from sibnlp.exchange import Options
from sibnlp.exchange.project import Project
from sibnlp.metadata import FileNamePattern

FIELDS = ("stage", "date", "actor", "role", "kind")
# Names that variables of each kind go by, best first.
_VARIABLES = {
    "stage": ("stage", "wave", "round", "phase", "interview round", "time point", "period", "erhebungswelle", "welle"),
    "date": ("date", "interview date", "date of interview", "datum", "interviewdatum", "year", "jahr"),
    "actor": ("actor", "participant", "respondent", "interviewee", "pseudonym", "person", "informant",
              "participant id", "respondent id"),
    "role": ("role", "position", "job title", "function", "stakeholder", "stakeholder group", "rolle", "funktion"),
    "kind": ("kind", "document type", "type of document", "source type"),
}  # fmt: skip
_WAVE = re.compile(
    r"\b(wave|round|stage|phase|time|period|year|welle|runde|t|r|w)[ _-]?\d{1,4}\b|\b(19|20)\d\d\b|\b(pre|post)\b", re.I
)
_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?(?:[T ].*)?$")
_DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})$")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is said of one document: variables and ``prefix: value`` sets by lower-case name, cases, other sets."""

    values: Mapping[str, str]
    cases: tuple[str, ...]
    sets: tuple[str, ...]
    name: str


def attributes(project: Project, options: Options) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Fields of every document.

    Returns:
        By document id, those of `FIELDS` that are known; and where they come from, a line each.

    Raises:
        TableError: an option names a variable, set or pattern that no document has.
    """
    facts = _facts(project)
    found: dict[str, dict[str, str]] = {document.id: {} for document in project.documents}
    notes = []
    for field in FIELDS:
        asked = getattr(options, field)
        origin, take = _asked(field, asked, options, facts) if asked else _by_itself(field, facts)
        if take is None:
            continue
        given = {id: value for id, one in facts.items() if (value := _clean(field, take(one)))}
        if asked and not given:
            raise TableError(options.flag(field), f"no document has a {field} from {asked!r}", _available(facts))
        for id, value in given.items():
            found[id][field] = value
        if given:
            shown = ", ".join(sorted(set(given.values()))[:6])
            notes.append(f"{field} of {len(given)} of {len(facts)} documents from {origin}: {shown}")
    if options.pattern:
        notes += _from_names(options, facts, found)
    return found, tuple(notes)


def _facts(project: Project) -> dict[str, _Facts]:
    names = {variable.id: variable.name.strip().casefold() for variable in project.variables}
    values: dict[str, dict[str, str]] = {document.id: {} for document in project.documents}
    cases: dict[str, list[str]] = {document.id: [] for document in project.documents}
    sets: dict[str, list[str]] = {document.id: [] for document in project.documents}
    home = {selection.id: document.id for document in project.documents for selection in document.selections}
    for document in project.documents:
        values[document.id] |= {names[v.variable]: v.value for v in document.values if v.variable in names}
    for case in project.cases:
        about = dict.fromkeys([*case.documents, *(home[one] for one in case.selections if one in home)])
        for id in about:
            if id in cases:
                cases[id].append(case.name)
                said = {names[v.variable]: v.value for v in case.values if v.variable in names}
                # A source's own variables say more of it than those of whom it is about.
                values[id] = said | values[id]
    for group in project.groups:
        prefix, colon, value = group.name.partition(":")
        for id in group.documents:
            if id not in sets:
                continue
            if colon and value.strip() and prefix.strip():
                values[id].setdefault(prefix.strip().casefold(), value.strip())
            else:
                sets[id].append(group.name)
    return {
        document.id: _Facts(values[document.id], tuple(cases[document.id]), tuple(sets[document.id]), document.name)
        for document in project.documents
    }


Take = Callable[[_Facts], str] | None


def _asked(field: str, asked: str, options: Options, facts: Mapping[str, _Facts]) -> tuple[str, Take]:
    kind, _, name = asked.partition(":")
    key = name.strip().casefold()
    if kind == "variable" and key:
        return f"variable {name!r}", lambda one: one.values.get(key, "")
    if kind == "set" and key:
        return f"sets {name!r}", lambda one: one.values.get(key) or _first(one.sets, key)
    if kind == "set":
        return "sets", lambda one: one.sets[0] if one.sets else ""
    if kind == "case":
        return "cases", lambda one: one.cases[0] if one.cases else ""
    if kind == "name" and options.pattern:
        pattern = _pattern(options)
        return "source names", lambda one: (pattern.match(one.name) or {}).get(field, "")
    known = f"variable:NAME, set, set:PREFIX, case, or name with {options.flag('pattern')}"
    problem = f"{asked!r} says not where it comes from"
    raise TableError(options.flag(field), problem, f"known: {known}; {_available(facts)}")


def _first(names: tuple[str, ...], prefix: str) -> str:
    return next((name for name in names if name.casefold().startswith(prefix)), "")


def _available(facts: Mapping[str, _Facts]) -> str:
    variables = sorted({name for one in facts.values() for name in one.values})
    sets = sorted({name for one in facts.values() for name in one.sets})
    return f"variables: {', '.join(variables[:20]) or 'none'}; sets: {', '.join(sets[:20]) or 'none'}"


def _by_itself(field: str, facts: Mapping[str, _Facts]) -> tuple[str, Take]:
    known = {_squeezed(name): name for one in facts.values() for name in one.values}
    name = next((known[key] for key in map(_squeezed, _VARIABLES[field]) if key in known), "")
    if name:
        return f"variable {name!r}", lambda one: one.values.get(name, "")
    if field == "stage":
        waves = {name for one in facts.values() for name in one.sets if _WAVE.search(name)}
        mine = [[name for name in one.sets if name in waves] for one in facts.values()]
        if waves and all(len(names) <= 1 for names in mine):
            return "sets", lambda one: next((name for name in one.sets if name in waves), "")
    if (
        field == "actor"
        and any(one.cases for one in facts.values())
        and all(len(one.cases) <= 1 for one in facts.values())
    ):
        return "cases", lambda one: one.cases[0] if one.cases else ""
    return "", None


def _squeezed(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _clean(field: str, value: str) -> str:
    value = value.strip()
    if field != "date" or not value:
        return value
    if found := _DATE.match(value):
        return "-".join(part for part in found.groups() if part)
    if found := _DAY_FIRST.match(value):
        day, month, year = (int(part) for part in found.groups())
        # 3/4/2019 is March in one country and April in another: only what can be told is taken.
        if day > 12 >= month:
            return f"{year:04}-{month:02}-{day:02}"
        if month > 12 >= day:
            return f"{year:04}-{day:02}-{month:02}"
        return f"{year:04}"
    return ""


def _from_names(options: Options, facts: Mapping[str, _Facts], found: dict[str, dict[str, str]]) -> list[str]:
    names = _pattern(options)
    n_fitting = 0
    for id, one in facts.items():
        said = {key: _clean(key, value) for key, value in (names.match(one.name) or {}).items() if key in FIELDS}
        n_fitting += bool(said)
        for key, value in said.items():
            if value:
                found[id].setdefault(key, value)
    return [f"{n_fitting} of {len(facts)} source names fit the pattern {options.pattern!r}"]


def _pattern(options: Options) -> FileNamePattern:
    try:
        return FileNamePattern(options.pattern)
    except ValueError as error:
        raise TableError(options.flag("pattern"), str(error)) from error
