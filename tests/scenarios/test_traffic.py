"""Stories of looks away, and of what the vehicle's motion makes of them."""

import pytest

from dms.decision.profiles import EU_GSR, find_rules
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.decision.settings import CoreSettings
from dms.values import Gear, HeadPose, Indicator, Kind, Level, Unseen
from tests.scenarios.drive import Drive

FRAME_S = 1 / 30 + 1e-6
GSR = CoreSettings(profile="eu_gsr")


def test_red_light() -> None:
    drive = Drive().drives(50).blinks(seconds=10).drives(0).turns(20, yaw_deg=50).closes(5)
    assert drive.alerts == []
    assert drive.state.level is Level.NONE


def test_asleep_as_the_light_turns_green() -> None:
    drive = Drive().drives(0).blinks(seconds=10).closes(5).drives(20)
    green_s = drive.t_s
    drive.closes(0.5)
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(green_s, abs=FRAME_S)


def test_look_aside_at_the_light_is_forgiven_when_it_turns_green() -> None:
    drive = Drive().drives(0).watches(10).turns(20, yaw_deg=50).drives(30).watches(10)
    assert drive.alerts == []


def test_stopping_ends_what_stands() -> None:
    drive = Drive().drives(50).watches(10).closes(4)
    assert drive.state.level is Level.CRITICAL
    drive.drives(0).closes(0.1)
    assert drive.state.level is Level.NONE


def test_unknown_speed_leaves_every_gate_open() -> None:
    drive = Drive().watches(5).turns(4, yaw_deg=50)
    assert drive.kinds == [Kind.DISTRACTION]


def test_stale_speed_is_unknown() -> None:
    drive = Drive().drives(0, age_s=5.0).watches(5).turns(4, yaw_deg=50)
    assert drive.kinds == [Kind.DISTRACTION]


def test_standstill_at_speed_is_believed_neither_way() -> None:
    drive = Drive().drives(60, standstill=True).watches(5).turns(4, yaw_deg=50)
    assert drive.kinds == [Kind.DISTRACTION]


def test_parked_by_its_gear_where_no_speed_is_mapped() -> None:
    drive = Drive().drives(gear=Gear.PARK).watches(5).closes(10)
    assert drive.alerts == []


def test_long_look_away_then_no_look_back() -> None:
    drive = Drive().drives(80).watches(10)
    start_s = drive.t_s
    drive.turns(8, yaw_deg=-50)
    long, lost = drive.alerts
    assert (long.kind, lost.kind) == (Kind.DISTRACTION, Kind.UNRESPONSIVE)
    assert long.t_s == pytest.approx(start_s + RULES.distraction_s, abs=FRAME_S)
    assert lost.t_s == pytest.approx(start_s + RULES.unresponsive_away_s, abs=FRAME_S)


def test_phone_in_the_lap() -> None:
    drive = Drive().drives(80).watches(10)
    start_s = drive.t_s
    drive.turns(4, pitch_deg=-30)
    assert drive.kinds == [Kind.DISTRACTION]
    assert drive.alerts[0].t_s == pytest.approx(start_s + RULES.distraction_s, abs=FRAME_S)


def test_repeated_short_looks_away() -> None:
    drive = Drive().drives(80).watches(10)
    start_s = drive.t_s
    for _ in range(6):
        drive.turns(2, yaw_deg=45).watches(1)
    assert drive.kinds == [Kind.DISTRACTION]
    assert "within 30 s" in drive.alerts[0].reason
    wanted_s = start_s + 4 * 3 + 2  # the fifth look completes 10 s
    assert drive.alerts[0].t_s == pytest.approx(wanted_s, abs=10 * FRAME_S)


def test_no_look_back_after_the_warning_of_repeated_looks() -> None:
    drive = Drive().drives(80).watches(10)
    for _ in range(4):
        drive.turns(2, yaw_deg=45).watches(1)
    drive.turns(5.6, yaw_deg=45)
    warned = drive.first(Kind.DISTRACTION).t_s
    lost_s = drive.first(Kind.UNRESPONSIVE).t_s
    assert lost_s == pytest.approx(warned + RULES.unresponsive_after_warning_s, abs=FRAME_S)


def test_two_seconds_on_the_road_reset_the_sum() -> None:
    drive = Drive().drives(80).watches(10)
    for _ in range(10):
        drive.turns(2.5, yaw_deg=45).watches(2.3)
    assert drive.alerts == []


def test_looks_up_are_free() -> None:
    drive = Drive().drives(80).watches(10).turns(10, pitch_deg=30)
    assert drive.alerts == []


def test_looking_into_a_turn_is_the_road() -> None:
    drive = Drive().drives(30, steering_deg=120.0).watches(10).turns(5, yaw_deg=50)
    assert drive.alerts == []
    drive.turns(5, yaw_deg=-50)
    assert drive.kinds == [Kind.DISTRACTION]


