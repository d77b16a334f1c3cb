from dataclasses import replace

import numpy as np
import pytest

from dms.decision.core import Core
from dms.errors import CameraError, CameraLostError
from dms.monitor import Monitor, MonitorSettings, replay
from dms.values import (
    Command,
    DriverObservation,
    Fault,
    Frame,
    Kind,
    Moment,
    Part,
    PauseReason,
    Unseen,
)

PICTURE = np.full((8, 8), 90, np.uint8)


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


class Script:
    """A camera that plays a list: a time gives a frame, an exception is raised."""

    live = True
    opening = False

    def __init__(self, *steps, reopens=()):
        self.steps, self.reopens, self.closed, self.opened = list(steps), list(reopens), 0, 0

    def open(self):
        self.opened += 1
        if self.reopens and (error := self.reopens.pop(0)) is not None:
            raise error

    def close(self):
        self.closed += 1

    def interrupt(self):
        pass

    def read(self):
        if not self.steps:
            return None
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return Frame(PICTURE, step, 0)


class Seeing:
    faults = ()

    def __init__(self):
        self.resets = 0

    def observe(self, frame):
        return DriverObservation(frame.t_s, unseen=Unseen.NO_FACE)

    def reset(self):
        self.resets += 1


class Listening:
    name = "list"

    def __init__(self):
        self.states, self.fault, self.asked = [], None, []

    def commands(self):
        asked, self.asked = tuple(self.asked), []
        return asked

    def publish(self, state):
        self.states.append(state)


class Keeping:
    def __init__(self):
        self.moments = []

    def take(self, step):
        self.moments.append((step.moment, step.state, step.frame))


def monitor(camera, **parts):
    clock = parts.pop("clock", None) or Clock()
    parts = {
        "bridges": (),
        "sinks": (),
        "settings": MonitorSettings(),
        "sleep": clock.sleep,
        **parts,
    }
    return Monitor(camera, Seeing(), Core(), clock=clock, **parts)


def test_every_frame_is_decided_published_and_kept():
    bus, sink = Listening(), Keeping()
    outcome = monitor(Script(0.0, 0.1, 0.2), bridges=[bus], sinks=[sink]).run()
    assert (outcome.frames, outcome.last_s) == (3, 0.2)
    assert [state.t_s for state in bus.states] == [0.0, 0.1, 0.2]
    assert all(frame is not None for _, _, frame in sink.moments)


def test_a_lost_camera_is_told_on_the_bus_and_opened_again():
    lost = CameraLostError("no picture for 2 s")
    camera = Script(100.0, lost, 101.5, reopens=[CameraError("not there"), CameraError("no"), None])
    bus = Listening()
    outcome = monitor(camera, bridges=[bus]).run()
    assert outcome.frames == 2
    blind = [state for state in bus.states if state.faults]
    assert blind
    assert blind[0].faults == (Fault(Part.CAMERA, "no picture for 2 s"),)
    assert any(event.kind is Kind.FAULT for state in bus.states for event in state.events)
    assert camera.opened == 3
    assert camera.closed == 1


class Slow(Script):
    """A camera that is being opened: a read before its first picture would wait for it."""

    opening = True

    def open(self):
        super().open()
        self.opening = False

    def read(self):
        assert not self.opening
        return super().read()

    def close(self):
        assert not self.opening
        super().close()


@pytest.mark.parametrize("lost", ["the picture is frozen", None])
def test_a_camera_that_is_still_opening_is_waited_for_without_silence(lost):
    bus = Listening()
    camera = Slow(110.0, reopens=[CameraLostError("none yet")] * 5 + [None])
    loop = monitor(camera, bridges=[bus], lost=lost)
    assert loop.run().frames == 1
    blind = bus.states[:-1]
    assert np.diff([state.t_s for state in blind]).max() < 0.15
    assert {state.faults for state in blind} == ({(Fault(Part.CAMERA, lost),)} if lost else {()})
    assert bus.states[-1].faults == ()
    assert camera.opened == 6
    assert loop.lost is None


def test_tries_to_reopen_back_off_to_the_longest_pause():
    tries, clock = [], Clock()
    camera = Script(CameraLostError("gone"), reopens=[CameraError("no")] * 12)
    loop = monitor(camera, clock=clock)
    real = camera.open
    camera.open = lambda: (tries.append(clock()), real())[1]
    loop.run()
    gaps = np.diff(tries)
    assert gaps.max() <= MonitorSettings().longest_retry_s + MonitorSettings().blind_period_s + 1e-9
    assert gaps[-1] > gaps[0]


