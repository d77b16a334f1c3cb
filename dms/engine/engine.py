"""The engine plug point: a net that runs somewhere. ONNX Runtime and TensorRT stand behind it."""

from __future__ import annotations

from abc import abstractmethod
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from dms.errors import EngineError
from dms.resource import Resource

Tensor = NDArray[np.float32]
_FEW = 160  # numbers, of which a sum in Python costs less than NumPy


class Engine(Resource):
    """One loaded net. A context manager; used from one thread.

    ``input_shape`` is (channels, height, width); a batch is (n, *input_shape) float32 gray 0..1.
    All normalisation beyond that is inside the net's graph.
    """

    input_shape: tuple[int, int, int]

    def infer(self, batch: Tensor) -> dict[str, Tensor]:
        """Run the net on ``batch`` (n, c, h, w) and return its outputs by name, each (n, ...).

        Raises EngineError on a wrong shape or type, a failing backend or an output that is not
        finite.
        """
        if batch.dtype != np.float32 or batch.ndim != 4 or batch.shape[1:] != self.input_shape:
            raise EngineError(
                f"the net takes float32 (n, {', '.join(map(str, self.input_shape))}), "
                f"got {batch.dtype} {batch.shape}"
            )
        return finite(self._infer(batch))

    @abstractmethod
    def _infer(self, batch: Tensor) -> dict[str, Tensor]: ...

    @abstractmethod
    def close(self) -> None:
        """Free the backend's memory; a second call does nothing."""


def finite(outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a net's outputs; raise EngineError where one is not finite."""
    for name, value in outputs.items():
        if value.size <= _FEW:
            good = isfinite(sum(value.ravel().tolist()))  # doubles: floats never sum too high
        else:
            good = bool(np.isfinite(value).all())
        if not good:
            raise EngineError(f"output {name!r} of the net is not finite; reload the engine")
    return outputs
