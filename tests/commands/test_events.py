import contextlib
import csv
import io
import json
import sqlite3

import pytest

from dms.cli import main
from dms.errors import StoreError
from dms.store.events import EventStore, StoreSettings
from dms.store.rows import Note
from dms.values import Event, Kind, Level


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "events.db"
    with EventStore(path, StoreSettings(), lambda: 1e9) as made:
        drive = made.begin_drive()
        made.add(
            [
                Event(1.0, Kind.BLINK, Level.NONE, "blink", 0.9, 1.0),
                Event(5.0, Kind.SLEEP, Level.CRITICAL, "eyes closed, 3 s", 2.0, None, {"ear": 0.1}),
            ],
            drive,
        )
    return path


def run(capsys, *words):
    code = main(["events", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.mark.parametrize("what", ["list", "export", "drives", "audit", "erase"])
def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path, capsys, what):
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE events(id); INSERT INTO events VALUES (7);")
        other.execute("PRAGMA user_version = 1")
    before = path.read_bytes()
    code, out, error = run(capsys, what, "--store", str(path), "--yes")
    assert (code, out) == (6, "")
    assert "is no event store but another database; name another file" in error
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StoreError, match="another database"), EventStore(path, StoreSettings()):
        pass
    assert path.read_bytes() == before


def test_list_shows_time_kind_level_and_reason(store, capsys):
    code, out, _ = run(capsys, "list", "--store", str(store), "--level", "1")
    assert code == 0
    assert " ".join(out.split()) == "2 2001-09-09T01:46:40Z sleep level 3 eyes closed, 3 s"


def test_export_is_json_lines_that_name_drive_and_number(store, capsys):
    _, out, _ = run(capsys, "export", "--store", str(store))
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["number"], row["drive"], row["kind"]) for row in rows] == [
        (1, 1, "blink"), (2, 1, "sleep"),
    ]  # fmt: skip
    assert rows[1]["values"] == {"ear": 0.1}


def test_export_as_csv_can_be_read_back(store, capsys):
    _, out, _ = run(capsys, "export", "--store", str(store), "--format", "csv", "--kind", "sleep")
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["reason"] == "eyes closed, 3 s"
    assert row["end_s"] == ""


def test_what_is_stored_is_no_formula_no_control_byte_and_no_secret_when_it_is_told(store, capsys):
    with EventStore(store, StoreSettings(), lambda: 1e9) as kept:
        for reason in ("=cmd|' /C calc'!A0", "\x1b[2Jwiped", "rtsp://a:s3cret@b is gone"):
            kept.add([Event(9.0, Kind.FAULT, Level.WARNING, reason)])
    _, out, _ = run(capsys, "export", "--store", str(store), "--format", "csv", "--kind", "fault")
    reasons = [row["reason"] for row in csv.DictReader(io.StringIO(out))]
    assert reasons == ["'=cmd|' /C calc'!A0", "?[2Jwiped", "rtsp://***@b is gone"]
    for words in (("list",), ("export",)):
        _, out, _ = run(capsys, *words, "--store", str(store))
        assert "s3cret" not in out
        assert "\x1b" not in out


def test_the_audit_trail_survives_an_erasing_as_one_line(store, capsys):
    with EventStore(store, StoreSettings(), lambda: 1e9) as kept:
        kept.note([Note("pause asked for (privacy)", "mqtt b:1883"), Note("again: x", "y", 7)])
    _, out, _ = run(capsys, "audit", "--store", str(store))
    assert out.splitlines() == [
        "2001-09-09T01:46:40Z pause asked for (privacy) (by mqtt b:1883)",
        "2001-09-09T01:46:40Z again: x (by y), 7 times",
    ]
    run(capsys, "erase", "--store", str(store), "--yes")
    _, out, _ = run(capsys, "audit", "--store", str(store))
    (line,) = out.splitlines()
    assert "every event erased (by dms events erase, user " in line


def test_drives_tell_a_power_cut(store, capsys):
    _, out, _ = run(capsys, "drives", "--store", str(store))
    assert "drive 1: 2001-09-09T01:46:40Z" in out
    assert "power cut" in out


def test_erase_asks_and_with_yes_removes_all(store, capsys):
    code, _, err = run(capsys, "erase", "--store", str(store))
    assert code == 2
    assert "--yes" in err
    assert len(run(capsys, "export", "--store", str(store))[1].splitlines()) == 2
    assert run(capsys, "erase", "--store", str(store), "--yes")[0] == 0
    assert run(capsys, "export", "--store", str(store))[1] == ""


def test_a_store_that_is_not_there_is_told_and_not_made(tmp_path, capsys):
    code, _, err = run(capsys, "list", "--store", str(tmp_path / "none.db"))
    assert code == 6
    assert "No events are stored" in err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_told_as_such(tmp_path, capsys):
    path = tmp_path / "empty.db"
    path.touch()
    code, out, error = run(capsys, "list", "--store", str(path))
    assert (code, out) == (6, "")
    assert "is empty: it holds no events" in error
