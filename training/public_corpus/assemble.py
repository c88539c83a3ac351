"""From the coders' raw batches to the corpus: ``codings.jsonl`` (who said what), the adjudicator's queue, gold.

Run ``python -m training.public_corpus.assemble`` with the pool beside the repository; ``--queue`` also lays out,
outside the repository, what the two coders differ on and nobody was asked about yet. Raw batches are copied to
``corpora/public/raw`` as they came (they hold no text) and read from there on. A batch with a fault is refused whole,
its faults are named and counted, and the exit code is 1; the rest is assembled.
"""

from __future__ import annotations

import argparse
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

from training.public_corpus import numbers_page
from training.public_corpus.records import (
    CORPUS,
    FAMILIES,
    Batch,
    Coding,
    document_of,
    fingerprint,
    groups,
    read_batch,
    read_keys,
    read_rows,
    short_hash,
    split_of,
    write_rows,
)

CODERS = {"A": "language model, blind coder A", "B": "language model, blind coder B"}
AGREED, ADJUDICATOR = "language model, blind coders A and B agree", "language model, adjudicator"
REVIEWER = "language model, reviewer"
EXTENT = [family.id for family in FAMILIES]
QUEUE_SIZE, SEED = 150, 20261122


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


@dataclass(slots=True)
class Given:
    """The coders' word on the new passages: by coder and passage id, with the date of the batch."""

    codings: dict[str, dict[str, Coding]] = field(default_factory=lambda: {coder: {} for coder in CODERS})
    dates: dict[tuple[str, str], str] = field(default_factory=dict)


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


def assemble(
    corpus: Path, incoming: Path, decided: Path, pool: Sequence[Mapping[str, Any]], checks: set[str]
) -> Assembled:
    """Put the corpus together.

    Args:
        corpus: folder with ``sample.jsonl`` and ``keys/``.
        incoming: raw batches of the coders; decided: of the adjudicator.
        pool: the passages that may be in the corpus, with text.
        checks: ids of the development passages that went into the queues; they never come out.
    """
    out = Assembled()
    texts, sample = {row["id"]: row for row in pool}, {row["id"]: row for row in read_rows(corpus / "sample.jsonl")}
    group = groups(pool)
    for id in sample:
        if id not in texts:
            out.problems.append(f"sample.jsonl: passage {id} is not in the pool, or held out for development")
    given = _coders(corpus, incoming, texts, sample, checks, out)
    shared = {id: _passage(texts[id], sample[id], group[document_of(texts[id])]) for id in sample if id in texts}
    for id, passage in shared.items():
        for coder, name in CODERS.items():
            if coding := given.codings[coder].get(id):
                out.codings.append({**passage, **_coded(coding, name, given.dates[coder, id])})
    both = [id for id in shared if all(id in given.codings[coder] for coder in CODERS)]
    decisions = _decisions(corpus, decided, given, out)
    changed = _changed(corpus, decided, out)
    for id in both:
        a, b = (given.codings[coder][id] for coder in CODERS)
        agreed = a.content == b.content
        out.counts["coded by both"] += 1
        out.counts["agreed" if agreed else "adjudicated" if id in decisions else "awaiting adjudication"] += 1
        if not agreed and id not in decisions:
            continue
        coding, day = (a, given.dates["B", id]) if agreed else decisions[id]
        decision, coder = ("agreed", AGREED) if agreed else ("adjudicated", ADJUDICATOR)
        # Candidates are where a classifier disagrees: to follow them in the test split would tilt it to classifiers.
        if id in changed and shared[id]["split"] == "test":
            out.counts["changed on review, but left as it was in the test split"] += 1
        elif id in changed:
            (coding, day), decision, coder = changed[id], "reviewed", REVIEWER
        row = _coded(coding, coder, day)
        contested = sorted(set(a.codes) ^ set(b.codes))
        del row["confidence"]
        out.gold.append({**shared[id], **row, "contested": contested, "decided": decision})
    double = split_duplicates(out.gold, corpus / "near_duplicates.jsonl")
    out.counts["near-duplicates left out of gold"] = len(double)
    out.gold = [row for row in out.gold if row["id"] not in double]
    _lay_out(corpus, [id for id in both if id not in decisions], given, texts, out)
    return out


