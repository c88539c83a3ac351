"""Agreement on free spans: did coders mark the same stretches of text with a code?

Krippendorff's alpha for unitising, as he gives it in (2004), *Measuring the reliability of qualitative text analysis
data*, Quality & Quantity 38, and *Content analysis*, 2nd ed., section 11.6. It needs no segmentation: two coders'
units are compared by how far their ends lie apart, a unit that the other left in a gap by its whole length. We take it
and not γ (Mathet, Widlöcher & Métivier 2015, *Computational Linguistics* 41) because it is a closed form: γ draws its
expectation at random and has to solve for the best alignment. Differences count by their square, so that it is strict
with long stretches that one coder left out; read it beside alpha by passages.

Documents are one continuum each. Where coders read different documents, a pair of coders counts by the number of those
who read it, as in Krippendorff's alpha with missing data; with the same coders everywhere it is his formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sibnlp.agreement import NAN, Figure, figure_of, resamples

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Continuum:
    """A stretch of text that several coders read, with what each marked in it.

    Attributes:
        document: it is of; whole documents are resampled.
        length: characters.
        units: by coder, spans by code, code points from 0 to ``length``; a coder who marked nothing has no spans.
    """

    document: str
    length: int
    units: Mapping[str, Mapping[str, Sequence[Span]]]


@dataclass(frozen=True, slots=True)
class Unitising:
    """Agreement on the spans of one code.

    Attributes:
        alpha: Krippendorff's αU.
        observed, expected: disagreement.
        n_units: spans by coder, those that touch or overlap as one.
        n_documents: read by two coders or more.
    """

    alpha: Figure
    observed: float
    expected: float
    n_units: Mapping[str, int]
    n_documents: int


def unitising_alpha(continua: Sequence[Continuum], code: str, n_resamples: int = 1000, seed: int = 0) -> Unitising:
    """Agreement on where a code was marked.

    Args:
        continua: those read by fewer than two coders do not count.
        code: what was marked.
        n_resamples, seed: of the interval, over documents.

    Krippendorff's (2004) example, p. 254, category c (published: 0.0144, 0.0532, 0.7286; continuum of 300):

    >>> i, j = [(75, 145), (220, 250)], [(70, 150), (205, 225), (250, 270)]
    >>> found = unitising_alpha([Continuum("d", 300, {"i": {"c": i}, "j": {"c": j}})], "c")
    >>> round(found.observed, 4), round(found.expected, 4), round(found.alpha.value, 4)
    (0.0144, 0.0532, 0.7286)
    """
    shared = [one for one in continua if len(one.units) >= 2 and one.length > 0]
    marked: dict[str, int] = dict.fromkeys(dict.fromkeys(coder for one in shared for coder in one.units), 0)
    if not shared:
        return Unitising(Figure(NAN), NAN, NAN, marked, 0)
    rows = []
    lengths: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    for one in shared:
        units = {coder: _joined(spans.get(code, ()), one.length) for coder, spans in one.units.items()}
        for coder, spans in units.items():
            marked[coder] += len(spans)
        gaps = {coder: _gaps(spans, one.length) for coder, spans in units.items()}
        of_units = np.array([end - start for spans in units.values() for start, end in spans], dtype=np.float64)
        of_gaps = np.array([end - start for spans in gaps.values() for start, end in spans], dtype=np.float64)
        m = len(units)
        rows.append(
            (
                _observed(units, gaps) / (m - 1),
                m * one.length,
                one.length,
                len(of_units),
                (2 * of_units**3 - 3 * of_units**2 + of_units).sum() / 3,
                (of_units * (of_units - 1)).sum(),
            )
        )
        lengths.append((of_units, of_gaps))
    place, weights = resamples([one.document for one in shared], n_resamples, seed)
    own = weights[:, place]
    observed, n, length, n_units, inside, itself = (own @ column for column in np.array(rows, dtype=np.float64).T)
    # Units against gaps of every stretch: where either is resampled, the pair counts by both weights.
    against = np.einsum("ra,ab,rb->r", own, _against(lengths), own)
    pairs = n * (n - 1) - itself
    expected, disagreement = np.full(len(own), NAN), np.full(len(own), NAN)
    np.divide(2 * ((n_units - 1) * inside + against), length * pairs, out=expected, where=pairs > 0)
    np.divide(observed, n * length, out=disagreement, where=n > 0)
    curve = np.full(len(own), NAN)
    np.divide(disagreement, expected, out=curve, where=expected > 0)
    return Unitising(
        figure_of(1 - curve), float(disagreement[0]), float(expected[0]), marked, len({o.document for o in shared})
    )


def _joined(spans: Sequence[Span], length: int) -> list[Span]:
    """Spans inside the continuum, those that touch or overlap as one unit: nobody marks one code twice in a place."""
    found: list[Span] = []
    for start, end in sorted((max(start, 0), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _gaps(units: Sequence[Span], length: int) -> list[Span]:
    edges = [0, *(edge for unit in units for edge in unit), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _observed(units: Mapping[str, Sequence[Span]], gaps: Mapping[str, Sequence[Span]]) -> float:
    """Sum of the squared differences between the sections of every ordered pair of coders."""
    total = 0.0
    for coder, own in units.items():
        for other, theirs in units.items():
            if other == coder:
                continue
            for start, end in own:
                # Units that overlap differ by how far their ends lie apart; ordered pairs count both ways.
                total += sum((start - s) ** 2 + (end - e) ** 2 for s, e in theirs if start < e and s < end)
                # A unit inside the other's gap differs by its length; the gap's own comparison counts it again.
                total += 2 * sum((end - start) ** 2 for s, e in gaps[other] if s <= start and end <= e)
    return total


def _against(lengths: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """For units of one stretch and gaps of another: squared length times the places where the unit fits in the gap."""
    found = np.zeros((len(lengths), len(lengths)))
    for b, (_, gaps) in enumerate(lengths):
        for a, (units, _) in enumerate(lengths):
            fits = gaps[None, :] - units[:, None] + 1
            found[a, b] = (units[:, None] ** 2 * np.where(fits >= 1, fits, 0)).sum()
    return found
