"""How often the way a source counts is recovered, refused, or mistaken: ``python -m training.benchmarks.offsets``.

Interviews of the demo case, as they are and with six emoji; each of 48 ways of counting (unit × line break × mark × end
× line ends of the file) with selections as people make them, some of their edges up to three characters off. Every
source stands alone: no quotation names, no other source of the project to help. Writes ``OFFSETS.md``.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

from sibnlp import readers
from sibnlp.exchange.coordinates import decide, measure
from sibnlp.exchange.systems import UNITS, SourceText
from tests.exchange import counting

HERE = Path(__file__).parent
CASE = HERE.parent.parent / "corpora" / "demo" / "case"
INTERVIEWS = ("2015-03_hpenney_interview-1.txt", "2019-01_ngillis_interview-1.txt", "2021-04_hpenney_interview-2.txt")
YES_NO = (False, True)
TRUTHS = tuple(itertools.product(UNITS, (1, 2), YES_NO, YES_NO, YES_NO))
SLOPPY, SIZES = (0.0, 0.2, 0.4), (1, 2, 3, 5, 10, 20)


def main() -> None:
    """Measure and write the table."""
    rng = random.Random(1)
    texts = [readers.read(CASE / name).text for name in INTERVIEWS]
    texts += [_with_emoji(text, rng) for text in texts]
    lines = ["| edges off | selections | recovered | refused | mistaken |", "|---:|---:|---:|---:|---:|"]
    n = 0
    for sloppy, size in itertools.product(SLOPPY, SIZES):
        counts = {"recovered": 0, "refused": 0, "mistaken": 0}
        for text, truth in itertools.product(texts, TRUTHS):
            counts[_outcome(text, truth, size, sloppy, rng)] += 1
        n = sum(counts.values())
        lines.append(f"| {sloppy:.0%} | {size} | " + " | ".join(f"{c / n:.1%}" for c in counts.values()) + " |")
    about = (__doc__ or "").partition("\n\n")[2].strip()
    head = f"# Coordinate systems recovered\n\n{about}\n\n{n} trials a row.\n\n"
    (HERE / "OFFSETS.md").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def _with_emoji(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    for _ in range(6):
        words.insert(rng.randrange(len(words)), "😀")
    return " ".join(words)


def _outcome(text: str, truth: tuple[str, int, bool, bool, bool], n: int, sloppy: float, rng: random.Random) -> str:
    unit, line_break, mark, inclusive, crlf = truth
    selections = counting.selections(text, n, rng, sloppy)
    offsets = [counting.offsets(text, start, end, unit, line_break, mark, inclusive) for start, end in selections]
    decided = decide(measure(SourceText(counting.as_file(text, crlf, mark).decode()), offsets))
    if decided.system is None:
        return "refused"
    return "recovered" if list(decided.spans) == selections else "mistaken"


if __name__ == "__main__":
    main()
