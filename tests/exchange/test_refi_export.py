"""REFI-QDA written: valid, opened by a second reader, nothing lost in silence."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sibnlp import exchange
from sibnlp.exchange import (
    ASKED,
    Case,
    Coder,
    Coding,
    Extent,
    Group,
    Link,
    Note,
    Options,
    Project,
    ProjectCode,
    ProjectDocument,
    Selection,
    Value,
    Variable,
)
from tests.exchange import second_reader
from tests.exchange.test_refi import AUDIO, PDF, SECTIONS, quotations
from tests.exchange.tools import ANNA, QUOTES, TEXTS, TOOLS, Habits, guid, qdpx, rezip


def validate(path: Path, shared: Path) -> None:
    """Check a project or codebook against the schema."""
    name = "Project.xsd" if path.suffix == ".qdpx" else "Codebook.xsd"
    schema = etree.XMLSchema(etree.parse(str(shared / "qdpx" / name)))
    if path.suffix == ".qdpx":
        with zipfile.ZipFile(path) as archive:
            root = etree.fromstring(archive.read("project.qde"))
    else:
        root = etree.fromstring(path.read_bytes())
    assert schema.validate(root), schema.error_log


def machine_project() -> Project:
    """A person's and a model's codings of one interview, with everything a project can have."""
    quote, _ = QUOTES["Anna 2015"][3]
    at = ANNA.index(quote)
    mine = Coding("c1", "code trust", "anna", "2021-03-04T09:30:00Z")
    its = Coding("c2", "code trust", "model", score=0.8312, note="rests on “two years of trust”")
    selection = Selection(
        "s1", at, at + len(quote), (mine, its), "a label", "A remark <&>", "anna", "2021-03-04 09:30:00"
    )
    document = ProjectDocument(
        "d1", "Anna <2015>", ANNA, selections=(selection,), values=(Value("v1", "2"), Value("v2", "2015-06-01")), notes=("n1",),
    )  # fmt: skip
    return Project(
        "A study & more",
        (
            ProjectCode("top", "Relations", codable=False),
            ProjectCode("code trust", "trust", "Include: trust\nExclude: duty", "top", color="#00FF00", notes=("n1",)),
        ),
        (Coder("anna", "Anna Müller"), Coder("model", "gov-fast", machine=True)),
        (document,),
        (Variable("v1", "wave", "Integer"), Variable("v2", "date", "Date")),
        (Case("k1", "Anna", "provider", (Value("v1", "2"),), ("d1",), ("s1",), ("code trust",)),),
        (Group("g1", "Round 2", "", ("d1",), ("code trust",), ("n1",)), Group("g2", "empty")),
        (Note("n1", "Plan", "Ask about tea.\nAnd trust.", "a memo", "anna", "2021-03-04T09:30:00+01:00"),),
        (Link("l1", "see", "n1", "s1", "OneWay", "#123456"),),
        (Extent("anna", "d1", ((0, 200), (300, len(ANNA))), ("Relations",), ASKED),),
        description="About trust.",
        notes_on_project=("n1",),
    )


def test_an_export_is_valid_and_a_second_reader_finds_every_quotation(tmp_path: Path, shared: Path) -> None:
    project = machine_project()
    assert exchange.save(project, tmp_path / "out.qdpx") == ()
    validate(tmp_path / "out.qdpx", shared)
    found = second_reader.read(tmp_path / "out.qdpx")
    assert found.name == "A study & more"
    assert found.texts == {"Anna <2015>": ANNA}
    assert [q.text for q in found.quotations] == [QUOTES["Anna 2015"][3][0]]
    assert found.quotations[0].description == "A remark <&>"
    assert found.sets == {"Round 2": ["trust", "Anna <2015>"], "empty": []}
    assert found.cases == {"Anna": (["Anna <2015>"], {"wave": "2"})}
    assert found.values == {"Anna <2015>": {"wave": "2", "date": "2015-06-01"}}
    assert "Ask about tea.\nAnd trust." in found.notes.values()
    assert ("trust", "Relations") in found.codes.values()


def test_the_machine_is_a_coder_of_its_own_with_model_score_and_explanation(tmp_path: Path) -> None:
    exchange.save(machine_project(), tmp_path / "out.qdpx")
    found = second_reader.read(tmp_path / "out.qdpx")
    assert sorted(found.users.values()) == ["Anna Müller", "gov-fast"]
    quotation = found.quotations[0]
    assert quotation.codes == [("trust", "Anna Müller"), ("trust", "gov-fast")]
    assert quotation.notes == ["model: gov-fast\nscore: 0.8312\nexplanation: rests on “two years of trust”"]
    again = exchange.load(tmp_path / "out.qdpx")
    machine = next(coder for coder in again.coders if coder.machine)
    coding = next(placed.coding for placed in again.placed() if placed.coding.coder == machine.id)
    assert (machine.name, coding.score, coding.note) == ("gov-fast", 0.8312, "rests on “two years of trust”")
    assert all(not note.name.startswith("sibnlp") for note in again.notes)


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        exchange.save(machine_project(), tmp_path / f"{name}.qdpx")
    assert (tmp_path / "one.qdpx").read_bytes() == (tmp_path / "two.qdpx").read_bytes()


def test_what_was_read_comes_back_as_recorded(tmp_path: Path) -> None:
    exchange.save(machine_project(), tmp_path / "out.qdpx")
    again = exchange.load(tmp_path / "out.qdpx")
    (extent,) = again.extents
    assert (extent.spans, extent.families, extent.basis) == (((0, 200), (300, len(ANNA))), ("Relations",), "recorded")


def test_an_extent_that_does_not_fit_is_not_used(tmp_path: Path) -> None:
    exchange.save(machine_project(), tmp_path / "out.qdpx")
    broken = rezip(tmp_path / "out.qdpx", tmp_path / "broken.qdpx", edit=("[[0, 200]", "[[0, 20000]"))
    again = exchange.load(broken)
    assert not again.extents and "does not fit this project" in "\n".join(map(str, again.problems))


def everything(project: Project) -> dict[str, object]:
    """A project without its ids, which are not promised to stay, and without how offsets were read."""
    names = {code.id: code.name for code in project.codes}
    titles = {document.id: document.name for document in project.documents}
    notes = {note.id: note.name for note in project.notes}
    variables = {variable.id: variable.name for variable in project.variables}
    marks = {s.id: (titles[d.id], s.start, s.end) for d in project.documents for s in d.selections}
    anything = {**names, **titles, **notes, **marks}

    def values(given: tuple[Value, ...]) -> list[tuple[str, str]]:
        return [(variables[value.variable], value.value) for value in given]

    return {
        "name": project.name,
        "description": project.description,
        "codes": [(c.name, names.get(c.parent, ""), c.description, c.codable, c.color) for c in project.codes],
        "coders": [(coder.name, coder.machine) for coder in project.coders],
        "documents": [
            (d.name, d.text, d.description, d.created, values(d.values), [notes[n] for n in d.notes])
            for d in project.documents
        ],
        "selections": [
            (*marks[s.id], s.name, s.description, project.coder_name(s.coder), s.created.replace(" ", "T"))
            for d in project.documents
            for s in d.selections
        ],
        "codings": [
            (*marks[p.selection.id], names[p.coding.code], project.coder_name(p.coding.coder), p.coding.created,
             p.coding.score, p.coding.note)
            for p in project.placed()
        ],
        "variables": [(v.name, v.type, v.description) for v in project.variables],
        "cases": [
            (c.name, c.description, values(c.values), [titles[d] for d in c.documents], [marks[s] for s in c.selections])
            for c in project.cases
        ],
        "groups": [
            (g.name, g.description, [titles[d] for d in g.documents], [names[c] for c in g.codes], [notes[n] for n in g.notes])
            for g in project.groups
        ],
        "notes": [(n.name, n.text, n.description, project.coder_name(n.coder), n.created) for n in project.notes],
        "links": [(x.name, anything[x.origin], anything[x.target], x.direction, x.color) for x in project.links],
        "extents": [(project.coder_name(e.coder), titles[e.document], e.spans, e.families) for e in project.extents],
    }  # fmt: skip


def test_a_round_trip_loses_nothing_of_a_full_project(tmp_path: Path) -> None:
    project = machine_project()
    assert exchange.save(project, tmp_path / "out.qdpx") == ()
    assert everything(exchange.load(tmp_path / "out.qdpx")) == everything(project)


@pytest.mark.parametrize("name", TOOLS)
def test_a_round_trip_of_each_tool_s_project_loses_nothing(name: str, tmp_path: Path, shared: Path) -> None:
    first = exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS[name]))
    assert exchange.save(first, tmp_path / "out.qdpx") == ()
    validate(tmp_path / "out.qdpx", shared)
    second = exchange.load(tmp_path / "out.qdpx")
    assert everything(second) == everything(first)
    assert not second.problems
    exchange.save(second, tmp_path / "again.qdpx")
    assert (tmp_path / "again.qdpx").read_bytes() == (tmp_path / "out.qdpx").read_bytes()
    opened = second_reader.read(tmp_path / "out.qdpx")
    wanted = sorted(quote for quotes in QUOTES.values() for quote, _ in quotes)
    assert sorted(q.text for q in opened.quotations) == wanted


def test_a_round_trip_keeps_cases_variables_sets_notes_and_links(tmp_path: Path, shared: Path) -> None:
    first = exchange.load(qdpx(tmp_path / "study.qdpx", SECTIONS))
    assert exchange.save(first, tmp_path / "out.qdpx") == ()
    validate(tmp_path / "out.qdpx", shared)
    assert everything(exchange.load(tmp_path / "out.qdpx")) == everything(first)


def test_pdfs_and_transcripts_are_written_as_texts_and_that_is_said(tmp_path: Path, shared: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    more = (PDF + AUDIO).format(code=guid("targets", Habits()))
    first = exchange.load(rezip(path, tmp_path / "more.qdpx", edit=("</Sources>", more + "</Sources>")))
    problems = "\n".join(map(str, exchange.save(first, tmp_path / "out.qdpx")))
    assert "Report.pdf: a pdf, written as its text alone" in problems
    assert (
        "Tape: a transcript, written as its text alone" in problems and "Tape: 4 × times of the transcript" in problems
    )
    validate(tmp_path / "out.qdpx", shared)
    assert quotations(exchange.load(tmp_path / "out.qdpx")) == quotations(first)


def test_values_that_are_not_of_their_type_make_it_a_text(tmp_path: Path, shared: Path) -> None:
    project = machine_project()
    document = replace(project.documents[0], values=(Value("v1", "second"), Value("v2", "2015-02-30")))
    problems = exchange.save(replace(project, documents=(document,)), tmp_path / "out.qdpx")
    assert [problem.place for problem in problems] == ["variable 'wave'", "variable 'date'"]
    validate(tmp_path / "out.qdpx", shared)
    assert second_reader.read(tmp_path / "out.qdpx").values["Anna <2015>"] == {"wave": "second", "date": "2015-02-30"}


def test_what_xml_cannot_hold_is_replaced_and_the_file_stays_valid(tmp_path: Path, shared: Path) -> None:
    text = "One \x0b two \ud800 three.\nFour 🙂 five.\n"
    at = text.index("Four")
    selection = Selection("s", at, len(text) - 1, (Coding("c", "code trust", "anna"),), "bad \x01 name", "x\ufffe")
    project = machine_project()
    document = replace(project.documents[0], text=text, selections=(selection,))
    problems = "\n".join(
        map(str, exchange.save(replace(project, documents=(document,), links=()), tmp_path / "o.qdpx"))
    )
    assert "halves of characters" in problems
    validate(tmp_path / "o.qdpx", shared)
    assert second_reader.read(tmp_path / "o.qdpx").quotations[0].text == "Four 🙂 five."


def test_dates_and_links_that_are_none_are_said(tmp_path: Path, shared: Path) -> None:
    project = machine_project()
    project = replace(
        project,
        links=(Link("l", "gone", "n1", "nothing"),),
        notes=(replace(project.notes[0], created="last week"),),
    )
    problems = "\n".join(map(str, exchange.save(project, tmp_path / "out.qdpx")))
    assert "dates that are none" in problems and "links to what is not in the project" in problems
    validate(tmp_path / "out.qdpx", shared)


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\0"), min_size=1, max_size=80)
NAME = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@given(text=TEXT, names=st.lists(NAME, min_size=1, max_size=4), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_project_opens_in_the_second_reader_as_it_was(
    text: str, names: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    codes = tuple(
        ProjectCode(f"code {n}", name or "x", parent=f"code {n - 1}" if n % 2 else "") for n, name in enumerate(names)
    )
    marks = []
    for number in range(data.draw(st.integers(0, 5))):
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start + 1, len(text)))
        code = data.draw(st.sampled_from(codes))
        marks.append(Selection(f"s{number}", start, end, (Coding(f"c{number}", code.id, "me"),)))
    project = Project("p", codes, (Coder("me", "Me"),), (ProjectDocument("d", "doc", text, selections=tuple(marks)),))
    path = tmp_path_factory.mktemp("any") / "any.qdpx"
    exchange.save(project, path)
    found = second_reader.read(path)
    assert found.texts == {"doc": text}
    assert [(q.start, q.end, q.text) for q in found.quotations] == [
        (m.start, m.end, text[m.start : m.end]) for m in marks
    ]


def test_codebooks_are_valid_and_come_back(tmp_path: Path, shared: Path) -> None:
    project = machine_project()
    problems = exchange.save(project, tmp_path / "book.qdc")
    assert "notes on codes" in str(problems[0])
    validate(tmp_path / "book.qdc", shared)
    again = exchange.load(tmp_path / "book.qdc")
    assert [(c.name, c.description, c.codable, c.color) for c in again.codes] == [
        (c.name, c.description, c.codable, c.color) for c in project.codes
    ]
    assert [(group.name, len(group.codes)) for group in again.groups] == [("Round 2", 1)]


def test_our_own_codebooks_go_out_and_come_back_to_train_by(tmp_path: Path, shared: Path) -> None:
    from sibnlp import codebook

    shipped = codebook.load("osborne")
    project = exchange.load(codebook.SHIPPED / "osborne.toml")
    exchange.save(project, tmp_path / "osborne.qdc")
    validate(tmp_path / "osborne.qdc", shared)
    exchange.save(exchange.load(tmp_path / "osborne.qdc"), tmp_path / "back.toml")
    back = codebook.load(tmp_path / "back.toml")
    assert {code.id for code in back.codes} >= {code.id for code in shipped.codes if code.family in ("logic", "domain")}
    assert shipped.code("NPM").definition in back.code("NPM").definition


def test_names_of_coders_dates_and_paths_go_where_asked(tmp_path: Path) -> None:
    project = machine_project()
    note = replace(project.notes[0], text="Anna Müller keeps it in C:\\Users\\anna\\study and /home/anna/x.docx.")
    document = replace(project.documents[0], name="/Users/anna/Interviews/Anna 2015.docx")
    project = exchange.strip(replace(project, notes=(note,), documents=(document,)))
    exchange.save(project, tmp_path / "out.qdpx")
    with zipfile.ZipFile(tmp_path / "out.qdpx") as archive:
        raw = archive.read("project.qde").decode()
    for gone in ("Müller", "/Users/", "C:\\", "/home", "2021-03-04"):
        assert gone not in raw, gone
    found = second_reader.read(tmp_path / "out.qdpx")
    assert sorted(found.users.values()) == ["coder 1", "gov-fast"]
    assert list(found.texts) == ["Anna 2015.docx"]
    assert any("coder 1 keeps it in [path] and [path]" in text for text in found.notes.values())


def test_nothing_of_this_machine_is_in_an_export(tmp_path: Path) -> None:
    exchange.save(exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS["atlas.ti for windows"])), tmp_path / "out.qdpx")
    with zipfile.ZipFile(tmp_path / "out.qdpx") as archive:
        raw = archive.read("project.qde").decode()
    assert str(tmp_path) not in raw and "basePath" not in raw and str(Path.home()) not in raw


def test_a_model_s_codings_are_added_to_the_researcher_s_project(tmp_path: Path, shared: Path) -> None:
    base_path = qdpx(tmp_path / "study.qdpx", TOOLS["nvivo for windows"])
    base = exchange.load(base_path)
    quote = "They make us count."
    text = TEXTS["Ben 2019"]
    at = text.index(quote)
    row = (
        f'{{"document": "Ben 2019", "start": {at}, "end": {at + len(quote)}, "text": "{quote}", "codes": ["Targets", "new"], '
        '"scores": {"Targets": 0.9, "new": 0.6, "other": 0.1}, "model": "mine"}\n'
    )
    (tmp_path / "predictions.jsonl").write_text(row, encoding="utf-8")
    options = Options(texts=exchange.texts_of(base, base_path))
    other = exchange.load(tmp_path / "predictions.jsonl", options)
    merged = exchange.merge(base, other, base_path, tmp_path / "predictions.jsonl")
    exchange.save(merged, tmp_path / "out.qdpx")
    validate(tmp_path / "out.qdpx", shared)
    found = second_reader.read(tmp_path / "out.qdpx")
    machine = [q for q in found.quotations if any(who == "mine" for _, who in q.codes)]
    assert [(q.source, q.text, q.codes) for q in machine] == [
        ("Ben 2019", quote, [("targets", "mine"), ("new", "mine")])
    ]
    assert machine[0].notes == ["model: mine\nscore: 0.9000", "model: mine\nscore: 0.6000"]
    assert len(found.quotations) == 11 and found.texts == TEXTS


def test_codings_of_another_text_are_not_added(tmp_path: Path) -> None:
    base_path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    base = exchange.load(base_path)
    (tmp_path / "p.jsonl").write_text(
        '{"document": "Ben 2019", "start": 0, "end": 5, "text": "Other", "codes": ["targets"], "coder": "x"}\n'
        '{"document": "Zoe", "text": "Other", "codes": ["targets"], "coder": "x"}\n',
        encoding="utf-8",
    )
    merged = exchange.merge(base, exchange.load(tmp_path / "p.jsonl"), base_path, tmp_path / "p.jsonl")
    failed = [problem.place for problem in merged.problems if problem.failed]
    assert failed == ["Ben 2019", "Zoe"]
    assert quotations(merged) == quotations(base)
