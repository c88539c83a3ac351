"""``sibnlp pseudonymise``: names out, offsets kept, the way back apart, inputs untouched."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sibnlp import readers, recognisers
from sibnlp.actors import Actor, Listed, actors
from sibnlp.errors import DataError
from sibnlp.pseudonyms import Replacement, Replacer, apply, restore
from tests.cli.shell import sibnlp

INTERVIEW = """\
Interviewer: How did it begin?

Anna Berg: Grace and I went to see Mr Hollis about the form. Anna Berg, that's me, signed it.

Interviewer: And then, Anna?

Anna Berg: Then we had a period of grace. Berg's list went to Halifax, and 😀 nobody read it.
"""


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "interviews"
    folder.mkdir()
    (folder / "2014_anna-berg.txt").write_text(INTERVIEW, encoding="utf-8")
    (folder / "talk.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Carl Dorn>I told Anna that we would see.\n\n"
        "00:05.000 --> 00:09.000\n<v Interviewer>Did you?\n",
        encoding="utf-8",
    )
    (folder / "metadata.csv").write_text(
        "document,date,actor,role\n2014_anna-berg.txt,2014,Anna Berg,provider\n", encoding="utf-8"
    )
    (tmp_path / "names.csv").write_text("name,pseudonym\nGrace,P77\n", encoding="utf-8")
    return tmp_path


def run(case: Path, *further: object) -> object:
    return sibnlp(
        "pseudonymise", case / "interviews", "-o", case / "shared", "--map", case / "private.json", *further
    )  # fmt: skip


def test_names_go_and_come_back(case: Path) -> None:
    before = {path: path.read_bytes() for path in (case / "interviews").iterdir()}
    done = run(case, "--names", case / "names.csv")
    assert done.code == 0, done.err  # type: ignore[attr-defined]
    shared = {path.name: path.read_text(encoding="utf-8") for path in (case / "shared").iterdir()}
    assert set(shared) == {"001.txt", "002.txt", "metadata.csv", "offsets.json", "run.json"}
    for text in shared.values():
        assert not any(name in text for name in ("Anna", "Berg", "Carl", "Dorn", "Hollis", "berg"))
    assert "a period of grace" in shared["001.txt"], "the word stays"
    assert "[name] about the form" in shared["001.txt"], "behind a title it is a name"
    assert "😀" in shared["001.txt"]
    who = json.loads((case / "private.json").read_text(encoding="utf-8"))
    anna = next(one["pseudonym"] for one in who["actors"] if "Anna Berg" in one["names"])
    assert shared["001.txt"].count(anna) == 5 and f"told {anna} that" in shared["002.txt"], "one actor in all texts"
    assert f"001.txt,{anna},,,,{anna},provider" in shared["metadata.csv"].replace("\r", "")
    back = sibnlp("pseudonymise", case / "shared", "-o", case / "restored", "--map", case / "private.json", "--restore")
    assert back.code == 0, back.err
    raw = readers.read(case / "interviews" / "2014_anna-berg.txt").text
    assert (case / "restored" / "2014_anna-berg.txt.txt").read_text(encoding="utf-8") == raw
    assert before == {path: path.read_bytes() for path in (case / "interviews").iterdir()}, "originals are untouched"


def test_what_it_was_unsure_of_is_listed_beside_the_map(case: Path) -> None:
    run(case, "--names", case / "names.csv")
    with (case / "private.review.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    listed = {row["text"]: row["why"] for row in rows}
    assert "Halifax" in listed and "capital" in listed["Halifax"]
    assert "word as well" in listed["Grace"], "grace is written small, too"
    assert "replaced" in listed["Hollis"]
    raw = readers.read(case / "interviews" / "2014_anna-berg.txt").text
    assert all(raw[int(r["start"]) : int(r["end"])] == r["text"] for r in rows if r["document"].startswith("2014"))


def test_the_result_is_a_case_with_the_same_speakers(case: Path) -> None:
    run(case)
    done = sibnlp("segment", case / "shared", "-o", "-", "--min-words", 1)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert {row["document"] for row in rows} == {"001.txt", "002.txt"}
    assert all(row["speaker"].startswith("P") for row in rows)
    first = next(row for row in rows if row["document"] == "001.txt")
    assert first["actor"] == first["speaker"] and first["role"] == "provider" and first["date"] == "2014"
    original = sibnlp("segment", case / "interviews", "-o", "-", "--min-words", 1)
    assert len(original.out.splitlines()) == len(rows)


def test_codings_of_pseudonymised_texts_get_their_place_back(case: Path) -> None:
    run(case)
    assert sibnlp("segment", case / "shared", "-o", case / "coded.jsonl", "--min-words", 1).code == 0
    done = sibnlp(
        "pseudonymise", case / "coded.jsonl", "-o", case / "back", "--map", case / "private.json", "--restore"
    )
    assert done.code == 0, done.err
    texts = {p.name: readers.read(p).text for p in (case / "interviews").iterdir() if p.suffix in (".txt", ".vtt")}
    rows = [json.loads(line) for line in (case / "back" / "coded.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 3
    for row in rows:
        assert texts[row["document"]][row["start"] : row["end"]] == row["text"]
    assert {row["speaker"] for row in rows} == {"Anna Berg", "Carl Dorn"}


@pytest.mark.parametrize("where", ["shared/map.json", "shared/deep/map.json"])
def test_the_map_may_not_lie_in_the_output(case: Path, where: str) -> None:
    done = sibnlp("pseudonymise", case / "interviews", "-o", case / "shared", "--map", case / where)
    assert done.code == 2 and "must not lie in" in done.err.replace("\n", " ").replace("│", "").replace("  ", " ")
    assert not (case / "shared").exists()


def test_nothing_is_written_among_the_originals_or_over_a_map(case: Path) -> None:
    done = sibnlp("pseudonymise", case / "interviews", "-o", case / "interviews" / "x", "--map", case / "m.json")
    assert done.code == 2 and not (case / "interviews" / "x").exists()
    assert run(case).code == 0  # type: ignore[attr-defined]
    again = sibnlp("pseudonymise", case / "interviews", "-o", case / "other", "--map", case / "private.json")
    assert again.code == 2 and "exists already" in again.err
    assert (case / "private.json").stat().st_mode & 0o077 == 0, "its owner's alone"


def test_offsets_lead_there_and_back() -> None:
    text = "Anna met Benjamin, and Anna left."
    found, _ = Replacer([Actor("P1", ("Anna",)), Actor("Participant 2", ("Benjamin",))]).find(text)
    changed, layer = apply(text, [*found, Replacement(19, 19, "++")])
    assert changed == "P1 met Participant 2, ++and P1 left."
    assert restore(changed, layer, [text[a:b] for a, b, _, _ in layer.spans]) == text
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            there = layer.to_pseudonymised(start, end)
            back = layer.to_raw(*there)
            assert back[0] <= start and back[1] >= end, "what a name is cut in takes all of it, never less"
    assert layer.to_raw(*layer.to_pseudonymised(5, 8)) == (5, 8)


def test_words_that_two_people_share_are_left_to_review() -> None:
    found, doubts = Replacer([Actor("P1", ("Anna Berg",)), Actor("P2", ("Ben Berg",))]).find(
        "Berg met Anna and Ben Berg."
    )
    assert [one.text for one in found] == ["P1", "P2"]
    assert [one.why for one in doubts] == ["may be P1 or P2"]


def test_labels_find_their_actor() -> None:
    known = actors([Listed("Anna Berg", "Manager")], ["Anna", "Interviewer", "Speaker 2", "Carl Dorn", "CARL DORN"])
    assert {one.pseudonym: one.names for one in known} == {"Manager": ("Anna Berg", "Anna"), "P01": ("Carl Dorn",)}
    assert [one.pseudonym for one in actors([], ["P01", "Anna"])] == ["P02"], "P01 is somebody already"
    with pytest.raises(DataError, match="two pseudonyms"):
        actors([Listed("Anna", "A"), Listed("Anna", "B")], [])


def test_a_speaker_whose_name_is_a_word_goes_from_labels_and_metadata(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(
        "Will: That will do, and it will have to.\n\nInterviewer: Will it?\n\nWill: It will.\n", encoding="utf-8"
    )
    (folder / "b.txt").write_text(
        "Grace\nTue, Nov 16, 2021\n\nAnna Berg  0:03\nHow is it?\n\nGrace Lund  0:10\nBy grace, well enough.\n\n"
        "Anna Berg  0:20\nAnd then?\n",
        encoding="utf-8",
    )
    (folder / "metadata.csv").write_text("document,speaker,actor\na.txt,Will,Will Hope\n", encoding="utf-8")
    done = sibnlp("pseudonymise", folder, "-o", tmp_path / "out", "--map", tmp_path / "map.json")
    assert done.code == 0, done.err
    first, second, said = ((tmp_path / "out" / n).read_text("utf-8") for n in ("001.txt", "002.txt", "metadata.csv"))
    assert "Will:" not in first and first.count("P0") == 2 and "Will it?" in first, (
        "what opens a sentence is for review"
    )
    assert "Will" not in said and "Hope" not in said
    assert "Lund" not in second and "By grace" in second
    assert second.count("P0") == 3, "a label on its own line is not added again before what is said"


def test_titles_with_a_point_make_a_name_sure() -> None:
    find = recognisers.RECOGNISERS.load("capitalised").find
    text = "I met Mrs. Rafuse there. Yes, Father. No. Then Sister Perpetua came."
    assert [text[f.start : f.end] for f in find(text) if f.sure] == ["Rafuse", "Perpetua"]


def test_recognisers_are_a_seam() -> None:
    assert {"capitalised", "spacy"} <= set(recognisers.RECOGNISERS)
    find = recognisers.RECOGNISERS.load("capitalised").find
    text = "Trust came later. Then we asked Dr Ellen Vos, in May, whether trust and Pine Road would do. I was OK."
    assert [(text[f.start : f.end], f.sure) for f in find(text)] == [("Ellen Vos", True), ("Pine Road", False)]


@pytest.fixture
def spacy_model() -> Iterator[Any]:
    """The spaCy recogniser, with no model remembered from another test."""
    from sibnlp.recognisers import spacy_model

    spacy_model._model.cache_clear()
    yield spacy_model
    spacy_model._model.cache_clear()


def test_spacy_without_a_model_says_what_to_install(spacy_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy.util.get_installed_models", list)
    with pytest.raises(DataError, match="spacy download"):
        spacy_model.find("Anna")


def test_a_spacy_model_s_entities_are_listed_for_review(
    case: Path, spacy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline saved to a folder and loaded from it, as an installed one is; only its entities come from rules."""
    import spacy

    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler", name="ner")
    ruler.add_patterns(  # type: ignore[attr-defined]
        [{"label": "GPE", "pattern": "Halifax"}, {"label": "PERSON", "pattern": "Hollis"},
         {"label": "PERSON", "pattern": "Anna Berg"}, {"label": "DATE", "pattern": "period"}]
    )  # fmt: skip
    pipeline.to_disk(case / "xx_rules")
    spacy.blank("en").to_disk(case / "xx_blank")
    monkeypatch.setattr("spacy.util.get_installed_models", lambda: [str(case / "xx_blank"), str(case / "xx_rules")])
    done = run(case, "--recogniser", "spacy")
    assert done.code == 0, done.err  # type: ignore[attr-defined]
    with (case / "private.review.csv").open(encoding="utf-8-sig") as file:
        listed = {row["text"]: row for row in csv.DictReader(file) if "spaCy" in row["why"]}
    assert {text: row["why"] for text, row in listed.items()} == {
        "Halifax": "a place, says spaCy", "Hollis": "a person, says spaCy"
    }  # fmt: skip
    raw = readers.read(case / "interviews" / "2014_anna-berg.txt").text
    assert raw[int(listed["Halifax"]["start"]) : int(listed["Halifax"]["end"])] == "Halifax", (
        "behind several paragraphs"
    )
    shared = (case / "shared" / "001.txt").read_text(encoding="utf-8")
    assert "Halifax" in shared and "Anna" not in shared, "what a model says is left to a person; whoever speaks is not"
