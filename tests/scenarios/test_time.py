"""Stories of frames that come slowly, twice, too late or not at all."""

from dataclasses import replace

import pytest

from dms.decision.core import Core
from dms.values import DriverState, Kind, Level
from tests.scenarios.drive import Drive


def story(fps: float, **parts: object) -> Drive:
    """Blink, sleep, wake, look away, blink."""
    drive = Drive(fps=fps, **parts).drives(80).blinks(0.2, seconds=30)  # type: ignore[arg-type]
    drive.watches(1).closes(4).watches(8).turns(4, yaw_deg=50).watches(4)
    return drive.blinks(0.2, seconds=30).watches(1)


FAST = [pytest.param(fps, marks=pytest.mark.whole) for fps in (60.0, 120.0)]


@pytest.mark.parametrize("fps", [15.0, 24.0, *FAST])
def test_frame_rates_agree(fps: float) -> None:
    wanted, got = story(30.0), story(fps)
    assert got.kinds == wanted.kinds
    for one, other in zip(got.alerts, wanted.alerts, strict=True):
        assert one.t_s == pytest.approx(other.t_s, abs=0.15)
    assert blinks(got) == blinks(wanted)


def blinks(drive: Drive) -> int:
    return sum(e.kind is Kind.BLINK for e in drive.events)


def test_every_third_frame_lost() -> None:
    wanted, got = story(30.0), story(30.0, keep=lambda frame: frame % 3 != 1)
    assert got.kinds == wanted.kinds
    assert blinks(got) == blinks(wanted)


def test_frames_twice_and_late_change_nothing() -> None:
    drive = story(30.0)
    core, events = Core(), []
    states: list[DriverState] = []
    observations = drive.observations
    for index, (observation, vehicle) in enumerate(observations):
        states.append(core.step(observation, vehicle, observation.t_s))
        late = observations[max(index - 5, 0)][0]
        for again in (observation, late):
            states.append(core.step(again, vehicle, observation.t_s))
    events = [e for s in states for e in s.events]
    assert events == drive.events
    assert states[::3] == drive.states


def test_same_observations_give_the_same_states() -> None:
    assert story(30.0).states == story(30.0).states


def test_start_of_the_clock_does_not_matter() -> None:
    wanted = story(30.0)
    got = story(30.0, start_s=1000.0)
    assert [round(e.t_s - 1000.0, 3) for e in got.alerts] == [
        round(e.t_s, 3) for e in wanted.alerts
    ]


def test_computer_slept_for_an_hour() -> None:
    drive = Drive().drives(80).blinks(seconds=30).closes(0.5)
    drive.frame += 3600 * 30
    drive.watches(5)
    assert drive.alerts == []
    assert drive.state.level is Level.NONE


def test_frames_missing_between_two_blinks_are_no_microsleep() -> None:
    drive = Drive().blinks(seconds=30).closes(0.1)
    drive.frame += 4 * 30
    drive.closes(0.1).watches(5)
    assert drive.alerts == []


def test_standstill_word_grows_stale_by_now() -> None:
    drive = Drive().watches(1)
    core = Core()
    states = []
    for frame in range(30 * 6):
        t_s = frame / 30
        observation = replace(drive.observations[0][0], t_s=t_s)
        drive.drives(0)
        vehicle = replace(drive.vehicle, t_s=0.0)  # type: ignore[type-var]
        eye = replace(observation.right_eye, ear=0.12)
        observation = replace(observation, right_eye=eye, left_eye=eye)
        states.append(core.step(observation, vehicle, t_s))
    raised = [e.kind for s in states for e in s.events if e.level > 0]
    assert raised == [Kind.MICROSLEEP, Kind.SLEEP]
