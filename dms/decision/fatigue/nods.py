"""Nods: the head falls while the eyes are closing, then jerks back. Corroborates drowsiness."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import itemgetter

from dms.settings import setting, settings


@settings
class NodSettings:
    """How fast and how far a head falls in a nod."""

    fall_deg: float = setting(12.0, unit="deg", gt=0, text="pitch lost within fall_s")
    fall_s: float = setting(1.0, unit="s", gt=0, text="time of the fall")
    half_shut_below: float = setting(0.5, gt=0, le=1, text="openness during the fall")
    pause_s: float = setting(2.0, unit="s", ge=0, text="two nods are at least this far apart")


@dataclass(frozen=True, slots=True)
class Nod:
    """One nod: from the highest to the lowest pitch."""

    start_s: float
    end_s: float
    fall_deg: float


class Nods:
    """Finds nods. Step it with every frame in time order."""

    def __init__(self, settings: NodSettings) -> None:
        self._settings = settings
        self._trace: deque[tuple[float, float, float]] = deque()  # t, pitch, openness
        self._last_s = float("-inf")

    def step(self, t_s: float, pitch_deg: float | None, openness: float | None) -> Nod | None:
        """Take one frame and return the nod seen in it, if any."""
        s = self._settings
        if pitch_deg is None or openness is None:
            return None
        self._trace.append((t_s, pitch_deg, openness))
        while self._trace[0][0] < t_s - s.fall_s:
            self._trace.popleft()
        high_s, high_deg, _ = max(self._trace, key=itemgetter(1))
        fall_deg = high_deg - pitch_deg
        if fall_deg < s.fall_deg or openness >= s.half_shut_below or t_s - self._last_s < s.pause_s:
            return None
        self._last_s = t_s
        return Nod(high_s, t_s, fall_deg)
