"""Gets the passages of this corpus back from where they are public, and puts them beside their codings.

The corpus holds codings only; every row says where its passage stands: repository, commit, path and locator. Run

    python fetch.py                       from the public repositories (needs git and internet access)
    python fetch.py --pool pool.jsonl.gz  from a file with the rows' ids and texts

It writes texts.jsonl (id, text) and, for each file of codings, NAME-with-text.jsonl, which `sibnlp train` reads. Every
text is held against its fingerprint. A row whose passage cannot be found, or is another one, is left out, named and
counted, and the exit code is 1. Needs nothing but Python's standard library.

A locator is {"variant", "start", "length"}: decode the file as UTF-8 (errors replaced), take the named variant of its
text, keep ASCII letters and digits only; the passage's letters and digits are [start : start + length]. The text
between them is returned with white space folded.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
GITHUB = "https://github.com/{repo}"
CODES = frozenset(
    (
        "NPM", "NPG", "PVM", "governance_mechanisms", "inter_organizational_dynamics", "performance_emphasis",
        "characterization", "dominant_focus", "managerial_goals", "public_interest", "performance_objective",
        "accountability_model", "system_of_delivery", "co_existing", "reinforcing", "in_tension", "endorses", "resists",
        "reports",
    )
)  # fmt: skip
NEEDED = ("id", "repo", "commit", "path", "locator", "fingerprint", "codes")
KEEP = re.compile(r"[0-9A-Za-z]")
_TAGS = re.compile(r"<[^>]+>")
_LINKS = re.compile(r"\]\((?:[^()]|\([^)]*\))*\)")
_NOTES = re.compile(r"\{[a-z]+\}")
_SUP = re.compile(r"<sup.*?</sup>", re.S)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
VARIANTS: dict[str, Callable[[str], str]] = {
    "raw": lambda raw: raw,
    "tags": lambda raw: _TAGS.sub("", raw),
    "tags+links": lambda raw: _LINKS.sub("", _TAGS.sub("", raw)),
    "tags+links+entities": lambda raw: html.unescape(_LINKS.sub("", _TAGS.sub("", raw))),
    "notes": lambda raw: _NOTES.sub("", raw),
    "sup+tags+links+entities": lambda raw: html.unescape(_LINKS.sub("", _TAGS.sub("", _SUP.sub("", raw)))),
    "json": lambda raw: " ".join(_STRINGS.findall(raw)).encode().decode("unicode_escape", "ignore"),
}


class FetchError(Exception):
    """Why a passage could not be brought back."""


def say(message: str) -> None:
    """A line for people."""
    sys.stderr.write(message + "\n")


def fingerprint(text: str) -> str:
    """SHA-256 over a text's ASCII letters and digits."""
    return hashlib.sha256("".join(KEEP.findall(text)).encode()).hexdigest()


class Source:
    """A file's text in one variant, ready to be cut."""

    def __init__(self, raw: str, variant: str) -> None:
        self.text = VARIANTS[variant](raw)
        self.at = [match.start() for match in KEEP.finditer(self.text)]

    def cut(self, start: int, length: int) -> str:
        """The text between two of its letters and digits."""
        if start < 0 or length < 1 or start + length > len(self.at):
            raise FetchError(f"the locator [{start}, {start + length}) lies outside the text, which has {len(self.at)}")
        return re.sub(r"\s+", " ", self.text[self.at[start] : self.at[start + length - 1] + 1]).strip()


def faults(row: dict[str, Any]) -> str:
    """What is wrong with a row of codings, before anything is fetched; empty if nothing."""
    lacking = [name for name in NEEDED if row.get(name) is None]
    if lacking:
        return f"lacks {', '.join(lacking)}"
    unknown = [code for code in row["codes"] if code not in CODES]
    if unknown:
        return f"unknown code {', '.join(map(str, unknown))}"
    locator = row["locator"]
    if not isinstance(locator, dict) or locator.get("variant") not in VARIANTS:
        return f"unknown locator {locator}"
    if not all(type(locator.get(name)) is int for name in ("start", "length")):
        return f"the locator {locator} is not in whole numbers"
    # What goes to git must be what it says it is, and no option.
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", row["repo"]) or not re.fullmatch(r"[0-9a-f]{40}", row["commit"]):
        return f"{row['repo']}@{row['commit']} is no repository and commit"
    return ""


def git(folder: Path, *arguments: str, given: str | None = None) -> bytes:
    """Run git, without ever asking for a password."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    source = None if given is None else given.encode()
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], input=source, capture_output=True, env=environment, check=False
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise FetchError(lines[-1] if lines else f"git {arguments[0]} failed")
    return done.stdout


def clone(repo: str, commit: str, url: str, cache: Path) -> Path:
    """The repository's history without its files, in the cache; files come when they are asked for."""
    folder = cache / repo.replace("/", "--")
    if not (folder / "HEAD").exists():
        cache.mkdir(parents=True, exist_ok=True)
        git(
            cache,
            "clone",
            "--quiet",
            "--bare",
            "--filter=blob:none",
            "--",
            url.format(repo=repo),
            str(folder.resolve()),
        )
    try:
        git(folder, "cat-file", "-e", f"{commit}^{{commit}}")
    except FetchError:
        git(folder, "fetch", "--quiet", "--filter=blob:none", "origin", commit)
    return folder


