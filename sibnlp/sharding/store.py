"""What is done of a run, kept beside its output until all is: shards, and a manifest that says what is in them.

A shard gets its name once it is whole and on the disk, so a plug pulled at any time leaves whole shards alone. The
manifest, one JSON line a shard, is written afterwards; a shard that it does not name speaks for itself. What was made
with another model or other settings is dropped as a whole; else a part is taken over where its content and its
metadata are as they were and nothing of it failed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sibnlp import places
from sibnlp.corpus import WORK_SUFFIX
from sibnlp.errors import SibnlpError
from sibnlp.sharding.units import Done, Part, Taken, key_of
from sibnlp.tables import shards

MANIFEST, LOCK, PART = "manifest.jsonl", "lock", ".part"
VERSION = 1


class Store:
    """A work folder.

    Args:
        folder: where; made if need be.
        fresh: whether to drop what is there.

    Raises:
        SibnlpError: another run works in it, or the folder holds something else.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, fresh: bool = False) -> None:
        self.folder = folder
        if folder.is_dir() and any(folder.iterdir()) and not (folder / LOCK).exists():
            raise SibnlpError(f"{folder} is no work folder of sibnlp; move it, or choose another -o")
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder / LOCK)
        self._journal: TextIO | None = None
        self._taken: dict[str, tuple[Taken, str, str]] = {}
        self._whole: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self.unwritten: list[str] = []
        if fresh:
            self._drop()

    def open(self, about: dict[str, Any]) -> tuple[int, bool]:
        """Look at what is there, and be ready to add to it.

        Args:
            about: fingerprints of the model and the settings, and what else must be as it was; plain JSON values.

        Returns:
            How many parts are there that nothing failed of, and whether something was dropped since it was made with
            another model or other settings.
        """
        about = json.loads(json.dumps({"version": VERSION, **about}))
        dropped = False
        for path in self.folder.glob(f"*{PART}*"):
            path.unlink(missing_ok=True)
        shards_there = {path.name for path in self.folder.glob("*.parquet")}
        lines = self._lines()
        first = next(lines, None)
        if first is None or first.get("about") != about:
            dropped = bool(shards_there)
            self._drop()
            first, lines, shards_there = None, iter(()), set()
        named: dict[str, Done] = {}
        for line in lines:
            with suppress(TypeError, KeyError, ValueError):
                done = Done.from_json(line)
                named[done.shard] = done
        # Written just before the plug was pulled: whole, but not in the manifest.
        for name in sorted(shards_there - set(named)):
            told = shards.about(self.folder / name)
            with suppress(TypeError, KeyError, ValueError):
                if told:
                    named[name] = Done.from_json(told)
        for name, done in named.items():
            if name in shards_there:
                self._remember(name, done)
        self._journal = (self.folder / MANIFEST).open("a", encoding="utf-8", newline="\n")
        if first is None:
            self._write({"about": about})
        elif not self._ends_well():
            self._journal.write("\n")  # a line that was torn
        return len(self._taken), dropped

    def taken(self, part: Part) -> Taken | None:
        """Where a part is done already; None where it is not, or is another than it was."""
        found = self._taken.get(part.name)
        if found is None:
            return None
        taken, key, known = found
        try:
            return taken if known == part.known and key == key_of(part) else None
        except OSError:
            return None

    def whole(self, parts: tuple[Part, ...]) -> Done | None:
        """What was recorded of a shard that holds just these parts, all taken over; None where there is none such."""
        first = parts[0].taken
        if first is None or any(part.taken is None or part.taken.shard != first.shard for part in parts):
            return None
        if self._whole.get(first.shard) != tuple(part.name for part in parts):
            return None
        return Done(-1, first.shard, tuple(p.taken.record for p in parts if p.taken), self._names[first.shard])

    def add(self, done: Done) -> None:
        """Note what became of a unit; where even that cannot be written the run still goes on."""
        try:
            self._write(done.to_json())
        except OSError as error:
            if not self.unwritten:
                self.unwritten.append(f"{self.folder / MANIFEST}: {error.strerror or error}")

    def promise(self, output: Path, sent: bool = False) -> None:
        """Note the file that is about to take the output's place: if nobody changes it there, it may be replaced.

        Args:
            output: the file.
            sent: whether it goes to a URI, where it is known by its content.
        """
        status = output.stat()
        self._write({"output": [status.st_size, places.sha256_of(str(output)) if sent else status.st_mtime_ns]})

    def prune(self, used: Collection[str]) -> None:
        """Remove shards that nothing of the input stands in any more."""
        for path in self.folder.glob("*.parquet"):
            if path.name not in used:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """All is done: remove the folder, the manifest last."""
        for path in self.folder.iterdir():
            if path.name not in (MANIFEST, LOCK):
                path.unlink(missing_ok=True)
        (self.folder / MANIFEST).unlink()
        self.close()

    def close(self) -> None:
        """Let go of the folder, for another run to go on."""
        if self._journal is not None:
            with suppress(OSError):  # what cannot be written is said where it is written
                self._journal.close()
            self._journal = None
        if not self._lock.closed:
            if all(path.name == LOCK for path in self.folder.iterdir()):
                shutil.rmtree(self.folder)  # nothing was begun
            self._lock.close()

    def _drop(self) -> None:
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink(missing_ok=True)

    def _write(self, line: dict[str, Any]) -> None:
        assert self._journal is not None
        self._journal.write(json.dumps(line) + "\n")
        self._journal.flush()

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            with (self.folder / MANIFEST).open(encoding="utf-8", errors="replace") as file:
                for text in file:
                    with suppress(ValueError):
                        line = json.loads(text)
                        if isinstance(line, dict):
                            yield line
        except FileNotFoundError:
            return

    def _ends_well(self) -> bool:
        with (self.folder / MANIFEST).open("rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _remember(self, name: str, done: Done) -> None:
        self._whole[name] = tuple(record.name for record in done.records)
        self._names[name] = done.names
        for record in done.records:
            if not record.failed and record.kept:
                taken = Taken(name, record.start, record.n, record)
                self._taken[record.name] = (taken, record.key, record.known)


def folder_of(output: Path | str, home: Path | None = None) -> Path:
    """The work folder of an output.

    Args:
        output: a path, or a URI.
        home: where it lies; beside the output where None, and in the current folder for a URI. Outputs of one name
            have their own there.

    >>> folder_of(Path("a/p.csv")).as_posix(), folder_of("s3://council/p.csv").as_posix()
    ('a/p.csv.work', 'p.csv-a3f6d08a.work')
    """
    if isinstance(output, Path) and home is None:
        return output.with_name(output.name + WORK_SUFFIX)
    place = str(output.absolute() if isinstance(output, Path) else output)
    mark = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return (home or Path()) / f"{places.name_of(place)}-{mark}{WORK_SUFFIX}"


def is_unfinished(output: Path | str, folder: Path) -> bool:
    """Whether an output is what a run with this work folder left there unfinished: its next run may replace it."""
    last = None
    try:
        with (folder / MANIFEST).open(encoding="utf-8") as file:
            for text in file:
                if text.startswith('{"output"'):
                    last = json.loads(text)["output"]
        if not last:
            return False
        if isinstance(output, Path):
            status = output.stat()
            return bool(last == [status.st_size, status.st_mtime_ns])
        return bool(last == [places.size_of(output), places.sha256_of(output)])
    except (OSError, ValueError, KeyError):
        return False


def publish(part: Path, path: Path) -> None:
    """Let a whole file take its place, on the disk and not only in memory."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _locked(path: Path) -> TextIO:
    """The folder for this process alone, until it ends however that may be."""
    file = path.open("a", encoding="utf-8")
    try:
        import fcntl
    except ImportError:  # Windows: two runs at once are left to the user there
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SibnlpError(f"another run is writing to {path.parent}; wait for it, or choose another -o") from error
    return file
