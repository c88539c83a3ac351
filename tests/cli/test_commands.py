"""The commands as a user meets them: what they write, what they say, and how they end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.shell import sibnlp

ANNA = """Dr Vos: How did it begin?

Anna: They dock us if the form is late, so the form comes first and the man second. That is the contract we signed.

Dr Vos: And now?

Anna: Now we ring each other up and settle it over soup, the three of us, and what we learn goes round the table.

Dr Vos: Is that so?

Anna: It is. The boiler went again that winter and we sat in our coats.
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """Two interviews in two stages, a document, and the table that dates them."""
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "anna_1.txt").write_text(ANNA, encoding="utf-8")
    (folder / "anna_2.txt").write_text(ANNA.replace("soup", "tea"), encoding="utf-8")
    (folder / "minutes.md").write_text(
        "# Minutes\n\nThe board agreed that targets are reported each month.\n", encoding="utf-8"
    )
    (folder / "metadata.csv").write_text(
        "document,stage,date,kind,actor,role\nanna_1.txt,1,2014,interview,A,provider\n"
        "anna_2.txt,2,2018-03,interview,A,provider\nminutes.md,2,2018,minutes,,\n",
        encoding="utf-8",
    )
    return folder


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_without_arguments_it_teaches_the_next_step() -> None:
    done = sibnlp()
    assert done.code == 0
    assert "sibnlp init FOLDER" in done.out


@pytest.mark.parametrize("verb", ["init", "run", "segment", "classify", "train", "evaluate", "drift", "models"])
def test_every_command_has_help_with_an_example(verb: str) -> None:
    done = sibnlp(verb, "--help")
    assert done.code == 0
    assert verb == "models" or f"sibnlp {verb} " in re.sub(
        r"\s+", " ", done.out.partition("Usage")[2].partition("\n")[2]
    )


def test_segment_writes_passages_with_their_people(case: Path, tmp_path: Path) -> None:
    out = tmp_path / "passages.jsonl"
    done = sibnlp("segment", case, "-o", out)
    assert done.code == 0, done.err
    found = rows(out)
    assert [row["document"] for row in found] == ["anna_1.txt"] * 3 + ["anna_2.txt"] * 3 + ["minutes.md"]
    first = found[0]
    assert (first["speaker"], first["actor"], first["role"], first["stage"]) == ("Anna", "A", "provider", "1")
    assert first["context"] == "How did it begin?"
    assert first["passage"] == f"anna_1.txt:{first['start']}-{first['end']}"
    assert ANNA[first["start"] : first["end"]] == first["text"]  # type: ignore[misc]


def test_classify_writes_the_same_in_every_format(case: Path, tmp_path: Path) -> None:
    done = sibnlp("classify", case, "-o", "-")
    assert done.code == 0, done.err
    streamed = [json.loads(line) for line in done.out.splitlines()]
    for suffix in ("jsonl", "parquet", "csv"):
        assert sibnlp("classify", case, "-o", tmp_path / f"p.{suffix}").code == 0
    assert rows(tmp_path / "p.jsonl") == streamed
    table = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["codes"] for row in table] == [row["codes"] for row in streamed]
    assert [row["text"] for row in table] == [row["text"] for row in streamed]
    assert dict(table[0]["scores"]) == pytest.approx(streamed[0]["scores"])
    header = (tmp_path / "p.csv").read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert header[:5] == ["document", "passage", "start", "end", "text"]
    assert {f"score_{code}" for code in streamed[0]["scores"]} <= set(header)


