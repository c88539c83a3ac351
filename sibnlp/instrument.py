"""Signs that the instrument has changed, not the talk: what differs between periods besides what people said.

None of it proves anything; each is a reason to look before a change is believed.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sibnlp import columns
from sibnlp.types import Passage, Source

# Columns in which projects note what was used; passed through from the input.
_CODEBOOK = ("codebook", "codebook_version", "codebook_wording")
_MODEL = ("model", "input_model", "classifier")
_TRANSCRIPT = ("transcript", "transcript_source", "transcriber", "recorder", "asr")
# Passages this many times as long, or a share of documents that moves by so much, are worth a look.
LENGTH_RATIO, MIX, MIX_DOCUMENTS = 1.5, 0.5, 3
# Questions as unlike as in fewer than this share of shuffles; periods need so many questions each.
LEVEL, QUESTIONS, SHUFFLES = 0.01, 10, 499
WORDS, MOST_ASKED = 200, 300


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
    held = _Held(passages, labels, periods)
    if len(held.order) < 2:
        return ()
    format_of = {source.id: source.format for source in sources if source.format}
    found = [
        _changed(held, "codebook", _CODEBOOK, "was coded by"),
        _changed(held, "model", _MODEL, "was coded by"),
        _mix(
            held,
            "transcripts",
            lambda p: _column(p, _TRANSCRIPT) or _format(p, format_of),
            ("document", *held.extra(_TRANSCRIPT)),
        ),
        _mix(held, "kinds of document", lambda p: p.kind or "", ("kind",)),
        _length(held),
        _questions(held),
    ]
    return tuple(warning for warning in found if warning)


class _Held:
    """The passages that have a period.

    Attributes:
        rows: of these; period: [r] place of each one's in ``order``, the periods that have any.
    """

    def __init__(self, passages: Sequence[Passage], labels: Sequence[str | None], periods: Sequence[str]) -> None:
        self.passages = passages
        number = {period: i for i, period in enumerate(periods)}
        place = np.array([number.get(label, -1) if label else -1 for label in labels], dtype=np.int64)
        there = np.unique(place[place >= 0])
        self.order = [periods[i] for i in there.tolist()]
        self.rows = np.flatnonzero(place >= 0)
        self.period = np.searchsorted(there, place[self.rows])

    def grouped(self, *fields: str) -> NDArray[np.int64]:
        """[r] number of each passage's combination of values."""
        return columns.grouped(self.passages, *fields)[0][self.rows]

    def first(self, number: NDArray[np.int64]) -> list[int]:
        """Place among ``rows`` of the first passage of each number in each period, in order."""
        both = number * len(self.order) + self.period
        places: list[int] = np.sort(np.unique(both, return_index=True)[1]).tolist()
        return places

    def at(self, places: Sequence[int], fields: Sequence[str]) -> Iterator[tuple[Passage, str]]:
        """Passages, for those who look at some fields alone, and their periods."""
        passages = columns.outlines(self.passages, self.rows[places].tolist(), fields)
        return zip(passages, (self.order[i] for i in self.period[places].tolist()), strict=True)

    def extra(self, names: Sequence[str]) -> list[str]:
        """Further columns of one of these names, as fields."""
        return [f"extra.{name}" for name in sorted(columns.extra_names(self.passages)) if name.lower() in names]


def _column(passage: Passage, names: Iterable[str]) -> str:
    extra = {name.lower(): value for name, value in passage.extra}
    return next((str(extra[name]) for name in names if extra.get(name) not in (None, "")), "")


def _format(passage: Passage, format_of: Mapping[str, str]) -> str:
    return format_of.get(passage.document) or PurePosixPath(passage.document).suffix.lstrip(".").lower()


def _changed(held: _Held, what: str, names: Sequence[str], verb: str) -> str:
    """Whether periods name different ones."""
    own = held.extra(names)
    if not own:
        return ""
    named: dict[str, set[str]] = defaultdict(set)
    for passage, period in held.at(held.first(held.grouped(*own)), own):
        if value := _column(passage, names):
            named[period].add(value)
    if len({frozenset(values) for values in named.values()}) < 2:
        return ""
    told = "; ".join(f"{period} {verb} {', '.join(sorted(named[period]))}" for period in held.order if period in named)
    return f"The {what} changed: {told}."


