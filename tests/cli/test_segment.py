"""``sibnlp segment``: in shards, and yet the passages of `sibnlp.corpus.collect`, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from sibnlp import corpus, tables
from tests.cli.shell import sibnlp
from tests.runners import cases

ROWS = 'text,id,document,theme\n"One, two.",r1,a.txt,x\nThree four.,r2,a.txt,\n'


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Turns, metadata, a table with a column of its own, a broken file, and what has no UTF-8."""
    folder = tmp_path_factory.mktemp("segment") / "in"
    folder.mkdir()
    case = root / "corpora/demo/case"
    for path in [*sorted(case.glob("*.vtt"))[:2], *sorted(case.glob("*.docx"))[:2]]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "metadata.csv").write_text("document,actor,stage\nd00001.txt,House One,2\n", encoding="utf-8")
    cases.folder(folder, 70)
    (folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    (folder / "rows.jsonl").write_text('{"text": "half a pair \\ud83d here", "id": "h", "n": 3}\n', encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    return folder


@pytest.mark.parametrize(("suffix", "n_workers"), [("csv", 0), ("jsonl", 0), ("parquet", 0), ("parquet", 2)])
def test_rows_are_those_of_the_library(given: Path, tmp_path: Path, suffix: str, n_workers: int) -> None:
    inputs = corpus.find([given])
    found = corpus.collect(inputs, None, corpus.known_beside([given], [one.id for one in inputs]))
    assert len(found.failed) == 1
    tables.write(tables.passage_rows(found.passages), tmp_path / f"library.{suffix}")
    output = tmp_path / f"output.{suffix}"
    done = sibnlp("segment", given, "-o", output, "--workers", n_workers)
    assert done.code == 1
    assert f"{len(found.passages)} passages from {len(found.sources) - 1} documents" in done.err
    assert found.failed[0].problem in done.err
    assert output.read_bytes() == (tmp_path / f"library.{suffix}").read_bytes()


def test_what_failed_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 80)
    (given / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    assert sibnlp("segment", given, "-o", tmp_path / "p.csv").code == 1
    assert (tmp_path / "p.csv.work").is_dir()
    (given / "broken.pdf").unlink()
    done = sibnlp("segment", given, "-o", tmp_path / "p.csv")
    assert done.code == 0 and "80 parts taken over from the earlier run, 0 done now" in done.err
    assert not (tmp_path / "p.csv.work").exists()
    assert "p.csv exists already" in sibnlp("segment", given, "-o", tmp_path / "p.csv").err


def test_other_settings_start_over(tmp_path: Path) -> None:
    given = cases.folder(tmp_path / "in", 5)
    (given / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    assert sibnlp("segment", given, "-o", tmp_path / "p.csv").code == 1
    done = sibnlp("segment", given, "-o", tmp_path / "p.csv", "--max-words", 40)
    assert done.code == 1 and "starting over" in done.err
    done = sibnlp("classify", given, "-o", tmp_path / "p.csv")
    assert done.code == 1 and "starting over" in done.err, "passages are no predictions"
