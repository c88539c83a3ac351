"""TF-IDF weighted word and character n-grams, in plain Python and numpy.

The same few lines weigh a text while fitting and while predicting, before and after saving: there is no second
implementation to agree with, and classification need not import scikit-learn.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.chunks import LINE_END, Ragged, by_line, looked_up
from sibnlp.words import WORD, tokenise, word_spans

# Set before a character n-gram so that it cannot be taken for a word; no word holds it, all sort after it.
CHARACTER = "#"
LINE = "\n"
_LINED = re.compile(f"{WORD.pattern}|{LINE}")
# Words whose character n-grams are remembered; bounds memory, changes no result.
REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Ngrams:
    """A vocabulary of n-grams with their inverse document frequencies.

    Attributes:
        terms: v n-grams in sorted order; words joined by a space, character n-grams led by ``#``.
        idf: float64 [v], ``ln((1 + n) / (1 + df)) + 1``.
        words: shortest and longest word n-gram; (0, 0) for none.
        chars: the same for characters within words.
        index: place of each term; n_chars: how many are character n-grams; seen: those of words met before.
        lines: the index with the end of a line in it, once it was needed.
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float64]
    words: tuple[int, int] = (1, 2)
    chars: tuple[int, int] = (0, 0)
    index: dict[str, int] = field(init=False, repr=False)
    seen: dict[str, list[int]] = field(init=False, repr=False, default_factory=dict)
    lines: dict[str, int] = field(init=False, repr=False, default_factory=dict)
    n_chars: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {term: i for i, term in enumerate(self.terms)})
        object.__setattr__(self, "n_chars", sum(term.startswith(CHARACTER) for term in self.terms))

    @classmethod
    def fit(
        cls, texts: Sequence[str], words: tuple[int, int], chars: tuple[int, int] = (0, 0), min_documents: int = 2
    ) -> Ngrams:
        """Collect the n-grams that occur in at least ``min_documents`` of the texts."""
        found: Counter[str] = Counter()
        pieces: dict[str, frozenset[str]] = {}
        for text in texts:
            tokens = tokenise(text)
            terms_here = set(word_ngrams(tokens, words))
            for token in set(tokens):
                if token not in pieces:
                    pieces[token] = frozenset(char_ngrams(token, chars))
                terms_here |= pieces[token]
            found.update(terms_here)
        terms = tuple(sorted(term for term, count in found.items() if count >= min_documents))
        df = np.array([found[term] for term in terms], dtype=np.float64)
        return cls(terms, np.log((1 + len(texts)) / (1 + df)) + 1, words, chars)

    @property
    def is_local(self) -> bool:
        """Whether no n-gram reaches from one word to the next, so that chunks can be looked at one by one."""
        return self.words[1] <= 1

    def known(self, texts: Sequence[str]) -> list[list[int]]:
        """Every known n-gram of each text, as often as it occurs."""
        if self.words == (1, 1) and not self.chars[1]:
            known = self.index.get
            return [[i for word in tokenise(text) if (i := known(word)) is not None] for text in texts]
        return [self._known(tokenise(text)) for text in texts]

    def known_in(self, chunks: Sequence[str]) -> Ragged:
        """The same of texts without a line end; much faster, where there are many."""
        if self.words != (1, 1) or self.chars[1] or not chunks:
            return Ragged.of(self.known(chunks))
        if LINE not in self.lines:
            self.lines.update(self.index, **{LINE: LINE_END})
        lowered = LINE.join(chunks).lower().replace("’", "'")
        return by_line(looked_up(_LINED.findall(lowered), self.lines), len(chunks))

    def _known(self, tokens: Sequence[str]) -> list[int]:
        found = [i for term in word_ngrams(tokens, self.words) if (i := self.index.get(term)) is not None]
        if self.chars[1]:
            for token in tokens:
                found += self._char_ids(token)
        return found

    def rows(self, texts: Sequence[str]) -> tuple[Ragged, NDArray[np.float64]]:
        """Known n-grams of texts, each once, and their weights (see `weigh`)."""
        return self.weigh(Ragged.of(self.known(texts)))

    def row(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Known n-grams of a text and their weights."""
        row, values = self.rows([text])
        return row.ids, values

    def weigh(self, found: Ragged) -> tuple[Ragged, NDArray[np.float64]]:
        """Weights of n-grams, ``(1 + ln tf) · idf``, from their occurrences in each text.

        Word and character n-grams each have length 1 (Euclidean), so that neither drowns the other.

        Returns:
            The n-grams of each text in order of their ids, each once, and a weight for each.
        """
        n, v = len(found.starts) - 1, max(len(self.terms), 1)
        keys = np.repeat(np.arange(n) * v, np.diff(found.starts)) + found.ids
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        owner, ids = np.divmod(keys[first], v)
        values = (1 + np.log(np.diff(first, append=len(keys)))) * self.idf[ids]
        # In sorted order "#…" stands before every word: two blocks a text.
        block = owner * 2 + (ids >= self.n_chars)
        # Summed in the order of the ids, whatever other texts there are.
        values /= np.sqrt(np.bincount(block, np.square(values), 2 * n))[block]
        return Ragged(ids.astype(np.int32), np.searchsorted(owner, np.arange(n + 1))), values

    def by_word(self, text: str, table: NDArray[np.float64]) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
        """What each word of a text adds to the sum of the table's rows, weighted as in `row`.

        An n-gram's part is shared evenly among the places where it stands, and there among the words it is made of.

        Args:
            text: with w words.
            table: float64 [v, k].

        Returns:
            Span of each word in the text, and float64 [w, k] whose sum over the words is that sum.
        """
        spans = word_spans(text)
        tokens = tokenise(text)
        places: list[tuple[int, int, float]] = []  # a word, an n-gram it is part of, and its share of that place
        for n in range(max(self.words[0], 1), self.words[1] + 1):
            for start in range(len(tokens) - n + 1):
                found = self.index.get(" ".join(tokens[start : start + n]))
                if found is not None:
                    places += [(word, found, 1 / n) for word in range(start, start + n)]
        if self.chars[1]:
            for word, token in enumerate(tokens):
                places += [(word, found, 1.0) for found in self._char_ids(token)]
        totals = np.zeros((len(tokens), table.shape[1]))
        if places:
            at, terms, share = (np.array(column) for column in zip(*places, strict=True))
            ids, values = self.row(text)
            count = np.bincount(np.searchsorted(ids, terms), weights=share, minlength=len(ids))
            weight = share * (values / count)[np.searchsorted(ids, terms)]
            np.add.at(totals, at, table[terms] * weight[:, None])
        return spans, totals

    def _char_ids(self, token: str) -> list[int]:
        """Known character n-grams of a word, remembered, for words come again."""
        found = self.seen.get(token)
        if found is None:
            if len(self.seen) >= REMEMBERED:
                self.seen.clear()
            found = [i for term in char_ngrams(token, self.chars) if (i := self.index.get(term)) is not None]
            self.seen[token] = found
        return found

    def matrix(self, texts: Sequence[str]) -> Any:
        """Weights of many texts as a scipy CSR matrix [n, v] (for fitting)."""
        from scipy.sparse import csr_matrix

        rows, values = self.rows(texts)
        return csr_matrix((values, rows.ids, rows.starts), shape=(len(texts), len(self.terms)))

    def to_json(self) -> str:
        """The vocabulary without its idf, as JSON."""
        return json.dumps({"words": self.words, "chars": self.chars, "terms": self.terms}, ensure_ascii=False)

    @classmethod
    def from_json(cls, path: Path, idf: NDArray[np.float64]) -> Ngrams:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the file does not hold a vocabulary of as many terms as there are frequencies.
        """
        raw = json.loads(path.read_text(encoding="utf-8"))
        terms = tuple(raw["terms"])
        if len(terms) != len(idf):
            raise ValueError(f"{path.name} has {len(terms)} terms, but there are {len(idf)} frequencies")
        low, high = raw["words"]
        shortest, longest = raw["chars"]
        return cls(terms, idf, (int(low), int(high)), (int(shortest), int(longest)))


def word_ngrams(tokens: Sequence[str], lengths: tuple[int, int]) -> Iterator[str]:
    """Runs of words joined by a space."""
    if lengths[0] == 1:
        yield from tokens
    for n in range(max(lengths[0], 2), lengths[1] + 1):
        for start in range(len(tokens) - n + 1):
            yield " ".join(tokens[start : start + n])


def char_ngrams(token: str, lengths: tuple[int, int]) -> Iterator[str]:
    """Runs of characters of one word, its ends marked by a space."""
    if lengths[1]:
        padded = f" {token} "
        for n in range(lengths[0], lengths[1] + 1):
            for start in range(len(padded) - n + 1):
                yield CHARACTER + padded[start : start + n]
