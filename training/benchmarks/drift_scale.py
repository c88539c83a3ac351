"""``sibnlp drift`` and its report on tables of 10,000, 100,000 and 1,000,000 predictions: seconds and peak memory.

The tables are the demo case's predictions over and over: every copy has documents and actors of its own, a third of
them live their stages in another order, and scores and codes are jittered, so that no two copies agree. They are read
as Parquet, CSV and JSONL, by stages and by brackets found (``--period auto``), and corrected by a probability sample of
`CODED` passages or by as many that nobody drew (``--gold``). Peak memory is the resident memory of the whole process
tree, looked at fifty times a second.

    python -m training.benchmarks.drift_scale                  # writes DRIFT_SCALE.md
    python -m training.benchmarks.drift_scale 100000           # one size, printed
    python -m training.benchmarks.drift_scale 100000 gold csv  # these variants of it
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIZES = (10_000, 100_000, 1_000_000)
LIMIT_SECONDS, LIMIT_BYTES = 60, 2 * 10**9
SEED = 8
# Copies that are written as one row group.
TOGETHER = 24
FLIPPED, JITTER = 0.02, 0.3
# Passages that people coded, and how often they say of a code that it is there or not against the classifier.
CODED, DISSENT = 1_000, 0.05
# Rows turned into text at a time.
CHUNK = 20_000
VARIANTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "parquet": (".parquet", ("--period", "stage")),
    "auto": (".parquet", ("--period", "auto")),
    "sample": (".parquet", ("--period", "stage", "--gold", "sample.jsonl")),
    "gold": (".parquet", ("--period", "stage", "--gold", "gold.jsonl")),
    "csv": (".csv", ("--period", "stage")),
    "jsonl": (".jsonl", ("--period", "stage")),
}
"""By name, how the table is written, and what `sibnlp drift` is told."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: predictions, seconds by the clock and of computing, peak bytes of the process tree, size of the page."""

    n: int
    seconds: float
    cpu: float
    peak: int
    page: int


