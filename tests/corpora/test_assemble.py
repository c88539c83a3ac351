"""training/public_corpus/assemble.py: raw batches in, corpus out, and every fault named and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.coding.assembly import Assembled
from training.coding.records import read_development, read_rows, write_rows
from training.public_corpus.assemble import assemble
from training.public_corpus.numbers_page import page
from training.public_corpus.passages import groups, split_of

POOL: list[dict[str, Any]] = [
    {
        "id": f"{n:016x}", "repo": "o/r", "commit": "c" * 40, "path": f"d{n // 2}.md", "speaker": speaker, "date": None,
        "licence": "MIT", "text": f"Passage number {n}.", "locator": {"variant": "raw", "start": 0, "length": 13},
    }
    for n, speaker in enumerate([None, None, "Ann", None, "Ann", "Ben"])
]  # fmt: skip
CHECK = "f" * 16


def coding(item: str, *logics: str, **other: object) -> dict[str, Any]:
    stances = dict.fromkeys(logics, "endorses")
    empty = {"domains": [], "dimensions": [], "relation": None, "stances": stances, "confidence": 3}
    return {"item": item, "logics": list(logics), **empty, **other}


class Case:
    """A corpus of six passages, one batch a coder, with a check and a repeat."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.coded, self.decided = folder / "public", folder / "coded", folder / "adjudicated"
        sample = [
            {"id": row["id"], "stream": "enriched", "why": "cue NPM", "inclusion_probability": None, "round": 1}
            for row in POOL
        ]
        sample[0] |= {"stream": "probability", "why": "random", "inclusion_probability": 0.5}
        write_rows(self.corpus / "sample.jsonl", sample)
        self.raw = {}
        for coder in "AB":
            ids = [*((row["id"], "new") for row in POOL), (CHECK, "check"), (POOL[0]["id"], "repeat")]
            key = [
                {"item": f"{coder}01-{n}", "batch": f"{coder}01", "id": id, "what": what}
                for n, (id, what) in enumerate(ids)
            ]
            write_rows(self.corpus / "keys" / f"{coder}-1.jsonl", key)
            self.raw[coder] = [coding(row["item"]) for row in key]

    def assemble(self) -> Assembled:
        for coder, raw in self.raw.items():
            write_rows(self.coded / f"{coder}01.jsonl", raw)
        return assemble(self.corpus, self.coded, self.decided, POOL, {CHECK})

    def queue(self, out: Assembled) -> None:
        for name, key in out.keys.items():
            write_rows(self.corpus / "keys" / f"{name}.jsonl", key)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_codings_and_gold(case: Case) -> None:
    for coder in "AB":
        case.raw[coder][1] = coding(f"{coder}01-1", "NPM", domains=["governance_mechanisms"])
    out = case.assemble()
    assert out.problems == []
    assert len(out.codings) == 12, "neither the check nor the repeat comes out"
    assert {row["id"] for row in out.gold} == {row["id"] for row in POOL}
    gold = out.gold[1]
    assert gold["codes"] == ["NPM", "governance_mechanisms", "endorses"]
    assert (gold["stances"], gold["contested"], gold["decided"]) == ({"NPM": "endorses"}, [], "agreed")
    assert "text" not in gold
    assert "Ann" not in json.dumps(out.codings)
    raw = case.corpus / "raw" / "A01.jsonl"
    assert raw.read_bytes() == (case.coded / "A01.jsonl").read_bytes()
    assert json.loads((case.corpus / "raw" / "batches.json").read_text())["A01"]["items"] == 8
    # Without the coders' folder the copies are the source.
    again = assemble(case.corpus, Path("nowhere"), case.decided, POOL, {CHECK})
    assert (again.codings, again.gold) == (out.codings, out.gold)
    assert "| `NPM` | 1 | 1 | 1 |" in page(out.codings, out.gold, out.counts)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (coding("A01-2", "NPX"), "A01-2: unknown code 'NPX' in logics"),
        (coding("A01-2", "NPM", dimensions=["dominance"]), "unknown code 'dominance' in dimensions"),
        (coding("A01-2", "NPM", relation="in_tension"), "a relation without two logics"),
        (coding("A01-2", "NPM", "NPG", relation="at_war"), "unknown relation 'at_war'"),
        (coding("A01-2", "NPM", stances={}), "stances are not those of its logics"),
        (coding("A01-2", "NPM", stances={"NPM": "loves"}), "unknown stance 'loves'"),
        (coding("A01-2", "NPG", dimensions=["dominant_focus"]), "a dimension without NPM or PVM"),
        (coding("A01-2", "NPM", "NPM"), "names a code twice"),
        (coding("A01-2", confidence=7), "confidence 7"),
        (coding("A01-1"), "A01-1: coded twice"),
        (coding("A01-99"), "A01-99: was not in this batch"),
        ({"item": "A01-2", "logics": []}, "lacks confidence, dimensions"),
        (["A01-2"], "no item"),
        (None, "1 of 8 items not coded, the first A01-2"),
    ],
)
def test_a_batch_with_a_fault_is_refused_whole(case: Case, change: Any, told: str) -> None:
    case.raw["A"] = [change if row["item"] == "A01-2" else row for row in case.raw["A"]]
    case.raw["A"] = [row for row in case.raw["A"] if row is not None]
    out = case.assemble()
    assert any(told in problem for problem in out.problems), out.problems
    assert out.counts["batches refused"] == 1
    assert not any(row["coder"].endswith("A") for row in out.codings)
    assert not (case.corpus / "raw" / "A01.jsonl").exists()
    assert len(out.codings) == 6, "the other coder's batch is assembled"


