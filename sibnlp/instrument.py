"""Signs that the instrument has changed, not the talk: what differs between periods besides what people said.

None of it proves anything; each is a reason to look before a change is believed.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np
from scipy import stats

from sibnlp.types import Passage, Source

# Columns in which projects note what was used; passed through from the input.
_CODEBOOK = ("codebook", "codebook_version", "codebook_wording")
_MODEL = ("model", "input_model", "classifier")
_TRANSCRIPT = ("transcript", "transcript_source", "transcriber", "recorder", "asr")
# Passages this many times as long, or a share of documents that moves by so much, are worth a look.
LENGTH_RATIO, MIX, MIX_DOCUMENTS = 1.5, 0.5, 3
# Questions as unlike as in fewer than this share of shuffles; periods need so many questions each.
LEVEL, QUESTIONS, SHUFFLES = 0.01, 10, 499
WORDS = 200


def warnings(
    passages: Sequence[Passage], labels: Sequence[str | None], periods: Sequence[str], sources: Sequence[Source] = ()
) -> tuple[str, ...]:
    """What a reader should rule out before believing a change.

    Args:
        passages: n passages of one scope.
        labels: n period labels.
        periods: in order of time.
        sources: what became of the input files, where known.
    """
    held = [(passage, label) for passage, label in zip(passages, labels, strict=True) if label]
    order = [period for period in periods if any(label == period for _, label in held)]
    if len(order) < 2:
        return ()
    format_of = {source.id: source.format for source in sources if source.format}
    found = [
        _changed(held, order, "codebook", lambda p: _column(p, _CODEBOOK), "was coded by"),
        _changed(held, order, "model", lambda p: _column(p, _MODEL), "was coded by"),
        _mix(held, order, "transcripts", lambda p: _column(p, _TRANSCRIPT) or _format(p, format_of)),
        _mix(held, order, "kinds of document", lambda p: p.kind or ""),
        _length(held, order),
        _questions(held, order),
    ]
    return tuple(warning for warning in found if warning)


Held = Sequence[tuple[Passage, str]]


def _column(passage: Passage, names: Iterable[str]) -> str:
    extra = {name.lower(): value for name, value in passage.extra}
    return next((str(extra[name]) for name in names if extra.get(name) not in (None, "")), "")


def _format(passage: Passage, format_of: Mapping[str, str]) -> str:
    return format_of.get(passage.document) or PurePosixPath(passage.document).suffix.lstrip(".").lower()


def _changed(held: Held, order: Sequence[str], what: str, of: Callable[[Passage], str], verb: str) -> str:
    """Whether periods name different ones."""
    named: dict[str, set[str]] = defaultdict(set)
    for passage, period in held:
        if value := of(passage):
            named[period].add(value)
    if len({frozenset(values) for values in named.values()}) < 2:
        return ""
    told = "; ".join(f"{period} {verb} {', '.join(sorted(named[period]))}" for period in order if period in named)
    return f"The {what} changed: {told}."


def _mix(held: Held, order: Sequence[str], what: str, of: Callable[[Passage], str]) -> str:
    """Whether documents of one sort come and go: total variation between two periods (half the sum of differences)."""
    documents: dict[str, dict[str, str]] = defaultdict(dict)
    for passage, period in held:
        # One passage speaks for its document.
        if passage.document not in documents[period]:
            documents[period][passage.document] = of(passage)
    documents = {period: {d: v for d, v in there.items() if v} for period, there in documents.items()}
    shares = {
        period: _shares(documents[period].values()) for period in order if len(documents[period]) >= MIX_DOCUMENTS
    }
    worst, pair = 0.0, ("", "")
    names = [period for period in order if period in shares]
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            sorts = set(shares[one]) | set(shares[other])
            apart = sum(abs(shares[one].get(s, 0) - shares[other].get(s, 0)) for s in sorts) / 2
            if apart > worst:
                worst, pair = apart, (one, other)
    if worst < MIX:
        return ""
    told = "; ".join(f"{p}: {', '.join(f'{v:.0%} {k}' for k, v in sorted(shares[p].items()))}" for p in pair)
    return f"The mix of {what} differs ({told})."


def _shares(values: Iterable[str]) -> dict[str, float]:
    counted = Counter(values)
    total = sum(counted.values())
    return {value: n / total for value, n in counted.items()}


def _length(held: Held, order: Sequence[str]) -> str:
    words = {period: float(np.median([p.n_words for p, label in held if label == period])) for period in order}
    short, long_ = min(order, key=lambda p: words[p]), max(order, key=lambda p: words[p])
    if words[long_] < LENGTH_RATIO * words[short]:
        return ""
    return (
        f"Passages are {words[long_] / max(words[short], 1):.1f} times as long in {long_} "
        f"(median {words[long_]:.0f} words) as in {short} ({words[short]:.0f}): long passages carry more of everything."
    )


def _questions(held: Held, order: Sequence[str]) -> str:
    """Whether the interviewer asks about other things: are questions of two periods worded further apart than chance?

    Distance is Jensen–Shannon's between the commonest words (Lin 1991, *IEEE Trans. Inf. Theory* 37); chance is the
    same over questions shuffled between the two periods, interview by interview.
    """
    asked: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    seen = set()
    for passage, period in held:
        key = (passage.document, passage.context)
        if passage.context and key not in seen:
            seen.add(key)
            asked[period][passage.document].update(re.findall(r"[^\W\d_]{4,}", passage.context.casefold()))
    n_asked = Counter(period for _, period in {(p.context, label) for p, label in held if p.context})
    names = [period for period in order if n_asked[period] >= QUESTIONS and len(asked[period]) >= 3]
    common = Counter(word for period in names for counted in asked[period].values() for word in counted.elements())
    words = [word for word, _ in common.most_common(WORDS)]
    rng = np.random.default_rng(0)
    found: list[tuple[float, str, str, list[str]]] = []
    for one, other in pairwise(names):
        counts = np.array(
            [[counted[word] for word in words] for period in (one, other) for counted in asked[period].values()],
            dtype=float,
        )
        first = np.arange(len(counts)) < len(asked[one])
        own = jensen_shannon(counts[first].sum(axis=0), counts[~first].sum(axis=0))
        shuffled = 0
        for _ in range(SHUFFLES):
            mixed = rng.permutation(first)
            shuffled += jensen_shannon(counts[mixed].sum(axis=0), counts[~mixed].sum(axis=0)) >= own
        p = (1 + shuffled) / (SHUFFLES + 1)
        gap = (
            counts[~first].sum(axis=0) / max(counts[~first].sum(), 1) - counts[first].sum(axis=0) / counts[first].sum()
        )
        new = [words[i] for i in np.argsort(-gap)[:4].tolist()]
        found.append((p, one, other, new))
    if not found:
        return ""
    p, one, other, new = min(found)
    if p * len(found) > LEVEL:
        return ""
    return f"The interviewer asks about other things in {other} than in {one} (more of: {', '.join(new)})."


def jensen_shannon(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Jensen–Shannon divergence of two lists of counts, in bits (Lin 1991): 0 alike, 1 nothing in common.

    >>> jensen_shannon([1, 1, 0, 0], [0, 0, 1, 1]), jensen_shannon([2, 1], [4, 2])
    (1.0, 0.0)
    """
    p, q = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if not p.sum() or not q.sum():
        return math.nan
    p, q = p / p.sum(), q / q.sum()
    return float((stats.entropy(p, (p + q) / 2, base=2) + stats.entropy(q, (p + q) / 2, base=2)) / 2)
