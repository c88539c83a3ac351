"""From raw batches to a corpus: codings collected, disputes handed to an adjudicator, gold settled.

What a corpus must say itself is which passages it has and which two codings decide about each; the rest is here.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.coding.records import (
    EXTENT,
    SPLITS,
    Batch,
    Coding,
    read_batch,
    read_keys,
    read_rows,
    short_hash,
    write_rows,
)

ADJUDICATOR, REVIEWER = "language model, adjudicator", "language model, reviewer"
QUEUE_SIZE = 150
# The two codings that decide about a passage, by coder, in an order that stays.
Pair = Mapping[str, Coding]
Decision = tuple[Coding, str]


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


def difference(pair: Pair) -> str:
    """Fingerprint of what the two coders say of a passage: a decision on another difference does not count."""
    return short_hash(json.dumps([coding.content for coding in pair.values()]))


def agreed(pair: Pair) -> bool:
    """Whether the two say the same, confidence apart."""
    a, b = pair.values()
    return a.content == b.content


def decisions(places: Places, pairs: Mapping[str, Pair], out: Assembled) -> dict[str, Decision]:
    """The adjudicator's word by passage, with its day, where it is on what the coders say now."""
    keys = read_keys(places.corpus, "adjudication")
    items = {name: [row["item"] for row in rows] for name, rows in keys.items()}
    found, dates = collect(places.raw, places.decided, items, confidence=False)
    said: dict[str, Decision] = {}
    for name, batch in found.items():
        out.problems += batch.problems
        out.counts["batches refused" if batch.problems else "batches of the adjudicator"] += 1
        for row in keys[name] if not batch.problems else ():
            id = row["id"]
            if id not in pairs or row["difference"] != difference(pairs[id]):
                out.counts["decisions out of date"] += 1
                continue
            said[id] = (batch.codings[row["item"]], dates[name])
        out.counts["domains dropped, adjudicator"] += batch.dropped["domain"]
    return said


def changes(places: Places, out: Assembled) -> dict[str, Decision]:
    """What the reviewer of label-error candidates changed, by passage; what stands has no coding of its own."""
    keys = read_keys(places.corpus, "review")
    items = {name: [row["item"] for row in rows if row["verdict"] == "changed"] for name, rows in keys.items()}
    found, dates = collect(places.raw, places.decided, items, confidence=False)
    changed: dict[str, Decision] = {}
    for name, batch in found.items():
        out.problems += batch.problems
        out.counts["label-error candidates reviewed"] += len(keys[name])
        changed |= {id: (coding, dates[name]) for id, coding in batch.codings.items()}
    out.counts["changed on review"] = len(changed)
    return changed


def settle(
    passages: Mapping[str, Mapping[str, Any]],
    pairs: Mapping[str, Pair],
    days: Mapping[str, str],
    agreement: Mapping[str, str],
    decided: Mapping[str, Decision],
    changed: Mapping[str, Decision],
    out: Assembled,
) -> None:
    """Gold: what the two coders agree on, else what the adjudicator decided, else what the reviewer changed.

    Args:
        passages: all but the codes, by id.
        pairs: the two codings of each passage that has both.
        days: when the later of the two was coded.
        agreement: what gold calls its coder where the two agree, by the first of them.
        decided, changed: by adjudicator and reviewer.
        out: takes rows and counts.
    """
    for id, pair in pairs.items():
        a, b = pair.values()
        same = agreed(pair)
        out.counts["coded by both"] += 1
        out.counts["agreed" if same else "adjudicated" if id in decided else "awaiting adjudication"] += 1
        if not same and id not in decided:
            continue
        coding, day = (a, days[id]) if same else decided[id]
        decision, coder = ("agreed", agreement[next(iter(pair))]) if same else ("adjudicated", ADJUDICATOR)
        # Candidates are where a classifier disagrees: to follow them in the test split would tilt it to classifiers.
        if id in changed and passages[id]["split"] == "test":
            out.counts["changed on review, but left as it was in the test split"] += 1
        elif id in changed:
            (coding, day), decision, coder = changed[id], "reviewed", REVIEWER
        row = coded(coding, coder, day)
        del row["confidence"]
        contested = sorted(set(a.codes) ^ set(b.codes))
        out.gold.append({**passages[id], **row, "contested": contested, "decided": decision})


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


def lay_out(
    corpus: Path, pairs: Mapping[str, Pair], settled: Mapping[str, Decision], texts: Mapping[str, str], seed: int,
    out: Assembled,
) -> None:  # fmt: skip
    """Batches of what the coders differ on, the two codings in random order, for what no batch holds yet.

    Args:
        corpus: with ``keys/``.
        pairs: the two codings by passage.
        settled: passages that the adjudicator decided.
        texts: by passage.
        seed: of the order of passages and of the two codings.
        out: takes queue and keys.
    """
    keys = read_keys(corpus, "adjudication")
    asked = {(row["id"], row["difference"]) for rows in keys.values() for row in rows}
    differ = [id for id, pair in pairs.items() if id not in settled and not agreed(pair)]
    new = [id for id in differ if (id, difference(pairs[id])) not in asked]
    random.Random(seed + len(keys)).shuffle(new)
    n_batches = -(-len(new) // QUEUE_SIZE)
    for n, id in enumerate(new):
        number = len(keys) + 1 + n * n_batches // len(new)
        name, item = f"adjudication-{number:02d}", f"J{number:02d}-{n:04d}"
        x, y = random.Random(f"{seed} {id}").sample(sorted(pairs[id]), 2)
        shown = {label: pairs[id][coder].content for label, coder in (("X", x), ("Y", y))}
        out.queue.setdefault(name, []).append({"item": item, "text": texts[id], **shown})
        row = {"item": item, "batch": name, "id": id, "X": x, "difference": difference(pairs[id])}
        out.keys.setdefault(name, []).append(row)


def hand_out(corpus: Path, queue: Path | None, out: Assembled) -> None:
    """Write the adjudicator's batches and their keys, and say what came together; exit code 1 where there are faults.

    Args:
        corpus: takes the keys.
        queue: takes the batches, which hold text; None lays nothing out.
        out: what was assembled.
    """
    waiting = sum(map(len, out.queue.values()))
    if queue:
        for name, rows in out.queue.items():
            write_rows(queue / f"{name}.jsonl", rows)
            write_rows(corpus / "keys" / f"{name}.jsonl", out.keys[name])
    for name, n in sorted(out.counts.items()):
        print(f"{name}: {n}")
    print(f"{len(out.codings)} codings, {len(out.gold)} gold")
    where = f"now in {len(out.queue)} batches in {queue}" if queue else "--queue lays them out"
    print(f"{waiting} to adjudicate that nobody was asked about yet; {where}")
    for problem in out.problems:
        print(problem, file=sys.stderr)
    if out.problems:
        print(f"{len(out.problems)} faults", file=sys.stderr)
        sys.exit(1)
