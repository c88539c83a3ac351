"""Runner ``ray``: Ray Data on one machine or a cluster, each actor with the model.

The driver cuts the input into units, actors read and classify them (by path on a file system that all nodes see, or by
URI), and their shards come back, in order, to the driver, which keeps them beside the output. So the nodes need no
common place to write to, and a run that is stopped goes on as with any other runner.

With ``RAY_ADDRESS`` set, the cluster there is used; else this machine. Ray reports to nobody: its usage statistics and
its dashboard are off.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sibnlp import places
from sibnlp.errors import DataError, SibnlpError
from sibnlp.runners import Means
from sibnlp.sharding.store import PART, publish
from sibnlp.sharding.units import Done, Unit
from sibnlp.sharding.work import Card, Job, Worker

# Before anything of Ray is imported: it must not reach for the network by itself.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# How often an actor that died is started again, and a unit tried again.
RESTARTS, TRIES = 4, 2


class RayRunner:
    """See `sibnlp.runners.Runner`.

    Args:
        job: what to do.
        folder: where shards go; the driver alone writes there.
        means: ``workers`` is the number of actors, all CPUs but one by default: reading needs one.
    """

    card: Card

    def __init__(self, job: Job, folder: Path, means: Means) -> None:
        self.job, self.folder, self.means = job, folder, means
        self.notes: list[str] = []
        self._started = False

    def __enter__(self) -> Self:
        ray = _ray()
        if self.means.file_timeout:
            raise DataError("--file-timeout stops a process, which is the local runner's to do", "use --runner local")
        if not ray.is_initialized():
            address = os.environ.get("RAY_ADDRESS")
            alone = {} if address else {"include_dashboard": False}
            try:
                ray.init(
                    address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False, **alone
                )
            except Exception as error:  # Ray raises no narrower one
                raise _not_started(address, error) from error
            self._started = True
        try:
            told = ray.get(ray.remote(_card).options(num_cpus=1).remote(self.job))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        if isinstance(told, SibnlpError):
            self.__exit__(None, None, None)
            raise told
        self.card = told
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            _ray().shutdown()
            self._started = False

    def run(self, units: Iterable[Unit]) -> Iterator[Done]:
        """Do units (see `sibnlp.runners.Runner`). All are cut before the first is done."""
        ray = _ray()
        items = [self._absolute(unit) for unit in units]
        if not items:
            return
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        context.max_errored_blocks = -1  # a unit that fails for good is listed, and the rest goes on
        n_cpus = int(ray.cluster_resources().get("CPU", 1))
        n_actors = self.means.workers or max(1, n_cpus - 1)
        taken = {name: (self.folder / name).read_bytes() for unit in items for name in _shards(unit)}
        told = ray.data.from_items(
            [{"unit": unit, "taken": {name: taken[name] for name in _shards(unit)}} for unit in items],
            override_num_blocks=len(items),
        )
        with warnings.catch_warnings():
            # How often to try again has no other place in this version of Ray.
            warnings.filterwarnings("ignore", message=".*ray_remote_args")
            found = told.map_batches(
                _Actor,
                fn_constructor_args=(self.job, self.card),
                batch_size=1,
                batch_format="numpy",
                compute=ray.data.ActorPoolStrategy(size=min(n_actors, len(items))),
                num_cpus=1,
                ray_remote_args_fn=lambda: {"max_restarts": RESTARTS, "max_task_retries": TRIES},
            )
        missing = {unit.number for unit in items}
        for row in found.iter_rows():
            done: Done = row["done"]
            missing.discard(done.number)
            yield self._write(done, row["shard"])
        if missing:
            self.notes.append(f"{len(missing)} units were lost with the workers that had them; see Ray's logs.")

    def _write(self, done: Done, content: bytes) -> Done:
        """Keep a shard that an actor made."""
        if not done.shard:
            return done
        part = self.folder / f"{done.shard}{PART}{os.getpid()}"
        try:
            part.write_bytes(content)
            publish(part, self.folder / done.shard)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            return done.lost(f"not written: {error.strerror or error}")
        return done

    @staticmethod
    def _absolute(unit: Unit) -> Unit:
        """A unit whose paths hold wherever an actor's working folder is; they stay as given in what people read."""
        return unit.moved(lambda place: place if places.is_uri(place) else str(Path(place).absolute()))


class _Actor:
    """Holds the model, and does a unit a call."""

    def __init__(self, job: Job, card: Card) -> None:
        self._worker = Worker(job)
        self._worker.card.must_be(card)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        found = []
        for unit, taken in zip(batch["unit"], batch["taken"], strict=True):
            with tempfile.TemporaryDirectory(prefix="sibnlp-") as name:
                folder = Path(name)
                for shard, content in taken.items():
                    (folder / shard).write_bytes(content)
                done = self._worker.do(unit, folder)
                found.append((done, (folder / done.shard).read_bytes() if done.shard else b""))
        return {"done": [done for done, _ in found], "shard": [content for _, content in found]}


def _card(job: Job) -> Card | SibnlpError:
    """What a worker says of the model; an error of ours as it is, not in Ray's wrapping."""
    try:
        return Worker(job).card
    except SibnlpError as error:
        return error


def _shards(unit: Unit) -> list[str]:
    """Shards that parts of a unit are taken over from."""
    return list(dict.fromkeys(part.taken.shard for part in unit.parts if part.taken))


def _not_started(address: str | None, error: Exception) -> DataError:
    """What people can do where Ray does not answer, or not start."""
    told = (str(error).splitlines() or [type(error).__name__])[0]
    if address:
        return DataError(
            f"no Ray answers at RAY_ADDRESS={address}: {told}",
            "see `ray status` on the head; RAY_AUTH_MODE and the token must be here what they are there",
        )
    return DataError(f"Ray does not start on this machine: {told}", "if it is only busy, try again later")


def _ray() -> Any:
    os.environ.update(QUIET)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise DataError("the runner ray needs the extra ray", "pip install 'sibnlp[ray]'") from error
    # What Ray Data tells of its plans goes to its log: stderr is for people, and with --json for programs.
    for handler in logging.getLogger("ray.data").handlers:
        if type(handler).__name__ == "PlainRayHandler":
            handler.setLevel(logging.CRITICAL)
    return ray
