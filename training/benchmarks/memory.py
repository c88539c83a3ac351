"""Peak memory of ``sibnlp classify``, over the whole tree of its processes, at corpora of different sizes.

The demo's passages are repeated into a Parquet table, row by row as many as asked for, and classified by the command in
a process of its own; every 50 ms the resident memory of it and all its children is summed. Pages that processes share
(libraries, a model mapped from disk) count in each of them, so the figure is an upper bound.

    python -m training.benchmarks.memory --model gov-fast 10000 1000000
    python -m training.benchmarks.memory --document 50
    python -m training.benchmarks.memory --model gov-base --words 5 10000 1000000   # a slow model, many passages
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CASE = ROOT / "corpora" / "demo" / "gold.jsonl"
CHUNK = 10_000
EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took.

    Attributes:
        model: its name; workers: processes asked for, None for all cores.
        n: passages written; seconds: wall-clock time; peak: of resident memory, in MB of 10^6 bytes.
    """

    model: str
    workers: int | None
    n: int
    seconds: float
    peak: float


def texts() -> list[str]:
    """The demo's passages."""
    with CASE.open(encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def write_table(path: Path, n: int, n_words: int | None = None) -> None:
    """A Parquet table of n passages, with ids; of so many words from each where that is given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = cycle([" ".join(text.split()[:n_words]) for text in texts()] if n_words else texts())
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, n, CHUNK):
            part = list(islice(source, min(CHUNK, n - start)))
            ids = [f"p{start + number}" for number in range(len(part))]
            writer.write_table(pa.table({"id": ids, "text": part}, schema=schema))


def write_document(path: Path, megabytes: float) -> None:
    """A plain text of about so many megabytes."""
    left = int(megabytes * 1_000_000)
    with path.open("w", encoding="utf-8") as file:
        for text in cycle(texts()):
            left -= file.write(text + "\n\n")
            if left <= 0:
                return


def tree(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """Resident memory of a process and its children, in bytes, until it ends."""
    import psutil

    root = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        try:
            for one in (root, *root.children(recursive=True)):
                try:
                    total += one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
        except psutil.NoSuchProcess:
            return
        yield total
        time.sleep(EVERY)


def measure(given: Path, model: str, workers: int | None = None) -> Measured:
    """Classify a file and watch.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    import pyarrow.parquet as pq

    output = given.with_suffix(".predictions.parquet")
    command = [sys.executable, "-m", "sibnlp", "classify", str(given), "--model", model, "-o", str(output), "--force"]
    command += ["--workers", str(workers)] if workers is not None else []
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    peak = max(tree(process), default=0)
    seconds = time.perf_counter() - began
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    n = pq.read_metadata(output).num_rows
    output.unlink()
    return Measured(model, workers, n, seconds, peak / 1e6)


def run(
    sizes: Sequence[int], model: str, workers: int | None, megabytes: float = 0.0, n_words: int | None = None
) -> list[Measured]:
    """Measure at each number of passages (of so many words each), and with one document of so many megabytes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="sibnlp-memory-") as name:
        for n in sizes:
            write_table(path := Path(name) / f"{n}.parquet", n, n_words)
            found.append(measure(path, model, workers))
        if megabytes:
            write_document(path := Path(name) / "large.txt", megabytes)
            found.append(measure(path, model, workers))
    return found


def rows(found: Sequence[Measured]) -> list[str]:
    """The figures as a Markdown table."""
    lines = ["| model | passages | peak of all processes, MB | seconds | passages/s |", "|---|---:|---:|---:|---:|"]
    return lines + [
        f"| {one.model} | {one.n:,} | {one.peak:,.0f} | {one.seconds:,.1f} | {one.n / one.seconds:,.0f} |"
        for one in found
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, help="numbers of passages")
    parser.add_argument("--model", default="gov-fast")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument(
        "--words", type=int, default=None, help="only so many words of each passage, so that a slow model codes many"
    )
    parser.add_argument(
        "--document", type=float, default=0.0, metavar="MB", help="and one document of so many megabytes"
    )
    options = parser.parse_args(arguments)
    print("\n".join(rows(run(options.sizes, options.model, options.workers, options.document, options.words))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
