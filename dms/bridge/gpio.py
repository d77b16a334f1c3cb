"""The GPIO bridge: buzzer, relay and lamp by alert level, and an acknowledge button."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dms.bridge.bridge import Bridge
from dms.bridge.command_queue import CommandQueue
from dms.bridge.gpio_lines import Lines, check_chip, open_lines, outputs
from dms.bridge.gpio_pattern import Button, Output
from dms.bridge.settings import BridgeSettings, GpioSettings
from dms.errors import BridgeError, ConfigError
from dms.values import Command, DriverState

_log = logging.getLogger(__name__)
_TURN_S = 0.01  # how exactly a pulse is timed
_RETRY_S = (0.5, 30.0)  # first and longest pause before a chip that is gone is tried again


class GpioBridge(Bridge):
    """A thread of its own holds the lines; a chip that is gone is a fault and tried again.

    Raises ConfigError where no line is set, or one twice.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        opener: Callable[[GpioSettings], Lines] = open_lines,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings.gpio
        _check(self._settings)
        self.name = f"gpio {self._settings.chip}"
        self._opener, self._clock, self._wait = opener, clock, settings.wait
        self._outputs = {name: Output(one) for name, one in outputs(self._settings).items()}
        self._button = Button(self._settings.button) if self._settings.button else None
        self._commands = CommandQueue()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard_s: float | None = None
        self._fault: str | None = None
        self._stuck: str | None = None
        self.lines: Lines | None = None

    def open(self) -> None:
        try:
            self._acquire()
        except BridgeError as error:
            if not self._wait:
                raise BridgeError(f"{self.name}: {error}") from error
            self._failed(str(error))
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="dms-gpio", daemon=True)
        self._thread.start()

    def check(self) -> tuple[str, ...]:
        check_chip(self._settings)
        return ()

    @property
    def fault(self) -> str | None:
        words = self._fault or self._stuck
        return f"{self.name}: {words}" if words else None

    def publish(self, state: DriverState) -> None:
        now_s = self._clock()
        with self._lock:
            self._heard_s = now_s
            for output in self._outputs.values():
                output.step(state, now_s)

    def commands(self) -> tuple[Command, ...]:
        return self._commands.take()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)
            self._thread = None
        self._release()

    def _run(self) -> None:
        pause_s = _RETRY_S[0]
        while not self._stop.is_set():
            try:
                if self.lines is None:
                    self._acquire()
                    _log.info("%s is back", self.name)
                    self._fault, pause_s = None, _RETRY_S[0]
                self._turn()
            except (BridgeError, OSError) as error:
                self._release()
                self._failed(_words(error))
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, _RETRY_S[1])
            except Exception as error:  # noqa: BLE001 - the supervisor of this thread
                self._failed(f"unexpected {type(error).__name__}: {error}; please report it")
                self._stop.wait(pause_s)

    def _acquire(self) -> None:
        self.lines = self._opener(self._settings)
        if self._button is None:
            return
        try:
            self._button.begin(self.lines.pressed(), self._clock())
        except OSError as error:
            self._release()
            raise BridgeError(_words(error)) from error

    def _turn(self) -> None:
        """Set the outputs, then wait a moment for the button."""
        lines = self.lines
        if lines is None:
            return
        now_s = self._clock()
        with self._lock:
            if self._heard_s is None or now_s - self._heard_s > self._settings.silent_s:
                for output in self._outputs.values():
                    output.off()
            values = {name: output.value(now_s) for name, output in self._outputs.items()}
        if values:
            lines.set(values)
        if self._button is None:
            self._stop.wait(_TURN_S)
            return
        for down in lines.edges(_TURN_S):
            if self._button.edge(down, self._clock()):
                self._commands.put(Command(press=True))
        self._stuck = self._button.fault(self._clock())

    def _failed(self, words: str) -> None:
        if self._fault is None:
            _log.warning("%s: %s", self.name, words)
        self._fault = words

    def _release(self) -> None:
        lines, self.lines = self.lines, None
        if lines is not None:
            try:
                lines.close()
            except OSError as error:
                _log.debug("%s: %s", self.name, error)


def _words(error: BridgeError | OSError) -> str:
    if isinstance(error, BridgeError):
        return str(error)
    return f"{error.strerror or error}; gpiodetect lists chips, it is tried again"


def _check(settings: GpioSettings) -> None:
    used = [one.line for one in outputs(settings).values()]
    used += [settings.button.line] if settings.button else []
    if not used:
        raise ConfigError("gpio: set at least one of buzzer, relay, lamp, button")
    twice = next((line for line in used if used.count(line) > 1), None)
    if twice is not None:
        raise ConfigError(f"gpio: line {twice!r} is used twice; each needs a line of its own")
