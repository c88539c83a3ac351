"""Agreement between coders as one HTML page: per family and code, with intervals, and for free spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sibnlp.report.text import MISSING, amount, known, line, number, score

COLUMNS = (("alpha", "α"), ("kappa", "κ"), ("ac1", "AC1"), ("positive_agreement", "Positive"))


def render_agreement(agreement: Mapping[str, Any]) -> str:
    """Write what ``sibnlp agree -o`` writes as JSON as one self-contained HTML document.

    Args:
        agreement: ``coders``, ``n_passages``, ``n_documents``, ``families``, ``codes``, ``spans``, ``notes``; any
            number may be None.

    Returns:
        HTML, to be written as UTF-8.
    """
    from sibnlp.report import bundle, page

    view, embedded = build(agreement)
    scripts = (bundle.javascript(), page.asset("figures.js"), page.asset("evaluation.js"))
    return page.build("agreement.html.j2", view, embedded, scripts)


def build(agreement: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the template writes, and the chart that its script draws."""
    coders = [line(str(name)) for name in agreement["coders"]]
    families, codes = agreement["families"], agreement["codes"]
    given = {id: one for id, one in codes.items() if any(one["given"])}
    shown = {id: one for id, one in families.items() if any(one["given"])}
    charts = [{"id": "figure-1", "spec": chart(given)}] if given else []
    view = {
        "title": f"Agreement between {', '.join(coders)}",
        "size": f"{amount(agreement['n_passages'], 'passage')} of {amount(agreement['n_documents'], 'document')}",
        "coders": coders,
        "notes": [line(str(note)) for note in agreement.get("notes") or ()],
        "columns": [label for _, label in COLUMNS],
        "families": [
            {
                **_row(id, one),
                "masi": score(one["alpha_masi"]["value"]),
                "jaccard": score(one["alpha_jaccard"]["value"]),
            }
            for id, one in shown.items()
        ],
        "codes": [{**_row(id, one), "given": [number(n) for n in one["given"]]} for id, one in given.items()],
        "silent": [line(id) for id in codes if id not in given],
        "spans": [
            {
                "name": line(id),
                "alpha": score(one["alpha_u"]["value"]),
                "interval": _interval(one["alpha_u"]),
                "documents": number(one["n_documents"]),
                "spans": ", ".join(f"{line(str(coder))} {number(n)}" for coder, n in one["n_spans"].items()),
            }
            for id, one in (agreement.get("spans") or {}).items()
        ],
        "figure": bool(charts),
    }
    return view, {"charts": charts}


def _row(id: str, one: Mapping[str, Any]) -> dict[str, Any]:
    values = [{"value": score(one[key]["value"]), "interval": _interval(one[key])} for key, _ in COLUMNS]
    return {"name": line(id), "values": values, "n": number(one["n"])}


def _interval(figure: Mapping[str, float | None]) -> str:
    low, high = figure["low"], figure["high"]
    return f"{score(low)} to {score(high)}" if known(low) and known(high) else ""


def chart(codes: Mapping[str, Any]) -> dict[str, Any]:
    """Alpha and AC1 of each code, alpha with its interval, as a Vega-Lite specification."""
    import altair as alt

    from sibnlp.report.charts import INK, MUTED, finished

    rows = []
    for id, one in codes.items():
        alpha, ac1 = one["alpha"], one["ac1"]["value"]
        label = f"{line(id)}: α {score(alpha['value'])}, interval {_interval(alpha) or MISSING}, AC1 {score(ac1)}"
        rows.append(
            {"name": line(id), "label": label, "ac1": ac1, **{key: alpha[key] for key in ("value", "low", "high")}}
        )
    least = min((row[key] for row in rows for key in ("value", "low") if row[key] is not None), default=0)
    axis = alt.Axis(title=None, domain=False, ticks=False, format=".1f", aria=False)
    names = alt.Axis(title=None, domain=False, ticks=False, labelLimit=190, labelPadding=8, labelColor=INK, aria=False)

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", scale=alt.Scale(domain=[min(0, least), 1]), axis=axis)

    base = alt.Chart(alt.InlineData(values=rows)).encode(y=alt.Y("name:N", sort=None, axis=names))
    bars = base.mark_rule(strokeWidth=1.6, color=INK, aria=False).encode(x=x("low"), x2="high:Q")
    dots = base.mark_point(size=60, filled=True, color=INK, opacity=1)
    others = base.mark_point(size=50, filled=False, color=MUTED, opacity=1, shape="diamond", aria=False)
    layered: Any = alt.layer(
        bars, others.encode(x=x("ac1")), dots.encode(x=x("value"), description="label:N", tooltip="label:N")
    )
    heading = alt.TitleParams(text="Per code:  ● α with its interval   ◇ AC1", anchor="start", frame="group", offset=10)
    panel = layered.properties(width=400, height=max(24 * len(rows), 40), title=heading).to_dict()
    datasets = panel.pop("datasets", {})
    kept = {key: panel[key] for key in ("data", "layer", "width", "height", "title") if key in panel}
    layout = {"margin": 230, "columns": 1, "widest": 520}
    body = {"concat": [kept], "columns": 1, "datasets": datasets, "usermeta": layout}
    return finished(body, "Krippendorff’s α, its interval and Gwet’s AC1 per code. The table holds the same figures.")
