"""Bad input gets one clear line, loses nothing, and overwrites nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.shell import sibnlp

GOOD = "Anna said that the form comes first because they dock the provider when it is late.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good file."""
    path = tmp_path / "in"
    path.mkdir()
    (path / "good.txt").write_text(GOOD, encoding="utf-8")
    (path / "metadata.csv").write_text("document,date\ngood.txt,2016\n", encoding="utf-8")
    return path


def truncated_docx() -> bytes:
    import io

    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>" * 200)
    return raw.getvalue()[:150]


def locked_pdf() -> bytes:
    import io

    canvas = pytest.importorskip("reportlab.pdfgen.canvas", reason="reportlab makes the locked pdf")
    raw = io.BytesIO()
    page = canvas.Canvas(raw, encrypt="secret")
    page.drawString(100, 100, "hidden")
    page.save()
    return raw.getvalue()


BAD = {
    "empty.txt": (lambda: b"", "empty"),
    "junk.txt": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "png"),
    "locked.pdf": (locked_pdf, "password"),
    "cut.docx": (truncated_docx, "cut.docx"),
    "table.csv": (lambda: b"id,answer\n1,yes\n", "no column named text"),
    "old.rtf": (lambda: b"hello", "named .rtf"),
    "old.doc": (lambda: b"\xd0\xcf\x11\xe0", "save it as .docx"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_listed_and_the_rest_goes_on(folder: Path, tmp_path: Path, name: str) -> None:
    make, said = BAD[name]
    (folder / name).write_bytes(make())
    done = sibnlp("run", folder, "-o", tmp_path / "out")
    assert done.code == 1, done.err
    complaint = [line for line in done.err.splitlines() if name in line]
    assert len(complaint) == 1
    assert said in complaint[0].lower()
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert name in html
    assert "dock the provider" in html


def misuse(*arguments: object) -> str:
    """The one line a misuse ends with."""
    done = sibnlp(*arguments)
    assert done.code == 2, (done.out, done.err)
    assert "Traceback" not in done.err
    return done.err


def test_an_unknown_key_in_the_project(folder: Path, tmp_path: Path) -> None:
    (folder / "project.toml").write_text('[documents]\npatern = "x"\n', encoding="utf-8")
    assert "unknown key 'documents.patern'" in misuse("run", folder, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'id="b"\n[[families]]\nid="f"\n[[codes]]\nid="A"\nfamily="f"\n[[codes]]\nid="A"\nfamily="f"\n',
            "defined 2 times",
        ),
        ('id="b"\n[[families]]\nid="f"\n[[codes]]\nid="A"\nfamily="g"\n', "family 'g' is not defined"),
    ],
)
def test_a_faulty_codebook(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "b.toml").write_text(text, encoding="utf-8")
    assert said in misuse("codebook", "check", tmp_path / "b.toml")


def test_a_code_that_no_codebook_defines(tmp_path: Path) -> None:
    codings = tmp_path / "c.jsonl"
    codings.write_text(json.dumps({"text": "x", "codes": ["NPX"]}), encoding="utf-8")
    assert "line 1: code 'NPX' is in no codebook given" in misuse("train", codings, "-o", tmp_path / "m")


@pytest.mark.parametrize("row", [{"codes": ["dominant_focus"]}, {"codes": [], "extent": ["dimension"]}])
def test_a_shipped_codebook_that_is_lacking_is_named(tmp_path: Path, row: dict[str, object]) -> None:
    codings = tmp_path / "c.jsonl"
    codings.write_text(json.dumps({"text": "x", **row}), encoding="utf-8")
    assert "(say --codebook osborne --codebook oflynn)" in misuse("train", codings, "-o", tmp_path / "m")
    own = tmp_path / "own.toml"
    own.write_text('id="b"\n[[families]]\nid="f"\n[[codes]]\nid="A"\nfamily="f"\n', encoding="utf-8")
    assert "(add --codebook oflynn)" in misuse("train", codings, "-o", tmp_path / "m", "--codebook", own)


def test_a_model_with_a_changed_byte(tmp_path: Path, folder: Path) -> None:
    import shutil

    from sibnlp.model import available

    model = shutil.copytree(available()["gov-fast"], tmp_path / "model")
    weights = next(model.glob("*.safetensors"))
    raw = bytearray(weights.read_bytes())
    raw[len(raw) // 2] ^= 1
    weights.write_bytes(raw)
    said = misuse("classify", folder, "--model", model, "-o", tmp_path / "p.csv")
    assert weights.name in said
    assert not (tmp_path / "p.csv").exists()


def test_an_output_that_exists_is_left_alone(folder: Path, tmp_path: Path) -> None:
    taken = tmp_path / "out"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine", encoding="utf-8")
    assert "--force" in misuse("run", folder, "-o", taken)
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]
    table = tmp_path / "p.csv"
    table.write_text("mine", encoding="utf-8")
    assert "--force" in misuse("classify", folder, "-o", table)
    assert table.read_text(encoding="utf-8") == "mine"
    assert sibnlp("classify", folder, "-o", table, "--force").code == 0
    assert sibnlp("run", folder, "-o", taken, "--force").code == 0
    assert (taken / "mine.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere", "-o", "out"], "nowhere"),
        (["classify", "nowhere.txt", "-o", "p.csv"], "no such file"),
        (["classify", "IN", "-o", "p.doc"], ".parquet, .jsonl, .csv"),
        (["classify", "IN", "--model", "gov-slow", "-o", "p.csv"], "gov-fast"),
        (["segment", "IN", "-o", "p.csv", "--interviewer", "shout"], "shout"),
        (["run", "IN", "-o", "out", "--period", "week"], "week"),
        (["drift", "IN/good.txt", "-o", "out"], "good.txt"),
        (["evaluate", "gov-fast", "IN/metadata.csv", "-o", "out"], "metadata.csv"),
        (["drift", "IN/good.txt", "-o", "out"], "coded projects: .qdpx"),
        (["agree", "IN/good.txt"], "coded projects: .qdpx"),
        (["train", "no.docx", "-o", "out"], "plain documents are coded first"),
        (["train", "no.xlsx", "-o", "out"], "no.xlsx: No such file or directory"),
        (["drift", "no.parquet", "-o", "out"], "no.parquet: No such file or directory"),
        (["agree", "no.parquet"], "no.parquet: No such file or directory"),
        (["codebook", "show", "osbourne"], "oflynn, osborne, practices"),
    ],
)
def test_misuse_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert said in misuse(*[argument.replace("IN", str(folder)) for argument in arguments])
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_init_gives_no_advice_that_it_does_not_take(folder: Path) -> None:
    assert sibnlp("init", folder).code == 0
    said = misuse("init", folder)
    assert "project.toml exists already (pass --force to replace it)" in said
    assert sibnlp("init", folder, "--force").code == 0


def test_files_that_were_read_are_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "empty.txt").write_bytes(b"")
    done = sibnlp("run", folder, "-o", tmp_path / "out")
    assert "1 of 2 files could not be read" in done.err and "passages from 1 files;" in done.err


def test_nothing_readable_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    assert "no readable document" in misuse("run", folder, "-o", tmp_path / "out")
    (folder / "empty.txt").write_bytes(b"")
    assert "empty" in misuse("run", folder, "-o", tmp_path / "out")


def test_an_output_that_cannot_be_made_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert "file" in misuse("run", folder, "-o", tmp_path / "file" / "out")
    assert "file" in misuse("classify", folder, "-o", tmp_path / "file" / "p.csv")
