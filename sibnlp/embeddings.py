"""Folders of static embeddings in the layout of model2vec: one vector per word-piece, a tokeniser, a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sibnlp.errors import DataError

if TYPE_CHECKING:
    from model2vec import StaticModel

EMBEDDING_FILES = ("model.safetensors", "tokenizer.json", "config.json")


def load_embeddings(folder: Path) -> StaticModel:
    """Read a model2vec folder from disk.

    Raises:
        DataError: the folder does not hold one. (StaticModel.from_pretrained would take a folder that does not exist
            for the name of a model on the hub and fetch it.)
    """
    missing = [name for name in EMBEDDING_FILES if not (folder / name).is_file()]
    if missing:
        raise DataError(f"no embeddings in {folder}: {', '.join(missing)} missing", "name a model2vec folder")
    from model2vec import StaticModel

    return StaticModel.from_pretrained(folder, max_length=None)


def save_embeddings(static: StaticModel, folder: Path) -> None:
    """Write embeddings so that `StaticModel.from_pretrained` reads them, and nothing besides."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": np.ascontiguousarray(static.embedding)}, folder / EMBEDDING_FILES[0])
    static.tokenizer.save(str(folder / EMBEDDING_FILES[1]), pretty=False)
    config = {**static.config, "embedding_dtype": str(static.embedding.dtype), "max_length": None}
    (folder / EMBEDDING_FILES[2]).write_text(json.dumps(config, indent=1, sort_keys=True), encoding="utf-8")
