"""Which alerts the vehicle's motion lets through. Unknown motion leaves every gate open."""

from __future__ import annotations

from dataclasses import replace

from dms.decision.profiles import Rules
from dms.settings import setting, settings
from dms.values import Gear, VehicleContext


@settings
class GateSettings:
    """When the vehicle's word counts and when it stands still."""

    fresh_s: float = setting(2.0, unit="s", gt=0, text="older vehicle data are unknown")
    still_kmh: float = setting(3.0, unit="km/h", ge=0, text="slower is standing still")
    contrary_kmh: float = setting(
        10.0, unit="km/h", gt=0, text="standstill said at this speed: believe neither"
    )
    back_kmh: float = setting(5.0, unit="km/h", ge=0, text="hysteresis of the speed gates")


class Gates:
    """Open or closed for standstill, drowsiness and distraction."""

    def __init__(self, settings: GateSettings, rules: Rules) -> None:
        self._settings = settings
        self._rules = rules
        self.moving = True  # False closes everything but faults
        self.drowsy = True
        self.distraction = True
        self.speed_kmh: float | None = None
        self.stands: bool | None = None  # None: nothing is known of the motion
        self._held: set[float] = set()  # speeds whose gates a known speed has opened

    def fresh(self, vehicle: VehicleContext | None, now_s: float) -> VehicleContext | None:
        """Return the context as far as it may be believed, None if it is stale."""
        if vehicle is None or abs(now_s - vehicle.t_s) > self._settings.fresh_s:
            return None
        contrary = (vehicle.speed_kmh or 0.0) >= self._settings.contrary_kmh
        if vehicle.standstill and contrary:
            return replace(vehicle, speed_kmh=None, standstill=None)
        return vehicle

    def step(self, vehicle: VehicleContext | None) -> None:
        """Set the gates by a context that :meth:`fresh` has passed."""
        if vehicle is None:
            self.speed_kmh = self.stands = None
            self.moving = self.drowsy = self.distraction = True
            return
        self.speed_kmh = vehicle.speed_kmh
        self.moving = not self._still(vehicle)
        told = self.speed_kmh is not None or vehicle.standstill is not None
        self.stands = True if not self.moving else False if told else None
        self.drowsy = self._from(self._rules.drowsy_from_kmh)
        self.distraction = self._from(self._rules.distraction_from_kmh)
        if vehicle.gear is Gear.REVERSE:
            self.distraction = False

    def distraction_limit_s(self) -> float:
        """How long a look away may last at this speed; the shorter time where it is unknown."""
        speed = self.speed_kmh
        if speed is None or speed >= self._rules.distraction_fast_kmh:
            return self._rules.distraction_s
        return self._rules.distraction_slow_s

    def _still(self, vehicle: VehicleContext) -> bool:
        if vehicle.speed_kmh is not None:
            return abs(vehicle.speed_kmh) < self._settings.still_kmh
        return bool(vehicle.standstill) or vehicle.gear is Gear.PARK

    def _from(self, limit_kmh: float) -> bool:
        if not self.moving:
            self._held.discard(limit_kmh)
            return False
        if self.speed_kmh is None:
            return True
        back_kmh = self._settings.back_kmh if limit_kmh in self._held else 0.0
        if self.speed_kmh >= limit_kmh - back_kmh:
            self._held.add(limit_kmh)
            return True
        self._held.discard(limit_kmh)
        return False
