"""REFI-QDA read: every tool's habits, every quirk of real files."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sibnlp import exchange
from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import Options, Project
from tests.exchange import tools
from tests.exchange.tools import QUOTES, TEXTS, TOOLS, Habits, guid, qdpx, rezip


def quotations(project: Project) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    names = {code.id: code.name for code in project.codes}
    return {
        document.name: [
            (document.text[s.start : s.end], tuple(names[c.code] for c in s.codings)) for s in document.selections
        ]
        for document in project.documents
    }


def in_order(title: str) -> list[tuple[str, tuple[str, ...]]]:
    return sorted(QUOTES[title], key=lambda pair: TEXTS[title].index(pair[0]))


def said(project: Project) -> str:
    return "\n".join(map(str, project.problems))


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_s_quotations_stand_where_they_were_made(name: str, tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS[name]))
    assert quotations(project) == {title: in_order(title) for title in TEXTS}
    assert {document.text for document in project.documents} == set(TEXTS.values())
    assert not any(problem.failed for problem in project.problems)


def test_codes_keep_their_tree_and_descriptions(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS["qualcoder"]))
    names = {code.id: code.name for code in project.codes}
    tree = [(code.name, names.get(code.parent, "")) for code in project.codes]
    assert tree == [("Control", ""), ("targets", "Control"), ("money", "Control"), ("Relations", ""),
                    ("trust", "Relations"), ("outcomes", "Relations")]  # fmt: skip
    assert project.codes[1].description == "What is said of targets."


def test_who_coded_and_when_is_kept(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits()))
    coding = next(project.placed()).coding
    assert project.coder_name(coding.coder) == "Anna Coder"
    assert coding.created == "2021-03-04T09:30:00Z"


def test_deviations_are_said(tmp_path: Path) -> None:
    text = said(exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS["nvivo for windows"])))
    assert "Project.qde" in text and "Sources" in text


def test_a_missing_source_costs_its_own_codings_alone(tmp_path: Path) -> None:
    habits = Habits()
    whole = qdpx(tmp_path / "whole.qdpx", habits)
    gone = f"sources/{guid('file Anna 2015', habits)}.txt"
    project = exchange.load(rezip(whole, tmp_path / "part.qdpx", {gone: None}))
    assert quotations(project)["Ben 2019"] == in_order("Ben 2019")
    assert [p.place for p in project.problems if p.failed] == ["Anna 2015", "Anna 2015"]
    assert "is missing" in said(project) and "5 × selections of a source without text" in said(project)


def test_an_empty_text_beside_a_docx_is_said_and_not_replaced(tmp_path: Path) -> None:
    habits = Habits()
    whole = qdpx(tmp_path / "whole.qdpx", habits)
    leaf = guid("file Anna 2015", habits)
    reference = f'plainTextPath="internal://{leaf}.txt"'
    edited = (reference, f'{reference} richTextPath="internal://{leaf}.docx"')
    changed = {f"sources/{leaf}.txt": b"\n", f"sources/{leaf}.docx": b"PK\x03\x04 something"}
    project = exchange.load(rezip(whole, tmp_path / "empty.qdpx", changed, edited))
    assert "its plain text is empty though there is a .docx" in said(project)
    assert project.documents[0].text.strip() == ""


MORE = """
<PlainTextSelection guid="00000000-0000-0000-0000-00000000000{n}" startPosition="{start}" endPosition="{end}" {name}>
  {inside}
