"""The whole chain of a study, command by command: two streams drawn, coded by a person, brought back, learnt, reported.

The person knows the truth, and the first model does not: it learnt boats from harbours, and in the new interviews it is
bakers who stand there. So what a model learns afterwards can only come from the codings that came back.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl

from sibnlp import exchange
from sibnlp.exchange import Coder, Coding, Extent, Selection
from tests.cli.shell import sibnlp
from tests.coded import WORDS

BAKERS = ["brioche", "sourdough", "rye", "crumb", "bagel", "pretzel"]
HARBOUR = ["harbour", "quay", "pier", "lighthouse"]
BOOK = """\
id = "toy"
name = "Toy"
[[families]]
id = "topic"
[[codes]]
id = "bread"
family = "topic"
[[codes]]
id = "boats"
family = "topic"
"""
Row = dict[str, Any]


def made(n: int, per_document: int, prefix: str, bakers: bool, seed: int) -> tuple[list[Row], dict[str, list[str]]]:
    """Passages, and the truth by their texts; those of ``bakers`` speak of bread at the harbour."""
    rng = np.random.default_rng(seed)
    rows, truth = [], {}
    for i in range(n):
        topic = ("bread", "boats", "")[i % 3]
        own = [*WORDS[topic][:5], *HARBOUR] if topic == "boats" else WORDS[topic]
        if bakers and topic == "bread" and i % 2:
            own = [*BAKERS, *HARBOUR]
        words = [*rng.choice(own, 9), *rng.choice(WORDS[""], 8), f"n{prefix}{i}"]
        text = " ".join(str(word) for word in rng.permutation(words))
        document, start = f"{prefix}{i // per_document}.txt", i % per_document * 200
        rows.append({"id": f"{document}:{start}-{start + len(text)}", "document": document, "start": start,
                     "end": start + len(text), "text": text, "speaker": f"S {prefix}{i // per_document}",
                     "stage": str(1 + 2 * i // n)})  # fmt: skip
        truth[text] = [topic] if topic else []
    return rows, truth


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*arguments: object) -> str:
    done = sibnlp(*arguments)
    assert done.code == 0, f"{arguments[0]}: {done.err}"
    return done.out + done.err


Knows = Callable[[str], list[str]]


def code_in_label_studio(path: Path, knows: Knows) -> None:
    """As Label Studio exports it: each task with an annotation, empty where nothing was found."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for number, task in enumerate(tasks):
        text = task["data"]["text"]
        region = {"start": 0, "end": len(text), "text": text, "labels": knows(text)}
        result = [{"id": f"r{number}", "from_name": "code", "to_name": "text", "type": "labels", "value": region}]
        user = {"id": 1, "email": "anna@example.org"}
        task["annotations"] = [{"id": number, "completed_by": user, "result": result if knows(text) else []}]
    path.write_text(json.dumps(tasks), encoding="utf-8")


def code_in_a_sheet(path: Path, knows: Knows) -> None:
    """As in a spreadsheet: ``codes`` and ``read`` filled in."""
    book = openpyxl.load_workbook(path)
    (sheet,) = book.worksheets
    head = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        text = str(row[head.index("text")].value)
        row[head.index("codes")].value = "; ".join(knows(text))
        row[head.index("read")].value = "x"
        row[head.index("coder")].value = "anna"
    book.save(path)


def code_in_a_project(path: Path, knows: Knows) -> None:
    """As in INCEpTION or another tool: spans of a coder, and every document read."""
    project = exchange.load(path)
    codes = {code.name: code.id for code in project.codes}
    documents, extents = [], []
    for number, one in enumerate(project.documents):
        given = tuple(Coding(f"c{number} {name}", codes[name], "anna") for name in knows(one.text))
        mark = (Selection(f"s{number}", 0, len(one.text), given),) if given else ()
        documents.append(replace(one, selections=(*one.selections, *mark)))
        extents.append(Extent("anna", one.id, ((0, len(one.text)),)))
    coders = (*project.coders, Coder("anna", "anna"))
    coded = replace(project, coders=coders, documents=tuple(documents), extents=tuple(extents))
    path.unlink()
    exchange.save(coded, path)


QUEUES = {".json": code_in_label_studio, ".xlsx": code_in_a_sheet, ".zip": code_in_a_project}
ROUNDS = (".json", ".zip", ".xlsx", ".json")