def test_a_damaged_recording_ends_the_run_with_its_error():
    with pytest.raises(CameraError, match="damaged"):
        monitor(Script(0.0, CameraError("damaged"))).run()


def test_a_bridge_fault_reaches_the_decision():
    bus = Listening()
    bus.fault = "bus-off"
    sink = Keeping()
    monitor(Script(0.0, 0.1), bridges=[bus], sinks=[sink]).run()
    assert sink.moments[0][1].faults == (Fault(Part.BRIDGE, "bus-off"),)


def test_a_fault_of_a_sink_reaches_the_decision_while_it_lasts():
    class Filling(Keeping):
        part = Part.STORE
        fault = None

        def take(self, step):
            super().take(step)
            self.fault = "disk full" if step.state.t_s < 0.2 else None

    sink = Filling()
    monitor(Script(0.0, 0.1, 0.2, 0.3), sinks=[sink]).run()
    told = [moment.faults for moment, _, _ in sink.moments]
    assert told == [(), (Fault(Part.STORE, "disk full"),), (Fault(Part.STORE, "disk full"),), ()]


def test_a_defect_of_a_bridge_costs_neither_the_others_nor_the_store(caplog):
    class Broken(Listening):
        name = "mine"
        __hash__ = None  # as of a dataclass

        def publish(self, state):
            if state.t_s < 0.25:
                raise RuntimeError("no such topic")
            super().publish(state)

    broken, bus, sink = Broken(), Listening(), Keeping()
    monitor(Script(0.0, 0.1, 0.2, 0.3, 0.4), bridges=[broken, bus], sinks=[sink]).run()
    words = "mine: unexpected RuntimeError: no such topic; please report it"
    assert len(bus.states) == len(sink.moments) == 5
    faults = [moment.faults for moment, _, _ in sink.moments]
    assert faults == [(), *3 * [(Fault(Part.BRIDGE, words),)], ()]
    assert caplog.text.count("Traceback") == 1
    assert [state.t_s for state in broken.states] == [0.3, 0.4]


@pytest.mark.parametrize(
    ("gives", "words"),
    [
        ({"commands": lambda self: None}, "commands() gave None; give a tuple of Command"),
        ({"commands": lambda self: ("pause",)}, "commands() gave ('pause',)"),
        ({"commands": lambda self: 1 / 0}, "unexpected ZeroDivisionError"),
        (
            {"fault": property(lambda self: 5, lambda self, _: None)},
            "its fault is 5; give words, None for no fault",
        ),
        (
            {"fault": property(lambda self: 1 / 0, lambda self, _: None)},
            "unexpected ZeroDivisionError",
        ),
    ],
)
def test_a_bridge_that_gives_what_it_must_not_ends_no_run(caplog, gives, words):
    odd, bus, sink = type("Odd", (Listening,), gives)(), Listening(), Keeping()
    monitor(Script(0.0, 0.1, 0.2), bridges=[odd, bus], sinks=[sink]).run()
    assert len(bus.states) == len(odd.states) == 3
    assert caplog.text.count("Traceback") == 1
    told = [fault.words for moment, _, _ in sink.moments for fault in moment.faults]
    assert len(told) == 3
    assert all(words in one for one in told)


def test_a_bridge_may_give_its_commands_one_by_one():
    gives = {"commands": lambda self: (Command(rage=on) for on in (True, False))}
    sink = Keeping()
    monitor(Script(0.0, 0.1), bridges=[type("Mine", (Listening,), gives)()], sinks=[sink]).run()
    assert [(moment.faults, state.rage_on) for moment, state, _ in sink.moments] == [
        ((), False)
    ] * 2


def test_stop_ends_the_loop_also_while_the_camera_is_gone():
    camera = Script(CameraLostError("gone"), reopens=[CameraError("no")] * 1000)
    calls = []

    def sleep(seconds):
        calls.append(seconds)
        if len(calls) == 5:
            loop.stop()

    loop = monitor(camera, sleep=sleep)
    assert loop.run().frames == 0
    assert len(calls) == 5


def test_vehicle_signals_are_asked_at_the_frame_time():
    class Vehicle:
        asked = []

        def at(self, t_s):
            self.asked.append(t_s)

    vehicle = Vehicle()
    monitor(Script(5.0, 5.1), vehicle=vehicle).run()
    assert vehicle.asked == [5.0, 5.1]


