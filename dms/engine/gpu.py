"""The GPU: one context and one stream, owned by one thread through which all work goes.

pycuda objects may only be used and freed by the thread whose context is current; so there is one
such thread, and a call that does not come back in time is an error instead of a frozen monitor.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dms.engine.cuda_graph import Graph, capture
from dms.errors import EngineError
from dms.resource import Resource

log = logging.getLogger(__name__)

T = TypeVar("T")
CALL_TIMEOUT_S = 2.0  # our estimate: a frame's work is under 1 ms, so the GPU hangs
LOAD_TIMEOUT_S = 60.0  # deserialising a plan, compiling the kernel on first use


@dataclass(slots=True)
class Buffer:
    """Memory that both sides see: ``host`` is page-locked, ``address`` is the GPU's.

    On an integrated GPU they are the same memory and nothing is copied.
    """

    host: NDArray[Any]
    address: int
    allocation: Any  # pycuda's device memory; None where mapped


class Gpu(Resource):
    """A context manager. All methods but ``run`` and ``close`` are for work given to ``run``."""

    def __init__(self, *, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._call_timeout_s = call_timeout_s
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dms-gpu")
        self._closed = False
        self._lost = False
        self._memory: list[Any] = []  # freed in reverse order before the stream
        try:
            self._worker.submit(self._open).result()
        except BaseException:
            self._worker.shutdown()
            raise

    @property
    def usable(self) -> bool:
        """Whether it is open and has always answered."""
        return not (self._lost or self._closed)

    def run(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """Do ``work`` in the GPU's thread and return its result.

        Raises EngineError where CUDA fails or no answer comes in time; after the latter the GPU
        counts as lost.
        """
        if not self.usable:
            why = "has stopped answering" if self._lost else "is closed"
            raise EngineError(f"the GPU {why}; restart dms, or set the engine to onnxruntime")
        limit = self._call_timeout_s if timeout_s is None else timeout_s
        task: Future[T] = self._worker.submit(work)
        try:
            return task.result(limit)
        except NotInTime as error:
            if task.done():
                raise
            self._lost = True
            raise EngineError(
                f"the GPU did not answer within {limit:g} s; restart dms and see dmesg"
            ) from error
        except self.cuda.Error as error:
            raise EngineError(f"CUDA failed ({error}); restart dms and see dmesg") from error

    def _open(self) -> None:
        try:
            import pycuda.driver as cuda  # noqa: PLC0415  # only where a GPU is asked for
        except ImportError as error:
            raise EngineError(
                f"pycuda cannot be loaded ({error}); on a Jetson: pip install pycuda"
            ) from error
        self.cuda = cuda
        try:
            cuda.init()  # first: TensorRT without a driver can crash the process
            device = cuda.Device(0)
        except cuda.Error as error:
            raise EngineError(
                f"no NVIDIA GPU answers ({error}); check the driver, or set the engine to "
                "onnxruntime"
            ) from error
        try:
            self.capability: tuple[int, int] = device.compute_capability()
            self.name: str = device.name()
            self.integrated = bool(device.get_attribute(cuda.device_attribute.INTEGRATED))
            self._context = device.retain_primary_context()  # TensorRT uses this one, too
            self._context.push()
        except cuda.Error as error:
            raise EngineError(f"{error}; free GPU memory or restart the device") from error
        self.stream = cuda.Stream()

    def shared(self, shape: tuple[int, ...], kind: DTypeLike) -> Buffer:
        """Page-locked host memory and its twin on the GPU; on an integrated GPU one memory."""
        flags = self.cuda.host_alloc_flags.DEVICEMAP if self.integrated else 0
        host = self.cuda.pagelocked_zeros(shape, np.dtype(kind), mem_flags=flags)
        self._memory.append(host.base)
        if self.integrated:
            return Buffer(host, int(host.base.get_device_pointer()), None)
        allocation = self.cuda.mem_alloc(host.nbytes)
        self._memory.append(allocation)
        return Buffer(host, int(allocation), allocation)

    def device(self, size: int) -> int:
        """Allocate ``size`` bytes that only the GPU sees and return their address."""
        allocation = self.cuda.mem_alloc(size)
        self._memory.append(allocation)
        return int(allocation)

    def to_device(self, buffer: Buffer) -> None:
        """Queue the copy of ``buffer.host`` to the GPU; nothing to do on an integrated one."""
        if buffer.allocation is not None:
            self.cuda.memcpy_htod_async(buffer.allocation, buffer.host, self.stream)

    def to_host(self, buffer: Buffer) -> None:
        """Queue the copy back."""
        if buffer.allocation is not None:
            self.cuda.memcpy_dtoh_async(buffer.host, buffer.allocation, self.stream)

    def synchronize(self) -> None:
        """Wait for all that is queued."""
        self.stream.synchronize()

    def replayable(self, queue: Callable[[], None]) -> Callable[[], None]:
        """Queue the work once, then return what queues it again: a CUDA graph where possible."""
        queue()  # TensorRT settles its shapes in the first call, which cannot be captured
        self.synchronize()
        try:
            graph: Graph = capture(self.stream.handle, queue)
        except EngineError as error:
            log.info("no CUDA graph (%s); each kernel is launched by itself", error)
            return queue
        self._memory.append(graph)
        return graph.launch

    def kernels(self, cubin: bytes, names: Sequence[str]) -> list[Any]:
        """Load the functions ``names`` of a compiled module."""
        module = self.cuda.module_from_buffer(cubin)
        return [module.get_function(name) for name in names]

    def free_bytes(self) -> tuple[int, int]:
        """Return the free and the whole memory; on a Jetson it is shared with the CPU."""
        free, whole = self.cuda.mem_get_info()
        return int(free), int(whole)

    def mark(self) -> int:
        """Return a mark for :meth:`free_since`."""
        return len(self._memory)

    def free_since(self, mark: int) -> None:
        """Free all memory and graphs made since ``mark``, latest first."""
        while len(self._memory) > mark:
            self._memory.pop().free()

    def close(self) -> None:
        """Free everything in order; a second call does nothing. A lost GPU is left alone."""
        if self._closed:
            return
        self._closed = True
        if not self._lost:
            self._worker.submit(self._shut).result(LOAD_TIMEOUT_S)
        self._worker.shutdown(wait=not self._lost)

    def _shut(self) -> None:
        self.stream.synchronize()
        self.free_since(0)
        del self.stream
        self._context.pop()
        self._context.detach()  # pycuda's destructor alone would not release a primary context
        del self._context


class _Lease:
    """The one GPU of the process, open while anyone holds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gpu: Gpu | None = None
        self._holders = 0

    def take(self) -> Gpu:
        with self._lock:
            if self._gpu is None:
                self._gpu = Gpu()
            self._holders += 1
            return self._gpu

    def give_back(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._gpu is not None:
                gpu, self._gpu = self._gpu, None
                gpu.close()


lease = _Lease()
