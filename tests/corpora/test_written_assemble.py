"""training/written_corpus: drafts and blind codings in, corpus out, and every fault named and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.coding import drafts, queue, review
from training.coding.assembly import Assembled
from training.coding.records import read_keys, read_rows, write_rows
from training.written_corpus.assemble import assemble
from training.written_corpus.check_draft import faults_of, shared_runs
from training.written_corpus.numbers_page import asked, page
from training.written_corpus.passages import take_drafts

CHECKS = [{"id": f"check-{n}", "text": f"Known passage {n}."} for n in range(30)]
LONG = "we had them all round the table on the Tuesday and nobody there would say what it was meant to cost"


def draft(id: str, text: str, *logics: str, **other: Any) -> dict[str, Any]:
    row = {
        "id": id, "text": text, "logics": list(logics), "domains": [], "dimensions": [], "relation": None,
        "stances": dict.fromkeys(logics, "endorses"), "genre": "interview", "role": "clerk", "sector": "housing",
        "country": "Ireland", "hard": False, "pair": None, "changes": None,
    }  # fmt: skip
    return {**row, **other}


def said(item: str, *logics: str, **other: Any) -> dict[str, Any]:
    stances = dict.fromkeys(logics, "endorses")
    empty = {"domains": [], "dimensions": [], "relation": None, "stances": stances, "confidence": 3}
    return {"item": item, "logics": list(logics), **empty, **other}


def drafts_of(writer: str) -> list[dict[str, Any]]:
    pair = {"pair": f"{writer}-p01", "changes": "logic"}
    return [
        draft(f"{writer}-001", f"{writer} speaking, {LONG}, and they docked us for it.", "NPM", **pair),
        draft(f"{writer}-002", f"{writer} speaking, {LONG}, and then we had lunch.", **pair),
        draft(f"{writer}-003", f"Half of {writer} was out sick that week. " * 4, "PVM"),
    ]


class Case:
    """A corpus of a pilot passage, a plain one and three writers, and a blind coder who agrees in everything."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.work = folder / "written", folder / "work"
        self.coded, self.decided = self.work / "coded", self.work / "adjudicated"
        raw, incoming = self.corpus / "raw", folder / "incoming"
        old = {"document": "x", "coder": "author", "genre": "policy", "sector": "other", "hard": False}
        pilot = {"id": "pilot-001", "text": "Pilot.", "codes": ["PVM", "performance_emphasis"], **old}
        plain = {"id": "plain-001", "text": "Doors open at nine.", "codes": [], **old}
        write_rows(raw / "pilot.jsonl", [{**pilot, "extent": ["logic", "domain"]}])
        write_rows(raw / "plain.jsonl", [{**plain, "extent": ["logic", "domain", "dimension"]}])
        drafts.note(raw / "drafts.json", [raw / "pilot.jsonl", raw / "plain.jsonl"])
        for writer in ("w01", "w07", "w08"):
            write_rows(incoming / f"{writer}.jsonl", drafts_of(writer))
        assert take_drafts(incoming, raw) == []
        for coder in "AB":
            row = {
                "id": "pilot-001",
                "codes": ["PVM", "endorses"],
                "stances": {"PVM": "endorses"},
                "date": "2026-11-22",
            }
            write_rows(self.corpus / "raw_coded" / f"pilot-{coder}.jsonl", [{**row, "confidence": 3}])
        passages = [row for writer in ("w01", "w07", "w08") for row in drafts_of(writer)]
        passages.append({"id": "plain-001", "text": "Doors open at nine.", "pair": None})
        laid = queue.lay_out(passages, passages, CHECKS, {}, "C", size=30)
        queue.hand_out(laid, self.corpus, self.work, "C")
        own = {row["id"]: row["logics"] for row in passages if "logics" in row}
        self.batches = {
            name: [said(row["item"], *own.get(row["id"], [])) for row in rows]
            for name, rows in read_keys(self.corpus, "C").items()
        }
        self.item = {row["id"]: row["item"] for rows in read_keys(self.corpus, "C").values() for row in rows
                     if row["what"] == "new"}  # fmt: skip

    def say(self, id: str, *logics: str, **other: Any) -> None:
        item = self.item[id]
        name = item.partition("-")[0]
        self.batches[name] = [
            said(item, *logics, **other) if row["item"] == item else row for row in self.batches[name]
        ]

    def assemble(self) -> Assembled:
        for name, rows in self.batches.items():
            write_rows(self.coded / f"{name}.jsonl", rows)
        return assemble(self.corpus, self.coded, self.decided, {row["id"] for row in CHECKS})


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_codings_of_writer_and_coder_and_gold(case: Case) -> None:
    out = case.assemble()
    assert out.problems == []
    assert len(out.gold) == 11
    assert len(out.codings) == 11 * 2 + 1, "the pilot passage has three coders; no check and no repeat comes out"
    gold = {row["id"]: row for row in out.gold}
    one = gold["w01-001"]
    assert (one["codes"], one["stances"], one["decided"]) == (["NPM", "endorses"], {"NPM": "endorses"}, "agreed")
    assert (one["genre"], one["role"], one["pair"], one["changes"]) == ("interview", "clerk", "w01-p01", "logic")
    assert one["document"] == gold["w01-002"]["document"] == "w01-p01"
    assert gold["w01-003"]["document"] == "w01-003"
    assert {row["speaker_group"]: row["split"] for row in out.gold} == {
        "pilot": "train", "plain": "train", "w01": "train", "w07": "validation", "w08": "test",
    }  # fmt: skip
    assert one["text"] == drafts_of("w01")[0]["text"]
    assert not any("text" in row for row in out.codings)
    author = next(row for row in out.codings if row["id"] == "pilot-001" and row["coder"].endswith("writer"))
    assert (author["codes"], author["extent"]) == (["PVM"], ["logic", "domain"]), "a domain of PVM alone falls away"
    assert out.counts["domains dropped, writers"] == 1
    assert gold["pilot-001"]["codes"] == ["PVM", "endorses"]
    assert (gold["pilot-001"]["round"], one["round"]) == (0, 1)
    # Without the coders' folder the copies are the source.
    again = assemble(case.corpus, Path("nowhere"), case.decided, {row["id"] for row in CHECKS})
    assert (again.codings, again.gold) == (out.codings, out.gold)
    text = page(out.codings, out.gold, out.counts)
    assert "| `NPM` | 3 | 0 | 0 | 3 | 3 | 1 | 1 | 1 |" in text
    assert {name: have for name, _, have in asked(out.gold)}["counterfactual pairs that hold"] == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"logics": ["NPX"]}, "unknown code 'NPX' in logics"),
        ({"logics": ["NPM"], "stances": {}}, "stances are not those of its logics"),
        ({"logics": ["NPM"], "stances": {"NPM": "endorses"}, "relation": "segregating"}, "unknown relation"),
        ({"confidence": 0}, "confidence 0"),
    ],
)
def test_a_batch_with_a_fault_is_refused_whole(case: Case, change: dict[str, Any], told: str) -> None:
    item = case.item["w01-003"]
    name = item.partition("-")[0]
    case.say("w01-003", **change)
    out = case.assemble()
    assert any(f"{name}.jsonl item {item}: {told}" in problem for problem in out.problems), out.problems
    assert out.counts["batches refused"] == 1
    assert not (case.corpus / "raw_coded" / f"{name}.jsonl").exists()
    others = {row["id"] for row in out.gold}
    assert others == {id for id, own in case.item.items() if not own.startswith(name)} | {"pilot-001"}


