"""Speaker turns: what counts as one, what does not, and who asks."""

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibnlp.speech import turns
from sibnlp.speech.turns import FULL_NAME, NOT_A_LABEL, ONE_WORD, ROLE, find_turns, interviewers, is_heading, plausible
from sibnlp.types import Turn


def speech(text: str) -> list[tuple[str | None, str]]:
    return [(turn.speaker, text[turn.start : turn.end]) for turn in find_turns(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna: Why?\nBen: It is law.\nAnna: I see.", [("Anna", "Why?"), ("Ben", "It is law."), ("Anna", "I see.")]),
        ("Anna Berg (00:12:03): Why?\nBen Lee (00:12:09): So.", [("Anna Berg", "Why?"), ("Ben Lee", "So.")]),
        ("[id1] one\n\n[id2] two\n\n[id1] three", [("id1", "one"), ("id2", "two"), ("id1", "three")]),
        (
            "Anna Berg  0:15\nHello there\nagain\n\nSpeaker 2   00:01:02\nYes\n\nAnna Berg  1:15\nFine",
            [("Anna Berg", "Hello there\nagain"), ("Speaker 2", "Yes"), ("Anna Berg", "Fine")],
        ),
        ("0:01 Anna: Hi.\n0:05 Ben: Hm.\n00:01:09 Anna: So.", [("Anna", "Hi."), ("Ben", "Hm."), ("Anna", "So.")]),
        (">> Anna: Hi.\n>> Hm.\n>> Right then.", [("Anna", "Hi."), (None, "Hm."), (None, "Right then.")]),
        ("SPEAKER_00: Hi\nSPEAKER_01: yes", [("SPEAKER_00", "Hi"), ("SPEAKER_01", "yes")]),
        ("Q: Why?\nA: So.\nQ: And?\nA: No.", [("Q", "Why?"), ("A", "So."), ("Q", "And?"), ("A", "No.")]),
        ("I: Why?\nR1: So.\nI: And?\nR1: No.", [("I", "Why?"), ("R1", "So."), ("I", "And?"), ("R1", "No.")]),
        ("INT: Why?\nMR SMITH: So.\nINT: And?", [("INT", "Why?"), ("MR SMITH", "So."), ("INT", "And?")]),
        (
            "**Anna Berg:** Why?\n\n**Ben Lee**: So.\n\n**Anna Berg:** And?",
            [("Anna Berg", "Why?"), ("Ben Lee", "So."), ("Anna Berg", "And?")],
        ),
        ("Interviewer: Why?\nMary: Because.", [("Interviewer", "Why?"), ("Mary", "Because.")]),
        ("[Anna Berg] 10:02:13\nHello.\n[Ben Lee] 10:02:20\nYes.", [("Anna Berg", "Hello."), ("Ben Lee", "Yes.")]),
    ],
)  # fmt: skip
def test_shapes(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert speech(text) == expected


def test_unlabelled_paragraphs_belong_to_the_turn_up_to_a_heading() -> None:
    text = "Q: Why?\n\nA: First.\n\nSecond.\n\nPART TWO\n\nA line of the transcriber.\n\nQ: And?\n\nA: Third."
    assert speech(text) == [("Q", "Why?"), ("A", "First.\n\nSecond."), ("Q", "And?"), ("A", "Third.")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Purpose: to say why.\nNote: mind this.\nStage 1: begin.\nStage 2: go on.\nNote: and this.\nNote: and that.",
        "Example: see http://example.org\nhttp://example.org\nhttps://example.org/a: b\n12:30 lunch\n13:00 talk",
        "Chair: Anna Berg\nSecretary: Ben Lee\nPresent: all\n\nThe board met and spoke of money.",
        "Lead Officer: A. Berg\nBudget: 3m\n\nLead Officer: B. Lee\nBudget: 4m\n\nLead Officer: C. Roe\nBudget: 5m",
        "Austria: grew.\nBelgium: fell.\nCroatia: stayed.\nDenmark: grew.",
        "Think Platform: be one.\n\nEmpower Players: let them.\n\nInspire Participation: call them.",
        "> > quoted\n>> twice quoted\n>> and again\n>> and again\n> once",
        "Coffee  10:30\nLunch  12:30\nTea  15:30",
        "Alpha: one.\nBeta: two.\nGamma: three.\n" * 4,
        "What: a list.\nWhen: now.\nWhat: a map.\nWhen: then.\nWhat: a plan.",
        "Look: this is how it went.\n" + "The council decided to buy it.\n" * 30,
    ],
)
def test_documents_have_no_turns(text: str) -> None:
    assert speech(text) == []


