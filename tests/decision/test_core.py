"""Properties of the whole decision core, over made-up drives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dms.decision.core import Core
from dms.decision.profiles import EURO_NCAP_2026 as RULES
from dms.decision.profiles import PROFILES, Rules
from dms.decision.settings import CoreSettings
from dms.errors import ConfigError
from dms.values import Command, EyesState, Fault, Gear, Kind, Level, Part, PauseReason
from tests.scenarios.drive import Drive

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# One thing that happens in a drive: what, for how long, and one more number.
ACTS = ("watches", "closes", "turns", "down", "disappears", "hides")
act = st.tuples(st.sampled_from(ACTS), st.floats(0.1, 4.0), st.floats(-70.0, 70.0))
acts = st.lists(act, min_size=1, max_size=8)


def play(drive: Drive, story: list[tuple[str, float, float]]) -> Drive:
    for what, seconds, number in story:
        if what == "watches":
            drive.watches(seconds)
        elif what == "closes":
            drive.closes(seconds)
        elif what == "turns":
            drive.turns(seconds, yaw_deg=number)
        elif what == "down":
            drive.turns(seconds, pitch_deg=-abs(number) / 2)
        elif what == "disappears":
            drive.disappears(seconds)
        else:
            drive.hides_eyes(seconds)
    return drive


@SLOW
@given(acts)
def test_state_is_in_order_in_every_step(story: list[tuple[str, float, float]]) -> None:
    drive = play(Drive(fps=15, net=True), story)
    for state in drive.states:
        levels = [alert.level for alert in state.active]
        assert levels == sorted(levels, reverse=True)
        assert state.level == (levels[0] if levels else Level.NONE)
        assert state.kind == (state.active[0].kind if state.active else None)
        assert state.openness is None or 0.0 <= state.openness <= 1.0
        assert (state.openness is None) == (state.eyes is EyesState.UNKNOWN)
        assert (state.eyes_unseen is None) == (state.eyes is not EyesState.UNKNOWN)
        assert state.closed_s >= 0.0
        assert state.away_s >= 0.0
        assert state.perclos is None or 0.0 <= state.perclos <= 1.0
        assert all(event.t_s == state.t_s for event in state.events)
        assert all(event.start_s is None or event.start_s <= event.t_s for event in state.events)


@SLOW
@given(acts, st.floats(0.5, 20.0))
def test_hiding_never_lowers_an_alert(
    story: list[tuple[str, float, float]], hidden_s: float
) -> None:
    drive = play(Drive(fps=15, net=True), story)
    before = drive.state.level
    drive.disappears(hidden_s)
    assert all(state.level >= before for state in drive.states[-round(hidden_s * 15) or None :])


@SLOW
@given(acts, st.booleans())
def test_closed_eyes_always_reach_the_top(story: list[tuple[str, float, float]], net: bool) -> None:
    drive = play(Drive(fps=15, net=net), story).watches(3.0)
    start_s = drive.t_s
    drive.closes(RULES.unresponsive_closed_s + 0.3)
    assert drive.state.level is Level.CRITICAL
    raised = [e for e in drive.events if e.t_s >= start_s and e.level > 0]
    for kind, after_s in (
        (Kind.MICROSLEEP, RULES.microsleep_s),
        (Kind.SLEEP, RULES.sleep_s),
        (Kind.UNRESPONSIVE, RULES.unresponsive_closed_s),
    ):
        times = [e.t_s - start_s for e in raised if e.kind is kind]
        assert any(after == pytest.approx(after_s, abs=0.21) for after in times)


@pytest.mark.whole
@SLOW
@given(acts)
def test_frame_rates_agree_on_what_is_alerted(story: list[tuple[str, float, float]]) -> None:
    # Whole fifths of seconds fall on frames of both rates.
    story = [(what, max(round(s * 5), 1) / 5, number) for what, s, number in story]
    slow, fast = (play(Drive(fps=fps, net=True), story) for fps in (15.0, 60.0))
    assert slow.kinds == fast.kinds
    for one, other in zip(slow.alerts, fast.alerts, strict=True):
        assert one.t_s == pytest.approx(other.t_s, abs=0.2)


@SLOW
@given(acts)
def test_standing_still_is_silent(story: list[tuple[str, float, float]]) -> None:
    drive = play(Drive(fps=15, net=True).drives(0.0), story)
    assert drive.alerts == []
    assert drive.state.level is Level.NONE


@SLOW
@given(acts, acts)
def test_reset_forgets_everything(
    one: list[tuple[str, float, float]], two: list[tuple[str, float, float]]
) -> None:
    used = play(Drive(fps=15, net=True), one)
    used.core.reset()
    used.states.clear()
    used.frame = 0
    assert play(used, two).states == play(Drive(fps=15, net=True), two).states


def test_unknown_profile_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"no profile 'mine'.*euro_ncap_2026"):
        Core(CoreSettings(profile="mine"))


def test_own_profile_counts() -> None:
    own = Rules(microsleep_s=0.7)
    drive = Drive(settings=CoreSettings(profile="mine", profiles={"mine": own}))
    drive.watches(5).closes(0.9)
    assert drive.kinds == [Kind.MICROSLEEP]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_runs(name: str) -> None:
    drive = Drive(settings=CoreSettings(profile=name)).watches(5).closes(7)
    assert drive.state.level is Level.CRITICAL


def test_state_tells_what_it_rests_on() -> None:
    drive = Drive(net=True).looks_like(happiness=0.4).blinks(seconds=40).watches(0.5)
    state = drive.state
    assert state.face_seen
    assert state.eyes is EyesState.OPEN
    assert state.right_eye.openness == pytest.approx(1.0, abs=0.1)
    assert state.blink_s == pytest.approx(0.12, abs=0.03)
    assert state.blink_rate_hz == pytest.approx(1 / 3, abs=0.05)
    assert state.seen_s == pytest.approx(40.5, abs=0.1)
    assert state.perclos == 0.0
    assert state.drowsiness is not None
    assert "PERCLOS" in state.drowsiness_reason
    assert state.yawning is False
    assert state.away is False
    assert state.expression is not None
    assert state.baseline_progress == pytest.approx(40.5 / 60, abs=0.03)


def test_unknown_is_none_and_never_open() -> None:
    state = Drive().disappears(1).state
    assert (state.openness, state.away, state.perclos, state.drowsiness) == (None,) * 4
    assert state.eyes is EyesState.UNKNOWN
    assert not state.face_seen


def test_pause_carries_its_reason() -> None:
    drive = Drive().watches(0.1)
    drive.core.command(Command(pause=True, pause_reason=PauseReason.WORKSHOP))
    drive.watches(0.1)
    assert drive.state.pause_reason is PauseReason.WORKSHOP
    drive.core.command(Command(pause=False))
    drive.watches(0.1)
    assert (drive.state.paused, drive.state.pause_reason) == (False, None)


def test_a_core_with_other_settings_takes_over_switches_pause_and_baseline() -> None:
    drive = Drive(fps=15).looks_off(yaw_deg=8).watches(120)
    ask = Command(warnings=False, rage=False, pause=True, pause_reason=PauseReason.PRIVACY)
    drive.core.command(ask)
    drive.watches(0.1)
    core = Core(replace(drive.core.settings, profile="eu_gsr"))
    core.succeed(drive.core, same_driver=True)
    state = core.step(replace(drive.observations[-1][0], t_s=drive.state.t_s + 0.1), None, 0.0)
    assert (state.warnings_on, state.rage_on) == (False, False)
    assert state.pause_reason is PauseReason.PRIVACY
    assert core.baseline.yaw.value_deg == pytest.approx(drive.core.baseline.yaw.value_deg, abs=0.5)
    stranger = Core(core.settings)
    stranger.succeed(drive.core, same_driver=False)
    assert stranger.baseline.yaw.value_deg == 0.0


def resettle(drive: Drive, *, same_driver: bool = True) -> None:
    """Change the settings of a running core."""
    core = Core(replace(drive.core.settings, profile="euro_ncap_2023"))
    core.succeed(drive.core, same_driver=same_driver)
    drive.core = core


def test_a_change_of_settings_wakes_no_sleeper() -> None:
    drive = Drive(fps=15).drives(80).watches(70).closes(2.5)
    resettle(drive)
    start_s = drive.t_s - 2.5
    drive.closes(1)
    assert drive.kinds == [Kind.MICROSLEEP, Kind.SLEEP]
    assert drive.first(Kind.SLEEP).t_s == pytest.approx(start_s + drive.core.rules.sleep_s, abs=0.1)
    resettle(drive)
    drive.closes(0.1)
    assert (drive.state.level, drive.kinds[2:]) == (Level.CRITICAL, [])
    drive.watches(2)
    resettle(drive)
    drive.watches(0.5)
    assert drive.state.level is Level.CRITICAL  # it stands until attention has ended it
    drive.watches(6)
    assert drive.state.level is Level.NONE
    resettle(drive.closes(4), same_driver=False)
    drive.closes(0.1)
    assert drive.state.level is Level.NONE


def test_parked_driver_teaches_no_pose() -> None:
    drive = Drive(fps=15).drives(gear=Gear.PARK).looks_off(yaw_deg=20).watches(30)
    assert drive.core.baseline.yaw.value_deg == 0.0
    assert drive.state.baseline_progress == 0.0


def test_late_observation_still_carries_faults_and_commands() -> None:
    drive = Drive().watches(1)
    late = replace(drive.observations[0][0])
    state = drive.core.step(late, None, 1.0, (Fault(Part.BRIDGE, "bus off"),))
    assert state.kind is Kind.FAULT
    assert state.t_s == drive.state.t_s
