"""Fine-tuning any Hugging Face encoder to a codebook, as a standard multi-label classifier.

The work folder holds, after a run: ``checkpoint/`` (an `AutoModelForSequenceClassification`, which
``transformers.pipeline`` loads), ``log.json`` (what was done, losses, what int8 costs) and ``run.json`` (what the run
was asked, so that a stopped one goes on only with the same codings and settings).

Settings of training, beside those in `sibnlp.classifiers.encoder.EncoderClassifier`:

- ``loss``: ``bce``; ``balanced`` (positives weigh negatives ÷ positives, at most ``weight_cap``); ``asymmetric``
  (``gamma_positive``, ``gamma_negative``, ``margin``); ``softmax``, where every passage carries exactly one code (then
  the checkpoint is a single-label classifier).
- ``epochs``, ``batch_size``, ``lr``; ``head_lr`` for the head alone (0: the same); ``layer_decay``: each layer learns
  at so many times the rate of the one above it; ``weight_decay``; ``warm_up``: share of steps with a rising rate.
- ``weigh``: what the weight of a passage does: ``loss``, a factor of its loss; ``draw``, its chance to come up in an
  epoch (1 and more: always), which comes to the same in the long run and is sooner done where most weigh little.
- ``head_epochs``: so many epochs at the start train the head alone; ``freeze_layers``: so many layers from below, and
  the embeddings, stay as they are, without dropout; ``freeze_embeddings``; ``dropout``: of the encoder (below 0: its
  own).
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.classifiers import constant_log_odds, is_constant
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.training.distill import encoder_folder
from sibnlp.training.export import export_onnx, quiet, to_precision
from sibnlp.training.losses import check_loss, positive_weights
from sibnlp.training.pooling import prepare_config, resolve_pooling, set_mean_layer, shorten
from sibnlp.wordpieces import Tokens

log = logging.getLogger(__name__)
NEEDED = ("torch", "transformers", "datasets", "accelerate", "onnx", "onnxscript", "onnxruntime")
CHECKPOINT, STEPS, RUN, LOG = "checkpoint", "steps", "run.json", "log.json"
# Texts on which ONNX is held against torch, and int8 against fp32.
COMPARED = 128
WEIGH = ("loss", "draw")
# A run is saved so many times on its way.
SAVES = 8


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fine-tuned encoder: the ONNX network, its tokeniser as JSON, and the record of the run."""

    network: bytes
    tokenizer: str
    log: Mapping[str, Any]


