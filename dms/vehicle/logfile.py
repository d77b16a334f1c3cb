"""A logged bus, replayed in step with a recording: what was on the bus up to each instant."""

from __future__ import annotations

import contextlib
import logging
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import can
from can.io import CanutilsLogReader
from can.io.blf import BLFParseError
from typing_extensions import Self

from dms.errors import ConfigError
from dms.values import VehicleContext
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import VehicleSettings

log = logging.getLogger(__name__)
_SAME_TIME_S = 1e-6  # logs have microseconds
_CANDUMP = re.compile(r"\s*\(\d+\.\d+\)\s+\S+\s+[0-9A-Fa-f]+#")
# What candump prints on a screen with -t a; python-can reads only what candump -l writes.
_SCREEN = re.compile(
    r"\s*\((\d+\.\d+)\)\s+(\S+)\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})\s+\[\s*\d+\]"
    r"((?:\s+[0-9A-Fa-f]{2})*)\s*(?:'.*)?$"
)
# What python-can's readers raise for a damaged file, found by cutting and flipping bytes.
_DAMAGE = (ValueError, IndexError, KeyError, EOFError, OSError, struct.error, zlib.error,
           can.CanError, BLFParseError, AssertionError, TypeError, AttributeError)  # fmt: skip


def frames(path: Path, channel: str = "") -> Iterator[tuple[float, can.Message]]:
    """Yield (seconds since the log's first message, data frame) in the log's order.

    A log that breaks off is used up to there, with a warning. Raises ConfigError where it cannot be
    opened or understood at all.
    """
    first_s: float | None = None
    try:
        with _reader(path) as reader:
            for message in reader:
                if first_s is None:
                    first_s = message.timestamp
                skip = message.is_error_frame or message.is_remote_frame
                if not skip and (not channel or str(message.channel) == channel):
                    yield message.timestamp - first_s, message
    except _DAMAGE as error:
        if first_s is None:
            raise ConfigError(f"{path} is not a CAN log that can be read: {error}") from error
        log.warning("%s breaks off after a damaged entry: %s", path, error)
    if first_s is None:
        raise ConfigError(f"{path} holds no CAN message; is it the right log?")


def _reader(path: Path) -> Any:
    if not path.is_file():
        raise ConfigError(f"there is no CAN log {path}; check the path")
    if path.suffix.lower() in {"", ".log", ".txt", ".candump", ".dump"}:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline()
        if _SCREEN.match(first):
            return contextlib.closing(_screen(path))
        if _CANDUMP.match(first):
            return CanutilsLogReader(path)
    if path.suffix.lower() == ".mf4":
        with path.open("rb") as file:
            if file.read(8).strip() not in (b"MDF", b"UnFinMF"):
                raise ConfigError(f"{path} is not an MDF file; is it the right log?")
    try:
        return can.LogReader(path)
    except ImportError as error:
        raise ConfigError(f"{path}: {error}; pip install 'dms-jetson[mf4]'") from error
    except NotImplementedError as error:  # python-can: the package for .mf4 is missing
        raise ConfigError(f"{path}: pip install 'dms-jetson[mf4]'") from error


def _screen(path: Path) -> Iterator[can.Message]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := _SCREEN.match(line):
                data = bytes.fromhex(found[4])
                yield can.Message(
                    timestamp=float(found[1]),
                    channel=found[2],
                    arbitration_id=int(found[3], 16),
                    is_extended_id=len(found[3]) == 8,
                    is_fd=len(data) > 8,
                    data=data,
                )


class LogVehicle:
    """The vehicle of a log. Time 0 is the log's first message, moved by ``log_offset_s``.

    With ``live``, whose times start anywhere, the first question is asked at time 0.
    """

    def __init__(self, settings: VehicleSettings, *, live: bool = False) -> None:
        self._origin_s: float | None = None if live else 0.0
        self.input = VehicleInput(settings)
        self._settings = settings
        self._path = Path(settings.log)
        self._frames: Iterator[tuple[float, can.Message]] = iter(())
        self._next: tuple[float, can.Message] | None = None
        self._last_s = float("inf")

    def __enter__(self) -> Self:
        self._rewind()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._frames = iter(())  # closes the file with the generator
        self._next = None
        self._last_s = float("inf")

    def _rewind(self) -> None:
        self.input.reset()
        self._frames = frames(self._path, self._settings.log_channel)
        self._next = next(self._frames, None)
        self._last_s = float("-inf")

    @property
    def ended(self) -> bool:
        """Whether the log holds nothing after the last question."""
        return self._next is None

    def why_unknown(self, t_s: float) -> dict[str, str]:
        """Return the reason of every mapped quantity that is unknown at ``t_s``."""
        return self.input.why_unknown(t_s)

    def at(self, t_s: float) -> VehicleContext:
        """Return what the bus had said by ``t_s`` of the recording; a step back starts anew."""
        if self._origin_s is None:
            self._origin_s = t_s
        if t_s < self._last_s:
            self._rewind()
        self._last_s = t_s
        offset_s = self._settings.log_offset_s - self._origin_s
        while self._next is not None and self._next[0] - offset_s <= t_s + _SAME_TIME_S:
            at_s, message = self._next
            self.input.feed(
                message.arbitration_id,
                bytes(message.data),
                at_s - offset_s,
                extended=message.is_extended_id,
            )
            self._next = next(self._frames, None)
        return self.input.context(t_s)
