"""Label Studio: tasks as JSON, annotated or with predictions; the labelling configuration as XML.

Offsets count UTF-16 units in older versions and code points in newer ones (its issues 1008 and 1347), which no file
says; the quotation that each region keeps tells. A submitted annotation means that its task was read: that is its
extent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from sibnlp.errors import ReadError
from sibnlp.exchange import Options, coordinates
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.project import (
    RECORDED,
    Coder,
    Coding,
    Extent,
    Problem,
    Project,
    ProjectCode,
    ProjectDocument,
    Selection,
    Value,
    Variable,
)
from sibnlp.exchange.refi_read import check_system
from sibnlp.exchange.refixml import Tally
from sibnlp.exchange.uima_layers import is_json

MAX_SIZE = 256 * 1024**2
FROM, TO = "code", "text"
"""Names of the control and the object tag in the configuration we write."""
_NOBODY = "coder annotator"
_NAMES = ("document", "title", "name", "file_name", "filename", "id")


def sniff(path: Path, head: bytes) -> bool:
    """A JSON list or object, but for a UIMA CAS."""
    return (
        path.suffix.lower() == ".json"
        and not is_json(head)
        and head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")
    )


def read(path: Path, options: Options) -> Project:
    """Read exported tasks (JSON or JSON-MIN).

    Raises:
        ReadError: longer than `MAX_SIZE`, no JSON, or no task with a text.
    """
    if path.stat().st_size > MAX_SIZE:
        raise ReadError(path, f"is larger than {MAX_SIZE // 1024**2} MB", "export fewer tasks at a time")
    try:
        tasks = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReadError(path, f"not JSON ({str(error)[:120]})") from error
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not isinstance(tasks, list):
        raise ReadError(path, "no list of tasks")
    reader = _Reader(path, check_system(options.offsets))
    for number, task in enumerate(tasks, 1):
        reader.add(task, number)
    return reader.project()


@dataclass(slots=True)
class _Region:
    start: int
    end: int
    quotation: str
    codings: list[Coding]


@dataclass(slots=True)
class _Task:
    name: str
    source: coordinates.SourceText
    values: tuple[Value, ...]
    regions: list[_Region] = field(default_factory=list)
    whole: list[Coding] = field(default_factory=list)
    readers: dict[str, None] = field(default_factory=dict)


class _Reader:
    def __init__(self, path: Path, asked: coordinates.System | None) -> None:
        self.path, self.asked, self.tally = path, asked, Tally()
        self.tasks: list[_Task] = []
        self.codes: dict[str, ProjectCode] = {}
        self.coders: dict[str, Coder] = {}
        self.variables: dict[str, Variable] = {}

    def add(self, raw: Any, number: int) -> None:
        """Take one task; what is wrong with it stays with it."""
        place = f"task {number}"
        if not isinstance(raw, dict):
            self.tally.add(place, "is no object", failed=True)
            return
        data = raw["data"] if isinstance(raw.get("data"), dict) else raw
        text, key = _text(data)
        if not text:
            self.tally.add(place, "has no text", failed=True)
            return
        names = [str(data[name]) for name in _NAMES if isinstance(data.get(name), str | int)]
        name = names[0] if names else f"task {raw.get('id', number)}"
        task = _Task(name, coordinates.SourceText(text), tuple(self._values(data, key)))
        self.tasks.append(task)
        try:
            self._annotations(raw, task, place)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            self.tally.add(place, f"its annotations are damaged ({type(error).__name__})", failed=True)

    def _values(self, data: Mapping[str, Any], text: str) -> Iterator[Value]:
        for key, value in data.items():
            if key != text and isinstance(value, str | int | float) and key not in _NAMES[:1] and str(value).strip():
                id = f"variable {key}"
                self.variables.setdefault(id, Variable(id, key))
                yield Value(id, str(value))

    def _annotations(self, raw: Mapping[str, Any], task: _Task, place: str) -> None:
        if "data" not in raw:
            self._minimal(raw, task, place)
            return
        for one in raw.get("annotations", raw.get("completions")) or ():
            if one.get("was_cancelled"):
                self.tally.add(place, "annotations that were cancelled")
                continue
            results = one.get("result") or ()
            # Our own exports say in each region who coded it, for Label Studio takes no annotators it does not know.
            signed = bool(results) and all(_meta(result).get("coder") for result in results)
            coder = "" if signed else self._coder(_user(one.get("completed_by")), False)
            if coder:
                task.readers[coder] = None
            self._results(one.get("result") or (), task, coder, place, None, str(one.get("created_at") or ""))
        for one in raw.get("predictions") or ():
            coder = self._coder(str(one.get("model_version") or "model"), True)
            task.readers[coder] = None
            self._results(one.get("result") or (), task, coder, place, _score(one.get("score")), "")

    def _minimal(self, raw: Mapping[str, Any], task: _Task, place: str) -> None:
        """JSON-MIN: regions and choices under the names of their tags."""
        coder = self._coder(_user(raw.get("annotator")), False)
        found: list[dict[str, Any]] = []
        for value in raw.values():
            if isinstance(value, list):
                found += [{"type": "labels", "value": one} for one in value if isinstance(one, dict) and "start" in one]
            elif isinstance(value, dict) and "choices" in value:
                found.append({"type": "choices", "value": value})
        task.readers[coder] = None
        self._results(found, task, coder, place, None, str(raw.get("created_at") or ""))

    def _results(
        self, results: Sequence[Any], task: _Task, coder: str, place: str, score: float | None, created: str
    ) -> None:
        for number, one in enumerate(results):
            value = one.get("value") or {}
            labels = value.get("labels") or value.get("hypertextlabels") or value.get("choices")
            if isinstance(labels, str):
                labels = [labels]
            if not labels or not isinstance(labels, list):
                self.tally.add(place, f"results of type {one.get('type')!r}")
                continue
            said = _meta(one)
            who = self._coder(said["coder"], False) if said.get("coder") else coder
            task.readers[who] = None
            own = _score(one.get("score"))
            codings = [
                Coding(
                    f"coding {len(self.tasks)} {who} {number} {label}", self._code(str(label)), who, created,
                    score if own is None else own, said.get("explanation", ""),
                )
                for label in labels
            ]  # fmt: skip
            if "choices" in value:
                task.whole += codings
                continue
            place_of = value.get("globalOffsets") or value
            start, end = place_of.get("start"), place_of.get("end")
            if not isinstance(start, int) or not isinstance(end, int):
                self.tally.add(place, "regions of HTML without offsets in its text")
                continue
            task.regions.append(_Region(start, end, str(value.get("text") or ""), codings))

    def _coder(self, name: str, machine: bool) -> str:
        id = f"coder {name}"
        self.coders.setdefault(id, Coder(id, name, machine))
        return id

    def _code(self, name: str) -> str:
        id = f"code {name}"
        self.codes.setdefault(id, ProjectCode(id, name))
        return id

    def project(self) -> Project:
        """All tasks as one project.

        Raises:
            ReadError: none has a text.
        """
        if not self.tasks:
            raise ReadError(self.path, "no task with a text", "export as JSON from a project that labels text")
        measured = [
            coordinates.measure(
                task.source, [(one.start, one.end) for one in task.regions], [one.quotation for one in task.regions]
            )
            for task in self.tasks
        ]
        together = coordinates.pool(measured)
        self._name_the_one()
        documents, extents = [], []
        for number, (task, one) in enumerate(zip(self.tasks, measured, strict=True), 1):
            id = f"document {number}"
            documents.append(self._document(id, task, coordinates.decide(one, together, self.asked)))
            whole = ((0, len(task.source.text)),)
            extents += [Extent(coder, id, whole, (), RECORDED) for coder in task.readers if whole[0][1]]
        return Project(
            self.path.stem, tuple(self.codes.values()), tuple(self.coders.values()), tuple(documents),
            tuple(self.variables.values()), extents=tuple(extents), problems=self.tally.problems(),
            origin="Label Studio",
        )  # fmt: skip

    def _name_the_one(self) -> None:
        """Annotations without a result and an annotator are those of the only person who codes elsewhere."""
        people = [id for id, coder in self.coders.items() if not coder.machine and id != _NOBODY]
        given = {coding.coder for task in self.tasks for one in task.regions for coding in one.codings}
        if len(people) == 1 and _NOBODY in self.coders and _NOBODY not in given:
            del self.coders[_NOBODY]
            for task in self.tasks:
                if _NOBODY in task.readers:
                    task.readers = {people[0] if id == _NOBODY else id: None for id in task.readers}

    def _document(self, id: str, task: _Task, decided: coordinates.Decided) -> ProjectDocument:
        text = task.source.text
        document = ProjectDocument(id, task.name, text, values=task.values)
        spans: dict[tuple[int, int], list[Coding]] = {}
        if decided.system is None:
            table = "".join(f"\n    {line}" for line in decided.table)
            what = f"{decided.why}; its {len(task.regions)} regions are left out. Candidates:{table}"
            self.tally.add(task.name, what, failed=True)
        if decided.doubtful:
            self.tally.add(task.name, "edges of selections that may be off by one or two characters", decided.doubtful)
        for region, span in zip(task.regions, decided.spans, strict=decided.system is not None):
            if span is None:
                self.tally.add(task.name, "regions outside its text, or empty ones")
            else:
                spans.setdefault(span, []).extend(region.codings)
        if task.whole:
            spans.setdefault((0, len(text)), []).extend(task.whole)
        selections = []
        for (start, end), codings in sorted(spans.items()):
            single = {(coding.code, coding.coder): coding for coding in codings}
            self.tally.add(task.name, "codings given twice", len(codings) - len(single))
            selections.append(Selection(f"selection {id} {start}-{end}", start, end, tuple(single.values())))
        said = f"{decided.system} ({decided.why})" if task.regions and decided.system else ""
        return replace(document, selections=tuple(selections), coordinates=said)


def _text(data: Mapping[str, Any]) -> tuple[str, str]:
    """The text of a task and its key: ``text``, else the longest there is."""
    if isinstance(data.get("text"), str):
        return data["text"], "text"
    texts = {key: value for key, value in data.items() if isinstance(value, str) and not value.startswith("http")}
    key = max(texts, key=lambda key: len(texts[key]), default="")
    return texts.get(key, ""), key


def _user(value: Any) -> str:
    if isinstance(value, dict):
        names = (value.get("email"), " ".join(str(value.get(k) or "") for k in ("first_name", "last_name")).strip())
        return next((str(name) for name in names if name), f"user {value.get('id', '')}".strip())
    return f"user {value}" if isinstance(value, int) else str(value or "annotator")


def _score(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 and not isinstance(value, bool) else None


def _meta(result: Mapping[str, Any]) -> dict[str, str]:
    """What our own exports put into a region's remarks."""
    lines = (result.get("meta") or {}).get("text") or ()
    pairs = (str(line).partition(": ") for line in ([lines] if isinstance(lines, str) else lines))
    return {key: value for key, _, value in pairs if key in ("coder", "explanation")}


