"""How coders stand to the development passages, themselves, each other, and mere words: figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp import codebook
from sibnlp.agreement import Agreement, agreement, by_unit
from sibnlp.evaluate import roc_auc
from sibnlp.targets import targets
from sibnlp.types import CodedPassage, Passage
from training.coding.records import ABOUT, CODES, FAMILY_OF, Coding, read_batch, read_keys

Row = Mapping[str, Any]
JUDGED = ("logic", "domain", "dimension")


@dataclass(frozen=True, slots=True)
class Check:
    """A coder's word on a development passage, beside what both development coders gave and what one gave."""

    batch: str
    given: frozenset[str]
    gold: frozenset[str]
    contested: frozenset[str]


def f1(pairs: Sequence[tuple[bool, bool]]) -> float:
    """F1 of (given, gold); NaN where neither side ever has the code.

    >>> f1([(True, True), (True, False), (False, True), (False, False)])
    0.5
    """
    hits, total = sum(a and b for a, b in pairs), sum(a + b for a, b in pairs)
    return 2 * hits / total if total else float("nan")


def macro_f1(checks: Sequence[Check], family: str) -> tuple[float, int]:
    """Mean F1 over the codes of a family that either side gave, and the passages with one of them in gold."""
    scores = [
        f1([(code in check.given, code in check.gold) for check in checks if code not in check.contested])
        for code in CODES[family]
    ]
    kept = [score for score in scores if score == score]
    support = sum(bool((check.gold - check.contested) & set(CODES[family])) for check in checks)
    return (sum(kept) / len(kept) if kept else float("nan")), support


def read_coder(corpus: Path, raw: Path, coder: str) -> dict[str, list[tuple[Row, Coding]]]:
    """A coder's sound batches: key row and coding of every item, by batch.

    Args:
        corpus: with ``keys/``.
        raw: folder of the copies of the raw batches.
        coder: letter that its batches begin with.
    """
    found: dict[str, list[tuple[Row, Coding]]] = {}
    for name, rows in read_keys(corpus, coder).items():
        path = raw / f"{name}.jsonl"
        if path.exists():
            batch = read_batch(path, [row["item"] for row in rows])
            if batch.problems:
                raise SystemExit(f"{path} is not sound; run assemble first: {batch.problems[0]}")
            found[name] = [(row, batch.codings[row["item"]]) for row in rows]
    return found


def development_checks(batches: Mapping[str, Sequence[tuple[Row, Coding]]], development: Sequence[Row]) -> list[Check]:
    """The development passages among a coder's items.

    The development coders gave domains and dimensions whatever the logic; the codebooks give none where the logic lies
    outside the framework. What was given there is left out like what is contested.
    """
    gold = {row["id"]: row for row in development}
    return [
        Check(name, frozenset(coding.codes), frozenset(row["codes"]), frozenset(row["contested"]) | _outside(row))
        for name, items in batches.items()
        for key, coding in items
        if key["what"] == "check" and (row := gold[key["id"]])
    ]


def _outside(row: Row) -> set[str]:
    """Domains and dimensions of a development passage without a logic of their framework."""
    strange = {family for family, logics in ABOUT.items() if not logics & set(row["codes"])}
    return {code for code in row["codes"] if FAMILY_OF.get(code) in strange}


def repeats(batches: Mapping[str, Sequence[tuple[Row, Coding]]]) -> list[tuple[Coding, Coding]]:
    """What the coder said the first and the second time."""
    first = {key["id"]: coding for items in batches.values() for key, coding in items if key["what"] == "new"}
    return [
        (first[key["id"]], coding)
        for items in batches.values()
        for key, coding in items
        if key["what"] == "repeat" and key["id"] in first
    ]


