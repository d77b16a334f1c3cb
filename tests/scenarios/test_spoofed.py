"""A photo or a screen before the camera, and a driver who merely stares."""

import math
import random
from dataclasses import replace

from dms.decision.spoof import StillSettings
from dms.values import EyesState, HeadPose, Kind, Unseen
from tests.scenarios.drive import Drive

AFTER_S = StillSettings().after_s


def noisy(drive, seconds, *, ear=0.3, yaw=None, spread_deg=0.5):
    """Watch with a sensor's noise on every value; ``yaw`` gives the head's turn over time."""
    chance = random.Random(4)
    for _ in range(round(seconds * drive.fps)):
        seen = drive._observed(1.0)
        eye = replace(seen.right_eye, ear=ear + chance.gauss(0.0, 0.012))
        turn = yaw(drive.t_s) if yaw else 0.0
        angles = (chance.gauss(turn, spread_deg), *(chance.gauss(0, spread_deg) for _ in "pr"))
        mar = 0.02 + abs(chance.gauss(0.0, 0.005))
        drive._step(replace(seen, right_eye=eye, left_eye=eye, pose=HeadPose(*angles), mar=mar))
        drive.frame += 1
    return drive


def test_a_photo_before_the_camera_is_told_after_a_minute_and_its_eyes_count_for_nothing():
    drive = noisy(Drive(fps=15, net=True), AFTER_S + 2)
    (alert,) = drive.alerts
    assert alert.kind is Kind.DEGRADED
    assert "photo or a screen" in alert.reason
    assert AFTER_S <= alert.t_s <= AFTER_S + 2
    assert (drive.state.eyes, drive.state.eyes_unseen) == (EyesState.UNKNOWN, Unseen.STILL)


def test_a_driver_who_stares_without_blinking_is_no_photo():
    def slow(t_s):
        return 1.5 * math.sin(t_s / 5.0)  # what nobody can help

    assert noisy(Drive(fps=15, net=True), 3 * AFTER_S, yaw=slow).alerts == []


def test_a_driver_who_keeps_his_head_like_stone_but_blinks_is_no_photo():
    drive = Drive(fps=15, net=True, sway_deg=0.0)
    assert drive.blinks(seconds=3 * AFTER_S, every_s=20.0).alerts == []


def test_taking_the_photo_away_ends_it_and_a_sleeper_behind_it_is_told():
    drive = noisy(Drive(fps=15, net=True), AFTER_S + 2)
    drive.blinks(seconds=20)
    assert drive.state.eyes is EyesState.OPEN
    assert not drive.state.active
    drive.closes(1.5)
    assert drive.kinds == [Kind.DEGRADED, Kind.MICROSLEEP]
