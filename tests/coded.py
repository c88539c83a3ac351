"""Small coded material for tests of classifiers, training and evaluation: two topics, told by their words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sibnlp.codebook import Codebook, parse
from sibnlp.types import CodedPassage, Passage

WORDS = {
    "bread": ["flour", "oven", "dough", "crust", "loaf", "yeast", "baker", "knead"],
    "boats": ["harbour", "mast", "sail", "anchor", "tide", "hull", "keel", "rope"],
    "": ["monday", "window", "letter", "corner", "yellow", "pencil", "quiet", "street"],
}


def codebook() -> Codebook:
    """Family ``topic`` (several may hold), ``tone`` (one at most, needs a topic)."""
    return parse(
        {
            "id": "toy",
            "name": "Toy",
            "families": [{"id": "topic"}, {"id": "tone", "multiple": False, "requires": "topic"}],
            "codes": [
                {"id": "bread", "family": "topic", "definition": "baking"},
                {"id": "boats", "family": "topic", "definition": "sailing"},
                {"id": "glad", "family": "tone"},
                {"id": "sad", "family": "tone"},
            ],
        }
    )


def codings(n: int = 60, n_documents: int = 10, seed: int = 0) -> list[CodedPassage]:
    """Passages on bread, boats, both or neither; ``tone`` coded for the first half only."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        topics = [topic for topic in ("bread", "boats") if rng.random() < 0.45]
        tone = [["glad", "sad"][int(rng.integers(2))]] if topics and i < n // 2 else []
        words = [str(word) for topic in [*topics, ""] for word in rng.choice(WORDS[topic], 6)]
        words += ["cheerful", "laughing"] * tone.count("glad") + ["gloomy", "weeping"] * tone.count("sad")
        text = " ".join(str(word) for word in rng.permutation(words))
        passage = Passage(f"p{i}", f"doc{i % n_documents}", 0, len(text), text, speaker=f"S{i % 3}")
        extent = ("topic", "tone") if i < n // 2 else ("topic",)
        made.append(CodedPassage(passage, (*topics, *tone), "person", extent))
    return made


def embeddings(folder: Path, dims: int = 12) -> Path:
    """A folder of random word vectors in the shape of model2vec, small enough for tests."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    from sibnlp.embeddings import save_embeddings

    words = [
        "[UNK]",
        *sorted({w for group in WORDS.values() for w in group}),
        "cheerful",
        "laughing",
        "gloomy",
        "weeping",
    ]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    vectors = np.random.default_rng(0).normal(size=(len(words), dims)).astype(np.float16)
    save_embeddings(StaticModel(vectors, tokenizer, {"normalize": True}, normalize=True), folder)
    return folder
