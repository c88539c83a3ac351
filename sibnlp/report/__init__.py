"""Reports as one HTML file each: everything inside, nothing fetched, nothing of a passage ever run.

Report → view (`view` and what it calls: plain data) → charts (`charts`: Vega-Lite) → page (`page`, templates).
"""

from __future__ import annotations

from sibnlp.types import Report

__all__ = ["render"]


def render(report: Report) -> str:
    """Write a drift report as one self-contained HTML document.

    Pure: the same report gives the same text; nothing is read but the templates, nothing is written.

    Args:
        report: what to show.

    Returns:
        HTML, to be written as UTF-8.
    """
    from sibnlp.report import bundle, page, view

    shown, embedded = view.build(report)
    scripts = (bundle.javascript(), page.asset("figures.js"), page.asset("tables.js"), page.asset("report.js"))
    return page.build("report.html.j2", shown, embedded, scripts)
