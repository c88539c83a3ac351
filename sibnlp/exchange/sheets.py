"""Plain tables: coded passages as JSONL, CSV, XLSX or Parquet, and lists of codes (Taguette's codebook) as CSV.

A table of passages has the columns that the README names under "Codings"; predictions of `sibnlp classify` are one. It
holds passages and not the text between them: `Options.texts` gives the whole texts, else documents are put together
from their passages.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sibnlp import codebook, tables
from sibnlp.codebook import Codebook
from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import Options
from sibnlp.exchange.codebooks import project_codes
from sibnlp.exchange.coded import codings
from sibnlp.exchange.documents import document_names
from sibnlp.exchange.extents import union
from sibnlp.exchange.project import (
    RECORDED,
    Case,
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
from sibnlp.parsing.cells import is_ours, neutral, restored
from sibnlp.parsing.decode import decode
from sibnlp.tables import files
from sibnlp.tables.coded import codings_from_rows, scores_of
from sibnlp.tables.output import CODING_COLUMNS
from sibnlp.tables.rows import is_text_column
from sibnlp.types import CodedPassage, Passage

CODE_NAMES = ("tag", "name", "path")
"""Columns that hold the code in a list of codes, as Taguette takes them."""
_MAX_CELL = 32_767
# An ending that a name may have here and lack there; a number behind a point is none, nor are words.
_SUFFIX = re.compile(r"\.[A-Za-z]\w{1,7}$")
_NO_CELL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_KNOWN = ("model", "scores", "explanation", *CODING_COLUMNS)
_OF_DOCUMENT = ("stage", "date", "kind")


def sniff(path: Path, head: bytes) -> bool:
    """Its suffixes are its own."""
    return True


def read(path: Path, options: Options) -> Project:
    """Read a coded table, or a list of codes.

    Raises:
        ReadError, TableError: as `sibnlp.tables.read_codings`.
    """
    if path.suffix.lower() in (".csv", ".tsv"):
        listed = _code_list(path)
        if listed is not None:
            return Project(path.stem, listed)
    rows, places, _ = files.load(path)
    places = places or [f"row {number}" for number in range(1, len(rows) + 1)]
    kept = [(row, place) for row, place in zip(rows, places, strict=True) if _has_text(row)]
    coded = codings_from_rows([row for row, _ in kept], [place for _, place in kept], path, path.name)
    scored = [scores_of(row, path, place) for row, place in kept]
    said = [_explanations(row.get("explanation")) for row, _ in kept]
    return _Builder(path, options).build(coded, scored, said)


def _has_text(row: Mapping[str, Any]) -> bool:
    return any(is_text_column(name) and str(value if value is not None else "").strip() for name, value in row.items())


def _explanations(value: Any) -> dict[str, str]:
    """Explanations by code; one for all codes under the empty name."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {"": value}
    if isinstance(value, Mapping):
        return {str(code): str(text) for code, text in value.items()}
    return {"": str(value)} if value else {}


def _code_list(path: Path) -> tuple[ProjectCode, ...] | None:
    """Codes of a table that has a column for them and none for texts; None where it is no such table.

    Raises:
        ReadError: a row without a code, or with more cells than the header.
    """
    text, _ = decode(path.read_bytes(), path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if is_ours(header):
        rows = [[restored(cell) for cell in row] for row in rows]
    names = [name for name in CODE_NAMES if name in header]
    if "text" in header or "codes" in header or len(names) != 1:
        return None
    column = header.index(names[0])
    found: list[ProjectCode] = []
    for number, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header) or not cells[column].strip():
            raise ReadError(path, f"{len(cells)} cells, or no code", f"{len(header)} cells a row", f"row {number}")
        row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        parent = f"code {row['parent']}" if row.get("parent") else ""
        found.append(ProjectCode(f"code {row[names[0]]}", row[names[0]], row.get("description", ""), parent))
    known = {code.id for code in found}
    return tuple(replace(code, parent=code.parent if code.parent in known else "") for code in found)


