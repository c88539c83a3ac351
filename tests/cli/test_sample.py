"""``sibnlp sample`` and ``sibnlp collect``: two streams, drawn, coded elsewhere, brought back, never mixed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp import codebook, exchange, ledger, sampling
from sibnlp.errors import DataError
from sibnlp.exchange import Coder, Coding, Selection
from sibnlp.types import Passage, Predictions
from tests.cli.shell import sibnlp

CODES = ("common", "rare")


def made(n: int = 600, seed: int = 1) -> tuple[Predictions, np.ndarray]:
    """Predictions that are calibrated, and the truth behind them: ``rare`` in 4 %."""
    rng = np.random.default_rng(seed)
    chances = np.stack([rng.beta(2, 3, n), rng.beta(0.2, 4.8, n)], axis=1).astype(np.float32)
    truth = rng.random((n, 2)) < chances
    words = [f"w{int(i)}" for i in rng.integers(0, 400, 8 * n)]
    passages = tuple(
        Passage(f"d{i // 30}:{i % 30 * 100}-{i % 30 * 100 + 90}", f"d{i // 30}", i % 30 * 100, i % 30 * 100 + 90,
                " ".join(words[8 * i : 8 * i + 8]), speaker="S", actor="S", stage=str(1 + i // 300))
        for i in range(n)
    )  # fmt: skip
    return Predictions(passages, CODES, chances, chances > 0.5, "mine"), truth


def written(folder: Path, predictions: Predictions, name: str = "p.jsonl") -> Path:
    from sibnlp import tables

    tables.write(tables.prediction_rows(predictions), folder / name)
    return folder / name


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_streams_are_never_mixed(tmp_path: Path) -> None:
    path = written(tmp_path, made()[0])
    assert sibnlp("sample", path, "--for", "estimation", "-n", 200, "-o", tmp_path / "e.jsonl").code == 0
    assert sibnlp("sample", path, "--for", "training", "-n", 200, "-o", tmp_path / "t1.jsonl").code == 0
    again = sibnlp("sample", path, "--for", "training", "-n", 300, "-o", tmp_path / "t2.jsonl")
    assert again.code == 0 and "200 passages were drawn for estimation and are left alone" in again.err
    drawn = [{row["passage"] for row in lines(tmp_path / name)} for name in ("e.jsonl", "t1.jsonl", "t2.jsonl")]
    assert [len(one) for one in drawn] == [200, 200, 200], "the third is what is left"
    assert not drawn[0] & (drawn[1] | drawn[2]) and not drawn[1] & drawn[2]
    assert {row["stream"] for row in lines(tmp_path / "sampled.jsonl")} == {"training", "estimation"}
    assert "suggested" in lines(tmp_path / "t1.jsonl")[0] and "suggested" not in lines(tmp_path / "e.jsonl")[0]
    done = sibnlp("sample", path, "--for", "estimation", "-n", 5, "-o", tmp_path / "e2.jsonl")
    assert done.code == 2 and "since the first draw for estimation" in done.err, "its frame is no longer whole"


def test_columns_of_an_earlier_draw_are_not_taken_for_this_one(tmp_path: Path) -> None:
    given, _ = made(60)
    old = (("stream", "blind"), ("ticket", "E9-0001"), ("stratum", "old"), ("coder", "MK"), ("unit", "ward"))
    path = written(tmp_path, replace(given, passages=tuple(replace(p, extra=old) for p in given.passages)))
    assert sibnlp("sample", path, "--for", "estimation", "-n", 12, "-o", tmp_path / "e.jsonl").code == 0
    entries = ledger.read(tmp_path / "sampled.jsonl").entries
    assert {one.stream for one in entries} == {"estimation"} and len({one.ticket for one in entries}) == 12
    for row, entry in zip(lines(tmp_path / "e.jsonl"), entries, strict=True):
        assert (row["ticket"], row["stream"], row["stratum"]) == (entry.ticket, "estimation", entry.stratum)
        assert (row["coder"], row["unit"]) == ("", "ward")


def test_a_passage_cut_otherwise_is_still_the_same_text(tmp_path: Path) -> None:
    predictions, _ = made(60)
    sibnlp("sample", written(tmp_path, predictions), "--for", "estimation", "-n", 30, "-o", tmp_path / "e.jsonl")
    moved = tuple(
        replace(p, id=f"{p.document}:{p.start + 10}-{p.end}", start=p.start + 10) for p in predictions.passages
    )
    path = written(tmp_path, replace(predictions, passages=moved), "moved.jsonl")
    sibnlp("sample", path, "--for", "training", "-n", 60, "-o", tmp_path / "t.jsonl")
    taken = {(row["document"], row["end"]) for row in lines(tmp_path / "t.jsonl")}
    assert len(taken) == 30 and not taken & {(row["document"], row["end"]) for row in lines(tmp_path / "e.jsonl")}


def test_inclusion_probabilities_give_the_population_back(tmp_path: Path) -> None:
    """Horvitz–Thompson totals over many draws have the population's size and share, topped up or not."""
    predictions, truth = made()
    frame = np.ones(len(predictions), dtype=bool)
    labels = [p.stage for p in predictions.passages]
    parts = sampling.strata(predictions, labels, CODES, frame)
    sizes, shares, times = [], [], np.zeros(len(predictions))
    for seed in range(300):
        rng = np.random.default_rng(seed)
        first, _ = sampling.estimation(parts, 60, "neyman", [], rng)
        now, before = sampling.estimation(parts, 60, "neyman", [one.row for one in first], rng)
        sample = [*now, *before]
        assert len({one.row for one in sample}) == 120
        times[[one.row for one in sample]] += 1
        sizes.append(sum(1 / one.probability for one in sample))
        shares.append(sum(truth[one.row, 1] / one.probability for one in sample) / len(predictions))
    assert np.allclose(sizes, len(predictions)), "every stratum is weighted to its size"
    error = np.std(shares) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - truth[:, 1].mean()) < 3 * error
    probability = np.zeros(len(predictions))
    for part in parts:
        probability[part.rows] = next(one.probability for one in sample if one.row in set(part.rows.tolist()))
    assert abs((times / 300 - probability).mean()) < 1e-9
    assert np.abs(times / 300 - probability).max() < 0.15


