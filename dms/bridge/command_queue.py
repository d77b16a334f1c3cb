"""Commands of one source on their way to the loop: a bounded queue that takes so many a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from dms.values import Command

_MOST = 32  # waiting; the loop takes all of them at every frame
RATE_HZ = 20.0  # a head unit sends a few a minute
_BURST = 20.0


class CommandQueue:
    """One thread puts, the loop takes. What :meth:`put` has taken is never dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[Command] = deque()
        self._credit = _BURST
        self._looked_s = clock()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self) -> bool:
        """Whether :meth:`put` would take one more now; a no is counted."""
        now_s = self._clock()
        self._credit = min(_BURST, self._credit + max(now_s - self._looked_s, 0.0) * RATE_HZ)
        self._looked_s = now_s
        room = self._credit >= 1.0 and len(self._waiting) < _MOST
        self.refused += not room
        return room

    def put(self, command: Command) -> bool:
        """Queue ``command``; False where too many came, and then it is not queued."""
        if not self.has_room():
            return False
        self._credit -= 1.0
        self._waiting.append(command)
        return True

    def take(self) -> tuple[Command, ...]:
        """Return what waits, oldest first."""
        return tuple(self._waiting.popleft() for _ in range(len(self._waiting)))
