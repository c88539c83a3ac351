"""Hold the coders of `corpora/public` against development passages, against themselves, each other and mere words.

Run ``python -m training.public_corpus.check_coders`` after ``assemble``; it writes ``corpora/public/CODERS.md``. A
coder whose logic macro-F1 on the development checks is below 0.85 is flagged, and the exit code is 1: such a coder
recodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from sibnlp.agreement import Agreement, Figure
from training.public_corpus.assemble import CODERS
from training.public_corpus.numbers_page import table
from training.public_corpus.records import CODES, CORPUS, Coding, read_keys, read_rows
from training.public_corpus.scoring import (
    JUDGED,
    Check,
    Row,
    between,
    development_checks,
    f1,
    from_words,
    macro_f1,
    read_coder,
    repeats,
    self_agreement,
    sides,
)

BAR = 0.85
# With fewer positives a held-out score says nothing.
FEWEST = 10
HEAD = """# The coders, checked

Written by `python -m training.public_corpus.check_coders`; do not edit. Both coders are language models that read a
batch each in a context of its own, saw the two codebooks and the passages, and knew neither source nor which passages
were checks (`instructions.md`).
"""
DEVELOPMENT = f"""## Against the development passages

Macro-F1 on development passages that lay blind in the queues, against the codes both development coders gave; codes
only one of them gave are left out, and so are domains without NPM or NPG and dimensions without NPM or PVM, which the
development coders gave and the codebooks do not. In brackets: passages with a code of the family. A coder below {BAR}
on logic recodes.
"""
THEMSELVES = """## Against themselves

Repeats came unmarked in another batch: mean F1 of the second coding against the first (share coded exactly alike).
"""
EACH_OTHER = """## Against each other

As `sibnlp agree corpora/public/codings.jsonl` prints it; 95 % intervals resample whole documents. A family's figure is
the mean over its codes. Relation and stance are compared where both coders found two logics, or one.
"""
WORDS = f"""## Against mere words

