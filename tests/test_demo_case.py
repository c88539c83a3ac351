"""The demo case: the files hold what the writers wrote, the planned mess apart, and a rebuild changes no byte."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sibnlp import codebook, corpus, metadata, project, readers
from sibnlp.gold import match
from sibnlp.segmentation import SegmentSettings, interviewers_of
from sibnlp.tables import read_codings
from sibnlp.types import Document, Passage, Predictions
from tests.cli.shell import sibnlp
from tests.conftest import ROOT, lacking
from training.demo_files import ledger
from training.demo_files.ledger import CAPTIONS

DEMO = ROOT / "corpora" / "demo"
CASE = DEMO / "case"
# What may stand between two words of a turn: a page line, a typist's note, the alternative text of a picture.
GAP = 60


def load(name: str) -> Any:
    return json.loads((DEMO / name).read_text(encoding="utf-8"))


@functools.cache
def truth() -> Any:
    return load("truth.json")


FILES = sorted(load("truth.json")["files"])
PLAN = {f"{entry['id']}.{entry['format']}": entry for entry in load("plan.json")["documents"]}
NAMES = {actor["id"]: actor["name"] for actor in load("plan.json")["actors"]}
INTERVIEWS = [file for file in FILES if PLAN[file]["type"] == "interview"]


@functools.cache
def records(file: str) -> list[dict[str, Any]]:
    path = DEMO / "source" / truth()["files"][file]["source"]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@functools.cache
def read(file: str) -> Document:
    return readers.read(CASE / file, file)


@functools.cache
def settings() -> SegmentSettings:
    cut = project.load(CASE).segment
    return SegmentSettings(cut.max_words, cut.min_words, cut.interviewer, cut.interviewers)


@functools.cache
def passages() -> dict[str, list[Passage]]:
    chosen = project.load(CASE)
    inputs = corpus.find_documents(chosen)
    read = corpus.collect(inputs, settings(), metadata.gather(chosen, [one.id for one in inputs]))
    assert not read.failed
    out: dict[str, list[Passage]] = {file: [] for file in FILES}
    for passage in read.passages:
        out[passage.document].append(passage)
    return out


def letters(text: str) -> str:
    """A text without what files change: case, white space, hyphens, quotation marks and other signs."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def as_written(file: str, record: dict[str, Any]) -> list[str]:
    """Words of a record with its mis-hearings; the number of a note that the program sets is no text."""
    text = record["text"]
    if file.endswith(".odt") and is_note(file, record):
        text = re.sub(r"^\d+\. ", "", text)
    for change in truth()["mess"]["heard"].get(file.rpartition(".")[0], ()):
        if change["beat"] == record.get("beat") and not record.get("interviewer"):
            text = text.replace(change["said"], change["written"], 1)
    return [word for word in map(letters, text.split()) if word]


def is_note(file: str, record: dict[str, Any]) -> bool:
    """Whether a record stands at the foot of a page, which readers put behind the text."""
    numbers = truth()["mess"]["footnotes"].get(file.rpartition(".")[0], ())
    return any(records(file)[number - 1] is record for number in numbers)


def follow(words: list[str], text: str, at: int) -> int | None:
    """Where a run of words ends in a text; None where they do not stand there in order, `GAP` apart at most."""
    start = text.find("".join(words[:3]), at)
    while start >= 0:
        end = start
        for word in words:
            found = text.find(word, end, end + GAP + len(word))
            if found < 0:
                break
            end = found + len(word)
        else:
            return end
        start = text.find("".join(words[:3]), start + 1)
    return None


@pytest.mark.parametrize("file", FILES)
def test_every_word_is_read_in_order(file: str) -> None:
    text, at = letters(read(file).text), 0
    for record in records(file):
        if record["kind"] == "heading" and file.endswith((".srt", ".vtt")):
            continue  # captions have no title
        note = is_note(file, record)
        end = follow(as_written(file, record), text, 0 if note else at)
        assert end is not None, f"not found, or not in its place: {record['text'][:80]!r}"
        at = at if note else end


@pytest.mark.parametrize("file", FILES)
def test_nothing_deleted_or_commented_is_read(file: str) -> None:
    mess, name, text = truth()["mess"], file.rpartition(".")[0], plain(read(file).text)
    for change in mess["tracked"].get(name, ()):
        assert not change["deleted"] or plain(change["deleted"]) not in text
        assert plain(change["inserted"]) in text
    assert not mess["comments"].get(name) or plain(mess["comments"][name]) not in text


def plain(text: str) -> str:
    """A text in one line, with straight quotation marks."""
    return " ".join(text.translate(dict(zip(map(ord, "“”‘’"), "\"\"''", strict=True))).split())


