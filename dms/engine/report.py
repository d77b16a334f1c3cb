"""``dms doctor --engine``: accuracy, latency, memory and the comparison of engines, measured here.

On a machine without a GPU the CPU's rows are measured and the GPU's say why they are not.
"""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from dms.engine.board import board
from dms.engine.build import Say
from dms.engine.engine import Engine, Tensor
from dms.engine.frame_nets import Crop, FrameNets
from dms.engine.gate import GateResult, check, stored
from dms.engine.gpu import lease
from dms.engine.manifest import ACCELERATED, FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.plans import PlanError, PlanStore, StoredPlan
from dms.engine.prepare import batch_of, build_and_keep, key_of, pass_gate, this_machine
from dms.engine.preprocess.crop import cut, to_batch
from dms.engine.tensorrt import TensorRTEngine, tensorrt_module
from dms.errors import EngineError
from dms.values import Gray

_log = logging.getLogger(__name__)

LANDMARK_NETS = ("landmarks_face", "landmarks_eye")  # on the CPU: docs/tensorrt.md says why
FRAME = (720, 1280)  # height and width of the frame that is timed
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``good`` is None where there is nothing to judge."""

    part: str
    what: str
    value: str
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds of many calls."""

    p50_us: float
    p99_us: float

    def __str__(self) -> str:
        return f"p50 {self.p50_us:.0f} us, p99 {self.p99_us:.0f} us"


