"""From an ONNX file with Q/DQ nodes to a TensorRT plan; INT8 is explicit, so no calibrator is here.

One function serves ``tensorrt`` 10.3 to 11 and ``tensorrt_rtx``: it takes the module. The latter
needs no GPU to build, which is how the tests compile the shipped nets.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, SupportsInt, TypeVar

from dms.errors import EngineError

if TYPE_CHECKING:  # the real API's types, for mypy with the stubs of tools/checks/tensorrt_stubs.py
    import tensorrt as trt

_log = logging.getLogger(__name__)

T = TypeVar("T")
Say = Callable[[str, float], None]
"""Told the builder's phase and how much of it is done, 0..1."""

WORKSPACE_BYTES = 256 << 20  # our estimate: plenty for nets under 2 MB, and the CPU needs the rest
_HINT = "make it with calibration/ (symmetric signed INT8 Q/DQ, float bias; docs/tensorrt.md)"

# TensorRT itself may fail on a sound file, as 10.16 does on Orin (NVIDIA/TensorRT#4832).
_BUILD_HINT = "it has parsed the file: report this line, and use --precision fp32 until it is fixed"


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a plan is built. ``batch`` is fixed in the plan: 1 for a face, 2 for both eyes."""

    batch: int = 1
    dla_core: int | None = None
    target: str | None = None  # "SM86": TensorRT-RTX builds for a GPU that is not there


@dataclass(frozen=True, slots=True)
class Built:
    """A serialized plan and what is known of it."""

    plan: bytes
    layers: int
    weight_bytes: int | None  # as the builder reports it; None where it does not
    timing_cache: bytes = b""


_MOST_ERRORS = 20
_MOST_LINES = 10_000  # a build of TensorRT-RTX says some 2,800


@dataclass(slots=True)
class Report:
    """What TensorRT said: the first errors, and the last lines for the few figures in them.

    One that lives as long as a plan keeps no lines: TensorRT may say one for each run.
    """

    errors: list[str] = field(default_factory=list)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))

    @classmethod
    def of_errors(cls) -> Report:
        """Return a report that keeps errors only."""
        return cls(lines=deque(maxlen=0))

    def reason(self) -> str:
        """Return the first error in one line, or that there was none."""
        return " ".join(self.errors[0].split())[:300] if self.errors else "it gave no reason"

    def number(self, pattern: str) -> int | None:
        """Return the number that ``pattern`` captures in the first line it matches."""
        found = (re.search(pattern, line) for line in self.lines)
        return next((int(match[1]) for match in found if match), None)


def make_logger(module: ModuleType, report: Report) -> trt.ILogger:
    """Return a TensorRT logger that fills ``report``; it must outlive all made with it."""
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module

    class Logger(trt.ILogger):  # type: ignore[misc,unused-ignore]  # Any without the stubs
        def __init__(self) -> None:
            trt.ILogger.__init__(self)  # pybind11 wants its own base named

        def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
            bad = severity in {trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR}
            if bad and len(report.errors) < _MOST_ERRORS:
                report.errors.append(msg)
            report.lines.append(msg)
            _log.debug("TensorRT: %s", msg)

    return Logger()


def started(make: Callable[[trt.ILogger], T], logger: trt.ILogger, report: Report) -> T:
    """Return ``make(logger)``, a builder or a runtime. Raises EngineError.

    Where CUDA cannot be initialised the bindings raise a TypeError that does not say so.
    """
    try:
        return make(logger)
    except (TypeError, RuntimeError) as error:
        raise EngineError(
            f"TensorRT cannot start ({report.reason() if report.errors else error}); see that "
            "driver, CUDA and TensorRT belong together, and that GPU memory is free"
        ) from error


def make_progress(module: ModuleType, say: Say) -> trt.IProgressMonitor | None:
    """Return a progress monitor that tells ``say``, None where the version has none."""
    if not hasattr(module, "IProgressMonitor"):
        return None
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module

    class Progress(trt.IProgressMonitor):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str, num_steps: SupportsInt) -> None:
            del parent_phase
            self._steps[phase_name] = max(1, int(num_steps))
            say(phase_name, 0.0)

        def step_complete(self, phase_name: str, step: SupportsInt) -> bool:
            say(phase_name, min(1.0, (int(step) + 1) / self._steps.get(phase_name, 1)))
            return True  # false would cancel the build

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)
            say(phase_name, 1.0)

    return Progress()


def build_plan(
    module: ModuleType,
    onnx: bytes,
    options: BuildOptions | None = None,
    *,
    timing_cache: bytes = b"",
    say: Say | None = None,
) -> Built:
    """Compile ``onnx`` with ``module`` (``tensorrt`` or ``tensorrt_rtx``).

    Raises EngineError where TensorRT refuses the net or the chip lacks what is asked for.
    """
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module
    options = options or BuildOptions()
    report = Report()
    logger = make_logger(module, report)
    builder = started(trt.Builder, logger, report)
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed if options.dla_core is None else 0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        errors = [parser.get_error(at).desc() for at in range(parser.num_errors)]
        raise EngineError(f"TensorRT refuses the net ({_brief(errors, report)}); {_HINT}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # for dms doctor --engine
    monitor = make_progress(module, say) if say else None
    if monitor is not None:
        config.progress_monitor = monitor
    _fix_batch(module, builder, network, config, options.batch)
    _place(module, builder, config, options)
    times = module.__name__ != "tensorrt_rtx"  # which has no timings to keep
    if times:
        _use_timings(config, timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"TensorRT cannot build the net ({report.reason()}); {_BUILD_HINT}")
    kept = config.get_timing_cache() if times else None
    return Built(
        plan=bytes(plan),
        layers=network.num_layers,
        weight_bytes=report.number(r"Total Weights Memory: (\d+) bytes"),
        timing_cache=bytes(kept.serialize()) if kept is not None else b"",
    )


def _use_timings(config: trt.IBuilderConfig, kept: bytes) -> None:
    """Go on with the timings of earlier builds; with none where they are damaged or of another."""
    timings = config.create_timing_cache(kept)  # None, not an error, for bytes that are no cache
    if timings is None or not config.set_timing_cache(timings, True):
        _log.warning("the timings kept of earlier builds do not fit; all is timed anew")
        config.set_timing_cache(config.create_timing_cache(b""), False)


def _brief(errors: list[str], report: Report) -> str:
    return " ".join(errors[0].split())[:300] if errors else report.reason()


def _fix_batch(
    module: ModuleType,
    builder: trt.Builder,
    network: trt.INetworkDefinition,
    config: trt.IBuilderConfig,
    batch: int,
) -> None:
    """Give every input with a free batch a profile of exactly ``batch``."""
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module
    profile = builder.create_optimization_profile()
    free = False
    for at in range(network.num_inputs):
        tensor = network.get_input(at)
        shape = [int(tensor.shape[side]) for side in range(len(tensor.shape))]
        if any(side < 0 for side in shape[1:]):
            raise EngineError(
                f"input {tensor.name!r} has free sides {shape}, only the batch may be free; "
                "export the net with a fixed picture size"
            )
        if shape[0] < 0:
            fixed = trt.Dims([batch, *shape[1:]])
            profile.set_shape(tensor.name, fixed, fixed, fixed)
            free = True
        elif shape[0] != batch:
            raise EngineError(
                f"input {tensor.name!r} is fixed to a batch of {shape[0]}, {batch} is asked for; "
                "export the net with a free batch"
            )
    if free and config.add_optimization_profile(profile) < 0:
        raise EngineError(f"TensorRT takes no optimisation profile of batch {batch}; use 1 or 2")


def _place(
    module: ModuleType, builder: trt.Builder, config: trt.IBuilderConfig, options: BuildOptions
) -> None:
    """Choose the chip's unit: the GPU, a DLA core with the GPU for the rest, or a target GPU."""
    if options.dla_core is not None:
        _place_on_dla(module, builder, config, options.dla_core)
    if options.target is not None:
        _target(module, config, options.target)


def _place_on_dla(
    module: ModuleType, builder: trt.Builder, config: trt.IBuilderConfig, core: int
) -> None:
    """Use a DLA core in FP16: up to TensorRT 10.7 it knows INT8 by calibration only, not by Q/DQ.

    10.8 to 11.3 have no DLA; from 11.4.1 on it wants nets whose tensors are typed FP16.
    """
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module
    half = getattr(trt.BuilderFlag, "FP16", None)
    cores = builder.num_DLA_cores
    if half is None or core >= cores:
        raise EngineError(
            f"TensorRT {module.__version__} offers {cores} DLA cores here that dms can use (Orin "
            "Nano and Thor have none; it takes TensorRT 10.0 to 10.7, as in JetPack 6); leave out "
            "--dla and nets.dla_core"
        )
    config.set_flag(half)
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)


def _target(module: Any, config: Any, target: str) -> None:
    """Build for a GPU that is not there; only TensorRT-RTX can."""
    capability = getattr(getattr(module, "ComputeCapability", None), target, None)
    if capability is None:
        raise EngineError(
            f"{module.__name__} cannot build for {target} without that GPU; build on the device"
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(capability, 0)