@pytest.mark.parametrize(("name", "found"), [
    (name, found) for name, beats in truth()["mess"]["notes"].items() for found in beats.values()
] + [
    (name, f"~~{one['struck']}~~ {one['right']}") for name, many in truth()["mess"]["struck"].items() for one in many
])  # fmt: skip
def test_what_typists_and_secretaries_added_is_read(name: str, found: str) -> None:
    assert found in plain(read(next(file for file in FILES if file.startswith(name))).text)


def test_a_pull_quote_is_read_a_second_time() -> None:
    for name, words in truth()["mess"]["pulled"].items():
        text = letters(read(next(file for file in FILES if file.startswith(name))).text)
        assert text.count(letters(words)) == 2


# What makes the files what the README says they are, as it stands in their bytes.
RAW = {
    "2015-09_fanwar_interview-1.txt": b"\r\0\n\0Q\0:\0\t\0",
    "2017-06_phanlon_interview-2.srt": b"\xef\xbb\xbf1\r\n00:00:",
    "2018-04_opyke_interview-1.md": b"\n\n---\n\n**",
    "2018-11_forum-notes_variation.csv": b'\r\n"";"";"";""\r\n',
    "2019-05_dsark_interview-2.txt": b"\nSpeaker 3  ",
    "2020-08_lchiasson_interview-2.vtt": b"</v>\n",
    "2021-11_opyke_interview-2.txt": b"\nUnknown Speaker  ",
    "2022-06_dsark_interview-3.srt": b"\xef\xbb\xbf1\r\n00:00:",
    "2015-05_dsark_interview-1.rtf": rb"\page",
    "2016-06_press-release_clear-nights.rtf": rb"\'95\tab",
    "2014-08_adesai_interview-1.html": b'<span class="speaker"><b>Amit:</b></span>&nbsp;',
}


@pytest.mark.parametrize("file", RAW)
def test_files_have_the_mess_of_their_programs(file: str) -> None:
    assert RAW[file] in (CASE / file).read_bytes()


def test_captions_cut_words_and_cues_in_two() -> None:
    for file in FILES:
        if file.endswith((".srt", ".vtt")):
            cut, blank = CAPTIONS.get(file.rpartition(".")[0], ((), None))
            cues = re.split(r"(?m)^[\d:.,]+ --> .*$", (CASE / file).read_text(encoding="utf-8-sig"))[1:]
            blanks = [cue for cue in cues if re.search(r"\S\n\n(?!\d+\n|[0-9a-f-]{36}-\d+\n)\S", cue)]
            assert len(blanks) == (blank is not None), file
            said = [record for record in records(file) if record.get("beat") in cut]
            whole = " ".join(" ".join(cues).split())
            assert all(record["text"] not in whole for record in said), file


@pytest.mark.parametrize("file", INTERVIEWS)
def test_speakers_are_those_of_the_file(file: str) -> None:
    known = truth()["files"][file]
    assert {turn.speaker for turn in read(file).turns} == {*known["answering"], *known["asking"]}
    document = metadata.gather(project.load(CASE), FILES).apply(read(file))
    assert interviewers_of(document, settings()) == set(known["asking"])


@pytest.mark.parametrize("file", INTERVIEWS)
def test_respondents_turns_become_passages_of_the_right_actor(file: str) -> None:
    actor = NAMES[PLAN[file]["actor"]]
    text = letters(" ".join(p.text for p in passages()[file] if p.actor == actor))
    turns = [record for record in records(file) if record["kind"] == "turn" and not record.get("interviewer")]
    missing = [record["text"][:60] for record in turns if follow(as_written(file, record), text, 0) is None]
    assert len(missing) <= 0.05 * len(turns), missing
    assert {p.stage for p in passages()[file]} == {str(PLAN[file]["stage"])}
    assert {p.date for p in passages()[file]} == {PLAN[file]["date"]}
    asked = [letters(record["text"]) for record in records(file) if record.get("interviewer")]
    assert not [question for question in asked if len(question) > 30 and question in text]


@pytest.mark.parametrize("file", sorted(set(FILES) - set(INTERVIEWS)))
def test_documents_are_no_interviews(file: str) -> None:
    assert {p.kind for p in passages()[file]} == {PLAN[file]["type"]}
    assert {(p.stage, p.date) for p in passages()[file]} == {(str(PLAN[file]["stage"]), PLAN[file]["date"])}
    assert not any(p.speaker for p in passages()[file])


