"""A bus that several may listen to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

Heard = Callable[[Any, float], None]  # a received can.Message and when, by the monotonic clock


@runtime_checkable
class SharedBus(Protocol):
    """Hands on what it receives."""

    def listen(self, heard: Heard, /) -> None:
        """Hand every received frame to ``heard`` too, in the receiving thread."""

    def ignore(self, heard: Heard, /) -> None:
        """Hand no more frames to ``heard``."""
