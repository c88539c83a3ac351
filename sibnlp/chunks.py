"""What the chunks between spaces are made of, worked out once and remembered: running text costs look-ups alone.

BERT's tokeniser and the word expression of `sibnlp.words` both take a text apart at every space and line end and never
look across one. So a text's word-pieces, or words, are those of its chunks in order (``"paid,"`` is one chunk), and the
chunks of a language come again and again. `word_pieces` gives exactly what the tokeniser gives; a tokeniser of another
make is not known to be local and gets no such function.
"""

from __future__ import annotations

import json
import re
import threading
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Ids of each chunk of a list.
Analysis = Callable[[Sequence[str]], Sequence[Sequence[int]]]
# Chunks, and characters in them, that are remembered; some 40 MB at most. They change no result.
REMEMBERED, REMEMBERED_CHARACTERS = 200_000, 4_000_000
# What the tokeniser takes apart just so: letters and digits together, every other printable character by itself.
# Beyond ASCII, only marks that it takes for punctuation and does not rewrite.
_PLAIN = re.compile("[!-~‘’“”–—…]+")
_PARTS = re.compile("[A-Za-z0-9]+|[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of ids of different length.

    Attributes:
        ids: int32 [m], of all rows, one after the other.
        starts: int64 [n + 1], where each row begins; the last is m.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]


class Chunks:
    """The memory of chunks.

    Args:
        analyses: each says of what ids chunks consist, whatever stands around them.
        remembered, characters: chunks, and characters in them, over which everything is forgotten before the next call.
    """

    def __init__(
        self, *analyses: Analysis, remembered: int = REMEMBERED, characters: int = REMEMBERED_CHARACTERS
    ) -> None:
        self._analyses = analyses
        self._limits = remembered, characters
        self._lock = threading.Lock()
        self._forget()

    def __reduce__(self) -> tuple[Any, ...]:
        # To another process goes what it needs to remember for itself.
        return _made, (self._analyses, *self._limits)

    def _forget(self) -> None:
        self._numbers = _Numbers()
        self._known = [_Column() for _ in self._analyses]
        self._characters = 0

    def read(self, texts: Sequence[str]) -> list[Ragged]:
        """What texts consist of, once for each analysis."""
        if not texts:
            return [Ragged(np.empty(0, np.int32), np.zeros(1, np.int64)) for _ in self._analyses]
        sizes = [text.count(" ") + text.count("\n") + 1 for text in texts]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        with self._lock:
            if len(self._numbers) > self._limits[0] or self._characters > self._limits[1]:
                self._forget()
            chunks = " ".join(texts).replace("\n", " ").split(" ")
            rows = np.fromiter(map(self._numbers.__getitem__, chunks), np.int32, len(chunks))
            if new := self._numbers.new:
                self._numbers.new = []
                self._characters += sum(map(len, new))
                for analysis, column in zip(self._analyses, self._known, strict=True):
                    column.extend(analysis(new))
            return [column.take(rows, bounds) for column in self._known]


def _made(analyses: tuple[Analysis, ...], remembered: int, characters: int) -> Chunks:
    return Chunks(*analyses, remembered=remembered, characters=characters)


class _Numbers(dict[str, int]):
    """Numbers things in the order in which they are first looked up."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def __missing__(self, chunk: str) -> int:
        number = self[chunk] = len(self)
        self.new.append(chunk)
        return number


class _Column:
    """Ids of numbered chunks."""

    def __init__(self) -> None:
        self._ids, self._starts = array("i"), array("q", [0])

    def extend(self, rows: Sequence[Sequence[int]]) -> None:
        before = len(self._ids)
        self._ids.extend(chain.from_iterable(rows))
        self._starts.extend(islice(accumulate(map(len, rows), initial=before), 1, None))

    def take(self, rows: NDArray[np.int32], bounds: NDArray[np.int64]) -> Ragged:
        """Ids of the rows, those between two bounds taken together."""
        starts = np.frombuffer(self._starts, np.int64)
        first = starts[rows]
        sizes = starts[rows + 1] - first
        ends = np.concatenate([[0], np.cumsum(sizes)])
        # Place i of the result is place i of a row that begins at ends, and lies at first among all ids.
        places = np.repeat(first - ends[:-1], sizes)
        places += np.arange(len(places))
        ids = np.frombuffer(self._ids, np.int32)[places] if len(places) else np.empty(0, np.int32)
        return Ragged(ids, ends[bounds])


def row_sums(rows: Ragged, weights: NDArray[np.float64] | None, table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the table's rows [v, d] that each row names, weighted [m] where weights are given: float64 [n, d].

    Term by term in the order of the ids, so that a row does not depend on the rows around it, as it would with BLAS.
    """
    from scipy.sparse import csr_matrix

    values = np.ones(len(rows.ids)) if weights is None else weights
    matrix = csr_matrix((values, rows.ids, rows.starts), shape=(len(rows.starts) - 1, len(table)))
    # Typed as if it might be sparse.
    return cast(NDArray[np.float64], matrix @ table)


def word_pieces(tokenizer: Tokenizer, leave_out: int | None) -> Analysis | None:
    """The word-pieces of chunks, exactly as a tokeniser gives them for the text they stand in.

    Args:
        tokenizer: without special pieces at the ends.
        leave_out: id of a piece that does not count.

    Returns:
        None where the tokeniser might look beyond a chunk: it is not BERT's.
    """
    made = json.loads(tokenizer.to_str())
    kinds = [(made[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    added = [one["content"] for one in made["added_tokens"]]
    if kinds != ["BertNormalizer", "BertPreTokenizer", "WordPiece"] or made["truncation"]:
        return None
    if not made["normalizer"]["clean_text"] or any(" " in content or "\n" in content for content in added):
        return None
    longest = made["model"]["max_input_chars_per_word"]
    # A word that is a piece is split no further, for the longest piece comes first. Capitals count where they are kept.
    words = made["model"]["vocab"] if made["normalizer"]["lowercase"] else {}
    whole = {word: id for word, id in words.items() if len(word) <= longest and id != leave_out}
    return _Pieces(tokenizer, leave_out, whole, tuple(content.lower() for content in added))


class _Pieces:
    """See `word_pieces`; ``whole`` are words and marks that are a piece by themselves, ``added`` pieces of any form."""

    def __init__(
        self, tokenizer: Tokenizer, leave_out: int | None, whole: dict[str, int], added: Sequence[str]
    ) -> None:
        self._tokenizer, self._leave_out, self._whole = tokenizer, leave_out, whole
        self._added = re.compile("|".join(map(re.escape, added)) or "(?!)")

    def __call__(self, chunks: Sequence[str]) -> list[Sequence[int]]:
        whole, is_odd, parts = self._whole.__getitem__, self._added.search, _PARTS.findall
        found: list[Sequence[int]] = []
        rest: list[int] = []
        for number, chunk in enumerate(chunks):
            lowered = chunk.lower()
            plain = chunk.isprintable() if chunk.isascii() else _PLAIN.fullmatch(chunk)
            try:
                if not plain or is_odd(lowered):
                    raise KeyError
                found.append(list(map(whole, parts(lowered))))
            except KeyError:
                rest.append(number)
                found.append(())
        # A lone surrogate (from a damaged source) is no text to the tokeniser; it becomes a question mark.
        clean = [chunks[number].encode("utf-8", "replace").decode() for number in rest]
        encoded = self._tokenizer.encode_batch_fast(clean, add_special_tokens=False)
        for number, encoding in zip(rest, encoded, strict=True):
            found[number] = [id for id in encoding.ids if id != self._leave_out]
        return found
