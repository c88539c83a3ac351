"""Text and Markdown: the source as it stands, marks inside it, time-stamped exports as cues."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sibnlp.errors import ReadError
from sibnlp.readers import read, text
from sibnlp.types import Document


def parse(folder: Path, content: str, name: str = "a.md") -> Document:
    (folder / name).write_bytes(content.encode())
    return text.read(folder / name, name)


def marked(document: Document) -> list[tuple[str, str]]:
    return [(mark.kind, document.text[mark.start : mark.end]) for mark in document.marks]


def test_markdown_structure(tmp_path: Path) -> None:
    content = (
        "# The plan #\n\nSome *text*.\n\nAims\n----\n\n- first\n  goes on\n- second\n1. third\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n# no heading\n- no item\n```\n\n### C#\n---\nA rule above.\n"
    )
    document = parse(tmp_path, content)
    assert document.text == content
    assert document.dropped == ()
    assert marked(document) == [
        ("heading", "The plan"), ("heading", "Aims"), ("list_item", "first\n  goes on"), ("list_item", "second"),
        ("list_item", "third"), ("table", "| a | b |\n|---|---|\n| 1 | 2 |"), ("heading", "C#"),
    ]  # fmt: skip


def test_front_matter_is_left_out_and_counted(tmp_path: Path) -> None:
    document = parse(tmp_path, "---\ntitle: The plan\ndate: 2016\n---\n\nText.\n")
    assert document.text == "Text.\n"
    assert [(loss.what, loss.count) for loss in document.dropped] == [("lines of YAML front matter", 2)]
    assert parse(tmp_path, "---\nA rule above.\n\n---\nText").text.startswith("---")


def test_headings_of_plain_text_are_the_obvious_ones(tmp_path: Path) -> None:
    content = "ANNUAL REPORT\n\n1.2 Scope of it\n\nThe Aim\n=======\n\nIt was 1.2 Scope.\n\nYES\n\n- an item\n\n"
    content += "2016 was hard\n"
    assert marked(parse(tmp_path, content, "a.txt")) == [
        ("heading", "ANNUAL REPORT"), ("heading", "1.2 Scope of it"), ("heading", "The Aim"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "00:00:01 <v Anna Berg>Good\n\n00:00:02 <v Anna Berg>morning.\n\n00:01:03 <v Ben>Yes.\n",
        "[00:01] Anna Berg: Good\n[0:02] Anna Berg: morning.\n[01:03] Ben: Yes.\n",
        "00:00:01\nAnna Berg: Good\n\n00:00:02\nAnna Berg: morning.\n\n00:01:03\nBen: Yes.\n",
    ],
)
def test_time_stamped_exports_are_cues(tmp_path: Path, content: str) -> None:
    document = parse(tmp_path, content, "a.txt")
    assert document.text == "Good morning.\n\nYes."
    assert [turn.speaker for turn in document.turns] == ["Anna Berg", "Ben"]
    assert [mark.value for mark in document.marks] == ["00:00:01", "00:00:02", "00:01:03"]


def test_an_agenda_is_no_export(tmp_path: Path) -> None:
    content = "Agenda of the day\n\n09:00 Coffee\nin the hall\n10:00 Talk\nby Anna\n11:00 End\nof it all\n"
    assert parse(tmp_path, content, "a.txt").text == content


def test_misnamed_binary_names_file_and_cause(tmp_path: Path) -> None:
    path = tmp_path / "interview.txt"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ReadError, match=r"interview\.txt") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ReadError, match="PNG"):
        text.read(path, "x")


LINES = st.lists(st.sampled_from(
    ["# A", "#", "##  B ##", "Title", "==", "---", "- a", " b", "1. c", "| a | b |", "|--|--|", "```", "", "TWO WORDS",
     "1. Aim"]
) | st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs", "Cc")), max_size=12))  # fmt: skip


@settings(deadline=None)
@given(LINES, st.sampled_from(["a.md", "a.txt"]))
def test_marks_are_ordered_and_inside(tmp_path_factory: pytest.TempPathFactory, lines: list[str], name: str) -> None:
    try:
        document = parse(tmp_path_factory.mktemp("text"), "\n".join(lines), name)
    except ReadError:
        return
    at = 0
    for mark in document.marks:
        assert at <= mark.start < mark.end <= len(document.text)
        assert document.text[mark.start : mark.end].strip()
        at = mark.end


def test_real_files(shared: Path) -> None:
    documents = {path.name: read(path) for path in (shared / "transcripts").glob("*.txt")}
    assert documents
    assert len(documents["qualcoder_example_transcript.txt"].turns) == 7
    voices = {turn.speaker for turn in documents["talkpython_525_voice-tags.txt"].turns}
    assert {"Michael Kennedy", "Rodja Trappe", "Falko Schindler"} <= voices
    assert len(documents["talkpython_000.txt"].marks) == 52


@settings(max_examples=150, deadline=None)
@given(st.from_regex(text._STAMP))
@example(" " * 20 + "[123:4:05 late")
def test_the_look_for_a_colon_misses_no_stamp(line: str) -> None:
    line = line.split("\n")[0]
    assert ":" in line[: text._STAMP_REACH] or not text._STAMP.match(line)
