"""The parts of a CODERS.md: coders held against development passages, themselves, each other and mere words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sibnlp.agreement import Agreement, Figure
from training.coding.records import CODES, Coding
from training.coding.scoring import (
    JUDGED,
    Check,
    Row,
    between,
    f1,
    from_words,
    macro_f1,
    repeats,
    self_agreement,
)

BAR = 0.85
# With fewer positives a held-out score says nothing; with fewer passages neither does agreement.
FEWEST, FEWEST_PASSAGES = 10, 20
DEVELOPMENT = """## Against the development passages

Macro-F1 on development passages that lay blind in the queues, against the codes both development coders gave; codes
only one of them gave are left out, and so are domains without NPM or NPG and dimensions without NPM or PVM, which the
development coders gave and the codebooks do not. In brackets: passages with a code of the family.
"""
RECODES = f"A coder below {BAR} on logic recodes.\n"
FLAGGED = f"A coder below {BAR} on logic is flagged; what it means here is said in the datasheet.\n"
THEMSELVES = """## Against themselves

Repeats came unmarked in another batch: mean F1 of the second coding against the first (share coded exactly alike).
"""
WORDS = f"""## Against mere words

Held-out scores of logistic regression on TF-IDF (words and pairs of words, five folds by group of documents and
speakers) that predicts the coder's codes. F1 is at the threshold that flatters it most. Codes with {FEWEST} positives
or more. A coding that words alone reproduced as well as the other coder does was not read.
"""
Batches = Mapping[str, Sequence[tuple[Row, Coding]]]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def number(value: float) -> str:
    """Two places; a dash for what cannot be said."""
    return "–" if value != value else f"{value:.2f}"


def figure(figure: Figure) -> str:
    """A coefficient with its interval, where it has one."""
    if figure.low != figure.low:
        return number(figure.value)
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def short_coders(checks: Mapping[str, Sequence[Check]]) -> list[str]:
    """Coders below the bar on logic."""
    return [coder for coder, own in checks.items() if not macro_f1(own, "logic")[0] >= BAR]


def against_development(
    checks: Mapping[str, Sequence[Check]], batches: Mapping[str, Batches], rule: str = RECODES
) -> str:
    """What the coders gave to passages whose codes are known: in all, by batch, and by code.

    Args:
        checks: by coder, or by what part of a coder's checks is looked at.
        batches: by coder.
        rule: what happens to a coder below the bar.
    """
    short = short_coders(checks)
    verdicts = [
        [coder, len(own), *(_with_support(own, family) for family in JUDGED), _verdict(coder in short)]
        for coder, own in checks.items()
    ]
    by_batch = [_batch_row(name, checks[coder]) for coder in checks for name in batches.get(coder, ())]
    return "\n".join([
        DEVELOPMENT,
        rule,
        table(["coder", "checks", *JUDGED, "verdict"], verdicts),
        "By batch (few positives each: a low figure is a hint to look, not a verdict):\n",
        table(["batch", "checks", *JUDGED], by_batch),
        "F1 by code, pooled:\n",
        _by_code(checks),
    ])  # fmt: skip


def _batch_row(name: str, checks: Sequence[Check]) -> list[object]:
    own = [check for check in checks if check.batch == name]
    return [name, len(own), *(_with_support(own, family) for family in JUDGED)]


def _with_support(checks: Sequence[Check], family: str) -> str:
    value, support = macro_f1(checks, family)
    return f"{number(value)} ({support})"


def _verdict(short: bool) -> str:
    return f"**below {BAR}**" if short else "stands"


def _by_code(checks: Mapping[str, Sequence[Check]]) -> str:
    rows = []
    for code in (code for family in JUDGED for code in CODES[family]):
        cells: list[object] = [f"`{code}`"]
        for own in checks.values():
            kept = [check for check in own if code not in check.contested]
            support = sum(code in check.gold for check in kept)
            cells.append(f"{number(f1([(code in check.given, code in check.gold) for check in kept]))} ({support})")
        rows.append(cells)
    return table(["code", *(f"coder {coder}" for coder in checks)], rows)


def against_themselves(batches: Mapping[str, Batches]) -> str:
    """What the coders made of passages they saw twice."""
    rows = []
    for coder, own in batches.items():
        pairs = repeats(own)
        found = self_agreement(pairs).values()
        rows.append([coder, len(pairs), *(f"{number(f)} ({100 * same:.0f} %)" for f, same in found)])
    return "\n".join([THEMSELVES, table(["coder", "repeats", *JUDGED], rows)])


def agreement_tables(codings: Sequence[Row], names: Sequence[str]) -> str:
    """Agreement by family and by code, and how many relations both found.

    Args:
        codings: of the coders, in their order.
        names: short names of the coders, in their order.
    """
    per_code, per_family = between(codings)
    head = ["passages", *(f"given by {name}" for name in names), "F1 (positive agreement)"]
    head += ["Cohen's κ", "Krippendorff's α"]

    def rows(found: Mapping[str, Agreement]) -> list[list[object]]:
        return [
            [f"`{name}`", a.n, *a.given, figure(a.positive), figure(a.kappa), figure(a.alpha)]
            for name, a in found.items()
        ]

    pairs: dict[str, dict[str, set[str]]] = {}
    for row in codings:
        if "relation" in row["extent"]:
            pairs.setdefault(row["id"], {})[row["coder"]] = set(row["codes"]) & set(CODES["relation"])
    stated = [list(pair.values()) for pair in pairs.values() if len(pair) == 2 and any(pair.values())]
    same = sum(a == b for a, b in stated)
    return "\n".join([
        table(["family", *head], rows(per_family)),
        table(["code", *head], rows(per_code)),
        f"A relation was given by either coder to {len(stated)} passages, by both and alike to {same}.\n",
    ])  # fmt: skip


def agreement_by(codings: Sequence[Row], head: str, part: Callable[[Row], str]) -> str:
    """α and F1 by family in parts of the corpus; dashes where a part has fewer than 20 passages.

    Args:
        codings: of the coders.
        head: what the parts are.
        part: of a row.
    """
    rows: list[list[object]] = []
    for name in sorted({part(row) for row in codings}):
        found = between([row for row in codings if part(row) == name])[1]
        if found["logic"].n < FEWEST_PASSAGES:
            rows.append([name, found["logic"].n, *["–"] * 2 * len(JUDGED)])
            continue
        alphas = [figure(found[family].alpha) for family in JUDGED]
        f1s = [number(found[family].positive.value) for family in JUDGED]
        rows.append([name, found["logic"].n, *alphas, *f1s])
    columns = [*(f"α {family}" for family in JUDGED), *(f"F1 {family}" for family in JUDGED)]
    return table([head, "passages", *columns], rows)


def adjudicator(found: Mapping[str, int], names: Mapping[str, str]) -> str:
    """Whom the adjudicator followed.

    Args:
        found: as `scoring.sides` counts it.
        names: of the two coders, by letter.
    """
    n = sum(found[letter] for letter in names) + found["neither"]
    followed = ", ".join(f"wholly as {name} {found[letter]}" for letter, name in names.items())
    return (
        f"Decided {n} passages the coders differ on: {followed}, otherwise {found['neither']}. Of those that follow a "
        f"coder, {found['first']} follow the coding shown first and {found['second']} the one shown second.\n"
    )


def against_words(codings: Sequence[Row], texts: Mapping[str, str], coders: Mapping[str, str]) -> str:
    """How well words alone tell what a coder gives, beside how well the other coder does.

    Args:
        codings: of the coders; texts: by id.
        coders: what rows call them, by short name.
    """
    per_code = between(codings, resamples=0)[0]
    parts, means = [], []
    for short, name in coders.items():
        rows = [row for row in codings if row["coder"] == name]
        if len({row["group"] for row in rows}) < 5:
            continue
        coded = {code: np.array([code in row["codes"] for row in rows]) for family in JUDGED for code in CODES[family]}
        coded = {code: y for code, y in coded.items() if y.sum() >= FEWEST}
        found = from_words([texts[row["id"]] for row in rows], [row["group"] for row in rows], coded)
        lines = [
            [f"`{c}`", w.positives, number(w.auc), number(w.f1), number(per_code[c].positive.value)]
            for c, w in found.items()
        ]
        head = [f"coder {short}: code" if len(short) == 1 else f"{short}: code", "positives", "AUC", "F1 of words"]
        parts.append(table([*head, "F1 of the other coder"], lines))
        for family in JUDGED:
            own = [code for code in CODES[family] if code in found]
            f, auc = _mean([found[code].f1 for code in own]), _mean([found[code].auc for code in own])
            other = _mean([per_code[code].positive.value for code in own])
            means.append([short, family, number(auc), number(f), number(other)])
    head = ["coder", "family", "macro-AUC", "macro-F1 of words", "macro-F1 of the other coder"]
    return "\n".join([WORDS, table(head, means), *parts])


def _mean(values: Sequence[float]) -> float:
    kept = [value for value in values if value == value]
    return sum(kept) / len(kept) if kept else float("nan")
