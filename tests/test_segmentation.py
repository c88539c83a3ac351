"""Passages: exact spans on any text, the policy of joining and cutting, the interviewer apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.segmentation import SegmentSettings, outside_turns, segment
from sibnlp.sentences import sentences
from sibnlp.types import Document, Mark, Passage, Speaker, Turn

# Everything that has broken splitters: joiners, combining marks, bidi controls, odd spaces and line ends, quotation
# marks without a partner, lone surrogates.
HOSTILE = st.lists(
    st.one_of(
        st.characters(),
        st.sampled_from("aA.!?…,\n\r\x85\u2028\u2029\t\xa0\u202f“\"'()\u0301\u200d😀\u202e\x00\ud8001- "),
        st.just("\n\n"),
        st.just("Well. "),
    ),
    max_size=200,
).map("".join)


@given(HOSTILE)
@settings(max_examples=300, deadline=None)
def test_sentences_hold_every_visible_character_once(text: str) -> None:
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert not text[at:start].strip()
        at = end
    assert not text[at:].strip()


@given(HOSTILE, st.integers(1, 12), st.integers(0, 11))
@settings(max_examples=300, deadline=None)
def test_passages_are_exact_spans_that_lose_no_word(text: str, longest: int, shorter: int) -> None:
    policy = SegmentSettings(max_words=longest, min_words=max(1, longest - shorter))
    passages = segment(Document("d", text), policy)
    at = 0
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.id == f"d:{passage.start}-{passage.end}"
        assert at <= passage.start
        assert passage.n_words <= longest
        assert not any(character.isalnum() for character in text[at : passage.start])
        at = passage.end
    assert not any(character.isalnum() for character in text[at:])


@given(st.lists(st.tuples(st.sampled_from("ab"), HOSTILE), max_size=6))
@settings(max_examples=100, deadline=None)
def test_no_passage_crosses_a_turn(said: list[tuple[str, str]]) -> None:
    text, turns = "", []
    for speaker, speech in said:
        text += f"{speaker}: "
        turns.append(Turn(len(text), len(text) + len(speech), speaker))
        text += speech + "\n\n"
    for passage in segment(Document("d", text, turns=tuple(turns))):
        inside = [turn for turn in turns if turn.start <= passage.start and passage.end <= turn.end]
        assert [turn.speaker for turn in inside] == [passage.speaker]


def cut(text: str, **policy: int) -> list[str]:
    return [passage.text for passage in segment(Document("d", text), SegmentSettings(**policy))]


def test_a_short_block_joins_its_neighbour() -> None:
    assert cut("The provider shall:\n\n- report\n\n- be on time", max_words=20, min_words=5) == [
        "The provider shall:\n\n- report\n\n- be on time"
    ]


def test_blocks_long_enough_stay_apart() -> None:
    one, other = "one two three four five six.", "seven eight nine ten eleven twelve."
    assert cut(f"{one}\n\n{other}", max_words=20, min_words=5) == [one, other]


def test_a_long_block_is_cut_between_sentences_into_even_parts() -> None:
    sentence = "We met in the hall on Monday and talked. "
    parts = cut(sentence * 5, max_words=27)
    assert [len(part.split()) for part in parts] == [18, 27] or [len(part.split()) for part in parts] == [27, 18]
    assert all(part.endswith("talked.") for part in parts)


def test_speech_without_punctuation_is_cut_between_words() -> None:
    parts = cut("so " * 100, max_words=30)
    assert [len(part.split()) for part in parts] == [25, 25, 25, 25]


def test_a_heading_ends_a_passage_and_names_what_follows() -> None:
    text = "Before.\n\n# Money\n\nAfter it."
    start = text.index("# Money")
    passages = segment(Document("d", text, marks=(Mark(start, start + 7, "heading"),)))
    assert [(passage.text, passage.heading) for passage in passages] == [("Before.", ""), ("After it.", "Money")]


def test_table_rows_do_not_join_running_text() -> None:
    text = "Short lead-in.\n\nKPI 1 | 80 %\n\nKPI 2 | 90 %\n\nShort end."
    start, end = text.index("KPI 1"), text.index("\n\nShort end")
    passages = segment(Document("d", text, marks=(Mark(start, end, "table"),)))
    assert [passage.text for passage in passages] == ["Short lead-in.", "KPI 1 | 80 %\n\nKPI 2 | 90 %", "Short end."]


@pytest.fixture
def interview() -> Document:
    text = (
        "Dr Vos: How did it begin?\nAnd who was there?\n\nAnna: With a vote.\n\nAnna: In the hall.\n\nDr Vos: Really?"
    )
    spans = [
        ("How did", "there?", "Dr Vos"),
        ("With", "vote.", "Anna"),
        ("In the", "hall.", "Anna"),
        ("Really", "?", "Dr Vos"),
    ]
    turns = []
    at = 0
    for first, last, speaker in spans:
        start = text.index(first, at)
        at = text.index(last, start) + len(last)
        turns.append(Turn(start, at, speaker))
    return Document("d", text, turns=tuple(turns), speakers=(Speaker("Anna", "A. Berg", "provider"),), stage="1")


def test_the_interviewer_is_context(interview: Document) -> None:
    passages = segment(interview, SegmentSettings(interviewers=("Dr Vos",)))
    assert [passage.text for passage in passages] == ["With a vote.", "In the hall."]
    assert {passage.context for passage in passages} == {"How did it begin?\nAnd who was there?"}
    first: Passage = passages[0]
    assert (first.speaker, first.actor, first.role, first.stage, first.kind) == (
        "Anna",
        "A. Berg",
        "provider",
        "1",
        "interview",
    )


def test_the_interviewer_can_be_data_or_left_out(interview: Document) -> None:
    everybody = segment(interview, SegmentSettings(interviewers=("Dr Vos",), interviewer="classify"))
    assert [passage.speaker for passage in everybody] == ["Dr Vos", "Anna", "Anna", "Dr Vos"]
    nobody = segment(interview, SegmentSettings(interviewers=("Dr Vos",), interviewer="drop"))
    assert {passage.context for passage in nobody} == {""}


def test_what_nobody_speaks_is_counted(interview: Document) -> None:
    title = "This is a long title page of the interview held at some place in June\n"
    moved = tuple(Turn(turn.start + len(title), turn.end + len(title), turn.speaker) for turn in interview.turns)
    dropped = outside_turns(Document("d", title + interview.text, turns=moved))
    assert dropped is not None
    assert dropped.count == 1
    assert dropped.example.startswith("This is a long title")


def test_page_and_time_lead_back_to_the_source() -> None:
    text = "First page here.\n\nSecond page here."
    marks = (Mark(0, 16, "page", "1"), Mark(18, 35, "page", "2"), Mark(18, 35, "time", "00:01:02"))
    passages = segment(Document("d", text, marks=marks), SegmentSettings(max_words=5, min_words=1))
    assert [(passage.page, passage.time) for passage in passages] == [(1, None), (2, "00:01:02")]


@pytest.mark.parametrize("policy", [{"max_words": 5, "min_words": 9}, {"min_words": 0}, {"interviewer": "shout"}])
def test_an_impossible_policy_is_refused(policy: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be|not one of"):
        SegmentSettings(**policy)  # type: ignore[arg-type]