def test_a_domain_without_a_logic_of_its_framework_falls_away_and_is_counted(case: Case) -> None:
    case.raw["A"][1] = coding("A01-1", "PVM", domains=["governance_mechanisms"])
    out = case.assemble()
    assert out.problems == []
    assert out.counts["domains dropped, A"] == 1
    assert out.codings[2]["codes"] == ["PVM", "endorses"]


def test_a_passage_that_is_missing_is_named(case: Case) -> None:
    lost = "e" * 16
    sample = read_rows(case.corpus / "sample.jsonl")
    write_rows(case.corpus / "sample.jsonl", [*sample, {**sample[1], "id": lost}])
    key = read_rows(case.corpus / "keys" / "B-1.jsonl")
    write_rows(case.corpus / "keys" / "B-1.jsonl", [*key[:-1], {**key[-1], "id": "d" * 16, "what": "new"}])
    out = case.assemble()
    assert f"sample.jsonl: passage {lost} is not in the pool, or held out for development" in out.problems
    assert f"B01: passage {'d' * 16} is in no sample" in out.problems
    assert out.counts["batches refused"] == 1


def test_what_differs_goes_to_an_adjudicator_once_and_blind(case: Case) -> None:
    case.raw["A"][2] = coding("A01-2", "NPM")
    case.raw["B"][2] = coding("B01-2", "NPM", stances={"NPM": "resists"})
    case.raw["A"][3] = coding("A01-3", "PVM")
    out = case.assemble()
    assert len(out.gold) == 4
    assert out.counts["awaiting adjudication"] == 2
    (name,) = out.queue
    assert all(set(item) == {"item", "text", "X", "Y"} for item in out.queue[name])
    asked = {row["id"]: row["item"] for row in out.keys[name]}
    assert set(asked) == {POOL[2]["id"], POOL[3]["id"]}
    case.queue(out)
    assert case.assemble().queue == {}, "nobody is asked twice"
    decisions = [coding(asked[POOL[2]["id"]], "NPM", "NPG", relation="in_tension"), coding(asked[POOL[3]["id"]])]
    for row in decisions:
        del row["confidence"]
    write_rows(case.decided / f"{name}.jsonl", decisions)
    done = case.assemble()
    assert done.problems == []
    gold = {row["id"]: row for row in done.gold}
    assert len(gold) == 6
    decided = gold[POOL[2]["id"]]
    assert decided["codes"] == ["NPM", "NPG", "in_tension", "endorses"]
    assert (decided["decided"], decided["contested"]) == ("adjudicated", ["endorses", "resists"])
    assert (case.corpus / "raw" / f"{name}.jsonl").exists()
    # A batch coded anew: a decision on what was said before no longer counts.
    case.raw["A"][2] = coding("A01-2", "NPG")
    stale = case.assemble()
    assert stale.counts["decisions out of date"] == 1
    assert [row["id"] for rows in stale.keys.values() for row in rows] == [POOL[2]["id"]]
    assert len(stale.gold) == 5


def test_of_near_duplicates_in_two_splits_one_stays_in_gold(case: Case) -> None:
    splits = {row["id"]: row["split"] for row in case.assemble().gold}
    a, b = (next(id for id, split in splits.items() if (split == "train") is train) for train in (True, False))
    same = next(id for id, split in splits.items() if split == splits[a] and id != a)
    pairs = [{"ids": [a, b], "cosine": 0.95}, {"ids": [a, same], "cosine": 1.0}, {"ids": [b, "e" * 16], "cosine": 1.0}]
    write_rows(case.corpus / "near_duplicates.jsonl", pairs)
    out = case.assemble()
    assert {row["id"] for row in out.gold} == set(splits) - {a}
    assert out.counts["near-duplicates left out of gold"] == 1
    assert len(out.codings) == 12


def test_documents_that_share_a_speaker_share_a_group_and_a_split() -> None:
    found = groups(POOL)
    assert found["o/r/d1.md"] == found["o/r/d2.md"]
    assert found["o/r/d0.md"] != found["o/r/d1.md"]
    # Who is in the pool decides, not who was drawn; the order does not matter.
    assert groups(reversed(POOL)) == found


def test_splits_have_their_sizes_and_stay() -> None:
    found = [split_of(f"{n:012x}") for n in range(4000)]
    assert [round(found.count(name) / 4000, 1) for name in ("train", "validation", "test")] == [0.6, 0.2, 0.2]
    assert abs(found.count("train") - 2400) < 100
    assert abs(found.count("validation") - 600) < 80
    # Changing these moves passages that models were trained on into the test split.
    assert [split_of(name) for name in "abcd"] == ["train", "test", "validation", "train"]


def test_the_corpus_is_what_its_raw_batches_say(shared: Path, root: Path) -> None:
    from training.public_corpus.draw import read_pool

    corpus = root / "corpora" / "public"
    checks = {row["id"] for row in read_development()}
    out = assemble(corpus, Path("nowhere"), Path("nowhere"), read_pool(), checks)
    assert out.problems == []
    assert out.codings == read_rows(corpus / "codings.jsonl")
    assert out.gold == read_rows(corpus / "gold.jsonl")
