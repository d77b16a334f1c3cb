import os
import random
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

import dms
from dms.errors import StoreError
from dms.store.events import EventStore, StoreSettings
from dms.store.rows import Note
from dms.values import Event, Kind, Level


class Clock:
    def __init__(self, now=1_800_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def event(number=1, kind=Kind.MICROSLEEP, level=Level.WARNING, reason="eyes closed"):
    return Event(
        float(number), kind, level, reason, number - 1.0, None, {"closed_s": 1.0, "x": None}
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "events.db"


def make(path, clock=None, **settings):
    return EventStore(path, StoreSettings(**settings), clock or Clock())


def test_what_was_stored_comes_back_whole(path):
    with make(path) as store:
        drive = store.begin_drive(ignition=True)
        numbers = store.add([event(1), event(2, Kind.FAULT)], drive)
        store.touch_drive(drive, 0.4)
    with make(path) as store:
        kept = list(store.events())
        assert [item.number for item in kept] == numbers
        assert kept[0].event == event(1)
        assert kept[0].utc_s == 1_800_000_000.0
        (told,) = store.drives()
    assert (told.ended, told.ignition, told.baseline_progress) == (False, True, 0.4)


def test_events_are_chosen_by_time_level_and_kind(path):
    clock = Clock()
    with make(path, clock) as store:
        store.add([event(1, Kind.BLINK, Level.NONE)])
        clock.now += 100
        store.add([event(2, Kind.SLEEP, Level.CRITICAL), event(3, Kind.FAULT)])
        assert [k.event.t_s for k in store.events(since_utc_s=clock.now)] == [2, 3]
        assert [k.event.t_s for k in store.events(lowest=Level.CRITICAL)] == [2]
        assert [k.event.t_s for k in store.events(kind=Kind.FAULT)] == [3]


def test_the_oldest_go_when_too_old_and_not_before(path):
    clock = Clock()
    with make(path, clock, oldest_days=1) as store:
        store.add([event(1)])
    for hour in range(1, 30):
        clock.now += 3600
        with make(path, clock, oldest_days=1) as store:
            drive = store.begin_drive()
            first = min(item.event.t_s for item in store.events())
            store.add([event(1 + hour)], drive)
            store.touch_drive(drive, 0.0, ended=True)
        assert first == 1 if hour < 24 else 23 <= hour - (first - 1) <= 25
    with make(path, clock, oldest_days=1) as store:
        assert 23 <= len(store.drives()) <= 25


@pytest.mark.parametrize("wrong", [0.0, 4_070_908_800.0])
def test_a_clock_in_1970_or_2099_neither_drops_all_nor_keeps_for_ever(path, wrong):
    true, shown = Clock(), Clock()
    with make(path, shown, oldest_days=10) as store:
        store.add([event(0)])
    kept = []
    for day in range(1, 40):
        true.now += 86400
        shown.now = wrong + day if day % 7 == 3 else true.now  # wrong for a whole drive
        with make(path, shown, oldest_days=10) as store:
            drive = store.begin_drive()
            store.add([event(day)], drive)
            kept.append([item.event.t_s for item in store.events()])
    assert all(len(days) >= 4 for days in kept[4:])  # a leap costs half of ten days at most
    assert all(min(days) >= day - 20 for day, days in enumerate(kept, 1))


def test_what_was_stored_before_ages_were_kept_goes_in_time_too(path):
    clock = Clock()
    with make(path, clock, oldest_days=1) as store:
        store.add([event(1)])
        for table in ("age", "age_marks"):
            store._read().execute(f"DROP TABLE {table}")
    for _ in range(30):
        clock.now += 3600
        with make(path, clock, oldest_days=1) as store:
            store.begin_drive()
    with make(path, clock, oldest_days=1) as store:
        assert list(store.events()) == []


def test_the_oldest_go_when_the_file_is_full_and_it_stays_bounded(path):
    with make(path, largest_mb=1) as store:
        for batch in range(140):
            store.add([event(batch * 100 + i, reason="r" * 150) for i in range(100)])
        used, first = store.used_bytes(), next(iter(store.events()))
        newest = list(store.events())[-1]
    assert used < 4e6
    assert first.event.t_s > 0
    assert newest.event.t_s == 139 * 100 + 99
    assert path.stat().st_size < 8e6


def test_erase_leaves_no_trace_in_the_files(path):
    secret = "a reason to be forgotten"
    with make(path) as store:
        store.begin_drive()
        store.add([event(reason=secret)])
        store.erase()
        assert list(store.events()) == []
        assert store.drives() == []
        files = list(path.parent.iterdir())
        assert files
        assert not any(secret.encode() in file.read_bytes() for file in files)


@pytest.mark.parametrize("damage", ["noise", "header", "middle"])
def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(path, damage):
    with make(path) as store:
        for number in range(300):
            store.add([event(number, reason="r" * 100)])
    data = bytearray(path.read_bytes())
    noise = random.Random(3)
    if damage == "noise":
        data = bytearray(noise.randbytes(5000))
    elif damage == "header":
        data[:100] = bytes(100)
    else:
        data[4096:20000] = noise.randbytes(20000 - 4096)
    path.write_bytes(bytes(data))
    with make(path) as store:
        assert store.set_aside is not None
        assert store.set_aside.read_bytes() == bytes(data)
        assert list(store.events()) == []
        assert store.add([event()])
    with make(path) as store:
        assert store.set_aside is None
        assert len(list(store.events())) == 1


def test_only_the_newest_set_aside_files_are_kept(path):
    clock = Clock()
    for _ in range(5):
        clock.now += 10
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
        with make(path, clock) as store:
            assert store.set_aside is not None
    names = sorted(found.name for found in path.parent.glob("*.corrupt-*"))
    assert names == ["events.db.corrupt-4", "events.db.corrupt-5"]


def test_a_file_of_a_newer_dms_is_left_alone(path):
    with make(path) as store:
        store.add([event()])
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer dms"):
        make(path).open()
    assert path.read_bytes() == before


def test_a_full_disk_is_an_error_that_loses_nothing_stored_before(path):
    with make(path) as store:
        store.add([event(0)])
        pages = store._read().execute("PRAGMA page_count").fetchone()[0]
        store._read().execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite's own SQLITE_FULL
        many = [event(number, reason="r" * 200) for number in range(1, 500)]
        with pytest.raises(StoreError, match="full"):
            list(map(store.add, ([one] for one in many)))
        count = len(list(store.events()))
        assert count >= 1
        store._read().execute("PRAGMA max_page_count = 100000")
        store.add([event(999)])
        assert len(list(store.events())) == count + 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        make(tmp_path / "file" / "events.db").open()


_WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from dms.store.events import EventStore, StoreSettings
    from dms.store.rows import Note
    from dms.values import Event, Kind, Level
    with EventStore(Path(sys.argv[1]), StoreSettings()) as store:
        drive = store.begin_drive()
        for number in range(100000):
            made = Event(float(number), Kind.FAULT, Level.WARNING, "r" * 300)
            print(store.add([made], drive)[0], flush=True)
""")


@pytest.mark.parametrize("running", [True, False])
def test_who_may_only_read_reads_and_leaves_no_trace(path, monkeypatch, running):
    writer = make(path)
    writer.open()
    writer.add([event(1)])
    if not running:
        writer.close()
    names = {found.name for found in path.parent.iterdir()}
    monkeypatch.setattr(os, "access", lambda *_: False)  # as the group dms, on a file of mode 0640
    with EventStore(path, StoreSettings(), must_exist=True) as reader:
        assert [item.event for item in reader.events()] == [event(1)]
        with pytest.raises(StoreError, match="use sudo"):
            reader.erase()
    assert {found.name for found in path.parent.iterdir()} == names
    writer.close()


@pytest.mark.whole
def test_kill_at_any_instant_loses_nothing_acknowledged(path):
    luck = random.Random(5)
    acknowledged = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(dms.__file__).parents[1],
        ) as writer:
            for _ in range(luck.randint(1, 60)):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            rest = writer.stdout.read().splitlines()
        if rest and rest[-1].isdigit():
            acknowledged = int(rest[-1])
        with make(path) as store:
            assert store.set_aside is None
            kept = {item.number for item in store.events()}
        assert set(range(1, acknowledged + 1)) <= kept
        acknowledged = max(kept)


def test_an_alert_is_stored_with_its_wording_and_read_back_as_it_was(tmp_path):
    drowsy = Event(1.0, Kind.DROWSY, Level.WARNING, "drowsiness 8 of 9", values={"drowsiness": 8})
    path = tmp_path / "events.db"
    with EventStore(path, StoreSettings()) as store:
        store.add([drowsy])
        assert [item.event for item in store.events()] == [drowsy]
    with closing(sqlite3.connect(path)) as raw:
        assert "suggest_break" in raw.execute('SELECT "values" FROM events').fetchone()[0]


def test_alerts_of_the_driver_are_kept_when_faults_fill_the_file(path):
    long = "x" * 4000
    with make(path, largest_mb=1) as store:
        store.add([event(number, reason="eyes closed") for number in range(20)])
        for number in range(2000):
            store.add([event(number, Kind.FAULT, reason=long)])
        kept = [item.event.kind for item in store.events()]
        assert kept.count(Kind.MICROSLEEP) == 20
        assert 50 < kept.count(Kind.FAULT) < 400
        assert store.used_bytes() < 1.4e6


def test_notes_are_bounded_and_go_with_age(path):
    clock = Clock()
    with make(path, clock) as store:
        for _ in range(3):
            store.note([Note(f"what {number}", "who") for number in range(5000)])
        assert len(store.notes()) == 10_000
        clock.now += 400 * 86400.0
        store.note([Note("much later", "who")])
        clock.now += 400 * 86400.0
        store.note([Note("last", "who")])
        told = [note.what for _, note in store.notes()]
    assert told[-1] == "last"
    assert len(told) < 10


def test_a_file_of_before_there_were_notes_is_read_and_written(path, monkeypatch):
    with make(path) as store:
        store.add([event()])
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE notes")
    reader = EventStore(path, StoreSettings(), must_exist=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with reader:
        assert reader.notes() == []
    monkeypatch.undo()
    with make(path) as store:
        store.note([Note("a", "b")])
        assert [note for _, note in store.notes()] == [Note("a", "b")]
