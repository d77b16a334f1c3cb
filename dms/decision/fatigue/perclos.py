"""PERCLOS P80: the share of the last minute, as far as the eyes were seen, in long closures."""

from __future__ import annotations

from collections import deque

from dms.decision.tick import Tick, reached
from dms.settings import setting, settings


@settings
class PerclosSettings:
    """The window of PERCLOS and what counts in it."""

    window_s: float = setting(
        60.0, unit="s", ge=10, le=600, source="Wierwille 1994; FHWA 1998", text="sliding window"
    )
    closure_s: float = setting(
        0.5, unit="s", gt=0, le=2, source="DESIGN", text="shorter closures are blinks"
    )
    seen_least_s: float = setting(
        30.0, unit="s", gt=0, source="DESIGN", text="unknown below this much seen time"
    )


class _Spans:
    """Time spans within a sliding window and their sum."""

    def __init__(self) -> None:
        self._spans: deque[list[float]] = deque()
        self.total_s = 0.0

    def add(self, start_s: float, end_s: float) -> None:
        if self._spans and start_s <= self._spans[-1][1]:
            start_s = self._spans[-1][1]
            self._spans[-1][1] = end_s if end_s > start_s else start_s
        else:
            self._spans.append([start_s, end_s])
        if end_s > start_s:
            self.total_s += end_s - start_s

    def forget(self, before_s: float) -> None:
        spans = self._spans
        while spans and spans[0][1] <= before_s:
            start_s, end_s = spans.popleft()
            self.total_s -= end_s - start_s
        if not spans:
            self.total_s = 0.0
        elif spans[0][0] < before_s:
            self.total_s -= before_s - spans[0][0]
            spans[0][0] = before_s


class Perclos:
    """Step it with every frame in time order."""

    def __init__(self, settings: PerclosSettings) -> None:
        self._settings = settings
        self._seen, self._closed = _Spans(), _Spans()
        self._begun = False  # the first frame has nothing before it
        self.seen_s = 0.0  # how long the eyes were seen within the window
        self.value: float | None = None  # PERCLOS 0..1, None while too little was seen

    def step(self, tick: Tick, *, seen: bool, closed_s: float, start_s: float | None) -> None:
        """Take one frame: were the eyes seen, and the present closure's length and start."""
        s = self._settings
        if seen and tick.dt_s and self._begun:
            self._seen.add(tick.last_s, tick.t_s)
            if start_s is not None and reached(closed_s, s.closure_s):
                late = closed_s - tick.dt_s < s.closure_s
                self._closed.add(start_s if late else tick.last_s, tick.t_s)
        self._begun = True
        self._seen.forget(tick.t_s - s.window_s)
        self._closed.forget(tick.t_s - s.window_s)
        self.seen_s = seen_s = self._seen.total_s
        if seen_s < s.seen_least_s - 1e-6:
            self.value = None
        else:
            share = self._closed.total_s / seen_s
            self.value = 0.0 if share < 0.0 else 1.0 if share > 1.0 else share
