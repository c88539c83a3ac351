"""The eight-bit forms of an ONNX network.

`store` keeps matrices as int8 with one scale an output channel and word embeddings with one scale a row; they become
fp32 again when the network is loaded, so nothing is rounded but the weights. `quantise` computes in eight bits as
well: twice as fast, about as exact. In a BERT one to four channels in hundreds are ten times as large as the others
(MiniLM: 28 against a median of 1.9 behind each attention, 25 against 1.5 inside a feed-forward layer) and would leave
those few of the 256 steps. So they are computed apart, in fp32 (Dettmers et al. 2022, *LLM.int8()*, NeurIPS); which
they are, a few texts say. Weights have seven bits, ±63: on AVX2 without VNNI the products of eight-bit numbers saturate
16-bit sums in silence. Activations are quantised while running, per passage.

The head (products over one vector a passage, ``Gemm``) stays fp32: it is small, and in seven bits it alone changed
probabilities by 0.06 in the mean (MiniLM with a mean layer, whose dense layer starts as an identity). Figures:
``models/README.md``.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

log = logging.getLogger(__name__)
# Tables of fewer rows than this gain nothing by being quantised.
SMALL = 1024
# Texts that say how large activations get.
TEXTS = 64
# Channels computed apart, where the largest is more than so many times as large as the median.
FEW, TOWERING = 6, 3.0


@contextmanager
def silence() -> Iterator[None]:
    """Exporters and quantisers report every node they pass by, through the root logger and as warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def store(network: bytes) -> bytes:
    """An exported network with int8 weights that computes in fp32 (see the module's head)."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(network)
    matrices = {one.name: one for one in model.graph.initializer}
    products = [node for nodes in _products(model).values() for node in nodes]
    for name in dict.fromkeys(node.input[1] for node in products):
        matrix = numpy_helper.to_array(matrices[name])
        if matrix.dtype != np.float32:
            continue
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127
        small = numpy_helper.from_array(np.round(matrix / scale).astype(np.int8), f"{name}_int8")
        model.graph.initializer.extend([small, numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale")])
        # Of constants alone, so onnxruntime works it out once, at loading.
        pieces = [
            helper.make_node("Cast", [small.name], [f"{name}_float"], f"{name}_float", to=1),
            helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [f"{name}_fp32"], f"{name}_fp32"),
        ]
        for piece in reversed(pieces):
            model.graph.node.insert(0, piece)
        for node in products:
            if node.input[1] == name:
                node.input[1] = f"{name}_fp32"
    _quantise_tables(model)
    _drop_unused(model)
    stored: bytes = model.SerializeToString()
    return stored


def quantise(network: bytes, examples: Sequence[Mapping[str, Sequence[int]]] = ()) -> bytes:
    """An exported network that computes in int8 (see the module's head).

    Args:
        network: fp32.
        examples: ``input_ids`` and ``token_type_ids`` of some texts, which say how large activations get; without any,
            no channel is taken out.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch, silence():
        first, second, third = (Path(scratch, f"{n}.onnx") for n in range(3))
        onnx.save(onnx.load_from_string(network), first)
        quant_pre_process(first, second, skip_symbolic_shape=True)
        model = onnx.load(second)
        few: list[str] = []
        if examples:
            few = _split(model, _largest(model, examples[:TEXTS]))
            onnx.save(model, second)
        # The quantiser rewrites each Gemm to a MatMul of this name before it looks at what to leave out.
        head = [f"{node.name}_MatMul" for node in model.graph.node if node.op_type == "Gemm"]
        quantize_dynamic(
            second, third, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True,
            weight_type=QuantType.QInt8, nodes_to_exclude=[*head, *few],
        )  # fmt: skip
        model = onnx.load(third)
    _quantise_tables(model)
    quantised: bytes = model.SerializeToString()
    return quantised


def _products(model: ModelProto) -> dict[str, list[NodeProto]]:
    """Products with a matrix of weights, by the activation they take."""
    weights = {one.name for one in model.graph.initializer if len(one.dims) == 2}
    found: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights and node.input[0] not in weights:
            found.setdefault(node.input[0], []).append(node)
    return found


def _largest(model: ModelProto, examples: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, NDArray[np.float32]]:
    """Largest absolute value of every channel of the activations that products take, over some texts."""
    import onnxruntime
    from onnx import helper

    names = list(_products(model))
    probe = type(model)()
    probe.CopyFrom(model)
    there = {one.name for one in probe.graph.output}
    probe.graph.output.extend(helper.make_tensor_value_info(name, 1, None) for name in names if name not in there)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = [one.name for one in session.get_inputs()]
    largest: dict[str, NDArray[np.float32]] = {}
    for example in examples:
        values = {**example, "attention_mask": [1] * len(example["input_ids"])}
        feeds = {name: np.array([values[name]], dtype=np.int64) for name in inputs}
        for name, found in zip(names, session.run(names, feeds), strict=True):
            peak = np.abs(found).reshape(-1, found.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, peak), peak)
    return largest