# Out


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write a task a document: people's codings as annotations, models' as predictions; or the configuration (.xml).

    Offsets are code points, as Label Studio counts since 1.5.
    """
    if path.suffix.lower() == ".xml":
        path.write_text(configuration(project), encoding="utf-8")
        return ()
    tally = Tally()
    named = document_names(project, path)
    tasks = [_task(project, document, named[document.id], tally) for document in project.documents if document.text]
    tally.add("", "documents without a text", sum(not document.text for document in project.documents))
    tally.add(
        "", "notes, links and sets: tasks have none", sum(map(len, (project.notes, project.links, project.groups)))
    )
    tally.add("", "the hierarchy of codes: labels have none", int(any(code.parent for code in project.codes)))
    path.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", errors="replace")
    return tally.problems()


def configuration(project: Project) -> str:
    """The labelling configuration that the tasks we write need."""
    used = {placed.coding.code for placed in project.placed()}
    parents = {code.parent for code in project.codes}
    codes = [code for code in project.codes if code.codable and (code.id in used or code.id not in parents)]
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in dict.fromkeys(code.name for code in codes))
    return (
        f'<View>\n  <Labels name="{FROM}" toName="{TO}">\n{labels}  </Labels>\n'
        f'  <Text name="{TO}" value="$text" granularity="word"/>\n</View>\n'
    )


def _task(project: Project, document: ProjectDocument, name: str, tally: Tally) -> dict[str, Any]:
    names = {code.id: code.name for code in project.codes}
    variables = {variable.id: variable.name for variable in project.variables}
    machines = {coder.id for coder in project.coders if coder.machine}
    data: dict[str, Any] = {variables[v.variable]: v.value for v in document.values if v.variable in variables}
    data |= {"text": document.text, "document": name}
    by_coder: dict[str, list[dict[str, Any]]] = {
        extent.coder: [] for extent in project.extents if extent.document == document.id
    }
    for selection in document.selections:
        tally.add(name, "remarks on selections", int(bool(selection.description)))
        for coding in selection.codings:
            by_coder.setdefault(coding.coder, []).append(
                _result(selection, coding, names[coding.code], project, document.text)
            )
    tally.add(name, "codings of whole documents", len(document.codings))
    predictions = [
        {"model_version": project.coder_name(coder), "result": results}
        for coder, results in by_coder.items()
        if coder in machines
    ]
    annotations = [{"result": results} for coder, results in by_coder.items() if coder not in machines]
    return {"data": data, "annotations": annotations, "predictions": predictions}


def _result(selection: Selection, coding: Coding, code: str, project: Project, text: str) -> dict[str, Any]:
    start, end = selection.start, selection.end
    found: dict[str, Any] = {
        "id": f"{start}-{end}-{coding.code}"[:60],
        "from_name": FROM,
        "to_name": TO,
        "type": "labels",
        "value": {"start": start, "end": end, "text": text[start:end], "labels": [code]},
    }
    if coding.score is not None:
        found["score"] = coding.score
    said = [f"coder: {project.coder_name(coding.coder)}"] if coding.coder and coding.score is None else []
    said += [f"explanation: {coding.note}"] if coding.note else []
    return {**found, "meta": {"text": said}} if said else found
