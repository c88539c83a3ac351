"""Tables of an evaluation's page, every cell formatted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sibnlp.report.text import MISSING, interval_of, line, number, percent, score

Table = dict[str, Any]
"""``columns``: headings; ``rows``: ``{"name", "values"}`` each."""


def _name(id: Any) -> str:
    return line(str(id))


def agreement(pairs: Sequence[Mapping[str, Any]]) -> Table:
    """α of every pair of coders, by family and by code: coders with each other first, then the model with each."""
    ordered = sorted(pairs, key=lambda pair: bool(pair["with_model"]))
    columns = [f"{_name(pair['first'])} – {_name(pair['second'])}" for pair in ordered]

    def rows(key: str) -> list[dict[str, Any]]:
        ids = dict.fromkeys(id for pair in ordered for id in pair[key])
        return [{"name": _name(id), "values": [_alpha(pair[key].get(id)) for pair in ordered]} for id in ids]

    return {"columns": columns, "families": rows("families"), "codes": rows("codes")}


def _alpha(figure: Mapping[str, Any] | None) -> dict[str, str]:
    if not figure:
        return {"value": MISSING, "interval": "", "n": "", "difference": ""}
    limits = interval_of((figure["low"], figure["high"]))
    interval = "" if limits == MISSING else f"[{limits}]"
    return {"value": score(figure["alpha"]), "interval": interval, "n": number(int(figure["n"])), "difference": ""}


def comparison(models: Sequence[Mapping[str, Any]]) -> Table:
    """F1 of each model, and what sets it apart from the first, by family and by code."""
    if not models:
        return {"columns": [], "families": [], "codes": []}

    def rows(key: str) -> list[dict[str, Any]]:
        ids = dict.fromkeys(id for model in models for id in model[key])
        return [{"name": _name(id), "values": [_difference(model[key].get(id)) for model in models]} for id in ids]

    columns = [_name(model["model"]) for model in models]
    return {"columns": columns, "families": rows("families"), "codes": rows("codes")}


def _difference(figure: Mapping[str, Any] | None) -> dict[str, str]:
    if not figure:
        return {"value": MISSING, "interval": "", "n": "", "difference": ""}
    difference = ""
    if figure["difference"] is not None:
        sign = "+" if figure["difference"] > 0 else ""
        difference = f"{sign}{score(figure['difference'])} [{interval_of((figure['low'], figure['high']))}]"
    limits = f"[{interval_of(figure['interval'])}]"
    return {"value": score(figure["value"]), "interval": limits, "n": "", "difference": difference}


def slices(found: Sequence[Mapping[str, Any]]) -> Table:
    """Macro-F1 of every family in every slice, with support."""
    families = dict.fromkeys(id for one in found for id in one["families"])
    rows = []
    previous = None
    for one in found:
        figures = [one["families"].get(id) for id in families]
        values = [
            {"value": score(f["macro_f1"]), "interval": interval_of(f["interval"]), "support": number(f["support"])}
            if f else {"value": MISSING, "interval": MISSING, "support": "0"}
            for f in figures
        ]  # fmt: skip
        rows.append(
            {
                "group": _name(one["column"]) if one["column"] != previous else "",
                "name": _name(one["value"]),
                "passages": number(one["n_passages"]),
                "documents": number(one["n_documents"]),
                "values": values,
            }
        )
        previous = one["column"]
    return {"columns": [_name(id) for id in families], "rows": rows}


def confusion(found: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """A table a family: rows what people gave, columns what the model gave."""
    tables = []
    for id, one in found.items():
        names = [*(_name(code) for code in one["codes"]), "none"]
        rows = [
            {"name": name, "values": [{"n": number(n), "own": i == j} for j, n in enumerate(row)]}
            for i, (name, row) in enumerate(zip(names, one["counts"], strict=True))
        ]
        tables.append({"family": _name(id), "columns": names, "rows": rows})
    return tables


def co_occurrence(found: Mapping[str, Any]) -> Table:
    """Pairs of codes that people or the model gave together, most frequent first."""
    if not found:
        return {"rows": []}
    codes = found["codes"]
    pairs = [
        (found["people"][i][j], found["model"][i][j], i, j) for i in range(len(codes)) for j in range(i + 1, len(codes))
    ]
    pairs = sorted((pair for pair in pairs if pair[0] or pair[1]), key=lambda pair: (-pair[0], -pair[1], pair[2:]))
    return {
        "rows": [
            {"name": f"{_name(codes[i])} and {_name(codes[j])}", "people": number(people), "model": number(model)}
            for people, model, i, j in pairs
        ]
    }


def reliability(codes: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """The reliability diagrams as numbers."""
    return {
        "rows": [
            {
                "name": _name(code),
                "bin": f"{b['low']:.1f}–{b['high']:.1f}",
                "values": [score(b["stated"]), score(b["observed"]), number(b["n"])],
            }
            for code, bins in codes.items()
            for b in bins
        ]
    }


def coverage(curves: Mapping[str, Mapping[str, Any]]) -> Table:
    """Share of errors at some coverages: the point of the curve nearest to each."""
    wanted = (0.25, 0.5, 0.75, 1.0)
    rows = []
    for id, curve in curves.items():
        points = curve["points"]
        nearest = [min(points, key=lambda point: abs(point[1] - share)) for share in wanted] if points else []
        values = [f"{percent(risk)} (at {percent(covered, 0)})" for _, covered, risk in nearest]
        rows.append({"name": _name(id), "values": [*values, score(curve["area"])]})
    return {"columns": [f"Errors at {percent(share, 0)} % coverage" for share in wanted], "rows": rows}


def learning(points: Sequence[Mapping[str, Any]]) -> Table:
    """The learning curve as numbers."""
    families = dict.fromkeys(id for point in points for id in point["families"])
    return {
        "columns": [_name(id) for id in families],
        "rows": [
            {
                "passages": number(point["n_passages"]),
                "documents": number(point["n_documents"]),
                "values": [
                    f"{score(point['families'].get(id))} [{interval_of(point['intervals'].get(id))}]" for id in families
                ],
            }
            for point in points
        ],
    }
