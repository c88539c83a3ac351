"""The int8 form of an ONNX network.

Weights of matrix products per output channel, in the range ±63 (seven bits: on AVX2 without VNNI the products of
eight-bit numbers saturate 16-bit sums in silence); activations are quantised while running, per passage. Word
embeddings are stored as int8 with one scale a row and never multiplied. The head (products over one vector a passage,
``Gemm``) stays fp32: it is small, and in seven bits it alone changed probabilities by 0.06 in the mean, all the rest by
0.005 (MiniLM with a mean layer, whose dense layer starts as an identity).
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto

log = logging.getLogger(__name__)
# Tables of fewer rows than this gain nothing by being quantised.
SMALL = 1024


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


def quantise(network: bytes) -> bytes:
    """The int8 form of an exported network (see the module's head)."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="sibnlp-") as scratch, silence():
        first, second, third = (Path(scratch, f"{n}.onnx") for n in range(3))
        model = onnx.load_from_string(network)
        onnx.save(model, first)
        quant_pre_process(first, second, skip_symbolic_shape=True)
        # The quantiser rewrites each Gemm to a MatMul of this name before it looks at what to leave out.
        head = [f"{node.name}_MatMul" for node in onnx.load(second).graph.node if node.op_type == "Gemm"]
        quantize_dynamic(
            second, third, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True,
            weight_type=QuantType.QInt8, nodes_to_exclude=head,
        )  # fmt: skip
        model = onnx.load(third)
    _quantise_tables(model)
    quantised: bytes = model.SerializeToString()
    return quantised


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
    used = {name for node in model.graph.node for name in node.input}
    for one in [one for one in model.graph.initializer if one.name not in used]:
        model.graph.initializer.remove(one)
