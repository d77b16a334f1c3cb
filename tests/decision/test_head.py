"""How far the head has come down, by the face's place in the picture and its pitch."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from dms.decision.head import Head, HeadSettings
from dms.values import Box, HeadPose

S = HeadSettings()
DT = 1 / 30
WIDTH = 200.0


class Neck:
    """Moves a head before a camera at 30 Hz."""

    def __init__(self) -> None:
        self.it = Head(S)
        self.t_s = 0.0

    def hold(
        self, seconds: float, deg: float = 0.0, pitch_deg: float | None = 0.0, x: float = 0.0
    ) -> Head:
        """``deg``: how far the face stands below, by its place; None pitch: no pose."""
        y = 50.0 + WIDTH * S.arm * math.sin(math.radians(deg))
        for _ in range(round(seconds / DT)):
            pose = None if pitch_deg is None else HeadPose(0.0, pitch_deg, 0.0)
            self.it.step(self.t_s, Box(100.0 + x, y, WIDTH, WIDTH), pose)
            self.t_s += DT
        return self.it

    def lost(self, seconds: float) -> Head:
        for _ in range(round(seconds / DT)):
            self.it.step(self.t_s, None, None)
            self.t_s += DT
        return self.it


@pytest.mark.parametrize(
    ("deg", "down", "far"),
    [(9.5, False, False), (10.5, True, False), (19.5, True, False), (20.5, True, True)],
)
def test_a_drop_of_the_face_is_a_fall_whatever_its_pitch_reads(deg, down, far):
    neck = Neck()
    assert not neck.hold(1.0).down
    for pitch_deg in (0.0, 5.0, None):
        assert neck.hold(0.2, deg, pitch_deg).down is down
        assert neck.it.far is far
    assert neck.it.fall_s == pytest.approx(1.0 - DT, abs=DT / 2)


def test_a_drop_of_the_pitch_alone_is_a_fall_too():
    neck = Neck()
    neck.hold(1.0)
    assert neck.hold(0.2, pitch_deg=-12.0).down
    assert not neck.it.far
    assert neck.hold(0.2, pitch_deg=-21.0).far


def test_level_after_a_look_up_is_not_down():
    neck = Neck()
    neck.hold(1.0, pitch_deg=20.0)
    assert not neck.hold(0.5, pitch_deg=0.0).down


def test_a_head_that_leans_or_leaves_to_the_side_does_not_fall():
    neck = Neck()
    neck.hold(1.0)
    assert not neck.hold(0.2, 25.0, x=250.0).down


def test_a_slow_drop_is_posture_and_far_below_normal_is_down():
    neck = Neck()
    for step in range(60):
        assert not neck.hold(0.2, step * 0.5).down
    assert neck.hold(0.2, 30.0, pitch_deg=-21.0).far


def test_it_stays_down_until_half_of_the_drop_is_regained():
    neck = Neck()
    neck.hold(1.0)
    neck.hold(3.0, 30.0)
    assert neck.hold(0.2, 16.0).down
    assert not neck.it.back
    neck.hold(DT, 14.0)
    assert neck.it.back
    assert neck.it.deepest_deg == pytest.approx(30.0, abs=0.1)
    assert not neck.hold(DT, 0.0).down
    assert not neck.it.back


def test_the_drop_is_kept_while_the_face_is_lost():
    neck = Neck()
    neck.hold(1.0)
    neck.hold(0.2, 30.0)
    assert neck.lost(3.0).far
    assert neck.hold(DT, 0.0).back


def test_a_head_down_for_long_is_how_the_driver_sits():
    neck = Neck()
    neck.hold(1.0)
    assert neck.hold(S.posture_s - 0.5, 30.0).down
    assert not neck.hold(1.0, 30.0).down
    assert neck.hold(0.5, 45.0).down


def test_whether_it_was_down_before():
    neck = Neck()
    neck.hold(1.0)
    neck.hold(0.3, 15.0)
    assert neck.it.was_down(1.1)
    assert not neck.it.was_down(0.9)
    assert not Head(S).was_down(0.0)


def test_a_face_without_width_changes_nothing():
    neck = Neck()
    neck.hold(1.0)
    neck.it.step(1.0, Box(0.0, 500.0, 0.0, 0.0), None)
    assert not neck.it.down


def test_limits_must_rise():
    with pytest.raises(ValidationError, match="near_deg < down_deg < far_deg"):
        HeadSettings(down_deg=25.0)
