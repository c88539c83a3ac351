"""The README's section on commands, made from the commands' own help; ``python -m tests.docs`` writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from sibnlp.cli import app

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = re.compile(r"<!-- commands: .*? -->\n"), "<!-- end of commands -->"


def commands() -> list[tuple[str, Any]]:
    """Every command with its full name, groups unfolded, in the order of the help."""
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [(f"{name} {sub}", one) for sub, one in inner.items()] if inner else [(name, command)]
    return found


def section() -> str:
    """Markdown: a line a command and one for each of its options."""
    parts = []
    for name, command in commands():
        arguments, options = [], []
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                label = (parameter.metavar or parameter.name).upper() + ("..." if parameter.nargs == -1 else "")
                arguments.append(label if parameter.required else f"[{label}]")
            elif parameter.name != "help":
                value = "" if parameter.is_flag else f" {parameter.name.upper()}"
                options.append(f"- `{', '.join(parameter.opts)}{value}`: {parameter.help}")
        summary = command.help.partition("\n\n")[0].replace("\n", " ").strip()
        parts.append(
            f"**`sibnlp {' '.join([name, *arguments])}`**: {summary}\n" + ("\n" + "\n".join(options) if options else "")
        )
    return "\n" + "\n\n".join(part.rstrip() for part in parts) + "\n\n"


def split(text: str) -> tuple[str, str, str]:
    """The README before, in and behind the section on commands."""
    begin = BEGIN.search(text)
    assert begin, "the README has no marker for the section on commands"
    end = text.index(END)
    return text[: begin.end()], text[begin.end() : end], text[end:]


if __name__ == "__main__":
    before, _, behind = split(README.read_text(encoding="utf-8"))
    README.write_text(before + section() + behind, encoding="utf-8")