def test_a_table_keeps_ids_order_and_further_columns(tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    table.write_text("id,text,wave,site\nq2,They dock us.,2,north\nq1,We share it.,1,süd\n", encoding="utf-8")
    done = sibnlp("classify", table, "-o", tmp_path / "out.jsonl")
    assert done.code == 0, done.err
    found = rows(tmp_path / "out.jsonl")
    assert [(row["passage"], row["wave"], row["site"]) for row in found] == [("q2", "2", "north"), ("q1", "1", "süd")]


def test_results_do_not_depend_on_the_batch_size(case: Path) -> None:
    assert sibnlp("classify", case, "-o", "-", "--batch-size", "1").out == sibnlp("classify", case, "-o", "-").out


def test_run_writes_report_predictions_and_trajectories(case: Path, tmp_path: Path) -> None:
    done = sibnlp("run", case, "-o", tmp_path / "report")
    assert done.code == 0, done.err
    assert str(tmp_path / "report" / "report.html") in done.err
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert written == {
        "report.html",
        "run.json",
        "predictions.parquet",
        "predictions.csv",
        "trajectory.json",
        "trajectory.oflynn.json",
    }
    trajectory = json.loads((tmp_path / "report" / "trajectory.json").read_text(encoding="utf-8"))
    assert trajectory["framework"] == "osborne"
    assert trajectory["periods"] == ["1", "2"]
    assert {cell["period"] for cell in trajectory["prevalence"]} == {"1", "2"}
    assert {"domain", "code", "from", "to", "change", "low", "high", "outcome", "shift"} <= set(trajectory["shifts"][0])
    assert trajectory["scope"] == "interview"
    assert {cell["n_passages"] for cell in trajectory["documents"]["prevalence"] if cell["period"] == "2"} == {1}


def test_drift_from_predictions_equals_run(case: Path, tmp_path: Path) -> None:
    sibnlp("run", case, "-o", tmp_path / "report")
    for suffix in ("parquet", "csv"):
        out = tmp_path / f"drift-{suffix}"
        done = sibnlp("drift", tmp_path / "report" / f"predictions.{suffix}", "-o", out)
        assert done.code == 0, done.err
        again = json.loads((out / "trajectory.json").read_text(encoding="utf-8"))
        assert again == json.loads((tmp_path / "report" / "trajectory.json").read_text(encoding="utf-8"))


def test_drift_takes_codings_by_people(tmp_path: Path) -> None:
    codings = tmp_path / "coded.jsonl"
    lines = [
        {
            "text": f"passage {n}",
            "codes": ["NPM"] if n % 3 else [],
            "document": f"d{n % 4}",
            "date": f"201{n % 2}",
            "coder": "MK",
        }
        for n in range(40)
    ]
    codings.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = sibnlp("drift", codings, "-o", tmp_path / "out", "--period", "year", "--codebook", "osborne")
    assert done.code == 0, done.err
    cells = json.loads((tmp_path / "out" / "trajectory.json").read_text(encoding="utf-8"))["prevalence"]
    truth = {str(2010 + k): sum(bool(n % 3) for n in range(40) if n % 2 == k) / 20 for k in (0, 1)}
    found = {cell["period"]: cell["estimate"] for cell in cells if cell["domain"] is None and cell["code"] == "NPM"}
    assert found == pytest.approx(truth)


def test_train_evaluate_classify_with_a_codebook_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text(
        'id="b"\n[[families]]\nid="f"\nmultiple=false\n[[codes]]\nid="CAT"\nfamily="f"\n[[codes]]\nid="DOG"\nfamily="f"\n',
        encoding="utf-8",
    )
    animals = {
        "CAT": "the cat purred and slept on the sill",
        "DOG": "the dog barked and ran after the ball",
        "": "rain fell on the roof",
    }
    lines = [
        {"text": f"{text}, day {n}", "codes": [code] if code else [], "document": f"d{n}", "coder": "MK"}
        for n in range(12)
        for code, text in animals.items()
    ]
    (tmp_path / "coded.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    book, coded, model = tmp_path / "book.toml", tmp_path / "coded.jsonl", tmp_path / "model"
    done = sibnlp("train", coded, "-o", model, "--codebook", book)
    assert done.code == 0, done.err
    done = sibnlp("evaluate", model, coded, "-o", tmp_path / "evaluation")
    assert done.code == 0, done.err
    metrics = json.loads((tmp_path / "evaluation" / "metrics.json").read_text(encoding="utf-8"))
    assert "coded.jsonl is what model was trained on" in done.err and "trained on" in metrics["notes"][0]
    assert metrics["families"]["f"]["macro_f1"] > 0.9
    assert set(metrics["codes"]["CAT"]) >= {"precision", "recall", "f1", "auc", "support", "threshold", "ece"}
    assert (tmp_path / "evaluation" / "report.html").read_text(encoding="utf-8").startswith("<!")
    done = sibnlp("classify", coded, "--model", model, "-o", tmp_path / "p.jsonl")
    assert done.code == 0, done.err
    assert sum(row["codes"] == lines[n]["codes"] for n, row in enumerate(rows(tmp_path / "p.jsonl"))) > 30


def test_evaluate_sets_models_coders_and_parts_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "book.toml").write_text(
        'id="b"\n[[families]]\nid="f"\n[[codes]]\nid="CAT"\nfamily="f"\n[[codes]]\nid="DOG"\nfamily="f"\n',
        encoding="utf-8",
    )
    said = {"CAT": "the cat purred and slept", "DOG": "the dog barked and ran", "": "rain fell on the roof"}

    def write(name: str, documents: str, coders: tuple[str, ...]) -> Path:
        lines = [
            {"text": f"{text}, day {n}", "id": f"{documents}{n}{code}", "codes": [code] if code else [], "coder": coder,
             "document": f"{documents}{n}", "role": ["investor", "provider"][n % 2],
             "contested": ["DOG"] if n == 3 and code == "DOG" else []}
            for n in range(8) for code, text in said.items() for coder in coders
        ]  # fmt: skip
        lines[0]["codes"] = []  # MK differs from JB
        for line in lines[2:4] if len(coders) == 2 else []:
            line["codes"] = []  # both differ from the model
        path = tmp_path / name
        path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        return path

    learnt, held_out = write("learnt.jsonl", "a", ("MK",)), write("test.jsonl", "b", ("MK", "JB"))
    for name, recipe in (("one", "chars = [3, 5]"), ("two", "chars = [0, 0]")):
        (tmp_path / f"{name}.toml").write_text(f'backend = "linear"\nfolds = 2\n[settings]\n{recipe}\n')
        args = ("--codebook", tmp_path / "book.toml", "--recipe", tmp_path / f"{name}.toml")
        assert sibnlp("train", learnt, "-o", tmp_path / name, *args).code == 0
    out = tmp_path / "evaluation"
    done = sibnlp("evaluate", tmp_path / "one", held_out, "-o", out, "--compare", tmp_path / "two", "--by", "document",
                  "--by", "role", "--learning-curve", learnt, "--resamples", "20")  # fmt: skip
    assert done.code == 0, done.err
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["n_passages"] == 24
    # The contested code is nobody's in that passage: 24 passages by two coders, less one by both.
    assert (metrics["codes"]["CAT"]["n"], metrics["codes"]["DOG"]["n"]) == (48, 46)
    assert [(p["first"], p["second"]) for p in metrics["agreement"]] == [("MK", "JB"), ("MK", "one"), ("JB", "one")]
    assert metrics["agreement"][0]["codes"]["CAT"]["alpha"] < 1 == metrics["agreement"][0]["codes"]["DOG"]["alpha"]
    assert [one["model"] for one in metrics["comparison"]] == ["one", "two"]
    assert {one["column"] for one in metrics["slices"]} == {"document", "role"}
    assert metrics["learning_curve"][-1]["n_passages"] == 24
    page = (out / "report.html").read_text(encoding="utf-8")
    assert all(
        words in page for words in ("Learning curve.", "Models side by side", "Agreement.", "Confusion", "Slices.")
    )
    assert '<mark class="for">' in page
    # Both coders left a passage about a dog without a code: one error, with both their names.
    assert page.count("coded by <bdi>MK; JB</bdi>") == 1
    done = sibnlp("evaluate", tmp_path / "one", held_out, "-o", tmp_path / "e", "--by", "rolle")
    assert done.code == 2 and "role" in done.err


def test_init_writes_a_project_that_runs(case: Path, tmp_path: Path) -> None:
    done = sibnlp("init", case)
    assert done.code == 0, done.err
    assert "Dr Vos" in (case / "project.toml").read_text(encoding="utf-8")
    assert sibnlp("run", case / "project.toml", "-o", tmp_path / "report").code == 0


def test_a_report_inside_the_folder_is_not_read_as_a_document(case: Path) -> None:
    assert sibnlp("run", case, "-o", case / "report").code == 0
    again = sibnlp("run", case, "-o", case / "report", "--force")
    assert again.code == 0, again.err
    assert "from 3 files" in again.err


def test_a_pipe_that_closes_early_is_no_error() -> None:
    command = f"{sys.executable} -m sibnlp codebook show osborne | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# New Public Management")


