"""The passages of `corpora/written`: drafts as their writers left them, what each is, and its split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.coding import drafts
from training.coding.records import EXTENT, ROOT, Coding, coding_of, fingerprint, raw_of, read_rows
from training.written_corpus.check_draft import faults_of

CORPUS = ROOT / "corpora" / "written"
RAW, CODED = CORPUS / "raw", CORPUS / "raw_coded"
WORK = Path("/tmp/coding/written")
# Who reads blind: one coder for what the writers wrote, two for the pilot, which came before.
CODER, PILOT_CODERS = "C", ("A", "B")
# Codes the blind coder's development passages alone.
ALONE = "K"
WRITERS, FIRST = "w*.jsonl", ("pilot", "plain")
# The writer is the voice: whole writers are held out, so that no turn of phrase is learnt and tested.
HELD_OUT = {"w07": "validation", "w08": "test"}
LICENCE = "CC-BY-4.0"


def read_drafts(raw: Path) -> list[dict[str, Any]]:
    """All passages in the order of their writers, each with its ``writer``; the pilot and the plain ones first."""
    files = [raw / f"{name}.jsonl" for name in FIRST] + sorted(raw.glob(WRITERS))
    blank = {"role": None, "country": None, "pair": None, "changes": None}
    return [{**blank, **row, "writer": path.stem} for path in files if path.exists() for row in read_rows(path)]


def take_drafts(incoming: Path, raw: Path) -> list[str]:
    """Copy finished drafts into the corpus as they came, with day and checksum in ``drafts.json``.

    Args:
        incoming: folder of the writers' files.
        raw: folder of the copies.

    Returns:
        Faults; a draft with a fault is not copied.
    """
    faults: list[str] = []
    for path in sorted(incoming.glob(WRITERS)):
        found = [f"{path.name}: {fault}" for fault in faults_of(read_rows(path))]
        faults += found
        if not found and drafts.note(raw / "drafts.json", [path]):
            (raw / path.name).write_bytes(path.read_bytes())
    return faults


def days(raw: Path) -> dict[str, str]:
    """When each writer's file was written."""
    return {writer: one["written"] for writer, one in drafts.read(raw / "drafts.json").items()}


def passage(draft: Mapping[str, Any], wave: int) -> dict[str, Any]:
    """All but the codes: the text, what it is, and what must not be parted from it.

    Args:
        draft: of `read_drafts`.
        wave: of blind coding; 0 for the pilot.
    """
    writer = draft["writer"]
    return {
        "id": draft["id"], "document": draft["pair"] or draft["id"], "text": draft["text"],
        "fingerprint": fingerprint(draft["text"]), "licence": LICENCE, "date": None, "speaker_group": writer,
        "group": writer, "stream": "written", "why": writer if writer in FIRST else "brief",
        "inclusion_probability": None, "round": wave, "split": HELD_OUT.get(writer, "train"), "genre": draft["genre"],
        "sector": draft["sector"], "country": draft["country"], "role": draft["role"], "hard": draft["hard"],
        "pair": draft["pair"], "changes": draft["changes"],
    }  # fmt: skip


def writers_coding(draft: Mapping[str, Any], dropped: Counter[str]) -> tuple[Coding, tuple[str, ...]]:
    """What the writer says a passage carries, and the families the writer coded for.

    Args:
        draft: of `read_drafts`.
        dropped: counts domains that fall away for want of NPM and NPG; the pilot's author gave some.
    """
    if "codes" in draft:
        return coding_of(raw_of(draft["codes"], {}), dropped), tuple(draft["extent"])
    return coding_of(draft, dropped), EXTENT


def pilot_codings(coded: Path, coder: str, dropped: Counter[str]) -> dict[str, tuple[Coding, str]]:
    """What a blind coder of the pilot gave, with the day, by passage.

    Args:
        coded: folder of raw codings.
        coder: A or B.
        dropped: as in `writers_coding`; the pilot was coded by codebooks 1.0, which left that open.
    """
    path = coded / f"pilot-{coder}.jsonl"
    rows = read_rows(path) if path.exists() else []
    return {
        row["id"]: (
            coding_of({**raw_of(row["codes"], row["stances"]), "confidence": row["confidence"]}, dropped),
            row["date"],
        )
        for row in rows
    }