def test_minutes_in_which_people_alternate_are_speech() -> None:
    text = "Chair: Welcome.\nCllr Smith: May I ask?\nChair: Do.\nCllr Smith: Who pays?\nChair: We do."
    assert [turn.speaker for turn in find_turns(text)] == ["Chair", "Cllr Smith", "Chair", "Cllr Smith", "Chair"]


def test_a_phrase_with_a_colon_inside_speech_is_no_turn() -> None:
    text = "Anna: Why?\nBen: It is this.\nRemember: we were poor.\nAnna: Yes?\nBen: So it was."
    assert speech(text)[1] == ("Ben", "It is this.\nRemember: we were poor.")


@pytest.mark.parametrize(
    ("label", "strength"),
    [
        ("Anna", ONE_WORD), ("Anna van den Berg", FULL_NAME), ("MR PAGE", FULL_NAME), ("O’Neil", ONE_WORD),
        ("Interviewer 2", ROLE), ("id1", ROLE), ("P03", ROLE), ("Anna Berg (Interviewer)", ROLE), ("Q", ROLE),
        ("Q12", NOT_A_LABEL), ("Stage 1", NOT_A_LABEL), ("Key Findings", NOT_A_LABEL), ("http", NOT_A_LABEL),
        ("and then he said", NOT_A_LABEL), ("Notes", NOT_A_LABEL), ("", NOT_A_LABEL), ("Laughter", NOT_A_LABEL),
    ],
)  # fmt: skip
def test_plausible(label: str, strength: int) -> None:
    assert plausible(label) == strength


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("1.2 Scope of the contract", True), ("ANNUAL REPORT", True), ("## Aim", True), ("Theme 1: Money", True),
        ("It was late.", False), ("YES", False), ("[END OF TAPE]", False), ("3. It was late and we left.", False),
        ("2016 was hard", False),
    ],
)  # fmt: skip
def test_headings(text: str, heading: bool) -> None:
    assert is_heading(["", text, ""], 1) is heading


def test_interviewers_given_by_name_win() -> None:
    text = "Interviewer: Why?\nMary: Because."
    assert interviewers(text, find_turns(text), ["MARY"]) == {"Mary"}
    assert interviewers(text, find_turns(text), ["nobody here"]) == {"Interviewer"}


@pytest.mark.parametrize("label", ["INT", "I", "Q", "Moderator", "Interviewer 1", "Host", "Jo (Researcher)"])
def test_interviewers_by_word(label: str) -> None:
    turns = (Turn(0, 1, label), Turn(1, 2, "Mary"))
    assert interviewers("ab", turns) == {label}
    assert interviewers("ab", (Turn(0, 1, label),)) == frozenset()


def test_interviewer_is_who_asks_most() -> None:
    text = "Dan: How was it?\nMary: It was hard for all of us, as we said.\nDan: And now, is it?\nMary: Better now."
    assert interviewers(text, find_turns(text)) == {"Dan"}
    listening = text + "\nDan: Okay.\nMary: Yes, much better than it was.\nDan: Yeah, sure.\nMary: We are glad of it."
    assert interviewers(listening, find_turns(listening)) == {"Dan"}


@pytest.mark.parametrize(
    "text",
    [
        "Dan: Who?\nMary: Why do you ask me that?\nDan: Well?\nMary: And you, what do you say?",  # both ask
        "Dan: It is so.\nMary: It is not so.\nDan: It is so.\nMary: No.",  # nobody asks
        "Dan: Is it, when I think of all that we did in those years?\nMary: Yes.\nDan: Is it now so?\nMary: No.",
    ],
)
def test_nobody_when_it_cannot_be_told(text: str) -> None:
    assert interviewers(text, find_turns(text)) == frozenset()


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["Anna: yes?", "Ben Lee: no.", "Q:", "A: x", "", "  ", "[id1] hm", ">> so", "Anna  0:12", "# Head"]
        ),
        st.text(st.characters(exclude_characters="\r"), max_size=30),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(LINES)
