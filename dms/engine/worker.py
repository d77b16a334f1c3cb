"""One thread that does what it is given, in order.

Unlike a ThreadPoolExecutor's, it is a daemon: work that never returns keeps no process from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """Starts its thread at once; :meth:`stop` ends it after what is already queued."""

    def __init__(self, name: str) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Queue ``work``; the future holds its result or what it raised."""
        future: Future[T] = Future()

        def task() -> None:
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # the caller's to judge
                future.set_exception(error)

        self._tasks.put(task)
        return future

    def stop(self, timeout_s: float = 0.0) -> bool:
        """End after the queued work; wait so long for that and return whether it has ended."""
        self._tasks.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # what it holds is freed in this thread, before the next wait
