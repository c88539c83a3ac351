"""training/coding/queue.py: pairs apart, repeats and checks unmarked, and earlier waves left as they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from training.coding import queue
from training.coding.records import read_keys, read_rows

CHECKS = [{"id": f"check-{n:03d}", "text": f"Known passage {n}."} for n in range(100)]


def passages(writer: str, n: int, n_pairs: int) -> list[dict[str, Any]]:
    pair = [None if i >= 2 * n_pairs else f"{writer}-p{i // 2:02d}" for i in range(n)]
    return [{"id": f"{writer}-{i:03d}", "text": f"{writer} says {i}.", "pair": pair[i]} for i in range(n)]


@pytest.fixture
def first(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    rows = passages("w01", 80, 20) + passages("w02", 60, 15)
    laid = queue.lay_out(rows, rows, CHECKS, {}, "C", size=60)
    queue.hand_out(laid, tmp_path / "corpus", tmp_path / "work", "C")
    return tmp_path, rows


def test_every_passage_once_in_batches_of_the_size(first: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = first
    keys = read_keys(folder / "corpus", "C")
    assert list(keys) == ["C01", "C02", "C03", "C04"]
    new = [row["id"] for batch in keys.values() for row in batch if row["what"] == "new"]
    assert sorted(new) == sorted(row["id"] for row in rows)
    for name, batch in keys.items():
        assert len(batch) <= 60
        assert Counter(row["what"] for row in batch)["check"] == queue.CHECKS
        n_new = sum(row["what"] == "new" for row in batch)
        assert sum(row["what"] == "repeat" for row in batch) == round(0.05 * n_new) > 0
        assert {row["id"][:3] for row in batch if row["what"] == "new"} == {"w01", "w02"}, "shuffled across writers"
        assert len({row["id"] for row in batch}) == len(batch), "nothing twice in a batch"
        shown = read_rows(folder / "work" / "queue" / f"{name}.jsonl")
        assert [row["item"] for row in shown] == [row["item"] for row in batch]
        assert all(set(row) == {"item", "text"} for row in shown)
        assert not any("text" in row for row in batch), "the key holds no text"


def test_counterparts_never_meet_nor_does_a_repeat_meet_its_own(first: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = first
    pair = {row["id"]: row["pair"] for row in rows}
    for batch in read_keys(folder / "corpus", "C").values():
        pairs = [pair[row["id"]] for row in batch if pair.get(row["id"])]
        assert len(set(pairs)) == len(pairs)


def test_a_further_wave_takes_what_is_new_and_changes_nothing_before(first: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = first
    corpus, work = folder / "corpus", folder / "work"
    before = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    reworded = {**rows[0], "text": "w01 says something else now."}
    more = [reworded, *rows[1:], *passages("w03", 30, 5)]
    keys = read_keys(corpus, "C")
    new = queue.new_passages(more, keys)
    assert [row["id"] for row in new] == ["w01-000", *(f"w03-{n:03d}" for n in range(30))]
    queue.hand_out(queue.lay_out(new, more, CHECKS, keys, "C", size=60), corpus, work, "C")
    assert all(path.read_bytes() == content for path, content in before.items())
    after = read_keys(corpus, "C")
    assert list(after)[4:] == ["C05", "C06"], "two batches, for the sake of the pairs"
    checks = [row["id"] for batch in after.values() for row in batch if row["what"] == "check"]
    assert len(set(checks)) == len(checks), "no check comes twice"
    repeats = [row["id"] for batch in after.values() for row in batch if row["what"] == "repeat"]
    assert len(set(repeats)) == len(repeats)
    assert queue.new_passages(more, after) == []


def test_same_input_same_queue() -> None:
    rows = passages("w01", 40, 10)
    assert queue.lay_out(rows, rows, CHECKS, {}, "C") == queue.lay_out(rows[::-1], rows, CHECKS, {}, "C")


def test_the_last_development_passages_are_shared_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = passages("w01", 40, 10)
    laid = queue.lay_out(rows, rows, CHECKS[:5], {}, "C")
    assert [sum(row["what"] == "check" for row in batch) for batch in laid.values()] == [2, 2]
    assert "5 development passages are left: 2 checks a batch, not 12" in capsys.readouterr().err


def test_a_wave_with_nothing_new_writes_nothing(first: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, rows = first
    real = folder / "real"
    real.mkdir()
    for name in ("dev", "dev_natural"):
        (real / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CHECKS), encoding="utf-8")
    with pytest.raises(SystemExit, match="nothing to lay out"):
        queue.wave(rows, rows, folder / "corpus", folder / "work", real, "C")
    assert len(list((folder / "corpus" / "keys").iterdir())) == 1
