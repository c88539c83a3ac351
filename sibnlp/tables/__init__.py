"""Types ↔ Parquet, JSONL, CSV and JSON: the file boundary.

`files` reads a table into rows, `rows` maps rows to passages, `coded` reads codings and predictions, `output` writes.
"""

from __future__ import annotations

from sibnlp.tables.coded import read_codings, read_predictions
from sibnlp.tables.output import check_format, json_lines, passage_rows, prediction_rows, write
from sibnlp.tables.trajectories import trajectory_json, trajectory_text

__all__ = [
    "check_format",
    "json_lines",
    "passage_rows",
    "prediction_rows",
    "read_codings",
    "read_predictions",
    "trajectory_json",
    "trajectory_text",
    "write",
]
