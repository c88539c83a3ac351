"""Queues of passages to be coded, as projects: a document a passage, whose name begins with the passage's ticket.

One document is one passage, so that the coder decides on exactly what was drawn, and what comes back is matched by its
ticket, whatever the tool does to offsets and GUIDs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sibnlp.codebook import Codebook
from sibnlp.exchange import Options
from sibnlp.exchange.codebooks import match, own, project_codes
from sibnlp.exchange.extents import choose
from sibnlp.exchange.project import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.types import Passage

_TICKET = re.compile(r"\s*([TE]\d+-\d{4,})\b")


@dataclass(frozen=True, slots=True)
class Queued:
    """A passage that waits for a coder.

    Attributes:
        ticket: ``T1-0001``: stream, round and number.
        passage: what to code.
        suggested: codes that the model gives; empty in an estimation sample, whose coder must not be led.
    """

    ticket: str
    passage: Passage
    suggested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back.

    Attributes:
        codings: ticket, coder and codes of each passage that somebody read.
        families: by coder, the families he used anywhere; others he is taken not to have read for.
        notes: what was left out, a line each.
        texts: of the passages by ticket, as they came back.
    """

    codings: tuple[tuple[str, str, tuple[str, ...]], ...]
    families: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


def project(queued: Sequence[Queued], codes: Sequence[str], codebooks: Sequence[Codebook], model: str) -> Project:
    """Passages as a project to code in.

    Args:
        queued: the passages, in the order in which they should be coded.
        codes: ids that the coder chooses from, where there is no codebook.
        codebooks: their codes, with definitions and criteria.
        model: whose suggestions there are.
    """
    tree: dict[str, ProjectCode] = {code.id: code for book in codebooks for code in project_codes(book)}
    if not codebooks:
        tree = {f"code {id}": ProjectCode(f"code {id}", id) for id in codes}
    documents = []
    for one in queued:
        passage = one.passage
        given = tuple(
            Coding(f"suggestion {one.ticket} {code}", f"code {code}", "coder model")
            for code in one.suggested
            if f"code {code}" in tree
        )
        marks = (Selection(f"selection {one.ticket}", 0, len(passage.text), given),) if given else ()
        name = f"{one.ticket} {passage.id}".replace("/", " ").replace("\\", " ")
        said = [f"Before it: {passage.context}"] if passage.context else []
        said += [f"{passage.speaker}"] if passage.speaker else []
        documents.append(
            ProjectDocument(f"document {one.ticket}", name, passage.text, selections=marks, description="\n".join(said))
        )
    coders = (Coder("coder model", model, True),) if any(one.selections for one in documents) else ()
    return Project("queue", tuple(tree.values()), coders, tuple(documents), origin="sibnlp")


def returned(project: Project, path: Path, codebooks: Sequence[Codebook], options: Options) -> Returned:
    """Codings of a queue that came back; a model's suggestions are not among them.

    A passage without a code was read only where the file records it, or where ``extent=all`` says so. Where that says
    so and nobody has coded anything, somebody without a name read all and found nothing.
    """
    book, matched = own(project) if not codebooks else (None, match(project, codebooks))
    family = {code.id: code.family for one in (codebooks or [book] if book else codebooks) for code in one.codes}
    project = choose(project, options)
    machines = {coder.id for coder in project.coders if coder.machine}
    people = dict.fromkeys(coder.id for coder in project.coders if not coder.machine)
    people |= dict.fromkeys(p.coding.coder for p in project.placed() if p.coding.coder not in machines)
    if options.extent == "all" and not people:
        people = {"": None}
    read = {(one.coder, one.document) for one in project.extents if one.spans}
    found: list[tuple[str, str, tuple[str, ...]]] = []
    strangers = unknown = 0
    families: dict[str, dict[str, None]] = {}
    texts: dict[str, str] = {}
    for document in project.documents:
        ticket = _TICKET.match(document.name)
        if not ticket:
            strangers += 1
            continue
        texts[ticket[1]] = document.text
        for coder in people:
            given: dict[str, None] = {}
            for coding in _codings(document):
                if coding.coder == coder and coding.code in matched.codes:
                    given[matched.codes[coding.code]] = None
                elif coding.coder == coder:
                    unknown += 1
            if given or (coder, document.id) in read or options.extent == "all":
                name = project.coder_name(coder) or "people"
                families.setdefault(name, {}).update(dict.fromkeys(family[code] for code in given))
                found.append((ticket[1], name, tuple(given)))
    notes = [f"{strangers} documents are of no queue: their names begin with no ticket"] if strangers else []
    notes += [f"{unknown} codings with codes that are not in the codebook are left out"] if unknown else []
    return Returned(tuple(found), {name: tuple(used) for name, used in families.items()}, tuple(notes), texts)


def _codings(document: ProjectDocument) -> Iterator[Coding]:
    yield from document.codings
    for selection in document.selections:
        yield from selection.codings
