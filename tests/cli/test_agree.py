"""``sibnlp agree``: several coders in one file or in a file each, with or without text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sibnlp.cli import agree
from sibnlp.errors import SibnlpError
from sibnlp.manifest import Manifest, sha256

A = [
    ["NPM", "governance_mechanisms", "endorses"],
    [],
    ["NPG", "reports"],
    [],
    ["NPM", "NPG", "in_tension", "resists"],
    [],
]
B = [["NPM", "endorses"], [], ["NPG", "reports"], ["PVM", "endorses"], ["NPM", "NPG", "in_tension", "reports"], []]


def rows(coder: str | None, codes: list[list[str]], **further: object) -> list[dict[str, object]]:
    named = {"coder": coder} if coder else {}
    return [
        {"id": f"p{i}", "document": f"d{i // 2}", "codes": one, **named, **further} for i, one in enumerate(codes)
    ]  # fmt: skip


def written(path: Path, content: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(agree.command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_stand_off_codings_of_two_coders_in_one_file(tmp_path: Path) -> None:
    path = written(tmp_path / "codings.jsonl", rows("anna", A) + rows("ben", B))
    done = run(path, "-o", tmp_path / "out.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (found["coders"], found["n_passages"], found["n_documents"]) == (["anna", "ben"], 6, 3)
    assert found["codes"]["NPM"]["alpha"]["value"] == 1
    assert found["codes"]["governance_mechanisms"]["given"] == [1, 0]
    # A relation is compared where both found two logics: one passage, and one value says nothing.
    assert found["codes"]["in_tension"]["n"] == 1
    assert found["codes"]["in_tension"]["alpha"]["value"] is None
    assert found["codes"]["resists"]["n"] == 3
    assert "NPM" in done.output
    assert "accountability_model" not in done.output, "a code nobody gave fills no line"


def test_a_file_each_and_the_model_among_them(tmp_path: Path) -> None:
    people = written(tmp_path / "anna.jsonl", rows(None, A, text="words"))
    csv = tmp_path / "ben.csv"
    csv.write_text(
        "id,document,text,codes\n" + "".join(f"p{i},d{i // 2},words,{';'.join(one)}\n" for i, one in enumerate(B)),
        encoding="utf-8",
    )
    model = written(tmp_path / "predictions.jsonl", rows(None, B, text="words", model="gov-fast"))
    done = run(people, csv, model, "-o", tmp_path / "out.json", "--resamples", 50)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["coders"] == ["anna", "ben", "gov-fast"]
    assert found["families"]["logic"]["n"] == 6


def test_passages_of_one_coder_alone_are_counted_and_named(tmp_path: Path) -> None:
    anna = written(tmp_path / "anna.jsonl", rows("anna", A))
    ben = rows("ben", B)
    ben = [{**row, "id": f"other{i}"} if i in (3, 5) else row for i, row in enumerate(ben)]
    ben[0]["document"] = "elsewhere"
    done = run(anna, written(tmp_path / "ben.jsonl", ben), "-o", tmp_path / "out.json", "--resamples", 10)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["n_passages"] == 3
    assert found["unmatched"]["ben"] == {"passages": 3, "of": 6, "codes": 4, "of_codes": 10}
    told = (
        "3 of 6 passages of ben, with 4 of 10 codes, are in nobody else's codings: 1 of documents that nobody else "
        "coded (first: passage p0 of elsewhere); 2 of documents that others did, who have no passage of that id "
        "(first: passage other3 of d1)"
    )
    assert told in done.stderr and told in found["notes"][1]
    assert "3 of 6 passages of anna" in done.stderr
    assert "3 of 6 passages of ben" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_nothing_is_said_where_all_passages_match(tmp_path: Path) -> None:
    done = run(written(tmp_path / "codings.jsonl", rows("anna", A) + rows("ben", B)), "-o", tmp_path / "out.json")
    assert "note:" not in done.stderr
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["notes"] == [] and found["unmatched"]["anna"]["passages"] == 0
    assert 'class="warnings"' not in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", ["toy", "cascade:toy,gov-base@1"])
def test_the_very_codings_that_a_shipped_model_learnt_from_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    people = written(tmp_path / "gold.jsonl", rows("anna", A))
    data = ({"path": "gold.jsonl", "sha256": sha256(people), "n": 6},)
    Manifest("toy", "linear", "1", "2026-01-01", (), (), (), {}, {}, {}, 0, data=data).write(tmp_path)
    monkeypatch.setattr("sibnlp.model.available", lambda: {"toy": tmp_path})
    said = run(people, written(tmp_path / "p.jsonl", rows(None, A, model=model)), "--resamples", 10)
    assert said.exit_code == 0 and "gold.jsonl is what toy was trained on" in said.stderr
    other = written(tmp_path / "other.jsonl", rows("anna", B))
    assert "trained on" not in run(other, tmp_path / "p.jsonl", "--resamples", 10).stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (rows("anna", A), "by one coder"),
        (rows("anna", A) + rows("anna", B), "twice"),
        (
            rows("anna", A) + [{**row, "id": f"q{i}"} for i, row in enumerate(rows("ben", B))],
            "no passage is coded by two",
        ),
        (rows("anna", A) + rows("ben", [["NPX"]]), "NPX"),
        ([{"codes": []}], "has no id"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, content: list[dict[str, object]], told: str) -> None:
    done = run(written(tmp_path / "codings.jsonl", content))
    assert done.exit_code
    assert isinstance(done.exception, SibnlpError)
    assert told in str(done.exception)


def test_a_fault_is_told_of_the_users_file(tmp_path: Path) -> None:
    path = written(tmp_path / "codings.jsonl", [*rows("anna", A), {"id": "p0", "codes": 3}])
    done = run(path)
    assert str(path) in str(done.exception)


def test_files_without_a_document_column_are_of_the_same_documents(tmp_path: Path) -> None:
    for coder, codes in (("anna", A), ("ben", B)):
        lines = "".join(f"p{i},words,{';'.join(one)}\n" for i, one in enumerate(codes))
        (tmp_path / f"{coder}.csv").write_text("id,text,codes\n" + lines, encoding="utf-8")
    done = run(tmp_path / "anna.csv", tmp_path / "ben.csv", "--resamples", 10)
    assert done.exit_code == 0, done.output
    assert "2 coders: anna, ben; 6 passages" in done.output


def test_line_separators_within_a_line_are_text(tmp_path: Path) -> None:
    rows = [{"id": 0, "text": "a\u2028b\u0085c", "codes": []}, {"id": 1, "codes": [], "coder": "a\u2028b"}]
    path = tmp_path / "c.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    found = agree.read(path)
    assert [(one.passage.id, one.passage.text) for one in found] == [("0", "a\u2028b\u0085c"), ("1", "1")]
    assert [one.coder for one in found] == ["c", "a\u2028b"]


def test_a_model_is_itself_not_the_coder_of_its_input(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", rows("anna", A[:1], model="gov-fast", date="June 2021"))
    assert [one.coder for one in agree.read(path)] == ["gov-fast"]


def test_a_page_stands_beside_the_figures_and_escapes_names(tmp_path: Path) -> None:
    path = written(tmp_path / "codings.jsonl", rows("<script>alert(1)</script>", A) + rows("ben", B))
    assert run(path, "-o", tmp_path / "out.json").exit_code == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["families"]["logic"]["alpha_masi"]["value"] is not None
    assert 0 < found["codes"]["PVM"]["ac1"]["value"] < 1
    assert found["spans"] == {}
    again = run(path, "-o", tmp_path / "out.json")
    assert again.exit_code and "exists already" in str(again.exception)


def test_a_project_of_free_spans_with_a_models_predictions_beside_it(tmp_path: Path) -> None:
    from sibnlp import exchange
    from sibnlp.exchange import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection

    text = "".join(
        f"Sentence number {i} says what it has to say about targets and about trust, and no more.\n\n"
        for i in range(30)
    )
    at = [text.index(f"Sentence number {i} ") for i in range(30)]
    codes = (ProjectCode("t", "targets"), ProjectCode("u", "trust"))

    def marks(n: int, coder: str, shift: int) -> list[Selection]:
        coding = [Coding(f"{coder}{n}{i}", "tu"[i % 2], coder) for i in range(0, 30, 3)]
        return [Selection(f"s{coder}{n}{i}", at[i * 3] + shift, at[i * 3] + 80, (one,)) for i, one in enumerate(coding)]

    documents = tuple(
        ProjectDocument(f"d{n}", f"talk {n}", text, selections=tuple(marks(n, "a", 0) + marks(n, "b", 2 * n)))
        for n in range(4)
    )
    study = tmp_path / "study.qdpx"
    exchange.save(Project("study", codes, (Coder("a", "Anna"), Coder("b", "Ben")), documents), study)
    coded = exchange.read_codings(study, (), exchange.Options(extent="documents")).rows
    model = [
        {"document": r.passage.document, "id": r.passage.id, "text": r.passage.text, "codes": ["targets"], "model": "m"}
        for r in coded
        if r.coder == "Anna"
    ]
    done = run(
        study, written(tmp_path / "p.jsonl", model), "--project", "extent=documents", "-o", tmp_path / "o.json",
        "--resamples", 40,
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    found = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert found["coders"] == ["Anna", "Ben", "m"]
    assert found["codes"]["targets"]["n"] == len(model)
    spans = found["spans"]["targets"]
    assert spans["n_documents"] == 4 and 0.8 < spans["alpha_u"]["value"] < 1
    assert "αU" in done.output
