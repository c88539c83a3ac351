"""What a figure is an estimate of, and what it stands on: said beside every figure, in the same words."""

from __future__ import annotations

from collections.abc import Mapping

from sibnlp.report.text import amount, capital, interval, joined, line, named, number, percent
from sibnlp.types import Prevalence, Trajectory

SCOPES = {"interview": "interviews", "document": "documents", "all": "interviews and documents"}
WEIGHTS = {
    "passage": "every passage counts the same",
    "words": "passages count by their words",
    "document": "every document counts the same",
    "actor": "every actor counts the same",
}
QUANTIFIERS = {"design_based": "design-based", "pacc": "PACC", "acc": "ACC", "emq": "EMQ"}
# What each rung of the ladder means to a reader.
RUNGS = {
    "design-based": "a probability sample of codings corrects it, whatever the classifier’s errors are",
    "corrected": "corrected by error rates measured on codings from this corpus",
    "transported": "corrected by error rates measured elsewhere, which serve for changes alone",
    "uncorrected": "the share that the classifier flagged, its errors included",
    "as coded": "what people coded; coders’ errors are not in the intervals",
}


def share_of(trajectory: Trajectory) -> str:
    """The denominator in words."""
    return "passages that carry the domain" if trajectory.denominator == "domain" else "all passages"


def estimand(trajectory: Trajectory, names: Mapping[str, str]) -> dict[str, object]:
    """What a section's figures estimate: of what, weighted how, by which rungs, and why no better ones."""
    rungs: dict[str, list[str]] = {}
    refused: dict[str, list[str]] = {}
    for cell in trajectory.prevalence:
        if cell.method and cell.code not in rungs.setdefault(cell.method, []):
            rungs[cell.method].append(line(cell.code))
        domain = "" if cell.domain is None else f" in {capital(named(names, cell.domain))}"
        for reason in cell.refused:
            where = f"{line(cell.code)}{domain}"
            if where not in refused.setdefault(reason, []):
                refused[reason].append(where)
    everybody = {line(cell.code) for cell in trajectory.prevalence}
    return {
        "text": f"{SCOPES.get(trajectory.scope, line(trajectory.scope)).capitalize()} · shares of "
        f"{share_of(trajectory)}; {WEIGHTS.get(trajectory.weight, line(trajectory.weight))}",
        "rungs": [
            {
                "method": capital(line(method)),
                "codes": "" if set(codes) == everybody else joined(codes),
                "means": RUNGS.get(method.rpartition(", ")[2], ""),
            }
            for method, codes in rungs.items()
        ],
        # The same reason for half the cells is named without them.
        "refused": [
            f"{joined(where) if len(where) <= 4 else f'{len(where)} figures'}: {not_used(reason)}."
            for reason, where in refused.items()
        ],
    }


def not_used(reason: str) -> str:
    """Why a better rung is not used, its quantifier by the name people know it by."""
    name, colon, why = line(reason).partition(": ")
    return f"{QUANTIFIERS.get(name, name)}{colon}{why}"


def base(item: Prevalence) -> list[str]:
    """The denominator in words; documents may have no speakers."""
    counts = {"passage": item.n_passages, "source": item.n_documents, "speaker": item.n_speakers}
    found = [amount(n, noun) for noun, n in counts.items() if n]
    return [*found, amount(item.n_words, "word")] if item.n_words else found


def method(item: Prevalence) -> str:
    """Quantifier and rung."""
    return line(item.method)


def corpus(item: Prevalence) -> str:
    """The interval about these very passages; empty where it is the figure itself or is not known."""
    return "" if item.corpus_low == item.corpus_high == item.estimate else interval(item.corpus_low, item.corpus_high)


def flags(item: Prevalence) -> str:
    """Why a figure should not be read alone."""
    return ", ".join(word for word, held in (("small cell", item.small), ("part of a period", item.partial)) if held)


def summary(item: Prevalence, trajectory: Trajectory) -> str:
    """One figure in a sentence: value, both intervals, what it counts, what it stands on, why not on better."""
    said = [f"{percent(item.estimate)}%"]
    if other := interval(item.low, item.high):
        scope = SCOPES.get(trajectory.scope, line(trajectory.scope))
        said.append(f"{percent(trajectory.level, 0)} % interval {other} for other {scope} with such actors")
    if these := corpus(item):
        said.append(f"{these} for these very passages")
    parts = [
        ", ".join(said),
        f"{number(item.n_coded)} of {', '.join(base(item))}",
        capital(WEIGHTS.get(item.weight, line(item.weight))),
        capital(method(item)),
        *(f"Not used: {not_used(reason)}" for reason in item.refused),
        capital(flags(item)),
    ]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."
