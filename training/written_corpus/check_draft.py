"""Check a writer's file for ``corpora/written``: faults by line, and what the brief's quotas still lack.

    python -m training.written_corpus.check_draft corpora/written/raw/w01.jsonl

Exit code 1 where a row is at fault; a quota that is not met yet is no fault.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.records import CODES, check, read_rows

GENRES = (
    "interview", "contract", "kpi_schedule", "minutes", "bid", "evaluation", "academic", "testimony", "case_study",
    "press", "strategy", "guidance", "blog", "essay", "report", "email",
)  # fmt: skip
CHANGES = ("logic", "domain", "dimension", "relation", "stance")
FIELDS = {
    "id", "text", "logics", "domains", "dimensions", "relation", "stances", "genre", "role", "sector", "country",
    "hard", "pair", "changes",
}  # fmt: skip
RAW = Path(__file__).resolve().parents[2] / "corpora" / "written" / "raw"
LEAST_WORDS, MOST_WORDS, RUN, ALIKE = 20, 140, 8, 0.6
_WORD = re.compile(r"[\w'’]+")
QUOTA = {
    "no logic": 60, "hard": 60, "NPM": 35, "NPG": 35, "PVM": 35, **dict.fromkeys(CODES["domain"], 22),
    **dict.fromkeys(CODES["dimension"], 13), "dominant_focus": 15,
    "co_existing": 10, "reinforcing": 10, "in_tension": 10, "endorses": 30, "resists": 20, "reports": 30,
    "pairs": 42, "passages": 170,
}  # fmt: skip


def words(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def faults_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every fault of single rows and of pairs, in words."""
    faults: list[str] = []
    seen: set[str] = set()
    pairs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        where = f"line {number} ({row.get('id', 'no id')})"
        if set(row) != FIELDS:
            faults.append(f"{where}: lacks {sorted(FIELDS - set(row))}, has unknown {sorted(set(row) - FIELDS)}")
            continue
        faults += [f"{where}: {fault}" for fault in _row_faults(row)]
        if row["id"] in seen:
            faults.append(f"{where}: the id stands twice")
        seen.add(row["id"])
        if row["pair"]:
            pairs[row["pair"]].append(row)
    for name, members in pairs.items():
        faults += [f"pair {name}: {fault}" for fault in _pair_faults(members)]
    return faults


def _row_faults(row: Mapping[str, Any]) -> list[str]:
    found = check({"item": row["id"], **row}, confidence=False)
    n = len(row["text"].split())
    told = {
        "a domain without NPM or NPG": row["domains"] and not {"NPM", "NPG"} & set(row["logics"]),
        f"{n} words, not {LEAST_WORDS} to {MOST_WORDS}": not LEAST_WORDS <= n <= MOST_WORDS,
        f"unknown genre {row['genre']!r}": row["genre"] not in GENRES,
        "hard is not true or false": not isinstance(row["hard"], bool),
        "a line break in the text": "\n" in row["text"],
        f"pair {row['pair']!r} changes {row['changes']!r}": (row["pair"] is None) != (row["changes"] is None)
        or row["changes"] not in (None, *CHANGES),
    }
    return found + [fault for fault, holds in told.items() if holds]


def _pair_faults(members: Sequence[Mapping[str, Any]]) -> list[str]:
    if len(members) != 2:
        return [f"{len(members)} members, not 2"]
    a, b = members
    field = {"logic": "logics", "domain": "domains", "dimension": "dimensions", "relation": "relation"}
    change = a["changes"]
    found = []
    if change != b["changes"]:
        found.append("its members name different changes")
    elif change == "stance":
        if a["stances"] == b["stances"]:
            found.append("the stances are the same")
    elif a[field[change]] == b[field[change]]:
        found.append(f"{change} is the same in both")
    alike = difflib.SequenceMatcher(None, words(a["text"]), words(b["text"]), autojunk=False).ratio()
    if alike < ALIKE:
        found.append(f"only {alike:.0%} of the words are the same")
    if a["text"] == b["text"]:
        found.append("the texts are the same")
    return found


def counterparts(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two passages are a counterfactual pair."""
    return bool(a.get("pair")) and a.get("pair") == b.get("pair")


def shared_runs(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Pairs of passages outside counterfactual pairs that share eight words in a row: ids, and the words."""
    first: dict[tuple[str, ...], Mapping[str, Any]] = {}
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        tokens = words(row["text"])
        for start in range(len(tokens) - RUN + 1):
            run = tuple(tokens[start : start + RUN])
            other = first.setdefault(run, row)
            if other["id"] != row["id"] and not counterparts(other, row):
                found.setdefault((other["id"], row["id"]), " ".join(run))
    return [(a, b, run) for (a, b), run in found.items()]


def counts(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many passages carry each code, none, are hard; how many pairs there are."""
    found: Counter[str] = Counter()
    for row in rows:
        stances = set(row["stances"].values())
        found.update([*row["logics"], *row["domains"], *row["dimensions"], *stances, "passages"])
        found.update([row["relation"]] if row["relation"] else [])
        found["no logic"] += not row["logics"]
        found["hard"] += bool(row["hard"])
    found["pairs"] = len({row["pair"] for row in rows if row["pair"]})
    return found


def main() -> None:
    """Say what is wrong with a file, and what is still lacking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    path: Path = parser.parse_args().file
    rows = read_rows(path)
    faults = faults_of(rows)
    others = [
        row for other in sorted(RAW.glob("*.jsonl")) if other.resolve() != path.resolve() for row in read_rows(other)
    ]
    faults += [
        f"{a} and {b} share: {run}" for a, b, run in shared_runs([*others, *rows]) if b in {r["id"] for r in rows}
    ]
    for fault in faults:
        print(fault, file=sys.stderr)
    lengths = sorted(len(row["text"].split()) for row in rows)
    if lengths:
        print(
            f"{len(rows)} passages, mean {sum(lengths) / len(lengths):.0f} words, "
            f"{sum(n < 40 for n in lengths)} under 40, {sum(n > 90 for n in lengths)} over 90"
        )
    opens = Counter(" ".join(words(row["text"])[:2]) for row in rows if not row["pair"])
    print("openings used more than twice:", {k: n for k, n in opens.items() if n > 2} or "none")
    have = counts(rows)
    print(
        "still lacking:", {name: least - have[name] for name, least in QUOTA.items() if have[name] < least} or "nothing"
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
