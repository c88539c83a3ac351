"""What every command does about itself: it keeps the record of its run, and with ``--json`` speaks to machines.

A command is registered as ``recorded(command)``. Inside, `current` is the record to tell things to; where nobody
keeps one, what it is told is lost.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from sibnlp import places
from sibnlp.errors import DataError, OutputExistsError, SibnlpError
from sibnlp.runlog import RunLog, record_of

OUTPUTS = ("output", "target")
NO_SETTINGS = (*OUTPUTS, "force")
MISUSE, INTERRUPTED = 2, 130
# Seconds between two lines on the same stage.
EVERY = 1.0
# A URI that was taken for a path; a drive of Windows has one letter.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_HELP = "Progress and messages as JSON lines on stderr, for programs; the last line says how it ended."

_RUN: ContextVar[RunLog | None] = ContextVar("run", default=None)
_MACHINE: ContextVar[bool] = ContextVar("machine", default=False)


def current() -> RunLog:
    """The record of the command that runs."""
    return _RUN.get() or RunLog()


def for_machines() -> bool:
    """Whether stderr is JSON lines."""
    return _MACHINE.get()


def event(kind: str, **values: Any) -> None:
    """A JSON line on stderr."""
    print(json.dumps({"event": kind, **values}), file=sys.stderr, flush=True)


@dataclass(slots=True)
class Ticker:
    """Progress as events: at most one a second for a stage, and always the first and the last."""

    _stages: dict[str, tuple[float, int]] = field(default_factory=dict)
    _said: dict[str, float] = field(default_factory=dict)

    def show(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is; rate and time left are counted from where it was first heard of."""
        now = time.monotonic()
        began, n = self._stages.setdefault(stage, (now, done))
        if stage in self._said and done < total and now - self._said[stage] < EVERY:
            return
        self._said[stage] = now
        rate = (done - n) / (now - began) if now > began and done > n else None
        left = None if rate is None else round(max(0, total - done) / rate, 1)
        rounded = None if rate is None else round(rate, 3)
        event("progress", stage=stage, done=done, total=total, rate=rounded, seconds_left=left)


def recorded(command: Callable[..., None], private: Callable[[Mapping[str, Any]], bool] | None = None) -> Any:
    """A command that keeps a record of its run and takes ``--json``.

    The record goes beside the argument `output` or `target`, once the command has said that it wrote that
    (`RunLog.wrote`; `sibnlp.cli.console` does), under the same rule: nothing is replaced without ``--force``.

    Args:
        command: a function for typer.
        private: says of the arguments whether the output is to hide names.
    """
    name = command.__module__.rpartition(".")[2]
    signature = inspect.signature(command, eval_str=True)
    extra = inspect.Parameter(
        "json_lines",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--json", help=_HELP)],
    )

    def run(**values: Any) -> None:
        machine = values.pop("json_lines")
        log = _started(name, values, bool(private and private(values)))
        tokens = _RUN.set(log), _MACHINE.set(machine)
        try:
            _keep(command, values, log, machine)
        finally:
            _RUN.reset(tokens[0])
            _MACHINE.reset(tokens[1])

    run.__doc__, run.__name__, run.__module__ = command.__doc__, command.__name__, command.__module__
    changed = signature.replace(parameters=[*signature.parameters.values(), extra])
    run.__signature__ = changed  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in changed.parameters.values()}
    return run


def _started(name: str, values: Mapping[str, Any], private: bool) -> RunLog:
    output = next((values[key] for key in OUTPUTS if values.get(key)), None)
    inputs = []
    for key, value in values.items():
        several = value if isinstance(value, list | tuple) else [value]
        if key not in OUTPUTS:
            inputs += [str(one) for one in several if key == "paths" or (isinstance(one, Path) and one.exists())]
    given = {key: value for key, value in values.items() if key not in NO_SETTINGS}
    place = places.target(str(output)) if output and str(output) != "-" else None
    return RunLog(name, private, place, given, inputs=inputs)


def _keep(command: Callable[..., None], values: Mapping[str, Any], log: RunLog, machine: bool) -> None:
    """Run a command, and see to its record however it ends."""
    try:
        code, problem = _ending(command, values, log)
    except (SibnlpError, OSError, typer.BadParameter, KeyboardInterrupt) as error:
        if not machine:
            raise  # `sibnlp.cli.main` knows what to say
        stopped = isinstance(error, KeyboardInterrupt)
        _end(log, INTERRUPTED if stopped else MISUSE, None, "interrupted" if stopped else str(error))
        raise typer.Exit(INTERRUPTED if stopped else MISUSE) from None
    except Exception as error:
        if machine:  # our own fault: the traceback follows
            _end(log, 1, None, f"{type(error).__name__}: {error}")
        raise
    log.lap("rest")
    if code in (0, 1):
        log.settle()
    record = None
    try:
        record = log.write(code) if code in (0, 1) else None
    except OSError as error:
        code, problem = code or 1, f"{log.path}: not written: {error.strerror or error}"
        if not machine:
            from sibnlp.cli.console import say

            say(problem)
    if machine:
        _end(log, code, record, problem)
    if code:
        raise typer.Exit(code)


def _ending(command: Callable[..., None], values: Mapping[str, Any], log: RunLog) -> tuple[int, str]:
    """Run a command that may end by an exception of its own.

    Returns:
        The exit code, and what went wrong that nobody has been told.
    """
    for key in OUTPUTS:
        if isinstance(values.get(key), Path) and _URI.match(str(values[key])):
            # The path has swallowed a slash of the URI by now.
            problem = f"-o {str(values[key]).replace(':/', '://', 1)}: {log.command} writes to paths of this machine"
            raise DataError(
                problem, "only `sibnlp segment` and `sibnlp classify` write to URIs; write here and copy it"
            )
    if log.output is not None and not values.get("force") and not places.exists(log.output):
        record = record_of(log.output)
        if places.exists(record):
            raise OutputExistsError(record)
    try:
        command(**values)
    except typer.Exit as end:
        return end.exit_code, ""
    except SystemExit as end:
        return (end.code if isinstance(end.code, int) else int(bool(end.code))), ""
    return 0, ""


def _end(log: RunLog, code: int, record: Path | str | None, problem: str) -> None:
    """The last line for machines."""
    formats = {
        name: {"in": one.given, "out": one.out, "failed": one.failed} for name, one in sorted(log.formats.items())
    }
    event(
        "result",
        command=log.command,
        exit_code=code,
        wrote=[str(path) for path in log.wrote],
        record=str(record) if record else None,
        counts=log.counts,
        formats=formats,
        problems=log.problems,
        error=problem or None,
        seconds=log.seconds,
    )
