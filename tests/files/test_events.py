import json

import pytest

from dms.errors import ConfigError
from dms.files.events import EventWriter, event_object, load_events
from dms.values import (
    Event,
    Kind,
    Level,
)


def test_an_event_is_one_line_with_what_is_known(tmp_path):
    path = tmp_path / "deep" / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write(
            Event(3.000049, Kind.MICROSLEEP, Level.WARNING, "eyes closed 1.0 s", 2.0,
                  values={"closed_s": 1.0, "ear": None})
        )  # fmt: skip
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "t_s": 3.0,
        "kind": "microsleep",
        "level": 2,
        "start_s": 2.0,
        "reason": "eyes closed 1.0 s",
        "values": {"closed_s": 1.0, "ear": None},
    }


def test_an_event_is_on_disk_at_once(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write(Event(0.0, Kind.BLINK, Level.NONE, "blink"))
    assert (tmp_path / "events.jsonl").read_text().count("\n") == 1
    writer.close()


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        EventWriter(tmp_path / "file" / "events.jsonl")


def test_drowsiness_says_what_the_head_unit_should_tell(tmp_path):
    drowsy = Event(1.0, Kind.DROWSY, Level.ADVISORY, "drowsiness 7 of 9", values={"drowsiness": 7})
    told = event_object(drowsy)
    assert told["values"] == {"drowsiness": 7, "wording": "suggest_break"}
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(told) + "\n")
    assert load_events(path) == [drowsy]
