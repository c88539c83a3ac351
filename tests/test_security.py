"""SECURITY.md names a test for each promise: those tests are there."""

from __future__ import annotations

import re
from pathlib import Path

from sibnlp import guard
from sibnlp.manifest import MAX_JSON
from sibnlp.parsing import archive
from sibnlp.readers import pdf
from tests.fuzz.targets import TARGETS


def test_every_test_that_it_names_exists(root: Path) -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", (root / "SECURITY.md").read_text(encoding="utf-8")))
    assert len(named) >= 12
    assert [one for one in sorted(named) if not (root / one).exists()] == []


def test_every_limit_is_the_one_in_the_code(root: Path) -> None:
    page = " ".join((root / "SECURITY.md").read_text(encoding="utf-8").split())
    for limit in (
        f"{archive.MAX_RATIO}-fold expansion beyond {archive.RATIO_FREE // 1024**2} MB",
        f"{archive.MAX_MEMBERS:,} members, {archive.MAX_TOTAL // 1024**3} GB in all",
        f"{archive.MAX_READ // 1024**2} MB of one part",
        f"{pdf.MAX_PAGES:,} pages, {pdf.MAX_CHARACTERS // 10**6} million characters",
        f"{guard.SECONDS:.0f} seconds and {guard.SECONDS_PER_MB:.0f} more a megabyte",
        f"{guard.MEMORY // 1024**3} GB of address space",
        f"no table over {MAX_JSON // 1024**2} MB",
        f"plain text over {guard.PLAIN_BYTES // 1024**2} MB",
        f"{len(TARGETS)} targets",
    ):
        assert limit in page, limit
