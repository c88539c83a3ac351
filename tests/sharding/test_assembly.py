"""Joining shards beside the workers: the same bytes as joining them at the end, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sibnlp.sharding.assembly import Assembly, Skipped
from sibnlp.tables import shards
from sibnlp.types import Passage

LAYOUT = shards.Layout("", ())


def shard(folder: Path, number: int, n: int, extra: tuple[tuple[str, str], ...] = ()) -> str:
    writer = shards.ShardWriter(folder / f"s{number}.parquet", LAYOUT)
    writer.add_passages([Passage(f"d{number}:{i}", f"d{number}", i, i + 1, f"word {i}", extra=extra) for i in range(n)])
    writer.close({})
    return f"s{number}.parquet"


def rows(path: Path, skipped: Skipped) -> Iterator[Any]:
    """What is skipped are first rows here."""
    first = sum(n for _, n in skipped)
    for table in shards.read(path):
        yield table.slice(first)


def assemble(
    folder: Path, units: Sequence[tuple[int, str, Skipped, tuple[str, ...]]], names: Sequence[str] = ()
) -> bytes | None:
    with Assembly(folder, "p.parquet", LAYOUT, rows) as assembly:
        for unit in units:
            assembly.settle(*unit)
        path = assembly.finish(sorted(unit[0] for unit in units if unit[1]), names)
        found = path.read_bytes() if path else None
    assert not assembly.path.exists()
    return found


def test_units_end_in_any_order(tmp_path: Path) -> None:
    names = [shard(tmp_path, number, 3 + number) for number in range(4)]
    units = [(number, name, (), ()) for number, name in enumerate(names)]
    shards.join((table for name in names for table in rows(tmp_path / name, ())), LAYOUT, (), tmp_path / "o.parquet")
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
        assert assemble(tmp_path, [units[i] for i in order]) == (tmp_path / "o.parquet").read_bytes()


def test_what_does_not_count_is_left_out(tmp_path: Path) -> None:
    first, third = shard(tmp_path, 0, 4), shard(tmp_path, 2, 2)
    found = assemble(tmp_path, [(0, first, ((0, 3),), ()), (1, "", (), ()), (2, third, (), ())])
    assert found is not None
    (tmp_path / "o.parquet").write_bytes(found)
    assert pq.read_table(tmp_path / "o.parquet")["passage"].to_pylist() == ["d0:3", "d2:0", "d2:1"]


def test_columns_of_the_first_unit_must_be_those_of_all(tmp_path: Path) -> None:
    both, one = (("site", "a"), ("year", "2020")), (("site", "b"),)
    units = [(0, shard(tmp_path, 0, 2, both), (), ("site", "year")), (1, shard(tmp_path, 1, 2, one), (), ("site",))]
    assert assemble(tmp_path, units, ("site", "year")) is not None
    late = [(0, shard(tmp_path, 0, 2, one), (), ("site",)), (1, shard(tmp_path, 1, 2, both), (), ("site", "year"))]
    assert assemble(tmp_path, late, ("site", "year")) is None


def test_a_shard_that_is_counted_out_later(tmp_path: Path) -> None:
    """Where a table is refused after some of its ranges were done."""
    with Assembly(tmp_path, "p.parquet", LAYOUT, rows) as assembly:
        for number in range(3):
            assembly.settle(number, shard(tmp_path, number, 2), (), ())
        assert assembly.finish([0, 2], ()) is None


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_trouble_leaves_it_to_the_end(tmp_path: Path, damage: str) -> None:
    name = shard(tmp_path, 0, 50)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-20])
    assert assemble(tmp_path, [(0, "none.parquet" if damage == "missing" else name, (), ())]) is None


def test_a_run_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    assembly = Assembly(tmp_path, "p.parquet", LAYOUT, rows)
    with assembly:
        assembly.settle(0, shard(tmp_path, 0, 2), (), ())
    assert not assembly.path.exists()
