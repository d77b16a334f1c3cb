"""Small plain nets, made with ``onnx`` and quantised as calibration/ does, for the engine tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 32


def plain(
    path: Path, *, classes: int = 8, widths: tuple[int, ...] = (32, 64, 128), seed: int = 1
) -> Path:
    """A plain 3x3 convolution net, (n, 1, 32, 32) gray 0..1 to softmax; the kind that ships."""
    rng = np.random.default_rng(seed)
    weights, nodes = [], []

    def weight(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    at, channels = "x", 1
    for index, width in enumerate(widths):
        scale = np.sqrt(2 / (9 * channels))
        kernel = weight(f"w{index}", rng.normal(0, scale, (width, channels, 3, 3)))
        bias = weight(f"b{index}", rng.normal(0, 0.1, width))
        nodes.append(
            helper.make_node(
                *("Conv", [at, kernel, bias], [f"c{index}"]),
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
                strides=[2, 2],
            )
        )
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
        at, channels = f"r{index}", width
    nodes.append(helper.make_node("GlobalAveragePool", [at], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    last = weight("w", rng.normal(0, 1, (classes, channels)))
    nodes.append(
        helper.make_node("Gemm", ["flat", last, weight("b", np.zeros(classes))], ["z"], transB=1)
    )
    nodes.append(helper.make_node("Softmax", ["z"], ["y"], axis=1))
    graph = helper.make_graph(
        nodes,
        "plain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", classes])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def poisoned(source: Path, path: Path) -> Path:
    """The same net with weights that are no numbers: every output is NaN."""
    model = onnx.load(str(source))
    for weight in model.graph.initializer:
        value = numpy_helper.to_array(weight)
        if value.dtype == np.float32:
            weight.CopyFrom(numpy_helper.from_array(np.full_like(value, np.nan), weight.name))
    onnx.save(model, str(path))
    return path


def crops(count: int, seed: int = 5) -> np.ndarray:
    """Smooth seeded pictures, (count, 1, 32, 32) float32 0..1."""
    coarse = np.random.default_rng(seed).random((count, 1, 8, 8))
    return np.kron(coarse, np.ones((4, 4))).astype(np.float32)


class _Reader:
    def __init__(self) -> None:
        self._left = iter(crops(32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._left, None)
        return None if batch is None else {"x": batch[np.newaxis]}


def quantised(source: Path, path: Path, kind: str = "symmetric") -> Path:
    """Quantise to Q/DQ: ``symmetric`` as TensorRT wants it, ``default`` or ``unsigned`` as not."""
    from onnxruntime import quantization as q

    signed, unsigned = q.QuantType.QInt8, q.QuantType.QUInt8
    wanted = {
        "op_types_to_quantize": ["Conv", "Gemm", "Add"],
        "extra_options": {
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "AddQDQPairToWeight": True,
            "OpTypesToExcludeOutputQuantization": ["Conv", "Gemm", "Add"],
        },
    }
    more = {
        "symmetric": {"activation_type": signed, **wanted},
        "default": {"activation_type": signed, "extra_options": {"ActivationSymmetric": True}},
        "unsigned": {"activation_type": unsigned, "extra_options": {"QuantizeBias": False}},
    }[kind]
    q.quantize_static(
        str(source),
        str(path),
        _Reader(),
        quant_format=q.QuantFormat.QDQ,
        per_channel=True,
        weight_type=signed,
        **more,
    )
    return path
