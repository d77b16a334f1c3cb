"""Stories of how alerts stand, end, come again and are switched."""

import pytest

from dms.decision.policy import PolicySettings
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.decision.settings import CoreSettings
from dms.values import Fault, Kind, Level, Part, PauseReason
from tests.scenarios.drive import Drive

FRAME_S = 1 / 30 + 1e-6
POLICY = PolicySettings()


def ends_s(drive: Drive, kind: Kind) -> float:
    """Return when the alert last stood."""
    return max(s.t_s for s in drive.states if kind in {a.kind for a in s.active})


def test_five_seconds_of_attention_end_a_critical_alert() -> None:
    drive = Drive().watches(20).closes(4)
    open_s = drive.t_s
    drive.watches(10)
    assert ends_s(drive, Kind.SLEEP) == pytest.approx(open_s + POLICY.attention_s, abs=0.1)


def test_blinks_do_not_delay_the_end() -> None:
    drive = Drive().watches(20).closes(4)
    open_s = drive.t_s
    drive.blinks(closed_s=0.15, every_s=1.5, seconds=10)
    assert ends_s(drive, Kind.SLEEP) == pytest.approx(open_s + POLICY.attention_s, abs=0.2)


def test_a_look_away_delays_the_end() -> None:
    drive = Drive().watches(20).closes(4).watches(4).turns(1, yaw_deg=50)
    back_s = drive.t_s
    drive.watches(10)
    assert ends_s(drive, Kind.SLEEP) == pytest.approx(back_s + POLICY.attention_s, abs=0.1)


def test_each_new_closure_is_an_event_of_its_own() -> None:
    drive = Drive().watches(20).closes(3.5).watches(2).closes(1.5).watches(2).closes(1.5)
    assert drive.kinds == [Kind.MICROSLEEP, Kind.SLEEP, Kind.MICROSLEEP, Kind.MICROSLEEP]
    assert drive.state.kind is Kind.SLEEP  # the critical alert stands meanwhile


def test_acknowledgement_ends_a_critical_alert() -> None:
    drive = Drive().watches(20).closes(4).watches(1).tells(acknowledge=True).watches(0.1)
    assert drive.state.level is Level.NONE


def test_acknowledgement_from_the_vehicle() -> None:
    drive = Drive().drives(80).watches(20).closes(4).watches(1)
    drive.drives(80, acknowledge=True).watches(0.1)
    assert drive.state.level is Level.NONE


def test_a_sleepers_hand_on_the_button_ends_nothing() -> None:
    drive = Drive().watches(20).closes(4).tells(acknowledge=True).closes(1)
    assert drive.state.level is Level.CRITICAL


def test_critical_alert_is_told_again_while_it_lasts() -> None:
    drive = Drive().watches(20).closes(20)
    again = [e for e in drive.events if e.values.get("repeated")]
    assert len(again) == int((20 - RULES.unresponsive_closed_s) // POLICY.critical_repeat_s)
    assert {e.kind for e in again} == {Kind.UNRESPONSIVE}


def test_pause_silences_all_but_faults_and_ends_by_itself() -> None:
    settings = CoreSettings(policy=PolicySettings(pause_s=30.0))
    drive = Drive(settings=settings).watches(5).tells(pause=True).closes(10)
    assert drive.alerts == []
    assert drive.state.paused
    assert drive.state.pause_reason is PauseReason.OTHER
    drive.faults = (Fault(Part.CAMERA, "unplugged"),)
    drive.closes(1)
    assert drive.kinds == [Kind.FAULT]
    drive.faults = ()
    drive.watches(25)
    assert not drive.state.paused
    drive.closes(2)
    assert Kind.MICROSLEEP in drive.kinds


def test_pause_does_not_end_a_critical_alert_that_stands() -> None:
    drive = Drive().watches(5).closes(4).tells(pause=True).closes(1)
    assert drive.state.level is Level.CRITICAL


def test_resume() -> None:
    drive = Drive().watches(5).tells(pause=True).closes(2).watches(1).tells(pause=False).closes(2)
    assert drive.kinds == [Kind.MICROSLEEP]


def test_warnings_off_leaves_critical_alerts() -> None:
    drive = Drive().tells(warnings=False).watches(5).closes(4)
    assert drive.kinds == [Kind.SLEEP]
    assert not drive.state.warnings_on


def test_switches_outlive_the_driver() -> None:
    drive = Drive().tells(warnings=False, rage=False).watches(1)
    drive.core.reset()
    drive.watches(1)
    assert (drive.state.warnings_on, drive.state.rage_on) == (False, False)


def test_camera_unplugged() -> None:
    drive = Drive().drives(0).watches(5)
    drive.faults = (Fault(Part.CAMERA, "unplugged; plug it in"),)
    drive.disappears(5)
    assert drive.kinds == [Kind.FAULT]  # told once, at standstill too
    assert drive.state.level is Level.WARNING
    drive.faults = ()
    drive.watches(1)
    assert drive.state.level is Level.NONE


def test_second_fault_is_told_too() -> None:
    drive = Drive()
    drive.faults = (Fault(Part.CAMERA, "unplugged"),)
    drive.disappears(1)
    drive.faults = (Fault(Part.CAMERA, "unplugged"), Fault(Part.BRIDGE, "bus off"))
    drive.disappears(1)
    assert [e.reason for e in drive.alerts] == ["camera: unplugged", "bridge: bus off"]
    assert drive.state.active[0].reason == "camera: unplugged; bridge: bus off"


def test_highest_alert_is_shown_first() -> None:
    drive = Drive(net=True).hides_eyes(10)
    drive.faults = (Fault(Part.BRIDGE, "bus off"),)
    drive.hides_eyes(1)
    assert [a.kind for a in drive.state.active] == [Kind.FAULT, Kind.DEGRADED]
    assert (drive.state.kind, drive.state.level) == (Kind.FAULT, Level.WARNING)
