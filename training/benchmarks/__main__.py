"""``make bench``: figures of speed and of sentence boundaries, side by side in one run, written to RESULTS.md.

Then names taken out of the demo case (`training.benchmarks.pseudonyms`), written to PSEUDONYMS.md, drift and its report
at scale (`training.benchmarks.drift_scale`), written to DRIFT_SCALE.md, and the public
classification sets (`training.benchmarks.public_sets`), written to PUBLIC_SETS.md.

Ratios, not seconds, are what to compare: machines and their load differ.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from training.benchmarks import cascade, drift_scale, linear, pseudonyms, public_sets, sentences, throughput

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SHARED = ROOT.parent / "shared"
ROUNDS = 5


def best(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest of several runs."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def start_up() -> list[str]:
    """How long it takes to start, beside an empty interpreter."""
    python = [sys.executable, "-c"]
    cases = {
        "python -c pass": [*python, "pass"],
        "import sibnlp": [*python, "import sibnlp"],
        "sibnlp --help": [str(Path(sys.executable).with_name("sibnlp")), "--help"],
        "import spacy": [*python, "import spacy"],
    }
    rows = ["| start | seconds | ratio to an empty interpreter |", "|---|---:|---:|"]
    seconds = {}
    for name, command in cases.items():
        seconds[name] = best(lambda command=command: subprocess.run(command, check=True, capture_output=True))  # type: ignore[misc]
    empty = seconds["python -c pass"]
    rows += [f"| `{name}` | {taken:.3f} | {taken / empty:.1f} |" for name, taken in seconds.items()]
    rows.append(f"\nOf it, `import sibnlp` itself: {seconds['import sibnlp'] - empty:.3f} s (aim: under 0.3).")
    return rows


def boundaries() -> list[str]:
    """The comparison of sentence splitters, as the script prints it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        sentences.main(["--shared", str(SHARED)])
    return [printed.getvalue().rstrip()]


def main(arguments: Sequence[str] = ()) -> int:
    """Run everything and write RESULTS.md."""
    if not SHARED.is_dir():
        print(f"{SHARED} is not there: the benchmark texts are not part of the repository", file=sys.stderr)
        return 1
    cores = os.cpu_count()
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {date.today().isoformat()}: Python {platform.python_version()}, "
        f"{platform.machine()}, {cores} cores, shared machine.",
    ]
    parts: dict[str, Callable[[], list[str]]] = {
        "Starting": start_up,
        "Throughput": throughput.throughput,
        "Cost by size": linear.linear,
        "Cascade": cascade.curve,
        "Sentence boundaries": boundaries,
    }
    for title, part in parts.items():
        print(f"measuring: {title.lower()}", file=sys.stderr)
        lines += ["", f"## {title}", "", *part()]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(HERE / "RESULTS.md")
    print("measuring: names taken out of texts", file=sys.stderr)
    pseudonyms.main()
    print("measuring: drift at scale", file=sys.stderr)
    drift_scale.main()
    print("measuring: public classification sets", file=sys.stderr)
    return public_sets.main(["--shared", str(SHARED)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
