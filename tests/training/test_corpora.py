"""How codings of several coders become one."""

from __future__ import annotations

import json
from pathlib import Path

from sibnlp.codebook import load
from sibnlp.types import CodedPassage, Passage
from training.corpora import merge_codings

BOOKS = [load("osborne"), load("oflynn")]


def test_most_decide_and_a_tie_is_unknown(tmp_path: Path) -> None:
    passage = Passage("a", "a", 0, 1, "x")
    author = CodedPassage(passage, ("NPM", "NPG", "governance_mechanisms"), "author", ("logic", "domain"))
    given = (["NPM", "performance_objective"], ["NPM", "governance_mechanisms", "public_interest"])
    for name, codes in zip("AB", given, strict=True):
        row = {"id": "a", "codes": codes, "extent": ["logic", "domain", "dimension"]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (merged,) = merge_codings([author], sorted(tmp_path.glob("*.jsonl")), BOOKS)
    assert set(merged.codes) == {"NPM", "governance_mechanisms"}
    assert set(merged.extent) == {"logic", "domain"}


def test_a_passage_nobody_else_coded_stays_as_it_was() -> None:
    author = CodedPassage(Passage("a", "a", 0, 1, "x"), ("NPM",), "author", ("logic",))
    assert merge_codings([author], [], BOOKS) == [author]