def self_agreement(pairs: Sequence[tuple[Coding, Coding]]) -> dict[str, tuple[float, float]]:
    """By family: mean F1 of the second showing against the first, and the share coded exactly alike."""
    found = {}
    for family in JUDGED:
        checks = [Check("", frozenset(b.codes), frozenset(a.codes), frozenset()) for a, b in pairs]
        own = set(CODES[family])
        same = sum(set(a.codes) & own == set(b.codes) & own for a, b in pairs) / max(len(pairs), 1)
        found[family] = (macro_f1(checks, family)[0], same)
    return found


def between(codings: Sequence[Row], resamples: int = 1000) -> tuple[dict[str, Agreement], dict[str, Agreement]]:
    """Agreement of the coders as ``sibnlp agree`` finds it, by code and family.

    Args:
        codings: rows with ``id``, ``document``, ``coder``, ``codes`` and ``extent``.
        resamples: of documents, for the intervals; 0 gives none.
    """
    books = [codebook.load("osborne"), codebook.load("oflynn")]
    codes = [code for family in CODES.values() for code in family]
    coded = [
        CodedPassage(
            Passage(row["id"], row["document"], 0, 1, "-"), tuple(row["codes"]), row["coder"], tuple(row["extent"])
        )
        for row in codings
    ]
    documents = {row["id"]: row["document"] for row in codings}
    ids, coders = [row["id"] for row in codings], [row["coder"] for row in codings]
    units, _, judgements = by_unit(ids, coders, targets(coded, books, codes))
    return agreement(judgements, codes, [documents[str(unit)] for unit in units], CODES, resamples)


def sides(
    codings: Sequence[Row], gold: Sequence[Row], keys: Mapping[str, Sequence[Row]], coders: Mapping[str, str]
) -> dict[str, int]:
    """Whom the adjudicator followed, wholly: one of two coders, or whichever coding stood first, or neither.

    Args:
        codings, gold: rows of the corpus.
        keys: of the adjudicator's batches.
        coders: two letters, and what rows call them.

    Returns:
        Counts by letter, and for ``neither``, ``first`` and ``second``.
    """
    letters = {name: letter for letter, name in coders.items()}
    given = {
        (row["id"], letters[row["coder"]]): (row["codes"], row["stances"]) for row in codings if row["coder"] in letters
    }
    first = {row["id"]: row["X"] for rows in keys.values() for row in rows}
    found = dict.fromkeys((*coders, "neither", "first", "second"), 0)
    for row in gold:
        if row["decided"] == "adjudicated" and all((row["id"], letter) in given for letter in coders):
            said = [letter for letter in coders if given[row["id"], letter] == (row["codes"], row["stances"])]
            found[said[0] if said else "neither"] += 1
            if said:
                found["first" if said[0] == first[row["id"]] else "second"] += 1
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """How well words alone reproduce a coder's code: positives, AUC, and F1 at the threshold that flatters it most."""

    positives: int
    auc: float
    f1: float


def from_words(texts: Sequence[str], groups: Sequence[str], coded: Mapping[str, NDArray[np.bool_]]) -> dict[str, Words]:
    """Held-out scores of logistic regression on TF-IDF, five folds by group.

    Args:
        texts: of n passages; groups: what must not be parted.
        coded: [n] by code.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    scores = {code: np.zeros(len(texts)) for code in coded}
    for train, test in GroupKFold(5).split(texts, groups=groups):
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, stop_words=None)
        seen = vectorizer.fit_transform([texts[i] for i in train])
        unseen = vectorizer.transform([texts[i] for i in test])
        for code, y in coded.items():
            if 0 < y[train].sum() < len(train):
                model = LogisticRegression(C=10, class_weight="balanced", solver="liblinear").fit(seen, y[train])
                scores[code][test] = model.predict_proba(unseen)[:, 1]
    return {code: Words(int(y.sum()), roc_auc(scores[code], y), _best_f1(scores[code], y)) for code, y in coded.items()}


def _best_f1(scores: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(y[order])
    return float((2 * hits / (np.arange(1, len(y) + 1) + y.sum())).max()) if y.any() else float("nan")