Held-out scores of logistic regression on TF-IDF (words and pairs of words, five folds by group of documents and
speakers) that predicts the coder's codes. F1 is at the threshold that flatters it most. Codes with {FEWEST} positives
or more. A coding that words alone reproduced as well as the other coder does was not read.
"""


def _n(value: float) -> str:
    return "–" if value != value else f"{value:.2f}"


def _figure(figure: Figure) -> str:
    return _n(figure.value) if figure.low != figure.low else f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _mean(values: Sequence[float]) -> float:
    kept = [value for value in values if value == value]
    return sum(kept) / len(kept) if kept else float("nan")


def page(codings: Sequence[Row], texts: Mapping[str, str], development: Sequence[Row]) -> tuple[str, list[str]]:
    """CODERS.md, and the coders that fall short."""
    batches = {coder: read_coder(coder) for coder in CODERS}
    checks = {coder: development_checks(batches[coder], development) for coder in CODERS}
    short = [coder for coder in CODERS if not macro_f1(checks[coder], "logic")[0] >= BAR]
    verdicts = [
        [coder, len(own), *(_with_support(own, family) for family in JUDGED), _verdict(coder in short)]
        for coder, own in checks.items()
    ]
    parts = [
        HEAD,
        DEVELOPMENT,
        table(["coder", "checks", *JUDGED, "verdict"], verdicts),
        "By batch (few positives each: a low figure is a hint to look, not a verdict):\n",
        table(["batch", "checks", *JUDGED], [_batch_row(name, checks[c]) for c in CODERS for name in batches[c]]),
        "F1 by code, pooled:\n",
        _by_code(checks),
        THEMSELVES,
        table(["coder", "repeats", *JUDGED], [_self_row(coder, repeats(batches[coder])) for coder in CODERS]),
        EACH_OTHER,
        _agreement_tables(codings),
        _adjudicator(codings),
        WORDS,
        _words_tables(codings, texts),
    ]
    return "\n".join(parts), short


def _batch_row(name: str, checks: Sequence[Check]) -> list[object]:
    own = [check for check in checks if check.batch == name]
    return [name, len(own), *(_with_support(own, family) for family in JUDGED)]


def _with_support(checks: Sequence[Check], family: str) -> str:
    value, support = macro_f1(checks, family)
    return f"{_n(value)} ({support})"


def _verdict(short: bool) -> str:
    return "**recode**" if short else "stands"


def _self_row(coder: str, pairs: Sequence[tuple[Coding, Coding]]) -> list[object]:
    return [coder, len(pairs), *(f"{_n(f)} ({100 * same:.0f} %)" for f, same in self_agreement(pairs).values())]


def _by_code(checks: Mapping[str, Sequence[Check]]) -> str:
    rows = []
    for code in (code for family in JUDGED for code in CODES[family]):
        cells: list[object] = [f"`{code}`"]
        for own in checks.values():
            kept = [check for check in own if code not in check.contested]
            support = sum(code in check.gold for check in kept)
            cells.append(f"{_n(f1([(code in check.given, code in check.gold) for check in kept]))} ({support})")
        rows.append(cells)
    return table(["code", *(f"coder {coder}" for coder in checks)], rows)


def _agreement_tables(codings: Sequence[Row]) -> str:
    per_code, per_family = between(codings)
    head = ["", "passages", "given by A", "given by B", "F1 (positive agreement)", "Cohen's κ", "Krippendorff's α"]

    def rows(found: Mapping[str, Agreement]) -> list[list[object]]:
        return [
            [f"`{name}`", a.n, *a.given, _figure(a.positive), _figure(a.kappa), _figure(a.alpha)]
            for name, a in found.items()
        ]

    streams = []
    for stream in ("probability", "enriched"):
        found = between([row for row in codings if row["stream"] == stream])[1]
        streams.append([stream, *(_figure(found[family].alpha) for family in JUDGED)])
    pairs: dict[str, dict[str, set[str]]] = {}
    for row in codings:
        pairs.setdefault(row["id"], {})[row["coder"]] = set(row["codes"]) & set(CODES["relation"])
    stated = [list(pair.values()) for pair in pairs.values() if len(pair) == 2 and any(pair.values())]
    same = sum(a == b for a, b in stated)
    return "\n".join([
        table(["family", *head[1:]], rows(per_family)),
        table(["code", *head[1:]], rows(per_code)),
        f"A relation was given by either coder to {len(stated)} passages, by both and alike to {same}.\n",
        "α by stream:\n",
        table(["stream", *JUDGED], streams),
    ])  # fmt: skip


def _adjudicator(codings: Sequence[Row]) -> str:
    found = sides(codings, read_rows(CORPUS / "gold.jsonl"), read_keys(CORPUS, "adjudication"))
    n = found["A"] + found["B"] + found["neither"]
    return (
        f"## The adjudicator\n\nDecided {n} passages the coders differ on: wholly as A {found['A']}, wholly as B "
        f"{found['B']}, otherwise {found['neither']}. Of those that follow a coder, {found['first']} follow the coding "
        f"shown first and {found['second']} the one shown second.\n"
    )


def _words_tables(codings: Sequence[Row], texts: Mapping[str, str]) -> str:
    per_code = between(codings)[0]
    parts, means = [], []
    for coder, name in CODERS.items():
        rows = [row for row in codings if row["coder"] == name]
        if len({row["group"] for row in rows}) < 5:
            continue
        coded = {code: np.array([code in row["codes"] for row in rows]) for family in JUDGED for code in CODES[family]}
        coded = {code: y for code, y in coded.items() if y.sum() >= FEWEST}
        found = from_words([texts[row["id"]] for row in rows], [row["group"] for row in rows], coded)
        lines = [[f"`{c}`", w.positives, _n(w.auc), _n(w.f1), _n(per_code[c].positive.value)] for c, w in found.items()]
        parts.append(table([f"coder {coder}: code", "positives", "AUC", "F1 of words", "F1 of the other coder"], lines))
        for family in JUDGED:
            own = [code for code in CODES[family] if code in found]
            f, auc = _mean([found[code].f1 for code in own]), _mean([found[code].auc for code in own])
            means.append([coder, family, _n(auc), _n(f), _n(_mean([per_code[code].positive.value for code in own]))])
    head = ["coder", "family", "macro-AUC", "macro-F1 of words", "macro-F1 of the other coder"]
    return "\n".join([table(head, means), *parts])


def main() -> None:
    """Write CODERS.md."""
    from training.public_corpus.draw import read_development, read_pool

    texts = {row["id"]: row["text"] for row in read_pool()}
    text, short = page(read_rows(CORPUS / "codings.jsonl"), texts, read_development())
    (CORPUS / "CODERS.md").write_text(text, encoding="utf-8")
    print(text.split("F1 by code")[0])
    if short:
        print(json.dumps({"recode": short}), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