def demo_predictions(folder: Path) -> Path:
    """The demo case as `sibnlp run` reads it."""
    out = folder / "demo"
    command = [sys.executable, "-m", "sibnlp", "run", str(ROOT / "corpora" / "demo" / "case"), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return out / "predictions.parquet"


def syllables(number: int) -> str:
    """A number as a name that holds no digits: people are told apart by words.

    >>> syllables(0), syllables(73)
    ('Baba', 'Dido')
    """
    parts = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    found = parts[number % 70]
    while number := number // 70:
        found = parts[number % 70] + found
    return (found if len(found) > 2 else "ba" + found).capitalize()


def write(source: Path, path: Path, n: int) -> None:
    """Write a table of n predictions made from the demo's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    demo = pq.read_table(source)
    rng = np.random.default_rng(SEED)
    copies = -(-n // len(demo))
    with pq.ParquetWriter(path, demo.schema, compression="zstd") as writer:
        left = n
        for start in range(0, copies, TOGETHER):
            parts = [_copied(demo, number, rng) for number in range(start, min(start + TOGETHER, copies))]
            table = pa.concat_tables(parts).slice(0, left).combine_chunks()
            writer.write_table(table)
            left -= len(table)


def _copied(demo: Any, number: int, rng: np.random.Generator) -> Any:
    """One copy of the demo's rows, with its own documents, actors, wording, stages, scores and codes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    name = syllables(number)
    columns = {field: demo.column(field).combine_chunks() for field in demo.column_names}

    def joined(*parts: Any) -> Any:
        return pc.binary_join_element_wise(*parts, "")

    columns["document"] = joined(f"{name}/", columns["document"])
    columns["passage"] = joined(f"{name}/", columns["passage"])
    for field in ("speaker", "actor"):
        columns[field] = joined(columns[field], f" {name}")
    for field in ("text", "context"):
        columns[field] = joined(columns[field], f" {name}.")
    turn = int(rng.integers(3)) if rng.random() < 1 / 3 else 0
    stages = {"1": 0, "2": 1, "3": 2}
    columns["stage"] = pa.array(
        [str((stages[one] + turn) % 3 + 1) if one else None for one in columns["stage"].to_pylist()], pa.string()
    )
    k = len(columns["scores"].keys) // len(demo)
    keys = columns["scores"].keys[:k].to_pylist()
    scores = columns["scores"].items.to_numpy(zero_copy_only=False).reshape(-1, k)
    odds = np.log(np.clip(scores, 1e-4, 1 - 1e-4) / (1 - np.clip(scores, 1e-4, 1 - 1e-4)))
    jittered = (1 / (1 + np.exp(-(odds + rng.normal(0, JITTER, odds.shape))))).astype(np.float32)
    columns["scores"] = pa.MapArray.from_arrays(
        columns["scores"].offsets, columns["scores"].keys, pa.array(jittered.ravel(), pa.float32())
    ).cast(demo.schema.field("scores").type)
    given = np.array([[code in held for code in keys] for held in map(set, columns["codes"].to_pylist())])
    flipped = given ^ (rng.random(given.shape) < FLIPPED)
    lists = [[code for code, held in zip(keys, row, strict=True) if held] for row in flipped.tolist()]
    columns["codes"] = pa.array(lists, demo.schema.field("codes").type)
    return pa.table([columns[field] for field in demo.column_names], schema=demo.schema)


def write_gold(source: Path, folder: Path) -> None:
    """Write `CODED` passages of a table as people's codings: ``sample.jsonl``, drawn, and ``gold.jsonl``, as found."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(SEED)
    file = pq.ParquetFile(source)
    n = file.metadata.num_rows
    drawn = np.sort(rng.choice(n, min(CODED, n), replace=False))
    kept, at = [], 0
    for batch in file.iter_batches(CHUNK):
        here = drawn[(drawn >= at) & (drawn < at + len(batch))] - at
        kept.append(pa.Table.from_batches([batch]).take(here))
        at += len(batch)
    with (folder / "sample.jsonl").open("w") as sample, (folder / "gold.jsonl").open("w") as gold:
        for row in pa.concat_tables(kept).to_pylist():
            held = set(row["codes"])
            codes = [code for code, _ in row["scores"] if (code in held) ^ (rng.random() < DISSENT)]
            told = {name: row[name] for name in ("document", "passage", "start", "end", "text", "speaker", "actor")}
            told |= {"codes": codes, "coder": "people"}
            gold.write(json.dumps(told) + "\n")
            sample.write(json.dumps({**told, "inclusion_probability": len(drawn) / n}) + "\n")


def write_text(source: Path, path: Path) -> None:
    """Write a table as `sibnlp classify` writes CSV or JSONL, by the suffix."""
    import pyarrow.parquet as pq

    from sibnlp.tables.output import COLUMNS, SCORE, write

    file = pq.ParquetFile(source)
    schema = file.schema_arrow.names
    codes = [code for code, _ in next(file.iter_batches(1)).to_pylist()[0]["scores"]]
    scored = [name for name in (SCORE + code for code in codes) if path.suffix == ".csv"] or ["scores"]
    own = (*COLUMNS, "codes", "scores", "model")
    names = [*COLUMNS, *(name for name in schema if name not in own), "codes", *scored, "model"]

    def rows() -> Iterator[dict[str, Any]]:
        for batch in file.iter_batches(CHUNK):
            for row in batch.to_pylist():
                row["scores"] = {code: round(score, 6) for code, score in row["scores"]}
                yield row

    write(rows(), path, names)


def measure(table: Path, out: Path, n: int, told: Sequence[str] = VARIANTS["parquet"][1]) -> Measured:
    """Run ``sibnlp drift`` on a table and watch it.

    Args:
        table: of predictions.
        out: folder to write to.
        n: predictions it holds.
        told: what the command is told; files it names stand beside the table.

    Raises:
        RuntimeError: it failed; says what it said.
    """
    import psutil

    told = [str(table.parent / one) if one.endswith(".jsonl") else one for one in told]
    command = [sys.executable, "-m", "sibnlp", "drift", str(table), "-o", str(out), *told, "--force"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=ROOT)
        peak, cpu = 0, 0.0
        while process.poll() is None:
            rss = 0
            for one in (process, *_children(process)):
                try:
                    rss += one.memory_info().rss
                    if one is process:
                        times = one.cpu_times()
                        # A process apart looks at the table first: in the end it is among the children.
                        cpu = sum(times[:4])
                except psutil.NoSuchProcess:
                    continue
            peak = max(peak, rss)
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {said.read()[-2000:]}")
    return Measured(n, seconds, cpu, peak, (out / "report.html").stat().st_size)


def _children(process: Any) -> Sequence[Any]:
    import psutil

    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def rows(sizes: Sequence[int] = SIZES, variants: Sequence[str] = tuple(VARIANTS)) -> list[str]:
    """A table of measurements, as Markdown."""
    lines = [
        f"Aim at 1,000,000: at most {LIMIT_SECONDS} s and {LIMIT_BYTES / 1e9:.0f} GB. Seconds of computing are what "
        "processors spent on it; by the clock it takes longer where others use them too.\n",
        "| predictions | variant | seconds | of computing | peak memory, MB | page, MB |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = demo_predictions(folder)
        for n in sizes:
            table = folder / f"{n}.parquet"
            write(source, table, n)
            write_gold(table, folder)
            for variant in variants:
                suffix, told = VARIANTS[variant]
                given = table.with_suffix(suffix)
                if given != table:
                    write_text(table, given)
                found = measure(given, folder / "out", n, told)
                if given != table:
                    given.unlink()
                lines.append(
                    f"| {n:,} | {variant} | {found.seconds:.1f} | {found.cpu:.1f} | {found.peak / 1e6:,.0f} | "
                    f"{found.page / 1e6:.1f} |"
                )
                print(lines[-1], file=sys.stderr)
            table.unlink()
    return lines


def main(arguments: Sequence[str] = ()) -> int:
    """Measure every size and write DRIFT_SCALE.md; or only the sizes and variants named, and print."""
    if arguments:
        sizes = [int(one) for one in arguments if one.isdigit()] or SIZES
        print("\n".join(rows(sizes, [one for one in arguments if not one.isdigit()] or tuple(VARIANTS))))
        return 0
    text = [
        "# Drift at scale",
        "",
        f"Written by `python -m training.benchmarks.drift_scale` on {date.today().isoformat()}: Python "
        f"{platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, shared machine. What is measured, "
        "and how the tables are made, stands in that module.",
        "",
        *rows(),
    ]
    (HERE / "DRIFT_SCALE.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(HERE / "DRIFT_SCALE.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
