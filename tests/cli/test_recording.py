"""Every command keeps a record of its run beside its output, and speaks to machines where asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sibnlp import model as models
from sibnlp.cli import app, recording
from sibnlp.cli.recording import Ticker
from tests.cli.shell import sibnlp

RECORDED = (
    "init", "run", "segment", "classify", "train", "evaluate", "drift", "agree", "sample", "collect", "convert",
    "pseudonymise",
)  # fmt: skip
SAID = "They dock us if the form is late, so the form comes first and the man second, says Anna."
KEYS = (
    "format", "command", "exit_code", "output", "wrote", "versions", "platform", "models", "codebooks", "settings",
    "inputs", "formats", "counts", "problems", "warnings", "times",
)  # fmt: skip


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files to read and one that cannot be; the command runs beside them."""
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b.md"):
        (tmp_path / "in" / name).write_text(f"{name}: {SAID}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert tuple(found) == KEYS
    assert sum(found["times"]["stages"].values()) <= found["times"]["seconds"] + 0.01
    return found


def events(err: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in err.splitlines()]


def test_every_command_that_writes_is_recorded() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    speaking = {name for name, one in commands.items() if any("--json" in p.opts for p in getattr(one, "params", ()))}
    assert speaking == set(RECORDED)
    assert set(commands) - speaking == {"models", "codebook"}, "these write nothing but to stdout"


def test_a_record_lies_beside_the_output(case: Path) -> None:
    assert sibnlp("segment", "in", "-o", "out/p.jsonl", "--max-words", 60).code == 0
    told = record(case / "out" / "p.jsonl.run.json")
    assert (told["command"], told["exit_code"], told["output"]) == ("segment", 0, "out/p.jsonl")
    assert told["formats"] == {"text": {"in": 2, "out": 2, "failed": 0}}
    assert told["counts"] == {"passages": 2}
    assert told["settings"]["max_words"] == 60 and told["settings"]["min_words"] == 15
    assert set(told["times"]["stages"]) == {"segmenting", "writing", "rest"}
    assert sibnlp("segment", "in", "-o", "again.jsonl", "--max-words", 60).code == 0
    again = record(case / "again.jsonl.run.json")
    for key in KEYS[:-1]:
        assert again[key] == told[key] or key in ("output", "wrote")


def test_what_fails_is_counted_and_named(case: Path) -> None:
    (case / "in" / "c.pdf").write_bytes(b"%PDF-1.7 broken")
    done = sibnlp("segment", case / "in", "-o", case / "p.csv", "--json")
    assert done.code == 1
    told = record(case / "p.csv.run.json")
    assert told["exit_code"] == 1
    assert told["formats"]["pdf"] == {"in": 1, "out": 0, "failed": 1}
    assert len(told["problems"]) == 1 and told["problems"][0].startswith("in/c.pdf: ")
    assert str(case) not in json.dumps(told)
    assert events(done.err)[-1]["exit_code"] == 1 and events(done.err)[-1]["formats"]["pdf"]["failed"] == 1


def test_data_on_stdout_has_no_record_and_stays_alone_there(case: Path) -> None:
    before = {path.name for path in case.iterdir()}
    done = sibnlp("segment", "in", "-o", "-", "--json")
    assert {path.name for path in case.iterdir()} == before
    assert len([json.loads(line)["passage"] for line in done.out.splitlines()]) == 2
    assert events(done.err)[-1]["record"] is None and events(done.err)[-1]["counts"] == {"passages": 2}


def test_machines_get_json_lines_alone_and_a_last_one_with_the_result(case: Path) -> None:
    found = events(sibnlp("segment", "in", "-o", "p.csv", "--json").err)
    steps = [one for one in found if one["event"] == "progress"]
    told = [(one["stage"], one["done"], one["total"]) for one in steps]
    assert told == [("segmenting", 2, 2), ("writing", 0, 2), ("writing", 2, 2)]
    assert set(steps[0]) == {"event", "stage", "done", "total", "rate", "seconds_left"}
    assert [one["text"] for one in found if one["event"] == "message"] == ["2 passages from 2 documents"]
    last = found[-1]
    assert (last["event"], last["exit_code"], last["error"]) == ("result", 0, None)
    assert (last["wrote"], last["record"]) == (["p.csv"], "p.csv.run.json")


@pytest.mark.parametrize(
    "arguments", [["in", "-o", "p.xyz"], ["none", "-o", "p.csv"], ["in", "-o", "p.csv", "--interviewer", "x"]]
)
def test_misuse_leaves_no_record_and_ends_in_a_result(case: Path, arguments: list[str]) -> None:
    done = sibnlp("segment", *arguments, "--json")
    assert done.code == 2
    (last,) = events(done.err)
    assert last["event"] == "result" and last["exit_code"] == 2 and last["error"]
    assert sibnlp("segment", *arguments).code == 2, "the same without"
    assert [path.name for path in case.iterdir()] == ["in"]


def test_a_fault_of_ours_is_told_to_machines_too(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sibnlp.batch.classify", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sibnlp("segment", "in", "-o", "p.csv", "--json")
    assert recording.current().command == "", "nobody keeps a record any more"


def test_a_record_is_not_replaced_without_force(case: Path) -> None:
    (case / "p.csv.run.json").write_text("mine", encoding="utf-8")
    done = sibnlp("segment", "in", "-o", "p.csv")
    assert done.code == 2 and "p.csv.run.json exists already" in done.err
    assert not (case / "p.csv").exists() and (case / "p.csv.run.json").read_text(encoding="utf-8") == "mine"
    assert sibnlp("segment", "in", "-o", "p.csv", "--force").code == 0
    assert record(case / "p.csv.run.json")["exit_code"] == 0
    assert "p.csv exists already" in sibnlp("segment", "in", "-o", "p.csv").err


def test_a_record_that_cannot_be_written_is_a_failure(case: Path) -> None:
    (case / "p.csv.run.json").mkdir()
    done = sibnlp("segment", "in", "-o", "p.csv", "--force")
    assert done.code == 1 and "p.csv.run.json: not written: " in done.err
    assert (case / "p.csv").is_file(), "the data are there all the same"


def test_records_are_no_documents(case: Path) -> None:
    assert sibnlp("segment", "in", "-o", "in/p.csv").code == 0
    assert sibnlp("segment", "in", "-o", "again.csv").code == 0
    assert record(case / "again.csv.run.json")["formats"] == {"text": {"in": 2, "out": 2, "failed": 0}}


def test_init_speaks_to_machines_but_leaves_no_record_among_the_documents(case: Path) -> None:
    done = sibnlp("init", "in", "--json")
    assert done.code == 0 and events(done.err)[-1]["wrote"] == ["in/project.toml"]
    assert {path.name for path in (case / "in").iterdir()} == {"a.txt", "b.md", "project.toml"}


def test_what_hides_names_hides_them_in_its_record(case: Path) -> None:
    (case / "anna").mkdir()
    (case / "anna" / "anna-berg.txt").write_text(f"Anna Berg: {SAID}\n", encoding="utf-8")
    done = sibnlp("pseudonymise", "anna", "-o", "shared", "--map", "berg.json", "--json")
    assert done.code == 0, done.err
    told = record(case / "shared" / "run.json")
    assert told["counts"]["texts"] == 1 and told["formats"] == {"text": {"in": 1, "out": 1, "failed": 0}}
    assert not any(name in json.dumps(told).lower() for name in ("anna", "berg"))
    (case / "anna.jsonl").write_text(json.dumps({"text": SAID, "codes": ["x"], "coder": "Berg"}), encoding="utf-8")
    assert sibnlp("convert", "anna.jsonl", "out.csv", "--anonymous", "--machine", "Berg").code == 0
    told = record(case / "out.csv.run.json")
    assert told["settings"]["machine"] == 1 and told["settings"]["anonymous"] is True
    assert not any(name in json.dumps(told).lower() for name in ("anna", "berg"))
    assert sibnlp("convert", "anna.jsonl", "named.csv", "--coder", "Berg").code == 0
    assert record(case / "named.csv.run.json")["settings"]["coder"] == ["Berg"]


def test_the_way_from_texts_to_a_report_is_recorded_step_by_step(case: Path) -> None:
    codes = (["NPM"], ["NPG"], [])
    rows = [
        {"text": f"{SAID} {n}", "codes": codes[n % 3], "document": f"d{n % 8}", "id": f"p{n}", "coder": "A"}
        for n in range(48)
    ]
    for name, own in (("coded", rows), ("other", [{**row, "coder": "B"} for row in rows])):
        (case / f"{name}.jsonl").write_text("\n".join(map(json.dumps, own)), encoding="utf-8")
    (case / "in" / "metadata.csv").write_text("document,date\na.txt,2014\nb.md,2018\n", encoding="utf-8")
    steps = {
        "model/run.json": ("train", "coded.jsonl", "-o", "model"),
        "p.parquet.run.json": ("classify", "in", "--model", "model", "-o", "p.parquet"),
        "evaluation/run.json": ("evaluate", "model", "coded.jsonl", "-o", "evaluation", "--resamples", 5),
        "drift/run.json": ("drift", "p.parquet", "-o", "drift", "--codebook", "osborne"),
        "agreement.json.run.json": ("agree", "coded.jsonl", "other.jsonl", "-o", "agreement.json", "--resamples", 5),
        "q.jsonl.run.json": ("sample", "p.parquet", "--for", "training", "-n", 2, "-o", "q.jsonl"),
        "report/run.json": ("run", "in", "-o", "report"),
    }
    told = {}
    for name, arguments in steps.items():
        done = sibnlp(*arguments)
        assert done.code == 0, done.err
        told[arguments[0]] = record(case / name)
        assert told[arguments[0]]["command"] == arguments[0] and told[arguments[0]]["formats"]
        assert str(case) not in json.dumps(told[arguments[0]])
    assert models.load_model(case / "model").name == "model", "a record makes the folder no other model"
    prints = [told[name]["models"][0]["fingerprint"] for name in ("train", "classify", "evaluate")]
    assert len(set(prints)) == 1 and len(prints[0]) == 64
    assert told["run"]["models"][0]["fingerprint"] != prints[0]
    assert told["train"]["settings"]["recipe"]["backend"] == "linear", "as it was resolved"
    assert told["train"]["codebooks"][0]["structure"] == told["classify"]["models"][0]["codebooks"][0]["structure"]
    assert told["classify"]["counts"]["passages"] == 2
    assert set(told["classify"]["times"]["stages"]) == {"rest", "loading", "classifying", "writing"}
    assert told["drift"]["settings"]["drift"]["denominator"] == "talk"
    assert told["drift"]["formats"] == {"sheets": {"in": 1, "out": 1, "failed": 0}}
    assert [one["id"] for one in told["drift"]["codebooks"]] == ["osborne"]
    assert told["agree"]["counts"] == {"coders": 2, "codings": 96, "passages": 48}
    assert set(told["agree"]["wrote"]) == {"agreement.json", "agreement.html"}
    assert told["sample"]["counts"]["drawn"] == 2
    assert told["run"]["settings"]["project"]["root"] == "in"
    queue = [json.loads(line) for line in (case / "q.jsonl").read_text(encoding="utf-8").splitlines()]
    (case / "q.jsonl").write_text("\n".join(json.dumps({**row, "read": "x"}) for row in queue), encoding="utf-8")
    done = sibnlp("collect", "q.jsonl", "--ledger", "sampled.jsonl", "-o", "round1.jsonl")
    assert done.code == 0, done.err
    assert record(case / "round1.jsonl.run.json")["counts"] == {"codings": 2, "drawn": 2, "missing": 0}


def test_rate_and_time_left_count_from_where_a_stage_was_met(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    now = iter([10.0, 10.5, 20.0, 20.1])
    monkeypatch.setattr("sibnlp.cli.recording.time.monotonic", lambda: next(now))
    ticker = Ticker()
    for done in (500, 520, 600, 1000):
        ticker.show("classifying", done, 1000)
    found = events(capsys.readouterr().err)
    assert [one["done"] for one in found] == [500, 600, 1000], "one a second, and the last"
    assert (found[0]["rate"], found[0]["seconds_left"]) == (None, None), "what an earlier run did tells no rate"
    assert (found[1]["rate"], found[1]["seconds_left"]) == (10.0, 40.0)
    assert found[2]["seconds_left"] == 0.0
