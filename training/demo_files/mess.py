"""Applying the mess of `training.demo_files.ledger` to the words of a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from training.demo_files import ledger


class _Worded(Protocol):
    """A record: its words, and the beat they were written to."""

    @property
    def text(self) -> str: ...
    @property
    def beat(self) -> int | None: ...
    @property
    def interviewer(self) -> bool: ...


def curly(text: str) -> str:
    """Straight quotation marks and apostrophes made curly, as word processors do while one types."""
    out = []
    for i, character in enumerate(text):
        opens = i == 0 or text[i - 1].isspace() or text[i - 1] in "([—–“‘"
        pairs = {'"': "“”", "'": "‘’"}.get(character)
        out.append(pairs[not opens] if pairs else character)
    return "".join(out)


def heard(document: str, beat: int | None, text: str) -> str:
    """A text with the mis-hearings of its beat."""
    for at, said, written in ledger.HEARD.get(document, ()):
        if at == beat:
            text = text.replace(said, written, 1)
    return text


def noted(document: str, beat: int | None, text: str) -> str:
    """A text with the typist's note of its turn."""
    note = ledger.NOTES.get(document, {}).get(-1 if beat is None else beat)
    return f"{text} {note}" if note else text


def struck(document: str, beat: int | None, text: str) -> str:
    """A text with the words that are struck through, in Markdown."""
    for at, right, wrong in ledger.STRUCK.get(document, ()):
        if at == beat:
            text = text.replace(right, f"~~{wrong}~~ {right}", 1)
    return text


def pieces(document: str, beat: int | None, text: str) -> list[tuple[str, str]]:
    """A text with curly quotation marks, cut at the tracked changes that stand in it.

    Returns:
        (``keep``, ``insert`` or ``delete``; words), in order.
    """
    out = [("keep", curly(text))]
    for change in ledger.CHANGES.get(document, ()):
        anchor = curly(change.inserted or change.after)
        if change.beat != beat or anchor not in out[-1][1]:
            continue
        before, _, after = out.pop()[1].partition(anchor)
        before = before if change.inserted else before + anchor
        marks = [("delete", curly(change.deleted)), ("insert", anchor if change.inserted else "")]
        out += [("keep", before), *marks, ("keep", after)]
    return [(how, words) for how, words in out if words]


def lacking(document: str, records: Sequence[_Worded]) -> list[str]:
    """What the ledger would do to a document and cannot, since the words are not where it looks for them."""
    by_beat: dict[int, str] = {}
    for record in records:
        if record.beat is not None and not record.interviewer:
            by_beat[record.beat] = f"{by_beat.get(record.beat, '')} {record.text}"
    missing = [
        f"{document}, beat {beat}: {words!r} is not in the text"
        for beat, words in _anchors(document)
        if words not in by_beat.get(beat, "")
    ]
    missing += [
        f"{document}, beat {change.beat}: {change.deleted!r} is to be deleted, and is in the text"
        for change in ledger.CHANGES.get(document, ())
        if change.deleted and change.deleted.strip() in by_beat.get(change.beat, "")
    ]
    missing += [
        f"{document}, record {hangs}: {words!r} is not in the text"
        for hangs, words, _ in ledger.FOOTNOTES.get(document, {}).values()
        if words not in records[hangs - 1].text
    ]
    return missing


def _anchors(document: str) -> Iterator[tuple[int, str]]:
    yield from ((beat, said) for beat, said, _ in ledger.HEARD.get(document, ()))
    yield from ((change.beat, change.inserted or change.after) for change in ledger.CHANGES.get(document, ()))
    yield from ((beat, right) for beat, right, _ in ledger.STRUCK.get(document, ()))
    yield from ((beat, "") for beat in ledger.NOTES.get(document, {}))
    if document in ledger.COMMENTS:
        yield ledger.COMMENTS[document][:2]


def as_data() -> dict[str, Any]:
    """All of the ledger that changes words or their order, for ``truth.json``."""
    return {
        "heard": {
            document: [{"beat": beat, "said": said, "written": written} for beat, said, written in changes]
            for document, changes in sorted(ledger.HEARD.items())
        },
        "tracked": {
            document: [{"beat": c.beat, "inserted": c.inserted, "deleted": c.deleted} for c in changes]
            for document, changes in sorted(ledger.CHANGES.items())
        },
        "comments": {document: text for document, (_, _, _, text) in sorted(ledger.COMMENTS.items())},
        "notes": {
            document: {str(beat): note for beat, note in notes.items()}
            for document, notes in sorted(ledger.NOTES.items())
        },
        "struck": {
            document: [{"beat": beat, "right": right, "struck": wrong} for beat, right, wrong in changes]
            for document, changes in sorted(ledger.STRUCK.items())
        },
        "footnotes": {document: sorted(notes) for document, notes in sorted(ledger.FOOTNOTES.items())},
        "pulled": {document: words for document, (_, words) in sorted(ledger.PULLED.items())},
    }
