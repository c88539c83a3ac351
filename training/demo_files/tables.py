"""The tables beside the files: who speaks and when, and the project file; and what of a source is coded as one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.coding.records import FAMILY_OF
from training.demo_files.source import Record, Source

_COLUMNS = ("document", "speaker", "stage", "date", "kind", "actor", "role")


def metadata(plan: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """``metadata.csv``: one row a file, and one for each label that is not the actor's."""
    actors = {actor["id"]: actor for actor in plan["actors"]}
    out = io.StringIO()
    rows = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    rows.writeheader()
    for source in sources:
        actor, role = _actor(source, actors)
        rows.writerow(
            {
                "document": source.file,
                "stage": source.plan["stage"],
                "date": source.plan["date"],
                "kind": source.plan["type"],
                "actor": actor,
                "role": role,
            }
        )
    for source in sources:
        actor, role = _actor(source, actors)
        for label in answering(source):
            rows.writerow({"document": source.file, "speaker": label, "actor": actor, "role": role})
    return out.getvalue()


def _actor(source: Source, actors: Mapping[str, Any]) -> tuple[str, str]:
    actor = source.plan["actor"]
    return (actors[actor]["name"], actors[actor]["role"]) if actor else ("", "")


def answering(source: Source) -> list[str]:
    """Labels of the respondent in a file."""
    return list(dict.fromkeys(label for label, _, record in source.spoken() if label and not record.interviewer)) * (
        source.is_interview
    )


def asking(source: Source) -> list[str]:
    """Labels of the interviewer in a file."""
    return list(dict.fromkeys(label for label, _, record in source.spoken() if label and record.interviewer)) * (
        source.is_interview
    )


def project(plan: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """``project.toml``."""
    labels = sorted({label for source in sources for label in asking(source)})
    lines = [
        "# The demo case: see ../README.md. Written by training/build_demo.py.",
        f"title = {json.dumps(plan['case']['title'], ensure_ascii=False)}",
        "",
    ]
    for stage in plan["stages"]:
        lines += [
            "[[stage]]",
            f'id = "{stage["id"]}"',
            f'name = "{stage["name"]}"',
            f'start = "{stage["from"]}"',
            f'end = "{stage["to"]}"',
            "",
        ]
    names = ", ".join(json.dumps(label, ensure_ascii=False) for label in labels)
    lines += [
        "[segment]",
        '# Guesses of recorders, too: "Speaker 2" and "Speaker 3" are the interviewer in the one file that has each.',
        f"interviewers = [{names}]",
    ]
    return "\n".join(lines) + "\n"


def passage_id(source: Source, number: int) -> str:
    """Id of a source's section."""
    return f"{source.id}:{number:02d}"


def text_of(section: Sequence[Record]) -> str:
    """A section's text."""
    return "\n\n".join(record.text for record in section)


def section_coding(section: Sequence[Record]) -> Record:
    """The record that carries a section's coding: headings have none.

    The codebook gives a domain only where NPM or NPG is carried. The plan gave some to PVM alone; they fall away here,
    so that the case's truth is one a reader of the codebook can find.
    """
    record = next((record for record in section if record.kind != "heading"), section[0])
    if {"NPM", "NPG"} & set(record.codes):
        return record
    return replace(record, codes=tuple(code for code in record.codes if FAMILY_OF[code] != "domain"))


def codes(record: Record) -> list[str]:
    """Codes of all families."""
    relation = [record.relation] if record.relation else []
    return list(dict.fromkeys([*record.codes, *record.dimensions, *relation, *record.stances.values()]))
