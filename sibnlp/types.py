"""The data that travels: Document → Passage → Predictions → Prevalence → Trajectory.

Frozen dataclasses in memory, Arrow only at the file boundary (`sibnlp.tables`), one matrix for the one big thing.
All offsets are Unicode code points, half open: ``document.text[start:end]``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.errors import PassageError

NAN = float("nan")
INTERVIEW, DOCUMENT = "interview", "document"
# How the names of kinds begin in which people speak for themselves; every other kind is a document.
_SPOKEN = (INTERVIEW, "focus group", "transcript", "conversation")


def is_spoken(kind: str | None) -> bool:
    """Whether a kind of document is speech, as ``interview``, ``Interview 2`` and ``focus_group`` are."""
    return bool(kind) and str(kind).casefold().replace("_", " ").replace("-", " ").strip().startswith(_SPOKEN)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said in one go: the speech alone, without the label in front of it.

    Attributes:
        start, end: span of the speech in the document's text.
        speaker: the label as the source gives it; None where the source names nobody.
    """

    start: int
    end: int
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the source says about a span: structure or provenance.

    Attributes:
        start, end: the span.
        kind: ``heading``, ``table``, ``list_item``, ``footnote``, ``comment`` (structure); ``page`` (value: page
            number, from 1) or ``time`` (value: ``HH:MM:SS`` into the recording) (provenance).
        value: see kind; empty otherwise.
    """

    start: int
    end: int
    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a reader left out, counted: nothing disappears without a line in the report.

    Attributes:
        what: plain words, plural (``"tracked deletions"``, ``"running headers and footers"``).
        count: how many.
        example: the first of them, shortened; may be empty.
    """

    what: str
    count: int
    example: str = ""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who stands behind a label in a document."""

    label: str
    actor: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One source, as text of record.

    Attributes:
        id: path relative to the input, with forward slashes.
        text: the text of record: Unicode as in the source, LF line ends, no BOM, no reflow. Blocks (paragraphs, list
            items, table rows) are set apart by a blank line where the format knows blocks.
        format: the reader that made it (``word``, ``captions`` …).
        encoding: how the bytes were decoded (``utf-8``, ``cp1252`` …); empty for formats that fix it themselves.
        turns: speaker turns in order, not overlapping; empty where nobody speaks.
        marks: structure and provenance, in order of start.
        dropped: what the reader left out.
        rows: passages fixed by the source (the rows of a table); segmentation leaves them as they are.
        kind: ``interview``, ``document``, or the user's own word (``contract`` …); None until known.
        stage, date: period of the document; date is ISO 8601 (``2016``, ``2016-03`` or ``2016-03-21``).
        speakers: labels resolved to actors and roles.
        metadata: further columns of the user's, as pairs.
    """

    id: str
    text: str
    format: str = "text"
    encoding: str = ""
    turns: tuple[Turn, ...] = ()
    marks: tuple[Mark, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    rows: tuple[Passage, ...] = ()
    kind: str | None = None
    stage: str | None = None
    date: str | None = None
    speakers: tuple[Speaker, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 of the text of record as UTF-8 (lone surrogates kept), in hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def passage_id(document: str, start: int, end: int) -> str:
    """The id of a passage: readable, no hash, no two passages of a document share one."""
    return f"{document}:{start}-{end}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document that is coded as one.

    Attributes:
        id: ``document:start-end``, or a table row's own id.
        document: id of its document.
        start, end: ``document.text[start:end] == text``.
        text: the passage.
        speaker: label in the source; actor, role: whom it stands for (actor falls back on the label).
        stage, date, kind: of the document.
        context: the interviewer's question before it; read with the passage, never classified. Empty if none.
        heading: the heading it stands under. Empty if none.
        page: page number in the source, from 1; time: ``HH:MM:SS`` into the recording. None where unknown.
        extra: further columns, passed through to every output.
    """

    id: str
    document: str
    start: int
    end: int
    text: str
    speaker: str | None = None
    actor: str | None = None
    role: str | None = None
    stage: str | None = None
    date: str | None = None
    kind: str | None = None
    context: str = ""
    heading: str = ""
    page: int | None = None
    time: str | None = None
    extra: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise PassageError(self.id, self.start, self.end, "the span is empty or reversed")

    @property
    def n_words(self) -> int:
        """Number of white-space separated words."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Moved:
    """A word that moved the score of a code.

    Attributes:
        start, end: its span in the passage's text.
        weight: what it adds to the log-odds of the code; negative where it speaks against it.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class CodedPassage:
    """A passage with the codes one coder gave it.

    Attributes:
        passage: what was coded.
        codes: ids of the codes that hold; empty means read and found without a code.
        coder: person or model id; empty where unknown.
        extent: families the coder read this passage for; codes of other families are unknown, not absent. Empty means
            every family of the codebook.
        stances: how the speaker stands to each logic the passage carries, ``{"NPM": "resists"}``.
        inclusion_probability: chance this passage had of entering a probability sample; None if it is not in one.
    """

    passage: Passage
    codes: tuple[str, ...]
    coder: str = ""
    extent: tuple[str, ...] = ()
    stances: Mapping[str, str] = field(default_factory=dict)
    inclusion_probability: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model says of passages.

    Attributes:
        passages: n passages, in input order: a tuple, or a table that makes them as they are asked for
            (`sibnlp.tables.columnar`); go through them by `sibnlp.columns` where there may be a million.
        codes: ids of the k codes, the columns of the matrices.
        probabilities: float32 [n, k], calibrated probability that the code holds.
        assigned: bool [n, k], whether the code is given (at or over its threshold; at most one in an exclusive family).
        model: the model's id; for codings by people, the coder.
        abstained: bool [n, k], codes on which the model was too unsure to decide: not given, and not absent either.
            None where it decided everything.
        stances: of each passage, how its speaker stands to each logic it carries; empty where nobody says so.
    """

    passages: Sequence[Passage]
    codes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    assigned: NDArray[np.bool_]
    model: str
    abstained: NDArray[np.bool_] | None = None
    stances: tuple[Mapping[str, str], ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.passages), len(self.codes))
        if self.probabilities.shape != shape or self.assigned.shape != shape:
            raise ValueError(
                f"{shape[0]} passages and {shape[1]} codes, but probabilities are "
                f"{self.probabilities.shape} and assigned {self.assigned.shape}"
            )
        if self.abstained is not None and (self.abstained.shape != shape or (self.abstained & self.assigned).any()):
            raise ValueError("abstained is no mask of the codes that are not given")

    def __len__(self) -> int:
        return len(self.passages)

    def codes_of(self, row: int) -> tuple[str, ...]:
        """Codes given to passage number ``row``."""
        return tuple(code for code, given in zip(self.codes, self.assigned[row], strict=True) if given)

    def column(self, code: str) -> int:
        """Column of a code.

        Raises:
            KeyError: the model does not know the code.
        """
        try:
            return self.codes.index(code)
        except ValueError:
            raise KeyError(code) from None


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Share of a period's passages that carry a code (within a domain), with its interval.

    Attributes:
        domain: the domain that must hold as well; None for the whole.
        code, period: of what, when.
        estimate, low, high: shares in [0, 1]; NaN for a period without passages.
        n_passages, n_documents, n_speakers: the denominator.
        n_coded: passages that carry the code (and the domain).
        method: quantifier and rung, e.g. ``"count, uncorrected"``.
        corpus_low, corpus_high: interval about the share of these very passages: the classifier's error alone. Of an
            uncorrected figure, which is the share flagged, it is the estimate itself.
        rung: ``design-based``, ``corrected``, ``transported``, ``uncorrected`` or ``as coded``.
        refused: why better rungs were not used.
        denominator, weight: share of what (``talk``, ``domain``), and what counts the same.
        n_words: in the denominator.
        small: whether the cell is too small to be read alone; partial: whether the period had not ended yet.
        smooth: mean with both neighbours, where there are periods enough for it; NaN elsewhere.
        kind, group: of whom, where it is not everybody: ``role`` and its name, ``actor`` and theirs, ``sector``.
    """

    domain: str | None
    code: str
    period: str
    estimate: float
    low: float
    high: float
    n_passages: int
    n_documents: int
    n_speakers: int
    n_coded: int
    method: str
    corpus_low: float = NAN
    corpus_high: float = NAN
    rung: str = ""
    refused: tuple[str, ...] = ()
    denominator: str = ""
    weight: str = "passage"
    n_words: int = 0
    small: bool = False
    partial: bool = False
    smooth: float = NAN
    kind: str = ""
    group: str = ""


def _no_rows() -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Relation:
    """How two logics stand to each other in a domain and period (None where no rule matches).

    Attributes:
        domain, period: the cell.
        relation: of the family ``relation``; dominant: the logic that leads, if one does.
        support: share of resamples of actors that give the same answer.
        reason: which rule matched, or how far the nearest was.
        tentative: whether support is under what a finding needs.
        runner_up: the relation that came nearest where none matched; empty if none could have.
        marks: passages that carry a relation code, by code.
        n_joint: passages with both logics; expected: as many as chance would put together; p: two-sided, exact.
        passages_for, passages_against: ids of the first passages that speak for the relation (or the runner-up) and
            against it; n_for, n_against: how many there are.
        rows_for, rows_against: all of them, as rows of the scope's predictions.
    """

    domain: str | None
    period: str
    relation: str | None
    dominant: str | None
    support: float
    reason: str
    tentative: bool = False
    runner_up: str = ""
    marks: Mapping[str, int] = field(default_factory=dict)
    n_joint: int = 0
    expected: float = NAN
    p: float = NAN
    passages_for: tuple[str, ...] = ()
    passages_against: tuple[str, ...] = ()
    n_for: int = 0
    n_against: int = 0
    rows_for: NDArray[np.intp] = field(default_factory=_no_rows, compare=False, repr=False)
    rows_against: NDArray[np.intp] = field(default_factory=_no_rows, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Shift:
    """Change of a code's prevalence between two periods, and what may be concluded from it.

    Attributes:
        domain, code, start, end: of what, from when to when.
        change, low, high: in shares, with the process interval (other interviews, such actors); a corrected change that
            does not stand out from its own error is drawn towards the counted one, and ``method`` says so.
        outcome: ``shift``, ``no change`` or ``cannot tell``.
        corpus_low, corpus_high: interval about the change in these very passages.
        p, p_adjusted: of no change, alone and after Holm over the framework's cells.
        margin: odds ratio under which a change counts as none; smallest_margin: the smallest that would hold.
        undone_by: by how much the rate of false positives would have to differ between the periods for the interval to
            reach zero; NaN where it does already, or where no error rate is assumed.
        agree, variants: how many combinations of weight and quantifier give the same outcome, of how many.
        method, rung, refused: what the change stands on, as in `Prevalence`.
        exploratory: whether the periods were themselves chosen by looking at the data.
        difference: of the levels as they stand in the trajectory, which nothing is drawn towards.
    """

    domain: str | None
    code: str
    start: str
    end: str
    change: float
    low: float
    high: float
    outcome: str
    corpus_low: float = NAN
    corpus_high: float = NAN
    p: float = NAN
    p_adjusted: float = NAN
    margin: float = NAN
    smallest_margin: float = NAN
    undone_by: float = NAN
    agree: int = 0
    variants: int = 0
    method: str = ""
    rung: str = ""
    refused: tuple[str, ...] = ()
    exploratory: bool = False
    difference: float = NAN

    @property
    def shift(self) -> bool:
        """Whether a shift is established."""
        return self.outcome == "shift"


@dataclass(frozen=True, slots=True)
class Pole:
    """Which logic leads a domain at the start and at the end (K24 Table 2).

    Attributes:
        domain, start, end: where, and the periods compared.
        pole_start, pole_end: the leading logic; None where none leads.
        support_start, support_end: share of resamples of actors with the same leader.
        symbol: ``►`` poles differ, ``▲`` they are the same, ``?`` else.
    """

    domain: str | None
    start: str
    end: str
    pole_start: str | None
    pole_end: str | None
    support_start: float
    support_end: float
    symbol: str


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where a prevalence breaks: ``period`` is the first of the new level.

    Attributes:
        domain, code, period: of what, and when.
        before, after: mean level of the segments on both sides.
        p: share of shuffles of interviews over periods that break as clearly.
        support: share of resamples of actors that break within a period of it.
    """

    domain: str | None
    code: str
    period: str
    before: float
    after: float
    p: float
    support: float


@dataclass(frozen=True, slots=True)
class Decomposition:
    """A change split into what people said, how much they said, and who was asked. Exact and unclipped.

    Attributes:
        domain, code, start, end: of what, from when to when.
        total: ``within + composition + entry_exit``.
        within: change within the actors of both periods (stayers), at their mean share of voice.
        low, high: process interval of within; NaN with fewer than five stayers.
        composition: change of stayers' share of voice, at their mean level.
        entry_exit: ``entry + exit``, newcomers and leavers against the stayers' mean.
        agenda: of the change over all domains together, what is due to how much each domain is talked about;
            logic_within is the rest, change of the logic within domains. NaN but for the whole.
        n_stayers, n_entering, n_leaving: actors.
        corpus: standard errors about these passages, by part.
        reading: what may be said, in words.
    """

    domain: str | None
    code: str
    start: str
    end: str
    total: float
    within: float
    composition: float
    entry_exit: float
    low: float
    high: float
    entry: float = NAN
    exit: float = NAN
    agenda: float = NAN
    logic_within: float = NAN
    other: float = NAN
    n_stayers: int = 0
    n_entering: int = 0
    n_leaving: int = 0
    corpus: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How an actor stands to the logics in a period; to resist a logic is not to hold it.

    Attributes:
        actor, role, period: who, and when.
        n_passages, n_words: their passages.
        carries: passages that carry each logic; resists: of these, those that resist it; reports: that only report it.
        share: corrected share of their passages that carry each logic, unclipped.
        leads: the logic with `DOMINANT_SHARE` of the passages that hold either; None where none has.
    """

    actor: str
    role: str
    period: str
    n_passages: int
    n_words: int
    carries: Mapping[str, int]
    resists: Mapping[str, int]
    reports: Mapping[str, int]
    share: Mapping[str, float]
    leads: str | None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Prevalence over periods, with what follows from it.

    Attributes:
        framework: id of the codebook whose logics and domains are followed.
        periods: labels, in order of time.
        prevalence, relations, shifts: see there; one entry for every cell.
        scope: which passages were counted (``interview``, ``document``, ``all``).
        denominator: ``talk`` (all passages of the scope) or ``domain`` (those that carry the domain).
        notes: what a reader must know: corrections, empty periods, passages left out.
        level: of the intervals.
        period: how passages were assigned: ``stage``, ``year``, ``quarter``, ``month`` or ``undated``.
        weight: what counts the same.
        groups: prevalence within roles, actors and sectors.
        poles, change_points, decomposition, alignment: see there.
        warnings: signs that the instrument, not the talk, has changed.
    """

    framework: str
    periods: tuple[str, ...]
    prevalence: tuple[Prevalence, ...]
    relations: tuple[Relation, ...]
    shifts: tuple[Shift, ...]
    scope: str
    denominator: str
    notes: tuple[str, ...] = ()
    level: float = 0.95
    period: str = ""
    weight: str = "passage"
    groups: tuple[Prevalence, ...] = ()
    poles: tuple[Pole, ...] = ()
    change_points: tuple[ChangePoint, ...] = ()
    decomposition: tuple[Decomposition, ...] = ()
    alignment: tuple[Alignment, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A passage that shows a code (within a domain, in a period) best.

    Attributes:
        framework, domain, code, period: the cell it stands for; domain None for the whole.
        row: its row in the predictions.
        score: what it was ranked by, the lower of the code's and the domain's probability.
    """

    framework: str
    domain: str | None
    code: str
    period: str
    row: int
    score: float


@dataclass(frozen=True, slots=True)
class Source:
    """What became of one input file.

    Attributes:
        id, format, encoding, kind, stage, date: as in `Document`.
        n_passages, n_words: passages classified, and their words.
        n_context: passages kept as context (the interviewer's).
        speakers: labels of those who answer; interviewers: labels of those who ask.
        dropped: what the reader left out.
        problem: why it could not be read; empty if it could.
    """

    id: str
    format: str = ""
    encoding: str = ""
    kind: str | None = None
    stage: str | None = None
    date: str | None = None
    n_passages: int = 0
    n_words: int = 0
    n_context: int = 0
    speakers: tuple[str, ...] = ()
    interviewers: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that a drift report shows.

    Attributes:
        title: of the case.
        trajectories: one per framework (codebook) that was asked for.
        documents: trajectories of the same frameworks over documents where the main ones are over interviews.
        predictions: every classified passage, so that every figure leads back to its passages.
        exemplars: telling passages, best first within a cell.
        sources: one per input file, read or not.
        names: display name by code, period or framework id.
        provenance: what produced this, as label → value (model, codebook fingerprints, versions, settings, times).
        warnings: what a reader of the figures must know.
        reasons: words that moved the score of each code given, by row of the predictions and code; empty where the
            model's score is no sum over words.
    """

    title: str
    trajectories: tuple[Trajectory, ...]
    documents: tuple[Trajectory, ...]
    predictions: Predictions
    exemplars: tuple[Exemplar, ...]
    sources: tuple[Source, ...]
    names: Mapping[str, str]
    provenance: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    reasons: Mapping[int, Mapping[str, tuple[Moved, ...]]] = field(default_factory=dict)
