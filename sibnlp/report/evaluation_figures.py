"""Figures of an evaluation as Vega-Lite specifications: scores, reliability, risk–coverage, learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sibnlp.report.charts import INK, MUTED, finished
from sibnlp.report.text import MISSING, interval_of, known, line, named, number, score

_SHAPES = {"precision": "triangle-up", "recall": "triangle-down", "f1": "circle"}
HEIGHT = 150


def scores(families: Mapping[str, Any], codes: Mapping[str, Any]) -> dict[str, Any]:
    """Dot plots as a Vega-Lite specification: macro F1 with interval per family; precision, recall, F1 per code."""
    import altair as alt

    def known_or_none(value: Any) -> float | None:
        return float(value) if known(value) else None

    values = [0, 0.2, 0.4, 0.6, 0.8, 1]
    x_axis = alt.Axis(values=values, title=None, domain=False, ticks=False, format=".1f", aria=False)
    names = alt.Axis(title=None, domain=False, ticks=False, labelLimit=190, labelPadding=8, labelColor=INK, aria=False)

    def inline(rows: list[dict[str, Any]]) -> Any:
        return alt.InlineData(values=rows)

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, 1]), axis=x_axis)

    y = alt.Y("name:N", sort=None, axis=names)
    panels = []
    if families:
        rows = []
        for name, row in families.items():
            low, high = row.get("interval") or (None, None)
            f1 = row.get("macro_f1")
            label = f"{line(str(name))}: macro F1 {score(f1)}, interval {interval_of((low, high))}"
            numbers = {"f1": known_or_none(f1), "low": known_or_none(low), "high": known_or_none(high)}
            rows.append({"name": line(str(name)), "label": label, **numbers})
        base = alt.Chart(inline(rows)).encode(y=y)
        bars = base.mark_rule(strokeWidth=1.6, color=INK, aria=False).encode(x=x("low"), x2="high:Q")
        dots = base.mark_point(size=60, filled=True, color=INK, opacity=1)
        panels.append(_panel(alt.layer(bars, dots.encode(x=x("f1"), description="label:N", tooltip="label:N")),
                             "Macro F1 per family, with interval", len(rows)))  # fmt: skip
    if codes:
        rows = [
            {"name": line(str(name)), "measure": key, "value": known_or_none(row.get(key)),
             "label": f"{line(str(name))}: {key} {score(row.get(key))}, support {row.get('support', MISSING)}"}
            for name, row in codes.items()
            for key in _SHAPES
        ]  # fmt: skip
        base = alt.Chart(inline(rows)).encode(y=y)
        span = base.mark_line(strokeWidth=1, color="#b5b5b5", aria=False).encode(x=x("value"), detail="name:N")

        def scale(values: list[str]) -> Any:
            return alt.Scale(domain=list(_SHAPES), range=values)

        dots = base.mark_point(size=50, opacity=1, strokeWidth=1.4).encode(
            x=x("value"),
            shape=alt.Shape("measure:N", scale=scale(list(_SHAPES.values())), legend=None),
            stroke=alt.Stroke("measure:N", scale=scale([MUTED, MUTED, INK]), legend=None),
            fill=alt.Fill("measure:N", scale=scale(["white", "white", INK]), legend=None),
            description="label:N",
            tooltip="label:N",
        )
        panels.append(_panel(alt.layer(span, dots), "Per code:  ● F1   △ precision   ▽ recall", len(codes)))
    datasets: dict[str, Any] = {}
    for panel in panels:
        datasets |= panel.pop("datasets", {})
    what = "Macro F1 per family and precision, recall and F1 per code. The tables hold the same figures."
    layout = {"margin": 230, "columns": 1, "widest": 520}
    spacing = {"row": 30, "column": 30}
    body = {"concat": panels, "columns": 1, "spacing": spacing, "datasets": datasets, "usermeta": layout}
    return finished(body, what)


def _panel(layered: Any, title: str, n: int) -> dict[str, Any]:
    import altair as alt

    heading = alt.TitleParams(text=title, anchor="start", frame="group", offset=10)
    panel: dict[str, Any] = layered.properties(width=400, height=max(24 * n, 40), title=heading).to_dict()
    return {key: panel[key] for key in ("data", "datasets", "layer", "width", "height", "title") if key in panel}


def reliability(bins: Mapping[str, Sequence[Mapping[str, Any]]], names: Mapping[str, str]) -> dict[str, Any]:
    """Reliability diagrams, a panel a code or family: on the diagonal, probabilities mean what they say.

    Args:
        bins: by code or family, as in ``metrics.json``.
        names: display names.
    """
    import altair as alt

    panels = []
    # One scale of sizes: panels share it, and a scale of their own each would be refused.
    sizes = alt.Scale(
        type="sqrt", domain=[1, max((b["n"] for own in bins.values() for b in own), default=1)], range=[14, 150]
    )
    for id, own in bins.items():
        title = named(names, id)
        rows = [
            {"stated": b["stated"], "observed": b["observed"], "n": b["n"],
             "label": f"{title}: stated {b['stated']:.2f}, observed {b['observed']:.2f}, n = {number(int(b['n']))}"}
            for b in own
        ]  # fmt: skip
        ideal = alt.Chart(alt.InlineData(values=[{"stated": 0, "observed": 0}, {"stated": 1, "observed": 1}]))
        base = alt.Chart(alt.InlineData(values=rows)).encode(
            x=_unit("stated", "stated"), y=_unit("observed", "observed")
        )
        points = base.mark_point(filled=True, color=INK, opacity=1).encode(
            size=alt.Size("n:Q", scale=sizes, legend=None),
            description="label:N",
            tooltip="label:N",
        )  # fmt: skip
        diagonal = ideal.mark_line(strokeDash=[3, 3], strokeWidth=1, color="#8a8a8a", aria=False)
        line_ = base.mark_line(strokeWidth=1, color=MUTED, aria=False)
        layered = alt.layer(
            diagonal.encode(x=_unit("stated", "stated"), y=_unit("observed", "observed")), line_, points
        )
        panels.append(_small(layered, title))
    return _together(panels, "Reliability: share observed by probability stated, in tenths; the table has the numbers.")


def risk_coverage(curves: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Risk–coverage curves, a panel a family: the share of errors, if only the surest passages are coded."""
    import altair as alt

    panels = []
    for id, curve in curves.items():
        title = named(names, id)
        rows = [
            {"coverage": c, "risk": r, "label": f"{title}: at a confidence of {t:.2f} or more, {100 * c:.0f}% of "
             f"passages are coded, {100 * r:.1f}% of them with an error"}
            for t, c, r in curve["points"]
        ]  # fmt: skip
        base = alt.Chart(alt.InlineData(values=rows)).encode(x=_unit("coverage", "coverage"), y=_unit("risk", "risk"))
        steps = base.mark_line(strokeWidth=1.4, color=INK, aria=False)
        points = base.mark_point(size=18, filled=True, color=INK, opacity=1)
        panels.append(_small(alt.layer(steps, points.encode(description="label:N", tooltip="label:N")), title))
    return _together(panels, "Risk–coverage: errors among the passages coded, by how many are; the table has the ends.")


