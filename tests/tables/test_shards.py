"""Predictions in shards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sibnlp.tables import shards
from sibnlp.tables.output import CHUNK
from sibnlp.types import Passage


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
    import pyarrow.parquet as pq

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