def test_shoulder_check_with_the_indicator() -> None:
    drive = Drive().drives(80, indicator=Indicator.LEFT).watches(10)
    for _ in range(8):
        drive.turns(1.5, yaw_deg=60).watches(1)
    assert drive.alerts == []
    drive.turns(6, yaw_deg=60)
    assert Kind.DISTRACTION in drive.kinds


def test_shoulder_checks_that_lose_the_face() -> None:
    """Eight looks over the shoulder before a gap opens: the face is out of sight in each."""
    drive = Drive().drives(80, indicator=Indicator.LEFT).watches(10)
    for _ in range(8):
        for yaw in (10, 20, 28):
            drive.turns(0.1, yaw_deg=yaw)
        drive.disappears(1.5, Unseen.TURNED_AWAY).watches(1)
    assert drive.alerts == []
    drive.drives(80).turns(0.2, yaw_deg=26)
    drive.disappears(4, Unseen.TURNED_AWAY)
    assert drive.kinds == [Kind.DISTRACTION]


def test_reversing_out_of_a_space() -> None:
    drive = Drive().drives(5, gear=Gear.REVERSE).watches(10).turns(20, yaw_deg=80)
    assert drive.alerts == []


def test_slow_traffic_is_below_the_gate() -> None:
    drive = Drive().drives(15).watches(10).turns(10, yaw_deg=50)
    assert drive.alerts == []


def test_gate_does_not_flutter_about_its_speed() -> None:
    drive = Drive().drives(25).watches(10).drives(18).turns(4, yaw_deg=50)
    assert drive.kinds == [Kind.DISTRACTION]


@pytest.mark.parametrize(("speed", "after_s"), [(80.0, 3.5), (50.0, 3.5), (30.0, 6.0)])
def test_gsr_looks_down_by_speed(speed: float, after_s: float) -> None:
    drive = Drive(settings=GSR).drives(speed).watches(10)
    start_s = drive.t_s
    drive.turns(7, pitch_deg=-30)
    assert drive.first(Kind.DISTRACTION).t_s == pytest.approx(start_s + after_s, abs=FRAME_S)
    assert EU_GSR.unresponsive_away_s > after_s


def test_gsr_knows_no_looks_aside() -> None:
    drive = Drive(settings=GSR).drives(80).watches(10).turns(10, yaw_deg=40)
    assert drive.alerts == []


def test_camera_mounted_to_the_side() -> None:
    drive = Drive().drives(80)
    drive.looks_off(yaw_deg=20, pitch_deg=12)
    drive.watches(60)
    assert drive.alerts == []
    drive.looks_off(yaw_deg=-20, pitch_deg=12).watches(4)
    assert drive.kinds == [Kind.DISTRACTION]


@pytest.mark.whole
def test_slouching_does_not_teach_that_down_is_normal() -> None:
    drive = Drive(fps=10).drives(80).watches(70)
    drive.looks_off(pitch_deg=-15).watches(600)
    drive.looks_off(pitch_deg=-28).watches(4)
    assert Kind.DISTRACTION in drive.kinds


@pytest.mark.parametrize("profile", ["euro_ncap_2026", "eu_gsr"])
@pytest.mark.parametrize(
    "pose", [HeadPose(0.0, 0.0, 40.0), HeadPose(0.0, 0.0, -40.0), HeadPose(0.0, -45.0, 0.0)]
)
def test_slumped_driver(profile: str, pose: HeadPose) -> None:
    rules = find_rules(profile)
    drive = Drive(settings=CoreSettings(profile=profile)).drives(100).watches(20)
    drive.pose = pose
    drive.watches(rules.distraction_s + rules.unresponsive_after_warning_s + 0.2)
    warned, critical = drive.alerts
    assert warned.kind is Kind.DISTRACTION
    assert warned.t_s == pytest.approx(20 + rules.distraction_s, abs=0.1)
    assert warned.reason == f"head slumped for {rules.distraction_s:g} s"
    assert (critical.kind, critical.level) == (Kind.UNRESPONSIVE, Level.CRITICAL)
    assert critical.reason.startswith("head slumped")


def test_slumping_out_of_the_picture() -> None:
    drive = Drive(settings=CoreSettings(profile="eu_gsr")).drives(100).watches(20)
    drive.pose = HeadPose(0.0, 0.0, 30.0)
    drive.watches(0.3).disappears(8)
    assert drive.first(Kind.UNRESPONSIVE).t_s < 20.3 + 8


def test_a_tilted_head_is_not_slumped() -> None:
    drive = Drive().drives(100).watches(20)
    drive.pose = HeadPose(0.0, 0.0, 25.0)
    drive.watches(30)
    assert drive.alerts == []


def test_camera_mounted_askew_learns_its_roll() -> None:
    drive = Drive().drives(100)
    drive.pose = HeadPose(0.0, 0.0, 14.0)
    drive.watches(30)
    assert drive.state.pose is not None
    assert abs(drive.state.pose.roll_deg) < 2.0
    drive.pose = HeadPose(0.0, 0.0, 14.0 + 25.0)
    drive.watches(10)
    assert drive.alerts == []
