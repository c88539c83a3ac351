"""The output, put together from shards while others are still being made.

Joining shards is work for one core. Done after the workers it would keep the others idle; done beside them it is over
when they are. Whatever goes wrong here costs nothing but time: the output is then put together at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from sibnlp.arrow import hand_back_blocks
from sibnlp.sharding.store import PART
from sibnlp.tables import shards

Skipped = tuple[tuple[int, int], ...]


class _Settled(NamedTuple):
    """What became of a unit: its shard, none where empty, and rows of it that do not count."""

    shard: str
    skipped: Skipped


class Assembly:
    """Joins shards in the order of their units, in a thread of its own; to be used as a context.

    Args:
        folder: of the shards, and of what is put together until it is whole.
        name: of the output; its suffix says the format.
        layout: of the run.
        rows: gives what counts of the rows of a shard.
    """

    def __init__(
        self, folder: Path, name: str, layout: shards.Layout, rows: Callable[[Path, Skipped], Iterable[Any]]
    ) -> None:
        self.path = folder / f"joined{PART}-{name}"
        self._folder, self._layout, self._rows = folder, layout, rows
        self._settled: dict[int, _Settled] = {}
        self._joined: list[int] = []
        # Further columns: those of the first unit; where others come up later, the head of the table was wrong.
        self._names: tuple[str, ...] | None = None
        self._last: int | None = None
        self._given_up = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="assembly", daemon=True)

    def __enter__(self) -> Self:
        hand_back_blocks()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_up()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def settle(self, number: int, shard: str, skipped: Skipped, names: Sequence[str]) -> None:
        """A unit is done.

        Args:
            number: of the unit; from 0, each once, in any order.
            shard: file name; empty where it has none.
            skipped: first row and number of rows that do not count.
            names: further columns of its rows.
        """
        with self._news:
            self._settled[number] = _Settled(shard, skipped)
            if number == 0:
                self._names = tuple(names)
            if self._names is not None and not set(names) <= set(self._names):
                self._given_up = True
            self._news.notify()

    def finish(self, numbers: Sequence[int], names: Sequence[str]) -> Path | None:
        """Wait for the rest, after the last unit.

        Args:
            numbers: units whose shards make the output, in order.
            names: further columns of all its rows, in order.

        Returns:
            The whole output; None where it has to be put together anew.
        """
        with self._news:
            self._last = len(self._settled)
            self._given_up |= self._names != tuple(names)
            self._news.notify()
        self._thread.join()
        return self.path if not self._given_up and self._joined == list(numbers) else None

    def _work(self) -> None:
        try:
            if (first := self._wait(0)) is None:
                return
            shards.join(self._tables(first), self._layout, self._names or (), self.path)
        except Exception:  # a disk that is full, a shard that is damaged: said where the output is put together anew
            self._give_up()
        if self._given_up:
            self.path.unlink(missing_ok=True)  # room for shards

    def _tables(self, settled: _Settled | None) -> Iterator[Any]:
        number = 0
        while settled is not None:
            if settled.shard:
                self._joined.append(number)
                for table in self._rows(self._folder / settled.shard, settled.skipped):
                    if self._given_up:
                        return
                    yield table
            number += 1
            settled = self._wait(number)

    def _wait(self, number: int) -> _Settled | None:
        """What became of a unit, once it is known; None where there is no such unit, or no use."""
        with self._news:
            self._news.wait_for(lambda: self._given_up or number in self._settled or self._last is not None)
            return None if self._given_up else self._settled.get(number)

    def _give_up(self) -> None:
        with self._news:
            self._given_up = True
            self._news.notify()
