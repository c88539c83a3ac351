"""The ledger of the demo case's mess: what it does to words, and that it names words that are not there."""

from __future__ import annotations

import pytest

from training.demo_files import ledger, mess
from training.demo_files.ledger import Change
from training.demo_files.source import Record


def test_changes_cut_a_text_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = (Change(1, "ten", "nine"), Change(1, "", " (Pea.)", "soup."), Change(2, "ten", "six"))
    monkeypatch.setitem(ledger.CHANGES, "a", changes)
    assert mess.pieces("a", 1, 'Bring ten "bowls" of soup. Now.') == [
        ("keep", "Bring "),
        ("delete", "nine"),
        ("insert", "ten"),
        ("keep", " “bowls” of soup."),
        ("delete", " (Pea.)"),
        ("keep", " Now."),
    ]
    assert mess.pieces("a", 3, "ten") == [("keep", "ten")]


def test_words_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ledger.HEARD, "a", ((0, "awning", "morning"), (1, "slip", "sleep")))
    monkeypatch.setitem(ledger.CHANGES, "a", (Change(1, "ten", "nine"),))
    monkeypatch.setitem(ledger.FOOTNOTES, "a", {3: (2, "bowls", "")})
    there = [Record("turn", "the awning", beat=0), Record("turn", "the slip at ten", beat=1)]
    missing = mess.lacking("a", there)
    assert missing == ["a, record 2: 'bowls' is not in the text"]
    there[1] = Record("turn", "nine bowls", beat=1)
    assert mess.lacking("a", there) == [
        "a, beat 1: 'slip' is not in the text",
        "a, beat 1: 'ten' is not in the text",
        "a, beat 1: 'nine' is to be deleted, and is in the text",
    ]
    assert len(mess.lacking("a", [Record("turn", "awning, slip, ten", beat=1, interviewer=True), there[0]])) == 3
