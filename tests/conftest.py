"""Fixtures for all tests, and the rule on skips: each is printed with its reason, and in CI none may hide a lack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# In CI the same examples every time, at home new ones. No example has a deadline: a loaded machine may stop for long.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "home")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which tests are left out, and how they are run."""
    if config.getoption("-m") == "not train and not slow":
        return "left out: tests marked train, which need torch (make test-train), and slow (make test-slow)"
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Test material beside the repository; tests that need it are skipped without it, and fail in CI."""
    if not SHARED.is_dir():
        lacking(f"{SHARED} is not there: real files and benchmarks are not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


def lacking(reason: str) -> None:
    """Skip for want of something the machine should have; a failure where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
