"""Who does which unit of work when, behind one seam.

A new runner is one file here and one line in `RUNNERS` (or an entry point of group ``sibnlp.runners`` in another
package) that names a class with the shape of `Runner`. All do a unit by `sibnlp.sharding.work.Worker`, so rows are the
same, byte for byte, whichever runner, number of workers or restart they come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sibnlp.registry import Entry, Registry
from sibnlp.sharding.units import Done, Unit
from sibnlp.sharding.work import Card, Job


@dataclass(frozen=True, slots=True)
class Means:
    """What a runner may use.

    Attributes:
        workers: processes that classify; 0 does all in this one, None leaves it to the runner.
        file_timeout: seconds that reading one file may take before it is stopped and reported; 0 for no limit.
        n_units: about how many there are: for so many it pays to start processes before the first has begun.
    """

    workers: int | None = None
    file_timeout: float = 0.0
    n_units: int = 1


class Runner(Protocol):
    """Does units; made with ``Runner(job, folder, means)`` and used as a context manager, which ends its processes.

    Attributes:
        card: of the model, once entered.
        notes: what people should know of how the work went, after it.
    """

    card: Card
    notes: list[str]

    def __init__(self, job: Job, folder: Path, means: Means) -> None: ...

    def __enter__(self) -> Self:
        """Start whatever does the work.

        Raises:
            SibnlpError: the model cannot be loaded, or the runner not be used here.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, units: Iterable[Unit]) -> Iterator[Done]:
        """Do units; taken one at a time, as they are needed.

        Yields:
            What became of each, in any order; its shard then lies in the folder.
        """
        ...


RUNNERS = Registry(
    "runner",
    "sibnlp.runners",
    {
        "local": Entry("sibnlp.runners.local:LocalRunner"),
        "ray": Entry("sibnlp.runners.ray:RayRunner"),
    },
)
