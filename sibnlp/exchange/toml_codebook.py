"""Codebooks of our own (TOML), as projects of codes alone: what becomes a ``.qdc``, and what one becomes."""

from __future__ import annotations

from pathlib import Path

from sibnlp.codebook import load
from sibnlp.exchange import Options
from sibnlp.exchange.codebooks import own, project_codes, toml
from sibnlp.exchange.project import Problem, Project


def sniff(path: Path, head: bytes) -> bool:
    """Its suffix is its own."""
    return True


def read(path: Path, options: Options) -> Project:
    """Read a codebook: families at the top, criteria in the descriptions.

    Raises:
        CodebookError: it is not valid.
    """
    book = load(path)
    return Project(book.name or book.id, project_codes(book), description=book.description)


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write a project's codes as a codebook to train with; its documents and codings stay behind."""
    book, _ = own(project)
    path.write_text(toml(book), encoding="utf-8")
    return (Problem("", f"{len(project.documents)} documents: a codebook holds none"),) if project.documents else ()
