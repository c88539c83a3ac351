"""From raw batches to codings by passage: read strictly, copied as they came; and what comes together in a corpus."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.coding.records import EXTENT, SPLITS, Batch, Coding, read_batch, read_keys, read_rows


@dataclass(slots=True)
class Assembled:
    """What came together.

    Attributes:
        codings, gold: rows of the two files.
        queue: adjudication items with text, by batch; keys: what each item is.
        problems: every fault, named.
        counts: what the numbers page and the messages say.
    """

    codings: list[dict[str, Any]] = field(default_factory=list)
    gold: list[dict[str, Any]] = field(default_factory=list)
    queue: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    keys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a corpus keeps what its scripts exchange.

    Attributes:
        corpus: folder of the corpus, with ``keys/``.
        raw: folder in it for copies of raw batches.
        decided: where the adjudicator and the reviewer write; may be missing.
    """

    corpus: Path
    raw: Path
    decided: Path


def collect(
    raw: Path, incoming: Path, batches: Mapping[str, Sequence[str]], confidence: bool = True
) -> tuple[dict[str, Batch], dict[str, str]]:
    """Read every batch that is there, a newer incoming one before the copy in ``raw``; keep copies of the sound ones.

    Args:
        raw: folder of the copies, with ``batches.json``: when each was coded, and its checksum.
        incoming: folder the coders write to; may be missing.
        batches: items by batch.
        confidence: whether the coders were asked for one.

    Returns:
        Batches by name, and the day each sound one was coded.
    """
    listed = raw / "batches.json"
    known: dict[str, dict[str, Any]] = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    found, news = {}, False
    for name, items in sorted(batches.items()):
        path = incoming / f"{name}.jsonl"
        fresh = path.exists()
        if not fresh:
            path = raw / path.name
        if not path.exists():
            continue
        found[name] = read_batch(path, items, confidence)
        if fresh and not found[name].problems:
            content = path.read_bytes()
            raw.mkdir(parents=True, exist_ok=True)
            (raw / path.name).write_bytes(content)
            day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
            news = True
            known[name] = {"coded": day, "items": len(items), "sha256": hashlib.sha256(content).hexdigest()}
    if news:
        listed.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return found, {name: one["coded"] for name, one in known.items()}


@dataclass(slots=True)
class Given:
    """Blind coders' word on passages: by coder and passage id, with the day of the batch."""

    codings: dict[str, dict[str, Coding]] = field(default_factory=dict)
    days: dict[tuple[str, str], str] = field(default_factory=dict)


def blind(
    places: Places, incoming: Path, coders: Sequence[str], known: Mapping[str, str | None], checks: set[str],
    out: Assembled,
) -> Given:  # fmt: skip
    """What blind coders said of the passages handed out to them; a batch with a fault is refused whole.

    Args:
        places: of the corpus.
        incoming: folder the coders write to; may be missing.
        coders: letters that their batches begin with.
        known: fingerprint by id of every passage that may have been handed out; None where wordings do not change.
        checks: ids of the development passages that went into the queues; they never come out.
        out: takes problems and counts.
    """
    given = Given({coder: {} for coder in coders})
    for coder in coders:
        keys = read_keys(places.corpus, coder)
        items = {name: [row["item"] for row in rows] for name, rows in keys.items()}
        found, dates = collect(places.raw, incoming, items)
        out.counts[f"batches handed out to {coder}"] = len(keys)
        for name, batch in found.items():
            strangers = [row["id"] for row in keys[name] if row["id"] not in checks and row["id"] not in known]
            batch.problems += [f"{name}: passage {id} is in no sample" for id in strangers]
            out.problems += batch.problems
            if batch.problems:
                out.counts["batches refused"] += 1
                continue
            out.counts[f"batches of {coder}"] += 1
            out.counts[f"domains dropped, {coder}"] += batch.dropped["domain"]
            for row in keys[name]:
                if row["what"] != "new":
                    continue
                if known[row["id"]] is not None and known[row["id"]] != row["fingerprint"]:
                    out.counts[f"codings of another wording, {coder}"] += 1
                    continue
                given.codings[coder][row["id"]] = batch.codings[row["item"]]
                given.days[coder, row["id"]] = dates[name]
    return given


def waves(corpus: Path, coder: str) -> dict[str, int]:
    """In which wave each passage was handed out to a blind coder, the latest counting.

    Args:
        corpus: with ``keys/``.
        coder: letter that its batches begin with.
    """

    def number(path: Path) -> int:
        return int(path.stem.partition("-")[2])

    files = sorted((corpus / "keys").glob(f"{coder}-*.jsonl"), key=number)
    return {row["id"]: number(path) for path in files for row in read_rows(path) if row["what"] == "new"}


def coded(coding: Coding, coder: str, day: str, extent: Sequence[str] = EXTENT) -> dict[str, Any]:
    """The fields of a row that say what a coder found.

    Args:
        coder: in words; day: ISO date.
        extent: families read for.
    """
    return {
        "coder": coder, "date_coded": day, "codes": coding.codes, "extent": list(extent),
        "stances": coding.content["stances"], "confidence": coding.confidence,
    }  # fmt: skip


def split_duplicates(gold: Sequence[Mapping[str, Any]], path: Path) -> set[str]:
    """Passages to leave out of gold, so that none has its near-duplicate in another split: of two, test's stays.

    Args:
        gold: rows with their split.
        path: pairs of ids, as ``audit`` finds them; may be missing.
    """
    splits = {row["id"]: SPLITS[::-1].index(row["split"]) for row in gold}
    found = [row["ids"] for row in read_rows(path)] if path.exists() else []
    known = [(a, b) for a, b in found if a in splits and b in splits]
    return {max(two, key=splits.__getitem__) for two in known if splits[two[0]] != splits[two[1]]}


def leave_out_duplicates(corpus: Path, out: Assembled) -> None:
    """Take from gold what `split_duplicates` names."""
    double = split_duplicates(out.gold, corpus / "near_duplicates.jsonl")
    out.counts["near-duplicates left out of gold"] = len(double)
    out.gold = [row for row in out.gold if row["id"] not in double]


def report(out: Assembled) -> None:
    """Say what came together; exit code 1 where there are faults."""
    for name, n in sorted(out.counts.items()):
        print(f"{name}: {n}")
    print(f"{len(out.codings)} codings, {len(out.gold)} gold")
    for problem in out.problems:
        print(problem, file=sys.stderr)
    if out.problems:
        print(f"{len(out.problems)} faults", file=sys.stderr)
        sys.exit(1)
