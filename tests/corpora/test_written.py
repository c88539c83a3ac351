"""corpora/written as it lies there: what it was to hold, no borrowed words, pairs whole, pages and gold from raw."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from training.coding import drafts
from training.coding.records import read_development, read_keys, read_rows
from training.demo_corpus import passages as demo
from training.written_corpus import check_coders, numbers_page
from training.written_corpus.assemble import assemble
from training.written_corpus.audit import borrowed, openings, public_texts, review_section
from training.written_corpus.check_draft import GENRES, faults_of, shared_runs
from training.written_corpus.passages import CODER, WRITERS, read_drafts

CORPUS = ROOT / "corpora" / "written"
NOWHERE = Path("nowhere")
LAST_CHECKS = {"C22": 2, "C23": 2, "C24": 2, "C25": 0, "C26": 0}


@functools.cache
def rows(name: str) -> list[dict[str, Any]]:
    return read_rows(CORPUS / name)


@functools.cache
def written() -> list[dict[str, Any]]:
    return read_drafts(CORPUS / "raw")


@pytest.mark.parametrize(("what", "least", "there"), numbers_page.asked(rows("gold.jsonl")), ids=lambda one: str(one))
def test_gold_holds_what_the_corpus_was_to_hold(what: str, least: int, there: int) -> None:
    assert there >= least, what


def test_every_passage_has_gold_or_is_a_near_duplicate() -> None:
    double = {id for row in rows("near_duplicates.jsonl") for id in row["ids"]}
    assert {row["id"] for row in written()} - {row["id"] for row in rows("gold.jsonl")} <= double


def test_drafts_are_as_they_came_and_without_fault() -> None:
    files = [CORPUS / "raw" / "pilot.jsonl", CORPUS / "raw" / "plain.jsonl", *(CORPUS / "raw").glob(WRITERS)]
    assert len(files) >= 10, "eight writers, the pilot and the plain passages"
    assert drafts.changed(CORPUS / "raw" / "drafts.json", files) == []
    assert [fault for path in (CORPUS / "raw").glob(WRITERS) for fault in faults_of(read_rows(path))] == []


def test_lengths_and_genres() -> None:
    for row in rows("gold.jsonl"):
        assert 20 <= len(row["text"].split()) <= 140, row["id"]
        assert row["genre"] in (*GENRES, "policy")
        assert "\n" not in row["text"]


def test_no_eight_words_in_a_row_are_shared_outside_pairs() -> None:
    plan, sources, _ = demo.read_case(demo.CORPUS)
    own = {row["id"] for row in written()}
    found = shared_runs([*written(), *demo.passages(plan, sources)])
    assert [one for one in found if own & set(one[:2])] == []


def test_no_opening_is_a_template() -> None:
    assert openings(written()) == []


def test_nothing_is_borrowed_from_public_text(shared: Path) -> None:
    assert borrowed(written(), public_texts(shared)) == []


def test_pairs_have_two_members_in_one_split_and_most_differ_as_meant() -> None:
    pairs = numbers_page.pairs_of(rows("gold.jsonl"))
    assert {len(members) for members in pairs.values()} == {2}
    held = 0
    for a, b in pairs.values():
        assert (a["split"], a["document"], a["changes"]) == (b["split"], b["document"], b["changes"])
        held += numbers_page.differs(a, b, a["changes"])
    assert held / len(pairs) > 0.85


def test_splits_are_by_writer() -> None:
    found = {row["speaker_group"]: row["split"] for row in rows("gold.jsonl")}
    assert found == {row["speaker_group"]: row["split"] for row in rows("codings.jsonl")}
    assert {writer for writer, split in found.items() if split == "validation"} == {"w07"}
    assert {writer for writer, split in found.items() if split == "test"} == {"w08"}


def test_pairs_were_never_coded_in_one_batch_and_every_batch_has_checks() -> None:
    pair = {row["id"]: row["pair"] for row in written()}
    for name, batch in read_keys(CORPUS, CODER).items():
        seen = [pair[row["id"]] for row in batch if pair.get(row["id"])]
        assert len(set(seen)) == len(seen), name
        # Nobody is shown a development passage twice, and they ran out.
        asked = LAST_CHECKS.get(batch[0]["batch"], 12)
        assert Counter(row["what"] for row in batch)["check"] == asked
        assert all(row["what"] != "check" or row["id"] not in pair for row in batch)


def test_the_corpus_is_what_its_raw_files_say(shared: Path) -> None:
    out = assemble(CORPUS, NOWHERE, NOWHERE, {row["id"] for row in read_development(shared / "real")})
    assert out.problems == []
    assert out.codings == rows("codings.jsonl")
    assert out.gold == rows("gold.jsonl")
    assert out.counts["awaiting adjudication"] == out.counts["awaiting a blind coder"] == 0
    page = numbers_page.page(out.codings, out.gold, out.counts)
    assert page == (CORPUS / "NUMBERS.md").read_text(encoding="utf-8")


def test_the_coders_page_is_what_the_codings_say(shared: Path) -> None:
    page, short = check_coders.page(rows("codings.jsonl"), rows("gold.jsonl"), read_development(shared / "real"))
    # The last part fits classifiers: its figures may differ in the last place from machine to machine.
    head, committed = (
        text.split("## Against mere words")[0] for text in (page, (CORPUS / "CODERS.md").read_text(encoding="utf-8"))
    )
    assert head == committed
    said = (CORPUS / "README.md").read_text(encoding="utf-8")
    assert not short or "below the bar" in said, "a coder below the bar is owned up to in the datasheet"


def test_gold_is_what_both_gave_or_an_adjudicator_decided() -> None:
    given: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows("codings.jsonl"):
        given.setdefault(row["id"], {})[row["coder"].rpartition(" ")[2]] = row
    for row in rows("gold.jsonl"):
        said = given[row["id"]]
        a, b = (said["A"], said["B"]) if "B" in said else (said["writer"], said["C"])
        assert row["contested"] == sorted(set(a["codes"]) ^ set(b["codes"]))
        alike = (a["codes"], a["stances"]) == (b["codes"], b["stances"])
        assert row["decided"] in ("agreed" if alike else "adjudicated", "reviewed"), row["id"]
        if row["decided"] == "agreed":
            assert (row["codes"], row["stances"]) == (a["codes"], a["stances"])


def test_the_audit_tells_of_the_review_as_it_was_applied() -> None:
    said = (CORPUS / "AUDIT.md").read_text(encoding="utf-8")
    assert review_section() in said
    applied = {row["id"] for row in rows("gold.jsonl") if row["decided"] == "reviewed"}
    changed = {
        row["id"] for batch in read_keys(CORPUS, "review").values() for row in batch if row["verdict"] == "changed"
    }
    assert applied == changed - {row["id"] for row in rows("gold.jsonl") if row["split"] == "test"}


def test_no_development_passage_comes_out(shared: Path) -> None:
    held = {row["id"] for row in read_development(shared / "real")}
    assert not held & {row["id"] for name in ("codings.jsonl", "gold.jsonl") for row in rows(name)}
