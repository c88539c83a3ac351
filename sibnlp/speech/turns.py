"""Who speaks where in plain text, and which of them asks the questions.

A line such as ``Anna: …`` may be speech or a form field (``Purpose: …``), so a label counts only on evidence:

1. It is *plausible*: a word for a role (``Interviewer``, ``Q``, ``SPEAKER_00``), an id (``R1``) or shaped like a name.
   Field names of documents (``Note``, ``Stage 1``, ``Key findings``, ``http``) never are.
2. It *recurs* (twice), or is a role word, or is a full name (two capitalised words), in company of labels that recur.
3. The labels together *alternate* (two labels, at least three turns) or one stands there three times, they open a fair
   share of the lines, and, where only the shape of a name speaks for them, sentences follow and not fields of a form.

Minutes in which ``Chair: …`` and ``Cllr Smith: …`` alternate are read as speech; one ``Chair: Anna Berg`` is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from sibnlp.types import Turn

# How much speaks for a label; see `plausible`.
NOT_A_LABEL, ONE_WORD, FULL_NAME, ROLE = range(4)
# Share of the non-empty lines that labels must open: hard-wrapped long answers leave few lines with a label.
MIN_SHARE = {ONE_WORD: 0.08, FULL_NAME: 0.03, ROLE: 0.02}
# An interviewer asks in at least half of the turns, says at most 0.7 times the words of the others together, and nobody
# else asks in more than 0.7 times as large a share of turns; turns of three words without a question are not counted.
MIN_ASKS, MAX_WORDS, MAX_RIVAL, LISTENING = 0.5, 0.7, 0.7, 3
# More speakers than this, and a column of a table is no column of names.
MAX_LAID_OUT = 8


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


ASKERS = _words("interviewer interviewers interviewerin int i q question moderator facilitator researcher host")
_ANSWERERS = _words(
    """interviewee respondent participant speaker guest panelist panellist witness answer a r p s m f w
    resp befragter befragte informant unknown unidentified"""
)
# Fields of documents and forms, and sounds that transcribers put in brackets.
_FIELDS = _words(
    """abstract action activity address agenda aim annex answers apologies appendix applause application approach
    article attachment attendees audience author background basis benefit body box budget category cc challenge
    chapter code comment conclusion condition contact contents context cost country criteria criterion crosstalk
    date day deadline decision definition deliverable description details discussion document domain due
    duration effect email end event evidence example feedback figure file finding first focus footnote format
    from funding gap goal group guidance how http id impact inaudible indicator information input intro
    introduction issue item key language laughter length lesson level link list location logic measure message
    method milestone minute mission model music name no note notice now number objective ok option organisation
    outcome output overview owner page paragraph part pause period phase phone point policy position present
    price principle priority problem procedure product programme progress project proposal proposed purpose
    questions rationale reason recommendation recording redacted remember reply requirement resources result
    review risk role rule sample scope section sector see service skill slide so source stage stakeholder
    standard start state status step strategy strength subtitle summary table target task team term theme time
    timeline timing tip title to tool topic total transcript type update url user value venue version vision
    warning weakness web website what when where why work yes"""
)
_PARTICLES = _words("de del della der den di du da dos la le van von zu zur bin al el und and of & y")
# Behind one of these even "Page" and "Price" are names.
_TITLES = _words("mr mrs ms miss mx dr prof professor sir dame lord lady baroness cllr councillor hon rev")

_TIME = r"\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?"
# All quantifiers are bounded and every pattern is matched at a line's start, so that a hostile line costs its length.
_BOLD = r"(?:\*\*|__)?"
_LABEL = r"(?P<label>[^\W\d_][^\n:*<>|\[\]{}\"“”?!;=/\\]{0,48}?)"
_COLON = re.compile(
    rf"[ \t]{{0,40}}(?:[-•][ \t])?(?P<mark>>>+[ \t]?)?{_BOLD}(?P<before>[\[(]?{_TIME}[\])]?[ \t–-]{{0,9}})?"
    rf"{_BOLD}{_LABEL}{_BOLD}[ \t]{{0,9}}(?P<after>[\[(]?{_TIME}[\])]?[ \t]{{0,9}})?{_BOLD}:{_BOLD}(?=\s|$)"
)
_OWN_LINE = re.compile(
    rf"[ \t]{{0,40}}(?:\*\*|__|\[)?{_LABEL}(?:\*\*|__|\])?(?:[ \t]{{2,40}}|(?<=[\]*_])[ \t]|\t)"
    rf"[\[(]?{_TIME}(?: ?[AaPp][Mm])?[\])]?[ \t]*$"
)
_BRACKET = re.compile(r"[ \t]{0,40}\[(?P<label>[^\W\d_][^\n\[\]<>|:]{0,30})\](?!\()[ \t]{0,9}:?(?=[ \t]|$)")
# "ANNA - speech" of typists, "Anna | speech" of transcripts laid out as a table: looked for where nothing else is.
_LAID_OUT = re.compile(rf"[ \t]{{0,40}}{_BOLD}{_LABEL}{_BOLD}(?P<bar>[ \t]\|[ \t]|[ \t]{{1,4}}[-–—][ \t])(?=\S)")
# What an expression needs, which costs far less to look for than the expression: the first colon of `_COLON` stands
# before this, unless chevrons lead it away; `_OWN_LINE` is no longer than this and ends in a time; the bar or dash of
# `_LAID_OUT` ends before this.
_COLON_REACH, _OWN_LINE_REACH, _LAID_OUT_REACH = 157, 152, 99
_BAR = re.compile(r"[ \t][|\-–—][ \t]")
_CHEVRON = re.compile(r"[ \t]{0,40}>>+(?=\s|[^\W\d_])")
_ID = re.compile(r"(?:[A-Za-z]{1,12}[ _#.-]?\d{1,3}[a-z]?|[A-Z])$")
_NAME = re.compile(r"[^\W\d_]{1,30}(?:['’.\-][^\W\d_]{0,29}){0,3}|&")
_NUMBERED = re.compile(r"\s*(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|[IVX]{1,5}\.|[A-Z]\.)[ \t]+(?=[^\W\d_])")
_PARTED = re.compile(r"(?i:part|section|chapter|theme|topic|annex|appendix|stage|phase)[ \t]+[\dIVXA-Z]{1,4}\b")
_HASHES = re.compile(r"#{1,6}[ \t]")
_SENTENCE = re.compile(r"[.?!…。？！]")


@lru_cache(maxsize=4096)
def plausible(label: str) -> int:
    """How much a label looks like a speaker.

    Args:
        label: what stands before the colon, between the brackets, or before the time.

    Returns:
        `NOT_A_LABEL`; `ONE_WORD` (``Anna``); `FULL_NAME` (``Anna Berg``, ``MR SMITH``); or `ROLE` (``Interviewer 1``,
        ``Q``, ``SPEAKER_00``, ``id1``, ``Anna Berg (Interviewer)``).
    """
    label = label.strip()
    name, _, note = label.rstrip(")").partition("(")
    words = re.findall(r"[^\s,_]+", name)
    if (
        not 0 < len(words) <= 5
        or len(label) > 50
        or ("," in name and len(words) > 3)
        or (label[-1] in ".,-" and len(words) > 3)
    ):
        return NOT_A_LABEL
    lower = [word.strip(".'’-#").lower() for word in words]
    roles = ASKERS | _ANSWERERS
    if lower[0] not in _TITLES and any(map(_is_field_word, lower)):
        return NOT_A_LABEL
    if lower[0].rstrip("0123456789") in roles and all(w in roles or w.isdigit() or len(w) == 1 for w in lower[1:]):
        # Q1, Q2 … number the questions of a form; plain words of the language need their capital.
        return NOT_A_LABEL if re.match(r"[qQ]\d", name) else ROLE
    if _ID.match(name.strip()):
        return ROLE
    if set(note.lower().split()) & roles:
        return ROLE
    shaped = all(word[0].isupper() or low in _PARTICLES for word, low in zip(words, lower, strict=True))
    if not shaped or not all(_NAME.fullmatch(word) for word in words):
        return NOT_A_LABEL
    return FULL_NAME if len(words) > 1 else ONE_WORD


def _is_field_word(word: str) -> bool:
    """Whether a word names a field or a sound, in the plural too or with a number (``stage1``; ``id1`` is an id)."""
    stem = word.rstrip("0123456789")
    return bool({word, word.removesuffix("s")} & _FIELDS) or (stem in _FIELDS and stem != "id")


def accepted(labels: Sequence[str], n_lines: int, carried: bool = False) -> frozenset[str]:
    """Which candidate labels of a text are speakers, by rules 1 to 3 of this module (but for the look at sentences).

    Args:
        labels: the label of every candidate line, in order.
        n_lines: non-empty lines of the text (for captions: cues).
        carried: a label holds for the lines after it (captions), so that the share of lines says little.
    """
    counts = Counter(label for label in labels if plausible(label))
    share = counts.total() / max(n_lines, 1)
    recurring = {label for label, n in counts.items() if n > 1}
    kept = {label for label in counts if label in recurring or _stands_alone(label)}
    if share >= 0.5 and (recurring or any(_stands_alone(label) and plausible(label) == ROLE for label in kept)):
        # Nearly every line opens with a name: a name that comes once is one more speaker, not a phrase.
        kept |= set(counts)
    sequence = [label for label in labels if label in kept]
    changes = sum(a != b for a, b in pairwise(sequence))
    strength = max((plausible(label) for label in kept), default=NOT_A_LABEL)
    alternate = len(kept) > 1 and ((recurring and changes > 1) or strength == ROLE or (carried and share >= 0.5))
    often = max(counts[label] for label in kept) > 2 if kept else False
    needed = (0.02 if strength == ONE_WORD else 0) if carried else MIN_SHARE.get(strength, 1)
    dense = len(sequence) >= needed * n_lines
    form = strength < ROLE and _is_form(sequence)
    return frozenset(kept) if dense and (alternate or often) and not form else frozenset()


def _stands_alone(label: str) -> bool:
    """Whether a label needs no second occurrence: a full name or a role word, but not a lone letter or an id."""
    word = label.rstrip("0123456789").rstrip(" _#.-").lower()
    return plausible(label) >= FULL_NAME and (not _ID.match(label) or (len(word) > 2 and word in ASKERS | _ANSWERERS))


def _is_form(sequence: Sequence[str]) -> bool:
    """Whether three or more labels come round in one order, like the fields of a repeated form."""
    n = len(set(sequence))
    return n > 2 and len(sequence) >= 2 * n and all(a == b for a, b in zip(sequence, sequence[n:], strict=False))


@dataclass(frozen=True, slots=True)
class _Opening:
    """A line that may open a turn: where label and speech begin, whose it is, whether a time or mark vouches for it."""

    start: int
    speech: int
    label: str | None
    vouched: bool


def _is_field(line: str) -> bool:
    match = _COLON.match(line) if _may_label(line, line.find(":")) else None
    return bool(match) and any(map(_is_field_word, match["label"].lower().split()))  # type: ignore[index]


def _may_label(line: str, colon: int) -> bool:
    """Whether `_COLON` may match a line whose first colon is known."""
    return 0 <= colon < _COLON_REACH or (colon >= 0 and ">>" in line)


def _may_end_in_time(line: str) -> bool:
    """Whether `_OWN_LINE` may match."""
    bare = line.rstrip(" \t")
    # Digits of every script are digits to the expression.
    return len(bare) <= _OWN_LINE_REACH and (bare[-1:].isdecimal() or bare.endswith(("m", "M", ")", "]")))


def _may_be_laid_out(line: str) -> bool:
    """Whether `_LAID_OUT` may match."""
    head = line[:_LAID_OUT_REACH]
    return ("-" in head or "–" in head or "—" in head or "|" in head) and _BAR.search(head) is not None


def _opening(line: str, offset: int, chevrons: bool) -> _Opening | None:
    colon = line.find(":")
    if _may_label(line, colon) and (match := _COLON.match(line)):
        label = match["label"].strip()
        if plausible(label) and (chevrons or not match["mark"]):
            vouched = any(match[group] for group in ("before", "after", "mark"))
            return _Opening(offset, offset + match.end(), label, vouched)
    for pattern, possible in ((_OWN_LINE, colon >= 0 and _may_end_in_time(line)), (_BRACKET, "[" in line)):
        if possible and (match := pattern.match(line)) and plausible(match["label"]):
            return _Opening(offset, offset + match.end(), match["label"].strip(), pattern is _OWN_LINE)
    if chevrons and ">>" in line and (match := _CHEVRON.match(line)):
        return _Opening(offset, offset + match.end(), None, True)
    return None


def is_heading(lines: Sequence[str], i: int) -> bool:
    """Whether line ``i`` looks like a heading.

    Markdown's ``#``; or short, alone between blank lines, without the end of a sentence, and numbered (``1.2 Title``),
    parted (``Theme 1: …``) or in capitals (two words or more).
    """
    line = lines[i].strip()
    if not line:
        return False
    if line[0] == "#" and _HASHES.match(line):
        return True
    if not 2 < len(line) <= 80:
        return False
    alone = (i == 0 or not lines[i - 1].strip()) and (i + 1 == len(lines) or not lines[i + 1].strip())
    if not alone or line[-1] in ".?!;,…" or len(line.split()) > 10:
        return False
    number = _NUMBERED.match(line)
    if number:
        return line[number.end()].isupper() and len(line.split()) <= 9
    words = re.findall(r"[^\W\d_]{2,}", line)
    return bool(_PARTED.match(line)) or (line.isupper() and len(words) > 1 and line[0] != "[")


def _laid_out(lines: Sequence[str], offsets: Sequence[int]) -> list[_Opening]:
    """Openings by a dash or a table's bar, if they are beyond doubt: few labels that recur and take turns.

    A dash alone may hang on anything, so there the labels must be in capitals.
    """
    openings = []
    for offset, line in zip(offsets, lines, strict=True):
        match = _LAID_OUT.match(line) if _may_be_laid_out(line) else None
        if match and plausible(match["label"]) and ("|" in match["bar"] or match["label"].strip().isupper()):
            openings.append(_Opening(offset, offset + match.end(), match["label"].strip(), False))
    counts = Counter(opening.label for opening in openings)
    kept = {label for label, n in counts.items() if n > 1}
    openings = [opening for opening in openings if opening.label in kept]
    changes = sum(a.label != b.label for a, b in pairwise(openings))
    return openings if 1 < len(kept) <= MAX_LAID_OUT and 2 * changes >= len(openings) > 3 else []


def find_turns(text: str) -> tuple[Turn, ...]:
    """Find speaker turns in plain text.

    Paragraphs without a label belong to the turn before them, up to the next label or heading-like line.

    Args:
        text: text of record, LF line ends.

    Returns:
        Turns in order, not overlapping, each the speech alone: without label, time and surrounding white space. Empty
        where the evidence is too thin. ``speaker`` is None for turns opened by a bare ``>>``.
    """
    lines = text.split("\n")
    offsets = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))
    # "> " quotes mail and Markdown, and then ">>" is a quotation of a quotation.
    chevrons = not (text.startswith("> ") or "\n> " in text)
    # Every opening has one of these in it, and most lines have none.
    marked = ((at, line) for at, line in zip(offsets, lines, strict=True) if ":" in line or "[" in line or ">>" in line)
    candidates = (_opening(line, at, chevrons) for at, line in marked)
    openings = [opening for opening in candidates if opening]
    n_lines = sum(map(bool, map(str.strip, lines)))
    keep = accepted([o.label for o in openings if o.label], n_lines)
    if not keep and not any(o.vouched for o in openings):
        openings = _laid_out(lines, offsets)
        keep = frozenset(o.label or "" for o in openings)
    if not openings:
        return ()
    # A time or ">>" vouches for a label, but an agenda (``Coffee  10:30``) has neither names nor repetition.
    vouched = [o.label or "" for o in openings if o.vouched]
    named = len(set(vouched)) > 1 and all(plausible(label) > ONE_WORD for label in vouched)
    if (named or len(set(vouched)) < len(vouched) > 2) and len(vouched) >= 0.02 * n_lines:
        keep |= set(vouched)
    openings = [o for o in openings if (o.label or "") in keep]
    # A turn ends at the next opening or heading, whichever comes first.
    starts = {o.start for o in openings}
    headings = {at for i, at in enumerate(offsets) if at not in starts and is_heading(lines, i)}
    stops = sorted(starts | headings | {len(text)})
    turns, k = [], 0
    for opening in openings:
        while stops[k] <= opening.start:
            k += 1
        speech = text[opening.speech : stops[k]]
        start = opening.speech + len(speech) - len(speech.lstrip())
        if speech.strip():
            turns.append(Turn(start, start + len(speech.strip()), opening.label))
    if not turns or any(o.vouched or plausible(o.label or "") == ROLE for o in openings):
        return tuple(turns)
    # Only the shape of a name speaks for these labels: speech has sentences, and no fields of a form among the turns.
    sentences = sum(1 for turn in turns if _SENTENCE.search(text, turn.start, turn.end))
    fields = sum(1 for at, line in zip(offsets, lines, strict=True) if at > openings[0].start and _is_field(line))
    return () if 2 * sentences < len(turns) or 3 * fields >= len(turns) else tuple(turns)


def interviewers(text: str, turns: Sequence[Turn], names: Iterable[str] = ()) -> frozenset[str]:
    """Which labels are interviewers.

    The first rule that names somebody decides: (1) a label equals one of ``names``, whatever its case; (2) it is a word
    for an interviewer (`ASKERS`, with or without a number, or in brackets behind a name) and others speak as well;
    (3) of two or more speakers one asks most: at least half of its turns hold a question mark (but for `LISTENING`
    ones), it has clearly fewer words than the others together, and no other asks nearly as much.

    Args:
        text: text of record.
        turns: its turns.
        names: labels the user gives as interviewers.
    """
    labels = {turn.speaker for turn in turns if turn.speaker}
    given = {name.strip().casefold() for name in names}
    called = frozenset(label for label in labels if label.strip().casefold() in given)
    known = frozenset(label for label in labels if _is_asker(label))
    if called or (known and known != labels):
        return called or known
    n_turns, n_asking, n_words = Counter[str](), Counter[str](), Counter[str]()
    for turn in turns:
        if turn.speaker:
            speech = text[turn.start : turn.end]
            asks_here, words = any(mark in speech for mark in "?？؟"), len(speech.split())
            # "Okay." and "Yeah, sure." only show that somebody listens.
            n_turns[turn.speaker] += asks_here or words > LISTENING
            n_asking[turn.speaker] += asks_here
            n_words[turn.speaker] += words
    asks = {label: n_asking[label] / max(n_turns[label], 1) for label in sorted(labels)}
    # Somebody with a single turn can neither be told nor rule anybody out.
    first, *others = sorted((label for label in asks if n_turns[label] > 1), key=lambda label: -asks[label]) or [""]
    if not first or asks[first] < MIN_ASKS or any(asks[other] > MAX_RIVAL * asks[first] for other in others):
        return frozenset()
    rest = n_words.total() - n_words[first]
    return frozenset({first} if n_words[first] <= MAX_WORDS * rest else ())


def _is_asker(label: str) -> bool:
    name, _, note = label.casefold().rstrip(")").partition("(")
    first, *others = (word.strip(".#") for word in re.split(r"[\s_]+", name.strip()))
    numbered = first.rstrip("0123456789") in ASKERS and all(word.isdigit() or len(word) == 1 for word in others)
    return numbered or bool(set(note.split()) & ASKERS)
