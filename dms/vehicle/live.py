"""The vehicle as its bus speaks now: a second bus that is only listened to, or the bridge's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dms.bus.link import Link
from dms.bus.log import CanLog
from dms.bus.open import check, open_bus
from dms.bus.python_can import can
from dms.bus.settings import BusSettings
from dms.bus.shared import SharedBus
from dms.errors import ConfigError
from dms.resource import OpenedResource
from dms.values import VehicleContext
from dms.vehicle.inputs import VehicleInput
from dms.vehicle.settings import VehicleSettings


def check_bus(bus: BusSettings) -> None:
    """Raise ConfigError where a second bus cannot be."""
    try:
        check(bus)
    except ConfigError as error:
        raise ConfigError(f"vehicle.bus: {error}", ("vehicle", "bus")) from error


class LiveVehicle(OpenedResource):
    """Hears the bus in another thread; :meth:`at` never waits for it.

    Raises ConfigError where neither a second bus nor a CAN bridge is there to listen to, or the
    second bus is none.
    """

    def __init__(
        self,
        settings: VehicleSettings,
        bridges: Sequence[object] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.input = VehicleInput(settings)
        self._clock = clock
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._log: CanLog | None = None
        self._shared: SharedBus | None = None
        self._bus = settings.bus
        if settings.bus is not None:
            check_bus(settings.bus)
            self._link = Link(
                replace(settings.bus, wait=True),  # a missing vehicle bus must not stop the rest
                self._heard,
                self._logged if settings.bus.log else None,
                listen_only=True,
                opener=self._open,
            )
            return
        self._shared = next((each for each in bridges if isinstance(each, SharedBus)), None)
        if self._shared is None:
            raise ConfigError("vehicle.bus is null and there is no CAN bridge; give a bus or a log")

    def _open(self, settings: BusSettings, *, listen_only: bool) -> can.BusABC:
        bus = open_bus(settings, listen_only=listen_only)
        if not settings.log:  # a log is of all that was on the bus
            filters = [
                can.typechecking.CanFilter(
                    can_id=int(each["can_id"]),
                    can_mask=int(each["can_mask"]),
                    extended=bool(each["extended"]),
                )
                for each in self.input.filters()
            ]
            bus.set_filters(filters or None)
        return bus

    def _logged(self, message: can.Message) -> None:
        if self._log:
            self._log.add(message, time.time())

    def _heard(self, message: can.Message, at_s: float) -> None:
        if message.is_error_frame or message.is_remote_frame:
            return
        with self._lock:
            self.input.feed(
                message.arbitration_id,
                bytes(message.data),
                at_s,
                extended=message.is_extended_id,
            )

    @property
    def fault(self) -> str | None:
        """What is wrong with the second bus, or None."""
        return self._link.fault if self._link else None

    def at(self, t_s: float) -> VehicleContext | None:
        """Return what is known now, stamped with the frame's time ``t_s``."""
        with self._lock:
            now = self.input.context(self._clock())
        return VehicleContext(**{name: getattr(now, name) for name in now.__slots__} | {"t_s": t_s})

    def open(self) -> None:
        if self._shared:
            self._shared.listen(self._heard)
        if self._link and self._bus:
            if self._bus.log:
                self._log = CanLog(Path(self._bus.log), Path(self._bus.channel).name)
            self._link.open()

    def close(self) -> None:
        if self._shared:
            self._shared.ignore(self._heard)
        if self._link:
            self._link.close()
        if self._log:
            self._log.close()