def test_neyman_estimates_rare_codes_better_than_chance() -> None:
    predictions, truth = made(3000)
    frame = np.ones(len(predictions), dtype=bool)
    parts = sampling.strata(predictions, [None] * 3000, ["rare"], frame)

    def spread(allocation: str) -> float:
        found = []
        for seed in range(200):
            now, _ = sampling.estimation(parts, 200, allocation, [], np.random.default_rng(seed))
            found.append(sum(truth[one.row, 1] / one.probability for one in now) / 3000)
        return float(np.std(found))

    assert spread("neyman") < 0.97 * spread("proportional")


def test_power_of_a_code_at_four_per_cent(tmp_path: Path) -> None:
    assert sampling.needed(0.04, 0.0222) == 300
    done = sibnlp("sample", written(tmp_path, made()[0]), "--for", "estimation", "-n", 0)
    assert done.code == 0 and "± 2" in done.out and "rare" in done.out
    assert not (tmp_path / "sampled.jsonl").exists()


def about_logics(n: int = 500) -> Predictions:
    """Scores as models give them: of a relation and a stance given that there are logics for them to be about."""
    rng = np.random.default_rng(5)
    scores = np.column_stack([rng.choice([0.02, 0.9], n, p=[0.8, 0.2]), rng.choice([0.05, 0.8], n, p=[0.7, 0.3]),
                              rng.uniform(0.3, 0.7, n), np.full(n, 0.9)])  # fmt: skip
    passages = tuple(Passage(f"p{i}", "d", i * 10, i * 10 + 9, f"words of {i}") for i in range(n))
    codes = ("NPM", "NPG", "in_tension", "reports")
    return Predictions(passages, codes, scores.astype(np.float32), scores > 0.5, "m")


