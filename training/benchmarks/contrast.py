"""Do models read conduct or words, and do they show why? Edited pairs and marked evidence, written to CONTRAST.md.

*Pairs* (``corpora/contrast``; Gardner et al. 2020, *Evaluating models' local decision boundaries via contrast sets*,
Findings of EMNLP): real passages and the same with a stretch edited, so that a logic comes in (``add``), goes out
(``remove``), or only its words come in (``near``).

*Evidence* (``corpora/public/evidence.jsonl``; DeYoung et al. 2020, *ERASER: a benchmark to evaluate rationalized NLP
models*, ACL): how high the words that make a logic's criterion hold rank among those that moved its score.

    python -m training.benchmarks.contrast [gov-base gov-fast] [--explained 150]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from sibnlp.evaluate.align import document_weights, percentile_interval
from sibnlp.explain import explain_words
from sibnlp.model import Model, load_model
from training import corpora
from training.corpora import Contrast

LOGICS = ("NPM", "NPG", "PVM")
KINDS = ("add", "near", "remove")
RESAMPLES = 2000
PAGE = Path(__file__).parent / "CONTRAST.md"


def pairs(model: Model, found: Sequence[Contrast]) -> list[str]:
    """Rows of the table of pairs, for one model."""
    before = model.predict([one.before.passage for one in found])
    after = model.predict([one.after.passage for one in found])
    columns = [before.column(code) for code in LOGICS]
    had, has = (np.array([[c in side.codes for c in LOGICS] for side in sides]) for sides in (
        [one.before for one in found], [one.after for one in found]))  # fmt: skip
    gave, gives = before.assigned[:, columns], after.assigned[:, columns]
    rises = after.probabilities[:, columns] > before.probabilities[:, columns]
    group = np.unique([one.before.passage.document for one in found], return_inverse=True)[1]
    came, went = has & ~had, had & ~has

    add, near, remove = (np.repeat(np.array([[one.kind == name] for one in found]), len(LOGICS), 1) for name in KINDS)
    first: NDArray[np.bool_] = np.array([True, False, False])  # of `near`, any logic counts, once
    anything = [np.repeat(np.any(side, axis=1, keepdims=True), len(LOGICS), axis=1) for side in (gave, gives)]

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> str:
        """Of cells [n, 3], with its interval over groups of documents."""
        n = group.max() + 1
        hit, all_ = (np.bincount(group, cells.sum(axis=1), n) for cells in (hits & of, of))
        drawn = document_weights(n, RESAMPLES, seed=0)
        low, high = percentile_interval((drawn @ hit) / np.maximum(1e-9, drawn @ all_))
        return f"{hit.sum() / all_.sum():.0%} ({low:.0%}–{high:.0%})"

    return [
        f"| {model.name} | added | {share(gave, add & came)} | {share(gives, add & came)} "
        f"| rises {share(rises, add & came)} |",
        f"| {model.name} | its words alone | {share(anything[0], near & first)} "
        f"| {share(anything[1], near & first)} | |",
        f"| {model.name} | taken out | {share(gave, remove & went)} | {share(gives, remove & went)} "
        f"| falls {share(~rises, remove & went)} |",
    ]


def plausibility(model: Model, n: int) -> str:
    """Row of the table of evidence: average precision of the words marked, over n passages, beside chance."""
    marked = corpora.evidence()
    codings = [coding for coding in corpora.public("train") if coding.passage.id in marked]
    some = np.random.default_rng(0).permutation(len(codings))[:n]
    passages = [replace(codings[i].passage, context="") for i in some]
    predictions = model.predict(passages)
    wanted = {row: [code for code in marked[passage.id] if code in LOGICS] for row, passage in enumerate(passages)}
    scores, chance, groups = [], [], []
    for passage, reasons in zip(passages, explain_words(predictions, model, wanted), strict=True):
        for logic, reason in reasons.items():
            words, spans = reason.words, marked[passage.id][logic]
            inside = [any(word.start < end and word.end > start for start, end in spans) for word in words]
            if any(inside) and not all(inside):
                scores.append(average_precision_score(inside, [word.weight for word in words]))
                chance.append(np.mean(inside))
                groups.append(passage.document)
    group = np.unique(groups, return_inverse=True)[1]
    drawn = document_weights(group.max() + 1, RESAMPLES, seed=0)

    def mean(values: Sequence[Any]) -> str:
        total, count = (np.bincount(group, x, group.max() + 1) for x in (np.array(values), np.ones(len(values))))
        low, high = percentile_interval((drawn @ total) / np.maximum(1e-9, drawn @ count))
        return f"{np.mean(values):.2f} ({low:.2f}–{high:.2f})"

    return f"| {model.name} | {len(scores)} | {mean(scores)} | {mean(chance)} |"


def page(models: Sequence[Model], n_explained: int) -> str:
    """CONTRAST.md."""
    found = corpora.contrasts()
    kinds = {kind: sum(one.kind == kind for one in found) for kind in KINDS}
    lines = [
        "# Conduct or words",
        "",
        f"Written by `python -m training.benchmarks.contrast` on {date.today()}. What is measured stands in that",
        "module and in `corpora/contrast/README.md`. **All originals are of the training split**, so figures on them",
        "flatter; the edits no model saw. Shares with 95 % intervals over groups of documents and speakers.",
        "",
        f"**Pairs**: {kinds['add']} passages to which a logic was added, {kinds['near']} to which only its words were",
        f"(any logic given counts), {kinds['remove']} from which one was taken.",
        "",
        "| model | the logic was | given in the original | given in the edited one | its score |",
        "|---|---|---|---|---|",
        *(row for model in models for row in pairs(model, found)),
        "",
        "**Evidence**: average precision of the words that make a logic's criterion hold, ranked by how much each",
        "moved the logic's score (exact for `static`; by leaving words out for others), over "
        f"{n_explained} passages; beside it,",
        "what a random order would have.",
        "",
        "| model | passages × logics | average precision | by chance |",
        "|---|---:|---|---|",
        *(plausibility(model, n_explained) for model in models),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None, write: Callable[[str], Any] = PAGE.write_text) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["gov-base", "gov-fast"], help="names, or folders")
    parser.add_argument("--explained", type=int, default=150, metavar="N", help="passages for the evidence")
    asked = parser.parse_args(arguments)
    write(page([load_model(name) for name in asked.models], asked.explained))


if __name__ == "__main__":
    main()