class _Builder:
    """Puts a project together from coded passages."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path, self.options = path, options
        self.books: list[Codebook] = [codebook.load(name) for name in options.codebooks]
        self.problems: list[Problem] = []
        self._bare: dict[str, list[str]] = {}
        for name in options.texts:
            self._bare.setdefault(_SUFFIX.sub("", name), []).append(name)

    def build(
        self, coded: Sequence[CodedPassage], scored: Sequence[Mapping[str, float]], said: Sequence[Mapping[str, str]]
    ) -> Project:
        models = [str(dict(one.passage.extra).get("model") or "") for one in coded]
        names = [
            model or one.coder or ("model" if scores else "people")
            for one, model, scores in zip(coded, models, scored, strict=True)
        ]
        machine = {name for name, model, scores in zip(names, models, scored, strict=True) if model or scores}
        coders = tuple(Coder(f"coder {name}", name, name in machine) for name in dict.fromkeys(names))
        by_document: dict[str, list[int]] = {}
        for number, one in enumerate(coded):
            by_document.setdefault(one.passage.document, []).append(number)
        codes = self._codes(coded)
        code_ids = {code: f"code {code}" for one in coded for code in one.codes}
        families = self._families(coded)
        documents, extents = [], []
        homes: list[tuple[Passage, str, str]] = []
        for document, numbers in by_document.items():
            text, spans = self._text(document, [coded[n].passage for n in numbers])
            marks: dict[tuple[int, int], list[Coding]] = {}
            read: dict[str, dict[tuple[int, int], None]] = {}
            for n, span in zip(numbers, spans, strict=True):
                read.setdefault(names[n], {})[span] = None
                for code in coded[n].codes:
                    id = f"coding {document} {span[0]}-{span[1]} {code} {names[n]}"
                    score = scored[n].get(code)
                    marks.setdefault(span, []).append(
                        Coding(
                            id,
                            code_ids[code],
                            f"coder {names[n]}",
                            score=score,
                            note=said[n].get(code, said[n].get("", "")),
                        )
                    )
            selections = tuple(
                Selection(f"selection {document} {span[0]}-{span[1]}", *span, tuple(given))
                for span, given in sorted(marks.items())
            )
            there = {(one.start, one.end): one.id for one in selections}
            homes += [(coded[n].passage, document, there.get(span, "")) for n, span in zip(numbers, spans, strict=True)]
            extents += [
                Extent(f"coder {coder}", f"document {document}", union(own), families, RECORDED)
                for coder, own in read.items()
            ]
            values = self._values([coded[n].passage for n in numbers])
            documents.append(ProjectDocument(f"document {document}", document, text, "text", selections, values=values))
        self._lost(coded)
        cases = _cases(homes)
        return Project(
            self.path.stem,
            codes,
            coders,
            tuple(documents),
            _variables(documents, cases),
            cases,
            extents=tuple(extents),
            problems=tuple(self.problems),
        )

    def _codes(self, coded: Sequence[CodedPassage]) -> tuple[ProjectCode, ...]:
        found = {code.id: code for book in self.books for code in project_codes(book)}
        for one in coded:
            for code in one.codes:
                found.setdefault(f"code {code}", ProjectCode(f"code {code}", code))
        return tuple(found.values())

    def _families(self, coded: Sequence[CodedPassage]) -> tuple[str, ...]:
        """Names of the families that every row was read for; empty where rows do not say, or the codebook does not."""
        read = {one.extent for one in coded}
        names = {family.id: family.name or family.id for book in self.books for family in book.families}
        if len(read) == 1:
            own = next(iter(read))
            if all(family in names for family in own):
                return tuple(names[family] for family in own)
        what = "families that passages were read for: rows differ, or no --codebook says what they are"
        if read != {()} and not any(problem.what == what for problem in self.problems):
            self.problems.append(Problem(self.path.name, what))
        return ()

    def _text(self, document: str, passages: Sequence[Passage]) -> tuple[str, list[tuple[int, int]]]:
        """The document's text and the passages' spans in it."""
        whole = self._whole(document)
        if whole is not None:
            if all(whole[one.start : one.end] == one.text for one in passages):
                return whole, [(one.start, one.end) for one in passages]
            if found := _located(whole, passages):
                return whole, found
            problem = "its passages do not stand in the text given for it; it is put together from them"
            self.problems.append(Problem(document, problem))
        pieces: list[str] = []
        at, length = {}, 0
        for one in sorted(passages, key=lambda one: (one.start, one.end)):
            key = (one.start, one.end, one.text)
            if key in at:
                continue
            label = f"{one.speaker}: " if one.speaker and not one.text.startswith(f"{one.speaker}:") else ""
            at[key] = (length + len(label), length + len(label) + len(one.text))
            pieces.append(label + one.text)
            length += len(pieces[-1]) + 2
        if whole is None:
            where = self.options.texts_from
            fix = f"no file of that name in {where}" if where else "give --documents"
            what = f"put together from its passages: a table does not hold what stands between them ({fix})"
            self.problems.append(Problem(document, what))
        return "\n\n".join(pieces), [at[one.start, one.end, one.text] for one in passages]

    def _whole(self, document: str) -> str | None:
        """The text given for a document: by its name, else by its name without suffix, where one alone has that."""
        texts = self.options.texts
        if document in texts:
            return texts[document]
        alike = self._bare.get(_SUFFIX.sub("", document), [])
        return texts[alike[0]] if len(alike) == 1 else None

    def _values(self, passages: Sequence[Passage]) -> tuple[Value, ...]:
        found = []
        for name in _OF_DOCUMENT:
            said = {str(value) for one in passages if (value := getattr(one, name))}
            if len(said) == 1:
                found.append(Value(f"variable {name}", said.pop()))
            elif said:
                self.problems.append(Problem(passages[0].document, f"several values of {name} in one document"))
        return tuple(found)

    def _lost(self, coded: Sequence[CodedPassage]) -> None:
        stances = sum(bool(one.stances) for one in coded)
        chances = sum(one.inclusion_probability is not None for one in coded)
        columns = Counter(name for one in coded for name, _ in one.passage.extra if name not in _KNOWN)
        for what, n in (("stances by logic", stances), ("inclusion probabilities", chances)):
            if n:
                self.problems.append(Problem(self.path.name, what, n))
        if columns:
            self.problems.append(Problem(self.path.name, f"further columns: {', '.join(list(columns)[:12])}"))


def _located(whole: str, passages: Sequence[Passage]) -> list[tuple[int, int]]:
    """Passages by their words, each at or behind the one before it, white space apart; empty if one is not there."""
    found: dict[str, tuple[int, int]] = {}
    at = 0
    for one in passages:
        if one.text in found:
            continue
        pattern = re.compile(r"\s+".join(map(re.escape, one.text.split())))
        hit = pattern.search(whole, at) or pattern.search(whole)
        if hit is None:
            return []
        found[one.text] = hit.span()
        at = hit.end()
    return [found[one.text] for one in passages]


def _cases(homes: Sequence[tuple[Passage, str, str]]) -> tuple[Case, ...]:
    """A case an actor: the documents that nobody else speaks in, else the selections of what he says."""
    speaking: dict[str, set[str]] = {}
    for passage, document, _ in homes:
        if passage.actor:
            speaking.setdefault(document, set()).add(passage.actor)
    found = []
    for actor in dict.fromkeys(passage.actor for passage, _, _ in homes if passage.actor):
        own = [home for home in homes if home[0].actor == actor]
        documents = dict.fromkeys(f"document {d}" for _, d, _ in own if speaking[d] == {actor})
        marks = dict.fromkeys(selection for _, d, selection in own if selection and speaking[d] != {actor})
        roles = {passage.role for passage, _, _ in own if passage.role}
        values = (Value("variable role", roles.pop()),) if len(roles) == 1 else ()
        found.append(Case(f"case {actor}", actor, "", values, tuple(documents), tuple(marks)))
    return tuple(found)


def _variables(documents: Iterable[ProjectDocument], cases: Iterable[Case]) -> tuple[Variable, ...]:
    used = dict.fromkeys(value.variable for document in documents for value in document.values)
    used |= dict.fromkeys(value.variable for case in cases for value in case.values)
    return tuple(Variable(id, id.removeprefix("variable ")) for id in used)


# Out


def write(project: Project, path: Path, options: Options) -> tuple[Problem, ...]:
    """Write coded passages, selections (`Options.spans`), or, of a project without documents, a list of codes.

    Returns:
        What a table has no place for.

    Raises:
        TableError: nothing is coded, or codes are not in `Options.codebooks`.
    """
    suffix = path.suffix.lower()
    if not project.documents:
        if suffix != ".csv":
            raise TableError(
                path, "a project without documents has a list of codes alone", "write it to .csv, .qdc or .toml"
            )
        _write_codes(project, path)
        return ()
    problems = []
    if options.spans:
        rows = list(_span_rows(project, path))
    else:
        books = [codebook.load(name) for name in options.codebooks]
        coded = codings(replace(project, problems=()), path, books, options)
        rows = list(_passage_rows(coded.rows))
        problems += [Problem("", note) for note in coded.notes]
    lost = {"notes": len(project.notes), "links": len(project.links), "sets": len(project.groups)}
    problems += [Problem("", f"{what}: a table has no place for them", n) for what, n in lost.items() if n]
    if suffix == ".xlsx":
        problems += _write_xlsx(rows, path)
    elif suffix == ".tsv":
        raise TableError(path, "cannot write .tsv", "use .csv")
    else:
        tables.write(rows, path)
    return tuple(problems)


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> tuple[Problem, ...]:
    """Write rows as they are, to .xlsx as well.

    Raises:
        TableError: another suffix.
    """
    if path.suffix.lower() == ".xlsx":
        return tuple(_write_xlsx(rows, path))
    tables.write(rows, path)
    return ()


def _passage_rows(coded: Sequence[CodedPassage]) -> Iterator[dict[str, Any]]:
    for row, one in zip(tables.passage_rows(one.passage for one in coded), coded, strict=True):
        yield {**row, "codes": list(one.codes), "coder": one.coder, "extent": list(one.extent)}


def _span_rows(project: Project, path: Path) -> Iterator[dict[str, Any]]:
    """A row a selection and coder, exactly as marked; codes by name."""
    named = document_names(project, path)
    names = {code.id: code.name for code in project.codes}
    for document in project.documents:
        for selection in document.selections:
            for coder in dict.fromkeys(coding.coder for coding in selection.codings):
                codes = [names[c.code] for c in selection.codings if c.coder == coder and c.code in names]
                yield {
                    "document": named[document.id],
                    "start": selection.start,
                    "end": selection.end,
                    "text": document.text[selection.start : selection.end],
                    "codes": codes,
                    "coder": project.coder_name(coder),
                    "remark": selection.description,
                }


def _write_codes(project: Project, path: Path) -> None:
    names = {code.id: code.name for code in project.codes}
    with path.open("w", encoding="utf-8", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(["tag", "parent", "description"])
        rows = ((code.name, names.get(code.parent, ""), code.description) for code in project.codes)
        writer.writerows([neutral(cell) for cell in row] for row in rows)


def _write_xlsx(rows: Sequence[Mapping[str, Any]], path: Path) -> list[Problem]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("codings")
    names = list(dict.fromkeys(name for row in rows for name in row))
    cut = 0

    def cell(value: Any) -> Any:
        nonlocal cut
        if isinstance(value, list | tuple):
            value = ";".join(map(str, value))
        if isinstance(value, Mapping):
            value = json.dumps(value, ensure_ascii=False)
        if not isinstance(value, str):
            return value
        cut += len(value) > _MAX_CELL
        made = WriteOnlyCell(sheet, value=_NO_CELL.sub("\ufffd", value[:_MAX_CELL]))
        made.data_type = "s"  # a text that begins with = is no formula
        made.quotePrefix = True  # nor does it become one when somebody edits the cell
        return made

    sheet.append([cell(name) for name in names])
    for row in rows:
        sheet.append([cell(row.get(name)) for name in names])
    book.save(path)
    return [Problem("", f"texts longer than {_MAX_CELL:,} characters, which Excel cuts", cut)] if cut else []
