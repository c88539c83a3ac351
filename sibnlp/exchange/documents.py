"""The documents of a project as readers would give them: names, turns, headings, and what is known of each."""

from __future__ import annotations

from pathlib import Path

from sibnlp.exchange import Options
from sibnlp.exchange.attributes import attributes
from sibnlp.exchange.project import Project
from sibnlp.metadata import Metadata
from sibnlp.segmentation import interviewers_of
from sibnlp.speech import turns
from sibnlp.types import Document, Mark


def documents(project: Project, options: Options, path: Path) -> tuple[list[Document], tuple[str, ...]]:
    """A project's documents as readers would give them: turns, headings, and what is known of each.

    Args:
        project, options: what to read by.
        path: of the project; names documents that have no name.

    Returns:
        Documents with a text, in order, by names made unique; and where their metadata come from, a line each.
    """
    said, notes = attributes(project, options)
    named = document_names(project, path)
    found = []
    for one in project.documents:
        if not one.text.strip():
            continue
        document = Document(
            named[one.id], one.text, format="project", turns=turns.find_turns(one.text), marks=_headings(one.text)
        )
        known = Metadata(documents={document.id: said[one.id]})
        found.append(known.apply(document, interviewers_of(known.apply(document))))
    return found, notes


def document_names(project: Project, path: Path) -> dict[str, str]:
    """Ids of documents as passages have them: their names, made unique; slashes and control characters go."""
    named: dict[str, str] = {}
    taken: set[str] = set()
    for one in project.documents:
        name = "".join(character if character.isprintable() else " " for character in one.name).replace("\\", "/")
        name = name.rstrip("/").rpartition("/")[2].strip() or path.stem
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        named[one.id] = unique
    return named


def _headings(text: str) -> tuple[Mark, ...]:
    lines = text.split("\n")
    marks, at = [], 0
    for number, line in enumerate(lines):
        if line.strip() and turns.is_heading(lines, number):
            start = at + len(line) - len(line.lstrip())
            marks.append(Mark(start, start + len(line.strip()), "heading"))
        at += len(line) + 1
    return tuple(marks)
