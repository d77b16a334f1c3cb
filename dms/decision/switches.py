"""What has been asked for: pauses, acknowledgements, warnings and rage on or off.

A reset for another recording or driver keeps the switches and ends a pause that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from dms.values import Command, PauseReason, VehicleContext


@dataclass(slots=True)
class Switches:
    """What has been asked for; ``acknowledged`` and ``pressed`` (a button) hold for one step."""

    paused: bool = False
    warnings: bool = True
    rage: bool = True
    acknowledged: bool = False
    pressed: bool = False


class Switchboard:
    """Takes requests at any time; they take effect with the next :meth:`at`."""

    def __init__(self, *, rage: bool, pause_s: float) -> None:
        self._rage_allowed, self._pause_s = rage, pause_s
        self._rage_on, self._warnings_on = rage, True
        self._held: PauseReason | None = None
        self._down = False  # the vehicle's own acknowledge button
        self._now = Switches()
        self.reset()

    def reset(self) -> None:
        """End what was asked for once; switches and a hold stay."""
        self._acknowledged = self._pressed = self._pause_asked = False
        self._paused_s: float | None = None
        self._pause_reason = PauseReason.OTHER
        self._tell()

    def succeed(self, old: Switchboard) -> None:
        """Take over switches, pause and hold from ``old``, whose settings were others."""
        self._warnings_on = old._warnings_on
        if old._rage_allowed:  # else nobody could have asked for anything
            self._rage_on = old._rage_on and self._rage_allowed
        self._pause_asked, self._paused_s = old._pause_asked, old._paused_s
        self._pause_reason, self._held = old._pause_reason, old._held
        self._tell()

    def command(self, command: Command) -> None:
        """Take a request of the head unit."""
        self._acknowledged = self._acknowledged or command.acknowledge
        self._pressed = self._pressed or command.press
        if command.pause is not None:
            self._pause_asked = command.pause
            self._pause_reason = command.pause_reason or PauseReason.OTHER
            self._paused_s = None
            self._tell()
        if command.warnings is not None:
            self._warnings_on = command.warnings
        if command.rage is not None:
            self._rage_on = command.rage and self._rage_allowed  # the owner has the last word

    def hold(self, reason: PauseReason | None) -> None:
        """Pause until told otherwise here: no time and no command ends it; None lets go."""
        self._held = reason
        self._tell()

    def _tell(self) -> None:
        """Set why the next :meth:`at` would find a pause, unless its time is over; None without."""
        self.pause_reason = self._held or (self._pause_reason if self._pause_asked else None)

    def at(self, t_s: float, vehicle: VehicleContext | None) -> Switches:
        """Return how the switches stand now; an acknowledgement counts once."""
        if self._pause_asked:
            self._paused_s = t_s if self._paused_s is None else self._paused_s
            self._pause_asked = t_s - self._paused_s < self._pause_s
            self._tell()
        down = bool(vehicle is not None and vehicle.acknowledge)
        now = self._now
        now.paused = self._pause_asked or self._held is not None
        now.warnings, now.rage = self._warnings_on, self._rage_on
        now.acknowledged = self._acknowledged or (down and not self._down)  # held, it says once
        now.pressed = self._pressed
        self._down, self._acknowledged, self._pressed = down, False, False
        return now
