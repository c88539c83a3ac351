"""Zip packages (docx, odt) with the same bytes on every run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)


def fixed(data: bytes, replace: Mapping[str, bytes] | None = None) -> bytes:
    """A package with fixed times, its members in order of name, ``mimetype`` first and stored.

    Args:
        data: the package.
        replace: members to put in the place of those of the same name.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        members = {name: old.read(name) for name in old.namelist() if not name.endswith("/")} | dict(replace or {})
        for name in sorted(members, key=lambda name: (name != "mimetype", name)):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            info.create_system = 3
            new.writestr(info, members[name])
    return out.getvalue()