def test_a_coding_of_a_passage_that_is_not_there_is_refused(case: Case) -> None:
    path = case.corpus / "keys" / "C-1.jsonl"
    rows = read_rows(path)
    write_rows(path, [{**row, "id": "w99-001"} if row["id"] == "w01-003" else row for row in rows])
    out = case.assemble()
    assert any("passage w99-001 is in no sample" in problem for problem in out.problems)
    assert out.counts["batches refused"] >= 1


def test_a_coding_of_another_wording_does_not_count(case: Case) -> None:
    path = case.corpus / "raw" / "w01.jsonl"
    rows = read_rows(path)
    write_rows(
        path, [{**row, "text": "Quite another thing altogether."} if row["id"] == "w01-003" else row for row in rows]
    )
    out = case.assemble()
    assert out.counts["codings of another wording, C"] == 1
    assert "w01-003" not in {row["id"] for row in out.gold}
    assert out.counts["awaiting a blind coder"] == 1


def test_what_differs_goes_to_an_adjudicator_once_and_blind(case: Case) -> None:
    case.say("w08-003", "PVM", stances={"PVM": "reports"})
    case.say("plain-001", "NPM")
    write_rows(
        case.corpus / "raw_coded" / "pilot-B.jsonl",
        [{"id": "pilot-001", "codes": [], "stances": {}, "confidence": 1, "date": "2026-11-22"}],
    )
    out = case.assemble()
    assert len(out.gold) == 8
    (name,) = out.queue
    assert all(set(row) == {"item", "text", "X", "Y"} for row in out.queue[name])
    assert "w08" not in json.dumps([{k: v for k, v in row.items() if k != "text"} for row in out.queue[name]])
    key = {row["id"]: row for row in out.keys[name]}
    assert set(key) == {"w08-003", "plain-001", "pilot-001"}
    assert key["pilot-001"]["X"] in "AB"
    assert key["w08-003"]["X"] in ("writer", "C")
    write_rows(case.corpus / "keys" / f"{name}.jsonl", out.keys[name])
    assert case.assemble().queue == {}, "nobody is asked twice"
    decided = [said(row["item"], "PVM") if row["id"] != "plain-001" else said(row["item"]) for row in key.values()]
    write_rows(case.decided / f"{name}.jsonl", [{k: v for k, v in row.items() if k != "confidence"} for row in decided])
    gold = {row["id"]: row for row in case.assemble().gold}
    assert len(gold) == 11
    assert (gold["w08-003"]["decided"], gold["w08-003"]["contested"]) == ("adjudicated", ["endorses", "reports"])
    assert gold["plain-001"]["codes"] == []
    assert gold["pilot-001"]["contested"] == ["PVM", "endorses"]


