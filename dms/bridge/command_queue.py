"""Commands of one source on their way to the loop: a bounded queue that takes so many a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from dms.values import Command

_MOST = 32  # waiting; the loop takes all of them at every frame
RATE_HZ = 20.0  # a head unit sends a few a minute
_BURST = 20.0


class Allowance:
    """So many a second, and at once as many as were saved up."""

    def __init__(
        self, rate_hz: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_hz, self._burst, self._clock = rate_hz, burst, clock
        self._credit = burst
        self._looked_s = clock()

    def has_one(self) -> bool:
        """Whether one more is allowed now."""
        now_s = self._clock()
        grown = max(now_s - self._looked_s, 0.0) * self._rate_hz
        self._credit, self._looked_s = min(self._burst, self._credit + grown), now_s
        return self._credit >= 1.0

    def take(self) -> bool:
        """Use one up; False where none is allowed now."""
        if not self.has_one():
            return False
        self._credit -= 1.0
        return True


class CommandQueue:
    """One thread puts, the loop takes. What :meth:`put` has taken is never dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._waiting: deque[Command] = deque()
        self._allowed = Allowance(RATE_HZ, _BURST, clock)
        self.refused = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self) -> bool:
        """Whether :meth:`put` would take one more now; a no is counted."""
        room = self._allowed.has_one() and len(self._waiting) < _MOST
        self.refused += not room
        return room

    def put(self, command: Command) -> bool:
        """Queue ``command``; False where too many came, and then it is not queued."""
        if not self.has_room():
            return False
        self._allowed.take()
        self._waiting.append(command)
        return True

    def take(self) -> tuple[Command, ...]:
        """Return what waits, oldest first."""
        return tuple(self._waiting.popleft() for _ in range(len(self._waiting)))