def split_duplicates(gold: Sequence[Mapping[str, Any]], path: Path) -> set[str]:
    """Passages to leave out of gold, so that none has its near-duplicate in another split: of two, test's stays.

    Args:
        gold: rows with their split.
        path: pairs of ids, as ``audit`` finds them; may be missing.
    """
    splits = {row["id"]: ("test", "validation", "train").index(row["split"]) for row in gold}
    pairs = [row["ids"] for row in read_rows(path)] if path.exists() else []
    known = [(a, b) for a, b in pairs if a in splits and b in splits]
    return {max(pair, key=splits.__getitem__) for pair in known if splits[pair[0]] != splits[pair[1]]}


def _coders(
    corpus: Path, incoming: Path, texts: Mapping[str, Any], sample: Mapping[str, Any], checks: set[str], out: Assembled
) -> Given:
    given = Given()
    for coder in CODERS:
        keys = read_keys(corpus, coder)
        items = {name: [row["item"] for row in rows] for name, rows in keys.items()}
        found, dates = collect(corpus / "raw", incoming, items)
        out.counts[f"batches handed out to {coder}"] = len(keys)
        for name, batch in found.items():
            strangers = [row["id"] for row in keys[name] if row["id"] not in checks and row["id"] not in sample]
            batch.problems += [f"{name}: passage {id} is in no sample" for id in strangers]
            out.problems += batch.problems
            if batch.problems:
                out.counts["batches refused"] += 1
                continue
            out.counts[f"batches of {coder}"] += 1
            out.counts[f"domains dropped, {coder}"] += batch.dropped["domain"]
            for row in keys[name]:
                if row["what"] == "new" and row["id"] in texts:
                    given.codings[coder][row["id"]] = batch.codings[row["item"]]
                    given.dates[coder, row["id"]] = dates[name]
    return given


def _passage(row: Mapping[str, Any], drawn: Mapping[str, Any], group: str) -> dict[str, Any]:
    """All but the codes: where the passage is, how it was drawn, and what must not be parted from it."""
    return {
        "id": row["id"], "document": document_of(row), "repo": row["repo"], "commit": row["commit"],
        "path": row["path"], "locator": row["locator"], "fingerprint": fingerprint(row["text"]),
        "licence": row["licence"], "date": row["date"],
        "speaker_group": short_hash(row["speaker"]) if row["speaker"] else None, "group": group,
        "stream": drawn["stream"], "why": drawn["why"], "inclusion_probability": drawn["inclusion_probability"],
        "round": drawn["round"], "split": split_of(group),
    }  # fmt: skip


def _coded(coding: Coding, coder: str, day: str) -> dict[str, Any]:
    return {
        "coder": coder, "date_coded": day, "codes": coding.codes, "extent": EXTENT,
        "stances": coding.content["stances"], "confidence": coding.confidence,
    }  # fmt: skip


def _difference(given: Given, id: str) -> str:
    """Fingerprint of what the two coders say of a passage: a decision on another difference does not count."""
    return short_hash(json.dumps([given.codings[coder][id].content for coder in CODERS]))


def _decisions(corpus: Path, decided: Path, given: Given, out: Assembled) -> dict[str, tuple[Coding, str]]:
    """The adjudicator's word by passage, where it is on what the coders say now."""
    keys = read_keys(corpus, "adjudication")
    items = {name: [row["item"] for row in rows] for name, rows in keys.items()}
    found, dates = collect(corpus / "raw", decided, items, confidence=False)
    decisions: dict[str, tuple[Coding, str]] = {}
    for name, batch in found.items():
        out.problems += batch.problems
        out.counts["batches refused" if batch.problems else "batches of the adjudicator"] += 1
        for row in keys[name] if not batch.problems else ():
            id = row["id"]
            if not all(id in given.codings[coder] for coder in CODERS) or row["difference"] != _difference(given, id):
                out.counts["decisions out of date"] += 1
                continue
            decisions[id] = (batch.codings[row["item"]], dates[name])
        out.counts["domains dropped, adjudicator"] += batch.dropped["domain"]
    return decisions


