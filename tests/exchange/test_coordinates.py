"""The coordinate system is recovered, or refused; hardly ever is it wrong."""

from __future__ import annotations

import itertools
import random

import pytest

from sibnlp.exchange.coordinates import (
    SourceText,
    System,
    decide,
    measure,
    parse_system,
    place_points,
    pool,
)
from sibnlp.exchange.systems import UNITS
from tests.exchange import counting

SENTENCES = """\
We were told in June that the contract would change. Nobody said how.
“It’s the figures they want,” she said – and she was right about that, mostly.
The forms took a morning each week; the people took the rest.
I asked the manager, who asked the board, who asked the council. It came back in März.
There’s a café opposite: that is where the real meetings were held 🙂 every other Friday.
After two years we trusted each other enough to say no. That was new.
Do I think it worked? For some people, yes. For the budget, no.
They paid for the outcome, not for the hours, so the hours were ours to spend.
""".replace("\n", "\n\n")
TRUTHS = list(itertools.product(UNITS, (1, 2), (False, True), (False, True), (False, True)))


def source(text: str, crlf: bool, mark: bool) -> SourceText:
    return SourceText(counting.as_file(text, crlf, mark).decode("utf-8"))


def outcomes(n: int, sloppy: float, seed: int = 1) -> dict[str, int]:
    """How often each of 48 truths is recovered, refused and mistaken, on a text with a few emoji and curly quotes."""
    rng = random.Random(seed)
    found = {"right": 0, "refused": 0, "wrong": 0}
    text = SENTENCES * 3
    for unit, line_break, mark, inclusive, crlf in TRUTHS:
        selections = counting.selections(text, n, rng, sloppy)
        offsets = [counting.offsets(text, a, b, unit, line_break, mark, inclusive) for a, b in selections]
        decided = decide(measure(source(text, crlf, mark), offsets))
        if decided.system is None:
            found["refused"] += 1
        else:
            found["right" if list(decided.spans) == selections else "wrong"] += 1
    return found


@pytest.mark.parametrize(("n", "sloppy", "least"), [(5, 0.0, 46), (10, 0.0, 48), (10, 0.2, 44), (20, 0.4, 42)])
def test_all_systems_are_recovered_from_a_few_selections(n: int, sloppy: float, least: int) -> None:
    found = outcomes(n, sloppy)
    assert found["right"] >= least, found
    assert found["wrong"] <= 1, found


def test_too_few_selections_are_refused_rather_than_mistaken() -> None:
    found = outcomes(2, 0.2)
    assert found["wrong"] <= 3 and found["refused"] >= 10, found


@pytest.mark.parametrize(("unit", "line_break", "mark", "inclusive", "crlf"), TRUTHS[::5])
def test_sources_of_one_project_help_each_other(
    unit: str, line_break: int, mark: bool, inclusive: bool, crlf: bool
) -> None:
    rng = random.Random(7)
    text = SENTENCES * 2
    measured, truths = [], []
    for _ in range(8):
        selections = counting.selections(text, 2, rng)
        offsets = [counting.offsets(text, a, b, unit, line_break, mark, inclusive) for a, b in selections]
        measured.append(measure(source(text, crlf, mark), offsets))
        truths.append(selections)
    together = pool(measured)
    decided = [decide(one, together) for one in measured]
    assert [list(one.spans) for one in decided] == truths


def test_names_that_are_quotations_decide_and_labels_do_not_hurt() -> None:
    text = SENTENCES
    at = text.index("The forms took")
    span = counting.offsets(text, at, at + len("The forms took a morning"), "utf-8", 2, False, True)
    here = source(text, crlf=False, mark=False)
    assert decide(measure(here, [span])).system is None
    found = decide(measure(here, [span], ["The forms took a morning"]))
    assert found.spans == ((at, at + len("The forms took a morning")),)
    assert decide(measure(here, [span], ["Quotation 12:3"])).system is None


def test_a_name_cut_short_helps_too() -> None:
    at = SENTENCES.index("After two years")
    end = SENTENCES.index(" That was new.")
    span = counting.offsets(SENTENCES, at, end, "utf-16", 1, False, False)
    found = decide(measure(source(SENTENCES, False, False), [span], ["After two years we tr…"]))
    assert found.spans == ((at, end),)


def test_a_refusal_shows_the_candidates() -> None:
    decided = decide(measure(source("word " * 50, False, False), [(3, 8)]))
    assert decided.system is None and len(decided.table) >= 2
    assert all("%" in line and "end " in line for line in decided.table)


def test_nothing_to_measure_is_no_refusal() -> None:
    assert decide(measure(source(SENTENCES, False, False), [])).spans == ()


def test_an_empty_text_holds_nothing() -> None:
    decided = decide(measure(source("", False, False), [(0, 5)]))
    assert all(span is None for span in decided.spans)


def test_mixed_line_ends_are_counted_as_they_are() -> None:
    raw = "One line here.\r\nAnd another one.\nA third one follows.\r\nThe fourth is the last."
    here = SourceText(raw)
    assert here.text == raw.replace("\r\n", "\n")
    quotes = ["And another one.", "A third one follows.", "The fourth is the last.", "third one"]
    spans = [(raw.index(quote), raw.index(quote) + len(quote)) for quote in quotes]
    decided = decide(measure(here, spans, quotes))
    assert [here.text[a:b] for a, b in decided.spans if (a, b)] == quotes  # type: ignore[misc]


def test_an_end_just_behind_the_text_is_drawn_in_and_a_far_one_is_not() -> None:
    text = SENTENCES.rstrip()
    selections = counting.selections(text, 8, random.Random(3))
    at = text.index("They paid")
    decided = decide(measure(source(text, False, False), [*selections, (at, len(text) + 1), (at, len(text) + 50)]))
    assert decided.spans[-2:] == ((at, len(text)), None)


def test_an_offset_inside_a_character_has_no_place() -> None:
    text = "One 🙂 two three four five six."
    assert place_points(SourceText(text), System("utf-16"), [0, 4, 5, 6, 400]) == [0, 4, None, 5, None]


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("utf-16, crlf=2, bom, inclusive", System("utf-16", 2, True, True)),
        ("", System()),
        ("UTF-8,crlf=file", System("utf-8", 0)),
        ("codepoint,exclusive,crlf=1", System()),
    ],
)
def test_systems_as_people_write_them(text: str, system: System) -> None:
    assert parse_system(text) == system


def test_an_unknown_word_is_named() -> None:
    with pytest.raises(ValueError, match="'utf-7' is no part"):
        parse_system("utf-7")


def test_what_is_asked_is_taken_as_it_is() -> None:
    here = source("word " * 50, False, False)
    assert decide(measure(here, [(3, 8)]), asked=System(inclusive=True)).spans == ((3, 9),)
