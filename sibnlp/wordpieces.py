"""From texts to the word-pieces an encoder reads, the same while fitting and while predicting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


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
