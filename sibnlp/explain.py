"""Why a passage got a code: the sentence, and the words, that its score rests on.

Where a score is a sum over words (backends ``linear`` and ``static``), each word's part of the calibrated log-odds is
exact. For every other model words are left out in turn and the passage classified again (occlusion): a word's weight is
by how much the log-odds fall without it. Either says what the model leans on, not whether that is right. Under
occlusion words that say the same cover for each other, and weights sum to nothing in particular.

The sentence is found by occlusion for every model. Each costs as many classifications as there are sentences or words.

Source: Zeiler, M. & Fergus, R. (2014), *Visualizing and understanding convolutional networks*, ECCV (occlusion); Li,
J., Monroe, W. & Jurafsky, D. (2016), *Understanding neural networks through representation erasure*, arXiv:1612.08220.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sibnlp.calibrate import log_odds
from sibnlp.classifiers import Additive, texts_of
from sibnlp.model import Model
from sibnlp.sentences import sentences
from sibnlp.types import Moved, Passage, Predictions
from sibnlp.words import word_spans

# Longest quotation in an explanation, in characters.
MAX_QUOTE = 160
# Words named in an explanation, for the code and against it.
TOWARDS, AGAINST = 5, 2
# Words that a report marks for a code, and the weight under which it marks none.
SHOWN, FAINT = 8, 0.05
# A longer passage is occluded by several words at a time, so that no passage takes more classifications than this.
MAX_OCCLUSIONS = 80

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Reasons:
    """How the words of a passage moved the score of a code.

    Attributes:
        words: in order of the text.
        base: log-odds without any of them, where the weights are exact: base and weights sum to the log-odds of the
            calibrated probability. None under occlusion.
    """

    words: tuple[Moved, ...]
    base: float | None = None


def explain_words(
    predictions: Predictions,
    model: Model,
    codes: Mapping[int, Sequence[str]] | None = None,
    *,
    batch_size: int = 1024,
    progress: Progress | None = None,
) -> list[dict[str, Reasons]]:
    """For each passage and code, how every word moved the code's score.

    Args:
        predictions: of ``model``.
        model: that made them.
        codes: which codes to explain, by row; those that are given where not said.
        batch_size: passages at a time; changes no result.
        progress: told how many shortened passages were classified.

    Returns:
        By passage, reasons by code.
    """
    wanted = codes if codes is not None else {row: predictions.codes_of(row) for row in range(len(predictions))}
    if (giver := getattr(model, "giver", model)) is not model:
        # What is not coded may have its scores from another model than the one that gives codes.
        rows = [row for row, own in wanted.items() if own]
        probabilities = predictions.probabilities.copy()
        probabilities[rows] = giver.predict([predictions.passages[row] for row in rows]).probabilities
        predictions, model = replace(predictions, probabilities=probabilities), giver
    classifier = getattr(model, "classifier", None)
    if isinstance(classifier, Additive):
        return _added(predictions, model, classifier, wanted)
    return _occluded(predictions, model, wanted, batch_size, progress)


def is_exact(model: Model) -> bool:
    """Whether words' weights are exact, and cost next to nothing."""
    return isinstance(getattr(getattr(model, "giver", model), "classifier", None), Additive)


def _added(
    predictions: Predictions, model: Model, classifier: Additive, wanted: Mapping[int, Sequence[str]]
) -> list[dict[str, Reasons]]:
    slopes, intercepts = np.array(model.calibration.slopes), np.array(model.calibration.intercepts)
    found: list[dict[str, Reasons]] = []
    for row, passage in enumerate(predictions.passages):
        found.append({})
        if not wanted.get(row):
            continue
        (text,) = texts_of([passage], model.classifier)
        parts = classifier.contributions(text)
        weights, base = parts.weights * slopes, parts.base * slopes + intercepts
        for code in wanted[row]:
            column = predictions.column(code)
            moved = zip(parts.spans, weights[:, column].tolist(), strict=True)
            words = tuple(Moved(start, end, weight) for (start, end), weight in moved if weight)
            found[-1][code] = Reasons(words, float(base[column]))
    return found


def _occluded(
    predictions: Predictions,
    model: Model,
    wanted: Mapping[int, Sequence[str]],
    batch_size: int,
    progress: Progress | None,
) -> list[dict[str, Reasons]]:
    spans: list[tuple[int, tuple[int, int]]] = []
    for row, passage in enumerate(predictions.passages):
        if wanted.get(row):
            spans += [(row, span) for span in _windows(word_spans(passage.text))]
    falls = _falls(predictions, model, spans, batch_size, progress)
    found: list[dict[str, Reasons]] = [
        {code: Reasons(()) for code in wanted.get(row, ())} for row in range(len(predictions))
    ]
    moved: dict[tuple[int, str], list[Moved]] = {}
    for (row, (start, end)), fall in zip(spans, falls, strict=True):
        for code in wanted[row]:
            weight = float(fall[predictions.column(code)])
            if weight:
                moved.setdefault((row, code), []).append(Moved(start, end, weight))
    for (row, code), words in moved.items():
        found[row][code] = Reasons(tuple(words))
    return found