def test_turns_are_ordered_inside_and_hold_speech(lines: list[str]) -> None:
    text, at = "\n".join(lines), 0
    for turn in find_turns(text):
        assert at <= turn.start < turn.end <= len(text)
        assert text[turn.start : turn.end] == text[turn.start : turn.end].strip()
        at = turn.end
    interviewers(text, find_turns(text))


@pytest.mark.parametrize(
    "hostile", ["A " * 100_000, "**" * 100_000, ">" * 200_000, "a:" * 100_000, "Anna " + " " * 200_000, "(" * 99_999]
)
def test_hostile_lines_cost_their_length(hostile: str) -> None:
    started = time.perf_counter()
    find_turns("\n".join([hostile, f"Anna: {hostile}", hostile]))
    assert time.perf_counter() - started < 2


def test_labels_with_a_dash_or_in_a_table_column_count_where_they_take_turns() -> None:
    typist = (
        "AV - What is that smell?\n\nHOLLIS - Cedar. All along\nthe wall.\n\nAV - How long?\n\nHOLLIS - Since spring."
    )
    assert [(turn.speaker, typist[turn.start : turn.end]) for turn in find_turns(typist)] == [
        ("AV", "What is that smell?"),
        ("HOLLIS", "Cedar. All along\nthe wall."),
        ("AV", "How long?"),
        ("HOLLIS", "Since spring."),
    ]
    table = "Anneke | Why the wharf?\n\nWendell | Eleven years of it.\n\nAnneke | And then?\n\nWendell | Then this."
    assert [turn.speaker for turn in find_turns(table)] == ["Anneke", "Wendell"] * 2


def test_a_table_or_a_list_with_dashes_is_no_speech() -> None:
    assert not find_turns("North | 80\n\nSouth | 70\n\nEast | 60\n\nWest | 50\n\nNorth | 81\n\nSouth | 72")
    assert not find_turns("Monday - we met\n\nTuesday - we met again\n\nMonday - we met\n\nTuesday - we rested")


def test_a_title_with_a_name_is_no_speaker() -> None:
    title = "Anna Berg, Wharf Street Rooms: interview 1\n\n"
    text = title + "Vos: Do I sit?\n\nAnna: Left of the stove.\n\nVos: Here?\n\nAnna: There."
    assert {turn.speaker for turn in find_turns(text)} == {"Vos", "Anna"}


SHAPES = [
    (turns._COLON, lambda line: turns._may_label(line, line.find(":"))),
    (turns._OWN_LINE, lambda line: ":" in line and turns._may_end_in_time(line)),
    (turns._BRACKET, lambda line: "[" in line),
    (turns._CHEVRON, lambda line: ">>" in line),
    (turns._LAID_OUT, turns._may_be_laid_out),
]


@pytest.mark.parametrize(("shape", "look"), SHAPES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_quick_look_misses_no_match(
    shape: re.Pattern[str], look: Callable[[str], bool], data: st.DataObject
) -> None:
    line = data.draw(st.from_regex(shape)).split("\n")[0]
    assert look(line) or not shape.match(line)


NAME, TIMES = "A" * 49, "(123:45:67.890) "


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        (turns._COLON, " " * 40 + "- **" + TIMES + " " * 8 + "**" + NAME + "**" + " " * 9 + TIMES + " " * 8 + "**:"),
        (turns._COLON, " " * 40 + "- >> **" + NAME + "**" + " " * 9 + "**:** so"),
        (turns._COLON, ">" * 200 + "Anna: so"),
        (turns._COLON, ">" * 200 + TIMES + "Anna:"),
        (turns._OWN_LINE, " " * 40 + "**" + NAME + "**" + " " * 40 + "(123:45:67.890 pm)" + " " * 99),
        (turns._OWN_LINE, "Anna\t0:0\u0660"),
        (turns._LAID_OUT, " " * 40 + "**" + NAME + "**" + " " * 4 + "- b"),
        (turns._LAID_OUT, " " * 40 + "__" + NAME + "__\t|\tb"),
    ],
)
def test_the_quick_look_reaches_as_far_as_the_expression(shape: re.Pattern[str], line: str) -> None:
    assert shape.match(line)
    assert dict(SHAPES)[shape](line)