def _changed(corpus: Path, decided: Path, out: Assembled) -> dict[str, tuple[Coding, str]]:
    """What the reviewer of label-error candidates changed, by passage; what stands has no coding of its own."""
    keys = read_keys(corpus, "review")
    items = {name: [row["item"] for row in rows if row["verdict"] == "changed"] for name, rows in keys.items()}
    found, dates = collect(corpus / "raw", decided, items, confidence=False)
    changed: dict[str, tuple[Coding, str]] = {}
    for name, batch in found.items():
        out.problems += batch.problems
        out.counts["label-error candidates reviewed"] += len(keys[name])
        changed |= {id: (coding, dates[name]) for id, coding in batch.codings.items()}
    out.counts["changed on review"] = len(changed)
    return changed


def _lay_out(corpus: Path, ids: Sequence[str], given: Given, texts: Mapping[str, Any], out: Assembled) -> None:
    """Batches of what the coders differ on, the two codings in random order, for what no batch holds yet."""
    keys = read_keys(corpus, "adjudication")
    asked = {(row["id"], row["difference"]) for rows in keys.values() for row in rows}
    differ = [id for id in ids if len({json.dumps(given.codings[coder][id].content) for coder in CODERS}) > 1]
    new = [id for id in differ if (id, _difference(given, id)) not in asked]
    random.Random(SEED + len(keys)).shuffle(new)
    n_batches = -(-len(new) // QUEUE_SIZE)
    for n, id in enumerate(new):
        number = len(keys) + 1 + n * n_batches // len(new)
        name, item = f"adjudication-{number:02d}", f"J{number:02d}-{n:04d}"
        x, y = random.Random(f"{SEED} {id}").sample(sorted(CODERS), 2)
        shown = {label: given.codings[coder][id].content for label, coder in (("X", x), ("Y", y))}
        out.queue.setdefault(name, []).append({"item": item, "text": texts[id]["text"], **shown})
        row = {"item": item, "batch": name, "id": id, "X": x, "difference": _difference(given, id)}
        out.keys.setdefault(name, []).append(row)


def main() -> None:
    """Assemble what is there."""
    from training.public_corpus.draw import read_development, read_pool

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work = Path("/tmp/coding/public")
    parser.add_argument("--coded", type=Path, default=work / "coded", help="the coders' raw batches")
    parser.add_argument("--adjudicated", type=Path, default=work / "adjudicated", help="the adjudicator's raw batches")
    parser.add_argument("--queue", type=Path, nargs="?", const=work, help="lay out what is to be adjudicated here")
    arguments = parser.parse_args()
    checks = {row["id"] for row in read_development()}
    out = assemble(CORPUS, arguments.coded, arguments.adjudicated, read_pool(), checks)
    write_rows(CORPUS / "codings.jsonl", out.codings)
    write_rows(CORPUS / "gold.jsonl", out.gold)
    (CORPUS / "NUMBERS.md").write_text(numbers_page.page(out.codings, out.gold, out.counts), encoding="utf-8")
    waiting = sum(map(len, out.queue.values()))
    if arguments.queue:
        for name, rows in out.queue.items():
            write_rows(arguments.queue / f"{name}.jsonl", rows)
            write_rows(CORPUS / "keys" / f"{name}.jsonl", out.keys[name])
    for name, n in sorted(out.counts.items()):
        print(f"{name}: {n}")
    print(f"{len(out.codings)} codings, {len(out.gold)} gold")
    where = f"now in {len(out.queue)} batches in {arguments.queue}" if arguments.queue else "--queue lays them out"
    print(f"{waiting} to adjudicate that nobody was asked about yet; {where}")
    for problem in out.problems:
        print(problem, file=sys.stderr)
    if out.problems:
        print(f"{len(out.problems)} faults", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
