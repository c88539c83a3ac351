"""Trajectories as plain JSON values: the contract of ``trajectory.json``."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from sibnlp.types import Trajectory


def trajectory_json(trajectory: Trajectory, documents: Trajectory | None = None) -> dict[str, Any]:
    """A trajectory as plain JSON values, as ``trajectory.json`` holds it; NaN becomes null.

    Args:
        trajectory: over the main scope.
        documents: over documents, where the main one is over interviews; its cells stand under ``documents``.
    """
    found: dict[str, Any] = {
        "framework": trajectory.framework,
        "scope": trajectory.scope,
        "denominator": trajectory.denominator,
        "periods": list(trajectory.periods),
        "prevalence": [asdict(cell) for cell in trajectory.prevalence],
        "relations": [asdict(relation) for relation in trajectory.relations],
        "shifts": [],
        # Change points and the split into within-actor change and composition are not estimated by this version.
        "change_points": [],
        "decomposition": [],
        "notes": list(trajectory.notes),
    }
    for shift in trajectory.shifts:
        row = asdict(shift)
        row["from"], row["to"] = row.pop("start"), row.pop("end")
        found["shifts"].append({**row, "shift": shift.shift})
    if documents:
        found["documents"] = {k: v for k, v in trajectory_json(documents).items() if k != "framework"}
    return _no_nan(found)  # type: ignore[no-any-return]


def _no_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _no_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_no_nan(one) for one in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
