"""The evaluation of a model as one HTML page: how good per family and code, and where it is most wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sibnlp.report.text import MISSING, amount, known, line, number

WORST = 60
"""Errors shown; the table of codes counts all."""

FAMILY_COLUMNS = (("macro_f1", "Macro F1"), ("macro_auc", "Macro AUC"), ("alpha", "α"))
CODE_COLUMNS = (
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("f1", "F1"),
    ("auc", "AUC"),
    ("ece", "ECE"),
    ("threshold", "Threshold"),
)
_SHAPES = {"precision": "triangle-up", "recall": "triangle-down", "f1": "circle"}


def render_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Write the content of ``metrics.json`` as one self-contained HTML document.

    Args:
        evaluation: ``model``, ``n_passages``, ``n_documents``, ``families``, ``codes``, ``errors``; any number may be
            None, and whatever is absent is left out.

    Returns:
        HTML, to be written as UTF-8.
    """
    from sibnlp.report import bundle, page

    view, embedded = build(evaluation)
    scripts = (bundle.javascript(), page.asset("figures.js"), page.asset("tables.js"), page.asset("evaluation.js"))
    return page.build("evaluation.html.j2", view, embedded, scripts)


def build(evaluation: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the template writes, and the charts that its script draws."""
    families, codes = evaluation.get("families") or {}, evaluation.get("codes") or {}
    charts = [{"id": "figure-1", "spec": scores(families, codes)}] if families or codes else []
    errors = sorted(evaluation.get("errors") or (), key=lambda error: (-_badness(error), str(error.get("passage"))))
    view = {
        "title": f"Evaluation of {line(str(evaluation.get('model') or 'a model'))}",
        "size": _size(evaluation),
        "families": [
            {
                "name": line(str(name)),
                "values": [score(row.get(key)) for key, _ in FAMILY_COLUMNS],
                "interval": _interval(row.get("interval")),
            }
            for name, row in families.items()
        ],
        "family_columns": [label for _, label in FAMILY_COLUMNS],
        "codes": [
            {
                "name": line(str(name)),
                "support": number(int(row["support"])) if row.get("support") is not None else MISSING,
                "values": [score(row.get(key)) for key, _ in CODE_COLUMNS],
            }
            for name, row in codes.items()
        ],
        "code_columns": [label for _, label in CODE_COLUMNS],
        "figure": bool(charts),
        "errors": [_error(error) for error in errors[:WORST]],
        "errors_shown": f"{number(min(WORST, len(errors)))} of {number(len(errors))}",
    }
    return view, {"charts": charts}


def score(value: float | None) -> str:
    """A score with two decimals; a dash where it is unknown.

    >>> score(0.876), score(None)
    ('0.88', '–')
    """
    return f"{value:.2f}" if value is not None and known(value) else MISSING


def _interval(limits: Sequence[float | None] | None) -> str:
    low, high = limits or (None, None)
    return f"{score(low)}–{score(high)}" if known(low) and known(high) else MISSING


def _size(evaluation: Mapping[str, Any]) -> str:
    counts = (("n_passages", "passage"), ("n_documents", "document"))
    there = [amount(int(evaluation[key]), noun) for key, noun in counts if evaluation.get(key) is not None]
    return " of ".join(there)


def _badness(error: Mapping[str, Any]) -> float:
    """How sure the model was of what is wrong: the largest distance between score and truth."""
    gold, predicted, given = set(error["gold"]), set(error["predicted"]), error.get("scores") or {}
    missed = [1 - (given.get(code) or 0) for code in gold - predicted]
    invented = [1.0 if given.get(code) is None else given[code] for code in predicted - gold]
    return float(max([*missed, *invented], default=0))


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    gold, predicted, given = error["gold"], error["predicted"], error.get("scores") or {}
    return {
        "passage": line(str(error.get("passage", ""))),
        "text": line(str(error.get("text", ""))),
        "missed": [{"code": line(c), "score": score(given.get(c))} for c in gold if c not in predicted],
        "invented": [{"code": line(c), "score": score(given.get(c))} for c in predicted if c not in gold],
        "right": [{"code": line(c), "score": score(given.get(c))} for c in gold if c in predicted],
    }


def scores(families: Mapping[str, Any], codes: Mapping[str, Any]) -> dict[str, Any]:
    """Dot plots as a Vega-Lite specification: macro F1 with interval per family; precision, recall, F1 per code."""
    import altair as alt

    from sibnlp.report.charts import INK, MUTED, finished

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
            label = f"{line(str(name))}: macro F1 {score(f1)}, interval {_interval((low, high))}"
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
