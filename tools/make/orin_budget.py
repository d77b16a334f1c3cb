"""What the nets should cost on an Orin Nano 8 GB: a calculation, not a measurement.

    python -m tools.make.orin_budget [--fps 30] [--frame 1280x720]

Counts multiply-adds and bytes of the shipped nets and adds the cost of launching kernels. The
assumptions are printed with the result; `dms doctor --engine` on the device measures instead.
tools/make/cards.py writes both tables into docs/tensorrt.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from dms.engine.manifest import ACCELERATED, FOLDER, load_manifest
from dms.engine.prepare import batch_of
from dms.engine.report import LANDMARK_NETS

TOPS = (
    20e12  # dense INT8 operations a second, Jetson Orin Nano 8 GB (NVIDIA's data sheet, 15 W mode)
)
BANDWIDTH = 68e9  # bytes a second, LPDDR5 (same sheet)
CLOCK = 625e6  # Hz of the GPU (same sheet)
FP64_PER_CLOCK = 16  # 8 SMs with 2 FP64 units each (sm_87: 1/64 of FP32)
INT_PER_CLOCK = 512  # 8 SMs with 64 INT32 lanes each
LAUNCH_S = 2e-6  # a kernel inside a CUDA graph; about 5 us without (our estimate)
SYNCHRONISE_S = 30e-6  # waking the waiting thread, once a frame (our estimate)
USE = 0.10  # share of peak that layers this small reach: few thread blocks for 8 SMs (our estimate)
PRODUCTS = {"Conv", "Gemm", "MatMul"}
KERNELS = PRODUCTS | {"GlobalAveragePool", "ReduceMean", "ReduceSum", "Softmax", "Sigmoid"}
CROP_PX = {"expression": 240, "eye_state": 85}  # side of the crop's square in the frame


@dataclass(frozen=True, slots=True)
class Cost:
    """What one crop through one net takes."""

    multiply_adds: int
    weights: int  # bytes in INT8
    activations: int  # bytes written and read again in INT8
    kernels: int


def cost_of(path: Path) -> Cost:
    """Count a net's convolutions and matrix products; other layers are fused into them."""
    model = onnx.load(str(path))
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    found = _shapes(model)
    multiply_adds = stored = moved = kernels = 0
    for node in model.graph.node:
        kernels += node.op_type in KERNELS
        if node.op_type not in PRODUCTS or node.input[1] not in weights:
            continue
        kernel, out = weights[node.input[1]], found[node.output[0]]
        rows = [out[0], *out[2:]] if node.op_type == "Conv" else out[:-1]
        multiply_adds += prod(kernel) * prod(rows)
        stored += prod(kernel)
        moved += 2 * prod(out)
    return Cost(multiply_adds, stored, moved, kernels)


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Run the net on one crop and return the shape that each product's output really has."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = [node.output[0] for node in model.graph.node if node.op_type in PRODUCTS]
    have = {output.name for output in model.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in have)
    session = ort.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    crop = np.zeros((1, *given.shape[1:]), np.float32)
    return {
        name: value.shape
        for name, value in zip(names, session.run(names, {given.name: crop}), strict=True)
    }


def net_seconds(cost: Cost, batch: int, width: int = 1) -> tuple[float, float, float]:
    """Return (arithmetic, memory, launches) in seconds for one call of ``batch`` crops.

    ``width``: bytes a number, 1 for INT8, 2 for FP16 at half the rate.
    """
    arithmetic = 2 * cost.multiply_adds * batch / (TOPS / width * USE)
    memory = width * (cost.weights + cost.activations * batch) / BANDWIDTH
    return arithmetic, memory, cost.kernels * LAUNCH_S


@dataclass(frozen=True, slots=True)
class CropCost:
    """What the crops of one net take in the kernels, in operations."""

    samples: int
    terms: int  # coordinate terms, 7 FP64 steps each
    seconds: float


def crop_cost(size: int, batch: int, pixels: int) -> CropCost:
    """Count the kernels' work: 40 integer steps a sample (four reads, clamps, weights)."""
    factor = min(8, max(1, ceil(0.75 * pixels / size)))
    samples = batch * (size * factor) ** 2
    terms = batch * 4 * size * factor
    seconds = (7 * terms / FP64_PER_CLOCK + 40 * samples / INT_PER_CLOCK) / CLOCK
    return CropCost(samples, terms, seconds)


