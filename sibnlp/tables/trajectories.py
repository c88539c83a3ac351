"""Trajectories as plain JSON values: the contract of ``trajectory.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sibnlp.types import Decomposition, Pole, Relation, Shift, Trajectory


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
        "prevalence": [_row(cell) for cell in trajectory.prevalence],
        "relations": [_relation(relation) for relation in trajectory.relations],
        "shifts": [{**_from_to(shift), "shift": shift.shift} for shift in trajectory.shifts],
        "change_points": [_row(point) for point in trajectory.change_points],
        "decomposition": [_from_to(split) for split in trajectory.decomposition],
        "notes": list(trajectory.notes),
        "level": trajectory.level,
        "period": trajectory.period,
        "weight": trajectory.weight,
        "poles": [_from_to(pole) for pole in trajectory.poles],
        "groups": [_row(cell) for cell in trajectory.groups],
        "alignment": [_row(one) for one in trajectory.alignment],
        "warnings": list(trajectory.warnings),
    }
    if documents:
        found["documents"] = {k: v for k, v in trajectory_json(documents).items() if k != "framework"}
    return found


def _row(one: Any) -> dict[str, Any]:
    """The fields of a dataclass; what they hold as plain values (`_no_nan`)."""
    return {field.name: _no_nan(getattr(one, field.name)) for field in fields(one)}


def _relation(relation: Relation) -> dict[str, Any]:
    # Rows mean nothing outside the predictions they count in.
    return {key: value for key, value in _row(relation).items() if not key.startswith("rows_")}


def _from_to(part: Shift | Pole | Decomposition) -> dict[str, Any]:
    row = _row(part)
    row["from"], row["to"] = row.pop("start"), row.pop("end")
    return row


def _no_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _no_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_no_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
