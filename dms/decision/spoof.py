"""A face that neither moves nor blinks for a minute is a photo or a screen, and tells nothing.

Cautious on purpose: one blink, a slow turn of the head, a twitch of lids or lips starts the minute
again. Real faces do one of these every few seconds, also when they stare; a film of a face is not
found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dms.decision.openness import Openness
from dms.settings import setting, settings
from dms.values import EyeObservation, HeadPose, Unseen


@settings
class StillSettings:
    """When a face is taken for a picture of one."""

    after_s: float = setting(60.0, unit="s", gt=0, text="without any sign of life")
    smooth_s: float = setting(
        0.5, unit="s", gt=0, text="values are smoothed over this: what is left of a sensor's noise"
    )
    turn_deg: float = setting(
        1.2, unit="deg", gt=0, text="a smoothed turn of the head beyond this is a sign of life"
    )
    lids: float = setting(
        0.08, unit="share of the EAR", gt=0, text="a smoothed change of the lids beyond this, too"
    )
    lips: float = setting(0.04, unit="MAR", gt=0, text="a smoothed change of the mouth beyond this")
    gap_s: float = setting(2.0, unit="s", gt=0, text="a face out of sight for so long is another")


@dataclass(slots=True)
class _Look:
    """A face's measures: its head's angles, EAR of both eyes, MAR."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    ear: float
    mar: float


class Still:
    """Step it with every frame; tells whether the face has shown no sign of life for too long."""

    def __init__(self, settings: StillSettings) -> None:
        self._settings = settings
        self._first: _Look | None = None  # at the last sign of life
        self._now: _Look | None = None  # smoothed
        self._since_s = self._last_s = 0.0

    def step(self, t_s: float, opened: Openness, pose: HeadPose | None, mar: float | None) -> bool:
        """Take one frame's openness, pose and mouth; where they are unknown nothing is learned."""
        right, left = opened.ears
        ear = left if right is None else right if left is None else (right + left) / 2
        if ear is None or pose is None or opened.both is None:
            if t_s - self._last_s > self._settings.gap_s:
                self._first = None
            return False
        now, first = self._now, self._first
        if now is None or first is None or t_s - self._last_s > self._settings.gap_s:
            look = _Look(pose.yaw_deg, pose.pitch_deg, pose.roll_deg, ear, mar or 0.0)
            self._begin(t_s, look)
        else:
            share = 1.0 - math.exp(-(t_s - self._last_s) / self._settings.smooth_s)
            now.yaw_deg += share * (pose.yaw_deg - now.yaw_deg)
            now.pitch_deg += share * (pose.pitch_deg - now.pitch_deg)
            now.roll_deg += share * (pose.roll_deg - now.roll_deg)
            now.ear += share * (ear - now.ear)
            now.mar += share * ((mar or 0.0) - now.mar)
            if opened.both < 0.5 or self._moved(first, now):
                self._begin(t_s, now)
        self._last_s = t_s
        return t_s - self._since_s >= self._settings.after_s

    @property
    def quiet_s(self) -> float | None:
        """How long the face has shown no sign of life, None while there is none to watch."""
        return None if self._first is None else self._last_s - self._since_s

    def _begin(self, t_s: float, look: _Look) -> None:
        self._first = _Look(look.yaw_deg, look.pitch_deg, look.roll_deg, look.ear, look.mar)
        self._now = look
        self._since_s = t_s

    def _moved(self, first: _Look, now: _Look) -> bool:
        s = self._settings
        most_deg = s.turn_deg
        return (
            abs(first.yaw_deg - now.yaw_deg) > most_deg
            or abs(first.pitch_deg - now.pitch_deg) > most_deg
            or abs(first.roll_deg - now.roll_deg) > most_deg
            or abs(now.ear / first.ear - 1.0) > s.lids
            or abs(now.mar - first.mar) > s.lips
        )


def disbelieve() -> Openness:
    """Return what is known of eyes that are a picture: nothing."""
    eye = EyeObservation(None, 0.0, Unseen.STILL)
    return Openness(eye, eye, None, 0.0, Unseen.STILL)
