"""Where the road is in the driver's gaze: a cluster that is learned while driving, hard to mislead.

Gaze is against the camera, so the road lies wherever the camera's place and this driver's eyes put
it. Until it is learned the head's own normal answers, which itself begins with the mount's.
"""

from __future__ import annotations

import math

from dms.settings import setting, settings


@settings
class RoadSettings:
    """How the direction of the road in this driver's gaze is learned."""

    from_kmh: float = setting(
        30.0, unit="km/h", ge=0, le=130, text="learned from this speed, and at an unknown one"
    )
    learn_s: float = setting(
        20.0, unit="s", gt=0, le=600, text="looks near the cluster's middle until it is learned"
    )
    share_least: float = setting(
        0.5, ge=0, lt=1, text="part of all looks that must lie near the middle to have learned it"
    )
    prior_s: float = setting(4.0, unit="s", gt=0, text="weight of the head's own normal")
    near_deg: float = setting(
        14.0, unit="deg", gt=0, text="looks fade towards this distance and hardly count beyond"
    )
    far_rate: float = setting(0.01, ge=0, le=1, text="learning rate of looks beyond")
    memory_s: float = setting(120.0, unit="s", gt=0, text="time of looks that is remembered")
    yaw_clamp_deg: float = setting(
        12.0, unit="deg", ge=0, text="most it may lie off the head's normal, sideways"
    )
    pitch_clamp_deg: float = setting(15.0, unit="deg", ge=0, text="the same, up and down")
    drift_deg: float = setting(4.0, unit="deg", ge=0, text="most it may drift once learned")


class Road:
    """The cluster's middle. Teach it with looks against the camera in time order.

    ``head`` is always yaw and pitch of the head's own normal against the camera.
    """

    def __init__(self, settings: RoadSettings) -> None:
        self._settings = settings
        self._mean = (0.0, 0.0)  # off the head's normal until learned, then against the camera
        self._anchor: tuple[float, float] | None = None
        self.learned = False  # whether the direction is this driver's own
        self._mass_s = settings.prior_s
        self.from_kmh = settings.from_kmh  # speed from which it is learned
        self._near_s = self._all_s = 0.0

    def direction(self, head: tuple[float, float]) -> tuple[float, float]:
        """Return yaw and pitch of the road against the camera, in degrees."""
        (yaw_deg, pitch_deg), (head_yaw_deg, head_pitch_deg) = self._mean, head
        s = self._settings
        yaw_most, pitch_most = s.yaw_clamp_deg, s.pitch_clamp_deg
        if self._anchor is None:
            if abs(yaw_deg) > yaw_most:
                yaw_deg = math.copysign(yaw_most, yaw_deg)
            if abs(pitch_deg) > pitch_most:
                pitch_deg = math.copysign(pitch_most, pitch_deg)
            return head_yaw_deg + yaw_deg, head_pitch_deg + pitch_deg
        yaw_ahead, pitch_ahead = self._anchor
        drift = s.drift_deg
        yaw_deg = _within(yaw_deg, yaw_ahead - drift, yaw_ahead + drift)
        pitch_deg = _within(pitch_deg, pitch_ahead - drift, pitch_ahead + drift)
        return (
            _within(yaw_deg, head_yaw_deg - yaw_most, head_yaw_deg + yaw_most),
            _within(pitch_deg, head_pitch_deg - pitch_most, head_pitch_deg + pitch_most),
        )

    def teach(self, gaze: tuple[float, float], head: tuple[float, float], dt_s: float) -> None:
        """Add ``dt_s`` seconds of a look at ``gaze``: yaw and pitch against the camera."""
        s = self._settings
        road = self.direction(head)
        far_deg = math.hypot(gaze[0] - road[0], gaze[1] - road[1])
        near = 1.0 - (far_deg / s.near_deg) ** 2
        near = 0.0 if near < 0.0 else near
        rate = near * near
        weight_s = dt_s * (s.far_rate if rate < s.far_rate else rate)
        mass_s = self._mass_s + weight_s
        self._mass_s = mass_s = s.memory_s if mass_s > s.memory_s else mass_s
        share = 1.0 if weight_s > mass_s else weight_s / mass_s
        origin = head if self._anchor is None else (0.0, 0.0)
        yaw_deg, pitch_deg = self._mean
        self._mean = (
            yaw_deg + (gaze[0] - origin[0] - yaw_deg) * share,
            pitch_deg + (gaze[1] - origin[1] - pitch_deg) * share,
        )
        self._near_s += dt_s * (near > 0.0)
        self._all_s += dt_s
        if self._anchor is None and self._near_s >= max(s.learn_s, s.share_least * self._all_s):
            self._mean = self._anchor = road
            self.learned = True
        if self._all_s > s.memory_s:
            self._near_s *= s.memory_s / self._all_s
            self._all_s = s.memory_s


def _within(value: float, low: float, high: float) -> float:
    value = low if value < low else value
    return high if value > high else value
