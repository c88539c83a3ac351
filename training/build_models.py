"""Build the released models into ``models/`` from ``corpora/written`` and ``corpora/public``: ``make models``.

    python -m training.build_models [gov-base gov-fast] [--test]

``gov-base`` is a fine-tuned encoder beside n-grams (half an hour on two cores; a stopped run goes on where it was),
``gov-fast`` distilled embeddings with a logistic head, which ``gov-base`` also teaches on passages nobody coded (ten
minutes). Needs the texts of the public corpus (from ``corpora/public/fetch.py``, or the pool beside the repository) and
the extra ``train``. Only training splits are learnt from; the validation splits calibrate ``gov-base``, that of the
written corpus for relations alone. ``--test`` also measures on the test splits, for the cards: once, when
nothing is left to choose. Development figures are measured where ``../shared/real`` is there.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sibnlp.codebook import Codebook
from sibnlp.codebook import load as load_codebook
from sibnlp.evaluate import Evaluation
from sibnlp.model import Model, load_model
from sibnlp.training import load_recipe, train
from sibnlp.types import CodedPassage
from training import corpora
from training.corpora import PUBLIC, REAL, ROOT, WRITTEN
from training.model_card import figures_on, write_card
from training.teaching import taught

NAMES, CODEBOOKS = ("gov-base", "gov-fast"), ("osborne", "oflynn")
# Checkpoints and logs of fine-tuning; ignored by git.
WORK = ROOT / "build" / "models"
# The family that written text calibrates.
SELDOM = ("relation",)
# Real passages without a code that `gov-base` sees in an epoch, for each that has one (models/README.md).
NEGATIVES = 3.0
log = logging.getLogger("build_models")

ENCODER = """the sentence encoder all-MiniLM-L6-v2 of the sentence-transformers project
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), itself fine-tuned from nreimers/MiniLM-L6-H384-uncased
(Microsoft MiniLM), licensed under the Apache License, Version 2.0 (https://www.apache.org/licenses/LICENSE-2.0)."""
NOTICES = {
    "gov-fast": f"""gov-fast
Copyright the sibnlp authors. Licensed under the Apache License, Version 2.0 (see LICENSE of sibnlp).

The embeddings in embeddings/model.safetensors and the vocabulary in embeddings/tokenizer.json are derived, by
distillation with model2vec (MIT), from {ENCODER}
Changes made: every word-piece was encoded alone, reduced to 128 principal components, weighted by rank, stored as
16-bit floating point.
""",
    "gov-base": f"""gov-base
Copyright the sibnlp authors. Licensed under the Apache License, Version 2.0 (see LICENSE of sibnlp).

The network in 1-encoder/model.onnx and the vocabulary in 1-encoder/tokenizer.json are derived from {ENCODER}
Changes made: the upper layers were fine-tuned to codes of governance logics, a classification head was added, and the
weights were stored as 8-bit integers.
""",
}


def build(name: str, books: Sequence[Codebook], out: Path) -> Model:
    """Train one released model by its recipe; ``gov-fast`` learns from ``gov-base`` too, as it lies in ``out``."""
    recipe = load_recipe(ROOT / "training" / "recipes" / f"{name}.toml")
    public = corpora.public("train")
    codings = [*corpora.written(books), *(thinned(public) if name == "gov-base" else public)]
    held_out: list[CodedPassage] = []
    if name == "gov-base":
        # Written text would move thresholds off what real text needs; but how logics stand to each other real text
        # shows too seldom to calibrate by.
        seldom = [replace(coding, extent=SELDOM) for coding in corpora.written(books, "validation")]
        held_out = [*corpora.public("validation"), *seldom]
    if name == "gov-fast":
        codings += taught(load_model(out / "gov-base"), books)
    sources = [WRITTEN / "gold.jsonl", PUBLIC / "gold.jsonl"]
    work = WORK / name if name == "gov-base" else None
    return train(codings, books, recipe, name=name, sources=sources, held_out=held_out, work=work)


def thinned(codings: Sequence[CodedPassage]) -> list[CodedPassage]:
    """The same, passages without a code weighing so much that they are ``NEGATIVES`` times those with one in all.

    The recipe of ``gov-base`` draws passages by weight, so each epoch sees others of them.
    """
    bare = sum(not coding.codes for coding in codings)
    weight = min(1.0, NEGATIVES * (len(codings) - bare) / max(1, bare))
    return [
        coding if coding.codes else replace(coding, passage=replace(coding.passage, extra=(("weight", str(weight)),)))
        for coding in codings
    ]


def measure(model: Model, books: Sequence[Codebook], test: bool) -> dict[str, Evaluation]:
    """Figures for the card, by set of passages."""
    found = {"validation": figures_on(model, corpora.public("validation"), {}, books)}
    for name in ("dev", "dev_natural"):
        if (REAL / f"{name}.jsonl").is_file():
            found[name] = figures_on(model, *corpora.development(name), books)
    if test:
        for stream in ("enriched", "probability"):
            found[f"test, {stream}"] = figures_on(model, corpora.public("test", stream), {}, books)
        found["test, written"] = figures_on(model, corpora.written(books, "test"), {}, books)
    return found


def main() -> None:
    """Build the models that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: {' '.join(NAMES)})")
    parser.add_argument("--test", action="store_true", help="measure on the test splits too")
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="where to (default: models)")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(NAMES)):
        parser.error(f"no such model: {', '.join(unknown)}; known: {', '.join(NAMES)}")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    books = [load_codebook(id) for id in CODEBOOKS]
    for name in arguments.names or NAMES:
        model = build(name, books, arguments.out)
        card = write_card(model, measure(model, books, arguments.test))
        folder = model.save(arguments.out / name, overwrite=True, documents={"card.md": card, "NOTICE": NOTICES[name]})
        load_model(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        log.info("%s: %.1f MB", folder, size / 1e6)


if __name__ == "__main__":
    main()
