"""The corpus in numbers, as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.coding.coders_page import table
from training.coding.records import CODES, SPLITS

STREAMS = ("probability", "enriched", "stratified")
Row = Mapping[str, Any]


def page(codings: Sequence[Row], gold: Sequence[Row], counts: Mapping[str, int]) -> str:
    """What the corpus holds: passages by source and split, positives by code, and how the gold codings came about."""
    once = {row["id"]: row for row in codings}
    by_coder: dict[str, Counter[str]] = {}
    for row in codings:
        by_coder.setdefault(row["coder"][-1], Counter()).update(row["codes"])
    golden = Counter(code for row in gold for code in row["codes"])
    per_split = {s: Counter(code for row in gold if row["split"] == s for code in row["codes"]) for s in SPLITS}
    parts = [
        "# Numbers\n\nWritten by `python -m training.public_corpus.assemble`; do not edit.\n",
        f"{len(once)} passages of {len({row['document'] for row in once.values()})} documents carry a coding; "
        f"{len(gold)} have a gold coding.\n",
        table(["step", "n"], sorted(counts.items())),
        "## Passages by source, stream and split\n",
        table(
            ["source", "licence", *STREAMS, *SPLITS, "groups"],
            [_source(repo, list(once.values()), SPLITS) for repo in sorted({row["repo"] for row in once.values()})],
        ),
        "Gold by split: " + ", ".join(f"{s} {sum(row['split'] == s for row in gold)}" for s in SPLITS) + ".\n",
        "## Positives by code\n",
        table(
            ["code", "coder A", "coder B", "gold", *(f"gold, {split}" for split in SPLITS)],
            [
                [f"`{code}`", by_coder.get("A", Counter())[code], by_coder.get("B", Counter())[code], golden[code],
                 *(per_split[split][code] for split in SPLITS)]
                for codes in CODES.values() for code in codes
            ],
        ),
        _prevalence(gold, counts.get("awaiting adjudication", 0)),
    ]  # fmt: skip
    return "\n".join(parts)


def _source(repo: str, rows: Sequence[Row], splits: Sequence[str]) -> list[object]:
    own = [row for row in rows if row["repo"] == repo]
    streams = [sum(row["stream"] == stream for row in own) for stream in STREAMS]
    in_split = [sum(row["split"] == split for row in own) for split in SPLITS]
    return [repo, own[0]["licence"], *streams, *in_split, len({row["group"] for row in own})]


def _prevalence(gold: Sequence[Row], waiting: int) -> str:
    """Shares in the pool, weighted by inclusion probability (Hájek), from the probability stream alone."""
    sample = [row for row in gold if row["stream"] == "probability"]
    total = sum(1 / row["inclusion_probability"] for row in sample)
    if not sample:
        return ""
    rows = []
    for code in CODES["logic"]:
        n = sum(code in row["codes"] for row in sample)
        weight = sum(1 / row["inclusion_probability"] for row in sample if code in row["codes"])
        rows.append([f"`{code}`", n, f"{100 * weight / total:.1f} %"])
    carrying = [row for row in sample if set(row["codes"]) & set(CODES["logic"])]
    weight = sum(1 / row["inclusion_probability"] for row in carrying)
    rows.append(["any", len(carrying), f"{100 * weight / total:.1f} %"])
    head = f"## Natural prevalence\n\n{len(sample)} passages of the probability stream have a gold coding."
    if waiting:
        head += f" {waiting} passages await adjudication, most of them with a code: the shares are too low until then."
    return head + "\n\n" + table(["logic", "passages", "share of the pool"], rows)
