"""Losses for codes of which most passages carry few, and which not everybody looked for.

Sources: Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter & Zelnik-Manor (2021), *Asymmetric loss for multi-label
classification*, ICCV.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("bce", "balanced", "asymmetric", "softmax")


def positive_weights(
    targets: NDArray[np.float64], cap: float, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """How much a passage with the code counts beside one without: float64 [k], negatives ÷ positives, at most ``cap``.

    Args:
        targets: float64 [n, k] in [0, 1]; NaN is left out.
        cap: so that a code with three positives does not drown the others.
        weights: float64 [n], how much each passage counts.
    """
    each = np.ones(len(targets)) if weights is None else weights
    positive = np.nansum(targets * each[:, None], axis=0)
    negative = np.nansum((1 - targets) * each[:, None], axis=0)
    ratio = np.divide(negative, positive, out=np.full(len(positive), cap), where=positive > 0)
    result: NDArray[np.float64] = np.clip(ratio, 1 / cap, cap)
    return result


def check_loss(name: str, targets: NDArray[np.float64]) -> None:
    """Refuse a loss that does not exist, or does not fit the targets [n, k].

    Raises:
        UnknownNameError: lists those that do.
        DataError: ``softmax``, and a passage carries no code, several, or was not read for all.
    """
    if name not in LOSSES:
        raise UnknownNameError("loss", name, LOSSES)
    if name == "softmax" and not np.allclose(targets.sum(axis=1), 1):
        n = int((~np.isclose(targets.sum(axis=1), 1)).sum())
        raise DataError(
            f"loss softmax is for passages that carry exactly one code each; {n} of {len(targets)} do not",
            'set loss = "balanced"',
        )


def loss_of(
    logits: Tensor, targets: Tensor, weights: Tensor, settings: Mapping[str, Any], positive: Tensor | None
) -> Tensor:
    """Mean loss over what is known.

    Args:
        logits: [n, k].
        targets: [n, k] in [0, 1]; NaN takes no part.
        weights: [n], how much each passage counts.
        settings: ``loss``, and for ``asymmetric`` its ``gamma_positive``, ``gamma_negative`` and ``margin``.
        positive: [k], weight of a positive (``balanced``), else None.

    Returns:
        A scalar: the weighted sum over known cells divided by the sum of their weights. Dividing by cells rather than
        by passages keeps a passage that was read for few families from counting less per code.
    """
    import torch
    from torch.nn import functional

    if settings["loss"] == "softmax":
        rows = functional.cross_entropy(logits, targets, reduction="none")
        mean: Tensor = (rows * weights).sum() / weights.sum().clamp(min=1e-8)
        return mean
    known = (~torch.isnan(targets)).to(logits.dtype) * weights[:, None]
    truth = torch.nan_to_num(targets)
    if settings["loss"] == "asymmetric":
        cells = asymmetric(logits, truth, settings["gamma_positive"], settings["gamma_negative"], settings["margin"])
    else:
        cells = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=positive, reduction="none")
    total: Tensor = (cells * known).sum() / known.sum().clamp(min=1e-8)
    return total


def asymmetric(logits: Tensor, targets: Tensor, gamma_positive: float, gamma_negative: float, margin: float) -> Tensor:
    """Asymmetric loss of every cell [n, k] (Ridnik et al. 2021, equations 5 and 7).

    Easy negatives weigh less: their probability is lowered by ``margin`` and raised to ``gamma_negative``. The focusing
    weight takes part in the gradient, as in the paper's equation.
    """
    import torch

    p = torch.sigmoid(logits)
    lowered = (p - margin).clamp(min=0)
    hit = targets * (1 - p) ** gamma_positive * torch.nn.functional.logsigmoid(logits)
    miss = (1 - targets) * lowered**gamma_negative * torch.log1p(-lowered.clamp(max=1 - 1e-7))
    return -(hit + miss)
