"""Why a passage got a code: the sentence without which its score falls most.

Leave-one-out occlusion works for every model, whatever is inside: each sentence of a passage is left out in turn and
the passage classified again. It says what the model leans on, not whether that is right, and a passage whose sentences
all say the same has no sentence that counts. Costs as many classifications as there are sentences.

Source: Zeiler, M. & Fergus, R. (2014), *Visualizing and understanding convolutional networks*, ECCV (occlusion); Li,
J., Monroe, W. & Jurafsky, D. (2016), *Understanding neural networks through representation erasure*, arXiv:1612.08220.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sibnlp.model import Model
from sibnlp.sentences import sentences
from sibnlp.types import Passage, Predictions

# Longest quotation in an explanation, in characters.
MAX_QUOTE = 160


def explain(
    predictions: Predictions, model: Model, *, batch_size: int = 1024, progress: Callable[[int], None] | None = None
) -> list[dict[str, str]]:
    """For each passage and code given, the sentence that its score rests on most.

    Args:
        predictions: of ``model``.
        model: that made them.
        batch_size: passages at a time; changes no result.
        progress: told how many shortened passages were classified.

    Returns:
        By passage, text by code; nothing for a code whose score no single sentence lowers, or for a passage of one
        sentence.
    """
    shortened: list[Passage] = []
    spans: list[tuple[int, tuple[int, int]]] = []
    for row, passage in enumerate(predictions.passages):
        parts = sentences(passage.text) if predictions.assigned[row].any() else []
        if len(parts) < 2:
            continue
        for start, end in parts:
            rest = f"{passage.text[:start]}{passage.text[end:]}".strip()
            shortened.append(replace(passage, text=rest or " "))
            spans.append((row, (start, end)))
    found: list[dict[str, str]] = [{} for _ in predictions.passages]
    if not shortened:
        return found
    without = model.predict(shortened, batch_size=batch_size, progress=progress).probabilities
    rows = np.array([row for row, _ in spans])
    for row in dict.fromkeys(rows.tolist()):
        own = np.flatnonzero(rows == row)
        for code in predictions.codes_of(row):
            column = predictions.column(code)
            lowest = own[int(np.argmin(without[own, column]))]
            was, is_ = float(predictions.probabilities[row, column]), float(without[lowest, column])
            if is_ < was:
                start, end = spans[lowest][1]
                quote = " ".join(predictions.passages[row].text[start:end].split())
                quote = quote if len(quote) <= MAX_QUOTE else quote[: MAX_QUOTE - 1].rstrip() + "…"
                found[row][code] = f"rests most on “{quote}” ({was:.2f}; {is_:.2f} without it)"
    return found
