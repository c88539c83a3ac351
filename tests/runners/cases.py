"""Folders and tables for the runners' tests, and the command in a process of its own, so that it can be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
SAID = (
    "They dock us if the form is late, so the form comes first and the man second. That is contract number {0}.",
    "Now we ring each other up and settle it over soup, the {0} of us, and what we learn goes round the table.",
    "The board asks what the residents get for it. In house {0} they get warm rooms, and somebody who knows them.",
)


def folder(path: Path, n: int, first: int = 0) -> Path:
    """A folder of n short documents, every one another."""
    path.mkdir(exist_ok=True)
    for number in range(first, first + n):
        text = "\n\n".join(said.format(number) for said in SAID[: 1 + number % 3])
        (path / f"d{number:05d}.txt").write_text(text + "\n", encoding="utf-8")
    return path


def arguments(given: object, output: Path | str, *further: object, command: str = "classify") -> list[str]:
    return [sys.executable, "-m", "sibnlp", command, str(given), "-o", str(output), *map(str, further)]


def start(given: object, output: Path | str, *further: object, command: str = "classify") -> subprocess.Popen[str]:
    """``sibnlp classify`` (or ``segment``) in a process group of its own."""
    return subprocess.Popen(
        arguments(given, output, *further, command=command),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    given: object, output: Path | str, *further: object, command: str = "classify"
) -> subprocess.CompletedProcess[str]:
    """``sibnlp classify`` (or ``segment``), to its end."""
    return subprocess.run(
        arguments(given, output, *further, command=command), cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip


def passages(path: Path) -> list[str]:
    """Ids of the passages in a table of predictions."""
    return pq.read_table(path, columns=["passage"])["passage"].to_pylist()
