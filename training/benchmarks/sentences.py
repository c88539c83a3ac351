"""Compare sentence splitters for English: accuracy on UD EWT, the 48 pysbd golden rules, and speed.

Run it by path; libraries that are not installed are reported as skipped::

    python training/benchmarks/sentences.py --shared ../shared
    python training/benchmarks/sentences.py --split dev --errors sentencex   # look at mistakes (dev only)

*Boundary F1.* Every tool gets one gold paragraph at a time, its gold sentences joined by one space, because
our library ends a sentence at every blank line itself. A boundary is the number of non-space characters
of the paragraph that precede it, so where a tool puts the space between two sentences does not matter.
Counts of right, spurious and missed boundaries are summed over the whole set (micro average).

* ``F1`` (the headline): all sentence ends, those at the end of a paragraph included.
* ``F1 inside`` (strict): only boundaries inside a paragraph; the paragraph ends, which everyone gets right
  for free, are left out of gold and of predictions alike.

*Golden rules.* A rule passes if the stripped sentences equal the expected list.

*Speed.* Passages of about 76 words, cut from dev and test, one call each, ending in (start, end) spans; the
rounds of all tools are interleaved and the best one counts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

Span = tuple[int, int]
Splitter = Callable[[str], list[Span]]
Paragraph = list[str]

PASSAGE_WORDS = 76


def _locate(text: str, sentences: Iterable[str]) -> list[Span]:
    """Find sentences in order in the text; one that the library altered is given no span."""
    spans, position = [], 0
    for sentence in sentences:
        start = text.find(sentence, position)
        if start >= 0:
            position = start + len(sentence)
            spans.append((start, position))
    return spans


def load_sentencex() -> Splitter:
    """Load Wikimedia's rules (Rust); within one paragraph the pieces join to the input."""
    from sentencex import segment

    def split(text: str) -> list[Span]:
        spans, position = [], 0
        for piece in segment("en", text):
            spans.append((position, position + len(piece)))
            position += len(piece)
        return spans

    return split


def load_pysbd() -> Splitter:
    """Load the Python port of pragmatic_segmenter, the home of the golden rules."""
    import pysbd

    segmenter = pysbd.Segmenter(language="en", clean=False)
    return lambda text: _locate(text, segmenter.segment(text))


