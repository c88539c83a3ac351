"""What of the demo case is coded: respondents' turns and sections of documents, with what their writers gave them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.records import ROOT, Coding, coding_of, fingerprint, raw_of
from training.demo_files import source, tables

CORPUS = ROOT / "corpora" / "demo"
WORK = Path("/tmp/coding/demo")
CODER = "D"


def read_case(folder: Path) -> tuple[dict[str, Any], list[source.Source], list[str]]:
    """The plan, the documents that are written, in the plan's order, and the names of those still lacking.

    Args:
        folder: holds ``plan.json`` and ``source/``.

    Raises:
        ValueError: a source does not hold the beats of the plan, or codes them differently.
    """
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    there = [entry for entry in plan["documents"] if (folder / "source" / f"{entry['id']}.jsonl").exists()]
    lacking = [entry["id"] for entry in plan["documents"] if entry not in there]
    return plan, [source.read(folder, entry, {}) for entry in there], lacking


def passages(plan: Mapping[str, Any], sources: Sequence[source.Source]) -> list[dict[str, Any]]:
    """Every passage that is coded: all fields of its row but the codes, and its text.

    Args:
        plan: for the actors' names and roles.
        sources: documents.
    """
    actors = {actor["id"]: actor for actor in plan["actors"]}
    rows = []
    for one in sources:
        actor = one.plan["actor"]
        for number, section in enumerate(one.sections()):
            text = tables.text_of(section)
            rows.append({
                "id": tables.passage_id(one, number), "document": one.file, "text": text,
                "fingerprint": fingerprint(text), "licence": "CC-BY-4.0", "date": one.plan["date"],
                "speaker_group": actor, "group": actor or one.id, "stream": "demo", "why": "case",
                "inclusion_probability": None, "round": 0, "split": "test",
                "speaker": actors[actor]["name"] if actor else None,
                "role": actors[actor]["role"] if actor else None, "stage": str(one.plan["stage"]),
                "kind": one.plan["type"],
            })  # fmt: skip
    return rows


def writers_codings(sources: Sequence[source.Source]) -> dict[str, Coding]:
    """What the writers gave, by passage."""
    found = {}
    for one in sources:
        for number, section in enumerate(one.sections()):
            record = tables.section_coding(section)
            raw = raw_of(tables.codes(record), record.stances)
            found[tables.passage_id(one, number)] = coding_of(raw, Counter())
    return found
