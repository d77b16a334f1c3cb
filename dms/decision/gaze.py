"""Where the driver looks: from iris and head to angles against the road ahead.

An iris moves in its eye as the gaze does, and less where the head turns with it. What the lids hide
or the net is unsure of gives no angle: the head's own direction is then all that is known.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from dms.decision.baseline import Baseline
from dms.decision.tick import TOLERANCE_S, Tick
from dms.settings import setting, settings
from dms.values import DriverObservation, EyeEvidence, EyeObservation, Gaze, HeadPose, Iris

# A reading's time and weight, then its yaw, pitch and their deviations times that weight.
_Weighed: TypeAlias = tuple[float, float, float, float, float, float]
_Mean: TypeAlias = tuple[float, float, float, float]  # yaw, pitch and their deviations in degrees
_LEAST_SD_DEG = 0.1
_SHARED = 0.5  # how far the errors of both eyes are one: corners, light and head are the same


@settings
class GazeSettings:
    """How an iris is read, and when it is not."""

    enabled: bool = setting(True, text="read the gaze; no: attention is the head's alone")
    iris_yaw_deg: float = setting(
        185.0, unit="deg/width", gt=0,
        source="drawn eyes: tools/train/fit_gaze.py; 161 by geometry",
        text="yaw per eye width of the iris's offset",
    )  # fmt: skip
    head_yaw: float = setting(
        0.6, ge=0, le=1.5, source="eyes turn about a point some 6 mm behind their corners' middle",
        text="yaw per degree of the head's",
    )  # fmt: skip
    iris_pitch_deg: float = setting(
        215.0, unit="deg/width", gt=0, source="drawn eyes: tools/train/fit_gaze.py",
        text="pitch per eye width of the iris's offset upwards",
    )  # fmt: skip
    head_pitch: float = setting(0.3, ge=0, le=1.5, text="pitch per degree of the head's")
    iris_rest: float = setting(
        -0.07, unit="widths", ge=-0.3, le=0.3, source="drawn eyes: tools/train/fit_gaze.py",
        text="the iris's offset with a level gaze: it rests above the line of the corners",
    )  # fmt: skip
    open_least: float = setting(
        0.5, ge=0, le=1, text="eyes less open than this give no gaze: the lids hide the iris"
    )
    unsure_deg: float = setting(
        12.0,
        unit="deg",
        gt=0,
        text="a gaze whose yaw is less sure than this, one deviation, is none",
    )
    smooth_s: float = setting(
        0.2, unit="s", ge=0, le=0.5, text="time of the running mean, by timestamps"
    )
    hold_s: float = setting(
        0.3, unit="s", ge=0, le=1, text="a blink holds the last gaze for this long at most"
    )
    hidden_pitch_deg: float = setting(
        -25.0, unit="deg", lt=0, text="below this the lids hide the iris: down, without an angle"
    )
    apart_s: float = setting(
        30.0, unit="s", gt=0, text="time in which the difference of the two eyes is learned"
    )


@dataclass(slots=True)
class Look:
    """One direction in degrees against the road ahead; ``_sd_deg`` one deviation of each.

    ``learned``: the road is this driver's own and not the mount's. ``hidden``: so far down that
    the lids hide the iris, so that the angle is only a bound.
    """

    yaw_deg: float
    pitch_deg: float
    yaw_sd_deg: float
    pitch_sd_deg: float
    learned: bool = False
    hidden: bool = False

    def sd_deg(self) -> float:
        """Return the deviation of the less sure axis."""
        yaw_sd_deg, pitch_sd_deg = self.yaw_sd_deg, self.pitch_sd_deg
        return pitch_sd_deg if pitch_sd_deg > yaw_sd_deg else yaw_sd_deg

    def gaze(self) -> Gaze | None:
        """Return what is reported of it, None where the angle is only a bound."""
        return None if self.hidden else Gaze(self.yaw_deg, self.pitch_deg, self.sd_deg())


@dataclass(slots=True)
class Sight:
    """One reading of one or both eyes against the camera, in degrees."""

    yaw_deg: float
    pitch_deg: float
    yaw_sd_deg: float
    pitch_sd_deg: float


def sight(iris: Iris, pose: HeadPose, roll_deg: float, s: GazeSettings) -> Sight:
    """Turn one iris into a direction against the camera.

    ``pose`` is the head's against the camera, ``roll_deg`` its tilt against this driver's normal:
    the iris is measured in the tilted eye's own frame.
    """
    across, up = s.iris_yaw_deg * iris.x, s.iris_pitch_deg * (s.iris_rest - iris.y)
    tilt = math.radians(roll_deg)
    cos, sin = math.cos(tilt), math.sin(tilt)
    return Sight(
        across * cos - up * sin + s.head_yaw * pose.yaw_deg,
        across * sin + up * cos + s.head_pitch * pose.pitch_deg,
        s.iris_yaw_deg * iris.sd,
        s.iris_pitch_deg * iris.sd,
    )


class Pair:
    """Joins both eyes by how sure each is. Squint and the eyes' own axes are learned meanwhile."""

    def __init__(self, settings: GazeSettings) -> None:
        self._settings = settings
        self._apart = (0.0, 0.0)  # left minus right, yaw and pitch
        self._taught_s = 0.0

    def join(self, right: Sight | None, left: Sight | None, dt_s: float) -> Sight | None:
        """Return the middle of both, or the one that is seen where the other would be."""
        if right is None or left is None:
            one = right or left
            if one is None:
                return None
            side = 0.5 if left is None else -0.5
            return Sight(
                one.yaw_deg + side * self._apart[0],
                one.pitch_deg + side * self._apart[1],
                one.yaw_sd_deg,
                one.pitch_sd_deg,
            )
        taught_s, most_s = self._taught_s + dt_s, self._settings.apart_s
        self._taught_s = taught_s = most_s if taught_s > most_s else taught_s
        share = dt_s / (taught_s + 1.0)
        yaw_deg, pitch_deg = self._apart
        yaw_deg += (left.yaw_deg - right.yaw_deg - yaw_deg) * share
        pitch_deg += (left.pitch_deg - right.pitch_deg - pitch_deg) * share
        self._apart = (yaw_deg, pitch_deg)
        return _middle(right, left, yaw_deg / 2, pitch_deg / 2)


