"""Which passages stand behind the parts of a change and behind a change point: rules that no plain cell has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sibnlp.report.text import amount
from sibnlp.types import ChangePoint, Decomposition

if TYPE_CHECKING:
    from sibnlp.report.findings import Section

Rows = NDArray[np.int32]


def part(section: Section, one: Decomposition, name: str, value: str) -> int | None:
    """Number of the cell behind a part of a change; None where it stands on no passage.

    Args:
        section: whose change it is.
        one: the change.
        name: ``within``, ``voice``, ``entry`` or ``exit``; ``agenda``, ``logic`` or ``other``.
        value: the part, as it is written.
    """
    rows, said = _rows(section, one, name)
    if not len(rows):
        return None
    within = "" if one.domain is None else f" in {section.name(one.domain)}"
    ends = f"{section.name(one.start)} and {section.name(one.end)}"
    key = (id(section.trajectory), "part", name, one.domain, one.code)
    title = f"{one.code}{within}, {ends}: {TITLES[name]}"
    return section.cells.put(key, rows, title, f"{value} points. {said}")


TITLES = {
    "within": "within stayers",
    "voice": "voice of stayers",
    "entry": "entry",
    "exit": "exit",
    "agenda": "what is talked about",
    "logic": "logic within domains",
    "other": "outside single domains",
}


def _rows(section: Section, one: Decomposition, name: str) -> tuple[Rows, str]:
    heard = section.cells.heard(section.trajectory, one.start, one.end)
    talk = amount(len(heard.both), "passage")
    if name == "voice":
        return heard.stayed, f"All passages of those heard in both periods, out of {talk} of all talk."
    if name in ("within", "entry", "exit"):
        rows, who = {
            "within": (heard.stayed, "those heard in both periods"),
            "entry": (heard.came, "those heard only at the end"),
            "exit": (heard.left, "those heard only at the start"),
        }[name]
        carry = rows[_carries(section, one.domain, one.code)[rows]]
        return carry, f"The passages that carry it of {who}, out of {amount(len(rows), 'passage')} of theirs."
    domains = section.n_domains
    if name == "agenda":
        return heard.both[domains[heard.both] > 0], "All passages on any domain."
    carry = heard.both[section.cells.has(one.code)[heard.both]]
    if name == "logic":
        return carry[domains[carry] > 0], f"The passages that carry {one.code} on any domain."
    apart = carry[domains[carry] != 1]
    if not len(apart):  # the rest of the change then lies in how much is said there
        return heard.both[domains[heard.both] != 1], f"Passages on no domain, or on several; none carries {one.code}."
    return apart, f"The passages that carry {one.code} on no domain, or on several."


def _carries(section: Section, domain: str | None, code: str) -> NDArray[np.bool_]:
    held = section.cells.has(code)
    return held if domain is None else held & section.cells.has(domain)


def segments(section: Section, point: ChangePoint) -> tuple[int, int, int]:
    """Cells of the level before a change point, of the level after it, and of both.

    A level reaches to the next change point of the same share on either side.
    """
    trajectory, periods = section.trajectory, section.trajectory.periods
    here = periods.index(point.period)
    same = [one for one in trajectory.change_points if (one.domain, one.code) == (point.domain, point.code)]
    others = sorted(periods.index(one.period) for one in same if one.period in periods)
    start = max((i for i in others if i < here), default=0)
    end = min((i for i in others if i > here), default=len(periods))
    domain = "" if point.domain is None else f" in {section.name(point.domain)}"
    cells = []
    for word, low, high in (("before", start, here), ("from", here, end), ("around", start, end)):
        place = section.cells.periods(trajectory)
        keep = (place >= low) & (place < high) & _carries(section, point.domain, point.code)
        span = f"{section.name(periods[low])} to {section.name(periods[high - 1])}"
        key = (id(trajectory), "break", point.domain, point.code, point.period, word)
        title = f"{point.code}{domain}, {word} {section.name(point.period)}"
        cells.append(section.cells.put(key, np.flatnonzero(keep), title, f"Passages that carry it, {span}."))
    return cells[0], cells[1], cells[2]
