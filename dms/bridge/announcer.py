"""What is heard when: a driver state in, at most one cue out. Pure.

It follows the policy's events and repeats nothing of its own. A higher or equal level cuts in, a
lower one waits for nobody: it is not heard, but on every other bridge it is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

from dms.bridge.settings import SoundSettings
from dms.bridge.tones import RATE, sound
from dms.values import DriverState, Event, Kind, Level

_LATE_S = 1e-6


@dataclass(frozen=True, slots=True)
class Cue:
    """One sound: which alert, how loud, and how long it lasts."""

    kind: Kind
    level: Level
    volume: float
    length_s: float


class Announcer:
    """Step it with every state in time order."""

    def __init__(self, settings: SoundSettings) -> None:
        self._settings = settings
        self._cue: Cue | None = None  # what sounds now
        self._until_s = 0.0
        self._last_s: float | None = None
        self._told = 0  # how often the standing critical alert was reported

    def step(self, state: DriverState) -> tuple[Cue | None, bool]:
        """Return a cue that begins now, and whether what sounds must stop."""
        if self._last_s is not None and state.t_s < self._last_s:  # a new recording
            self._cue, self._told = None, 0
        self._last_s = state.t_s
        if self._cue is not None and state.t_s >= self._until_s - _LATE_S:
            self._cue = None
        standing = {alert.kind for alert in state.active if alert.level is Level.CRITICAL}
        self._told = self._told if standing else 0
        best = max(state.events, key=lambda event: event.level, default=None)
        if best is not None and best.level > Level.NONE and self._is_heard(best):
            return self._begin(best, state.t_s), False
        cue = self._cue
        if cue is not None and cue.level is Level.CRITICAL and not standing:
            self._cue = None
            return None, True
        return None, False

    def _is_heard(self, event: Event) -> bool:
        if event.level < Level.CRITICAL and (self._settings.mute or not self._settings.volume):
            return False
        return self._cue is None or event.level >= self._cue.level

    def _begin(self, event: Event, t_s: float) -> Cue:
        samples = sound(event.kind, event.level, self._settings.language)
        cue = Cue(event.kind, event.level, self._volume(event.level), len(samples) / RATE)
        self._cue, self._until_s = cue, t_s + cue.length_s
        self._told += event.level is Level.CRITICAL
        return cue

    def _volume(self, level: Level) -> float:
        s = self._settings
        if level < Level.CRITICAL:
            return min(s.volume, s.most)
        loud = max(s.volume, s.critical_least) + self._told * s.critical_rise
        return min(loud, s.most)
