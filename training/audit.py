"""``pip-audit --strict`` over ``constraints.txt``: *clean*, *vulnerable* or *not run*; never clean for want of answers.

    python -m training.audit

Exit code 0 where no advisory applies, 1 where one does (they are listed), 3 where advisories could not be reached or
the tool did not come to an end: then nothing is known, and the last line says ``NOT RUN``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

CLEAN, VULNERABLE, NOT_RUN = 0, 1, 3
SECONDS = 600
# What is pinned, whatever this machine has beside it; pins are whole, so pip has nothing to resolve.
COMMAND = (
    sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--requirement=constraints.txt",
    "--format=json", "--progress-spinner=off", "--timeout=20",
)  # fmt: skip
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command, its output caught; a tool that hangs counts as one that fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def audit(run: Run = run, say: Callable[[str], None] = print) -> int:
    """Audit, and say what came out.

    Args:
        run: runs pip-audit; tests put another in its place.
        say: takes each line.

    Returns:
        `CLEAN`, `VULNERABLE` or `NOT_RUN`.
    """
    done = run(COMMAND)
    packages = _packages(done.stdout)
    # pip-audit ends with 1 both where it finds something and where it cannot ask: only a full report tells.
    skipped = [one for one in packages or () if "vulns" not in one]
    if not packages or skipped or done.returncode not in (0, 1):
        reason = (done.stderr.strip().splitlines() or ["no report"])[-1][:300]
        if skipped:
            reason = f"no answer for {', '.join(str(one.get('name')) for one in skipped[:5])}"
        say(f"pip-audit: NOT RUN, nothing is known: {reason}")
        return NOT_RUN
    found = [(one, vuln) for one in packages for vuln in one["vulns"]]
    for one, vuln in found:
        fixed = ", ".join(vuln.get("fix_versions") or ()) or "no version yet"
        say(f"{one.get('name')} {one.get('version')}: {vuln.get('id')}, mended in {fixed}")
    if found:
        say(f"pip-audit: {len(found)} advisories apply to {len(packages)} packages")
        return VULNERABLE
    if done.returncode:
        say(f"pip-audit: NOT RUN, nothing is known: it ended with {done.returncode} and found nothing")
        return NOT_RUN
    say(f"pip-audit: clean, no advisory applies to {len(packages)} packages")
    return CLEAN


def _packages(report: str) -> list[dict[str, Any]] | None:
    """The packages of a report; None where it is none."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    return packages if isinstance(packages, list) and all(isinstance(one, dict) for one in packages) else None


if __name__ == "__main__":
    raise SystemExit(audit())
