"""Trajectories as plain JSON values: the contract of ``trajectory.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
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


def trajectory_text(found: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """What `trajectory_json` gives as JSON text, piece by piece: a line for each entry of each list.

    Indented throughout it would be written by Python and not by C, which takes ten times as long.
    """
    text = partial(json.dumps, ensure_ascii=False, allow_nan=False)
    before = "{"
    for name, value in found.items():
        yield f"{before}\n{indent} {text(name)}: "
        before = ","
        if isinstance(value, Mapping):
            yield from trajectory_text(value, indent + " ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from (f"{',' if number else '['}\n{indent}  {text(entry)}" for number, entry in enumerate(value))
            yield f"\n{indent} ]"
        else:
            yield text(value)
    yield f"\n{indent}}}"


def _row(one: Any) -> dict[str, Any]:
    """The fields of a dataclass; what they hold as plain values (`_no_nan`)."""
    return {name: _no_nan(getattr(one, name)) for name in one.__dataclass_fields__}


def _relation(relation: Relation) -> dict[str, Any]:
    # Rows mean nothing outside the predictions they count in.
    return {key: value for key, value in _row(relation).items() if not key.startswith("rows_")}


def _from_to(part: Shift | Pole | Decomposition) -> dict[str, Any]:
    row = _row(part)
    row["from"], row["to"] = row.pop("start"), row.pop("end")
    return row


def _no_nan(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if value is None or kind is str or kind is int or kind is bool:  # most of them, a million in a long trajectory
        return value
    if isinstance(value, Mapping):
        return {key: _no_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_no_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):  # numpy's are floats, too
        return None
    return value
