import sqlite3
import threading
import time
from dataclasses import replace

import pytest

from dms.decision.core import Core
from dms.errors import StoreError
from dms.store import writer as store_writer
from dms.store.events import EventStore, StoreSettings
from dms.store.rows import Note
from dms.store.writer import StoreWriter
from dms.values import (
    Box,
    DriverObservation,
    DriverState,
    Event,
    EyeEvidence,
    Fault,
    GazeZone,
    HeadPose,
    Iris,
    Kind,
    Level,
    Moment,
    Part,
    Step,
    VehicleContext,
)

MOMENT = Moment(DriverObservation(0.0))


def event(number):
    return Event(float(number), Kind.SLEEP, Level.CRITICAL, "eyes closed")


def make(path):
    return EventStore(path, StoreSettings())


def wait_for(true, limit_s=120.0):
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_queued_events_reach_the_file_in_order(tmp_path):
    path = tmp_path / "events.db"
    writer = StoreWriter(make(path))
    writer.open()
    for number in range(50):
        writer.put(event(number))
    writer.take(Step(MOMENT, DriverState(t_s=51.0, baseline_progress=0.7)))
    writer.close(120.0)
    with make(path) as store:
        assert [item.event.t_s for item in store.events()] == list(range(50))
        (drive,) = store.drives()
    assert drive.ended
    assert drive.baseline_progress == 0.7


def test_a_refusing_disk_is_a_fault_until_it_works_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(store_writer, "_RETRY_S", (0.05, 0.1))
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    path = blocked / "events.db"
    with StoreWriter(make(path)) as writer:
        writer.put(event(1))
        wait_for(lambda: writer.fault is not None)
        time.sleep(0.3)
        blocked.unlink()
        wait_for(lambda: writer.stored == 1)
        assert writer.fault is None
    told = [record for record in caplog.records if "cannot be used" in record.message]
    assert len(told) == 1
    with make(path) as store:
        assert [item.event.t_s for item in store.events()] == [1]


def refusing(tmp_path, monkeypatch):
    """Return a writer in the pause after its disk refused, and what makes that work again."""
    monkeypatch.setattr(store_writer, "_RETRY_S", (1000.0, 1000.0))
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    writer = StoreWriter(make(blocked / "events.db"))
    writer.open()
    writer.put(event(1))
    wait_for(lambda: writer.fault is not None)
    return writer, blocked.unlink


def test_a_stop_between_two_tries_makes_a_last_one(tmp_path, monkeypatch):
    writer, mend = refusing(tmp_path, monkeypatch)
    writer.put(event(2))
    mend()
    writer.close(120.0)
    with make(tmp_path / "state" / "events.db") as store:
        assert [item.event.t_s for item in store.events()] == [1, 2]


def test_events_that_the_last_try_cannot_keep_are_told(tmp_path, monkeypatch, caplog):
    writer, _ = refusing(tmp_path, monkeypatch)
    writer.put(event(2))
    writer.close(120.0)
    assert "2 events are lost" in caplog.text


def test_each_fault_of_the_disk_is_soon_tried_again_however_many_there_were(tmp_path, monkeypatch):
    monkeypatch.setattr(store_writer, "_RETRY_S", (0.01, 1000.0))
    store, fails = make(tmp_path / "events.db"), threading.Event()
    add = store.add

    def failing(*batch):
        if fails.is_set():
            fails.clear()
            raise StoreError("the disk refuses")
        return add(*batch)

    monkeypatch.setattr(store, "add", failing)
    with StoreWriter(store) as writer:
        for number in range(20):
            fails.set()
            writer.put(event(number))
            wait_for(lambda number=number: writer.stored == number + 1)


def test_a_writer_that_dies_is_a_fault_that_says_so(tmp_path, monkeypatch):
    hook = []
    monkeypatch.setattr(threading, "excepthook", hook.append)
    store = make(tmp_path / "events.db")
    monkeypatch.setattr(store, "add", lambda *_: 1 / 0)
    with StoreWriter(store) as writer:
        writer.put(event(1))
        wait_for(lambda: writer.fault is not None)
        assert "ended by a defect" in writer.fault
        wait_for(lambda: hook)
    assert hook[0].thread.name == "dms-store"


def test_a_corrupt_file_at_the_start_is_a_fault_until_the_next_look(tmp_path):
    path = tmp_path / "events.db"
    path.write_text("nonsense")
    with StoreWriter(make(path), touch_s=0.2) as writer:
        wait_for(lambda: writer.fault is not None)
        told = Fault(Part.STORE, writer.fault)
        assert "damaged and is set aside as events.db.corrupt-1" in told.words
        time.sleep(0.5)
        assert writer.fault is not None  # nobody has heard it yet
        writer.take(Step(Moment(DriverObservation(0.0), None, (told,)), DriverState(0.0)))
        wait_for(lambda: writer.fault is None)


def test_a_locked_file_delays_but_loses_nothing(tmp_path):
    path = tmp_path / "events.db"
    make(path).open()
    other = sqlite3.connect(path, isolation_level=None)
    with StoreWriter(make(path)) as writer:
        wait_for(lambda: writer._store._base is not None)
        other.execute("BEGIN IMMEDIATE")
        writer.put(event(1))
        time.sleep(0.2)
        other.execute("ROLLBACK")
        wait_for(lambda: writer.stored == 1)
    other.close()


