"""What changed: the table of shifts, change points, and the verdict in one sentence a framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sibnlp.report import behind
from sibnlp.report.estimand import not_used
from sibnlp.report.text import amount, known, line, percent, sentence, signed, signed_interval
from sibnlp.types import Pole, Shift

if TYPE_CHECKING:
    from sibnlp.report.findings import Section

OUTCOMES = ("shift", "no change", "cannot tell")


def pole(section: Section, domain: str | None, start: str, end: str) -> dict[str, Any]:
    """Which logic leads a domain at the start and at the end, with K24's mark (F23 and K24 differ in the codebook)."""
    found: Pole | None = next((p for p in section.trajectory.poles if p.domain == domain), None)
    if found is not None:
        leads = [line(one) if one else "neither" for one in (found.pole_start, found.pole_end)]
        held = [f"{one:.2f}" if known(one) else "–" for one in (found.support_start, found.support_end)]
        means = {"►": "poles differ", "▲": "same pole"}.get(found.symbol, "cannot tell")
        said = f"{leads[0]} → {leads[1]}: {means}; support {held[0]}, {held[1]}"
        return {
            "start": leads[0], "end": leads[1], "symbol": line(found.symbol), "means": means,
            "support": f"support {held[0]}, {held[1]}", "cell": _pole_cell(section, domain, start, end, said),
        }  # fmt: skip
    relations = [section.relations.get((domain, period)) for period in (start, end)]
    leads = [line(r.dominant) if r and r.dominant else "neither" for r in relations]
    cell = _pole_cell(section, domain, start, end, f"{leads[0]} → {leads[1]}")
    return {"start": leads[0], "end": leads[1], "symbol": "?", "means": "not computed", "support": "", "cell": cell}


def _pole_cell(section: Section, domain: str | None, start: str, end: str, said: str) -> int:
    within = "" if domain is None else f" in {section.name(domain)}"
    title = f"Leading logic{within}, {section.name(start)} and {section.name(end)}"
    return both_ends(section, ("pole", domain), domain, section.logics, (start, end), title, sentence(said))


def shifts(section: Section) -> list[dict[str, Any]]:
    """Per domain: poles at the start and at the end, and each logic's change with what it would take to undo it."""
    rows: dict[tuple[str | None, str, str], dict[str, Shift]] = {}
    for shift in section.trajectory.shifts:
        rows.setdefault((shift.domain, shift.start, shift.end), {})[shift.code] = shift
    return [
        {
            "name": section.name(domain),
            "pole": pole(section, domain, start, end),
            "span": f"{section.name(start)} → {section.name(end)}",
            "changes": [_change(section, found[code]) if code in found else None for code in section.logics],
        }
        for (domain, start, end), found in sorted(rows.items(), key=lambda row: row[0][0] is not None)
    ]


def _change(section: Section, shift: Shift) -> dict[str, Any]:
    limits = signed_interval(shift.low, shift.high)
    near = signed_interval(shift.corpus_low, shift.corpus_high)
    facts = []
    if near and not shift.corpus_low == shift.corpus_high == shift.change:
        facts.append(f"in these passages {near}")
    if known(shift.difference) and shift.difference != shift.change:
        facts.append(f"its levels differ by {signed(shift.difference)}")
    if known(shift.smallest_margin):
        facts.append(f"no change for margins from ×{shift.smallest_margin:.1f} on")
    if known(shift.undone_by):
        facts.append(f"undone by {percent(shift.undone_by)} points more false positives in one period")
    if shift.variants:
        facts.append(f"{shift.agree} of {shift.variants} weights × quantifiers agree")
    if shift.method:
        facts.append(line(shift.method))
    if shift.exploratory:
        facts.append("exploratory")
    within = "" if shift.domain is None else f" in {section.name(shift.domain)}"
    means = f"{signed(shift.change)} points{f', interval {limits}' if limits else ''}"
    why = "".join(f" Not used: {not_used(reason)}." for reason in shift.refused)
    return {
        "code": line(shift.code),
        "change": signed(shift.change),
        "interval": limits,
        "outcome": line(shift.outcome),
        "facts": facts,
        "cell": both_ends(
            section, ("shift", shift.domain, shift.code), shift.domain, (shift.code,), (shift.start, shift.end),
            f"{line(shift.code)}{within}, {section.name(shift.start)} and {section.name(shift.end)}",
            f"{means}: {line(shift.outcome)}. {sentence('; '.join(facts))}{why}",
        ) if known(shift.change) else None,
    }  # fmt: skip


def both_ends(
    section: Section,
    key: tuple[Any, ...],
    domain: str | None,
    codes: Sequence[str],
    ends: tuple[str, str],
    title: str,
    summary: str,
) -> int:
    """Number of the cell with the passages of both periods that a change compares."""
    rows = [section.cells.rows(section.trajectory, domain, codes, end) for end in dict.fromkeys(ends)]
    return section.cells.put((id(section.trajectory), *key), np.concatenate(rows), title, summary.strip())


def breaks_of(section: Section, domain: str | None) -> list[dict[str, Any]]:
    """Change points of one panel: place of the period, and of which logic."""
    trajectory = section.trajectory
    places = {period: i for i, period in enumerate(trajectory.periods)}
    return [
        {
            "code": line(point.code),
            "period": places[point.period],
            "cell": behind.segments(section, point)[2],
            "label": f"Change point of {line(point.code)}, {section.name(domain)}, from {section.name(point.period)}: "
            f"{percent(point.before)}% to {percent(point.after)}%",
        }
        for point in trajectory.change_points
        if point.domain == domain and point.period in places
    ]


def breaks(section: Section) -> list[dict[str, Any]]:
    """Change points as rows."""
    rows = []
    for point in section.trajectory.change_points:
        before, after, both = behind.segments(section, point)
        rows.append(
            {
                "name": section.name(point.domain),
                "code": line(point.code),
                "period": section.name(point.period),
                "before": percent(point.before),
                "after": percent(point.after),
                "p": f"{point.p:.3f}" if known(point.p) else "–",
                "support": f"{point.support:.2f}" if known(point.support) else "–",
                "cells": {"before": before, "after": after, "both": both},
            }
        )
    return rows


def verdict(section: Section) -> str:
    """What a framework's figures say of change, in one sentence that carries its uncertainty."""
    trajectory = section.trajectory
    whole = [s for s in trajectory.shifts if s.domain is None and known(s.change)]
    parts = [s for s in trajectory.shifts if s.domain is not None]
    if not whole:
        return "There is only one period with passages, so no change can be read from it."
    level = f"{percent(trajectory.level, 0)} % interval"
    said = [
        f"{line(s.code)} changed by {signed(s.change)} points"
        + (f" ({level} {signed(s.low)} to {signed(s.high)}: {line(s.outcome)})" if known(s.low)
           else f" (no interval can be given: {line(s.outcome)})")
        for s in whole
    ]  # fmt: skip
    text = f"From {section.name(whole[0].start)} to {section.name(whole[0].end)}, " + ", and ".join(said)
    if parts:
        moved, held, open_ = (sum(s.outcome == outcome for s in parts) for outcome in OUTCOMES)
        text += (
            f"; of {amount(len(parts), 'domain–logic pair')}, {moved} {'shows' if moved == 1 else 'show'} a shift, "
            f"{held} {'shows' if held == 1 else 'show'} no change, and for {open_} the data cannot tell"
        )
    exploratory = ", on periods chosen by looking at the same data" if whole[0].exploratory else ""
    return f"{text}{exploratory}."