def test_scores_of_relations_and_stances_are_bound_to_the_logics_they_require() -> None:
    given = about_logics()
    npm, npg, tension, reports = given.probabilities.T.astype(float)
    bound, conditional = sampling.unconditional(given, [codebook.load("osborne")])
    assert not conditional and (bound.assigned == given.assigned).all()
    assert np.allclose(bound.probabilities[:, :2], given.probabilities[:, :2])
    assert np.allclose(bound.probabilities[:, 2], tension * npm * npg, atol=1e-6), "two logics for a relation"
    assert np.allclose(bound.probabilities[:, 3], reports * (1 - (1 - npm) * (1 - npg)), atol=1e-6), "one for a stance"
    # Simulated by what the scores mean, people find as many as is expected.
    rng = np.random.default_rng(6)
    logics = rng.random((2000, 500, 2)) < given.probabilities[:, :2]
    found = (rng.random((2000, 500)) < tension) & logics.all(axis=2)
    assert abs(found.mean() - bound.probabilities[:, 2].mean()) < 0.001 < 0.4 < tension.mean()


def test_domains_stand_on_their_own_and_families_in_a_chain_are_bound_to_all_above() -> None:
    given = about_logics(4)
    domains = replace(given, codes=("NPM", "NPG", "governance_mechanisms", "reports"))
    bound, _ = sampling.unconditional(domains, [codebook.load("osborne")])
    assert (bound.probabilities[:, 2] == given.probabilities[:, 2]).all()
    book = codebook.parse({
        "id": "b", "families": [{"id": "a", "multiple": False}, {"id": "b", "requires": "a"},
                                {"id": "c", "requires": "b"}],
        "codes": [{"id": "NPM", "family": "a"}, {"id": "NPG", "family": "a"}, {"id": "in_tension", "family": "b"},
                  {"id": "reports", "family": "c"}],
    })  # fmt: skip
    npm, npg, second, third = given.probabilities.T.astype(float)
    bound, _ = sampling.unconditional(given, [book])
    either = np.minimum(npm + npg, 1)  # an exclusive family
    assert np.allclose(bound.probabilities[:, 2], second * either, atol=1e-6)
    assert np.allclose(bound.probabilities[:, 3], third * second * either, atol=1e-6)


def test_a_code_counts_once_with_the_one_above_it() -> None:
    book = codebook.parse({
        "id": "b", "families": [{"id": "a"}, {"id": "b", "requires": "a"}],
        "codes": [{"id": "NPM", "family": "a"}, {"id": "NPG", "family": "a", "parent": "NPM"},
                  {"id": "in_tension", "family": "b"}],
    })  # fmt: skip
    given = about_logics(4)
    bound, _ = sampling.unconditional(given, [book])
    assert np.allclose(bound.probabilities[:, 2], given.probabilities[:, 2] * given.probabilities[:, 0], atol=1e-6)


def test_needed_sizes_and_strata_are_of_shares_of_all_passages(tmp_path: Path) -> None:
    given = about_logics()
    bound, _ = sampling.unconditional(given, [codebook.load("osborne")])
    path = written(tmp_path, given)
    done = sibnlp("sample", path, "--for", "estimation", "-n", 30, "-o", tmp_path / "q.jsonl", "--code", "in_tension")
    assert done.code == 0, done.err
    line = next(line for line in done.out.splitlines() if line.startswith("in_tension"))
    share = float(bound.probabilities[:, 2].mean())
    assert line.split()[1] == f"{share:.1%}" and share < 0.1 < given.probabilities[:, 2].mean()
    assert line.split()[2] == str(sampling.needed(share, 0.01, 500))
    drawn = {row["stratum"] for row in lines(tmp_path / "q.jsonl")}
    assert drawn == {"undated under 0.2", "undated 0.2 to 0.5"}, "by the score alone, 0.2 to 0.5 and over 0.5"


