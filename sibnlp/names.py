"""How people's names are written: titles, particles, initials, and the words that a name is made of."""

from __future__ import annotations

import re
import unicodedata

TITLES = frozenset(
    ["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "councillor", "cllr",
     "rev", "reverend", "fr", "father", "sister", "brother", "monsieur", "madame", "mme", "mlle", "herr", "frau"]
)  # fmt: skip
PARTICLES = frozenset(
    ["de", "del", "della", "der", "den", "di", "da", "do", "dos", "du", "la", "le", "van", "von", "vom", "zu", "zum",
     "ten", "ter", "el", "al", "bin", "ibn", "bint", "y", "and", "of", "the", "st", "jr", "sr", "ii", "iii"]
)  # fmt: skip
# Initials that as a rule are something else.
ABBREVIATIONS = frozenset(
    ["am", "pm", "tv", "uk", "us", "eu", "un", "hr", "it", "pr", "id", "ok", "ad", "bc", "cv", "pc", "cd", "ai", "ip",
     "ni", "ie", "eg", "no", "co", "ed", "mp", "gp", "pe", "re", "cc", "fw", "ps", "nb", "qa", "ceo", "cfo", "sib",
     "npm", "npg", "pvm", "kpi", "nhs", "ngo", "usa", "dvd", "pdf", "faq", "gdp", "vat"]
)  # fmt: skip
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[ ]?){2,4}")


def plain(text: str) -> str:
    """A text of the same length with straight apostrophes and hyphens, to look for names in."""
    return text.translate({ord("’"): "'", ord("ʼ"): "'", ord("‘"): "'", ord("‐"): "-", ord("‑"): "-"})


def words(name: str) -> list[str]:
    """The words of a person's name in order, without titles: ``"Gillis, Dr Noreen"`` gives Noreen, Gillis.

    >>> words("Gillis, Dr Noreen"), words("Mrs. Pyke"), words("Father Leo")
    (['Noreen', 'Gillis'], ['Pyke'], ['Leo'])
    """
    last, comma, first = plain(unicodedata.normalize("NFC", name)).partition(",")
    parts = (f"{first} {last}" if comma and first.strip() else last).split()
    kept = [part for part in parts if part.rstrip(".").casefold() not in TITLES]
    return kept or parts


def initials(name: str) -> str:
    """Those of a person's name, particles left out: ``"Ludwig van Beethoven"`` gives LB; empty for a single word."""
    own = [word for word in words(name) if word.casefold() not in PARTICLES]
    return "".join(word[0].upper() for word in own) if len(own) > 1 else ""


def as_initials(label: str) -> str:
    """The letters of a label that is initials (``AV``, ``A. V.``); empty where it is not."""
    letters = re.sub(r"[. ]", "", label)
    return letters if _INITIALS.fullmatch(label.strip()) and letters.isupper() and len(letters) > 1 else ""


def opens(text: str, at: int) -> bool:
    """Whether a sentence or a speech begins at a place."""
    before = text[:at].rstrip(" \t\"'“‘(«*_")
    return not before or before[-1] in ".!?:;…\n\r•-–—"
