"""The ticks of a rig that steps one meter alone."""

from __future__ import annotations

from dms.decision.tick import Tick


class Ticks:
    """Makes the tick of each frame, as the core does."""

    def __init__(self) -> None:
        self._last_s: float | None = None

    def __call__(self, t_s: float) -> Tick:
        last_s, self._last_s = self._last_s, t_s
        return Tick.after(last_s, t_s)
