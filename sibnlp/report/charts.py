"""Charts as Vega-Lite specifications, made with Altair: one small multiple a domain, the whole first.

Data enters a specification as values only, never inside an expression, so no text of a passage or a name is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sibnlp.report.text import capital, percent, wrap

INK, MUTED, GRID = "#1a1a1a", "#5f5f5f", "#e4e4e4"
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
WIDTH, HEIGHT, STRIP = 200, 150, 26
STAGES_UP_TO = 6
"""Periods up to this many are drawn as stages: error bars side by side, a name and n under each. More are a time axis:
bands, with n as a strip of bars."""

_DODGE = 0.11

# Hues that colour-blind readers tell apart (after Okabe and Ito), dark enough for text on white; in grey they are told
# apart by the shape of the point and the dash of the line.
_BLUE, _RUST, _GREEN, _PURPLE, _GREY = "#1b4f8f", "#b3500f", "#1a7a5c", "#4a1259", "#1a1a1a"
_STYLES = (
    {"colour": _BLUE, "shape": "circle", "glyph": "●", "hollow": False, "dash": [1, 0]},
    {"colour": _RUST, "shape": "square", "glyph": "□", "hollow": True, "dash": [6, 3]},
    {"colour": _GREEN, "shape": "triangle-up", "glyph": "△", "hollow": True, "dash": [2, 2]},
    {"colour": _PURPLE, "shape": "diamond", "glyph": "◆", "hollow": False, "dash": [8, 2, 2, 2]},
    {"colour": _GREY, "shape": "triangle-down", "glyph": "▽", "hollow": True, "dash": [4, 4]},
)
_FIXED = {"NPM": 0, "NPG": 1, "PVM": 2}


def styles(codes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How each logic is drawn; NPM, NPG and PVM look the same in every figure, whatever else is in it."""
    free = [i for i in range(len(_STYLES)) if i not in {_FIXED.get(code) for code in codes}] or [len(_STYLES) - 1]
    others = [code for code in codes if code not in _FIXED]
    return {code: _STYLES[_FIXED[code] if code in _FIXED else free[others.index(code) % len(free)]] for code in codes}


def _step(top: float) -> float:
    """Distance of the axis ticks, in percentage points, so that three to five of them reach the top."""
    return next((step for step in (1, 2, 5, 10, 20) if top / step <= 5), 25)


