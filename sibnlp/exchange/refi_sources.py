"""The sources of a REFI-QDA project: their texts, and where their selections stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from lxml import etree

from sibnlp.errors import ReadError
from sibnlp.exchange import coordinates
from sibnlp.exchange.project import Coding, ProjectDocument, Selection, Sync, Value
from sibnlp.exchange.refixml import Package, Tally, as_guid, child, children, content, guid, inner, local
from sibnlp.parsing.decode import decode

VALUES = ("TextValue", "BooleanValue", "IntegerValue", "FloatValue", "DateValue", "DateTimeValue")


def note_refs(element: etree._Element, besides: Set[str] = frozenset()) -> tuple[str, ...]:
    """Ids of the notes on an element, but for some."""
    refs = (guid(one.get("targetGUID")) for one in children(element, "NoteRef"))
    return tuple(dict.fromkeys(ref for ref in refs if ref and ref not in besides))


def values_of(element: etree._Element) -> Iterator[Value]:
    """Values of variables on an element."""
    for one in children(element, "VariableValue"):
        reference = child(one, "VariableRef")
        value = next((content(v).strip() for v in children(one, *VALUES)), "")
        if reference is not None and value:
            yield Value(guid(reference.get("targetGUID")), value)


@dataclass(slots=True)
class _Mark:
    """A selection before its offsets are understood."""

    selection: Selection
    start: int
    end: int


@dataclass(slots=True)
class _Pending:
    """A document before its offsets are understood.

    Attributes:
        quotations: selections known by their words alone, placed where these are found once.
    """

    document: ProjectDocument
    source: coordinates.SourceText
    marks: list[_Mark] = field(default_factory=list)
    points: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    by_points: list[tuple[Selection, str, str]] = field(default_factory=list)
    by_time: list[tuple[Selection, int, int]] = field(default_factory=list)
    quotations: list[tuple[Selection, str]] = field(default_factory=list)


class Sources:
    """Reads sources one by one, then places all their selections together: how they count is one project's habit.

    Args:
        package: the archive.
        tally: takes what is lost or guessed.
        codes: ids of the codes there are.
        machine_notes: score and explanation by id of the notes that hold them.
        asked: the coordinate system of all sources, where the user says it.
        own_export: whether the project says that we wrote it.

    Attributes:
        means: documents that a GUID in cases, sets and links means; a recording is known by its transcripts.
    """

    def __init__(
        self,
        package: Package,
        tally: Tally,
        codes: Set[str],
        machine_notes: Mapping[str, tuple[float | None, str]],
        asked: coordinates.System | None,
        own_export: bool,
    ) -> None:
        self.package, self.tally, self.known, self.machine_notes = package, tally, codes, machine_notes
        self.asked, self.own_export = asked, own_export
        self.means: dict[str, list[str]] = {}
        self.taken: set[str] = set()
        self.pending: list[_Pending] = []
        # Some tools list a transcript as a text of its own too: one file is one document.
        self.by_member: dict[str, _Pending] = {}

    def add(self, element: etree._Element) -> None:
        """Read one source."""
        kind = local(element).lower()
        name = (element.get("name") or "").strip() or f"source {len(self.means) + 1}"
        if kind == "textsource":
            self._text(element, element, name, "text")
        elif kind == "pdfsource":
            self._pdf(element, name)
        elif kind in ("audiosource", "videosource"):
            self._recording(element, name)
        else:
            selections = sum(1 for one in element.iterchildren() if local(one).endswith("Selection"))
            self.tally.add(name, f"a picture, and its {selections} selections, are no text")

    def _text(self, element: etree._Element, owner: etree._Element, name: str, kind: str) -> _Pending:
        """A text, for a source (``owner``) that has it as its own or as its representation."""
        id = self._own_id(owner, name)
        raw = self._raw_text(element, name)
        document = ProjectDocument(
            id,
            name,
            "",
            kind,
            codings=tuple(self._codings(owner, name)),
            description=inner(owner, "Description").strip(),
            values=tuple(values_of(owner)),
            notes=note_refs(owner),
            coder=guid(owner.get("creatingUser")),
            created=(owner.get("creationDateTime") or "").strip(),
        )
        pending = _Pending(document, coordinates.SourceText(raw or ""))
        pending.document = replace(document, text=pending.source.text)
        for key in {guid(owner.get("guid")), guid(element.get("guid")), id} - {""}:
            self.means.setdefault(key, []).append(id)
        marks = list(children(element, "PlainTextSelection"))
        if raw is None or not pending.source.text:
            self.tally.add(name, "selections of a source without text", len(marks), failed=True)
        else:
            pending.marks = [mark for mark in (self._mark(one, name) for one in marks) if mark]
        self.pending.append(pending)
        if kind == "text" and (member := self.package.find(element.get("plainTextPath") or "")):
            self.by_member[member] = pending
        return pending

    def _listed_already(self, element: etree._Element) -> _Pending | None:
        """The document that has the same file as its text, where there is one."""
        pending = self.by_member.get(self.package.find(element.get("plainTextPath") or "") or "")
        if pending is not None:
            self.means.setdefault(guid(element.get("guid")), []).append(pending.document.id)
        return pending

    def _own_id(self, element: etree._Element, name: str) -> str:
        id = guid(element.get("guid"))
        if not id or id in self.taken:
            if id:
                self.tally.add(name, "has the GUID of another source")
            id = guid(as_guid("source", f"{name}\0{len(self.taken)}"))
        self.taken.add(id)
        return id

    def _raw_text(self, element: etree._Element, name: str) -> str | None:
        """A source's plain text with its own line ends and mark; None, and said why, if it is not there."""
        inline, reference = child(element, "PlainTextContent"), element.get("plainTextPath")
        if not reference:
            if inline is None:
                self.tally.add(name, "has neither a text nor a reference to one", failed=True)
                return None
            return content(inline)
        member = self.package.find(reference)
        if member is None:
            if inline is not None:
                self.tally.add(name, "its text file is missing; the text inside the project is taken")
                return content(inline)
            outside = "lies outside the project file" if re.match(r"(absolute|relative):", reference) else "is missing"
            self.tally.add(name, f"its text file {outside} ({reference.rpartition('/')[2][:60]})", failed=True)
            return None
        if inline is not None and content(inline).strip():
            self.tally.add(name, "has its text twice; the file is taken")
        try:
            raw = self._decode(self.package.read(member), name)
        except ReadError as error:
            self.tally.add(name, error.problem, failed=True)
            return None
        rich = element.get("richTextPath")
        if len(raw.strip("\ufeff \r\n\t")) < 2 and rich and self.package.find(rich):
            self.tally.add(name, "its plain text is empty though there is a .docx: offsets mean the plain text, so "
                           "export it again from the tool", failed=True)  # fmt: skip
        return raw

    def _decode(self, raw: bytes, name: str) -> str:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            encoding = decode(raw, name)[1]
            self.tally.add(name, f"its text is {encoding}, not UTF-8")
            text = raw.decode(encoding)
        if "\0" in text:
            raise ReadError(name, "its text is binary data (zero bytes)")
        return text

    def _mark(self, element: etree._Element, place: str) -> _Mark | None:
        try:
            start, end = (int((element.get(key) or "").strip()) for key in ("startPosition", "endPosition"))
        except ValueError:
            self.tally.add(place, "selections without a position")
            return None
        return _Mark(self._selection(element, place), start, end)

    def _selection(self, element: etree._Element, place: str) -> Selection:
        name = element.get("name") or ""
        id = guid(element.get("guid")) or guid(as_guid("selection", f"{place}\0{name}\0{element.get('startPosition')}"))
        return Selection(
            id, 0, 1, tuple(self._codings(element, place)), name, inner(element, "Description").strip(),
            guid(element.get("creatingUser")), (element.get("creationDateTime") or "").strip(), note_refs(element)
        )  # fmt: skip

    def _codings(self, element: etree._Element, place: str) -> Iterator[Coding]:
        for number, one in enumerate(children(element, "Coding")):
            targets = [guid(ref.get("targetGUID")) for ref in children(one, "CodeRef")]
            if not targets:
                self.tally.add(place, "codings without a code")
            for target in targets:
                if target not in self.known:
                    self.tally.add(place, "codings with a code that is not in the codebook")
                    continue
                coder = guid(one.get("creatingUser")) or guid(element.get("creatingUser"))
                id = guid(one.get("guid")) or guid(as_guid("coding", f"{place}\0{target}\0{number}"))
                notes = note_refs(one)
                score, said = next((self.machine_notes[n] for n in notes if n in self.machine_notes), (None, ""))
                yield Coding(
                    id,
                    target,
                    coder,
                    (one.get("creationDateTime") or "").strip(),
                    score,
                    said,
                    tuple(note for note in notes if note not in self.machine_notes),
                )

    def _pdf(self, element: etree._Element, name: str) -> None:
        """A PDF by its text; areas on its pages by their words, where they have any."""
        areas = list(children(element, "PDFSelection"))
        text = child(element, "Representation")
        if text is None:
            self.tally.add(name, f"a PDF without its text, and {len(areas)} selections on it", failed=bool(areas))
            self.means.setdefault(guid(element.get("guid")), [])
            return
        pending = self._text(text, element, name, "pdf")
        there = {mark.selection.id: mark for mark in pending.marks}
        for area in areas:
            selection = self._selection(area, name)
            if selection.id in there:  # the same quotation, on the page and in the text
                mark = there[selection.id]
                mark.selection = replace(mark.selection, codings=(*mark.selection.codings, *selection.codings))
                continue
            words = inner(child(area, "Representation"), "PlainTextContent").strip()
            if not pending.source.text:
                self.tally.add(name, "selections of a source without text", failed=True)
            elif words:
                pending.quotations.append((selection, words))
            else:
                self.tally.add(name, "areas of PDF pages without words")

    def _recording(self, element: etree._Element, name: str) -> None:
        transcripts = list(children(element, "Transcript"))
        timed = [one for one in element.iterchildren() if local(one) in ("AudioSelection", "VideoSelection")]
        self.means.setdefault(guid(element.get("guid")), [])
        found: list[_Pending] = []
        for number, one in enumerate(transcripts):
            own = (one.get("name") or "").strip() or (f"{name} {number + 1}" if len(transcripts) > 1 else name)
            pending = self._listed_already(one) or self._text(one, one, own, "transcript")
            found.append(pending)
            self.means[guid(element.get("guid"))].append(pending.document.id)
            for point in children(one, "SyncPoint"):
                numbers = [_number(point.get(key)) for key in ("position", "timeStamp")]
                pending.points.append((guid(point.get("guid")), numbers[0], numbers[1]))
            for mark in children(one, "TranscriptSelection"):
                ends = guid(mark.get("fromSyncPoint")), guid(mark.get("toSyncPoint"))
                pending.by_points.append((self._selection(mark, own), *ends))
        if not transcripts:
            self.tally.add(name, f"a recording without a transcript, and {len(timed)} selections of it")
            return
        with_time = [one for one in found if one.source.text and any(t is not None for _, _, t in one.points)]
        for mark in timed:
            if not list(children(mark, "Coding")) and not note_refs(mark) and child(mark, "Description") is None:
                self.tally.add(name, "selections of the recording that carry nothing")
                continue
            begin, end = _number(mark.get("begin")), _number(mark.get("end"))
            if len(with_time) == 1 and begin is not None and end is not None:
                with_time[0].by_time.append((self._selection(mark, name), begin, end))
            else:
                self.tally.add(name, "selections of the recording that no transcript has times for")

    # From offsets to code points

    def documents(self) -> tuple[ProjectDocument, ...]:
        """All documents read, their selections in code points of the text of record."""
        measured = []
        for pending in self.pending:
            spans = [(mark.start, mark.end) for mark in pending.marks]
            points = [at for _, at, _ in pending.points if at] if not spans else []
            names = [mark.selection.name for mark in pending.marks]
            measured.append(coordinates.measure(pending.source, spans, names, points))
        together = coordinates.pool(measured) if len(measured) > 1 else None
        found = []
        for pending, one in zip(self.pending, measured, strict=True):
            why = "as asked" if self.asked else "as sibnlp writes"
            decided = coordinates.decide(one, together, self.asked or self._ours(pending), why)
            found.append(self._document(pending, decided))
        return tuple(found)

    def _ours(self, pending: _Pending) -> coordinates.System | None:
        """What we wrote ourselves counts as we write, however few its selections; unless it was saved anew since."""
        untouched = not pending.source.has_mark and pending.source.break_in_file == 1 and pending.source.mixed is None
        return coordinates.System() if self.own_export and untouched else None

    def _document(self, pending: _Pending, decided: coordinates.Decided) -> ProjectDocument:
        name, text = pending.document.name, pending.source.text
        if decided.system is None:
            table = "".join(f"\n    {line}" for line in decided.table)
            what = (
                f"{decided.why}, so its {len(pending.marks)} selections are left out; say --offsets. Candidates:{table}"
            )
            self.tally.add(name, what, failed=True)
            return replace(pending.document, selections=tuple(self._by_words(pending)))
        placed = []
        for mark, span in zip(pending.marks, decided.spans, strict=True):
            if mark.start == mark.end and not decided.system.inclusive:
                self.tally.add(name, "empty selections")
            elif span is None:
                self.tally.add(name, f"selections outside its text ({len(text):,} characters)")
            else:
                placed.append(replace(mark.selection, start=span[0], end=span[1]))
        if decided.doubtful:
            self.tally.add(name, "edges of selections that may be off by one or two characters", decided.doubtful)
        points = self._points(pending, decided.system)
        placed += self._by_points(pending, points)
        placed += self._by_words(pending)
        coordinates_said = f"{decided.system} ({decided.why})" if pending.marks else ""
        selections = tuple(sorted(self._single(placed, name), key=lambda one: (one.start, one.end)))
        return replace(pending.document, selections=selections, sync=points, coordinates=coordinates_said)

    def _points(self, pending: _Pending, system: coordinates.System) -> tuple[Sync, ...]:
        if not pending.points or not pending.source.text:
            return ()
        known = [at for _, at, _ in pending.points if at is not None]
        found = iter(coordinates.place_points(pending.source, system, known))
        return tuple(Sync(id, None if at is None else next(found), time) for id, at, time in pending.points)

    def _by_points(self, pending: _Pending, points: Sequence[Sync]) -> Iterator[Selection]:
        """Selections of a transcript, which stand between two of its points."""
        name, length = pending.document.name, len(pending.source.text)
        at = {point.id: point.position for point in points}
        for selection, first, last in pending.by_points:
            start, end = at.get(first), at.get(last, length if not last else None)
            if start is None or end is None or start >= end:
                self.tally.add(name, "selections between points of the transcript that have no place")
            else:
                yield replace(selection, start=start, end=end)
        timed = sorted(
            (p.milliseconds, p.position) for p in points if p.milliseconds is not None and p.position is not None
        )
        for selection, begin, finish in pending.by_time:
            before = [position for time, position in timed if time <= begin]
            after = [position for time, position in timed if time >= finish]
            start, end = (before[-1] if before else 0), (after[0] if after else length)
            if start >= end:
                self.tally.add(name, "selections of the recording that no transcript has times for")
                continue
            self.tally.add(name, "selections of the recording, placed on the transcript by its nearest times")
            yield replace(selection, start=start, end=end)

    def _by_words(self, pending: _Pending) -> Iterator[Selection]:
        """Selections whose words stand in the text once, white space apart."""
        for selection, words in pending.quotations:
            pattern = re.compile(r"\s*".join(re.escape(word) for word in words.split()[:400]))
            hits = [match.span() for match, _ in zip(pattern.finditer(pending.source.text), range(2), strict=False)]
            if len(hits) == 1:
                self.tally.add(pending.document.name, "areas of PDF pages, placed in the text by their words")
                yield replace(selection, start=hits[0][0], end=hits[0][1])
            else:
                self.tally.add(pending.document.name, "areas of PDF pages whose words are not found once in the text")

    def _single(self, placed: Iterable[Selection], name: str) -> Iterator[Selection]:
        """Selections without codings that another one has given already."""
        given: set[tuple[int, int, str, str]] = set()
        bare: set[tuple[int, int, str, str]] = set()
        for selection in placed:
            codings = []
            for coding in selection.codings:
                key = (selection.start, selection.end, coding.code, coding.coder)
                if key in given:
                    self.tally.add(name, "codings given twice")
                else:
                    given.add(key)
                    codings.append(coding)
            key = (selection.start, selection.end, selection.coder, selection.description)
            if not codings and not selection.notes and (selection.codings or key in bare):
                self.tally.add(name, "selections made twice", 0 if selection.codings else 1)
                continue
            bare.add(key)
            id = selection.id
            if id in self.taken:
                self.tally.add(name, "selections with a GUID that something else has")
                id = guid(as_guid("selection", f"{id}\0{name}\0{selection.start}\0{len(self.taken)}"))
            self.taken.add(id)
            yield replace(selection, id=id, codings=tuple(codings))


def _number(value: str | None) -> int | None:
    try:
        return int((value or "").strip())
    except ValueError:
        return None
