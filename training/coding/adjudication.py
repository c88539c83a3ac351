"""Where two coders differ: disputes laid out for an adjudicator, decisions read back, gold settled.

What a corpus must say itself is which passages it has and which two codings decide about each.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.coding.assembly import Assembled, Places, coded, collect
from training.coding.records import Coding, read_keys, short_hash, write_rows

ADJUDICATOR, REVIEWER = "language model, adjudicator", "language model, reviewer"
QUEUE_SIZE = 150
# The two codings that decide about a passage, by coder, in an order that stays.
Pair = Mapping[str, Coding]
# A coding and the day it was decided on.
Decision = tuple[Coding, str]


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
    """Write the adjudicator's batches and their keys, and say how many passages wait.

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
    where = f"now in {len(out.queue)} batches in {queue}" if queue else "--queue lays them out"
    print(f"{waiting} to adjudicate that nobody was asked about yet; {where}")
