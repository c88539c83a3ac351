"""From texts to the word-pieces an encoder reads, and through its ONNX network; the same for all who use encoders.

Every text goes through the network by itself, at its own length. On a CPU a batch gains nothing over that (measured:
MiniLM, 64 pieces, 19.5 ms a row alone and 19.6 ms in a batch of 16; int8 16.2 and 15.6), nothing is padded, and a row
cannot depend on its neighbours, neither by the order of sums nor by the scale int8 activations take. Rows are spread
over cores instead, each on one thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Texts tokenised at once; bounds memory, changes no result.
BATCH = 256


class Tokens:
    """A tokeniser with a limit, for texts and for texts with their context.

    Args:
        tokenizer: as JSON, in the layout of the tokenizers library.
        max_length: word-pieces kept of a text with its context and the special pieces.
        context_tokens: word-pieces kept of a context, from its end: the end of a question stands next to the answer.
    """

    def __init__(self, tokenizer: str, max_length: int, context_tokens: int) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._whole: Tokenizer = Tokenizer.from_str(self._tokenizer.to_str())
        self._tokenizer.enable_truncation(max_length)
        self.context_tokens = context_tokens

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One encoding a text; one with a ``context`` (`sibnlp.classifiers.Situated`) as a pair."""
        batch: list[Any] = []
        for text in texts:
            # A lone surrogate (from a damaged source) is no text to the tokeniser; it becomes a question mark.
            clean = text.encode("utf-8", "replace").decode()
            context = self._shortened(getattr(text, "context", ""))
            batch.append((clean, context) if context else clean)
        encodings: list[Encoding] = self._tokenizer.encode_batch(batch)
        return encodings

    def to_json(self) -> str:
        """The tokeniser alone, without truncation."""
        whole: str = self._whole.to_str()
        return whole

    def _shortened(self, context: str) -> str:
        if not context:
            return ""
        clean = context.encode("utf-8", "replace").decode()
        pieces = self._whole.encode(clean, add_special_tokens=False)
        if len(pieces.ids) <= self.context_tokens:
            return clean
        return clean[pieces.offsets[-self.context_tokens][0] :] if self.context_tokens else ""


class Network:
    """An encoder's ONNX network with its tokeniser.

    Args:
        network: the ONNX model; takes some of `INPUTS`, gives one output.
        tokenizer, max_length, context_tokens: see `Tokens`.

    Attributes:
        shape: of the output; names stand for free dimensions.

    Raises:
        ValueError: other inputs, or weights in another file.
    """

    def __init__(self, network: bytes, tokenizer: str, max_length: int, context_tokens: int = 0) -> None:
        self.tokens = Tokens(tokenizer, max_length, context_tokens)
        self._session = _session(network)
        self._inputs = [one.name for one in self._session.get_inputs()]
        if not set(self._inputs) <= set(INPUTS):
            raise ValueError(f"the network takes {', '.join(self._inputs)}, not {', '.join(INPUTS)}")
        self.shape: list[Any] = self._session.get_outputs()[0].shape

    def run(self, texts: Sequence[str]) -> Iterator[NDArray[np.float64]]:
        """Output of each text, float64, without the dimension of rows."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(texts), BATCH):
                yield from pool.map(self._row, self.tokens.encode(texts[start : start + BATCH]))

    def _row(self, encoding: Encoding) -> NDArray[np.float64]:
        values = encoding.ids, [1] * len(encoding.ids), encoding.type_ids
        feeds = {name: np.array([own], dtype=np.int64) for name, own in zip(INPUTS, values, strict=True)}
        output = self._session.run(None, {name: feeds[name] for name in self._inputs})[0]
        row: NDArray[np.float64] = np.asarray(output, dtype=np.float64)[0]
        return row


def _session(network: bytes) -> InferenceSession:
    """The network on one thread: the result of a row must not depend on how many cores there are."""
    import onnxruntime

    # Weights may stand in files that the network names: onnxruntime would read them from wherever the process runs.
    # The name's key is plain text in the format, however the rest is put.
    if b"location" in network:
        raise ValueError("the network keeps weights in another file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