def ceiling(panels: Sequence[Mapping[str, Any]]) -> float:
    """Top of the axis in per cent: the highest upper limit, rounded up to the next tick."""
    there = [p for panel in panels for p in panel["points"] if p["estimate"] is not None]
    highest = max((100 * max(p["high"] or 0, p["estimate"]) for p in there), default=0)
    step = _step(max(highest, 1))
    return float(min(100, step * -(-max(highest, 1) // step)))


def ceilings(panels: Sequence[Mapping[str, Any]]) -> list[float]:
    """Top of the axis of each panel: one scale for all, unless the whole would squash its parts."""
    whole, parts = ceiling([p for p in panels if p["whole"]]), ceiling([p for p in panels if not p["whole"]])
    if whole <= 2 * parts:
        whole = parts = max(whole, parts)
    return [whole if panel["whole"] else parts for panel in panels]


def _moment(period: str) -> int | None:
    """Months since year 0 of a calendar bin (year, quarter, month); None for anything else."""
    found = re.fullmatch(r"(\d{4})(?:[- ]?Q([1-4])|-(\d{2}))?", period)
    if not found:
        return None
    quarter, month = found.group(2), found.group(3)
    return 12 * int(found.group(1)) + (3 * (int(quarter) - 1) if quarter else int(month) - 1 if month else 0)


def positions(periods: Sequence[str]) -> list[float]:
    """Where periods stand on the axis: evenly as stages, by the calendar as bins, one unit the shortest distance."""
    moments = [_moment(period) for period in periods]
    if len(periods) <= STAGES_UP_TO or any(moment is None for moment in moments):
        return [float(i) for i in range(len(periods))]
    times = [moment for moment in moments if moment is not None]
    unit = min((b - a for a, b in pairwise(times)), default=1)
    if unit <= 0:
        return [float(i) for i in range(len(periods))]
    return [(time - times[0]) / unit for time in times]


def _spread(labels: list[dict[str, Any]], gap: float) -> None:
    """Move labels at the ends of lines apart, upwards from the axis, so that none covers another or the axis."""
    labels.sort(key=lambda label: label["y"])
    for below, above in pairwise(labels):
        if above["y"] - below["y"] < gap:
            middle = (above["y"] + below["y"]) / 2
            below["y"], above["y"] = middle - gap / 2, middle + gap / 2
    floor = gap / 2
    for label in labels:
        label["y"] = max(label["y"], floor)
        floor = label["y"] + gap


def _points(section: Mapping[str, Any], panel: Mapping[str, Any], xs: Sequence[float]) -> list[dict[str, Any]]:
    codes = [logic["id"] for logic in section["logics"]]
    stages = len(xs) <= STAGES_UP_TO
    rows = []
    for point in panel["points"]:
        shift = (codes.index(point["code"]) - (len(codes) - 1) / 2) * _DODGE if stages else 0
        there = point["estimate"] is not None
        period = section["periods"][point["period"]]["name"]
        n = panel["denominators"][point["period"]]
        share = f"{percent(point['estimate'])}%"
        if point["low"] is not None:
            share += f", interval {percent(point['low'])} to {percent(point['high'])}"
        if point["near"] is not None and point["near"] < point["far"]:
            share += f", these passages {percent(point['near'])} to {percent(point['far'])}"
        rows.append(
            {
                "x": xs[point["period"]] + shift,
                "y": round(100 * point["estimate"], 3) if there else None,
                "low": round(100 * point["low"], 3) if point["low"] is not None else None,
                "high": round(100 * point["high"], 3) if point["high"] is not None else None,
                "near": round(100 * point["near"], 3) if point["near"] is not None else None,
                "far": round(100 * point["far"], 3) if point["far"] is not None else None,
                "code": point["code"],
                "cell": point["cell"],
                "label": f"{point['code']}, {panel['title']}, {period}: {share}, n = {n:,}, {point['method']}",
            }
        )
    return rows


def _ends(points: Sequence[Mapping[str, Any]], top: float) -> list[dict[str, Any]]:
    """A label at the last point of each line: no legend to look up."""
    last = {p["code"]: p for p in points if p["y"] is not None}
    # Lines that end in the same period have their labels in one column, clear of each other's intervals.
    right = {code: max(q["x"] for q in last.values() if q["x"] - p["x"] < 0.5) for code, p in last.items()}
    labels = [{"x": right[code], "y": p["y"], "code": code} for code, p in last.items()]
    _spread(labels, gap=top * 13 / HEIGHT)
    return labels


def _ticks(section: Mapping[str, Any], panel: Mapping[str, Any], xs: Sequence[float]) -> list[dict[str, Any]]:
    """What stands under the axis: period and n where there is room, every so many labels on a time axis."""
    names = [period["name"] for period in section["periods"]]
    if len(xs) <= STAGES_UP_TO:
        ns = panel["denominators"]
        lines = [[*wrap(name, 12 if len(xs) <= 3 else 8, 3), f"n = {n:,}"] for name, n in zip(names, ns, strict=True)]
        return [{"x": x, "text": "\n".join(rows)} for x, rows in zip(xs, lines, strict=True)]
    every = -(-len(xs) // 4)
    return [{"x": x, "text": name} for x, name in list(zip(xs, names, strict=True))[::every]]


def _layers(section: Mapping[str, Any], top: float, last: float) -> dict[str, Any]:
    """The layers of a panel over data sets by name; panels with the same scale differ in nothing but data and title."""
    import altair as alt

    stages, logics = len(section["periods"]) <= STAGES_UP_TO, section.get("palette") or section["logics"]
    codes = [logic["id"] for logic in logics]

    def look(channel: Any, key: str, values: list[Any] | None = None) -> Any:
        return channel("code:N", scale=alt.Scale(domain=codes, range=values or [g[key] for g in logics]), legend=None)

    margin = 0.4 if stages else 0.5
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-margin, last + margin], nice=False, zero=False))
    ticks = [step * _step(top) for step in range(int(top // _step(top)) + 1)]
    # "%" is part of the fixed expression; no data enters it.
    axis = alt.Axis(title=None, values=ticks, labelExpr="datum.label + '%'", aria=False, domain=False, ticks=False,
                    labelPadding=6)  # fmt: skip

    def y(field: str = "y") -> Any:
        return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(domain=[0, top], nice=False))

    def over(name: str) -> Any:
        return alt.Chart(alt.NamedData(name=name)).encode(x=x)

    points = over("points")
    there = points.transform_filter("isValid(datum.y)")
    colour = look(alt.Color, "colour")
    spread = (
        there.mark_rule(strokeWidth=1.4, aria=False) if stages else points.mark_area(opacity=0.14, aria=False)
    ).encode(y=y("low"), y2=alt.Y2("high:Q"), color=colour)
    # The inner band: what the classifier's errors alone leave open about these very passages.
    quiet: dict[str, Any] = {"aria": False, "opacity": 0.38 if stages else 0.26}
    inner = there.mark_rule(strokeWidth=5, **quiet) if stages else points.mark_area(**quiet)
    inner = inner.encode(y=y("near"), y2=alt.Y2("far:Q"), color=colour)
    lines = points.mark_line(strokeWidth=1.6, aria=False, invalid="break-paths-filter-domains").encode(
        y=y(), color=colour, strokeDash=look(alt.StrokeDash, "dash")
    )
    marks = there.mark_point(size=46 if stages else 26, strokeWidth=1.6, opacity=1, aria=False).encode(
        y=y(),
        stroke=look(alt.Stroke, "colour"),
        fill=look(alt.Fill, "fill", ["#ffffff" if logic["hollow"] else logic["colour"] for logic in logics]),
        shape=look(alt.Shape, "shape"),
    )
    ends = over("ends").mark_text(align="left", dx=8, fontSize=11, fontWeight=600, aria=False).encode(
        y=y(), text="code:N", color=colour
    )  # fmt: skip
    small = {"fontSize": 10.5, "color": MUTED, "aria": False}
    under = over("ticks").mark_text(baseline="top", lineBreak="\n", lineHeight=13, **small).encode(
        y=alt.value(HEIGHT + (8 if stages else STRIP + 12)), text="text:N"
    )  # fmt: skip
    # Stages have room to say "no data"; on a time axis the gap in the line and in the strip says it.
    empty = over("empty").mark_text(fontStyle="italic", dy=-9, **small).encode(y=alt.value(HEIGHT), text="text:N")
    # Below zero on the same scale, which does not clamp: a second y scale would have to be resolved in every layer.
    strip = over("strip").mark_rule(strokeWidth=4, color="#c4c4c4", aria=False).encode(y=y(), y2=alt.Y2("foot:Q"))
    breaks = over("breaks").mark_rule(strokeWidth=1, strokeDash=[3, 3], aria=False).encode(color=colour)
    # As with the points: wide and unseen, so that a line a pixel thin can be pressed.
    grips = over("breaks").mark_rule(strokeWidth=12, stroke="transparent", cursor="pointer").encode(
        description="label:N", tooltip="label:N"
    )  # fmt: skip
    zero = alt.Chart(alt.NamedData(name="zero")).mark_rule(color=INK, strokeWidth=0.8, aria=False)
    # An invisible larger target over each point: easy to hit with a finger, and what the keyboard focuses.
    targets = there.mark_point(size=420 if stages else 160, shape="circle", fill="transparent", stroke="transparent",
                               cursor="pointer").encode(y=y(), description="label:N", tooltip="label:N")  # fmt: skip
    layers = [zero.encode(y=alt.value(HEIGHT)), spread, inner, breaks, lines, marks, ends, under,
              empty if stages else strip, grips, targets]  # fmt: skip
    # Validated once, when each layer was made.
    layered: dict[str, Any] = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT).to_dict()
    return layered


def _strip(denominators: Sequence[int], xs: Sequence[float], top: float) -> list[dict[str, Any]]:
    """Passages per period as bars under the axis, in units of the axis: there are too many periods to write n."""
    most, unit = max([*denominators, 1]), top / HEIGHT
    return [
        {"x": x, "y": -unit * (6 + STRIP * (1 - n / most)), "foot": -unit * (6 + STRIP)}
        for x, n in zip(xs, denominators, strict=True)
        if n
    ]


def beside(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The wholes of several frameworks side by side, on one scale."""
    # One look for all: panels of one figure share their scales of colour, dash and shape.
    palette = list({logic["id"]: logic for section in sections for logic in section["logics"]}.values())
    wholes = [
        {**section, "panels": [p for p in section["panels"] if p["whole"]], "palette": palette} for section in sections
    ]
    top = ceiling([panel for section in wholes for panel in section["panels"]])
    drawn: list[dict[str, Any]] = []
    datasets: dict[str, Any] = {}
    for section in wholes:
        panels = [{**panel, "title": section["name"]} for panel in section["panels"]]
        one = trajectories({**section, "panels": panels}, first=len(drawn), top=top)
        drawn += one["concat"]
        datasets |= one["datasets"]
    names = " and ".join(section["name"] for section in sections)
    what = f"The same talk by {names}: share of passages per logic and period, in {len(drawn)} panels on one scale. " \
        "The table beside it and the findings tables hold the same figures."  # fmt: skip
    layout = {"margin": 66, "columns": 3, "widest": 340}
    body = {"concat": drawn, "columns": 3, "spacing": {"row": 26, "column": 22}, "datasets": datasets}
    return finished({**body, "usermeta": layout}, what)


def trajectories(section: Mapping[str, Any], *, first: int = 0, top: float | None = None) -> dict[str, Any]:
    """The figure of a framework: prevalence per domain and logic over the periods, with intervals.

    Args:
        section: view of a trajectory (`sibnlp.report.findings.Section.view`).
        first: number of the first panel, where panels of several are put together.
        top: of the axis in per cent, where it is given.

    Returns:
        A Vega-Lite specification, a ``concat`` of panels; the page sets their number per row and width.
    """
    panels = section["panels"]
    xs = positions([period["id"] for period in section["periods"]])
    tops = [top] * len(panels) if top else ceilings(panels)
    templates = {top: _layers(section, top, xs[-1]) for top in set(tops)}
    datasets: dict[str, list[dict[str, Any]]] = {}
    drawn = []
    for i, (panel, height) in enumerate(zip(panels, tops, strict=True), first):
        points = _points(section, panel, xs)
        empty = [x for x, n in zip(xs, panel["denominators"], strict=True) if not n]
        of_panel: dict[str, list[dict[str, Any]]] = {
            "points": points,
            "ends": _ends(points, height),
            "ticks": _ticks(section, panel, xs),
            "empty": [{"x": x, "text": "no data"} for x in empty],
            "strip": _strip(panel["denominators"], xs, height),
            "breaks": [{**point, "x": xs[point["period"]]} for point in panel["breaks"]],
            "zero": [{}],
        }
        layers = [
            {**layer, "data": {"name": f"{layer['data']['name']}-{i}"}}
            for layer in templates[height]["layer"]
            # A group of no change points would be an image without a text alternative.
            if layer["data"]["name"] != "breaks" or of_panel["breaks"]
        ]
        used = {layer["data"]["name"] for layer in layers}
        datasets |= {f"{name}-{i}": rows for name, rows in of_panel.items() if f"{name}-{i}" in used}
        title = {"text": wrap(panel["title"], 30, 3), "anchor": "start", "frame": "group", "offset": 10}
        drawn.append({"layer": layers, "width": WIDTH, "height": HEIGHT, "title": title})
    what = (
        f"{capital(section['name'])}: share of {section['denominator']} of {section['scope']} per logic and period, "
        f"with intervals, in {len(panels)} panels. The findings table holds the same figures."
    )
    spacing = {"row": 26, "column": 22}
    # `usermeta` is for the page: pixels beside a plot, panels a row at most, width of a plot at most.
    layout = {"margin": 66, "columns": 4, "widest": 340}
    body = {"concat": drawn, "columns": 4, "spacing": spacing, "datasets": datasets, "usermeta": layout}
    return finished(body, what)


def finished(body: Mapping[str, Any], description: str) -> dict[str, Any]:
    """A specification with what all figures share: schema, type, colours of axes, the text alternative."""
    import altair as alt

    text = {"labelColor": MUTED, "labelFontSize": 10.5, "titleColor": MUTED, "titleFontWeight": "normal"}
    return {
        "$schema": alt.SCHEMA_URL,
        "description": description,
        "background": "white",
        "padding": 4,
        "config": {
            "font": FONT,
            "view": {"stroke": None},
            "axis": {"gridColor": GRID, **text},
            "title": {"fontSize": 12, "fontWeight": 600, "color": INK},
        },
        **body,
    }