def test_codes_whose_required_family_was_not_scored_are_left_out_of_the_table(tmp_path: Path) -> None:
    given = about_logics()
    path = written(tmp_path, replace(given, codes=("mine", "other", "in_tension", "reports")))
    done = sibnlp("sample", path, "--for", "estimation", "-n", 0)
    assert done.code == 0 and "mine" in done.out and "in_tension" not in done.out
    assert "left out of the table and of the strata: in_tension, reports" in done.err
    assert "relation requires logic" in done.err
    alone = sibnlp("sample", path, "--for", "estimation", "-n", 9, "-o", tmp_path / "q.csv", "--code", "in_tension")
    assert alone.code == 0 and "expected" not in alone.out


def test_training_does_not_ask_about_stances_where_there_is_no_logic(tmp_path: Path) -> None:
    given = about_logics()
    scores = given.probabilities.copy()
    scores[:, 2:] = 0.5
    path = written(tmp_path, replace(given, probabilities=scores))
    done = sibnlp("sample", path, "--for", "training", "-n", 10, "-o", tmp_path / "t.jsonl", "--code", "in_tension")
    assert done.code == 0, done.err
    both = {p.id for p, row in zip(given.passages, scores, strict=True) if row[0] > 0.5 and row[1] > 0.5}
    assert {row["passage"] for row in lines(tmp_path / "t.jsonl")} <= both


def test_training_prefers_uncertain_rare_and_different() -> None:
    n = 40
    chances = np.full((n, 2), 0.02, dtype=np.float32)
    chances[:10, 0] = 0.5  # unsure of the common code
    chances[10:, 0] = 0.97
    chances[10:14, 1] = 0.45  # unsure of the rare one
    same = "the very same words again and again"
    texts = [same if i in (10, 11) else f"other{i} words{i} here{i}" for i in range(n)]
    passages = tuple(Passage(f"p{i}", "d", i * 10, i * 10 + 9, texts[i]) for i in range(n))
    predictions = Predictions(passages, CODES, chances, chances > 0.5, "m")
    taken = [row for row, _ in sampling.training(predictions, 13, CODES, np.ones(n, dtype=bool))]
    assert set(taken[:3]) <= {10, 11, 12, 13}, "the rare code first"
    assert not {10, 11} <= set(taken), "the same words are not asked twice"
    assert set(taken) - {10, 11, 12, 13} <= set(range(10)), "then the common one; what is sure is never asked"


def test_stability_between_rounds_says_when_to_stop(tmp_path: Path) -> None:
    predictions, _ = made()
    flipped = predictions.assigned.copy()
    flipped[:60, 0] = ~flipped[:60, 0]
    first = written(tmp_path, replace(predictions, assigned=flipped), "r0.jsonl")
    path = written(tmp_path, predictions)
    ask = ("sample", path, "--for", "training", "-n", 5, "--force", "-o", tmp_path / "t.jsonl", "--before")
    going = sibnlp(*ask, first)
    assert "go on" in going.err and "lowest common" in going.err
    settled = sibnlp(*ask, path, "--before", path, "--before", path)
    assert "stop:" in settled.err and "κ 1.000" in settled.err
    found = sampling.stability(replace(predictions, assigned=flipped), predictions, set())
    table = [[int((flipped[:, 0] == a)[predictions.assigned[:, 0] == b].sum()) for b in (0, 1)] for a in (0, 1)]
    n, agreed = 600, table[0][0] + table[1][1]
    expected = (sum(table[0]) * (table[0][0] + table[1][0]) + sum(table[1]) * (table[0][1] + table[1][1])) / n**2
    assert found.lowest == ("common", pytest.approx((agreed / n - expected) / (1 - expected)))


