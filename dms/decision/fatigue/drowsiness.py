"""One drowsiness level, 1..9 in KSS numbers, with the reasons that made it.

A documented estimate from PERCLOS, blinks, closures, nods and yawns, monotone in each of them.
It has not been validated against sleepy drivers' own KSS answers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from dms.settings import setting, settings

Curve = tuple[tuple[float, float], ...]  # (measure, KSS-like), both rising


@settings
class DrowsinessSettings:
    """Curves from measure to KSS-like level; between the points they are straight."""

    perclos: Curve = setting(
        ((0.0, 2.0), (0.075, 5.0), (0.15, 8.0), (0.25, 9.0)),
        source="Wierwille 1994: < 0.075 alert, > 0.15 drowsy; the levels at them are our estimate",
        text="level by PERCLOS P80",
    )
    blink_s: Curve = setting(
        ((0.11, 2.0), (0.2, 4.0), (0.35, 6.0), (0.5, 8.0), (0.8, 9.0)),
        unit="s",
        source="Caffier 2003; DESIGN: 111 +- 51 ms alert, > 500 ms drowsy; levels our estimate",
        text="level by mean blink duration",
    )
    long_share: Curve = setting(
        ((0.0, 1.0), (0.1, 4.0), (0.3, 6.5), (0.6, 8.0)),
        source="our estimate after Schleicher 2008",
        text="level by the share of long blinks",
    )
    closures: Curve = setting(
        ((0.0, 1.0), (1.0, 6.5), (2.0, 7.5), (3.0, 8.5), (4.0, 9.0)),
        text="level by microsleeps within their window",
    )
    long_blink_s: float = setting(
        0.4, unit="s", gt=0, source="Schleicher 2008: > 300 ms long, > 500 ms very long",
        text="a long blink",
    )  # fmt: skip
    limit_s: float = setting(
        0.6, unit="s", gt=0, text="a closure counts at most this long in the mean blink duration"
    )
    smooth_s: float = setting(
        5.0, unit="s", ge=0, text="time constant of the score, against single closures"
    )
    blinks_least: int = setting(5, ge=1, text="fewer blinks in the window tell nothing")
    seen_least_s: float = setting(
        30.0, unit="s", ge=0, text="less seen time in the window tells nothing of blinks either"
    )
    blink_window_s: float = setting(60.0, unit="s", gt=0, text="window of the blinks")
    closure_window_s: float = setting(300.0, unit="s", gt=0, text="window of microsleeps and nods")
    second_weight: float = setting(
        0.5, ge=0, le=1, text="added when a second, independent source stands at agree_from"
    )
    nod_weight: float = setting(0.5, ge=0, le=1, text="added by nods")
    yawn_weight: float = setting(
        0.25,
        ge=0,
        le=0.5,
        source="yawns corroborate only, DESIGN",
        text="added a yawn, two at most",
    )
    back: float = setting(
        0.75, ge=0, lt=1, text="the level falls only when the score is this far below it"
    )
    agree_from: float = setting(6.0, ge=1, le=9, text="corroboration counts from this level")

    def __post_init__(self) -> None:
        for name in ("perclos", "blink_s", "long_share", "closures"):
            curve: Curve = getattr(self, name)
            rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(curve))
            if len(curve) < 2 or not rising or curve[0][1] < 1 or curve[-1][1] > 9:
                raise ValueError(f"{name} must rise from at least 1 to at most 9, got {curve}")


@dataclass(slots=True)
class Evidence:
    """What drowsiness rests on; None is unknown."""

    perclos: float | None = None
    blink_s: float | None = None
    long_share: float | None = None
    microsleeps: int = 0
    nods: int = 0
    yawns: int = 0


@dataclass(slots=True)
class Drowsiness:
    """The level in KSS numbers, the unrounded score and its reasons in words."""

    level: int | None
    score: float | None
    reason: str


def interpolate(curve: Curve, value: float) -> float:
    """Read a rising curve at ``value``, flat beyond its ends."""
    if value <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return curve[-1][1]


def judge(evidence: Evidence, settings: DrowsinessSettings) -> Drowsiness:
    """Combine the evidence: the strongest source leads, the others add to it.

    Level is None as long as neither PERCLOS nor blinks nor a microsleep tell anything.
    """
    sources: list[tuple[float, str]] = []
    if evidence.perclos is not None:
        sources.append(
            (interpolate(settings.perclos, evidence.perclos), f"PERCLOS {evidence.perclos:.3f}")
        )
    if evidence.blink_s is not None:
        share = evidence.long_share or 0.0
        by_mean = interpolate(settings.blink_s, evidence.blink_s)
        by_share = interpolate(settings.long_share, share)
        words = f"blinks {evidence.blink_s * 1000:.0f} ms, {share:.0%} long"
        sources.append((max(by_mean, by_share), words))
    if evidence.microsleeps:
        level = interpolate(settings.closures, float(evidence.microsleeps))
        sources.append((level, f"{evidence.microsleeps} microsleeps"))
    if not sources:
        return Drowsiness(None, None, "not enough seen yet")
    return _combine(sources, evidence, settings)


def _combine(
    sources: Sequence[tuple[float, str]], evidence: Evidence, settings: DrowsinessSettings
) -> Drowsiness:
    ranked = sorted(sources, reverse=True)
    score = ranked[0][0]
    reasons = [words for _, words in ranked]
    weight = settings.yawn_weight * min(evidence.yawns, 2)
    weight += settings.nod_weight if evidence.nods else 0.0
    if len(ranked) > 1:
        weight += settings.second_weight * _agreeing(ranked[1][0], settings)
    added = weight * _agreeing(score, settings)
    if evidence.nods:
        reasons.append(f"{evidence.nods} nods")
    if evidence.yawns:
        reasons.append(f"{evidence.yawns} yawns")
    score = min(score + added, 9.0)
    return Drowsiness(int(score + 1e-9), score, "; ".join(reasons))


def _agreeing(score: float, settings: DrowsinessSettings) -> float:
    """How far a source has come to count as drowsy, 0..1, without a step that would flutter."""
    return min(max(score - settings.agree_from + 1.0, 0.0), 1.0)


class SteadyLevel:
    """The level without flutter: a smoothed score, and hysteresis on its way down."""

    def __init__(self, settings: DrowsinessSettings) -> None:
        self._settings = settings
        self._level: int | None = None
        self._score: float | None = None
        self._last_s = 0.0

    def step(self, t_s: float, now: Drowsiness) -> Drowsiness:
        """Return ``now`` with its steady level and score; unknown stays unknown."""
        dt_s, self._last_s = t_s - self._last_s, t_s
        if now.score is None:
            self._level = self._score = None
            return now
        if self._score is None or self._settings.smooth_s <= 0:
            self._score = now.score
        if now.score != self._score:
            dt_s = dt_s if dt_s > 0.0 else 0.0
            share = 1 - math.exp(-dt_s / self._settings.smooth_s)
            self._score += (now.score - self._score) * share
        score, before = self._score, self._level
        level = int(score + 1e-9)
        if before is None or level > before or score < before - self._settings.back:
            self._level = level
        if score == now.score and self._level == now.level:
            return now
        return Drowsiness(self._level, score, now.reason)


class BlinkRecord:
    """Blinks, microsleeps and nods of the last minutes."""

    def __init__(self, settings: DrowsinessSettings) -> None:
        self._settings = settings
        self._blinks: deque[tuple[float, float]] = deque()
        self._microsleeps: deque[float] = deque()
        self._nods: deque[float] = deque()
        self._limited_s: float | None = None
        self._long_share: float | None = None
        self.blink_s: float | None = None  # mean duration, None below the least count
        self._told: tuple[float | None, ...] = ()  # what the evidence was made of
        self._evidence = Evidence()

    def add_blink(self, t_s: float, duration_s: float) -> None:
        """Count a blink that ended at ``t_s``."""
        self._blinks.append((t_s, duration_s))
        self._summarise()

    def add_microsleep(self, t_s: float) -> None:
        """Count a microsleep that ended at ``t_s``."""
        self._microsleeps.append(t_s)

    def add_nod(self, t_s: float) -> None:
        """Count a nod at ``t_s``."""
        self._nods.append(t_s)

    def forget(self, t_s: float) -> None:
        """Drop what lies outside the windows as of ``t_s``."""
        s = self._settings
        if self._blinks and self._blinks[0][0] < t_s - s.blink_window_s:
            while self._blinks and self._blinks[0][0] < t_s - s.blink_window_s:
                self._blinks.popleft()
            self._summarise()
        if self._microsleeps or self._nods:
            for times in (self._microsleeps, self._nods):
                while times and times[0] < t_s - s.closure_window_s:
                    times.popleft()

    def rate_hz(self, seen_s: float) -> float | None:
        """Blinks per second of time seen within the window; None below 10 s."""
        return len(self._blinks) / seen_s if seen_s >= 10.0 else None

    def evidence(self, perclos: float | None, seen_s: float, yawns: int) -> Evidence:
        """Join the records with PERCLOS, the time seen in its window and the number of yawns.

        It is the same object as long as nothing has changed, as in most frames.
        """
        blink_s, long_share = self._limited_s, self._long_share
        if seen_s < self._settings.seen_least_s - 1e-6:
            blink_s = long_share = None
        microsleeps, nods = len(self._microsleeps), len(self._nods)
        told = (perclos, blink_s, long_share, microsleeps, nods, yawns)
        if told != self._told:
            self._told = told
            self._evidence = Evidence(perclos, blink_s, long_share, microsleeps, nods, yawns)
        return self._evidence

    def _summarise(self) -> None:
        durations = [duration for _, duration in self._blinks]
        if len(durations) < self._settings.blinks_least:
            self.blink_s = self._limited_s = self._long_share = None
            return
        self.blink_s = fmean(durations)
        # A few long closures, which PERCLOS counts, must not pass for slow blinks.
        self._limited_s = fmean(min(d, self._settings.limit_s) for d in durations)
        self._long_share = sum(d >= self._settings.long_blink_s for d in durations) / len(durations)