def test_from_a_first_model_to_corrected_shares(tmp_path: Path) -> None:
    """Four rounds of training, in three tools, beside one sample for estimation."""
    (tmp_path / "toy.toml").write_text(BOOK, encoding="utf-8")
    book = ("--codebook", tmp_path / "toy.toml")
    ledger = ("--ledger", tmp_path / "sampled.jsonl")
    old, before = made(48, 6, "old", False, 1)
    pool, truth = made(240, 12, "new", True, 2)
    asked: list[str] = []

    def knows(text: str) -> list[str]:
        asked.append(text)
        return truth[text]

    write(tmp_path / "old.jsonl", [{**row, "codes": before[row["text"]], "coder": "anna"} for row in old])
    write(tmp_path / "pool.jsonl", pool)
    run("train", tmp_path / "old.jsonl", "-o", tmp_path / "m0", *book)
    run("classify", tmp_path / "pool.jsonl", "--model", tmp_path / "m0", "-o", tmp_path / "p0.jsonl")

    # A random sample first, while every passage can still be drawn.
    table = run("sample", tmp_path / "p0.jsonl", "--for", "estimation", "-n", 100, "-o", tmp_path / "check.xlsx",
                "--period", "stage", *ledger)  # fmt: skip
    assert "drawn so far 0" in table and "bread" in table
    code_in_a_sheet(tmp_path / "check.xlsx", knows)

    said = ""
    for number, suffix in enumerate(ROUNDS, 1):
        queue = tmp_path / f"r{number}{suffix}"
        earlier = [word for k in range(number - 1) for word in ("--before", tmp_path / f"p{k}.jsonl")]
        said = run("sample", tmp_path / f"p{number - 1}.jsonl", "--for", "training", "-n", 20, "-o", queue, *book,
                   *earlier, *ledger)  # fmt: skip
        assert "stop:" not in said and ("go on" in said) == (number > 1)
        QUEUES[suffix](queue, knows)
        run("collect", queue, "-o", tmp_path / f"r{number}.jsonl", *book, *ledger)
        taught = lines(tmp_path / f"r{number}.jsonl")
        assert len(taught) == 20 and {row["stream"] for row in taught} == {"training"}
        assert [(row["text"], row["codes"]) for row in taught] == [(row["text"], truth[row["text"]]) for row in taught]
        assert {*map(tuple, (row["extent"] for row in taught))} <= {("topic",), ()}, "for all there is"
        files = [tmp_path / name for name in ("old.jsonl", *(f"r{k}.jsonl" for k in range(1, number + 1)))]
        said = run("train", *files, "-o", tmp_path / f"m{number}", *book)
        assert f"from {48 + 20 * number} passages" in said, "it goes on from all that was coded"
        run(
            "classify", tmp_path / "pool.jsonl", "--model", tmp_path / f"m{number}", "-o", tmp_path / f"p{number}.jsonl"
        )

    # The streams were never mixed, and nothing was drawn or coded twice.
    drawn = lines(tmp_path / "sampled.jsonl")
    assert len(drawn) == len({row["passage"] for row in drawn}) == 180
    assert [row["stream"] for row in drawn].count("estimation") == 100
    assert len(set(asked)) == 180
    mixed = sibnlp("collect", tmp_path / "check.xlsx", tmp_path / "r3.xlsx", *ledger, "-o", tmp_path / "x.jsonl", *book)
    assert mixed.code == 2 and "never mixed" in mixed.err and not (tmp_path / "x.jsonl").exists()
    learnt = {row["passage"] for k in range(1, 5) for row in lines(tmp_path / f"r{k}.jsonl")}
    assert not learnt & {row["passage"] for row in drawn if row["stream"] == "estimation"}

    # What the model learnt is what the person said, not what was suggested to him.
    bakers = {row["id"] for row in pool if set(row["text"].split()) & set(BAKERS)}

    def right(name: str) -> float:
        left = [row for row in lines(tmp_path / name) if row["passage"] in bakers - learnt]
        return float(np.mean([row["codes"] == truth[row["text"]] for row in left]))

    assert right("p0.jsonl") < 0.2 and right("p4.jsonl") > 0.9

    # The later rounds no longer differ, and it says so.
    earlier = [word for k in (1, 2, 3) for word in ("--before", tmp_path / f"p{k}.jsonl")]
    said = run("sample", tmp_path / "p4.jsonl", "--for", "training", "-n", 20, "-o", tmp_path / "r5.json", *book,
               *earlier, *ledger)  # fmt: skip
    assert "stop: the last 3 pairs of rounds agree" in said, said

    # The random sample corrects the shares, of the first model as of the last.
    run("collect", tmp_path / "check.xlsx", *ledger, "-o", tmp_path / "gold.jsonl", *book)
    gold = lines(tmp_path / "gold.jsonl")
    chances = {row["passage"]: row["inclusion_probability"] for row in drawn if row["stream"] == "estimation"}
    assert {row["passage"]: row["inclusion_probability"] for row in gold} == chances
    for name in ("p0", "p4"):
        run("drift", tmp_path / f"{name}.jsonl", "-o", tmp_path / f"drift-{name}", *book, "--period", "stage",
            "--gold", tmp_path / "gold.jsonl")  # fmt: skip
        cells = json.loads((tmp_path / f"drift-{name}" / "trajectory.json").read_text("utf-8"))["prevalence"]
        bread = [cell for cell in cells if cell["code"] == "bread" and cell["domain"] is None]
        assert len(bread) == 2 and all("design-based" in cell["method"] for cell in bread)
        assert all(cell["low"] <= 1 / 3 <= cell["high"] for cell in bread), bread
    raw = [row["codes"] for row in lines(tmp_path / "p0.jsonl")]
    assert abs(sum("bread" in codes for codes in raw) / len(raw) - 1 / 3) > 0.1, "uncorrected it was far off"
