"""The page on clusters: every command on it is one that this version, and this version of Ray, understands."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from typer.main import get_command

from sibnlp.cli import app
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
LINES = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
SETTING = re.compile(r"^(?:[A-Z_]+=\S+ )+")
OURS = [found for line in LINES for found in re.findall(r"(?:^|-- )(sibnlp .*)", SETTING.sub("", line))]
RAYS = [SETTING.sub("", line) for line in LINES if SETTING.sub("", line).startswith("ray ")]


def parsed(group: Any, words: list[str]) -> dict[str, Any]:
    """The arguments of a command as it would get them, without running it.

    Raises:
        UsageError: a word is not understood.
    """
    while hasattr(group, "commands"):
        assert words[0] in group.commands, words[0]
        group, words = group.commands[words[0]], words[1:]
    values: dict[str, Any] = group.make_context("x", list(words), resilient_parsing=False).params
    return values


def words(line: str) -> list[str]:
    return shlex.split(line.partition(" 2>")[0])[1:]


def test_the_page_has_commands_of_all_kinds() -> None:
    assert len(OURS) >= 7
    assert {tuple(words(line)[:1]) for line in RAYS} == {
        ("start",), ("job",), ("stop",), ("status",), ("get-auth-token",)
    }  # fmt: skip
    known = ("sibnlp ", "ray ", "pip install ", "export RAY_", "python -m training.benchmarks.",
             "chmod 600 ~/.ray/")  # fmt: skip
    assert [line for line in LINES if line and not SETTING.sub("", line).startswith(known)] == []


@pytest.mark.parametrize("line", OURS)
def test_our_commands_on_it_are_understood(line: str) -> None:
    values = parsed(get_command(app), words(line))
    assert values["paths"] and values["output"]
    assert values["runner"] == ("ray" if "--runner ray" in line else "local")


def test_a_word_that_is_not_understood_fails_this_test() -> None:
    with pytest.raises(Exception, match="--nonsense"):
        parsed(get_command(app), ["classify", "a", "-o", "p.csv", "--nonsense"])


@pytest.mark.parametrize("line", RAYS)
def test_rays_commands_on_it_are_understood(line: str) -> None:
    pytest.importorskip("ray")
    from ray.scripts.scripts import cli

    values = parsed(cli, words(line))
    if words(line)[0] == "job":
        assert list(values["entrypoint"]) == words(line)[words(line).index("--") + 1 :]


def test_events_on_it_are_those_that_are_written() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert re.findall(r'"event": "(\w+)"', block) == ["progress", "message", "result"]
    written = (ROOT / "sibnlp" / "cli" / "recording.py").read_text(encoding="utf-8")
    for key in re.findall(r'"(\w+)":', block):
        assert re.search(rf'\b{key}=|"event"', written), key


def test_modules_and_files_it_names_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    for module in re.findall(r"python -m ([\w.]+)", PAGE):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
