"""What a reader is told of codings that correct nothing or stand alone: which they are, where from, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sibnlp.types import Passage


def left_out(absent: Sequence[Passage], changed: Sequence[Passage], documents: Collection[str], n: int) -> list[str]:
    """Codings that belong to no passage followed here.

    Args:
        absent: coded, but not among the predictions, and without scores of their own.
        changed: coded when they had another text.
        documents: that are followed.
        n: codings in all.

    >>> left_out([Passage("z:0-5", "z.txt", 0, 5, "other")], [], {"a.txt"}, 3)
    ['1 of 3 coded passages are not among the predictions and bring no scores: left out. 1 of documents that are not \
followed here (first: passage z:0-5 of z.txt).']
    """
    notes = []
    if absent:
        unknown = [passage for passage in absent if passage.document not in documents]
        inside = [passage for passage in absent if passage.document in documents]
        parts = [
            f"{len(some)} of {what} (first: {named(some[0])})"
            for some, what in (
                (unknown, "documents that are not followed here"),
                (inside, "documents that are, in which no passage has that id or text"),
            )
            if some
        ]
        notes.append(
            f"{len(absent)} of {n} coded passages are not among the predictions and bring no scores: left out. "
            f"{'; '.join(parts)}."
        )
    if changed:
        notes.append(
            f"{len(changed)} of {n} coded passages have another text than when they were coded: left out "
            f"(first: {named(changed[0])})."
        )
    return notes


def foreign(codes: Sequence[str]) -> list[str]:
    """Codes that no codebook defines, in quotes: one may hold what looks like several.

    Args:
        codes: as they stand in the codings.

    >>> foreign(["NMP"])
    ["Codings carry codes of no codebook followed here, which are passed over: 'NMP'."]
    >>> foreign(["NPM, PVM"])[0].partition("over: ")[2]
    "'NPM, PVM'. `;` separates codes, a comma does not: correct these."
    """
    if not codes:
        return []
    hint = " `;` separates codes, a comma does not: correct these." if any("," in code for code in codes) else ""
    quoted = ", ".join(map(repr, codes))
    return [f"Codings carry codes of no codebook followed here, which are passed over: {quoted}.{hint}"]


def unmatched(own: Sequence[Passage], coder: str, n: int, codes: tuple[int, int], documents: Collection[str]) -> str:
    """Passages of a coder that nobody else coded, as far as document and id say.

    Args:
        own: these passages, one at least.
        coder: whose they are.
        n: passages he coded in all.
        codes: how many codes he gave in `own`, and in all.
        documents: that somebody else coded anything in.

    >>> unmatched([Passage("a:0-5", "a.txt", 0, 5, "x"), Passage("b:0-5", "b.txt", 0, 5, "x")], "Ben", 3, (1, 4),
    ...     {"a.txt"})
    "2 of 3 passages of Ben, with 1 of 4 codes, are in nobody else's codings: 1 of documents that nobody else coded \
(first: passage b:0-5 of b.txt); 1 of documents that others did, who have no passage of that id (first: passage a:0-5 \
of a.txt). Passages are matched by `document` and `id`."
    """
    parts = [
        f"{len(some)} of {what} (first: {named(some[0])})"
        for some, what in (
            ([one for one in own if one.document not in documents], "documents that nobody else coded"),
            (
                [one for one in own if one.document in documents],
                "documents that others did, who have no passage of that id",
            ),
        )
        if some
    ]
    return (
        f"{len(own)} of {n} passages of {coder}, with {codes[0]} of {codes[1]} codes, are in nobody else's codings: "
        f"{'; '.join(parts)}. Passages are matched by `document` and `id`."
    )


def outside_the_sample(undrawn: Sequence[Passage], drawn: int, n: int) -> list[str]:
    """Codings without an inclusion probability beside others that have one.

    Args:
        undrawn: passages of the predictions that were coded without one.
        drawn: how many have one.
        n: codings in all.

    >>> outside_the_sample([Passage("a:0-5", "a.txt", 0, 5, "other")], 0, 3)
    []
    """
    if not undrawn or not drawn:
        return []
    return [
        f"{len(undrawn)} of {n} coded passages have no inclusion probability while others do: they are outside the "
        f"drawn sample and correct no figure that it corrects (first: {named(undrawn[0])}). Give every passage of the "
        "sample its probability (`sibnlp collect` does), or leave the others out."
    ]


def without_period(passages: Sequence[Passage]) -> list[str]:
    """Codings of passages that have no stage and no date.

    >>> without_period([Passage("a:0-5", "a.txt", 0, 5, "other")])
    ['1 coded passages have no period and correct nothing (first: passage a:0-5 of a.txt).']
    """
    if not passages:
        return []
    return [f"{len(passages)} coded passages have no period and correct nothing (first: {named(passages[0])})."]


def of_file(notes: Sequence[str], origin: str) -> tuple[str, ...]:
    """Notes that begin with the file the codings are from, where it is known.

    >>> of_file(["2 left out."], "gold.jsonl"), of_file(["2 left out."], "")
    (('gold.jsonl: 2 left out.',), ('2 left out.',))
    """
    return tuple(f"{origin}: {note}" if origin else note for note in notes)


def named(passage: Passage) -> str:
    """A passage as its file's reader finds it.

    >>> named(Passage("a:0-5", "a.txt", 0, 5, "other"))
    'passage a:0-5 of a.txt'
    """
    return f"passage {passage.id} of {passage.document}"
