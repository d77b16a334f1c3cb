"""Blinks: dips of the openness, told by their depth against the eyes' own level just before.

Works from the first frames and on partial blinks, where no fixed threshold on the EAR would.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from dms.settings import setting, settings


@settings
class BlinkSettings:
    """The shape of a blink, relative to the open level before it."""

    depth: float = setting(0.28, gt=0, lt=1, text="least fall of the openness")
    noise_factor: float = setting(4.0, ge=0, text="and at least this many times the signal's noise")
    edge: float = setting(0.25, gt=0, lt=0.5, text="share of the fall where start and end are set")
    recovered: float = setting(0.6, gt=0, lt=1, text="share of the fall that must be regained")
    shortest_s: float = setting(
        0.05, unit="s", ge=0, source="Caffier 2003", text="shorter dips are noise"
    )
    longest_s: float = setting(1.0, unit="s", gt=0, text="longer ones are closures, not blinks")
    rise_s: float = setting(0.1, unit="s", gt=0, text="the open level follows a rise this fast")
    fall_s: float = setting(1.5, unit="s", gt=0, text="and a fall this slowly")
    longest_step_s: float = setting(0.5, unit="s", gt=0, text="a longer gap starts anew")


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink. ``duration_s`` is at half of its depth, as in the literature."""

    start_s: float
    end_s: float
    lowest_s: float
    duration_s: float
    depth: float


class Blinks:
    """Finds blinks in a stream of openness. Step it with every frame in time order."""

    def __init__(self, settings: BlinkSettings) -> None:
        self._settings = settings
        self._trace: deque[tuple[float, float]] = deque()  # (t_s, openness), newest last
        self._level: float | None = None
        self._noise = 0.05
        self._dip = False
        self._lowest = (0.0, 0.0)

    def step(self, t_s: float, openness: float | None) -> Blink | None:
        """Take one frame and return the blink that it ended, if any; None openness is unseen."""
        s = self._settings
        if openness is None or (self._trace and t_s - self._trace[-1][0] > s.longest_step_s):
            self._forget()
        if openness is None:
            return None
        last = self._trace[-1] if self._trace else None
        self._trace.append((t_s, openness))
        while t_s - self._trace[0][0] > 2 * s.longest_s + 1.0:
            self._trace.popleft()
        if self._level is None or last is None:
            self._level = max(openness, 0.8)  # a clip may begin within a blink
        dt_s = 0.0 if last is None else t_s - last[0]
        if self._dip:
            return self._in_dip(t_s, openness)
        self._follow(openness, last, dt_s)
        if openness < self._level - self._needed():
            self._dip = True
            self._lowest = (t_s, openness)
        return None

    def _needed(self) -> float:
        return max(self._settings.depth, self._settings.noise_factor * self._noise)

    def _follow(self, openness: float, last: tuple[float, float] | None, dt_s: float) -> None:
        s = self._settings
        level = openness if self._level is None else self._level
        tau_s = s.rise_s if openness > level else s.fall_s
        self._level = level + (openness - level) * (1 - math.exp(-dt_s / tau_s))
        if last is not None:
            change = min(abs(openness - last[1]), 0.2)
            self._noise += (change - self._noise) * (1 - math.exp(-dt_s / 2.0))

    def _in_dip(self, t_s: float, openness: float) -> Blink | None:
        s = self._settings
        if openness < self._lowest[1]:
            self._lowest = (t_s, openness)
        level = self._level if self._level is not None else 1.0
        fall = level - self._lowest[1]
        if openness < self._lowest[1] + s.recovered * fall:
            if t_s - self._lowest[0] > s.longest_s * 2:  # stays low: a new level, no blink
                self._dip, self._level = False, openness
            return None
        self._dip = False
        blink = self._measure(t_s, level, fall)
        long_enough = blink.end_s - blink.start_s >= s.shortest_s
        return blink if long_enough and blink.duration_s <= s.longest_s else None

    def _measure(self, t_s: float, level: float, fall: float) -> Blink:
        s = self._settings
        edge, half = level - s.edge * fall, level - 0.5 * fall
        start_s = half_start_s = half_end_s = self._lowest[0]
        crossed = False
        for at_s, value in reversed(self._trace):
            if at_s > self._lowest[0]:
                if value <= half:
                    half_end_s = max(half_end_s, at_s)
                continue
            if value <= half and not crossed:
                half_start_s = at_s
            else:
                crossed = crossed or value > half
            start_s = at_s
            if value >= edge:
                break
        return Blink(start_s, t_s, self._lowest[0], half_end_s - half_start_s, fall)

    def _forget(self) -> None:
        self._trace.clear()
        self._level, self._dip = None, False
