"""What of the demo case is coded: respondents' turns and sections of documents, with what their writers gave them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.coding.records import ROOT, Coding, coding_of, raw_of
from training.demo_files import source, tables

CORPUS = ROOT / "corpora" / "demo"
WORK = Path("/tmp/coding/demo")
CODER = "D"


def read_sources(folder: Path) -> tuple[list[source.Source], list[str]]:
    """The documents that are written, in the plan's order, and those still lacking.

    Args:
        folder: holds ``plan.json`` and ``source/``.

    Raises:
        ValueError: a source does not hold the beats of the plan, or codes them differently.
    """
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    there = [entry for entry in plan["documents"] if (folder / "source" / f"{entry['id']}.jsonl").exists()]
    lacking = [entry["id"] for entry in plan["documents"] if entry not in there]
    return [source.read(folder, entry, {}) for entry in there], lacking


def passages(sources: Sequence[source.Source]) -> list[dict[str, Any]]:
    """Every passage that is coded: ``id``, ``text``, and no counterpart."""
    return [
        {"id": tables.passage_id(one, number), "text": tables.text_of(section), "pair": None}
        for one in sources
        for number, section in enumerate(one.sections())
    ]


def writers_codings(sources: Sequence[source.Source]) -> dict[str, Coding]:
    """What the writers gave, by passage."""
    found = {}
    for one in sources:
        for number, section in enumerate(one.sections()):
            record = tables.section_coding(section)
            raw = raw_of(tables.codes(record), record.stances)
            found[tables.passage_id(one, number)] = coding_of(raw, Counter())
    return found
