"""Files from strangers: refused in one line or survived, with nothing written and memory bounded."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sibnlp import exchange
from sibnlp.errors import ReadError, SibnlpError
from tests.cli.shell import sibnlp
from tests.exchange.test_refi import in_order, quotations
from tests.exchange.tools import TEXTS, Habits, guid, qdpx, rezip


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return qdpx(tmp_path / "study.qdpx", Habits(names="full"))


def refused(path: Path) -> str:
    before = {str(one) for one in path.parent.rglob("*")}
    with pytest.raises(SibnlpError) as caught:
        exchange.load(path)
    assert {str(one) for one in path.parent.rglob("*")} == before, "something was written"
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


def test_a_zip_bomb_is_refused(study: Path, tmp_path: Path) -> None:
    bomb = rezip(study, tmp_path / "bomb.qdpx", {"sources/bomb.txt": b"0" * (20 * 1024**2)})
    assert "refused" in refused(bomb)


def test_a_source_that_declares_less_than_it_holds_is_no_bomb_either(study: Path, tmp_path: Path) -> None:
    # The table of contents lies; what counts is what comes out.
    out = tmp_path / "lying.qdpx"
    rezip(study, out, {"sources/big.txt": os.urandom(1024) * 1024 * 20})
    raw = bytearray(out.read_bytes())
    at = raw.rfind(b"PK\x01\x02", 0, raw.rfind(b"sources/big.txt"))
    raw[at + 24 : at + 28] = (100).to_bytes(4, "little")
    out.write_bytes(raw)
    project = exchange.load(out)
    assert quotations(project) == {title: in_order(title) for title in TEXTS}


def test_names_that_climb_out_of_the_archive_write_nothing(study: Path, tmp_path: Path) -> None:
    leaf = guid("file Anna 2015", Habits()) + ".txt"
    climbing = rezip(
        study, tmp_path / "in" / "climb.qdpx" if (tmp_path / "in").mkdir() is None else study,
        {f"sources/{leaf}": None, f"../../{leaf}": TEXTS["Anna 2015"].encode(), "/etc/cron.d/x": b"boo"},
    )  # fmt: skip
    project = exchange.load(climbing)
    # The leaf name is looked up inside the archive and read from there; nothing is unpacked anywhere.
    assert quotations(project) == {title: in_order(title) for title in TEXTS}
    assert sorted(one.name for one in tmp_path.rglob("*") if one.is_file()) == ["climb.qdpx", "study.qdpx"]


@pytest.mark.parametrize(
    "reference",
    [
        "absolute:///etc/passwd",
        "relative:///../../../../etc/passwd",
        "/etc/passwd",
        "internal://../../etc/passwd",
        r"C:\Windows\win.ini",
    ],
)
def test_files_outside_the_project_are_never_read(reference: str, study: Path, tmp_path: Path) -> None:
    leaf = guid("file Anna 2015", Habits()) + ".txt"
    path = rezip(study, tmp_path / "outside.qdpx", edit=(f"internal://{leaf}", reference))
    project = exchange.load(path)
    assert project.documents[0].text == ""
    assert any(problem.failed and problem.place == "Anna 2015" for problem in project.problems)
    assert "root:" not in str(project)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE Project [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Project [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE Project SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
def test_entities_and_document_types_are_refused(head: str, study: Path, tmp_path: Path) -> None:
    path = rezip(study, tmp_path / "xxe.qdpx", edit=("<Project ", f"{head}<Project "))
    assert "document type declaration" in refused(path)


def test_a_codebook_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.qdc"
    path.write_text('<!DOCTYPE CodeBook [<!ENTITY x "y">]><CodeBook><Codes/></CodeBook>', encoding="utf-8")
    assert "document type declaration" in refused(path)


def test_damaged_and_strange_files_are_named(study: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.qdpx"
    cut.write_bytes(study.read_bytes()[:-40])
    assert "cut off or damaged" in refused(cut)
    empty = tmp_path / "empty.qdpx"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no .qde file" in refused(empty)
    two = rezip(study, tmp_path / "two.qdpx", {"other.qde": b"<Project/>"})
    assert "2 .qde files" in refused(two)
    text = tmp_path / "text.qdpx"
    text.write_text("hello", encoding="utf-8")
    refused(text)
    nothing = tmp_path / "nothing.qdpx"
    nothing.write_bytes(b"")
    refused(nothing)
    broken = rezip(study, tmp_path / "broken.qdpx", edit=("</Project>", "</Projct>"))
    assert "damaged" in refused(broken)


def test_codes_nested_too_deep_do_not_crash(tmp_path: Path) -> None:
    deep = tmp_path / "deep.qdc"
    code = '<Code guid="00000000-0000-0000-0000-%012d" name="c" isCodable="true">'
    deep.write_text(
        "<CodeBook><Codes>" + "".join(code % n for n in range(5000)) + "</Code>" * 5000 + "</Codes></CodeBook>",
        encoding="utf-8",
    )
    assert "damaged" in refused(deep)


@pytest.mark.parametrize("number", ["1e9", "9" * 400, "NaN", "", "٣", "-1", "0x10"])
def test_positions_that_are_no_places_cost_their_selection_alone(number: str, study: Path, tmp_path: Path) -> None:
    selection = (
        f'<PlainTextSelection guid="x" startPosition="{number}" endPosition="{number}9"/></TextSource></Sources>'
    )
    project = exchange.load(rezip(study, tmp_path / "odd.qdpx", edit=("</TextSource></Sources>", selection)))
    found = quotations(project)
    assert found["Anna 2015"] == in_order("Anna 2015")
    assert [pair for pair in found["Ben 2019"] if pair[1]] == in_order("Ben 2019")


def test_many_sources_are_read_in_time(tmp_path: Path) -> None:
    """Survey answers become hundreds of one-answer sources: the archive is opened once, not once a source."""
    texts = {f"answer {n}": f"Answer number {n} is this one. It has two sentences.\n" for n in range(1500)}
    project = exchange.load(qdpx(tmp_path / "many.qdpx", Habits(), texts))
    assert len(project.documents) == 1500


SCRIPT = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (3 * 1024**3, 3 * 1024**3))
from sibnlp import exchange
from sibnlp.errors import SibnlpError
import numpy, lxml.etree
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    project = exchange.load(Path(sys.argv[1]))
    print("read", len(project.documents))
except SibnlpError as error:
    print("refused", error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def bounded(path: Path) -> tuple[str, int]:
    """What becomes of a file in a process of its own, and how many MB it took."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said, grew = done.stdout.strip().splitlines()[-2:]
    return said, int(grew)