def test_codings_fit_their_sources() -> None:
    rows = [json.loads(line) for line in (DEMO / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) == sum(len(entry["beats"]) for entry in PLAN.values())
    for row in rows:
        said = "\n\n".join(r["text"] for r in records(row["document"]))
        assert row["text"] in said
        logics = {code for code in row["codes"] if code in ("NPM", "NPG", "PVM")}
        assert logics == set(row["stances"])
        assert set(row["stances"].values()) <= set(row["codes"])


def test_every_file_has_writer_labels_and_a_hand() -> None:
    names = {entry["id"] for entry in PLAN.values()}
    talked = {entry["id"] for entry in PLAN.values() if entry["type"] == "interview"}
    assert (len(talked), len(names) - len(talked)) == (31, 10)
    formats = pytest.importorskip("training.demo_files.formats")
    assert set(formats.WRITERS) == names
    assert set(formats.LABELS) == set(ledger.TRANSCRIBED) == talked
    named = (*ledger.HEARD, *ledger.CHANGES, *ledger.NOTES, *ledger.STRUCK, *ledger.FOOTNOTES, *ledger.CAPTIONS)
    assert set(named) <= names
    assert max(map(len, ledger.HEARD.values())) == 5
    assert {path.name for path in CASE.iterdir()} == {*FILES, "metadata.csv", "project.toml"}


def test_truth_is_counted_from_the_codings() -> None:
    rows = [json.loads(line) for line in (DEMO / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    for name, spoken in (("cells", True), ("cells_documents", False)):
        for domain, logics in truth()[name].items():
            for logic, stages in logics.items():
                for stage, cell in stages.items():
                    here = [r for r in rows if r["stage"] == stage and (r["document"] in INTERVIEWS) is spoken]
                    n = sum({domain, logic} <= set(row["codes"]) for row in here)
                    assert cell == {"n": n, "share": round(n / len(here), 4)}, (domain, logic, stage)


def test_cells_are_those_of_the_design() -> None:
    design = load("plan.json")["truth"]
    for name, spoken in (("shares", True), ("shares_documents", False)):
        found: Counter[tuple[str, str, str]] = Counter()
        for file in FILES:
            if (file in INTERVIEWS) is spoken:
                codings = {r["beat"]: r for r in records(file) if r["kind"] != "heading" and r.get("beat") is not None}
                for record in codings.values():
                    logics = set(record["codes"]) & {"NPM", "NPG", "PVM"}
                    domains = set(record["codes"]) - logics
                    found.update((d, logic, str(PLAN[file]["stage"])) for d in domains for logic in logics)
        for domain, logics in design[name].items():
            for logic, stages in logics.items():
                assert stages == {stage: found[domain, logic, stage] for stage in stages}, (domain, logic)
        recounted = truth()["cells" if spoken else "cells_documents"]
        for domain, logics in design[name].items():
            # A domain that the plan gave to PVM alone fell away; the README says why.
            for logic in ("NPM", "NPG"):
                assert {s: cell["n"] for s, cell in recounted[domain][logic].items()} == logics[logic], (domain, logic)


def test_relations_and_dimensions_are_those_of_the_design() -> None:
    design = load("plan.json")["truth"]
    cells = truth()["relations"]["cells"]
    by_cell = {domain: {stage: cell["relation"] for stage, cell in stages.items()} for domain, stages in cells.items()}
    assert by_cell == design["relations"]
    kinds = {relation for stages in by_cell.values() for relation in stages.values()}
    assert kinds == {"reinforcing", "in_tension", "co_existing", "segregating"}
    marks = {domain: {stage: cell["marks"] for stage, cell in stages.items()} for domain, stages in cells.items()}
    assert marks == design["relation_marks"]
    assert truth()["relations"]["coded_documents"] == design["relation_marks_documents"]
    assert truth()["dimensions"] == design["dimension_shifts"]


def test_the_rules_of_the_tool_find_the_relations_of_the_design(tmp_path: Path) -> None:
    assert sibnlp("drift", DEMO / "gold.jsonl", "-o", tmp_path / "out").code == 0
    found = json.loads((tmp_path / "out" / "trajectory.json").read_text(encoding="utf-8"))
    by_cell: dict[str, dict[str, str | None]] = {}
    for one in found["relations"]:
        if one["domain"]:
            by_cell.setdefault(one["domain"], {})[one["period"]] = one["relation"]
    assert by_cell == load("plan.json")["truth"]["relations"]


def test_one_actor_changes_and_the_others_do_not() -> None:
    changed = {
        actor
        for actor, stages in truth()["actor_change"]["endorsed_most"].items()
        if len({tuple(logics) for logics in stages.values()}) > 1
    }
    assert changed == {truth()["actor_change"]["actor"]} == {"wboudreau"}
    stances = load("plan.json")["truth"]["actor_change"]["stances_by_actor_stage"]
    assert truth()["actor_change"]["stances"] == stances
    assert sum(len(stages) > 1 for stages in stances.values()) > 10, "many could have changed"


def test_a_fall_that_is_who_spoke() -> None:
    found, design = truth()["composition"], load("plan.json")["truth"]["composition"]
    assert found["stayers"] == design["stayers_1_and_3"]
    assert found["cell"]["turns_by_actor"] == design["cell"]["turns_by_actor"]
    domain, logic = found["cell"]["domain"], found["cell"]["logic"]
    everybody, stayers = truth()["cells"][domain][logic], found["cells_stayers"][domain][logic]
    rates = design["rates"][domain][logic]
    assert [round(everybody[s]["share"], 3) for s in "123"] == [rates["all"][s] for s in "123"]
    assert [round(stayers[s]["share"], 3) for s in "13"] == [rates["stayers"][s] for s in "13"]
    assert everybody["1"]["share"] > 2 * everybody["3"]["share"]
    assert abs(stayers["1"]["share"] - stayers["3"]["share"]) < 0.005
    for actor in found["stayers"]:
        assert len(set(found["cell"]["turns_by_actor"][actor].values())) == 1, f"{actor} moves"


def test_hands_give_way_to_machines() -> None:
    files = truth()["transcript_sources"]["files"]
    shares = [files[s]["by_machine"] / truth()["turns"][s]["documents"] for s in "123"]
    assert shares == [0.0, 0.6, 1.0]


def test_the_readme_counts_as_the_truth_does() -> None:
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    for domain in truth()["cells"]:
        for logic in ("NPM", "NPG"):
            cells = truth()["cells"][domain][logic]
            counted = " | ".join(f"{cells[s]['n']} ({cells[s]['share'] * 100:.1f} %)" for s in "123")
            assert f"| {logic} | {counted} |" in text, (domain, logic)
    for name, what in (("interviews", "documents"), ("respondents' turns", "turns")):
        assert f"| {name} | " + " | ".join(str(truth()["turns"][s][what]) for s in "123") + " |" in text
    assert len(re.findall(r"^\| 20\d\d-\d\d ", text, flags=re.MULTILINE)) == len(FILES)


def test_no_two_turns_share_a_run_of_eight_words() -> None:
    seen: dict[tuple[str, ...], tuple[str, int]] = {}
    for file in FILES:
        for number, record in enumerate(records(file)):
            words = re.findall(r"[\w']+", record["text"].casefold().replace("’", "'"))
            for i in range(len(words) - 7):
                where = (file, number)
                run = tuple(words[i : i + 8])
                assert seen.setdefault(run, where) == where or record["kind"] == "heading", " ".join(run)


def test_project_file_names_the_stages() -> None:
    raw = tomllib.loads((CASE / "project.toml").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in raw["stage"]] == [stage["name"] for stage in load("plan.json")["stages"]]


def contents(path: Path) -> Any:
    """Bytes of a file; of a package, those of its members, since what deflate writes depends on the zlib at hand."""
    if path.suffix not in (".docx", ".odt", ".xlsx"):
        return path.read_bytes()
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_a_rebuild_changes_no_byte(tmp_path: Path) -> None:
    for module in ("docx", "odfdo", "reportlab"):
        if importlib.util.find_spec(module) is None:
            lacking(f"{module} is not installed: the files of the demo case cannot be rebuilt")
    for name in ("one", "two"):
        command = [sys.executable, "-m", "training.build_demo", "--out", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    built = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    names = [path.relative_to(tmp_path / "one") for path in built]
    assert {path.name for path in names} >= {*FILES, "metadata.csv", "project.toml", "truth.json"}
    assert not [
        name for name in names if (tmp_path / "two" / name).read_bytes() != (tmp_path / "one" / name).read_bytes()
    ]
    changed = [str(name) for name in names if contents(DEMO / name) != contents(tmp_path / "one" / name)]
    assert not changed, f"run training/build_demo.py and commit: {changed}"


def test_most_codings_are_found_however_the_files_are_cut() -> None:
    """Read and cut by the program, most passages are those the writers coded: without overlaps it was 234 of 635."""
    books = [codebook.load(name) for name in ("osborne", "oflynn")]
    found = tuple(passage for one in passages().values() for passage in one)
    codes = tuple(code.id for code in books[0].codes)
    scores = np.zeros((len(found), len(codes)), dtype=np.float32)
    predictions = Predictions(found, codes, scores, scores > 0.5, "model")
    matched = match(read_codings(DEMO / "gold.jsonl", books), predictions, books)
    assert len(matched.rows) >= 460  # measured 466
    assert len(set(matched.rows.tolist())) == len(matched.rows)
    assert all("at least 75%" in note or "left out" in note for note in matched.notes)