</PlainTextSelection>
"""


def with_more(tmp_path: Path, *selections: str, habits: Habits | None = None) -> Project:
    habits = replace(habits or Habits(names="full"), more_selections="".join(selections))
    return exchange.load(qdpx(tmp_path / "more.qdpx", habits))


def more(n: int, start: object, end: object, inside: str = "", name: str = "") -> str:
    return MORE.format(n=n, start=start, end=end, inside=inside, name=name)


def test_empty_selections_are_dropped_and_counted(tmp_path: Path) -> None:
    project = with_more(tmp_path, more(1, 30, 30))
    assert said(project).count("empty selections") == 2
    assert all(len(document.selections) == 5 for document in project.documents)


def test_selections_outside_the_text_are_dropped_and_counted(tmp_path: Path) -> None:
    coded = f'<Coding guid="00000000-0000-0000-0000-0000000000aa"><CodeRef targetGUID="{guid("money", Habits())}"/></Coding>'
    project = with_more(
        tmp_path, more(1, 90_000, 90_010, coded), more(2, -5, 8), more(3, 10, 99999999999999999999999), more(4, "x", 2)
    )
    assert "Anna 2015: 3 × selections outside its text" in said(project)
    assert "selections without a position" in said(project)
    assert quotations(project) == {title: in_order(title) for title in TEXTS}


def test_a_reversed_selection_is_no_selection(tmp_path: Path) -> None:
    assert "outside its text" in said(with_more(tmp_path, more(1, 90, 20)))


def test_the_same_coding_twice_is_one(tmp_path: Path) -> None:
    habits = Habits()
    quote, given = QUOTES["Anna 2015"][0]
    at = TEXTS["Anna 2015"].index(quote)
    coded = (
        f'<Coding guid="00000000-0000-0000-0000-0000000000ab" creatingUser="{guid("user anna", habits)}">'
        f'<CodeRef targetGUID="{guid(given[0], habits)}"/></Coding>'
    )
    project = with_more(tmp_path, more(1, at, at + len(quote), coded))
    assert "Anna 2015: codings given twice" in said(project)
    assert quotations(project)["Anna 2015"] == in_order("Anna 2015")


def test_the_same_code_by_two_people_is_two_codings(tmp_path: Path) -> None:
    habits = Habits()
    quote, given = QUOTES["Anna 2015"][0]
    at = TEXTS["Anna 2015"].index(quote)
    other = (
        '<Coding guid="00000000-0000-0000-0000-0000000000ac" creatingUser="{%s}"><CodeRef targetGUID="%s"/></Coding>'
    )
    who = "00000000-0000-0000-0000-0000000000EE"
    inside = other % (who, guid(given[0], habits))
    project = with_more(tmp_path, more(1, at, at + len(quote), inside))
    coders = {placed.coding.coder for placed in project.placed() if placed.document.name == "Anna 2015"}
    assert len(coders) == 2 and who.lower() in coders
    assert "users that code and are not listed" in said(project)


def test_a_coding_with_an_unknown_code_is_dropped_and_counted(tmp_path: Path) -> None:
    inside = '<Coding guid="00000000-0000-0000-0000-0000000000ad"><CodeRef targetGUID="{DEAD0000-0000-0000-0000-000000000000}"/></Coding>'
    project = with_more(tmp_path, more(1, 0, 11, inside))
    assert "codings with a code that is not in the codebook" in said(project)


def test_a_remark_without_a_code_is_kept(tmp_path: Path) -> None:
    project = with_more(tmp_path, more(1, 13, 51, "<Description>Opening question.</Description>"))
    remark = next(s for s in project.documents[0].selections if not s.codings)
    assert remark.description == "Opening question."
    assert project.documents[0].text[remark.start : remark.end] == "How did the contract change your work?"


def test_offsets_are_refused_with_a_table_where_they_cannot_be_told(tmp_path: Path) -> None:
    # Nothing but letters: under every system the edges lie inside a word.
    text = "x" * 400
    habits = Habits(more_selections=more(1, 10, 20) + more(2, 30, 45))
    project = exchange.load(qdpx(tmp_path / "odd.qdpx", habits, {"odd": text}))
    assert [problem.failed for problem in project.problems] == [True]
    assert "Candidates:" in said(project) and "end exclusive" in said(project)
    assert not project.documents[0].selections
    asked = exchange.load(tmp_path / "odd.qdpx", Options(offsets="code-point,inclusive"))
    assert [(s.start, s.end) for s in asked.documents[0].selections] == [(10, 21), (30, 46)]


def test_a_text_that_is_not_the_one_coded_is_refused(tmp_path: Path) -> None:
    habits = Habits(names="empty")
    other = " ".join(["unrelatedwordsthatarelong"] * 40)
    whole = qdpx(tmp_path / "whole.qdpx", habits)
    wrong = rezip(whole, tmp_path / "wrong.qdpx", {f"sources/{guid('file Anna 2015', habits)}.txt": other.encode()})
    project = exchange.load(wrong)
    assert "fit its text in no coordinate system" in said(project)
    assert quotations(project)["Ben 2019"] == in_order("Ben 2019")


def test_a_source_with_one_selection_is_read_as_the_others(tmp_path: Path) -> None:
    habits = replace(tools.MAXQDA_WINDOWS, unit="utf-16")
    extra = "A short note.\n\nWritten 🙂 afterwards, about tea and trust.\n"
    texts = {**TEXTS, "note": extra}
    path = qdpx(tmp_path / "study.qdpx", habits, texts)
    at = extra.index("Written")
    start, end = tools.counting.offsets(extra, at, len(extra) - 1, "utf-16", 2, False, False)
    mark = more(7, start, end)
    edited = rezip(path, tmp_path / "more.qdpx", edit=("</TextSource></Sources>", f"{mark}</TextSource></Sources>"))
    note = exchange.load(edited).documents[-1]
    assert [note.text[s.start : s.end] for s in note.selections] == ["Written 🙂 afterwards, about tea and trust."]


def test_wrong_offsets_option_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="utf-9"):
        exchange.load(qdpx(tmp_path / "study.qdpx", Habits()), Options(offsets="utf-9"))


def test_a_text_that_is_not_utf8_is_read_and_said(tmp_path: Path) -> None:
    habits = Habits(names="full")
    whole = qdpx(tmp_path / "whole.qdpx", habits, {"Ben 2019": TEXTS["Ben 2019"]})
    raw = TEXTS["Ben 2019"].encode("cp1252")
    project = exchange.load(rezip(whole, tmp_path / "old.qdpx", {f"sources/{guid('file Ben 2019', habits)}.txt": raw}))
    assert quotations(project)["Ben 2019"] == in_order("Ben 2019")
    assert "not UTF-8" in said(project)


SECTIONS = Habits(
    names="full",
    before_sources="""
    <Variables>
      <Variable guid="00000000-0000-0000-0000-0000000000c1" name="Wave" typeOfVariable="Integer"/>
      <Variable guid="00000000-0000-0000-0000-0000000000c2" name="Role" typeOfVariable="Text"/>
    </Variables>
    <Cases><Case guid="00000000-0000-0000-0000-0000000000b1" name="Anna">
      <VariableValue><VariableRef targetGUID="{00000000-0000-0000-0000-0000000000C2}"/><TextValue>provider</TextValue></VariableValue>
      <SourceRef targetGUID="%(anna)s"/>
    </Case></Cases>"""
    % {"anna": guid("Anna 2015", Habits())},
    more_in_source="""<VariableValue><VariableRef targetGUID="00000000-0000-0000-0000-0000000000C1"/>
      <IntegerValue>1</IntegerValue></VariableValue>""",
    sections={
        "notes": '<Notes><Note guid="00000000-0000-0000-0000-0000000000d1" name="Plan">'
        "<PlainTextContent>Ask about tea.</PlainTextContent></Note></Notes>",
        "links": '<Links><Link guid="00000000-0000-0000-0000-0000000000d2" name="see" direction="OneWay" '
        'originGUID="00000000-0000-0000-0000-0000000000d1" targetGUID="%s"/></Links>' % guid("Anna 2015", Habits()),
        "sets": '<Sets><Set guid="00000000-0000-0000-0000-0000000000d3" name="Round 2"><MemberSource targetGUID="%s"/>'
        '<MemberCode targetGUID="%s"/></Set><Set guid="00000000-0000-0000-0000-0000000000d4" name="nobody"/></Sets>'
        % (guid("Ben 2019", Habits()), guid("trust", Habits())),
    },
)  # fmt: skip


def test_cases_variables_sets_notes_and_links_come_along(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", SECTIONS))
    anna, ben = project.documents
    assert [variable.name for variable in project.variables] == ["Wave", "Role"]
    assert anna.values[0].value == "1"
    assert project.cases[0].name == "Anna" and project.cases[0].documents == (anna.id,)
    assert project.cases[0].values[0].value == "provider"
    assert [(group.name, group.documents) for group in project.groups] == [("Round 2", (ben.id,)), ("nobody", ())]
    assert project.notes[0].text == "Ask about tea."
    assert project.links[0].target == anna.id and project.links[0].direction == "OneWay"


PDF = """<PDFSource guid="00000000-0000-0000-0000-0000000000f1" name="Report.pdf" path="internal://x.pdf">
  <PDFSelection guid="00000000-0000-0000-0000-0000000000f2" page="0" firstX="1" firstY="1" secondX="2" secondY="2" name="in the text">
    <Coding guid="00000000-0000-0000-0000-0000000000f3"><CodeRef targetGUID="{code}"/></Coding></PDFSelection>
  <PDFSelection guid="00000000-0000-0000-0000-0000000000f4" page="0" firstX="1" firstY="1" secondX="2" secondY="2">
    <Representation guid="00000000-0000-0000-0000-0000000000f5"><PlainTextContent>figures grew\nquickly</PlainTextContent></Representation>
    <Coding guid="00000000-0000-0000-0000-0000000000f6"><CodeRef targetGUID="{code}"/></Coding></PDFSelection>
  <PDFSelection guid="00000000-0000-0000-0000-0000000000f7" page="0" firstX="1" firstY="1" secondX="2" secondY="2" name="Quotation 12:3">
    <Coding guid="00000000-0000-0000-0000-0000000000f8"><CodeRef targetGUID="{code}"/></Coding></PDFSelection>
  <Representation guid="00000000-0000-0000-0000-0000000000f9" name="Representation">
    <PlainTextContent>What the report says: all figures grew quickly. It stands in the text.</PlainTextContent>
    <PlainTextSelection guid="00000000-0000-0000-0000-0000000000f2" startPosition="51" endPosition="69" name="stands in the text">
      <Coding guid="00000000-0000-0000-0000-0000000000fa"><CodeRef targetGUID="{code}"/></Coding></PlainTextSelection>
  </Representation>
