"""REFI-QDA: projects (``.qdpx``) and codebooks (``.qdc``) of NVivo, ATLAS.ti, MAXQDA, QualCoder and others."""

from __future__ import annotations

from pathlib import Path

from sibnlp.errors import ReadError
from sibnlp.exchange import Options
from sibnlp.exchange.project import Problem, Project
from sibnlp.exchange.refi_read import check_system, read_codebook, read_project
from sibnlp.exchange.refi_write import codebook_xml, write_project
from sibnlp.exchange.refixml import Package
from sibnlp.parsing import archive


def sniff(path: Path, head: bytes) -> bool:
    """A zip archive for a project, XML for a codebook."""
    if path.suffix.lower() == ".qdpx":
        return head.startswith((archive.ZIP_MAGIC, archive.OLE_MAGIC, b"PK\x05\x06"))
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or head[:2] in (b"\xff\xfe", b"\xfe\xff")


def read(path: Path, options: Options) -> Project:
    """Read a project or codebook.

    Raises:
        ReadError: no archive or damaged XML, a document type declaration, built like a bomb, or neither a project nor a
            codebook.
        TableError: ``options.offsets`` is no coordinate system.
    """
    if path.suffix.lower() == ".qdc":
        size = path.stat().st_size
        if size > archive.MAX_READ:
            raise ReadError(path, f"{size // 1024**2:,} MB are too much for a codebook")
        return read_codebook(archive.parse_xml(path.read_bytes().lstrip(), path), path)
    asked = check_system(options.offsets)
    package = Package(path)
    try:
        return read_project(package, asked)
    finally:
        package.close()


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write a project, or its codebook alone for ``.qdc``.

    Returns:
        What REFI-QDA has no place for, or we do not write.
    """
    if path.suffix.lower() == ".qdc":
        raw, problems = codebook_xml(project)
        path.write_bytes(raw)
        return problems
    return write_project(project, path)
