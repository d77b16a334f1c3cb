"""Stands in for the module ``tensorrt`` on the emulated driver: its plans run by ONNX Runtime.

Only names that the real module has, which tests/tools/test_tensorrt_stubs.py checks, and only what
the runtime uses. The work goes through the emulated stream, deferred like all else.
"""

# the signatures are the real module's

from __future__ import annotations

import ctypes
import enum
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

__version__ = "10.3.0"
_WORK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_DRIVER = ctypes.CDLL("libcuda.so.1")
alive = {"engine": 0, "context": 0, "runtime": 0}
freed: list[str] = []


def plan_of(onnx: Path, batch: int, version: str = __version__) -> bytes:
    """A plan of the twin: where the net is and what it was built for."""
    return json.dumps({"onnx": str(onnx), "batch": batch, "version": version}).encode()


class DataType(enum.Enum):
    FLOAT = 0
    INT8 = 2


class TensorIOMode(enum.Enum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class ILogger:
    class Severity(enum.Enum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3
        VERBOSE = 4

    INTERNAL_ERROR = Severity.INTERNAL_ERROR
    ERROR = Severity.ERROR

    def __init__(self) -> None:
        pass


class Dims(tuple):
    pass


class _Counted:
    _kind = ""

    def __init__(self) -> None:
        alive[self._kind] += 1

    def __del__(self) -> None:
        alive[self._kind] -= 1
        freed.append(self._kind)


class Runtime(_Counted):
    _kind = "runtime"

    def __init__(self, logger: ILogger) -> None:
        super().__init__()
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        try:
            plan = json.loads(serialized_engine)
        except ValueError:
            plan = {"version": "?"}
        if plan["version"] != __version__:
            self._logger.log(ILogger.ERROR, f"Version tag does not match: {plan['version']}")
            return None
        return ICudaEngine(plan)


class ICudaEngine(_Counted):
    _kind = "engine"

    def __init__(self, plan: dict) -> None:
        super().__init__()
        self.batch = plan["batch"]
        options = ort.SessionOptions()  # Q/DQ as it is written: fused INT8 may saturate on CPUs
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = ort.InferenceSession(
            plan["onnx"], options, providers=["CPUExecutionProvider"]
        )
        self._tensors = [*self.session.get_inputs(), *self.session.get_outputs()]

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors)

    def get_tensor_name(self, index: int) -> str:
        return self._tensors[index].name

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType.FLOAT

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        is_input = name in {tensor.name for tensor in self.session.get_inputs()}
        return TensorIOMode.INPUT if is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> Dims:
        tensor = next(tensor for tensor in self._tensors if tensor.name == name)
        return Dims(side if isinstance(side, int) else -1 for side in tensor.shape)

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        return [Dims((self.batch, *self.get_tensor_shape(name)[1:]))] * 3

    def create_execution_context(self) -> IExecutionContext:
        return IExecutionContext(self)


class IExecutionContext(_Counted):
    _kind = "context"

    def __init__(self, engine: ICudaEngine) -> None:
        super().__init__()
        self.engine = engine
        self._at: dict[str, int] = {}
        self._batch: int | None = None
        self._queued: list[object] = []  # the driver holds no reference of its own

    def set_input_shape(self, name: str, shape: Dims) -> bool:
        self._batch = shape[0]
        return True

    def get_tensor_shape(self, name: str) -> Dims:
        free = self._batch if self._batch is not None else -1
        shape = self.engine.get_tensor_shape(name)
        return Dims((free if shape[0] < 0 else shape[0], *shape[1:]))

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._at[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self._batch is None or len(self._at) != self.engine.num_io_tensors:
            return False
        addresses, session = dict(self._at), self.engine.session
        shapes = {name: self.get_tensor_shape(name) for name in addresses}

        def tensor(name: str) -> np.ndarray | None:
            size = 4 * int(np.prod(shapes[name]))
            at = ctypes.c_ulonglong(addresses[name])
            if not _DRIVER.emu_on_device(at, ctypes.c_size_t(size)):
                return None
            memory = (ctypes.c_float * (size // 4)).from_address(addresses[name])
            return np.frombuffer(memory, np.float32).reshape(shapes[name])

        def work(_: object) -> int:
            tensors = {name: tensor(name) for name in addresses}
            if any(found is None for found in tensors.values()):
                return _DRIVER.emu_fault(b"TensorRT touched memory that is gone")
            (given,) = session.get_inputs()
            names = [output.name for output in session.get_outputs()]
            found = session.run(names, {given.name: tensors[given.name].copy()})
            for name, value in zip(names, found, strict=True):
                tensors[name][...] = value.reshape(shapes[name])
            return 0

        callback = _WORK(work)
        self._queued.append(callback)
        _DRIVER.emu_enqueue(ctypes.c_void_p(stream_handle), callback, None)
        return True
