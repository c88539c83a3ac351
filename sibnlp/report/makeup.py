"""What a finding is made of: relations and co-occurrence, parts of a change, how each actor stands, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sibnlp.report import behind, estimand
from sibnlp.report.changes import both_ends
from sibnlp.report.text import (
    amount,
    capital,
    interval,
    known,
    line,
    named,
    number,
    percent,
    sentence,
    signed,
    signed_interval,
)
from sibnlp.types import Alignment, Decomposition, Prevalence, Relation

if TYPE_CHECKING:
    from sibnlp.report.findings import Section


def relation(section: Section, domain: str | None, period: str) -> dict[str, Any] | None:
    """How the logics stand to each other: what matched or came nearest, on which passages, and against chance."""
    found = section.relations.get((domain, period))
    if found is None:
        return None
    names = section.report.names
    label = capital(named(names, found.relation)) if found.relation else "None established"
    within = "" if domain is None else f" in {section.name(domain)}"
    where = f"{' or '.join(map(line, section.logics))}{within}, {section.name(period)}"
    cell = section.cells.add(
        section.trajectory, domain, section.logics, period,
        title=where, summary=f"Relation: {label}. {sentence(found.reason)}".strip(),
    )  # fmt: skip
    return {
        "label": label,
        "established": bool(found.relation),
        "tentative": found.tentative,
        "dominant": line(found.dominant) if found.dominant else "",
        "support": f"{found.support:.2f}" if known(found.support) else "",
        "nearest": named(names, found.runner_up) if found.runner_up else "",
        "reason": sentence(found.reason),
        "marks": ", ".join(f"{named(names, code)} {n}" for code, n in found.marks.items() if n),
        "together": _together(found),
        "evidence": [_evidence(section, found, side, where) for side in ("for", "against")],
        "cell": cell,
    }


def _together(found: Relation) -> str:
    """Co-occurrence against chance; shown, never deciding."""
    if not known(found.expected):
        return ""
    chance = f", {found.expected:.1f} expected by chance"
    return f"{amount(found.n_joint, 'passage')} with both{chance}" + (f" (p {found.p:.2f})" if known(found.p) else "")


def _evidence(section: Section, found: Relation, side: str, where: str) -> dict[str, Any] | None:
    own, ids, n = {
        "for": (found.rows_for, found.passages_for, found.n_for),
        "against": (found.rows_against, found.passages_against, found.n_against),
    }[side]
    # A relation that was not computed here knows the ids it was told of alone.
    if not len(own) and not ids:
        return None
    rows = section.cells.scope(section.trajectory)[own] if len(own) else section.cells.named(section.trajectory, ids)
    name = named(section.report.names, found.relation or found.runner_up)
    key = (id(section.trajectory), "evidence", side, found.domain, found.period)
    summary = f"Passages {side} {'' if found.relation else 'what came nearest, '}“{name}”."
    counted = max(n, len(rows))
    return {
        "side": side,
        "n": number(counted),
        "cell": section.cells.put(key, rows, f"{name}: {where}", summary, counted),
    }


def parts(section: Section) -> dict[str, Any] | None:
    """Each change split into what stayers say, how much they say, who came and went; and agenda against logic."""
    rows = [_part(section, one) for one in section.trajectory.decomposition]
    if not rows:
        return None
    readings = dict.fromkeys(row["reading"] for row in rows if row["reading"])
    one = section.trajectory.decomposition[0]
    return {
        "rows": rows,
        "who": f"{amount(one.n_stayers, 'actor')} heard in both periods, {one.n_entering} only at the end, "
        f"{one.n_leaving} only at the start",
        # Said once where all rows have it in common.
        "reading": next(iter(readings)) if len(readings) == 1 else "",
        "agenda": [row for row in rows if row["agenda"] != "–"],
    }


def _part(section: Section, one: Decomposition) -> dict[str, Any]:
    def near(name: str) -> str:
        low, high = one.corpus.get(name, (float("nan"),) * 2)
        return "" if low == high else signed_interval(low, high)

    within = "" if one.domain is None else f" in {section.name(one.domain)}"
    cell = both_ends(
        section, ("parts", one.domain, one.code), one.domain, (one.code,), (one.start, one.end),
        f"{line(one.code)}{within}: what the change is made of",
        f"{signed(one.total)} points: {signed(one.within)} within stayers, {signed(one.composition)} by how much they "
        f"speak, {signed(one.entry)} by entry, {signed(one.exit)} by exit. {line(one.reading)}",
    )  # fmt: skip
    return {
        "name": section.name(one.domain),
        "code": line(one.code),
        "total": signed(one.total),
        "within": signed(one.within),
        "interval": signed_interval(one.low, one.high),
        "voice": signed(one.composition),
        "entry": signed(one.entry),
        "exit": signed(one.exit),
        "near": {name: near(name) for name in ("total", "within", "composition", "entry", "exit")},
        "agenda": signed(one.agenda),
        "logic": signed(one.logic_within),
        "other": signed(one.other),
        "reading": line(one.reading),
        "cell": cell,
        # Parts that nobody stands behind, as entry where nobody entered, open nothing.
        "cells": {
            name: behind.part(section, one, name, signed(value))
            for name, value in (
                ("within", one.within),
                ("voice", one.composition),
                ("entry", one.entry),
                ("exit", one.exit),
                ("agenda", one.agenda),
                ("logic", one.logic_within),
                ("other", one.other),
            )
            if known(value)
        },
    }


MOST_ACTORS = 60
"""Actors shown at most, those with most passages; ``trajectory.json`` has them all."""


def actors(section: Section) -> list[dict[str, Any]]:
    """Every actor over the periods: who leads with them, and on how many passages; resisting is not holding."""
    found: dict[str, dict[str, Alignment]] = {}
    for one in section.trajectory.alignment:
        found.setdefault(one.actor, {})[one.period] = one
    said = {actor: sum(one.n_passages for one in by_period.values()) for actor, by_period in found.items()}
    most = set(sorted(said, key=lambda actor: (-said[actor], actor))[:MOST_ACTORS])
    rows = []
    for actor, by_period in found.items():
        if actor in most:
            roles = dict.fromkeys(line(one.role) for one in by_period.values() if one.role)
            cells = [_stands(section, by_period[period]) if period in by_period else None for period in section.periods]
            rows.append({"name": line(actor), "role": ", ".join(roles), "cells": cells})
    return rows


def _stands(section: Section, one: Alignment) -> dict[str, Any]:
    cells, key = section.cells, (id(section.trajectory), "actor", one.actor, one.period)
    every = cells.rows(section.trajectory, None, (), one.period)
    every = every[cells.cluster[every] == cells.clusters.get(one.actor, -1)]
    title = f"{line(one.actor)}, {section.name(one.period)}"
    logics = []
    carried = np.zeros(len(every), dtype=np.bool_)
    for code, n in one.carries.items():
        asides = ((one.resists, "resisted"), (one.reports, "reported"))
        aside = ", ".join(f"{held[code]} {word}" for held, word in asides if held.get(code))
        here = cells.has(code)[every]
        carried |= here
        said = f"{line(code)} in {number(n)}{f' ({aside})' if aside else ''} of {amount(one.n_passages, 'passage')}."
        cell = cells.put((*key, code), every[here], f"{title}: {line(code)}", said) if n else None
        share = percent(one.share.get(code))
        logics.append({"code": line(code), "n": number(n), "aside": aside, "share": share, "cell": cell})
    leads = line(one.leads) if one.leads else ""
    said = ", ".join(
        f"{logic['code']} in {logic['n']}" + (f" ({logic['aside']})" if logic["aside"] else "") for logic in logics
    )
    summary = f"{leads + ' leads' if leads else 'Neither leads'}: {said} of {amount(one.n_passages, 'passage')}."
    return {
        "leads": leads,
        "logics": logics,
        "n": number(one.n_passages),
        "cell": cells.put(key, every[carried], title, summary),
        "all": cells.put((*key, None), every, title, f"{amount(one.n_passages, 'passage')}: all of theirs."),
    }


def groups(section: Section) -> list[dict[str, Any]]:
    """The whole within roles and sectors; actors have their own table."""
    found: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for item in section.trajectory.groups:
        if item.domain is None and item.kind != "actor" and known(item.estimate):
            limits = interval(item.low, item.high)
            found.setdefault((item.kind, item.group), {})[item.period, item.code] = {
                "estimate": percent(item.estimate), "interval": limits, "n": number(item.n_passages),
                "flags": estimand.flags(item), "cell": _group_cell(section, item),
            }  # fmt: skip
    return [
        {
            "kind": kind,
            "name": line(name),
            "cells": [[cells.get((period, code)) for code in section.logics] for period in section.periods],
        }
        for (kind, name), cells in found.items()
    ]


def _group_cell(section: Section, item: Prevalence) -> int:
    rows = section.cells.rows(section.trajectory, None, (item.code,), item.period)
    rows = rows[section.cells.group(item.kind)[rows] == item.group]
    key = (id(section.trajectory), item.kind, item.group, item.code, item.period)
    title = f"{line(item.code)}, {line(item.group)}, {section.name(item.period)}"
    return section.cells.put(key, rows, title, estimand.summary(item, section.trajectory), item.n_coded)