def _windows(words: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Words, or runs of as many as keeps their number in bounds."""
    step = -(-len(words) // MAX_OCCLUSIONS) or 1
    runs = [words[i : i + step] for i in range(0, len(words), step)]
    return [(run[0][0], run[-1][1]) for run in runs]


def _falls(
    predictions: Predictions,
    model: Model,
    spans: Sequence[tuple[int, tuple[int, int]]],
    batch_size: int,
    progress: Progress | None,
) -> np.ndarray:
    """By how much the log-odds of every code fall where a span of a passage is left out: [spans, k]."""
    if not spans:
        return np.zeros((0, len(predictions.codes)))
    passages = predictions.passages
    shortened = [_without(passages[row], span) for row, span in spans]
    left = model.predict(shortened, batch_size=batch_size, progress=progress).probabilities.astype(np.float64)
    whole = predictions.probabilities[[row for row, _ in spans]].astype(np.float64)
    return log_odds(whole) - log_odds(left)


def _without(passage: Passage, span: tuple[int, int]) -> Passage:
    start, end = span
    return replace(passage, text=f"{passage.text[:start]}{passage.text[end:]}".strip() or " ")


def explain(
    predictions: Predictions, model: Model, *, batch_size: int = 1024, progress: Progress | None = None
) -> list[dict[str, str]]:
    """For each passage and code given, in words: the sentence its score rests on most, and the words that moved it.

    Args:
        predictions: of ``model``.
        model: that made them.
        batch_size: passages at a time; changes no result.
        progress: told how many shortened passages were classified.

    Returns:
        By passage, text by code; nothing for a code that no sentence or word moved. A passage of one sentence has its
        words alone.
    """
    giver = getattr(model, "giver", model)
    spans = [
        (row, span)
        for row, passage in enumerate(predictions.passages)
        if predictions.assigned[row].any() and len(parts := sentences(passage.text)) > 1
        for span in parts
    ]
    passages = predictions.passages
    found: list[dict[str, list[str]]] = [{} for _ in passages]
    if spans:
        shortened = [_without(passages[row], span) for row, span in spans]
        without = giver.predict(shortened, batch_size=batch_size, progress=progress).probabilities
        rows = np.array([row for row, _ in spans])
        for row in dict.fromkeys(rows.tolist()):
            own = np.flatnonzero(rows == row)
            for code in predictions.codes_of(row):
                column = predictions.column(code)
                lowest = own[int(np.argmin(without[own, column]))]
                was, is_ = float(predictions.probabilities[row, column]), float(without[lowest, column])
                if is_ < was:
                    start, end = spans[lowest][1]
                    quote = " ".join(passages[row].text[start:end].split())
                    quote = quote if len(quote) <= MAX_QUOTE else quote[: MAX_QUOTE - 1].rstrip() + "…"
                    found[row].setdefault(code, []).append(f"rests most on “{quote}” ({was:.2f}; {is_:.2f} without it)")
    for row, by_code in enumerate(explain_words(predictions, model, batch_size=batch_size, progress=progress)):
        for code, reasons in by_code.items():
            if words := in_words(passages[row].text, reasons.words):
                found[row].setdefault(code, []).append(words)
    return [{code: "; ".join(parts) for code, parts in own.items()} for own in found]


def leading_words(predictions: Predictions, model: Model) -> dict[int, dict[str, tuple[Moved, ...]]]:
    """For every code given, the `SHOWN` words that moved it most, in order of the text, by row of the predictions."""
    found = {}
    for row, own in enumerate(explain_words(predictions, model)):
        if own:
            found[row] = {code: _leading(reasons.words) for code, reasons in own.items()}
    return found


def _leading(words: Sequence[Moved]) -> tuple[Moved, ...]:
    strong = [word for word in words if abs(word.weight) >= FAINT]
    most = sorted(strong, key=lambda word: (-abs(word.weight), word.start))[:SHOWN]
    return tuple(sorted(most, key=lambda word: word.start))


def strongest(
    text: str, words: Sequence[Moved], towards: int = TOWARDS, against: int = AGAINST
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The words that moved a score most, those that come again taken together: for the code, and against it.

    >>> strongest("Paid on time, paid late", [Moved(0, 4, 0.5), Moved(8, 12, -0.2), Moved(14, 18, 0.25)])
    ([('paid', 0.75)], [('time', -0.2)])
    """
    total: dict[str, float] = {}
    for word in words:
        name = " ".join(text[word.start : word.end].lower().split())
        total[name] = total.get(name, 0.0) + word.weight
    order = sorted(total.items(), key=lambda item: (-abs(item[1]), item[0]))
    # Less than a hundredth is written as nothing.
    said = [(name, weight) for name, weight in order if abs(weight) >= 0.005]
    return [one for one in said if one[1] > 0][:towards], [one for one in said if one[1] < 0][:against]


def in_words(text: str, words: Sequence[Moved]) -> str:
    """What moved a score, as a line of text: ``towards: dock +1.20, late +0.41; against: bread −0.30``."""
    parts = []
    for name, own in zip(("towards", "against"), strongest(text, words), strict=True):
        if own:
            listed = ", ".join(f"{word} {'+' if weight > 0 else '−'}{abs(weight):.2f}" for word, weight in own)
            parts.append(f"{name}: {listed}")
    return "; ".join(parts)