def _split(model: ModelProto, largest: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Take the few channels that tower above the others out of each product, into one of their own.

    Returns:
        Names of the products of these few channels; they stay fp32.
    """
    from onnx import helper, numpy_helper

    matrices = {one.name: one for one in model.graph.initializer}
    small = []
    for name, nodes in _products(model).items():
        if largest[name].max() <= TOWERING * np.median(largest[name]):
            continue
        few = np.sort(np.argsort(-largest[name])[:FEW])
        mask = np.ones(len(largest[name]), dtype=np.float32)
        mask[few] = 0
        model.graph.initializer.append(numpy_helper.from_array(mask, f"{name}_mask"))
        model.graph.initializer.append(numpy_helper.from_array(few.astype(np.int64), f"{name}_ids"))
        place = list(model.graph.node).index(nodes[0])
        for piece in (
            helper.make_node("Mul", [name, f"{name}_mask"], [f"{name}_many"], f"{name}_many"),
            helper.make_node("Gather", [name, f"{name}_ids"], [f"{name}_few"], f"{name}_few", axis=-1),
        ):
            model.graph.node.insert(place, piece)
        for node in nodes:
            matrix, out = numpy_helper.to_array(matrices[node.input[1]]), node.output[0]
            parts = {"many": matrix * mask[:, None], "few": matrix[few]}
            for part, own in parts.items():
                model.graph.initializer.append(numpy_helper.from_array(own, f"{out}_{part}_weight"))
            pieces = [
                helper.make_node("MatMul", [f"{name}_few", f"{out}_few_weight"], [f"{out}_few"], f"{out}_few"),
                helper.make_node("Add", [f"{out}_many", f"{out}_few"], [out], f"{out}_sum"),
            ]
            small.append(pieces[0].name)
            node.input[0], node.input[1], node.output[0] = f"{name}_many", f"{out}_many_weight", f"{out}_many"
            place = list(model.graph.node).index(node) + 1
            for piece in reversed(pieces):
                model.graph.node.insert(place, piece)
    _drop_unused(model)
    return small


def _drop_unused(model: ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    for one in [one for one in model.graph.initializer if one.name not in used]:
        model.graph.initializer.remove(one)


def _quantise_tables(model: ModelProto) -> None:
    """Store large lookup tables as int8 with a scale a row."""
    from onnx import helper, numpy_helper

    tables = {one.name: one for one in model.graph.initializer}
    for number, node in enumerate(list(model.graph.node)):
        if node.op_type != "Gather" or node.input[0] not in tables:
            continue
        table = numpy_helper.to_array(tables[node.input[0]])
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        if table.dtype != np.float32 or table.ndim != 2 or len(table) < SMALL or axis:
            continue
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
        name, ids, out = node.input[0], node.input[1], node.output[0]
        small = numpy_helper.from_array(np.round(table / scale).astype(np.int8), f"{name}_int8")
        model.graph.initializer.extend([small, numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale")])
        pieces = [
            helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"], f"{node.name}_int8"),
            helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], f"{node.name}_float", to=1),
            helper.make_node("Gather", [f"{name}_scale", ids], [f"{out}_scale"], f"{node.name}_scale"),
            helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out], f"{node.name}_scaled"),
        ]
        place = list(model.graph.node).index(node)
        model.graph.node.remove(node)
        for piece in reversed(pieces):
            model.graph.node.insert(place, piece)
        log.debug("table %d: %s as int8", number, name)
    _drop_unused(model)