</PDFSource>"""


def test_pdf_quotations_are_read_once_from_the_text_or_found_by_their_words(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    pdf = PDF.format(code=guid("targets", Habits()))
    project = exchange.load(rezip(path, tmp_path / "pdf.qdpx", edit=("</Sources>", pdf + "</Sources>")))
    report = project.documents[-1]
    assert report.kind == "pdf" and report.name == "Report.pdf"
    found = [(report.text[s.start : s.end], len(s.codings)) for s in report.selections]
    assert found == [("figures grew quickly", 1), ("stands in the text", 1)]
    assert "placed in the text by their words" in said(project) and "without words" in said(project)


AUDIO = """<AudioSource guid="00000000-0000-0000-0000-0000000000e1" name="Tape.m4a" path="relative:///Tape.m4a">
  <Transcript guid="00000000-0000-0000-0000-0000000000e2" name="Tape">
    <PlainTextContent>Good morning. How are you today? I am tired of forms. So are we all.</PlainTextContent>
    <SyncPoint guid="00000000-0000-0000-0000-0000000000e3" position="0" timeStamp="0"/>
    <SyncPoint guid="00000000-0000-0000-0000-0000000000e4" position="14" timeStamp="2000"/>
    <SyncPoint guid="00000000-0000-0000-0000-0000000000e5" position="33" timeStamp="5000"/>
    <SyncPoint guid="00000000-0000-0000-0000-0000000000e6" position="54" timeStamp="8000"/>
    <TranscriptSelection guid="00000000-0000-0000-0000-0000000000e7" fromSyncPoint="00000000-0000-0000-0000-0000000000e5"
      toSyncPoint="{{00000000-0000-0000-0000-0000000000E6}}">
      <Coding guid="00000000-0000-0000-0000-0000000000e8"><CodeRef targetGUID="{code}"/></Coding></TranscriptSelection>
  </Transcript>
  <AudioSelection guid="00000000-0000-0000-0000-0000000000e9" begin="2100" end="4900">
    <Coding guid="00000000-0000-0000-0000-0000000000ea"><CodeRef targetGUID="{code}"/></Coding></AudioSelection>
  <AudioSelection guid="00000000-0000-0000-0000-0000000000eb" begin="1" end="2"/>
