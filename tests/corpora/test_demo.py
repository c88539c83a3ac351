"""corpora/demo as a corpus: gold as written, a second coder beside it, both rebuilt from what lies there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from training.coding import drafts, queue
from training.coding.records import read_development, read_keys, read_rows, write_rows
from training.demo_corpus.assemble import BLIND, WRITER, assemble, differences, page
from training.demo_corpus.passages import CORPUS, passages, read_case

NOWHERE = Path("nowhere")
CHECKS = [
    {"id": f"check-{n}", "text": f"Known passage {n}.", "codes": ["NPM", "endorses"] if n % 3 else [], "contested": []}
    for n in range(60)
]


@pytest.fixture
def coded(tmp_path: Path) -> tuple[Path, Path, list[dict[str, Any]]]:
    """A copy of the case whose second coder finds NPM endorsed everywhere, and nothing in the checks."""
    plan, sources, _ = read_case(CORPUS)
    rows = [{**row, "pair": None} for row in passages(plan, sources)]
    (tmp_path / "drafts.json").write_bytes((CORPUS / "drafts.json").read_bytes())
    laid = queue.lay_out(rows, rows, CHECKS, {}, "D", size=400)
    queue.hand_out(laid, tmp_path, tmp_path / "work", "D")
    empty = {"domains": [], "dimensions": [], "relation": None, "confidence": 2}
    for name, items in laid.items():
        said = [
            {"item": one["item"], "logics": [], "stances": {}, **empty}
            if one["what"] == "check"
            else {"item": one["item"], "logics": ["NPM"], "stances": {"NPM": "endorses"}, **empty}
            for one in items
        ]
        write_rows(tmp_path / "work" / "coded" / f"{name}.jsonl", said)
    return tmp_path, tmp_path / "work" / "coded", rows


def test_codings_by_coder_and_gold_as_written(coded: tuple[Path, Path, list[dict[str, Any]]]) -> None:
    corpus, incoming, rows = coded
    out = assemble(CORPUS, corpus, incoming, {row["id"] for row in CHECKS})
    assert out.problems == []
    assert len(out.codings) == 2 * len(out.gold) == 2 * len(rows)
    committed = {row["id"]: row for row in read_rows(CORPUS / "gold.jsonl")}
    for row in out.gold:
        assert row["codes"] == committed[row["id"]]["codes"], "the second coder changes nothing in gold"
        assert row["contested"] == sorted(set(row["codes"]) ^ {"NPM", "endorses"})
        assert row["coder"] == WRITER
    alike = [row for row in out.gold if (row["codes"], row["stances"]) == (["NPM", "endorses"], {"NPM": "endorses"})]
    assert out.counts["coded alike"] == len(alike)
    assert len(differences(out)) == len(rows) - len(alike)
    text = page(corpus, out, CHECKS)
    given = sum("NPM" in row["codes"] for row in out.gold)
    assert f"| `NPM` | {len(rows)} | {given} | {len(rows)} |" in text
    assert "**below 0.85**" in text, "a coder who finds nothing in the checks is flagged"


def test_a_source_that_changed_since_is_named(coded: tuple[Path, Path, list[dict[str, Any]]]) -> None:
    corpus, incoming, _ = coded
    known = drafts.read(corpus / "drafts.json")
    name = next(iter(known))
    (corpus / "drafts.json").write_text((corpus / "drafts.json").read_text().replace(known[name]["sha256"], "0" * 64))
    out = assemble(CORPUS, corpus, incoming, {row["id"] for row in CHECKS})
    assert out.problems == [f"{name}.jsonl is not what drafts.json says"]


def test_the_corpus_is_what_its_sources_and_batches_say(shared: Path) -> None:
    development = read_development(shared / "real")
    out = assemble(CORPUS, CORPUS, NOWHERE, {row["id"] for row in development})
    assert out.problems == []
    assert out.codings == read_rows(CORPUS / "codings.jsonl")
    assert out.gold == read_rows(CORPUS / "gold.jsonl")
    head, committed = (
        text.split("## Against mere words")[0]
        for text in (page(CORPUS, out, development), (CORPUS / "CODERS.md").read_text(encoding="utf-8"))
    )
    assert head == committed


def test_every_passage_was_handed_out_to_the_second_coder() -> None:
    asked = {row["id"] for batch in read_keys(CORPUS, "D").values() for row in batch if row["what"] == "new"}
    assert {row["id"] for row in read_rows(ROOT / "corpora" / "demo" / "gold.jsonl")} <= asked


def test_every_passage_is_coded_by_both() -> None:
    coders: dict[str, set[str]] = {}
    for row in read_rows(CORPUS / "codings.jsonl"):
        coders.setdefault(row["id"], set()).add(row["coder"])
    assert [id for id, found in coders.items() if found != {WRITER, BLIND}] == []
