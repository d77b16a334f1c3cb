"""One user's part of the GPU: what it allocates there is freed together, the latest first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from numpy.typing import DTypeLike

from dms.engine.cuda_graph import capture
from dms.engine.gpu import LOAD_TIMEOUT_S, Buffer, Gpu, lease
from dms.errors import EngineError
from dms.resource import Resource

_log = logging.getLogger(__name__)

T = TypeVar("T")


class GpuSession(Resource):
    """Open once ``load`` has run in the GPU's thread; it gets the session.

    All methods but ``run`` and ``close`` are for that thread.
    """

    def __init__(self, load: Callable[[GpuSession], None]) -> None:
        self._gpu: Gpu | None = lease.take()
        self._held = ExitStack()
        self.captured = True  # every piece of work replays as a CUDA graph
        try:
            self.run(lambda: load(self), LOAD_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    @property
    def gpu(self) -> Gpu:
        """The GPU. Raises EngineError once the session is closed."""
        if self._gpu is None:
            raise EngineError("the engine is closed; open it again before use")
        return self._gpu

    def run(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """See :meth:`Gpu.run`."""
        return self.gpu.run(work, timeout_s)

    def keep(self, free: Callable[[], object]) -> None:
        """Let ``free`` be called at the end, before all that was kept earlier."""
        self._held.callback(free)

    def shared(self, shape: tuple[int, ...], kind: DTypeLike) -> Buffer:
        """See :meth:`Gpu.shared`."""
        buffer = self.gpu.shared(shape, kind)
        self.keep(buffer.free)
        return buffer

    def device(self, size: int) -> int:
        """Allocate ``size`` bytes that only the GPU sees and return their address."""
        allocation = self.gpu.cuda.mem_alloc(size)
        self.keep(allocation.free)
        return int(allocation)

    def replayable(self, queue: Callable[[], None]) -> Callable[[], None]:
        """Queue the work once, then return what queues it again: a CUDA graph where possible."""
        gpu = self.gpu
        queue()  # TensorRT settles its shapes in the first call, which cannot be captured
        gpu.synchronize()
        try:
            graph = capture(gpu.stream.handle, queue)
        except (EngineError, gpu.cuda.Error) as error:
            self.captured = False
            _log.warning("no CUDA graph (%s); each kernel is launched by itself", error)
            return queue
        self.keep(graph.free)
        return graph.launch

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        if self._gpu is None:
            return
        gpu, self._gpu = self._gpu, None
        try:
            gpu.release(lambda: self._free(gpu))
        finally:
            lease.give_back()

    def _free(self, gpu: Gpu) -> None:
        with self._held:  # frees what can be freed, even if the first step fails
            gpu.synchronize()
