"""Frames waiting for the bus: bounded, and after a fault only the newest state."""

from __future__ import annotations

import threading
from collections import deque

from dms.bus.frame import CanFrame

ALERT = "DMS_Alert"


class Outbox:
    """A first-in first-out queue of at most ``size`` frames between publisher and sender.

    A cyclic frame takes the place of the older one of its name that still waits, so that a slow bus
    carries the present state and no old one with a good counter; an alert finds room by pushing out
    the oldest frame. Whoever waits for room (a replay) has every frame kept. Safe between threads.
    """

    def __init__(self, size: int) -> None:
        self._frames: deque[CanFrame] = deque()
        self._size = size
        self._changed = threading.Condition()
        self._stalled = False
        self.dropped = 0  # frames that never left

    @property
    def stalled(self) -> bool:
        """Whether the bus is lost: only the newest frame of each message is kept, no alerts."""
        return self._stalled

    @stalled.setter
    def stalled(self, value: bool) -> None:
        with self._changed:
            self._stalled = value
            if value:
                newest = {frame.name: frame for frame in self._frames if frame.name != ALERT}
                self.dropped += len(self._frames) - len(newest)
                self._frames = deque(newest.values())
            self._changed.notify_all()

    def put(self, frame: CanFrame, wait_s: float = 0.0) -> None:
        """Add ``frame``; ``wait_s`` is how long to wait for room before something is dropped."""
        with self._changed:
            if wait_s:
                self._changed.wait_for(self._has_room, wait_s)
            if self._stalled and frame.name == ALERT:
                self.dropped += 1
                return
            full = len(self._frames) >= self._size
            if (self._stalled or full or not wait_s) and self._replaced(frame):
                return
            if full:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._stalled or len(self._frames) < self._size

    def _replaced(self, frame: CanFrame) -> bool:
        """Put ``frame`` in the place of the waiting one of its name; False where none waits."""
        if frame.name == ALERT:
            return False
        for index, older in enumerate(self._frames):
            if older.name == frame.name:
                self._frames[index] = frame
                self.dropped += 1
                return True
        return False

    def take(self, timeout_s: float) -> CanFrame | None:
        """Return the oldest frame, or None where none came in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._frames, timeout_s):
                return None
            return self._frames[0]

    def done(self, frame: CanFrame) -> None:
        """Remove ``frame`` once it is sent; it stays until then so that :meth:`flush` can tell."""
        with self._changed:
            if self._frames and self._frames[0] is frame:
                self._frames.popleft()
            self._changed.notify_all()

    def wake(self) -> None:
        """Wake whoever waits, as at the end."""
        with self._changed:
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is sent; False where that took too long or the bus is lost."""
        with self._changed:
            self._changed.wait_for(lambda: not self._frames or self._stalled, timeout_s)
            return not self._frames
