"""The corpora as codings to train and measure on: written, public (with their texts), edited, development ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sibnlp.codebook import Codebook
from sibnlp.errors import DataError
from sibnlp.tables import read_codings
from sibnlp.types import CodedPassage, Passage
from training.coding.records import fingerprint

ROOT = Path(__file__).resolve().parent.parent
WRITTEN, PUBLIC, CONTRAST = (ROOT / "corpora" / name for name in ("written", "public", "contrast"))
REAL = ROOT.parent / "shared" / "real"
STRATIFIED = "stratified"


def written(books: Sequence[Codebook], split: str = "train") -> list[CodedPassage]:
    """Gold codings of one split of the written corpus.

    Args:
        books: every code must be of one of them.
        split: train, validation or test: writers apart.

    Each passage's actor is its writer, so that folds keep a voice together; its document is its counterfactual pair.
    """
    path = WRITTEN / "gold.jsonl"
    splits = {row["id"]: (row["split"], row["speaker_group"]) for row in _rows(path)}
    found = []
    for coding in read_codings(path, books):
        own, writer = splits[coding.passage.id]
        if own == split:
            found.append(replace(coding, passage=replace(coding.passage, actor=writer, extra=())))
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def public(split: str, stream: str = "") -> list[CodedPassage]:
    """Gold codings of one split of the public corpus, with their texts.

    Args:
        split: train, validation or test.
        stream: probability, enriched or stratified; all where empty.

    The texts come from the pool beside the repository or from what ``corpora/public/fetch.py`` brought back. The pool
    knows the title of a passage's document too, which stands as its heading. For training, the passage before it comes
    along as its context, so that a model meets all that may stand around one; in use a document's passages have a
    heading alone.

    Raises:
        DataError: neither is there, or a text is missing.
    """
    texts = _texts()
    found = []
    for row in _rows(PUBLIC / "gold.jsonl"):
        if row["split"] != split or (stream and row["stream"] != stream):
            continue
        if row["id"] not in texts:
            raise DataError(
                f"passage {row['id']} of corpora/public has no text here", "run corpora/public/fetch.py again"
            )
        # The group holds all documents that share a speaker: the unit that folds must not cut.
        text, heading, before = texts[row["id"]]
        context = before if split == "train" else ""
        passage = Passage(row["id"], row["group"], 0, len(text), text, context=context, heading=heading)
        found.append(CodedPassage(passage, tuple(row["codes"]), row["coder"], tuple(row["extent"]), row["stances"]))
    return found


@dataclass(frozen=True, slots=True)
class Contrast:
    """A real passage and the same edited, so that what it carries changes or just does not (``corpora/contrast``).

    Attributes:
        before, after: with their gold codings; ``after`` carries what its writer and a blind coder both gave.
        kind: ``add``, ``near`` or ``remove``.
    """

    before: CodedPassage
    after: CodedPassage
    kind: str


def contrasts() -> list[Contrast]:
    """The pairs of the contrast set, with their texts; all originals are of the training split of ``corpora/public``.

    As in use, a passage has a heading but not the passage before it.

    Raises:
        DataError: the texts are not here, or one is another than was edited.
    """
    originals = {
        coding.passage.id: replace(coding, passage=replace(coding.passage, context="")) for coding in public("train")
    }
    found = []
    for row in _rows(CONTRAST / "gold.jsonl"):
        before = originals[row["base"]]
        text = edited(before.passage.text, row["edits"])
        if fingerprint(text) != row["fingerprint"]:
            raise DataError(f"passage {row['base']} is another than the one that {row['id']} was made of")
        passage = replace(before.passage, id=row["id"], end=len(text), text=text)
        after = CodedPassage(passage, tuple(row["codes"]), row["coder"], tuple(row["extent"]), row["stances"])
        found.append(Contrast(before, after, row["why"]))
    return found


def edited(text: str, edits: Sequence[Mapping[str, Any]]) -> str:
    """A text with stretches replaced: each from a start, so many characters, by other words; starts rise.

    >>> edited("They meet.", [{"start": 5, "length": 4, "text": "pay"}, {"start": 9, "length": 0, "text": " late"}])
    'They pay late.'
    """
    for one in reversed(edits):
        text = text[: one["start"]] + one["text"] + text[one["start"] + one["length"] :]
    return text


def evidence() -> dict[str, dict[str, list[tuple[int, int]]]]:
    """For passages of ``public("train")``, by id and code: start and end of what makes the code's criterion hold."""
    return {
        row["id"]: {code: [(start, start + n) for start, n in spans] for code, spans in row["evidence"].items()}
        for row in _rows(PUBLIC / "evidence.jsonl")
    }


def _texts() -> dict[str, tuple[str, str, str]]:
    """By id: text, title of the document, and the text of the passage before it in the document."""
    pool, fetched = REAL / "pool.jsonl.gz", PUBLIC / "texts.jsonl"
    if pool.is_file():
        texts: dict[str, tuple[str, str, str]] = {}
        last: dict[tuple[str, str], str] = {}
        with gzip.open(pool, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                document = row["repo"], row["path"]
                texts[row["id"]] = row["text"], row["title"] or "", last.get(document, "")
                last[document] = row["text"]
        return texts
    if fetched.is_file():
        return {row["id"]: (row["text"], "", "") for row in _rows(fetched)}
    raise DataError("the texts of corpora/public are not here", f"run: python {PUBLIC / 'fetch.py'}")


def weights(split: str) -> dict[str, float]:
    """For how many passages of the pool's split each coded one stands, by id: together, for all of them.

    The rounds before the stratified one stand for themselves, all of them being coded; its passages stand for those
    that no round drew, each for the inverse of its inclusion probability.
    """
    return {
        row["id"]: 1 / row["inclusion_probability"] if row["stream"] == STRATIFIED else 1.0
        for row in _rows(PUBLIC / "gold.jsonl")
        if row["split"] == split
    }


def development(name: str) -> tuple[list[CodedPassage], dict[str, list[str]]]:
    """Real passages coded by two coders: what both gave, and by passage id what only one gave (left out of scores)."""
    codings, contested = [], {}
    for row in _rows(REAL / f"{name}.jsonl"):
        passage = Passage(row["id"], row["source"], 0, len(row["text"]), row["text"], row["speaker"])
        codings.append(CodedPassage(passage, tuple(row["codes"]), coder="both"))
        contested[row["id"]] = row["contested"]
    return codings, contested
