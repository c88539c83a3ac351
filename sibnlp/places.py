"""Where inputs and outputs lie: a path of this machine, or a URI (``s3://…``, ``file://…``) reached through fsspec.

An input is a string: paths stay what they are; whatever holds ``://`` is a URI. An output is a path, or a URI as a
string (`target`).
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from sibnlp.errors import DataError, ReadError

# Stores that show an object once all of it has arrived, by their names in fsspec.
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"))

_CHUNK = 1 << 20
_DRIVE = re.compile(r"/[A-Za-z]:")  # file:///C:/x is C:/x there


def is_uri(place: str) -> bool:
    """Whether a place is a URI and no path.

    >>> is_uri("s3://council/minutes"), is_uri("interviews/anna.txt")
    (True, False)
    """
    return "://" in place


def target(given: str) -> Path | str:
    """An output as it was given: a path of this machine, which ``file://`` names too, or a URI.

    >>> target("s3://council/p.csv"), target("p.csv").name, target("file:///tmp/my%20p.csv").name
    ('s3://council/p.csv', 'p.csv', 'my p.csv')
    """
    if given.lower().startswith("file://"):
        path = unquote(urlsplit(given).path)
        return Path(path[1:] if _DRIVE.match(path) else path)
    return given if is_uri(given) else Path(given)


def exists(place: Path | str) -> bool:
    """Whether an output is there.

    Raises:
        DataError: what reaches such URIs is not installed, or does not answer.
    """
    if isinstance(place, Path):
        return place.exists()
    system, path = _system(place)
    try:
        system.invalidate_cache()
        return bool(system.exists(path))
    except Exception as error:  # each store has its own: no credentials, no bucket, no network
        raise DataError(
            f"{place}: {type(error).__name__}: {error}", "can you list it with the store's own tool?"
        ) from (error)


def put(path: Path, uri: str) -> None:
    """Copy a file to a URI, so that nobody ever sees half of it there; what is there is replaced.

    An object store shows an object once all of it has arrived. Elsewhere the file arrives under another name first.

    Raises:
        OSError: it cannot be written.
    """
    system, there = _system(uri)
    kinds = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
    try:
        if kinds & OBJECT_STORES:
            system.put_file(str(path), there)
            return
        home, _, name = there.rpartition("/")
        part = f"{home}/.sibnlp-{os.urandom(6).hex()}-{name}"
        if home:
            system.makedirs(home, exist_ok=True)
        try:
            system.put_file(str(path), part)
            if system.exists(there):
                system.rm_file(there)  # not every system moves onto a file that is there
            system.mv(part, there)
        except BaseException:
            with suppress(Exception):
                system.rm_file(part)
            raise
    except OSError:
        raise
    except Exception as error:  # each store has its own
        raise OSError(f"{type(error).__name__}: {error}") from error


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
        raise DataError(f"{uri}: URIs need the extra ray", "pip install 'sibnlp[ray]'") from error
    try:
        system, path = fsspec.core.url_to_fs(uri)
    except ImportError as error:  # the file system's own package, s3fs or gcsfs
        raise DataError(f"{uri}: {error}") from error
    except ValueError as error:
        raise DataError(f"{uri}: {error}", "see fsspec's list of protocols") from error
    return system, str(path)
