"""Real time for a recording: no way out itself, but it holds each state back until its time."""

from __future__ import annotations

import time
from collections.abc import Callable

from dms.bridge.bridge import Bridge
from dms.values import DriverState


class Pace(Bridge):
    """Stands before the other bridges; a step back in time is another recording."""

    name = "real time"

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._offset_s: float | None = None  # clock less recording
        self._last_s = 0.0

    def open(self) -> None:
        self._offset_s = None

    @property
    def fault(self) -> str | None:
        return None

    def publish(self, state: DriverState) -> None:
        if self._offset_s is None or state.t_s < self._last_s:
            self._offset_s = self._clock() - state.t_s
        self._last_s = state.t_s
        early_s = state.t_s + self._offset_s - self._clock()
        if early_s > 0:
            self._sleep(early_s)

    def close(self) -> None:
        self._offset_s = None
