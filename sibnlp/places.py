"""Where inputs lie: a path of this machine, or a URI (``s3://…``, ``file://…``) read through fsspec.

A place is a string. Paths stay what they are; whatever holds ``://`` is a URI.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from sibnlp.errors import DataError, ReadError

_CHUNK = 1 << 20


def is_uri(place: str) -> bool:
    """Whether a place is a URI and no path.

    >>> is_uri("s3://council/minutes"), is_uri("interviews/anna.txt")
    (True, False)
    """
    return "://" in place


def name_of(place: str) -> str:
    """The file's name alone."""
    return PurePosixPath(place.rstrip("/")).name if is_uri(place) else Path(place).name


def open_binary(place: str) -> BinaryIO:
    """Open a place for reading.

    Raises:
        OSError: it is not there or cannot be read.
        DataError: what reads such URIs is not installed.
    """
    if not is_uri(place):
        return Path(place).open("rb")
    system, path = _system(place)
    return cast(BinaryIO, system.open(path, "rb"))


def size_of(place: str) -> int:
    """Size in bytes; 0 where nobody says."""
    if not is_uri(place):
        return Path(place).stat().st_size
    system, path = _system(place)
    return int(system.size(path) or 0)


def sha256_of(place: str) -> str:
    """SHA-256 of a place's bytes, in hexadecimal."""
    found = hashlib.sha256()
    with open_binary(place) as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


@contextmanager
def as_path(place: str) -> Iterator[Path]:
    """A place as a file of this machine: itself, or a copy under the same name that vanishes afterwards.

    Raises:
        ReadError: it cannot be fetched.
    """
    if not is_uri(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="sibnlp-") as folder:
        path = Path(folder) / name_of(place)
        try:
            with open_binary(place) as source, path.open("wb") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
        except OSError as error:
            raise ReadError(place, error.strerror or str(error) or type(error).__name__) from error
        yield path


def listing(uri: str) -> list[tuple[str, str, int]] | None:
    """Files below a URI in order of their names: URI, path relative to ``uri``, size; None where it is a file itself.

    Raises:
        ReadError: nothing is there.
    """
    system, path = _system(uri)
    if system.isfile(path):
        return None
    root = path.rstrip("/")
    found = system.find(root, detail=True)
    if not found:
        raise ReadError(uri, "no such file or folder")
    inside = sorted((name[len(root) :].lstrip("/"), name, one.get("size") or 0) for name, one in found.items())
    return [(str(system.unstrip_protocol(name)), relative, int(size)) for relative, name, size in inside]


def _system(uri: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise DataError(f"{uri}: reading URIs needs the extra ray", "pip install 'sibnlp[ray]'") from error
    try:
        system, path = fsspec.core.url_to_fs(uri)
    except ImportError as error:  # the file system's own package, s3fs or gcsfs
        raise DataError(f"{uri}: {error}") from error
    except ValueError as error:
        raise DataError(f"{uri}: {error}", "see fsspec's list of protocols") from error
    return system, str(path)
