"""What chunks consist of is what the tokeniser and the word expression say of the text they stand in."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sibnlp.chunks import Chunks, Ragged, row_sums, word_pieces
from sibnlp.classifiers.ngrams import Ngrams
from sibnlp.embeddings import StaticEmbedder, load_embeddings
from sibnlp.model import load_model

# What tokenisers are known to treat apart: marks, accents, scripts without spaces, joiners, controls, odd spaces.
HOSTILE = [
    "Café", "e\u0301", "\u0301", "İstanbul", "ΣΊΣΥΦΟΣ", "ß", "日本語です", "한국어", "\u1112\u1161\u11ab", "😀",
    "👩‍👩‍👧", "\u200d", "\ufeff",
    "\x00", "\x1c", "\x85", "\u2028", "\u00a0", "\u3000", "\t", "\r\n", "\n", "  ", "\ud800", "[UNK]", "[PAD]",
    "[unk]", "x[UNK]y",
    "don’t", "“quoted”", "—", "…", "C#", "a_b", "##ing", "1,000.50", "half-baked", "x" * 101, "the" * 40, "Ǆ", "ﬁ", "№",
    "contract", "Contracts,", "(paid)", "Trust.", "NPM", "service-user's", "\u0e01\u0e33", "\u0600", "\ue000",
    "\U0001f1ec", "\u212a", "5\u212a", "orchardists,", "x1qz", "Brackla-on-Sea",
]  # fmt: skip
TEXT = st.lists(
    st.sampled_from(HOSTILE) | st.text(max_size=8) | st.text("aeinorst0189-.'", max_size=12) | st.just(" "), max_size=20
).map("".join)


@pytest.fixture(scope="module")
def embedder(root: Path) -> StaticEmbedder:
    return StaticEmbedder(load_embeddings(root / "models" / "gov-fast" / "embeddings"))


def rows(found: Ragged) -> list[list[int]]:
    return [found.ids[a:b].tolist() for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]


@settings(max_examples=400, deadline=None)
@given(st.lists(TEXT, max_size=5))
@example(HOSTILE)
@example([" ".join(HOSTILE), "".join(HOSTILE), "", " ", "\n"])
def test_word_pieces_are_the_tokenisers(embedder: StaticEmbedder, texts: list[str]) -> None:
    assert embedder.analysis is not None
    # Twice: looked up anew, and remembered.
    chunks = Chunks(embedder.analysis)
    wanted = rows(embedder.tokenise(texts)) if texts else []
    assert rows(chunks.read(texts)[0]) == wanted
    assert rows(chunks.read(texts)[0]) == wanted


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, max_size=5))
def test_words_are_those_of_the_text(texts: list[str]) -> None:
    ngrams = Ngrams(
        tuple(sorted({"don't", "contract", "contracts", "i", "i̇stanbul", "σίσυφος", "σίσυφοσ"})), np.ones(7), (1, 1)
    )
    assert rows(Chunks(ngrams.known_in).read(texts)[0]) == ngrams.known(texts)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=8))
@example(["", "\n", " ", "a", " a\n\nb ", "\x00 \r \x85"])
def test_many_texts_are_read_like_few(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sibnlp.chunks.MANY", 1)
        many = Chunks(lambda chunks: Ragged.of([list(map(ord, chunk)) for chunk in chunks])).read(texts)[0]
        patch.setattr("sibnlp.chunks.MANY", 10**9)
        few = Chunks(lambda chunks: Ragged.of([list(map(ord, chunk)) for chunk in chunks])).read(texts)[0]
    assert rows(many) == rows(few) == [[ord(letter) for letter in text if letter not in " \n"] for text in texts]


def test_forgetting_changes_nothing(embedder: StaticEmbedder) -> None:
    assert embedder.analysis is not None
    texts = ["The contract was paid.", "Paid late, the contract ended.", "Trust, they said, was enough. " * 30]
    whole = rows(embedder.tokenise(texts))
    for limits in ({"remembered": 3}, {"characters": 10}):
        short = Chunks(embedder.analysis, **limits)
        for _ in range(3):
            assert [rows(short.read([text])[0])[0] for text in texts] == whole


def test_what_an_analysis_fails_on_is_not_taken_for_known() -> None:
    def analysis(chunks: Sequence[str]) -> Ragged:
        if "bad" in chunks:
            raise ValueError("bad")
        return Ragged.of([[len(chunk)] for chunk in chunks])

    chunks = Chunks(analysis)
    with pytest.raises(ValueError, match="bad"):
        chunks.read(["a bad text"])
    assert rows(chunks.read(["one a text"])[0]) == [[3, 1, 4]]


def test_memory_is_bounded(embedder: StaticEmbedder) -> None:
    assert embedder.analysis is not None
    chunks = Chunks(embedder.analysis, remembered=50, characters=10_000)
    for start in range(0, 2_000, 20):
        chunks.read([" ".join(f"word{n}" for n in range(start, start + 20))])
        assert len(chunks._numbers) < 50 + 20
    chunks.read(["x" * 50_000])
    chunks.read(["short"])
    assert len(chunks._numbers) == 1


def test_travels_to_another_process(embedder: StaticEmbedder) -> None:
    assert embedder.analysis is not None
    chunks = Chunks(embedder.analysis, remembered=7)
    texts = ["The contract was paid on time."]
    wanted = rows(chunks.read(texts)[0])
    assert rows(pickle.loads(pickle.dumps(chunks)).read(texts)[0]) == wanted


def test_a_tokeniser_of_another_make_is_left_alone() -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    assert word_pieces(words, 1) is None
    pieces = Tokenizer(models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert word_pieces(pieces, 1) is not None
    pieces.add_tokens(["New York"])
    assert word_pieces(pieces, 1) is None
    pieces = Tokenizer(models.WordPiece({"a": 0, "A": 2, "[UNK]": 1}, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer(lowercase=False)
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    found = word_pieces(pieces, 1)
    assert found is not None
    assert rows(found(["A", "a", "A.a"])) == [[2], [0], [2, 0]]


def test_sums_are_term_by_term() -> None:
    table = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    rows_ = Ragged(np.array([0, 2, 2, 1], dtype=np.int32), np.array([0, 3, 3, 4]))
    assert row_sums(rows_, None, table).tolist() == [[9.0, 90.0], [0.0, 0.0], [2.0, 20.0]]
    assert row_sums(rows_, np.array([1.0, 0.5, 1.0, -1.0]), table).tolist() == [[7.0, 70.0], [0.0, 0.0], [-2.0, -20.0]]


def test_the_shipped_model_gives_the_same_by_either_way(root: Path) -> None:
    """Remembered chunks against the tokeniser on whole texts, and a row alone against the row in a batch."""
    classifier = load_model("gov-fast").classifier
    texts = [
        "",
        " ",
        *HOSTILE,
        *(f"{a} the contract {b}\nwas paid" for a, b in zip(HOSTILE, HOSTILE[::-1], strict=True)),
    ]
    quick = classifier.predict_proba(texts)
    embedder, ngrams = classifier.embedder, classifier.ngrams_  # type: ignore[attr-defined]
    weights, bias, words = classifier.weights_, classifier.intercepts_, classifier.word_weights_  # type: ignore[attr-defined]
    for text, row in zip(texts, quick, strict=True):
        _, vectors = embedder.pieces(text)
        ids, values = ngrams.row(text)
        logits = weights @ vectors.sum(axis=0) + bias + words[:, ids] @ values
        assert np.allclose(row, 1 / (1 + np.exp(-logits)), rtol=0, atol=1e-12)
        assert np.array_equal(classifier.predict_proba([text])[0], row)
