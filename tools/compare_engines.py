"""Compare two engines on the gate's crops, by output or by layer, largest difference first.

    python tools/compare_engines.py eye_state                      FP32 against the TensorRT file
    python tools/compare_engines.py eye_state --against int8       ... against the CPU's file
    python tools/compare_engines.py eye_state --layers             ... at every layer
    python tools/compare_engines.py eye_state --on tensorrt        ... run on the device

The symmetric Q/DQ file runs in ONNX Runtime with optimisations off: its fused INT8 saturates on
CPUs without VNNI. ``--layers`` adds every activation to the outputs, so TensorRT then fuses less
than in the real plan. Needs the package onnx.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from dms.engine.build import BuildOptions, build_plan
from dms.engine.engine import Engine, Tensor
from dms.engine.gate import stored
from dms.engine.manifest import FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.prepare import batch_of
from dms.engine.preprocess.crop import to_batch
from dms.engine.tensorrt import TensorRTEngine, tensorrt_module
from dms.errors import DmsError


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one tensor of two engines is apart."""

    name: str
    mean: float
    largest: float
    signal_db: float  # signal to noise: 20 dB is 10 % apart


def with_layers(path: Path, names: set[str] | None) -> tuple[bytes, set[str]]:
    """Return the net with its float activations as outputs (only ``names`` if given).

    In a Q/DQ file each activation is taken after its dequantisation, under its FP32 name.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    known = {value.name: value for value in model.graph.value_info}
    have = {output.name for output in model.graph.output}
    layers = {
        output: known[output]
        for node in model.graph.node
        if node.op_type in {"Relu", "Conv", "Gemm", "Add", "GlobalAveragePool"}
        for output in node.output
        if output in known and output not in have
    }
    chosen = set(layers) if names is None else set(layers) & names
    for name in sorted(chosen):
        model.graph.output.append(layers[name])
    return model.SerializeToString(), chosen


def open_one(content: bytes, net: Manifest, on: str, optimise: bool, stack: ExitStack) -> Engine:
    """Open a net given as bytes on ``onnxruntime`` or ``tensorrt``."""
    if on == "tensorrt":
        module = tensorrt_module()
        built = build_plan(module, content, BuildOptions(batch=batch_of(net)))
        return stack.enter_context(TensorRTEngine(built.plan, module=module))
    path = Path(stack.enter_context(tempfile.TemporaryDirectory()), "net.onnx")
    path.write_bytes(content)
    return stack.enter_context(OnnxEngine(path, optimise=optimise))


def differences(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[Difference]:
    """Compare tensors of the same name, the worst signal-to-noise first."""
    found = []
    for name in one.keys() & other.keys():
        apart = np.abs(one[name] - other[name])
        noise = float(np.square(apart).mean()) or 1e-20
        signal = float(np.square(one[name]).mean()) or 1e-20
        db = 10 * float(np.log10(signal / noise))
        found.append(Difference(name, float(apart.mean()), float(apart.max()), db))
    return sorted(found, key=lambda difference: difference.signal_db)


def compare(
    net: Manifest, against: str, on: str = "onnxruntime", *, layers: bool = False, count: int = 64
) -> list[Difference]:
    """Run FP32 on the CPU and the file ``against`` on ``on``, both on ``count`` gate crops."""
    crops = to_batch(stored(net)[0][:count])
    first, second = net.path("fp32"), net.path(against)
    with ExitStack() as stack:
        if layers:
            plain, names = with_layers(first, None)
            content, _ = with_layers(second, names)
        else:
            plain, content = first.read_bytes(), second.read_bytes()
        reference = open_one(plain, net, "onnxruntime", True, stack)
        other = open_one(content, net, on, against == "int8", stack)
        return differences(reference.infer(crops), other.infer(crops))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("net")
    parser.add_argument("--against", default="int8-qdq", help="file of the net (default: int8-qdq)")
    parser.add_argument("--on", choices=("onnxruntime", "tensorrt"), default="onnxruntime")
    parser.add_argument("--layers", action="store_true", help="every activation, not only outputs")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    try:
        net = load_manifest(args.net, args.engines)
        rows = compare(net, args.against, args.on, layers=args.layers)
    except DmsError as error:
        raise SystemExit(str(error)) from error
    print(f"{'tensor':40} {'mean':>9} {'largest':>9} {'signal/noise':>13}")
    for row in rows:
        print(f"{row.name:40} {row.mean:9.5f} {row.largest:9.4f} {row.signal_db:10.1f} dB")


if __name__ == "__main__":
    main()
