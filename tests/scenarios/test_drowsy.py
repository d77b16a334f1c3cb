"""Stories of growing tired: PERCLOS, slow blinks, yawns, nods, and the gate by speed."""

import pytest

from dms.decision.policy import PolicySettings
from dms.decision.settings import CoreSettings
from dms.values import Kind, Level
from tests.scenarios.drive import Drive

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out


def tires(drive: Drive, minutes: float, perclos: tuple[float, float], blink_s: tuple[float, float]):
    """Drive with a share of long closures and a blink length that go from one to the other."""
    start_s, length_s = drive.t_s, minutes * 60
    while (share := (drive.t_s - start_s) / length_s) < 1.0:
        closed = perclos[0] + (perclos[1] - perclos[0]) * share
        blink = blink_s[0] + (blink_s[1] - blink_s[0]) * share
        period_s = 0.8 / closed
        # Blinks fill the time between two long closures, one every 3 s.
        count = max(int(period_s // 3) - 1, 1)
        gap_s = (period_s - 0.8 - count * blink) / (count + 1)
        drive.closes(0.8)
        for _ in range(count):
            drive.watches(gap_s).closes(blink)
        drive.watches(gap_s)
    return drive


def test_drowsy_fires_within_a_minute_and_goes_back() -> None:
    drive = Drive().drives(100)
    tires(drive, 2, (0.03, 0.03), (0.11, 0.11))
    assert drive.kinds == []
    assert (drive.state.drowsiness or 9) <= 4
    crossed_s = drive.t_s
    tires(drive, 4, (0.25, 0.25), (0.5, 0.5))
    level_8_s = next(s.t_s for s in drive.states if (s.drowsiness or 0) >= 8)
    assert crossed_s < level_8_s <= crossed_s + 60
    assert drive.first(Kind.DROWSY, Level.WARNING).t_s <= crossed_s + 60
    rising = [s.drowsiness for s in drive.states if s.t_s > 60]
    assert rising == sorted(rising)
    tires(drive, 4, (0.03, 0.03), (0.11, 0.11))
    assert (drive.state.drowsiness or 9) <= 4
    assert drive.state.level is Level.NONE


def test_slow_ramp_is_monotone() -> None:
    drive = Drive().drives(100)
    tires(drive, 10, (0.03, 0.25), (0.11, 0.5))
    levels = [s.drowsiness for s in drive.states if s.t_s > 60]
    assert levels == sorted(levels)
    # PERCLOS is 0.15 after 5.45 minutes of this ramp.
    level_8_s = next(s.t_s for s in drive.states if (s.drowsiness or 0) >= 8)
    assert level_8_s <= 5.45 * 60 + 60
    assert [e.level for e in drive.alerts] == [Level.ADVISORY, Level.WARNING]


def test_fresh_driver_is_never_drowsy() -> None:
    drive = Drive(fps=15).drives(100).blinks(closed_s=0.14, every_s=3, seconds=600)
    assert drive.alerts == []
    assert max(s.drowsiness or 0 for s in drive.states) <= 4


def test_unknown_below_half_a_minute() -> None:
    drive = Drive().closes(0.9).watches(3)
    while drive.t_s < 27:
        drive.closes(0.9).watches(3)
    assert drive.state.perclos is None
    assert drive.state.drowsiness is None
    drive.closes(0.9).watches(5)
    assert drive.state.perclos is not None


def test_unseen_time_is_not_counted_as_open() -> None:
    drive = Drive(fps=10)
    while drive.t_s < 90:
        drive.closes(0.8).watches(3.2)
    seen = drive.state.perclos
    hidden = Drive(fps=10)
    while hidden.t_s < 90:
        hidden.closes(0.8).watches(3.2).disappears(2)
    assert seen is not None
    assert hidden.state.perclos == pytest.approx(seen, abs=0.04)


@pytest.mark.parametrize(("profile", "speed"), [("euro_ncap_2026", 49.0), ("eu_gsr", 69.0)])
def test_drowsy_is_silent_below_its_speed(profile: str, speed: float) -> None:
    drive = Drive(fps=15, settings=CoreSettings(profile=profile)).drives(speed)
    tires(drive, 2, (0.25, 0.25), (0.5, 0.5))
    assert drive.alerts == []
    assert (drive.state.drowsiness or 0) >= 8
    drive.drives(speed + 1)
    tires(drive, 0.2, (0.25, 0.25), (0.5, 0.5))
    assert drive.kinds == [Kind.DROWSY]


def test_yawns_alone_never_alert() -> None:
    drive = Drive(fps=15).drives(100).blinks(seconds=40)
    for _ in range(10):
        drive.mar = 0.7
        drive.watches(4)
        drive.mar = 0.02
        drive.blinks(seconds=20)
    assert sum(e.kind is Kind.YAWN for e in drive.events) == 10
    assert drive.alerts == []


def test_talking_is_not_yawning() -> None:
    drive = Drive().drives(100)
    for _ in range(60):
        drive.mar = 0.4
        drive.watches(0.2)
        drive.mar = 0.05
        drive.watches(0.15)
    assert not any(e.kind is Kind.YAWN for e in drive.events)


def test_singing_is_not_yawning() -> None:
    """Two minutes of song do not corroborate what makes drowsy."""
    drive = tires(Drive(fps=15).drives(100), 1.5, (0.12, 0.12), (0.2, 0.2))
    before = drive.state.drowsiness
    for _ in range(40):
        drive.mar = 0.5
        drive.watches(1.5)
        drive.mar = 0.05
        drive.watches(1.4)
    assert sum(e.kind is Kind.YAWN for e in drive.events) <= 3
    assert "yawns" not in drive.state.drowsiness_reason
    assert (drive.state.drowsiness or 9) <= (before or 0)


def test_laughing_is_not_yawning() -> None:
    drive = Drive().looks_like(happiness=0.9).watches(3)
    drive.mar = 0.6
    drive.watches(3)
    drive.mar = 0.02
    drive.watches(2)
    assert not any(e.kind is Kind.YAWN for e in drive.events)


def test_yawns_and_nods_corroborate() -> None:
    plain = tires(Drive(fps=15).drives(40), 2, (0.12, 0.12), (0.2, 0.2))
    yawning = Drive(fps=15).drives(40)
    for _ in range(2):
        yawning.mar = 0.7
        yawning.watches(4)
        yawning.mar = 0.02
        yawning.watches(2)
    tires(yawning, 2, (0.12, 0.12), (0.2, 0.2))
    assert (yawning.state.drowsiness or 0) >= (plain.state.drowsiness or 9)
    assert "2 yawns" in yawning.state.drowsiness_reason


def test_nodding_off() -> None:
    drive = Drive().watches(20)
    for pitch in range(0, -16, -2):
        drive.looks_off(pitch_deg=float(pitch)).watches(1 / 15, openness=0.2)
    drive.looks_off().watches(2)
    assert [e.kind for e in drive.events].count(Kind.NOD) == 1


def test_drowsiness_is_not_told_on_top_of_a_sleep_alarm() -> None:
    drive = Drive(fps=15).drives(100).blinks(seconds=20)
    drive.closes(4).watches(20).closes(4).watches(20)
    assert Kind.DROWSY not in drive.kinds
    quiet_s = PolicySettings().drowsy_quiet_s
    tires(drive, (quiet_s + 20) / 60, (0.25, 0.25), (0.5, 0.5))
    assert drive.kinds[-1] is Kind.DROWSY


def test_drowsiness_is_told_again_after_minutes() -> None:
    settings = CoreSettings(policy=PolicySettings(drowsy_repeat_s=60.0))
    drive = Drive(fps=15, settings=settings).drives(100)
    tires(drive, 4, (0.25, 0.25), (0.5, 0.5))
    again = [e for e in drive.events if e.values.get("repeated")]
    assert len(again) >= 2
    assert drive.kinds == [Kind.DROWSY]