def test_a_report_written_into_its_own_folder_leaves_the_documents_documents(case: Path) -> None:
    assert sibnlp("run", case, "-o", case, "--force").code == 0
    again = sibnlp("run", case, "-o", case, "--force")
    assert again.code == 0, again.err
    assert "from 3 files" in again.err


def test_own_outputs_among_the_documents_are_not_read_again(case: Path, tmp_path: Path) -> None:
    for name in ("codings.csv", "codings.jsonl", "predictions.parquet"):
        assert sibnlp("classify", case, "-o", case / name).code == 0
    coded = tmp_path / "coded.jsonl"
    coded.write_text(json.dumps({"text": "They dock us.", "codes": ["NPM"]}), encoding="utf-8")
    assert sibnlp("evaluate", "gov-fast", coded, "-o", case / "evaluation").code == 0
    done = sibnlp("run", case, "-o", tmp_path / "report")
    assert done.code == 0, done.err
    assert "from 3 files" in done.err


def test_a_kind_may_be_spelt_as_people_spell_it(case: Path, tmp_path: Path) -> None:
    table = case / "metadata.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",interview,", ",Interview 1,"), encoding="utf-8")
    assert sibnlp("segment", case, "-o", tmp_path / "p.jsonl").code == 0
    assert {row["speaker"] for row in rows(tmp_path / "p.jsonl")} == {"Anna", None}


