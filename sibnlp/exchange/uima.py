"""UIMA CAS, as INCEpTION and WebAnno export and import it: XMI (``.xmi``, archives) and, read only, JSON 0.4.0.

INCEpTION's own WebAnno TSV is not read: XMI holds all it does, and no Python library for it is kept up.
"""

from __future__ import annotations

from pathlib import Path

from sibnlp.exchange import Options
from sibnlp.exchange.project import Problem, Project
from sibnlp.exchange.uima_layers import is_json
from sibnlp.parsing import archive


def sniff(path: Path, head: bytes) -> bool:
    """An archive, XML, or JSON that begins like a CAS."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return head.startswith(archive.ZIP_MAGIC)
    return is_json(head) if suffix == ".json" else head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def read(path: Path, options: Options) -> Project:
    """Read an export of one document or of a whole project.

    Raises:
        ReadError, TableError: as `sibnlp.exchange.uima_read.read`.
    """
    from sibnlp.exchange import uima_read

    return uima_read.read(path, options)


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write an archive with an XMI file for each document, or one XMI file.

    Raises:
        TableError: as `sibnlp.exchange.uima_write.write`, or a suffix that is only read.
    """
    from sibnlp.exchange import uima_write

    return uima_write.write(project, path, options)
