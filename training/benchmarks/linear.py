"""Cost of a passage in small and large corpora: ``sibnlp classify`` with gov-fast, files in, predictions out.

    python -m training.benchmarks.linear [10000 100000 1000000]

There are some 19,000 real passages that nobody coded (`throughput.uncoded`), so they come again and again, each time
another: one word in `EVERY` is put together of the halves of two words of the corpus. A passage thus brings some three
chunks that were never seen, at any size, as running text does after 20,000 passages; the memory of chunks fills up and
is forgotten, which happens in no smaller run. Seconds are those of the processor, of the command and its one worker;
what a run of `START` passages takes, starting up above all, is taken off.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from training.benchmarks.throughput import OURS, seconds, uncoded, write_files

SIZES = (10_000, 100_000, 1_000_000)
START = 1_000
EVERY = 25
# More than there are.
ALL = 1_000_000


def varied(texts: Sequence[str], seed: int = 0) -> Iterator[str]:
    """The texts without end, one word in `EVERY` another one each time."""
    rng = np.random.default_rng(seed)
    words = [text.split(" ") for text in texts]
    stock = [word for text in words for word in text if len(word) > 3]
    while True:
        for text in words:
            text = list(text)
            for place in rng.integers(len(text), size=-(-len(text) // EVERY)).tolist():
                one, other = (stock[at] for at in rng.integers(len(stock), size=2).tolist())
                text[place] = one[: len(one) // 2] + other[len(other) // 2 :]
            yield " ".join(text)


def linear(sizes: Sequence[int] = SIZES, rounds: int = 2) -> list[str]:
    """The table for RESULTS.md."""
    texts = uncoded(ALL)
    best: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="sibnlp-linear-") as scratch:
        out = Path(scratch, "out.parquet")
        folders = {n: write_files(Path(scratch, str(n)), islice(varied(texts), n)) for n in (START, *sizes)}
        for _ in range(rounds):
            for n, folder in folders.items():
                taken = seconds([*OURS, str(folder), "--workers", "1", "-o", str(out)])
                best[n] = min(best.get(n, np.inf), taken)
    cost = {n: (best[n] - best[START]) / (n - START) for n in sizes}
    rows = ["| passages | µs a passage | ratio to the smallest |", "|---:|---:|---:|"]
    return rows + [f"| {n:,} | {cost[n] * 1e6:.0f} | {cost[n] / cost[sizes[0]]:.2f} |" for n in sizes]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of passages")
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args(arguments)
    print("\n".join(linear(asked.sizes, asked.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
