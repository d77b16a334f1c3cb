"""INT8 files of a net by explicit quantisation: one for ONNX Runtime's CPU, one for TensorRT."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.calibrate import create_calibrator
from onnxruntime.quantization.shape_inference import quant_pre_process

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
Ranges = dict[str, list[float]]
STEP = 32
HEAVY = ["Conv", "Gemm"]  # what carries the weights; the rest is light and stays in FP32
# A ReLU goes into the convolution before it, whose range then begins at 0; without it, every
# convolution would answer in floats for the ReLU and be rounded twice.
FUSED = ["Conv", "Relu", "Gemm", "MatMul"]


class Frames(CalibrationDataReader):
    """Hands (n, 1, h, w) float32 crops to the calibrator, a few at a time."""

    def __init__(self, batch: NDArray[np.float32], name: str, step: int = STEP) -> None:
        parts = np.array_split(batch, max(1, len(batch) // step))
        self._parts = iter([{name: part} for part in parts])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._parts, None)


def prepared(fp32: Path, out: Path, *, optimise: bool) -> None:
    """Write the graph with shapes inferred; ``optimise`` folds constants as the CPU file wants."""
    quant_pre_process(str(fp32), str(out), skip_symbolic_shape=True, skip_optimization=not optimise)


def ranges(ready: Path, batch: NDArray[np.float32], method: str) -> dict[str, list[float]]:
    """(low, high) of every tensor beside what is quantised, as the method finds them."""
    options = {"num_bins": 1024, "num_quantized_bins": 128} if method == "entropy" else {}
    with tempfile.TemporaryDirectory() as folder:
        calibrator = create_calibrator(
            str(ready),
            FUSED,
            augmented_model_path=str(Path(folder, "augmented.onnx")),
            calibrate_method=METHODS[method],
            extra_options=options,
        )
        calibrator.collect_data(Frames(batch, _input(ready)))
        found = calibrator.compute_data()
    return {
        name: [round(float(np.ravel(side)[0]), 5) for side in data.range_value]
        for name, data in found.items()
    }


def for_cpu(
    ready: Path,
    out: Path,
    batch: NDArray[np.float32],
    spans: Ranges,
    exact: tuple[str, ...] = (),
) -> None:
    """U8S8 per channel with reduce_range: right and fast on AVX2, where 8 x 8 bits saturate.

    The heads answer in floats: a range found on seen eyes alone would cut off the logits of hidden
    ones, and every cover would be called visible with one half. ``exact``: what nodes that stay in
    FP32 are called, as far as their names begin so.
    """
    nodes = [node.name for node in onnx.load(ready).graph.node]
    quantize_static(
        str(ready),
        str(out),
        Frames(batch[:STEP], _input(ready)),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
        op_types_to_quantize=FUSED,
        nodes_to_exclude=[name for name in nodes if exact and name.startswith(exact)],
        extra_options={
            "OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"],
            "TensorQuantOverrides": _overrides(spans),
        },
    )


def for_tensorrt(ready: Path, out: Path, batch: NDArray[np.float32], spans: Ranges) -> None:
    """Symmetric S8 Q/DQ per channel with FP32 biases: what TensorRT's parser accepts."""
    quantize_static(
        str(ready),
        str(out),
        Frames(batch[:STEP], _input(ready)),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=False,
        op_types_to_quantize=HEAVY,
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "AddQDQPairToWeight": True,
            "OpTypesToExcludeOutputQuantization": HEAVY,
            "TensorQuantOverrides": _overrides(spans),
        },
    )


def _overrides(spans: Ranges) -> dict[str, list[dict[str, np.float32]]]:
    return {
        name: [{"rmin": np.float32(low), "rmax": np.float32(high)}]
        for name, (low, high) in spans.items()
    }


def _input(path: Path) -> str:
    return str(onnx.load(path).graph.input[0].name)
