"""What coders wrote, read strictly: shared by the scripts of all corpora.

A batch with anything wrong in it is refused whole, with every fault named: half a batch would look like a coding.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sibnlp import codebook
from sibnlp.targets import FamilyCodes, merge

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
FAMILIES: tuple[FamilyCodes, ...] = merge([codebook.load("osborne"), codebook.load("oflynn")])
CODES = {family.id: family.codes for family in FAMILIES}
FAMILY_OF = {code: family for family, codes in CODES.items() for code in codes}
# Which logics a family can be about: Osborne's domains contrast NPM and NPG, O'Flynn's dimensions NPM and PVM.
ABOUT = {"domain": {"NPM", "NPG"}, "dimension": {"NPM", "PVM"}}
FIELDS = {"item", "logics", "domains", "dimensions", "relation", "stances", "confidence"}
EXTENT = tuple(family.id for family in FAMILIES)
SPLITS = ("train", "validation", "test")
_KEEP = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Coding:
    """What one coder said of one item.

    Attributes:
        logics, domains, dimensions: ids, in the codebooks' order.
        relation: id or None.
        stances: by logic; none where the coder did not read for them.
        confidence: 1 to 3; 0 where none was asked for.
    """

    logics: tuple[str, ...]
    domains: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    relation: str | None = None
    stances: Mapping[str, str] = field(default_factory=dict)
    confidence: int = 0

    @property
    def codes(self) -> list[str]:
        """Codes of all families; stances as their union."""
        relation = [self.relation] if self.relation else []
        stances = [stance for stance in CODES["stance"] if stance in self.stances.values()]
        return [*self.logics, *self.domains, *self.dimensions, *relation, *stances]

    @property
    def content(self) -> dict[str, Any]:
        """All but the confidence, as plain values: two codings with the same content agree."""
        return {
            "logics": list(self.logics), "domains": list(self.domains), "dimensions": list(self.dimensions),
            "relation": self.relation,
            "stances": {logic: self.stances[logic] for logic in self.logics if logic in self.stances},
        }  # fmt: skip


@dataclass(slots=True)
class Batch:
    """A raw batch: its codings by item, or why it is refused.

    Attributes:
        codings: by item.
        problems: every fault, named.
        dropped: items whose domains or dimensions fell away, by family, for want of a logic they can be about.
    """

    codings: dict[str, Coding] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """A JSONL file of ours."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSONL, one row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_keys(corpus: Path, kind: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of ``keys/<kind>-*.jsonl`` by batch: which passage an item is."""
    batches: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((corpus / "keys").glob(f"{kind}-*.jsonl")):
        for row in read_rows(path):
            batches.setdefault(row["batch"], []).append(row)
    return batches


def read_batch(path: Path, items: Sequence[str], confidence: bool = True) -> Batch:
    """Read a raw batch and hold it against the items that were handed out.

    Args:
        path: the batch.
        items: that it must code, each once.
        confidence: whether the coder was asked for one.
    """
    batch = Batch()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            row = json.loads(line)
        except ValueError:
            batch.problems.append(f"{where}: not JSON")
            continue
        if not isinstance(row, dict) or not isinstance(row.get("item"), str):
            batch.problems.append(f"{where}: no item")
            continue
        where = f"{path.name} item {row['item']}"
        if row["item"] in batch.codings:
            batch.problems.append(f"{where}: coded twice")
        elif row["item"] not in items:
            batch.problems.append(f"{where}: was not in this batch")
        faults = check(row, confidence)
        batch.problems += [f"{where}: {fault}" for fault in faults]
        if not faults:
            batch.codings[row["item"]] = coding_of(row, batch.dropped)
        else:
            batch.codings[row["item"]] = Coding(())
    missing = [item for item in items if item not in batch.codings]
    if missing:
        batch.problems.append(f"{path.name}: {len(missing)} of {len(items)} items not coded, the first {missing[0]}")
    return batch


def check(row: Mapping[str, Any], confidence: bool = True) -> list[str]:
    """Every fault of one raw coding, in words."""
    faults = []
    wanted = FIELDS if confidence else FIELDS - {"confidence"}
    if lacking := wanted - set(row):
        return [f"lacks {', '.join(sorted(lacking))}"]
    for name, family in (("logics", "logic"), ("domains", "domain"), ("dimensions", "dimension")):
        value = row[name]
        if not isinstance(value, list):
            return [f"{name} is no list"]
        faults += [f"unknown code {code!r} in {name}" for code in value if code not in CODES[family]]
        if len({str(code) for code in value}) < len(value):
            faults.append(f"{name} names a code twice")
    logics = {str(code) for code in row["logics"]}
    relation, stances = row["relation"], row["stances"]
    if relation is not None and relation not in CODES["relation"]:
        faults.append(f"unknown relation {relation!r}")
    if relation is not None and len(logics) < 2:
        faults.append("a relation without two logics")
    if not isinstance(stances, dict) or set(stances) != logics:
        faults.append("stances are not those of its logics")
    else:
        faults += [f"unknown stance {stance!r}" for stance in stances.values() if stance not in CODES["stance"]]
    if confidence and row["confidence"] not in (1, 2, 3):
        faults.append(f"confidence {row['confidence']!r} is not 1, 2 or 3")
    if row["dimensions"] and not logics & ABOUT["dimension"]:
        faults.append("a dimension without NPM or PVM")
    return faults


def coding_of(row: Mapping[str, Any], dropped: Counter[str]) -> Coding:
    """A raw coding without faults, its codes in the codebooks' order.

    Args:
        row: as `check` found it sound.
        dropped: counts a coding whose domains fall away for want of NPM and NPG.
    """
    logics = tuple(code for code in CODES["logic"] if code in row["logics"])
    domains = tuple(code for code in CODES["domain"] if code in row["domains"])
    # The codebook gives no domain where neither NPM nor NPG is carried; early instructions left that open.
    if domains and not ABOUT["domain"] & set(logics):
        dropped["domain"] += 1
        domains = ()
    dimensions = tuple(code for code in CODES["dimension"] if code in row["dimensions"])
    return Coding(logics, domains, dimensions, row["relation"], dict(row["stances"]), row.get("confidence") or 0)


def raw_of(codes: Sequence[str], stances: Mapping[str, str]) -> dict[str, Any]:
    """A list of codes of all families as a raw coding.

    Raises:
        KeyError: a code is unknown.
    """
    by_family: dict[str, list[str]] = {family: [] for family in CODES}
    for code in codes:
        by_family[FAMILY_OF[code]].append(code)
    relation = by_family["relation"][0] if by_family["relation"] else None
    return {
        "logics": by_family["logic"], "domains": by_family["domain"], "dimensions": by_family["dimension"],
        "relation": relation, "stances": dict(stances),
    }  # fmt: skip


def fingerprint(text: str) -> str:
    """SHA-256 over a text's ASCII letters and digits, as ``shared/tools/locate.py`` has it."""
    return hashlib.sha256(_KEEP.sub("", text).encode()).hexdigest()


def short_hash(text: str) -> str:
    """Twelve hexadecimal digits that stand for a name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_development(folder: Path = SHARED / "real") -> list[dict[str, Any]]:
    """The development passages, whose codes are known: they go blind into every coder's queue as a check."""
    return [row for name in ("dev", "dev_natural") for row in read_rows(folder / f"{name}.jsonl")]
