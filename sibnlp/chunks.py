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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count, repeat
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Chunks, and characters in them, that are remembered; some 40 MB at most. They change no result.
REMEMBERED, REMEMBERED_CHARACTERS = 200_000, 4_000_000
# Texts read together from which on it pays to look up each chunk once; bytes that Arrow takes for one array.
MANY, LARGE = 16, 2**31 - 2
# What the tokeniser takes apart just so: letters and digits together, every other printable character by itself.
# Beyond ASCII, only marks that it takes for punctuation and does not rewrite.
_PLAIN = re.compile("[a-z0-9]+|[!-~‘’“”–—…]")
_PARTS = re.compile("[a-z0-9]+|[^a-z0-9]")
# The one character beyond ASCII whose small letter is in it: the sign for kelvin.
_KELVIN, _ODD = "\u212a", "\0"
# In a table by which chunks, or the parts of lines, are looked up: what is not in it, and the end of a line.
UNKNOWN, LINE_END = -1, -2


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of ids of different length.

    Attributes:
        ids: int32 [m], of all rows, one after the other.
        starts: int64 [n + 1], where each row begins; the last is m.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        """Rows that are lists."""
        starts = np.fromiter(accumulate(map(len, rows), initial=0), np.int64, len(rows) + 1)
        return cls(np.fromiter(chain.from_iterable(rows), np.int32, starts[-1]), starts)


# Ids of each chunk of a list.
Analysis = Callable[[Sequence[str]], Ragged]


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
        self._numbers: dict[str, int] = {}
        self._known = [_Column() for _ in self._analyses]
        self._characters = 0

    def read(self, texts: Sequence[str]) -> list[Ragged]:
        """What texts consist of, once for each analysis."""
        if not texts:
            return [Ragged(np.empty(0, np.int32), np.zeros(1, np.int64)) for _ in self._analyses]
        with self._lock:
            if len(self._numbers) > self._limits[0] or self._characters > self._limits[1]:
                self._forget()
            try:
                return self._read(texts)
            except BaseException:
                self._forget()  # chunks may be numbered of which nothing is known
                raise

    def _read(self, texts: Sequence[str]) -> list[Ragged]:
        found = _unique(texts) if len(texts) >= MANY else None
        if found:
            chunks, places, bounds = found
            rows = self._numbered(chunks)[places]
        else:
            sizes = [text.count(" ") + text.count("\n") + 1 for text in texts]
            rows = self._numbered(" ".join(texts).replace("\n", " ").split(" "))
            bounds = np.cumsum([0, *sizes], dtype=np.int64)
        return [column.take(rows, bounds) for column in self._known]

    def _numbered(self, chunks: Sequence[str]) -> NDArray[np.int32]:
        """Number of each chunk, int32 [m]; of those seen for the first time it is then known what they consist of."""
        numbers = looked_up(chunks, self._numbers)
        places = np.flatnonzero(numbers == UNKNOWN)
        if len(places):
            unknown = [chunks[place] for place in places.tolist()]
            new = list(dict.fromkeys(unknown))
            self._numbers.update(zip(new, count(len(self._numbers)), strict=False))
            self._characters += sum(map(len, new))
            for analysis, column in zip(self._analyses, self._known, strict=True):
                column.extend(analysis(new))
            numbers[places] = looked_up(unknown, self._numbers)
        return numbers


def _unique(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int32], NDArray[np.int64]] | None:
    """Chunks of texts, each once: looking up a word costs more than finding it again, and most come again soon.

    Returns:
        The chunks; for each chunk of the texts its place among them; and where each text begins. None for texts that
        have no UTF-8 (a damaged source), or too much of it.
    """
    import pyarrow as pa

    try:
        encoded = ("\n".join([text.replace("\n", " ") for text in texts]) + "\n").encode()
    except UnicodeEncodeError:
        return None
    if len(encoded) > LARGE:
        return None
    data = np.frombuffer(bytearray(encoded), np.uint8)
    ends = np.flatnonzero((data == ord(" ")) | (data == ord("\n")))
    bounds = np.concatenate([[0], np.flatnonzero(data[ends] == ord("\n")) + 1])
    data[ends] = ord(" ")
    # Each with the space behind it, so that they lie one after the other.
    offsets = np.concatenate([[0], ends + 1]).astype(np.int32)
    # The stubs of pyarrow do not know numpy's arrays as buffers.
    borders, letters = (pa.py_buffer(cast(Any, array)) for array in (offsets, data))
    chunks = pa.StringArray.from_buffers(len(ends), borders, letters).dictionary_encode()
    own = chunks.dictionary
    parts: list[Any] = own.buffers()
    _, starts, held = parts
    size = int(np.frombuffer(starts, np.int32)[len(own)])
    return held.to_pybytes()[:size].decode().split(" ")[:-1], chunks.indices.to_numpy(), bounds


def _made(analyses: tuple[Analysis, ...], remembered: int, characters: int) -> Chunks:
    return Chunks(*analyses, remembered=remembered, characters=characters)


class _Column:
    """Ids of numbered chunks."""

    def __init__(self) -> None:
        self._ids, self._starts = array("i"), array("q", [0])

    def extend(self, rows: Ragged) -> None:
        starts = rows.starts[1:] + len(self._ids)
        self._ids.frombytes(rows.ids.tobytes())
        self._starts.frombytes(starts.tobytes())

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


