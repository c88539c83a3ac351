"""Blind queues, laid out wave by wave; what was handed out before stays as it is.

A wave takes the passages that no key holds yet in their present wording, shuffles them and cuts them into batches such
that the two members of a counterfactual pair never meet. Into every batch go, unmarked, 5 % repeats of passages that
lie in other batches and twelve development passages whose codes are known. Batches hold text and item ids that tell
nothing; what an item is stands in the corpus's ``keys/``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.records import SHARED, fingerprint, read_development, read_keys, write_rows

SEED = 20261128
SIZE, CHECKS, REPEATS = 190, 12, 0.05
Row = Mapping[str, Any]
Keys = Mapping[str, Sequence[Row]]


def new_passages(passages: Iterable[Row], keys: Keys) -> list[Row]:
    """Passages that no key holds in their present wording."""
    asked = {(row["id"], row["fingerprint"]) for rows in keys.values() for row in rows if row["what"] == "new"}
    return [row for row in passages if (row["id"], fingerprint(row["text"])) not in asked]


def lay_out(
    new: Sequence[Row], known: Iterable[Row], checks: Sequence[Row], keys: Keys, coder: str, size: int = SIZE
) -> dict[str, list[dict[str, Any]]]:
    """Cut a wave into batches.

    Args:
        new: passages to code, with ``id``, ``text`` and ``pair``.
        known: all passages that may be repeated: those of earlier waves too.
        checks: development passages.
        keys: of earlier waves, by batch; they are read, never changed.
        coder: letter that batches and items begin with.
        size: items a batch holds at most, repeats and checks among them.

    Returns:
        Items by batch: ``item``, ``batch``, ``id``, ``what`` (new, repeat or check), ``fingerprint`` and ``text``.
    """
    rng = random.Random(f"{SEED} {coder} {len(keys)}")
    order = sorted(new, key=lambda row: str(row["id"]))
    rng.shuffle(order)
    own = (size - CHECKS) / (1 + REPEATS)
    n = max(-(-len(order) // int(own)), 2 if any(row["pair"] for row in order) else 1)
    batches: list[list[Row]] = [[] for _ in range(n)]
    homes: dict[str, int] = {}
    for row in order:
        # The batch with the fewest passages that does not hold the passage's counterpart.
        free = [b for b in range(n) if not row["pair"] or homes.get(row["pair"]) != b]
        least = min(free, key=lambda b: (len(batches[b]), b))
        batches[least].append(row)
        if row["pair"]:
            homes[row["pair"]] = least
    repeats = _repeats(batches, known, keys, rng)
    shown = [row["id"] for rows in keys.values() for row in rows if row["what"] == "check"]
    fresh = [row for row in sorted(checks, key=lambda row: str(row["id"])) if row["id"] not in shown]
    rng.shuffle(fresh)
    # Nobody is shown a development passage twice; the last waves share out what is left.
    each = min(CHECKS, len(fresh) // n)
    if each < CHECKS:
        print(f"{len(fresh)} development passages are left: {each} checks a batch, not {CHECKS}", file=sys.stderr)
    laid: dict[str, list[dict[str, Any]]] = {}
    for b, batch in enumerate(batches):
        name = f"{coder}{len(keys) + 1 + b:02d}"
        mixed = [("new", row) for row in batch] + [("repeat", row) for row in repeats[b]]
        mixed += [("check", row) for row in fresh[b * each : (b + 1) * each]]
        rng.shuffle(mixed)
        laid[name] = [
            {
                "item": f"{name}-{at:04d}", "batch": name, "id": row["id"], "what": what,
                "fingerprint": fingerprint(row["text"]), "text": row["text"],
            }
            for at, (what, row) in enumerate(mixed)
        ]  # fmt: skip
    return laid


def _repeats(batches: Sequence[Sequence[Row]], known: Iterable[Row], keys: Keys, rng: random.Random) -> list[list[Row]]:
    """5 % of each batch: passages first shown elsewhere, each repeated once, none beside its counterpart."""
    asked = {row["id"]: row["fingerprint"] for rows in keys.values() for row in rows if row["what"] == "new"}
    spent = {row["id"] for rows in keys.values() for row in rows if row["what"] == "repeat"}
    here = {row["id"] for batch in batches for row in batch}
    pool = [row for batch in batches for row in batch]
    pool += [row for row in known if row["id"] not in here and asked.get(row["id"]) == fingerprint(row["text"])]
    chosen: list[list[Row]] = []
    for batch in batches:
        ids, pairs = {row["id"] for row in batch}, {row["pair"] for row in batch if row["pair"]}
        picked: list[Row] = []
        for row in rng.sample(pool, len(pool)):
            if len(picked) == round(REPEATS * len(batch)):
                break
            if row["id"] in spent or row["id"] in ids or row["pair"] in pairs:
                continue
            picked.append(row)
            spent.add(row["id"])
            pairs |= {row["pair"]} - {None}
        chosen.append(picked)
    return chosen


def hand_out(laid: Mapping[str, Sequence[Row]], corpus: Path, work: Path, coder: str) -> Path:
    """Write a wave's key into the corpus and its batches outside the repository.

    Returns:
        The key.
    """
    number = 1 + len(list((corpus / "keys").glob(f"{coder}-*.jsonl")))
    key = corpus / "keys" / f"{coder}-{number}.jsonl"
    write_rows(key, ({k: v for k, v in row.items() if k != "text"} for rows in laid.values() for row in rows))
    for name, rows in laid.items():
        write_rows(work / "queue" / f"{name}.jsonl", ({"item": row["item"], "text": row["text"]} for row in rows))
    return key


def arguments_of_a_wave(parser: argparse.ArgumentParser, work: Path) -> None:
    """The options that every corpus's queue has.

    Args:
        parser: takes them.
        work: where batches go unless told otherwise.
    """
    development = SHARED / "real"
    parser.add_argument("--development", type=Path, default=development, help="folder of dev.jsonl, dev_natural.jsonl")
    parser.add_argument("--out", type=Path, default=work, help="batches with text: outside the repository")


def wave(
    passages: Sequence[Row], known: Iterable[Row], corpus: Path, work: Path, development: Path, coder: str
) -> None:
    """Lay out and hand out what no key holds yet, and say what that was.

    Args:
        passages: to code, with ``id``, ``text`` and ``pair``; known: all that may be repeated.
        corpus: with ``keys/``; work: takes the batches; development: folder of the development passages.
        coder: letter that batches and items begin with.

    Raises:
        SystemExit: there is nothing to lay out.
    """
    keys = read_keys(corpus, coder)
    new = new_passages(passages, keys)
    if not new:
        raise SystemExit("nothing to lay out: every passage was handed out in its present wording")
    laid = lay_out(new, known, read_development(development), keys, coder)
    key = hand_out(laid, corpus, work, coder)
    print(json.dumps({"key": str(key), "batches": {name: len(rows) for name, rows in laid.items()}, "new": len(new)}))
