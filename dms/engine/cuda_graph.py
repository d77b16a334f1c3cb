"""CUDA graphs: queue a frame's copies and kernels once, replay them with one call.

pycuda has no graphs, so the driver's five functions are called directly.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

from dms.errors import EngineError

_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may go on


@dataclass(slots=True)
class Graph:
    """An instantiated graph bound to its stream."""

    driver: ctypes.CDLL
    handle: ctypes.c_void_p
    stream: int

    def launch(self) -> None:
        """Queue the whole graph. Raises EngineError."""
        _ask(self.driver, "cuGraphLaunch", self.handle, ctypes.c_void_p(self.stream))

    def free(self) -> None:
        """Destroy it; it must not be running."""
        _ask(self.driver, "cuGraphExecDestroy", self.handle)


def capture(stream: int, queue: Callable[[], None]) -> Graph:
    """Record what ``queue`` puts into ``stream`` instead of running it.

    Raises EngineError where the driver or the queued work does not allow it.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise EngineError(f"libcuda cannot be opened ({error}); install the driver") from error
    at = ctypes.c_void_p(stream)
    graph, runnable = ctypes.c_void_p(), ctypes.c_void_p()
    _ask(driver, "cuStreamBeginCapture_v2", at, ctypes.c_int(_THREAD_LOCAL))
    try:
        try:
            queue()
        finally:
            code = driver.cuStreamEndCapture(at, ctypes.byref(graph))
        if code or not graph:
            raise EngineError(f"the stream could not be captured (CUDA error {code})")
        _ask(driver, "cuGraphInstantiateWithFlags", ctypes.byref(runnable), graph, _no_flags())
    finally:
        if graph:
            driver.cuGraphDestroy(graph)
    return Graph(driver, runnable, stream)


def _no_flags() -> ctypes.c_ulonglong:
    return ctypes.c_ulonglong(0)


def _ask(driver: ctypes.CDLL, name: str, *arguments: object) -> None:
    code = getattr(driver, name)(*arguments)
    if code:
        raise EngineError(f"{name} failed with CUDA error {code}; restart dms and see dmesg")