def learning_curve(points: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Macro-F1 by the number of passages learnt from, with intervals, a panel a family."""
    import altair as alt

    panels = []
    families = dict.fromkeys(id for point in points for id in point["families"])
    most = max(point["n_passages"] for point in points)
    for id in families:
        title = named(names, id)
        rows = []
        for point in points:
            if not known(point["families"].get(id)):
                continue
            low, high = point["intervals"].get(id) or (None, None)
            label = (
                f"{title}: macro F1 {score(point['families'][id])}, interval {interval_of((low, high))}, learnt from "
            )
            rows.append({"n": point["n_passages"], "f1": point["families"][id], "low": low, "high": high,
                         "label": f"{label}{number(point['n_passages'])} passages"})  # fmt: skip
        x = alt.X("n:Q", scale=alt.Scale(domain=[0, most]), axis=alt.Axis(title="passages", aria=False, tickCount=4))
        base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
        bars = base.mark_rule(strokeWidth=1.4, color=INK, aria=False).encode(y=_unit("low", "macro F1"), y2="high:Q")
        line_ = base.mark_line(strokeWidth=1, color=MUTED, aria=False).encode(y=_unit("f1", "macro F1"))
        dots = base.mark_point(size=46, filled=True, color=INK, opacity=1).encode(
            y=_unit("f1", "macro F1"), description="label:N", tooltip="label:N"
        )
        panels.append(_small(alt.layer(line_, bars, dots), title))
    return _together(panels, "Learning curve: macro F1 by passages learnt from; the table has the numbers.")


def _unit(field: str, title: str) -> Any:
    """An axis from 0 to 1, horizontal for shares stated or covered, vertical for the others."""
    import altair as alt

    channel = alt.X if field in ("stated", "coverage") else alt.Y
    axis = alt.Axis(title=title, values=[0, 0.25, 0.5, 0.75, 1], format=".2~f", aria=False, domain=False, ticks=False)
    return channel(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)


def _small(layered: Any, title: str) -> dict[str, Any]:
    import altair as alt

    heading = alt.TitleParams(text=title, anchor="start", frame="group", offset=8)
    panel: dict[str, Any] = layered.properties(width=170, height=HEIGHT, title=heading).to_dict()
    return {key: panel[key] for key in ("data", "datasets", "layer", "width", "height", "title") if key in panel}


def _together(panels: list[dict[str, Any]], what: str) -> dict[str, Any]:
    datasets: dict[str, Any] = {}
    for panel in panels:
        datasets |= panel.pop("datasets", {})
    layout = {"margin": 66, "columns": 4, "widest": 220}
    spacing = {"row": 26, "column": 22}
    body = {"concat": panels, "columns": 4, "spacing": spacing, "datasets": datasets, "usermeta": layout}
    return finished(body, what)