def prefetch(folder: Path, commit: str, paths: list[str]) -> None:
    """Ask for all files at once; where the server does not like that, they come one by one."""
    try:
        listed = git(folder, "ls-tree", "-r", "-z", commit).decode("utf-8", "replace").split("\0")
        blobs = {path: entry.split()[2] for entry, _, path in (line.partition("\t") for line in listed if line)}
        wanted = sorted({blobs[path] for path in paths if path in blobs})
        quiet = ("-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
        git(folder, *quiet, "--filter=blob:none", "--stdin", "origin", given="\n".join(wanted) + "\n")
    except (FetchError, ValueError):
        pass


def from_git(rows: list[dict[str, Any]], url: str, cache: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by id, and failures by id, of passages in public repositories."""
    texts: dict[str, str] = {}
    failed: dict[str, str] = {}
    places: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        places[row["repo"], row["commit"]][row["path"]].append(row)
    for (repo, commit), files in places.items():
        say(f"{repo}: {len(files)} files")
        try:
            folder = clone(repo, commit, url, cache)
        except FetchError as failure:
            failed.update({row["id"]: f"{repo}@{commit}: {failure}" for own in files.values() for row in own})
            continue
        prefetch(folder, commit, list(files))
        for path, own in files.items():
            try:
                raw = git(folder, "cat-file", "blob", f"{commit}:{path}").decode("utf-8", "replace")
            except FetchError as failure:
                failed.update({row["id"]: f"{repo}@{commit}:{path}: {failure}" for row in own})
                continue
            sources: dict[str, Source] = {}
            for row in own:
                locator = row["locator"]
                if locator["variant"] not in sources:
                    sources[locator["variant"]] = Source(raw, locator["variant"])
                try:
                    texts[row["id"]] = sources[locator["variant"]].cut(locator["start"], locator["length"])
                except FetchError as failure:
                    failed[row["id"]] = f"{repo}@{commit}:{path}: {failure}"
    return texts, failed


def from_pool(rows: list[dict[str, Any]], pool: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by id, and failures by id, of passages in a file that holds the texts."""
    wanted, texts = {row["id"] for row in rows}, {}
    with gzip.open(pool, "rt", encoding="utf-8") if pool.suffix == ".gz" else pool.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["id"] in wanted:
                texts[row["id"]] = row["text"]
    return texts, {id: f"passage {id} is not in {pool.name}" for id in sorted(wanted - texts.keys())}


def read(path: Path, failed: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of a file of codings that are sound; the others are put down as failures."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name} line {number}"
        try:
            row = json.loads(line)
        except ValueError:
            failed[where] = "not JSON"
            continue
        problem = faults(row)
        if problem:
            failed[f"{where}, passage {row.get('id')}"] = problem
        else:
            rows.append(row)
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSONL."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main(arguments: list[str] | None = None) -> int:
    """Bring the texts back; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "codings", type=Path, nargs="*", help="files of codings (default: codings.jsonl and gold.jsonl)"
    )
    parser.add_argument("--pool", type=Path, help="a JSONL file (may be .gz) with id and text")
    parser.add_argument("--url", default=GITHUB, help="where repositories are cloned from (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=HERE / "cache", help="folder for the clones")
    parser.add_argument("-o", "--output", type=Path, default=HERE, help="folder to write to")
    options = parser.parse_intermixed_args(arguments)
    failed: dict[str, str] = {}
    paths = options.codings or [HERE / "codings.jsonl", HERE / "gold.jsonl"]
    files = {path: read(path, failed) for path in paths}
    # One fingerprint and place each: a passage two coders coded is fetched once, rows that differ about it are told.
    passages: dict[str, dict[str, Any]] = {}
    for path, rows in files.items():
        for row in rows:
            first = passages.setdefault(row["id"], row)
            if any(row[name] != first[name] for name in NEEDED[:-1]):
                failed[f"{path.name}, passage {row['id']}"] = "its rows differ about where it is or what it holds"
    todo = list(passages.values())
    texts, missing = from_pool(todo, options.pool) if options.pool else from_git(todo, options.url, options.cache)
    failed.update(missing)
    for id in [id for id, text in texts.items() if fingerprint(text) != passages[id]["fingerprint"]]:
        failed[id] = "what stands there now is another text: the fingerprint differs"
        del texts[id]
    options.output.mkdir(parents=True, exist_ok=True)
    write(options.output / "texts.jsonl", [{"id": id, "text": texts[id]} for id in passages if id in texts])
    for path, rows in files.items():
        same = [row for row in rows if row["id"] in texts and row["fingerprint"] == fingerprint(texts[row["id"]])]
        name = f"{path.name.removesuffix('.jsonl')}-with-text.jsonl"
        write(options.output / name, [{**row, "text": texts[row["id"]]} for row in same])
    for id, problem in failed.items():
        say(f"{id}: {problem}")
    say(f"{len(texts)} of {len(passages)} passages fetched, {len(failed)} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
