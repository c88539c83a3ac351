"""How many names `sibnlp pseudonymise` takes out of the demo case: ``python -m training.benchmarks.pseudonyms``.

The files of the demo case, as they are. ``pseudonyms.csv`` holds every name that somebody who read them all found in
their texts, with the forms it is written in: *plain* (in full, in part, in capitals), *initials*, and *otherwise* (as a
recorder misheard it, or another name for the same person). Generic bodies (the Department, the Province) and months are
no names; names of boats, pets and the like are neither asked for nor counted as mistakes. A name is *found* where every
letter of it was replaced, and *to look at* where it was left and stands in the review list.

The list given is what a researcher would write: people in full, organisations and places in each way they are called.
Names in the labels of caption files are not counted: such labels are always replaced. Writes ``PSEUDONYMS.md``.
The command was mended on this very case, and the list is by the reader who made the gold: elsewhere expect less.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sibnlp import readers
from tests.cli.shell import sibnlp

HERE = Path(__file__).parent
CASE = HERE.parent.parent / "corpora" / "demo" / "case"
GOLD = HERE / "pseudonyms.csv"
KINDS = ("respondent", "interviewer", "other person", "organisation", "place")
FORMS = ("plain", "initials", "otherwise")
WAYS = {
    "speakers' labels alone": (False, False, "none"),
    "by default (labels, metadata.csv, `capitalised`)": (True, False, "capitalised"),
    "labels and a list of names": (False, True, "none"),
    "by default and a list of names": (True, True, "capitalised"),
}


@dataclass(frozen=True)
class Name:
    """A name where it stands in a text."""

    document: str
    start: int
    end: int
    kind: str
    name: str
    form: str
    text: str


@dataclass
class Outcome:
    """What one way of pseudonymising did.

    Attributes:
        found, listed, all: names by kind and form: replaced, left but in the review list, there at all.
        missed: what was neither, with how often.
        wrong: words replaced that are no part of a name, with how often.
        replaced: spans replaced.
        to_review: rows of the review list.
        pseudonyms: of each person, those that stand for a name of theirs.
    """

    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    listed: Counter[tuple[str, str]] = field(default_factory=Counter)
    all: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    to_review: int = 0
    pseudonyms: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def recall(self, kind: str, form: str = "plain") -> float:
        """Share of names replaced; 1 where there are none."""
        n = self.all[kind, form]
        return self.found[kind, form] / n if n else 1.0


def gold_rows() -> list[dict[str, str]]:
    """The names, a form a row."""
    with GOLD.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names_in(document: str, text: str, rows: Sequence[Mapping[str, str]]) -> list[Name]:
    """Every name in a text, the longest form at each place."""
    forms = {row["form"]: row for row in rows if document.startswith(row["document"])}
    spaced = (r"\s+".join(map(re.escape, form.split())) for form in sorted(forms, key=len, reverse=True))
    plain = text.replace("’", "'")
    found = []
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)", plain):
        row = forms[" ".join(match[0].split())]
        form = row["how"] if row["how"] in FORMS else "otherwise"
        found.append(Name(document, *match.span(), row["kind"], row["name"], form, text[match.start() : match.end()]))
    return found


def measure(names: Sequence[Name], texts: Mapping[str, str], way: tuple[bool, bool, str], folder: Path) -> Outcome:
    """Pseudonymise the case one way and compare with the names that are there."""
    with_metadata, with_list, recogniser = way
    case = folder / "case"
    shutil.copytree(CASE, case, ignore=None if with_metadata else shutil.ignore_patterns("metadata.csv"))
    arguments: list[object] = ["pseudonymise", case, "-o", folder / "out", "--map", folder / "map.json"]
    arguments += ["--recogniser", recogniser]
    if with_list:
        listed = [row for row in gold_rows() if row["listed"]]
        with (folder / "names.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "kind"])
            writer.writerows([row["name"], row["kind"]] for row in listed)
        arguments += ["--names", folder / "names.csv"]
    done = sibnlp(*arguments)
    if done.code:
        raise SystemExit(done.err)
    kept = json.loads((folder / "map.json").read_text(encoding="utf-8"))["documents"]
    out = {name: (folder / "out" / name).read_text(encoding="utf-8") for name in kept}
    spans = {one["document"]: [(*span, out[name]) for span in one["spans"]] for name, one in kept.items()}
    with (folder / "map.review.csv").open(encoding="utf-8-sig", newline="") as file:
        review = [(row["document"], int(row["start"]), int(row["end"])) for row in csv.DictReader(file)]
    return _compare(names, texts, spans, review)


def _compare(
    names: Sequence[Name],
    texts: Mapping[str, str],
    spans: Mapping[str, Sequence[tuple[int, int, int, int, str]]],
    review: Sequence[tuple[str, int, int]],
) -> Outcome:
    made = Outcome(to_review=len(review))
    for one in names:
        if one.kind not in KINDS:
            continue
        key = (one.kind, one.form)
        made.all[key] += 1
        hits = [span for span in spans[one.document] if span[0] < one.end and one.start < span[1]]
        letters = {at for at in range(one.start, one.end) if texts[one.document][at].isalpha()}
        if not letters - {at for start, end, *_ in hits for at in range(start, end)}:
            made.found[key] += 1
            if one.kind in KINDS[:2]:
                made.pseudonyms[one.name] |= {text[start:end] for _, _, start, end, text in hits}
        elif any(d == one.document and s < one.end and one.start < e for d, s, e in review):
            made.listed[key] += 1
        else:
            made.missed[one.text] += 1
    for document, replaced in spans.items():
        real = [span for span in replaced if span[0] < span[1]]
        made.replaced += len(real)
        for start, end, *_ in real:
            if not any(one.document == document and one.start < end and start < one.end for one in names):
                made.wrong[texts[document][start:end]] += 1
    return made


def run() -> tuple[list[Name], dict[str, Outcome]]:
    """Every way, on the whole case."""
    rows = gold_rows()
    files = [path for path in sorted(CASE.iterdir()) if path.name not in ("metadata.csv", "project.toml")]
    texts = {path.name: readers.read(path).text for path in files}
    names = [one for document, text in texts.items() for one in names_in(document, text, rows)]
    outcomes = {}
    for title, way in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            outcomes[title] = measure(names, texts, way, Path(folder))
    return names, outcomes


def main() -> None:
    """Measure and write the page."""
    names, outcomes = run()
    first = next(iter(outcomes.values()))
    documents = len({one.document for one in names})
    about = (__doc__ or "").partition("\n\n")[2].strip()
    lines = ["# Names taken out of texts", "", about, "", f"{documents} texts.", ""]
    lines += _table("Names as they are mostly written (plain): share replaced", outcomes, "plain")
    lines += _table("Initials (`HP`, `L.W.`, `S. Croft`): share replaced", outcomes, "initials")
    lines += _table("Misheard (`Hollace`) or called otherwise: share replaced", outcomes, "otherwise")
    lines += [
        "## What it costs", "",
        "| | replaced | of them no name | left, but to look at | left in silence | review list | people with two |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for title, one in outcomes.items():
        two = sum(len(pseudonyms) > 1 for pseudonyms in one.pseudonyms.values())
        wrong = one.wrong.total()
        lines.append(
            f"| {title} | {one.replaced} | {wrong} ({wrong / one.replaced:.1%}) | {one.listed.total()} | "
            f"{one.missed.total()} | {one.to_review} | {two} of {len(one.pseudonyms)} |"
        )
    lines += ["", "*Two*: respondents and interviewers for whom more than one pseudonym stands."]
    for title, one in outcomes.items():
        lines += ["", f"**{title}**", "", f"- No name, replaced: {_most(one.wrong)}"]
        lines += [f"- Left in silence: {_most(one.missed)}"]
    n = sum(first.all.values())
    lines[4] = f"{documents} texts with {n} names."
    (HERE / "PSEUDONYMS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(HERE / "PSEUDONYMS.md")


def _table(title: str, outcomes: Mapping[str, Outcome], form: str) -> list[str]:
    first = next(iter(outcomes.values()))
    kinds = [kind for kind in KINDS if first.all[kind, form]]
    lines = [f"## {title}", "", "| | " + " | ".join(f"{kind} ({first.all[kind, form]})" for kind in kinds) + " |"]
    lines.append("|---|" + "---:|" * len(kinds))
    for way, one in outcomes.items():
        lines.append(f"| {way} | " + " | ".join(f"{one.recall(kind, form):.3f}" for kind in kinds) + " |")
    return [*lines, ""]


def _most(words: Counter[str], n: int = 25) -> str:
    said = ", ".join(f"{' '.join(word.split())} ({times})" for word, times in words.most_common(n))
    return (said or "nothing") + (f" and {len(words) - n} more" if len(words) > n else "") + "."


if __name__ == "__main__":
    main()