def with_hole(path: Path, name: str, size: int) -> None:
    """Add a stored member of zeros that takes no room on disk."""
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type, info.file_size, info.compress_size = zipfile.ZIP_STORED, size, size
        info.CRC, info.header_offset = 0, archive.start_dir
        archive.fp.seek(archive.start_dir)
        archive.fp.write(info.FileHeader())
        archive.fp.seek(size, os.SEEK_CUR)
        archive.start_dir = archive.fp.tell()
        archive.filelist.append(info)
        archive._didModify = True


def test_a_project_with_two_gigabytes_of_film_is_read_without_unpacking_it(study: Path, tmp_path: Path) -> None:
    big = tmp_path / "film.qdpx"
    big.write_bytes(study.read_bytes())
    with_hole(big, "sources/film.mp4", 2 * 1024**3 - 1024**2)
    assert big.stat().st_size > 1024**3 * 1.9
    said, grew = bounded(big)
    assert said == "read 2" and grew < 150


@pytest.mark.parametrize("name", ["tasks.json", "book.qdc"])
def test_a_file_of_two_gigabytes_is_refused_unread(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"[" if name.endswith("json") else b"<CodeBook>")
        file.truncate(2 * 1024**3)
    said, grew = bounded(path)
    assert said.startswith("refused") and grew < 100


def test_a_text_of_a_gigabyte_in_an_archive_costs_its_codings_alone(study: Path, tmp_path: Path) -> None:
    leaf = guid("file Anna 2015", Habits()) + ".txt"
    path = rezip(study, tmp_path / "long.qdpx", {f"sources/{leaf}": None})
    with_hole(path, f"sources/{leaf}", 1024**3)
    said, grew = bounded(path)
    assert said == "read 2" and grew < 500


def test_a_view_that_poses_as_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.sqlite3"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE projects (id, name); CREATE TABLE highlights (id, document_id, start_offset, end_offset);
        CREATE TABLE tags (id, path); CREATE TABLE highlight_tags (highlight_id, tag_id);
        CREATE VIEW documents AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)
            SELECT id, 'a' AS name, 'b' AS contents FROM n;
        INSERT INTO projects VALUES (1, 'x');
        """
    )
    connection.close()
    assert "no table 'documents'" in refused(path)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cats (name)")
    connection.commit()
    connection.close()
    assert "no Taguette project" in refused(path)
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(path.read_bytes()[:600])
    refused(broken)


@pytest.mark.parametrize(
    "tasks",
    [
        "{",
        "[1, 2]",
        "[]",
        '[{"data": {}}]',
        '[{"data": {"text": "a"}, "annotations": [{"result": [{"value": 3}]}]}]',
        "[" * 5000,
    ],
)
def test_tasks_that_are_none_are_refused_or_survived(tasks: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(tasks, encoding="utf-8")
    try:
        said = [str(problem) for problem in exchange.load(path).problems if problem.failed]
    except ReadError as error:
        said = [str(error)]
    assert said and all("\n" not in line for line in said)


def test_offsets_of_any_kind_in_tasks_are_survived(tmp_path: Path) -> None:
    values = [
        {"start": start, "end": end, "labels": ["a"]}
        for start, end in ((-5, 3), (0, 10**30), (4, 4), ("x", 1), (None, 2), (2.5, 3))
    ]
    task = {
        "data": {"text": "A text of a few words."},
        "annotations": [{"result": [{"type": "labels", "value": v} for v in values]}],
    }
    (tmp_path / "tasks.json").write_text(json.dumps([task]), encoding="utf-8")
    project = exchange.load(tmp_path / "tasks.json")
    assert not list(project.placed()) and project.problems


def test_the_command_fails_in_one_line_and_leaves_nothing(study: Path, tmp_path: Path) -> None:
    bomb = rezip(study, tmp_path / "bomb.qdpx", {"sources/bomb.txt": b"0" * (20 * 1024**2)})
    done = sibnlp("convert", bomb, tmp_path / "out.qdpx")
    assert done.code == 2 and done.err.count("\n") == 1
    assert not (tmp_path / "out.qdpx").exists()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".sibnlp")]


def test_formulas_in_a_table_stay_text(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    (tmp_path / "in.jsonl").write_text(
        '{"text": "=1+2", "codes": ["=cmd"], "coder": "@x", "document": "d"}\n', encoding="utf-8"
    )
    done = sibnlp("convert", tmp_path / "in.jsonl", tmp_path / "out.xlsx")
    assert done.code == 0, done.err
    cells = [cell for row in load_workbook(tmp_path / "out.xlsx")["codings"].iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert "=1+2" in [cell.value for cell in cells]
