"""Draw the passages of `corpora/public` from the pool, in two streams, and lay out the coders' blind queues.

Run ``python -m training.public_corpus.draw ROUND`` with the pool beside the repository. What is drawn is written to
``corpora/public/sample.jsonl`` (ids, stream, inclusion probability; no text); the queues, which do hold text, go to a
folder outside the repository.

*Probability stream*: stratified by source, simple random within; ``inclusion_probability`` is n/N of the stratum. It is
for prevalence and for testing, and no score or cue had a say in it.

*Enriched stream*: what a first model, the codebooks' own examples, and cue words point to, code by code, rare codes
first, plus passages the model is sure of where the cues are silent (hard negatives turn up there). It is for training.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp import codebook
from sibnlp.model import Model, load_model
from sibnlp.types import Passage
from training.coding.records import SHARED, read_development
from training.public_corpus.passages import CORPUS

SEED = 20261122
# Passages of the probability stream by source, more than their share from small sources.
STRATA = {
    "isomerpages/csc-knowledge": 420,
    "18F/18f.gsa.gov": 220,
    "GSA/digitalgov.gov": 200,
    "Yale-LILY/QMSum": 120,
    "alphagov/government-service-design-manual": 25,
    "18F/partnership-playbook": 15,
    "18F/technology-budgeting": 4,
}
LOGICS, RELATIONS = ("NPM", "NPG", "PVM"), ("in_tension", "reinforcing", "co_existing")
# Words that tend to stand near a code. They only decide what is read, never how it is coded.
CUES = {
    "in_tension": r"at the expense|crowd(s|ed|ing)? out|trade-?offs?|tension|but (the )?(target|kpi|contract)|instead of (trust|learning)|perverse|undermin",
    "reinforcing": r"enabl(e|es|ed) (collaborat|partner)|target.{0,60}(together|shared)|contract.{0,60}(trust|flexib)|data.{0,40}(learn|together)",
    "co_existing": r"(as well as|alongside|at the same time|both).{0,80}(partner|collaborat|citizen|trust|efficien|cost|target)",
    "characterization": r"compet(e|ition|itive|itor)|market|privati[sz]|tender|bid(s|ding)?\b",
    "dominant_focus": r"relationship|results?[- ](based|oriented|driven)|outcomes? (that|not)",
    "managerial_goals": r"agreed targets?|performance targets?|mandate|renew|steer",
    "public_interest": r"public interest|public good|citizens?.{0,40}(want|prefer|value|decide)|customers?.{0,40}(want|prefer|choice)",
    "performance_objective": r"satisfaction|legitima|trust in (the )?(government|public)|cost[- ]?(saving|effective)|efficien|value for money",
    "accountability_model": r"accountab|answerable|oversight|audit|scrutin|taxpayer|report(s|ing)? to",
    "system_of_delivery": r"outsourc|in-?house|contractor|vendor|private sector|non-?profit|volunt|community (group|organi)",
    "NPG": r"co-?produc|long[- ]term (relationship|partner)|trust(ed|ing)? (each|one|between)|share(d)? (learning|responsib)|network|collaborat",
    "NPM": r"incentiv|penalt|kpi|key performance|benchmark|league|performance (contract|pay|indicator)|fixed[- ]price|market",
    "PVM": r"public value|deliberat|legitima|citizen (engage|particip|panel|jury)|engag(e|ing) (citizens|the public)|consult",
    "resists": r"(wrong|fail|failed|problem|too much|obsess|tick[- ]?box|gaming|red tape|bureaucra).{0,80}(target|metric|contract|procure|compliance|measure)",
}


def read_pool() -> list[dict[str, Any]]:
    """Pool passages that no development passage shares a document or speaker with."""
    with gzip.open(SHARED / "real" / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        pool = [json.loads(line) for line in lines]
    held_out = {row["speaker"] for row in read_development() if row["speaker"]}
    return [row for row in pool if not row["dev_document"] and row["speaker"] not in held_out]


def probability_stream(pool: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A stratified random sample with its inclusion probabilities."""
    rng = random.Random(SEED)
    drawn = []
    for repo, n in STRATA.items():
        stratum = sorted((row for row in pool if row["repo"] == repo), key=lambda row: str(row["id"]))
        for row in rng.sample(stratum, min(n, len(stratum))):
            chance = round(min(n, len(stratum)) / len(stratum), 6)
            drawn.append({"id": row["id"], "stream": "probability", "why": "random", "inclusion_probability": chance})
    return drawn


def enriched_stream(
    pool: Sequence[Mapping[str, Any]], taken: set[str], model: Model, per_code: Mapping[str, int], seed: int
) -> list[dict[str, Any]]:
    """Passages that a model, examples or cues point to, code by code, at most three from one document and reason."""
    rng = random.Random(seed)
    free = [row for row in pool if row["id"] not in taken]
    passages = [Passage(row["id"], row["path"], 0, len(row["text"]), row["text"]) for row in free]
    predictions = model.predict(passages)
    near = _nearness([row["text"] for row in free])
    drawn: dict[str, dict[str, Any]] = {}
    for code, n in per_code.items():
        ways: dict[str, Iterable[int]] = {}
        if code in model.codes:
            scores = predictions.probabilities[:, model.codes.index(code)]
            ways["model"] = np.argsort(-scores, kind="stable")
            ways["uncertain"] = np.argsort(np.abs(scores - 0.3), kind="stable")
        if code in near:
            ways["example"] = np.argsort(-near[code], kind="stable")
        if code in CUES:
            hits = [i for i, row in enumerate(free) if re.search(CUES[code], row["text"], re.IGNORECASE)]
            rng.shuffle(hits)
            ways["cue"] = hits
        if code in RELATIONS:
            # Two logics at once: the lower of the two highest logic probabilities.
            logics = predictions.probabilities[:, [model.codes.index(c) for c in LOGICS if c in model.codes]]
            ways = {"model": np.argsort(-np.sort(logics, axis=1)[:, -2], kind="stable"), **ways}
        for way, order in ways.items():
            # The model's first choices are half of what is drawn for a code, the other ways share the rest.
            quota = n // 2 if way == "model" else (n - n // 2) // max(1, len(ways) - 1)
            per_document: dict[str, int] = {}
            for i in order:
                row = free[int(i)]
                if quota == 0:
                    break
                if row["id"] in drawn or per_document.get(row["path"], 0) >= 3:
                    continue
                per_document[row["path"]] = per_document.get(row["path"], 0) + 1
                drawn[row["id"]] = {
                    "id": row["id"],
                    "stream": "enriched",
                    "why": f"{way} {code}",
                    "inclusion_probability": None,
                }
                quota -= 1
    return list(drawn.values())


