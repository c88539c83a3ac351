"""`corpora/written` in numbers, as a page, held against what the corpus was to contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from training.coding.coders_page import table
from training.coding.records import CODES, SPLITS
from training.written_corpus.check_draft import CHANGES

Row = Mapping[str, Any]
FAMILY_OF_CHANGE = {change: CODES[change] for change in CHANGES}


def page(codings: Sequence[Row], gold: Sequence[Row], counts: Mapping[str, int]) -> str:
    """What the corpus holds: by writer, genre, sector and country; positives by code; pairs; how gold came about."""
    once = list({row["id"]: row for row in codings}.values())
    words = sum(_words(row) for row in gold)
    asked_rows = [[name, least, have, "" if have >= least else "**short**"] for name, least, have in asked(gold)]
    parts = [
        "# Numbers\n\nWritten by `python -m training.written_corpus.assemble`; do not edit.\n",
        f"{len(once)} passages carry a coding; {len(gold)} have a gold coding, {words} words in all.\n",
        table(["step", "n"], sorted(counts.items())),
        "## What it was to hold, in gold\n",
        table(["", "at least", "there are", ""], asked_rows),
        "## Passages in gold by writer\n",
        _parts("writer", gold, lambda row: str(row["speaker_group"])),
        "Gold by split: " + ", ".join(f"{s} {sum(row['split'] == s for row in gold)}" for s in SPLITS) + ".\n",
        "## By genre\n",
        _parts("genre", gold, lambda row: str(row["genre"])),
        "## By sector\n",
        _few("sector", gold),
        "## By country\n",
        _few("country", gold),
        "## Positives by code\n",
        _positives(codings, gold),
        "## Counterfactual pairs\n\nBy what their writer changed. A pair holds where gold differs in that family.\n",
        _pairs_table(gold),
        "## Length\n\n" + _lengths(gold),
    ]
    return "\n".join(parts)


def asked(gold: Sequence[Row]) -> list[tuple[str, int, int]]:
    """What issue 4 asks of the corpus: name, at least, and how much there is."""
    n = len(gold)
    codes = Counter(code for row in gold for code in row["codes"])
    none = sum(not _logics(row) for row in gold)
    found = [
        ("passages", 1600, n),
        ("counterfactual pairs that hold", 300, sum(held for _, held, _ in _pairs(gold).values())),
        ("hard, %", 30, 100 * sum(bool(row["hard"]) for row in gold) // max(n, 1)),
        ("without a logic, %", 25, 100 * none // max(n, 1)),
    ]
    least = {"logic": 80, "domain": 80, "dimension": 80, "relation": 60, "stance": 100}
    return found + [(f"`{code}`", least[family], codes[code]) for family, own in CODES.items() for code in own]


def pairs_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Members of counterfactual pairs, by pair."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["pair"]:
            found.setdefault(row["pair"], []).append(row)
    return found


def differs(a: Row, b: Row, change: str) -> bool:
    """Whether the codings of a pair differ in the family their writer meant to change."""
    if change == "stance":
        return bool(a["stances"] != b["stances"])
    own = set(FAMILY_OF_CHANGE[change])
    return set(a["codes"]) & own != set(b["codes"]) & own


def _pairs(gold: Sequence[Row]) -> dict[str, tuple[int, int, int]]:
    """By change: pairs with both members in gold, those whose gold differs in it, those whose gold is the same."""
    found = {change: [0, 0, 0] for change in CHANGES}
    for members in pairs_of(gold).values():
        if len(members) == 2:
            a, b = members
            counts = found[a["changes"]]
            counts[0] += 1
            counts[1] += differs(a, b, a["changes"])
            counts[2] += (a["codes"], a["stances"]) == (b["codes"], b["stances"])
    return {change: (whole, held, same) for change, (whole, held, same) in found.items()}


def _pairs_table(gold: Sequence[Row]) -> str:
    found = _pairs(gold)
    rows: list[list[object]] = [[change, *counts] for change, counts in found.items()]
    rows.append(["all", *(sum(counts[k] for counts in found.values()) for k in range(3))])
    return table(["changes", "pairs in gold", "gold differs in it", "gold is the same"], rows)


def _positives(codings: Sequence[Row], gold: Sequence[Row]) -> str:
    by_coder: dict[str, Counter[str]] = {}
    for row in codings:
        by_coder.setdefault(row["coder"].rpartition(", ")[2], Counter()).update(row["codes"])
    golden = Counter(code for row in gold for code in row["codes"])
    per_split = {s: Counter(code for row in gold if row["split"] == s for code in row["codes"]) for s in SPLITS}
    rows = [
        [f"`{code}`", *(found[code] for found in by_coder.values()), golden[code],
         *(per_split[split][code] for split in SPLITS)]
        for codes in CODES.values() for code in codes
    ]  # fmt: skip
    return table(["code", *by_coder, "gold", *(f"gold, {split}" for split in SPLITS)], rows)


def _parts(head: str, gold: Sequence[Row], part: Callable[[Row], str]) -> str:
    rows = []
    for name in sorted({part(row) for row in gold}):
        own = [row for row in gold if part(row) == name]
        splits = [sum(row["split"] == split for row in own) for split in SPLITS]
        mean = round(sum(map(_words, own)) / len(own))
        shares = [_share(own, lambda row: not _logics(row)), _share(own, lambda row: bool(row["hard"]))]
        rows.append([name, len(own), *splits, mean, *shares])
    return table([head, "passages", *SPLITS, "mean words", "no logic", "hard"], rows)


def _few(field: str, gold: Sequence[Row]) -> str:
    """How many passages by a field, the many first; names with fewer than five are counted together."""
    counts = Counter(str(row[field] or "not said") for row in gold)
    named = [[name, n] for name, n in counts.most_common() if n >= 5]
    rare = [n for n in counts.values() if n < 5]
    return table([field, "passages"], [*named, [f"{len(rare)} others", sum(rare)]] if rare else named)


def _share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> str:
    return f"{100 * sum(holds(row) for row in rows) / len(rows):.0f} %"


def _logics(row: Row) -> set[str]:
    return set(row["codes"]) & set(CODES["logic"])


def _words(row: Row) -> int:
    return len(row["text"].split())


def _lengths(gold: Sequence[Row]) -> str:
    lengths = [_words(row) for row in gold]
    bounds = [(20, 39), (40, 59), (60, 89), (90, 119), (120, 140)]
    return table(
        ["words", "passages"], [[f"{low}–{high}", sum(low <= n <= high for n in lengths)] for low, high in bounds]
    )
