"""`transformers.Trainer` with the losses, learning rates and freezing of `sibnlp.training.encoder`.

Imports torch at its head: nothing imports this module but the encoder's fitting, once it is sure that torch is there.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from sibnlp.training.export import has_segments
from sibnlp.training.losses import loss_of

log = logging.getLogger(__name__)
LAYER = re.compile(r"\.(?:layers?|h|block)\.(\d+)\.")
# How the weight of a passage counts: as a factor of its loss, or as its chance to be drawn in an epoch.
LOSS, DRAW = "loss", "draw"
# Batches in a block of passages that are sorted by length together.
BLOCK = 40
UNDECAYED = re.compile(r"(bias$|norm)", re.IGNORECASE)


def run(
    model: Any,
    encodings: Sequence[Mapping[str, Sequence[int]]],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    settings: Mapping[str, Any],
    *,
    seed: int,
    positive: NDArray[np.float64] | None,
    fixed: set[str],
    pad: int,
    folder: Path,
    saves: int,
) -> dict[str, Any]:
    """Train a model in place, from the last checkpoint in ``folder`` where there is one.

    Args:
        model: an `AutoModelForSequenceClassification`.
        encodings: ``input_ids`` and ``token_type_ids`` of n passages.
        targets: float64 [n, k] in [0, 1], NaN unknown.
        weights: float64 [n]; what they do, ``weigh`` says.
        settings: of the backend.
        seed: of the order of passages and of dropout.
        positive: float64 [k], weight of positives, or None.
        fixed: names of parameters that stay as they are.
        pad: id of the padding piece.
        folder: for checkpoints on the way.
        saves: how many of those.

    Returns:
        ``{"steps", "resumed_from", "losses"}``.
    """
    # Passages nobody read for any code would only dilute the batches.
    rows = np.flatnonzero(~np.isnan(targets).all(axis=1)).tolist()
    data = Dataset.from_dict(
        {
            "input_ids": [encodings[i]["input_ids"] for i in rows],
            "token_type_ids": [encodings[i]["token_type_ids"] for i in rows],
            "labels": targets[rows].astype(np.float32).tolist(),
            # A weight that says how often a passage is drawn must not count again in the loss.
            "weights": np.where(settings["weigh"] == DRAW, 1.0, weights[rows]).astype(np.float32).tolist(),
        }
    )
    chances = weights[rows] if settings["weigh"] == DRAW else np.ones(len(rows))
    lengths = [len(encodings[i]["input_ids"]) for i in rows]
    order = ByLength(lengths, settings["batch_size"], seed, chances)
    steps = math.ceil(len(order) / settings["batch_size"]) * settings["epochs"]
    freezing = _Freezing(model, settings, fixed)
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=settings["batch_size"],
        num_train_epochs=settings["epochs"],
        lr_scheduler_type="linear",
        warmup_steps=round(settings["warm_up"] * steps),
        logging_steps=max(1, steps // 50),
        save_strategy="steps",
        save_steps=max(1, math.ceil(steps / saves)),
        save_total_limit=1,
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
        seed=seed,
        data_seed=seed,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )
    token_types = has_segments(model.config)
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=lambda rows: collate(rows, pad, token_types),
        callbacks=[freezing, _Told(steps)],
        optimizers=(torch.optim.AdamW(parameter_groups(model, settings, fixed), lr=settings["lr"]), None),
    )
    # It prints to stdout, which belongs to data.
    trainer.remove_callback(PrinterCallback)
    trainer.settings = settings
    trainer.order = order
    trainer.still = still(model, settings)
    trainer.positive = None if positive is None else torch.tensor(positive, dtype=torch.float32)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    if last:
        log.info("going on from %s", last)
    trainer.train(resume_from_checkpoint=last)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    losses = [{"step": row["step"], "loss": row["loss"]} for row in trainer.state.log_history if "loss" in row]
    return {"steps": trainer.state.global_step, "resumed_from": Path(last).name if last else None, "losses": losses}


class ByLength(torch.utils.data.Sampler[int]):
    """Passages in random order, so that those of a batch are about as long: little is padded.

    The order is drawn from seed and epoch alone. (`transformers.trainer_pt_utils.LengthGroupedSampler` draws from
    torch's state, which differs after a run was stopped and taken up again.)

    Args:
        lengths: word-pieces of each passage.
        batch_size: passages a batch.
        seed: of the order.
        chances: float64 [n], how likely each passage is to come up in an epoch (1 and more: always); None: all always.
            Every epoch draws anew, and as many as all chances together, so that all epochs are equally long.
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, chances: NDArray[np.float64] | None = None
    ) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = np.array(lengths), batch_size, seed, 0
        each = np.ones(len(self.lengths)) if chances is None else np.minimum(np.asarray(chances, dtype=np.float64), 1)
        self._always, self._sometimes = np.flatnonzero(each >= 1), np.flatnonzero((each > 0) & (each < 1))
        self._chances = each[self._sometimes]
        self._drawn = round(float(self._chances.sum()))

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._always) + self._drawn

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        # The largest of u^(1/w): a draw without replacement by weight (Efraimidis and Spirakis 2006).
        keys = rng.random(len(self._chances)) ** (1 / self._chances)
        drawn = self._sometimes[np.argsort(-keys, kind="stable")[: self._drawn]]
        order = rng.permutation(np.sort(np.concatenate([self._always, drawn])))
        batches: list[list[int]] = []
        # Sorted within a few hundred passages only, so that batches differ from epoch to epoch.
        size = self.batch_size * BLOCK
        for start in range(0, len(order), size):
            block = order[start : start + size]
            block = block[np.argsort(self.lengths[block], kind="stable")]
            batches += [block[i : i + self.batch_size].tolist() for i in range(0, len(block), self.batch_size)]
        # A last batch that is not full stays last, or the sampler's batches would shift.
        last = [batches.pop()] if batches and len(batches[-1]) < self.batch_size else []
        for number in rng.permutation(len(batches)).tolist():
            yield from batches[number]
        yield from (row for batch in last for row in batch)


