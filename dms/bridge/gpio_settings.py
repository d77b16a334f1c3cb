"""Settings of the GPIO bridge, apart from it so that they load without libgpiod."""

from __future__ import annotations

from typing import Literal

from dms.settings import setting, settings


@settings
class OutputSettings:
    """One line that is switched."""

    line: int | str = setting(0, text="offset on the chip, or the line's name")
    active_low: bool = setting(False, text="on is 0 V")
    from_level: int = setting(1, ge=1, le=3, text="lowest alert level that switches it")
    steady: bool = setting(
        False, text="on while such an alert stands, as for a relay; else it pulses by level"
    )


@settings
class ButtonSettings:
    """The acknowledge button."""

    line: int | str = setting(0, text="offset on the chip, or the line's name")
    active_low: bool = setting(True, text="pressed is 0 V")
    bias: Literal["pull_up", "pull_down", "none"] = setting("pull_up", text="of the chip itself")
    debounce_s: float = setting(0.03, unit="s", ge=0, le=0.5, text="shorter is no press")
    held_s: float = setting(
        2.0, unit="s", gt=0, le=30, source="issue: beyond 2 s", text="held for longer is a fault"
    )


@settings
class GpioSettings:
    """A GPIO chip: buzzer, relay and lamp out, an acknowledge button in."""

    chip: str = setting(
        "/dev/gpiochip0", text="character device; simulated: a chip in this process"
    )
    buzzer: OutputSettings | None = setting(None, text="pulses by level")
    relay: OutputSettings | None = setting(None, text="give it steady: true to close it")
    lamp: OutputSettings | None = setting(None, text="lit or blinking by level")
    button: ButtonSettings | None = setting(None, text="acknowledges by its press")
    silent_s: float = setting(
        3.0, unit="s", gt=0, le=60, text="without news for so long all outputs are off"
    )
