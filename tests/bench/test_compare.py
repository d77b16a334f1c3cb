import json

import pytest

from dms.bench.compare import CompareSettings, What, compare, match_alerts
from dms.cli import main
from dms.errors import ConfigError
from dms.files.events import EventWriter
from dms.values import Event, Kind, Level

SETTINGS = CompareSettings()


def alert(t_s, kind=Kind.SLEEP, level=Level.CRITICAL):
    return Event(t_s, kind, level, "test")


def told(before, after):
    return [(c.what, c.before_s, c.after_s) for c in match_alerts("x", before, after, SETTINGS)]


def test_the_same_alerts_are_no_change():
    assert told([alert(3.0), alert(9.0)], [alert(3.02), alert(9.0)]) == []


def test_alerts_come_go_and_move():
    before, after = [alert(3.0), alert(20.0)], [alert(3.5), alert(40.0)]
    assert told(before, after) == [
        (What.MOVED, 3.0, 3.5),
        (What.WENT, 20.0, None),
        (What.CAME, None, 40.0),
    ]


def test_another_level_is_another_alert():
    changes = told([alert(3.0)], [alert(3.0, level=Level.WARNING)])
    assert {what for what, *_ in changes} == {What.CAME, What.WENT}


def test_each_alert_answers_for_one_only():
    assert told([alert(3.0), alert(4.0)], [alert(3.9)]) == [
        (What.MOVED, 3.0, 3.9),
        (What.WENT, 4.0, None),
    ]


def test_blinks_are_not_alerts():
    assert told([Event(1.0, Kind.BLINK, Level.NONE, "blink")], []) == []


def run(folder, recordings, recall=1.0):
    for name, events in recordings.items():
        with EventWriter(folder / name / "events.jsonl") as writer:
            for event in events:
                writer.write(event)
    kinds = {"sleep": {"recall": {"value": recall}}}
    listed = [{"name": name, "error": None} for name in recordings]
    (folder / "summary.json").write_text(
        json.dumps({"recordings": listed, "all": {"kinds": kinds}})
    )
    return folder


def test_two_runs_are_compared_recording_by_recording(tmp_path):
    blink = Event(1.0, Kind.BLINK, Level.NONE, "blink")
    one = run(tmp_path / "one", {"a": [alert(3.0), blink], "b": []})
    two = run(tmp_path / "two", {"a": [alert(3.0)], "c": []}, recall=0.5)
    comparison = compare(one, two, SETTINGS)
    assert not comparison.same
    assert comparison.changes == ()
    assert (comparison.only_before, comparison.only_after) == (("b",), ("c",))
    assert comparison.counts == (("a", "blink", 1, 0),)
    assert comparison.figures == (("sleep", "recall", 1.0, 0.5),)
    assert compare(one, one, SETTINGS).same


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no finished run"):
        compare(tmp_path, tmp_path, SETTINGS)


def test_runs_with_nothing_in_common_are_not_the_same(tmp_path):
    one = run(tmp_path / "a", {"x": [alert(3.0)]})
    other = run(tmp_path / "b", {"y": [alert(3.0)]})
    empty = run(tmp_path / "c", {"z": []})
    (tmp_path / "c/summary.json").write_text(
        json.dumps({"recordings": [{"name": "z", "error": "x"}], "all": {"kinds": {}}})
    )
    assert compare(one, other, SETTINGS).common == 0
    assert not compare(one, other, SETTINGS).same
    assert not compare(empty, empty, SETTINGS).same  # nothing was compared
    assert compare(one, one, SETTINGS).same


def test_a_gate_hears_that_nothing_was_compared(tmp_path, capsys):
    one = run(tmp_path / "a", {"x": [alert(3.0)]})
    other = run(tmp_path / "b", {"y": [alert(3.0)]})
    assert main(["bench", "compare", str(one), str(other)]) == 1
    assert "no recording in common" in capsys.readouterr().out
    both = run(tmp_path / "c", {"x": [alert(3.0)], "y": []})
    assert main(["bench", "compare", str(one), str(both)]) == 1
    assert "1 recordings are in one run only" in capsys.readouterr().out
