"""The lines of a GPIO chip: libgpiod 2 by its own Python binding, or a chip simulated in-process.

The kernel's gpio-sim would be the better twin; it needs a kernel that has the module and root.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from dms.bridge.settings import ButtonSettings, GpioSettings, OutputSettings
from dms.errors import BridgeError

SIMULATED = "simulated"
_CONSUMER = "dms"


class Lines(Protocol):
    """Requested lines; only one thread uses them."""

    def set(self, values: Mapping[str, bool]) -> None:
        """Switch outputs by their names. Raises OSError where the chip is gone."""

    def pressed(self) -> bool:
        """Whether the button is down now. Raises OSError."""

    def edges(self, timeout_s: float) -> list[bool]:
        """Wait for edges of the button; True is down. Raises OSError."""

    def close(self) -> None:
        """Switch everything off and release the lines."""


def open_lines(settings: GpioSettings) -> Lines:
    """Request the lines. Raises BridgeError with what to do."""
    if settings.chip == SIMULATED:
        return SimulatedLines(settings)
    gpiod = _binding()
    try:
        return GpiodLines(gpiod, settings)
    except FileNotFoundError as error:
        raise BridgeError(f"there is no {settings.chip}; gpiodetect lists chips") from error
    except PermissionError as error:
        raise BridgeError(
            f"no permission for {settings.chip}: add the user to its group"
        ) from error
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise BridgeError(
            f"{settings.chip}: {words}; gpioinfo shows which lines are there and who holds them"
        ) from error


def check_chip(settings: GpioSettings) -> None:
    """Raise BridgeError where this machine lacks binding or chip; requests no line."""
    if settings.chip == SIMULATED:
        return
    _binding()
    try:
        found = Path(settings.chip).exists()
    except OSError as error:
        raise BridgeError(f"{settings.chip}: {error.strerror}; gpiodetect lists chips") from error
    if not found:
        raise BridgeError(f"there is no {settings.chip}; gpiodetect lists chips")


def _binding() -> ModuleType:
    try:
        import gpiod  # noqa: PLC0415 - only if asked for
    except ImportError as error:
        raise BridgeError("gpio needs a package: pip install 'dms-jetson[gpio]'") from error
    module: ModuleType = gpiod
    return module


def outputs(settings: GpioSettings) -> dict[str, OutputSettings]:
    """Return the outputs that are set, by name."""
    named = {"buzzer": settings.buzzer, "relay": settings.relay, "lamp": settings.lamp}
    return {name: one for name, one in named.items() if one is not None}


class GpiodLines:
    """libgpiod's lines."""

    def __init__(self, gpiod: ModuleType, settings: GpioSettings) -> None:
        self._line: Any = gpiod.line
        wanted: dict[int | str, Any] = {}
        self._outputs = outputs(settings)
        self._button = settings.button
        for one in self._outputs.values():
            wanted[one.line] = gpiod.LineSettings(
                direction=self._line.Direction.OUTPUT,
                active_low=one.active_low,
                output_value=self._line.Value.INACTIVE,
            )
        if self._button is not None:
            wanted[self._button.line] = self._button_settings(gpiod, self._button)
        self._request: Any = gpiod.request_lines(settings.chip, wanted, consumer=_CONSUMER)

    def _button_settings(self, gpiod: ModuleType, button: ButtonSettings) -> Any:
        biases = {
            "pull_up": self._line.Bias.PULL_UP,
            "pull_down": self._line.Bias.PULL_DOWN,
            "none": self._line.Bias.AS_IS,
        }
        return gpiod.LineSettings(
            direction=self._line.Direction.INPUT,
            edge_detection=self._line.Edge.BOTH,
            bias=biases[button.bias],
            active_low=button.active_low,
            debounce_period=timedelta(seconds=button.debounce_s),
        )

    def set(self, values: Mapping[str, bool]) -> None:
        value = self._line.Value
        self._request.set_values(
            {self._outputs[n].line: value.ACTIVE if on else value.INACTIVE
             for n, on in values.items()}
        )  # fmt: skip

    def pressed(self) -> bool:
        if self._button is None:
            return False
        return bool(self._request.get_value(self._button.line) == self._line.Value.ACTIVE)

    def edges(self, timeout_s: float) -> list[bool]:
        if not self._request.wait_edge_events(timeout_s):
            return []
        events = self._request.read_edge_events()
        return [event.event_type is event.Type.RISING_EDGE for event in events]

    def close(self) -> None:
        try:
            self.set(dict.fromkeys(self._outputs, False))
        finally:
            self._request.release()


class SimulatedLines:
    """The twin: ``values`` is how the outputs stand, :meth:`press` moves the button."""

    def __init__(self, settings: GpioSettings) -> None:
        self.values = dict.fromkeys(outputs(settings), False)
        self.changes: list[tuple[str, bool]] = []
        self.gone = False
        self._down = False
        self._edges: queue.Queue[bool] = queue.Queue()

    def press(self, down: bool) -> None:
        """Move the button."""
        self._down = down
        self._edges.put(down)

    def set(self, values: Mapping[str, bool]) -> None:
        self._alive()
        for name, on in values.items():
            if self.values[name] != on:
                self.values[name] = on
                self.changes.append((name, on))

    def pressed(self) -> bool:
        return self._down

    def edges(self, timeout_s: float) -> list[bool]:
        self._alive()
        try:
            found = [self._edges.get(timeout=max(timeout_s, 0.001))]
        except queue.Empty:
            return []
        while not self._edges.empty():
            found.append(self._edges.get())
        return found

    def close(self) -> None:
        self.values = dict.fromkeys(self.values, False)

    def _alive(self) -> None:
        if self.gone:
            raise OSError("the chip is gone")