def timed(call: Callable[[], object], count: int) -> Timing:
    """Time ``count`` calls after a warm-up."""
    for _ in range(_WARM_UP):
        call()
    spent = np.empty(count)
    for at in range(count):
        started = time.perf_counter()
        call()
        spent[at] = time.perf_counter() - started
    p50, p99 = np.percentile(spent * 1e6, [50, 99])
    return Timing(float(p50), float(p99))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured: the nets, their precision and their place, as the settings name them."""

    names: Sequence[str] = ACCELERATED
    precision: str = "int8"
    dla_core: int | None = None
    on_cpu_only: Sequence[str] = ()  # nets that are timed on the CPU, in INT8 where they have it
    count: int = 300  # calls that are timed

    @property
    def on_cpu(self) -> str:
        """The file that a CPU takes: never the symmetric one, whose fused products saturate."""
        return "int8" if self.precision == "int8-qdq" else self.precision

    @property
    def on_gpu(self) -> str:
        """What TensorRT computes in, in words."""
        if self.dla_core is not None:
            return f"TensorRT on DLA {self.dla_core}, FP16"
        return "TensorRT FP32" if self.precision == "fp32" else "TensorRT INT8"


def engine_report(
    wanted: Wanted | None = None,
    *,
    engines: Path = FOLDER,
    store: PlanStore | None = None,
    module: ModuleType | None = None,
    say: Say | None = None,
) -> Iterator[Row]:
    """Measure everything and yield the rows as they come; plans are built where they miss.

    ``say`` is told how far a build is, which takes minutes.
    """
    wanted, store = wanted or Wanted(), store or PlanStore()
    for what, value in board():
        yield Row("machine", what, value)
    manifests = [load_manifest(name, engines) for name in wanted.names]
    for manifest in manifests:
        yield from _cpu_rows(manifest, wanted)
    for name in wanted.on_cpu_only:
        yield _cpu_time(load_manifest(name, engines), wanted.count)
    try:
        yield from _gpu_rows(manifests, store, module or tensorrt_module(), wanted, say)
    except EngineError as error:
        yield Row("TensorRT", "not measured", str(error), good=False)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Row("process", "largest memory", f"{used:.0f} MiB")


def _cpu_rows(manifest: Manifest, wanted: Wanted) -> Iterator[Row]:
    crops = _crops(manifest)[: batch_of(manifest)]
    label = f"CPU {wanted.on_cpu.upper()}"
    with OnnxEngine(manifest.path(wanted.on_cpu)) as engine:
        yield _gate_row(label, manifest, engine)
        told = timed(lambda: engine.infer(crops), wanted.count)
        yield Row(manifest.name, f"{label}, {len(crops)} a call", str(told))


def _cpu_time(manifest: Manifest, count: int) -> Row:
    crop = np.full((1, *manifest.input.shape), 0.5, np.float32)
    precision = "int8" if "int8" in manifest.files else "fp32"
    with OnnxEngine(manifest.path(precision)) as engine:
        told = timed(lambda: engine.infer(crop), count)
    return Row(manifest.name, f"CPU {precision.upper()}, 1 a call", str(told))


def _gpu_rows(
    manifests: Sequence[Manifest],
    store: PlanStore,
    module: ModuleType,
    wanted: Wanted,
    say: Say | None,
) -> Iterator[Row]:
    machine = this_machine(module)
    gpu = lease.take()
    try:
        yield Row("TensorRT", "version", machine.tensorrt)
        yield Row("GPU", "device", f"{gpu.name}, compute capability {machine.capability}")
        free, _ = gpu.run(gpu.free_bytes)
        plans = {}
        for manifest in manifests:
            try:
                plan = _plan(manifest, store, module, wanted, say)
            except EngineError as error:
                if wanted.precision == "fp32" or wanted.dla_core is not None:
                    raise
                # As the service does: all nets in FP32, and the error is reported.
                yield Row(manifest.name, f"plan in {wanted.precision}", str(error), good=False)
                lower = replace(wanted, precision="fp32")
                yield from _gpu_rows(manifests, store, module, lower, say)
                return
            plans[manifest.name] = plan.load()
            yield Row(manifest.name, "plan", f"{plan.size / 1024:.0f} KiB, built {plan.built}")
            yield from _plan_rows(manifest, plans[manifest.name], module, wanted)
        yield from _frame_rows(manifests, plans, store, module, wanted.count)
        with FrameNets(plans, module=module, cubins=store.folder):
            left, whole = gpu.run(gpu.free_bytes)
        taken, left = (free - left) / 2**20, left >> 20
        text = f"{taken:.1f} MiB by all nets together, {left} of {whole >> 20} MiB free"
        yield Row("GPU", "memory in use", text)
    finally:
        lease.give_back()


def _plan(
    manifest: Manifest, store: PlanStore, module: ModuleType, wanted: Wanted, say: Say | None
) -> StoredPlan:
    """Return the plan that is kept; one that is missing, damaged or does not fit is built."""
    key = key_of(manifest, this_machine(module), wanted.precision, wanted.dla_core)
    with store.locked():
        kept = store.find(key)
        try:
            if kept is not None:
                TensorRTEngine(kept.load(), module=module).close()
                return kept
        except PlanError as error:
            why = str(error)  # not the error itself: a kept record would keep the runtime
            _log.warning("%s: building %s anew", why, manifest.name)
        return build_and_keep(manifest, key, module, store, gate=pass_gate(module), say=say)


def _plan_rows(
    manifest: Manifest, plan: bytes, module: ModuleType, wanted: Wanted
) -> Iterator[Row]:
    crops = _crops(manifest)
    with TensorRTEngine(plan, module=module) as engine:
        yield _gate_row(wanted.on_gpu, manifest, engine)
        some = crops[: batch_of(manifest)]
        told = timed(lambda: engine.infer(some), wanted.count)
        yield Row(manifest.name, f"{wanted.on_gpu}, {len(some)} a call", str(told))
        got = engine.infer(crops)
        yield Row(manifest.name, "layers as the engine inspector names them", engine.layers())
    others = [(f"CPU {wanted.on_cpu.upper()}", wanted.on_cpu, True)]
    if wanted.precision != "fp32" and wanted.dla_core is None:
        others.append(("the same Q/DQ file in ONNX Runtime, not optimised", "int8-qdq", False))
    for label, precision, optimise in others:
        with OnnxEngine(manifest.path(precision), optimise=optimise) as other:
            mean, most = difference(got, other.infer(crops))
        yield Row(manifest.name, f"TensorRT against {label}", f"mean {mean:.5f}, max {most:.4f}")


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> tuple[float, float]:
    """Mean and largest absolute difference over all outputs."""
    apart = np.concatenate([np.abs(one[name] - other[name]).ravel() for name in one])
    return float(apart.mean()), float(apart.max())


def _frame_rows(
    manifests: Sequence[Manifest],
    plans: dict[str, bytes],
    store: PlanStore,
    module: ModuleType,
    count: int,
) -> Iterator[Row]:
    """Time whole frames, and check that the GPU's crops give what the CPU's crops give."""
    frame = np.random.default_rng(7).integers(0, 256, FRAME, np.uint8)
    crops = {net.name: example_crops(net) for net in manifests}
    with FrameNets(plans, module=module, cubins=store.folder) as nets:
        found = nets.run(frame, crops)
        told = timed(lambda: nets.run(frame, crops), count)
        graphs = "captured" if nets.captured else "refused: each kernel is launched by itself"
    yield Row("frame", "CUDA graph", graphs, good=nets.captured)
    size = f"{FRAME[1]}x{FRAME[0]}"
    yield Row("frame", f"{size}: copy, crops and all nets on the GPU", str(told))
    for net in manifests:
        batch = to_batch(cpu_crops(frame, net, crops[net.name]))
        with TensorRTEngine(plans[net.name], module=module) as engine:
            _, most = difference(found[net.name], engine.infer(batch))
        yield Row(net.name, "GPU crops against CPU crops", f"max {most:.6f}", good=most < 0.02)


def example_crops(net: Manifest) -> list[Crop]:
    """Crops as of a face 240 px wide in the middle of :data:`FRAME`, turned a little."""
    side = net.input.shape[1]
    scale = side / (240 if batch_of(net) == 1 else 85)
    a, b = scale * np.cos(0.1), scale * np.sin(0.1)
    crops = []
    for at in range(batch_of(net)):
        x, y = FRAME[1] / 2 + 90 * at, FRAME[0] / 2
        matrix = np.array([[a, -b, side / 2 - (a * x - b * y)], [b, a, side / 2 - (b * x + a * y)]])
        crops.append(Crop(matrix, mirror=at == 1))
    return crops


def cpu_crops(frame: Gray, net: Manifest, crops: Sequence[Crop]) -> Gray:
    """Cut the same crops on the CPU."""
    side = net.input.shape[1]
    cuts = [cut(frame, crop.matrix, side) for crop in crops]
    return np.stack([c[:, ::-1] if crop.mirror else c for c, crop in zip(cuts, crops, strict=True)])


def _crops(manifest: Manifest) -> Tensor:
    """Return the gate's crops as one batch."""
    crops, _ = stored(manifest)
    return to_batch(crops)


def _gate_row(label: str, manifest: Manifest, engine: Engine) -> Row:
    try:
        found: GateResult = check(engine, manifest)
    except EngineError as error:
        return Row(manifest.name, f"{label} against FP32", str(error), good=False)
    return Row(
        manifest.name,
        f"{label} against FP32",
        f"mean {found.mean_loss:.5f}, max {found.max_loss:.4f}, same decision "
        f"{found.agreement:.1%} of {found.crops}",
        good=True,
    )
