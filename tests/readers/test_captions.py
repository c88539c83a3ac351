"""Captions: every word of the cues is kept, nothing else becomes speech, and what is left out is counted."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.errors import ReadError
from sibnlp.readers import captions, read
from sibnlp.types import Document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def parse(folder: Path, text: str | bytes, suffix: str = ".vtt") -> Document:
    path = folder / f"talk{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return captions.read(path, "talk")


def turns(document: Document) -> list[tuple[str | None, str]]:
    return [(turn.speaker, document.text[turn.start : turn.end]) for turn in document.turns]


def dropped(document: Document) -> dict[str, int]:
    return {loss.what: loss.count for loss in document.dropped}


# The three that follow are why this is an own parser: block-wise libraries pass over the second half in silence.


def test_text_behind_a_blank_line_inside_a_cue_is_kept(folder: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nWe lost\n\nthe contract\n\n00:02.000 --> 00:03.000\nin spring.\n"
    assert parse(folder, text).text == "We lost the contract in spring."


def test_a_mistyped_time_costs_the_time_and_not_the_text(folder: Path) -> None:
    text = "WEBVTT\n\n0x:01.000 --> 00:02.000\nWe lost\n\n00:02.000 --> 00:0d.000\nthe contract\n"
    document = parse(folder, text)
    assert document.text == "We lost the contract"
    assert [mark.value for mark in document.marks] == ["00:00:02"]
    assert dropped(document) == {"unreadable times (their text is kept)": 1}


def test_a_missing_time_line_costs_the_time_and_not_the_text(folder: Path) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nWe lost\n\n2\nthe contract\n\n3\n00:00:03,000 --> 00:00:04,000\nin spring"
    document = parse(folder, text, ".srt")
    assert document.text == "We lost the contract in spring"
    assert dropped(document) == {"missing times (their text is kept)": 1}


def test_teams_ids_notes_styles_and_header_are_no_speech(folder: Path) -> None:
    guid = "dc7a2b39-0f3e-4d0b-9a51-2f6c9e1b7a10"
    text = (
        "\ufeffWEBVTT\nKind: captions\n\nNOTE duration:00:10:00\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\n"
        f"{guid}/12-0\n00:00:01.000 --> 00:00:02.000\n<v Anna Berg>Good morning.</v>\n\n"
        f"NOTE Confidence: 0.9\n\n{guid}/12-1\n00:00:02.000 --> 00:00:03.000\n<v Anna Berg>Shall we?</v>\n\n"
        f"{guid}/13-0\n00:00:03.000 --> 00:00:04.000\n<v Ben Lee>Yes.</v>\n"
    )
    document = parse(folder, text.replace("\n", "\r\n"))
    assert turns(document) == [("Anna Berg", "Good morning. Shall we?"), ("Ben Lee", "Yes.")]
    assert dropped(document) == {"header lines": 1, "notes": 2, "style and region blocks": 2}
    assert document.encoding == "utf-8"
    assert document.format == "captions"


def test_zoom_and_otter_name_each_cue(folder: Path) -> None:
    text = (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nAnna Berg: Good morning.\n\n2\n00:00:02.000 --> 00:00:03.000\n"
        "Anna Berg: Shall we?\n\n3\n00:00:03.000 --> 00:00:04.000\nBen Lee: Yes.\n\n4\n00:00:05.000 --> 00:00:06.000\n"
        "Ben Lee: Do.\n"
    )
    expected = [("Anna Berg", "Good morning. Shall we?"), ("Ben Lee", "Yes. Do.")]
    assert turns(parse(folder, text)) == expected
    srt = text.removeprefix("WEBVTT\n\n").replace(".000", ",000")
    assert turns(parse(folder, srt, ".srt")) == expected


def test_meet_names_in_brackets(folder: Path) -> None:
    text = (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n(Anna Berg)\nGood morning.\n\n00:00:02.000 --> 00:00:03.000\n"
        "Shall we?\n\n00:00:03.000 --> 00:00:04.000\n(Ben Lee)\nYes.\n\n00:00:04 --> 00:00:05\n(Anna Berg)\nSo.\n"
    )
    assert turns(parse(folder, text)) == [
        ("Anna Berg", "Good morning. Shall we?"),
        ("Ben Lee", "Yes."),
        ("Anna Berg", "So."),
    ]


def test_rolling_captions_are_said_once(folder: Path) -> None:
    text = (
        "WEBVTT\nKind: captions\n\n00:01.000 --> 00:02.000 align:start position:0%\nwe<00:01.500><c> lost</c>\n\n"
        "00:02.000 --> 00:02.010 align:start position:0%\nwe lost\n \n\n00:02.010 --> 00:03.000 align:start\nwe lost\n"
        "the<00:02.500><c> contract</c>\n\n00:03.000 --> 00:03.010\nthe contract\n \n\n"
    )
    document = parse(folder, text)
    assert document.text == "we lost the contract"
    assert dropped(document)["repeated caption lines"] == 3


def test_people_may_say_a_thing_twice(folder: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nNice to be here.\n\n00:02.000 --> 00:03.000\nNice to be here.\n"
    assert parse(folder, text).text == "Nice to be here. Nice to be here."


def test_numbers_without_blank_lines_and_numbers_said(folder: Path) -> None:
    text = "1\n00:00:01,0 --> 00:00:02,0\nHow many?\n2\n00:00:02,0 --> 00:00:03,0\n12\n\n3\n00:00:03 --> 00:00:04\nSo."
    assert parse(folder, text, ".srt").text == "How many? 12 So."


def test_arrows_in_speech_are_speech(folder: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\ninput --> output\nis it\n\nname of it\n00:02.000 --> 00:03.000\nyes\n"
    document = parse(folder, text)
    assert document.text == "input --> output is it yes"
    assert dropped(document) == {"names of captions": 1}


def test_times(folder: Path) -> None:
    text = (
        "WEBVTT\n\n75:10.5 --> 75:11.000\na\n\n1:02:03,250-->1:02:04,000 line:0\nb\n\n00:00:05:12 --> 00:00:06:00\nc\n"
    )
    assert [mark.value for mark in parse(folder, text).marks] == ["01:15:10", "01:02:03", "00:00:05"]


@pytest.mark.parametrize("text", ["WEBVTT\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n\n", "WEBVTT\n\nNOTE nothing here\n"])
def test_nothing_said_is_an_error(folder: Path, text: str) -> None:
    with pytest.raises(ReadError, match=r"talk\.vtt: no caption with text"):
        parse(folder, text)


def test_sniff() -> None:
    assert captions.sniff(b"WEBVTT\n")
    assert captions.sniff(b"\xef\xbb\xbfWEBVTT")
    assert captions.sniff(b"1\n00:00:01,0 --> 00:00:02,0")
    assert captions.sniff("\ufeffWEBVTT\n\n".encode("utf-16-le"))
    assert not captions.sniff(b"<!-- a comment -->")
    assert not captions.sniff(b"some text")
    assert not captions.sniff(b"1")


WORDS = st.lists(st.text("abcdefgh ijk.,?!’é", min_size=1, max_size=15), max_size=3)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.booleans(), st.booleans())
def test_no_word_is_lost(
    tmp_path_factory: pytest.TempPathFactory, cues: list[list[str]], is_vtt: bool, loose: bool
) -> None:
    text = "WEBVTT\n\n" if is_vtt else ""
    for number, lines in enumerate(cues, 1):
        speech = ("\n\n" if loose else "\n").join(lines)
        text += f"{number}\n00:00:{number:02d},000 --> 00:00:{number + 1:02d},000\n{speech}\n\n"
    expected = "".join("".join("".join(lines) for lines in cues).split())
    folder = tmp_path_factory.mktemp("captions")
    if not expected:
        with pytest.raises(ReadError):
            parse(folder, text)
        return
    document = parse(folder, text)
    # Repeated lines may be taken for rolling captions; that is counted.
    if "repeated caption lines" not in dropped(document):
        assert "".join(document.text.split()) == expected


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0"), max_size=200) | st.lists(st.sampled_from(
    ["WEBVTT", "", "NOTE x", "STYLE", "1", "2", "00:01.000 --> 00:02.000", "0x:1 --> ", "Anna: hi", "<v Ben>no", ">> x",
     "- a"]
)).map("\n".join))  # fmt: skip
def test_anything_yields_text_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("captions") / "a.srt"
    path.write_text(text, encoding="utf-8", errors="replace")
    message = ""
    try:
        document = captions.read(path, "a")
    except ReadError as error:
        message = str(error)
    if message:
        assert "a.srt" in message
        assert "\n" not in message
        return
    at = 0
    for turn in document.turns:
        assert at <= turn.start < turn.end <= len(document.text)
        at = turn.end
    assert all(0 <= mark.start < mark.end <= len(document.text) for mark in document.marks)


def test_real_files_yield_text_or_a_one_line_error(shared: Path) -> None:
    files = [path for suffix in ("vtt", "srt", "sbv") for path in shared.rglob(f"*.{suffix}")]
    assert files
    yielded, refused = {}, {}
    for path in files:
        try:
            yielded[path.name] = read(path)
        except ReadError as error:
            refused[path.name] = str(error)
    assert all(name in message and "\n" not in message for name, message in refused.items())
    assert all(document.text.strip() and not name.endswith(".sbv") for name, document in yielded.items())
    assert [turn.speaker for turn in yielded["talkpython_525_voice-tags.vtt"].turns].count("Falko Schindler") > 30
    assert {turn.speaker for turn in yielded["talkpython_296_name-colon.vtt"].turns} == {None, "Joe Pyshko"}
    for name in ("tests__subtitles__invalid_timeframe.vtt", "tests__subtitles__missing_timeframe.srt"):
        text = yielded[name].text
        assert [n for n in range(1, 8) if f"#{n}" in text] == list(range(1, 8 if name.endswith("vtt") else 6))