@pytest.mark.parametrize("suffix", [".qdpx", ".json", ".zip"])
def test_a_queue_comes_back_from_a_project(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, made()[0])
    queue = tmp_path / f"round1{suffix}"
    assert sibnlp("sample", path, "--for", "training", "-n", 12, "-o", queue).code == 0
    project = exchange.load(queue)
    anna, documents = Coder("anna", "Anna"), []
    for number, document in enumerate(project.documents):
        code = project.codes[number % 2].id
        mark = Selection(f"s{number}", 0, min(20, len(document.text)), (Coding(f"c{number}", code, "anna"),))
        documents.append(replace(document, selections=(*document.selections, mark)) if number < 8 else document)
    exchange.save(
        replace(project, coders=(*project.coders, anna), documents=tuple(documents)), tmp_path / f"coded{suffix}"
    )
    back = ("collect", tmp_path / f"coded{suffix}", "--ledger", tmp_path / "sampled.jsonl", "-o")
    done = sibnlp(*back, tmp_path / "new.jsonl")
    assert done.code == 0, done.err
    rows = lines(tmp_path / "new.jsonl")
    assert len(rows) == 8 and {row["coder"] for row in rows} == {"Anna"}
    drawn = {row["passage"]: row["text"] for row in lines(tmp_path / "sampled.jsonl")}
    assert all(drawn[row["passage"]] == row["text"] and len(row["codes"]) == 1 for row in rows)
    assert sibnlp(*back, tmp_path / "all.jsonl", "--project", "extent=all").code == 0
    assert len([row for row in lines(tmp_path / "all.jsonl") if not row["codes"] and row["coder"] == "Anna"]) == 4


