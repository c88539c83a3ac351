"""Coverage-guided fuzzing of everything that reads files from strangers: ``python -m tests.fuzz [TARGET...]``.

Needs the extra ``fuzz`` (atheris). Each target runs in a process of its own for ``FUZZ_SECONDS`` (60), begins at seeds
made by the project's fixtures, and keeps what it learnt in ``.fuzz/<target>`` for the next time. An input that breaks a
promise is minimised and written to ``tests/fuzz/crashes/<target>``, where ``make test`` finds it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz import targets

HERE = Path(__file__).parent
CRASHES = HERE / "crashes"
KEPT = HERE.parent.parent / ".fuzz"
# An input of this many bytes takes a reader no second; one that takes `SLOW` is a finding.
MAX_BYTES, SLOW, MEGABYTES = 40_000, 20, 4096
MINIMISE_SECONDS = 30


def fuzz(name: str, seconds: int) -> tuple[str, list[Path]]:
    """Run one target.

    Returns:
        A line to print, and the inputs found.
    """
    corpus = KEPT / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = targets.TARGETS[name].make_seeds()
    for number, raw in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(raw)
    words = KEPT / f"{name}.dict"
    words.write_text(_dictionary(seeds), encoding="ascii")
    found = KEPT / f"{name}-found"
    found.mkdir(exist_ok=True)
    done = _libfuzzer(
        name, corpus, f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", f"-timeout={SLOW}",
        f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={found}/", "-print_final_stats=1", "-seed=1", f"-dict={words}",
    )  # fmt: skip
    (KEPT / f"{name}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    for path in found.glob("slow-unit-*"):
        path.unlink()  # slower than others, as on a busy machine; what is too slow is a timeout
    for path in found.glob("timeout-*"):
        if processor_seconds(name, path) < SLOW:
            path.unlink()  # libFuzzer counts by the clock, and on a busy machine others had the processor
    inputs = [_minimised(name, path) for path in sorted(found.iterdir())]
    line = (
        f"{name:14}{executions[1] if executions else '?':>9} executions, {coverage[-1] if coverage else '?':>6} edges"
    )
    if not inputs and done.returncode:
        line += f"; ended with {done.returncode}, see {KEPT / name}.log"
    return line + (f"; FOUND {', '.join(path.name for path in inputs)}" if inputs else ""), inputs


def processor_seconds(name: str, path: Path) -> float:
    """What an input takes of the processor, in a process of its own; infinity where it comes to no end or crashes."""
    code = (
        "import resource, sys, time\n"
        "from tests.fuzz.targets import TARGETS\n"
        "raw, target = open(sys.argv[2], 'rb').read(), TARGETS[sys.argv[1]]\n"
        f"resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + {3 * SLOW},) * 2)\n"
        "began = time.process_time()\n"
        "target.check(raw)\n"
        "print(time.process_time() - began)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, name, str(path)], capture_output=True, text=True, check=False)
    return float("inf") if done.returncode else float(done.stdout.split()[-1])


def _dictionary(seeds: list[bytes]) -> str:
    """Words of the seeds, and characters that readers stumble over, for libFuzzer to put in."""
    words = {word for raw in seeds for word in re.findall(rb"\\?[\w:]{2,24}|[\[\]{}<>\-|#=*]{1,4}", raw)}
    words |= {char.encode() for char in "\r\v\x85\u2028\u2029\ufeff\xa0\u200b\u200d\u202e\u0301\U0001f642"}
    words |= {b"\xff\xfe", b"\xfe\xff", b"\r\n", b"\n\n", b"-1", b"99999999999", b"1e9", b"NaN", b"null"}
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in sorted(words)[:2000])
    return "".join(f'"{word}"\n' for word in escaped)


def _libfuzzer(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz.one", name, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def _minimised(name: str, path: Path) -> Path:
    """Move an input to the tests, made as small as it gets in half a minute."""
    small = path.with_suffix(".small")
    if not path.name.startswith(("timeout", "oom")):
        _libfuzzer(
            name, "-minimize_crash=1", f"-max_total_time={MINIMISE_SECONDS}", f"-exact_artifact_path={small}", path
        )
    kept = CRASHES / name / path.name[:24]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes((small if small.exists() and small.stat().st_size else path).read_bytes())
    small.unlink(missing_ok=True)
    path.unlink()
    return kept


def main() -> int:
    """Fuzz the targets named, or all."""
    names = sys.argv[1:] or list(targets.TARGETS)
    seconds = int(os.environ.get("FUZZ_SECONDS", "60"))
    if unknown := [name for name in names if name not in targets.TARGETS]:
        print(f"no target {unknown[0]}; known: {' '.join(targets.TARGETS)}", file=sys.stderr)
        return 2
    any_found = False
    for name in names:
        line, inputs = fuzz(name, seconds)
        any_found = any_found or bool(inputs)
        print(line, flush=True)
    return int(any_found)


if __name__ == "__main__":
    raise SystemExit(main())
