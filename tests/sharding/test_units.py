"""Cutting the input into units."""

from __future__ import annotations

import pytest

from sibnlp.sharding.units import BYTES, FILES, File, at_least, plan


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
def test_units_are_promised_that_come(sizes: list[int], least: int) -> None:
    files = [File(f"{number}.txt", f"{number}.txt", size) for number, size in enumerate(sizes)]
    assert at_least(files) == least
    assert not files or at_least(files) <= len(list(plan(files)))
