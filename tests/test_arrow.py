"""Arrow takes the memory it needs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sibnlp.arrow import choose_allocator


def python(program: str, **environment: str) -> str:
    """What a program prints in a process of its own."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")} | environment
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=given).stdout


def test_the_system_is_asked_for_memory_unless_the_user_chose() -> None:
    asks = "from sibnlp.arrow import *; choose_allocator(); import pyarrow; "
    asks += "print(pyarrow.default_memory_pool().backend_name)"
    assert python(asks).strip() == "system"
    other = python("import pyarrow; print(pyarrow.supported_memory_backends()[0])").strip()
    assert python(asks, ARROW_DEFAULT_MEMORY_POOL=other).strip() == other


def test_what_the_command_line_starts_inherits_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "")  # so that it is as before afterwards, though nobody had set it
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
    choose_allocator()
    assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == "system"
