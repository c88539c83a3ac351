"""spaCy pipeline component: ``nlp.add_pipe("sibnlp")`` codes a Doc's passages.

Found by spaCy through the entry point ``spacy_factories``; sibnlp need not be imported. Results are plain values in
spaCy's own places, so ``to_bytes`` and ``DocBin`` carry them:

* ``doc.spans[spans_key]``: one span for each code of each passage, widened to token boundaries, its label the code;
  the group's ``attrs["scores"]`` (probabilities) and ``attrs["offsets"]`` (exact ``[start, end]``) run parallel.
* ``doc.cats[code]``: the highest probability over the Doc's passages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup

from sibnlp.model import Model, load_model
from sibnlp.segmentation import SegmentSettings, segment
from sibnlp.speech.turns import find_turns
from sibnlp.types import Document, Passage

SPANS_KEY = "sibnlp"


@Language.factory(
    "sibnlp",
    default_config={
        "model": "gov-fast",
        "spans_key": SPANS_KEY,
        "max_words": 120,
        "min_words": 15,
        "interviewer": "context",
        "interviewers": [],
    },
    assigns=["doc.spans", "doc.cats"],
)
def make_component(
    nlp: Language,
    name: str,
    model: str,
    spans_key: str,
    max_words: int,
    min_words: int,
    interviewer: str,
    interviewers: list[str],
) -> GovernanceCoder:
    """Make the component; the arguments are its config."""
    settings = SegmentSettings(max_words, min_words, interviewer, tuple(interviewers))
    return GovernanceCoder(name, model, spans_key, settings)


class GovernanceCoder:
    """Codes the passages of Docs; see the module's docstring for where the results stand.

    Args:
        name: of the component in its pipeline.
        model: a shipped model or a model folder.
        spans_key: key in ``doc.spans``.
        settings: how a Doc's text is cut into passages.
    """

    def __init__(self, name: str, model: str, spans_key: str, settings: SegmentSettings) -> None:
        self.name, self.spans_key, self.settings = name, spans_key, settings
        self._model_name = model
        self._model: Model = load_model(model)

    def __call__(self, doc: Doc) -> Doc:
        """Code one Doc, in place."""
        return next(iter(self.pipe([doc])))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Code Docs in batches: the passages of a batch go through the model together."""
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            cut = [self._passages(doc) for doc in batch]
            predictions = self._model.predict([passage for passages in cut for passage in passages])
            row = 0
            for doc, passages in zip(batch, cut, strict=True):
                rows = range(row, row + len(passages))
                row += len(passages)
                self._write(doc, passages, predictions.probabilities[rows], predictions.assigned[rows])
            yield from batch

    def _passages(self, doc: Doc) -> list[Passage]:
        if not doc.text.strip():
            return []
        return segment(Document("", doc.text, turns=find_turns(doc.text)), self.settings)

    def _write(self, doc: Doc, passages: list[Passage], probabilities, assigned) -> None:  # type: ignore[no-untyped-def]
        spans, scores, offsets = [], [], []
        for passage, chances, given in zip(passages, probabilities, assigned, strict=True):
            for code, chance, held in zip(self._model.codes, chances, given, strict=True):
                if held:
                    span = doc.char_span(passage.start, passage.end, label=code, alignment_mode="expand")
                    if span is None:  # only a span of no token at all, which no passage is
                        continue
                    spans.append(span)
                    scores.append(float(chance))
                    offsets.append([passage.start, passage.end])
        attrs = {"scores": scores, "offsets": offsets}
        doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, spans=spans, attrs=attrs)
        highest = probabilities.max(axis=0) if len(passages) else [0.0] * len(self._model.codes)
        for code, chance in zip(self._model.codes, highest, strict=True):
            doc.cats[code] = float(chance)

    # The model stays in its own folder, which the config names: a saved pipeline refers to it. spaCy calls these
    # four on every component; there is nothing else to keep.
    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Nothing but the model's name, which the config holds already."""
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> GovernanceCoder:
        """Nothing to restore: the config named the model."""
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Nothing to write: the config names the model."""

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> GovernanceCoder:
        """Nothing to read: the config named the model."""
        return self
