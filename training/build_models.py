"""Build the released models into ``models/`` from ``corpora/written``: ``make models``.

    python training/build_models.py [--embeddings FOLDER]

Needs the extra ``train`` (torch, for the distillation) unless ``--embeddings`` names embeddings distilled before.
Development figures are measured where ``../shared/real`` is there, and left out of the card where it is not.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sibnlp.codebook import load as load_codebook
from sibnlp.model import Model, load_model
from sibnlp.tables import read_codings
from sibnlp.training import load_recipe, train
from sibnlp.types import CodedPassage, Passage
from training.model_card import figures_on, write_card

ROOT = Path(__file__).resolve().parent.parent
WRITTEN, REAL = ROOT / "corpora" / "written", ROOT.parent / "shared" / "real"
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
    sources = sorted([*WRITTEN.glob("*.jsonl"), *WRITTEN.glob("pilot_codings/*.jsonl")])
    codings = merge_codings(
        [c for path in sorted(WRITTEN.glob("*.jsonl")) for c in read_codings(path, books)],
        sorted(WRITTEN.glob("pilot_codings/*.jsonl")),
    )
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
    figures = {name: figures_on(model, *read_development(REAL / f"{name}.jsonl"), books) for name in development()}
    folder = model.save(
        arguments.out / NAME, overwrite=True, documents={"card.md": write_card(model, figures), "NOTICE": NOTICE}
    )
    load_model(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    log.info("%s: %.1f MB", folder, size / 1e6)


def development() -> tuple[str, ...]:
    """Development sets that are at hand."""
    return tuple(name for name in ("dev", "dev_natural") if (REAL / f"{name}.jsonl").is_file())


def merge_codings(codings: Sequence[CodedPassage], further: Sequence[Path]) -> list[CodedPassage]:
    """Unite the writer's codings with those of blind coders of the same passages, by id.

    A code holds where most of those who read its family gave it. Where exactly half did (two coders who differ), the
    family stays out of the passage's extent: what is contested is unknown, not absent.
    """
    extra: dict[str, list[dict[str, Any]]] = {}
    for path in further:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                extra.setdefault(row["id"], []).append(row)
    home = {code.id: code.family for id in CODEBOOKS for code in load_codebook(id).codes}
    merged = []
    for coding in codings:
        rows = [(coding.extent, coding.codes), *((r["extent"], r["codes"]) for r in extra.get(coding.passage.id, []))]
        codes: list[str] = []
        extent: list[str] = []
        for family in dict.fromkeys(f for read, _ in rows for f in read):
            votes = [set(given) for read, given in rows if family in read]
            share = {
                c: sum(c in vote for vote in votes) / len(votes) for vote in votes for c in vote if home[c] == family
            }
            if 0.5 not in share.values():
                extent.append(family)
            codes += [code for code, part in share.items() if part > 0.5]
        merged.append(replace(coding, codes=tuple(codes), extent=tuple(extent)))
    return merged


def read_development(path: Path) -> tuple[list[CodedPassage], dict[str, list[str]]]:
    """Real passages coded by two coders: what both gave, and by passage id what only one gave (left out of scores)."""
    codings, contested = [], {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        passage = Passage(row["id"], row["source"], 0, len(row["text"]), row["text"], row["speaker"])
        codings.append(CodedPassage(passage, tuple(row["codes"]), coder="both"))
        contested[row["id"]] = row["contested"]
    return codings, contested


if __name__ == "__main__":
    main()
