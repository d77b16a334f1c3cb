"""The software twin of the engine plug point: ONNX Runtime on the CPU, one thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from dms.engine.engine import Engine, Tensor
from dms.errors import EngineError

# ONNX Runtime's own exceptions share no base but Exception.
_FAILURES = (
    state.EPFail,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoModel,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
    RuntimeError,
    ValueError,
    MemoryError,
)


class OnnxEngine(Engine):
    """An ONNX file on one CPU core. It sleeps between calls: no spinning threads.

    ``optimise=False`` switches graph optimisation off, as the accuracy check of symmetric S8 Q/DQ
    files needs on machines without VNNI, whose fused INT8 products saturate. ``data``: the bytes of
    ``path``, where they were read and looked at already.
    """

    def __init__(self, path: Path, data: bytes | None = None, *, optimise: bool = True) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        if not optimise:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session: ort.InferenceSession | None = ort.InferenceSession(
                str(path) if data is None else data, options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            raise EngineError(
                f"ONNX Runtime cannot load {path} ({_line(error)}); restore the file or choose "
                "another precision"
            ) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or not _fixed(inputs[0].shape[1:]):
            raise EngineError(f"{path} must take one input (n, c, h, w) of fixed c, h, w")
        self._input = inputs[0].name
        channels, height, width = inputs[0].shape[1:]
        self.input_shape = (channels, height, width)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def _infer(self, batch: Tensor) -> dict[str, Tensor]:
        if self._session is None:
            raise EngineError("the engine is closed; open it again before use")
        try:
            values = self._session.run(self._outputs, {self._input: batch})
        except _FAILURES as error:
            raise EngineError(f"ONNX Runtime failed ({_line(error)}); reload the engine") from error
        return {
            name: np.asarray(value, np.float32)
            for name, value in zip(self._outputs, values, strict=True)
        }

    def close(self) -> None:
        self._session = None


def _fixed(shape: list[object]) -> bool:
    return all(isinstance(side, int) for side in shape)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
