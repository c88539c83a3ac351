"""The evaluation of a model as one HTML page: how good per family and code, where it is most wrong, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sibnlp.report import evaluation_tables as tables
from sibnlp.report.text import MISSING, amount, interval_of, line, number, percent, plain, score

WORST = 60
"""Errors shown; the table of codes counts all."""

FAMILY_COLUMNS = (("macro_f1", "Macro F1"), ("macro_auc", "Macro AUC"), ("alpha", "α"), ("ece", "ECE"))
CODE_COLUMNS = (
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("f1", "F1"),
    ("auc", "AUC"),
    ("alpha", "α"),
    ("ece", "ECE"),
    ("threshold", "Threshold"),
)
# Words named for each wrong code, towards it and against it; a word that moves less than this is not marked.
TOWARDS, AGAINST, FAINT = 5, 3, 0.1


def render_evaluation(evaluation: Mapping[str, Any]) -> str:
    """Write the content of ``metrics.json`` as one self-contained HTML document.

    Args:
        evaluation: ``model``, ``n_passages``, ``n_documents``, ``families``, ``codes``, ``errors``, and what
            `sibnlp.evaluate.details` adds; any number may be None, and whatever is absent is left out.

    Returns:
        HTML, to be written as UTF-8.
    """
    from sibnlp.report import bundle, page

    view, embedded = build(evaluation)
    scripts = (bundle.javascript(), page.asset("figures.js"), page.asset("tables.js"), page.asset("evaluation.js"))
    return page.build("evaluation.html.j2", view, embedded, scripts)


def build(evaluation: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the template writes, and the charts that its script draws."""
    families, codes = evaluation.get("families") or {}, evaluation.get("codes") or {}
    figures = _figures(evaluation)
    errors = sorted(evaluation.get("errors") or (), key=lambda error: (-_badness(error), str(error.get("passage"))))
    view = {
        "title": f"Evaluation of {line(str(evaluation.get('model') or 'a model'))}",
        "size": _size(evaluation),
        "notes": [line(str(note)) for note in evaluation.get("notes") or ()],
        "families": [
            {
                "name": line(str(name)),
                "values": [score(row.get(key)) for key, _ in FAMILY_COLUMNS],
                "interval": interval_of(row.get("interval")),
            }
            for name, row in families.items()
        ],
        "family_columns": [label for _, label in FAMILY_COLUMNS],
        "codes": [
            {
                "name": line(str(name)),
                "support": number(int(row["support"])) if row.get("support") is not None else MISSING,
                "interval": interval_of(row.get("interval")),
                "values": [score(row.get(key)) for key, _ in CODE_COLUMNS],
                "shares": [percent(row.get("share")), percent(row.get("share_given")), _ratio(row)],
            }
            for name, row in codes.items()
        ],
        "code_columns": [label for _, label in CODE_COLUMNS],
        "figures": [{"id": f"figure-{i}", "caption": caption} for i, (caption, _) in enumerate(figures, 1)],
        "agreement": tables.agreement(evaluation.get("agreement") or ()),
        "comparison": tables.comparison(evaluation.get("comparison") or ()),
        "slices": tables.slices(evaluation.get("slices") or ()),
        "confusion": tables.confusion(evaluation.get("confusion") or {}),
        "co_occurrence": tables.co_occurrence(evaluation.get("co_occurrence") or {}),
        "reliability": tables.reliability((evaluation.get("reliability") or {}).get("codes") or {}),
        "coverage": tables.coverage(evaluation.get("risk_coverage") or {}),
        "learning": tables.learning(evaluation.get("learning_curve") or ()),
        "errors": [_error(error) for error in errors[:WORST]],
        "errors_shown": f"{number(min(WORST, len(errors)))} of {number(len(errors))}",
    }
    return view, {"charts": [{"id": f"figure-{i}", "spec": spec} for i, (_, spec) in enumerate(figures, 1)]}


