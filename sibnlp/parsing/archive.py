"""Archives and XML from strangers: everything is bounded, nothing is written to disk, nothing is fetched.

Word, OpenDocument, Excel and REFI-QDA files are zip archives of XML. Readers call `check` once, then `read_member` and
`parse_xml`; each raises a one-line `sibnlp.errors.ReadError`. Sizes that an archive declares are only used to refuse
it early: what counts is what comes out of the decompressor.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from pathlib import Path

from lxml import etree

from sibnlp.errors import ReadError

MAX_MEMBERS = 20_000
MAX_TOTAL = 4 * 1024**3
"""Declared size of all members together; media we never unpack count, hence the generosity."""
MAX_SINGLE = 2 * 1024**3
"""Declared size of one member."""
MAX_RATIO = 300
"""Expanded to compressed. Dense office XML reaches about 100; a deflate bomb comes close to 1032."""
RATIO_FREE = 16 * 1024**2
"""Expanded sizes under this are harmless at any ratio (a blank sheet compresses 500-fold)."""
MAX_READ = 128 * 1024**2
"""What `read_member` unpacks at most, and the longest XML that `parse_xml` takes."""

OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
ZIP_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the only ones OPC and OpenDocument allow
_PIECE = 1024**2
_PROLOG_PIECE = 1024
_DTD = "the XML in it has a document type declaration (DTD); refused as unsafe"


def check(path: Path) -> None:
    """Refuse a file that is no sane zip archive, from its table of contents alone.

    Args:
        path: the file.

    Raises:
        ReadError: not a zip archive, cut off, password-protected, or built like a bomb.
    """
    with _open(path) as archive:
        _check(archive.infolist(), path, path.stat().st_size)


def _check(members: list[zipfile.ZipInfo], path: Path, size: int) -> None:
    if len(members) > MAX_MEMBERS:
        raise ReadError(path, f"the archive holds {len(members):,} members, more than {MAX_MEMBERS:,}")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise ReadError(path, "password-protected", "save it without a password")
    for member in members:
        if member.file_size > MAX_SINGLE:
            raise ReadError(path, f"{member.filename[:80]!r} would unpack to {_size(member.file_size)}")
        _check_ratio(path, member.filename, member.file_size, member.compress_size)
    total = sum(member.file_size for member in members)
    if total > MAX_TOTAL:
        raise ReadError(path, f"the archive would unpack to {_size(total)}")
    # Members that share their bytes stay under the ratio one by one; the file as a whole does not.
    _check_ratio(path, "the archive", total, size)


def member_names(path: Path) -> list[str]:
    """Names of all members, in the archive's order.

    Raises:
        ReadError: not a zip archive, or cut off.
    """
    with _open(path) as archive:
        return archive.namelist()


def read_member(path: Path, name: str, limit: int = MAX_READ) -> bytes:
    """Unpack one member into memory.

    Args:
        path: the archive.
        name: the member's name, matched exactly.
        limit: bytes it may unpack to, whatever size it declares.

    Returns:
        The member's bytes.

    Raises:
        ReadError: no such member (or two of them), encrypted, damaged, or longer than ``limit``.
    """
    with _open(path) as archive:
        found = [member for member in archive.infolist() if member.filename == name]
        if len(found) != 1:
            raise ReadError(path, f"the archive holds {'two members' if found else 'no member'} named {name!r}")
        return _unpack(archive, found[0], path, limit)


class Members:
    """An archive of very many members, opened once: `read_member` reads its table of contents at every call.

    Args:
        path: the archive; call `check` first.
        raw: bytes of an archive that is a member of it, which is checked here.

    Attributes:
        names: of all members, in the archive's order.

    Raises:
        ReadError: not a zip archive, or cut off; a member that is refused as `check` refuses a file.
    """

    def __init__(self, path: Path, raw: bytes | None = None) -> None:
        self._path = path
        if raw is None:
            self._archive = _open(path)
        else:
            try:
                self._archive = zipfile.ZipFile(io.BytesIO(raw))
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
                raise ReadError(path, "an archive in it is cut off or damaged", "export it again") from error
            _check(self._archive.infolist(), path, len(raw))
        self._members: dict[str, list[zipfile.ZipInfo]] = {}
        for member in self._archive.infolist():
            self._members.setdefault(member.filename, []).append(member)
        self.names = self._archive.namelist()

    def read(self, name: str, limit: int = MAX_READ) -> bytes:
        """Unpack one member into memory; as `read_member`.

        Raises:
            ReadError: as `read_member`.
        """
        found = self._members.get(name, [])
        if len(found) != 1:
            raise ReadError(self._path, f"the archive holds {'two members' if found else 'no member'} named {name!r}")
        return _unpack(self._archive, found[0], self._path, limit)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, limit: int) -> bytes:
    name = member.filename
    if member.flag_bits & _ENCRYPTED:
        raise ReadError(path, "password-protected", "save it without a password")
    if member.compress_type not in _METHODS:
        raise ReadError(path, f"{name!r} is compressed by an unusual method ({member.compress_type})")
    pieces, size = [], 0
    try:
        with archive.open(member) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise ReadError(path, f"{name!r} unpacks to more than {_size(limit)}")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ReadError(path, f"the file is cut off or damaged ({name!r}: {error})") from error
    return b"".join(pieces)


def parse_xml(raw: bytes, path: Path) -> etree._Element:
    """Parse XML that nobody vouches for.

    A document type declaration is refused outright, with or without entities in it: no format we read has one. Depth
    (256) and length of a text (10 MB) are held by libxml2, which ``huge_tree=False`` leaves on.

    Args:
        raw: the XML as bytes, in any encoding it declares.
        path: the file it came from, for messages.

    Returns:
        The root element.

    Raises:
        ReadError: not well-formed, too long, too deep, or with a document type declaration.
    """
    if len(raw) > MAX_READ:
        raise ReadError(path, f"the XML in it is longer than {_size(MAX_READ)}")
    try:
        _refuse_doctype(raw, path)
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        reason = (error.msg or "no XML").split("\n")[0].rstrip()
        raise ReadError(path, f"the XML in it is damaged ({reason[:160]})") from error
    except ValueError as error:  # lxml: embedded NULs, unknown encodings
        raise ReadError(path, f"the XML in it is damaged ({str(error)[:160]})") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ReadError(path, _DTD)
    return root


def related_parts(path: Path, part: str = "") -> list[tuple[str, str]]:
    """Parts of an Office Open XML package that a part refers to.

    Args:
        path: the package.
        part: name of the part; empty for the package as a whole.

    Returns:
        (kind, member name) in the order given; the kind is the last piece of the relationship's type
        (``officeDocument``, ``styles``, ``footnotes`` …). External targets and dangling ones are left out.

    Raises:
        ReadError: the table of relationships is damaged.
    """
    # Part names ignore case by the standard, and some writers put backslashes.
    names = {name.replace("\\", "/").lower(): name for name in member_names(path)}
    folder, _, leaf = part.replace("\\", "/").rpartition("/")
    table = names.get(posixpath.join(folder, "_rels", f"{leaf}.rels").lower())
    found = []
    for relation in parse_xml(read_member(path, table), path) if table else ():
        target = (relation.get("Target") or "").replace("\\", "/")
        target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if relation.get("TargetMode") != "External" and target.lower() in names:
            found.append(((relation.get("Type") or "").rpartition("/")[2], names[target.lower()]))
    return found


def _parser(**options: object) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        **options,  # type: ignore[arg-type]
    )


class _Prolog:
    """Parser target that only looks at what stands before the root element."""

    def __init__(self) -> None:
        self.doctype_seen = self.root_seen = False

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        self.doctype_seen = True

    def start(self, tag: str, attributes: object) -> None:
        self.root_seen = True

    def close(self) -> None:
        return None


def _refuse_doctype(raw: bytes, path: Path) -> None:
    """Stop before the main parser sees an entity declaration: libxml2 expands those in attributes regardless."""
    target = _Prolog()
    parser = _parser(target=target)
    try:
        for start in range(0, len(raw), _PROLOG_PIECE):
            parser.feed(raw[start : start + _PROLOG_PIECE])
            if target.doctype_seen or target.root_seen:
                break
    except etree.XMLSyntaxError:
        pass  # the main parser says it better
    if target.doctype_seen:
        raise ReadError(path, _DTD)


def _open(path: Path) -> zipfile.ZipFile:
    try:
        with path.open("rb") as file:
            head = file.read(len(OLE_MAGIC))
        if head == OLE_MAGIC:
            raise ReadError(path, "password-protected, or an old .doc", "save it without one, in a current format")
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        if head.startswith(ZIP_MAGIC):
            raise ReadError(path, "the file is cut off or damaged", "export or copy it again") from error
        raise ReadError(path, "not a zip archive, which its format needs to be") from error
    except (OSError, ValueError, NotImplementedError) as error:
        problem = getattr(error, "strerror", None) or f"cannot be opened: {error}"
        raise ReadError(path, problem) from error


def _check_ratio(path: Path, name: str, expanded: int, compressed: int) -> None:
    if expanded > RATIO_FREE and expanded > MAX_RATIO * max(compressed, 1):
        raise ReadError(path, f"{name[:80]!r} would unpack to {_size(expanded)} from {_size(compressed)}; refused")


def _size(n: int) -> str:
    return f"{n / 1024**2:,.0f} MB" if n >= 1024**2 else f"{n / 1024:,.0f} kB"
