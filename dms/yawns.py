"""Yawns from the mouth aspect ratio over time: one long, wide opening, unlike talk or laughter.

Half of all yawns are hidden by a hand, so they only corroborate drowsiness, never make it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dms.settings import setting, settings


@settings
class YawnSettings:
    """How wide and how long a mouth must be open, by its inner lips."""

    open_above: float = setting(
        0.22, gt=0, lt=2, text="mouth aspect ratio of an opening; wide yawns read 0.35 and more"
    )
    shut_below: float = setting(0.15, gt=0, lt=2, text="below this the opening has ended")
    peak_least: float = setting(0.3, gt=0, lt=2, text="widest point of a yawn, at least")
    shortest_s: float = setting(
        0.8, unit="s", gt=0, source="yawns last 3.5-6.3 s in all, acted ones are wide for 0.8 s",
        text="open without a break for this long",
    )  # fmt: skip
    longest_s: float = setting(10.0, unit="s", gt=0, text="longer is no yawn (singing, broken fit)")
    flicker_s: float = setting(0.1, unit="s", ge=0, text="a shorter dip does not end the opening")
    smile_most: float = setting(
        0.75, gt=0, le=1, text="mean happiness above this while the mouth is wide is laughter"
    )
    window_s: float = setting(300.0, unit="s", gt=0, text="yawns of this time are counted")


@dataclass(frozen=True, slots=True)
class Yawn:
    """One yawn: the wide part from ``start_s`` to ``end_s``."""

    start_s: float
    end_s: float
    peak: float


class Yawns:
    """Finds yawns. Step it with every frame in time order."""

    def __init__(self, settings: YawnSettings) -> None:
        self._settings = settings
        self._start_s: float | None = None
        self._wide_s = 0.0  # last time it was wide
        self._peak = 0.0
        self._smile, self._wide_frames = 0.0, 0  # happiness while wide, summed
        self._ends: deque[float] = deque()
        self.yawning: bool | None = None

    @property
    def _laughed(self) -> bool:
        return self._smile > self._settings.smile_most * self._wide_frames

    @property
    def count(self) -> int:
        """Yawns within the window."""
        return len(self._ends)

    def step(self, t_s: float, mar: float | None, happiness: float | None = None) -> Yawn | None:
        """Take one frame and return the yawn that it ended, if any; None is an unseen mouth."""
        s = self._settings
        while self._ends and self._ends[0] < t_s - s.window_s:
            self._ends.popleft()
        if mar is not None and mar >= (s.open_above if self._start_s is None else s.shut_below):
            if self._start_s is None:
                self._start_s, self._peak = t_s, mar
                self._smile, self._wide_frames = 0.0, 0
            self._wide_s, self._peak = t_s, max(self._peak, mar)
            if happiness is not None and mar >= s.peak_least:
                self._smile += happiness
                self._wide_frames += 1
            long = s.shortest_s <= t_s - self._start_s <= s.longest_s
            self.yawning = long and self._peak >= s.peak_least and not self._laughed
            return None
        yawn = None
        if self._start_s is not None and t_s - self._wide_s >= s.flicker_s - 1e-3:
            yawn = self._end(t_s)
        if self._start_s is None:
            self.yawning = None if mar is None else False
        return yawn

    def _end(self, t_s: float) -> Yawn | None:
        s = self._settings
        start_s = self._start_s if self._start_s is not None else t_s
        self._start_s = None
        wide_s = self._wide_s - start_s
        if self._laughed or self._peak < s.peak_least:
            return None
        if not s.shortest_s - 1e-3 <= wide_s <= s.longest_s:
            return None
        self._ends.append(t_s)
        return Yawn(start_s, self._wide_s, self._peak)
