"""One trajectory as tables: prevalence and relation per domain and period, shifts, exemplars, points for its chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.report import changes, estimand, makeup
from sibnlp.report.charts import styles
from sibnlp.report.passages import Cells, in_scope
from sibnlp.report.text import attribution, capital, excerpt, interval, known, line, named, number, percent
from sibnlp.types import Exemplar, Prevalence, Relation, Report, Trajectory

QUOTES_PER_CELL, QUOTES_PER_CODE = 2, 5


class Section:
    """Builds the view of one trajectory.

    Args:
        report: what it belongs to.
        trajectory: of one framework.
        cells: the page's figures, added to as tables name them.
    """

    def __init__(self, report: Report, trajectory: Trajectory, cells: Cells) -> None:
        self.report, self.trajectory, self.cells = report, trajectory, cells
        self.periods = trajectory.periods
        self.logics = tuple(dict.fromkeys(p.code for p in trajectory.prevalence))
        # The whole comes first: it is what the domains are read against.
        found = dict.fromkeys(p.domain for p in trajectory.prevalence)
        self.domains: tuple[str | None, ...] = tuple(sorted(found, key=lambda domain: domain is not None))
        self.prevalence: Mapping[tuple[str | None, str, str], Prevalence] = {
            (p.domain, p.code, p.period): p for p in trajectory.prevalence
        }
        self.relations: Mapping[tuple[str | None, str], Relation] = {
            (r.domain, r.period): r for r in trajectory.relations
        }
        # Interviews and documents share a framework, not their quotations.
        kinds = cells.kinds
        self.telling = [
            exemplar
            for exemplar in report.exemplars
            if exemplar.framework == trajectory.framework and in_scope(kinds[exemplar.row], trajectory.scope)
        ]
        self.quotable: dict[tuple[str | None, str, str], list[Exemplar]] = {}
        for exemplar in self.telling:
            self.quotable.setdefault((exemplar.domain, exemplar.code, exemplar.period), []).append(exemplar)

    @cached_property
    def n_domains(self) -> NDArray[np.int8]:
        """[n] of how many of the framework's domains each passage is."""
        found = np.zeros(len(self.report.predictions), dtype=np.int8)
        for domain in self.domains:
            if domain is not None:
                found += self.cells.has(domain)
        return found

    def name(self, id: str | None) -> str:
        """Display name of a code, domain or period; the whole for None."""
        return "All domains" if id is None else capital(named(self.report.names, id))

    def figure(self, item: Prevalence) -> int:
        """Number of the cell behind a prevalence."""
        domain = "" if item.domain is None else f" in {self.name(item.domain)}"
        return self.cells.add(
            self.trajectory,
            item.domain,
            (item.code,),
            item.period,
            title=f"{line(item.code)}{domain}, {self.name(item.period)}",
            summary=estimand.summary(item, self.trajectory),
            counted=item.n_coded,
        )

    def share(self, item: Prevalence) -> dict[str, Any]:
        """One prevalence as a table shows it."""
        return {
            "code": line(item.code),
            "estimate": percent(item.estimate),
            "interval": interval(item.low, item.high),
            "corpus": estimand.corpus(item),
            "method": estimand.method(item),
            "flags": estimand.flags(item),
            "coded": number(item.n_coded),
            "n": number(item.n_passages),
            "cell": self.figure(item) if known(item.estimate) else None,
        }

    def denominator(self, domain: str | None, period: str) -> dict[str, Any]:
        """What a row's shares are shares of."""
        items = [p for code in self.logics if (p := self.prevalence.get((domain, code, period)))]
        if not items or not items[0].n_passages:
            return {"n": "0", "detail": ["no passages"], "cell": None}
        # Where a model abstained from one logic and not from another, their denominators differ: the larger is named.
        item = max(items, key=lambda one: one.n_passages)
        within = domain if self.trajectory.denominator == "domain" else None
        of = "All passages" if within is None else f"All passages on {self.name(within)}"
        passages, *detail = estimand.base(item)
        cell = self.cells.add(
            self.trajectory,
            within,
            (),
            period,
            title=f"{of}, {self.name(period)}",
            summary=f"{', '.join([passages, *detail])}: the denominator",
            counted=item.n_passages,
        )
        return {"n": number(item.n_passages), "detail": detail, "cell": cell}

    def quote(self, exemplar: Exemplar) -> dict[str, Any]:
        """One quotation with its source and the cell it stands for."""
        passage = self.report.predictions.passages[exemplar.row]
        item = self.prevalence.get((exemplar.domain, exemplar.code, exemplar.period))
        return {
            "code": line(exemplar.code),
            "text": excerpt(passage.text),
            "by": attribution(passage),
            "period": self.name(exemplar.period),
            "domain": self.name(exemplar.domain),
            "cell": self.figure(item) if item is not None else None,
            "row": exemplar.row,
        }

    def quotes(self, domain: str | None, period: str) -> list[dict[str, Any]]:
        """A cell's quotations: the best of each logic, of different passages."""
        found: list[Exemplar] = []
        for code in self.logics:
            used = {exemplar.row for exemplar in found}
            found += [e for e in self.quotable.get((domain, code, period), ()) if e.row not in used][:1]
        return [self.quote(exemplar) for exemplar in found[:QUOTES_PER_CELL]]

    def findings(self) -> list[dict[str, Any]]:
        """Per domain and period: denominators, prevalence, relation, quotations (F23 Table 3)."""
        return [
            {
                "name": self.name(domain),
                "rows": [
                    {
                        "period": self.name(period),
                        "of": self.denominator(domain, period),
                        "shares": [
                            self.share(p) if (p := self.prevalence.get((domain, code, period))) else None
                            for code in self.logics
                        ],
                        "relation": makeup.relation(self, domain, period),
                        "quotes": self.quotes(domain, period),
                    }
                    for period in self.periods
                ],
            }
            for domain in self.domains
        ]

    def exemplars(self) -> list[dict[str, Any]]:
        """Per code: the most telling quotations, from as many speakers and cells as there are (K24 Table 3)."""
        by_code: dict[str, list[Exemplar]] = {code: [] for code in self.logics}
        for exemplar in self.telling:
            by_code.setdefault(exemplar.code, []).append(exemplar)
        return [
            {"code": line(code), "name": self.name(code), "quotes": [self.quote(e) for e in self._spread(items)]}
            for code, items in by_code.items()
            if items
        ]

    def _spread(self, items: Sequence[Exemplar]) -> list[Exemplar]:
        """The best, preferring a speaker, then a period, not quoted yet; a domain's cell over the whole's."""
        passages = self.report.predictions.passages
        ranked = sorted(items, key=lambda e: (e.domain is None, -e.score, e.row))
        best = list({exemplar.row: exemplar for exemplar in reversed(ranked)}.values())[::-1]
        found: list[Exemplar] = []
        while best and len(found) < QUOTES_PER_CODE:
            speakers = [passages[e.row].actor or passages[e.row].speaker for e in found]
            periods = [e.period for e in found]
            best.sort(key=lambda e: (
                speakers.count(passages[e.row].actor or passages[e.row].speaker),
                periods.count(e.period),
                -e.score,
                e.row,
            ))  # fmt: skip
            found.append(best.pop(0))
        return sorted(found, key=lambda e: (self.periods.index(e.period) if e.period in self.periods else -1, -e.score))

    def panels(self) -> list[dict[str, Any]]:
        """Points of the chart, one panel a domain; a period without passages has a point without numbers."""
        return [
            {
                "title": self.name(domain),
                "whole": domain is None,
                "breaks": changes.breaks_of(self, domain),
                "denominators": [self._n(domain, period) for period in self.periods],
                "points": [
                    {
                        "code": line(code),
                        "period": i,
                        "estimate": item.estimate if known(item.estimate) else None,
                        "low": item.low if known(item.low) else None,
                        "high": item.high if known(item.high) else None,
                        "near": item.corpus_low if known(item.corpus_low) else None,
                        "far": item.corpus_high if known(item.corpus_high) else None,
                        "method": estimand.method(item),
                        "cell": self.figure(item) if known(item.estimate) else None,
                    }
                    for code in self.logics
                    for i, period in enumerate(self.periods)
                    if (item := self.prevalence.get((domain, code, period)))
                ],
            }
            for domain in self.domains
        ]

    def _n(self, domain: str | None, period: str) -> int:
        return max((p.n_passages for c in self.logics if (p := self.prevalence.get((domain, c, period)))), default=0)

    def view(self) -> dict[str, Any]:
        """The whole section."""
        looks = styles(self.logics).items()
        return {
            "framework": line(self.trajectory.framework),
            "name": self.name(self.trajectory.framework),
            "scope": estimand.SCOPES.get(self.trajectory.scope, line(self.trajectory.scope)),
            "denominator": estimand.share_of(self.trajectory),
            "level": f"{percent(self.trajectory.level, 0)} %",
            "estimand": estimand.estimand(self.trajectory, self.report.names),
            "logics": [{"id": line(code), "name": self.name(code), **look} for code, look in looks],
            "periods": [{"id": line(period), "name": self.name(period)} for period in self.periods],
            "panels": (panels := self.panels()),
            "findings": self.findings(),
            "shifts": (shifts := changes.shifts(self)),
            "breaks": changes.breaks(self),
            "parts": makeup.parts(self),
            "actors": makeup.actors(self),
            "groups": makeup.groups(self),
            # Said once in the caption where all rows have it in common.
            "span": shifts[0]["span"] if shifts and len({row["span"] for row in shifts}) == 1 else "",
            "exemplars": self.exemplars(),
            "most": number(max((n for p in panels for n in p["denominators"]), default=0)),
            "notes": [line(note) for note in self.trajectory.notes],
            "instrument": [line(warning) for warning in self.trajectory.warnings],
        }
