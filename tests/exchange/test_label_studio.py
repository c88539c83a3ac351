"""Label Studio: tasks in, annotated by people and models; pre-annotated tasks out."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from sibnlp import exchange
from tests.exchange.test_refi import quotations
from tests.exchange.test_refi_export import machine_project
from tests.exchange.tools import ANNA, BEN, TEXTS, Habits, qdpx


def region(text: str, words: str, labels: list[str], utf16: bool = False, **more: object) -> dict[str, object]:
    at = text.index(words)
    start, end = (
        (len(text[:i].encode("utf-16-le")) // 2 for i in (at, at + len(words))) if utf16 else (at, at + len(words))
    )
    value = {"start": start, "end": end, "text": words, "labels": labels}
    return {"id": words[:6], "from_name": "label", "to_name": "text", "type": "labels", "value": value, **more}


def tasks(utf16: bool) -> list[dict[str, object]]:
    return [
        {
            "id": 1,
            "data": {"text": ANNA, "document": "Anna", "wave": 1},
            "annotations": [
                {
                    "completed_by": {"id": 3, "email": "me@example.org"},
                    "created_at": "2024-01-02T03:04:05Z",
                    "result": [
                        region(ANNA, "many cups of tea.", ["trust"], utf16),
                        region(ANNA, "paid for each person", ["targets", "money"], utf16),
                        {"type": "relation", "from_id": "a", "to_id": "b"},
                    ],
                },
                {"completed_by": 4, "was_cancelled": True, "result": [region(ANNA, "two years", ["trust"], utf16)]},
            ],
            "predictions": [
                {
                    "model_version": "m1",
                    "score": 0.7,
                    "result": [region(ANNA, "many cups of tea.", ["trust"], utf16, score=0.9)],
                }
            ],
        },
        {"id": 2, "data": {"text": BEN}, "annotations": [{"completed_by": 4, "result": []}], "predictions": []},
    ]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_regions_stand_where_they_were_made_in_either_unit(tmp_path: Path) -> None:
    for utf16 in (False, True):
        project = exchange.load(write(tmp_path / f"{utf16}.json", tasks(utf16)))
        found = quotations(project)["Anna"]
        assert found == [("paid for each person", ("targets", "money")), ("many cups of tea.", ("trust", "trust"))]


def test_people_models_scores_and_values_come_along(tmp_path: Path) -> None:
    project = exchange.load(write(tmp_path / "t.json", tasks(False)))
    assert {(coder.name, coder.machine) for coder in project.coders} == {
        ("me@example.org", False),
        ("m1", True),
        ("user 4", False),
    }
    scores = {project.coder_name(p.coding.coder): p.coding.score for p in project.placed() if p.coding.score}
    assert scores == {"m1": 0.9}
    assert [(value.variable, value.value) for value in project.documents[0].values] == [("variable wave", "1")]
    said = "\n".join(map(str, project.problems))
    assert "annotations that were cancelled" in said and "results of type 'relation'" in said


def test_a_submitted_task_was_read(tmp_path: Path) -> None:
    project = exchange.load(write(tmp_path / "t.json", tasks(False)))
    read = {(project.coder_name(extent.coder), extent.document) for extent in project.extents}
    assert read == {("me@example.org", "document 1"), ("m1", "document 1"), ("user 4", "document 2")}
    assert all(extent.basis == "recorded" for extent in project.extents)


def test_choices_are_codes_of_the_whole_text(tmp_path: Path) -> None:
    task = {
        "data": {"text": "They dock us if the form is late."},
        "annotations": [{"completed_by": 1, "result": [{"type": "choices", "value": {"choices": ["NPM", "targets"]}}]}],
    }
    project = exchange.load(write(tmp_path / "t.json", [task]))
    assert list(quotations(project).values()) == [[("They dock us if the form is late.", ("NPM", "targets"))]]


def test_json_min_is_read(tmp_path: Path) -> None:
    row = {
        "id": 7, "text": BEN, "annotator": 1, "label": [region(BEN, "The form" if "The form" in BEN else "the form", ["x"])["value"]],
        "tone": {"choices": ["sad"]},
    }  # fmt: skip
    project = exchange.load(write(tmp_path / "t.json", [row]))
    assert sorted(code.name for code in project.codes) == ["sad", "x"]
    assert ("the form", ("x",)) in quotations(project)["7"]


def test_an_export_is_pre_annotated_and_comes_back(tmp_path: Path) -> None:
    project = machine_project()
    said = "\n".join(map(str, exchange.save(project, tmp_path / "out.json")))
    assert "the hierarchy of codes" in said and "remarks on selections" in said
    (task,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert task["data"]["text"] == ANNA and task["data"]["document"] == "Anna <2015>"
    (prediction,), (annotation,) = task["predictions"], task["annotations"]
    assert prediction["model_version"] == "gov-fast"
    for one in (prediction, annotation):
        value = one["result"][0]["value"]
        assert ANNA[value["start"] : value["end"]] == value["text"] and value["labels"] == ["trust"]
    assert prediction["result"][0]["score"] == 0.8312
    again = exchange.load(tmp_path / "out.json")
    assert {(coder.name, coder.machine) for coder in again.coders} == {("Anna Müller", False), ("gov-fast", True)}
    assert [(p.coding.score, p.coding.note) for p in again.placed()] == [
        (None, ""),
        (0.8312, "rests on “two years of trust”"),
    ]


def test_a_round_trip_keeps_texts_and_codings(tmp_path: Path) -> None:
    project = exchange.load(qdpx(tmp_path / "study.qdpx", Habits(names="full")))
    exchange.save(project, tmp_path / "out.json")
    again = exchange.load(tmp_path / "out.json")
    assert {document.name: document.text for document in again.documents} == TEXTS
    assert quotations(again) == quotations(project)


def test_the_configuration_names_every_label_once(tmp_path: Path) -> None:
    exchange.save(exchange.load(qdpx(tmp_path / "study.qdpx", Habits())), tmp_path / "labels.xml")
    root = ElementTree.fromstring((tmp_path / "labels.xml").read_text(encoding="utf-8"))
    assert [label.get("value") for label in root.iter("Label")] == ["targets", "money", "trust", "outcomes"]
    assert root.find("Text").get("value") == "$text"
