"""When writers' files were finished, and that they stayed as they came: ``drafts.json`` of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def read(listed: Path) -> dict[str, dict[str, Any]]:
    """Day and checksum of each file, by its name without the suffix; nothing where there is no list."""
    found: dict[str, dict[str, Any]] = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    return found


def note(listed: Path, paths: Iterable[Path]) -> list[Path]:
    """Enter what is new or has changed, with the day of its last change.

    Args:
        listed: the list.
        paths: of the writers' files.

    Returns:
        The files that were entered.
    """
    known, entered = read(listed), []
    for path in paths:
        checksum = sha256(path)
        if known.get(path.stem, {}).get("sha256") != checksum:
            day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
            known[path.stem] = {"written": day, "sha256": checksum}
            entered.append(path)
    if entered:
        listed.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return entered


def changed(listed: Path, paths: Iterable[Path]) -> list[str]:
    """Files that are not what the list says."""
    known = read(listed)
    return [path.name for path in paths if known.get(path.stem, {}).get("sha256") != sha256(path)]


def sha256(path: Path) -> str:
    """Checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