@pytest.mark.parametrize("stream", ["training", "estimation"])
def test_a_queue_read_with_nothing_found_comes_back(tmp_path: Path, stream: str) -> None:
    path = written(tmp_path, made()[0])
    queue = tmp_path / "round1.qdpx"
    assert sibnlp("sample", path, "--for", stream, "-n", 12, "-o", queue).code == 0
    back = ("collect", queue, "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "new.jsonl")
    done = sibnlp(*back)
    assert done.code == 2 and "(say --project extent=all if all was read)" in done.err
    done = sibnlp(*back, "--project", "extent=all")
    assert done.code == 0 and "people is taken to have read for everything, and found nothing" in done.err, done.err
    rows = lines(tmp_path / "new.jsonl")
    assert len(rows) == 12 and all((row["codes"], row["extent"], row["coder"]) == ([], [], "people") for row in rows)


def test_a_sheet_that_nobody_filled_in_is_told_how(tmp_path: Path) -> None:
    path = written(tmp_path, made()[0])
    assert sibnlp("sample", path, "--for", "training", "-n", 12, "-o", tmp_path / "q.csv").code == 0
    back = ("collect", tmp_path / "q.csv", "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "new.jsonl")
    done = sibnlp(*back, "--project", "extent=all")
    assert done.code == 2 and "nobody has coded anything in these queues (fill in `read`" in done.err


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl"])
def test_a_sheet_comes_back_with_its_inclusion_probabilities(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path, made()[0])
    queue = tmp_path / f"check{suffix}"
    assert sibnlp("sample", path, "--for", "estimation", "-n", 20, "-o", queue).code == 0
    from sibnlp.tables import files

    rows, _, _ = files.load(queue)
    for number, row in enumerate(rows):
        row["read"], row["codes"] = ("x", "rare" if number % 3 == 0 else "") if number < 15 else ("", "")
    filled = tmp_path / "filled.csv"
    with filled.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = sibnlp("collect", filled, "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "gold.jsonl")
    assert done.code == 0, done.err
    assert "5 drawn for estimation are not among them" in done.err
    gold = exchange.read_codings(tmp_path / "gold.jsonl").rows
    recorded = {entry.passage.id: entry.probability for entry in ledger.read(tmp_path / "sampled.jsonl").entries}
    assert len(gold) == 15 and sum(row.codes == ("rare",) for row in gold) == 5
    assert all(row.inclusion_probability == recorded[row.passage.id] for row in gold)


def queue(tmp_path: Path) -> list[dict[str, Any]]:
    """Six rows drawn for training, all read."""
    path = written(tmp_path, made()[0])
    assert sibnlp("sample", path, "--for", "training", "-n", 6, "-o", tmp_path / "q.jsonl").code == 0
    return [{**row, "read": "x", "codes": ["rare"]} for row in lines(tmp_path / "q.jsonl")]


def collected(tmp_path: Path, rows: list[dict[str, Any]], name: str = "back.jsonl") -> Any:
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return sibnlp("collect", tmp_path / name, "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "out.jsonl")


def test_codes_that_were_not_offered_are_refused_with_file_row_and_cell(tmp_path: Path) -> None:
    rows = queue(tmp_path)
    rows[1]["codes"], rows[3]["codes"], rows[4]["codes"] = "common, rare", "raer", "common; rare"
    done = collected(tmp_path, rows)
    assert done.code == 2 and done.err.count("\n") == 1, done.err
    assert "back.jsonl, line 2, column codes: 'common, rare' is no code" in done.err
    assert "; likewise line 4: 'raer' (" in done.err and "line 5" not in done.err
    assert "`;` separates codes, a comma does not; known: common, rare" in done.err
    assert not (tmp_path / "out.jsonl").exists()
    rows[1]["codes"], rows[3]["codes"] = "common;rare", "rare"
    assert collected(tmp_path, rows).code == 0


def test_a_ledger_that_recorded_no_codes_refuses_none(tmp_path: Path) -> None:
    rows = queue(tmp_path)
    rows[0]["codes"] = "raer"
    path = tmp_path / "sampled.jsonl"
    old = [{k: v for k, v in row.items() if k != "allowed_codes"} for row in lines(path)]
    path.write_text("".join(json.dumps(row) + "\n" for row in old), encoding="utf-8")
    assert collected(tmp_path, rows).code == 0
    for name in ("out.jsonl", "out.jsonl.run.json"):
        (tmp_path / name).unlink()
    path.write_text(json.dumps({**old[0], "allowed_codes": "rare"}) + "\n", encoding="utf-8")
    refused = collected(tmp_path, rows[:1])
    assert refused.code == 2 and "allowed_codes must be a list" in refused.err


def test_the_ledger_remembers_the_codes_of_codebooks_named_and_of_shipped_ones_in_use(tmp_path: Path) -> None:
    def allowed(predictions: Predictions, name: str, *further: object) -> set[str]:
        (tmp_path / name).mkdir()
        path = written(tmp_path / name, predictions)
        ask = ("sample", path, "--for", "training", "-n", 3, "-o", tmp_path / name / "q.csv")
        assert sibnlp(*ask, *further).code == 0
        entries = ledger.read(tmp_path / name / "sampled.jsonl").entries
        assert len({one.codes for one in entries}) == 1
        return set(entries[0].codes)

    ours = {code.id for code in codebook.load("osborne").codes}
    assert allowed(made(60)[0], "own") == set(CODES)
    assert allowed(about_logics(60), "shipped") == ours | {code.id for code in codebook.load("oflynn").codes}
    assert allowed(about_logics(60), "named", "--codebook", "osborne") == ours


def test_a_code_that_a_coder_added_to_a_project_is_named_and_taken(tmp_path: Path) -> None:
    path = written(tmp_path, made(60)[0])
    assert sibnlp("sample", path, "--for", "training", "-n", 4, "-o", tmp_path / "q.qdpx").code == 0
    project = exchange.load(tmp_path / "q.qdpx")
    mark = Selection("s", 0, 20, (Coding("c", "new", "anna"),))
    changed = replace(
        project, codes=(*project.codes, exchange.ProjectCode("new", "a thought")),
        coders=(*project.coders, Coder("anna", "Anna")),
        documents=(replace(project.documents[0], selections=(mark,)), *project.documents[1:]),
    )  # fmt: skip
    exchange.save(changed, tmp_path / "coded.qdpx")
    back = ("collect", tmp_path / "coded.qdpx", "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "new.jsonl")
    done = sibnlp(*back)
    assert done.code == 0 and "did not offer: 'a_thought'; name the codebook" in done.err
    assert lines(tmp_path / "new.jsonl")[0]["codes"] == ["a_thought"]


def test_passages_whose_text_is_another_now_are_left_out_and_named(tmp_path: Path) -> None:
    rows = queue(tmp_path)
    rows[0]["text"] = rows[0]["text"].replace(" ", "\r\n ")  # a spreadsheet's own
    rows[1]["text"] += " and more"
    done = collected(tmp_path, rows)
    assert done.code == 1
    assert f"another text than the one drawn, so left out: {rows[1]['ticket']}" in done.err
    assert len(lines(tmp_path / "out.jsonl")) == 5


def test_a_queue_whose_texts_are_all_others_is_refused(tmp_path: Path) -> None:
    rows = [{**row, "text": "Something else."} for row in queue(tmp_path)]
    done = collected(tmp_path, rows)
    assert done.code == 2 and "name the ledger the queue was drawn with" in done.err
    assert not (tmp_path / "out.jsonl").exists()


def test_codings_of_passages_that_were_never_drawn_are_refused_with_file_and_ticket(tmp_path: Path) -> None:
    rows = queue(tmp_path)
    rows[2]["ticket"] = "T9-0001"
    done = collected(tmp_path, rows)
    assert done.code == 2
    assert "sampled.jsonl knows no ticket T9-0001" in done.err and "back.jsonl" in done.err


@pytest.mark.parametrize(
    ("name", "raw"),
    [("gone.jsonl", None), ("x.jsonl", b"{"), ("x.qdpx", b"PK\x03\x04cut"), ("x.json", b"["), ("x.zip", b"no zip"),
     ("x.xlsx", b"PK\x03\x04cut"), ("x.pdf", b"%PDF")],
)  # fmt: skip
def test_queues_that_cannot_be_read_are_named_in_one_line(name: str, raw: bytes | None, tmp_path: Path) -> None:
    queue(tmp_path)
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    done = sibnlp("collect", tmp_path / name, "--ledger", tmp_path / "sampled.jsonl", "-o", tmp_path / "out.jsonl")
    assert done.code == 2 and name in done.err and done.err.count("\n") == 1, done.err
    assert "Traceback" not in done.err and not (tmp_path / "out.jsonl").exists()


def test_old_and_new_codings_train_together(tmp_path: Path) -> None:
    from tests.coded import codings

    old, new = codings(60)[:40], codings(60)[40:]
    for name, part in (("old", old), ("new", new)):
        rows = [{"text": r.passage.text, "codes": list(r.codes), "document": r.passage.document, "id": r.passage.id,
                 "extent": ["topic"], "stream": "training"} for r in part]  # fmt: skip
        for row in rows:
            row["codes"] = [code for code in row["codes"] if code in ("bread", "boats")]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "toy.toml").write_text(
        'id = "toy"\nname = "Toy"\n[[families]]\nid = "topic"\n'
        '[[codes]]\nid = "bread"\nfamily = "topic"\n[[codes]]\nid = "boats"\nfamily = "topic"\n',
        encoding="utf-8",
    )
    done = sibnlp(
        "train",
        tmp_path / "old.jsonl",
        tmp_path / "new.jsonl",
        "-o",
        tmp_path / "m",
        "--codebook",
        tmp_path / "toy.toml",
    )
    assert done.code == 0 and "from 60 passages" in done.err, done.err


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, made(60)[0])
    assert "neither training nor estimation" in sibnlp("sample", path, "--for", "both", "-n", 1).err
    assert "holds no code" in sibnlp(
        "sample", path, "--for", "training", "-n", 1, "-o", tmp_path / "q.csv", "--code", "x"
    ).err.replace("hold no", "holds no")
    (tmp_path / "sampled.jsonl").write_text('{"text": "a", "codes": []}\n', encoding="utf-8")
    assert "no record" in sibnlp("sample", path, "--for", "training", "-n", 1, "-o", tmp_path / "q.csv").err
    parts = sampling.strata(made(60)[0], ["1"] * 60, CODES, np.ones(60, dtype=bool))
    with pytest.raises(DataError, match="too few"):
        sampling.allocate(parts, 2)
