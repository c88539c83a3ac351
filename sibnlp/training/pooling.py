"""Mean pooling inside a standard checkpoint.

A sentence encoder was trained with the mean of its word-pieces; its first piece, which a BERT classification head
reads, means little. `AutoModelForSequenceClassification` has no switch for that (ModernBERT has), but one more layer of
the same architecture can do it: with queries and keys of zero, attention is uniform, so the first piece receives the
mean. Values are the identity, the output is the mean scaled up so far that what the residual adds of the first piece
fades (1 : `SCALE`), the layer's feed-forward part is zero. Any program that loads the checkpoint computes it; training
and ONNX compute the same without the layer's matrices (`MeanLayer`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sibnlp.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor, nn

POOLINGS = ("auto", "cls", "mean")
# Architectures whose layers are BERT's and whose classifier reads the first piece.
LAYERED = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
# Written into the checkpoint's config.json, where others ignore it.
FLAG = "sibnlp_mean_layer"
SCALE = 64.0


def resolve_pooling(pooling: str, source: str, config: Any) -> str:
    """``cls`` or ``mean``; for ``auto``, what the encoder's own files ask for, as far as its architecture allows.

    Raises:
        UnknownNameError: no such pooling.
        DataError: ``mean`` is asked of an architecture that cannot.
    """
    if pooling not in POOLINGS:
        raise UnknownNameError("pooling", pooling, POOLINGS)
    can = config.model_type in LAYERED or hasattr(config, "classifier_pooling")
    if pooling == "auto":
        return "mean" if can and _is_sentence_encoder(source) else "cls"
    if pooling == "mean" and not can:
        raise DataError(
            f"{source}: a {config.model_type} classifier cannot pool the mean in a standard checkpoint",
            f'set pooling = "cls"; "mean" works with {", ".join(LAYERED)} and modernbert',
        )
    return pooling


def _is_sentence_encoder(source: str) -> bool:
    """Whether an encoder comes with the pooling file of sentence-transformers, set to the mean."""
    path = Path(source) / "1_Pooling" / "config.json"
    if not Path(source).is_dir():
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        try:
            path = Path(hf_hub_download(source, "1_Pooling/config.json"))
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError):
            return False
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens"))


def prepare_config(config: Any, pooling: str) -> None:
    """Ask for one layer more (or ModernBERT's own switch), before the weights are read."""
    if pooling != "mean":
        return
    if hasattr(config, "classifier_pooling"):
        config.classifier_pooling = "mean"
        return
    config.num_hidden_layers += 1
    setattr(config, FLAG, True)


def set_mean_layer(model: Any) -> None:
    """Fill the layer that `prepare_config` asked for, and start the head's dense layer as a gentle identity."""
    import torch

    if not getattr(model.config, FLAG, False):
        return
    layer = model.base_model.encoder.layer[-1]
    size = model.config.hidden_size
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.attention.self.value.weight.copy_(torch.eye(size))
        layer.attention.output.dense.weight.copy_(SCALE * torch.eye(size))
        layer.attention.output.LayerNorm.weight.fill_(1.0)
        layer.output.LayerNorm.weight.fill_(1.0)
        pooler = getattr(model.base_model, "pooler", None)
        dense = pooler.dense if pooler is not None else model.classifier.dense
        # Normalised components are about 1 in size: at half of that tanh still tells them apart.
        dense.weight.copy_(0.5 * torch.eye(size))
        dense.bias.zero_()


def shorten(model: Any) -> set[str]:
    """Let the mean layer compute its mean directly; the same result, without its matrices.

    Returns:
        Names of the parameters that must not be trained, for the shortcut passes them by.
    """
    if not getattr(model.config, FLAG, False):
        return set()
    layers = model.base_model.encoder.layer
    layers[-1] = _mean_layer(layers[-1])
    trained = layers[-1].output.LayerNorm
    kept = {id(parameter) for parameter in trained.parameters()}
    own = {id(parameter) for parameter in layers[-1].parameters()} - kept
    return {name for name, parameter in model.named_parameters() if id(parameter) in own}


def _mean_layer(layer: Any) -> nn.Module:
    """A module with the parameters of a mean layer, under the same names."""
    import torch
    from torch import nn

    class MeanLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.intermediate, self.output = layer.attention, layer.intermediate, layer.output

        def forward(self, hidden: Tensor, mask: Tensor | None = None, *_: Any, **__: Any) -> Tensor:
            if mask is None:
                mean = hidden.mean(dim=1, keepdim=True)
            else:
                row = mask if mask.dim() == 2 else mask[:, 0, 0, :]
                # Kept pieces are True, 1 or an addend of 0; left out are False, 0 (2-d only) or a huge negative.
                kept = row if row.dtype == torch.bool else (row > 0 if mask.dim() == 2 else row > -1)
                share = kept.to(hidden.dtype)
                share = share / share.sum(dim=-1, keepdim=True).clamp(min=1)
                mean = torch.matmul(share.unsqueeze(1), hidden)
            normed = self.attention.output.LayerNorm(hidden + SCALE * mean)
            normed = self.output.LayerNorm(normed)
            return torch.as_tensor(normed)

    return MeanLayer()
