"""Predictions in shards."""

from __future__ import annotations

import numpy as np


def test_scores_are_rounded_as_python_rounds() -> None:
    """Exactly: halves go to the even digit of what the number is, not of what it looks like."""
    rng = np.random.default_rng(0)
    hard = np.arange(0, 1, 1 / 4096, dtype=np.float32)
    chances = np.concatenate([rng.random(20_000, dtype=np.float32), hard, hard / 1000, [0.0, 1.0]]).astype(np.float32)
    found = np.round(chances.astype(np.float64), 6)
    assert found.tolist() == [round(chance, 6) for chance in chances.tolist()]
