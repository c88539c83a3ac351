"""Predictions in shards."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from sibnlp.tables import shards
from sibnlp.tables.output import CHUNK
from sibnlp.types import Passage, Predictions


def test_scores_are_rounded_as_python_rounds() -> None:
    """Exactly: halves go to the even digit of what the number is, not of what it looks like."""
    rng = np.random.default_rng(0)
    hard = np.arange(0, 1, 1 / 4096, dtype=np.float32)
    chances = np.concatenate([rng.random(20_000, dtype=np.float32), hard, hard / 1000, [0.0, 1.0]]).astype(np.float32)
    found = np.round(chances.astype(np.float64), 6)
    assert found.tolist() == [round(chance, 6) for chance in chances.tolist()]


def _shard(path: Path, first: int, n: int) -> Path:
    writer = shards.ShardWriter(path, shards.Layout("", ()))
    writer.add_passages(
        [Passage(id=f"a:{i}", document="a", start=i, end=i + 1, text=f"word {i}") for i in range(first, first + n)]
    )
    writer.close({})
    return path


def _tables(paths: list[Path]) -> Iterator[Any]:
    for path in paths:
        yield from shards.read(path)


def test_joined_rows_stand_in_order_whatever_the_cut(tmp_path: Path) -> None:
    """Also where a shard ends within what is written together; files of the same rows are the same."""
    n, files = 2 * CHUNK + 17, []
    for number, cut in enumerate(((n,), (1, CHUNK, n - CHUNK - 1), (CHUNK - 1, n - CHUNK + 1))):
        starts = [sum(cut[:i]) for i in range(len(cut))]
        paths = [_shard(tmp_path / f"{number}-{i}.parquet", start, cut[i]) for i, start in enumerate(starts)]
        files.append(tmp_path / f"{number}.parquet")
        shards.join(_tables(paths), shards.Layout("", ()), [], files[-1])
    assert pq.read_table(files[0]).column("start").to_pylist() == list(range(n))
    assert len({file.read_bytes() for file in files}) == 1
    group = pq.read_metadata(files[0]).row_group(0)
    packed = {group.column(i).path_in_schema: group.column(i).encodings for i in range(group.num_columns)}
    assert "RLE_DICTIONARY" in packed["document"]
    assert "RLE_DICTIONARY" not in packed["text"]


CODED = shards.Layout("m", ("NPM", "NPG", "PVM"), abstains=True)


def _coded(path: Path, n: int, seed: int) -> Path:
    chances = np.random.default_rng(seed).random((n, 3), dtype=np.float32)
    passages = [Passage(id=f"a:{i}", document="a", start=i, end=i + 1, text=f"word {i}") for i in range(n)]
    writer = shards.ShardWriter(path, CODED)
    for start in range(0, n, 1000):
        part = slice(start, start + 1000)
        own = chances[part]
        told = Predictions(tuple(passages[part]), CODED.codes, own, own > 0.5, "m", (own > 0.4) & (own <= 0.5))
        writer.add(told)
    writer.close({})
    return path


@pytest.mark.parametrize("cut", [(0, 7), (3, 5), (1500, 900), (0, 2 * CHUNK + 5), (2, 2 * CHUNK), (999, CHUNK + 1)])
def test_a_table_joined_in_columns_holds_what_its_rows_hold(tmp_path: Path, cut: tuple[int, int]) -> None:
    """Whichever rows of the shards count, and wherever they begin."""
    start, n = cut
    paths = [_coded(tmp_path / f"{seed}.parquet", CHUNK + 1234, seed) for seed in range(2)]

    def counting() -> Iterator[Any]:
        at = 0
        for table in _tables(paths):
            first, last = max(start - at, 0), min(start + n - at, table.num_rows)
            at += table.num_rows
            if first < last:
                yield table.slice(first, last - first)

    shards.join(counting(), CODED, [], tmp_path / "whole.parquet")
    rows = list(shards.rows(counting(), CODED, []))
    found = pq.read_table(tmp_path / "whole.parquet").to_pylist()
    assert len(found) == len(rows) == n
    for one, row in zip(found, rows, strict=True):
        assert {name: one[name] for name in ("passage", "text", "codes", "abstained", "model")} == {
            name: row[name] for name in ("passage", "text", "codes", "abstained", "model")
        }
        assert dict(one["scores"]) == {code: float(np.float32(score)) for code, score in row["scores"].items()}
    assert n < 100 or (any(row["codes"] for row in rows) and any(row["abstained"] for row in rows))


def test_joining_brings_in_no_pandas(tmp_path: Path) -> None:
    """Arrow would import it for a list of values, and it takes half as much memory again as all the rest."""
    assert importlib.util.find_spec("pandas"), "this shows nothing where pandas is not installed"
    path = _coded(tmp_path / "a.parquet", 2000, 0)
    code = (
        "import sys; from pathlib import Path; from sibnlp.tables import shards\n"
        f"layout = shards.Layout('m', {CODED.codes!r}, abstains=True)\n"
        f"shards.join(shards.read(Path({str(path)!r})), layout, [], Path({str(tmp_path / 'whole.parquet')!r}))\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert pq.read_metadata(tmp_path / "whole.parquet").num_rows == 2000
