"""The GPU: one context and one stream, owned by one thread through which all work goes.

pycuda objects may only be used and freed by the thread whose context is current; so there is one
such thread, and a call that does not come back in time is an error instead of a frozen monitor.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dms.engine.absent import install_command, why_no_gpu
from dms.engine.worker import Worker
from dms.errors import EngineError, GpuMissingError
from dms.resource import Resource

_log = logging.getLogger(__name__)

T = TypeVar("T")
CALL_TIMEOUT_S = 2.0  # our estimate: a frame's work is under 1 ms, so the GPU hangs
_BLOCKING_SYNC = 0x04  # CU_CTX_SCHED_BLOCKING_SYNC of cuda.h
LOAD_TIMEOUT_S = 60.0  # deserialising a plan, compiling the kernel on first use


@dataclass(slots=True)
class Buffer:
    """Memory that both sides see: ``host`` is page-locked, ``address`` is the GPU's.

    On an integrated GPU they are the same memory and nothing is copied.
    """

    host: NDArray[Any]
    address: int
    allocation: Any  # pycuda's device memory; None where mapped

    def free(self) -> None:
        """Free both sides, once."""
        try:
            if self.allocation is not None:
                self.allocation.free()
        finally:
            self.host.base.free()  # type: ignore[union-attr]  # pycuda's page-locked allocation


class Gpu(Resource):
    """All methods but ``run``, ``release`` and ``close`` are for work given to ``run``."""

    def __init__(self, *, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._call_timeout_s = call_timeout_s
        self._worker = Worker("dms-gpu")
        self._closed = False
        self._lost = False
        self._held = ExitStack()
        # What the bindings make of errors in C++; pycuda's own comes on top.
        self._failures: tuple[type[Exception], ...] = (RuntimeError, MemoryError, OSError)
        try:
            self._answer(self._worker.submit(self._open), LOAD_TIMEOUT_S)
        except BaseException:
            self._worker.submit(self._shut)  # should it still come to hold anything
            self._worker.stop()
            raise

    @property
    def usable(self) -> bool:
        """Whether it is open and has always answered."""
        return not (self._lost or self._closed)

    def run(self, work: Callable[[], T], timeout_s: float | None = None) -> T:
        """Do ``work`` in the GPU's thread and return its result.

        Raises EngineError where CUDA or TensorRT fails or no answer comes in time; after the
        latter the GPU counts as lost.
        """
        if not self.usable:
            why = "has stopped answering" if self._lost else "is closed"
            raise EngineError(f"the GPU {why}; restart dms, or set the engine to onnxruntime")
        limit_s = self._call_timeout_s if timeout_s is None else timeout_s
        return self._answer(self._worker.submit(work), limit_s)

    def release(self, free: Callable[[], None]) -> None:
        """Let ``free`` free memory in the GPU's thread. Never raises: nobody could do better.

        A lost GPU is not waited for; what it holds is freed should it come back.
        """
        task = self._worker.submit(free)
        if self._lost:
            return
        try:
            self._answer(task, LOAD_TIMEOUT_S)
        except EngineError as error:
            _log.error("some memory of the GPU stays taken until dms ends: %s", error)

    def _answer(self, task: Future[T], limit_s: float) -> T:
        wait([task], limit_s)
        if not task.done():
            self._lost = True
            raise EngineError(
                f"the GPU did not answer within {limit_s:g} s; restart dms and see dmesg"
            )
        try:
            return task.result()
        except self._failures as error:
            raise EngineError(
                f"CUDA or TensorRT failed ({error}); restart dms and see dmesg"
            ) from error

    def _open(self) -> None:
        try:
            import pycuda.driver as cuda  # noqa: PLC0415  # only where a GPU is asked for
        except ImportError as error:
            if "libcuda" in str(error):  # JetPack 7.2 chooses it at boot, by a unit of its own
                raise GpuMissingError(f"no CUDA driver yet ({error}); {why_no_gpu()}") from error
            raise EngineError(f"pycuda cannot be loaded ({error}): {install_command()}") from error
        self.cuda = cuda
        self._failures += (cuda.Error,)
        try:
            cuda.init()  # first: TensorRT without a driver can crash the process
            device = cuda.Device(0)
        except cuda.Error as error:
            raise GpuMissingError(f"no NVIDIA GPU answers ({error}); {why_no_gpu()}") from error
        self.capability: tuple[int, int] = device.compute_capability()
        self.name: str = device.name()
        self.integrated = bool(device.get_attribute(cuda.device_attribute.INTEGRATED))
        _wait_blocking()
        try:
            with ExitStack() as undo:
                context = device.retain_primary_context()  # TensorRT uses this one, too
                undo.callback(context.detach)  # its destructor would not release a primary one
                context.push()
                undo.callback(context.pop)
                self.stream = cuda.Stream()
                undo.callback(self._drop_stream)
                self._held = undo.pop_all()
        except cuda.Error as error:
            raise EngineError(f"{error}; free GPU memory or restart the device") from error

    def _shut(self) -> None:
        self._held.close()

    def _drop_stream(self) -> None:
        try:
            self.stream.synchronize()
        finally:
            del self.stream  # in this thread, whose context it belongs to

    def shared(self, shape: tuple[int, ...], kind: DTypeLike) -> Buffer:
        """Page-locked host memory and its twin on the GPU; on an integrated GPU one memory."""
        flags = self.cuda.host_alloc_flags.DEVICEMAP if self.integrated else 0
        host = self.cuda.pagelocked_zeros(shape, np.dtype(kind), mem_flags=flags)
        if self.integrated:
            return Buffer(host, int(host.base.get_device_pointer()), None)
        try:
            allocation = self.cuda.mem_alloc(host.nbytes)
        except self.cuda.Error:
            host.base.free()
            raise
        return Buffer(host, int(allocation), allocation)

    def to_device(self, buffer: Buffer, size: int | None = None) -> None:
        """Queue the copy of ``buffer.host`` to the GPU; nothing to do on an integrated one.

        ``size``: only so many bytes of a buffer of bytes.
        """
        if buffer.allocation is not None:
            self.cuda.memcpy_htod_async(buffer.allocation, buffer.host[:size], self.stream)

    def to_host(self, buffer: Buffer) -> None:
        """Queue the copy back."""
        if buffer.allocation is not None:
            self.cuda.memcpy_dtoh_async(buffer.host, buffer.allocation, self.stream)

    def synchronize(self) -> None:
        """Wait for all that is queued."""
        self.stream.synchronize()

    def kernels(self, cubin: bytes, names: Sequence[str]) -> list[Any]:
        """Load the functions ``names`` of a compiled module."""
        module = self.cuda.module_from_buffer(cubin)
        return [module.get_function(name) for name in names]

    def free_bytes(self) -> tuple[int, int]:
        """Return the free and the whole memory; on a Jetson it is shared with the CPU."""
        free, whole = self.cuda.mem_get_info()
        return int(free), int(whole)

    def close(self) -> None:
        """Free everything in order; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self.release(self._shut)
        self._worker.stop(0.0 if self._lost else LOAD_TIMEOUT_S)


def _wait_blocking() -> None:
    """Let waits for the GPU sleep instead of keeping a core busy. An older driver goes on."""
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL("libcuda.so.1")
        number = ctypes.c_int()
        if not driver.cuDeviceGet(ctypes.byref(number), ctypes.c_int(0)):
            driver.cuDevicePrimaryCtxSetFlags_v2(number, ctypes.c_uint(_BLOCKING_SYNC))


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
        gpu = None
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                gpu, self._gpu = self._gpu, None
        if gpu is not None:
            gpu.close()


lease = _Lease()
