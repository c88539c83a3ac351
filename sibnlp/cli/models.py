"""``sibnlp models``."""

from __future__ import annotations

from sibnlp.cli.console import emit


def command() -> None:
    """List the models that ship, with what they know and where their card is."""
    from sibnlp.manifest import read_manifest
    from sibnlp.model import available

    lines = []
    for name, folder in available().items():
        manifest = read_manifest(folder)
        families = ", ".join(family["id"] for family in manifest.families)
        books = ", ".join(book["id"] for book in manifest.codebooks)
        lines.append(f"{name}: {manifest.backend}, {len(manifest.codes)} codes ({families}), codebooks {books}\n")
        lines.append(f"  card: {folder / 'card.md'}\n")
    emit(lines)
