"""From cues to text, turns and time marks: nothing said is lost, nothing said twice."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.speech.cues import Block, Cue, clock, from_cues, is_rolling, name_speakers, overlap, plain
from sibnlp.speech.turns import accepted

named = partial(name_speakers, accept=partial(accepted, carried=True))


def test_cues_of_one_speaker_are_one_turn() -> None:
    text, turns, marks = from_cues(
        [Cue("I think", "Anna", "00:00:01"), Cue("it is so.", "Anna", "00:00:02"), Cue(" "), Cue("No.", "Ben", None)]
    )
    assert text == "I think it is so.\n\nNo."
    assert [(turn.speaker, text[turn.start : turn.end]) for turn in turns] == [
        ("Anna", "I think it is so."),
        ("Ben", "No."),
    ]
    assert [(mark.kind, mark.value, text[mark.start : mark.end]) for mark in marks] == [
        ("time", "00:00:01", "I think"),
        ("time", "00:00:02", "it is so."),
    ]


def test_no_cues() -> None:
    assert from_cues([]) == ("", (), ())


def test_a_new_voice_without_a_name_opens_a_turn() -> None:
    text, turns, _ = from_cues([Cue("Yes."), Cue("No.", opens=True)])
    assert text == "Yes.\n\nNo."
    assert len(turns) == 2


CUES = st.lists(
    st.builds(Cue, st.text(max_size=12), st.sampled_from([None, "Anna", "Ben"]), st.sampled_from([None, "00:00:01"]))
)


@settings(deadline=None)
@given(CUES)
def test_no_character_is_lost_and_spans_fit(cues: list[Cue]) -> None:
    text, turns, marks = from_cues(cues)
    assert "".join(text.split()) == "".join("".join(cue.text for cue in cues).split())
    at = 0
    for turn in turns:
        assert at <= turn.start < turn.end <= len(text)
        at = turn.end
    for mark in marks:
        assert any(turn.start <= mark.start < mark.end <= turn.end for turn in turns)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(st.characters(exclude_characters="<>&{}\\\r\n"), max_size=20), max_size=3), max_size=8)
)
def test_speech_without_markup_and_labels_survives(lines: list[list[str]]) -> None:
    blocks = [Block(tuple(block)) for block in lines]
    said = "".join(cue.text for cue in named(blocks))
    # Dialogue dashes in front and labels with a colon or in brackets are the only things taken off.
    kept = "".join(said.split())
    rest = iter("".join("".join(block) for block in lines))
    assert all(any(a == b for b in rest) for a in kept)
    if not any(c in "-–—‐:()[]" for block in lines for line in block for c in line):
        assert kept == "".join("".join("".join(block) for block in lines).split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("<i>so</i> <b>it</b> <c.yellow>is</c>", "so it is"),
        ("When the moon <00:17.500>hits your eye", "When the moon hits your eye"),
        ("R&amp;D &lt;v2&gt; &#39;s &copy now", "R&D <v2> 's &copy now"),
        ("I was <inaudible> then", "I was <inaudible> then"),
        (r"{\an8}up here", "up here"),
        ("one<br/>two", "one two"),
        ("a < b and b > c", "a < b and b > c"),
    ],
)
def test_plain(line: str, expected: str) -> None:
    assert plain(line) == expected


def said(*lines: str) -> list[tuple[str | None, str]]:
    return [(cue.speaker, cue.text) for cue in named([Block(tuple(line.split("\n"))) for line in lines])]


def test_voice_tags_hold_for_their_cue() -> None:
    assert said("<v Anna>Hi</v>", "so", "<v.loud Ben Lee>No", "<v Anna>A</v> <v Ben>B</v>") == [
        ("Anna", "Hi"), (None, "so"), ("Ben Lee", "No"), ("Anna", "A"), ("Ben", "B"),
    ]  # fmt: skip


def test_names_are_inherited_until_another_appears() -> None:
    assert said("well", "Anna Berg: One", "two", "Ben: Three", "four", "Ben: five", "Anna Berg:", "six") == [
        (None, "well"), ("Anna Berg", "One"), ("Anna Berg", "two"), ("Ben", "Three"), ("Ben", "four"), ("Ben", "five"),
        ("Anna Berg", "six"),
    ]  # fmt: skip


def test_addresses_and_notes_are_no_names() -> None:
    lines = ("Note: mind", "http://x.org: so", "Note: mind", "Note: mind", "it is 12:30: late")
    assert said(*lines) == [(None, line) for line in lines]


def test_names_in_brackets() -> None:
    assert said("(Anna Berg)\nYes", "and", "(Ben Lee) No", "(Applause)", "(Anna Berg) So") == [
        ("Anna Berg", "Yes"), ("Anna Berg", "and"), ("Ben Lee", "No"), ("Ben Lee", "(Applause)"), ("Anna Berg", "So"),
    ]  # fmt: skip


def test_chevrons_and_dashes_open_turns_of_nobody() -> None:
    text, turns, _ = from_cues(
        named([Block(("&gt;&gt; Yes. &gt;&gt; No.",)), Block(("- How?", "- So.")), Block(("-5 it is",))])
    )
    assert text == "Yes.\n\nNo.\n\nHow?\n\nSo. -5 it is"
    assert {turn.speaker for turn in turns} == {None}


def test_a_name_repeated_after_unlabelled_cues_opens_a_turn() -> None:
    _, turns, _ = from_cues(
        named([Block(("Ann Lee: a",)), Block(("b",)), Block(("Ann Lee: c",)), Block(("Ann Lee: d",))])
    )
    assert len(turns) == 2


def test_rolling() -> None:
    assert overlap(["a", "b"], ["b", "c"]) == 1
    assert overlap(["a"], ["b"]) == 0
    assert is_rolling([Block(("a",)), Block(("a", "b")), Block(("b", "c")), Block(("c", "d"))])
    assert not is_rolling([Block((word,)) for word in ("Yes.", "Yes.", "No.", "No.", "So.")])


def test_clock() -> None:
    assert clock(None, "75", "10") == "01:15:10"
    assert clock("1", "2", "3") == "01:02:03"
