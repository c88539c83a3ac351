"""A report made up for tests: two frameworks, three stages, an empty cell, hostile strings, a failed source."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sibnlp.types import (
    Alignment,
    ChangePoint,
    Decomposition,
    Dropped,
    Exemplar,
    Moved,
    Passage,
    Pole,
    Predictions,
    Prevalence,
    Relation,
    Report,
    Shift,
    Source,
    Trajectory,
)
from sibnlp.words import word_spans

STAGES = ("1", "2", "3")
FRAMEWORKS = {
    "osborne": (
        ("NPM", "NPG"),
        ("governance_mechanisms", "inter_organizational_dynamics", "performance_emphasis"),
    ),
    "oflynn": (
        ("NPM", "PVM"),
        (
            "characterization",
            "dominant_focus",
            "managerial_goals",
            "public_interest",
            "performance_objective",
            "accountability_model",
            "system_of_delivery",
        ),
    ),
}
LOGICS = ("NPM", "NPG", "PVM")
CODES = (*LOGICS, *FRAMEWORKS["osborne"][1], *FRAMEWORKS["oflynn"][1], "in_tension")
NAMES = {
    "osborne": "NPM and NPG (Osborne)",
    "oflynn": "NPM and PVM (O’Flynn)",
    "1": "Development",
    "2": "Initial operation",
    "3": "Stable operation",
    "NPM": "New Public Management",
    "NPG": "New Public Governance",
    "PVM": "Public Value Management",
    "inter_organizational_dynamics": "Inter-organizational dynamics",
    "co_existing": "co-existing",
    "in_tension": "in tension",
}
HOSTILE = (
    "</script><script>window.pwned=1</script>",
    '<img src=x onerror="window.pwned=1">',
    '" onmouseover="window.pwned=1" \'><svg/onload=window.pwned=1>',
    "{{ 7*7 }} {% include 'x' %} ${window.pwned=1} ]]> <!-- &lt;b&gt; & \u2028\u2029",
    "before \u202eover\u202c \u2066ride\u2069 \x00\x07\ud800 after",
    "w" * 400,
    "javascript:window.pwned=1",
)
_TALK = {
    "NPM": (
        "They come every quarter with the spreadsheet and if the number is under, the payment is under. It does not "
        "matter what you tell them about the person behind it.",
        "It is a contract and a target, and you deliver the target. Everything else is conversation.",
        "We were ranked against the other three providers, and everybody knew who would lose cases if theirs slipped.",
    ),
    "NPG": (
        "Nobody owned it. We rang each other, the four of us, and what one had learned on Monday the others used on "
        "Tuesday.",
        "There was trust enough to say that a plan had failed without looking for whose fault it was.",
        "The commissioner sat in the room as one of us, and the agreement was redrawn twice because people asked.",
    ),
    "PVM": (
        "Success was not only the outcome on paper; it was whether people who use the service thought it was right.",
        "We answer to the council, to the residents and to the people we see, and the three do not want the same.",
    ),
    "": ("I moved here in the spring of that year and took the post over from a colleague.",),
}


def passages(n_per_interview: int = 24, hostile: bool = True) -> tuple[list[Passage], np.ndarray, np.ndarray]:
    """Interviews of five actors over three stages and two documents, with scores drawn from a fixed seed."""
    rng = np.random.default_rng(7)
    roles = {"Ada": "provider", "Ben": "provider", "Cem": "investor", "Dee": "commissioner", "Eve": "manager"}
    made: list[Passage] = []
    given: list[set[str]] = []
    tilt = {"1": (0.28, 0.42, 0.15), "2": (0.36, 0.30, 0.20), "3": (0.46, 0.14, 0.27)}
    for stage in STAGES:
        for who, (actor, role) in enumerate(roles.items()):
            if stage == "3" and actor == "Ben":
                continue
            document = f"interviews/{actor.lower()}_{stage}.docx"
            start = 0
            for i in range(n_per_interview):
                codes = {code for code, p in zip(LOGICS, tilt[stage], strict=True) if rng.random() < p}
                if codes:
                    for _, domains in FRAMEWORKS.values():
                        domain = domains[int(rng.integers(len(domains)))]
                        # One domain is silent in the second stage.
                        silent = stage == "2" and domain == "inter_organizational_dynamics"
                        codes.add("governance_mechanisms" if silent else domain)
                main = next((code for code in LOGICS if code in codes), "")
                text = _TALK[main][int(rng.integers(len(_TALK[main])))]
                if hostile and i < len(HOSTILE) and who == 0:
                    text = HOSTILE[i]
                made.append(
                    Passage(
                        f"{document}:{start}-{start + len(text)}",
                        document,
                        start,
                        start + len(text),
                        text,
                        speaker=actor,
                        actor=actor,
                        role=role,
                        stage=stage,
                        date=f"{2014 + int(stage)}-03-0{who + 1}",
                        kind="interview",
                        context="And how did that change after the first year?" if i % 2 else "",
                        page=i // 8 + 1 if who % 2 else None,
                        time=None if who % 2 else f"00:{i:02d}:30",
                    )
                )
                given.append(codes)
                start += len(text) + 2
    for stage in ("1", "3"):
        for i in range(8):
            text = "The agreement shall be reviewed against the outcomes schedule each quarter."
            made.append(
                Passage(f"contract_{stage}.pdf:{i * 80}-{i * 80 + 75}", f"contract_{stage}.pdf", i * 80, i * 80 + 75,
                        text, stage=stage, kind="contract", page=i + 1)
            )  # fmt: skip
            given.append({"NPM", "governance_mechanisms", "characterization"} if i % 2 else set())
    assigned = np.array([[code in codes for code in CODES] for codes in given], dtype=np.bool_)
    noise = rng.random(assigned.shape)
    scores = np.where(assigned, 0.55 + 0.44 * noise, 0.45 * noise).astype(np.float32)
    return made, scores, assigned


def trajectory(framework: str, predictions: Predictions, scope: str, empty: str | None = None) -> Trajectory:
    """Counts, with intervals of a plausible width; ``empty`` names a domain without passages in stage 2."""
    logics, domains = FRAMEWORKS[framework]
    column = {code: predictions.assigned[:, predictions.column(code)] for code in predictions.codes}
    kinds = np.array([(p.kind == "interview") == (scope == "interview") for p in predictions.passages])
    stages = np.array([p.stage for p in predictions.passages])
    cells, relations, shifts, splits, poles = [], [], [], [], []
    for domain in (None, *domains):
        leaders = {}
        for period in STAGES:
            of = kinds & (stages == period)
            if domain is not None and domain == empty and period == "2":
                of = np.zeros_like(of)
            n = int(of.sum())
            rows = [predictions.passages[i] for i in np.flatnonzero(of)]
            estimates = {}
            for code in logics:
                k = int((of & column[code] & (column[domain] if domain else True)).sum())
                share = k / n if n else math.nan
                half = 1.96 * math.sqrt(share * (1 - share) / n) * 1.6 if n else math.nan
                estimates[code] = share
                cells.append(
                    Prevalence(domain, code, period, share, max(share - half, 0) if n else math.nan,
                               min(share + half, 1) if n else math.nan, n, len({p.document for p in rows}),
                               len({p.actor for p in rows if p.actor}), k, *_stands_on(code, share, half, n))
                )  # fmt: skip
            first, second = logics
            leader = max(estimates, key=lambda code: estimates[code]) if n else None
            leaders[period] = leader
            relation, support, reason = None, 0.4, "too few passages for a rule" if n else ""
            if n and min(estimates.values()) > 0.03:
                relation, support = ("co_existing" if period != "3" else "in_tension"), 0.84
                reason = f"both present: {first} and {second}, neither moving the other"
            carry = np.flatnonzero(of & column[first] & (column[domain] if domain else True)).tolist()
            ids = tuple(predictions.passages[i].id for i in carry)
            relations.append(
                Relation(domain, period, relation, leader, support, reason, relation is not None and period == "3",
                         "" if relation or not n else "segregating", {"in_tension": 3, "co_existing": 0}, 4,
                         3.2 if n else math.nan, 0.41 if n else math.nan, ids[:2], ids[2:3])
            )  # fmt: skip
        for code in logics:
            ends = [c for c in cells if c.domain == domain and c.code == code and c.period in ("1", "3")]
            change = ends[1].estimate - ends[0].estimate
            outcome = "cannot tell"
            low, high = change - 0.09, change + 0.09
            if not math.isnan(change):
                outcome = "shift" if low > 0 or high < 0 else "no change" if abs(change) < 0.02 else "cannot tell"
            known = not math.isnan(change)
            shifts.append(
                Shift(domain, code, "1", "3", change, low, high, outcome, change - 0.03, change + 0.03, 0.01, 0.04, 2.0,
                      1.8 if known else math.nan, 0.05 if outcome == "shift" else math.nan, 6, 8, "pacc, corrected",
                      "corrected", ("design_based: no coded passages",))
            )  # fmt: skip
            whole = [part * change if domain is None else math.nan for part in (0.4, 0.5, 0.1)]
            splits.append(
                Decomposition(
                    domain, code, "1", "3", change, change * 0.5, change * 0.2, change * 0.3, change * 0.5 - 0.1,
                    change * 0.5 + 0.1, change * 0.1, change * 0.2, *whole, 4, 0, 1,
                    {"total": (change - 0.03, change + 0.03)}, "Too few to tell.",
                )
            )  # fmt: skip
        symbol = "►" if leaders["1"] != leaders["3"] else "▲"
        poles.append(Pole(domain, "1", "3", leaders["1"], leaders["3"], 0.91, 0.85, symbol))
    alignment = _alignment(logics, predictions, kinds, stages, column)
    investors = kinds & np.array([p.role == "investor" for p in predictions.passages])
    carried = {(code, period): int((investors & column[code] & (stages == period)).sum())
               for code in logics for period in STAGES}  # fmt: skip
    groups = tuple(
        Prevalence(
            None, code, period, 0.3, 0.1, 0.5, 24, 1, 1, carried[code, period], "count, uncorrected", small=True,
            kind="role", group="investor",
        )
        for code in logics for period in STAGES
    )  # fmt: skip
    warnings = ("The mix of transcripts differs (1: 50% docx; 3: 50% pdf).",)
    notes = ("Stage 2 of one domain has no passages.",) if empty else ()
    return Trajectory(
        framework, STAGES, tuple(cells), tuple(relations), tuple(shifts), scope, "talk", notes, period="stage",
        groups=groups if scope == "interview" else (), poles=tuple(poles), decomposition=tuple(splits),
        alignment=alignment, warnings=warnings,
    )  # fmt: skip


def _stands_on(code: str, share: float, half: float, n: int) -> tuple[object, ...]:
    """What comes after the method: one logic is counted, the others are corrected."""
    if code == "NPM":
        return "count, uncorrected", share, share, "uncorrected", ("pacc: TPR − FPR may be as low as 0.25, under 0.3",)
    return "pacc, corrected", share - half / 3, share + half / 3, "corrected", (), "talk", "passage", 40 * n, n < 30


def _alignment(
    logics: tuple[str, ...],
    predictions: Predictions,
    kinds: np.ndarray,
    stages: np.ndarray,
    column: dict[str, np.ndarray],
) -> tuple[Alignment, ...]:
    found = []
    actors = np.array([passage.actor or "" for passage in predictions.passages])
    for actor in sorted(set(actors[kinds]) - {""}):
        for period in STAGES:
            of = kinds & (stages == period) & (actors == actor)
            if of.any():
                carries = {code: int((of & column[code]).sum()) for code in logics}
                resists = {code: int(code == "NPM") for code in logics}
                share = {code: k / int(of.sum()) for code, k in carries.items()}
                leads = max(carries, key=lambda code: carries[code]) if period == "3" else None
                found.append(
                    Alignment(actor, "provider", period, int(of.sum()), 900, carries, resists, {}, share, leads)
                )
    return tuple(found)


def exemplars(predictions: Predictions) -> tuple[Exemplar, ...]:
    """The three best passages of every cell."""
    found = []
    for framework, (logics, domains) in FRAMEWORKS.items():
        for domain in (None, *domains):
            for code in logics:
                for period in STAGES:
                    k = predictions.column(code)
                    keep = [
                        row
                        for row, passage in enumerate(predictions.passages)
                        if passage.stage == period
                        and predictions.assigned[row, k]
                        and (domain is None or predictions.assigned[row, predictions.column(domain)])
                    ]
                    score = predictions.probabilities[:, k]
                    best = sorted(keep, key=lambda row: -score[row])[:3]
                    found += [Exemplar(framework, domain, code, period, row, float(score[row])) for row in best]
    return tuple(found)


def reasons(said: Predictions) -> dict[int, dict[str, tuple[Moved, ...]]]:
    """The first word speaks for each code given, the last against it."""
    found = {}
    for row, passage in enumerate(said.passages):
        spans = word_spans(passage.text)
        ends = [(spans[0], 1.25), (spans[-1], -0.5)] if len(spans) > 1 else []
        found[row] = {code: tuple(Moved(*span, weight) for span, weight in ends) for code in said.codes_of(row)}
    return found


def predictions(n_per_interview: int = 24, hostile: bool = True) -> Predictions:
    """What a model says of `passages`."""
    made, scores, assigned = passages(n_per_interview, hostile)
    return Predictions(tuple(made), CODES, scores, assigned, "static-v1")


def report(*, hostile: bool = True, documents: bool = True, n_per_interview: int = 24) -> Report:
    """A whole report; with ``hostile``, every string a user or a source can set holds something to run."""
    bad = HOSTILE[0] + HOSTILE[1] + HOSTILE[4] if hostile else ""
    said = predictions(n_per_interview, hostile)
    names = {**NAMES, "performance_emphasis": "Performance emphasis" + bad}
    return Report(
        title="The Ways to Wellbeing bond" + bad,
        trajectories=(
            trajectory("osborne", said, "interview", empty="inter_organizational_dynamics"),
            trajectory("oflynn", said, "interview"),
        ),
        documents=(trajectory("osborne", said, "document"),) if documents else (),
        predictions=said,
        exemplars=exemplars(said),
        sources=(
            Source(
                "interviews/ada_1.docx" + bad,
                "word",
                "",
                "interview",
                "1",
                "2015-03-01",
                24,
                700,
                12,
                ("Ada" + bad,),
                ("Interviewer",),
                (Dropped("tracked deletions" + bad, 3, "the old " + bad),),
            ),
            Source(
                "contract_1.pdf",
                "pdf",
                "",
                "contract",
                "1",
                None,
                8,
                90,
                0,
                (),
                (),
                (Dropped("running headers and footers", 16, "Confidential"),),
            ),
            Source("interviews/broken.docx" + bad, problem="the file is cut short" + bad),
        ),
        names=names,
        provenance={
            "Model": "static-v1 (written corpus, 2,140 passages)" + bad,
            "Codebook osborne": "structure 1f0c…, wording 88ab…",
            "Settings": "period = stage; talk; seed 7",
            "Version": "sibnlp 0.1.0",
        },
        warnings=("Stage 3 rests on four interviews only." + bad,),
        reasons=reasons(said),
    )


def monthly(n: int = 24, *, dated: bool = False) -> Report:
    """Twenty-four months, one of them without passages: a time axis instead of stages.

    With ``dated``, the passages are of these months.
    """
    periods = tuple(f"{2016 + i // 12}-{i % 12 + 1:02d}" for i in range(n))
    cells = []
    for domain in (None, "governance_mechanisms", "performance_emphasis"):
        for code, sign in (("NPM", 1), ("NPG", -1)):
            for i, period in enumerate(periods):
                share = (0.3 if domain is None else 0.12) * (1 + sign * (i - n / 2) / n) + 0.02 * math.sin(3 * i)
                there = i != 9
                cells.append(
                    Prevalence(domain, code, period, share if there else math.nan, share - 0.05 if there else math.nan,
                               share + 0.05 if there else math.nan, 60 + 7 * (i % 5) if there else 0, 2, 2,
                               int(60 * share) if there else 0, "count, uncorrected")
                )  # fmt: skip
    point = ChangePoint(None, "NPM", periods[12], 0.24, 0.33, 0.012, 0.88)
    drift = Trajectory(
        "osborne", periods, tuple(cells), (), (), "interview", "talk", period="month", change_points=(point,)
    )
    said = predictions(4, hostile=False)
    if dated:
        moved = tuple(replace(p, date=f"{periods[i % n]}-05", kind="interview") for i, p in enumerate(said.passages))
        said = replace(said, passages=moved)
    return Report("Two years by month", (drift,), (), said, (), (), NAMES, {"Model": "static-v1"})


def evaluation(*, hostile: bool = True) -> dict[str, object]:
    """Content of ``metrics.json``, with unknown numbers and hostile text."""
    rng = np.random.default_rng(3)
    bad = HOSTILE[0] + HOSTILE[1] + HOSTILE[4] if hostile else ""
    codes = {
        code: {
            "precision": (precision := float(rng.uniform(0.5, 0.9))),
            "recall": (recall := float(rng.uniform(0.4, 0.9))),
            "f1": 2 * precision * recall / (precision + recall),
            "auc": float(rng.uniform(0.7, 0.95)),
            "support": int(rng.integers(8, 200)),
            "threshold": 0.4,
            "ece": 0.05,
        }
        for code in CODES[:-1]
    }
    codes["in_tension"] = dict.fromkeys(("precision", "recall", "f1", "auc", "threshold", "ece")) | {"support": 0}
    return {
        "model": "static-v1" + bad,
        "n_passages": 640,
        "n_documents": 41,
        "families": {
            "logic": {"macro_f1": 0.74, "macro_auc": 0.9, "alpha": 0.61, "interval": [0.69, 0.79]},
            "domain": {"macro_f1": 0.66, "macro_auc": 0.85, "alpha": 0.5, "interval": [0.58, 0.73]},
            "relation": {"macro_f1": None, "macro_auc": None, "alpha": None, "interval": None},
        },
        "codes": codes,
        "errors": [
            {
                "passage": f"interviews/x.docx:{i}-{i + 90}" + bad,
                "text": (HOSTILE[i % len(HOSTILE)] if hostile else "") + " They said the target was the target.",
                "gold": ["NPG"],
                "predicted": ["NPM"],
                "scores": {"NPM": 0.5 + i / 300, "NPG": 0.2, "PVM": None},
                "reasons": {"NPM": [[0, 4, 1.5], [6, 9, -0.75]]},
                "coder": "Ann" + bad,
            }
            for i in range(90)
        ],
        **details(bad),
    }


def details(bad: str) -> dict[str, object]:
    """What `sibnlp.evaluate.details` adds, and a comparison and a learning curve."""
    bins = [
        {"low": i / 10, "high": (i + 1) / 10, "n": 90 - 8 * i, "stated": i / 10 + 0.05, "observed": i / 12}
        for i in range(10)
    ]
    alpha = {"alpha": 0.7, "low": 0.6, "high": None, "positive_agreement": 0.8, "n": 300, "given": [20, 24]}
    figure = {"value": 0.7, "interval": [0.6, 0.8], "difference": None, "low": None, "high": None}
    other = figure | {"difference": -0.12, "low": -0.2, "high": -0.02}
    points = [[0.9 - i / 20, (i + 1) / 10, 0.05 + i / 50] for i in range(10)]
    return {
        "notes": ["the model has no glad" + bad],
        "agreement": [
            {"first": "Ann" + bad, "second": "m", "with_model": True, "families": {"logic": alpha}, "codes": {}},
            {"first": "Ann" + bad, "second": "Ben", "with_model": False, "families": {"logic": alpha},
             "codes": {"NPM" + bad: alpha}},
        ],
        "reliability": {"families": {"logic" + bad: bins}, "codes": {"NPM" + bad: bins, "NPG": bins[:1]}},
        "risk_coverage": {"logic" + bad: {"area": 0.1, "risk": 0.23, "points": points}},
        "confusion": {"logic": {"codes": ["NPM" + bad, "NPG"], "counts": [[9, 1, 2], [3, 8, 0], [4, 0, 90]]}},
        "co_occurrence": {"codes": ["NPM" + bad, "NPG"], "people": [[9, 4], [4, 8]], "model": [[9, 5], [5, 8]]},
        "slices": [
            {"column": "role" + bad, "value": value, "n_passages": 40, "n_documents": 4, "families": {
                "logic": {"macro_f1": 0.6, "interval": [0.5, 0.7], "support": 12, "n_given": 14, "n_codes": 2}}}
            for value in ("investor" + bad, "provider")
        ],
        "comparison": [
            {"model": "m" + bad, "families": {"logic": figure}, "codes": {"NPM": figure}},
            {"model": "other", "families": {"logic": other}, "codes": {"NPM": other}},
        ],
        "learning_curve": [
            {"n_passages": n, "n_documents": n // 10, "families": {"logic": 0.3 + n / 2000}, "intervals": {
                "logic": [0.2 + n / 2000, 0.4 + n / 2000]}}
            for n in (100, 200, 400)
        ],
    }  # fmt: skip
