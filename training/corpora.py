"""The corpora as codings to train and measure on: written passages, public ones with their texts, development ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sibnlp.codebook import Codebook
from sibnlp.errors import DataError
from sibnlp.tables import read_codings
from sibnlp.types import CodedPassage, Passage

ROOT = Path(__file__).resolve().parent.parent
WRITTEN, PUBLIC = ROOT / "corpora" / "written", ROOT / "corpora" / "public"
REAL = ROOT.parent / "shared" / "real"


def written(books: Sequence[Codebook]) -> list[CodedPassage]:
    """The written passages, their writers' codings united with those of blind coders."""
    codings = [row for path in sorted(WRITTEN.glob("*.jsonl")) for row in read_codings(path, books)]
    return merge_codings(codings, sorted(WRITTEN.glob("pilot_codings/*.jsonl")), books)


def merge_codings(
    codings: Sequence[CodedPassage], further: Sequence[Path], books: Sequence[Codebook]
) -> list[CodedPassage]:
    """Unite the writer's codings with those of blind coders of the same passages, by id.

    A code holds where most of those who read its family gave it. Where exactly half did (two coders who differ), the
    family stays out of the passage's extent: what is contested is unknown, not absent.
    """
    extra: dict[str, list[dict[str, Any]]] = {}
    for path in further:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                extra.setdefault(row["id"], []).append(row)
    home = {code.id: code.family for book in books for code in book.codes}
    merged = []
    for coding in codings:
        rows = [(coding.extent, coding.codes), *((r["extent"], r["codes"]) for r in extra.get(coding.passage.id, []))]
        codes: list[str] = []
        extent: list[str] = []
        for family in dict.fromkeys(f for read, _ in rows for f in read):
            votes = [set(given) for read, given in rows if family in read]
            named = {code for vote in votes for code in vote if home[code] == family}
            share = {code: sum(code in vote for vote in votes) / len(votes) for code in sorted(named)}
            if 0.5 not in share.values():
                extent.append(family)
            codes += [code for code, part in share.items() if part > 0.5]
        merged.append(replace(coding, codes=tuple(codes), extent=tuple(extent)))
    return merged


def public(split: str) -> list[CodedPassage]:
    """Gold codings of one split of the public corpus, with their texts.

    The texts come from the pool beside the repository or from what ``corpora/public/fetch.py`` brought back.

    Raises:
        DataError: neither is there, or a text is missing.
    """
    pool, fetched = REAL / "pool.jsonl.gz", PUBLIC / "texts.jsonl"
    if pool.is_file():
        with gzip.open(pool, "rt", encoding="utf-8") as lines:
            texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    elif fetched.is_file():
        texts = {row["id"]: row["text"] for row in map(json.loads, fetched.read_text(encoding="utf-8").splitlines())}
    else:
        raise DataError("the texts of corpora/public are not here", f"run: python {PUBLIC / 'fetch.py'}")
    found = []
    for row in map(json.loads, (PUBLIC / "gold.jsonl").read_text(encoding="utf-8").splitlines()):
        if row["split"] != split:
            continue
        if row["id"] not in texts:
            raise DataError(
                f"passage {row['id']} of corpora/public has no text here", "run corpora/public/fetch.py again"
            )
        # The group holds all documents that share a speaker: the unit that folds must not cut.
        passage = Passage(row["id"], row["group"], 0, len(texts[row["id"]]), texts[row["id"]])
        found.append(CodedPassage(passage, tuple(row["codes"]), row["coder"], tuple(row["extent"]), row["stances"]))
    return found


def development(name: str) -> tuple[list[CodedPassage], dict[str, list[str]]]:
    """Real passages coded by two coders: what both gave, and by passage id what only one gave (left out of scores)."""
    codings, contested = [], {}
    for row in map(json.loads, (REAL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()):
        passage = Passage(row["id"], row["source"], 0, len(row["text"]), row["text"], row["speaker"])
        codings.append(CodedPassage(passage, tuple(row["codes"]), coder="both"))
        contested[row["id"]] = row["contested"]
    return codings, contested