def test_a_review_changes_gold_but_for_the_test_split(case: Case) -> None:
    candidates = [{"id": "w01-003"}, {"id": "w08-003"}, {"id": "w01-001"}]
    verdicts: list[dict[str, Any]] = [{"item": "w01-001", "verdict": "stands"}]
    verdicts += [{**said(id, "NPM", "PVM"), "verdict": "changed"} for id in ("w01-003", "w08-003")]
    assert review.faults(candidates, verdicts) == []
    told = review.faults(candidates, [*verdicts[:1], {"item": "w01-003", "verdict": "changed", "logics": []}])
    assert told == ["w08-003: not judged", "w01-003: lacks dimensions, domains, relation, stances"]
    assert review.take(case.corpus, case.corpus / "raw_coded", verdicts, case.work) == "review-01"
    gold = {row["id"]: row for row in case.assemble().gold}
    assert (gold["w01-003"]["codes"], gold["w01-003"]["decided"]) == (["NPM", "PVM", "endorses"], "reviewed")
    assert gold["w08-003"]["decided"] == gold["w01-001"]["decided"] == "agreed"


def test_a_faulty_draft_is_not_taken(tmp_path: Path) -> None:
    rows = drafts_of("w02")
    write_rows(tmp_path / "in" / "w02.jsonl", [{**rows[0], "logics": ["NPX"]}, *rows[1:]])
    (tmp_path / "raw").mkdir()
    faults = take_drafts(tmp_path / "in", tmp_path / "raw")
    assert any("unknown code 'NPX'" in fault for fault in faults)
    assert not (tmp_path / "raw" / "w02.jsonl").exists()


def test_faults_of_a_draft_are_named() -> None:
    rows = drafts_of("w02")
    assert faults_of(rows) == []
    rows[2] |= {"text": "Too short.", "genre": "sonnet", "hard": "yes", "domains": ["performance_emphasis"]}
    rows[1] |= {"logics": ["NPM"], "stances": {"NPM": "endorses"}, "id": "w02-001"}
    told = "\n".join(faults_of(rows))
    for fault in (
        "2 words, not 20 to 140", "unknown genre 'sonnet'", "hard is not true or false", "a domain without NPM or NPG",
        "the id stands twice", "logic is the same in both",
    ):  # fmt: skip
        assert fault in told, fault


def test_eight_words_in_a_row_are_shared_in_pairs_only() -> None:
    rows = drafts_of("w02")
    assert shared_runs(rows) == []
    run = "nobody there would say what it was meant"
    other = draft("w03-001", f"As far as I recall {run.upper()}, at all.")
    assert shared_runs([*rows, other]) == [("w02-001", "w03-001", run)]
