"""The card of a released model: what it is for, how it was made, how weak it is and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sibnlp.codebook import Codebook
from sibnlp.evaluate import CodeScores, Evaluation, evaluate
from sibnlp.model import Model
from sibnlp.types import CodedPassage

WHAT = {
    "dev": "90 real passages found by cue words (nearly half carry NPM)",
    "dev_natural": "168 real passages, 30 % drawn at random, the rest where a weak model pointed, so rich in traps",
}


def figures_on(
    model: Model, gold: Sequence[CodedPassage], contested: Mapping[str, Sequence[str]], books: Sequence[Codebook]
) -> Evaluation:
    """Scores on passages the model never saw; contested codes are left out."""
    predictions = model.predict([coding.passage for coding in gold])
    return evaluate(predictions, gold, books, thresholds=model.thresholds, unknown=contested)


def write_card(model: Model, figures: Mapping[str, Evaluation]) -> str:
    """The card as Markdown."""
    manifest = model.manifest
    families = "; ".join(f"{f['id']} ({', '.join(f['codes'])})" for f in manifest.families)
    left_out = "\n".join(f"- `{code}`: {reason}" for code, reason in manifest.left_out.items()) or "- nothing"
    held_out = "\n".join(
        f"| {code} | {c['support']} of {c['n']} | {c['f1']:.2f} | {c['auc']:.2f} | {c['ece']:.2f} |"
        for code, c in manifest.cross_validation["codes"].items()
    )
    parts = [_table(name, evaluation) for name, evaluation in figures.items()]
    data = "\n".join(f"- `{d['path']}`: {d['n']} passages (sha256 {d['sha256'][:12]}…)" for d in manifest.data)
    return TEMPLATE.format(
        name=model.name, version=manifest.sibnlp, created=manifest.created, families=families, left_out=left_out,
        data=data, held_out=held_out, folds=manifest.cross_validation["folds"], seed=manifest.seed,
        groups=manifest.cross_validation["groups"],
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

A first, weak model: it finds passages worth reading; it does not replace a coder. Static embeddings distilled from
all-MiniLM-L6-v2, the words themselves, and one logistic regression per code. Built {created} with sibnlp {version}.

**Codes:** {families}.

**Left out, because nothing was there to learn them from:**
{left_out}

## Use
For a first look over many English interviews and documents on public services, for finding passages to code, and as
the starting point of a model of your own (`sibnlp train`). Not for figures in a paper without hand-coded passages to
correct them by; not for judging people; not for other languages.

## Made of
{data}

Text written for this project, coded once by its author (datasheet: `corpora/written/README.md`). Trained on none of the
development text below. **The expected prevalence in the recipe, and with it probabilities and thresholds, was chosen by
looking at that development text, and so were dimensions, word features and penalty:** its figures are development
figures and flatter, if mildly. Seed {seed}.

## How good
### Written passages, held out ({folds} folds over {groups} passages)
Calibrated and cut by the other folds; at the prevalence of the written passages. Writer and coder are one: flattering.

| code | carried by | F1 | AUC | ECE |
|---|---|---|---|---|
{held_out}

Real text below. Coders among themselves reach macro-F1 0.95 (logic) and 0.92 (domain) there.

{development}
## Where it fails
- **It gives too many codes on ordinary text**: compare "given to" with "carried by" on `dev_natural`. A prevalence
  counted with this model is too high; differences between periods are safer than levels, and neither is safe without
  coded passages to adjust by.
- **It knows words and topics, not conduct.** Mentioning contracts, targets, partners or communities moves it, whatever
  is said of them: quoted, resisted and negated logics count as present.
- **Domains are weaker than logics**; `governance_mechanisms` is given most freely.
- **Genre:** learnt on 40–80-word passages of British social services; essays, committee procedure and technical
  guidance are far from that.
- Probabilities are calibrated to a prevalence of 7 %; where codes are much rarer or more frequent they mislead.
"""
