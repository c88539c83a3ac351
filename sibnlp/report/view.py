"""Report → plain dictionary: every number formatted, every choice made, nothing about HTML.

The template writes it down and decides nothing; so a wrong figure is found here, a wrong tag there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sibnlp.report.charts import ceilings, trajectories
from sibnlp.report.findings import Section
from sibnlp.report.passages import MAX_EMBEDDED, Cells, embed
from sibnlp.report.text import amount, capital, excerpt, known, line, named, number, percent
from sibnlp.types import Prevalence, Report, Source

UNCORRECTED = "uncorrected"


def build(report: Report, *, limit: int = MAX_EMBEDDED) -> tuple[dict[str, Any], dict[str, Any]]:
    """The view of a report.

    Args:
        report: what to show.
        limit: most passages to embed.

    Returns:
        What the template writes, and what the page's script reads (charts, cells, passages).
    """
    cells = Cells(report.predictions)
    mains = [Section(report, trajectory, cells) for trajectory in report.trajectories]
    briefs = [Section(report, trajectory, cells) for trajectory in report.documents]
    sections, brief_sections = [s.view() for s in mains], [s.view() for s in briefs]
    charts = []
    for i, section in enumerate([*sections, *brief_sections]):
        section["number"] = i + 1
        section["own_scale"] = len(set(ceilings(section["panels"]))) > 1
        if section["panels"] and section["periods"]:
            charts.append({"id": f"figure-{i + 1}", "spec": trajectories(section)})
    names = [code if code.isupper() else capital(named(report.names, code)) for code in report.predictions.codes]
    quoted = [exemplar.row for exemplar in report.exemplars]
    script = {**embed(cells, names, limit=limit, always=quoted, reasons=report.reasons), "charts": charts}
    shown = len(script["passages"])
    view = {
        "title": line(report.title) or "Drift report",
        "verdict": verdict(mains),
        "warnings": [line(warning) for warning in report.warnings],
        "sections": sections,
        "documents": brief_sections,
        "provenance": [{"label": line(key), "value": line(value)} for key, value in report.provenance.items()],
        "sources": [source(item) for item in report.sources if not item.problem],
        "failed": [{"id": line(item.id), "problem": line(item.problem)} for item in report.sources if item.problem],
        "passages": number(len(report.predictions)),
        "sample": f"This page carries {number(shown)} of {amount(len(report.predictions), 'passage')}: a fixed sample, "
        "spread evenly over the figures. Every figure counts all passages; only the lists behind them are shortened."
        if shown < len(report.predictions)
        else "",
    }
    return view, script


def source(item: Source) -> dict[str, Any]:
    """One input file as a row."""
    return {
        "id": line(item.id),
        "format": ", ".join(line(part) for part in (item.format, item.encoding) if part),
        "kind": line(item.kind or ""),
        "when": ", ".join(line(part) for part in (item.stage, item.date) if part),
        "passages": number(item.n_passages),
        "words": number(item.n_words),
        "context": number(item.n_context),
        "speakers": ", ".join(map(line, item.speakers)),
        "interviewers": ", ".join(map(line, item.interviewers)),
        "dropped": [
            f"{number(drop.count)} {line(drop.what)}" + (f" (first: {excerpt(drop.example, 80)})" * bool(drop.example))
            for drop in item.dropped
        ],
    }


def verdict(sections: Sequence[Section]) -> list[dict[str, str]]:
    """What the figures say, in a few plain sentences; what they cannot say comes with it.

    Returns:
        ``{"lead", "text"}``: the framework (or another key word), and what is said of it.
    """
    said = [
        {"lead": section.name(section.trajectory.framework), "text": f"{_changes(section)} {_lead(section)}".strip()}
        for section in sections
    ]
    methods = [p.method for section in sections for p in section.trajectory.prevalence]
    if any(UNCORRECTED in method for method in methods):
        which = "These" if all(UNCORRECTED in method for method in methods) else "Some of these"
        lead, text = "Uncorrected", f"{which} figures count a classifier’s output and are not corrected for its errors."
        if _by_people(sections[0].report):
            lead, text = "As coded", "These figures count what people coded; coders’ errors are not in the intervals."
        said.append({"lead": lead, "text": text})
    return said or [{"lead": "Nothing to report", "text": "No trajectory was computed."}]


def _by_people(report: Report) -> bool:
    """Whether the figures rest on people's codings: a coder is named, no model is, and no code is given by halves."""
    scores = report.predictions.probabilities
    coded = "coded by" in report.provenance and "model" not in report.provenance
    return coded and bool(((scores == 0) | (scores == 1)).all())


def _changes(section: Section) -> str:
    """How many cells shift, stay, or cannot be told."""
    trajectory = section.trajectory
    if len(trajectory.periods) < 2:
        return "There is only one period, so no change can be read from it."
    # The whole is made of its domains: counted with them, one change would count twice.
    shifts = [s for s in trajectory.shifts if s.domain is not None] or list(trajectory.shifts)
    if not shifts:
        return "No change was computed."
    moved, held, open_ = (sum(s.outcome == o for s in shifts) for o in ("shift", "no change", "cannot tell"))
    what = "domain–logic pairs" if shifts[0].domain is not None else "logics"
    return (
        f"Between {section.name(shifts[0].start)} and {section.name(shifts[0].end)}, {moved} of {len(shifts)} {what} "
        f"{'shows' if moved == 1 else 'show'} a shift, {held} {'shows' if held == 1 else 'show'} no change, "
        f"and for {open_} the data cannot tell."
    )


def _lead(section: Section) -> str:
    """Which logic leads over the whole at the start and at the end, and whether the intervals leave room for doubt."""
    whole = [p for p in section.trajectory.prevalence if p.domain is None and known(p.estimate)]
    order = [period for period in section.periods if any(p.period == period for p in whole)]
    if not order or len(section.logics) < 2:
        return ""
    first, last = ([p for p in whole if p.period == period] for period in (order[0], order[-1]))
    if len(order) == 1:
        return f"Over all domains, {_leader(first)}."
    return f"Over all domains, at the start {_leader(first)}; at the end {_leader(last)}."


def _leader(items: Sequence[Prevalence]) -> str:
    ranked = sorted(items, key=lambda p: -p.estimate)
    top, *others = ranked
    if not others:
        return f"{line(top.code)} stands at {percent(top.estimate, 0)}% of passages"
    second = others[0]
    if top.estimate == second.estimate:
        return f"{line(top.code)} and {line(second.code)} stand level at {percent(top.estimate, 0)}% of passages"
    overlap = known(top.low) and known(second.high) and top.low <= second.high
    shares = f"{percent(top.estimate, 0)}% of passages against {percent(second.estimate, 0)}% {line(second.code)}"
    return f"{line(top.code)} leads ({shares}{'; the intervals overlap' if overlap else ''})"