def looked_up(parts: Sequence[str], table: Mapping[str, int]) -> NDArray[np.int32]:
    """Ids of chunks, or of the parts of lines, the ends of lines (as the table has them) among them: int32 [m]."""
    return np.fromiter(map(table.get, parts, repeat(UNKNOWN)), np.int32, len(parts))


def by_line(ids: NDArray[np.int32], n: int) -> Ragged:
    """Ids of n lines of which each but the last has an end; what is unknown is left out."""
    known = ids >= 0
    ends = np.cumsum(known)
    starts = np.zeros(n + 1, np.int64)
    starts[1:-1] = ends[ids == LINE_END]
    starts[-1] = ends[-1] if len(ends) else 0
    return Ragged(ids[known], starts)


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
    # Capitals count where they are kept: nothing is known of words then but what the tokeniser says.
    return _Pieces(tokenizer, leave_out, made["model"] if made["normalizer"]["lowercase"] else {}, added)


class _Pieces:
    """See `word_pieces`; ``model`` is WordPiece's, and ``added`` are pieces that it knows nothing of."""

    def __init__(
        self, tokenizer: Tokenizer, leave_out: int | None, model: Mapping[str, Any], added: Sequence[str]
    ) -> None:
        self._tokenizer, self._leave_out = tokenizer, leave_out
        self._vocabulary: dict[str, int] = model.get("vocab", {})
        self._prefix: str = model.get("continuing_subword_prefix", "")
        self._longest: int = model.get("max_input_chars_per_word", 0)
        self._n_longest = max(map(len, self._vocabulary), default=0)
        self._unknown = self._vocabulary.get(model.get("unk_token", ""))
        # A word that is a piece is split no further, for the longest piece comes first.
        whole = {word: id for word, id in self._vocabulary.items() if len(word) <= self._longest and id != leave_out}
        self._whole = {word: id for word, id in whole.items() if _PLAIN.fullmatch(word)} | {"\n": LINE_END}
        self._added = re.compile("|".join(re.escape(content.lower()) for content in added) or "(?!)")

    def __call__(self, chunks: Sequence[str]) -> Ragged:
        if not chunks:
            return Ragged.of(())
        lowered = "\n".join(chunks).replace(_KELVIN, _ODD).lower()
        parts = _PARTS.findall(lowered)
        ids = looked_up(parts, self._whole)
        owner = np.cumsum(ids == LINE_END)
        # Lists that stand in the place of a part; a chunk left to the tokeniser has its list for all of its parts.
        instead: dict[int, Sequence[int]] = {}
        odd: set[int] = set()
        if self._added.search(lowered):
            odd.update(number for number, chunk in enumerate(chunks) if self._added.search(chunk.lower()))
        for place in np.flatnonzero(ids == UNKNOWN).tolist():
            pieces = self._split(parts[place])
            if pieces is None:
                odd.add(int(owner[place]))
            else:
                instead[place] = pieces
        if odd:
            starts = np.searchsorted(owner, np.arange(len(chunks) + 1))
            for number, pieces in zip(sorted(odd), self._tokenised([chunks[i] for i in sorted(odd)]), strict=True):
                # Each line but the first is led by the end of the one before.
                first, last = int(starts[number]) + (number > 0), int(starts[number + 1])
                instead |= dict.fromkeys(range(first, last), ())
                instead[first] = pieces
        if instead:
            ids = _spliced(ids, instead)
        return by_line(ids, len(chunks))

    def _split(self, part: str) -> list[int] | None:
        """Word-pieces of letters and digits; None for what is not ASCII's, or not this class's to split."""
        if self._unknown is None or not (part.isascii() and part.isalnum()):
            return None
        vocabulary = self._vocabulary
        pieces: list[int] = []
        start, size, lead = 0, len(part), ""
        while start < size <= self._longest:
            end = min(size, start + self._n_longest)
            while end > start and (piece := lead + part[start:end]) not in vocabulary:
                end -= 1
            if end == start:
                break
            pieces.append(vocabulary[piece])
            start, lead = end, self._prefix
        if start < size:  # one piece that is unknown makes the word so
            pieces = [self._unknown]
        return [id for id in pieces if id != self._leave_out]

    def _tokenised(self, chunks: Sequence[str]) -> Iterator[list[int]]:
        """Word-pieces by the tokeniser itself."""
        # A lone surrogate (from a damaged source) is no text to the tokeniser; it becomes a question mark.
        clean = [chunk.encode("utf-8", "replace").decode() for chunk in chunks]
        for encoding in self._tokenizer.encode_batch_fast(clean, add_special_tokens=False):
            yield [id for id in encoding.ids if id != self._leave_out]


def _spliced(ids: NDArray[np.int32], instead: Mapping[int, Sequence[int]]) -> NDArray[np.int32]:
    """Ids with lists in the place of some."""
    places = sorted(instead)
    counts = np.ones(len(ids), np.int64)
    counts[places] = [len(instead[place]) for place in places]
    replaced = np.zeros(len(ids), np.bool_)
    replaced[places] = True
    result = np.repeat(ids, counts)
    result[np.repeat(replaced, counts)] = list(chain.from_iterable(instead[place] for place in places))
    return result
