"""Tables of lazy names: registering imports nothing, a third party enters by an entry point of the same group.

A seam is a folder whose ``__init__`` holds one `Registry` and one Protocol. Adding a member is one file and one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from sibnlp.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a seam.

    Attributes:
        target: ``"package.module"`` or ``"package.module:attribute"``, imported when it is first asked for.
        suffixes: file name endings it answers for, lower case with the dot (readers and the like only).
    """

    target: str
    suffixes: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import the module or attribute that ``target`` names."""
        module, _, attribute = self.target.partition(":")
        loaded = import_module(module)
        return getattr(loaded, attribute) if attribute else loaded


class Registry(Mapping[str, Entry]):
    """Members of a seam by name: the built-in table and what installed packages add.

    Args:
        kind: what a member is called in messages (``"reader"``).
        group: entry-point group that third parties register under (``"sibnlp.readers"``).
        table: the built-in members.

    Raises:
        ValueError: a third party registers a name that is taken (on first use).
    """

    def __init__(self, kind: str, group: str, table: Mapping[str, Entry]) -> None:
        self.kind, self.group = kind, group
        self._table = dict(table)
        self._complete = False

    def _entries(self) -> dict[str, Entry]:
        if not self._complete:
            for point in entry_points(group=self.group):
                if point.name in self._table:
                    raise ValueError(f"{self.kind} {point.name!r} of {point.value} is registered already")
                # A third party's module may declare SUFFIXES; asking for them imports it, so only its own are paid for.
                suffixes = getattr(point.load(), "SUFFIXES", ())
                self._table[point.name] = Entry(point.value, tuple(suffixes))
            self._complete = True
        return self._table

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries()[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, sorted(self._entries())) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries()

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def load(self, name: str) -> Any:
        """Import a member.

        Raises:
            UnknownNameError: no such member; the message lists the known ones.
        """
        return self[name].load()

    def by_suffix(self, file_name: str) -> list[str]:
        """Names of the members that answer for a file name, by its ending."""
        lower = file_name.lower()
        return [name for name, entry in self._entries().items() if lower.endswith(entry.suffixes or ("\0",))]
