"""When a buzzer, relay or lamp is on, and what a button means. Pure."""

from __future__ import annotations

from dms.bridge.settings import ButtonSettings, OutputSettings
from dms.values import DriverState, Level

# On and off in seconds, again and again, and how often (None: while the alert stands); our choice.
# Pulses of levels 2 and 3 are as far apart as those that are heard as an alarm (tones.py).
PULSES: dict[Level, tuple[float, float, int | None]] = {
    Level.ADVISORY: (0.3, 0.3, 1),
    Level.WARNING: (0.2, 0.125, 3),
    Level.CRITICAL: (0.12, 0.08, None),
}


class Output:
    """One line: step it with states, ask it for its value at any time."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._level = Level.NONE
        self._since_s = 0.0

    def step(self, state: DriverState, now_s: float) -> None:
        """Take a state: a new alert, or one that is reported again, begins its pulses again."""
        level = max((alert.level for alert in state.active), default=Level.NONE)
        level = level if level >= self._settings.from_level else Level.NONE
        told = any(event.level >= level for event in state.events) and level > Level.NONE
        again = told and level < Level.CRITICAL  # a critical one pulses on
        if level is not self._level or again:
            self._level, self._since_s = level, now_s

    def off(self) -> None:
        """Forget the alert, as after a silence."""
        self._level = Level.NONE

    def value(self, now_s: float) -> bool:
        """Whether the line is on."""
        if self._level is Level.NONE or self._settings.steady:
            return self._level > Level.NONE
        on_s, off_s, times = PULSES[self._level]
        passed = now_s - self._since_s
        if times is not None and passed >= times * (on_s + off_s):
            return False
        return passed % (on_s + off_s) < on_s


class Button:
    """Counts presses by their edge; one that is held too long is a fault and nothing more."""

    def __init__(self, settings: ButtonSettings) -> None:
        self._settings = settings
        self._pressed_s: float | None = None

    def begin(self, pressed: bool, now_s: float) -> None:
        """Take how it stands at the start: a button that is down already was not pressed."""
        self._pressed_s = now_s if pressed else None

    def edge(self, pressed: bool, now_s: float) -> bool:
        """Take an edge; whether it is a press."""
        was, self._pressed_s = self._pressed_s, now_s if pressed else None
        if pressed and was is not None:  # an edge was lost; the hold goes on
            self._pressed_s = was
        return pressed and was is None

    def fault(self, now_s: float) -> str | None:
        """Return what is wrong, or None."""
        if self._pressed_s is None or now_s - self._pressed_s <= self._settings.held_s:
            return None
        return f"the button is held for more than {self._settings.held_s:g} s; is it stuck?"
