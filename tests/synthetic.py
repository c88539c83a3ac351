"""Predictions whose truth is known, made from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sibnlp.types import Passage, Predictions

CODES = ("NPM", "NPG", "governance_mechanisms", "reinforcing", "in_tension", "co_existing")


def predictions(rows: Sequence[Mapping[str, object]], codes: Sequence[str] = CODES) -> Predictions:
    """Predictions from rows of ``{"stage", "document", "speaker", "codes"}``; further keys are passage fields."""
    passages, assigned = [], np.zeros((len(rows), len(codes)), dtype=np.bool_)
    for number, row in enumerate(rows):
        fields = {key: value for key, value in row.items() if key not in ("codes", "document")}
        passages.append(
            Passage(f"p{number}", str(row.get("document", "d")), 0, 4, "word " * 20, **fields)  # type: ignore[arg-type]
        )
        for code in row.get("codes", ()):  # type: ignore[attr-defined]
            assigned[number, codes.index(code)] = True
    return Predictions(tuple(passages), tuple(codes), assigned.astype(np.float32), assigned, "test")


def panel(
    shares: Mapping[str, float], documents: int = 6, passages: int = 40, spread: float = 0.05, seed: int = 1
) -> Predictions:
    """One code at a given share per stage, documents varying around it.

    Args:
        shares: true share of NPM by stage.
        documents: per stage; each by a speaker of its own, who appears in every stage.
        passages: per document.
        spread: standard deviation of a document's own share.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for stage, share in shares.items():
        for document in range(documents):
            own = float(np.clip(share + rng.normal(0, spread), 0, 1))
            for held in rng.random(passages) < own:
                codes = ["NPM", "governance_mechanisms"] if held else []
                rows.append(
                    {"stage": stage, "document": f"{stage}-{document}", "speaker": f"s{document}", "codes": codes}
                )
    return predictions(rows)
