"""Stories of a seat that another driver takes while the system runs on."""

import pytest

from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.values import Gear, HeadPose, Indicator, Kind, Level, Unseen
from tests.scenarios.drive import Drive

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

NARROW, WIDE = (0.19, 0.095), (0.34, 0.15)  # EAR of open and closed eyes


def driven(eyes: tuple[float, float], speed_kmh: float | None = 80.0) -> Drive:
    """A driver who has been learned by EAR alone, which is the harder case."""
    drive = Drive(fps=15, open_ear=eyes[0], closed_ear=eyes[1]).drives(speed_kmh)
    return drive.blinks(seconds=90)


def hands_over(drive: Drive, eyes: tuple[float, float], *, parked: bool = True) -> Drive:
    """Stop, leave the seat empty, and let another driver sit down and drive on."""
    vehicle = drive.vehicle
    if parked:
        drive.drives(0.0, gear=Gear.PARK).watches(3).disappears(10).watches(0.2)
    else:
        drive.disappears(25)
    drive.open_ear, drive.closed_ear = eyes
    if parked:
        drive.watches(8)
    drive.vehicle = vehicle
    return drive


@pytest.mark.parametrize("parked", [True, False])
def test_next_driver_has_narrower_eyes(parked: bool) -> None:
    drive = hands_over(driven(WIDE, 80.0 if parked else None), NARROW, parked=parked)
    before = len(drive.alerts)  # an empty seat on the road is told
    drive.blinks(seconds=90)
    assert drive.kinds[before:] == []
    assert drive.core.baseline.right_ear.value == pytest.approx(NARROW[0], abs=0.01)
    drive.closes(4)
    assert drive.kinds[before:] == [Kind.MICROSLEEP, Kind.SLEEP]


@pytest.mark.parametrize("parked", [True, False])
def test_next_driver_has_wider_eyes_and_falls_asleep(parked: bool) -> None:
    drive = hands_over(driven(NARROW, 80.0 if parked else None), WIDE, parked=parked)
    before = len(drive.alerts)
    drive.blinks(seconds=20)
    start_s = drive.t_s
    drive.closes(4)
    assert drive.kinds[before:] == [Kind.MICROSLEEP, Kind.SLEEP]
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=0.1)


def test_learning_anew_is_told() -> None:
    drive = driven(WIDE)
    assert drive.state.baseline_progress == 1.0
    hands_over(drive, NARROW).blinks(seconds=10)
    assert drive.state.baseline_progress < 0.5
    drive.blinks(seconds=70)
    assert drive.state.baseline_progress == 1.0


def test_driver_who_comes_back_is_known_again() -> None:
    drive = hands_over(driven(WIDE), WIDE).blinks(seconds=30)
    assert drive.state.baseline_progress == 1.0
    assert drive.core.baseline.right_ear.value == pytest.approx(WIDE[0], abs=0.01)


def test_microsleeps_of_the_former_driver_are_not_the_next_ones() -> None:
    drive = driven(WIDE)
    for _ in range(3):
        drive.closes(1.5).blinks(seconds=12)
    assert (drive.state.drowsiness or 0) >= 8
    hands_over(drive, NARROW)
    before = len(drive.alerts)
    drive.blinks(seconds=120)
    assert (drive.state.drowsiness or 9) <= 4
    assert drive.kinds[before:] == []


def test_tired_driver_who_comes_back_is_still_tired() -> None:
    drive = driven(WIDE)
    for _ in range(3):
        drive.closes(1.5).blinks(seconds=12)
    hands_over(drive, WIDE).blinks(seconds=60)
    assert "3 microsleeps" in drive.state.drowsiness_reason


def test_sleeper_who_slides_out_of_sight_is_no_new_driver() -> None:
    drive = driven(WIDE)
    first = drive.core.baseline
    drive.closes(2).disappears(120).closes(5)
    assert drive.core.baseline is first
    assert drive.state.level is Level.CRITICAL


def test_sleeper_out_of_sight_with_unknown_speed_is_no_new_driver() -> None:
    drive = driven(WIDE, speed_kmh=None)
    first = drive.core.baseline
    drive.closes(2).disappears(60).closes(5)
    assert drive.core.baseline is first
    assert drive.state.level is Level.CRITICAL


def test_camera_covered_on_the_road_is_no_new_driver() -> None:
    drive = driven(WIDE)
    first = drive.core.baseline
    drive.disappears(300, Unseen.CAMERA).watches(5)
    assert drive.core.baseline is first


def test_next_driver_who_starts_half_asleep_is_not_normal() -> None:
    """Heavy lids from the first moment: closures are found, and waking up is followed."""
    drive = hands_over(driven(NARROW), (0.30, 0.12)).watches(70, openness=0.55)
    learned = drive.core.baseline.right_ear.value
    drive.closes(4)
    assert Kind.SLEEP in drive.kinds
    drive.watches(10).blinks(seconds=300)
    assert drive.core.baseline.right_ear.value > learned + 0.05
    assert drive.core.baseline.right_ear.value == pytest.approx(0.30, abs=0.015)


