"""Warnings that the instrument has changed, and silence where it has not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sibnlp import instrument
from sibnlp.instrument import warnings
from sibnlp.types import Passage, Source

STAGES = ("1", "2")


def passages(n: int = 12, **of_second: object) -> tuple[list[Passage], list[str]]:
    """Six documents a stage of two passages; ``of_second`` changes those of the second stage."""
    made, labels = [], []
    for stage in STAGES:
        for i in range(n):
            fields: dict[str, object] = {
                "kind": "interview",
                "context": f"How does the contract work for you, number {i}?",
                "extra": (("codebook_version", "1"), ("model", "m1")),
                "text": "word " * 40,
            }
            if stage == "2":
                fields |= of_second
            text = str(fields.pop("text"))
            made.append(Passage(f"{stage}{i}", f"{stage}-{i // 2}.docx", 0, len(text), text, **fields))  # type: ignore[arg-type]
            labels.append(stage)
    return made, labels


def said(**of_second: object) -> str:
    return " ".join(warnings(*passages(**of_second), STAGES))  # type: ignore[arg-type]


def test_nothing_is_said_where_nothing_changed() -> None:
    assert said() == ""


def test_codebook_and_model() -> None:
    assert "1 was coded by 1; 2 was coded by 2" in said(extra=(("codebook_version", "2"), ("model", "m1")))
    assert "The model changed" in said(extra=(("codebook_version", "1"), ("model", "m2")))


def test_kinds_of_document_and_transcripts() -> None:
    assert "mix of kinds of document differs (1: 100% interview; 2: 100% focus group)" in said(kind="focus group")
    found, labels = passages()
    sources = [Source(p.document, format="word" if p.document.startswith("1") else "captions") for p in found]
    assert "mix of transcripts differs" in " ".join(warnings(found, labels, STAGES, sources))


def test_passage_length() -> None:
    assert "2.0 times as long in 2" in said(text="word " * 80)


def test_the_interviewer_s_questions() -> None:
    found, labels = passages(24)
    changed = []
    for p in found:
        asked = p.context if p.id.startswith("1") else f"Tell about savings, bonds, returns {p.id}"
        changed.append(replace(p, context=asked))
    assert "asks about other things in 2 than in 1" in " ".join(warnings(changed, labels, STAGES))


def test_one_period_has_nothing_to_differ_from() -> None:
    found, _ = passages()
    assert warnings(found, ["1"] * len(found), STAGES) == ()


def test_divergence_is_that_of_scipy_to_the_last_digit() -> None:
    from scipy import stats

    rng = np.random.default_rng(4)
    for _ in range(50):
        one, other = rng.integers(0, 5, (2, 60)).astype(float)
        p, q = one / one.sum(), other / other.sum()
        wanted = (stats.entropy(p, (p + q) / 2, base=2) + stats.entropy(q, (p + q) / 2, base=2)) / 2
        assert instrument.jensen_shannon(one, other) == wanted