def table(fps: float, frame: tuple[int, int], engines: Path = FOLDER) -> str:
    """Return the whole calculation as text."""
    lines = [
        "CALCULATION, not a measurement: Jetson Orin Nano 8 GB",
        f"assumed: {TOPS / 1e12:.0f} dense INT8 TOPS of which {USE:.0%} is reached, "
        f"{BANDWIDTH / 1e9:.0f} GB/s, {CLOCK / 1e6:.0f} MHz, {LAUNCH_S * 1e6:.0f} us a kernel in a "
        f"graph, {SYNCHRONISE_S * 1e6:.0f} us to synchronise",
        "",
        "| step | arithmetic | time |",
        "|---|---|---|",
    ]
    total = 2 * LAUNCH_S
    for name in ACCELERATED:
        net = load_manifest(name, engines)
        batch = batch_of(net)
        cost = cost_of(net.path("fp32"))
        arithmetic, memory, launches = net_seconds(cost, batch)
        seconds = max(arithmetic, memory) + launches
        crop = crop_cost(net.input.shape[1], batch, CROP_PX[name])
        total += seconds + crop.seconds
        megabytes = (cost.weights + cost.activations * batch) / 1e6
        lines += [
            f"| {name}: crops | ({crop.terms} terms x 7 FP64 steps / {FP64_PER_CLOCK} a clock + "
            f"{crop.samples} samples x 40 steps / {INT_PER_CLOCK} a clock) / "
            f"{CLOCK / 1e6:.0f} MHz | {crop.seconds * 1e6:.1f} us |",
            f"| {name}: net, batch {batch} | 2 x {cost.multiply_adds * batch / 1e6:.1f} M "
            f"multiply-adds / {TOPS * USE / 1e12:.0f} TOPS = {arithmetic * 1e6:.1f} us; "
            f"{megabytes:.2f} MB / {BANDWIDTH / 1e9:.0f} GB/s = {memory * 1e6:.1f} us; "
            f"the larger, and {cost.kernels} kernels x {LAUNCH_S * 1e6:.0f} us = "
            f"{launches * 1e6:.0f} us | {seconds * 1e6:.1f} us |",
        ]
    width, height = frame
    read = width * height / BANDWIDTH
    total += read + SYNCHRONISE_S
    lines += [
        f"| frame into shared memory | {width} x {height} B / {BANDWIDTH / 1e9:.0f} GB/s "
        f"| {read * 1e6:.1f} us |",
        f"| launch of both crop kernels | 2 x {LAUNCH_S * 1e6:.0f} us "
        f"| {2 * LAUNCH_S * 1e6:.0f} us |",
        f"| synchronise | once a frame | {SYNCHRONISE_S * 1e6:.0f} us |",
        f"| **a frame** | the sum | **{total * 1e6:.0f} us** |",
        f"| **of the GPU at {fps:g} frames/s** | {total * 1e6:.0f} us x {fps:g} / 1 s "
        f"| **{total * fps:.1%}** |",
    ]
    return "\n".join(lines)


def landmark_table(engines: Path = FOLDER) -> str:
    """Return what the landmark nets would cost on the GPU, where they do not run, as text."""
    lines = ["| net, in FP16 | arithmetic | time |", "|---|---|---|"]
    total = 0.0
    for name in LANDMARK_NETS:
        cost = cost_of(load_manifest(name, engines).path("fp32"))
        arithmetic, memory, launches = net_seconds(cost, 1, width=2)
        seconds = max(arithmetic, memory) + launches + SYNCHRONISE_S
        total += seconds
        lines.append(
            f"| {name} | 2 x {cost.multiply_adds / 1e6:.1f} M multiply-adds / "
            f"{TOPS / 2 * USE / 1e12:.0f} TOPS = {arithmetic * 1e6:.1f} us; "
            f"{2 * (cost.weights + cost.activations) / 1e6:.2f} MB / {BANDWIDTH / 1e9:.0f} GB/s = "
            f"{memory * 1e6:.1f} us; the larger, {cost.kernels} kernels x {LAUNCH_S * 1e6:.0f} us, "
            f"and a synchronise of its own | {seconds * 1e6:.1f} us |"
        )
    lines.append(f"| **both, one after the other** | the sum | **{total * 1e6:.0f} us** |")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Board:
    """A board's GPU and CPU, of NVIDIA's and Arm's public sheets; dense INT8 is half the sparse."""

    name: str
    tops: float  # dense INT8 of the GPU, operations a second
    bandwidth: float  # bytes a second
    cores: int
    clock: float  # Hz of a CPU core
    int8_a_clock: int  # INT8 multiply-adds a clock of one core


BOARDS = (
    Board("Orin Nano 8 GB, 15 W", 20e12, 68e9, 6, 1.5e9, 32),  # A78AE: two SDOT units
    Board("Orin NX 16 GB, 25 W", 30e12, 102e9, 8, 2.0e9, 32),
    Board("AGX Orin 64 GB, MAXN", 85e12, 205e9, 12, 2.2e9, 32),
    Board("Thor T5000", 517e12, 273e9, 14, 2.6e9, 64),  # Neoverse V3AE: four 128-bit units
)
CPU_USE = 0.4  # share of a core's peak that INT8 convolutions reach (our estimate)
GPU_PATH = 0.27e-3 * 1.5e9  # clocks of a core for one frame's way to the GPU and back (estimate)
ASKED = {"expression": 10.0, "eye_state": 30.0}  # times a second


def board_table(engines: Path = FOLDER) -> str:
    """Return what the GPU would spare of a CPU core, and what its way costs, for each board."""
    lines = [
        "| board | nets on one core | way to the GPU and back | spared of one core | of the GPU |",
        "|---|---|---|---|---|",
    ]
    nets = {name: load_manifest(name, engines) for name in ACCELERATED}
    costs = {name: cost_of(net.path("fp32")) for name, net in nets.items()}
    for board in BOARDS:
        on_cpu = on_gpu = 0.0
        for name, cost in costs.items():
            batch = batch_of(nets[name])
            rate = board.int8_a_clock * board.clock * CPU_USE
            on_cpu += ASKED[name] * cost.multiply_adds * batch / rate
            arithmetic = 2 * cost.multiply_adds * batch / (board.tops * USE)
            memory = (cost.weights + cost.activations * batch) / board.bandwidth
            on_gpu += ASKED[name] * (max(arithmetic, memory) + cost.kernels * LAUNCH_S)
        on_gpu += ASKED["eye_state"] * (2 * LAUNCH_S + SYNCHRONISE_S)
        way = ASKED["eye_state"] * GPU_PATH / board.clock
        lines.append(
            f"| {board.name} | {on_cpu:.1%} | {way:.1%} | {on_cpu - way:.1%} of one of "
            f"{board.cores} | {on_gpu:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--frame", default="1280x720", metavar="WIDTHxHEIGHT")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    width, height = (int(side) for side in args.frame.split("x"))
    print(table(args.fps, (width, height), args.engines))
    print(f"\n{landmark_table(args.engines)}")
    print(f"\n{board_table(args.engines)}")


if __name__ == "__main__":
    main()
