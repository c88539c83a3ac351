"""Report → plain dictionary: every number formatted, every choice made, nothing about HTML.

The template writes it down and decides nothing; so a wrong figure is found here, a wrong tag there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sibnlp.report import changes, estimand
from sibnlp.report.charts import beside, ceilings, trajectories
from sibnlp.report.findings import Section
from sibnlp.report.passages import MAX_EMBEDDED, Cells, embed
from sibnlp.report.text import amount, capital, excerpt, line, named, number
from sibnlp.types import Report, Source


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
    compared = comparison(mains, sections)
    if compared:
        charts.append({"id": "figure-compared", "spec": beside(sections)})
    read = [item for item in report.sources if not item.problem]
    sources = [source(item, cells) for item in read[:MOST_SOURCES]]
    names = [code if code.isupper() else capital(named(report.names, code)) for code in report.predictions.codes]
    quoted = [exemplar.row for exemplar in report.exemplars]
    script = {**embed(cells, names, limit=limit, always=quoted, reasons=report.reasons), "charts": charts}
    shown = len(script["passages"])
    view = {
        "title": line(report.title) or "Drift report",
        "verdict": verdict(mains),
        "warnings": [line(warning) for warning in report.warnings],
        "compared": compared,
        "sections": sections,
        "documents": brief_sections,
        "provenance": [{"label": line(key), "value": line(value)} for key, value in report.provenance.items()],
        "sources": sources,
        "n_sources": number(len(read)),
        "failed": [{"id": line(item.id), "problem": line(item.problem)} for item in report.sources if item.problem],
        "passages": number(len(report.predictions)),
        "sample": f"This page carries {number(shown)} of {amount(len(report.predictions), 'passage')}: a fixed sample, "
        "spread evenly over the figures. Every figure counts all passages; only the lists behind them are shortened."
        if shown < len(report.predictions)
        else "",
    }
    return view, script


def comparison(mains: Sequence[Section], views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Frameworks side by side: the same talk by each codebook; empty with a single one.

    Which drift is seen depends on the codebook: that is what the table is there to show. Every figure opens the
    passages that the figures it sums up stand on.
    """
    if len(views) < 2:
        return []
    return [_compared(section, view) for section, view in zip(mains, views, strict=True)]


def _compared(section: Section, view: Mapping[str, Any]) -> dict[str, Any]:
    cells, key = section.cells, (id(section.trajectory), "compared")
    whole, parts = view["shifts"][:1], view["shifts"][1:]
    moved: dict[str, list[int | None]] = {outcome: [] for outcome in changes.OUTCOMES}
    for change in (change for row in parts for change in row["changes"] if change):
        moved.setdefault(change["outcome"], []).append(change["cell"])
    related: dict[str, list[int | None]] = {}
    for relation in (domain["rows"][-1]["relation"] for domain in view["findings"][1:]):
        if relation:
            related.setdefault(relation["label"].lower(), []).append(relation["cell"])

    def summed(kind: str, found: Mapping[str, Sequence[int | None]]) -> list[dict[str, Any]]:
        return [
            {"text": (text := f"{len(of)} {word}"),
             "cell": cells.union((*key, kind, word), of, f"{view['name']}: {text}", f"{kind}: {text}.")}
            for word, of in found.items()
        ]  # fmt: skip

    return {
        "name": view["name"],
        "scope": view["scope"],
        "number": view["number"],
        "pole": whole[0]["pole"] if whole else None,
        "changes": [change for change in whole[0]["changes"] if change] if whole else [],
        "outcomes": summed("Domain–logic pairs", moved),
        "poles": [{"name": row["name"], **row["pole"]} for row in parts],
        "relations": summed("Relations in the last period", dict(sorted(related.items(), key=lambda r: -len(r[1])))),
        "agenda": view["parts"]["agenda"] if view["parts"] else [],
    }


MOST_SOURCES = 500
"""Files listed at most."""


def source(item: Source, cells: Cells) -> dict[str, Any]:
    """One input file as a row."""
    rows = cells.of_document(item.id)
    summary = f"Its {amount(len(rows), 'passage')}."
    return {
        "cell": cells.put(("source", item.id), rows, line(item.id), summary) if len(rows) else None,
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
    """What the figures say, in a sentence a framework; what they stand on comes with it.

    Returns:
        ``{"lead", "text"}``: the framework (or another key word), and what is said of it.
    """
    said = [
        {"lead": section.name(section.trajectory.framework), "text": changes.verdict(section)} for section in sections
    ]
    if said and _by_people(sections[0].report):
        return [*said, {"lead": "As coded", "text": f"These figures count {estimand.RUNGS['as coded']}."}]
    cells = [p for section in sections for p in section.trajectory.prevalence]
    rungs = Counter((p.rung or p.method.rpartition(", ")[2]) for p in cells if p.rung or p.method)
    for rung in estimand.RUNGS:
        if rungs[rung]:
            which = "All figures" if len(rungs) == 1 else f"{rungs[rung]} of {rungs.total()} figures"
            said.append({"lead": capital(rung), "text": f"{which}: {estimand.RUNGS[rung]}."})
    return said or [{"lead": "Nothing to report", "text": "No trajectory was computed."}]


def _by_people(report: Report) -> bool:
    """Whether the figures rest on people's codings: a coder is named, no model is, and no code is given by halves."""
    scores = report.predictions.probabilities
    coded = "coded by" in report.provenance and "model" not in report.provenance
    return coded and bool(((scores == 0) | (scores == 1)).all())
