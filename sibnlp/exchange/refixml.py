"""What reading and writing REFI-QDA share: names, GUIDs, the archive.

Sources: REFI-QDA standard 1.5 (2019) with its schemas; the quirks of real files that `sibnlp.exchange.refi_read` lives
with are listed there.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from sibnlp.errors import ReadError
from sibnlp.exchange.project import Problem
from sibnlp.parsing import archive

PROJECT_NS, CODEBOOK_NS = "urn:QDA-XML:project:1.0", "urn:QDA-XML:codebook:1.0"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
DATE_TIME = re.compile(
    r"-?\d{4,9}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
    r"(Z|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
)
COLOR = re.compile(r"#([A-Fa-f0-9]{6}|[A-Fa-f0-9]{3})")
ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold, and carriage returns, which it would not keep."""
MAX_TEXTS = 512 * 1024**2
"""What the plain texts of one project may unpack to together; all of them are held in memory."""

# Notes of our own making, recognised on the way back in.
MACHINE_NOTE, REMARK_NOTE, EXTENT_NOTE = "sibnlp: machine coding", "sibnlp: note on a coding", "sibnlp: extent coded"
MACHINE_ID = "sibnlp-model"
"""How the ``id`` of a User begins that is a model."""

_SCHEME = re.compile(r"(internal|relative|absolute):/*", re.IGNORECASE)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://sibnlp.example/refi-qda")


def local(element: etree._Element) -> str:
    """Name of an element without its namespace: tools disagree on those."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Children of any of the names, in order, whatever their case."""
    wanted = {name.lower() for name in names}
    if element is not None:
        yield from (child for child in element if local(child).lower() in wanted)


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of a name."""
    return next(children(element, name), None)


def inner(element: etree._Element | None, name: str) -> str:
    """Text of the first child of a name; empty if there is none."""
    found = child(element, name)
    return "" if found is None else content(found)


def content(element: etree._Element) -> str:
    """All text in an element."""
    return "".join(str(piece) for piece in element.itertext())


def guid(value: str | None) -> str:
    """A GUID as an id: without braces and spaces, lower case; odd ones (not even hexadecimal) as given."""
    return (value or "").strip().strip("{}").strip().lower()[:80]


def is_guid(id: str) -> bool:
    """Whether an id is a GUID, as `guid` gives it."""
    return bool(GUID.fullmatch(id))


def as_guid(kind: str, id: str) -> str:
    """An id as a GUID that the schema takes: its own where it is one, else one made of it, always the same."""
    return id.upper() if is_guid(id) else str(uuid.uuid5(_NAMESPACE, f"{kind}\0{id}")).upper()


class Tally:
    """Counts problems of one kind at one place.

    Attributes:
        failed: places whose codings are lost.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._failed: set[tuple[str, str]] = set()

    def add(self, place: str, what: str, count: int = 1, failed: bool = False) -> None:
        """Count something."""
        if count:
            self._counts[place, what] += count
            if failed:
                self._failed.add((place, what))

    def problems(self) -> tuple[Problem, ...]:
        """All of them, in order of appearance."""
        return tuple(Problem(*key, n, key in self._failed) for key, n in self._counts.items())


class Package:
    """The archive of a project: looked into, never unpacked to disk.

    Args:
        path: the ``.qdpx`` file.

    Attributes:
        deviations: what is not as specified, in words.

    Raises:
        ReadError: no sane archive (see `sibnlp.parsing.archive.check`), or not exactly one ``.qde`` at its root.
    """

    def __init__(self, path: Path) -> None:
        archive.check(path)
        self.path = path
        self.deviations: list[str] = []
        self._read = 0
        self._members = archive.Members(path)
        names = {raw.replace("\\", "/"): raw for raw in self._members.names}
        manifests = [name for name in names if name.lower().endswith(".qde") and "/" not in name]
        if not manifests:  # a folder zipped from outside
            manifests = [name for name in names if name.lower().endswith(".qde")]
        if len(manifests) != 1:
            held = f"holds {len(manifests)} .qde files" if manifests else "holds no .qde file"
            raise ReadError(path, f"{held}, so it is no REFI-QDA project", "export it again as .qdpx")
        self._manifest = names[manifests[0]]
        if manifests[0] != "project.qde":
            self.deviations.append(f"the manifest is called {manifests[0][:60]!r}, not project.qde")
        if any(name.startswith("Sources/") for name in names):
            self.deviations.append("the folder of sources is called 'Sources', not sources")
        self._by_leaf: dict[str, list[str]] = {}
        for name, raw in names.items():
            if not name.endswith("/") and raw != self._manifest:
                self._by_leaf.setdefault(name.rpartition("/")[2].casefold(), []).append(raw)

    def root(self) -> etree._Element:
        """The project's XML."""
        return archive.parse_xml(self._members.read(self._manifest).lstrip(), self.path)

    def close(self) -> None:
        """Close the file."""
        self._members.close()

    def find(self, reference: str) -> str | None:
        """Member that a ``plainTextPath`` or ``path`` means, by its leaf name in any case and folder.

        Nothing outside the archive is ever looked at, whatever the reference says.
        """
        leaf = _SCHEME.sub("", reference.strip(), count=1).replace("\\", "/").rpartition("/")[2]
        for name in (leaf, unquote(leaf)):
            found = self._by_leaf.get(name.casefold(), [])
            if found:
                return next((one for one in found if one.lower().startswith("sources")), found[0])
        return None

    def read(self, member: str) -> bytes:
        """A member's bytes.

        Raises:
            ReadError: damaged, longer than `archive.MAX_READ`, or more than `MAX_TEXTS` read so far.
        """
        raw = self._members.read(member)
        self._read += len(raw)
        if self._read > MAX_TEXTS:
            raise ReadError(self.path, f"its texts unpack to more than {MAX_TEXTS // 1024**2} MB", "split the project")
        return raw
