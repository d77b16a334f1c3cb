"""What excuses a look aside: a turn that is being driven, or the side that the indicator announces.

Each source of a look, head or gaze, has one of its own.
"""

from __future__ import annotations

import math

from dms.values import Indicator, VehicleContext


class Excuse:
    """Times the mirror and shoulder checks of one source.

    ``gain``: degrees of free yaw per degree of steering beyond ``from_deg``, up to ``most_deg``.
    """

    def __init__(self, *, mirror_s: float, from_deg: float, gain: float, most_deg: float) -> None:
        self._mirror_s = mirror_s
        self._from_deg, self._gain, self._most_deg = from_deg, gain, most_deg
        self._since_s: float | None = None

    def end(self) -> None:
        """Forget the check: the look is over."""
        self._since_s = None

    def frees(
        self,
        t_s: float,
        yaw_deg: float,
        limit_deg: float,
        vehicle: VehicleContext | None,
        *,
        counted: bool,
    ) -> bool:
        """Whether a look at this yaw, beyond ``limit_deg``, is no look away."""
        if vehicle is None:
            return False
        steering = vehicle.steering_deg
        if steering is not None and abs(steering) > self._from_deg:
            free = min(limit_deg + abs(steering) * self._gain, self._most_deg)
            if steering * yaw_deg > 0 and abs(yaw_deg) <= free:
                return True
        announced = yaw_deg * _side(vehicle.indicator) > 0
        return self._checks(t_s, announced=announced, counted=counted)

    def frees_lost(
        self,
        t_s: float,
        yaw_deg: float,
        from_deg: float,
        vehicle: VehicleContext | None,
        *,
        counted: bool,
    ) -> bool:
        """The same for a face lost by turning: a look over the shoulder, or into a sharp turn.

        ``yaw_deg`` is the last one seen, which ``from_deg`` makes a turn.
        """
        if vehicle is None:
            return False
        steering = vehicle.steering_deg or 0.0
        into_turn = math.copysign(abs(steering) > self._from_deg, steering)
        sides = (_side(vehicle.indicator), into_turn)
        announced = any(side * yaw_deg > from_deg for side in sides)
        return self._checks(t_s, announced=announced, counted=counted)

    def _checks(self, t_s: float, *, announced: bool, counted: bool) -> bool:
        """Whether this look is a mirror or shoulder check, which is free for a moment.

        A look that is ``counted`` already is none: a slumping driver may well turn the wheel.
        """
        if not announced:
            return False
        if self._since_s is None:  # nor does it become one before it has ended
            self._since_s = -math.inf if counted else t_s
        return t_s - self._since_s < self._mirror_s


def _side(indicator: Indicator | None) -> float:
    """Sign of the yaw that the indicator announces, 0 for none."""
    return {Indicator.LEFT: 1.0, Indicator.RIGHT: -1.0}.get(indicator or Indicator.OFF, 0.0)
