"""What the vehicle says: its signals and the requests of its head unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dms.fast_init import fast_init


class Gear(str, Enum):
    """Selector position, as far as it matters here."""

    PARK = "park"
    REVERSE = "reverse"
    NEUTRAL = "neutral"
    DRIVE = "drive"


class Indicator(str, Enum):
    """Turn indicator."""

    OFF = "off"
    LEFT = "left"
    RIGHT = "right"
    HAZARD = "hazard"


@fast_init
@dataclass(frozen=True, slots=True)
class VehicleContext:
    """The vehicle as last heard; ``None`` is unknown (not mapped, stale or implausible)."""

    t_s: float
    speed_kmh: float | None = None
    standstill: bool | None = None
    gear: Gear | None = None
    steering_deg: float | None = None  # steering wheel, left +
    steering_rate_dps: float | None = None
    indicator: Indicator | None = None
    brake: float | None = None  # pedal or pressure 0..1
    accelerator: float | None = None  # pedal 0..1
    acceleration_mps2: float | None = None  # along the vehicle, forward +
    horn: bool | None = None
    ignition: bool | None = None
    acknowledge: bool | None = None
    speed_limit_kmh: float | None = None
    loudness_db: float | None = None


class PauseReason(str, Enum):
    """Why monitoring is paused, as the head unit said; shown on the bus while it lasts."""

    DRIVER = "driver"  # the driver switched it off
    AUTOMATED = "automated"  # the vehicle drives itself
    WORKSHOP = "workshop"
    PRIVACY = "privacy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Command:
    """A request of the head unit to the decision core; ``None`` leaves a switch as it is."""

    acknowledge: bool = False
    press: bool = False  # of a button: ends a warning, and never the 5 s of attention
    pause: bool | None = None
    pause_reason: PauseReason | None = None  # with ``pause=True``; None means OTHER
    warnings: bool | None = None
    rage: bool | None = None