def test_a_head_units_pause_reaches_the_decision():
    bus = Listening()
    bus.asked = [Command(pause=True)]
    monitor(Script(0.0, 0.1), bridges=[bus]).run()
    assert bus.states[-1].paused


def test_privacy_closes_the_camera_and_tells_so_until_it_is_resumed():
    bus, camera = Listening(), Script(99.8, 99.9, 105.0)
    bus.asked = [Command(pause=True, pause_reason=PauseReason.PRIVACY)]
    steps, clock = [], Clock()

    def sleep(seconds):
        clock.sleep(seconds)
        steps.append((camera.opened, bus.states[-1].camera_on))
        if len(steps) == 20:
            bus.asked = [Command(pause=False)]

    loop = monitor(camera, bridges=[bus], clock=clock, sleep=sleep)
    assert loop.run().frames == 3
    assert set(steps[:20]) == {(0, False)}
    assert (camera.opened, bus.states[-1].camera_on) == (1, True)
    assert not any(state.faults for state in bus.states)


def test_another_pause_leaves_the_camera_on():
    bus, camera = Listening(), Script(100.0, 100.1)
    bus.asked = [Command(pause=True, pause_reason=PauseReason.AUTOMATED)]
    monitor(camera, bridges=[bus]).run()
    assert camera.closed == 0
    assert bus.states[-1].camera_on


def test_the_setting_keeps_the_camera_closed_and_no_command_or_time_ends_it():
    bus, camera = Listening(), Script(100.0)
    bus.asked, clock = [Command(pause=False)], Clock()

    def sleep(_):
        clock.sleep(60.0)
        if len(bus.states) > 30:
            loop.stop()

    paused = MonitorSettings(paused=True)
    loop = monitor(camera, bridges=[bus], settings=paused, clock=clock, sleep=sleep)
    assert loop.run().frames == 0
    assert camera.opened == 0
    assert {(s.paused, s.pause_reason, s.camera_on) for s in bus.states} == {
        (True, PauseReason.PRIVACY, False)
    }


def test_a_camera_that_does_not_come_back_from_privacy_is_told():
    bus = Listening()
    camera = Script(100.0, reopens=[CameraError("busy")] * 20)
    bus.asked = [Command(pause=True, pause_reason=PauseReason.PRIVACY)]
    clock = Clock()

    def sleep(seconds):
        clock.sleep(seconds)
        bus.asked = [Command(pause=False)]

    monitor(camera, bridges=[bus], clock=clock, sleep=sleep).run()
    told_s = next(
        state.t_s for state in bus.states if state.faults == (Fault(Part.CAMERA, "busy"),)
    )
    assert 5.0 < told_s - 100.0 < 7.5


def test_steps_are_yielded_as_they_are_made_and_may_be_broken_off():
    bus = Listening()
    steps = monitor(Script(0.0, 0.1, 0.2), bridges=[bus]).steps()
    first = next(steps)
    assert (first.t_s, first.state, first.frame.t_s) == (0.0, bus.states[0], 0.0)
    steps.close()
    assert len(bus.states) == 1


def test_a_replay_hears_commands_and_survives_a_bridge_that_raises():
    broken, bus = Listening(), Listening()
    broken.publish = lambda state: 1 / 0
    bus.asked = [Command(pause=True, pause_reason=PauseReason.DRIVER)]
    moments = [Moment(DriverObservation(t_s)) for t_s in (0.0, 0.1)]
    assert replay(moments, Core(), [broken, bus]).pause_reason is PauseReason.DRIVER
    assert [state.t_s for state in bus.states] == [0.0, 0.1]


def test_a_recordings_frozen_picture_is_the_same_fault_as_live():
    """The bench is the vehicle: what a camera would be told for is told of its recording."""

    class Frozen(Script):
        live = False

        def read(self):
            frame = super().read()
            bad = frame is not None and 1.0 <= frame.t_s < 2.0
            return replace(frame, lost="The camera's picture is frozen") if bad else frame

    kept = Keeping()
    monitor(Frozen(*(n / 10 for n in range(30))), sinks=[kept]).run()
    seen = [moment for moment, _, _ in kept.moments]
    blind = [m.observation.t_s for m in seen if m.observation.unseen is Unseen.CAMERA]
    assert blind == pytest.approx([n / 10 for n in range(10, 20)])
    faults = [f for m in seen for f in m.faults if f.part is Part.CAMERA]
    assert str(faults[0]) == "camera: The camera's picture is frozen"
    assert len(seen) == 30
