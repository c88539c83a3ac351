"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Confidence of who throws a coin for a single code.
EVEN = 0.5


def _confidence(value: float) -> float:
    if 0 < value < EVEN:
        raise typer.BadParameter(
            f"{value:g} is neither 0 nor from {EVEN} to 1: below {EVEN} a decision is likelier wrong than right, so "
            "that the model would keep what it disbelieves itself"
        )
    return value


Paths = Annotated[
    list[Path], typer.Argument(help="Files, folders, or tables with a `text` column.", show_default=False)
]
Places = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, or tables with a `text` column; paths, or URIs as `s3://…`.", show_default=False
    ),
]
_WHERE = "Where to write; the suffix says the format: .parquet, .jsonl or .csv. `-` writes JSONL to stdout."
OutputFile = Annotated[Path, typer.Option("-o", "--output", help=_WHERE, show_default=False)]
OutputPlace = Annotated[
    str,
    typer.Option(
        "-o",
        "--output",
        help="Where to write, a path or a URI as `s3://…`; the suffix says the format: .parquet, .jsonl or .csv. `-` "
        "writes JSONL to stdout.",
        show_default=False,
    ),
]
OutputFolder = Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        help="A shipped model (see `sibnlp models`), a model folder, `cascade` (gov-fast where it is sure that there "
        "is nothing, gov-base for the rest; cascade:FAST,BASE@MARGIN for others), or zero_shot:CODEBOOK.",
    ),
]
MinConfidence = Annotated[
    float,
    typer.Option(
        help="Give no code of a family of which the model is less sure than this (0.5 to 1); 0 decides everything.",
        min=0.0,
        max=1.0,
        callback=_confidence,
    ),
]
Codebooks = Annotated[
    list[str],
    typer.Option("--codebook", help="A shipped codebook (see `sibnlp codebook show`) or a TOML file; may be repeated."),
]
MaxWords = Annotated[int, typer.Option(help="Longest passage, in words.", min=1)]
MinWords = Annotated[int, typer.Option(help="Shorter blocks are joined to their neighbour.", min=1)]
Interviewer = Annotated[
    str, typer.Option(help="The interviewer's turns: `context` (kept apart), `classify` (like any other) or `drop`.")
]
Interviewers = Annotated[
    list[str], typer.Option(help="Label of somebody who asks; may be repeated. Found by itself where not given.")
]
HowToRead = Annotated[
    list[str],
    typer.Option(
        "--project",
        help="How to read a coded project (.qdpx, .sqlite3, .json, .zip), as KEY=VALUE: `extent=documents`, "
        "`coder=Anna`, `stage=set`, and the other options of `sibnlp convert`; may be repeated.",
    ),
]
Runner = Annotated[
    str,
    typer.Option(help="Who does the work: `local` (processes of this machine) or `ray` (one machine or a cluster)."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes that do the work; all cores by default, 0 for this process alone.", min=0, show_default=False
    ),
]
FileTimeout = Annotated[
    float, typer.Option(help="Seconds that reading one file may take; then it is stopped and reported.", min=0.0)
]
Work = Annotated[
    str,
    typer.Option(
        "--work",
        help="Folder of this machine in which what is done is kept until all is; beside the output by default, in the "
        "current folder where that is a URI.",
        show_default=False,
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over where an earlier run was stopped.")]
