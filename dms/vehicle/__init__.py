"""The vehicle's own signals: from a bus or a log of one, by the user's CAN database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dms.vehicle.settings import VehicleSettings

if TYPE_CHECKING:
    from dms.vehicle.live import LiveVehicle
    from dms.vehicle.logfile import LogVehicle

__all__ = ["Mapping", "VehicleSettings", "check_vehicle", "log_beside", "open_vehicle"]

LOGS = (".blf", ".asc", ".log", ".mf4", ".trc")  # of the vehicle's bus


@dataclass(frozen=True, slots=True)
class Mapping:
    """What is mapped, and what looks wrong in it though it can be read."""

    quantities: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def check_vehicle(settings: VehicleSettings) -> Mapping:
    """Return what is mapped, nothing without a database; opens no bus.

    Raises ConfigError where database, mapping or the second bus cannot be, BridgeError where its
    log cannot.
    """
    if not settings.database:
        return Mapping()
    from dms.vehicle.inputs import VehicleInput  # noqa: PLC0415 - cantools only if asked

    made = VehicleInput(settings)
    if settings.bus is not None:
        from dms.bus.log import check_ending  # noqa: PLC0415 - python-can only if asked
        from dms.vehicle.live import check_bus  # noqa: PLC0415 - python-can only if asked

        check_bus(settings.bus)
        if settings.bus.log:
            check_ending(Path(settings.bus.log))
    return Mapping(made.quantities, tuple(made.hints()))


def open_vehicle(
    settings: VehicleSettings, bridges: Sequence[object] = (), *, live: bool
) -> LogVehicle | LiveVehicle | None:
    """Make the vehicle of the settings, a context manager; None where none is set.

    A recording (not ``live``) is only ever accompanied by a log. Raises ConfigError where database
    and mapping do not fit.
    """
    if settings.log:
        from dms.vehicle.logfile import LogVehicle  # noqa: PLC0415 - python-can only if asked

        return LogVehicle(settings, live=live)
    if settings.database and live:
        from dms.vehicle.live import LiveVehicle  # noqa: PLC0415 - python-can only if asked

        return LiveVehicle(settings, bridges)
    return None


def log_beside(recording: str) -> Path | None:
    """Return the bus log that lies beside a recording under its name, or None."""
    endings = (*LOGS, *(suffix.upper() for suffix in LOGS))  # as some tools of Windows write them
    named = Path(recording) if Path(recording).name.strip(".") else Path(recording).resolve()
    places = (named.with_suffix(suffix) for suffix in endings)
    return next((place for place in places if place.is_file()), None)
