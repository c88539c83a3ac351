"""The command line: thin verbs over the library, one file a command.

Exit codes: 0 all good, 1 some inputs failed and are listed, 2 misuse. Data go to stdout or ``-o``, messages to stderr.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sibnlp import __version__
from sibnlp.arrow import choose_allocator
from sibnlp.cli import (
    agree,
    classify,
    codebook,
    collect,
    convert,
    drift,
    evaluate,
    init,
    models,
    pseudonymise,
    run,
    sample,
    segment,
    train,
)
from sibnlp.cli.console import fail
from sibnlp.cli.recording import recorded
from sibnlp.errors import SibnlpError

app = typer.Typer(
    help="Codes interviews and policy documents by governance logic and tracks how the logics drift over time.",
    epilog="Start with: sibnlp init FOLDER, then sibnlp run FOLDER -o REPORT. Everything stays on this machine.",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

START = """\
sibnlp codes interviews and policy documents by governance logic and tracks how the logics drift.

  sibnlp init FOLDER                      look at a folder of documents and write its project.toml
  sibnlp run FOLDER -o report             read, classify, aggregate: report/report.html
  sibnlp classify FOLDER -o codings.csv   only classify
  sibnlp codebook show osborne            what the codes mean
  sibnlp --help                           all commands\
"""


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    """Codes interviews and policy documents by governance logic and tracks how the logics drift over time."""
    if version:
        typer.echo(f"sibnlp {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(START)


app.command("init")(recorded(init.command))
app.command("run")(recorded(run.command))
app.command("segment")(recorded(segment.command))
app.command("classify")(recorded(classify.command))
app.command("train")(recorded(train.command))
app.command("evaluate")(recorded(evaluate.command))
app.command("drift")(recorded(drift.command))
app.command("agree")(recorded(agree.command))
app.command("sample")(recorded(sample.command))
app.command("collect")(recorded(collect.command))
app.command("convert")(recorded(convert.command, private=lambda given: given["anonymous"]))
app.command("pseudonymise")(recorded(pseudonymise.command, private=lambda _: True))
app.add_typer(codebook.app, name="codebook")
app.command("models")(models.command)


def main() -> None:
    """Entry point: one line for what the user can mend, exit code 2; a traceback only for our own faults."""
    choose_allocator()
    try:
        app()
    except SibnlpError as error:
        fail(str(error))
    except OSError as error:
        # A full disk, a folder without permission: the user's to mend, like bad input.
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
