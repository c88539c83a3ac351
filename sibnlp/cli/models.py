"""``sibnlp models``."""

from __future__ import annotations


def command() -> None:
    """List the models that ship, with what they know and where their card is."""
    from sibnlp.manifest import read_manifest
    from sibnlp.model import available

    for name, folder in available().items():
        manifest = read_manifest(folder)
        families = ", ".join(family["id"] for family in manifest.families)
        books = ", ".join(book["id"] for book in manifest.codebooks)
        print(f"{name}: {manifest.backend}, {len(manifest.codes)} codes ({families}), codebooks {books}")
        print(f"  card: {folder / 'card.md'}")
