import numpy as np

from dms.service.status import Status
from dms.values import (
    DriverObservation,
    DriverState,
    Event,
    Fault,
    Frame,
    Kind,
    Level,
    Moment,
    Part,
    Step,
)


class Told:
    def __init__(self):
        self.lines, self.readies = [], 0

    def status(self, text):
        self.lines.append(text)

    def ready(self):
        self.readies += 1


CAMERA = Fault(Part.CAMERA, "gone")


def moment(*faults):
    return Moment(DriverObservation(1.0), None, faults)


def frame(sequence):
    return Frame(np.zeros((4, 4), np.uint8), 1.0, sequence)


def test_gaps_in_the_sequence_are_drops():
    status = Status(Told())
    for sequence in (0, 1, 4, 5, 0, 1):  # the last two: opened again
        status.take(Step(moment(), DriverState(1.0), frame(sequence)))
    assert (status.frames, status.drops) == (6, 2)


def test_frames_that_no_longer_come_are_no_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("dms.service.status.time.monotonic", lambda: now[0])
    status = Status(Told())
    for sequence in range(30):
        now[0] += 0.1
        status.take(Step(moment(), DriverState(1.0), frame(sequence)))
    assert round(status.fps) == 10
    now[0] += 6.0
    assert status.fps == 0.0


def test_a_fault_is_logged_once_when_it_comes_and_once_when_it_goes(caplog):
    told = Told()
    status = Status(told)
    for faults in ((), (CAMERA,), (CAMERA,), (CAMERA,), ()):
        status.take(Step(moment(*faults), DriverState(1.0)))
    assert [r.message for r in caplog.records] == ["Fault: camera: gone", "Over: camera: gone"]
    assert told.lines[1] == "degraded: camera: gone"
    assert told.lines[-1].startswith("running")


def test_a_fault_that_changes_its_words_is_told_once(caplog):
    caplog.set_level("INFO")
    status = Status(Told())
    lost, gone = (
        Fault(Part.BRIDGE, words) for words in ("the adapter was unplugged", "no such port")
    )
    for faults in ((), (lost,), (gone,), (lost,), (CAMERA, lost), (CAMERA,), ()):
        status.take(Step(moment(*faults), DriverState(1.0)))
    assert [r.message for r in caplog.records] == [
        f"Fault: {lost}", f"Still: {gone}", f"Still: {lost}", "Fault: camera: gone",
        f"Over: {lost}", "Over: camera: gone",
    ]  # fmt: skip


def test_ready_is_told_once_with_what_is_missing():
    told = Told()
    status = Status(told)
    status.missing["camera"] = "No camera is connected"
    status.ready()
    status.ready()
    assert told.readies == 1
    assert told.lines[0] == "degraded: camera: No camera is connected"


def test_alerts_carry_fields_for_the_journal(caplog):
    event = Event(9.5, Kind.SLEEP, Level.CRITICAL, "eyes closed 3.0 s")
    Status(Told()).take(Step(moment(), DriverState(1.0, events=(event,))))
    (record,) = caplog.records
    assert record.fields == {"DMS_KIND": "sleep", "DMS_LEVEL": 3, "DMS_T": 9.5}


def test_health_names_each_part_and_what_is_wrong_with_it():
    status = Status(Told())
    status.parts = ("camera", "engine", "bridge")
    status.missing["engine"] = "no file"
    assert status.health((Fault(Part.BRIDGE, "can0 is gone"),)) == {
        "camera": None,
        "engine": "no file",
        "bridge": "can0 is gone",
    }
