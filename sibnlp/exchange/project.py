"""A coded project in memory: what every tool of the trade has, whatever it calls it.

Offsets are code points on each document's text of record, half open, as everywhere in `sibnlp.types`. Ids are unique
within a project; where a format has GUIDs they are kept as ids (lower case, without braces), so that a round trip
leaves them alone. GUIDs change at every export of some tools: match across files by name, never by id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

RECORDED, ASKED, INFERRED = "recorded", "asked", "inferred"


@dataclass(frozen=True, slots=True)
class Coder:
    """Somebody who codes; a model is one like any other.

    Attributes:
        id, name: name as the tool shows it; for a model, its id.
        machine: whether it is a model.
    """

    id: str
    name: str
    machine: bool = False


@dataclass(frozen=True, slots=True)
class ProjectCode:
    """A code as the tool knows it: a name in a tree. `sibnlp.exchange.codebooks` makes a `Codebook` of them.

    Attributes:
        id, name, description: what it is.
        parent: id of the code above; empty at the top.
        codable: whether the tool lets people code with it; many tools say so of mere folders too.
        color: ``#rrggbb``; empty if none.
        notes: ids of notes on it.
    """

    id: str
    name: str
    description: str = ""
    parent: str = ""
    codable: bool = True
    color: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coding:
    """One code given to one selection (or whole document) by one coder.

    Attributes:
        id, code, coder: ids; coder empty where the tool does not say.
        created: ISO 8601 date and time as the source has it; empty if none.
        score: a model's calibrated probability; None for people.
        note: rationale or explanation.
        notes: ids of notes on it.
    """

    id: str
    code: str
    coder: str = ""
    created: str = ""
    score: float | None = None
    note: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A span that somebody marked, with its codings; none where it only carries a remark.

    Attributes:
        id: of the selection.
        start, end: ``document.text[start:end]`` is the quotation; never empty, never outside.
        codings: in the source's order.
        name: the tool's label of the quotation, often its first words.
        description: a remark on it.
        coder, created: who marked it, when.
        notes: ids of notes on it.
    """

    id: str
    start: int
    end: int
    codings: tuple[Coding, ...] = ()
    name: str = ""
    description: str = ""
    coder: str = ""
    created: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A variable's value, as text (ISO 8601 for dates, ``true``/``false``)."""

    variable: str
    value: str


@dataclass(frozen=True, slots=True)
class Sync:
    """A point of a transcript: code point position and milliseconds into the recording; either may be unknown."""

    id: str
    position: int | None
    milliseconds: int | None


@dataclass(frozen=True, slots=True)
class ProjectDocument:
    """A source with its text of record.

    Attributes:
        id: unique in the project; name: as the tool shows it.
        text: the text of record (LF, no BOM); empty where the file is missing, see the project's problems.
        kind: ``text``, ``pdf`` or ``transcript``: where the text comes from.
        selections: in order of start.
        codings: codes given to the document as a whole.
        description: a remark on it.
        values: variables of the source itself (see `Case` for those of whom it is about).
        notes: ids of notes on it.
        coder, created: who added it, when.
        sync: of transcripts.
        coordinates: how the source counted, in words (``utf-16 unit, CRLF = 2 …``); empty where nothing was to count.
    """

    id: str
    name: str
    text: str
    kind: str = "text"
    selections: tuple[Selection, ...] = ()
    codings: tuple[Coding, ...] = ()
    description: str = ""
    values: tuple[Value, ...] = ()
    notes: tuple[str, ...] = ()
    coder: str = ""
    created: str = ""
    sync: tuple[Sync, ...] = ()
    coordinates: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of cases or sources; type is one of REFI-QDA's ``Text Boolean Integer Float Date DateTime``."""

    id: str
    name: str
    type: str = "Text"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Whom or what documents and selections are about, with its variables (NVivo's cases)."""

    id: str
    name: str
    description: str = ""
    values: tuple[Value, ...] = ()
    documents: tuple[str, ...] = ()
    selections: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A set of documents, codes or notes (MAXQDA's document groups, ATLAS.ti's groups)."""

    id: str
    name: str
    description: str = ""
    documents: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A memo."""

    id: str
    name: str
    text: str
    description: str = ""
    coder: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link between any two things of the project, by their ids."""

    id: str
    name: str
    origin: str
    target: str
    direction: str = "Associative"
    color: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """What one coder read exhaustively: within it, and only there, an absent code means absent.

    Attributes:
        coder, document: ids.
        spans: code points, in order, not overlapping.
        families: names of the top-level codes it was read for; empty means every one.
        basis: ``recorded`` in the file, ``asked`` (an option says so) or ``inferred`` from the codings.
    """

    coder: str
    document: str
    spans: tuple[tuple[int, int], ...]
    families: tuple[str, ...] = ()
    basis: str = RECORDED


@dataclass(frozen=True, slots=True)
class Problem:
    """Something an import or export could not keep, or had to guess: nothing is lost without a line.

    Attributes:
        place: which source or code, as a person would look for it.
        what: plain words.
        count: how many.
        failed: whether a whole source is lost to its codings (a command then ends with exit code 1).
    """

    place: str
    what: str
    count: int = 1
    failed: bool = False

    def __str__(self) -> str:
        times = f"{self.count} × " if self.count > 1 else ""
        return f"{self.place}: {times}{self.what}" if self.place else f"{times}{self.what}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A coding with where it stands, as `Project.placed` yields it."""

    document: ProjectDocument
    selection: Selection
    coding: Coding


@dataclass(frozen=True, slots=True)
class Project:
    """A whole coded project.

    Attributes:
        name, description, origin: of the project; origin names the program that wrote it.
        codes: parents before children.
        coders, documents, variables, cases, groups, notes, links: see there.
        notes_on_project: ids of notes on the project as a whole.
        extents: what was read, where the file records it; `sibnlp.exchange.coded` asks or infers where it does not.
        problems: what was lost or guessed on the way in.
    """

    name: str
    codes: tuple[ProjectCode, ...] = ()
    coders: tuple[Coder, ...] = ()
    documents: tuple[ProjectDocument, ...] = ()
    variables: tuple[Variable, ...] = ()
    cases: tuple[Case, ...] = ()
    groups: tuple[Group, ...] = ()
    notes: tuple[Note, ...] = ()
    links: tuple[Link, ...] = ()
    extents: tuple[Extent, ...] = ()
    problems: tuple[Problem, ...] = ()
    description: str = ""
    origin: str = ""
    notes_on_project: tuple[str, ...] = field(default=())

    def placed(self) -> Iterator[Placed]:
        """Every coding of a span, document by document."""
        for document in self.documents:
            for selection in document.selections:
                for coding in selection.codings:
                    yield Placed(document, selection, coding)

    def coder_name(self, id: str) -> str:
        """Name of a coder; the id itself where nobody is registered under it, empty for empty."""
        return next((coder.name for coder in self.coders if coder.id == id), id)
