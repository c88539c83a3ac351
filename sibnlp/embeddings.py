"""Embeddings of passages: static ones in the layout of model2vec, or a sentence encoder as ONNX.

A static folder holds one vector per word-piece, a tokeniser and a configuration. An encoder's folder holds
``model.onnx``, which gives a vector per word-piece in context, and ``tokenizer.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sibnlp.chunks import Analysis, Chunks, Ragged, row_sums, word_pieces
from sibnlp.errors import DataError
from sibnlp.wordpieces import Network

if TYPE_CHECKING:
    from model2vec import StaticModel

# Texts handed to the tokeniser at once; bounds memory, changes no result.
BATCH = 1024
EMBEDDING_FILES = ("model.safetensors", "tokenizer.json", "config.json")
NETWORK_FILES = ("model.onnx", "tokenizer.json")
# Word-pieces read of a text to embed.
MAX_LENGTH = 256


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


class Embedder(Protocol):
    """From texts to vectors; a text's vector does not depend on the texts around it."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Vectors of length 1, float64 [n, d]; zeros for a text without a known word-piece."""
        ...

    def save(self, folder: Path) -> list[str]:
        """Write what `load_embedder` reads; returns the names of the files."""
        ...


def load_embedder(folder: Path) -> Embedder:
    """Read either kind of folder, also where it is the ``embeddings`` of a model.

    Raises:
        DataError: the folder holds neither.
    """
    if (folder / "embeddings").is_dir():
        folder = folder / "embeddings"
    if (folder / NETWORK_FILES[0]).is_file():
        return EncoderEmbedder(folder)
    return StaticEmbedder(load_embeddings(folder))


class StaticEmbedder:
    """The mean of static word-piece vectors.

    Attributes:
        analysis: the word-pieces of a chunk of text (see `sibnlp.chunks`); None where the tokeniser reads texts only as
            a whole.
    """

    def __init__(self, static: StaticModel) -> None:
        self.static = static
        self.analysis: Analysis | None = word_pieces(static.tokenizer, static.unk_token_id)
        self._chunks = Chunks(self.analysis) if self.analysis else None
        self._table: NDArray[np.float64] | None = None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Vectors of length 1, float64 [n, d]; zeros for a text without a known word-piece."""
        parts = [np.empty((0, self.static.dim))]
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            parts.append(self.embed_pieces(self._chunks.read(batch)[0] if self._chunks else self.tokenise(batch)))
        return np.concatenate(parts)

    def tokenise(self, texts: Sequence[str]) -> Ragged:
        """Known word-pieces of texts, by the tokeniser itself."""
        # A lone surrogate (from a damaged source) is no text to the tokeniser; it becomes a question mark.
        found = self.static.tokenize([text.encode("utf-8", "replace").decode() for text in texts])
        return Ragged.of(found)

    def embed_pieces(self, pieces: Ragged) -> NDArray[np.float64]:
        """Vectors of length 1, float64 [n, d], of texts of which the known word-pieces are given."""
        # Pooled here rather than by StaticModel.encode: that truncates, and its sums follow the batch.
        if self._table is None:
            self._table = self.static.embedding.astype(np.float64)
        sums = row_sums(pieces, None, self._table)
        lengths = np.sqrt(np.einsum("nd,nd->n", sums, sums))
        lengths[lengths == 0] = 1.0
        sums /= lengths[:, None]
        return sums

    def pieces(self, text: str) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
        """A text's vector, `embed`, as a sum: the span of each known word-piece and what it adds, float64 [m, d]."""
        found = self.static.tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
        kept = [i for i, id in enumerate(found.ids) if id != self.static.unk_token_id]
        vectors = self.static.embedding[[found.ids[i] for i in kept]].astype(np.float64).reshape(-1, self.static.dim)
        length = np.sqrt(np.square(vectors.sum(axis=0)).sum())
        return [found.offsets[i] for i in kept], vectors / length if length else vectors

    def save(self, folder: Path) -> list[str]:
        """Write what `load_embeddings` reads."""
        save_embeddings(self.static, folder)
        return list(EMBEDDING_FILES)


class EncoderEmbedder:
    """The mean of a sentence encoder's word-piece vectors, by onnxruntime.

    Args:
        folder: with ``model.onnx`` (output [rows, pieces, d]) and ``tokenizer.json``, as
            `sibnlp.training.export.export_embedder` writes it.

    Raises:
        DataError: a file is missing, or the network gives something else than a vector per word-piece.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in NETWORK_FILES if not (folder / name).is_file()]
        if missing:
            raise DataError(f"no encoder in {folder}: {', '.join(missing)} missing", "name a folder of embeddings")
        self._files = {name: (folder / name).read_bytes() for name in NETWORK_FILES}
        self._network = Network(self._files[NETWORK_FILES[0]], self._files[NETWORK_FILES[1]].decode(), MAX_LENGTH)
        if len(self._network.shape) != 3:
            raise DataError(
                f"the network in {folder} gives no vector per word-piece",
                "a fine-tuned model gives codes only: name a folder of embeddings, or a static model",
            )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Vectors of length 1, float64 [n, d]."""
        rows = [_unit(states.mean(axis=0)) for states in self._network.run(texts)]
        return np.array(rows, dtype=np.float64).reshape(-1, self._network.shape[-1])

    def save(self, folder: Path) -> list[str]:
        """Write the files again."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / name).write_bytes(content)
        return list(self._files)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt(np.square(vector).sum())
    scaled: NDArray[np.float64] = vector / length if length else vector
    return scaled
