"""``make bench``: figures of speed and of sentence boundaries, side by side in one run, written to RESULTS.md.

Then drift and its report at scale (`training.benchmarks.drift_scale`), written to DRIFT_SCALE.md, and the public
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

from training.benchmarks import drift_scale, public_sets, sentences

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


def throughput() -> list[str]:
    """Passages a second through the parts of the pipeline, and through peers, on the same text."""
    import spacy

    from sibnlp.model import load_model
    from sibnlp.segmentation import segment
    from sibnlp.types import Document, Passage

    paragraphs = sentences.read_paragraphs(SHARED, "dev") + sentences.read_paragraphs(SHARED, "test")
    passages = sentences.make_passages(paragraphs)
    document = Document("bench", "\n\n".join(passages))
    coded = [Passage(f"p{n}", "bench", 0, len(text), text) for n, text in enumerate(passages)]
    model = load_model("gov-fast")
    tokenizer = spacy.blank("en")
    sentencizer = spacy.blank("en")
    sentencizer.add_pipe("sentencizer")
    component = spacy.blank("en")
    component.add_pipe("sibnlp")
    cases: dict[str, Callable[[], object]] = {
        "spaCy tokenizer": lambda: list(tokenizer.pipe(passages)),
        "spaCy tokenizer + sentencizer": lambda: list(sentencizer.pipe(passages)),
        "sibnlp segment": lambda: segment(document),
        f"sibnlp classify ({model.name})": lambda: model.predict(coded),
        "spaCy with component sibnlp": lambda: list(component.pipe(passages)),
    }
    words = len(document.text.split()) / len(passages)
    rows = [
        f"{len(passages)} passages of {words:.0f} words, one process, best of {ROUNDS}.\n",
        "| step | passages/s | ratio to spaCy tokenizer + sentencizer |",
        "|---|---:|---:|",
    ]
    speed = {name: len(passages) / best(call) for name, call in cases.items()}
    base = speed["spaCy tokenizer + sentencizer"]
    rows += [f"| {name} | {rate:,.0f} | {rate / base:.2f} |" for name, rate in speed.items()]
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
    for title, part in (("Starting", start_up), ("Throughput", throughput), ("Sentence boundaries", boundaries)):
        print(f"measuring: {title.lower()}", file=sys.stderr)
        lines += ["", f"## {title}", "", *part()]
    (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(HERE / "RESULTS.md")
    print("measuring: drift at scale", file=sys.stderr)
    drift_scale.main()
    print("measuring: public classification sets", file=sys.stderr)
    return public_sets.main(["--shared", str(SHARED)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
