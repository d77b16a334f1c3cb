"""Stories of closed and hidden eyes; expected instants follow from the settings."""

import pytest

from dms.profiles import EURO_NCAP_2026 as RULES
from dms.values import EyesState, Kind, Level, Unseen
from tests.scenarios.drive import Drive

FRAME_S = 1 / 30 + 1e-6


@pytest.mark.parametrize("net", [False, True])
def test_sleeper_reaches_the_top_in_steps(net: bool) -> None:
    drive = Drive(net=net).blinks(seconds=20)
    start_s = drive.t_s
    drive.closes(8)
    wanted = [
        (Kind.MICROSLEEP, Level.WARNING, RULES.microsleep_s),
        (Kind.SLEEP, Level.CRITICAL, RULES.sleep_s),
        (Kind.UNRESPONSIVE, Level.CRITICAL, RULES.unresponsive_closed_s),
    ]
    assert [(e.kind, e.level) for e in drive.alerts] == [(k, lv) for k, lv, _ in wanted]
    for event, (_, _, after_s) in zip(drive.alerts, wanted, strict=True):
        assert event.t_s == pytest.approx(start_s + after_s, abs=FRAME_S)


def test_sleeper_on_the_very_first_frame() -> None:
    drive = Drive().closes(4)
    assert drive.kinds == [Kind.MICROSLEEP, Kind.SLEEP]


def test_ordinary_blinks_are_counted_and_raise_nothing() -> None:
    drive = Drive().blinks(closed_s=0.12, every_s=3, seconds=60)
    assert drive.alerts == []
    assert sum(e.kind is Kind.BLINK for e in drive.events) in {19, 20}


def test_narrow_eyes_are_not_closed() -> None:
    drive = Drive(open_ear=0.20, closed_ear=0.10).blinks(seconds=60).watches(1)
    assert drive.alerts == []
    assert drive.state.eyes is EyesState.OPEN


def test_sleepy_driver_drops_out_of_view() -> None:
    drive = Drive().blinks(seconds=20)
    start_s = drive.t_s
    drive.closes(0.6).disappears(6)
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + RULES.sleep_s, abs=FRAME_S)
    drive.disappears(30)
    assert drive.state.level is Level.CRITICAL


def test_sunglasses_all_day() -> None:
    drive = Drive(net=True).hides_eyes(60)
    event = drive.first(Kind.DEGRADED)
    assert event.t_s <= 10.0
    assert "sunglasses" in event.reason
    assert all(s.eyes is not EyesState.OPEN for s in drive.states)
    assert drive.state.eyes_unseen is Unseen.SUNGLASSES
    drive.turns(4, yaw_deg=50)  # head pose keeps working
