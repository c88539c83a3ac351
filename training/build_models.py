"""Build the released models into ``models/`` from ``corpora/written`` and ``corpora/public``: ``make models``.

    python -m training.build_models [--embeddings FOLDER]

Needs the texts of the public corpus (from ``corpora/public/fetch.py``, or the pool beside the repository) and the extra
``train`` (torch, for the distillation) unless ``--embeddings`` names embeddings distilled before. Of the public corpus
only the training split is learnt from; the test split is not read. Development figures are measured where
``../shared/real`` is there, and left out of the card where it is not.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from sibnlp.codebook import load as load_codebook
from sibnlp.model import Model, load_model
from sibnlp.training import load_recipe, train
from training import corpora
from training.corpora import PUBLIC, REAL, ROOT, WRITTEN
from training.model_card import figures_on, write_card

NAME, CODEBOOKS = "gov-fast", ("osborne", "oflynn")
log = logging.getLogger("build_models")

NOTICE = """gov-fast
Copyright the sibnlp authors. Licensed under the Apache License, Version 2.0 (see LICENSE of sibnlp).

The embeddings in embeddings/model.safetensors and the vocabulary in embeddings/tokenizer.json are derived, by
distillation with model2vec (MIT), from the sentence encoder all-MiniLM-L6-v2 of the sentence-transformers project
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), itself fine-tuned from nreimers/MiniLM-L6-H384-uncased
(Microsoft MiniLM), licensed under the Apache License, Version 2.0 (https://www.apache.org/licenses/LICENSE-2.0).
Changes made: every word-piece was encoded alone, reduced to 128 principal components, weighted by rank, stored as
16-bit floating point.
"""


def main() -> None:
    """Build every released model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embeddings", help="folder of embeddings distilled before; saves two minutes and torch")
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="where to (default: models)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    books = [load_codebook(id) for id in CODEBOOKS]
    sources = [WRITTEN / "gold.jsonl", PUBLIC / "gold.jsonl"]
    codings = [*corpora.written(books), *corpora.public("train")]
    recipe = load_recipe(ROOT / "training" / "recipes" / f"{NAME}.toml")
    if arguments.embeddings:
        kept = {k: v for k, v in recipe.settings.items() if k not in ("encoder", "dims", "sif")}
        model = train(
            codings, books, replace(recipe, settings={**kept, "embeddings": arguments.embeddings}),
            name=NAME, sources=sources,
        )  # fmt: skip
        model = Model(model.classifier, replace(model.manifest, recipe=recipe.to_dict()))
    else:
        model = train(codings, books, recipe, name=NAME, sources=sources)
    figures = {"validation": figures_on(model, corpora.public("validation"), {}, books)}
    for name in ("dev", "dev_natural"):
        if (REAL / f"{name}.jsonl").is_file():
            figures[name] = figures_on(model, *corpora.development(name), books)
    folder = model.save(
        arguments.out / NAME, overwrite=True, documents={"card.md": write_card(model, figures), "NOTICE": NOTICE}
    )
    load_model(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    log.info("%s: %.1f MB", folder, size / 1e6)


if __name__ == "__main__":
    main()