class _Trainer(Trainer):
    order: ByLength
    settings: Mapping[str, Any]
    positive: torch.Tensor | None
    still: Sequence[torch.nn.Module]

    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        return self.order

    def compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Masked, weighted loss (see `sibnlp.training.losses`)."""
        # The Trainer turns dropout on everywhere before each step; in layers that never learn it would be noise alone.
        for module in self.still:
            module.train(False)
        labels, weights = inputs.pop("labels"), inputs.pop("weights")
        output = model(**inputs)
        positive = None if self.positive is None else self.positive.to(output.logits.device)
        loss = loss_of(output.logits, labels, weights, self.settings, positive)
        return (loss, output) if return_outputs else loss


def collate(rows: Sequence[Mapping[str, Any]], pad: int, token_types: bool) -> dict[str, torch.Tensor]:
    """Passages as one batch, padded to the longest of them."""
    longest = max(len(row["input_ids"]) for row in rows)

    def padded(values: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
        return torch.tensor([[*value, *[filler] * (longest - len(value))] for value in values])

    batch = {
        "input_ids": padded([row["input_ids"] for row in rows], pad),
        "attention_mask": padded([[1] * len(row["input_ids"]) for row in rows], 0),
        "labels": torch.tensor([row["labels"] for row in rows], dtype=torch.float32),
        "weights": torch.tensor([row["weights"] for row in rows], dtype=torch.float32),
    }
    if token_types:
        batch["token_type_ids"] = padded([row["token_type_ids"] for row in rows], 0)
    return batch


def depth_of(name: str, model: Any) -> int | None:
    """How high a parameter stands: 0 for embeddings, 1 for the lowest layer; None for the head."""
    if not name.startswith(f"{model.base_model_prefix}.") or ".pooler." in name:
        return None
    found = LAYER.search(name)
    return int(found[1]) + 1 if found else 0


def parameter_groups(model: Any, settings: Mapping[str, Any], fixed: set[str]) -> list[dict[str, Any]]:
    """Parameters to train, grouped by learning rate and weight decay."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if name not in fixed]
    depths = {name: depth_of(name, model) for name, _ in named}
    top = max((depth for depth in depths.values() if depth is not None), default=0)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in named:
        depth = depths[name]
        if depth is None:
            rate = settings["head_lr"] or settings["lr"]
        elif is_frozen(depth, name, settings):
            continue
        else:
            rate = settings["lr"] * settings["layer_decay"] ** (top - depth)
        decay = 0.0 if UNDECAYED.search(name) else settings["weight_decay"]
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": own, "lr": rate, "weight_decay": decay} for (rate, decay), own in sorted(
        groups.items(), key=lambda item: item[0])]  # fmt: skip


def is_frozen(depth: int, name: str, settings: Mapping[str, Any]) -> bool:
    """Whether the settings keep an encoder parameter as it is throughout."""
    lower = settings["freeze_layers"]
    return 0 < depth <= lower or (depth == 0 and "embed" in name and (lower > 0 or settings["freeze_embeddings"]))


def still(model: Any, settings: Mapping[str, Any]) -> list[torch.nn.Module]:
    """The parts of the encoder that stay as they are throughout."""
    depths = {name: depth_of(f"{name}.", model) for name, _ in model.named_modules()}
    return [
        module
        for name, module in model.named_modules()
        if (depth := depths[name]) is not None and is_frozen(depth, name, settings)
    ]


class _Freezing(TrainerCallback):
    """Decides before each epoch what learns: what is frozen costs no backward pass."""

    def __init__(self, model: Any, settings: Mapping[str, Any], fixed: set[str]) -> None:
        self._model, self._settings, self._fixed = model, settings, fixed

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # On resuming inside an epoch, `state.epoch` is a fraction.
        head_alone = int(state.epoch or 0) < self._settings["head_epochs"]
        for name, parameter in self._model.named_parameters():
            depth = depth_of(name, self._model)
            frozen = name in self._fixed
            if depth is not None:
                frozen = frozen or head_alone or is_frozen(depth, name, self._settings)
            parameter.requires_grad_(not frozen)


class _Told(TrainerCallback):
    """Says how far the run is, and how long it will take."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began, self._first = time.monotonic(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        done = state.global_step - self._first
        if logs and "loss" in logs and done:
            left = (time.monotonic() - self._began) / done * (self._steps - state.global_step)
            log.info("step %d of %d, loss %.4f, %.0f s left", state.global_step, self._steps, logs["loss"], left)
