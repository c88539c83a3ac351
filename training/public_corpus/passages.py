"""The passages of `corpora/public`: where each stands, what must not be parted from it, and its split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from training.coding.records import ROOT, fingerprint, short_hash

CORPUS = ROOT / "corpora" / "public"
# 60 % train, 15 % validation, 25 % test.
SHARES = ((0.60, "train"), (0.75, "validation"), (1.0, "test"))


def passage(row: Mapping[str, Any], drawn: Mapping[str, Any], group: str) -> dict[str, Any]:
    """All but the codes: where a passage is, how it was drawn, and what must not be parted from it.

    Args:
        row: of the pool; drawn: of the sample.
        group: of its document.
    """
    return {
        "id": row["id"], "document": document_of(row), "repo": row["repo"], "commit": row["commit"],
        "path": row["path"], "locator": row["locator"], "fingerprint": fingerprint(row["text"]),
        "licence": row["licence"], "date": row["date"],
        "speaker_group": short_hash(row["speaker"]) if row["speaker"] else None, "group": group,
        "stream": drawn["stream"], "why": drawn["why"], "inclusion_probability": drawn["inclusion_probability"],
        "round": drawn["round"], "split": split_of(group),
    }  # fmt: skip


def document_of(row: Mapping[str, Any]) -> str:
    """The id of a pool passage's document."""
    return f"{row['repo']}/{row['path']}"


def groups(pool: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What must not be parted: documents joined where they share a speaker.

    Args:
        pool: rows of the whole pool, not only those drawn, so that a later round parts nothing anew.

    Returns:
        Document id → name of its group, which is a hash of the group's first document.
    """
    above: dict[str, str] = {}

    def top(node: str) -> str:
        above.setdefault(node, node)
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    documents = set()
    for row in pool:
        document = "d " + document_of(row)
        documents.add(document)
        a, b = top(document), top("s " + row["speaker"]) if row["speaker"] else top(document)
        # The least name stays on top; documents sort before speakers.
        above[max(a, b)] = min(a, b)
    return {document[2:]: short_hash(top(document)) for document in documents}


def split_of(group: str) -> str:
    """The split of a group: a hash decides, once and for all."""
    place = int(hashlib.sha256(f"sibnlp public split {group}".encode()).hexdigest()[:8], 16) / 2**32
    return next(name for limit, name in SHARES if place < limit)
