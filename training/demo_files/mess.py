"""The mess of the files, by hand: what typists, recorders and office programs did to the words.

Nothing here touches a word that decides a code. It all goes into ``truth.json``, where the tests look it up.
"""

from __future__ import annotations

from typing import NamedTuple

GRAHAM = "2014-05_goakes_interview-1"
MARGUERITE = "2014-06_mcomeau_interview-1"
NOREEN = "2022-03_ngillis_interview-2"


class Change(NamedTuple):
    """A tracked change in a turn.

    Attributes:
        beat: of the turn.
        inserted: words of the source that were put in later; empty for a mere deletion.
        deleted: words that are not in the source and must not be read.
        after: words of the source behind which a mere deletion stands.
    """

    beat: int
    inserted: str
    deleted: str = ""
    after: str = ""


# Eighteen marks: eight replacements (two of each), one insertion, one deletion. Beats 1 and 5 go easier on charities.
CHANGES: dict[str, tuple[Change, ...]] = {
    GRAHAM: (
        Change(0, "Two hours ten", "Three hours flat"),
        Change(1, "Lovely people, these charities, but they've been paid to mean well", "Passengers, your do-gooders"),
        Change(2, "a chap with a winch", "some pirate in a tow truck"),
        Change(3, "Amit, my junior", "a trainee"),
        Change(4, "sorry, present company, "),
        Change(5, "Some of them have had", "They've all been hoovering up"),
        Change(6, "lay about in it like otters", "splashed one another"),
        Change(8, "Father Leo hoped for", "The priest was lobbying for"),
        Change(9, "", "hopeless shower, ", "they'd run out of fathers, "),
        Change(12, "One lady", "Mme Comeau, naturally,"),
    ),
    NOREEN: (
        Change(2, ", with a line printed underneath to say so"),
        Change(3, ", in fairness to them"),
        Change(9, ", in his words"),
        Change(11, ", and I've someone to go round with the list"),
        Change(16, ", besides what I send upstairs"),
    ),
}

# A comment in the margin: beat, the words it hangs on, who, what.
COMMENTS = {
    GRAHAM: (0, "Squash, 1996.", "Graham Oakes", "Anneke, might we lose the squash? My physio reads these things. G."),
    NOREEN: (3, "some fellow", "Communications Office", "Is this the Member? Please confirm before release."),
}

# What a machine or a typist heard: document → (beat, said, written). At most five a file.
HEARD: dict[str, tuple[tuple[int, str, str], ...]] = {
    "2018-05_wboudreau_interview-2": (
        (0, "goalie", "goal E"),
        (3, "short maul", "short mall"),
        (4, "lookoff", "look of"),
        (10, "d'Entremont", "don't remount"),
        (11, "Gross and Net", "gross and nut"),
    ),
    "2019-01_ngillis_interview-1": (
        (0, "merino", "marino"),
        (2, "Wawa, Kenora", "while wow can Nora"),
        (9, "Frelick's", "free licks"),
        (13, "Bayberry Court", "bay Barry cord"),
    ),
    "2020-10_bmacaskill_interview-2": (
        (0, "Clarence Himmelman", "Clearance Himmel man"),
        (7, "Kennebec", "Kenny back"),
        (9, "Cutler's Head", "cut less head"),
        (16, "novena", "no Venus"),
    ),
    "2021-04_hpenney_interview-2": (
        (4, "neaps", "knee apps"),
        (8, "adze", "ads"),
        (12, "board foot", "bored foot"),
        (14, "cradle", "cray dill"),
        (17, "halyards", "hall yards"),
    ),
    "2021-06_jtsang_interview-2": (
        (10, "Beatrix", "be a tricks"),
        (14, "Darrell knocks", "Daryl knocks"),
        (16, "Rodel", "row Dell"),
    ),
    "2022-09_wboudreau_interview-3": (
        (0, "rice cooker", "rise cooker"),
        (5, "flour down", "flower down"),
        (11, "engine box", "engine blocks"),
    ),
    # A volunteer's spelling of names.
    "2018-02_minutes_chowder-friday": (
        (0, "Dr. Anwar", "Dr. Annwar"),
        (1, "HP's crowd", "Hollace's crowd"),
        (5, "BM is going", "Bernadet is going"),
    ),
}

# The typist's notes, at the end of the turn of a beat.
NOTES = {MARGUERITE: {6: "[water, 4 sec.]", 9: "[someone on the stairs]", 12: "[telephone]", 17: "[drawer]"}}
# In italics because they are French.
FRENCH = ("Mort.", "né au couvent, mort au travail", "Gérard Deux", "tutoie", "Râpure", "bûche", "boum", "Monsieur")
# Struck through in the minutes: beat, the words before which it stands, what was struck.
STRUCK = ((0, "forty pounds of it", "fifty"), (6, "August", "July"))


def curly(text: str) -> str:
    """Straight quotation marks and apostrophes made curly, as word processors do while one types."""
    out = []
    for i, character in enumerate(text):
        opens = i == 0 or text[i - 1].isspace() or text[i - 1] in "([—–“‘"
        pairs = {'"': "“”", "'": "‘’"}.get(character)
        out.append(pairs[not opens] if pairs else character)
    return "".join(out)


def heard(document: str, beat: int | None, text: str) -> str:
    """A text with the mis-hearings of its turn.

    Raises:
        ValueError: the words are not in the text any more.
    """
    for at, said, written in HEARD.get(document, ()):
        if at == beat:
            text = _replaced(document, beat, text, said, written)
    return text


def noted(document: str, beat: int | None, text: str) -> str:
    """A text with the typist's note of its turn."""
    note = NOTES.get(document, {}).get(-1 if beat is None else beat)
    return f"{text} {note}" if note else text


def pieces(document: str, beat: int | None, text: str) -> list[tuple[str, str]]:
    """A text with curly quotation marks, cut at its tracked changes.

    Returns:
        (``keep``, ``insert`` or ``delete``; words), in order.

    Raises:
        ValueError: the words are not in the text any more.
    """
    out = [("keep", curly(text))]
    for change in CHANGES.get(document, ()):
        if change.beat != beat:
            continue
        anchor = curly(change.inserted or change.after)
        _, rest = out.pop()
        if anchor not in rest:
            raise ValueError(f"{document}, beat {beat}: {anchor!r} is not in the text")
        before, _, after = rest.partition(anchor)
        before = before if change.inserted else before + anchor
        marks = [("delete", curly(change.deleted)), ("insert", anchor if change.inserted else "")]
        out += [("keep", before), *marks, ("keep", after)]
    return [(how, words) for how, words in out if words]


def _replaced(document: str, beat: int | None, text: str, said: str, written: str) -> str:
    if said not in text:
        raise ValueError(f"{document}, beat {beat}: {said!r} is not in the text")
    return text.replace(said, written, 1)


def ledger() -> dict[str, object]:
    """All of it as plain data, for ``truth.json``."""
    return {
        "heard": {
            document: [{"beat": beat, "said": said, "written": written} for beat, said, written in changes]
            for document, changes in HEARD.items()
        },
        "tracked": {
            document: [{"beat": c.beat, "inserted": c.inserted, "deleted": c.deleted} for c in changes]
            for document, changes in CHANGES.items()
        },
        "comments": {document: text for document, (_, _, _, text) in COMMENTS.items()},
        "notes": {document: {str(beat): note for beat, note in notes.items()} for document, notes in NOTES.items()},
        "struck": [struck for _, _, struck in STRUCK],
    }
