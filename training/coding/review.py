"""Take a reviewer's verdicts on candidates for label errors into a corpus, to be applied by its ``assemble``.

    python -m training.coding.review CORPUS CANDIDATES VERDICTS

CANDIDATES is what ``audit --candidates`` wrote; VERDICTS has a line for each of them, ``{"item": ID, "verdict":
"stands"}`` or ``{"item": ID, "verdict": "changed", "logics": […], …}`` with the whole coding. A verdict that is
missing, on another passage, or with a fault is named, and then nothing is taken. Which candidates were read and what
was said of them goes to ``keys/review-NN.jsonl``, the changed codings to the raw folder beside the other batches.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.coding.assembly import collect
from training.coding.records import check, read_rows, write_rows

Row = Mapping[str, Any]
VERDICTS = ("stands", "changed")


def faults(candidates: Sequence[Row], verdicts: Sequence[Row]) -> list[str]:
    """Everything wrong with the verdicts, in words."""
    asked, found = {row["id"] for row in candidates}, []
    said = [str(row.get("item")) for row in verdicts]
    found += [f"{item}: was no candidate" for item in said if item not in asked]
    found += [f"{item}: judged twice" for item in sorted({item for item in said if said.count(item) > 1})]
    found += [f"{item}: not judged" for item in sorted(asked - set(said))]
    for row in verdicts:
        if row.get("verdict") not in VERDICTS:
            found.append(f"{row.get('item')}: verdict {row.get('verdict')!r} is not stands or changed")
        elif row["verdict"] == "changed":
            found += [f"{row['item']}: {fault}" for fault in check(row, confidence=False)]
    return found


def take(corpus: Path, raw: Path, verdicts: Sequence[Row], work: Path) -> str:
    """Write a review's key and raw batch.

    Args:
        corpus: takes the key; raw: takes the batch.
        verdicts: without faults.
        work: folder the batch is handed over in.

    Returns:
        Name of the batch.
    """
    name = f"review-{1 + len(list((corpus / 'keys').glob('review-*.jsonl'))):02d}"
    key = [{"item": row["item"], "batch": name, "id": row["item"], "verdict": row["verdict"]} for row in verdicts]
    write_rows(corpus / "keys" / f"{name}.jsonl", key)
    changed = [{k: v for k, v in row.items() if k != "verdict"} for row in verdicts if row["verdict"] == "changed"]
    write_rows(work / f"{name}.jsonl", changed)
    collect(raw, work, {name: [row["item"] for row in changed]}, confidence=False)
    return name


def main() -> None:
    """Take a review in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder of the corpus")
    parser.add_argument("candidates", type=Path)
    parser.add_argument("verdicts", type=Path)
    arguments = parser.parse_args()
    candidates, verdicts = read_rows(arguments.candidates), read_rows(arguments.verdicts)
    found = faults(candidates, verdicts)
    if found:
        print(*found, sep="\n", file=sys.stderr)
        raise SystemExit(f"{len(found)} faults; nothing taken")
    corpus: Path = arguments.corpus
    raw = next(folder for folder in (corpus / "raw_coded", corpus / "raw") if folder.is_dir())
    name = take(corpus, raw, verdicts, arguments.verdicts.parent / "taken")
    changed = sum(row["verdict"] == "changed" for row in verdicts)
    print(f"{name}: {len(verdicts)} candidates, {changed} changed; now run the corpus's assemble")


if __name__ == "__main__":
    main()
