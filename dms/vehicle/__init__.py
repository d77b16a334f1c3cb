"""The vehicle's own signals: from a bus or a log of one, by the user's CAN database."""

from dms.vehicle.settings import VehicleSettings

__all__ = ["VehicleSettings"]
