"""The eight-bit forms of an ONNX network.

`store` keeps matrices as int8 with one scale an output channel and word embeddings with one scale a row; they become
fp32 again when the network is loaded, so nothing is rounded but the weights. `quantise` computes in eight bits as well:
half as fast again, at four times the error. In a BERT one channel in hundreds is ten times as large as the others
(MiniLM: 28 against a median of 1.7 behind each attention) and would leave the others few of the 256 steps. So each
channel is divided by a factor of its own, and the weights it meets are multiplied by it (Xiao et al. 2023,
*SmoothQuant*, ICML); the factors come from a few texts. Weights then have seven bits, ±63: on AVX2 without VNNI the
products of eight-bit numbers saturate 16-bit sums in silence. Activations are quantised while running, per passage.

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
            channels stay as they are.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch, silence():
        first, second, third = (Path(scratch, f"{n}.onnx") for n in range(3))
        onnx.save(onnx.load_from_string(network), first)
        quant_pre_process(first, second, skip_symbolic_shape=True)
        model = onnx.load(second)
        if examples:
            _smooth(model, _largest(model, examples[:TEXTS]))
            onnx.save(model, second)
        # The quantiser rewrites each Gemm to a MatMul of this name before it looks at what to leave out.
        head = [f"{node.name}_MatMul" for node in model.graph.node if node.op_type == "Gemm"]
        quantize_dynamic(
            second, third, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True,
            weight_type=QuantType.QInt8, nodes_to_exclude=head,
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


def _smooth(model: ModelProto, largest: Mapping[str, NDArray[np.float32]]) -> None:
    """Divide each channel by the square root of its size over that of the weights it meets, and multiply those."""
    from onnx import helper, numpy_helper

    matrices = {one.name: one for one in model.graph.initializer}
    for name, nodes in _products(model).items():
        weights = [numpy_helper.to_array(matrices[node.input[1]]) for node in nodes]
        met = np.max([np.abs(matrix).max(axis=1) for matrix in weights], axis=0)
        factor = np.sqrt(np.maximum(largest[name], 1e-3) / np.maximum(met, 1e-4))
        factor = (factor / np.exp(np.log(factor).mean())).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(1 / factor, f"{name}_divisor"))
        divide = helper.make_node("Mul", [name, f"{name}_divisor"], [f"{name}_even"], f"{name}_even")
        model.graph.node.insert(list(model.graph.node).index(nodes[0]), divide)
        for node, matrix in zip(nodes, weights, strict=True):
            even = numpy_helper.from_array(matrix * factor[:, None], f"{node.output[0]}_weight")
            model.graph.initializer.append(even)
            node.input[0], node.input[1] = divide.output[0], even.name
    _drop_unused(model)


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
