"""The engine on the vehicle: a TensorRT plan run by pycuda on the GPU's one stream.

It runs plans and never builds them; dms/perception/accelerated.py sees to that.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from dms.engine.absent import why_no_gpu
from dms.engine.build import Report, make_logger, started
from dms.engine.engine import Engine, Tensor
from dms.engine.gpu import CALL_TIMEOUT_S, Buffer, Gpu
from dms.engine.plans import PlanError
from dms.engine.session import GpuSession
from dms.errors import EngineError, GpuMissingError

if TYPE_CHECKING:  # the real API's types, for mypy with the stubs of tools/checks/tensorrt_stubs.py
    import tensorrt as trt


def tensorrt_module(name: str = "tensorrt") -> ModuleType:
    """Import TensorRT. Raises EngineError where it is not installed.

    Raises GpuMissingError where the driver's libcuda is not there (yet), which it is linked to.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if "libcuda.so" in str(error):  # JetPack 7.2 chooses it at boot, by a unit of its own
            raise GpuMissingError(f"no CUDA driver yet ({error}); {why_no_gpu()}") from error
        raise EngineError(
            f"TensorRT cannot be loaded ({error}); on a Jetson: sudo apt install nvidia-jetpack, "
            "then the system's Python or a venv with --system-site-packages; elsewhere: pip "
            "install '.[tensorrt]' in the source tree"
        ) from error


@dataclass(slots=True)
class LoadedNet:
    """A plan in the GPU's memory with its buffers. Only for the GPU's thread."""

    gpu: Gpu
    context: trt.IExecutionContext | None  # keeps its engine and runtime alive
    input: Buffer
    outputs: dict[str, Buffer]
    owners: list[Any]  # engine, runtime, logger, in the order in which they are let go

    @property
    def batch(self) -> int:
        """Crops a call."""
        return int(self.input.host.shape[0])

    def enqueue(self) -> None:
        """Queue one run; input and outputs stay on the GPU."""
        if self.context is None or not self.context.execute_async_v3(self.gpu.stream.handle):
            raise EngineError("TensorRT did not take the work; restart dms and see its log")

    def let_go(self) -> None:
        """Free what TensorRT holds, the context before its engine before its runtime."""
        self.context = None
        while self.owners:
            del self.owners[0]


def load_net(session: GpuSession, module: ModuleType, plan: bytes) -> LoadedNet:
    """Deserialise ``plan`` and allocate its buffers, once. Only for the GPU's thread.

    Raises PlanError where the plan is of another version or device; rebuilding helps.
    """
    if TYPE_CHECKING:
        import tensorrt as trt  # noqa: PLC0415
    else:
        trt = module
    report = Report.of_errors()
    logger = make_logger(module, report)
    runtime = started(trt.Runtime, logger, report)
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise PlanError(f"the plan does not fit this machine ({report.reason()}); rebuild it")
    context = engine.create_execution_context()
    if context is None:
        raise EngineError(f"no memory for the plan ({report.reason()}); free GPU memory")
    inputs: list[Buffer] = []
    outputs: dict[str, Buffer] = {}
    for at in range(engine.num_io_tensors):
        name = engine.get_tensor_name(at)
        if engine.get_tensor_dtype(name) != trt.DataType.FLOAT:
            raise EngineError(f"tensor {name!r} of the plan is not float32; export the net again")
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        if is_input:
            _fix_shape(engine, context, name)
        dimensions = context.get_tensor_shape(name)
        shape = tuple(int(dimensions[side]) for side in range(len(dimensions)))
        buffer = session.shared(shape, np.float32)
        context.set_tensor_address(name, buffer.address)
        if is_input:
            inputs.append(buffer)
        else:
            outputs[name] = buffer
    if len(inputs) != 1 or inputs[0].host.ndim != 4 or not outputs:
        raise PlanError("the plan must take one input (n, c, h, w); rebuild it from engines/")
    net = LoadedNet(session.gpu, context, inputs[0], outputs, [engine, runtime, logger])
    session.keep(net.let_go)
    return net


def _fix_shape(engine: trt.ICudaEngine, context: trt.IExecutionContext, name: str) -> None:
    """Set an input of free batch to the one batch of its profile."""
    dimensions = engine.get_tensor_shape(name)
    if any(dimensions[side] < 0 for side in range(len(dimensions))):
        context.set_input_shape(name, engine.get_tensor_profile_shape(name, 0)[2])


class TensorRTEngine(Engine):
    """One plan as an :class:`Engine`. Batches of other sizes than the plan's are cut or filled."""

    def __init__(self, plan: bytes, *, module: ModuleType | None = None) -> None:
        chosen = module or tensorrt_module()
        self._module = chosen
        self._session = GpuSession(lambda session: self._load(session, chosen, plan))

    def _load(self, session: GpuSession, module: ModuleType, plan: bytes) -> None:
        self._net = load_net(session, module, plan)
        _, channels, height, width = self._net.input.host.shape
        self.input_shape = (channels, height, width)
        self._replay: Callable[[], None] = session.replayable(self._queue)

    def _queue(self) -> None:
        gpu, net = self._net.gpu, self._net
        gpu.to_device(net.input)
        net.enqueue()
        for buffer in net.outputs.values():
            gpu.to_host(buffer)

    def _infer(self, batch: Tensor) -> dict[str, Tensor]:
        limit_s = CALL_TIMEOUT_S * max(1, len(batch))  # so long for each crop, were it alone
        return self._session.run(lambda: self._run(batch), limit_s)

    def _run(self, batch: Tensor) -> dict[str, Tensor]:
        net = self._net
        parts: list[dict[str, Tensor]] = []
        for start in range(0, len(batch), net.batch):
            rows = batch[start : start + net.batch]
            net.input.host[: len(rows)] = rows
            self._replay()
            net.gpu.synchronize()
            parts.append({name: out.host[: len(rows)].copy() for name, out in net.outputs.items()})
        return joined(parts, net)

    def layers(self) -> str:
        """Return how many layers the plan has and how many of them give INT8, in words.

        The builder keeps this (ProfilingVerbosity.DETAILED); what an ONNX file asks for is less
        than what the GPU runs. Written against the API, never run on a device.
        """
        return self._session.run(self._inspect)

    def _inspect(self) -> str:
        engine = self._net.owners[0]
        ask = getattr(engine, "create_engine_inspector", None)
        if ask is None:
            return "not told by this TensorRT"
        kinds = self._module.LayerInformationFormat
        told = json.loads(ask().get_engine_information(kinds.JSON)).get("Layers", [])
        known = [layer for layer in told if isinstance(layer, dict)]
        if not known:
            return f"{len(told)} layers, without their precision"
        int8 = sum("Int8" in json.dumps(layer.get("Outputs", [])) for layer in known)
        return f"{int8} of {len(known)} layers give INT8"

    def close(self) -> None:
        self._session.close()


def joined(parts: list[dict[str, Tensor]], net: LoadedNet) -> dict[str, Tensor]:
    """Return the outputs of several calls as one, empty ones for no call."""
    empty = {name: out.host[:0].copy() for name, out in net.outputs.items()}
    return {name: np.concatenate([part[name] for part in [empty, *parts]]) for name in empty}
