import pytest

from dms.errors import ConfigError
from dms.scoring.labels import labels_beside, load_labels, load_zju
from dms.values import Kind

GOOD = """\
recording: drive.mp4
kinds: [blink, sleep]
duration_s: 60
events:
  - {kind: sleep, start_s: 20, end_s: 24.5}
  - {kind: blink, start_s: 1.5, end_s: 1.7, optional: true, note: half closed}
"""


def test_yaml_gives_events_in_order_of_time(tmp_path):
    path = tmp_path / "drive.labels.yaml"
    path.write_text(GOOD)
    labels = load_labels(path)
    assert [event.kind for event in labels.events] == [Kind.BLINK, Kind.SLEEP]
    assert labels.events[0].optional
    assert labels.events[0].note == "half closed"
    assert labels.kinds == {Kind.BLINK, Kind.SLEEP}
    assert labels.duration_s == 60


def test_kinds_default_to_those_that_occur(tmp_path):
    path = tmp_path / "a.labels.csv"
    path.write_text("kind,start_s,end_s\nyawn,3,7.5\n")
    labels = load_labels(path)
    assert labels.kinds == {Kind.YAWN}
    assert labels.recording == "a"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind: sleep", "kind: nap"), ":5: events.0.kind: expected 'blink'"),
        (("start_s: 20", "start_s: 30"), ":5: expected 0 <= start_s <= end_s, got 30"),
        (("start_s: 20", "begin: 20"), ":5: events.0.begin: unknown key"),
        (("start_s: 20", "start_s: soon"), ":5: events.0.start_s: expected a valid number"),
        (("duration_s: 60", "duration_s: long"), ":3: duration_s: expected a valid number"),
        (("kinds: [blink, sleep]", "kinds: [wink]"), ":2: kinds.0: expected 'blink'"),
        (("kinds:", "sorts:"), ":2: sorts: unknown key"),
        (("recording: drive.mp4", "recording: ["), "not valid YAML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, change, words):
    path = tmp_path / "drive.labels.yaml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ConfigError, match=r"drive\.labels\.yaml") as caught:
        load_labels(path)
    assert words in str(caught.value)


def test_csv_errors_name_the_line(tmp_path):
    path = tmp_path / "a.labels.csv"
    path.write_text("kind,start_s,end_s\nyawn,3,x\n")
    with pytest.raises(ConfigError, match=r"a\.labels\.csv:2: end_s is 'x'"):
        load_labels(path)
    path.write_text("kind,start_s\nyawn,3\n")
    with pytest.raises(ConfigError, match="column 'end_s' is missing"):
        load_labels(path)


def test_other_endings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"read from \.yaml"):
        load_labels(tmp_path / "a.txt")
    with pytest.raises(ConfigError, match="cannot read"):
        load_labels(tmp_path / "a.yaml")


def test_zju_frames_are_inclusive(tmp_path):
    path = tmp_path / "blinks.csv"
    path.write_text("clip,start_frame0,end_frame0,glasses\nA,30,32,1\nB,0,0,0\nA,3,5,1\n")
    clips = load_zju(path)
    assert set(clips) == {"A", "B"}
    assert [(e.start_s, e.end_s) for e in clips["A"].events] == [(0.1, 0.2), (1.0, 1.1)]


def test_labels_are_found_beside_the_recording(tmp_path):
    assert labels_beside(tmp_path / "drive.mp4") is None
    beside = tmp_path / "drive.labels.csv"
    beside.write_text("kind,start_s,end_s\n")
    assert labels_beside(tmp_path / "drive.mp4") == beside


@pytest.mark.data
def test_zju_table_of_the_data_set(data):
    clips = load_zju(data / "zju_blink" / "blinks.csv")
    assert len(clips) > 40
    assert all(0.03 < e.end_s - e.start_s < 1.5 for one in clips.values() for e in one.events)


def test_a_stretch_that_ends_before_it_starts_is_told(tmp_path):
    path = tmp_path / "a.labels.yaml"
    path.write_text("events: []\nstretches:\n- {truth: road, start_s: 5, end_s: 2}\n")
    with pytest.raises(ConfigError, match=r"a.labels.yaml:3: expected 0 <= start_s <= end_s"):
        load_labels(path)