def _figures(evaluation: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Captions and specifications of what there is to draw."""
    from sibnlp.report import evaluation_figures as draw

    names: dict[str, str] = {}
    families, codes = evaluation.get("families") or {}, evaluation.get("codes") or {}
    found = []
    if families or codes:
        caption = "Scores from 0 to 1: per family, macro F1 with its interval; per code, F1, precision and recall."
        found.append((caption, draw.scores(families, codes)))
    bins = evaluation.get("reliability") or {}
    if bins.get("families"):
        caption = (
            "Reliability by family: where the model states a probability (in tenths), how often the code holds. On the "
            "dashed line probabilities mean what they say; the size of a point shows how many decisions it stands for."
        )
        found.append((caption, draw.reliability(bins["families"], names)))
    if bins.get("codes"):
        found.append(("The same for each code.", draw.reliability(bins["codes"], names)))
    if evaluation.get("risk_coverage"):
        caption = (
            "Risk–coverage: the share of passages with an error in the family, if only the surest passages are coded "
            "and the others left undecided (--min-confidence)."
        )
        found.append((caption, draw.risk_coverage(evaluation["risk_coverage"], names)))
    if evaluation.get("learning_curve"):
        caption = "Learning curve: macro F1 by the number of passages learnt from, with 95 % intervals."
        found.append((caption, draw.learning_curve(evaluation["learning_curve"], names)))
    return found


def _ratio(row: Mapping[str, Any]) -> str:
    """Share the model gave by share people gave; more than 1 is too often."""
    share, given = row.get("share"), row.get("share_given")
    return score(given / share) if share and given is not None else MISSING


def _size(evaluation: Mapping[str, Any]) -> str:
    counts = (("n_passages", "passage"), ("n_documents", "document"))
    there = [amount(int(evaluation[key]), noun) for key, noun in counts if evaluation.get(key) is not None]
    return " of ".join(there)


def _badness(error: Mapping[str, Any]) -> float:
    """How sure the model was of what is wrong: the largest distance between score and truth."""
    return max((_distance(error, code) for code in _wrong(error)), default=0.0)


def _wrong(error: Mapping[str, Any]) -> list[str]:
    gold, predicted = error["gold"], error["predicted"]
    return [code for code in gold if code not in predicted] + [code for code in predicted if code not in gold]


def _distance(error: Mapping[str, Any], code: str) -> float:
    given = (error.get("scores") or {}).get(code)
    if code in error["gold"]:
        return float(1 - (given or 0))
    return float(1.0 if given is None else given)


def _error(error: Mapping[str, Any]) -> dict[str, Any]:
    gold, predicted, given = error["gold"], error["predicted"], error.get("scores") or {}
    text, reasons = str(error.get("text", "")), error.get("reasons") or {}
    # The words are marked for the code the model was most wrong about; of the others they are listed.
    explained = sorted((code for code in _wrong(error) if reasons.get(code)), key=lambda code: -_distance(error, code))
    return {
        "passage": line(str(error.get("passage", ""))),
        "coder": line(str(error.get("coder") or "")),
        "text": line(text),
        "parts": marked(text, reasons[explained[0]]) if explained else [],
        "marked": line(explained[0]) if explained else "",
        "moved": [{"code": line(code), "words": _moved(text, reasons[code])} for code in explained],
        "missed": [{"code": line(c), "score": score(given.get(c))} for c in gold if c not in predicted],
        "invented": [{"code": line(c), "score": score(given.get(c))} for c in predicted if c not in gold],
        "right": [{"code": line(c), "score": score(given.get(c))} for c in gold if c in predicted],
    }


def marked(text: str, words: Sequence[Sequence[float]]) -> list[dict[str, str]]:
    """A passage cut at the words that moved a score most: ``{"text", "kind"}``, kind ``for``, ``against`` or empty.

    Args:
        text: the passage, as it is.
        words: ``[start, end, weight]`` each, in any order; those that overlap an earlier one are passed over.
    """
    strong = sorted(words, key=lambda word: -abs(word[2]))[: TOWARDS + AGAINST + 4]
    parts, at = [], 0
    for start, end, weight in sorted(strong, key=tuple):
        if abs(weight) < FAINT or start < at:
            continue
        parts.append({"text": _inline(text[at : int(start)]), "kind": ""})
        parts.append({"text": _inline(text[int(start) : int(end)]), "kind": "for" if weight > 0 else "against"})
        at = int(end)
    parts.append({"text": _inline(text[at:]), "kind": ""})
    return [part for part in parts if part["text"]]


def _inline(text: str) -> str:
    return re.sub(r"\s+", " ", plain(text))


def _moved(text: str, words: Sequence[Sequence[float]]) -> list[str]:
    """Words that moved the score most, as ``dock +1.20``: those towards the code first."""
    from sibnlp.explain import strongest
    from sibnlp.types import Moved

    moved = [Moved(int(start), int(end), weight) for start, end, weight in words]
    towards, against = strongest(text, moved, TOWARDS, AGAINST)
    return [f"{line(word)} {'+' if weight > 0 else '−'}{abs(weight):.2f}" for word, weight in (*towards, *against)]
