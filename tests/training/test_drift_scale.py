"""Tables for the benchmark of drift at scale: as many rows as asked for, no two copies alike, readable by column."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sibnlp import columns, tables
from sibnlp.tables import columnar
from tests.report import factory
from training.benchmarks import drift_scale


def test_copies_have_their_own_documents_actors_and_codes(tmp_path: Path) -> None:
    said = factory.predictions(4, hostile=False)
    tables.write(tables.prediction_rows(said), tmp_path / "demo.parquet")
    n = 3 * len(said) + 5
    drift_scale.write(tmp_path / "demo.parquet", tmp_path / "many.parquet", n)
    found = columnar.read(tmp_path / "many.parquet")
    assert found is not None
    assert len(found) == n
    n_documents = len({passage.document for passage in said.passages})
    assert len(columns.grouped(found.passages, "document")[1]) == 3 * n_documents + len(
        {passage.document for passage in said.passages[:5]}
    )
    first, second = found.assigned[: len(said)], found.assigned[len(said) : 2 * len(said)]
    assert 0 < np.mean(first != second) < 0.1
    drift_scale.write(tmp_path / "demo.parquet", tmp_path / "again.parquet", n)
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()
