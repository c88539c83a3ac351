"""From a Hugging Face checkpoint to ONNX, held against torch."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sibnlp.classifiers import sigmoid
from sibnlp.errors import DataError, UnknownNameError
from sibnlp.training.distill import encoder_folder
from sibnlp.training.pooling import shorten
from sibnlp.training.quantise import quantise, silence, store
from sibnlp.wordpieces import INPUTS

log = logging.getLogger(__name__)
PRECISIONS = ("int8", "int8_dynamic", "fp32")
# ONNX fp32 must equal torch within this, in probability.
TOLERANCE = 1e-4


def load_checkpoint(folder: Path) -> Any:
    """A standard checkpoint as a torch model, ready to predict; runs no code of the folder's."""
    from transformers import AutoModelForSequenceClassification

    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(str(folder), trust_remote_code=False)
    return model.eval()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing a bar for every file, and from saying that a fresh head lacks weights."""
    from transformers.utils import logging as own

    before = own.get_verbosity()
    own.set_verbosity_error()
    own.disable_progress_bar()
    try:
        yield
    finally:
        own.set_verbosity(before)
        own.enable_progress_bar()


def export_onnx(checkpoint: Path, examples: Sequence[Mapping[str, Sequence[int]]]) -> bytes:
    """Export a checkpoint to ONNX fp32 and check it against torch.

    Args:
        checkpoint: folder of an `AutoModelForSequenceClassification`.
        examples: ``input_ids`` and ``token_type_ids`` of a few texts, to compare on.

    Returns:
        A model with inputs ``input_ids``, ``attention_mask`` and, where the architecture has it, ``token_type_ids``
        (int64, [rows, pieces], both free), and the output ``logits`` [rows, k].

    Raises:
        DataError: the architecture cannot be exported, or the export differs from torch by more than `TOLERANCE`.
    """
    import torch

    model, plain = load_checkpoint(checkpoint), load_checkpoint(checkpoint)
    shorten(model)
    names = [n for n in INPUTS if n != "token_type_ids" or has_segments(model.config)]

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            return self.model(**dict(zip(names, values, strict=True))).logits

    network = _network(Logits().eval(), names, int(model.config.vocab_size) // 2, model.config.model_type)
    network = _bare(network)
    found = probabilities(network, examples)
    with torch.no_grad():
        wanted = np.concatenate([torch.sigmoid(plain(**_tensors(one, names)).logits).numpy() for one in examples])
    gap = float(np.abs(found - wanted).max())
    if not gap <= TOLERANCE:
        raise DataError(f"the ONNX export differs from torch by {gap:.2g} in probability", "report this as a bug")
    log.info("exported %.1f MB of ONNX, equal to torch within %.1g", len(network) / 1e6, gap)
    return network


def export_embedder(encoder: str, folder: Path, precision: str = "int8") -> Path:
    """Write an encoder, as it is, as embeddings that `sibnlp.embeddings.load_embedder` reads without torch.

    Args:
        encoder: a folder, a packaged name or an ``owner/name`` on the hub.
        folder: where to.
        precision: ``int8`` (stored so), ``int8_dynamic`` (computes so) or ``fp32``.

    Raises:
        DataError: it cannot be read or exported.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = encoder_folder(encoder)
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
            model = AutoModel.from_pretrained(source, trust_remote_code=False).eval()
        except (OSError, ValueError, ImportError) as error:
            raise DataError(f"encoder {encoder!r} cannot be read: {error}", "name a folder or a hub id") from error
    names = [n for n in INPUTS if n != "token_type_ids" or has_segments(model.config)]

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            return self.model(**dict(zip(names, values, strict=True))).last_hidden_state

    network = _bare(_network(States().eval(), names, int(model.config.vocab_size) // 2, model.config.model_type))
    pieces = tokenizer.backend_tokenizer
    pieces.no_padding()
    pieces.no_truncation()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(to_precision(network, precision)[0])
    (folder / "tokenizer.json").write_text(pieces.to_str(), encoding="utf-8")
    return folder


def _network(logits: Any, names: Sequence[str], piece: int, architecture: str) -> bytes:
    """ONNX of a module; by tracing (seconds), else by torch.export (minutes, for what cannot be traced)."""
    import torch

    ids = torch.full((2, 9), piece, dtype=torch.int64)
    # A shorter second row, so that the mask takes part in what is traced.
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    free = {name: {0: "rows", 1: "pieces"} for name in names} | {"logits": {0: "rows"}}
    shapes = tuple({0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for _ in names)
    ways: list[dict[str, Any]] = [
        {"dynamo": False, "dynamic_axes": free, "opset_version": 17},
        # `forward` takes any number of inputs, so their shapes come as one tuple.
        {"dynamo": True, "dynamic_shapes": (shapes,), "opset_version": 18, "external_data": False, "verbose": False},
    ]
    problems = []
    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch, silence():
        for way in ways:
            path = Path(scratch, "model.onnx")
            try:
                torch.onnx.export(
                    logits, tuple(values[n] for n in names), path,
                    input_names=list(names), output_names=["logits"], **way,
                )  # fmt: skip
                return path.read_bytes()
            except Exception as error:
                problems.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    raise DataError(
        f"a {architecture} checkpoint cannot be exported to ONNX ({'; '.join(problems)})", "fine-tune another encoder"
    )


def _bare(network: bytes) -> bytes:
    """The network without the exporter's notes, which name files of this machine."""
    import onnx

    model = onnx.load_from_string(network)
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
    bare: bytes = model.SerializeToString()
    return bare


def has_segments(config: Any) -> bool:
    """Whether an architecture tells a second segment from the first."""
    return bool(getattr(config, "type_vocab_size", None))


def _tensors(example: Mapping[str, Sequence[int]], names: Sequence[str]) -> dict[str, Any]:
    import torch

    values = {**example, "attention_mask": [1] * len(example["input_ids"])}
    return {name: torch.tensor([list(values[name])]) for name in names}


def probabilities(network: bytes, examples: Sequence[Mapping[str, Sequence[int]]]) -> NDArray[np.float64]:
    """Probabilities [n, k] that an exported network gives, each example by itself."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    rows = []
    for example in examples:
        values = {**example, "attention_mask": [1] * len(example["input_ids"])}
        feeds = {name: np.array([values[name]], dtype=np.int64) for name in names}
        rows.append(np.asarray(session.run(None, feeds)[0], dtype=np.float64)[0])
    return sigmoid(np.array(rows))


def to_precision(
    network: bytes, precision: str, examples: Sequence[Mapping[str, Sequence[int]]] = ()
) -> tuple[bytes, dict[str, Any]]:
    """A network in the wanted precision, with what that costs.

    Returns:
        The network, and ``{"precision", "bytes", "fp32_bytes"}``, for less than fp32 also ``max_difference`` and
        ``mean_difference`` of the probabilities of the examples from those of fp32.

    Raises:
        UnknownNameError: no such precision.
    """
    if precision not in PRECISIONS:
        raise UnknownNameError("precision", precision, PRECISIONS)
    report: dict[str, Any] = {"precision": precision, "fp32_bytes": len(network)}
    if precision != "fp32":
        small = store(network) if precision == "int8" else quantise(network, examples)
        if examples:
            gap = np.abs(probabilities(small, examples) - probabilities(network, examples))
            report |= {"max_difference": float(gap.max()), "mean_difference": float(gap.mean())}
        network = small
    report["bytes"] = len(network)
    return network, report
