"""Stories in which the vehicle's motion decides."""

import pytest

from dms.profiles import EURO_NCAP_2026 as RULES
from dms.values import Kind, Level
from tests.scenarios.drive import Drive

FRAME_S = 1 / 30 + 1e-6


def test_red_light() -> None:
    drive = Drive().drives(50).blinks(seconds=10).drives(0).turns(20, yaw_deg=50).closes(5)
    assert drive.alerts == []
    assert drive.state.level is Level.NONE


def test_unknown_speed_leaves_every_gate_open() -> None:
    drive = Drive().watches(5).turns(4, yaw_deg=50)
    assert drive.kinds == [Kind.DISTRACTION]


def test_long_look_away_then_no_look_back() -> None:
    drive = Drive().drives(80).watches(10)
    start_s = drive.t_s
    drive.turns(8, yaw_deg=-50)
    long, lost = drive.alerts
    assert (long.kind, lost.kind) == (Kind.DISTRACTION, Kind.UNRESPONSIVE)
    assert long.t_s == pytest.approx(start_s + RULES.distraction_s, abs=FRAME_S)
    assert lost.t_s == pytest.approx(start_s + RULES.unresponsive_away_s, abs=FRAME_S)


def test_repeated_short_looks_away() -> None:
    drive = Drive().drives(80).watches(10)
    for _ in range(6):
        drive.turns(2, yaw_deg=45).watches(1)
    assert drive.kinds == [Kind.DISTRACTION]
    assert "within 30 s" in drive.alerts[0].reason


def test_looks_up_are_free() -> None:
    drive = Drive().drives(80).watches(10).turns(10, pitch_deg=30)
    assert drive.alerts == []
