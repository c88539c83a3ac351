"""Rows are the same, byte for byte, whatever the batch size, the workers and what was done before."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sibnlp import batch
from sibnlp.runners import RUNNERS, Means
from sibnlp.sharding import units, work
from sibnlp.sharding.store import folder_of
from sibnlp.sharding.work import Job
from sibnlp.tables import ranges
from tests.cli.shell import sibnlp
from tests.runners import cases


def classify(given: object, output: Path, job: Job, workers: int = 0, **further: object) -> batch.Outcome:
    files = units.find([str(given)])
    return batch.classify(files, output, job, means=Means(workers), **further)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents and a table of so many rows that it is read in ranges."""
    folder = cases.folder(tmp_path_factory.mktemp("rows") / "in", 12)
    said = [cases.SAID[number % 3].format(number) for number in range(ranges.ROWS + 40)]
    table = {"id": [f"q{number}" for number in range(len(said))], "text": said, "wave": ["1", "2"] * (len(said) // 2)}
    pq.write_table(pa.table(table), folder / "answers.parquet")
    return folder


@pytest.mark.parametrize(("model", "n_rows"), [("gov-fast", None), ("gov-base", 60)])
def test_neither_batch_size_nor_workers_change_a_byte(
    given: Path, tmp_path: Path, model: str, n_rows: int | None
) -> None:
    if n_rows:  # tens of passages a second
        given = cases.folder(tmp_path / "in", 20)
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    first = classify(given, one, Job(model))
    second = classify(given, other, Job(model, batch_size=1), workers=2)
    assert first.n_passages == second.n_passages > 20
    assert one.read_bytes() == other.read_bytes()
    if not n_rows:  # further columns of the table are there, on its rows
        table = pq.read_table(one).to_pylist()
        assert {row["wave"] for row in table if row["document"] == "answers.parquet"} == {"1", "2"}
        assert {row["wave"] for row in table if row["document"] != "answers.parquet"} == {None}


def test_the_model_sees_the_same_batches_whatever_the_batch_size(
    given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a model whose numbers depend, against its contract, on the make-up of a batch."""
    from sibnlp.classifiers.static import StaticClassifier

    seen: list[tuple[str, ...]] = []
    predict = StaticClassifier.predict_proba

    def note(self: StaticClassifier, texts: list[str]) -> object:
        seen.append(tuple(texts))
        return predict(self, texts)

    monkeypatch.setattr(StaticClassifier, "predict_proba", note)
    classify(given, tmp_path / "one.parquet", Job("gov-fast", batch_size=1))
    before, seen = seen, []
    classify(given, tmp_path / "other.parquet", Job("gov-fast", batch_size=5000))
    assert before == seen and len(seen) > 2
    assert max(map(len, seen)) == work.BATCH < sum(map(len, seen))


def test_workers_begin_together_where_each_has_work(tmp_path: Path) -> None:
    for n_units, n_begun in ((1, 1), (2, 2), (9, 3)):
        with RUNNERS.load("local")(Job("gov-fast"), tmp_path, Means(3, n_units=n_units)) as runner:
            assert len(multiprocessing.active_children()) == n_begun
            assert runner.card.layout.model == "gov-fast"
    assert not multiprocessing.active_children()


def test_only_what_changed_is_done_again(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 9), tmp_path / "p.parquet"
    (given / "metadata.csv").write_text("document,stage\nd00001.txt,1\nd00002.txt,1\n", encoding="utf-8")
    (given / "bad.docx").write_bytes(b"no archive")

    def run(*further: object) -> tuple[int, int]:
        done = sibnlp("classify", given, "-o", output, "--workers", 0, *further)
        assert done.code == 1, done.err
        line = next((line for line in done.err.splitlines() if "taken over" in line), "0 parts, 0")
        words = [int(word) for word in line.replace(",", "").split() if word.isdigit()]
        return words[0], words[1]

    run()
    cases.folder(given, 1, first=7)
    assert run() == (9, 1)  # the damaged file alone: the other was written again, but is the same
    (given / "d00007.txt").write_text("Another text altogether, about the soup and the table.\n", encoding="utf-8")
    assert run() == (8, 2)
    (given / "metadata.csv").write_text("document,stage\nd00001.txt,1\nd00002.txt,2\n", encoding="utf-8")
    assert run() == (8, 2)
    (given / "a_new_one.txt").write_text("A text that moves all others on by one.\n", encoding="utf-8")
    (given / "d00000.txt").unlink()
    assert run() == (8, 2)
    whole = tmp_path / "whole.parquet"
    assert sibnlp("classify", given, "-o", whole, "--workers", 0).code == 1
    assert output.read_bytes() == whole.read_bytes()
    # Other settings, another model, or no wish to go on: all of it.
    assert run("--max-words", 80) == (0, 0)
    assert run("--max-words", 80, "--fresh") == (0, 0)
    assert run("--max-words", 80, "--model", "zero_shot:osborne") == (0, 0)


def test_rows_of_a_changed_range_are_done_again(tmp_path: Path) -> None:
    output, path = tmp_path / "p.csv", tmp_path / "in" / "t.parquet"
    path.parent.mkdir()
    said = [cases.SAID[number % 3].format(number) for number in range(3 * ranges.ROWS)]
    pq.write_table(pa.table({"text": said}), path)
    (path.parent / "bad.docx").write_bytes(b"no archive")
    assert classify(path.parent, output, Job("gov-fast")).failed
    said[ranges.ROWS] = "X" * len(said[ranges.ROWS])
    pq.write_table(pa.table({"text": said}), path)
    outcome = classify(path.parent, output, Job("gov-fast"))
    assert (outcome.taken_over, outcome.done) == (2, 2)
    assert outcome.n_passages == len(said)


def test_ids_that_ranges_share_cost_the_table_and_nothing_else(tmp_path: Path) -> None:
    given, output = cases.folder(tmp_path / "in", 3), tmp_path / "p.jsonl"
    ids = [f"q{number}" for number in range(2 * ranges.ROWS)]
    ids[-1] = "q0"
    pq.write_table(pa.table({"id": ids, "text": ["They share it."] * len(ids)}), given / "t.parquet")
    outcome = classify(given, output, Job("gov-fast"))
    assert len(outcome.problems) == 1 and "'q0' stands in row 1 and row 2048" in outcome.problems[0]
    assert outcome.n_passages == len(output.read_text().splitlines()) == 6
    assert outcome.n_read == 3


def test_a_place_may_be_a_uri(tmp_path: Path) -> None:
    import fsspec

    given = cases.folder(tmp_path / "in", 5)
    (given / "metadata.csv").write_text("document,stage\nd00001.txt,third\n", encoding="utf-8")
    memory = fsspec.filesystem("memory")
    for path in given.iterdir():
        memory.pipe(f"/case/{path.name}", path.read_bytes())
    said = [cases.SAID[0].format(number) for number in range(ranges.ROWS + 1)]
    with memory.open("/tables/t.parquet", "wb") as file:
        pq.write_table(pa.table({"text": said}), file)
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    assert sibnlp("classify", given, "-o", here).code == 0
    done = sibnlp("classify", "memory://case", "-o", there)
    assert done.code == 0, done.err
    assert there.read_bytes() == here.read_bytes()
    assert '"stage": "third"' in there.read_text()
    rows = sibnlp("classify", "memory://tables/t.parquet", "-o", "-").out.splitlines()
    assert len(rows) == ranges.ROWS + 1
    missing = sibnlp("classify", "memory://nowhere", "-o", "-")
    assert missing.code == 2 and "memory://nowhere" in missing.err


def test_a_large_document_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.txt").write_text("\n\n".join(said.format(n) for n in range(300) for said in cases.SAID))
    whole, pieces = tmp_path / "whole.jsonl", tmp_path / "pieces.jsonl"
    classify(tmp_path / "in.txt", whole, Job("gov-fast"))
    monkeypatch.setattr(work, "LONG", 10)
    classify(tmp_path / "in.txt", pieces, Job("gov-fast", batch_size=1))
    assert whole.read_bytes() == pieces.read_bytes()
    assert len(whole.read_text().splitlines()) == 900


def test_every_runner_has_a_name_and_unknown_ones_are_told(tmp_path: Path) -> None:
    assert {"local", "ray"} <= set(RUNNERS)
    done = sibnlp("classify", cases.folder(tmp_path / "in", 1), "-o", tmp_path / "p.csv", "--runner", "slurm")
    assert done.code == 2 and "local, ray" in done.err
    assert not folder_of(tmp_path / "p.csv").exists()
