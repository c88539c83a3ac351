"""Names by an installed spaCy model with named-entity recognition; nothing is downloaded."""

from __future__ import annotations

from functools import cache
from typing import Any

from sibnlp.errors import DataError
from sibnlp.recognisers import Found

_KINDS = {"PERSON": "a person", "PER": "a person", "ORG": "an organisation", "GPE": "a place", "LOC": "a place"}


@cache
def _model() -> Any:
    import spacy
    from spacy.util import get_installed_models

    # The small model of a language comes last by name ("lg" < "md" < "sm"), the most exact first ("trf" aside).
    for name in sorted(get_installed_models()):
        model = spacy.load(name)
        if model.has_pipe("ner"):
            return model
    raise DataError("no spaCy model with named entities is installed", "python -m spacy download en_core_web_sm")


def find(text: str) -> list[Found]:
    """Entities of the model; whether they are names a person decides.

    Raises:
        DataError: no model is installed.
    """
    model = _model()
    found = []
    # spaCy refuses texts over a limit; paragraphs are enough context for names.
    at = 0
    for part in text.split("\n\n"):
        entities = [one for one in model(part).ents if one.label_ in _KINDS] if part.strip() else []
        found += [
            Found(at + one.start_char, at + one.end_char, f"{_KINDS[one.label_]}, says spaCy") for one in entities
        ]
        at += len(part) + 2
    return found
