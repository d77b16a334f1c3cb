"""The rules that TensorRT's INT8 fusions rest on, held on the shipped Q/DQ files themselves.

Each Conv and Gemm reads both its inputs through DequantizeLinear, with FP32 scales and zero point
0; weights are scaled by output channel (axis 0); nothing stands between a Conv and its ReLU; no
tensor changes its shape before it is dequantised (NVIDIA/TensorRT#4832: that fails on Orin).
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the files are read with onnx")
import onnx
from onnx import numpy_helper

from dms.engine.manifest import FOLDER, load_manifest

NETS = [load_manifest(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
FILES = [net.path("int8-qdq") for net in NETS if "int8-qdq" in net.files]
HEAVY = {"Conv", "Gemm"}


def broken_rules(model) -> list[str]:
    """Return what breaks a rule, in words; an empty list for a good graph."""
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    used: dict[str, list[object]] = {}
    for node in graph.node:
        for name in node.input:
            used.setdefault(name, []).append(node)
    kept = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            kept[node.output[0]] = node.attribute[0].t
    found: list[str] = []
    for node in graph.node:
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
            found += _scales(node, kept)
        if node.op_type in HEAVY:
            found += _inputs(node, made, kept)
        if node.op_type == "Conv":
            after = used.get(node.output[0], [])
            if any(n.op_type == "Relu" for n in after) and len(after) > 1:
                found.append(f"{node.name}: something reads it beside its ReLU")
            if any(
                n.op_type in {"QuantizeLinear", "DequantizeLinear"}
                and any(m.op_type == "Relu" for d in used.get(n.output[0], []) for m in
                        [d, *used.get(d.output[0], [])])
                for n in after
            ):  # fmt: skip
                found.append(f"{node.name}: quantised between it and its ReLU")
    if not any(node.op_type in HEAVY for node in graph.node):
        found.append("no Conv and no Gemm")
    return found


def _scales(node, kept) -> list[str]:
    scale, zero = kept.get(node.input[1]), kept.get(node.input[2]) if len(node.input) > 2 else None
    if scale is None:
        return [f"{node.name}: its scale is no constant"]
    told = []
    if scale.data_type != onnx.TensorProto.FLOAT:
        told.append(f"{node.name}: its scale is not FP32")
    if zero is not None:
        if zero.data_type != onnx.TensorProto.INT8:
            told.append(f"{node.name}: not signed INT8")
        if np.any(numpy_helper.to_array(zero)):
            told.append(f"{node.name}: its zero point is not 0")
    return told


def _inputs(node, made, kept) -> list[str]:
    told = []
    for place in (0, 1):
        source = made.get(node.input[place])
        if source is None or source.op_type != "DequantizeLinear":
            told.append(f"{node.name}: input {place} is not dequantised right before it")
            continue
        before = made.get(source.input[0])
        if before is not None and before.op_type in {"Reshape", "Transpose", "Flatten"}:
            told.append(f"{node.name}: a {before.op_type} before the DequantizeLinear")
        if place == 1 and np.ndim(numpy_helper.to_array(kept[source.input[1]])):
            axis = next((a.i for a in source.attribute if a.name == "axis"), 1)
            if axis != 0:
                told.append(f"{node.name}: its weights are scaled along axis {axis}")
    return told


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_shipped_file_keeps_every_rule(path) -> None:
    assert broken_rules(onnx.load(path)) == []


@pytest.fixture
def model():
    return onnx.load(FILES[0])


def heavy(model, at=0):
    return [node for node in model.graph.node if node.op_type in HEAVY][at]


def made_by(model, name):
    return next(node for node in model.graph.node if name in node.output)


def test_an_input_that_is_not_quantised_is_found(model) -> None:
    node = heavy(model, 1)
    node.input[0] = made_by(model, node.input[0]).input[0]
    assert any("input 0 is not dequantised" in told for told in broken_rules(model))


def test_a_zero_point_that_is_not_zero_is_found(model) -> None:
    name = made_by(model, heavy(model).input[0]).input[2]
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.array(3, np.int8), name))
    assert any("zero point" in told for told in broken_rules(model))


def test_weights_scaled_along_another_axis_are_found(model) -> None:
    dequantise = made_by(model, heavy(model).input[1])
    del dequantise.attribute[:]
    dequantise.attribute.append(onnx.helper.make_attribute("axis", 1))
    assert any("along axis 1" in told for told in broken_rules(model))


def test_a_reshape_before_the_dequantise_is_found(model) -> None:
    dequantise = made_by(model, heavy(model).input[1])
    shaped = onnx.helper.make_node("Reshape", [dequantise.input[0], "shape"], ["reshaped"])
    dequantise.input[0] = "reshaped"
    model.graph.node.insert(0, shaped)
    assert any("a Reshape before" in told for told in broken_rules(model))


def test_half_precision_scales_are_found(model) -> None:
    name = made_by(model, heavy(model).input[1]).input[1]
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    halves = numpy_helper.to_array(tensor).astype(np.float16)
    tensor.CopyFrom(numpy_helper.from_array(halves, name))
    assert any("not FP32" in told for told in broken_rules(model))
