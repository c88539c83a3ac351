"""Cutting the input into units."""

from __future__ import annotations

import pytest

from sibnlp.sharding.units import BYTES, FILES, PACKED, File, expected, plan
from sibnlp.tables.ranges import WHOLE


@pytest.mark.parametrize(
    ("sizes", "least"),
    [
        ([], 1),
        ([100], 1),
        ([100] * FILES, 1),
        ([100] * (FILES + 1), 2),
        ([BYTES // 3] * 10, 4),
        ([100 * BYTES, 100 * BYTES, 1], 3),
        ([1, 100 * BYTES], 2),
    ],
)
def test_documents_make_as_many_units_as_are_expected(sizes: list[int], least: int) -> None:
    files = [File(f"{number}.txt", f"{number}.txt", size) for number, size in enumerate(sizes)]
    assert expected(files) == least
    assert not files or expected(files) <= len(list(plan(files)))


@pytest.mark.parametrize(
    ("name", "size", "n"),
    [
        ("t.csv", WHOLE, 1),  # read as a whole
        ("t.csv", 4 * BYTES, 4),
        ("t.JSONL", 4 * BYTES, 4),
        ("t.parquet", 4 * BYTES, 4 * PACKED),
        ("s3://council/t.parquet", 1000, 1),
        ("t.xlsx", 4 * BYTES, 1),
    ],
)
def test_large_tables_are_expected_to_make_units_by_their_bytes(name: str, size: int, n: int) -> None:
    assert expected([File(name, "t", size)]) == n
