"""Arrow takes the memory it needs."""

from __future__ import annotations

import os
import platform
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


KEPT = """
import ctypes, pathlib
from sibnlp.arrow import hand_back_blocks
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def held():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

def block(size):
    place = libc.malloc(size)
    ctypes.memset(place, 1, size)
    return place

CALL
libc.free(block(30 << 20))  # from here on glibc keeps blocks up to this size for itself
before = held()
blocks = [block(8 << 20) for _ in range(4)]
for place in blocks[:3]:  # and cannot let go of them while a later one is in use
    libc.free(place)
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_large_blocks_go_back_to_the_system() -> None:
    kept, handed = (int(python(KEPT.replace("CALL", call))) for call in ("", "hand_back_blocks()"))
    assert kept > 30 << 20
    assert handed < 10 << 20
