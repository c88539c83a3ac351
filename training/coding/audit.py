"""What the eye misses in a corpus: near-duplicates, and codings that stand out from their like.

*Near-duplicates*: cosine of TF-IDF vectors (words) of 0.9 or more. *Candidates for label errors*: cleanlab's filter
(Northcutt, Jiang & Chuang 2021, *Confident learning*, JAIR 70), code by code, over held-out probabilities, five folds
by group. Cleanlab is no dependency of ours; it is asked for where it is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.coding.coders_page import table
from training.coding.records import CODES, ROOT, write_rows
from training.coding.scoring import JUDGED

EMBEDDINGS = ROOT / "models" / "gov-fast" / "embeddings"
LIMIT = 0.9
# With fewer positives a held-out probability says nothing.
FEWEST = 20
# Held-out probability below which, or above one minus which, a classifier is nearly sure.
SURE = 0.1
COLUMNS = tuple(code for family in JUDGED for code in CODES[family])
Row = Mapping[str, Any]


def near_duplicates(left: Sequence[str], right: Sequence[str], limit: float = LIMIT) -> list[tuple[int, int, float]]:
    """Pairs of a text on the left and one on the right whose TF-IDF cosine reaches the limit."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit([*left, *right])
    a, b = vectorizer.transform(left), vectorizer.transform(right)
    pairs = []
    for start in range(0, len(left), 500):
        product = (a[start : start + 500] @ b.T).tocoo()
        for i, j, cosine in zip(product.row, product.col, product.data, strict=True):
            if cosine >= limit:
                pairs.append((start + int(i), int(j), round(float(cosine), 3)))
    return pairs


def features(texts: Sequence[str]) -> tuple[Any, str]:
    """TF-IDF of words and pairs of words beside the shipped sentence embeddings."""
    from model2vec import StaticModel
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True).fit_transform(texts)
    vectors = np.asarray(StaticModel.from_pretrained(str(EMBEDDINGS)).encode(list(texts)), dtype=np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return sparse.hstack([words, sparse.csr_matrix(vectors)]).tocsr(), "TF-IDF and the embeddings of gov-fast"


def held_out(x: Any, labels: NDArray[np.bool_], groups: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities [n, k] from logistic regression that has not seen the group."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    chances = np.zeros(labels.shape)
    for train, test in GroupKFold(5).split(labels, groups=groups):
        for column in range(labels.shape[1]):
            if labels[train, column].any():
                model = LogisticRegression(C=30, max_iter=2000).fit(x[train], labels[train, column])
                chances[test, column] = model.predict_proba(x[test])[:, 1]
            else:
                chances[test, column] = labels[train, column].mean()
    return chances


def label_errors(labels: NDArray[np.bool_], chances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(passage, code) that cleanlab doubts, code by code."""
    from cleanlab.filter import find_label_issues  # type: ignore[import-not-found, unused-ignore]

    doubted = []
    for column in range(labels.shape[1]):
        two = np.stack([1 - chances[:, column], chances[:, column]], axis=1)
        kept = find_label_issues(labels[:, column].astype(int), two, return_indices_ranked_by="self_confidence")
        doubted += [(int(row), column) for row in kept]
    return doubted


@dataclass(frozen=True, slots=True)
class Doubts:
    """Candidates for label errors.

    Attributes:
        lines: code, passage id, what gold says of it, held-out probability, how gold came about; sorted.
        section: of AUDIT.md.
    """

    lines: tuple[tuple[str, str, str, float, str], ...]
    section: str


def doubts(gold: Sequence[Row], texts: Mapping[str, str]) -> Doubts:
    """Candidates for label errors in gold.

    Args:
        gold: rows with ``id``, ``codes``, ``group`` and ``decided``.
        texts: by id.
    """
    from sklearn.metrics import roc_auc_score

    labels = np.array([[code in row["codes"] for code in COLUMNS] for row in gold])
    judged = [column for column in range(len(COLUMNS)) if labels[:, column].sum() >= FEWEST]
    x, what = features([texts[row["id"]] for row in gold])
    chances = held_out(x, labels[:, judged], [row["group"] for row in gold])
    aucs = {COLUMNS[c]: roc_auc_score(labels[:, c], chances[:, k]) for k, c in enumerate(judged)}
    doubted = [(row, judged[k], float(chances[row, k])) for row, k in label_errors(labels[:, judged], chances)]
    lines = sorted(
        (COLUMNS[c], gold[row]["id"], "given" if labels[row, c] else "not given", round(p, 2), gold[row]["decided"])
        for row, c, p in doubted
    )
    by_code = Counter((line[0], line[2]) for line in lines)
    by_code_table = table(
        ["code", "positives", "AUC held out", "given, doubted", "not given, expected"],
        [
            [f"`{code}`", int(labels[:, COLUMNS.index(code)].sum()), f"{auc:.2f}", by_code[code, "given"],
             by_code[code, "not given"]]
            for code, auc in aucs.items()
        ],
    )  # fmt: skip
    few = ", ".join(f"`{COLUMNS[c]}`" for c in range(len(COLUMNS)) if c not in judged)
    section = f"""## Candidates for label errors

Cleanlab over held-out probabilities of logistic regression on {what}: {len(gold)} gold codings.
A candidate is what a weak classifier would not have expected; with classifiers as weak as these most candidates are
right and the classifier is wrong. Codes with fewer than {FEWEST} positives are left out: {few or "none"}.

{by_code_table}
{len(lines)} candidates on {len({line[1] for line in lines})} passages (code, id, what gold says, probability, how gold
came about):

{listed(lines) or "none"}
"""
    return Doubts(tuple(lines), section)


def plainest(found: Doubts) -> Doubts:
    """Only doubts about logics, and only where the classifier is nearly sure: the first that a reader should read."""
    kept = [line for line in found.lines if line[0] in CODES["logic"] and not SURE < line[3] < 1 - SURE]
    return Doubts(tuple(kept), found.section)


def listed(rows: Sequence[Sequence[object]]) -> str:
    """Rows as a Markdown list, words as code."""
    return "\n".join(
        "- " + " ".join(f"`{cell}`" if isinstance(cell, str) else str(cell) for cell in row) for row in rows
    )


def write_candidates(path: Path, found: Doubts, gold: Sequence[Row], texts: Mapping[str, str]) -> None:
    """The passages in question with their text, for a reader; outside the repository.

    Args:
        path: takes them.
        found: the candidates.
        gold: rows with ``id`` and ``codes``; texts: by id.
    """
    codes = {row["id"]: sorted(row["codes"]) for row in gold}
    by_passage: dict[str, list[str]] = {}
    for code, id, said, chance, _ in found.lines:
        by_passage.setdefault(id, []).append(f"{code}: {said}, classifier {chance}")
    rows = [{"id": id, "text": texts[id], "codes": codes[id], "doubts": why} for id, why in by_passage.items()]
    write_rows(path, rows)
