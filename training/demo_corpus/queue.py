"""Lay out blind queues for the second coder of the demo case, wave by wave (see `training.coding.queue`).

    python -m training.demo_corpus.queue [--case FOLDER]

A wave holds the turns and sections of all documents that are written and were not handed out in their present wording.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.coding import queue
from training.demo_corpus.passages import CODER, CORPUS, WORK, passages, read_case


def main() -> None:
    """Lay out a wave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path, default=CORPUS, help="folder with plan.json and source/")
    queue.arguments_of_a_wave(parser, WORK)
    arguments = parser.parse_args()
    plan, sources, lacking = read_case(arguments.case)
    rows = [{**row, "pair": None} for row in passages(plan, sources)]
    if lacking:
        print(f"not written yet: {', '.join(lacking)}", file=sys.stderr)
    queue.wave(rows, rows, CORPUS, arguments.out, arguments.development, CODER)


if __name__ == "__main__":
    main()
