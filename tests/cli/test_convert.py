"""``sibnlp convert``, and coded projects where other commands take codings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sibnlp import exchange
from sibnlp.exchange import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection
from tests.cli.shell import sibnlp
from tests.exchange import second_reader
from tests.exchange.test_refi import in_order, quotations
from tests.exchange.tools import BEN, TEXTS, TOOLS, guid, qdpx, rezip


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return qdpx(tmp_path / "study.qdpx", TOOLS["maxqda for windows"])


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "xlsx", "json", "qdpx", "sqlite3", "zip"])
def test_one_coder_is_chosen_by_name_and_then_made_anonymous(tmp_path: Path, suffix: str) -> None:
    given = (
        '{"text": "We lost the contract.", "codes": ["x"], "coder": "Anna Berg"}\n'
        '{"text": "We won it back.", "codes": ["x"], "coder": "Ben Oak"}\n'
    )
    (tmp_path / "two.jsonl").write_text(given, encoding="utf-8")
    out = tmp_path / f"out.{suffix}"
    # Named as they are in IN, in whatever case: the new names are not known before.
    done = sibnlp("convert", tmp_path / "two.jsonl", out, "--anonymous", "--coder", "anna berg")
    assert done.code == 0, done.err
    found = exchange.load(out)
    assert [one.name for one in found.coders if not one.machine] == ["coder 1"]
    assert sum(len(selection.codings) for one in found.documents for selection in one.selections) == 1
    wrong = sibnlp("convert", tmp_path / "two.jsonl", tmp_path / "no.csv", "--anonymous", "--coder", "Zoe")
    assert wrong.code == 2 and "no coder named 'Zoe' (its coders: Anna Berg, Ben Oak)" in wrong.err


def test_every_format_to_every_other(study: Path, tmp_path: Path) -> None:
    wanted = sorted(quote for title in TEXTS for quote, _ in in_order(title))
    files = [study]
    for suffix in ("sqlite3", "json"):
        assert sibnlp("convert", study, tmp_path / f"a.{suffix}").code == 0
        files.append(tmp_path / f"a.{suffix}")
    assert sibnlp("convert", study, tmp_path / "a.jsonl", "--spans").code == 0
    files.append(tmp_path / "a.jsonl")
    for number, file in enumerate(files):
        for suffix in ("qdpx", "sqlite3", "json"):
            out = tmp_path / f"{number}.{suffix}"
            done = sibnlp("convert", file, out)
            assert done.code == 0, done.err
            found = sorted(quote for pairs in quotations(exchange.load(out)).values() for quote, _ in pairs)
            assert found == wanted, (file.name, suffix)
    assert sorted(q.text for q in second_reader.read(tmp_path / "1.qdpx").quotations) == wanted


def test_how_offsets_were_read_and_what_is_lost_is_said(study: Path, tmp_path: Path) -> None:
    done = sibnlp("convert", study, tmp_path / "a.json")
    assert "offsets read as: code point, line break = 2, end exclusive" in done.err
    assert "not kept, or guessed:" in done.err and "the hierarchy of codes" in done.err
    assert done.out == ""


def test_a_lost_source_ends_with_one(study: Path, tmp_path: Path) -> None:
    leaf = f"sources/{guid('file Anna 2015', TOOLS['maxqda for windows'])}.txt"
    done = sibnlp("convert", rezip(study, tmp_path / "part.qdpx", {leaf: None}), tmp_path / "out.qdpx")
    assert done.code == 1 and "Anna 2015: its text file is missing" in done.err
    assert second_reader.read(tmp_path / "out.qdpx").texts["Ben 2019"] == BEN


def test_nothing_is_overwritten_without_force(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out.qdpx").write_text("mine", encoding="utf-8")
    assert sibnlp("convert", study, tmp_path / "out.qdpx").code == 2
    assert (tmp_path / "out.qdpx").read_text(encoding="utf-8") == "mine"
    assert sibnlp("convert", study, tmp_path / "out.qdpx", "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.qdpx", "out.json"), "No such file"),
        (("study.qdpx", "out.docx"), "cannot write .docx"),
        (("study.doc", "out.json"), "no coded project has the suffix .doc"),
        (("study.qdpx", "out.json", "--offsets", "utf-7"), "no part of a coordinate system"),
        (("study.qdpx", "out.json", "--extent", "some"), "known: passages, span"),
        (("study.qdpx", "out.json", "--coder", "Zoe"), "its coders: Anna Coder"),
        (("study.qdpx", "out.jsonl", "--stage", "variable:x"), "--stage: no document has a stage"),
        (("study.qdpx", "out.jsonl", "--stage", "variable:x"), "variables: none"),
        (("no.parquet", "out.csv"), "no.parquet: No such file or directory"),
        (("junk.qdpx", "out.json"), "junk.qdpx: is no REFI-QDA project"),
        (("junk.json", "out.qdpx"), "junk.json: is neither of what .json can be: export of Label Studio; UIMA CAS"),
        # The file that is written until all went well is nobody's business.
        (("study.qdpx", "out.xmi"), "sibnlp: out.xmi: an .xmi file holds one document"),
        (("study.qdpx", "out.tsv"), "sibnlp: out.tsv: cannot write .tsv"),
        (("study.qdpx", "study.qdpx"), "choose another OUT, or pass --force"),
        (("study.qdpx", "out.jsonl", "--codebook", "nothing"), "no codebook named"),
    ],
)
def test_misuse_is_one_line(
    arguments: tuple[str, ...], said: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("study.doc", "junk.qdpx", "junk.json"):
        (tmp_path / name).write_bytes(b"x")
    before = sorted(tmp_path.iterdir())
    done = sibnlp("convert", *arguments)
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("document", "kept"),
    [("anna.txt", True), ("anna", True), ("anna.docx", True), ("ben", False), ("twice", False), ("anna.5", False)],
)
def test_whole_texts_are_found_by_names_without_suffix(document: str, kept: bool, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    whole = "How did it begin? We were paid for each person. Then it went on.\n"
    for name in ("anna.txt", "twice.txt", "twice.md"):
        (texts / name).write_text(whole, encoding="utf-8")
    row = {"document": document, "start": 18, "end": 47, "text": "We were paid for each person.", "codes": ["x"]}
    (tmp_path / "p.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    done = sibnlp("convert", tmp_path / "p.jsonl", tmp_path / "out.qdpx", "--documents", texts)
    assert done.code == 0, done.err
    text = exchange.load(tmp_path / "out.qdpx").documents[0].text
    assert text.startswith("How did it begin?") == kept
    assert (f"(no file of that name in {texts})" in done.err) != kept
    assert "give --documents" not in done.err


def test_an_asked_extent_is_recorded(study: Path, tmp_path: Path) -> None:
    assert sibnlp("convert", study, tmp_path / "out.qdpx", "--extent", "documents").code == 0
    extents = exchange.load(tmp_path / "out.qdpx").extents
    assert [extent.spans for extent in extents] == [((0, len(text)),) for text in TEXTS.values()]
    assert extents[0].families == ("Control", "Relations")


PAID = "They paid us for each target number {}, and the contract set the price. Late forms were fined at once."
TRUST = "We trusted each other in year {}, talked a lot, and learned together what would help. It took time."


def coded_study(path: Path) -> Path:
    """Eight interviews in two waves, each paragraph with one code by Anna."""
    codes = (ProjectCode("top", "Logic"), ProjectCode("targets", "targets", parent="top"),
             ProjectCode("trust", "trust", parent="top"))  # fmt: skip
    documents = []
    for n in range(8):
        said = [("targets", PAID.format(i)) if (i + n) % 2 else ("trust", TRUST.format(i)) for i in range(8)]
        text = "\n\n".join(paragraph for _, paragraph in said) + "\n"
        marks = []
        for i, (code, paragraph) in enumerate(said):
            at = text.index(paragraph)
            coding = Coding(f"coding {n} {i}", code, "anna")
            marks.append(Selection(f"mark {n} {i}", at, at + len(paragraph), (coding,)))
        documents.append(ProjectDocument(f"d{n}", f"talk {n} wave {1 + n // 4}", text, selections=tuple(marks)))
    exchange.save(Project("study", codes, (Coder("anna", "Anna Coder"),), tuple(documents)), path)
    return path


def test_the_loop_from_project_to_model_and_back(tmp_path: Path) -> None:
    """A researcher's project → a model → its codings as a coder of the project → their agreement → a drift report."""
    study = coded_study(tmp_path / "study.qdpx")
    done = sibnlp("train", study, "-o", tmp_path / "mine", "--project", "extent=documents")
    assert done.code == 0, done.err
    assert "Anna Coder 100% of 8 documents" in done.err
    assert "  trust    F1 1.00  precision 1.00  recall 1.00  32 of 64 passages carry it" in done.err
    assert "each of 5 parts was judged by thresholds chosen on the others" in done.err
    assert sibnlp("classify", study, "--model", tmp_path / "mine", "-o", tmp_path / "p.jsonl").code == 0
    assert sibnlp("convert", tmp_path / "p.jsonl", tmp_path / "both.qdpx", "--into", study).code == 0
    found = second_reader.read(tmp_path / "both.qdpx")
    assert sorted(found.users.values()) == ["Anna Coder", "mine"]
    assert sum(who == "mine" for q in found.quotations for _, who in q.codes) >= 60
    assert sibnlp("evaluate", tmp_path / "mine", study, "-o", tmp_path / "ev").code == 0
    metrics = json.loads((tmp_path / "ev" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["n_passages"] == 64 and metrics["codes"]["trust"]["f1"] == 1
    assert sibnlp("convert", study, tmp_path / "book.toml").code == 0
    agree = sibnlp("agree", tmp_path / "both.qdpx", "--codebook", tmp_path / "book.toml")
    assert agree.code == 0 and "2 coders: Anna Coder, mine; 64 passages" in agree.err, agree.err
    waves = ("--project", "stage=name", "--project", "pattern={*} wave {stage}")
    drift = sibnlp("drift", study, "-o", tmp_path / "drift", "--codebook", tmp_path / "book.toml", *waves)
    assert drift.code == 0, drift.err
    trajectory = json.loads((tmp_path / "drift" / "trajectory.json").read_text(encoding="utf-8"))
    assert trajectory["periods"] == ["1", "2"]
    # The machine's codings are never in its own training pool.
    everything = exchange.read_codings(tmp_path / "both.qdpx", (), exchange.Options(extent="documents")).rows
    assert len(everything) == 128
    again = sibnlp("train", tmp_path / "both.qdpx", "-o", tmp_path / "again", "--project", "extent=documents")
    assert again.code == 0
    names = ("head.safetensors", "vocabulary.json")
    assert all((tmp_path / "again" / n).read_bytes() == (tmp_path / "mine" / n).read_bytes() for n in names)


def test_classify_reads_the_documents_of_a_project(study: Path, tmp_path: Path) -> None:
    done = sibnlp("segment", study, "-o", "-")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {row["document"] for row in rows} == set(TEXTS)
    assert all(TEXTS[row["document"]][row["start"] : row["end"]] == row["text"] for row in rows)
    assert {row["speaker"] for row in rows} == {"Anna", "Ben"}
