"""A logged bus, replayed in step with a recording: what was on the bus up to each instant."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dms.bus.python_can import can
from dms.resource import OpenedResource
from dms.values import VehicleContext
from dms.vehicle.frames import frames
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import VehicleSettings

_log = logging.getLogger(__name__)
_SHOWN = 20  # identifiers of a log in which nothing is mapped
_SAME_TIME_S = 1e-6  # logs have microseconds


class LogVehicle(OpenedResource):
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
        self._told = False  # that the log ends too early

    def open(self) -> None:
        self._rewind()

    def close(self) -> None:
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
        """Return what the bus had said by ``t_s`` of the recording; a step back starts again."""
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
            if self._next is None:
                self._tell_end(at_s)
        return self.input.context(t_s)

    def _tell_end(self, at_s: float) -> None:
        """Say so where a log whose last frame came at ``at_s`` has nothing for the recording."""
        begins_s = self._settings.log_offset_s
        if not self.input.frames:
            _log.warning("%s", self.strangers())
        elif at_s < begins_s and not self._told:
            self._told = True
            _log.warning(
                "%s ends at %.3f s, before the recording begins at %.3f s of it; correct "
                "vehicle.log_offset_s", self._path, at_s, begins_s,
            )  # fmt: skip

    def strangers(self) -> str:
        """Return in words what a log holds that has no mapped message, the most frequent first."""
        heard = Counter(
            (message.arbitration_id, bool(message.is_extended_id))
            for _, message in frames(self._path, self._settings.log_channel)
        )
        listed = [
            f"0x{can_id:0{8 if extended else 3}X} "
            f"({self.input.name_of(can_id, extended=extended) or 'not in the database'}) {count} x"
            for (can_id, extended), count in heard.most_common(_SHOWN)
        ]
        more = f" and {len(heard) - _SHOWN} more" if len(heard) > _SHOWN else ""
        return (
            f"{self._path} has no message of vehicle.signals; is it of another bus or car? "
            f"It has {', '.join(listed)}{more}"
        )
