"""Lay out blind queues for the coder of ``corpora/written``, wave by wave; what was handed out before stays as it is.

    python -m training.written_corpus.queue --writers w01 w02 w03 w04 --plain
    python -m training.written_corpus.queue --writers w05 w06 w07 w08

A wave takes the writers' passages that no key holds yet in their present wording, shuffles them across writers and cuts
them into batches such that the two members of a counterfactual pair never meet. Into every batch go, unmarked, 5 %
repeats of passages that lie in other batches and twelve development passages whose codes are known. Batches hold text
and item ids that tell nothing; what an item is stands in ``corpora/written/keys``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.public_corpus.records import fingerprint, read_keys, read_rows, write_rows
from training.written_corpus.check_draft import faults_of

ROOT = Path(__file__).resolve().parents[2]
CORPUS, SHARED = ROOT / "corpora" / "written", ROOT.parent / "shared"
WORK = Path("/tmp/coding/written")
CODER, SEED = "C", 20261128
SIZE, CHECKS, REPEATS = 190, 12, 0.05
Row = Mapping[str, Any]
Keys = Mapping[str, Sequence[Row]]


def new_passages(passages: Iterable[Row], keys: Keys) -> list[Row]:
    """Passages that no key holds in their present wording."""
    asked = {(row["id"], row["fingerprint"]) for rows in keys.values() for row in rows if row["what"] == "new"}
    return [row for row in passages if (row["id"], fingerprint(row["text"])) not in asked]


def lay_out(
    new: Sequence[Row], known: Iterable[Row], checks: Sequence[Row], keys: Keys, coder: str = CODER, size: int = SIZE
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
    if len(fresh) < CHECKS * n:
        raise SystemExit(f"{len(fresh)} development passages are left for {n} batches of {CHECKS} checks each")
    laid: dict[str, list[dict[str, Any]]] = {}
    for b, batch in enumerate(batches):
        name = f"{coder}{len(keys) + 1 + b:02d}"
        mixed = [("new", row) for row in batch] + [("repeat", row) for row in repeats[b]]
        mixed += [("check", row) for row in fresh[b * CHECKS : (b + 1) * CHECKS]]
        rng.shuffle(mixed)
        laid[name] = [
            {
                "item": f"{name}-{at:04d}", "batch": name, "id": row["id"], "what": what,
                "fingerprint": fingerprint(row["text"]), "text": row["text"],
            }
            for at, (what, row) in enumerate(mixed)
        ]  # fmt: skip
    return laid


def _repeats(
    batches: Sequence[Sequence[Row]], known: Iterable[Row], keys: Keys, rng: random.Random
) -> list[list[Row]]:
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


def hand_out(laid: Mapping[str, Sequence[Row]], corpus: Path, work: Path, coder: str = CODER) -> Path:
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


def main() -> None:
    """Lay out a wave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", nargs="*", default=[], help="w01 w02 …")
    parser.add_argument("--plain", action="store_true", help="the passages of plain.jsonl too")
    parser.add_argument("--raw", type=Path, default=CORPUS / "raw", help="folder of the writers' files")
    parser.add_argument("--development", type=Path, default=SHARED / "real", help="folder of dev.jsonl, dev_natural.jsonl")
    parser.add_argument("--out", type=Path, default=WORK, help="batches with text: outside the repository")
    arguments = parser.parse_args()
    drafts = {writer: read_rows(arguments.raw / f"{writer}.jsonl") for writer in arguments.writers}
    faults = [f"{writer}: {fault}" for writer, rows in drafts.items() for fault in faults_of(rows)]
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
        raise SystemExit(f"{len(faults)} faults; nothing laid out")
    passages: list[Row] = [row for rows in drafts.values() for row in rows]
    plain = [{**row, "pair": None} for row in read_rows(CORPUS / "plain.jsonl")]
    passages += plain if arguments.plain else []
    keys = read_keys(CORPUS, CODER)
    new = new_passages(passages, keys)
    if not new:
        raise SystemExit("nothing to lay out: every passage was handed out in its present wording")
    files = [path for path in sorted(arguments.raw.glob("w*.jsonl")) if path.stem not in drafts]
    known = [*passages, *plain, *(row for path in files for row in read_rows(path))]
    checks = [row for name in ("dev", "dev_natural") for row in read_rows(arguments.development / f"{name}.jsonl")]
    laid = lay_out(new, known, checks, keys)
    key = hand_out(laid, CORPUS, arguments.out)
    print(json.dumps({"key": str(key), "batches": {name: len(rows) for name, rows in laid.items()}, "new": len(new)}))


if __name__ == "__main__":
    main()