def test_next_driver_is_shorter() -> None:
    """The head's normal moves with the driver: no look away from the first moment on."""
    drive = driven(WIDE)
    drive.drives(0.0, gear=Gear.PARK).disappears(10)
    drive.pose = HeadPose(0.0, -16.0, 0.0)
    drive.open_ear, drive.closed_ear = 0.27, 0.12
    drive.watches(10).drives(80).blinks(seconds=90)
    assert drive.core.baseline.pitch.value_deg == pytest.approx(-16.0, abs=2.0)
    assert Kind.DISTRACTION not in drive.kinds


def stops(drive: Drive, unseen_s: float = 6.0) -> Drive:
    """Stop at a red light with the face out of sight for a while, then be seen again."""
    return drive.drives(0.0).watches(2).disappears(unseen_s)


@pytest.mark.parametrize("gear", [None, Gear.PARK])
def test_looking_down_while_driving_off_is_told(gear: Gear | None) -> None:
    drive = Drive(fps=15).drives(80).blinks(seconds=75).drives(0.0, gear=gear).disappears(6)
    drive.drives(80.0).looks_off(pitch_deg=-23.0)
    start_s = drive.t_s
    drive.watches(20)
    assert drive.first(Kind.DISTRACTION).t_s == pytest.approx(
        start_s + RULES.distraction_s, abs=0.2
    )
    assert drive.first(Kind.UNRESPONSIVE).t_s == pytest.approx(start_s + 6.0, abs=0.3)
    assert drive.state.level is Level.CRITICAL
    assert drive.core.baseline.pitch.value_deg == pytest.approx(0.0, abs=1.0)


def test_shorter_driver_who_looked_down_while_parked_is_learned() -> None:
    drive = driven(WIDE)
    drive.drives(0.0, gear=Gear.PARK).disappears(10)
    drive.open_ear, drive.closed_ear = 0.27, 0.12
    drive.looks_off(pitch_deg=-30).watches(3).looks_off(pitch_deg=-16).watches(2)
    drive.drives(80).blinks(seconds=90)
    assert drive.core.baseline.pitch.value_deg == pytest.approx(-16.0, abs=2.0)
    assert Kind.DISTRACTION not in drive.kinds


@pytest.mark.parametrize("gear", [None, Gear.PARK])
def test_tired_driver_at_a_red_light_stays_tired(gear: Gear | None) -> None:
    drive = Drive(fps=15).drives(80).blinks(seconds=90)
    for _ in range(3):
        drive.closes(1.5).blinks(seconds=12)
    assert (drive.state.drowsiness or 0) >= 8
    normal = drive.core.baseline.right_ear.value
    drive.drives(0.0, gear=gear).disappears(6).watches(1, openness=0.8)
    drive.drives(80).watches(40, openness=0.8)
    assert (drive.state.drowsiness or 0) >= 8
    assert drive.core.baseline.right_ear.value >= normal * 0.97


@pytest.mark.parametrize("lids", [0.7, 0.5])
def test_heavy_lids_after_a_red_light_do_not_hide_the_sleep(lids: float) -> None:
    drive = Drive(fps=15).drives(80).blinks(seconds=75)
    stops(drive).watches(1, openness=lids).drives(80).watches(65, openness=lids)
    start_s, before = drive.t_s, len(drive.alerts)
    for _ in range(35):
        drive.watches(0.1, openness=0.1).watches(0.1, openness=0.2)
    assert drive.kinds[before:] == [Kind.MICROSLEEP, Kind.SLEEP, Kind.UNRESPONSIVE]
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=0.3)


def test_a_glitch_of_the_ignition_does_not_end_a_sleepers_closure() -> None:
    drive = Drive(fps=15).drives(80, ignition=True).blinks(seconds=75)
    start_s = drive.t_s
    drive.closes(2).drives(80, ignition=False).closes(0.2).drives(80, ignition=True).closes(2)
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=0.2)


def test_sleeper_lost_while_parked_who_rolls_off_asleep() -> None:
    drive = Drive(fps=15).drives(80).blinks(seconds=75).drives(0.0, gear=Gear.PARK)
    drive.closes(2).disappears(6).drives(20.0).closes(0.5)
    assert drive.state.level is Level.CRITICAL


@pytest.mark.parametrize("context", [{"steering_deg": 40.0}, {"indicator": Indicator.LEFT}])
def test_slumping_driver_who_turns_the_wheel_stays_warned(context: dict[str, object]) -> None:
    drive = Drive(fps=15).drives(80).blinks(seconds=75)
    start_s = drive.t_s
    drive.looks_off(yaw_deg=45).watches(3.2)
    assert drive.kinds == [Kind.DISTRACTION]
    drive.drives(80, **context).disappears(4)
    assert drive.first(Kind.UNRESPONSIVE).t_s == pytest.approx(start_s + 6.0, abs=0.3)


def test_the_next_driver_is_told_of_anger_in_the_former_ones_cool_down() -> None:
    drive = driven(WIDE).looks_like().blinks(seconds=30)
    drive.looks_like(anger=0.9).watches(12).looks_like().watches(20)
    before = len(drive.alerts)
    assert Kind.ROAD_RAGE in drive.kinds[:before]
    hands_over(drive, NARROW).blinks(seconds=90).looks_like(anger=0.9).watches(12)
    assert Kind.ROAD_RAGE in drive.kinds[before:]
