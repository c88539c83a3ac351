"""The card of a released model: what it is for, how it was made, how weak it is and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sibnlp.codebook import Codebook
from sibnlp.evaluate import CodeScores, Evaluation, evaluate
from sibnlp.model import Model
from sibnlp.types import CodedPassage

WHAT = {
    "validation": "the validation split of `corpora/public`: real passages of documents and speakers not trained on",
    "dev": "90 real passages found by cue words (nearly half carry NPM)",
    "dev_natural": "168 real passages, 30 % drawn at random, the rest where a weak model pointed, so rich in traps",
    "test, enriched": "the test split of `corpora/public`, passages found by search: richer in codes than life",
    "test, probability": "the test split of `corpora/public`, passages drawn at random: codes as rare as in life",
    "test, written": "invented passages by a writer (`w08`) whose text nothing was trained or chosen on",
}
INTRODUCTION = {
    "gov-fast": "Fast and weak: it finds passages worth reading; it does not replace a coder. Static embeddings "
    "distilled\nfrom all-MiniLM-L6-v2, the words themselves, and one logistic regression per code.",
    "gov-base": "The better of the two models, and the slower: all-MiniLM-L6-v2 with its upper three layers "
    "fine-tuned, a linear\nhead on the mean of its last layer, computed in 8-bit integers (ONNX; the few largest "
    "channels in fp32), averaged with "
    "TF-IDF words and letters. It reads a\npassage's heading and the question before it, where there are any. "
    "It still does not replace a coder.",
}
TAUGHT = (
    "Then some 9,000 passages of the public pool that nobody coded, with the codes `gov-base` gives them "
    "(`training/teaching.py`);\nthey are in the table of held-out passages too, which therefore flatters. "
)
UNREAD = "the test splits stand in `training/benchmarks/TEST.md`"
HELD_OUT = {
    "gov-fast": "Training passages, held out",
    "gov-base": "The validation splits, which calibrate the model but did not train it",
}
PASSAGES = {
    "gov-fast": "written and real passages mixed, which is no population anybody studies.",
    "gov-base": "real passages, for relations written ones too.",
}


def figures_on(
    model: Model, gold: Sequence[CodedPassage], contested: Mapping[str, Sequence[str]], books: Sequence[Codebook]
) -> Evaluation:
    """Scores on passages the model never saw; contested codes are left out."""
    predictions = model.predict([coding.passage for coding in gold])
    return evaluate(predictions, gold, books, thresholds=model.thresholds, unknown=contested)


def _number(value: float | None) -> str:
    """Two decimals, or a dash where held-out passages hold no positive to judge by."""
    return "–" if value is None else f"{value:.2f}"


def write_card(model: Model, figures: Mapping[str, Evaluation]) -> str:
    """The card as Markdown."""
    manifest = model.manifest
    families = "; ".join(f"{f['id']} ({', '.join(f['codes'])})" for f in manifest.families)
    left_out = "\n".join(f"- `{code}`: {reason}" for code, reason in manifest.left_out.items()) or "- nothing"
    held_out = "\n".join(
        f"| {code} | {c['support']} of {c['n']} | {c['f1']:.2f} | {_number(c['auc'])} | {c['ece']:.2f} |"
        for code, c in manifest.cross_validation["codes"].items()
    )
    parts = [_table(name, evaluation) for name, evaluation in figures.items()]
    read = any(name.startswith("test") for name in figures)
    data = "\n".join(f"- `{d['path']}`: {d['n']} passages (sha256 {d['sha256'][:12]}…)" for d in manifest.data)
    return TEMPLATE.format(
        name=model.name, version=manifest.sibnlp, created=manifest.created, families=families, left_out=left_out,
        data=data, held_out=held_out, folds=manifest.cross_validation["folds"], seed=manifest.seed,
        groups=manifest.cross_validation["groups"],
        taught=TAUGHT if model.name == "gov-fast" else "",
        introduction=INTRODUCTION[model.name], held_out_title=HELD_OUT[model.name],
        passages=PASSAGES[model.name],
        test="the test splits were read when nothing was left to choose" if read else UNREAD,
        development="\n".join(parts) or "Not measured: the development text was not at hand when this was built.\n",
    )  # fmt: skip


def _table(name: str, evaluation: Evaluation) -> str:
    lines = [
        f"### `{name}`: {WHAT[name]}",
        "",
        "| family | macro-F1 (95 % over documents) | macro-AUC | α |",
        "|---|---|---|---|",
    ]
    for id, f in evaluation.families.items():
        low, high = f.interval
        lines.append(f"| {id} | {f.macro_f1:.2f} ({low:.2f}–{high:.2f}) | {f.macro_auc:.2f} | {f.alpha:.2f} |")
    lines += ["", "| code | precision | recall | F1 | AUC | carried by | given to | ECE |", "|" + "---|" * 8]
    lines += [_row(code, c) for code, c in evaluation.codes.items()]
    return "\n".join([*lines, ""])


def _row(code: str, c: CodeScores) -> str:
    return (
        f"| {code} | {c.precision:.2f} | {c.recall:.2f} | {c.f1:.2f} | {c.auc:.2f} | {c.support / c.n:.0%} | "
        f"{c.n_given / c.n:.0%} | {c.ece:.2f} |"
    )


TEMPLATE = """# {name}

{introduction} Built {created} with sibnlp {version}.

**Codes:** {families}.

**Left out, because too little was there to learn them from:**
{left_out}

## Use
For a first look over many English interviews and documents on public services, for finding passages to code, and as
the starting point of a model of your own (`sibnlp train`). Not for figures in a paper without hand-coded passages to
correct them by; not for judging people; not for other languages.

## Made of
{data}

The training splits of `corpora/written` (passages written for this project, coded by their writers and a blind coder,
adjudicated) and `corpora/public` (real passages, two blind coders, adjudicated), each `gold.jsonl`. All writers and
coders are language models. {taught}Nothing below was trained on; {test}. **Features and settings were chosen by
looking at `validation`, `dev` and `dev_natural`:** these are development figures and flatter. Seed {seed}.

## How good
### {held_out_title} ({folds} folds over {groups} groups of documents and speakers)
Calibrated and cut by the other folds; {passages}

| code | carried by | F1 | AUC | ECE |
|---|---|---|---|---|
{held_out}

Real text below. On `dev` and `dev_natural` careful coders reach macro-F1 0.95 (logic) and 0.92 (domain) among
themselves.

{development}
## Where it fails
- **Half of what it gives is wrong, and half of what is there it misses** (precision and recall above). Where logics
  are rare it gives too many codes, where they are dense, as in interviews on an outcomes contract, too few: compare
  "given to" with "carried by". A prevalence counted with it is off by more than most changes.
- **It knows words and topics, not conduct.** Mentioning contracts, targets, partners or communities moves it, whatever
  is said of them: quoted, resisted and negated logics count as present.
- **Domains are weaker than logics, dimensions weaker still**; what a passage of few positives shows is mostly chance.
- **Genre:** learnt on essays of civil servants, technical guidance, committee talk and short written passages of social
  services; interviews proper are only in the written part.
- Probabilities are calibrated to the mix it was trained on; where codes are much more frequent they are too low.
"""
