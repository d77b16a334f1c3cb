"""Where the road ends for the eyes, and what is looked at instead: coarse zones of a cabin.

Finer names (inner mirror, centre, instruments) only where the gaze is sure enough for them.
"""

from __future__ import annotations

from enum import Enum

from dms.decision.gaze import Look
from dms.settings import setting, settings
from dms.values import GazeZone, HeadPose


class Side(str, Enum):
    """Where the steering wheel is."""

    LEFT = "left"
    RIGHT = "right"


_LEFT, _UNKNOWN, _ROAD = Side.LEFT, GazeZone.UNKNOWN, GazeZone.ROAD  # bound once: see policy.py


@settings
class ZoneSettings:
    """Angles of the gaze off this driver's own road ahead."""

    steering_wheel: Side = setting(Side.LEFT, text="left or right: the centre lies beyond it")
    yaw_deg: float = setting(15.0, unit="deg", gt=0, lt=90, text="off the road beyond this yaw")
    yaw_back_deg: float = setting(11.0, unit="deg", gt=0, lt=90, text="back on it below this")
    pitch_deg: float = setting(-15.0, unit="deg", gt=-90, lt=0, text="off it below this pitch")
    pitch_back_deg: float = setting(-11.0, unit="deg", gt=-90, lt=0, text="back on it above this")
    unlearned: float = setting(
        2.0, ge=1, text="these limits are so many times as wide until the road is learned"
    )
    sure: float = setting(
        3.0, ge=0, text="the gaze alone opens a look away only this many deviations off"
    )
    up_deg: float = setting(12.0, unit="deg", gt=0, lt=90, text="up: above this pitch")
    side_deg: float = setting(
        40.0, unit="deg", gt=0, lt=120, text="left or right, however high or low, beyond this yaw"
    )
    mirror_deg: float = setting(
        20.0, unit="deg", gt=0, lt=90, text="inner mirror: this far over to the centre, or further"
    )
    mirror_to_deg: float = setting(60.0, unit="deg", gt=0, lt=120, text="and no further than this")
    mirror_up_deg: float = setting(3.0, unit="deg", gt=-90, lt=90, text="and above this pitch")
    centre_deg: float = setting(
        10.0, unit="deg", ge=0, lt=90, text="below the road: this far over it is the centre"
    )
    fine_deg: float = setting(
        5.0, unit="deg", gt=0, text="least sure gaze, one deviation, that names mirror or centre"
    )

    def __post_init__(self) -> None:
        if self.yaw_back_deg >= self.yaw_deg or self.pitch_back_deg <= self.pitch_deg:
            raise ValueError("the way back to the road must be nearer than the way off it")


def off_road(look: Look, s: ZoneSettings, *, held: bool) -> tuple[bool | None, bool | None]:
    """Return whether the gaze is off the road to a side, and downwards; None where it is unsure.

    ``held``: it is off the road already, so that only the way back counts.
    """
    wider = 1.0 if look.learned else s.unlearned
    yaw_deg, pitch_deg = s.yaw_deg, s.pitch_deg
    if held:
        yaw_deg, pitch_deg = s.yaw_back_deg, s.pitch_back_deg
    aside: bool | None = abs(look.yaw_deg) > yaw_deg * wider
    down: bool | None = look.pitch_deg < pitch_deg * wider
    if aside and not held and s.sure * look.yaw_sd_deg >= abs(look.yaw_deg):
        aside = None
    if down and not held and s.sure * look.pitch_sd_deg >= abs(look.pitch_deg):
        down = None
    return aside, down


def zone_of(
    look: Look | None, turned: HeadPose | None, s: ZoneSettings, *, lowered: bool = False
) -> GazeZone:
    """Return what is looked at: by the eyes, else by lids ``lowered``, else by the ``turned`` head.

    ``turned``: the head's pose against normal where it is off the road.
    """
    if look is None:
        return GazeZone.DOWN if lowered else _unlooked(turned, s)
    wider = 1.0 if look.learned else s.unlearned
    over_deg = -look.yaw_deg if s.steering_wheel is _LEFT else look.yaw_deg  # to the centre
    fine = look.learned and look.sd_deg() <= s.fine_deg
    mirror = s.mirror_deg <= over_deg <= s.mirror_to_deg and look.pitch_deg > s.mirror_up_deg
    if fine and mirror:
        return GazeZone.MIRROR
    if abs(look.yaw_deg) <= s.side_deg * wider:
        if look.hidden or look.pitch_deg < s.pitch_deg * wider:
            return _below(look, over_deg, s, fine=fine)
        if look.pitch_deg > s.up_deg * wider:
            return GazeZone.UP
    if abs(look.yaw_deg) > s.yaw_deg * wider:
        return GazeZone.LEFT if look.yaw_deg > 0 else GazeZone.RIGHT
    return _ROAD


def _unlooked(turned: HeadPose | None, s: ZoneSettings) -> GazeZone:
    if turned is None:
        return _UNKNOWN
    if abs(turned.yaw_deg) > s.side_deg or turned.pitch_deg > s.pitch_deg:
        return GazeZone.LEFT if turned.yaw_deg > 0 else GazeZone.RIGHT
    return GazeZone.DOWN


def _below(look: Look, over_deg: float, s: ZoneSettings, *, fine: bool) -> GazeZone:
    if look.hidden:
        return GazeZone.LAP
    if not fine:
        return GazeZone.DOWN
    return GazeZone.CENTRE if over_deg > s.centre_deg else GazeZone.INSTRUMENTS
