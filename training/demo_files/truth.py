"""What is in the case, recounted from the records as they were written; the plan is not asked for any number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from training.demo_files import mess
from training.demo_files.ledger import MACHINES, TRANSCRIBED
from training.demo_files.source import Record, Source
from training.demo_files.tables import answering, asking, section_coding

LOGICS = ("NPM", "NPG", "PVM")
DOMAINS = ("governance_mechanisms", "inter_organizational_dynamics", "performance_emphasis")
DIMENSIONS = (
    "characterization",
    "dominant_focus",
    "managerial_goals",
    "public_interest",
    "performance_objective",
    "accountability_model",
    "system_of_delivery",
)
# Below this share of its domain's turns a logic that was there before is left behind.
_LEFT_BEHIND = 0.10
Counted = list[tuple[Source, Record]]


def truth(plan: Mapping[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """All of ``truth.json``."""
    spoken = _coded(source for source in sources if source.is_interview)
    written = _coded(source for source in sources if not source.is_interview)
    stages = [stage["id"] for stage in plan["stages"]]
    stayers = _stayers(sources)
    return {
        "note": "Counted from source/*.jsonl by training/build_demo.py. A turn counts once for a logic in a domain.",
        "turns": _sizes([source for source in sources if source.is_interview], stages),
        "sections": _sizes([source for source in sources if not source.is_interview], stages),
        "logics": _logics(spoken, stages),
        "cells_by_design": plan["truth"]["shares"],
        "cells": _cells(spoken, stages),
        "cells_documents": _cells(written, stages),
        "relations": {
            "by_design": plan["truth"]["relations"],
            "cells": _relations(spoken, stages),
            "coded_documents": _marks(written, stages),
        },
        "dimensions": _dimensions(spoken, stages),
        "dimensions_documents": {name: found["counts"] for name, found in _dimensions(written, stages).items()},
        "actor_change": {
            "actor": plan["truth"]["actor_change"]["changes"],
            "from": plan["truth"]["actor_change"]["from"],
            "to": plan["truth"]["actor_change"]["to"],
            "stances": _stances(spoken),
            "endorsed_most": _endorsed_most(spoken),
        },
        "composition": {
            "actors": {str(s): sorted({source.plan["actor"] for source, _ in _in(spoken, s)}) for s in stages},
            "stayers": sorted(stayers),
            "by_design": plan["truth"]["composition"]["cell"],
            "cell": _by_actor(spoken, stages, plan["truth"]["composition"]["cell"]),
            "cells_stayers": _cells([pair for pair in spoken if pair[0].plan["actor"] in stayers], stages),
            "reading": plan["truth"]["composition"]["reading"],
        },
        "transcript_sources": {
            "by_design": plan["case"]["transcript_sources"],
            "files": _transcribed(sources, stages),
        },
        "files": {source.file: _file(source) for source in sources},
        "mess": mess.as_data(),
    }


def _coded(sources: Iterable[Source]) -> Counted:
    return [(source, section_coding(section)) for source in sources for section in source.sections()]


def _in(pairs: Counted, stage: int) -> Counted:
    return [(source, record) for source, record in pairs if source.plan["stage"] == stage]


def _sizes(sources: Sequence[Source], stages: Sequence[int]) -> dict[str, Any]:
    """Stage → how much there is: documents, turns or sections, those without a code, words."""
    out = {}
    for stage in stages:
        here = [source for source in sources if source.plan["stage"] == stage]
        sections = [section for source in here for section in source.sections()]
        out[str(stage)] = {
            "documents": len(here),
            "turns": len(sections),
            "without_code": sum(not section_coding(section).codes for section in sections),
            "words": sum(len(record.text.split()) for section in sections for record in section),
        }
    return out


def _logics(pairs: Counted, stages: Sequence[int]) -> dict[str, Any]:
    """Logic → stage → turns that carry it, in whatever domain or none, and their share of all turns of the stage."""
    out: dict[str, Any] = {}
    for logic in LOGICS:
        out[logic] = {}
        for stage in stages:
            here = _in(pairs, stage)
            n = sum(logic in record.codes for _, record in here)
            out[logic][str(stage)] = {"n": n, "share": round(n / max(len(here), 1), 4)}
    return out


def _cells(pairs: Counted, stages: Sequence[int]) -> dict[str, Any]:
    """Domain → logic → stage → number of coded turns and their share of all turns of the stage."""
    out: dict[str, Any] = {}
    for domain in DOMAINS:
        out[domain] = {}
        for logic in LOGICS:
            out[domain][logic] = {}
            for stage in stages:
                here = _in(pairs, stage)
                n = sum(domain in record.codes and logic in record.codes for _, record in here)
                out[domain][logic][str(stage)] = {"n": n, "share": round(n / max(len(here), 1), 4)}
    return out


def _relations(pairs: Counted, stages: Sequence[int]) -> dict[str, Any]:
    """Domain → stage → how often each relation is coded, how many turns carry the logics, how they stand by that.

    A logic that was there before and is now in less than a tenth of the domain's turns has been left behind
    (``segregating``, which no turn is coded with); else it is what most of the marks say.
    """
    marks = _marks(pairs, stages)
    out: dict[str, Any] = {}
    for domain in DOMAINS:
        out[domain], there = {}, set[str]()
        for stage in stages:
            here = [record for _, record in _in(pairs, stage) if domain in record.codes]
            n = {logic: sum(logic in record.codes for record in here) for logic in ("NPM", "NPG")}
            found = {logic for logic in n if n[logic] >= _LEFT_BEHIND * len(here)}
            said = marks[domain][str(stage)]
            most = max(said, key=lambda relation: said[relation]) if said else None
            out[domain][str(stage)] = {
                "relation": "segregating" if there - found else most,
                "marks": said,
                "marked_by": len({s.plan["actor"] for s, r in _in(pairs, stage) if r.relation and domain in r.codes}),
                "turns": {**n, "both": sum({"NPM", "NPG"} <= set(record.codes) for record in here)},
            }
            there |= found
    return out


def _marks(pairs: Counted, stages: Sequence[int]) -> dict[str, Any]:
    """Domain → stage → how often each relation is coded in a turn."""
    return {
        domain: {
            str(stage): dict(Counter(r.relation for _, r in _in(pairs, stage) if r.relation and domain in r.codes))
            for stage in stages
        }
        for domain in DOMAINS
    }


def _dimensions(pairs: Counted, stages: Sequence[int]) -> dict[str, Any]:
    """Dimension → turns by pole and stage; the pole with more turns at the first and at the last stage."""
    out = {}
    for dimension in DIMENSIONS:
        counts = {
            str(stage): {
                pole: sum(dimension in r.dimensions and pole in r.codes for _, r in _in(pairs, stage))
                for pole in ("NPM", "PVM")
            }
            for stage in stages
        }
        start, end = (_pole(counts[str(stage)]) for stage in (stages[0], stages[-1]))
        out[dimension] = {"start": start, "end": end, "shift": start != end, "counts": counts}
    return out


def _pole(counts: Mapping[str, int]) -> str | None:
    best = max(counts.values())
    poles = [pole for pole, n in counts.items() if n == best]
    return poles[0] if len(poles) == 1 else None


def _stances(pairs: Counted) -> dict[str, Any]:
    """Actor → stage → ``logic:stance`` → turns."""
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for source, record in pairs:
        for logic, stance in record.stances.items():
            found[source.plan["actor"]][str(source.plan["stage"])][f"{logic}:{stance}"] += 1
    return {
        actor: {stage: dict(sorted(counts.items())) for stage, counts in sorted(by_stage.items())}
        for actor, by_stage in sorted(found.items())
    }


def _endorsed_most(pairs: Counted) -> dict[str, Any]:
    """Actor → stage → the logics endorsed in more turns than any other; two where they are even."""
    out: dict[str, Any] = {}
    for actor, stages in _stances(pairs).items():
        out[actor] = {}
        for stage, counts in stages.items():
            endorsed = {name.partition(":")[0]: n for name, n in counts.items() if name.endswith(":endorses")}
            out[actor][stage] = [logic for logic, n in endorsed.items() if n == max(endorsed.values())]
    return out


def _by_actor(pairs: Counted, stages: Sequence[int], cell: Mapping[str, Any]) -> dict[str, Any]:
    """One cell of a logic in a domain, by actor: stage → turns that carry both, for stages the actor speaks at."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for stage in stages:
        for source, record in _in(pairs, stage):
            of_actor = counts[source.plan["actor"]]
            is_inside = {cell["domain"], cell["logic"]} <= set(record.codes)
            of_actor[str(stage)] = of_actor.get(str(stage), 0) + is_inside
    return {"domain": cell["domain"], "logic": cell["logic"], "turns_by_actor": dict(sorted(counts.items()))}


def _transcribed(sources: Sequence[Source], stages: Sequence[int]) -> dict[str, Any]:
    """Stage → who or what wrote the interviews down, and how many of them a machine did."""
    out = {}
    for stage in stages:
        by = [TRANSCRIBED[s.id] for s in sources if s.is_interview and s.plan["stage"] == stage]
        out[str(stage)] = {**dict(sorted(Counter(by).items())), "by_machine": sum(one in MACHINES for one in by)}
    return out


def _stayers(sources: Sequence[Source]) -> set[str]:
    """Actors interviewed at the first stage and at the last."""
    stages: dict[str, set[int]] = defaultdict(set)
    for source in sources:
        if source.is_interview:
            stages[source.plan["actor"]].add(source.plan["stage"])
    last = max(max(found) for found in stages.values())
    return {actor for actor, found in stages.items() if {1, last} <= found}


def _file(source: Source) -> dict[str, Any]:
    made = {"transcribed_by": TRANSCRIBED[source.id]} if source.is_interview else {}
    return {
        "source": f"{source.id}.jsonl",
        **made,
        "format": source.plan["format"],
        "mess": source.plan["mess"],
        "answering": answering(source),
        "asking": asking(source),
    }
