"""Draw a later round of `corpora/public`: a probability sample stratified by what a model makes of each passage.

Run ``python -m training.public_corpus.stratify ROUND`` with the pool beside the repository. Codes are rare in the pool
(some 2 % of passages carry a given logic), so that a simple random sample of a size that can be read twice holds a
handful of them. Here the passages that no earlier round drew are sorted into strata by their split and by the highest
probability the model gives any code of theirs; within a stratum all have the same chance, which is recorded. Weighted
by its inverse, the round stands for what the earlier rounds left; together with those, for the whole pool (Horvitz &
Thompson 1952, *A generalization of sampling without replacement from a finite universe*, JASA 47).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.model import load_model
from sibnlp.types import Passage
from training.coding.records import FAMILY_OF, read_development, read_rows
from training.corpora import STRATIFIED
from training.public_corpus.draw import SEED, lay_out, read_pool
from training.public_corpus.passages import CORPUS, document_of, groups, split_of

FAMILIES = ("logic", "domain", "dimension")
# Lower bounds of the strata, and how many of each are drawn in each split (all, where there are fewer).
BOUNDS = (0.3, 0.1, 0.03, 0.0)
QUOTAS = {"train": (999, 420, 100, 60), "validation": (999, 999, 40, 30), "test": (999, 160, 80, 80)}


def highest(rows: Sequence[Mapping[str, Any]], model: str) -> NDArray[np.float64]:
    """The highest probability of any logic, domain or dimension, [n]."""
    loaded = load_model(model)
    columns = [at for at, code in enumerate(loaded.codes) if FAMILY_OF[code] in FAMILIES]
    passages = [Passage(row["id"], row["path"], 0, len(row["text"]), row["text"]) for row in rows]
    found: NDArray[np.float64] = loaded.predict(passages).probabilities[:, columns].max(axis=1).astype(np.float64)
    return found


def draw(
    rows: Sequence[Mapping[str, Any]], scores: NDArray[np.float64], group: Mapping[str, str], seed: str
) -> list[dict[str, Any]]:
    """Draw from each stratum.

    Args:
        rows: of the pool, none of them drawn before.
        scores: [n], of the same order.
        group: of each document.
        seed: of the random draw.
    """
    strata: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        at = next(number for number, bound in enumerate(BOUNDS) if score >= bound)
        strata[split_of(group[document_of(row)]), at].append(str(row["id"]))
    drawn = []
    for (split, at), ids in sorted(strata.items()):
        n = min(QUOTAS[split][at], len(ids))
        for id in random.Random(f"{seed} {split} {at}").sample(sorted(ids), n):
            why = f"score from {BOUNDS[at]:g}, {split}"
            drawn.append({"id": id, "stream": STRATIFIED, "why": why, "inclusion_probability": round(n / len(ids), 6)})
    return drawn


def main() -> None:
    """Draw a round and write its queues."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round", type=int)
    parser.add_argument("--model", default="gov-base", help="whose probabilities make the strata")
    parser.add_argument(
        "--out", type=Path, default=Path("/tmp/coding/public/queue"), help="queues: outside the repository"
    )
    parser.add_argument("--size", type=int, default=190, help="passages a batch")
    arguments = parser.parse_args()
    pool, development = read_pool(), read_development()
    path = CORPUS / "sample.jsonl"
    sample = read_rows(path)
    if any(row["round"] >= arguments.round for row in sample):
        raise SystemExit(f"round {arguments.round} is drawn already: {path}")
    taken = {row["id"] for row in sample}
    free = [row for row in pool if row["id"] not in taken]
    drawn = draw(free, highest(free, arguments.model), groups(pool), f"{SEED} {arguments.round}")
    drawn = [{**row, "round": arguments.round} for row in drawn]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in drawn)
    texts = {row["id"]: row["text"] for row in [*pool, *development]}
    checks = [row["id"] for row in development]
    random.Random(f"{SEED} {arguments.round}").shuffle(checks)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for coder in "AB":
        keys = sorted(CORPUS.glob(f"keys/{coder}-*.jsonl"))
        start = 1 + len({row["batch"] for key in keys for row in read_rows(key)})
        key = lay_out([row["id"] for row in drawn], texts, checks[:90], coder, start, arguments.size, arguments.out)
        with (CORPUS / "keys" / f"{coder}-{1 + len(keys)}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in key)
        print(coder, len(key), "items in batches", sorted({row["batch"] for row in key}))
    print(len(drawn), "drawn", dict(Counter(row["why"] for row in drawn)))


if __name__ == "__main__":
    main()