def test_a_full_queue_drops_the_oldest(tmp_path, monkeypatch):
    monkeypatch.setattr(store_writer, "_LONGEST_QUEUE", 3)
    path = tmp_path / "events.db"
    writer = StoreWriter(make(path))
    for number in range(5):
        writer.put(event(number))
    with writer:
        wait_for(lambda: writer.stored == 3)
    assert writer.dropped == 2
    with make(path) as store:
        assert [item.event.t_s for item in store.events()] == [2, 3, 4]


def turned(on, *numbers):
    """A step with the ignition as told and events of these numbers."""
    moment = Moment(DriverObservation(0.0), VehicleContext(0.0, ignition=on))
    return Step(moment, DriverState(0.0, events=tuple(event(number) for number in numbers)))


def test_every_ignition_cycle_is_a_drive_of_its_own(tmp_path):
    path = tmp_path / "events.db"
    writer = StoreWriter(make(path))
    writer.open()
    writer.take(turned(None, 1))
    writer.take(turned(True, 2))
    writer.take(turned(None, 3))  # not told for a moment is no change
    writer.take(turned(False, 4))
    writer.take(turned(False, 5))
    writer.take(turned(True, 6))
    writer.close(120.0)
    with make(path) as store:
        kept = {item.event.t_s: item.drive for item in store.events()}
        first, second = store.drives()
    assert kept == {1: 1, 2: 1, 3: 1, 4: None, 5: None, 6: 2}
    assert (first.ignition, first.ended, second.ignition, second.ended) == (True,) * 4


def test_closing_without_opening_does_nothing(tmp_path):
    StoreWriter(make(tmp_path / "events.db")).close()
    assert not (tmp_path / "events.db").exists()


@pytest.fixture(autouse=True)
def _told(caplog):
    caplog.set_level("INFO")


def test_a_file_damaged_while_it_is_open_is_told_set_aside_and_begun_anew(tmp_path, caplog):
    store = EventStore(tmp_path / "events.db", StoreSettings())
    with StoreWriter(store, touch_s=0.05) as writer:
        writer.put(event(1.0))
        wait_for(lambda: writer.stored == 1)
        for name in ("events.db", "events.db-wal"):
            with (tmp_path / name).open("r+b") as file:
                file.write(b"\xa5" * 65536)
        wait_for(lambda: "damaged while in use" in caplog.text)
        wait_for(lambda: store.set_aside is not None and writer.fault is not None)
        writer.put(event(2.0))
        wait_for(lambda: writer.stored == 2)
    with EventStore(tmp_path / "events.db", StoreSettings()) as kept:
        assert [one.event.t_s for one in kept.events()] == [2.0]


def test_glances_are_never_kept_whatever_the_level(tmp_path):
    """Where somebody looks is a profile of a person: it goes to bench files and live numbers."""
    path = tmp_path / "events.db"
    core, states = Core(), []
    iris = Iris(0.0, 0.0, 0.01)
    for number in range(750):
        t_s = number / 15
        aside = t_s % 8 > 6.5 or 44 < t_s < 48  # short looks, and one that is a distraction
        eye = EyeEvidence(ear=0.3, iris=replace(iris, x=0.2 if aside else 0.0))
        seen = DriverObservation(
            t_s, face=Box(0, 0, 200, 200), right_eye=eye, left_eye=eye,
            pose=HeadPose(0.0, 0.0, number % 7 / 5),
        )  # fmt: skip
        states.append(core.step(seen, None, t_s))
    raised = [event for state in states for event in state.events]
    assert {Kind.GLANCE, Kind.DISTRACTION} <= {event.kind for event in raised}
    writer = StoreWriter(make(path), lowest_level=0)
    writer.open()
    for state in states:
        writer.take(Step(MOMENT, state))
    writer.close(120.0)
    with make(path) as store:
        kept = [item.event for item in store.events()]
    assert Kind.DISTRACTION in {event.kind for event in kept}
    assert Kind.GLANCE not in {event.kind for event in kept}
    zones = {zone.value for zone in GazeZone}
    for event in kept:
        assert not zones & {str(value) for value in event.values.values()}


def test_faults_that_come_and_go_are_stored_at_a_rate_and_alerts_all(tmp_path):
    path = tmp_path / "events.db"
    with StoreWriter(make(path)) as writer:
        for number in range(3600):
            t_s = float(number)
            fault = Event(t_s, Kind.FAULT, Level.WARNING, "camera: gone")
            events = (fault, event(number)) if number % 36 == 0 else (fault,)
            writer.take(Step(MOMENT, DriverState(t_s=t_s, events=events)))
        writer.close(120.0)
    with make(path) as store:
        kinds = [item.event.kind for item in store.events()]
    assert kinds.count(Kind.SLEEP) == 100
    assert 55 <= kinds.count(Kind.FAULT) <= 61
    assert writer.spared == 3600 - kinds.count(Kind.FAULT)


def test_notes_are_written_among_the_events(tmp_path):
    path = tmp_path / "events.db"
    with StoreWriter(make(path)) as writer:
        writer.put(event(1))
        writer.put(Note("pause asked for", "can"))
        writer.put(event(2))
        writer.close(120.0)
    with make(path) as store:
        assert len(list(store.events())) == 2
        assert [note for _, note in store.notes()] == [Note("pause asked for", "can")]
