"""Stories of drivers and eyes that cannot be seen: never silent, never read as fine."""

import pytest

from dms.decision.policy import PolicySettings
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.values import EyesState, Kind, Level, Unseen
from tests.scenarios.drive import Drive

FRAME_S = 1 / 30 + 1e-6
DEGRADED_S = PolicySettings().degraded_s


def test_sleepy_driver_drops_out_of_view() -> None:
    drive = Drive().blinks(seconds=20).watches(1)
    start_s = drive.t_s
    drive.closes(0.6).disappears(6)
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=FRAME_S)
    drive.disappears(60)
    assert drive.state.level is Level.CRITICAL


def test_blink_while_turning_away_is_no_microsleep() -> None:
    """A blink comes with most turns of the head; the face is lost in the middle of it."""
    drive = Drive().blinks(seconds=20).watches(1).closes(0.1).disappears(2).watches(3)
    assert drive.alerts == []


def test_face_lost_for_a_moment_within_a_closure_keeps_the_timer() -> None:
    drive = Drive().blinks(seconds=20).watches(1)
    start_s = drive.t_s
    drive.closes(0.2).disappears(0.5).closes(3)
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=FRAME_S)


def test_sunglasses_all_day() -> None:
    drive = Drive(net=True).hides_eyes(60)
    event = drive.first(Kind.DEGRADED)
    assert event.t_s == pytest.approx(DEGRADED_S, abs=0.1)
    assert "sunglasses" in event.reason
    assert all(s.eyes is not EyesState.OPEN for s in drive.states)
    assert drive.state.eyes_unseen is Unseen.SUNGLASSES
    assert drive.kinds == [Kind.DEGRADED]


def test_sunglasses_leave_the_head_pose_working() -> None:
    drive = Drive(net=True).hides_eyes(20).looks_off(yaw_deg=50).hides_eyes(4)
    assert drive.first(Kind.DISTRACTION).t_s == pytest.approx(20 + RULES.distraction_s, abs=0.1)


@pytest.mark.parametrize(
    "why", [Unseen.GLARE, Unseen.COVERED, Unseen.DARK, Unseen.OVEREXPOSED, Unseen.SUNGLASSES]
)
def test_eyes_hidden_for_another_reason_are_named_in_time(why: Unseen) -> None:
    drive = Drive().watches(20).hides_eyes(10, why)
    event = drive.first(Kind.DEGRADED)
    assert event.t_s <= 20 + 10
    assert event.values["unseen"] == why.value


@pytest.mark.parametrize(
    ("shade", "why"), [(0.3, Unseen.SUNGLASSES), (1.0, Unseen.COVERED), (1.8, Unseen.GLARE)]
)
def test_what_hides_the_eyes_is_named_by_its_brightness(shade: float, why: Unseen) -> None:
    drive = Drive(net=True).watches(5).hides_eyes(10, shade=shade)
    assert drive.first(Kind.DEGRADED).values["unseen"] == why.value


def test_washed_out_face_in_the_sun() -> None:
    drive = Drive().watches(20)
    drive.brightness = 250.0
    drive.watches(10)
    assert drive.state.eyes is EyesState.UNKNOWN
    assert drive.first(Kind.DEGRADED).values["unseen"] == Unseen.OVEREXPOSED.value


def test_camera_blocked() -> None:
    drive = Drive().watches(20).disappears(10, Unseen.CAMERA)
    assert drive.first(Kind.DEGRADED).level is Level.ADVISORY


def test_flickering_eyes_are_degraded_too() -> None:
    """Seen one frame in five is not seen."""
    drive = Drive(net=True).watches(20)
    while drive.t_s < 60:
        drive.hides_eyes(4 / 30).watches(1 / 30)
    assert Kind.DEGRADED in drive.kinds


def test_a_look_at_the_mirror_is_not_degraded() -> None:
    drive = Drive().drives(15).watches(20)
    for _ in range(20):
        drive.disappears(1).watches(2)
    assert drive.alerts == []


def test_degraded_ends_when_the_eyes_are_seen_again() -> None:
    drive = Drive(net=True).hides_eyes(20).watches(5)
    assert drive.state.level is Level.NONE


def test_hiding_after_a_warning_keeps_it() -> None:
    drive = Drive().drives(80).watches(20).turns(3.5, yaw_deg=50).watches(0.5).disappears(30)
    assert Kind.DISTRACTION in {alert.kind for alert in drive.state.active}


def test_hiding_does_not_end_a_critical_alert() -> None:
    drive = Drive(net=True).watches(20).closes(4).watches(3).hides_eyes(60)
    assert drive.state.level is Level.CRITICAL
    drive.watches(1)
    assert drive.state.level is Level.CRITICAL  # 3 s before and 1 s now are not yet 5 s
    drive.watches(2)
    assert drive.state.level is not Level.CRITICAL


def test_hiding_does_not_end_drowsiness() -> None:
    drive = Drive(fps=10).drives(80).watches(10)
    while Kind.DROWSY not in drive.kinds and drive.t_s < 120:
        drive.closes(0.8).watches(2.2)
    drive.disappears(120)
    assert Kind.DROWSY in {alert.kind for alert in drive.state.active}


def test_face_lost_while_turning_away_counts_as_away() -> None:
    drive = Drive().drives(80).watches(20)
    start_s = drive.t_s
    for yaw in (8, 14, 20, 26):
        drive.turns(0.1, yaw_deg=yaw)
    drive.disappears(5)
    assert drive.kinds[0] is Kind.DISTRACTION
    assert drive.alerts[0].t_s == pytest.approx(start_s + 0.4 + RULES.distraction_s, abs=0.1)


def test_face_lost_looking_ahead_is_not_away() -> None:
    drive = Drive().drives(80).watches(20).disappears(7)
    assert drive.alerts == []
    assert drive.state.away is None