</AudioSource>"""


def test_transcripts_are_texts_and_selections_stand_between_their_points(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    audio = AUDIO.format(code=guid("targets", Habits()))
    project = exchange.load(rezip(path, tmp_path / "audio.qdpx", edit=("</Sources>", audio + "</Sources>")))
    tape = project.documents[-1]
    assert tape.kind == "transcript"
    assert [tape.text[s.start : s.end] for s in tape.selections] == ["How are you today? ", "I am tired of forms. "]
    assert [point.position for point in tape.sync] == [0, 14, 33, 54]
    assert "placed on the transcript by its nearest times" in said(project)


def test_pictures_are_named_as_left_out(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits())
    picture = (
        '<PictureSource guid="00000000-0000-0000-0000-0000000000fb" name="wall.jpg" path="internal://wall.jpg">'
        '<PictureSelection guid="00000000-0000-0000-0000-0000000000fc" firstX="1" firstY="1" secondX="2" secondY="2"/>'
        "</PictureSource>"
    )
    project = exchange.load(rezip(path, tmp_path / "more.qdpx", edit=("</Sources>", picture + "</Sources>")))
    assert "wall.jpg: a picture, and its 1 selections, are no text" in said(project)


def test_two_sources_of_one_guid_stay_two(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    one, two = guid("Anna 2015", Habits()), guid("Ben 2019", Habits())
    project = exchange.load(rezip(path, tmp_path / "twice.qdpx", edit=(f'guid="{two}"', f'guid="{one}"')))
    assert len({document.id for document in project.documents}) == 2
    assert "has the GUID of another source" in said(project)
    assert quotations(project) == {title: in_order(title) for title in TEXTS}


def test_names_that_show_a_hierarchy_become_one(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits())
    flat = rezip(path, tmp_path / "flat.qdpx", edit=('name="targets"', 'name="Coke::diet Coke"'))
    project = exchange.load(flat, Options(separator="::"))
    names = {code.id: code for code in project.codes}
    diet = next(code for code in project.codes if code.name == "diet Coke")
    assert names[diet.parent].name == "Coke" and names[names[diet.parent].parent].name == "Control"


@pytest.mark.parametrize(
    ("sets", "count"),
    [("", 0), ("<Sets/>", 0), ('<Sets><Set guid="{CODE0000-0000-0000-0000-000000000001}" name="a">'
      '<MemberCode guid="code0000-0000-0000-0000-000000000002"/></Set></Sets>', 1)],
)  # fmt: skip
def test_codebooks_are_read_and_empty_sets_survived(sets: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "book.qdc"
    path.write_text(
        '\ufeff<?xml version="1.0" encoding="utf-8"?><CodeBook xmlns="urn:QDA-XML:codebook:0:4" origin="x"><Codes>'
        '<Code guid="{CODE0000-0000-0000-0000-000000000001}" name="a" isCodable="false">'
        '<Code guid="CODE0000-0000-0000-0000-000000000002" name="b" isCodable="1"><Description>B.</Description></Code>'
        f"</Code></Codes>{sets}</CodeBook>",
        encoding="utf-8",
    )
    project = exchange.load(path)
    assert [(code.name, code.codable, code.description) for code in project.codes] == [
        ("a", False, ""),
        ("b", True, "B."),
    ]
    assert project.codes[1].parent == project.codes[0].id
    assert len(project.groups) == count
    assert all(group.codes == (project.codes[1].id,) for group in project.groups)


def test_a_codebook_given_as_project_says_what_it_is(tmp_path: Path) -> None:
    path = qdpx(tmp_path / "study.qdpx", Habits())
    with zipfile.ZipFile(path) as archive:
        (tmp_path / "b.qdc").write_bytes(archive.read("project.qde"))
    with pytest.raises(ReadError, match=r"is it a project"):
        exchange.load(tmp_path / "b.qdc")
