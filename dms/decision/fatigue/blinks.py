"""Blinks: dips of the openness, told by their depth against the eyes' own level just before.

Works from the first frames and on partial blinks, where no fixed threshold on the EAR would.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from dms.decision.tick import Tick, reached
from dms.settings import setting, settings

Sample = tuple[float, float]  # t_s, openness


@settings
class BlinkSettings:
    """The shape of a blink, relative to the open level before it."""

    depth: float = setting(0.3, gt=0, lt=1, text="least fall of the openness")
    noise_factor: float = setting(5.0, ge=0, text="and at least this many times the signal's noise")
    edge: float = setting(
        0.2, gt=0, lt=0.5, text="share of the fall at which start and end are set"
    )
    reopened: float = setting(0.75, gt=0, le=1, text="share of the fall regained that ends a blink")
    half_open_s: float = setting(0.12, unit="s", gt=0, text="so does half regained for this long")
    shortest_s: float = setting(
        0.045, unit="s", ge=0, source="Caffier 2003", text="shorter dips are noise"
    )
    longest_s: float = setting(1.0, unit="s", gt=0, text="longer ones are closures, not blinks")
    closing_s: float = setting(
        0.35, unit="s", gt=0, source="Caffier 2003: closing takes 60-100 ms",
        text="a slower fall is a look down or a squint",
    )  # fmt: skip
    rise_s: float = setting(0.1, unit="s", gt=0, text="the open level follows a rise this fast")
    fall_s: float = setting(1.0, unit="s", gt=0, text="and a fall this slowly")


_DEEP = 0.2  # share of the depth, from the lowest point, within which the lids count as closed


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink. ``duration_s`` is at half of its depth, as in the literature.

    It closes, stays closed within a fifth of its depth from the lowest point, and reopens; start
    and reopened are set by ``BlinkSettings.edge`` and ``reopened``.
    """

    start_s: float
    end_s: float
    duration_s: float
    depth: float
    closing_s: float
    closed_s: float
    reopening_s: float

    @property
    def values(self) -> dict[str, float]:
        """What is reported of it beside its start and end."""
        names = ("duration_s", "closing_s", "closed_s", "reopening_s")
        return {"depth": round(self.depth, 3)} | {n: round(getattr(self, n), 4) for n in names}


class Blinks:
    """Finds blinks in a stream of openness. Step it with every frame in time order."""

    def __init__(self, settings: BlinkSettings) -> None:
        self._settings = settings
        self._trace: deque[Sample] = deque()  # newest last
        self._level = 0.0
        self._noise = 0.04
        self._dip = False
        self._dip_s = 0.0
        self._lowest: Sample = (0.0, 0.0)
        self._half_s: float | None = None  # since when half of the fall is regained

    def step(self, tick: Tick, openness: float | None) -> Blink | None:
        """Take one frame and return the blink that it ended, if any; None openness is unseen."""
        s, t_s = self._settings, tick.t_s
        if openness is None or tick.gap_s:
            self._trace.clear()
            self._dip = False
        if openness is None:
            return None
        trace = self._trace
        last = trace[-1] if trace else None
        trace.append((t_s, openness))
        longest_s = 2 * s.longest_s + tick.longest_s
        while t_s - trace[0][0] > longest_s:
            trace.popleft()
        if last is None:
            # Eyes that are first seen half shut begin no blink: its start was not seen.
            self._level = openness
            return None
        if self._dip:
            return self._in_dip(t_s, openness)
        self._follow(openness, last[1], t_s - last[0])
        depth = s.noise_factor * self._noise
        if openness < self._level - (s.depth if depth < s.depth else depth):
            self._dip, self._half_s, self._lowest = True, None, (t_s, openness)
            self._dip_s = t_s
        return None

    def _follow(self, openness: float, last: float, dt_s: float) -> None:
        """Let the open level and the noise about it follow an open eye."""
        s = self._settings
        tau_s = s.rise_s if openness > self._level else s.fall_s
        self._level += (openness - self._level) * (1 - math.exp(-dt_s / tau_s))
        change = abs(openness - last)
        change = 0.15 if change > 0.15 else change
        self._noise += (change - self._noise) * (1 - math.exp(-dt_s / 2.0))

    def _in_dip(self, t_s: float, openness: float) -> Blink | None:
        s = self._settings
        if openness <= self._lowest[1]:
            self._lowest, self._half_s = (t_s, openness), None
        fall = self._level - self._lowest[1]
        regained = (openness - self._lowest[1]) / fall
        if regained < 0.5:
            self._half_s = None
            if t_s - self._dip_s > 2 * s.longest_s:  # stays low: a new level, no blink
                self._leave(openness)
            return None
        if self._half_s is None:
            self._half_s = t_s
        if regained < s.reopened and not reached(t_s - self._half_s, s.half_open_s):
            return None
        blink = self._measure(t_s, fall)
        self._leave(openness)
        return blink

    def _leave(self, openness: float) -> None:
        self._dip, self._level = False, openness

    def _measure(self, t_s: float, fall: float) -> Blink | None:
        s = self._settings
        edge, half = self._level - s.edge * fall, self._level - 0.5 * fall
        before = [sample for sample in self._trace if sample[0] <= self._lowest[0]]
        after = [sample for sample in self._trace if sample[0] >= self._lowest[0]]
        start_s = _crossing(reversed(before), edge)
        half_start_s = _crossing(reversed(before), half)
        half_end_s = _crossing(iter(after), half)
        duration_s = half_end_s - half_start_s
        deep = self._lowest[1] + _DEEP * fall
        shut_s, opening_s = _crossing(reversed(before), deep), _crossing(iter(after), deep)
        reopened_s = _crossing(iter(after), self._lowest[1] + s.reopened * fall)
        if not s.shortest_s <= duration_s <= s.longest_s or shut_s - start_s > s.closing_s:
            return None
        phases = (shut_s - start_s, opening_s - shut_s, reopened_s - opening_s)
        return Blink(start_s, t_s, duration_s, fall, *phases)


def _crossing(samples: Iterable[Sample], level: float) -> float:
    """Return when the samples, walked from the lowest one, first reach ``level``."""
    at_s, value = 0.0, level
    for t_s, openness in samples:
        if openness >= level:
            if openness == value or value >= level:
                return t_s
            return at_s + (t_s - at_s) * (level - value) / (openness - value)
        at_s, value = t_s, openness
    return at_s