def _coded_panel(folder: Path) -> tuple[Path, Path]:
    """Predictions of a drawn panel, and codings of a probability sample of it."""
    from sibnlp import tables
    from tests.test_gold import corpus

    predictions, codings = corpus()
    tables.write(tables.prediction_rows(predictions), folder / "predictions.parquet")
    with (folder / "gold.jsonl").open("w", encoding="utf-8") as file:
        for coding in codings:
            p = coding.passage
            row = {"id": p.id, "document": p.document, "start": p.start, "end": p.end, "text": p.text,
                   "codes": list(coding.codes), "coder": "MK", "extent": list(coding.extent),
                   "inclusion_probability": coding.inclusion_probability}  # fmt: skip
            file.write(json.dumps(row) + "\n")
    return folder / "predictions.parquet", folder / "gold.jsonl"


def test_drift_is_corrected_by_codings(tmp_path: Path) -> None:
    predictions, gold = _coded_panel(tmp_path)
    plain = sibnlp("drift", predictions, "-o", tmp_path / "plain", "--codebook", "osborne")
    assert plain.code == 0, plain.err
    done = sibnlp("drift", predictions, "-o", tmp_path / "out", "--codebook", "osborne", "--gold", gold)
    assert done.code == 0, done.err
    found = {}
    for folder in ("plain", "out"):
        cells = json.loads((tmp_path / folder / "trajectory.json").read_text(encoding="utf-8"))["prevalence"]
        found[folder] = next(c for c in cells if (c["domain"], c["code"], c["period"]) == (None, "NPM", "3"))
    assert (found["plain"]["rung"], found["out"]["rung"]) == ("uncorrected", "design-based")
    assert found["out"]["low"] < found["out"]["corpus_low"] < found["out"]["estimate"]
    assert found["plain"]["corpus_low"] == found["plain"]["estimate"]
    assert "Not corrected (NPG)" in done.err


def test_drift_names_gold_outside_the_sample_and_goes_on(tmp_path: Path) -> None:
    """Of another document, of an id nobody has, and of a passage that was not drawn: file and passage are named."""
    predictions, gold = _coded_panel(tmp_path)
    clean = sibnlp("drift", predictions, "-o", tmp_path / "clean", "--codebook", "osborne", "--gold", gold)
    assert clean.code == 0, clean.err
    drawn = rows(gold)
    known = {str(row["id"]) for row in drawn}
    table = pq.read_table(predictions).to_pylist()
    undrawn = next(row for row in table if row["passage"] not in known)
    undrawn["id"] = undrawn["passage"]
    strays = [
        {**drawn[0], "document": "elsewhere.docx", "id": "e1"},
        {**drawn[0], "id": "nobody:7", "text": "Nobody here ever said a word of this."},
        {**drawn[0], **{key: undrawn[key] for key in ("id", "document", "text")}, "inclusion_probability": None},
    ]
    with gold.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in strays)
    done = sibnlp("drift", predictions, "-o", tmp_path / "out", "--codebook", "osborne", "--gold", gold)
    assert done.code == 0, done.err
    said = " ".join(done.err.split())
    n = len(drawn) + 3
    assert f"gold.jsonl: 2 of {n} coded passages are not among the predictions" in said
    assert "not followed here (first: passage e1 of elsewhere.docx)" in said
    assert f"no passage has that id or text (first: passage nobody:7 of {drawn[0]['document']})" in said
    assert f"gold.jsonl: 1 of {n} coded passages have no inclusion probability while others do" in said
    assert f"(first: passage {undrawn['id']} of {undrawn['document']})" in said
    assert "passage e1 of elsewhere.docx" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    cells = [json.loads((tmp_path / at / "trajectory.json").read_text(encoding="utf-8"))["prevalence"]
             for at in ("clean", "out")]  # fmt: skip
    assert cells[0] == cells[1]


def test_drift_takes_a_quantifier_and_says_which_there_are(tmp_path: Path) -> None:
    predictions, gold = _coded_panel(tmp_path)
    done = sibnlp(
        "drift", predictions, "-o", tmp_path / "out", "--codebook", "osborne", "--gold", gold, "--quantifier", "acc",
        "--weight", "actor", "--trained-on", gold, "--margin", "3",
    )  # fmt: skip
    assert done.code == 0, done.err
    # What the model learnt from cannot correct it.
    assert "acc: no coded passages to take error rates from" in done.err
    cells = json.loads((tmp_path / "out" / "trajectory.json").read_text(encoding="utf-8"))["prevalence"]
    assert {cell["weight"] for cell in cells} == {"actor"}
    for option, value in (("--quantifier", "magic"), ("--weight", "fame"), ("--margin", "0.5")):
        wrong = sibnlp("drift", predictions, "-o", tmp_path / "no", option, value)
        assert wrong.code == 2
        assert value in wrong.err