def load_spacy() -> Splitter:
    """Load the rule-based sentencizer on a blank English pipeline."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    return lambda text: [(s.start_char, s.end_char) for s in pipeline(text).sents]


def load_syntok() -> Splitter:
    """Load the token-based splitter in pure Python; tokens carry the offsets."""
    from syntok import segmenter

    def split(text: str) -> list[Span]:
        sentences = (s for paragraph in segmenter.process(text) for s in paragraph)
        return [(s[0].offset, s[-1].offset + len(s[-1].value)) for s in sentences if s]

    return split


def load_sibnlp() -> Splitter:
    """Load our wrapper around sentencex, with its guards for hostile text."""
    from sibnlp.sentences import sentences

    return sentences


LOADERS: dict[str, Callable[[], Splitter]] = {
    "sibnlp": load_sibnlp,
    "sentencex": load_sentencex,
    "pysbd": load_pysbd,
    "spacy": load_spacy,
    "syntok": load_syntok,
}


def read_paragraphs(shared: Path, part: str) -> list[Paragraph]:
    """Read the paragraphs of UD English EWT ("dev" or "test") from the comment lines."""
    paragraphs: list[Paragraph] = []
    path = shared / "bench" / "ud" / f"en_ewt-ud-{part}.conllu.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("# newdoc", "# newpar")):
                paragraphs.append([])
            elif line.startswith("# text = "):
                paragraphs[-1].append(line.removeprefix("# text = ").strip())
    return [paragraph for paragraph in paragraphs if paragraph]


def make_passages(paragraphs: list[Paragraph]) -> list[str]:
    """Join consecutive sentences until a passage holds about PASSAGE_WORDS words."""
    passages: list[str] = []
    held: list[str] = []
    words = 0
    for sentence in (sentence for paragraph in paragraphs for sentence in paragraph):
        more = len(sentence.split())
        if held and words + more / 2 > PASSAGE_WORDS:
            passages.append(" ".join(held))
            held, words = [], 0
        held.append(sentence)
        words += more
    return [*passages, " ".join(held)] if held else passages


@dataclass
class Counts:
    """Right, spurious and missed boundaries."""

    right: int = 0
    spurious: int = 0
    missed: int = 0

    def add(self, gold: set[int], found: set[int]) -> None:
        """Count one paragraph."""
        self.right += len(gold & found)
        self.spurious += len(found - gold)
        self.missed += len(gold - found)

    @property
    def f1(self) -> float:
        """Micro-averaged F1 in per cent."""
        return 200 * self.right / max(1, 2 * self.right + self.spurious + self.missed)


def solid_length(text: str) -> int:
    """Count the characters that are not white space."""
    return len("".join(text.split()))


def gold_boundaries(paragraph: Paragraph) -> set[int]:
    """Give the ends of the gold sentences, counted in non-space characters."""
    ends, position = set(), 0
    for sentence in paragraph:
        position += solid_length(sentence)
        ends.add(position)
    return ends


def found_boundaries(text: str, spans: Iterable[Span]) -> set[int]:
    """Give the ends of the spans in non-space characters; the end of the text is always one."""
    return ({solid_length(text[:end]) for _, end in spans} | {solid_length(text)}) - {0}


def score(split: Splitter, paragraphs: list[Paragraph], show: int = 0) -> tuple[Counts, Counts]:
    """Count boundaries with and without paragraph ends; `show` prints that many paragraphs with errors."""
    everywhere, inside = Counts(), Counts()
    for paragraph in paragraphs:
        text = " ".join(paragraph)
        spans = split(text)
        gold, found = gold_boundaries(paragraph), found_boundaries(text, spans)
        everywhere.add(gold, found)
        inside.add(gold - {max(gold)}, found - {max(gold)})
        if show > 0 and gold != found:
            show -= 1
            print("gold ", " ¶ ".join(paragraph))
            print("found", " ¶ ".join(text[a:b].strip() for a, b in spans), end="\n\n")
    return everywhere, inside


def failed_rules(split: Splitter, rules: list[dict[str, Any]]) -> list[int]:
    """List the golden rules that the splitter breaks, counted from 1."""
    failed = []
    for number, rule in enumerate(rules, 1):
        text = rule["text"]
        if [text[a:b].strip() for a, b in split(text)] != rule["sentences"]:
            failed.append(number)
    return failed


def measure_speed(splitters: dict[str, Splitter], passages: list[str], rounds: int) -> dict[str, float]:
    """Time passages a second, best of `rounds`; each round runs every tool once."""
    best = dict.fromkeys(splitters, float("inf"))
    for _ in range(rounds):
        for name, split in splitters.items():
            start = time.perf_counter()
            for passage in passages:
                split(passage)
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: len(passages) / seconds for name, seconds in best.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description="Compare sentence splitters for English.")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds bench/")
    parser.add_argument("--split", choices=("dev", "test"), default="test", help="part of EWT for the F1")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds; the best one counts")
    parser.add_argument("--errors", choices=sorted(LOADERS), help="print this tool's first 40 errors on dev")
    arguments = parser.parse_args(argv)
    if arguments.errors:
        score(LOADERS[arguments.errors](), read_paragraphs(arguments.shared, "dev"), show=40)
        return

    splitters: dict[str, Splitter] = {}
    for name, load in LOADERS.items():
        try:
            splitters[name] = load()
        except ImportError:
            print(f"skipped: {name} is not installed")
    parts = {part: read_paragraphs(arguments.shared, part) for part in ("dev", "test")}
    paragraphs = parts[arguments.split]
    rules = json.loads((arguments.shared / "bench/pysbd/golden_rules_en.json").read_text(encoding="utf-8"))
    passages = make_passages(parts["dev"] + parts["test"])
    words = len(" ".join(passages).split()) / len(passages)
    print(f"EWT {arguments.split}: {len(paragraphs)} paragraphs, {sum(map(len, paragraphs))} sentences")
    print(f"speed: {len(passages)} passages of {words:.1f} words, best of {arguments.rounds}\n")

    accuracy = {name: score(split, paragraphs) for name, split in splitters.items()}  # warms up, too
    failed = {name: failed_rules(split, rules) for name, split in splitters.items()}
    speed = measure_speed(splitters, passages, arguments.rounds)
    slowest = min(speed.values(), default=1.0)
    print("| library | version | F1 | F1 inside | golden rules | passages/s | ratio to slowest |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, (everywhere, inside) in sorted(accuracy.items(), key=lambda item: -item[1][0].f1):
        passed = f"{len(rules) - len(failed[name])}/{len(rules)}"
        print(f"| {name} | {version(name)} | {everywhere.f1:.1f} | {inside.f1:.1f} | {passed} ", end="")
        print(f"| {speed[name]:,.0f} | {speed[name] / slowest:.1f} |")
    for name, numbers in failed.items():
        print(f"\n{name} breaks rules (from 1): {', '.join(map(str, numbers)) or 'none'}")


if __name__ == "__main__":
    main()
