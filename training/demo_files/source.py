"""What the writers wrote: records in order, beside the plan's facts about their document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from training.demo_files import mess

INTERVIEW = "interview"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a source file: a turn, or a heading, paragraph, list item or table row."""

    kind: str
    text: str
    speaker: str = ""
    interviewer: bool = False
    codes: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    relation: str | None = None
    stances: Mapping[str, str] = field(default_factory=dict)
    beat: int | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """How a file names its speakers.

    Attributes:
        asking, answering: what stands before the interviewer's and the respondent's turns.
        wrong: further labels that the recorder put in by mistake, by index of the turn among those of its side;
            keys are ``asking`` and ``answering``.
    """

    asking: str = ""
    answering: str = ""
    wrong: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A document of the case: the plan's facts, its records, and how its file names the speakers."""

    plan: Mapping[str, Any]
    records: tuple[Record, ...]
    labels: Labels

    @property
    def id(self) -> str:
        """Id in the plan; the file's name without its suffix."""
        return str(self.plan["id"])

    @property
    def file(self) -> str:
        """Name of the file in the case folder."""
        return f"{self.id}.{self.plan['format']}"

    @property
    def is_interview(self) -> bool:
        """Whether people speak in it."""
        return bool(self.plan["type"] == INTERVIEW)

    @property
    def headings(self) -> list[str]:
        """Headings before anything else, mis-hearings or not."""
        first = next((i for i, record in enumerate(self.records) if record.kind != "heading"), 0)
        return [record.text for record in self.records[:first]]

    def spoken(self) -> Iterator[tuple[str, str, Record]]:
        """Turns and the headings between them: label (empty for a heading), text as the file has it, record."""
        counts = {"asking": 0, "answering": 0}
        for record in self.records[len(self.headings) :]:
            if record.kind != "turn":
                yield "", record.text, record
                continue
            side = "asking" if record.interviewer else "answering"
            usual = self.labels.asking if record.interviewer else self.labels.answering
            label = self.labels.wrong.get(side, {}).get(counts[side], usual)
            counts[side] += 1
            yield label, mess.heard(self.id, record.beat, record.text), record

    def sections(self) -> list[list[Record]]:
        """What is coded as one: a respondent's turn, or all of a document's records with one beat."""
        if self.is_interview:
            return [[record] for record in self.records if record.kind == "turn" and not record.interviewer]
        body = [record for record in self.records if record.beat is not None]
        return [list(group) for _, group in groupby(body, key=lambda record: record.beat)]


def load(folder: Path, labels: Mapping[str, Labels]) -> tuple[dict[str, Any], list[Source]]:
    """The plan, and the documents in the plan's order.

    Args:
        folder: holds ``plan.json`` and ``source/``.
        labels: how each file names its speakers.

    Raises:
        ValueError: a source does not hold the beats of the plan or the words that are to be changed, or codes them
            differently.
    """
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return plan, [read(folder, entry, labels) for entry in plan["documents"]]


def read(folder: Path, entry: Mapping[str, Any], labels: Mapping[str, Labels]) -> Source:
    """One document.

    Args:
        folder, labels: as for `load`.
        entry: of the plan.

    Raises:
        ValueError: as `load`.
    """
    lines = (folder / "source" / f"{entry['id']}.jsonl").read_text(encoding="utf-8").splitlines()
    records = tuple(_record(json.loads(line)) for line in lines if line.strip())
    source = Source(entry, records, labels.get(entry["id"], Labels()))
    _check(source)
    if missing := mess.lacking(source.id, records):
        raise ValueError("\n".join(missing))
    return source


def _record(raw: dict[str, Any]) -> Record:
    return Record(
        kind=raw["kind"],
        text=re.sub(r"\s+", " ", raw["text"]).strip(),
        speaker=raw.get("speaker", ""),
        interviewer=bool(raw.get("interviewer")),
        codes=tuple(raw.get("codes", ())),
        dimensions=tuple(raw.get("dimensions", ())),
        relation=raw.get("relation"),
        stances=raw.get("stances", {}),
        beat=raw.get("beat"),
    )


def _check(source: Source) -> None:
    """Each beat is there once, with the codes planned for it."""
    sections = source.sections()
    beats = source.plan["beats"]
    found = [section[0].beat for section in sections]
    if sorted(beat for beat in found if beat is not None) != list(range(len(beats))):
        raise ValueError(f"{source.id}: beats {found}, planned 0 to {len(beats) - 1}")
    for section in sections:
        coded = next((record for record in section if record.kind != "heading"), section[0])
        planned = beats[coded.beat or 0]
        for name in ("codes", "dimensions"):
            if sorted(getattr(coded, name)) != sorted(planned[name]):
                raise ValueError(f"{source.id}, beat {coded.beat}: {name} {getattr(coded, name)}, not {planned[name]}")
        if coded.relation != planned["relation"] or dict(coded.stances) != planned["stances"]:
            raise ValueError(f"{source.id}, beat {coded.beat}: relation or stances differ from the plan")
