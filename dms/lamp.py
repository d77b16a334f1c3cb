"""An infrared lamp as an optional plug that fails dark: without us it goes out by itself.

The kernel's LED ``pattern`` trigger runs a pattern of finite length that is armed again and again;
when the process dies or hangs, the pattern ends and the lamp is dark.
"""

from __future__ import annotations

import logging
from pathlib import Path

from dms.recording import Moment
from dms.settings import setting, settings
from dms.values import DriverState, Frame

_log = logging.getLogger(__name__)
_LEDS = Path("/sys/class/leds")


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

    def __init__(self, settings: LampSettings, folder: Path = _LEDS) -> None:
        self._settings = settings
        self._led = folder / (settings.led or "")
        self.on = False
        self._changed_s = float("-inf")
        self._armed_s = float("-inf")
        self._told = False

    def take(self, moment: Moment, state: DriverState, frame: Frame | None) -> None:
        """Decide and, while the lamp burns, arm it again before it goes out."""
        del frame
        t_s, brightness = state.t_s, moment.observation.brightness
        limit = self._settings.off_above if self.on else self._settings.on_below
        wanted = self.on if brightness is None else brightness < limit
        if wanted != self.on and t_s - self._changed_s >= self._settings.change_s:
            self.on, self._changed_s, self._armed_s = wanted, t_s, float("-inf")
            if not wanted:
                self.dark()
        if self.on and t_s - self._armed_s >= self._settings.hold_s / 3:
            self._armed_s = t_s
            self._arm()

    def dark(self) -> None:
        """Switch the lamp off."""
        self._write("trigger", "none")
        self._write("brightness", "0")

    def _arm(self) -> None:
        level, hold_ms = self._settings.brightness, round(self._settings.hold_s * 1000)
        self._write("trigger", "pattern")
        self._write("repeat", "1")
        self._write("pattern", f"{level} {hold_ms} {level} 0 0 1 0 0")

    def _write(self, name: str, text: str) -> None:
        try:
            (self._led / name).write_text(text)
        except OSError as error:
            if not self._told:
                self._told = True
                _log.error("The lamp %s cannot be switched (%s).", self._led, error)
