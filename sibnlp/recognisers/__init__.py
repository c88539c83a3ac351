"""Recognisers of names in text, for `sibnlp pseudonymise`.

A new recogniser is one file here and one line in `RECOGNISERS`, or an entry point of group ``sibnlp.recognisers`` in
another package. The module holds ``find(text) -> list[Found]``: spans that may name a person, place or organisation. It
sends nothing anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sibnlp.registry import Entry, Registry


@dataclass(frozen=True, slots=True)
class Found:
    """A span that may be a name.

    Attributes:
        start, end: code points.
        why: in a few words, for the review list.
        sure: whether it may be replaced without a person looking at it.
    """

    start: int
    end: int
    why: str
    sure: bool = False


class Recogniser(Protocol):
    """What a module in this folder offers."""

    def find(self, text: str) -> list[Found]:
        """Spans that may be names, in order."""
        ...


RECOGNISERS = Registry(
    "recogniser",
    "sibnlp.recognisers",
    {
        "capitalised": Entry("sibnlp.recognisers.capitalised"),
        "spacy": Entry("sibnlp.recognisers.spacy_model"),
    },
)
