"""Which logic leads a domain at the start and at the end: K24's shift table."""

from __future__ import annotations

from sibnlp.aggregate import Counts
from sibnlp.codebook import Framework
from sibnlp.tally import SUPPORT, Tally, support, tally
from sibnlp.types import Pole

DIFFER, SAME, OPEN = "►", "▲", "?"


def poles(counts: Counts, framework: Framework) -> tuple[Pole, ...]:
    """The leading logic (60 % of the passages with either) of every domain at its first and last period.

    Args:
        counts: predictions laid out by period and actor.
        framework: with two logics; with any other number there is no pole.

    Returns:
        One entry a domain (None for the whole) with passages in two periods: ``►`` where both poles have support of at
        least 0.80 and differ, ``▲`` where they are the same, ``?`` else.
    """
    if len(framework.logics) != 2:
        return ()
    found = []
    for domain in (None, *framework.domains):
        cells: list[tuple[str, Tally]] = []
        for number, period in enumerate(counts.periods):
            inside = (counts.period == number) & counts.has(domain)
            if inside.any():
                first, second = (counts.has(logic)[inside] for logic in framework.logics)
                cells.append((period, tally(counts.cluster[inside], first, second, {})))
        if len(cells) < 2:
            continue
        ends = [cells[0], cells[-1]]
        leaders = [cell.sums().leader for _, cell in ends]
        held = [support(cell, lambda one: one.leader, f"pole|{domain}|{period}") for period, cell in ends]
        names = [framework.logics[leader] if leader is not None else None for leader in leaders]
        sure = all(name is not None for name in names) and all(one >= SUPPORT for one in held)
        symbol = OPEN if not sure else SAME if names[0] == names[1] else DIFFER
        found.append(Pole(domain, ends[0][0], ends[1][0], names[0], names[1], held[0], held[1], symbol))
    return tuple(found)
