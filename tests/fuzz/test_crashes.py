"""Inputs that once broke a promise, and the seeds of the fuzzer: none may again.

`make fuzz` adds to ``crashes``; a file there is called after what happened and a hash, and is kept once it is mended.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import SLOW, processor_seconds
from tests.fuzz.targets import TARGETS

CRASHES = sorted((Path(__file__).parent / "crashes").glob("*/*"))


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_that_once_broke_a_promise_does_not_any_more(path: Path) -> None:
    TARGETS[path.parent.name].check(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read_and_break_no_promise(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    for number, raw in enumerate(target.make_seeds()):
        target.check(raw)
        path = tmp_path / f"{number}{target.suffix}"
        path.write_bytes(raw)
        target.use(path)  # a seed that is refused would be no seed


def test_what_is_slow_is_told_by_the_processor_and_not_by_the_clock(tmp_path: Path) -> None:
    """On a machine that others use, twenty seconds by the clock may be none of the reader's."""
    path = tmp_path / "quick.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:04,000\nAnna: At first we were paid.\n", encoding="utf-8")
    assert 0 <= processor_seconds("srt", path) < SLOW
    assert processor_seconds("srt", tmp_path / "missing.srt") == float("inf")
