"""UIMA CAS: written for INCEpTION, read as INCEpTION exports it, round and back."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp import exchange
from sibnlp.errors import ReadError, TableError
from sibnlp.exchange import Coder, Coding, Project, ProjectCode, ProjectDocument, Selection
from sibnlp.types import Passage
from tests.cli.shell import sibnlp
from tests.exchange import inception, second_uima
from tests.exchange.inception import FINISHED, cas_json, cas_xmi, nested, project_export, type_system
from tests.exchange.test_refi import in_order, quotations, said
from tests.exchange.test_refi_export import everything, machine_project
from tests.exchange.tools import ANNA, BEN, QUOTES, TEXTS, TOOLS, Habits, qdpx

CODING = "webanno.custom.Coding"


# Out


def test_a_second_reader_finds_every_selection_in_place(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full")))
    exchange.save(project, tmp_path / "out.zip")
    found = second_uima.read(tmp_path / "out.zip")
    assert {name: one.text for name, one in found.items()} == TEXTS
    for name, one in found.items():
        marks = [(mark.covered, mark.values["code"], mark.values["family"]) for mark in one.of(CODING)]
        above = {"targets": "Control", "money": "Control", "trust": "Relations", "outcomes": "Relations"}
        assert marks == [(quote, code, above[code]) for quote, codes in in_order(name) for code in codes]


def test_the_machine_is_a_coder_of_its_own_with_model_score_and_explanation(tmp_path: Path) -> None:
    exchange.save(machine_project(), tmp_path / "out.zip")
    person, model = second_uima.read(tmp_path / "out.zip")["Anna _2015_"].of(CODING)
    assert person.values["coder"] == "Anna Müller" and "model" not in person.values and "score" not in person.values
    assert model.values["model"] == "gov-fast" and "coder" not in model.values
    assert float(model.values["score"]) == 0.8312
    assert model.values["explanation"] == "rests on “two years of trust”"
    assert person.covered == model.covered == QUOTES["Anna 2015"][3][0]


def test_what_is_not_kept_is_said(tmp_path: Path) -> None:
    lines = [str(one) for one in exchange.save(machine_project(), tmp_path / "out.zip")]
    assert lines == [
        "Anna <2015>: its file is called Anna _2015_.xmi, and so INCEpTION calls it",
        "4 × notes, links and sets: a CAS has none",
        "cases, of which the variables are kept with their documents",
        "Anna <2015>: notes on documents",
        "Anna <2015>: labels of selections",
        "Anna <2015>: when selections were marked",
    ]


def test_what_is_kept_comes_back_and_all_else_is_listed(tmp_path: Path) -> None:
    project = machine_project()
    exchange.save(project, tmp_path / "out.zip")
    again = exchange.load(tmp_path / "out.zip")
    assert not again.problems
    first, second = everything(project), everything(again)
    for key in ("name", "description", "codes", "coders", "codings", "variables", "extents"):
        assert second[key] == first[key], key
    assert again.documents[0].name == "Anna <2015>" and again.documents[0].text == ANNA
    assert [s.description for s in again.documents[0].selections] == ["A remark <&>"]
    assert len(again.documents[0].values) == 2
    exchange.save(again, tmp_path / "again.zip")
    third = exchange.load(tmp_path / "again.zip")
    assert everything(third) == second


@pytest.mark.parametrize("name", TOOLS)
def test_a_round_trip_of_each_tool_s_project_keeps_codings(name: str, tmp_path: Path) -> None:
    first = exchange.load(qdpx(tmp_path / "study.qdpx", TOOLS[name]))
    exchange.save(first, tmp_path / "out.zip")
    second = exchange.load(tmp_path / "out.zip")
    assert not second.problems
    for key in ("name", "codes", "coders", "codings", "extents"):
        assert everything(second)[key] == everything(first)[key], key
    assert {document.name: document.text for document in second.documents} == TEXTS


def test_the_same_project_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        code = (
            "from pathlib import Path; from sibnlp import exchange;"
            "from tests.exchange.test_refi_export import machine_project;"
            f"exchange.save(machine_project(), Path({str(tmp_path)!r}) / '{name}.zip')"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_whole_documents_stray_remarks_and_unused_codes_come_back(tmp_path: Path) -> None:
    project = machine_project()
    stray = Selection("s2", 0, 11, (), "", "who asks", "anna")
    document = project.documents[0]
    document = replace(
        document, selections=(stray, *document.selections), codings=(Coding("w", "top", "model", score=0.25),)
    )
    codes = (
        *project.codes,
        ProjectCode("deep", "cups", "of tea", "code trust"),
        ProjectCode("twin", "trust", parent="top"),
    )
    exchange.save(replace(project, documents=(document,), codes=codes), tmp_path / "out.zip")
    again = exchange.load(tmp_path / "out.zip")
    assert [(code.name, code.parent) for code in again.codes] == [
        ("Relations", ""), ("trust", "top"), ("cups", "code trust"), ("trust", "top"),
    ]  # fmt: skip
    (whole,) = again.documents[0].codings
    assert (whole.code, again.coder_name(whole.coder), whole.score) == ("top", "gov-fast", 0.25)
    first = again.documents[0].selections[0]
    assert (first.codings, first.description, again.coder_name(first.coder)) == ((), "who asks", "Anna Müller")


def test_one_document_alone_is_an_xmi_file_which_several_are_not(tmp_path: Path) -> None:
    exchange.save(machine_project(), tmp_path / "out.xmi")
    again = exchange.load(tmp_path / "out.xmi")  # and no type system beside it
    assert everything(again)["codings"] == everything(machine_project())["codings"]
    assert everything(again)["extents"] == everything(machine_project())["extents"]
    with pytest.raises(TableError, match=r"holds one document, not 2.*\.zip"):
        exchange.save(exchange.load(qdpx(tmp_path / "study.qdpx", Habits())), tmp_path / "two.xmi")


def test_the_tagset_is_one_that_inception_reads(tmp_path: Path) -> None:
    exchange.save(exchange.load(qdpx(tmp_path / "study.qdpx", Habits())), tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as package:
        tags = json.loads(package.read("tagset.json"))
    assert {"name", "description", "language", "tags", "create_tag"} <= set(tags)
    assert [tag["tag_name"] for tag in tags["tags"]] == [
        "Control",
        "targets",
        "money",
        "Relations",
        "trust",
        "outcomes",
    ]
    assert tags["tags"][1]["tag_description"] == "What is said of targets."


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r\0"), min_size=1, max_size=60)


@given(text=TEXT, data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_text_opens_in_the_second_reader_as_it_was(
    text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spans = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda s: s[0] < s[1]), max_size=4
        )
    )
    marks = tuple(
        Selection(f"s{n}", *span, (Coding(f"c{n}", "code", "me"),)) for n, span in enumerate(sorted(set(spans)))
    )
    project = Project(
        "p", (ProjectCode("code", "<&>"),), (Coder("me", "Me"),), (ProjectDocument("d", "d", text, selections=marks),)
    )
    path = tmp_path_factory.mktemp("any") / "out.zip"
    exchange.save(project, path)
    (found,) = second_uima.read(path).values()
    legal = "".join(c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in text)
    assert found.text == legal
    assert [one.covered for one in found.of(CODING)] == [legal[s.start : s.end] for s in marks]
    (again,) = exchange.load(path).documents
    # A mark at the beginning is none of the text of record.
    mark = legal.startswith("\ufeff")
    if not mark:
        assert again.text == legal and [(s.start, s.end) for s in again.selections] == [(s.start, s.end) for s in marks]


# In


def test_layers_and_features_are_codes(tmp_path: Path) -> None:
    marks: list[dict[str, Any]] = [
        {"type": "webanno.custom.Logic", "at": "many cups of tea.", "value": "trust", "comment": "a sign"},
        {"type": "webanno.custom.Practice", "at": "two years", "practice": "waiting", "stance": "endorses"},
        {"type": "webanno.custom.Mood", "at": "trust 🙂"},
        {"type": "webanno.custom.Check", "at": "paid for each person", "sure": "true", "odd": "false"},
        {"type": "webanno.custom.Many", "at": "how many, how fast", "values": ["speed", "count"]},
        {"type": "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity", "at": "Anna", "value": "PER"},
        {"type": "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token", "at": "Later"},
    ]  # fmt: skip
    path = nested(tmp_path / "Anna.txt.zip", "Anna.txt", cas_xmi(ANNA, marks, "Anna.txt"), type_system(marks))
    project = exchange.load(path)
    assert sorted(quotations(project)["Anna.txt"]) == sorted([
        ("many cups of tea.", ("trust",)), ("two years", ("waiting", "endorses")), ("trust 🙂", ("Mood",)),
        ("paid for each person", ("sure",)), ("how many, how fast", ("speed", "count")), ("Anna", ("PER",)),
    ])  # fmt: skip
    names = {code.id: code.name for code in project.codes}
    assert {(code.name, names.get(code.parent, "")) for code in project.codes if code.parent} == {
        ("trust", "Logic"), ("waiting", "practice"), ("endorses", "stance"), ("sure", "Check"), ("speed", "Many"),
        ("count", "Many"), ("PER", "NamedEntity"),
    }  # fmt: skip
    assert [p.coding.note for p in project.placed() if p.coding.note] == ["a sign"]
    assert not project.problems


def test_a_whole_project_s_annotators_and_curation_are_coders(tmp_path: Path) -> None:
    anna = [{"type": "webanno.custom.Logic", "at": "many cups of tea.", "value": "trust"}]
    ben = [{"type": "webanno.custom.Logic", "at": "two years", "value": "patience"}]
    users = {"anna": anna, "ben": ben, "INITIAL_CAS": []}
    path = project_export(tmp_path / "p.zip", {"Anna.txt": ANNA}, {"Anna.txt": users}, {"Anna.txt": ben}, FINISHED)
    project = exchange.load(path)
    coders = [(project.coder_name(p.coding.coder), ANNA[p.selection.start : p.selection.end]) for p in project.placed()]
    assert sorted(coders) == [("anna", "many cups of tea."), ("ben", "two years"), ("curation", "two years")]
    # The one who finished has read it all; the other has not.
    assert [(project.coder_name(e.coder), e.spans, e.basis) for e in project.extents] == [
        ("anna", ((0, len(ANNA)),), "recorded")
    ]
    assert next(code for code in project.codes if code.name == "trust").description == "what holds"
    assert not project.problems


@pytest.mark.parametrize("form", ["json", "xmi"])
def test_projects_exported_in_other_formats_are_read_too(form: str, tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.Logic", "at": "many cups of tea.", "value": "trust"}]
    users = {"anna": marks}
    path = project_export(tmp_path / "p.zip", {"Anna.txt": ANNA}, {"Anna.txt": users}, {}, FINISHED, form)
    project = exchange.load(path)
    assert quotations(project) == {"Anna.txt": [("many cups of tea.", ("trust",))]}
    assert [coder.name for coder in project.coders] == ["anna"]


def test_a_cas_in_json_is_no_task_of_label_studio(tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.Logic", "at": "two years of trust 🙂 and", "value": "trust"}]
    path = tmp_path / "Anna.json"
    path.write_text(json.dumps(cas_json(ANNA, marks, "Anna.txt")), encoding="utf-8")
    assert quotations(exchange.load(path)) == {"Anna.txt": [("two years of trust 🙂 and", ("trust",))]}


def test_suggestions_taken_corrected_and_left_alone(tmp_path: Path) -> None:
    def mark(words: str, code: str, suggested: str, **more: str) -> dict[str, Any]:
        return {
            "type": CODING,
            "at": words,
            "code": code,
            "suggested": suggested,
            "model": "m1",
            "score": "0.9",
            **more,
        }

    marks = [mark("two years", "patience", "patience"), mark("many cups of tea.", "tea", "trust")]
    own = {"type": CODING, "at": "paid for each person", "code": "money"}
    users = {"anna": [*marks, own], "ben": marks}
    path = project_export(tmp_path / "p.zip", {"Anna.txt": ANNA}, {"Anna.txt": users}, {}, FINISHED)
    project = exchange.load(path)
    names = {code.id: code.name for code in project.codes}
    found = sorted((project.coder_name(p.coding.coder), names[p.coding.code], p.coding.score) for p in project.placed())
    assert found == [
        ("anna", "money", None), ("anna", "patience", None), ("anna", "tea", None), ("ben", "tea", None),
        ("m1", "patience", 0.9),
    ]  # fmt: skip
    assert "Anna.txt: suggestions of a model in a document not marked finished: not the coder's" in said(project)


def test_line_ends_marks_and_xml_1_1_are_lived_with(tmp_path: Path) -> None:
    text = "\ufeffA first line 🙂.\r\nThe second\x01 line.\r\n"
    marks = [{"type": "webanno.custom.Logic", "at": "second\x01 line", "value": "x"}]
    raw = cas_xmi(text, marks, "t.txt", version="1.1")
    project = exchange.load(nested(tmp_path / "t.zip", "t.txt", raw, type_system(marks)))
    assert project.documents[0].text == "A first line 🙂.\nThe second\ufffd line.\n"
    assert quotations(project) == {"t.txt": [("second\ufffd line", ("x",))]}


def test_document_metadata_of_inception_are_variables(tmp_path: Path) -> None:
    marks = [
        {"type": "webanno.custom.Interview", "wave": "2"},
        {"type": "webanno.custom.L", "at": "Later", "value": "x"},
    ]
    project = exchange.load(nested(tmp_path / "t.zip", "t.txt", cas_xmi(ANNA, marks, "t.txt"), type_system(marks)))
    assert [(v.variable, v.value) for v in project.documents[0].values] == [("variable wave", "2")]


@pytest.mark.parametrize("typed", [True, False])
def test_relations_chains_and_slots_are_listed_and_no_codes(typed: bool, tmp_path: Path) -> None:
    marks: list[dict[str, Any]] = [
        {"type": "webanno.custom.L", "at": "Later", "value": "x"},
        {"type": "webanno.custom.Host", "at": "trust 🙂", "value": "y"},
    ]
    raw = cas_xmi(ANNA, marks, "t.txt").decode()
    first, second = (mark_id(raw, name) for name in ("L", "Host"))
    more = (
        f'<c:Rel xmlns:c="http:///webanno/custom.ecore" xmi:id="70" sofa="1" begin="0" end="5" label="because" '
        f'Governor="{first}" Dependent="{second}"/>'
        f'<c:Slot xmlns:c="http:///webanno/custom.ecore" xmi:id="71" role="agent" target="{first}"/>'
        f'<c:Host xmlns:c="http:///webanno/custom.ecore" xmi:id="72" sofa="1" begin="0" end="5" value="z" slots="71"/>'
        "<cas:View"
    )
    raw = raw.replace("<cas:View", more).replace('members="', 'members="70 71 72 ')
    types = type_system([*marks, {"type": "webanno.custom.Host", "at": "", "slots": []}]).decode()
    types = types.replace("<rangeTypeName>uima.cas.StringArray", "<rangeTypeName>uima.cas.FSArray")
    reference = "<name>{}</name><description/><rangeTypeName>uima.tcas.Annotation</rangeTypeName>"
    features = "".join(
        f"<featureDescription>{reference.format(key)}</featureDescription>" for key in ("Governor", "Dependent")
    )
    relation = (
        "<typeDescription><name>webanno.custom.Rel</name><supertypeName>uima.tcas.Annotation</supertypeName>"
        f"<features>{features}</features></typeDescription></types>"
    )
    path = nested(tmp_path / "t.zip", "t", raw.encode(), types.replace("</types>", relation).encode())
    if not typed:
        (tmp_path / "t.xmi").write_text(raw, encoding="utf-8")
        path = tmp_path / "t.xmi"
    project = exchange.load(path)
    assert sorted(code.name for code in project.codes) == ["Host", "L", "x", "y", "z"]
    assert not project.documents[0].values
    assert "relations and links of layer Rel" in said(project) and "relations and links of layer Slot" in said(project)


def mark_id(raw: str, name: str) -> str:
    return raw.partition(f':{name} xmi:id="')[2].partition('"')[0]


def test_features_with_long_values_are_remarks_and_that_is_said(tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.L", "at": "Later", "value": "x", "warum": "Because " * 20}]
    project = exchange.load(nested(tmp_path / "t.zip", "t.txt", cas_xmi(ANNA, marks, "t.txt"), type_system(marks)))
    assert [code.name for code in project.codes] == ["L", "x"]
    assert [p.coding.note[:14] for p in project.placed()] == ["warum: Because"]
    assert "layer L: its feature 'warum' has long values" in said(project)


# What is wrong


def broken(tmp_path: Path, *edits: tuple[str, str]) -> Path:
    marks = [
        {"type": "webanno.custom.Logic", "at": "many cups of tea.", "value": "trust"},
        {"type": "webanno.custom.Logic", "at": "two years", "value": "patience"},
    ]
    raw = cas_xmi(ANNA, marks, "Anna.txt").decode()
    for old, new in edits:
        assert old in raw
        raw = raw.replace(old, new, 1)
    return nested(tmp_path / "Anna.zip", "Anna.txt", raw.encode(), type_system(marks))


@pytest.mark.parametrize("begin", ["9" * 30, "-3", "x", "100000", str(len(ANNA[: ANNA.index("🙂")]) + 1), ""], ids=str)
def test_selections_outside_the_text_are_listed_and_the_rest_is_kept(begin: str, tmp_path: Path) -> None:
    at = ANNA.index("two years")
    path = broken(tmp_path, (f'begin="{at}"', f'begin="{begin}"'))
    project = exchange.load(path)
    assert quotations(project) == {"Anna.txt": [("many cups of tea.", ("trust",))]}
    assert "selections that are empty, outside the text or inside a character" in said(project)


def test_unknown_types_features_and_references_are_survived(tmp_path: Path) -> None:
    more = '<odd:Thing xmlns:odd="http:///a/b.ecore" xmi:id="77" sofa="1" begin="0" end="5" what="new"/><x/>'
    path = broken(
        tmp_path,
        ('value="trust"', 'value="trust" unheard="of"'),
        ("<cas:View", more + "<cas:View"),
        ('members="', 'members="77 4711 '),
    )
    project = exchange.load(path)
    assert ("many cups of tea.", ("trust", "of")) in quotations(project)["Anna.txt"]
    assert ("Inter", ("new",)) in quotations(project)["Anna.txt"]
    assert "things that are damaged" in said(project)


@pytest.mark.parametrize(
    "head", ['<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">']
)
@pytest.mark.parametrize("where", ["xmi", "types", "alone"])
def test_entities_and_document_types_are_refused(head: str, where: str, tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.Logic", "at": "two years", "value": "&e;" if where != "types" else "x"}]
    raw, types = cas_xmi(ANNA, marks, "t").decode().replace("&amp;e;", "&e;"), type_system(marks).decode()
    if where == "types":
        types = types.replace("<typeSystemDescription", head + "<typeSystemDescription")
    else:
        raw = raw.replace("<xmi:XMI", head + "<xmi:XMI")
    path = tmp_path / "t.xmi"
    if where == "alone":
        path.write_text(raw, encoding="utf-8")
    else:
        path = nested(tmp_path / "t.zip", "t", raw.encode(), types.encode())
    with pytest.raises(ReadError, match="document type declaration"):
        exchange.load(path)


@pytest.mark.parametrize("name", ["a, b=print(1), c", "a'+b", "x.y", "1a", ""])
@pytest.mark.parametrize("form", ["xmi", "json"])
def test_names_that_would_be_run_as_code_are_refused(name: str, form: str, tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.L", "at": "Later", "value": "x"}]
    path = tmp_path / "t.json"
    if form == "json":
        cas = cas_json(ANNA, marks, "t")
        cas["%TYPES"]["webanno.custom.L"][name] = {"%NAME": name, "%RANGE": "uima.cas.String"}
        path.write_text(json.dumps(cas), encoding="utf-8")
    else:
        feature = f"<featureDescription><name>{name}</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>"
        types = (
            type_system(marks)
            .decode()
            .replace("<featureDescription><name>value", feature + "<featureDescription><name>value")
        )
        path = nested(tmp_path / "t.zip", "t", cas_xmi(ANNA, marks, "t"), types.encode())
    with pytest.raises(ReadError, match="no name"):
        exchange.load(path)


def test_type_systems_that_go_in_circles_or_far_too_deep_are_refused(tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.L", "at": "Later", "value": "x"}]
    one = "<typeDescription><name>{}</name><supertypeName>{}</supertypeName></typeDescription>"
    circle = one.format("a.A", "a.B") + one.format("a.B", "a.A")
    deep = "".join(one.format(f"a.T{n}", f"a.T{n - 1}" if n else "uima.tcas.Annotation") for n in range(3_000))
    many = "".join(one.format(f"a.T{n}", "uima.tcas.Annotation") for n in range(6_000))
    for more in (circle, deep, many):
        types = type_system(marks).decode().replace("</types>", more + "</types>")
        with pytest.raises(ReadError, match="its type system is not sound"):
            exchange.load(nested(tmp_path / "t.zip", "t", cas_xmi(ANNA, marks, "t"), types.encode()))


@pytest.mark.parametrize("form", ["xmi", "json"])
def test_features_that_python_keeps_for_itself_are_read(form: str, tmp_path: Path) -> None:
    names = ["class", "from", "self", "__init__", "get", "_private", "xmiID", "None", "value"]
    values = {name: f"v{n}" for n, name in enumerate(names)}
    marks = [{"type": "webanno.custom.L", "at": "Later", **values}]
    path = tmp_path / "t.json"
    if form == "json":
        path.write_text(json.dumps(cas_json(ANNA, marks, "t")), encoding="utf-8")
    else:
        path = nested(tmp_path / "t.zip", "t", cas_xmi(ANNA, marks, "t"), type_system(marks))
    project = exchange.load(path)
    assert {code.name for code in project.codes if code.name.startswith("v")} == {f"v{n}" for n in range(len(names))}


@pytest.mark.parametrize(
    "raw",
    [
        b"<a/>", b"<", b"", b"\0" * 50, b'<xmi:XMI xmlns:xmi="http://www.omg.org/XMI"/>',
        b'{"%TYPES": 3}', b'{"%TYPES": {}, "%FEATURE_STRUCTURES": [1]}', b'{"%TYPES": ' + b"[" * 9000,
        b'{"%TYPES": {}, "%VIEWS": [], "%FEATURE_STRUCTURES": [{"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaID": "_InitialView", "sofaString": "a"}]}',
        b'{"%TYPES": {"a": {"%SUPER_TYPE": "b"}, "b": {"%SUPER_TYPE": "a"}}, "%VIEWS": {}, "%FEATURE_STRUCTURES": [{"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaID": "_InitialView", "sofaString": "a"}]}',
    ],
)  # fmt: skip
def test_what_is_no_cas_is_refused_in_one_line(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("x.json" if raw[:1] == b"{" else "x.xmi")
    path.write_bytes(raw)
    with pytest.raises(ReadError) as caught:
        exchange.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_damaged_file_of_a_project_costs_its_own_codings_alone(tmp_path: Path) -> None:
    marks = [{"type": "webanno.custom.Logic", "at": "two years", "value": "x"}]
    path = project_export(tmp_path / "p.zip", {"Anna.txt": ANNA}, {"Anna.txt": {"anna": marks}}, {}, {})
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("annotation/Anna.txt/eve.zip", b"PK\x03\x04 not really")
        package.writestr("annotation/Anna.txt/mallory.xmi", b"<x/>")
    project = exchange.load(path)
    assert quotations(project) == {"Anna.txt": [("two years", ("x",))]}
    failed = [str(one) for one in project.problems if one.failed]
    assert len(failed) == 2 and "eve" in failed[0] and "mallory" in failed[1]
    done = sibnlp("convert", path, tmp_path / "out.jsonl")
    assert done.code == 1 and "mallory" in done.err


def test_bombs_inside_are_refused(tmp_path: Path) -> None:
    bomb = inception.zipped({"a.xmi": b"0" * (20 * 1024**2)})
    (tmp_path / "p.zip").write_bytes(inception.zipped({"annotation/a/eve.zip": bomb}))
    with pytest.raises(ReadError, match="refused"):
        exchange.load(tmp_path / "p.zip")


def test_users_with_another_text_are_left_out_and_said(tmp_path: Path) -> None:
    texts = {"anna": ANNA, "ben": BEN}
    files = {
        f"annotation/x.txt/{user}.xmi": cas_xmi(
            text, [{"type": "webanno.custom.L", "at": text[:4], "value": "v"}], "x.txt"
        )
        for user, text in texts.items()
    }
    (tmp_path / "p.zip").write_bytes(inception.zipped(files))
    project = exchange.load(tmp_path / "p.zip")
    assert len(list(project.placed())) == 1
    assert [one.failed for one in project.problems] == [True] and "another text" in said(project)


# Commands


def test_a_queue_coded_in_inception_comes_back(tmp_path: Path) -> None:
    """What a person does there: one file taken over as suggested, one corrected, one read without a code, one not."""
    texts = ["One about trust.", "Two about money.", "Three about nothing.", "Four unread."]
    passages = [
        Passage(f"d:{n * 100}-{n * 100 + len(t)}", "d", n * 100, n * 100 + len(t), t) for n, t in enumerate(texts)
    ]
    queued = [exchange.queued(f"T1-000{n}", one, ("trust",) if n < 2 else ()) for n, one in enumerate(passages)]
    exchange.save(exchange.queue_project(queued, ["trust", "money"], [], "m1"), tmp_path / "queue.zip")
    files: dict[str, bytes] = {}
    states = []
    with zipfile.ZipFile(tmp_path / "queue.zip") as package:
        types = package.read("TypeSystem.xml")
        for number, name in enumerate(n for n in package.namelist() if n.endswith(".xmi")):
            raw = package.read(name)
            if number == 1:
                raw = raw.replace(b'code="trust"', b'code="money"')
            files[f"annotation/{name}/anna.zip"] = inception.zipped({"anna.xmi": raw, "TypeSystem.xml": types})
            states.append({"name": name, "user": "anna", "state": "FINISHED" if number < 3 else "IN_PROGRESS"})
    files["exportedproject.json"] = json.dumps({"annotation_documents": states}).encode()
    (tmp_path / "back.zip").write_bytes(inception.zipped(files))
    back = exchange.read_queue(tmp_path / "back.zip", [])
    assert back.codings == (
        ("T1-0000", "anna", ("trust",)), ("T1-0001", "anna", ("money",)), ("T1-0002", "anna", ()),
    )  # fmt: skip


def test_the_commands_take_it(tmp_path: Path) -> None:
    qdpx(tmp_path / "study.qdpx", Habits(names="full"))
    done = sibnlp("convert", tmp_path / "study.qdpx", tmp_path / "out.zip")
    assert done.code == 0, done.err
    assert "2 documents" in done.err
    done = sibnlp("convert", tmp_path / "out.zip", tmp_path / "rows.jsonl", "--extent", "documents")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["coder"] for row in rows} == {"Anna Coder"} and any(row["codes"] for row in rows)
    done = sibnlp("agree", tmp_path / "study.qdpx", tmp_path / "out.zip", "-o", tmp_path / "agree.json")
    assert done.code in (0, 2), done.err
    done = sibnlp("convert", tmp_path / "out.zip", tmp_path / "back.qdpx", "--into", tmp_path / "study.qdpx")
    assert done.code == 0, done.err
    assert quotations(exchange.load(tmp_path / "back.qdpx")) == {title: in_order(title) for title in TEXTS}
