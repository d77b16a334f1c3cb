import pytest

from dms.service.watchdog import Liveness, LivenessSettings


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Told:
    watchdog_s = 0.04

    def __init__(self):
        self.calls = []

    def alive(self):
        self.calls.append("alive")

    def hung(self):
        self.calls.append("hung")

    def status(self, text):
        self.calls.append(text)


@pytest.mark.parametrize("stage", ["camera", "perception", "decision", "bridge", "record", "load"])
def test_every_stage_has_a_deadline_of_its_own_and_is_named(stage, caplog):
    clock, told, settings = Clock(), Told(), LivenessSettings()
    liveness = Liveness(settings, told, clock)
    liveness.enter(stage)
    clock.now += getattr(settings, f"{stage}_s") - 0.01
    assert liveness.look()
    assert told.calls == ["alive"]
    clock.now += 0.02
    assert not liveness.look()
    assert told.calls[-1] == "hung"
    assert f"stage {stage} hangs" in told.calls[-2]
    assert f"stage {stage} hangs" in caplog.text


def test_a_machine_that_stood_still_gets_a_moment_to_go_on(monkeypatch, caplog):
    clock, told = Clock(), Told()
    liveness = Liveness(LivenessSettings(), told, clock)
    liveness.enter("decision")
    clock.now += 1000  # neither the loop nor the watching thread ran
    monkeypatch.setattr(liveness._stop, "wait", lambda _: liveness.enter("bridge"))
    assert liveness.look()
    assert told.calls == ["alive"]
    assert not caplog.records


def test_progress_from_stage_to_stage_keeps_it_alive():
    clock, told = Clock(), Told()
    liveness = Liveness(LivenessSettings(), told, clock)
    for _ in range(100):
        for stage in ("camera", "perception", "decision", "bridge", "record"):
            liveness.enter(stage)
            clock.now += 1.5
            assert liveness.look()


def test_the_thread_feeds_until_stopped_and_stops_feeding_when_stuck():
    clock, told = Clock(), Told()
    liveness = Liveness(LivenessSettings(), told, clock)
    liveness.start()
    while told.calls.count("alive") < 3:
        pass
    clock.now += 1000
    while "hung" not in told.calls:
        pass
    liveness.stop()
    fed = told.calls.count("alive")
    assert told.calls[-1] == "hung"
    liveness.stop()
    assert told.calls.count("alive") == fed
