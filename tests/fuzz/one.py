"""One target under libFuzzer, in this process: ``python -m tests.fuzz.one TARGET [libFuzzer's options]``."""

from __future__ import annotations

import copy
import io
import random
import sys
import zipfile
import zlib

import atheris
from lxml import etree

ZIPPED = ("docx", "odt", "xlsx", "qdpx", "uima")
MARKUP = ("html", "qdc")
# Characters that readers stumble over: line ends of all kinds, marks, controls, joiners, directions, half a pair.
ODD = [
    "\r",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\xa0",
    "\u200b",
    "\u200d",
    "\u202e",
    "\u0301",
    "\U0001f642",
    "\ufffd",
]


def mutate_archive(raw: bytes, max_size: int, seed: int) -> bytes:
    """Mutate what is in a zip archive, or now and then its bytes: a flipped bit in deflated data says little."""
    rng = random.Random(seed)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [(one.filename, archive.read(one)) for one in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError):
        return bytes(atheris.Mutate(raw, max_size))
    if not members or rng.random() < 0.1:
        return bytes(atheris.Mutate(raw, max_size))
    at = rng.randrange(len(members))
    name, inner = members[at]
    members[at] = name, mutate_markup(inner, max(max_size, len(inner)), seed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inner in members:
            archive.writestr(name, inner)
    return out.getvalue()


def mutate_markup(raw: bytes, max_size: int, seed: int) -> bytes:
    """Mutate a tree, so that it stays one; its bytes now and then, and where it is none."""
    rng = random.Random(seed + 1)
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or rng.random() < 0.3:
        return bytes(atheris.Mutate(raw, max_size))
    for _ in range(rng.randint(1, 3)):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        one, other = rng.choice(elements), rng.choice(elements)
        _edit(rng, root, one, other)
    out = etree.tostring(root, encoding="utf-8")
    return out if len(out) <= max_size else raw


def _edit(rng: random.Random, root: etree._Element, one: etree._Element, other: etree._Element) -> None:
    """One step: take out, copy elsewhere, wrap, change a text, an attribute or a name."""
    step = rng.randrange(7)
    parent = one.getparent()
    if step == 0 and parent is not None:
        parent.remove(one)
    elif step == 1 and len(one) < 200 and sum(1 for _ in root.iter()) < 2000:
        other.insert(rng.randint(0, len(other)), copy.deepcopy(one))
    elif step == 2 and parent is not None:
        wrap = etree.Element(other.tag, dict(other.attrib))
        parent.replace(one, wrap)
        wrap.append(one)
    elif step == 3:
        one.text = (
            (one.text or "")[: rng.randint(0, 50)] + rng.choice(ODD) * rng.randint(1, 3) + (other.text or "")[:50]
        )
    elif step == 4 and one.attrib:
        name = rng.choice(list(one.attrib))
        one.attrib[name] = rng.choice(["", "0", "-1", "1", "99999999999", "true", "x", *other.attrib.values()])
    elif step == 5:
        one.attrib.update(other.attrib)
    elif step == 6:
        one.tag = other.tag


def main() -> None:
    """Fuzz."""
    name = sys.argv[1]
    with atheris.instrument_imports(
        include=["sibnlp", "striprtf", "trafilatura", "openpyxl"], enable_loader_override=False
    ):
        from tests.fuzz.targets import TARGETS

        target = TARGETS[name]
        # Readers are imported at their first use: use them while imports are instrumented.
        for seed in target.make_seeds():
            target.check(seed)
    mutator = mutate_archive if name in ZIPPED else mutate_markup if name in MARKUP else None
    options = {"custom_mutator": mutator} if mutator else {}
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.check, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