def _mix(held: _Held, what: str, of: Callable[[Passage], str], fields: Sequence[str]) -> str:
    """Whether documents of one sort come and go: total variation between two periods (half the sum of differences)."""
    documents: dict[str, list[str]] = {period: [] for period in held.order}
    # One passage speaks for its document.
    for passage, period in held.at(held.first(held.grouped("document")), fields):
        if value := of(passage):
            documents[period].append(value)
    shares = {period: _shares(there) for period, there in documents.items() if len(there) >= MIX_DOCUMENTS}
    worst, pair = 0.0, ("", "")
    names = [period for period in held.order if period in shares]
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            # In order, and by more than rounding: the same input names the same pair.
            sorts = sorted(set(shares[one]) | set(shares[other]))
            apart = sum(abs(shares[one].get(s, 0) - shares[other].get(s, 0)) for s in sorts) / 2
            if apart > worst + 1e-9:
                worst, pair = apart, (one, other)
    if worst < MIX:
        return ""
    told = "; ".join(f"{p}: {', '.join(f'{v:.0%} {k}' for k, v in sorted(shares[p].items()))}" for p in pair)
    return f"The mix of {what} differs ({told})."


def _shares(values: Iterable[str]) -> dict[str, float]:
    counted = Counter(values)
    total = sum(counted.values())
    return {value: n / total for value, n in counted.items()}


def _length(held: _Held) -> str:
    n_words = columns.n_words(held.passages)[held.rows]
    words = {period: float(np.median(n_words[held.period == i])) for i, period in enumerate(held.order)}
    short, long_ = min(held.order, key=lambda p: words[p]), max(held.order, key=lambda p: words[p])
    if words[long_] < LENGTH_RATIO * words[short]:
        return ""
    return (
        f"Passages are {words[long_] / max(words[short], 1):.1f} times as long in {long_} "
        f"(median {words[long_]:.0f} words) as in {short} ({words[short]:.0f}): long passages carry more of everything."
    )


def _questions(held: _Held) -> str:
    """Whether the interviewer asks about other things: are questions of two periods worded further apart than chance?

    Distance is Jensen–Shannon's between the commonest words (Lin 1991, *IEEE Trans. Inf. Theory* 37); chance is the
    same over questions shuffled between the two periods, interview by interview. Of more than `MOST_ASKED` interviews a
    period, so many are looked at, evenly spaced.
    """
    asked: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    document, context = held.grouped("document"), held.grouped("context")
    looked = np.zeros(int(document.max(initial=-1)) + 1, dtype=np.bool_)
    for i in range(len(held.order)):
        there = np.unique(document[held.period == i])
        looked[there[np.linspace(0, len(there) - 1, min(len(there), MOST_ASKED)).astype(np.int64)]] = True
    both = document * (int(context.max(initial=-1)) + 1) + context
    first = np.sort(np.unique(both, return_index=True)[1])
    for passage, period in held.at(first[looked[document[first]]].tolist(), ("document", "context")):
        if passage.context:
            asked[period][passage.document].update(re.findall(r"[^\W\d_]{4,}", passage.context.casefold()))
    asks = columns.filled(held.passages, "context")[held.rows]
    each = np.unique(context[asks] * len(held.order) + held.period[asks]) % len(held.order)
    n_asked = Counter(held.order[i] for i in each.tolist())
    order = held.order
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
    return float((_entropy(p, (p + q) / 2) + _entropy(q, (p + q) / 2)) / 2)


def _entropy(p: np.ndarray, q: np.ndarray) -> float:
    """Relative entropy in bits, to the last digit as `scipy.stats.entropy` has it, which takes ten times as long."""
    return float(special.rel_entr(p / p.sum(), q / q.sum()).sum() / np.log(2))
