"""From a net of engines/ to a plan that fits this machine and has passed the gate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import ModuleType

from dms.engine.build import BuildOptions, Built, Say, build_plan
from dms.engine.gate import check
from dms.engine.gpu import lease
from dms.engine.manifest import Manifest
from dms.engine.plans import PlanKey, PlanStore, StoredPlan
from dms.engine.tensorrt import TensorRTEngine
from dms.errors import EngineError

FILES: Mapping[str, str] = {"int8": "int8-qdq", "int8-qdq": "int8-qdq", "fp32": "fp32"}
"""Which file of a net TensorRT takes for a precision: U8S8 is for CPUs only."""
DLA_PRECISION = "fp32"
"""A DLA core takes no Q/DQ nodes: it computes the FP32 file in FP16."""

Gate = Callable[[bytes, Manifest], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Machine:
    """What a plan must fit: the full version of TensorRT and the GPU's compute capability."""

    tensorrt: str
    capability: str


def this_machine(module: ModuleType) -> Machine:
    """Ask the driver. Raises EngineError where there is no GPU."""
    gpu = lease.take()
    try:
        major, minor = gpu.capability
    finally:
        lease.give_back()
    return Machine(str(module.__version__), f"{major}.{minor}")


def batch_of(manifest: Manifest) -> int:
    """Crops a call: both eyes go in one."""
    return 2 if {"open", "visible"} <= manifest.outputs.keys() else 1


def key_of(
    manifest: Manifest, machine: Machine, precision: str = "int8", dla_core: int | None = None
) -> PlanKey:
    """Return the key of the plan of this net on this machine.

    Raises EngineError where the net has no file for ``precision``.
    """
    file = FILES.get(precision if dla_core is None else DLA_PRECISION)
    if file is None or file not in manifest.files:
        raise EngineError(
            f"{manifest.name} has no {file or precision} file for TensorRT; choose one of "
            f"{', '.join(sorted(name for name, kind in FILES.items() if kind in manifest.files))}"
        )
    return PlanKey(
        net=manifest.name,
        onnx_sha256=manifest.files[file].sha256,
        tensorrt=machine.tensorrt,
        capability=machine.capability,
        precision=file,
        batch=batch_of(manifest),
        dla_core=dla_core,
    )


def pass_gate(module: ModuleType) -> Gate:
    """Return the gate that runs a plan on this GPU against the stored FP32 outputs."""

    def gate(plan: bytes, manifest: Manifest) -> Mapping[str, float]:
        with TensorRTEngine(plan, module=module) as engine:
            return asdict(check(engine, manifest))

    return gate


def build_and_keep(
    manifest: Manifest,
    key: PlanKey,
    module: ModuleType,
    store: PlanStore,
    *,
    gate: Gate | None,
    target: str | None = None,
    say: Say | None = None,
) -> StoredPlan:
    """Build the plan of ``key``, let it pass ``gate`` (None: no GPU to run it), and keep it.

    Raises EngineError where the build or the gate fails; then nothing is kept.
    """
    _, onnx = manifest.read(key.precision)
    options = BuildOptions(batch=key.batch, dla_core=key.dla_core, target=target)
    started = time.monotonic()
    timings = store.timing_cache(key.tensorrt, key.capability)
    built = build_plan(module, onnx, options, timing_cache=timings, say=say)
    store.keep_timing_cache(key.tensorrt, key.capability, built.timing_cache)
    figures = _figures(built, time.monotonic() - started)
    if gate is None:
        figures["gate"] = "not run: built for a GPU that is not here"
    else:
        figures["gate"] = dict(gate(built.plan, manifest))
    return store.write(key, built.plan, figures)


def _figures(built: Built, seconds: float) -> dict[str, object]:
    return {
        "build_s": round(seconds, 1),
        "layers": built.layers,
        "weight_bytes": built.weight_bytes,
    }