def _middle(right: Sight, left: Sight, yaw_deg: float, pitch_deg: float) -> Sight:
    """Return the middle of both, each of which lies that far off it; the surer eye leads."""
    of_right, of_left = _weight(right.yaw_sd_deg), _weight(left.yaw_sd_deg)
    a = of_right / (of_right + of_left)
    b = 1.0 - a
    return Sight(
        a * (right.yaw_deg + yaw_deg) + b * (left.yaw_deg - yaw_deg),
        a * (right.pitch_deg + pitch_deg) + b * (left.pitch_deg - pitch_deg),
        _spread(a * right.yaw_sd_deg, b * left.yaw_sd_deg),
        _spread(a * right.pitch_sd_deg, b * left.pitch_sd_deg),
    )


def _weight(sd_deg: float) -> float:
    """How much a reading counts, by its deviation."""
    return float(1.0 / (_LEAST_SD_DEG if sd_deg < _LEAST_SD_DEG else sd_deg) ** 2)


def _spread(one: float, two: float) -> float:
    """Return the deviation of a sum of two readings, which share a part of their errors."""
    return math.sqrt(one * one + two * two + 2.0 * _SHARED * one * two)


class Gazer:
    """Reads, smooths and holds the gaze. Step it with every frame in time order."""

    def __init__(self, settings: GazeSettings) -> None:
        self._settings = settings
        self._pair = Pair(settings)
        self._seen: deque[_Weighed] = deque()
        self._smooth: _Mean | None = None  # against the camera
        self._sight_s = float("-inf")
        self.fresh = False  # this very frame showed an iris

    def step(
        self,
        tick: Tick,
        observation: DriverObservation,
        eyes: tuple[EyeObservation, EyeObservation],
        base: Baseline,
    ) -> Look | None:
        """Take one frame and return the look, None where none is known.

        ``eyes``: how far each (right, left) is open.
        """
        s, t_s, pose = self._settings, tick.t_s, observation.pose
        seen = None
        if s.enabled and pose is not None:
            seen = self._read(observation, pose, eyes, base, tick.dt_s)
        self.fresh = seen is not None
        while self._seen and self._seen[0][0] < t_s - s.smooth_s - TOLERANCE_S:
            self._seen.popleft()
        if seen is not None:
            self._seen.append(_weighed(t_s, seen))
            self._smooth, self._sight_s = _mean(self._seen), t_s
        elif pose is None or t_s - self._sight_s > s.hold_s + TOLERANCE_S:
            self._smooth = None
        return None if self._smooth is None else self._against(self._smooth, base)

    def learn(self, base: Baseline, speed_kmh: float | None, dt_s: float) -> None:
        """Teach the road this frame's gaze, at speed or where none is known: not while away."""
        slow = speed_kmh is not None and speed_kmh < base.road.from_kmh
        if self.fresh and self._smooth is not None and not slow:
            base.road.teach(self._smooth[:2], (base.yaw.value_deg, base.pitch.value_deg), dt_s)

    def _read(
        self,
        observation: DriverObservation,
        pose: HeadPose,
        eyes: tuple[EyeObservation, EyeObservation],
        base: Baseline,
        dt_s: float,
    ) -> Sight | None:
        s = self._settings
        roll_deg = pose.roll_deg - base.roll.value_deg
        right = _sight_of(observation.right_eye, eyes[0], pose, roll_deg, s)
        left = _sight_of(observation.left_eye, eyes[1], pose, roll_deg, s)
        joined = self._pair.join(right, left, dt_s)
        unsure = joined is None or joined.yaw_sd_deg > s.unsure_deg
        return None if unsure else joined

    def _against(self, seen: _Mean, base: Baseline) -> Look:
        seen_yaw_deg, seen_pitch_deg, yaw_sd_deg, pitch_sd_deg = seen
        yaw_deg, pitch_deg = base.road.direction((base.yaw.value_deg, base.pitch.value_deg))
        pitch_deg = seen_pitch_deg - pitch_deg
        return Look(
            seen_yaw_deg - yaw_deg,
            pitch_deg,
            yaw_sd_deg,
            pitch_sd_deg,
            base.road.learned,
            pitch_deg < self._settings.hidden_pitch_deg,
        )


