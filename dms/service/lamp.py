"""An infrared lamp as an optional plug that fails dark: without us it goes out by itself.

The kernel's LED ``pattern`` trigger runs a pattern of finite length that is armed again and again;
when the process dies or hangs, the pattern ends and the lamp is dark. The udev rule that ships
gives its files to the service; ``brightness`` is left alone: a 0 there takes the trigger away.
"""

from __future__ import annotations

import logging
from pathlib import Path

from dms.settings import setting, settings
from dms.values import Part, Step

_log = logging.getLogger(__name__)
_LEDS = Path("/sys/class/leds")
_DARK = "0 1 0 1"


@settings
class LampSettings:
    """The lamp and when it burns."""

    led: str | None = setting(None, text="name below /sys/class/leds; null: no lamp")
    brightness: int = setting(255, ge=1, le=255, text="level written to the LED")
    on_below: float = setting(60.0, ge=0, le=255, unit="gray", text="face darker: lamp on")
    off_above: float = setting(
        180.0, ge=0, le=255, unit="gray", text="face brighter with the lamp on: lamp off"
    )
    hold_s: float = setting(3.0, gt=0, le=60, unit="s", text="burns on so long without a new order")
    change_s: float = setting(5.0, ge=0, le=600, unit="s", text="shortest time between two changes")


class Lamp:
    """A sink of the loop that switches one LED by the brightness of the face."""

    part = Part.LAMP

    def __init__(self, settings: LampSettings, folder: Path = _LEDS) -> None:
        self._settings = settings
        self._led = folder / (settings.led or "")
        self.on = False
        self._changed_s = float("-inf")
        self._armed_s = float("-inf")
        self.fault: str | None = None

    def take(self, step: Step) -> None:
        """Decide and, while the lamp burns, arm it again before it goes out."""
        t_s, brightness = step.state.t_s, step.moment.observation.brightness
        limit = self._settings.off_above if self.on else self._settings.on_below
        wanted = self.on if brightness is None else brightness < limit
        wanted = wanted and step.state.camera_on  # closed for privacy, or lost: nothing to light
        if wanted != self.on and t_s - self._changed_s >= self._settings.change_s:
            self.on, self._changed_s, self._armed_s = wanted, t_s, float("-inf")
            if not wanted:
                self.dark()
        if not (self.on or self.fault) or t_s - self._armed_s < self._settings.hold_s / 3:
            return
        self._armed_s = t_s
        if not self.on:
            self.dark()  # is it there again?
        else:
            level, hold_ms = self._level(), round(self._settings.hold_s * 1000)
            self._order(f"{level} {hold_ms} {level} 0 0 1 0 0")

    def dark(self) -> None:
        """Switch the lamp off."""
        self._order(_DARK)

    def _level(self) -> int:
        """The set level, at most what the LED takes: more is refused."""
        try:
            most = int((self._led / "max_brightness").read_text())
        except (OSError, ValueError):
            return self._settings.brightness
        return min(self._settings.brightness, most)

    def _order(self, pattern: str) -> None:
        """Have the kernel run ``pattern`` once from now on; a failure is a :attr:`fault`."""
        try:
            if "[pattern]" not in (self._led / "trigger").read_text():
                (self._led / "trigger").write_text("pattern")
            (self._led / "repeat").write_text("1")  # first: a pattern repeats for ever unless told
            (self._led / "pattern").write_text(pattern)
            (self._led / "repeat").write_text("1")  # again: the count of the last one is used up
        except OSError as error:
            if self.fault is None:
                _log.error("The lamp %s cannot be switched (%s).", self._led, error)
            self.fault = f"{self._led.name} cannot be switched ({error.strerror})"
        else:
            self.fault = None
