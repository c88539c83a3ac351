"""Lay out blind queues for the coder of ``corpora/written``, wave by wave (see `training.coding.queue`).

    python -m training.written_corpus.queue --writers w01 w02 w03 w04 --plain
    python -m training.written_corpus.queue --writers w05 w06 w07 w08

A draft with a fault is not handed out. Whether the words stayed the same since a passage was handed out is seen when
the corpus is assembled: a coding of another wording does not count, and the next wave asks again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from training.coding import queue
from training.coding.records import read_rows
from training.written_corpus.check_draft import faults_of
from training.written_corpus.passages import CODER, CORPUS, RAW, WORK, WRITERS, read_drafts


def main() -> None:
    """Lay out a wave."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", nargs="*", default=[], help="w01 w02 …")
    parser.add_argument("--plain", action="store_true", help="the passages of plain.jsonl too")
    parser.add_argument("--raw", type=Path, default=RAW, help="folder of the writers' files")
    queue.arguments_of_a_wave(parser, WORK)
    arguments = parser.parse_args()
    drafts = {writer: read_rows(arguments.raw / f"{writer}.jsonl") for writer in arguments.writers}
    faults = [f"{writer}: {fault}" for writer, rows in drafts.items() for fault in faults_of(rows)]
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
        raise SystemExit(f"{len(faults)} faults; nothing laid out")
    chosen = [row for rows in drafts.values() for row in rows]
    everybody = [row for path in sorted(arguments.raw.glob(WRITERS)) for row in read_rows(path)]
    plain = [row for row in read_drafts(RAW) if row["writer"] == "plain"]
    chosen += plain if arguments.plain else []
    queue.wave(chosen, [*everybody, *plain], CORPUS, arguments.out, arguments.development, CODER)


if __name__ == "__main__":
    main()
