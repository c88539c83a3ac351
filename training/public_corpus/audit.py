"""Look for what the eye misses in `corpora/public`: near-duplicates, and codings that stand out from their like.

Run in an environment of its own with scikit-learn, cleanlab and, for better candidates, model2vec (cleanlab is no
dependency of ours)::

    python training/public_corpus/audit.py [--candidates FILE]

It reads ``gold.jsonl`` and the pool's texts and writes ``corpora/public/AUDIT.md``: counts and ids, no text. With
``--candidates`` the passages in question, with their text, go to a file outside the repository for a reader.

*Near-duplicates*: cosine of TF-IDF vectors (words) of 0.9 or more, between passages of different documents, and between
drawn and development passages. *Candidates for label errors*: cleanlab's multilabel filter (Northcutt, Jiang & Chuang
2021, *Confident learning*, JAIR 70) over held-out probabilities, five folds by group of documents and speakers.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
CORPUS, REAL = ROOT / "corpora" / "public", ROOT.parent / "shared" / "real"
EMBEDDINGS = ROOT / "models" / "gov-fast" / "embeddings"
LIMIT = 0.9
# With fewer positives a held-out probability says nothing.
FEWEST = 20
CODES = (
    "NPM", "NPG", "PVM", "governance_mechanisms", "inter_organizational_dynamics", "performance_emphasis",
    "characterization", "dominant_focus", "managerial_goals", "public_interest", "performance_objective",
    "accountability_model", "system_of_delivery",
)  # fmt: skip
Row = Mapping[str, Any]


def read(path: Path) -> list[dict[str, Any]]:
    """A JSONL file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def near_duplicates(left: Sequence[str], right: Sequence[str], limit: float) -> list[tuple[int, int, float]]:
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
    """TF-IDF of words and pairs of words beside the shipped sentence embeddings, where model2vec is there."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True).fit_transform(texts)
    try:
        from model2vec import StaticModel
    except ImportError:
        return words, "TF-IDF"
    vectors = np.asarray(StaticModel.from_pretrained(str(EMBEDDINGS)).encode(list(texts)), dtype=np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return sparse.hstack([words, sparse.csr_matrix(vectors)]).tocsr(), "TF-IDF and the embeddings of gov-fast"


def held_out(x: Any, labels: NDArray[np.bool_], groups: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities [n, k] from logistic regression that has seen neither document nor speaker."""
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


def _ids(rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(
        "- " + " ".join(f"`{cell}`" if isinstance(cell, str) else str(cell) for cell in row) for row in rows
    )


def main() -> None:
    """Write AUDIT.md."""
    from sklearn.metrics import roc_auc_score

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=Path, help="JSONL with text, for a reader; outside the repository")
    arguments = parser.parse_args()
    texts = {row["id"]: row["text"] for row in read(REAL / "pool.jsonl.gz")}
    development = [row for name in ("dev", "dev_natural") for row in read(REAL / f"{name}.jsonl")]
    gold = read(CORPUS / "gold.jsonl")
    drawn = {row["id"]: row for row in [*read(CORPUS / "codings.jsonl"), *gold]}
    ids = list(drawn)
    own = [texts[id] for id in ids]
    pairs = [
        (ids[i], ids[j], cosine)
        for i, j, cosine in near_duplicates(own, own, LIMIT)
        if i < j and drawn[ids[i]]["document"] != drawn[ids[j]]["document"]
    ]
    across = [pair for pair in pairs if drawn[pair[0]]["split"] != drawn[pair[1]]["split"]]
    with (CORPUS / "near_duplicates.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"ids": [a, b], "cosine": cosine}) + "\n" for a, b, cosine in pairs)
    golden = {row["id"]: set(row["codes"]) for row in gold}
    unlike = [p for p in pairs if p[0] in golden and p[1] in golden and golden[p[0]] != golden[p[1]]]
    held = [row["text"] for row in development]
    leaks = [(ids[i], development[j]["id"], cosine) for i, j, cosine in near_duplicates(own, held, LIMIT)]

    rows = [texts[row["id"]] for row in gold]
    labels = np.array([[code in row["codes"] for code in CODES] for row in gold])
    judged = [column for column in range(len(CODES)) if labels[:, column].sum() >= FEWEST]
    x, what = features(rows)
    chances = held_out(x, labels[:, judged], [row["group"] for row in gold])
    aucs = {CODES[c]: roc_auc_score(labels[:, c], chances[:, k]) for k, c in enumerate(judged)}
    doubted = [(row, judged[k], float(chances[row, k])) for row, k in label_errors(labels[:, judged], chances)]
    lines = sorted(
        (CODES[c], gold[row]["id"], "given" if labels[row, c] else "not given", round(p, 2), gold[row]["decided"])
        for row, c, p in doubted
    )
    by_code = Counter((line[0], line[2]) for line in lines)
    table = "\n".join(
        f"| `{code}` | {int(labels[:, CODES.index(code)].sum())} | {auc:.2f} | {by_code[code, 'given']} | "
        f"{by_code[code, 'not given']} |"
        for code, auc in aucs.items()
    )
    few = ", ".join(f"`{CODES[c]}`" for c in range(len(CODES)) if c not in judged)
    page = f"""# Audit

Written by `training/public_corpus/audit.py`; do not edit. Ids only: the texts come with `fetch.py`.

## Near-duplicates

Cosine of TF-IDF vectors of {LIMIT} or more. {len(ids)} drawn passages, {len(development)} development passages.

| | pairs |
| --- | ---: |
| of drawn passages in different documents | {len(pairs)} |
| … of which in different splits | {len(across)} |
| … of which with different gold codes | {len(unlike)} |
| of a drawn and a development passage | {len(leaks)} |

Where near-duplicates lie in different splits, `assemble` leaves out of gold all but those of one split, test before
validation before train (it reads `near_duplicates.jsonl`); `codings.jsonl` keeps them.

In different splits:

{_ids(across) or "none"}

With different gold codes:

{_ids(unlike) or "none"}

Of a drawn and a development passage (second id):

{_ids(leaks) or "none"}

All others:

{_ids([pair for pair in pairs if pair not in across and pair not in unlike]) or "none"}

## Candidates for label errors

Cleanlab over held-out probabilities of logistic regression on {what}: {len(gold)} gold codings.
A candidate is what a weak classifier would not have expected; with classifiers as weak as these most candidates are
right and the classifier is wrong. Codes with fewer than {FEWEST} positives are left out: {few or "none"}.

| code | positives | AUC held out | given, doubted | not given, expected |
| --- | ---: | ---: | ---: | ---: |
{table}

{len(lines)} candidates on {len({line[1] for line in lines})} passages (code, id, what gold says, probability, how gold
came about):

{_ids(lines) or "none"}
"""
    (CORPUS / "AUDIT.md").write_text(page, encoding="utf-8")
    print(page.split("In different splits:")[0], *page.split("## Candidates")[1].splitlines()[:24], sep="\n")
    if arguments.candidates:
        by_passage: dict[str, list[str]] = {}
        for code, id, said, chance, _ in lines:
            by_passage.setdefault(str(id), []).append(f"{code}: {said}, classifier {chance}")
        with arguments.candidates.open("w", encoding="utf-8") as file:
            for id, doubts in by_passage.items():
                row = {"id": id, "text": texts[id], "codes": sorted(golden[id]), "doubts": doubts}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