def _sight_of(
    eye: EyeEvidence, seen: EyeObservation, pose: HeadPose, roll_deg: float, s: GazeSettings
) -> Sight | None:
    """Return where an eye looks whose lids leave the iris to be seen."""
    if eye.iris is None or seen.openness is None or seen.openness < s.open_least:
        return None
    if eye.lids is not None and eye.lids.open < s.open_least:
        return None
    return sight(eye.iris, pose, roll_deg, s)


def _weighed(t_s: float, one: Sight) -> _Weighed:
    """Return a reading with its time and weight, all its numbers times that weight."""
    weight = _weight(one.yaw_sd_deg)
    return (
        t_s,
        weight,
        weight * one.yaw_deg,
        weight * one.pitch_deg,
        weight * one.yaw_sd_deg,
        weight * one.pitch_sd_deg,
    )


def _mean(readings: Iterable[_Weighed]) -> _Mean:
    """Return the mean, the surer ones weighing more; a mean is no surer: errors last for longer."""
    total = yaw = pitch = yaw_sd = pitch_sd = 0.0
    for _, weight, one_yaw, one_pitch, one_yaw_sd, one_pitch_sd in readings:
        total += weight
        yaw += one_yaw
        pitch += one_pitch
        yaw_sd += one_yaw_sd
        pitch_sd += one_pitch_sd
    return yaw / total, pitch / total, yaw_sd / total, pitch_sd / total