def _nearness(texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Cosine of each text to the nearest example of each code in the shipped codebooks."""
    from model2vec import StaticModel

    from sibnlp.model import available

    embedder = StaticModel.from_pretrained(str(available()["gov-fast"] / "embeddings"))

    def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)

    vectors = unit(np.asarray(embedder.encode(list(texts)), dtype=np.float32))
    near = {}
    for book in ("osborne", "oflynn"):
        for code in codebook.load(book).codes:
            if code.examples and code.level == "passage":
                near[code.id] = (
                    vectors @ unit(np.asarray(embedder.encode(list(code.examples)), dtype=np.float32)).T
                ).max(1)
    return near


def lay_out(
    ids: Sequence[str], texts: Mapping[str, str], checks: Sequence[str], coder: str, start: int, size: int, out: Path
) -> list[dict[str, Any]]:
    """Shuffle passages, checks and 5 % repeats into numbered batches whose item ids tell nothing.

    Returns:
        The key: item → passage id and whether it is a check or a repeat.
    """
    rng = random.Random(f"{SEED}-{coder}-{start}")
    repeats = rng.sample(list(ids), round(0.05 * len(ids)))
    first = [(i, "new") for i in ids] + [(i, "check") for i in checks]
    rng.shuffle(first)
    # A repeat comes at least half the queue after its first showing, so that it lies in another batch.
    place = {i: n for n, (i, _) in enumerate(first)}
    items = list(first)
    for i in sorted(repeats, key=lambda i: place[i]):
        at = place[i] + len(first) // 2
        items.insert(min(at, len(items)) if at < len(first) else max(0, place[i] - len(first) // 2), (i, "repeat"))
    key = []
    n_batches = max(1, round(len(items) / size))
    for n, (i, what) in enumerate(items):
        batch = n * n_batches // len(items)
        key.append(
            {
                "item": f"{coder}{start + batch:02d}-{n:04d}",
                "batch": f"{coder}{start + batch:02d}",
                "id": i,
                "what": what,
            }
        )
    for name in sorted({str(row["batch"]) for row in key}):
        with (out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            for row in key:
                if row["batch"] == name:
                    file.write(json.dumps({"item": row["item"], "text": texts[row["id"]]}, ensure_ascii=False) + "\n")
    return key


def main() -> None:
    """Draw a round and write its queues."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round", type=int, choices=(1, 2, 3))
    parser.add_argument("--model", default="gov-fast", help="what points to passages of the enriched stream")
    parser.add_argument(
        "--out", type=Path, default=Path("/tmp/coding/public"), help="queues with text: outside the repository"
    )
    parser.add_argument("--size", type=int, default=320, help="passages a batch")
    parser.add_argument("--per-code", type=json.loads, help="JSON: how many of the enriched stream by code")
    arguments = parser.parse_args()
    pool, development = read_pool(), read_development()
    sample_path = CORPUS / "sample.jsonl"
    sample = [json.loads(line) for line in sample_path.read_text().splitlines()] if sample_path.exists() else []
    if any(row["round"] >= arguments.round for row in sample):
        raise SystemExit(f"round {arguments.round} is drawn already: {sample_path}")
    drawn = probability_stream(pool) if arguments.round == 1 else []
    taken = {row["id"] for row in sample + drawn}
    drawn += enriched_stream(pool, taken, load_model(arguments.model), arguments.per_code, SEED + arguments.round)
    drawn = [{**row, "round": arguments.round} for row in drawn]
    CORPUS.mkdir(parents=True, exist_ok=True)
    with sample_path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in drawn)
    texts = {row["id"]: row["text"] for row in [*pool, *development]}
    rng = random.Random(SEED)
    checks = [row["id"] for row in development]
    rng.shuffle(checks)
    checks = {1: checks[:150], 2: checks[150:]}.get(arguments.round, checks[:60])
    arguments.out.mkdir(parents=True, exist_ok=True)
    (CORPUS / "keys").mkdir(exist_ok=True)
    for coder in "AB":
        start = 1 + len(
            {
                row["batch"]
                for path in CORPUS.glob(f"keys/{coder}-*.jsonl")
                for row in map(json.loads, path.read_text().splitlines())
            }
        )
        key = lay_out([row["id"] for row in drawn], texts, checks, coder, start, arguments.size, arguments.out)
        with (CORPUS / "keys" / f"{coder}-{arguments.round}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in key)
        print(coder, len(key), "items in batches", sorted({row["batch"] for row in key}))
    print(len(drawn), "drawn")


if __name__ == "__main__":
    main()