def fit_encoder(
    texts: Sequence[str],
    targets: NDArray[np.float64],
    codes: Sequence[str],
    settings: Mapping[str, Any],
    *,
    seed: int,
    weights: NDArray[np.float64] | None,
    work: Path,
) -> Fitted:
    """Fine-tune, export, and write down what was done.

    Args:
        texts: n passages, some perhaps `sibnlp.classifiers.Situated`.
        targets: float64 [n, k] in [0, 1] (soft targets are allowed), NaN unknown.
        codes: ids of the k codes.
        settings: complete (see `sibnlp.classifiers.encoder.DEFAULTS`).
        seed: of the head's first weights, dropout and the order of passages.
        weights: float64 [n], or None for 1.
        work: folder for checkpoints and the record. What a stopped run with the same texts, targets and settings left
            there is taken up; what another run left is removed.

    Raises:
        DataError: the extra ``train`` is not installed, or the encoder cannot be read.
        UnknownNameError: no such encoder, loss, pooling or precision.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise DataError(f"fine-tuning an encoder needs {', '.join(missing)}", "pip install 'sibnlp[train]'")
    check_loss(settings["loss"], targets)
    if settings["weigh"] not in WEIGH:
        raise UnknownNameError("way to weigh passages", settings["weigh"], WEIGH)
    each = np.ones(len(texts)) if weights is None else np.asarray(weights, dtype=np.float64)
    asked = _asked(texts, targets, codes, settings, seed, each)
    if (read := _json(work / RUN)) != asked:
        if read:
            log.warning("%s holds a run on other codings or settings: starting afresh", work)
        for name in (CHECKPOINT, STEPS):
            shutil.rmtree(work / name, ignore_errors=True)
        (work / RUN).write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    tokenizer = _tokenizer(settings)
    tokens = Tokens(tokenizer.backend_tokenizer.to_str(), settings["max_length"], settings["context_tokens"])
    encodings = [{"input_ids": one.ids, "token_type_ids": one.type_ids} for one in tokens.encode(texts)]
    record: dict[str, Any] = {**asked, "codes": _support(targets, codes)}
    record["cut_off"] = sum(len(one["input_ids"]) >= settings["max_length"] for one in encodings)
    if not (work / CHECKPOINT / "config.json").is_file():
        with quiet():
            record |= _tune(encodings, targets, codes, settings, seed, each, work, tokenizer)
    else:
        log.info("%s: already trained", work / CHECKPOINT)
        record |= {key: value for key, value in (_json(work / LOG) or {}).items() if key not in record}
    some = np.random.default_rng(seed).permutation(len(encodings))[:COMPARED]
    examples = [encodings[i] for i in some.tolist()]
    network = export_onnx(work / CHECKPOINT, examples)
    network, record["export"] = to_precision(network, settings["precision"], examples)
    (work / LOG).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    log.info("exported: %s", record["export"])
    return Fitted(network, tokens.to_json(), record)


def _asked(
    texts: Sequence[str],
    targets: NDArray[np.float64],
    codes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    digest = hashlib.sha256()
    for text in texts:
        for part in (text, getattr(text, "context", "")):
            digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    digest.update(np.ascontiguousarray(targets).tobytes() + weights.tobytes())
    # Precision concerns the export alone: the same checkpoint serves both.
    kept = {key: value for key, value in settings.items() if key != "precision"}
    return {"settings": kept, "seed": seed, "order": list(codes), "n": len(texts), "data": digest.hexdigest()}


def _json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file of an earlier run; None where there is none or it was cut short."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None


def _support(targets: NDArray[np.float64], codes: Sequence[str]) -> dict[str, dict[str, int]]:
    return {
        code: {"positive": int((column > 0.5).sum()), "known": int((~np.isnan(column)).sum())}
        for code, column in zip(codes, targets.T, strict=True)
    }


def _tokenizer(settings: Mapping[str, Any]) -> Any:
    from transformers import AutoTokenizer

    source = encoder_folder(settings["encoder"])
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise DataError(f"the tokeniser of encoder {settings['encoder']!r} cannot be read: {error}") from error
    # Some are published with a fixed length baked in, which would reach whoever loads the checkpoint.
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    return tokenizer


def load_encoder(codes: Sequence[str], settings: Mapping[str, Any]) -> Any:
    """The encoder with a fresh head for the codes, as a standard multi-label classifier in torch.

    Raises:
        DataError: it cannot be read, or wants to run code of its own.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    source = encoder_folder(settings["encoder"])
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        prepare_config(config, resolve_pooling(settings["pooling"], source, config))
        single = settings.get("loss") == "softmax"
        config.problem_type = "single_label_classification" if single else "multi_label_classification"
        config.id2label = dict(enumerate(codes))
        config.label2id = {code: number for number, code in enumerate(codes)}
        if settings["dropout"] >= 0:
            for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"):
                if isinstance(getattr(config, name, None), float):
                    setattr(config, name, float(settings["dropout"]))
        model = AutoModelForSequenceClassification.from_pretrained(source, config=config, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        fix = "name a folder or a model on the hub that transformers knows by itself"
        raise DataError(f"encoder {settings['encoder']!r} cannot be read: {error}", fix) from error
    # The original's name is said in the model card; a folder of this machine is nobody's business.
    model.config._name_or_path = ""
    # Code that the folder offers was not run, and is not offered on.
    for name in ("auto_map", "custom_pipelines"):
        model.config.__dict__.pop(name, None)
    set_mean_layer(model)
    # transformers 5 saves some weights under the names of old checkpoints (LayerNorm.gamma), which its Trainer does not
    # find again when it goes on: every LayerNorm would start over, in silence.
    model.save_pretrained = functools.partial(model.save_pretrained, save_original_format=False)
    return model


def _tune(
    encodings: Sequence[Mapping[str, Sequence[int]]],
    targets: NDArray[np.float64],
    codes: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    weights: NDArray[np.float64],
    work: Path,
    tokenizer: Any,
) -> dict[str, Any]:
    """Train and write the checkpoint; returns the record."""
    import torch
    import transformers

    from sibnlp.training import trainer

    began = time.monotonic()
    transformers.set_seed(seed)
    model = load_encoder(codes, settings)
    fixed = shorten(model)
    # Codes told apart from each other are learnt together, one that never holds as well.
    learnt = [settings["loss"] == "softmax" or not is_constant(column) for column in targets.T]
    truth = np.where(np.array(learnt), targets, np.nan)
    history: dict[str, Any] = {}
    if any(learnt):
        balanced = settings["loss"] == "balanced"
        positive = positive_weights(truth, settings["weight_cap"], weights) if balanced else None
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        history = trainer.run(
            model, encodings, truth, weights, settings,
            seed=seed, positive=positive, fixed=fixed, pad=int(pad), folder=work / STEPS, saves=SAVES,
        )  # fmt: skip
    model = model.to("cpu").eval()
    final = _final_layer(model, len(codes))
    with torch.no_grad():
        for number, column in enumerate(targets.T):
            if not learnt[number]:
                final.weight[number] = 0.0
                final.bias[number] = constant_log_odds(column)
    # Complete or not at all: a folder with a configuration counts as trained.
    part = work / f"{CHECKPOINT}.part"
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part)
    tokenizer.save_pretrained(part)
    part.replace(work / CHECKPOINT)
    shutil.rmtree(work / STEPS, ignore_errors=True)
    return {
        "parameters": model.num_parameters(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "device": str(next(model.parameters()).device) if not torch.cuda.is_available() else "cuda",
        "seconds": round(time.monotonic() - began, 1),
        **history,
    }


def _final_layer(model: Any, k: int) -> Any:
    """The linear layer that gives the k logits."""
    from torch import nn

    layers = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == k and m.bias is not None]
    if not layers:
        raise DataError(f"a {model.config.model_type} classifier ends in no linear layer", "use another encoder")
    return layers[-1]
